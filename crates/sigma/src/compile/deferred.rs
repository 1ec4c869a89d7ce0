//! Which rules can't be decided where an event is read, because they look at fields that are known only where the event's target is kept
//! ([`crate::computed::is_of_target`]), or by the values of the event alone, because they look at its actor's profile. Of such a rule the matcher says whether it may match, whatever those fields are: their literals are
//! left out of its terms, whose conjunction can only become easier to meet. Whoever knows the fields asks the whole condition.

use super::{FieldIndex, FieldSource, Node, RuleSet, Term};
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

/// Whether the value of a field needs one of those that `is_such` says by name.
pub(super) fn needs(source: &FieldSource, projection: &Projection, is_such: fn(&str) -> bool) -> bool {
    let is_needed = |slot: SlotId| is_such(projection.path(slot).as_str());
    match source {
        FieldSource::Slot(slot) | FieldSource::TimePart(slot, _) => is_needed(*slot),
        FieldSource::Related(left, right, ..) => is_needed(*left) || is_needed(*right),
        FieldSource::Keywords => false,
    }
}

/// A term without what is not known yet.
pub(super) fn relaxed(mut term: Term, is_unknown: impl Fn(FieldIndex) -> bool) -> Term {
    term.literals.retain(|it| !is_unknown(it.field));
    // The whole condition is asked when everything is known.
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
