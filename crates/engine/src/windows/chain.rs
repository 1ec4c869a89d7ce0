//! `temporal_ordered`: one event per step, in order of event time, all within the timespan.
//!
//! A window keeps the events of a group in event-time order and looks for a complete chain whenever one is added, so that the order in
//! which they arrive does not matter. What is kept is limited: an event goes when a later one of the same step serves as well.

use super::groups::Groups;
use super::pool::{Entry, List, Pool};
use super::{Fired, Hit, WindowLimits, WindowStats, fired};
use model::EventTime;
use serde::{Deserialize, Serialize};

/// Most steps of an ordered correlation.
pub const STEPS_MAX: usize = 8;
/// Events of one group above which those go that a later one replaces.
const EVENTS_KEPT: u32 = 32;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Group {
    window: List,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chain {
    timespan_ms: i64,
    steps: usize,
    entries_max: u32,
    entries_evicted: u64,
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
            groups: Groups::new(limits.groups_max),
            pool: Pool::default(),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        let pool = &mut self.pool;
        let idle_before = watermark.plus_ms(-self.timespan_ms);
        let number = self.groups.touch(hit.group, hit.time, idle_before, |_, group| clear(pool, &mut group.window));
        let window = &mut self.groups.at(number).window;
        while let Some(oldest) = window.oldest()
            && pool.get(oldest).time_ms < idle_before.ms()
        {
            pool.remove(window, oldest);
        }
        if pool.used() >= self.entries_max as usize {
            self.entries_evicted += 1;
            // The group's own oldest makes room; a group that has none has to wait until others expire.
            let oldest = window.oldest()?;
            pool.remove(window, oldest);
        }
        let mut entry = Entry::new(hit, number);
        entry.value = super::Identity::of_step(hit.step);
        pool.insert(window, entry);
        if let Some(chain) = complete(pool, window, self.steps, self.timespan_ms) {
            let entries: Vec<&Entry> = chain[..self.steps].iter().map(|&it| pool.get(it)).collect();
            let fired = fired(self.steps as u64, entries.into_iter());
            // The next alert needs a chain of its own.
            clear(pool, window);
            return Some(fired);
        }
        if window.len > EVENTS_KEPT {
            let least = replaced(pool, window).or_else(|| window.oldest())?;
            pool.remove(window, least);
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
    }
}

/// Which step an entry is of.
fn step_of(entry: &Entry) -> usize {
    usize::try_from(entry.value.0[0]).map_or(0, |it| it.saturating_sub(1)).min(STEPS_MAX - 1)
}

/// The places of a complete chain. For each step the chain up to it that started latest is enough: whatever can follow an earlier one
/// in time can follow that.
fn complete(pool: &Pool, window: &List, steps: usize, timespan_ms: i64) -> Option<[u32; STEPS_MAX]> {
    let mut chains: [Option<(i64, [u32; STEPS_MAX])>; STEPS_MAX] = [None; STEPS_MAX];
    let mut at = window.oldest();
    while let Some(place) = at {
        let entry = pool.get(place);
        let step = step_of(entry);
        if step == 0 {
            chains[0] = Some((entry.time_ms, [place; STEPS_MAX]));
        } else if let Some((start_ms, mut chain)) = chains[step - 1]
            && entry.time_ms.saturating_sub(start_ms) <= timespan_ms
        {
            chain[step] = place;
            chains[step] = Some((start_ms, chain));
        }
        if let Some((_, chain)) = chains[steps - 1] {
            return Some(chain);
        }
        at = pool.after(place);
    }
    None
}

/// The oldest event that is followed by another one of its step with none of the next step between them.
fn replaced(pool: &Pool, window: &List) -> Option<u32> {
    let mut open: [Option<u32>; STEPS_MAX] = [None; STEPS_MAX];
    let mut at = window.oldest();
    while let Some(place) = at {
        let step = step_of(pool.get(place));
        if let Some(earlier) = open[step] {
            return Some(earlier);
        }
        open[step] = Some(place);
        if step > 0 {
            open[step - 1] = None;
        }
        at = pool.after(place);
    }
    None
}

fn clear(pool: &mut Pool, window: &mut List) {
    while let Some(oldest) = window.oldest() {
        pool.remove(window, oldest);
    }
}
