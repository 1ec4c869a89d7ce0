//! The generalised Pareto tail beyond a threshold, fitted by probability-weighted moments.

use crate::LogP;
use serde::{Deserialize, Serialize};

/// The tail S(s) = ζ (1 + ξ(s-u)/σ)^(-1/ξ) above the threshold u (J. Pickands, "Statistical inference using extreme order
/// statistics", 1975). 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct ParetoTail {
    /// u.
    threshold: f32,
    /// ζ, the share of all that lies above u.
    share: f32,
    /// ξ: 0 is exponential, larger is heavier.
    shape: f32,
    /// σ.
    scale: f32,
}

const _: () = assert!(size_of::<ParetoTail>() == 16);

/// Heavier tails than this have no variance; a fit that says so saw an outlier. Lighter than exponential is not believed either: it
/// would end somewhere, and the next attack would lie beyond the end.
const SHAPE_MAX: f64 = 0.5;
/// Below this the limit ξ → 0 is taken.
const SHAPE_TINY: f64 = 1e-6;

impl ParetoTail {
    /// Fits to `a0 = E[Y]` and `a1 = E[Y (1-F(Y))]` of the excesses Y: ξ = 2 - a0/(a0 - 2a1), σ = 2 a0 a1/(a0 - 2a1) (J. R. M. Hosking,
    /// J. R. Wallis, "Parameter and quantile estimation for the generalized Pareto distribution", 1987, section 3, with k = -ξ). Where
    /// ξ is clamped to [0, 1/2], σ follows from the mean, σ = a0(1-ξ).
    pub fn fit(threshold: f64, share: f64, a0: f64, a1: f64) -> Self {
        let a0 = a0.max(1e-9);
        let raw = 2.0 - a0 / (a0 - 2.0 * a1).max(1e-12);
        let xi = if raw.is_nan() { 0.0 } else { raw.clamp(0.0, SHAPE_MAX) };
        let narrow = crate::counts::narrow;
        Self {
            threshold: narrow(threshold),
            share: narrow(share.clamp(0.0, 1.0)),
            shape: narrow(xi),
            scale: narrow(a0 * (1.0 - xi)),
        }
    }

    /// Fits to the values above the `count`-th largest of `ascending`, of which that one is the threshold. Nothing if there are not as
    /// many.
    pub fn fit_largest(ascending: &[f64], count: usize) -> Option<Self> {
        let all = ascending.len();
        let at = all.checked_sub(count.checked_add(1)?)?;
        let (threshold, excesses) = (ascending[at], &ascending[at + 1..]);
        let number = float(excesses.len());
        if excesses.is_empty() || *excesses.last()? <= threshold {
            return None;
        }
        let (mut a0, mut a1) = (0.0, 0.0);
        for (index, it) in excesses.iter().enumerate() {
            // The plotting position (i - 0.35)/n of the same paper.
            let above = 1.0 - (float(index) + 0.65) / number;
            a0 += (it - threshold) / number;
            a1 += (it - threshold) * above / number;
        }
        Some(Self::fit(threshold, number / float(all), a0, a1))
    }

    /// u.
    #[inline]
    pub fn threshold(&self) -> f64 {
        f64::from(self.threshold)
    }

    /// ζ.
    #[inline]
    pub fn share(&self) -> f64 {
        f64::from(self.share)
    }

    /// ξ.
    #[inline]
    pub fn shape(&self) -> f64 {
        f64::from(self.shape)
    }

    /// ln S(s) for s at or above the threshold.
    pub fn ln_tail(&self, s: f64) -> LogP {
        let (excess, shape, scale) = ((s - self.threshold()).max(0.0), self.shape(), f64::from(self.scale));
        let fall = if shape < SHAPE_TINY { excess / scale } else { libm::log1p(shape * excess / scale) / shape };
        LogP::clamped(libm::log(self.share()) - fall)
    }

    /// The value that a share `q` of all exceeds: u + σ/ξ ((q/ζ)^-ξ - 1), for q up to ζ.
    pub fn exceeded_by(&self, q: f64) -> f64 {
        let (shape, scale) = (self.shape(), f64::from(self.scale));
        let fall = libm::log((self.share() / q).max(1.0));
        self.threshold() + if shape < SHAPE_TINY { scale * fall } else { scale * libm::expm1(shape * fall) / shape }
    }
}

#[inline]
#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 of anything")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}
