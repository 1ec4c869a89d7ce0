//! What peers make likely before anything is known of the person: priors by moments, along user → team → role → organisation.

use super::Habit;
use serde::{Deserialize, Serialize};

/// β is at least this many windows: peers always say something.
const BETA_MIN: f64 = 0.25;
/// And at most this many: a person's own fortnight outweighs any group.
const BETA_MAX: f64 = 20.0;
/// Between people there is always some variance: this share of the squared mean.
const VARIANCE_MIN: f64 = 1e-4;
/// A member whose rate is based on as many windows counts half.
const HALF_WEIGHT_WINDOWS: f64 = 2.0;
/// Members whose rates vary less than this, as a squared coefficient of variation, don't tell how dispersion grows with the rate.
const SLOPE_SPREAD_MIN: f64 = 0.01;
/// How many full members a broader group is worth when a narrower one is estimated. The groups in a group are too few to estimate it.
const BROADER_MEMBERS: f64 = 4.0;

/// Rates of the members of one group, as moments: plain sums, so that groups can be merged. Sums of floats depend on their order:
/// add members in a fixed one for the same bits.
///
/// A member weighs E/(E+2), so that a newcomer's one window doesn't pass for a person's rate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupRates {
    weight: f64,
    weight_squares: f64,
    rates: f64,
    rate_squares: f64,
    noise: f64,
    dispersion: f64,
    dispersion_rates: f64,
}

impl GroupRates {
    /// Adds a member.
    pub fn add(&mut self, member: &Habit) {
        let windows = member.windows();
        if windows <= 0.0 {
            return;
        }
        let (rate, phi, weight) = (member.rate(), member.dispersion(), windows / (windows + HALF_WEIGHT_WINDOWS));
        self.weight += weight;
        self.weight_squares += weight * weight;
        self.rates += weight * rate;
        self.rate_squares += weight * rate * rate;
        self.noise += weight * phi * rate / windows;
        self.dispersion += weight * phi;
        self.dispersion_rates += weight * phi * rate;
    }

    /// Adds all members of another group.
    pub fn merge(&mut self, other: &Self) {
        self.weight += other.weight;
        self.weight_squares += other.weight_squares;
        self.rates += other.rates;
        self.rate_squares += other.rate_squares;
        self.noise += other.noise;
        self.dispersion += other.dispersion;
        self.dispersion_rates += other.dispersion_rates;
    }

    /// How many sums there are.
    pub(crate) const SUMS: usize = 7;

    /// The sums: what a caller keeps who needs them as whole numbers.
    pub(crate) const fn sums(&self) -> [f64; Self::SUMS] {
        let Self { weight, weight_squares, rates, rate_squares, noise, dispersion, dispersion_rates } = *self;
        [weight, weight_squares, rates, rate_squares, noise, dispersion, dispersion_rates]
    }

    /// What [`Self::sums`] gave.
    pub(crate) const fn from_sums(sums: [f64; Self::SUMS]) -> Self {
        let [weight, weight_squares, rates, rate_squares, noise, dispersion, dispersion_rates] = sums;
        Self { weight, weight_squares, rates, rate_squares, noise, dispersion, dispersion_rates }
    }

    /// How many members with a long history these are worth.
    pub const fn members(&self) -> f64 {
        self.weight
    }

    /// What is known of this group, where that is known of the one above it.
    pub(crate) fn within(&self, broader: Option<Level>) -> Option<Level> {
        let Some([mean, variance, base, slope]) = self.moments() else { return broader };
        let level = [mean, if mean > 0.0 { variance / (mean * mean) } else { 0.0 }, base, slope];
        let own = self.members() / (self.members() + BROADER_MEMBERS);
        Some(Level(match broader {
            None => level,
            Some(Level(broader)) => std::array::from_fn(|at| broader[at] + own * (level[at] - broader[at])),
        }))
    }

    /// m, V - noise (never negative), and a and c of φ(λ) = a + cλ, or nothing for an empty group.
    fn moments(&self) -> Option<[f64; 4]> {
        if self.weight <= 0.0 {
            return None;
        }
        let mean = self.rates / self.weight;
        let effective = self.weight * self.weight / self.weight_squares;
        let unbiased = if effective > 1.0 { effective / (effective - 1.0) } else { 0.0 };
        let spread = (self.rate_squares / self.weight - mean * mean).max(0.0);
        let phi = self.dispersion / self.weight;
        // Least squares over the members; where all are alike there is no slope to see.
        let together = self.dispersion_rates / self.weight - phi * mean;
        let slope =
            if spread > SLOPE_SPREAD_MIN * mean * mean { (together / spread).clamp(0.0, (phi - 1.0).max(0.0) / mean) } else { 0.0 };
        Some([mean, (spread * unbiased - self.noise / self.weight).max(0.0), phi - slope * mean, slope])
    }
}

/// What is known of the rates in a group and those above it: mean, squared coefficient of variation, and both parts of φ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level([f64; 4]);

/// A Gamma(α, β) over rates and a dispersion φ(λ) = a + cλ: what is expected of somebody in a group. 16 bytes.
///
/// The dispersion may grow with the rate, since days that are busy for everybody multiply: with one φ for all, of people whose days vary
/// log-normally the most active tenth had 2.0 times as many p-values below 1e-3 as it should have, the least active 0.2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Prior {
    mean: f32,
    beta: f32,
    dispersion: f32,
    dispersion_slope: f32,
}

const _: () = assert!(size_of::<Prior>() == 16);

impl Prior {
    /// When not even the organisation has a history: one action a window, give or take, worth a quarter of a window.
    pub const UNKNOWN: Self = Self { mean: 1.0, beta: 0.25, dispersion: 2.0, dispersion_slope: 0.0 };

    /// The prior of a member of the last of `groups`, which go from the broadest to the narrowest: organisation, role, team.
    ///
    /// Per level, by moments: mean rate m, `V = max(var(λ_u) - mean(φ_u λ_u/E_u), ε m²)`, β = clamp(m/V, 1/4, 20), α = mβ. A level is
    /// shrunk towards the one before it as a person is towards the group: with w = n/(n + 4) for n members, `m ← w m + (1-w) m_parent`,
    /// and the squared coefficient of variation and both parts of φ alike, so that a team of two is its role with a hint. The document that this
    /// follows has two levels; any number works.
    pub fn of_chain(groups: &[GroupRates]) -> Self {
        Self::of_level(groups.iter().fold(None, |known, group| group.within(known)))
    }

    /// The prior of a member of a group of which that is known.
    pub(crate) fn of_level(known: Option<Level>) -> Self {
        known.map_or(Self::UNKNOWN, |it| Self::new(it.0))
    }

    fn new([mean, spread, dispersion, slope]: [f64; 4]) -> Self {
        // A group that never does this still may: once in a thousand windows.
        let mean = mean.max(1e-3);
        let beta = (1.0 / (mean * spread.max(VARIANCE_MIN))).clamp(BETA_MIN, BETA_MAX);
        let narrow = super::narrow;
        Self {
            mean: narrow(mean),
            beta: narrow(beta),
            dispersion: narrow(dispersion.max(1.0)),
            dispersion_slope: narrow(slope.max(0.0)),
        }
    }

    /// α = mβ.
    #[inline]
    pub fn alpha(&self) -> f64 {
        f64::from(self.mean) * f64::from(self.beta)
    }

    /// β: how many windows of peers a newcomer inherits.
    #[inline]
    pub fn beta(&self) -> f64 {
        f64::from(self.beta)
    }

    /// m, the mean rate.
    #[inline]
    pub fn mean(&self) -> f64 {
        f64::from(self.mean)
    }

    /// φ, variance over mean within a person of this rate.
    #[inline]
    pub fn dispersion(&self, rate: f64) -> f64 {
        f64::from(self.dispersion) + f64::from(self.dispersion_slope) * rate
    }
}
