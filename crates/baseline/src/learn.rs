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
/// A habit is established after as many windows.
const FIRST_WINDOWS: f64 = 10.0;
/// As much of that is learnt while a slow rise is suspected.
const SUSPECT: f64 = 0.1;
/// As much is learnt of a category however surprising it was.
const KIND_LEAST: f64 = 0.1;
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
/// low (by 6 % of a Poisson rate of 14), and what never changed then seems to rise.
///
/// `windows` is how many are behind the habit: of the first few at least 1 - E/10 is learnt whatever they are, since there is no habit to
/// protect yet and the peers judge anyway. Without it, the busiest of a group would be rejected from their first day on, and for ever.
pub fn learnt(upper: LogP, or_fewer: LogP, windows: f64, is_suspect: bool) -> Share {
    let gamma = gate(upper.min(or_fewer)) * if is_suspect { SUSPECT } else { 1.0 };
    Share::clamped(gamma.max(1.0 - windows / FIRST_WINDOWS))
}

/// How much is learnt of something rare that was used: by its p-value, but at least a tenth, so that a new laptop is normal on its fourth
/// day, whereas what was used for an hour stays new.
pub fn learnt_kind(p: LogP) -> Share {
    Share::clamped(gate(p).max(KIND_LEAST))
}

/// Whether a window is too unusual to teach an established habit anything.
pub fn is_rejected(upper: LogP) -> bool {
    gate(upper) <= 0.0
}

fn gate(p: LogP) -> f64 {
    ((p.ln_p() - LN_NOTHING) / LN_RANGE).clamp(0.0, 1.0)
}

/// x~ = min(x, 2μ + 3), what a window teaches at most.
pub fn capped(count: f64, slow_mean: f64) -> f64 {
    count.min(CAP_FACTOR * slow_mean + CAP_MORE)
}
