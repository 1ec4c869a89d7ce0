//! Correlations in event time: exact sliding windows per group, in bounded memory, forgetting what is idle.

mod chain;
mod counted;
mod groups;
mod pool;

use crate::small_text::SmallText;
use chain::Chain;
pub use chain::STEPS_MAX;
use counted::Counted;
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::{Compare, Correlation, CorrelationKind};
use sigma::compile::{CorrelationIndex, RuleSet};
use twox_hash::XxHash3_128;

/// The identity of a group or of a counted value: 128 bits of XXH3 over its texts. Two texts share it with a probability of 2^-128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity(pub [u64; 2]);

impl Identity {
    /// The identity of a sequence of texts; `["ab", "c"]` is not `["a", "bc"]`.
    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        texts.into_iter().fold(Self::default(), |identity, text| identity.then(text.as_ref()))
    }

    /// The identity of the sequence that goes on with `text`: what came before seeds it, so that order and boundaries count.
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
    /// The counted value.
    pub value: Identity,
    /// The event's identifier.
    pub event: SmallText,
    /// The actor's identifier; empty where the group is the actor.
    pub actor: SmallText,
}

/// A correlation whose condition has become true for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// What was counted: events, distinct values, steps.
    pub count: u64,
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
}

/// The windows of all correlations of one shard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Windows(Vec<Window>);

#[derive(Debug, Serialize, Deserialize)]
enum Window {
    Counted(Counted),
    Chain(Chain),
}

impl Windows {
    /// Empty windows for the correlations of `set`.
    pub fn new(set: &RuleSet, limits: WindowLimits) -> Self {
        Self(set.correlations.iter().map(|it| Window::of(it, limits)).collect())
    }

    /// The windows of the correlations of `set`: for each the one that stands at its place in `from` now, else an empty one.
    pub(crate) fn carried_over(self, from: &[Option<usize>], set: &RuleSet, limits: WindowLimits) -> Self {
        let mut old: Vec<Option<Window>> = self.0.into_iter().map(Some).collect();
        let mut take = |from: &Option<usize>| old.get_mut((*from)?)?.take();
        let windows = set.correlations.iter().zip(from);
        Self(windows.map(|(it, from)| take(from).unwrap_or_else(|| Window::of(it, limits))).collect())
    }

    /// Puts a hit into its window. `watermark` is the time before which nothing more is expected: groups idle since longer than their
    /// timespan before it may be forgotten.
    pub fn hit(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        match &mut self.0[hit.correlation.0 as usize] {
            Window::Counted(window) => window.hit(hit, watermark),
            Window::Chain(window) => window.hit(hit, watermark),
        }
    }

    /// How full they are.
    pub fn stats(&self) -> WindowStats {
        self.0.iter().fold(WindowStats::default(), |sum, it| {
            let one = match it {
                Window::Counted(window) => window.stats(),
                Window::Chain(window) => window.stats(),
            };
            WindowStats {
                groups: sum.groups + one.groups,
                entries: sum.entries + one.entries,
                groups_evicted: sum.groups_evicted + one.groups_evicted,
                entries_evicted: sum.entries_evicted + one.entries_evicted,
            }
        })
    }

    /// Makes the indexes anew after the windows were read back.
    pub(crate) fn reindex(&mut self) {
        for window in &mut self.0 {
            match window {
                Window::Counted(window) => window.reindex(),
                Window::Chain(window) => window.reindex(),
            }
        }
    }

    /// How many correlations they are for.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Window {
    fn of(correlation: &Correlation, limits: WindowLimits) -> Self {
        let steps = u64::try_from(correlation.rules.len()).unwrap_or(u64::MAX);
        let condition = match correlation.condition.as_slice() {
            [] => vec![(Compare::GreaterOrEqual, steps)],
            some => some.to_vec(),
        };
        match correlation.kind {
            CorrelationKind::TemporalOrdered => Self::Chain(Chain::new(correlation.timespan_ms, correlation.rules.len(), limits)),
            CorrelationKind::EventCount => Self::Counted(Counted::new(correlation.timespan_ms, condition, false, limits)),
            CorrelationKind::ValueCount(_) | CorrelationKind::Temporal => {
                Self::Counted(Counted::new(correlation.timespan_ms, condition, true, limits))
            }
        }
    }
}

impl Hit {
    /// For a temporal correlation the step is what is counted.
    #[must_use]
    pub fn with_step_as_value(mut self) -> Self {
        self.value = Identity::of_step(self.step);
        self
    }
}

/// What an alert says about the entries of a window.
fn fired<'p>(count: u64, entries: impl Iterator<Item = &'p pool::Entry> + Clone) -> Fired {
    let total = entries.clone().count();
    let mut actors: Vec<String> = entries.clone().map(|it| it.actor.to_string()).filter(|it| !it.is_empty()).collect();
    actors.sort_unstable();
    actors.dedup();
    actors.truncate(model::Alert::ACTORS_MAX);
    let time = |it: Option<&pool::Entry>| EventTime::from_ms(it.map_or(0, |it| it.time_ms));
    Fired {
        count,
        first: time(entries.clone().next()),
        last: time(entries.clone().last()),
        events: entries.skip(total.saturating_sub(model::Alert::EVENTS_MAX)).map(|it| it.event.to_string()).collect(),
        events_total: total as u64,
        actors,
    }
}

#[cfg(test)]
mod tests;
