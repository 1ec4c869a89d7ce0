//! The negative binomial: counts that vary more than a Poisson count does.

use super::stirling::{LN_SQRT_2PI, deviance, remainder};
use super::{Lentz, STEPS_MAX, Tails};
use crate::{LogP, Share};

/// The smallest size: more overdispersion than this says nothing about tails.
pub const SIZE_MIN: f64 = 0.05;
/// The largest size: from here on it is a Poisson count.
pub const SIZE_MAX: f64 = 1e6;
const MEAN_MIN: f64 = 1e-12;
const MEAN_MAX: f64 = 1e12;
/// What rounding may add to the bound of a logarithm.
const BOUND_SLACK: f64 = 1e-9;
/// Counts up to this are added up one by one, if none at all is not so rare, and the sum leaves so much of 1.
const ADDED_MAX: usize = 24;
const LN_ADDED_MIN: f64 = -30.0;
const LEFT_MIN: f64 = 0.01;
/// What each of their probabilities is divided by when it is made of the one before, as a factor: 1/1, 1/2, ….
const INVERSES: [f64; ADDED_MAX] = {
    let mut inverses = [0.0; ADDED_MAX];
    let mut at = 0;
    while at < ADDED_MAX {
        inverses[at] = 1.0 / crate::pareto::float(at + 1);
        at += 1;
    }
    inverses
};
/// No count is larger; beyond, the fraction would overflow.
const COUNT_MAX: f64 = 1e18;

/// A count of mean μ and variance μ + μ²/k, where k is the size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativeBinomial {
    mean: f64,
    size: f64,
}

impl NegativeBinomial {
    /// Both are clamped into range, the size to [`SIZE_MIN`] and [`SIZE_MAX`]; a NaN mean becomes the smallest one, a NaN size the
    /// largest.
    #[inline]
    pub fn new(mean: f64, size: f64) -> Self {
        let mean = if mean.is_nan() { MEAN_MIN } else { mean.clamp(MEAN_MIN, MEAN_MAX) };
        Self { mean, size: if size.is_nan() { SIZE_MAX } else { size.clamp(SIZE_MIN, SIZE_MAX) } }
    }

    /// The mean.
    #[inline]
    pub const fn mean(self) -> f64 {
        self.mean
    }

    /// The size k: small is bursty, large is Poisson.
    #[inline]
    pub const fn size(self) -> f64 {
        self.size
    }

    /// μ + μ²/k.
    #[inline]
    pub fn variance(self) -> f64 {
        self.mean + self.mean * self.mean / self.size
    }

    /// ln P(X = x), by Loader's form of Γ(k+x)/(Γ(k) x!) (k/(k+μ))^k (μ/(k+μ))^x.
    pub fn point(self, x: f64) -> LogP {
        LogP::clamped(ln_point(self.mean, self.size, x))
    }

    /// `P(X >= x) = I_q(x, k)`, q = μ/(μ+k) (Johnson, Kemp, Kotz, "Univariate Discrete Distributions", 2005, 5.6), and its complement;
    /// real x, as sketches give, is what the incomplete beta function says.
    pub fn tails(self, x: f64) -> Tails {
        match self.nearer_side(x) {
            Side::Above(ln_p) => Tails::from_upper(ln_p),
            Side::Below(ln_p) => Tails::from_lower(ln_p),
        }
    }

    /// `P(X >= x)` and P(X = x) for the price of one tail: what a count is judged by, and what makes its p-value a randomised one.
    pub fn upper_and_point(self, x: f64) -> [LogP; 2] {
        if x.is_nan() || x <= 0.0 {
            return [LogP::ONE, self.point(0.0)];
        }
        let x = x.min(COUNT_MAX);
        if let Some(it) = self.added(x) {
            return [it.upper(), LogP::of(it.point)];
        }
        let ln_point = ln_point(self.mean, self.size, x);
        [self.upper_from(x, ln_point), LogP::clamped(ln_point)]
    }

    /// What [`Self::upper_and_point`] says, if ln P(X >= x) is at most `limit`. Where it is not, a small whole count is told by adding up, and
    /// of others a bound often tells for half the price: from one count to the next the probability falls at most by the factor q(x+k)/(x+1)
    /// or, where k is at least 1, by q, so that the tail is at least that of a geometric series.
    pub fn rare(self, x: f64, limit: f64) -> Option<[LogP; 2]> {
        let Self { mean, size } = self;
        if x.is_nan() || x <= 0.0 {
            return None;
        }
        let x = x.min(COUNT_MAX);
        if let Some(it) = self.added(x) {
            let upper = it.upper();
            return (upper.ln_p() <= limit).then(|| [upper, LogP::of(it.point)]);
        }
        let (chance, ln_point) = (mean / (mean + size), ln_point(mean, size, x));
        let factor = if size >= 1.0 { chance } else { chance * (x + size) / (x + 1.0) };
        if ln_point - libm::log1p(-factor) > limit + BOUND_SLACK {
            return None;
        }
        let upper = self.upper_from(x, ln_point);
        (upper.ln_p() <= limit).then(|| [upper, LogP::clamped(ln_point)])
    }

    /// The smaller of `P(X >= x)` and `P(X <= x)`, if it is below 1/2; some probability above 1/2 or a little below, if not. What says how
    /// much of a window is learnt needs no more.
    pub fn smaller_tail(self, x: f64) -> LogP {
        if x.is_nan() || x <= 0.0 {
            // k ln(1 + μ/k) <= μ.
            return if self.mean <= core::f64::consts::LN_2 { LogP::HALF } else { self.point(0.0) };
        }
        let x = x.min(COUNT_MAX);
        if let Some(Added { fewer, point }) = self.added(x) {
            return LogP::of((1.0 - fewer).min(fewer + point));
        }
        let ln_point = ln_point(self.mean, self.size, x);
        match self.side_from(x, ln_point) {
            Side::Above(ln_p) => {
                // Near the mean x may be more than half of what is above it, so that less is below.
                let upper = LogP::clamped(ln_p);
                if upper > LogP::HALF { upper.complement().or(LogP::clamped(ln_point)) } else { upper }
            }
            Side::Below(ln_p) => {
                let (fewer, or_fewer) = (LogP::clamped(ln_p), LogP::clamped(ln_p).or(LogP::clamped(ln_point)));
                if or_fewer > LogP::HALF { fewer.complement() } else { or_fewer }
            }
        }
    }

    /// What is below a small whole count and at it, each probability made of the one before. Nothing where that would take longer than a tail
    /// or, because little is left of 1 above, lose digits.
    fn added(self, x: f64) -> Option<Added> {
        let Self { mean, size } = self;
        if x > crate::pareto::float(ADDED_MAX) || x.fract() > 0.0 {
            return None;
        }
        let ln_none = -size * libm::log1p(mean / size);
        if ln_none < LN_ADDED_MIN {
            return None;
        }
        let chance = mean / (mean + size);
        let (mut fewer, mut point, mut up_to) = (0.0, libm::exp(ln_none), size);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and ADDED_MAX")]
        for inverse in &INVERSES[..x as usize] {
            fewer += point;
            point *= chance * up_to * inverse;
            up_to += 1.0;
        }
        (1.0 - fewer > LEFT_MIN).then_some(Added { fewer, point })
    }

    /// `P(X >= x)` and `P(X <= x)` for the price of one tail: what says how much of a window is learnt.
    pub fn both(self, x: f64) -> [LogP; 2] {
        if x.is_nan() || x <= 0.0 {
            return [LogP::ONE, self.point(0.0)];
        }
        let x = x.min(COUNT_MAX);
        if let Some(it) = self.added(x) {
            return [it.upper(), LogP::of(it.fewer + it.point)];
        }
        let ln_point = ln_point(self.mean, self.size, x);
        let Tails { upper, lower } = match self.side_from(x, ln_point) {
            Side::Above(ln_p) => Tails::from_upper(ln_p),
            Side::Below(ln_p) => Tails::from_lower(ln_p),
        };
        [upper, lower.or(LogP::clamped(ln_point))]
    }

    /// The side of x on which there is less.
    fn nearer_side(self, x: f64) -> Side {
        if x.is_nan() || x <= 0.0 {
            return Side::Above(0.0);
        }
        let x = x.min(COUNT_MAX);
        self.side_from(x, ln_point(self.mean, self.size, x))
    }

    /// ln P(X >= x), for x above 0 whose point is known.
    fn upper_from(self, x: f64, ln_point: f64) -> LogP {
        match self.side_from(x, ln_point) {
            Side::Above(ln_p) => LogP::clamped(ln_p),
            Side::Below(ln_p) => LogP::clamped(ln_p).complement(),
        }
    }

    /// The smaller side of it.
    fn side_from(self, x: f64, ln_point: f64) -> Side {
        let Self { mean, size } = self;
        let (chance, rest) = (mean / (mean + size), size / (mean + size));
        // x(1-q) - kq, without cancellation.
        let beyond = (x - mean) * rest;
        // q < (x+1)/(x+k+2)
        if mean * (size + 1.0) < size * (x + 1.0) {
            Side::Above(ln_point + libm::log(x / fraction(x, size, chance, rest, beyond)))
        } else {
            Side::Below(ln_point + libm::log(x / fraction(size, x, rest, chance, -beyond)))
        }
    }

    /// ln P(X >= x), what alerting uses.
    pub fn upper(self, x: f64) -> LogP {
        match self.nearer_side(x) {
            Side::Above(ln_p) => LogP::clamped(ln_p),
            Side::Below(ln_p) => LogP::clamped(ln_p).complement(),
        }
    }

    /// The randomised p-value of an integer count, what calibration learns from.
    pub fn mid_p(self, x: f64, u: Share) -> LogP {
        super::mid_p(self.upper(x + 1.0), self.point(x), u)
    }

    /// Both tails of an integer count: for what may be too little as well as too much.
    pub fn two_sided(self, x: f64) -> LogP {
        super::two_sided(self.upper(x), self.tails(x + 1.0).lower)
    }

    /// The smallest integer x with P(X >= x) < `alpha`: bracketed by doubling, then bisected. `x - 1` is the (1-α) quantile.
    pub fn first_below(self, alpha: f64) -> u32 {
        let is_below = |x: u32| self.upper(f64::from(x)).ln_p() < libm::log(alpha);
        let (mut low, mut high) = (0_u32, self.guess());
        while !is_below(high) {
            (low, high) = (high, high.saturating_mul(2));
            if high == u32::MAX {
                return high;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if is_below(middle) { high = middle } else { low = middle }
        }
        high
    }

    /// Somewhere in the upper tail: three deviations above the mean.
    fn guess(self) -> u32 {
        let far = self.mean + 3.0 * self.variance().sqrt() + 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a positive float saturates")]
        let guess = far as u32;
        guess.clamp(1, u32::MAX / 2)
    }
}

/// P(X < x) and P(X = x).
struct Added {
    fewer: f64,
    point: f64,
}

impl Added {
    /// ln P(X >= x), exact also where hardly anything is below.
    fn upper(&self) -> LogP {
        LogP::clamped(libm::log1p(-self.fewer))
    }
}

/// ln P(X >= x) or ln P(X < x).
enum Side {
    Above(f64),
    Below(f64),
}

/// The f in `I_z(a, b) = z^a y^b/(B(a, b) f)`, y = 1-z: the even part of the continued fraction DLMF 8.17.22, which settles quickly for
/// z < (a+1)/(a+b+2). `beyond` is ay - bz: in this form (A. R. DiDonato, A. H. Morris, "Algorithm 708", 1992, section 4) it is the only
/// difference of large numbers, and it comes exact from the caller.
fn fraction(a: f64, b: f64, z: f64, y: f64, beyond: f64) -> f64 {
    let mut fraction = Lentz::new(a * (beyond + 1.0) / (a + 1.0));
    let mut m = 0.0;
    for _ in 0..STEPS_MAX {
        m += 1.0;
        let odd = a + 2.0 * m - 1.0;
        let (scaled, more) = (z / odd, m * (b - m));
        let numerator = (a + m - 1.0) * (a + b + m - 1.0) * more * scaled * scaled;
        let denominator = m + more * scaled + (a + m) * (beyond + 1.0 + m * (1.0 + y)) / (odd + 2.0);
        if fraction.step(numerator, denominator) {
            break;
        }
    }
    fraction.value
}

/// ln P(X = x) of a count of any mean and size.
pub(super) fn ln_point(mean: f64, size: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return -size * libm::log1p(mean / size);
    }
    let all = size + x;
    // Given their sum, x of `all` are expected where μ and k share it; both deviances are of the same difference.
    let share = all / (size + mean);
    let difference = (x - mean) * (size / (size + mean));
    let deviances = deviance(x, mean * share, difference) + deviance(size, size * share, -difference);
    let remainders = remainder(all) - remainder(x) - remainder(size);
    remainders - deviances - LN_SQRT_2PI + 0.5 * libm::log(size / (all * x))
}
