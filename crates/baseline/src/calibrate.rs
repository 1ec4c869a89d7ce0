//! Conformal recalibration: what a p-value has turned out to mean, per feature and group, with a generalised Pareto tail.
//!
//! A model is never quite true; p-values of 1e-4 from it may occur five times as often. The ranks of past p-values say what one is
//! really worth (S. Bates et al., "Testing for outliers with conformal p-values", 2023), and beyond what was seen often enough the
//! tail of extremes does (A. Siffer et al., "Anomaly detection in streams with extreme value theory", 2017).

mod cells;
#[cfg(test)]
mod tests;

pub use cells::{Calibration, Cell, Curves, KINDS, Kind};

use crate::counts::narrow;
use crate::pareto::ParetoTail;
use crate::{LogP, Share};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Bins of s = -log10 p.
pub const BINS: usize = 128;
/// Their width: they reach to 12.8, and nothing is kept beyond 12.
const BIN_WIDTH: f64 = 0.1;
/// Half of the histogram is forgotten after as many days.
pub const HALF_LIFE_DAYS: f64 = 14.0;
/// The model is believed as much as this many observations that agree with it: a group without a history has its nominal p-values.
const MODEL_WEIGHT: f64 = 200.0;
/// The Pareto tail takes over where this share of all is left.
const TAIL_SHARE: f64 = 0.005;
/// Nothing is called rarer than this by one feature.
pub const P_MIN: f64 = 1e-12;
/// ln [`P_MIN`].
const LN_P_MIN: f64 = -27.631_021_115_928_547;
/// -log10 of it.
const SURPRISE_MAX: f64 = 12.0;
/// ln 3: by so much a Pareto tail may lie below what was observed.
const LUMP: f64 = 1.098_612_288_668_109_8;
/// A bin that reaches 2²³ halves them all, so that one more still counts in an f32.
const BIN_MAX: f32 = 8_388_608.0;

/// How often each p-value occurred: a decayed histogram of s = -log10 of randomised p-values. 512 bytes a feature and group.
///
/// Learnt without a gate: what is rejected as a habit is still part of how often such a value occurs. Only what was labelled as an
/// attack stays out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Histogram {
    #[serde(with = "crate::array")]
    bins: [f32; BINS],
}

const _: () = assert!(size_of::<Histogram>() == 512);

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: [0.0; BINS] }
    }
}

impl Histogram {
    /// Counts a randomised p-value. It has to be one: unrandomised p-values of counts and categories come in lumps, and a lump's place
    /// inside its bin is lost.
    pub fn learn(&mut self, p: LogP) {
        self.learn_bin(Self::bin_of(p));
    }

    /// The bin of a p-value, below [`BINS`]: what is kept where there is no room for the p-value itself. Later bins are rarer.
    pub fn bin_of(p: LogP) -> u8 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 120")]
        let bin = (bounded_surprise(p) / BIN_WIDTH) as u8;
        bin
    }

    /// Counts a p-value of this bin; a bin that there isn't counts as the last.
    pub fn learn_bin(&mut self, bin: u8) {
        let bin = &mut self.bins[usize::from(bin).min(BINS - 1)];
        *bin += 1.0;
        if *bin >= BIN_MAX {
            self.decay(Share::HALF);
        }
    }

    /// Keeps a share of everything: 2^(-1/14) a day.
    pub fn decay(&mut self, kept: Share) {
        let kept = narrow(kept.get());
        self.bins.iter_mut().for_each(|it| *it *= kept);
    }

    /// Counts what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        self.bins.iter_mut().zip(&other.bins).for_each(|(it, other)| *it += other);
    }

    /// How many p-values are in it.
    pub fn total(&self) -> f64 {
        self.bins.iter().map(|&it| f64::from(it)).sum()
    }

    /// The curve that p-values are read off, made once an hour.
    pub fn curve(&self) -> Curve {
        self.curve_within(0.0, nominal())
    }

    /// The same where `quiet` more were not surprising at all and weren't counted, and where a broader group speaks in the model's place.
    pub fn curve_within(&self, quiet: f64, broader: &Curve) -> Curve {
        let all = self.total() + quiet + MODEL_WEIGHT;
        let mut survival = [0.0; BINS + 1];
        let mut above = 0.0;
        for at in (0..=BINS).rev() {
            above += self.bins.get(at).map_or(0.0, |&it| f64::from(it)) + if at == 0 { quiet } else { 0.0 };
            survival[at] = (above + MODEL_WEIGHT * f64::from(broader.survival[at])) / all;
        }
        let first = survival.iter().position(|&it| it <= TAIL_SHARE).unwrap_or(BINS - 1).min(BINS - 1);
        let (mut a0, mut a1) = (0.0, 0.0);
        for pair in survival[first..].windows(2) {
            // E[Y (1-F)^r] is the integral of (1-F)^(r+1)/(r+1); between two edges the survival falls exponentially.
            let (from, to) = (pair[0] / survival[first], pair[1] / survival[first]);
            let fall = libm::log(from / to);
            // Where hardly anything is between them, the edge itself.
            let mean = |from: f64, to: f64, fall: f64| if fall > 1e-9 { (from - to) / fall } else { from };
            a0 += BIN_WIDTH * mean(from, to, fall);
            a1 += 0.5 * BIN_WIDTH * mean(from * from, to * to, 2.0 * fall);
        }
        let tail = ParetoTail::fit(BIN_WIDTH * crate::pareto::float(first), survival[first], a0, a1);
        Curve { survival: survival.map(narrow), tail }
    }
}

/// What the model says: a share p of all p-values is at most p.
pub(crate) fn nominal() -> &'static Curve {
    static NOMINAL: LazyLock<Curve> = LazyLock::new(|| {
        let survival: [f64; BINS + 1] = std::array::from_fn(|at| libm::pow(10.0, -BIN_WIDTH * crate::pareto::float(at)));
        let at = BINS - 1;
        // Exponential in s, with the mean that a share falling by a tenth a bin has.
        let tail = ParetoTail::fit(
            BIN_WIDTH * crate::pareto::float(at),
            survival[at],
            core::f64::consts::LOG10_E,
            0.25 * core::f64::consts::LOG10_E,
        );
        Curve { survival: survival.map(narrow), tail }
    });
    &NOMINAL
}

/// -log10 p, at most that of [`P_MIN`]: beyond it p-values are not told apart, here nor there.
fn bounded_surprise(p: LogP) -> f64 {
    p.surprise().min(SURPRISE_MAX)
}

/// What a p-value is worth: ln of the share of past ones that were as small. 532 bytes a feature and group, derived from
/// [`Histogram`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    #[serde(with = "crate::array")]
    survival: [f32; BINS + 1],
    tail: ParetoTail,
}

impl Curve {
    /// The recalibrated p-value: (above + W·p)/(n + W) from the histogram, where W observations speak for the model, linear between
    /// edges of bins, which errs to the careful side of a steep fall by less than 1 %; beyond the threshold the Pareto tail, but at
    /// least a third of the observed share; never below [`P_MIN`]. Monotone, and it allocates nothing.
    pub fn recalibrated(&self, p: LogP) -> LogP {
        let s = bounded_surprise(p);
        let observed = {
            let place = s / BIN_WIDTH;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of bins")]
            let at = (place as usize).min(BINS - 1);
            let (from, to) = (f64::from(self.survival[at]), f64::from(self.survival[at + 1]));
            libm::log(from + (to - from) * (place - crate::pareto::float(at)))
        };
        // Extremes may come in a lump far out, as of a model that is blind to something; no smooth tail knows of it.
        let ln_p = if s < self.tail.threshold() { observed } else { self.tail.ln_tail(s).ln_p().max(observed - LUMP) };
        LogP::clamped(ln_p.max(LN_P_MIN))
    }

    /// The recalibrated p-value of what lies at the edge of a bin towards the more ordinary, as a share: where there is no tail, the survival
    /// itself.
    fn at_edge(&self, bin: usize) -> f64 {
        let s = BIN_WIDTH * crate::pareto::float(bin);
        if s < self.tail.threshold() && s < SURPRISE_MAX {
            return f64::from(self.survival[bin]).max(P_MIN);
        }
        self.recalibrated(LogP::clamped(-s * core::f64::consts::LN_10)).p()
    }

    /// The tail beyond the histogram.
    pub const fn tail(&self) -> &ParetoTail {
        &self.tail
    }
}
