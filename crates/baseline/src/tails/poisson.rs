//! Poisson and chi-square tails: the incomplete gamma function.

use super::stirling::{LN_SQRT_2PI, deviance, remainder};
use super::{Lentz, SETTLED, STEPS_MAX, Tails};

/// P(X >= x) for a Poisson count of mean `mean`, and for real x the regularised incomplete gamma function P(x, mean)
/// (DLMF 8.4.9): the limit of the negative binomial for large sizes.
pub fn poisson(mean: f64, x: f64) -> Tails {
    match (mean > 0.0, x > 0.0) {
        (_, false) => Tails::ALL_ABOVE,
        (false, true) => Tails::ALL_BELOW,
        (true, true) => incomplete_gamma(x, mean),
    }
}

/// P(X >= x) for a chi-square variable with `degrees` of freedom: Q(degrees/2, x/2) (DLMF 8.2.4).
pub fn chi_square(degrees: f64, x: f64) -> Tails {
    match (degrees > 0.0, x > 0.0) {
        (_, false) => Tails::ALL_ABOVE,
        (false, true) => Tails::ALL_BELOW,
        (true, true) => {
            let Tails { upper, lower } = incomplete_gamma(0.5 * degrees, 0.5 * x);
            Tails { upper: lower, lower: upper }
        }
    }
}

/// P(a, z) as `upper` and Q(a, z) as `lower`. The series DLMF 8.11.4 for P below the mean, the continued fraction DLMF 8.9.2 for Q
/// above it, both in front of z^a e^-z/Γ(a+1).
fn incomplete_gamma(a: f64, z: f64) -> Tails {
    let ln_point = -remainder(a) - deviance(a, z, a - z) - LN_SQRT_2PI - 0.5 * libm::log(a);
    if z < a + 1.0 {
        let (mut sum, mut term, mut at) = (1.0, 1.0, a);
        for _ in 0..STEPS_MAX {
            at += 1.0;
            term *= z / at;
            sum += term;
            if term <= sum * SETTLED {
                break;
            }
        }
        return Tails::from_upper(ln_point + libm::log(sum));
    }
    let mut fraction = Lentz::new(z + 1.0 - a);
    let (mut i, mut b) = (0.0, z + 1.0 - a);
    for _ in 0..STEPS_MAX {
        i += 1.0;
        b += 2.0;
        if fraction.step(-i * (i - a), b) {
            break;
        }
    }
    Tails::from_lower(ln_point + libm::log(a / fraction.value))
}
