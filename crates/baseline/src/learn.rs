//! Learning that its subject can't steer: scored first, then learnt by how ordinary it was, capped, within a drift budget, and put in
//! quarantine where it was not ordinary.

mod drift;
mod quarantine;
#[cfg(test)]
mod tests;

pub use drift::{Drift, RISE_MAX};
pub use quarantine::{Day, PROMOTED_AFTER_DAYS, Quarantine, Transition};

use crate::{LogP, Share};

/// ln p at which nothing is learnt any more: p = 1 %.
const LN_NOTHING: f64 = -4.6;
/// From there to here (p = 1/2) more and more is learnt.
const LN_RANGE: f64 = 3.9;
/// As much of that is learnt while a slow rise is suspected.
const SUSPECT: f64 = 0.1;
/// A window teaches at most this many times the usual …
const CAP_FACTOR: f64 = 2.0;
/// … and as much more.
const CAP_MORE: f64 = 3.0;
/// What a role keeps of the memory of another.
pub const KEPT_IN_NEW_ROLE: Share = Share::clamped(0.2);

/// γ(p) = clamp((ln p + 4.6)/3.9, 0, 1): all at p >= 1/2, nothing at p <= 1 %, a tenth of it while a slow rise is suspected. The
/// conditional merge of S. Bhatia et al., "Real-time anomaly detection in edge streams" (MIDAS-F, 2022), by probability.
///
/// Both tails count, P(X >= x) as `upper` and P(X <= x) as `or_fewer`: what weighs only the high counts down learns a rate that is too
/// low (by 6 % of a Poisson rate of 14), and what never changed then seems to rise: of steady people 34 % instead of 13 % are alarmed
/// about within 120 days in the test of the frog.
pub fn learnt(upper: LogP, or_fewer: LogP, is_suspect: bool) -> Share {
    let gamma = (upper.min(or_fewer).ln_p() - LN_NOTHING) / LN_RANGE;
    Share::clamped(gamma.clamp(0.0, 1.0) * if is_suspect { SUSPECT } else { 1.0 })
}

/// x~ = min(x, 2μ + 3), what a window teaches at most.
pub fn capped(count: f64, slow_mean: f64) -> f64 {
    count.min(CAP_FACTOR * slow_mean + CAP_MORE)
}
