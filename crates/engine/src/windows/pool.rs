//! Entries of all windows of one correlation, in one arena: a window is a doubly linked list, and what expires is used again.

use super::{Hit, Identity};
use crate::small_text::SmallText;
use serde::{Deserialize, Serialize};

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// One event in a window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Milliseconds since the epoch.
    pub(super) time_ms: i64,
    /// The counted value's identity; 0 where events are counted.
    pub(super) value: Identity,
    /// The number of the group that the window belongs to.
    pub(super) group: u32,
    pub(super) event: SmallText,
    pub(super) actor: SmallText,
    previous: u32,
    next: u32,
}

impl Entry {
    pub(super) fn new(hit: &Hit, group: u32) -> Self {
        let (event, actor) = (hit.event.clone(), hit.actor.clone());
        Self { time_ms: hit.time.ms(), value: hit.value, group, event, actor, previous: NONE, next: NONE }
    }
}

/// A window: entries in event-time order, those of equal time in order of arrival.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct List {
    head: u32,
    tail: u32,
    pub(super) len: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }
}

impl List {
    /// The place of the latest entry.
    pub(super) fn latest(&self) -> Option<u32> {
        (self.tail != NONE).then_some(self.tail)
    }

    /// The place of the oldest entry.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }
}

/// The arena.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Pool {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

impl Pool {
    pub(super) fn get(&self, at: u32) -> &Entry {
        &self.entries[at as usize]
    }

    /// How many entries are in use.
    pub(super) fn used(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// The entry after `at` in its list.
    pub(super) fn after(&self, at: u32) -> Option<u32> {
        let next = self.get(at).next;
        (next != NONE).then_some(next)
    }

    /// The entry before `at` in its list.
    pub(super) fn before(&self, at: u32) -> Option<u32> {
        let previous = self.get(at).previous;
        (previous != NONE).then_some(previous)
    }

    /// The entries of a list from `at` on, going back in time.
    pub(super) fn back_from(&self, at: u32) -> impl Iterator<Item = &Entry> {
        let mut at = at;
        std::iter::from_fn(move || {
            let entry = (at != NONE).then(|| self.get(at))?;
            at = entry.previous;
            Some(entry)
        })
    }

    /// How many entries there are from `at` back to `start_ms`, `at` included; not more than `enough`.
    pub(super) fn count_back(&self, at: u32, start_ms: i64, enough: u32) -> u32 {
        let inside = self.back_from(at).take(enough as usize).take_while(|it| it.time_ms >= start_ms);
        u32::try_from(inside.count()).unwrap_or(enough)
    }

    /// Puts an entry into a list where its time belongs, and tells its place. Almost always that is the end.
    pub(super) fn insert(&mut self, list: &mut List, entry: Entry) -> u32 {
        let time_ms = entry.time_ms;
        let at = if let Some(at) = self.free.pop() {
            self.entries[at as usize] = entry;
            at
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("entries are limited far below 2^32")
        };
        let mut after = list.tail;
        while after != NONE && self.get(after).time_ms > time_ms {
            after = self.get(after).previous;
        }
        self.link(list, at, after);
        at
    }

    /// Takes an entry out of a list and frees it.
    pub(super) fn remove(&mut self, list: &mut List, at: u32) {
        let (previous, next) = (self.get(at).previous, self.get(at).next);
        if previous == NONE {
            list.head = next;
        } else {
            self.entries[previous as usize].next = next;
        }
        if next == NONE {
            list.tail = previous;
        } else {
            self.entries[next as usize].previous = previous;
        }
        list.len -= 1;
        self.entries[at as usize].event = SmallText::default();
        self.entries[at as usize].actor = SmallText::default();
        self.free.push(at);
    }

    fn link(&mut self, list: &mut List, at: u32, after: u32) {
        let next = if after == NONE { list.head } else { self.get(after).next };
        self.entries[at as usize].previous = after;
        self.entries[at as usize].next = next;
        if after == NONE {
            list.head = at;
        } else {
            self.entries[after as usize].next = at;
        }
        if next == NONE {
            list.tail = at;
        } else {
            self.entries[next as usize].previous = at;
        }
        list.len += 1;
    }
}
