//! Which owner keeps a group. Groups are spread by their hash, but what builds on decisions of owners has to be where these fall: it is
//! kept by the first owner, with everything below it.

use crate::exchange::Routed;
use crate::targets::Touched;
use sigma::compile::{CorrelationIndex, Member, Program, RuleSet};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Placement {
    /// Correlations that the first owner keeps, whatever the group.
    first: Vec<bool>,
    /// The first owner keeps all targets, since rules that ask about them feed correlations.
    has_first_targets: bool,
}

impl Placement {
    /// How the correlations of `set` depend on each other in `programs`.
    pub(crate) fn of(set: &RuleSet, programs: &[Program]) -> Self {
        let is_exchanged =
            |it: CorrelationIndex| programs.iter().any(|p| p.plans.get(it.0 as usize).is_some_and(|it| it.is_fed && !it.is_local));
        let is_deferred = |rule: u32| programs.iter().any(|p| p.deferred[rule as usize]);
        let mut it = Self { first: vec![false; set.correlations.len()], has_first_targets: false };
        for above in (0..set.correlations.len()).filter(|it| set.correlations[*it].info.status.runs()) {
            let builds_on_owners = set.members[above].iter().flatten().any(|member| match member {
                Member::Correlation(below) => is_exchanged(*below),
                Member::Rule(rule) => is_deferred(rule.0),
            });
            if builds_on_owners {
                it.bring_down(set, above, &is_deferred);
            }
        }
        it
    }

    /// The correlation and everything below it is the first owner's.
    fn bring_down(&mut self, set: &RuleSet, correlation: usize, is_deferred: &impl Fn(u32) -> bool) {
        if std::mem::replace(&mut self.first[correlation], true) {
            return;
        }
        for member in set.members[correlation].iter().flatten() {
            match member {
                Member::Correlation(below) => self.bring_down(set, below.0 as usize, is_deferred),
                Member::Rule(rule) => self.has_first_targets |= is_deferred(rule.0),
            }
        }
    }

    /// Which of `owners` keeps the group of a hit.
    pub fn of_hit(&self, hit: &Routed, owners: usize) -> usize {
        if self.first[hit.hit.correlation.0 as usize] { 0 } else { hit.shard(owners) }
    }

    /// Which of `owners` keeps the target of an event.
    pub fn of_target(&self, touched: &Touched, owners: usize) -> usize {
        if self.has_first_targets { 0 } else { touched.shard(owners) }
    }
}
