//! Conditions over rule names (`a and (b or c)`, `a and not b`): some rules matched, in any order or in the order of the list, and some
//! others did not. What did not happen is decided by timers in event time.
//!
//! A condition is a list of alternatives, each with rules that must match and rules that must not. An occurrence of an alternative is a
//! set of events, one for each rule that must match, within the timespan; it belongs to the last of them, its anchor, and of all sets
//! with that anchor the one counts that begins latest. Where rules must not match, the occurrence is decided when nothing can come any
//! more that would speak against it: in any order, no such event within a timespan of all the others; in order, none between its
//! neighbours in the list, before the first one none within the timespan that ends with the anchor, and after the last one none within
//! the timespan that begins with the first. One episode, one alert: an occurrence whose anchor is within the timespan of an alerted one
//! is not told.

use super::groups::{Groups, NOBODY};
use super::pool::{Entry, List, Pool};
use super::told::Told;
use super::{Cause, Fired, Hit, Identity, Kept, Span, WindowLimits, WindowStats, fired};
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::{Alternative, ORDERED_STEPS_MAX};
use std::collections::BTreeSet;

/// Events of one group; at the limit those go first that stand between two of the same rule, which is counted.
const GROUP_ENTRIES_MAX: u32 = 256;
/// Bytes of events that are kept for alerts that are still to be decided, per correlation. At the limit an event does not enter, which
/// is counted.
const LINE_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Group {
    window: List,
    /// When its timer is due.
    armed_ms: Option<i64>,
    /// The anchors of occurrences that were alerted.
    told: Told,
}

/// What is known of an entry besides the entry.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    /// The event, where an alert may be made from it.
    kept: Option<Kept>,
    /// The alternatives that were decided for it as their anchor, by bit.
    decided: u16,
}

/// An alternative, prepared for looking.
#[derive(Debug, Serialize, Deserialize)]
struct Way {
    present: Vec<u16>,
    /// Bits of the steps that must not come: for ordered ones before the first of `present`, between two, after the last; else the
    /// first of them.
    gaps: Vec<u64>,
    is_trailing: bool,
}

/// An occurrence that may become an alert.
struct Candidate {
    due_ms: i64,
    /// Where its anchor stands in the window, counted from the oldest.
    ordinal: usize,
    alternative: u16,
    anchor: u32,
    first_ms: i64,
    places: Vec<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pattern {
    span: Span,
    is_ordered: bool,
    ways: Vec<Way>,
    entries_max: u32,
    entries_evicted: u64,
    /// Told occurrences that went although a late one could have been near them.
    forgotten: u64,
    groups: Groups<Group>,
    pool: Pool,
    /// By place in the pool.
    notes: Vec<Note>,
    line_bytes: usize,
    timers: BTreeSet<(i64, u32)>,
}

impl Way {
    fn new(alternative: &Alternative, is_ordered: bool) -> Self {
        let Alternative { present, absent } = alternative;
        let mut gaps = vec![0_u64; if is_ordered { present.len() + 1 } else { 1 }];
        for &step in absent {
            let gap = if is_ordered { present.partition_point(|it| *it < step) } else { 0 };
            gaps[gap] |= 1 << (step % 64);
        }
        let is_trailing = gaps.last().is_some_and(|it| *it != 0);
        Self { present: present.clone(), gaps, is_trailing }
    }

    fn is_plain(&self) -> bool {
        self.gaps.iter().all(|it| *it == 0)
    }

    /// When an occurrence can be decided: when the watermark is here, nothing can speak against it any more.
    fn due_ms(&self, first_ms: i64, last_ms: i64, span: Span) -> i64 {
        if self.is_plain() {
            return i64::MIN;
        }
        let end_ms = if self.is_trailing { first_ms.saturating_add(span.timespan_ms) } else { last_ms };
        end_ms.saturating_add(span.slack_ms).saturating_add(1)
    }

    /// A time before which no occurrence is due that a new event at `time_ms` brings about.
    fn earliest_due_ms(&self, time_ms: i64, span: Span) -> i64 {
        let first_ms = if self.present.len() == 1 { time_ms } else { time_ms.saturating_sub(span.timespan_ms) };
        self.due_ms(first_ms, time_ms, span)
    }
}

impl Pattern {
    pub(super) fn new(span: Span, alternatives: &[Alternative], is_ordered: bool, limits: WindowLimits) -> Self {
        Self {
            span,
            is_ordered,
            ways: alternatives.iter().map(|it| Way::new(it, is_ordered)).collect(),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            forgotten: 0,
            groups: Groups::new(limits.groups_max),
            pool: Pool::default(),
            notes: Vec::new(),
            line_bytes: 0,
            timers: BTreeSet::new(),
        }
    }

    /// When the next timer is due.
    pub(super) fn due_ms(&self) -> Option<i64> {
        self.timers.first().map(|(due_ms, _)| *due_ms)
    }

    /// Takes a hit in; what it makes is decided by [`Self::settle`].
    pub(super) fn hit(&mut self, hit: &Hit, cause: &Cause<'_>, watermark: EventTime) {
        // Nobody is idle whose timer is not due yet.
        let before_timers = self.due_ms().map_or(watermark, |it| watermark.min(EventTime::from_ms(it.saturating_sub(1))));
        let horizon = self.horizon(before_timers);
        let Self { pool, notes, timers, line_bytes, .. } = self;
        let number = self.groups.touch((hit.group, NOBODY), hit.time, horizon, |number, group| {
            while let Some(oldest) = group.window.oldest() {
                remove(pool, notes, line_bytes, &mut group.window, oldest);
            }
            if let Some(armed) = group.armed_ms.take() {
                timers.remove(&(armed, number));
            }
        });
        self.expire(number, watermark);
        let is_anchor = self
            .ways
            .iter()
            .any(|it| if self.is_ordered { it.present.last() == Some(&hit.step) } else { it.present.contains(&hit.step) });
        let bytes = if is_anchor { cause.line.len() } else { 0 };
        let is_full = self.pool.used() >= self.entries_max as usize || self.line_bytes.saturating_add(bytes) > LINE_BYTES_MAX;
        if is_full {
            self.entries_evicted += 1;
            // The group's own oldest makes room; a group that has none has to wait until others expire.
            if !self.drop_oldest(number) || self.line_bytes.saturating_add(bytes) > LINE_BYTES_MAX {
                return;
            }
        }
        let entry = Entry { value: Identity::of_step(hit.step), ..Entry::new(hit, number) };
        let group = self.groups.at(number);
        let place = self.pool.insert(&mut group.window, &entry) as usize;
        if self.notes.len() <= place {
            self.notes.resize_with(place + 1, Note::default);
        }
        self.line_bytes += bytes;
        self.notes[place] = Note { kept: is_anchor.then(|| Kept::new(hit, cause)), decided: 0 };
        if group.window.len > GROUP_ENTRIES_MAX {
            self.entries_evicted += 1;
            self.thin_out(number);
        }
        let dues = self.ways.iter().map(|it| it.earliest_due_ms(hit.time.ms(), self.span));
        let due_ms = dues.min().unwrap_or(i64::MIN);
        self.arm(number, Some(due_ms), false);
    }

    /// Decides what can be decided when the highest watermark so far is `reached`.
    pub(super) fn settle(&mut self, reached: EventTime, told: &mut Vec<(Fired, Kept)>) {
        while let Some(&(due_ms, number)) = self.timers.first()
            && due_ms <= reached.ms()
        {
            self.timers.pop_first();
            self.groups.at(number).armed_ms = None;
            let mut candidates = self.candidates(number);
            // What was told before that nothing that is still to be decided can be near.
            let anchors = candidates.iter().map(|it| self.pool.time(it.anchor).saturating_sub(self.span.timespan_ms));
            let keep_ms = anchors.fold(self.horizon(reached).ms(), i64::min);
            candidates.sort_by_key(|it| (it.due_ms, it.ordinal, it.alternative));
            let ready = candidates.partition_point(|it| it.due_ms <= reached.ms());
            for candidate in &candidates[..ready] {
                self.decide(number, candidate, keep_ms, told);
            }
            self.arm(number, candidates.get(ready).map(|it| it.due_ms), true);
        }
    }

    fn decide(&mut self, number: u32, candidate: &Candidate, keep_ms: i64, told: &mut Vec<(Fired, Kept)>) {
        self.notes[candidate.anchor as usize].decided |= 1 << candidate.alternative;
        let anchor_ms = self.pool.time(candidate.anchor);
        let group = self.groups.at(number);
        if group.told.is_near(anchor_ms, self.span.timespan_ms) || self.is_spoken_against(candidate) {
            return;
        }
        let Some(kept) = self.notes[candidate.anchor as usize].kept.clone() else { return };
        self.forgotten += self.groups.at(number).told.tell(anchor_ms, self.span.timespan_ms, keep_ms);
        let fired = fired(candidate.places.len() as u64, &self.pool.signs(&candidate.places));
        told.push((Fired { alternative: Some(candidate.alternative), ..fired }, kept));
    }

    /// Whether something came that must not.
    fn is_spoken_against(&self, candidate: &Candidate) -> bool {
        let way = &self.ways[usize::from(candidate.alternative)];
        let is_in = |mask: u64, at: u32| mask & (1 << (step_of(self.pool.value(at)) % 64)) != 0;
        let last_ms = self.pool.time(candidate.anchor);
        let start_ms = last_ms.saturating_sub(self.span.timespan_ms);
        let end_ms = candidate.first_ms.saturating_add(self.span.timespan_ms);
        let (before, after) = (way.gaps[0], way.gaps.last().copied().unwrap_or(0));
        // In order, what is before the first and after the last; otherwise everything around the anchor.
        let first = if self.is_ordered { candidate.places.first().copied().unwrap_or(candidate.anchor) } else { candidate.anchor };
        let mut at = self.pool.before(first);
        while let Some(place) = at.filter(|it| before != 0 && self.pool.time(*it) >= start_ms) {
            if is_in(before, place) {
                return true;
            }
            at = self.pool.before(place);
        }
        let mut at = self.pool.after(candidate.anchor);
        while let Some(place) = at.filter(|it| after != 0 && self.pool.time(*it) <= end_ms) {
            if is_in(after, place) {
                return true;
            }
            at = self.pool.after(place);
        }
        false
    }

    /// Every occurrence in a group that is not decided yet.
    fn candidates(&mut self, number: u32) -> Vec<Candidate> {
        let window = self.groups.at(number).window;
        let mut candidates = Vec::new();
        for (alternative, way) in (0_u16..).zip(&self.ways) {
            let mut add = |anchor: u32, ordinal: usize, first_ms: i64, places: Vec<u32>| {
                if self.notes[anchor as usize].decided & (1 << alternative) == 0 {
                    let due_ms = way.due_ms(first_ms, self.pool.time(anchor), self.span);
                    candidates.push(Candidate { due_ms, ordinal, alternative, anchor, first_ms, places });
                }
            };
            if self.is_ordered {
                chains(&self.pool, &window, way, self.span.timespan_ms, &mut add);
            } else {
                sets(&self.pool, &window, way, self.span.timespan_ms, &mut add);
            }
        }
        candidates
    }

    /// Sets a group's timer; an earlier one stays unless `replaces`.
    fn arm(&mut self, number: u32, due_ms: Option<i64>, replaces: bool) {
        let group = self.groups.at(number);
        let wanted = match (group.armed_ms, due_ms) {
            (Some(armed), Some(due)) if !replaces => Some(armed.min(due)),
            _ => due_ms,
        };
        if wanted == group.armed_ms {
            return;
        }
        if let Some(armed) = group.armed_ms {
            self.timers.remove(&(armed, number));
        }
        group.armed_ms = wanted;
        self.timers.extend(wanted.map(|it| (it, number)));
    }

    /// The time before which an event is of no use any more: with what must not come, before and after, two timespans.
    fn horizon(&self, watermark: EventTime) -> EventTime {
        watermark.plus_ms(self.span.timespan_ms.saturating_mul(2).saturating_add(self.span.slack_ms).saturating_neg())
    }

    fn expire(&mut self, number: u32, watermark: EventTime) {
        let own = self.groups.at(number).armed_ms.map_or(watermark, |it| watermark.min(EventTime::from_ms(it.saturating_sub(1))));
        let horizon_ms = self.horizon(own).ms();
        while let Some(oldest) = self.groups.at(number).window.oldest()
            && self.pool.time(oldest) < horizon_ms
        {
            self.drop_oldest(number);
        }
    }

    fn drop_oldest(&mut self, number: u32) -> bool {
        let window = &mut self.groups.at(number).window;
        let Some(oldest) = window.oldest() else { return false };
        remove(&mut self.pool, &mut self.notes, &mut self.line_bytes, window, oldest);
        true
    }

    /// Lets an event go that stands between two others of the same step, else the oldest.
    fn thin_out(&mut self, number: u32) {
        let window = self.groups.at(number).window;
        if let Some(place) = self.pool.between_equals(&window) {
            let window = &mut self.groups.at(number).window;
            remove(&mut self.pool, &mut self.notes, &mut self.line_bytes, window, place);
        } else {
            self.drop_oldest(number);
        }
    }

    pub(super) fn stats(&self) -> WindowStats {
        WindowStats {
            groups: self.groups.len(),
            entries: self.pool.used(),
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

fn step_of(value: Identity) -> u16 {
    u16::try_from(value.0[0].saturating_sub(1)).unwrap_or(u16::MAX)
}

fn remove(pool: &mut Pool, notes: &mut [Note], line_bytes: &mut usize, window: &mut List, at: u32) {
    let note = std::mem::take(&mut notes[at as usize]);
    *line_bytes -= note.kept.map_or(0, |it| it.line_bytes());
    pool.remove(window, at);
}

/// Ordered occurrences. For each step the chain up to it that began latest is enough; an event that must not come between two steps
/// ends all chains that wait there.
fn chains(pool: &Pool, window: &List, way: &Way, timespan_ms: i64, add: &mut impl FnMut(u32, usize, i64, Vec<u32>)) {
    let steps = way.present.len();
    let mut open: [Option<(i64, [u32; ORDERED_STEPS_MAX])>; ORDERED_STEPS_MAX] = [None; ORDERED_STEPS_MAX];
    let (mut at, mut ordinal) = (window.oldest(), 0);
    while let Some(place) = at {
        let (step, time_ms) = (step_of(pool.value(place)), pool.time(place));
        for gap in 1..steps {
            if way.gaps[gap] & (1 << (step % 64)) != 0 {
                open[gap - 1] = None;
            }
        }
        let chain = match way.present.iter().position(|it| *it == step) {
            Some(0) => Some((0, time_ms, [place; ORDERED_STEPS_MAX])),
            Some(nth) => {
                open[nth - 1].filter(|(start, _)| time_ms.saturating_sub(*start) <= timespan_ms).map(|(start, mut places)| {
                    places[nth] = place;
                    (nth, start, places)
                })
            }
            None => None,
        };
        if let Some((nth, start_ms, places)) = chain {
            open[nth] = Some((start_ms, places));
            if nth + 1 == steps {
                add(place, ordinal, start_ms, places[..steps].to_vec());
            }
        }
        at = pool.after(place);
        ordinal += 1;
    }
}

/// Occurrences in any order: the latest of each of the others before the anchor.
fn sets(pool: &Pool, window: &List, way: &Way, timespan_ms: i64, add: &mut impl FnMut(u32, usize, i64, Vec<u32>)) {
    let mut latest: Vec<Option<(i64, usize, u32)>> = vec![None; way.present.len()];
    let (mut at, mut ordinal) = (window.oldest(), 0);
    while let Some(place) = at {
        let (step, time_ms) = (step_of(pool.value(place)), pool.time(place));
        if let Some(nth) = way.present.iter().position(|it| *it == step) {
            latest[nth] = Some((time_ms, ordinal, place));
            let start_ms = time_ms.saturating_sub(timespan_ms);
            if latest.iter().all(|it| it.is_some_and(|(time_ms, ..)| time_ms >= start_ms)) {
                let mut all: Vec<(i64, usize, u32)> = latest.iter().flatten().copied().collect();
                all.sort_unstable();
                add(place, ordinal, all[0].0, all.iter().map(|it| it.2).collect());
            }
        }
        at = pool.after(place);
        ordinal += 1;
    }
}
