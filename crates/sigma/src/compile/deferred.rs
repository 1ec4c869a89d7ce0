//! Which rules can't be decided where an event is read, because they look at fields that are known only where the event's target is kept
//! ([`crate::computed::is_of_target`]). Of such a rule the matcher says whether it may match, whatever those fields are: their literals are
//! left out of its terms, whose conjunction can only become easier to meet. Whoever knows the fields asks the whole condition.

use super::{FieldSource, Node, RuleSet, Term};
use crate::ast::Correlation;
use crate::compile::Member;
use crate::computed::is_of_target;
use model::{Projection, SlotId};

/// For each rule that is compiled, whether it is decided where the target is: it tests or shows such a field, or something above it does.
pub(super) fn of_rules(set: &RuleSet, trees: &[Option<Node>], sources: &[bool]) -> Vec<bool> {
    let mut deferred: Vec<bool> = set
        .rules
        .iter()
        .zip(trees)
        .map(|(rule, tree)| {
            let shows = rule.info.fields.iter().any(|it| is_of_target(it));
            tree.as_ref().is_some_and(|it| shows || it.any(&mut |literal| sources[usize::from(literal.field.0)]))
        })
        .collect();
    for (at, correlation) in set.correlations.iter().enumerate() {
        if reads(correlation) {
            below(set, at, trees, &mut deferred);
        }
    }
    while join_neighbours(set, trees, &mut deferred) {}
    deferred
}

/// An event that matches several rules of one correlation is one event there, and whoever sees that has to see them all: they are decided
/// in one place. Says whether any rule joined others. The steps of a temporal correlation are counted each.
fn join_neighbours(set: &RuleSet, trees: &[Option<Node>], deferred: &mut [bool]) -> bool {
    let mut has_joined = false;
    for (members, _) in set.members.iter().zip(&set.correlations).filter(|(_, it)| !it.kind.is_temporal()) {
        let rules = || members.iter().flatten().filter_map(|it| if let Member::Rule(it) = it { Some(it.0 as usize) } else { None });
        if rules().any(|it| deferred[it]) {
            for rule in rules().filter(|it| trees[*it].is_some()) {
                has_joined |= !std::mem::replace(&mut deferred[rule], true);
            }
        }
    }
    has_joined
}

/// Whether the value of a field needs one that is known only where the target is.
pub(super) fn is_deferred(source: &FieldSource, projection: &Projection) -> bool {
    let of_target = |slot: SlotId| is_of_target(projection.path(slot).as_str());
    match source {
        FieldSource::Slot(slot) | FieldSource::TimePart(slot, _) => of_target(*slot),
        FieldSource::Related(left, right, ..) => of_target(*left) || of_target(*right),
        FieldSource::Keywords => false,
    }
}

/// A term without what is not known yet.
pub(super) fn relaxed(mut term: Term, sources: &[bool]) -> Term {
    term.literals.retain(|it| !sources[usize::from(it.field.0)]);
    // The whole condition is asked elsewhere.
    term.is_partial = false;
    term
}

fn reads(correlation: &Correlation) -> bool {
    let aliases = correlation.aliases.iter().flat_map(|(_, fields)| fields).map(|(_, field)| field);
    let mut paths = correlation.group_by.iter().chain(correlation.kind.fields()).chain(aliases);
    paths.any(|it| is_of_target(it.as_str())) || correlation.info.fields.iter().any(|it| is_of_target(it))
}

fn below(set: &RuleSet, correlation: usize, trees: &[Option<Node>], deferred: &mut [bool]) {
    for member in set.members[correlation].iter().flatten() {
        match member {
            Member::Rule(rule) => deferred[rule.0 as usize] = trees[rule.0 as usize].is_some(),
            Member::Correlation(it) if set.levels[it.0 as usize] < set.levels[correlation] => {
                below(set, it.0 as usize, trees, deferred);
            }
            Member::Correlation(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
