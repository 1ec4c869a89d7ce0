//! Correlations in event time: exact sliding windows per group, in bounded memory, forgetting what is idle.

mod ahead;
mod chain;
mod chunks;
mod counted;
mod fixed;
mod groups;
mod kept;
mod lean;
mod measured;
mod pattern;
mod pool;
mod sorted;
mod timeline;
mod told;

pub(crate) use groups::NOBODY;

use crate::small_text::SmallText;
use chain::Chain;
use counted::Counted;
use measured::{Measure, Measured};
use model::EventTime;
use pattern::Pattern;
use serde::{Deserialize, Serialize};
use sigma::ast::{Compare, Correlation, CorrelationKind};
use sigma::compile::{CorrelationIndex, Member, RuleIndex, RuleSet};
use sigma::parse::alternatives;
use twox_hash::XxHash3_128;

/// The identity of a group or of a counted value: 128 bits of XXH3 over its texts. Two texts share it with a probability of 2^-128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity(pub [u64; 2]);

impl Identity {
    /// The identity of a sequence of texts; `["ab", "c"]` is not `["a", "bc"]`.
    #[inline]
    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        texts.into_iter().fold(Self::default(), |identity, text| identity.then(text.as_ref()))
    }

    /// The identity of the sequence that goes on with `text`: what came before seeds it, so that order and boundaries count.
    #[inline]
    #[must_use]
    pub fn then(self, text: &str) -> Self {
        let [low, high] = self.0;
        Self(halves(XxHash3_128::oneshot_with_seed(low ^ high.rotate_left(32), text.as_bytes())))
    }

    /// The identity of a step of a temporal correlation.
    fn of_step(step: u16) -> Self {
        Self([u64::from(step) + 1, 0])
    }

    /// A number below `shards`, the same for the same identity.
    pub fn shard(self, shards: usize) -> usize {
        usize::try_from(self.0[0] % shards as u64).unwrap_or(0)
    }
}

fn halves(hash: u128) -> [u64; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    [hash as u64, (hash >> 64) as u64]
}

/// One event that matched a rule of a correlation.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The correlation.
    pub correlation: CorrelationIndex,
    /// Which of its rules matched.
    pub step: u16,
    /// Event time.
    pub time: EventTime,
    /// What the events of a group have in common.
    pub group: Identity,
    /// The counted or measured value.
    pub value: Identity,
    /// The event's identifier.
    pub event: SmallText,
    /// The actor's identifier; empty where the group is the actor.
    pub actor: SmallText,
}

/// What is known of the window that a hit goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entering {
    /// Perhaps the number of the group.
    pub(crate) guess: u32,
    /// Whether more of the same event follows: the window is judged when all of it is there.
    pub(crate) goes_on: bool,
}

impl Default for Entering {
    fn default() -> Self {
        Self { guess: NOBODY, goes_on: false }
    }
}

/// The event behind a hit, as far as an alert that is decided later needs it.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'c> {
    /// Which of the rulebook's programs read it.
    pub source: u16,
    /// The rule that matched.
    pub rule: RuleIndex,
    /// For the hit of a correlation, how it came about: as which of its rules the event came in, and so on downwards.
    pub below: &'c [u16],
    /// The event's line.
    pub line: &'c str,
}

/// A [`Cause`] that waits for the decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Which of the rulebook's programs read it.
    pub source: u16,
    /// Which of the correlation's rules it is.
    pub step: u16,
    /// The group that the event is in.
    pub group: Identity,
    below: Box<[u16]>,
    /// Event time.
    pub time_ms: i64,
    line: Box<str>,
}

impl Kept {
    fn new(hit: &Hit, cause: &Cause<'_>) -> Self {
        let (step, group, time_ms) = (hit.step, hit.group, hit.time.ms());
        Self { source: cause.source, step, group, below: cause.below.into(), time_ms, line: cause.line.into() }
    }

    /// What was kept for `correlation` of `set`. Rules are found by the way that the event came, since their numbers change from one
    /// set to the next.
    pub fn cause(&self, set: &RuleSet, correlation: CorrelationIndex) -> Option<Cause<'_>> {
        let path = [&[self.step], &*self.below].concat();
        let rule = set.rule_at(correlation, &path)?;
        Some(Cause { source: self.source, rule, below: &self.below, line: &self.line })
    }

    fn line_bytes(&self) -> usize {
        self.line.len()
    }
}

/// A correlation whose condition has become true for a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// What was counted: events, distinct values, steps; of what is measured, how many.
    pub count: u64,
    /// The sum, mean, percentile or median, where that is what the condition is about.
    pub value: Option<f64>,
    /// Which alternative of a condition over rule names holds.
    pub alternative: Option<u16>,
    /// Time of the oldest contributing event.
    pub first: EventTime,
    /// Time of the latest one.
    pub last: EventTime,
    /// Identifiers of the contributing events, oldest first; the latest [`model::Alert::EVENTS_MAX`].
    pub events: Vec<String>,
    /// How many contributed.
    pub events_total: u64,
    /// The actors of the contributing events, sorted, without the empty one.
    pub actors: Vec<String>,
}

/// Limits of all windows of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLimits {
    /// Groups per correlation. At the limit the idlest of sixteen goes, and is counted.
    pub groups_max: u32,
    /// Entries per correlation, over all its groups. At the limit a window loses its oldest entry, and that is counted.
    pub entries_max: u32,
}

impl Default for WindowLimits {
    fn default() -> Self {
        Self { groups_max: 100_000, entries_max: 1_000_000 }
    }
}

/// How full the windows are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowStats {
    /// Groups alive.
    pub groups: usize,
    /// Entries in windows.
    pub entries: usize,
    /// Groups that had to go although they were alive.
    pub groups_evicted: u64,
    /// Entries that a window lost although they were inside it.
    pub entries_evicted: u64,
    /// Entries and alerted episodes that went although a late event could have needed them: a window keeps so many only.
    pub entries_thinned: u64,
    /// Events that entered no window because they have no number where one is measured.
    pub unmeasured: u64,
    /// Events of whose groups or values only the first thousand were looked at.
    pub values_cut: u64,
}

impl std::ops::Add for WindowStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            groups: self.groups + other.groups,
            entries: self.entries + other.entries,
            groups_evicted: self.groups_evicted + other.groups_evicted,
            entries_evicted: self.entries_evicted + other.entries_evicted,
            entries_thinned: self.entries_thinned + other.entries_thinned,
            unmeasured: self.unmeasured + other.unmeasured,
            values_cut: self.values_cut + other.values_cut,
        }
    }
}

/// How far a window reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    timespan_ms: i64,
    /// How much later than its events a hit may come, where it is the alert of a correlation below that waits for what does not happen.
    slack_ms: i64,
}

impl Span {
    /// The time before which no hit is expected any more.
    fn settled(self, watermark: EventTime) -> EventTime {
        watermark.plus_ms(self.slack_ms.saturating_neg())
    }

    /// The time before which entries are of no use any more.
    fn horizon(self, watermark: EventTime) -> EventTime {
        watermark.plus_ms(self.timespan_ms.saturating_add(self.slack_ms).saturating_neg())
    }
}

/// A [`Compare`] as it is written into snapshots.
type CompareCode = u8;

const COMPARES: [Compare; 6] =
    [Compare::Equal, Compare::Less, Compare::LessOrEqual, Compare::Greater, Compare::GreaterOrEqual, Compare::NotEqual];

fn code(compare: Compare) -> CompareCode {
    COMPARES.iter().position(|known| *known == compare).and_then(|it| u8::try_from(it).ok()).unwrap_or(0)
}

/// The windows of all correlations of one shard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Windows {
    all: Vec<Window>,
    /// Which of them have timers, by level.
    timed: Vec<(u8, u32)>,
    values_cut: u64,
}

#[derive(Debug, Serialize, Deserialize)]
enum Window {
    Counted(Counted),
    Chain(Chain),
    Measured(Box<Measured>),
    Pattern(Box<Pattern>),
}

impl Windows {
    /// Empty windows for the correlations of `set`.
    pub fn new(set: &RuleSet, limits: WindowLimits) -> Self {
        Self::default().carried_over(&vec![None; set.correlations.len()], set, limits)
    }

    /// The windows of the correlations of `set`: for each the one that stands at its place in `from` now, else an empty one.
    pub(crate) fn carried_over(self, from: &[Option<usize>], set: &RuleSet, limits: WindowLimits) -> Self {
        let mut old: Vec<Option<Window>> = self.all.into_iter().map(Some).collect();
        let mut take = |from: &Option<usize>| old.get_mut((*from)?)?.take();
        let slacks = slacks(set);
        let windows = set.correlations.iter().zip(slacks).zip(from);
        let windows = windows.map(|((it, slack_ms), from)| take(from).unwrap_or_else(|| Window::of(it, slack_ms, limits)));
        let all: Vec<Window> = windows.collect();
        let is_timed = |it: &Window| matches!(it, Window::Pattern(_));
        let timed = (0_u32..).zip(&all).filter(|(_, it)| is_timed(it)).map(|(at, _)| (set.levels[at as usize], at));
        let mut timed: Vec<(u8, u32)> = timed.collect();
        timed.sort_unstable();
        Self { all, timed, values_cut: self.values_cut }
    }

    /// Puts a hit into its window; one that comes late may complete several episodes. `watermark` is the time before which nothing more is expected: groups idle since longer than their
    /// timespan before it may be forgotten. What a window with timers makes of it is told by [`Self::settle`].
    pub fn hit(&mut self, hit: &Hit, cause: &Cause<'_>, watermark: EventTime, fired: &mut Vec<Fired>) {
        self.hit_at(hit, Entering::default(), cause, watermark, fired);
    }

    /// The same, where `entering` tells what is known of the hit's window.
    pub(crate) fn hit_at(
        &mut self,
        hit: &Hit,
        entering: Entering,
        cause: &Cause<'_>,
        watermark: EventTime,
        fired: &mut Vec<Fired>,
    ) {
        if hit.value.is_the_rest() {
            self.values_cut += 1;
            return;
        }
        match &mut self.all[hit.correlation.0 as usize] {
            Window::Counted(window) => window.hit(hit, entering, watermark, fired),
            Window::Chain(window) => window.hit(hit, entering.guess, watermark, fired),
            Window::Measured(window) => window.hit(hit, entering.goes_on, watermark, fired),
            Window::Pattern(window) => window.hit(hit, cause, watermark),
        }
    }

    /// When the next timer is due, of all correlations or of those of one level.
    pub fn due(&self, level: Option<u8>) -> Option<EventTime> {
        let timed = self.timed.iter().filter(|(it, _)| level.is_none_or(|level| *it == level));
        let dues = timed.filter_map(|(_, at)| match &self.all[*at as usize] {
            Window::Pattern(window) => window.due_ms(),
            _ => None,
        });
        dues.min().map(EventTime::from_ms)
    }

    /// Decides what waits in windows of one level for the watermark, which has been as high as `reached`: after the hits of a place
    /// in the input, so that an event of that very place still counts.
    pub fn settle(&mut self, level: u8, reached: EventTime, told: &mut Vec<(CorrelationIndex, Fired, Kept)>) {
        let mut fired = Vec::new();
        for &(_, at) in self.timed.iter().filter(|(it, _)| *it == level) {
            if let Window::Pattern(window) = &mut self.all[at as usize] {
                window.settle(reached, &mut fired);
                told.extend(fired.drain(..).map(|(fired, kept)| (CorrelationIndex(at), fired, kept)));
            }
        }
    }

    /// How full they are.
    pub fn stats(&self) -> WindowStats {
        let stats = self.all.iter().map(|it| match it {
            Window::Counted(window) => window.stats(),
            Window::Chain(window) => window.stats(),
            Window::Measured(window) => window.stats(),
            Window::Pattern(window) => window.stats(),
        });
        stats.fold(WindowStats { values_cut: self.values_cut, ..WindowStats::default() }, |sum, it| sum + it)
    }

    /// Makes the indexes anew after the windows were read back.
    pub(crate) fn reindex(&mut self) {
        for window in &mut self.all {
            match window {
                Window::Counted(window) => window.reindex(),
                Window::Chain(window) => window.reindex(),
                Window::Measured(window) => window.reindex(),
                Window::Pattern(window) => window.reindex(),
            }
        }
    }

    /// How many correlations they are for.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

/// For each correlation, how much later than its events its hits may come.
fn slacks(set: &RuleSet) -> Vec<i64> {
    let mut slacks = vec![0_i64; set.correlations.len()];
    let mut by_level: Vec<usize> = (0..slacks.len()).collect();
    by_level.sort_by_key(|&it| set.levels[it]);
    for at in by_level {
        let below = set.members[at].iter().flatten().filter_map(|it| match it {
            Member::Correlation(below) if set.levels[below.0 as usize] < set.levels[at] => Some(below.0 as usize),
            _ => None,
        });
        let delay = |below: usize| {
            let correlation = &set.correlations[below];
            let waits = if correlation.expression.is_some() { correlation.timespan_ms.saturating_add(1) } else { 0 };
            slacks[below].saturating_add(waits)
        };
        slacks[at] = below.map(delay).max().unwrap_or(0);
    }
    slacks
}

impl Window {
    #[inline]
    fn of(correlation: &Correlation, slack_ms: i64, limits: WindowLimits) -> Self {
        let span = Span { timespan_ms: correlation.timespan_ms, slack_ms };
        let is_ordered = correlation.kind == CorrelationKind::TemporalOrdered;
        if let Some(alternatives) = correlation.expression.as_ref().and_then(|it| alternatives::of(it).ok()) {
            return Self::Pattern(Box::new(Pattern::new(span, &alternatives, is_ordered, limits)));
        }
        let steps = f64::from(u32::try_from(correlation.rules.len()).unwrap_or(u32::MAX));
        let condition = match correlation.condition.as_slice() {
            [] => vec![(Compare::GreaterOrEqual, steps)],
            some => some.to_vec(),
        };
        let measured =
            |measure| Self::Measured(Box::new(Measured::new(span, correlation.session_gap_ms, measure, &condition, limits)));
        let whole: Vec<(Compare, u64)> = condition.iter().map(|&(compare, with)| (compare, whole(with))).collect();
        let has_sessions = correlation.session_gap_ms.is_some();
        match &correlation.kind {
            CorrelationKind::TemporalOrdered => Self::Chain(Chain::new(span, correlation.rules.len(), limits)),
            CorrelationKind::EventCount if has_sessions => measured(Measure::Events),
            CorrelationKind::ValueCount(_) | CorrelationKind::Temporal if has_sessions => measured(Measure::Distinct),
            CorrelationKind::EventCount => Self::Counted(Counted::new(span, whole, false, limits)),
            CorrelationKind::ValueCount(_) | CorrelationKind::Temporal => Self::Counted(Counted::new(span, whole, true, limits)),
            CorrelationKind::ValueSum(_) => measured(Measure::Sum),
            CorrelationKind::ValueAvg(_) => measured(Measure::Mean),
            CorrelationKind::ValuePercentile { percentile, .. } => measured(Measure::Percentile(fixed::of(*percentile))),
            CorrelationKind::ValueMedian(_) => measured(Measure::Median),
        }
    }
}

/// The parser lets through only whole numbers of at most 32 bits for counts.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number that is not negative")]
fn whole(number: f64) -> u64 {
    number as u64
}

impl Hit {
    /// Whether more of the same event enters the same window. `later` are the hits that follow at the same place of the input.
    pub(crate) fn goes_on<'h>(&self, later: impl IntoIterator<Item = &'h Self>) -> bool {
        let mut of_correlation = later.into_iter().take_while(|it| it.correlation == self.correlation);
        of_correlation.any(|it| it.group == self.group && it.time == self.time && !it.value.is_the_rest())
    }

    /// For a temporal correlation the step is what is counted.
    #[must_use]
    pub fn with_step_as_value(mut self) -> Self {
        self.value = Identity::of_step(self.step);
        self
    }
}

/// What an alert shows of an entry.
#[derive(Debug, Clone, Copy)]
struct Sign<'w> {
    time_ms: i64,
    event: &'w SmallText,
    /// `None` or empty where the group is the actor.
    actor: Option<&'w SmallText>,
}

/// What an alert says about the entries of a window, in the order of their times. Those of one event count as one event.
fn fired(count: u64, signs: &[Sign<'_>]) -> Fired {
    let mut actors: Vec<String> = signs.iter().filter_map(|it| it.actor).filter(|it| !it.is_empty()).map(String::from).collect();
    actors.sort_unstable();
    actors.dedup();
    actors.truncate(model::Alert::ACTORS_MAX);
    let mut events: Vec<&SmallText> = signs.iter().map(|it| it.event).collect();
    events.dedup();
    let time = |it: Option<&Sign<'_>>| EventTime::from_ms(it.map_or(0, |it| it.time_ms));
    Fired {
        count,
        value: None,
        alternative: None,
        first: time(signs.first()),
        last: time(signs.last()),
        events: events.iter().skip(events.len().saturating_sub(model::Alert::EVENTS_MAX)).map(|it| String::from(*it)).collect(),
        events_total: events.len() as u64,
        actors,
    }
}

#[cfg(test)]
mod tests;
