//! `event_count`, `value_count` and `temporal`: how many events, distinct values or different steps lie within the timespan.
//!
//! A hit is judged in the windows that contain it: the one that ends with it and, when it comes late, those that end with later hits.
//! Entries stay until the watermark has left them behind, so that the order of arrival does not matter within the allowed lateness, and
//! a hit from the future neither expires the present nor is counted with it. To know whether there are k in a window the latest k
//! suffice, and of a distinct value its latest occurrence; room for as many again is kept for hits out of order.

use super::groups::Groups;
use super::pool::{Entry, List, Pool};
use super::{Fired, Hit, Identity, WindowLimits, WindowStats, fired};
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
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    timespan_ms: i64,
    condition: Vec<(CompareCode, u64)>,
    is_distinct: bool,
    /// The longest window that the condition needs.
    keep_max: u32,
    entries_max: u32,
    entries_evicted: u64,
    groups: Groups<Group>,
    pool: Pool,
    /// Entries by (group, value), for distinct counts.
    #[serde(skip)]
    values: HashTable<u32>,
}

/// Thresholds up to this one are exact for late hits too.
const EXACT_LATE_MAX: u32 = 256;
/// Entries that a window may hold beyond twice its threshold.
const ROOM_FOR_DISORDER: u32 = 32;

/// A [`Compare`] as it is written into snapshots.
type CompareCode = u8;

const COMPARES: [Compare; 6] =
    [Compare::Equal, Compare::Less, Compare::LessOrEqual, Compare::Greater, Compare::GreaterOrEqual, Compare::NotEqual];

fn hash(group: u32, value: Identity) -> u64 {
    FixedState::with_seed(0x7661_6c75_6573_2121).hash_one((group, value))
}

impl Counted {
    pub(super) fn new(timespan_ms: i64, condition: Vec<(Compare, u64)>, is_distinct: bool, limits: WindowLimits) -> Self {
        let keep_max = condition.iter().map(|&(compare, with)| with.saturating_add(u64::from(compare != Compare::GreaterOrEqual)));
        let keep_max = keep_max.max().unwrap_or(1).max(1);
        let code = |it: Compare| COMPARES.iter().position(|known| *known == it).and_then(|it| u8::try_from(it).ok()).unwrap_or(0);
        Self {
            timespan_ms,
            condition: condition.into_iter().map(|(compare, with)| (code(compare), with)).collect(),
            is_distinct,
            keep_max: u32::try_from(keep_max).unwrap_or(u32::MAX),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            groups: Groups::new(limits.groups_max),
            pool: Pool::default(),
            values: HashTable::new(),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        let (pool, values) = (&mut self.pool, &mut self.values);
        let idle_before = watermark.plus_ms(-self.timespan_ms);
        let number = self.groups.touch(hit.group, hit.time, idle_before, |number, group| {
            while let Some(oldest) = group.window.oldest() {
                forget(pool, values, number, &mut group.window, oldest);
            }
        });
        let group = self.groups.at(number);
        // Thresholds in the thousands can't afford to keep what only late hits would need.
        let is_exact_late = self.keep_max <= EXACT_LATE_MAX;
        let horizon_ms = if is_exact_late { idle_before.ms() } else { hit.time.ms().saturating_sub(self.timespan_ms) };
        expire(pool, values, number, &mut group.window, horizon_ms);
        if pool.used() >= self.entries_max as usize {
            self.entries_evicted += 1;
            // The group's own oldest makes room; a group that has none has to wait until others expire.
            let oldest = group.window.oldest()?;
            forget(pool, values, number, &mut group.window, oldest);
        }
        let place = if self.is_distinct {
            put_distinct(pool, values, number, &mut group.window, hit, self.timespan_ms)?
        } else {
            pool.insert(&mut group.window, Entry::new(hit, number))
        };
        let kept_max = if is_exact_late { 2 * self.keep_max + ROOM_FOR_DISORDER } else { self.keep_max };
        if group.window.len > kept_max
            && let Some(oldest) = group.window.oldest()
            && oldest != place
        {
            forget(pool, values, number, &mut group.window, oldest);
        }
        self.verdict(number, place, hit.time.ms())
    }

    /// Fires when the condition has become true in a window that contains the hit, and again only after it was false or the timespan
    /// has passed: one episode, one alert.
    fn verdict(&mut self, number: u32, place: u32, time_ms: i64) -> Option<Fired> {
        let Self { pool, condition, timespan_ms, keep_max, groups, .. } = self;
        let group = groups.at(number);
        let mut end = Some(place);
        while let Some(at) = end {
            let end_ms = pool.get(at).time_ms;
            if end_ms.saturating_sub(time_ms) > *timespan_ms {
                break;
            }
            let count = pool.count_back(at, end_ms.saturating_sub(*timespan_ms), *keep_max);
            let holds = condition.iter().all(|&(compare, with)| COMPARES[usize::from(compare)].holds(u64::from(count), with));
            let is_told = group.alerted_ms.is_some_and(|it| end_ms.abs_diff(it) <= timespan_ms.unsigned_abs());
            if holds && !is_told {
                group.alerted_ms = Some(end_ms);
                let entries = pool.back_from(at).take(count as usize).collect::<Vec<_>>();
                return Some(fired(u64::from(count), entries.into_iter().rev()));
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
            entries: self.pool.used(),
            groups_evicted: self.groups.evicted,
            entries_evicted: self.entries_evicted,
        }
    }

    pub(super) fn reindex(&mut self) {
        self.groups.reindex();
        self.values.clear();
        if self.is_distinct {
            let pool = &self.pool;
            let values = &mut self.values;
            for group in self.groups.iter() {
                let mut at = group.window.oldest();
                while let Some(place) = at {
                    index_value(pool, values, place);
                    at = pool.after(place);
                }
            }
        }
    }
}

/// Drops the entries before `start_ms`; an event exactly a timespan ago still counts.
fn expire(pool: &mut Pool, values: &mut HashTable<u32>, number: u32, window: &mut List, start_ms: i64) {
    while let Some(oldest) = window.oldest()
        && pool.get(oldest).time_ms < start_ms
    {
        forget(pool, values, number, window, oldest);
    }
}

/// Takes an entry out of its window and out of the index.
fn forget(pool: &mut Pool, values: &mut HashTable<u32>, number: u32, window: &mut List, at: u32) {
    if let Ok(found) = values.find_entry(hash(number, pool.get(at).value), |&it| it == at) {
        found.remove();
    }
    pool.remove(window, at);
}

/// Of a value only the latest occurrence stays in the window; `None` when that is not this one. An occurrence so far ahead that no
/// window holds both gives way: it can only be a wrong clock.
fn put_distinct(
    pool: &mut Pool,
    values: &mut HashTable<u32>,
    number: u32,
    window: &mut List,
    hit: &Hit,
    timespan_ms: i64,
) -> Option<u32> {
    let same = |&at: &u32| pool.get(at).value == hit.value && pool.get(at).group == number;
    if let Some(&known) = values.find(hash(number, hit.value), same) {
        let ahead_ms = pool.get(known).time_ms.saturating_sub(hit.time.ms());
        if ahead_ms > 0 && ahead_ms <= timespan_ms {
            return None;
        }
        forget(pool, values, number, window, known);
    }
    let at = pool.insert(window, Entry::new(hit, number));
    index_value(pool, values, at);
    Some(at)
}

fn index_value(pool: &Pool, values: &mut HashTable<u32>, at: u32) {
    let hash_of = |&it: &u32| hash(pool.get(it).group, pool.get(it).value);
    values.insert_unique(hash_of(&at), at, hash_of);
}
