//! From many p-values to one number that means the same for everybody: minimum within a family, Cauchy combination across families,
//! and the score on an absolute scale.

#[cfg(test)]
mod tests;

use crate::pareto::float;
use crate::{LogP, Weight};
use core::f64::consts::{FRAC_1_PI, LOG10_E, PI};

/// No event has more channels than this.
pub const CHANNELS_MAX: usize = 16;
/// p-values near 1 would count against the others without a bound.
const P_MAX: f64 = 0.99;
/// From here on tangents are too large for a double, and 1/(πp) is their value to the last bit anyway.
const LN_P_FAR: f64 = -600.0;

/// The p-value of a family of features that move together (counts in 10 minutes, 1 hour, 1 day …): m·min p, at most 1 (Bonferroni's
/// bound, which holds under any dependence). 1 for no features.
pub fn of_family(features: &[LogP]) -> LogP {
    features.iter().copied().min().map_or(LogP::ONE, |it| it.times(float(features.len())))
}

/// One family's say in an event. A family whose gate was not crossed says [`LogP::HALF`], which adds nothing: a small distortion that
/// recalibrating the combined value takes out again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    /// Its recalibrated p-value.
    pub p: LogP,
    /// How much it counts, relative to the others. Learnt from labels, 1 until then.
    pub weight: Weight,
}

/// Combines p-values that may depend on each other in any way: T = Σ w tan((1/2 - p)π), p = 1/2 - atan(T)/π (Y. Liu, J. Xie, "Cauchy
/// combination test", 2020, arXiv 1808.09011). Evaluated as cot(pπ) and atan(1/T)/π, whose limits 1/(pπ) and 1/(Tπ) are exact for any
/// p down to the smallest. The weights' sum is divided by; 1 for no channels.
pub fn across_families(channels: &[Channel]) -> LogP {
    cauchy(channels, usize::MAX)
}

/// What the combination would be if the channel at `quiet` had nothing to say; its weight stays.
pub fn without(channels: &[Channel], quiet: usize) -> LogP {
    cauchy(channels, quiet)
}

fn cauchy(channels: &[Channel], quiet: usize) -> LogP {
    let weights: f64 = channels.iter().map(|it| it.weight.get()).sum();
    // Written so that a NaN, of infinite weights, is caught as well.
    if !(weights > 0.0 && weights.is_finite()) {
        return LogP::ONE;
    }
    let p_of = |(at, it): (usize, &Channel)| if at == quiet { LogP::HALF } else { it.p };
    let smallest = channels.iter().enumerate().filter(|(_, it)| it.weight.get() > 0.0).map(p_of).min().unwrap_or(LogP::ONE);
    if smallest.ln_p() < LN_P_FAR {
        // Σ w/p in units of 1/p of the smallest; what is not tiny as well vanishes beside it.
        let sum: f64 = channels.iter().enumerate().map(|it| it.1.weight.get() * libm::exp(smallest.ln_p() - p_of(it).ln_p())).sum();
        return LogP::clamped(smallest.ln_p() - libm::log(sum / weights));
    }
    let total: f64 = channels.iter().enumerate().map(|it| it.1.weight.get() / weights * cotangent(p_of(it))).sum();
    LogP::of(if total > 0.0 { libm::atan(1.0 / total) * FRAC_1_PI } else { 0.5 - libm::atan(total) * FRAC_1_PI })
}

/// tan((1/2 - p)π).
fn cotangent(p: LogP) -> f64 {
    if p == LogP::HALF { 0.0 } else { 1.0 / libm::tan(PI * p.p().min(P_MAX)) }
}

/// How rare an event is on an absolute scale: -10·log10 of the number of events as surprising that are expected per day of such a
/// person's activity, 0…120. 40 is once in 10,000 active user-days. Never renormalised: it means the same for everybody and for ever.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Score(f64);

impl Score {
    /// Nothing unusual.
    pub const ZERO: Self = Self(0.0);
    /// The end of the scale.
    pub const MAX: Self = Self(120.0);

    /// E = p·n, where n is how many events (or windows) of such a person are scored in a day of activity, at least 1.
    pub fn of(p: LogP, units_per_day: f64) -> Self {
        let expected = LOG10_E * p.ln_p() + libm::log10(units_per_day.max(1.0));
        Self((-10.0 * expected).clamp(Self::ZERO.0, Self::MAX.0))
    }

    /// The value.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// E, the number of events as surprising that are expected in an active user-day, at most 1.
    pub fn expected_per_day(self) -> f64 {
        libm::pow(10.0, -0.1 * self.0)
    }
}

/// How much one channel had to do with a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// Which one, by its place.
    pub channel: usize,
    /// Its part of the evidence against "nothing unusual", w·cot(pπ) over the sum of the positive ones, 0…1.
    pub share: f64,
    /// What the score would be without it.
    pub without: Score,
}

/// The `N` channels that made a score, strongest first; channels that said nothing are not among them. Allocates nothing.
pub fn contributions<const N: usize>(channels: &[Channel], units_per_day: f64) -> [Option<Contribution>; N] {
    let mut strongest = [None; N];
    // Relative to the smallest p, so that no tangent overflows.
    let least = channels.iter().filter(|it| it.weight.get() > 0.0).map(|it| it.p).min().unwrap_or(LogP::ONE);
    let evidence = |it: &Channel| {
        let relative = libm::exp((least.ln_p() - it.p.ln_p()).min(0.0));
        if it.p < LogP::HALF { it.weight.get() * relative } else { 0.0 }
    };
    let all: f64 = channels.iter().map(evidence).sum();
    for (channel, it) in channels.iter().enumerate() {
        let share = evidence(it) / all;
        if share.is_nan() || share <= 0.0 {
            continue;
        }
        let place = strongest.iter().position(|other: &Option<Contribution>| other.is_none_or(|other| other.share < share));
        if let Some(place) = place {
            strongest[place..].rotate_right(1);
            strongest[place] = Some(Contribution { channel, share, without: Score::of(without(channels, channel), units_per_day) });
        }
    }
    strongest
}
