//! The Beta-Binomial: so many of n, when the share itself varies from day to day.

use super::negative_binomial::ln_point;
use super::{SETTLED, Tails};
use crate::{LogP, Share};

/// More trials than this are scaled down to it, with their successes: the cost of a tail is linear in them.
pub const TRIALS_MAX: u32 = 65_536;

const SHAPE_MIN: f64 = 1e-6;
const SHAPE_MAX: f64 = 1e9;

/// The number of successes among n trials whose chance is Beta(a, b).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaBinomial {
    trials: u32,
    a: f64,
    b: f64,
}

impl BetaBinomial {
    /// `a` and `b` are clamped to positive numbers, NaN to the smallest.
    pub fn new(trials: u32, a: f64, b: f64) -> Self {
        let shape = |it: f64| if it.is_nan() { SHAPE_MIN } else { it.clamp(SHAPE_MIN, SHAPE_MAX) };
        Self { trials, a: shape(a), b: shape(b) }
    }

    /// n·a/(a+b).
    pub fn mean(self) -> f64 {
        f64::from(self.trials) * self.a / (self.a + self.b)
    }

    /// Whether y is so near to the mean that P(Y >= y) is surely above 1 %: for the price of a square root. Only of shapes with at least
    /// half a success in them, since other ones may be nearly always 0.
    pub fn is_ordinary(self, y: u32) -> bool {
        let (n, all) = (f64::from(self.trials), self.a + self.b);
        let variance = n * self.a * self.b * (all + n) / (all * all * (all + 1.0));
        self.a >= 0.5 && f64::from(y) <= self.mean() + 1.5 * variance.sqrt()
    }

    /// ln P(Y = y) of C(n, y) B(a+y, b+n-y)/B(a, b).
    pub fn point(self, y: u32) -> LogP {
        LogP::clamped(if y > self.trials { f64::NEG_INFINITY } else { self.scaled(y).ln_point() })
    }

    /// P(Y >= y), summed term by term on the side that is smaller. Costs O(n), less far out.
    pub fn tails(self, y: u32) -> Tails {
        match y {
            0 => return Tails::ALL_ABOVE,
            y if y > self.trials => return Tails::ALL_BELOW,
            _ => {}
        }
        let sum = self.scaled(y);
        let (above, below) = (|| Tails::from_upper(sum.ln_upper()), || Tails::from_lower(sum.ln_lower()));
        // The mean is a guess at the smaller side; where the guess was bad the result says so by being almost everything.
        if sum.y >= self.mean() * sum.n / f64::from(self.trials) {
            let tails = above();
            if tails.upper.ln_p() > -1e-2 { below() } else { tails }
        } else {
            let tails = below();
            if tails.lower.ln_p() > -1e-2 { above() } else { tails }
        }
    }

    /// ln P(Y >= y), what alerting uses.
    pub fn upper(self, y: u32) -> LogP {
        self.tails(y).upper
    }

    /// The randomised p-value, what calibration learns from.
    pub fn mid_p(self, y: u32, u: Share) -> LogP {
        super::mid_p(self.upper(y.saturating_add(1)), self.point(y), u)
    }

    /// Both tails: for what may be too little as well as too much.
    pub fn two_sided(self, y: u32) -> LogP {
        super::two_sided(self.upper(y), self.tails(y.saturating_add(1)).lower)
    }

    fn scaled(self, y: u32) -> Sum {
        let (n, y) = (f64::from(self.trials), f64::from(y));
        let scale = (f64::from(TRIALS_MAX) / n).min(1.0);
        if scale < 1.0 {
            // At least one success stays one, and the share is never exaggerated.
            return Sum { n: f64::from(TRIALS_MAX), y: (y * scale).floor().max(y.min(1.0)), a: self.a, b: self.b };
        }
        Sum { n, y, a: self.a, b: self.b }
    }
}

/// y of n with shapes a and b, all as floats.
#[derive(Clone, Copy)]
struct Sum {
    n: f64,
    y: f64,
    a: f64,
    b: f64,
}

impl Sum {
    /// Given the sum of two negative binomial counts of sizes a and b and one scale, the first is Beta-Binomial: so its probability is
    /// that of both over that of the sum, at any scale; at the one that puts the sum at its mean nothing cancels.
    fn ln_point(self) -> f64 {
        let Self { n, y, a, b } = self;
        let scale = n / (a + b);
        let count = |size: f64, x: f64| ln_point(size * scale, size, x);
        count(a, y) + count(b, n - y) - count(a + b, n)
    }

    fn ln_upper(self) -> f64 {
        let Self { n, y, a, b } = self;
        let (mut term, mut sum, mut j) = (1.0, 1.0, y);
        while j < n {
            let ratio = (n - j) * (a + j) / ((j + 1.0) * (b + (n - j - 1.0)));
            term *= ratio;
            sum += term;
            j += 1.0;
            // With b >= 1 the ratios fall from y = the mode on, so that what is left is less than a geometric series; with b < 1 the
            // last terms may rise again, and all are summed.
            if b >= 1.0 && ratio < 1.0 && term <= sum * SETTLED * (1.0 - ratio) {
                break;
            }
        }
        self.ln_point() + libm::log(sum)
    }

    fn ln_lower(self) -> f64 {
        let Self { n, y, a, b } = self;
        Self { n, y: n - y + 1.0, a: b, b: a }.ln_upper()
    }
}
