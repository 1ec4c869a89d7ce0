//! `event_count`, `value_count` and `temporal`: how many events, distinct values or different steps lie within the timespan.
//!
//! A window keeps no more entries than decide its condition: to know whether there are at least k within the timespan, the latest k are
//! enough, and of a distinct value only its latest occurrence. So both are exact, in memory that depends on the rule and not on traffic.

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
    hits_late: u64,
    groups: Groups<Group>,
    pool: Pool,
    /// Entries by (group, value), for distinct counts.
    #[serde(skip)]
    values: HashTable<u32>,
}

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
            hits_late: 0,
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
        let latest_ms = pool.latest_ms(&group.window).unwrap_or(i64::MIN).max(hit.time.ms());
        expire(pool, values, number, &mut group.window, latest_ms.saturating_sub(self.timespan_ms));
        if hit.time.ms() < latest_ms.saturating_sub(self.timespan_ms) {
            self.hits_late += 1;
            return None;
        }
        if pool.used() >= self.entries_max as usize {
            self.entries_evicted += 1;
            let oldest = group.window.oldest()?;
            forget(pool, values, number, &mut group.window, oldest);
        }
        if self.is_distinct {
            put_distinct(pool, values, number, &mut group.window, hit);
        } else {
            pool.insert(&mut group.window, Entry::new(hit, number));
        }
        if group.window.len > self.keep_max
            && let Some(oldest) = group.window.oldest()
        {
            forget(pool, values, number, &mut group.window, oldest);
        }
        self.verdict(number, latest_ms)
    }

    /// Fires when the condition has become true, and again only after it was false or the timespan has passed: one episode, one alert.
    fn verdict(&mut self, number: u32, latest_ms: i64) -> Option<Fired> {
        let group = self.groups.at(number);
        let count = u64::from(group.window.len);
        let holds = self.condition.iter().all(|&(compare, with)| COMPARES[usize::from(compare)].holds(count, with));
        if !holds {
            group.alerted_ms = None;
            return None;
        }
        if group.alerted_ms.is_some_and(|it| latest_ms.saturating_sub(it) <= self.timespan_ms) {
            return None;
        }
        group.alerted_ms = Some(latest_ms);
        let entries: Vec<&Entry> = self.pool.iter(&group.window).collect();
        Some(fired(count, entries.into_iter()))
    }

    pub(super) fn stats(&self) -> WindowStats {
        WindowStats {
            groups: self.groups.len(),
            entries: self.pool.used(),
            groups_evicted: self.groups.evicted,
            entries_evicted: self.entries_evicted,
            hits_late: self.hits_late,
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

/// Of a value only the latest occurrence stays in the window.
fn put_distinct(pool: &mut Pool, values: &mut HashTable<u32>, number: u32, window: &mut List, hit: &Hit) {
    let same = |&at: &u32| pool.get(at).value == hit.value && pool.get(at).group == number;
    if let Some(&known) = values.find(hash(number, hit.value), same) {
        if pool.get(known).time_ms > hit.time.ms() {
            return;
        }
        forget(pool, values, number, window, known);
    }
    let at = pool.insert(window, Entry::new(hit, number));
    index_value(pool, values, at);
}

fn index_value(pool: &Pool, values: &mut HashTable<u32>, at: u32) {
    let hash_of = |&it: &u32| hash(pool.get(it).group, pool.get(it).value);
    values.insert_unique(hash_of(&at), at, hash_of);
}
