//! Sums, means, percentiles and sessions: what is inside the window is kept worked out while its ends move over the entries.
//!
//! Every entry stays until the watermark has left it behind, in event-time order. A cursor covers the entries of one window; moving an
//! end by one entry changes what is worked out by that entry, so that a hit in order costs the entries it pushes out (a constant
//! amortised; for percentiles a search in sorted buckets), and a late one besides those that came after it. It is judged in every
//! window that contains it. Numbers are whole billionths ([`super::fixed`]): nothing is lost by adding and taking away.

use super::groups::{Groups, NOBODY};
use super::pool::{Entry, List, Pool};
use super::sorted::Sorted;
use super::told::{Review, Told};
use super::{Fired, Hit, Identity, Span, WindowLimits, WindowStats, fired, fixed};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::Compare;

/// What is worked out of the entries of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Measure {
    /// How many there are.
    Events,
    /// How many different values.
    Distinct,
    Sum,
    Mean,
    /// By nearest rank; in billionths of a percent.
    Percentile(i128),
    /// The middle one, or the mean of the two in the middle.
    Median,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Group {
    window: List,
    told: Told,
    /// The first and the last entry that the cursor covers.
    covered: Option<(u32, u32)>,
    inside: u32,
    sum: i128,
    distinct: u32,
    #[serde(skip)]
    sorted: Sorted,
}

/// A comparison and what it is with, in billionths.
type Threshold = (super::CompareCode, i128);

/// How often each value is inside the cursor of each group.
type Occurrences = HashMap<(u32, Identity), u32, FixedState>;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    span: Span,
    /// Events further apart are of different sessions.
    gap_ms: i64,
    measure: Measure,
    condition: Vec<Threshold>,
    entries_max: u32,
    entries_evicted: u64,
    /// Told episodes that went although a late hit could have needed them.
    forgotten: u64,
    /// Events without a number.
    unmeasured: u64,
    groups: Groups<Group>,
    pool: Pool,
    #[serde(skip)]
    occurrences: Occurrences,
}

impl Measured {
    pub(super) fn new(
        span: Span,
        gap_ms: Option<i64>,
        measure: Measure,
        condition: &[(Compare, f64)],
        limits: WindowLimits,
    ) -> Self {
        Self {
            span,
            gap_ms: gap_ms.unwrap_or(i64::MAX),
            measure,
            condition: condition.iter().map(|&(compare, with)| (super::code(compare), fixed::of(with))).collect(),
            entries_max: limits.entries_max,
            entries_evicted: 0,
            forgotten: 0,
            unmeasured: 0,
            groups: Groups::new(limits.groups_max),
            pool: Pool::default(),
            occurrences: Occurrences::default(),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, goes_on: bool, watermark: EventTime, fired: &mut Vec<Fired>) {
        // A hit that only says that there was nothing to enter.
        if hit.value.is_no_number() {
            self.unmeasured += 1;
            return;
        }
        let Self { pool, occurrences, measure, span, gap_ms, .. } = self;
        let horizon = span.horizon(watermark);
        let number = self.groups.touch((hit.group, NOBODY), hit.time, horizon, |number, group| {
            let mut cursor = Cursor { pool, occurrences, measure: *measure, number, span: *span, gap_ms: *gap_ms, group };
            while cursor.drop_oldest() {}
        });
        let group = self.groups.at(number);
        let mut cursor = Cursor { pool, occurrences, measure: *measure, number, span: *span, gap_ms: *gap_ms, group };
        while cursor.oldest_ms().is_some_and(|it| it < horizon.ms()) {
            cursor.drop_oldest();
        }
        if cursor.pool.used() >= self.entries_max as usize {
            self.entries_evicted += 1;
            // The group's own oldest makes room; a group that has none has to wait until others expire.
            if !cursor.drop_oldest() {
                return;
            }
        }
        let place = cursor.insert(&Entry::new(hit, number));
        if goes_on {
            return;
        }
        if cursor.pool.after(place).is_none() {
            fired.extend(cursor.judge_latest(place, &self.condition, horizon.ms(), &mut self.forgotten));
        } else {
            fired.extend(cursor.judge_late(place, &self.condition, horizon.ms(), &mut self.forgotten));
        }
    }

    pub(super) fn stats(&self) -> WindowStats {
        WindowStats {
            groups: self.groups.len(),
            entries: self.pool.used(),
            groups_evicted: self.groups.evicted,
            entries_evicted: self.entries_evicted,
            entries_thinned: self.forgotten,
            unmeasured: self.unmeasured,
            ..WindowStats::default()
        }
    }

    /// Works out anew what is not written into snapshots.
    pub(super) fn reindex(&mut self) {
        self.groups.reindex();
        self.occurrences.clear();
        let Self { pool, occurrences, measure, span, gap_ms, groups, .. } = self;
        groups.each(|number, group| {
            let Some((first, last)) = group.covered else { return };
            (group.inside, group.sum, group.distinct, group.sorted) = (0, 0, 0, Sorted::default());
            let mut cursor = Cursor { pool, occurrences, measure: *measure, number, span: *span, gap_ms: *gap_ms, group };
            let mut at = Some(first);
            while let Some(place) = at {
                cursor.enter(place);
                at = cursor.pool.after(place).filter(|_| place != last);
            }
        });
    }
}

/// One group's window, and what is shared with others.
struct Cursor<'w> {
    pool: &'w mut Pool,
    occurrences: &'w mut Occurrences,
    measure: Measure,
    number: u32,
    span: Span,
    gap_ms: i64,
    group: &'w mut Group,
}

impl Cursor<'_> {
    fn time_ms(&self, at: u32) -> i64 {
        self.pool.time(at)
    }

    fn oldest_ms(&self) -> Option<i64> {
        self.group.window.oldest().map(|it| self.time_ms(it))
    }

    /// Judges the window that ends with the latest hit.
    fn judge_latest(&mut self, place: u32, condition: &[Threshold], keep_ms: i64, forgotten: &mut u64) -> Option<Fired> {
        let (timespan_ms, time_ms) = (self.span.timespan_ms, self.time_ms(place));
        self.move_to(place);
        if !self.holds(condition) {
            self.group.told.end(time_ms, timespan_ms);
            return None;
        }
        if self.group.told.is_told(time_ms, timespan_ms) {
            return None;
        }
        *forgotten += self.group.told.tell(time_ms, timespan_ms, keep_ms);
        Some(self.fired(place))
    }

    /// Judges the windows that contain a hit that is not the latest.
    fn judge_late(&mut self, place: u32, condition: &[Threshold], keep_ms: i64, forgotten: &mut u64) -> Vec<Fired> {
        let (timespan_ms, time_ms) = (self.span.timespan_ms, self.time_ms(place));
        let has_twin = self.pool.has_twin(place);
        let mut told = std::mem::take(&mut self.group.told);
        let mut review = Review::new(&mut told, time_ms, has_twin, timespan_ms, keep_ms);
        let (mut end, mut fired) = (place, Vec::new());
        loop {
            self.move_to(end);
            let end_ms = self.time_ms(end);
            let next = self.pool.after(end);
            if next.is_none_or(|it| !self.pool.is_of_one(end, it)) {
                fired.extend(review.see(end_ms, self.holds(condition), || self.fired(end)));
            }
            let Some(next) = next.filter(|it| review.wants(self.time_ms(*it))) else { break };
            if self.time_ms(next).saturating_sub(end_ms) > self.gap_ms {
                review.pass();
            }
            end = next;
        }
        *forgotten += review.forgotten;
        drop(review);
        self.group.told = told;
        fired
    }

    fn holds(&self, condition: &[Threshold]) -> bool {
        let (numerator, denominator) = self.figure();
        let holds =
            |&(compare, with): &Threshold| super::COMPARES[usize::from(compare)].holds(numerator, with.saturating_mul(denominator));
        condition.iter().all(holds)
    }

    fn fired(&self, end: u32) -> Fired {
        let (numerator, denominator) = self.figure();
        let Group { inside, distinct, .. } = *self.group;
        let count = if self.measure == Measure::Distinct { distinct } else { inside };
        let is_count = matches!(self.measure, Measure::Events | Measure::Distinct);
        let value = (!is_count).then(|| fixed::to_f64(numerator, denominator));
        Fired { value, ..fired(u64::from(count), &self.pool.signs(&self.pool.up_to(end, inside))) }
    }

    /// What the condition is about, in billionths over a denominator.
    fn figure(&self) -> (i128, i128) {
        let Group { inside, sum, distinct, sorted, .. } = &*self.group;
        let nth = |rank: i128| sorted.nth(usize::try_from(rank - 1).unwrap_or(0));
        let inside = i128::from(*inside);
        match self.measure {
            Measure::Events => (inside * fixed::SCALE, 1),
            Measure::Distinct => (i128::from(*distinct) * fixed::SCALE, 1),
            Measure::Sum => (*sum, 1),
            Measure::Mean => (*sum, inside.max(1)),
            Measure::Percentile(percent) => {
                let whole = 100 * fixed::SCALE;
                (nth(((percent * inside + whole - 1) / whole).max(1)), 1)
            }
            Measure::Median if inside % 2 == 1 => (nth(inside / 2 + 1), 1),
            Measure::Median => (nth(inside / 2) + nth(inside / 2 + 1), 2),
        }
    }

    /// Puts an entry where its time belongs, inside the cursor if that is there.
    fn insert(&mut self, entry: &Entry<'_>) -> u32 {
        let time_ms = entry.time_ms;
        let place = self.pool.insert(&mut self.group.window, entry);
        if let Some((first, last)) = self.group.covered
            && self.time_ms(first) <= time_ms
            && time_ms < self.time_ms(last)
        {
            self.enter(place);
        }
        place
    }

    /// Takes the oldest entry out of the window. `false` if there is none.
    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.group.window.oldest() else { return false };
        if let Some((first, last)) = self.group.covered
            && first == oldest
        {
            self.leave(oldest);
            self.group.covered = self.pool.after(oldest).filter(|_| first != last).map(|it| (it, last));
        }
        self.pool.remove(&mut self.group.window, oldest);
        true
    }

    /// Lets the cursor cover the window that ends with `end`: a timespan, and not beyond a gap between sessions.
    fn move_to(&mut self, end: u32) {
        let end_ms = self.time_ms(end);
        let start_ms = end_ms.saturating_sub(self.span.timespan_ms);
        match self.group.covered {
            Some((_, last)) if last == end => {}
            // What is put in comes behind everything of its time.
            Some((_, last)) if end_ms >= self.time_ms(last) => self.advance(last, end),
            Some((first, last)) if end_ms >= self.time_ms(first) => {
                self.stretch(start_ms);
                let mut at = last;
                while at != end {
                    self.leave(at);
                    at = self.pool.before(at).unwrap_or(end);
                }
                self.group.covered = self.group.covered.map(|(first, _)| (first, end));
            }
            _ => self.start(end),
        }
        self.stretch(start_ms);
        self.shrink(start_ms);
    }

    /// Covers nothing but `end`.
    fn start(&mut self, end: u32) {
        if let Some((first, last)) = self.group.covered.take() {
            let mut at = Some(first);
            while let Some(place) = at {
                self.leave(place);
                at = self.pool.after(place).filter(|_| place != last);
            }
        }
        self.enter(end);
        self.group.covered = Some((end, end));
    }

    /// Goes forward from entry to entry.
    fn advance(&mut self, last: u32, end: u32) {
        let mut last = last;
        while last != end {
            let Some(next) = self.pool.after(last) else { return };
            if self.time_ms(next).saturating_sub(self.time_ms(last)) > self.gap_ms {
                self.start(next);
            } else {
                self.enter(next);
                self.group.covered = self.group.covered.map(|(first, _)| (first, next));
            }
            last = next;
        }
    }

    /// Reaches back to `start_ms`.
    fn stretch(&mut self, start_ms: i64) {
        while let Some((first, last)) = self.group.covered
            && let Some(earlier) = self.pool.before(first)
            && self.time_ms(earlier) >= start_ms
            && self.time_ms(first).saturating_sub(self.time_ms(earlier)) <= self.gap_ms
        {
            self.enter(earlier);
            self.group.covered = Some((earlier, last));
        }
    }

    /// Lets go what is before `start_ms`.
    fn shrink(&mut self, start_ms: i64) {
        while let Some((first, last)) = self.group.covered
            && self.time_ms(first) < start_ms
            && let Some(later) = self.pool.after(first)
        {
            self.leave(first);
            self.group.covered = Some((later, last));
        }
    }

    fn enter(&mut self, at: u32) {
        let value = self.pool.value(at);
        self.group.inside += 1;
        match self.measure {
            Measure::Events => {}
            Measure::Distinct => {
                let times = self.occurrences.entry((self.number, value)).or_insert(0);
                *times += 1;
                self.group.distinct += u32::from(*times == 1);
            }
            Measure::Sum | Measure::Mean => self.group.sum += value.billionths(),
            Measure::Percentile(_) | Measure::Median => self.group.sorted.insert(value.billionths()),
        }
    }

    fn leave(&mut self, at: u32) {
        let value = self.pool.value(at);
        self.group.inside -= 1;
        match self.measure {
            Measure::Events => {}
            Measure::Distinct => {
                let key = (self.number, value);
                if let Some(times) = self.occurrences.get_mut(&key) {
                    *times -= 1;
                    if *times == 0 {
                        self.occurrences.remove(&key);
                        self.group.distinct -= 1;
                    }
                }
            }
            Measure::Sum | Measure::Mean => self.group.sum -= value.billionths(),
            Measure::Percentile(_) | Measure::Median => self.group.sorted.remove(value.billionths()),
        }
    }
}
