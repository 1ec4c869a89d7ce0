//! Entries of all windows of one correlation, in one arena: a window is a doubly linked list, and what expires is used again.

use super::{Hit, Identity, Sign, lean};
use crate::small_text::SmallText;
use serde::{Deserialize, Serialize};

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// One event that enters a window.
#[derive(Debug)]
pub(super) struct Entry<'h> {
    /// Milliseconds since the epoch.
    pub(super) time_ms: i64,
    /// The counted value's identity; 0 where events are counted.
    pub(super) value: Identity,
    /// The number of the group that the window belongs to.
    pub(super) group: u32,
    pub(super) event: &'h SmallText,
    pub(super) actor: &'h SmallText,
}

impl<'h> Entry<'h> {
    pub(super) fn new(hit: &'h Hit, group: u32) -> Self {
        Self { time_ms: hit.time.ms(), value: hit.value, group, event: &hit.event, actor: &hit.actor }
    }
}

/// What every look at a window reads. Waiting for memory is most of what a hit costs, so that this is small and the rest apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Node {
    time_ms: i64,
    previous: u32,
    next: u32,
}

/// What is counted, and for whom.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Key {
    value: Identity,
    group: u32,
}

/// What only alerts show.
#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    event: SmallText,
    actor: SmallText,
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
    /// The place of the oldest entry.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }
}

/// The arena. Of an entry that has gone nothing is read; its place is used again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Pool {
    nodes: Vec<Node>,
    keys: Vec<Key>,
    shown: Vec<Shown>,
    free: Vec<u32>,
}

impl Pool {
    /// When the event was, in milliseconds since the epoch.
    pub(super) fn time(&self, at: u32) -> i64 {
        self.nodes[at as usize].time_ms
    }

    /// The identity of what is counted.
    pub(super) fn value(&self, at: u32) -> Identity {
        self.keys[at as usize].value
    }

    /// What an alert shows of some entries.
    pub(super) fn signs(&self, places: &[u32]) -> Vec<Sign<'_>> {
        let sign = |at: u32| {
            let Shown { event, actor } = &self.shown[at as usize];
            Sign { time_ms: self.time(at), event, actor: Some(actor) }
        };
        places.iter().map(|it| sign(*it)).collect()
    }

    /// Whether two entries are of one event.
    pub(super) fn is_of_one(&self, left: u32, right: u32) -> bool {
        self.time(left) == self.time(right) && self.shown[left as usize].event == self.shown[right as usize].event
    }

    /// Whether another event of the same time is before an entry's.
    pub(super) fn has_twin(&self, at: u32) -> bool {
        let mut of_time = self.back_from(at).take_while(|it| self.time(*it) == self.time(at));
        of_time.any(|it| !self.is_of_one(it, at))
    }

    /// How many entries are in use.
    pub(super) fn used(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// The entry after `at` in its list.
    pub(super) fn after(&self, at: u32) -> Option<u32> {
        let next = self.nodes[at as usize].next;
        (next != NONE).then_some(next)
    }

    /// The entry before `at` in its list.
    pub(super) fn before(&self, at: u32) -> Option<u32> {
        let previous = self.nodes[at as usize].previous;
        (previous != NONE).then_some(previous)
    }

    /// The places of a list from `at` on, going back in time.
    fn back_from(&self, at: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(at), |&it| self.before(it))
    }

    /// The places of the `count` entries that end with `at`, in the order of their times.
    pub(super) fn up_to(&self, at: u32, count: u32) -> Vec<u32> {
        let mut places: Vec<u32> = self.back_from(at).take(count as usize).collect();
        places.reverse();
        places
    }

    /// The oldest entry of a list that stands between two others of its value.
    pub(super) fn between_equals(&self, list: &List) -> Option<u32> {
        let value = |it: Option<u32>| it.map(|it| self.value(it));
        let places = std::iter::successors(list.oldest(), |&it| self.after(it));
        let is_between = |at: u32| {
            let own = Some(self.value(at));
            value(self.before(at)) == own && value(self.after(at)) == own
        };
        places.into_iter().find(|&it| is_between(it))
    }

    /// Puts an entry into a list where its time belongs, and tells its place. Almost always that is the end.
    pub(super) fn insert(&mut self, list: &mut List, entry: &Entry<'_>) -> u32 {
        let &Entry { time_ms, value, group, event, actor } = entry;
        let node = Node { time_ms, previous: NONE, next: NONE };
        let (key, shown) = (Key { value, group }, Shown { event: event.clone(), actor: actor.clone() });
        let at = if let Some(at) = self.free.pop() {
            let place = at as usize;
            (self.nodes[place], self.keys[place], self.shown[place]) = (node, key, shown);
            at
        } else {
            lean::push(&mut self.nodes, node);
            lean::push(&mut self.keys, key);
            lean::push(&mut self.shown, shown);
            u32::try_from(self.nodes.len() - 1).expect("entries are limited far below 2^32")
        };
        let mut after = list.tail;
        while after != NONE && self.time(after) > time_ms {
            after = self.nodes[after as usize].previous;
        }
        self.link(list, at, after);
        at
    }

    /// Takes an entry out of a list and frees it.
    pub(super) fn remove(&mut self, list: &mut List, at: u32) {
        let Node { previous, next, .. } = self.nodes[at as usize];
        if previous == NONE {
            list.head = next;
        } else {
            self.nodes[previous as usize].next = next;
        }
        if next == NONE {
            list.tail = previous;
        } else {
            self.nodes[next as usize].previous = previous;
        }
        list.len -= 1;
        self.free.push(at);
    }

    fn link(&mut self, list: &mut List, at: u32, after: u32) {
        let next = if after == NONE { list.head } else { self.nodes[after as usize].next };
        self.nodes[at as usize].previous = after;
        self.nodes[at as usize].next = next;
        if after == NONE {
            list.head = at;
        } else {
            self.nodes[after as usize].next = at;
        }
        if next == NONE {
            list.tail = at;
        } else {
            self.nodes[next as usize].previous = at;
        }
        list.len += 1;
    }
}
