//! What correlations want of the matches of each rule, in terms of one source's slots.

use super::{Builder, CorrelationIndex, Member, Node, RuleSet};
use crate::ast::{Correlation, Rule};
use crate::problem::{Code, Problem};
use model::{FieldPath, RuleInfo, SlotId};

/// One correlation that a rule feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The correlation.
    pub correlation: CorrelationIndex,
    /// Which of its rules this is.
    pub step: u16,
    /// The fields that make the group, in the order of `group-by`.
    pub group: Box<[SlotId]>,
    /// The fields whose distinct values are counted, or whose numbers are measured.
    pub values: Box<[SlotId]>,
}

/// How a correlation is run for one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationPlan {
    /// Whether any rule of this source feeds it.
    pub is_fed: bool,
    /// Whether the group contains the actor, so that one shard sees every event of a group, and decides about it.
    pub is_local: bool,
}

/// Most ways from a correlation of correlations down to a rule.
const PATHS_MAX: usize = 10_000;

pub(super) fn bind(
    set: &RuleSet,
    builder: &mut Builder<'_>,
    trees: &[Option<Node>],
    deferred: &[bool],
    problems: &mut Vec<Problem>,
) -> (Vec<Vec<Binding>>, Vec<CorrelationPlan>) {
    let mut bindings = vec![Vec::new(); set.rules.len()];
    let mut plans = Vec::with_capacity(set.correlations.len());
    for (index, correlation) in (0_u32..).zip(&set.correlations) {
        let index = CorrelationIndex(index);
        let mut plan = CorrelationPlan { is_fed: false, is_local: true };
        if !correlation.info.status.runs() {
            plans.push(CorrelationPlan { is_fed: false, is_local: false });
            continue;
        }
        let mut complain =
            |reason| problems.push(Problem::error(Code::NotCompiled, &correlation.place.file, correlation.place.line, 1, reason));
        for (step, member) in (0_u16..).zip(&set.members[index.0 as usize]) {
            match member {
                Some(Member::Rule(rule)) if trees[rule.0 as usize].is_some() => {
                    let rule = rule.0 as usize;
                    match one(builder, correlation, &set.rules[rule], index, step) {
                        Ok(binding) => {
                            let is_by_actor = builder.actor_slot().is_some_and(|it| binding.group.contains(&it));
                            plan.meet(is_by_actor && !deferred[rule]);
                            bindings[rule].push(binding);
                        }
                        Err(reason) => complain(reason),
                    }
                }
                Some(Member::Correlation(_)) => {
                    let mut below = Below { set, builder, trees, deferred, plan: &mut plan, paths: 0 };
                    let names: Vec<&FieldPath> = correlation.group_by.iter().chain(correlation.kind.fields()).collect();
                    if let Err(reason) = below.walk(index, step, &names, correlation.group_by.len()) {
                        complain(reason);
                    }
                }
                _ => {}
            }
        }
        plan.is_local &= plan.is_fed;
        plans.push(plan);
    }
    keep_with_what_is_below(set, &mut plans);
    (bindings, plans)
}

/// What the alerts of a correlation that is exchanged complete has to be exchanged too.
pub fn keep_with_what_is_below(set: &RuleSet, plans: &mut [CorrelationPlan]) {
    let mut by_level: Vec<usize> = (0..plans.len()).collect();
    by_level.sort_by_key(|&it| set.levels[it]);
    for below in by_level {
        if plans[below].is_fed && !plans[below].is_local {
            set.uppers[below].iter().for_each(|(above, _)| plans[above.0 as usize].is_local = false);
        }
    }
}

impl CorrelationPlan {
    /// Takes note of something that feeds the correlation.
    fn meet(&mut self, is_grouped_by_actor: bool) {
        *self = Self { is_fed: true, is_local: self.is_local && is_grouped_by_actor };
    }
}

/// The ways down from a correlation of correlations to the rules.
struct Below<'b, 's> {
    set: &'b RuleSet,
    builder: &'b mut Builder<'s>,
    trees: &'b [Option<Node>],
    deferred: &'b [bool],
    plan: &'b mut CorrelationPlan,
    paths: usize,
}

impl Below<'_, '_> {
    /// Has the fields decoded that `names`, the first `grouped` of which make the group, stand for in the events at the end of every
    /// way that begins with a rule of a correlation.
    fn walk(&mut self, above: CorrelationIndex, step: u16, names: &[&FieldPath], grouped: usize) -> Result<(), String> {
        let correlation = &self.set.correlations[above.0 as usize];
        match self.set.members[above.0 as usize][usize::from(step)] {
            Some(Member::Rule(rule)) => {
                let Some(_) = &self.trees[rule.0 as usize] else { return Ok(()) };
                self.paths += 1;
                if self.paths > PATHS_MAX {
                    return Err(format!("more than {PATHS_MAX} ways from a correlation of correlations down to its rules"));
                }
                let info = &self.set.rules[rule.0 as usize].info;
                let slots = names.iter().map(|it| self.builder.slot(field_of(correlation, info, it)));
                let slots = slots.collect::<Result<Vec<SlotId>, String>>()?;
                let is_by_actor = self.builder.actor_slot().is_some_and(|it| slots[..grouped].contains(&it));
                self.plan.meet(is_by_actor && !self.deferred[rule.0 as usize]);
                Ok(())
            }
            Some(Member::Correlation(below)) if self.set.levels[below.0 as usize] < self.set.levels[above.0 as usize] => {
                let info = &self.set.correlations[below.0 as usize].info;
                let names: Vec<&FieldPath> = names.iter().map(|it| field_of(correlation, info, it)).collect();
                let steps = u16::try_from(self.set.members[below.0 as usize].len()).unwrap_or(u16::MAX);
                (0..steps).try_for_each(|it| self.walk(below, it, &names, grouped))
            }
            _ => Ok(()),
        }
    }
}

impl Builder<'_> {
    /// The first candidate of the actor role: events that have a value there and agree in it are of one actor.
    fn actor_slot(&self) -> Option<SlotId> {
        self.schema.roles.actor.first().copied()
    }
}

fn one(
    builder: &mut Builder<'_>,
    correlation: &Correlation,
    rule: &Rule,
    index: CorrelationIndex,
    step: u16,
) -> Result<Binding, String> {
    let mut slots = |paths: &[FieldPath]| -> Result<Box<[SlotId]>, String> {
        paths.iter().map(|it| builder.slot(field_of(correlation, &rule.info, it))).collect()
    };
    let group = slots(&correlation.group_by)?;
    let values = slots(correlation.kind.fields())?;
    Ok(Binding { correlation: index, step, group, values })
}

/// The field that a name stands for in one of the rules of a correlation: its alias there, or itself.
pub(super) fn field_of<'c>(correlation: &'c Correlation, rule: &RuleInfo, name: &'c FieldPath) -> &'c FieldPath {
    let alias = correlation.aliases.iter().find(|(alias, _)| alias == name.as_str());
    let is_named = |it: &str| rule.name == it || rule.id == it;
    alias.and_then(|(_, fields)| fields.iter().find(|(of, _)| is_named(of))).map_or(name, |(_, field)| field)
}
