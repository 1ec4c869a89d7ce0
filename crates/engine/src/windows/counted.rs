//! `event_count`, `value_count` and `temporal`: how many events, distinct values or different steps lie within the timespan.
//!
//! A hit is judged in the windows that contain it: the one that ends with it and, when it comes late, those that end with later hits.
//! Entries stay until the watermark has left them behind, so that the order of arrival does not matter within the allowed lateness, and
//! a hit from the future neither expires the present nor is counted with it. To know whether there are k in a window the latest k
//! suffice, and of a distinct value its latest occurrence; room for as many again is kept for hits out of order.

use super::groups::Groups;
use super::pool::{Entry, List, Pool};
use super::{COMPARES, CompareCode, Fired, Hit, Identity, Span, WindowLimits, WindowStats, code, fired};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::Compare;
use std::hash::BuildHasher;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Group {
    window: List,
    /// When the present episode was alerted.
    alerted_ms: Option<i64>,
    /// The first entry within a timespan of the latest one, and how many there are from it on; `None` when that is not known.
    inside: Option<(u32, u32)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    span: Span,
    condition: Vec<(CompareCode, u64)>,
    is_distinct: bool,
    /// The longest window that the condition needs.
    keep_max: u32,
    entries_max: u32,
    entries_evicted: u64,
    groups: Groups<Group>,
    store: Store,
}

/// Thresholds up to this one are exact for late hits too.
const EXACT_LATE_MAX: u32 = 256;
/// Entries that a window may hold beyond twice its threshold.
const ROOM_FOR_DISORDER: u32 = 32;

fn hash(group: u32, value: Identity) -> u64 {
    FixedState::with_seed(0x7661_6c75_6573_2121).hash_one((group, value))
}

/// The entries of one correlation and where they are found.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Store {
    pool: Pool,
    /// Entries by (group, value), for distinct counts.
    #[serde(skip)]
    values: HashTable<u32>,
}

impl Counted {
    pub(super) fn new(span: Span, condition: Vec<(Compare, u64)>, is_distinct: bool, limits: WindowLimits) -> Self {
        let keep_max = condition.iter().map(|&(compare, with)| with.saturating_add(u64::from(compare != Compare::GreaterOrEqual)));
        let keep_max = keep_max.max().unwrap_or(1).max(1);
        Self {
            span,
            condition: condition.into_iter().map(|(compare, with)| (code(compare), with)).collect(),
            is_distinct,
            keep_max: u32::try_from(keep_max).unwrap_or(u32::MAX),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            groups: Groups::new(limits.groups_max),
            store: Store::default(),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        let store = &mut self.store;
        let idle_before = self.span.horizon(watermark);
        let number = self.groups.touch(hit.group, hit.time, idle_before, |number, group| {
            while let Some(oldest) = group.window.oldest() {
                store.forget(number, group, oldest);
            }
        });
        let group = self.groups.at(number);
        // Thresholds in the thousands can't afford to keep what only late hits would need.
        let is_exact_late = self.keep_max <= EXACT_LATE_MAX;
        let horizon_ms = if is_exact_late { idle_before.ms() } else { hit.time.ms().saturating_sub(self.span.timespan_ms) };
        store.expire(number, group, horizon_ms);
        if store.pool.used() >= self.entries_max as usize {
            self.entries_evicted += 1;
            // The group's own oldest makes room; a group that has none has to wait until others expire.
            let oldest = group.window.oldest()?;
            store.forget(number, group, oldest);
        }
        let timespan_ms = self.span.timespan_ms;
        let place = if self.is_distinct {
            store.put_distinct(number, group, hit, timespan_ms)?
        } else {
            store.put(number, group, hit, timespan_ms)
        };
        let kept_max = if is_exact_late { 2 * self.keep_max + ROOM_FOR_DISORDER } else { self.keep_max };
        if group.window.len > kept_max
            && let Some(oldest) = group.window.oldest()
            && oldest != place
        {
            store.forget(number, group, oldest);
        }
        self.verdict(number, place, hit.time.ms())
    }

    /// Fires when the condition has become true in a window that contains the hit, and again only after it was false or the timespan
    /// has passed: one episode, one alert.
    fn verdict(&mut self, number: u32, place: u32, time_ms: i64) -> Option<Fired> {
        let Self { store, condition, span, keep_max, groups, .. } = self;
        let (group, pool, timespan_ms) = (groups.at(number), &store.pool, span.timespan_ms);
        let mut end = Some(place);
        while let Some(at) = end {
            let end_ms = pool.time(at);
            if end_ms.saturating_sub(time_ms) > timespan_ms {
                break;
            }
            let count = match group.inside {
                Some((_, inside)) if group.window.latest() == Some(at) => inside.min(*keep_max),
                _ => pool.count_back(at, end_ms.saturating_sub(timespan_ms), *keep_max),
            };
            let holds = condition.iter().all(|&(compare, with)| COMPARES[usize::from(compare)].holds(u64::from(count), with));
            let is_told = group.alerted_ms.is_some_and(|it| end_ms.abs_diff(it) <= timespan_ms.unsigned_abs());
            if holds && !is_told {
                group.alerted_ms = Some(end_ms);
                return Some(fired(u64::from(count), pool, &pool.up_to(at, count)));
            }
            end = pool.after(at);
            // The condition is seen false when the latest hit finds it so.
            if !holds && end.is_none() {
                group.alerted_ms = None;
            }
        }
        None
    }

    pub(super) fn stats(&self) -> WindowStats {
        WindowStats {
            groups: self.groups.len(),
            entries: self.store.pool.used(),
            groups_evicted: self.groups.evicted,
            entries_evicted: self.entries_evicted,
            ..WindowStats::default()
        }
    }

    pub(super) fn reindex(&mut self) {
        self.groups.reindex();
        self.store.values.clear();
        if self.is_distinct {
            let store = &mut self.store;
            self.groups.each(|_, group| {
                let mut at = group.window.oldest();
                while let Some(place) = at {
                    store.index_value(place);
                    at = store.pool.after(place);
                }
            });
        }
    }
}

impl Store {
    /// Drops the entries before `start_ms`; an event exactly a timespan ago still counts.
    fn expire(&mut self, number: u32, group: &mut Group, start_ms: i64) {
        while let Some(oldest) = group.window.oldest()
            && self.pool.time(oldest) < start_ms
        {
            self.forget(number, group, oldest);
        }
    }

    /// Takes an entry out of its window, out of the count and out of the index.
    fn forget(&mut self, number: u32, group: &mut Group, at: u32) {
        let time_ms = self.pool.time(at);
        if !self.values.is_empty()
            && let Ok(found) = self.values.find_entry(hash(number, self.pool.value(at)), |&it| it == at)
        {
            found.remove();
        }
        if let Some((first, inside)) = group.inside {
            let is_latest = group.window.latest() == Some(at);
            group.inside = if is_latest {
                None
            } else if first == at {
                self.pool.after(at).map(|it| (it, inside - 1))
            } else if time_ms >= self.pool.time(first) {
                Some((first, inside - 1))
            } else {
                group.inside
            };
        }
        self.pool.remove(&mut group.window, at);
    }

    /// Puts an entry where its time belongs, and keeps the count of the window that ends with the latest one.
    fn put(&mut self, number: u32, group: &mut Group, hit: &Hit, timespan_ms: i64) -> u32 {
        let place = self.pool.insert(&mut group.window, &Entry::new(hit, number));
        let Some(latest) = group.window.latest() else { return place };
        let start_ms = self.pool.time(latest).saturating_sub(timespan_ms);
        group.inside = match group.inside {
            Some((mut first, mut inside)) if latest == place => {
                inside += 1;
                while self.pool.time(first) < start_ms
                    && let Some(next) = self.pool.after(first)
                {
                    first = next;
                    inside -= 1;
                }
                Some((first, inside))
            }
            Some((first, inside)) if hit.time.ms() >= start_ms => {
                let is_first = self.pool.after(place) == Some(first);
                Some((if is_first { place } else { first }, inside + 1))
            }
            Some(known) => Some(known),
            None => {
                let (mut first, mut inside) = (latest, 1);
                while let Some(earlier) = self.pool.before(first)
                    && self.pool.time(earlier) >= start_ms
                {
                    first = earlier;
                    inside += 1;
                }
                Some((first, inside))
            }
        };
        place
    }

    /// Of a value only the latest occurrence stays in the window; `None` when that is not this one. An occurrence so far ahead that no
    /// window holds both gives way: it can only be a wrong clock.
    fn put_distinct(&mut self, number: u32, group: &mut Group, hit: &Hit, timespan_ms: i64) -> Option<u32> {
        let pool = &self.pool;
        let same = |&at: &u32| pool.value(at) == hit.value && pool.group(at) == number;
        let known = self.values.find(hash(number, hit.value), same).copied();
        if let Some(known) = known {
            let ahead_ms = pool.time(known).saturating_sub(hit.time.ms());
            if ahead_ms > 0 && ahead_ms <= timespan_ms {
                return None;
            }
        }
        // The new one first: the window's end moves on at once, and the count need not be made anew.
        let at = self.put(number, group, hit, timespan_ms);
        if let Some(known) = known {
            self.forget(number, group, known);
        }
        self.index_value(at);
        Some(at)
    }

    fn index_value(&mut self, at: u32) {
        let pool = &self.pool;
        let hash_of = |&it: &u32| hash(pool.group(it), pool.value(it));
        self.values.insert_unique(hash_of(&at), at, hash_of);
    }
}
