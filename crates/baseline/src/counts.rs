//! Counts per active window: a hierarchical Gamma-Poisson with overdispersion (G. Casella, "An introduction to empirical Bayes data
//! analysis", 1985, for the pooling; J. M. Hilbe, "Negative Binomial Regression", 2011, chapter 8, for the overdispersion).
//!
//! A window is active when the person did anything in it, so that leave, holidays and nights neither dilute a rate nor make the first
//! day back a spike.

mod gate;
mod prior;
#[cfg(test)]
mod tests;

pub(crate) use gate::GATE_ALPHA;
pub use gate::{Gate, Sliding};
pub(crate) use prior::Level;
pub use prior::{GroupRates, Prior};

use crate::Share;
use crate::tails::NegativeBinomial;
use serde::{Deserialize, Serialize};

/// Active windows after which half of what was learnt is forgotten, in what is tested against.
pub const SLOW_HALF_LIFE: f64 = 60.0;
/// The same in what only explains ("recently higher").
pub const FAST_HALF_LIFE: f64 = 7.0;
/// How many windows the peers' dispersion is worth against one's own.
const DISPERSION_WINDOWS: f64 = 10.0;
/// No window counts more.
const COUNT_MAX: f64 = 1e15;
/// 1/0.577 - 1: see [`Habit::learn_gated`].
const UNSEEN_SPREAD: f64 = 0.73;
/// A rate below this is not divided by.
const RATE_MIN: f64 = 0.1;

/// What is usual for one person, one family of actions and one kind of window. 12 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Habit {
    /// Decayed sum of learnt counts, S.
    sum: f32,
    /// Decayed sum of their squares, Q.
    squares: f32,
    /// Decayed number of learnt windows, E.
    windows: f32,
}

const _: () = assert!(size_of::<Habit>() == 12);

/// What was usual lately: a mean with a short memory, learnt without a gate. It explains ("recently higher"), and never excuses.
/// 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recent(f32);

impl Recent {
    /// Takes in a closed active window, the `windows`-th of this person.
    pub fn learn(&mut self, count: f64, windows: u16) {
        let count = if count.is_nan() { 0.0 } else { count.clamp(0.0, COUNT_MAX) };
        let share = forgotten(FAST_HALF_LIFE).max(1.0 / f64::from(windows.max(1)));
        self.0 = narrow(f64::from(self.0) + share * (count - f64::from(self.0)));
    }

    /// The mean, 0 when nothing is known.
    #[inline]
    pub fn mean(self) -> f64 {
        f64::from(self.0)
    }
}

impl Habit {
    /// Takes in a closed active window whose count is `capped`, of which `learnt` is learnt: b = 1-(1-2^(-1/h))γ, S ← bS + γx and
    /// so on. Only as much is forgotten as is learnt: a window that is rejected does not erode the habit.
    pub fn learn(&mut self, capped: f64, learnt: Share) {
        // What is no count, or more than fits, would spoil the sums.
        let capped = if capped.is_nan() { 0.0 } else { capped.clamp(0.0, COUNT_MAX) };
        let gamma = learnt.get();
        let keep = 1.0 - SLOW_FORGOTTEN * gamma;
        self.sum = decayed(self.sum, keep, gamma * capped);
        self.squares = decayed(self.squares, keep, gamma * capped * capped);
        self.windows = decayed(self.windows, keep, gamma);
    }

    /// The same of a window that is learnt by how ordinary it was, where `mean` was expected: what is weighed down in both tails looks
    /// narrower than it is, a normal variance as 58 % of itself (γ of [`crate::learn::learnt`], by quadrature), and that is made good.
    pub fn learn_gated(&mut self, capped: f64, mean: f64, learnt: Share) {
        self.learn(capped, learnt);
        let off = if capped.is_finite() && mean.is_finite() { capped.clamp(0.0, COUNT_MAX) - mean } else { 0.0 };
        self.squares = narrow(f64::from(self.squares) + learnt.get() * UNSEEN_SPREAD * off * off);
    }

    /// S/E, the own slow rate, 0 when nothing is known.
    #[inline]
    pub fn rate(&self) -> f64 {
        if self.windows > 0.0 { f64::from(self.sum) / f64::from(self.windows) } else { 0.0 }
    }

    /// E: how many windows it is based on.
    #[inline]
    pub fn windows(&self) -> f64 {
        f64::from(self.windows)
    }

    /// E/(E+β): how much of the prediction is the person's own, 0…1.
    #[inline]
    pub fn evidence(&self, prior: &Prior) -> Share {
        Share::clamped(self.windows() / (self.windows() + prior.beta()))
    }

    /// Own variance over own mean, at least 1; 1 when nothing is known.
    #[inline]
    pub fn dispersion(&self) -> f64 {
        if self.windows <= 0.0 {
            return 1.0;
        }
        let share = 1.0 / self.windows();
        let (rate, squares) = (f64::from(self.sum) * share, f64::from(self.squares) * share);
        ((squares - rate * rate) / rate.max(RATE_MIN)).max(1.0)
    }

    /// What the next window holds: μ = α/β with `α = α_g + S`, `β = β_g + E`; variance φμ + μ²/α, where φ is the peers' dispersion, worth
    /// ten windows, mixed with the own; as a negative binomial of that mean and variance.
    pub fn predict(&self, prior: &Prior) -> NegativeBinomial {
        let (own, windows) = (f64::from(self.sum), self.windows());
        // A division takes as long as ten multiplications, and each waits for the one before: μ²/α is μ/β.
        let (alpha, share) = (prior.alpha() + own, 1.0 / (prior.beta() + windows));
        let mean = alpha * share;
        let phi = (DISPERSION_WINDOWS * prior.dispersion(mean) + windows * self.dispersion()) / (DISPERSION_WINDOWS + windows);
        of_variance(mean, phi * mean + mean * share)
    }

    /// Another role, another rate: the memory keeps its shape but only `kept` of its weight, so that the new peers decide at first.
    pub fn reanchor(&mut self, kept: Share) {
        for it in [&mut self.sum, &mut self.squares, &mut self.windows] {
            *it = narrow(f64::from(*it) * kept.get());
        }
    }

    /// Lowers the slow rate to `rate` if it is above, keeping its weight: what the drift budget does. Squares fall with the sum's
    /// square, so that the dispersion stays about the same.
    pub fn hold_at(&mut self, rate: f64) {
        let now = self.rate();
        if now > rate && now > 0.0 {
            let factor = rate / now;
            self.sum = narrow(f64::from(self.sum) * factor);
            self.squares = narrow(f64::from(self.squares) * factor * factor);
        }
    }

    /// Puts what was learnt in quarantine in the place of the slow memory.
    pub fn replace(&mut self, sum: f32, squares: f32, windows: f32) {
        (self.sum, self.squares, self.windows) = (sum, squares, windows);
    }
}

/// The negative binomial with this mean and variance, k = μ²/(v-μ); sketches add their own variance this way as well.
#[inline]
pub fn of_variance(mean: f64, variance: f64) -> NegativeBinomial {
    NegativeBinomial::new(mean, mean * mean / (variance - mean).max(1e-6))
}

/// 1 - 2^(-1/60), for [`SLOW_HALF_LIFE`].
pub(crate) const SLOW_FORGOTTEN: f64 = 0.011_485_979_647_103_864;

/// 1 - 2^(-1/h).
pub(crate) fn forgotten(half_life: f64) -> f64 {
    -libm::expm1(-core::f64::consts::LN_2 / half_life)
}

#[inline]
pub(crate) fn decayed(value: f32, keep: f64, add: f64) -> f32 {
    narrow(f64::from(value) * keep + add)
}

/// Into f32, whose 24 bits are more than a habit is known to: never infinite, and a NaN becomes 0, so that no state is spoilt for good.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "clamped just before")]
pub(crate) const fn narrow(value: f64) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(f32::MIN as f64, f32::MAX as f64) as f32 }
}
