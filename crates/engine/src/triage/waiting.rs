//! Who waits to be told of: of each actor the strongest candidate, the most urgent first.

use super::case::decayed;
use super::{MS_PER_DAY, kept};
use model::Alert;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most actors who wait. When there are more, the least urgent goes: the digest has named everybody.
pub(super) const WAITING_MAX: usize = 1_000;
/// Risk halves in so many days, and urgency with it.
const HALF_LIFE_DAYS: f64 = super::case::HALF_LIFE_DAYS;

/// A candidate that was not told at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Waiting {
    #[serde(with = "kept")]
    pub(super) alert: Box<Alert>,
    pub(super) weighed: Weighed,
    /// The base-2 logarithm of risk × sensitivity, plus the half-lives that had gone by since 1970. Risks of all decay alike, so that
    /// the order of any two stays what it is.
    urgency: f64,
    /// When the actor began to wait, by the watermark.
    pub(super) since_ms: i64,
}

/// What was found out about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Weighed {
    /// The risk of behaviour and rules together, times the factor.
    pub(super) risk: f64,
    /// The part of it that comes from rules.
    pub(super) risk_of_rules: f64,
    /// What reports of colleagues make of it.
    pub(super) factor: f64,
}

/// See the module.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct List(BTreeMap<String, Waiting>);

impl Waiting {
    pub(super) fn new(alert: Box<Alert>, weighed: Weighed, since_ms: i64) -> Self {
        let weight = alert.deviation.as_ref().map_or(1.0, |it| it.weight);
        #[expect(clippy::cast_precision_loss, reason = "a time in milliseconds")]
        let half_lives = alert.time.ms() as f64 / MS_PER_DAY as f64 / HALF_LIFE_DAYS;
        let urgency = libm::log2((weighed.risk * weight).max(f64::MIN_POSITIVE)) + half_lives;
        Self { alert, weighed, urgency, since_ms }
    }

    /// What is left of its risk.
    pub(super) fn risk_at(&self, ms: i64) -> f64 {
        decayed(self.weighed.risk, self.alert.time.ms(), ms)
    }
}

impl List {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The most urgent first.
    pub(super) fn in_order(&self) -> Vec<&Waiting> {
        let mut all: Vec<&Waiting> = self.0.values().collect();
        all.sort_by(|left, right| right.urgency.total_cmp(&left.urgency));
        all
    }

    /// An actor waits, with the strongest candidate if there are several. Whether there was no room for somebody.
    pub(super) fn add(&mut self, it: Waiting) -> bool {
        if let Some(known) = self.0.get_mut(&it.alert.actor.id) {
            if it.urgency > known.urgency {
                *known = Waiting { since_ms: known.since_ms, ..it };
            }
            return false;
        }
        self.0.insert(it.alert.actor.id.clone(), it);
        if self.0.len() <= WAITING_MAX {
            return false;
        }
        let least = self.0.iter().min_by(|left, right| left.1.urgency.total_cmp(&right.1.urgency)).map(|it| it.0.clone());
        least.and_then(|it| self.0.remove(&it));
        true
    }

    pub(super) fn remove(&mut self, actor: &str) {
        self.0.remove(actor);
    }

    /// Takes out the most urgent of those who fit.
    pub(super) fn take(&mut self, fits: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let fitting = self.0.iter().filter(|it| fits(it.1));
        let actor = fitting.max_by(|left, right| left.1.urgency.total_cmp(&right.1.urgency)).map(|it| it.0.clone())?;
        self.0.remove(&actor)
    }

    /// Those of whom less than `risk` is left wait no more; how many.
    pub(super) fn give_up(&mut self, ms: i64, risk: f64) -> usize {
        let before = self.0.len();
        self.0.retain(|_, it| it.risk_at(ms) >= risk);
        before - self.0.len()
    }

    /// How many still have as much.
    pub(super) fn with(&self, ms: i64, risk: f64) -> usize {
        self.0.values().filter(|it| it.risk_at(ms) >= risk).count()
    }

    /// Takes out everybody.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiting> + use<> {
        std::mem::take(&mut self.0).into_values()
    }
}
