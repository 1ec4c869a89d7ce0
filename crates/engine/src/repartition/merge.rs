//! Items of several partitions in one order: by event time, then by partition, then by offset.
//!
//! Each partition says up to which time it has come (its *frontier*): nothing that it has yet to send is before that. What is before the
//! frontiers of all that are not idle is due. So the order depends on what the partitions hold, and not on how fast each of them is read,
//! unless one was said to be idle, or too much waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Most items that wait for slower partitions. Then the earliest are taken all the same, and counted.
pub const PENDING_MAX: usize = 200_000;

/// The partition that an item is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
}

impl Origin {
    /// Partition `partition` of `topic`.
    pub fn new(topic: &str, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

/// Where an item belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Event time, in milliseconds; the partition's frontier for an event from before that.
    pub time_ms: i64,
    /// Whence it comes.
    pub origin: Origin,
    /// The offset of the event that it is of.
    pub offset: i64,
    /// Which of the items of that event.
    pub nth: u32,
}

/// How far a partition has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// When its present life has begun, in milliseconds. In another life offsets may come again.
    pub begun: i64,
    /// Everything before this offset has been sent.
    pub end_offset: i64,
    /// What comes will not be before this event time, in milliseconds.
    pub frontier_ms: i64,
    /// There is nothing to read: nobody is to wait for it.
    pub is_idle: bool,
}

impl Stand {
    /// Of a partition of which nothing is known yet.
    const UNKNOWN: Self = Self { begun: i64::MIN, end_offset: i64::MIN, frontier_ms: i64::MIN, is_idle: false };
}

/// What became of items, since the beginning, and what waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeStats {
    /// Items that had come before.
    pub repeated: u64,
    /// Items that came behind others which belong behind them.
    pub late: u64,
    /// Items that were taken before their time because too many waited.
    pub hurried: u64,
    /// Items that wait for slower partitions.
    pub pending: usize,
    /// How far apart the partitions are that somebody waits for, in milliseconds of event time.
    pub spread_ms: i64,
}

/// See the module.
#[derive(Debug)]
pub struct Merger<T> {
    stands: BTreeMap<Origin, Stand>,
    pending: BTreeMap<Key, T>,
    pending_max: usize,
    /// The highest key so far.
    last: Option<Key>,
    stats: MergeStats,
}

impl<T> Merger<T> {
    /// Waits for all of `origins` until they say how far they are, with at most `pending_max` items in memory.
    pub fn new(origins: impl IntoIterator<Item = Origin>, pending_max: usize) -> Self {
        let stands = origins.into_iter().map(|it| (it, Stand::UNKNOWN)).collect();
        Self { stands, pending: BTreeMap::new(), pending_max, last: None, stats: MergeStats::default() }
    }

    /// Takes what `origin` has sent: each item with its event time in milliseconds, and the offset of its event. In the order of the offsets.
    pub fn accept(&mut self, origin: &Origin, stand: &Stand, items: impl IntoIterator<Item = (i64, i64, T)>) {
        let sent_to = self.hear(origin, stand);
        let mut nth = 0;
        let mut last = None;
        for (time_ms, offset, item) in items {
            if offset < sent_to {
                // Who is idle says once more how far it is.
                self.stats.repeated += u64::from(!stand.is_idle);
                continue;
            }
            nth = if last == Some(offset) { nth + 1 } else { 0 };
            last = Some(offset);
            self.pending.insert(Key { time_ms, origin: origin.clone(), offset, nth }, item);
        }
    }

    /// Takes note of how far `origin` is. Everything that it sends of before the offset that this gives has come before.
    pub(super) fn hear(&mut self, origin: &Origin, stand: &Stand) -> i64 {
        let known = self.stands.entry(origin.clone()).or_insert(Stand::UNKNOWN);
        let sent_to = if known.begun == stand.begun { known.end_offset } else { i64::MIN };
        *known = Stand {
            begun: stand.begun,
            end_offset: sent_to.max(stand.end_offset),
            frontier_ms: known.frontier_ms.max(stand.frontier_ms),
            is_idle: stand.is_idle,
        };
        sent_to
    }

    /// Adds to what there is at `key`.
    pub(super) fn put(&mut self, key: Key, add: impl FnOnce(&mut T))
    where
        T: Default,
    {
        add(self.pending.entry(key).or_default());
    }

    /// Something has come before.
    pub(super) fn note_repeated(&mut self) {
        self.stats.repeated += 1;
    }

    /// What is due, in order.
    pub fn take_due(&mut self) -> Vec<(Key, T)> {
        self.take_before(self.bound().as_ref())
    }

    /// What is before `bound`, in order; without one, everything.
    pub(super) fn take_before(&mut self, bound: Option<&Key>) -> Vec<(Key, T)> {
        let mut due = Vec::new();
        while let Some(first) = self.pending.first_entry() {
            let is_due = bound.is_none_or(|it| first.key() < it);
            if !is_due && self.pending.len() <= self.pending_max {
                break;
            }
            let Some((key, item)) = self.pending.pop_first() else { break };
            self.stats.hurried += u64::from(!is_due);
            if self.last.as_ref().is_some_and(|it| key < *it) {
                self.stats.late += 1;
            } else {
                self.last = Some(key.clone());
            }
            due.push((key, item));
        }
        due
    }

    /// Nothing that comes will be before it; nothing, if all are idle.
    pub(super) fn bound(&self) -> Option<Key> {
        self.bound_of(|_, it| !it.is_idle)
    }

    /// The same if somebody waits for those who `is_awaited`.
    pub(super) fn bound_of(&self, is_awaited: impl Fn(&Origin, &Stand) -> bool) -> Option<Key> {
        let awaited = self.stands.iter().filter(|(origin, it)| is_awaited(origin, it));
        let first = awaited.min_by_key(|(origin, it)| (it.frontier_ms, *origin))?;
        let (origin, Stand { end_offset, frontier_ms, .. }) = first;
        Some(Key { time_ms: *frontier_ms, origin: origin.clone(), offset: *end_offset, nth: 0 })
    }

    /// The latest that any of them has come to.
    pub(super) fn latest_ms(&self) -> i64 {
        self.stands.values().map(|it| it.frontier_ms).max().unwrap_or(i64::MIN)
    }

    /// Forgets the partitions that `is_there` does not know. Says whether there were any.
    pub fn retain(&mut self, is_there: impl Fn(&Origin) -> bool) -> bool {
        let before = self.stands.len();
        self.stands.retain(|it, _| is_there(it));
        self.stands.len() < before
    }

    /// Changes the items that wait; those that become nothing go.
    pub fn translate(&mut self, mut change: impl FnMut(T) -> Option<T>) {
        let pending = std::mem::take(&mut self.pending);
        self.pending = pending.into_iter().filter_map(|(key, it)| Some((key, change(it)?))).collect();
    }

    /// The partitions that are known.
    pub fn origins(&self) -> impl Iterator<Item = (&Origin, &Stand)> {
        self.stands.iter()
    }

    /// How it stands.
    pub fn stats(&self) -> MergeStats {
        let frontiers = || self.stands.values().filter(|it| !it.is_idle && it.frontier_ms > i64::MIN).map(|it| it.frontier_ms);
        let spread_ms = frontiers().max().zip(frontiers().min()).map_or(0, |(max, min)| max.saturating_sub(min));
        MergeStats { pending: self.pending.len(), spread_ms, ..self.stats }
    }

    /// Everything that the order of what comes depends on.
    pub(crate) fn parts(&self) -> (&BTreeMap<Origin, Stand>, &BTreeMap<Key, T>, Option<&Key>, MergeStats) {
        (&self.stands, &self.pending, self.last.as_ref(), self.stats)
    }

    /// The one that [`Self::parts`] are of.
    pub(crate) fn of_parts(
        stands: impl IntoIterator<Item = (Origin, Stand)>,
        pending: impl IntoIterator<Item = (Key, T)>,
        last: Option<Key>,
        stats: MergeStats,
    ) -> Self {
        let (stands, pending) = (stands.into_iter().collect(), pending.into_iter().collect());
        Self { stands, pending, pending_max: PENDING_MAX, last, stats }
    }
}
