//! Shares: how many of n look-ups had no ticket, how many went to watched targets.

#[cfg(test)]
mod tests;

use crate::Share;
use crate::counts::{SLOW_FORGOTTEN, decayed, narrow};
use crate::tails::BetaBinomial;
use serde::{Deserialize, Serialize};

/// What peers say is worth at least and at most as many trials.
const PRIOR_TRIALS: [f64; 2] = [0.5, 20.0];
/// The own history at most as many: habits change.
const OWN_TRIALS_MAX: f64 = 200.0;
/// A day is predicted by no narrower Beta than this: what is done with care comes in batches, so that the shares of days vary more than
/// that of independent trials would, and a Beta of hundreds of trials would call every batch a wonder.
const PREDICTED_TRIALS_MAX: f64 = 25.0;
/// A member with as many trials counts half.
const HALF_WEIGHT_TRIALS: f64 = 5.0;
/// How many full members a broader group is worth when a narrower one is estimated, as for counts.
const BROADER_MEMBERS: f64 = 4.0;

/// One person's share: decayed successes and failures. 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Ratio {
    yes: f32,
    no: f32,
}

const _: () = assert!(size_of::<Ratio>() == 8);

impl Ratio {
    /// Learns a window in which `yes` of `trials` were, as far as `learnt` says; only as much is forgotten as is learnt.
    pub fn learn(&mut self, yes: u32, trials: u32, learnt: Share) {
        let gamma = learnt.get();
        let keep = 1.0 - SLOW_FORGOTTEN * gamma;
        let no = trials.saturating_sub(yes);
        self.yes = decayed(self.yes, keep, gamma * f64::from(yes.min(trials)));
        self.no = decayed(self.no, keep, gamma * f64::from(no));
        let excess = OWN_TRIALS_MAX / self.trials();
        if excess < 1.0 {
            self.yes = narrow(f64::from(self.yes) * excess);
            self.no = narrow(f64::from(self.no) * excess);
        }
    }

    /// Another role, another share: the memory keeps its share but only `kept` of its weight, so that the new peers decide at first.
    pub fn reanchor(&mut self, kept: Share) {
        for it in [&mut self.yes, &mut self.no] {
            *it = narrow(f64::from(*it) * kept.get());
        }
    }

    /// How many trials it is based on.
    pub fn trials(&self) -> f64 {
        f64::from(self.yes) + f64::from(self.no)
    }

    /// The own share, 0 when nothing is known.
    pub fn share(&self) -> f64 {
        if self.trials() > 0.0 { f64::from(self.yes) / self.trials() } else { 0.0 }
    }

    /// n/(n + n_g): how much of the prediction is the person's own.
    pub fn evidence(&self, prior: &RatioPrior) -> Share {
        Share::clamped(self.trials() / (self.trials() + prior.trials()))
    }

    /// How many of `trials` will be: Beta-Binomial(a_g + yes, b_g + no). Its upper tail is the p-value of "too many".
    pub fn predict(&self, trials: u32, prior: &RatioPrior) -> BetaBinomial {
        let of_peers = prior.trials();
        let a = of_peers * f64::from(prior.share) + f64::from(self.yes);
        let b = of_peers * (1.0 - f64::from(prior.share)) + f64::from(self.no);
        let wider = (PREDICTED_TRIALS_MAX / (a + b)).min(1.0);
        BetaBinomial::new(trials, a * wider, b * wider)
    }
}

/// Shares of the members of one group, as moments. A member with n trials weighs n/(n+5).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupRatios {
    weight: f64,
    weight_squares: f64,
    shares: f64,
    share_squares: f64,
    /// Σ w/n, which times m(1-m) is the part of the variance that is chance.
    per_trial: f64,
}

impl GroupRatios {
    /// Adds a member.
    pub fn add(&mut self, member: &Ratio) {
        let trials = member.trials();
        if trials <= 0.0 {
            return;
        }
        let (share, weight) = (member.share(), trials / (trials + HALF_WEIGHT_TRIALS));
        self.weight += weight;
        self.weight_squares += weight * weight;
        self.shares += weight * share;
        self.share_squares += weight * share * share;
        self.per_trial += weight / trials.max(1.0);
    }

    /// Adds all members of another group.
    pub fn merge(&mut self, other: &Self) {
        self.weight += other.weight;
        self.weight_squares += other.weight_squares;
        self.shares += other.shares;
        self.share_squares += other.share_squares;
        self.per_trial += other.per_trial;
    }

    /// What is known of this group, where that is known of the one above it.
    pub(crate) fn within(&self, broader: Option<Level>) -> Option<Level> {
        let Some([mean, between]) = self.moments() else { return broader };
        Some(Level(match broader {
            None => [mean, between],
            Some(Level([m, b])) => {
                let own = self.weight / (self.weight + BROADER_MEMBERS);
                [m + own * (mean - m), b + own * (between - b)]
            }
        }))
    }

    /// Mean share and the fraction of m(1-m) that is variance between people, 1/(n+1) of a Beta of n trials.
    fn moments(&self) -> Option<[f64; 2]> {
        if self.weight <= 0.0 {
            return None;
        }
        let mean = self.shares / self.weight;
        let effective = self.weight * self.weight / self.weight_squares;
        let unbiased = if effective > 1.0 { effective / (effective - 1.0) } else { 0.0 };
        let variance = (self.share_squares / self.weight - mean * mean) * unbiased;
        let chance = mean * (1.0 - mean);
        let between = if chance > 0.0 { (variance / chance - self.per_trial / self.weight).clamp(0.0, 1.0) } else { 0.0 };
        Some([mean, between])
    }
}

/// What is known of the shares in a group and those above it: the mean, and how much of the variance is between people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level([f64; 2]);

/// A Beta over shares, as mean and number of trials: what is expected of somebody in a group. 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct RatioPrior {
    share: f32,
    trials: f32,
}

const _: () = assert!(size_of::<RatioPrior>() == 8);

impl RatioPrior {
    /// When nobody has a history: one in five, worth one trial.
    pub const UNKNOWN: Self = Self { share: 0.2, trials: 1.0 };

    /// The prior of a member of the last of `groups`, broadest first: by moments (J. C. Kleinman, "Proportions with extraneous
    /// variance", 1973), n = m(1-m)/V - 1 within 1/2…20, each level shrunk towards the one before it by its members as for counts.
    pub fn of_chain(groups: &[GroupRatios]) -> Self {
        Self::of_level(groups.iter().fold(None, |known, group| group.within(known)))
    }

    /// The prior of a member of a group of which that is known.
    pub(crate) fn of_level(known: Option<Level>) -> Self {
        known.map_or(Self::UNKNOWN, |Level([mean, between])| Self {
            // A share that nobody has may still be somebody's: one in a thousand.
            share: narrow(mean.clamp(1e-3, 1.0 - 1e-3)),
            trials: narrow((1.0 / between.max(1e-9) - 1.0).clamp(PRIOR_TRIALS[0], PRIOR_TRIALS[1])),
        })
    }

    /// m.
    pub fn share(&self) -> f64 {
        f64::from(self.share)
    }

    /// n_g.
    pub fn trials(&self) -> f64 {
        f64::from(self.trials)
    }
}
