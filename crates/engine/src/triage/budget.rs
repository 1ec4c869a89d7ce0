//! The budget: a threshold that follows how many alerts a day people can read, tokens, and a random sample below it.

use super::Settings;
use baseline::budget::{Admission, Bucket, Candidate, SAMPLED, Threshold, is_sampled};
use baseline::{Share, Weight};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A risk that is not worth a candidate: one kind of surprise that is expected once in a hundred days. The threshold is never lower.
pub const RISK_MIN: f64 = 1.0;
/// The threshold looks back over a fortnight.
const DAYS: usize = 14;
/// Fewer days than this say little about the next; the first of them is not even whole.
const DAYS_MIN: usize = 3;
/// Actors whose daily maximum is known. More are counted, and the threshold goes without them.
const ACTORS_MAX: usize = 100_000;
/// So many of a day's maxima, the largest, are kept: many times any budget.
const MAXIMA_MAX: usize = 4_096;
/// Days whose active people are known.
const ACTIVE_MAX: usize = DAYS + 2;
/// As few maxima as this can't be fitted; the rest is taken to be just not worth a candidate.
const FITTED_MIN: usize = 40;
/// While the bucket is emptier than half a day's budget, being told costs more: up to so many times the threshold for the last token.
const LAST_TOKEN: f64 = 2.0;

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Budget {
    threshold: Threshold,
    /// Filled when the first candidate comes.
    bucket: Option<Bucket>,
    /// Each actor's highest risk of the day so far that could still be told.
    today: BTreeMap<String, f64>,
    below_today: u64,
    /// Closed days, the oldest first.
    days: VecDeque<Day>,
    /// People by UTC day.
    active: BTreeMap<i64, u64>,
}

/// What a closed day has left.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Day {
    /// The highest risk of actors, at most [`MAXIMA_MAX`] of the largest.
    maxima: Vec<f64>,
    /// Candidates below the threshold of which some are shown as samples.
    below: u64,
}

impl Budget {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            threshold: Threshold::starting_at(settings.threshold),
            bucket: None,
            today: BTreeMap::new(),
            below_today: 0,
            days: VecDeque::new(),
            active: BTreeMap::new(),
        }
    }

    pub(super) fn threshold(&self) -> f64 {
        self.threshold.risk()
    }

    pub(super) fn tokens(&self) -> f64 {
        self.bucket.map_or(0.0, |it| it.left())
    }

    /// People who were active on a day, in the mean of the days that are known whole.
    pub(super) fn people(&self) -> u64 {
        let whole = self.active.len().saturating_sub(1).max(1);
        let (sum, days) =
            self.active.values().take(whole).fold((0_u64, 0_u64), |(sum, days), it| (sum.saturating_add(*it), days + 1));
        sum.checked_div(days).unwrap_or(0)
    }

    pub(super) fn active(&mut self, day: i64, people: u64) {
        let known = self.active.entry(day).or_default();
        *known = known.saturating_add(people);
        while self.active.len() > ACTIVE_MAX {
            self.active.pop_first();
        }
    }

    /// An actor who was not told of has this risk. Whether that could be noted.
    pub(super) fn note(&mut self, actor: &str, risk: f64) -> bool {
        if let Some(known) = self.today.get_mut(actor) {
            *known = known.max(risk);
            return true;
        }
        if self.today.len() == ACTORS_MAX {
            return false;
        }
        self.today.insert(actor.to_owned(), risk);
        true
    }

    /// A candidate is one of those that samples are drawn from.
    pub(super) fn note_below(&mut self) {
        self.below_today += 1;
    }

    /// Whether a candidate of this priority may be told: most urgent first, which for candidates that come one after the other means that
    /// the last tokens are for those well above the threshold.
    pub(super) fn admit(&mut self, at_ms: i64, priority: f64, settings: &Settings) -> bool {
        let per_day = settings.per_day;
        let threshold = self.threshold();
        let bucket = self.bucket.get_or_insert_with(|| Bucket::new(at_ms, per_day));
        bucket.admit(at_ms, per_day, &mut []);
        let scarcity = 1.0 - (2.0 * bucket.left() / per_day.get()).min(1.0);
        if priority < threshold * (1.0 + (LAST_TOKEN - 1.0) * scarcity) {
            return false;
        }
        let mut one = [Candidate { id: 0, priority: Weight::clamped(priority), is_critical: false, admission: Admission::Digest }];
        bucket.admit(at_ms, per_day, &mut one);
        one[0].admission == Admission::Page
    }

    /// Whether there is a token for a sample: not one of the last.
    pub(super) fn admit_sample(&mut self, at_ms: i64, settings: &Settings) -> bool {
        let priority = self.threshold();
        self.admit(at_ms, priority, settings)
    }

    /// Whether a candidate below the threshold is drawn. Without a closed day nobody knows how many there are to draw from.
    pub(super) fn samples(&self, random: Share, settings: &Settings) -> bool {
        if self.days.is_empty() {
            return false;
        }
        let below: u64 = self.days.iter().map(|it| it.below).sum();
        #[expect(clippy::cast_precision_loss, reason = "counts of a fortnight")]
        let a_day = below as f64 / self.days.len() as f64;
        is_sampled(random, settings.per_day.get(), a_day)
    }

    /// A day is over, and perhaps some without any candidate.
    pub(super) fn close(&mut self, days: usize) {
        let mut maxima: Vec<f64> = std::mem::take(&mut self.today).into_values().collect();
        maxima.sort_unstable_by(|left, right| right.total_cmp(left));
        maxima.truncate(MAXIMA_MAX);
        self.days.push_back(Day { maxima, below: std::mem::take(&mut self.below_today) });
        for _ in 1..days.clamp(1, DAYS) {
            self.days.push_back(Day::default());
        }
        while self.days.len() > DAYS {
            self.days.pop_front();
        }
    }

    /// Fits the threshold to the closed days: so that so many actors a day exceed it as the budget has room for, besides samples.
    ///
    /// Actors below [`RISK_MIN`], most of all, are no candidates, and it is the same quantile whether they count as zeros or not at all:
    /// B of N actors are B of those K who have a maximum.
    pub(super) fn refit(&mut self, settings: &Settings) {
        if self.days.len() < DAYS_MIN {
            return;
        }
        let mut maxima: Vec<f64> = self.days.iter().flat_map(|it| &it.maxima).copied().collect();
        if maxima.len() < FITTED_MIN {
            maxima.resize(FITTED_MIN, RISK_MIN);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most some ten thousand")]
        let a_day = maxima.len() as f64 / self.days.len() as f64;
        self.threshold.refit(&mut maxima, (1.0 - SAMPLED) * settings.per_day.get(), a_day);
    }
}
