//! Low and slow: evidence that adds up over weeks, when no day by itself is unusual.

#[cfg(test)]
mod tests;

use crate::counts::narrow;
use serde::{Deserialize, Serialize};

/// The rises that are bet on, as factors of the usual.
pub const RISES: [f64; 4] = [1.25, 1.5, 2.0, 3.0];
/// The rise that the CUSUM is tuned to.
const CUSUM_RISE: f64 = 1.5;
/// Bets are a tenth smaller than the likelihood ratio, since mean and dispersion are estimated.
const CAUTION: f64 = 0.9;
/// ln M is not kept beyond this.
const LN_MAX: f64 = 700.0;
/// A CUSUM above this makes learning slow.
const SUSPECT: f32 = 2.0;

/// An e-detector, a mixture over [`RISES`], and a CUSUM. 24 bytes.
///
/// M_c ← (M_c + 1) e^(l_c) with l_c = 0.9 (x ln c - (c-1) μ)/φ, M = mean of M_c (J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a
/// nonparametric framework for sequential change detection", 2022, section 3.1, the Shiryaev-Roberts form). As long as nothing changes
/// E M_t <= t: it is no p-value. Alarming at M >= 1/α takes at least 1/α days on average without a change.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Slow {
    /// ln(1 + M_c) for each rise: from 0 up, so that the empty state is all zeros.
    ln_one_plus: [f32; RISES.len()],
    cusum: f32,
    /// Days since it began, saturating.
    days: u16,
    reserved: u16,
}

const _: () = assert!(size_of::<Slow>() == 24);

impl Slow {
    /// Takes in a day with count `x` where `mean` was usual (slow memory) with dispersion `phi` >= 1.
    ///
    /// However much there was, a day counts as at most 2μ + 3: a burst is told as one, and only what goes on for days is slow.
    /// A day whose numbers are not finite is no day.
    pub fn add(&mut self, x: f64, mean: f64, phi: f64) {
        if !(x.is_finite() && mean.is_finite() && phi.is_finite()) {
            return;
        }
        let x = crate::learn::capped(x, mean);
        let log_ratio = |rise: f64| (x * libm::log(rise) - (rise - 1.0) * mean) / phi.max(1.0);
        for (it, rise) in self.ln_one_plus.iter_mut().zip(RISES) {
            // M' = (1 + M) e^l, kept as ln(1 + M').
            *it = narrow(softplus(f64::from(*it) + CAUTION * log_ratio(rise)).min(LN_MAX));
        }
        // E. S. Page, "Continuous inspection schemes", 1954.
        self.cusum = narrow((f64::from(self.cusum) + log_ratio(CUSUM_RISE)).clamp(0.0, LN_MAX));
        self.days = self.days.saturating_add(1);
    }

    /// ln(1 + M): 0 is nothing at all.
    pub fn evidence(&self) -> f64 {
        let logs = self.ln_one_plus.map(f64::from);
        let largest = logs.iter().copied().fold(0.0, f64::max);
        let sum: f64 = logs.iter().map(|it| libm::exp(it - largest)).sum();
        largest + libm::log(sum / crate::pareto::float(RISES.len()))
    }

    /// Whether M >= 1/α: without a change this takes 1/α days on average or longer.
    pub fn is_alarm(&self, alpha: f64) -> bool {
        self.evidence() >= libm::log1p(1.0 / alpha)
    }

    /// The rise that has most evidence: for the explanation.
    pub fn rise(&self) -> f64 {
        let best = self
            .ln_one_plus
            .iter()
            .zip(RISES)
            .fold((0.0_f32, 1.0), |best, (&it, rise)| if it > best.0 { (it, rise) } else { best });
        best.1
    }

    /// The CUSUM for a rise of half as much again, in nats.
    pub fn cusum(&self) -> f64 {
        f64::from(self.cusum)
    }

    /// Whether learning should be slow for now.
    pub fn is_suspect(&self) -> bool {
        self.cusum > SUSPECT
    }

    /// How many days it has added up.
    pub const fn days(&self) -> u16 {
        self.days
    }

    /// Begins anew: after an episode was judged, or another role began.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// ln(1 + e^x) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}
