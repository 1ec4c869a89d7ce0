//! `temporal_ordered`: one event per step, in order, all within the timespan.
//!
//! For each step the window keeps the one chain up to it that started latest: whatever chain can be completed within the timespan, one
//! that started later can be too. So one chain per step decides exactly.

use super::groups::Groups;
use super::pool::{Entry, List, Pool};
use super::{Fired, Hit, WindowLimits, WindowStats, fired};
use model::EventTime;
use serde::{Deserialize, Serialize};

/// Most steps of an ordered correlation.
pub const STEPS_MAX: usize = 8;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Group {
    /// `chains[i]`: the events of steps 0 to i; empty while there is none.
    chains: [List; STEPS_MAX],
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chain {
    timespan_ms: i64,
    steps: usize,
    entries_max: u32,
    entries_evicted: u64,
    hits_late: u64,
    groups: Groups<Group>,
    pool: Pool,
}

impl Chain {
    pub(super) fn new(timespan_ms: i64, steps: usize, limits: WindowLimits) -> Self {
        Self {
            timespan_ms,
            steps: steps.min(STEPS_MAX),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            hits_late: 0,
            groups: Groups::new(limits.groups_max),
            pool: Pool::default(),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        let step = usize::from(hit.step);
        let pool = &mut self.pool;
        let idle_before = watermark.plus_ms(-self.timespan_ms);
        let number = self.groups.touch(hit.group, hit.time, idle_before, |_, group| {
            group.chains.iter_mut().for_each(|it| clear(pool, it));
        });
        let chains = &mut self.groups.at(number).chains;
        if pool.used() + self.steps > self.entries_max as usize {
            self.entries_evicted += 1;
            chains.iter_mut().for_each(|it| clear(pool, it));
            return None;
        }
        if step == 0 {
            clear(pool, &mut chains[0]);
        } else if !self.extend(number, step, hit.time) {
            return None;
        }
        let chains = &mut self.groups.at(number).chains;
        self.pool.insert(&mut chains[step], Entry::new(hit, number));
        if step + 1 < self.steps {
            return None;
        }
        let entries: Vec<&Entry> = self.pool.iter(&chains[step]).collect();
        let fired = fired(self.steps as u64, entries.into_iter());
        // The next alert needs a chain of its own.
        chains.iter_mut().for_each(|it| clear(&mut self.pool, it));
        Some(fired)
    }

    /// Copies the chain of the step before, if an event at `time` can continue it.
    fn extend(&mut self, number: u32, step: usize, time: EventTime) -> bool {
        let pool = &mut self.pool;
        let chains = &mut self.groups.at(number).chains;
        let before = chains[step - 1];
        let Some(start) = before.oldest() else { return false };
        let starts_in_time = pool.get(start).time_ms >= time.ms().saturating_sub(self.timespan_ms);
        if pool.latest_ms(&before).is_some_and(|it| it > time.ms()) {
            self.hits_late += 1;
            return false;
        }
        if !starts_in_time {
            return false;
        }
        clear(pool, &mut chains[step]);
        let mut at = Some(start);
        while let Some(place) = at {
            let copy = pool.get(place).clone();
            pool.insert(&mut chains[step], copy);
            at = pool.after(place);
        }
        true
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
    }
}

fn clear(pool: &mut Pool, chain: &mut List) {
    while let Some(oldest) = chain.oldest() {
        pool.remove(chain, oldest);
    }
}
