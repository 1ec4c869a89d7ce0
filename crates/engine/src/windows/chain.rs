//! `temporal_ordered`: one event per step, in order of event time, all within the timespan.
//!
//! A window keeps the events of a group in event-time order and looks for a complete chain whenever one is added, so that the order in
//! which they arrive does not matter. What is kept is limited: an event goes when a later one of the same step serves as well. For each
//! step it is known when the chain up to it began, so that a hit in order is judged without looking at the others.

use super::groups::Groups;
use super::pool::{Entry, List, Pool};
use super::{Fired, Hit, Span, WindowLimits, WindowStats, fired};
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::ORDERED_STEPS_MAX as STEPS_MAX;

/// Events of one group above which those go that a later one replaces.
const EVENTS_KEPT: u32 = 32;

/// No chain up to a step.
const NEVER: i64 = i64::MIN;

#[derive(Debug, Serialize, Deserialize)]
struct Group {
    window: List,
    /// For each step, when the chain up to it began that began latest; [`NEVER`] where there is none.
    begun_ms: [i64; STEPS_MAX],
}

impl Default for Group {
    fn default() -> Self {
        Self { window: List::default(), begun_ms: [NEVER; STEPS_MAX] }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chain {
    span: Span,
    steps: usize,
    entries_max: u32,
    entries_evicted: u64,
    groups: Groups<Group>,
    pool: Pool,
}

impl Chain {
    pub(super) fn new(span: Span, steps: usize, limits: WindowLimits) -> Self {
        Self {
            span,
            steps: steps.min(STEPS_MAX),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            groups: Groups::new(limits.groups_max),
            pool: Pool::default(),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        let pool = &mut self.pool;
        let idle_before = self.span.horizon(watermark);
        let number = self.groups.touch(hit.group, hit.time, idle_before, |_, group| clear(pool, &mut group.window));
        let group = self.groups.at(number);
        let window = &mut group.window;
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
        let place = pool.insert(window, entry);
        let step = usize::from(hit.step);
        // An event that comes late may complete a chain whatever its step.
        let may_be_complete = window.latest() != Some(place)
            || (follow(&mut group.begun_ms, step, hit.time.ms(), self.span.timespan_ms) && step + 1 == self.steps);
        if may_be_complete {
            let (chain, begun_ms) = complete(pool, window, self.steps, self.span.timespan_ms);
            group.begun_ms = begun_ms;
            if let Some(chain) = chain {
                let entries: Vec<&Entry> = chain[..self.steps].iter().map(|&it| pool.get(it)).collect();
                let fired = fired(self.steps as u64, entries.into_iter());
                // The next alert needs a chain of its own.
                clear(pool, window);
                group.begun_ms = [NEVER; STEPS_MAX];
                return Some(fired);
            }
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
            ..WindowStats::default()
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

/// Takes note of an event after all others. `false` when it continues no chain.
fn follow(begun_ms: &mut [i64; STEPS_MAX], step: usize, time_ms: i64, timespan_ms: i64) -> bool {
    let step = step.min(STEPS_MAX - 1);
    if step == 0 {
        begun_ms[0] = time_ms;
        return true;
    }
    let before = begun_ms[step - 1];
    let continues = before != NEVER && time_ms.saturating_sub(before) <= timespan_ms;
    if continues {
        begun_ms[step] = before;
    }
    continues
}

/// The places of a complete chain, and when chains began. For each step the chain up to it that began latest is enough: whatever can
/// follow an earlier one in time can follow that.
fn complete(pool: &Pool, window: &List, steps: usize, timespan_ms: i64) -> (Option<[u32; STEPS_MAX]>, [i64; STEPS_MAX]) {
    let mut begun_ms = [NEVER; STEPS_MAX];
    let mut chains = [[0; STEPS_MAX]; STEPS_MAX];
    let mut at = window.oldest();
    while let Some(place) = at {
        let entry = pool.get(place);
        let step = step_of(entry);
        if follow(&mut begun_ms, step, entry.time_ms, timespan_ms) {
            chains[step] = chains[step.saturating_sub(1)];
            chains[step][step] = place;
            if step + 1 == steps {
                return (Some(chains[step]), begun_ms);
            }
        }
        at = pool.after(place);
    }
    (None, begun_ms)
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
