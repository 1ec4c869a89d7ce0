//! Probabilities that can't be wrong: the logarithm of a p-value, a share, a weight.

use std::cmp::Ordering;

/// ln of a p-value: at most 0, never NaN, never infinite. Logarithms, because 1e-300 is a p-value that occurs and 1e-400 as well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogP(f64);

impl LogP {
    /// p = 1: no surprise at all.
    pub const ONE: Self = Self(0.0);
    /// p = 1/2: what a channel says that has nothing to say.
    pub const HALF: Self = Self(-core::f64::consts::LN_2);
    /// The smallest there is, for what can't happen.
    pub const MIN: Self = Self(-1e9);

    /// Takes ln p; rounding above 0 is cut off, and a NaN counts as no evidence.
    #[inline]
    pub fn clamped(ln_p: f64) -> Self {
        Self(if ln_p.is_nan() { 0.0 } else { ln_p.clamp(Self::MIN.0, 0.0) })
    }

    /// The logarithm of `p`; a NaN counts as no evidence.
    #[inline]
    pub fn of(p: f64) -> Self {
        Self::clamped(if p <= 0.0 { Self::MIN.0 } else { libm::log(p) })
    }

    /// ln p.
    #[inline]
    pub const fn ln_p(self) -> f64 {
        self.0
    }

    /// p itself; 0 below 1e-323.
    #[inline]
    pub fn p(self) -> f64 {
        libm::exp(self.0)
    }

    /// -log10 p: 3 is "once in a thousand".
    #[inline]
    pub fn surprise(self) -> f64 {
        -self.0 * core::f64::consts::LOG10_E
    }

    /// ln(1-p), exact near both ends (M. Mächler, "Accurately computing log(1 - exp(-|a|))", 2012).
    #[must_use]
    pub fn complement(self) -> Self {
        Self::clamped(if self.0 > -core::f64::consts::LN_2 {
            libm::log(-libm::expm1(self.0))
        } else {
            libm::log1p(-libm::exp(self.0))
        })
    }

    /// ln(p+q), at most 0.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (small, large) = if self.0 < other.0 { (self.0, other.0) } else { (other.0, self.0) };
        Self::clamped(large + libm::log1p(libm::exp(small - large)))
    }

    /// ln(p·factor), at most 0; a factor of 0 gives [`Self::MIN`].
    #[inline]
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self::clamped(self.0 + if factor > 0.0 { libm::log(factor) } else { Self::MIN.0 })
    }

    /// The more surprising of two.
    #[inline]
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl Eq for LogP {}

impl PartialOrd for LogP {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LogP {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A share in `0.0..=1.0`, never NaN: a random number, a fraction of a bucket, a decay, how much of a window is learnt.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
    /// A half.
    pub const HALF: Self = Self(0.5);
    /// All.
    pub const ONE: Self = Self(1.0);

    /// Clamps `raw` into range; a NaN counts as nothing.
    #[inline]
    pub const fn clamped(raw: f64) -> Self {
        Self(if raw.is_nan() { 0.0 } else { raw.clamp(0.0, 1.0) })
    }

    /// The value.
    #[inline]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A weight: finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Weight(f64);

impl Weight {
    /// The weight that changes nothing.
    pub const ONE: Self = Self(1.0);

    /// Clamps `raw` into range; a NaN counts as 0, an infinity as the largest finite number.
    #[inline]
    pub const fn clamped(raw: f64) -> Self {
        Self(if raw.is_nan() { 0.0 } else { raw.clamp(0.0, f64::MAX) })
    }

    /// The value.
    #[inline]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// How rare a category or an hour is for somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rarity {
    /// The mass of everything that is no likelier: the p-value (the smallest region of highest density that just includes it).
    pub p: LogP,
    /// The mass of everything that is less likely.
    pub rarer: LogP,
}

impl Rarity {
    /// The randomised p-value, for calibration.
    pub fn mid_p(self, u: Share) -> LogP {
        let rarer = self.rarer.p();
        LogP::of(rarer + u.get() * (self.p.p() - rarer))
    }
}
