//! The alert budget: the threshold follows how many alerts a day people can read, and tokens are what of them is left.

mod bucket;
#[cfg(test)]
mod tests;

pub use bucket::Bucket;

use crate::Weight;
use crate::pareto::{ParetoTail, float};
use serde::{Deserialize, Serialize};

/// The threshold moves by at most this a day.
pub const STEP_MAX: f64 = 0.1;
/// The share of the budget that shows random cases below the threshold: the only unbiased way to know what it misses.
pub const SAMPLED: f64 = 0.1;
/// The Pareto tail is fitted to the largest 2 % …
const EXCESS_SHARE: f64 = 0.02;
/// … but at least to as many, and at most to half of all.
const EXCESSES_MIN: usize = 20;
/// What is expected once in 140 days, a tenth of an alert in a fortnight, can't wait.
const RARE_PER_DAY: f64 = 0.1 / 14.0;
/// Where nothing has been fitted, what can't wait is so many times the threshold.
const RARE_UNFITTED: f64 = 2.0;

/// The risk from which on an actor is shown, and that from which on it can't wait. 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Threshold {
    risk: f64,
    rare: f64,
    /// Whether it has been fitted to data; until then it is what the operator began with.
    is_fitted: bool,
}

const _: () = assert!(size_of::<Threshold>() == 24);

impl Threshold {
    /// Begins at `risk`.
    pub const fn starting_at(risk: Weight) -> Self {
        Self { risk: risk.get(), rare: risk.get() * RARE_UNFITTED, is_fitted: false }
    }

    /// τ.
    pub const fn risk(&self) -> f64 {
        self.risk
    }

    /// The risk that is expected [`RARE_PER_DAY`] times a day, never below τ: clearly rarer than what ordinary days of the fortnight held.
    /// It follows the data at once. Its tail is exponential, as risk is a sum of logarithms, with the median excess for a scale: a few
    /// attackers among the maxima would make a fitted Pareto tail so heavy that nobody was rare any more.
    pub const fn rare(&self) -> f64 {
        self.rare
    }

    /// Once a day: sets τ so that of `active` actors a day `per_day` exceed it, by the daily maxima of risk in the trailing fortnight
    /// (one per actor and active day; sorted here). SPOT: τ = u + σ/ξ ((q n/N)^-ξ - 1) with q = B/N_active (A. Siffer et al., "Anomaly
    /// detection in streams with extreme value theory", 2017, section 3), fitted by probability-weighted moments; inside the bulk the
    /// empirical quantile. After the first fit τ moves by at most [`STEP_MAX`] a day. With too little data, or with what
    /// can't be risks, it stays.
    pub fn refit(&mut self, maxima: &mut [f64], per_day: f64, active: f64) {
        maxima.sort_unstable_by(f64::total_cmp);
        let Some(wanted) = wanted(maxima, per_day / active) else { return };
        self.risk = if self.is_fitted { wanted.clamp(self.risk * (1.0 - STEP_MAX), self.risk * (1.0 + STEP_MAX)) } else { wanted };
        self.is_fitted = true;
        self.rare = rare(maxima, RARE_PER_DAY / active).unwrap_or(self.risk * RARE_UNFITTED).max(self.risk);
    }
}

/// The value that a share `q` of the maxima would exceed if excesses were exponential. `None` without a tail.
fn rare(ascending: &[f64], q: f64) -> Option<f64> {
    let excesses = excesses(ascending.len());
    let from = ascending.len() - excesses;
    let least = ascending.get(from.checked_sub(1)?)?;
    let median = ascending.get(from + excesses / 2)? - least;
    let share = float(excesses) / float(ascending.len());
    (median > 0.0 && q > 0.0 && q < share).then(|| least + median / std::f64::consts::LN_2 * libm::log(share / q))
}

/// How many of so many maxima are the tail.
fn excesses(all: usize) -> usize {
    part(EXCESS_SHARE, all).clamp(EXCESSES_MIN, (all / 2).max(EXCESSES_MIN))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
fn part(share: f64, all: usize) -> usize {
    (share * float(all)) as usize
}

/// The value that a share `q` of the maxima exceeds.
fn wanted(ascending: &[f64], q: f64) -> Option<f64> {
    let all = ascending.len();
    // Sorted, so that the ends tell whether any is negative or no number.
    let are_risks = ascending.first().is_some_and(|it| *it >= 0.0) && ascending.last().is_some_and(|it| it.is_finite());
    if !are_risks || all < 2 * EXCESSES_MIN || !(q > 0.0 && q.is_finite()) {
        return None;
    }
    match ParetoTail::fit_largest(ascending, excesses(all)) {
        Some(tail) if q < tail.share() => Some(tail.exceeded_by(q)),
        _ => Some(ascending[(all - 1).saturating_sub(part(q.min(1.0), all))]),
    }
}
