//! What correlations want of the matches of each rule, in terms of one source's slots.

use super::{Builder, CorrelationIndex, Node, RuleSet};
use crate::ast::{Correlation, CorrelationKind, Rule};
use crate::problem::{Code, Problem};
use model::{FieldPath, SlotId};

/// One correlation that a rule feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The correlation.
    pub correlation: CorrelationIndex,
    /// Which of its rules this is.
    pub step: u16,
    /// The fields that make the group, in the order of `group-by`.
    pub group: Box<[SlotId]>,
    /// The fields whose distinct values are counted.
    pub values: Box<[SlotId]>,
}

/// How a correlation is run for one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationPlan {
    /// Whether any rule of this source feeds it.
    pub is_fed: bool,
    /// Whether the group contains the actor, so that one shard sees every event of a group.
    pub is_local: bool,
}

pub(super) fn bind(
    set: &RuleSet,
    builder: &mut Builder<'_>,
    trees: &[Option<Node>],
    problems: &mut Vec<Problem>,
) -> (Vec<Vec<Binding>>, Vec<CorrelationPlan>) {
    let mut bindings = vec![Vec::new(); set.rules.len()];
    let mut plans = Vec::with_capacity(set.correlations.len());
    for (index, correlation) in (0_u32..).zip(&set.correlations) {
        let mut plan = CorrelationPlan { is_fed: false, is_local: true };
        for (step, name) in (0_u16..).zip(&correlation.rules) {
            for (at, rule) in set.rules.iter().enumerate().filter(|(_, it)| is_named(it, name)) {
                if trees[at].is_none() {
                    continue;
                }
                match one(builder, correlation, rule, CorrelationIndex(index), step) {
                    Ok(binding) => {
                        let is_local = builder.actor_slot().is_some_and(|it| binding.group.contains(&it));
                        plan = CorrelationPlan { is_fed: true, is_local: plan.is_local && is_local };
                        bindings[at].push(binding);
                    }
                    Err(reason) => {
                        problems.push(Problem::error(
                            Code::NotCompiled,
                            &correlation.place.file,
                            correlation.place.line,
                            1,
                            reason,
                        ));
                    }
                }
            }
        }
        plan.is_local &= plan.is_fed;
        plans.push(plan);
    }
    (bindings, plans)
}

/// Whether a correlation means `rule` by `name`.
pub(super) fn is_named(rule: &Rule, name: &str) -> bool {
    rule.info.name == name || rule.info.id == name
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
        paths.iter().map(|it| builder.slot(field_of(correlation, rule, it))).collect()
    };
    let group = slots(&correlation.group_by)?;
    let values = match &correlation.kind {
        CorrelationKind::ValueCount(fields) => slots(fields)?,
        _ => Box::default(),
    };
    Ok(Binding { correlation: index, step, group, values })
}

/// The field that a group-by name stands for in `rule`: its alias there, or itself.
fn field_of<'c>(correlation: &'c Correlation, rule: &Rule, name: &'c FieldPath) -> &'c FieldPath {
    let alias = correlation.aliases.iter().find(|(alias, _)| alias == name.as_str());
    alias.and_then(|(_, fields)| fields.iter().find(|(of, _)| is_named(rule, of))).map_or(name, |(_, field)| field)
}
