//! `temporal_ordered`: one event per step, in order of event time, all within the timespan.
//!
//! The condition holds where a window contains a complete chain; as everywhere, it is told once per episode. For each step it is known
//! when the chain up to it began, of all chains the one that began latest: whatever can follow an earlier one in time can follow that.
//! So a hit in order is judged without looking at the others. One that comes late is put where its time belongs, and the windows that
//! end with it and with later events are judged anew. Events that the watermark has passed stay while one of those chains needs them;
//! later ones all stay, since what comes late may have its place between any two of them.

use super::groups::Groups;
use super::timeline::{Entry, List, Timeline};
use super::told::{Review, Told};
use super::{Fired, Hit, Sign, Span, WindowLimits, WindowStats, fired};
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::ORDERED_STEPS_MAX as STEPS_MAX;
use std::num::NonZeroU32;

/// Events of a group from which on it is looked for those that no chain needs any more.
const PRUNE_FROM: NonZeroU32 = NonZeroU32::new(32).expect("thirty-two is not zero");
/// Events of one group; at the limit those go first that stand between two of the same step, which is counted.
const GROUP_ENTRIES_MAX: u32 = 256;
/// Above the limit it is always looked.
const PRUNE_AT_MAX: NonZeroU32 = NonZeroU32::new(GROUP_ENTRIES_MAX + 1).expect("more than the limit");

/// The last step that there may be.
#[expect(clippy::cast_possible_truncation, reason = "a handful of steps")]
const STEP_LAST: u8 = STEPS_MAX as u8 - 1;

/// No chain up to a step.
const NEVER: i64 = i64::MIN;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Group {
    window: List,
    /// For each step, when the chain up to it began that began latest; [`NEVER`] where there is none.
    begun_ms: [i64; STEPS_MAX],
    told: Told,
    /// At how many events it is looked for superfluous ones next.
    prune_at: NonZeroU32,
}

impl Default for Group {
    fn default() -> Self {
        Self { window: List::default(), begun_ms: [NEVER; STEPS_MAX], told: Told::default(), prune_at: PRUNE_FROM }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chain {
    span: Span,
    steps: usize,
    entries_max: u32,
    entries_evicted: u64,
    /// Told episodes that went although a late hit could have needed them.
    forgotten: u64,
    groups: Groups<Group>,
    events: Timeline<u8>,
}

impl Chain {
    pub(super) fn new(span: Span, steps: usize, limits: WindowLimits) -> Self {
        Self {
            span,
            steps: steps.min(STEPS_MAX),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            forgotten: 0,
            groups: Groups::new(limits.groups_max),
            events: Timeline::new(true),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, guess: u32, watermark: EventTime, fired: &mut Vec<Fired>) {
        let events = &mut self.events;
        let idle_before = self.span.horizon(watermark);
        let number = self.groups.touch((hit.group, guess), hit.time, idle_before, |_, group| clear(events, &mut group.window));
        let group = self.groups.at(number);
        let window = &mut group.window;
        if !events.has_room(window) {
            while let Some(oldest) = events.first_chunk(window).filter(|it| it.last_ms < idle_before.ms()) {
                events.remove_chunk(window, oldest.chunk);
            }
        }
        if events.used() >= self.entries_max as usize {
            self.entries_evicted += 1;
            // The group's own oldest makes room; a group that has none has to wait until others expire.
            let Some(oldest) = events.oldest(window) else { return };
            events.remove(window, oldest);
        }
        let place = events.insert(window, &Entry::new(hit, step_of(hit.step)), |_, _, _| {});
        let is_latest = events.after(place).is_none();
        let keep_ms = idle_before.ms();
        if is_latest {
            fired.extend(self.judge_latest(number, place, hit, keep_ms));
        } else {
            self.judge_late(number, place, keep_ms, fired);
        }
        self.make_room(number, watermark);
    }

    /// Has brought near what tells where the group of a hit is.
    pub(super) fn expect(&self, hit: &Hit) {
        self.groups.expect(hit.group);
    }

    /// Has brought near what leads to the window of a hit, and tells the number of the group.
    pub(super) fn fetch(&self, hit: &Hit) -> Option<u32> {
        self.groups.fetch(hit.group)
    }

    /// Has the window of a group brought near.
    pub(super) fn fetch_window(&self, number: u32) {
        self.groups.look(number).inspect(|it| self.events.fetch_end(&it.window));
    }

    /// Has brought near what the window of a group goes on with.
    pub(super) fn fetch_next(&self, number: u32) {
        self.groups.look(number).inspect(|it| {
            self.events.fetch_second(&it.window);
            it.told.fetch();
        });
    }

    /// Judges the window that ends with the latest hit.
    fn judge_latest(&mut self, number: u32, place: u32, hit: &Hit, keep_ms: i64) -> Option<Fired> {
        let (group, timespan_ms, time_ms) = (self.groups.at(number), self.span.timespan_ms, hit.time.ms());
        follow(&mut group.begun_ms, usize::from(hit.step), time_ms, timespan_ms);
        let mut holds = is_inside(group.begun_ms[self.steps - 1], time_ms, timespan_ms);
        if holds && !group.told.is_told(time_ms, timespan_ms) {
            group.told.fetch();
            let chain = chain_before(&self.events, place, self.steps, group.begun_ms[self.steps - 1]).or_else(|| {
                // An event of the chain may have had to go.
                let mut scan = Scan::new(self.steps, timespan_ms);
                self.events.places(&group.window).for_each(|it| scan.step(&self.events, it));
                group.begun_ms = scan.begun_ms;
                scan.is_complete(time_ms).then_some(scan.chains[self.steps - 1])
            });
            if let Some(chain) = chain {
                self.forgotten += group.told.tell(time_ms, timespan_ms, keep_ms);
                return Some(told(&self.events, &chain[..self.steps]));
            }
            holds = false;
        }
        if !holds {
            group.told.end(time_ms, timespan_ms);
        }
        None
    }

    /// Judges the windows that contain a hit that is not the latest.
    fn judge_late(&mut self, number: u32, late: u32, keep_ms: i64, fired: &mut Vec<Fired>) {
        let Self { groups, events, steps, span, .. } = self;
        let (Group { window, told: told_before, begun_ms, .. }, time_ms) = (groups.at(number), events.time(late));
        let has_twin = events.before(late).is_some_and(|it| events.time(it) == time_ms);
        let mut review = Review::new(told_before, time_ms, has_twin, span.timespan_ms, keep_ms);
        let (mut scan, mut is_reached, mut ready) = (Scan::new(*steps, span.timespan_ms), false, Vec::new());
        for place in events.places(window) {
            let end_ms = events.time(place);
            scan.step(events, place);
            is_reached |= place == late;
            if is_reached && review.wants(end_ms) {
                ready.extend(review.see(end_ms, scan.is_complete(end_ms), || scan.chains[*steps - 1]));
            }
        }
        *begun_ms = scan.begun_ms;
        self.forgotten += review.forgotten;
        fired.extend(ready.iter().map(|chain| told(events, &chain[..*steps])));
    }

    /// Lets events go that no chain needs any more, and where that is not enough others, which is counted.
    fn make_room(&mut self, number: u32, watermark: EventTime) {
        let Self { groups, events, steps, span, .. } = self;
        let group = groups.at(number);
        if group.window.len < group.prune_at.get() {
            return;
        }
        let mut scan = Scan::new(*steps, span.timespan_ms);
        let settled = events.places(&group.window).take_while(|it| events.time(*it) < span.settled(watermark).ms());
        let mut settled: Vec<u32> = settled.inspect(|it| scan.step(events, *it)).collect();
        settled.retain(|it| !scan.needs(*it));
        settled.iter().for_each(|it| events.remove(&mut group.window, *it));
        while group.window.len > GROUP_ENTRIES_MAX
            && let Some(least) = between_equals(events, &group.window).or_else(|| events.oldest(&group.window))
        {
            self.entries_evicted += 1;
            events.remove(&mut group.window, least);
        }
        group.prune_at = NonZeroU32::new(2 * group.window.len).map_or(PRUNE_FROM, |it| it.clamp(PRUNE_FROM, PRUNE_AT_MAX));
    }

    pub(super) fn stats(&self) -> WindowStats {
        WindowStats {
            groups: self.groups.len(),
            entries: self.events.used(),
            groups_evicted: self.groups.evicted,
            entries_evicted: self.entries_evicted,
            entries_thinned: self.forgotten,
            ..WindowStats::default()
        }
    }

    pub(super) fn reindex(&mut self) {
        self.groups.reindex();
    }
}

/// As which step a hit counts.
fn step_of(step: u16) -> u8 {
    u8::try_from(step).unwrap_or(u8::MAX).min(STEP_LAST)
}

/// The oldest event that stands between two others of its step.
fn between_equals(events: &Timeline<u8>, window: &List) -> Option<u32> {
    let step = |it: Option<u32>| it.map(|it| events.value(it));
    let is_between = |at: u32| {
        let own = Some(events.value(at));
        step(events.before(at)) == own && step(events.after(at)) == own
    };
    events.places(window).find(|it| is_between(*it))
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

/// Whether a chain that began at `begun_ms` is within the window that ends at `end_ms`.
fn is_inside(begun_ms: i64, end_ms: i64, timespan_ms: i64) -> bool {
    begun_ms != NEVER && end_ms.saturating_sub(begun_ms) <= timespan_ms
}

/// The chain that began last of those up to `place`, if it began at `begun_ms`: going back in time, the next event of each step before.
fn chain_before(events: &Timeline<u8>, place: u32, steps: usize, begun_ms: i64) -> Option<[u32; STEPS_MAX]> {
    let (mut chain, mut steps_left) = ([0; STEPS_MAX], steps);
    for at in events.back_from(place) {
        if usize::from(events.value(at)) + 1 == steps_left {
            steps_left -= 1;
            chain[steps_left] = at;
            if steps_left == 0 {
                return (events.time(at) == begun_ms).then_some(chain);
            }
        }
    }
    None
}

/// What an alert says of a chain.
fn told(events: &Timeline<u8>, chain: &[u32]) -> Fired {
    let signs: Vec<Sign<'_>> = chain.iter().map(|it| events.sign(*it)).collect();
    fired(signs.len() as u64, &signs)
}

/// A look at the events of a group one after the other.
struct Scan {
    timespan_ms: i64,
    steps: usize,
    begun_ms: [i64; STEPS_MAX],
    /// For each step, the places of the chain up to it that began latest.
    chains: [[u32; STEPS_MAX]; STEPS_MAX],
}

impl Scan {
    fn new(steps: usize, timespan_ms: i64) -> Self {
        Self { timespan_ms, steps, begun_ms: [NEVER; STEPS_MAX], chains: [[0; STEPS_MAX]; STEPS_MAX] }
    }

    fn step(&mut self, events: &Timeline<u8>, place: u32) {
        let step = usize::from(events.value(place));
        if follow(&mut self.begun_ms, step, events.time(place), self.timespan_ms) {
            self.chains[step] = self.chains[step.saturating_sub(1)];
            self.chains[step][step] = place;
        }
    }

    /// Whether there is a complete chain in the window that ends at `end_ms`.
    fn is_complete(&self, end_ms: i64) -> bool {
        is_inside(self.begun_ms[self.steps - 1], end_ms, self.timespan_ms)
    }

    /// Whether one of the chains goes through an event.
    fn needs(&self, place: u32) -> bool {
        (0..self.steps).any(|step| self.begun_ms[step] != NEVER && self.chains[step][..=step].contains(&place))
    }
}

fn clear(events: &mut Timeline<u8>, window: &mut List) {
    while let Some(oldest) = events.first_chunk(window) {
        events.remove_chunk(window, oldest.chunk);
    }
}
