//! What a counting window keeps, and what goes when.
//!
//! An entry goes when the watermark has left it behind by more than the timespan; when the watermark has passed as many later ones as
//! the condition counts to; and, being stale, when the watermark has passed what made it so. No window that is still to be judged could
//! need it. Beyond [`ROOM_FOR_LATE`] entries that only late hits could need, and with little room when the arena is half full, the oldest
//! of those go as well, which is counted. All of that is looked after once per chunk, not once per hit.

use super::Identity;
use super::timeline::{Contents, Entry, List, Timeline};
use super::told::Told;
use crate::places::Places;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Entries of a window beyond those that its condition counts to, for hits that come late.
const ROOM_FOR_LATE: u32 = 4_096;
/// The same while the arena is more than half full.
const ROOM_IF_TIGHT: u32 = 64;
/// Entries from which on it is looked for those that nothing needs.
const PRUNE_FROM: NonZeroU32 = NonZeroU32::new(16).expect("sixteen is not zero");
/// Evictions after which a group is looked through, however long it is.
const EVICTIONS: u64 = 16;
/// No entry.
const NONE: u32 = u32::MAX;

/// The window of one group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Group {
    window: List,
    /// The first entry within a timespan of the latest.
    first: u32,
    /// How many there are from it on; of each value only the latest.
    pub(super) inside: u32,
    /// At how many entries it is looked for superfluous ones next.
    prune_at: NonZeroU32,
    pub(super) told: Told,
}

impl Default for Group {
    fn default() -> Self {
        Self { window: List::default(), first: NONE, inside: 0, prune_at: PRUNE_FROM, told: Told::default() }
    }
}

fn prune_at(len: u32) -> NonZeroU32 {
    NonZeroU32::new(len).map_or(PRUNE_FROM, |it| it.max(PRUNE_FROM))
}

/// The entries of one correlation and where they are found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Store {
    pub(super) timeline: Timeline<Identity>,
    pub(super) is_distinct: bool,
    /// The longest window that the condition needs.
    pub(super) keep_max: u32,
    entries_max: u32,
    /// Entries that went although their window needed them.
    pub(super) evicted: u64,
    /// Entries and told episodes that went although a late hit could have needed them.
    pub(super) thinned: u64,
    /// Of distinct values the latest entries.
    #[serde(skip)]
    values: Places,
}

impl Store {
    pub(super) fn new(is_distinct: bool, keep_max: u32, entries_max: u32) -> Self {
        let (timeline, values) = (Timeline::new(is_distinct), Places::default());
        Self { timeline, is_distinct, keep_max, entries_max, evicted: 0, thinned: 0, values }
    }

    /// Puts an entry where its time belongs, and keeps the count of the window that ends with the latest one.
    pub(super) fn put(&mut self, group: &mut Group, entry: &Entry<'_, Identity>, timespan_ms: i64) -> u32 {
        let latest_ms = self.timeline.latest(&group.window).map(|it| self.timeline.time(it));
        if latest_ms.is_some_and(|it| it > entry.time_ms) {
            return self.put_late(group, entry, latest_ms.unwrap_or(0).saturating_sub(timespan_ms));
        }
        let at = self.insert(group, entry);
        if let Some(known) = self.replace(entry.value, at) {
            // It was inside if it is not before the window's first entry.
            let is_inside = group.first != NONE && self.timeline.time(known) >= self.timeline.time(group.first);
            group.inside -= u32::from(is_inside);
            self.timeline.make_stale(known, entry.time_ms);
        }
        group.inside += 1;
        let start_ms = entry.time_ms.saturating_sub(timespan_ms);
        let mut first = if group.first == NONE { at } else { group.first };
        while self.timeline.time(first) < start_ms
            && let Some(next) = self.timeline.after(first)
        {
            group.inside -= u32::from(!self.timeline.is_stale(first));
            first = next;
        }
        group.first = first;
        at
    }

    /// Puts an entry where its time belongs; what has to move is found again.
    fn insert(&mut self, group: &mut Group, entry: &Entry<'_, Identity>) -> u32 {
        let Self { timeline, values, is_distinct, .. } = self;
        let mut first = group.first;
        let at = timeline.insert(&mut group.window, entry, |value, from, to| {
            if from == first {
                first = to;
            }
            if *is_distinct {
                values.replace(value.0[0], |it| it == from, to);
            }
        });
        group.first = first;
        at
    }

    /// How many are in the window that ends with `at`, up to `enough`, without a look at which values they are. `None` where that
    /// is needed.
    pub(super) fn count_until(&self, at: u32, start_ms: i64, enough: u32) -> Option<u32> {
        let end_ms = self.timeline.time(at);
        // The latest of its value counts for it, unless that comes after the window.
        self.timeline.count_until(at, start_ms, enough, |stale| {
            self.latest_of(self.timeline.value(stale)).is_some_and(|it| self.timeline.time(it) <= end_ms)
        })
    }

    /// The latest entry of a value.
    fn latest_of(&self, value: Identity) -> Option<u32> {
        self.values.find(value.0[0], |it| self.timeline.value(it) == value)
    }

    fn put_late(&mut self, group: &mut Group, entry: &Entry<'_, Identity>, start_ms: i64) -> u32 {
        let at = self.insert(group, entry);
        let later = self.latest_of(entry.value).map(|it| self.timeline.time(it)).filter(|it| *it > entry.time_ms);
        if let Some(since_ms) = later {
            self.timeline.make_stale(at, since_ms);
        } else if let Some(known) = self.replace(entry.value, at) {
            group.inside -= u32::from(self.timeline.time(known) >= start_ms);
            self.timeline.make_stale(known, entry.time_ms);
        }
        if entry.time_ms >= start_ms {
            group.inside += u32::from(later.is_none());
            if self.timeline.after(at) == Some(group.first) {
                group.first = at;
            }
        }
        at
    }

    /// Makes an entry the latest of its value, and tells which one was.
    fn replace(&mut self, value: Identity, at: u32) -> Option<u32> {
        let Self { timeline, values, is_distinct, .. } = self;
        if !*is_distinct {
            return None;
        }
        let known = values.replace(value.0[0], |it| timeline.value(it) == value, at);
        if known.is_none() {
            values.insert(value.0[0], at);
        }
        known
    }

    /// Has brought near what tells where the latest entry of a value is.
    pub(super) fn expect_value(&self, value: Identity) {
        self.values.fetch(value.0[0]);
    }

    /// Has brought near what a hit of this value will look at, if there is one yet.
    pub(super) fn fetch_value(&self, value: Identity) {
        if let Some(known) = self.values.find(value.0[0], |_| true) {
            self.timeline.fetch_value(known);
            self.timeline.fetch(known);
        }
    }

    /// Has brought near where a window begins and ends.
    pub(super) fn fetch(&self, group: &Group) {
        self.timeline.fetch_end(&group.window);
        self.timeline.fetch(group.first);
    }

    /// Has brought near what follows where a window begins.
    pub(super) fn fetch_next(&self, group: &Group) {
        self.timeline.fetch_second(&group.window);
        self.timeline.fetch_after(group.first);
        if self.is_distinct {
            self.timeline.leaving(&group.window).for_each(|it| self.values.fetch(it.0[0]));
        }
    }

    /// Whether there is room for one more entry. Where the arena is full, the group's own oldest makes room; a group that has none has
    /// to wait until others have gone.
    pub(super) fn has_room(&mut self, group: &mut Group) -> bool {
        if self.timeline.used() < self.entries_max as usize {
            return true;
        }
        self.evicted += 1;
        if self.evicted.is_multiple_of(EVICTIONS) {
            // Perhaps nothing needs them: it is looked when the next chunk is begun.
            group.prune_at = NonZeroU32::MIN;
        }
        let Some(oldest) = self.timeline.oldest(&group.window) else { return false };
        self.forget(oldest);
        if group.first == oldest {
            group.inside -= u32::from(!self.timeline.is_stale(oldest));
            group.first = self.timeline.after(oldest).unwrap_or(NONE);
        }
        self.timeline.remove(&mut group.window, oldest);
        true
    }

    /// Lets go what nothing needs any more, when the next entry will need a new chunk.
    pub(super) fn tend(&mut self, group: &mut Group, horizon_ms: i64, watermark_ms: i64) {
        if self.timeline.has_room(&group.window) {
            return;
        }
        while let Some(oldest) = self.timeline.first_chunk(&group.window).filter(|it| it.last_ms < horizon_ms) {
            self.drop_chunk(group, oldest.chunk);
        }
        // A window that has become much shorter begins anew.
        group.prune_at = group.prune_at.min(prune_at(4 * group.window.len));
        if group.window.len >= group.prune_at.get() {
            let is_tight = self.timeline.used() > self.entries_max as usize / 2;
            let room = if is_tight { ROOM_IF_TIGHT } else { ROOM_FOR_LATE };
            self.prune(group, watermark_ms, self.keep_max.saturating_add(room));
            // So many more that each entry is looked at a few times in all.
            group.prune_at = prune_at(group.window.len + group.window.len / 2);
        }
    }

    fn prune(&mut self, group: &mut Group, watermark_ms: i64, len_max: u32) {
        // Stale ones that the watermark has passed, and how many of the others it has.
        let mut settled = 0;
        self.each_chunk(group, |store, group, it| {
            let is_settled = it.last_ms < watermark_ms;
            if is_settled && it.live == 0 && it.stale_since_ms < watermark_ms {
                store.drop_chunk(group, it.chunk);
            } else if is_settled {
                settled += it.live;
            }
            is_settled
        });
        // The latest of the settled ones are enough.
        self.each_chunk(group, |store, group, it| {
            let is_needless = it.last_ms < watermark_ms && settled.saturating_sub(it.live) >= store.keep_max;
            if is_needless {
                settled -= it.live;
                store.drop_chunk(group, it.chunk);
            }
            is_needless
        });
        if group.window.len > len_max {
            self.thin_out(group, len_max);
        }
    }

    /// Lets entries go that only late hits could need, the oldest first: stale ones, then more than the condition counts to.
    fn thin_out(&mut self, group: &mut Group, len_max: u32) {
        let mut live = 0;
        self.each_chunk(group, |store, group, it| {
            live += it.live;
            if it.live == 0 && group.window.len > len_max {
                store.thinned += u64::from(it.len);
                store.drop_chunk(group, it.chunk);
            }
            true
        });
        self.each_chunk(group, |store, group, it| {
            let may_go = group.window.len > len_max && live.saturating_sub(it.live) >= store.keep_max;
            if may_go {
                live -= it.live;
                store.thinned += u64::from(it.len);
                store.drop_chunk(group, it.chunk);
            }
            may_go
        });
    }

    /// Shows the chunks of a group from the oldest on, while `show` wants more. A chunk that is shown may go.
    fn each_chunk(&mut self, group: &mut Group, mut show: impl FnMut(&mut Self, &mut Group, Contents) -> bool) {
        let mut next = self.timeline.first_chunk(&group.window);
        while let Some(it) = next {
            next = self.timeline.next_chunk(it.chunk);
            if !show(self, group, it) {
                break;
            }
        }
    }

    fn drop_chunk(&mut self, group: &mut Group, chunk: u32) {
        if self.is_distinct {
            self.timeline.places_of(chunk).for_each(|it| self.forget(it));
        }
        if group.first != NONE && Timeline::<Identity>::chunk(group.first) == chunk {
            let lost = self.timeline.places_of(chunk).filter(|it| *it >= group.first && !self.timeline.is_stale(*it));
            group.inside -= u32::try_from(lost.count()).unwrap_or(0);
            let next = self.timeline.next_chunk(chunk).and_then(|it| self.timeline.places_of(it.chunk).next());
            group.first = next.unwrap_or(NONE);
        }
        self.timeline.remove_chunk(&mut group.window, chunk);
    }

    /// Takes an entry out of the index.
    fn forget(&mut self, at: u32) {
        if self.is_distinct && !self.timeline.is_stale(at) {
            self.values.remove(self.timeline.value(at).0[0], at);
        }
    }

    /// Forgets a group.
    pub(super) fn clear(&mut self, group: &mut Group) {
        while let Some(chunk) = self.timeline.first_chunk(&group.window) {
            self.drop_chunk(group, chunk.chunk);
        }
    }

    /// Makes the index anew after the entries were read back.
    pub(super) fn reindex(&mut self, group: &Group) {
        let Self { timeline, values, is_distinct, .. } = self;
        for at in timeline.places(&group.window).filter(|it| *is_distinct && !timeline.is_stale(*it)) {
            values.insert(timeline.value(at).0[0], at);
        }
    }
}
