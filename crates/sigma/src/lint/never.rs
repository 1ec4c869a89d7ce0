//! Rules that never match and correlations that never fire, and how the ones make the others so.

use super::correlations::Correlations;
use super::source::Source;
use super::{Input, Known, fields, logic};
use crate::ast::{Compare, Condition, Correlation, Document, LEVELS_MAX};
use crate::parse::yaml::Position;
use model::SourceMapping;

/// What to do when sources call a field by different names.
pub(super) const ALIASES: &str = "`aliases` say what the field is called in the events of each rule";

/// Why a correlation never fires.
pub(super) struct Why {
    /// The rule or correlation that it waits for in vain.
    pub(super) at: Position,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Notes which rules never match and, level by level, which correlations never fire.
pub(super) fn find(known: &mut Known<'_>, sources: &[Source<'_>], input: &Input<'_>) {
    let loaded = || sources.iter().flat_map(|source| source.documents.iter().map(move |it| (source, it)));
    let dead_rules = known.rules.values().filter(|rule| {
        let mappings = Known::mappings(&rule.logsource, input);
        let terms = known.terms.get(rule.info.name.as_str()).and_then(|it| it.as_deref());
        terms.is_some_and(|it| it.iter().all(|it| logic::is_empty(it, fields::Facts { mappings: &mappings })))
    });
    known.never = dead_rules.flat_map(|it| [it.info.name.clone(), it.info.id.clone()]).collect();
    for _ in 0..LEVELS_MAX {
        let is_dead = |source, document| Correlations { source, document, known, input }.is_dead();
        let dead: Vec<&Document> = loaded()
            .filter_map(|(source, document)| Some((source, document, document.loaded?)))
            .filter(|(source, document, it)| {
                matches!(it, Document::Correlation(_)) && !known.is_never(it.name()) && is_dead(source, document)
            })
            .map(|it| it.2)
            .collect();
        if dead.is_empty() {
            return;
        }
        known.never.extend(dead.iter().flat_map(|it| [it.name().to_owned(), it.id().to_owned()]));
    }
}

/// Whether none of `mappings` has `field`, which is one of another source's.
pub(super) fn is_foreign(field: &str, mappings: &[&SourceMapping]) -> bool {
    !mappings.is_empty() && mappings.iter().all(|it| fields::is_foreign(field, it))
}

/// Why what a correlation is over keeps it from firing. `names` are its rules with their places.
pub(super) fn below(correlation: &Correlation, names: &[(&str, Position)], known: &Known<'_>, input: &Input<'_>) -> Option<Why> {
    let why: Vec<Option<Why>> = names.iter().map(|it| dead(correlation, *it, known, input)).collect();
    let is_dead: Vec<bool> = why.iter().map(Option::is_some).collect();
    if is_dead.len() != correlation.rules.len() || can_fire(correlation, &is_dead) {
        return None;
    }
    why.into_iter().flatten().next()
}

/// Why nothing ever comes from one of the rules.
fn dead(correlation: &Correlation, (name, at): (&str, Position), known: &Known<'_>, input: &Input<'_>) -> Option<Why> {
    let rule = known.rule(name);
    if known.is_never(name) {
        let never = if rule.is_some() { "matches" } else { "fires" };
        return Some(Why { at, message: format!("this never fires, since `{name}` never {never}"), hint: None });
    }
    let mappings = Known::mappings(&rule?.logsource, input);
    let is_alias = |field: &str| correlation.aliases.iter().any(|(alias, _)| alias == field);
    let mut fields = correlation.group_by.iter().map(model::FieldPath::as_str);
    let foreign = fields.find(|it| !is_alias(it) && is_foreign(it, &mappings))?;
    let message = format!("this never fires, since no event of `{name}` has the field `{foreign}`");
    Some(Why { at, message, hint: Some(ALIASES.to_owned()) })
}

/// Whether it may fire although nothing comes from some of its rules.
fn can_fire(correlation: &Correlation, is_dead: &[bool]) -> bool {
    if let Some(expression) = &correlation.expression {
        return can_hold(expression, is_dead);
    }
    let live = is_dead.iter().filter(|it| !**it).count();
    let least = |(compare, with): &(Compare, f64)| match compare {
        Compare::Equal | Compare::GreaterOrEqual => *with,
        Compare::Greater => *with + 1.0,
        Compare::Less | Compare::LessOrEqual | Compare::NotEqual => 1.0,
    };
    match correlation.condition.iter().map(least).reduce(f64::max) {
        _ if !correlation.kind.is_temporal() => live > 0,
        #[expect(clippy::cast_precision_loss, reason = "a correlation is over a few rules")]
        Some(least) => live > 0 && live as f64 >= least,
        None => live == is_dead.len(),
    }
}

/// Whether a condition over the names of rules may hold. That a rule did not match is always possible.
fn can_hold(condition: &Condition, is_dead: &[bool]) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().all(|it| can_hold(it, is_dead)),
        Condition::Or(parts) => parts.iter().any(|it| can_hold(it, is_dead)),
        Condition::Not(_) => true,
        Condition::Selection(at) => !is_dead.get(*at).copied().unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Input, check};
    use crate::lists::Lists;
    use crate::problem::Code;
    use model::SourceMapping;
    use std::fmt::Write;

    const RULES: &str = "title: Live\nname: live\nlogsource: {product: nightjar}\ndetection: {s: {action: a}, condition: s}\n---\n\
        title: Other\nname: other\nlogsource: {product: nightjar}\ndetection: {s: {action: b}, condition: s}\n---\n\
        title: Dead\nname: dead\nid: 6f1f2d4e-8a3b-4c5d-9e7f-0a1b2c3d4e5f\nlogsource: {product: nightjar}\n\
        detection: {s: {action: a}, t: {action: b}, condition: s and t}\n---\n\
        title: Trail\nname: trail\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: a}, condition: s}\n---\n\
        title: Hub\nname: hub\nlogsource: {product: github, service: audit}\ndetection: {s: {action: a}, condition: s}\n---\n\
        title: Never\nname: never\ncorrelation: {type: event_count, rules: live, group-by: [actor.id], timespan: 1h, condition: {gte: 5, lt: 3}}\n";

    /// What is said about the last of some correlations, each by what is special about it.
    #[track_caller]
    fn expect(correlations: &[&str], expected: &[(Code, &str)]) {
        let mut text = RULES.to_owned();
        let mut line = 0;
        for (at, it) in correlations.iter().enumerate() {
            line = text.lines().count() + 2;
            let group = if it.contains("group-by") { "" } else { "group-by: [actor.id], " };
            let _ = write!(text, "---\ntitle: C{at}\nname: c{at}\ncorrelation: {{timespan: 1h, {group}{it}}}\n");
        }
        let mappings: Vec<SourceMapping> =
            SourceMapping::built_in_names().filter(|it| *it != "raw").map(|it| SourceMapping::built_in(it).unwrap()).collect();
        let checked = check(&Input {
            files: &[("rules/c.yml".to_owned(), text)],
            pages: None,
            lists: &Lists::default(),
            list_files: &[],
            mappings: &mappings,
            now: None,
        });
        assert!(checked.problems.iter().all(|it| !it.is_error()), "{correlations:?}: {:?}", checked.problems);
        let is_told = |it: &Code| {
            matches!(
                it,
                Code::NeverFires
                    | Code::TooFewRules
                    | Code::TooFewValues
                    | Code::UnknownGroupField
                    | Code::NumberOnText
                    | Code::FiresAtOnce
            )
        };
        let told: Vec<(Code, &str)> = checked
            .problems
            .iter()
            .filter(|it| is_told(&it.code) && it.line >= line)
            .map(|it| (it.code, it.message.as_str()))
            .collect();
        assert_eq!(told, expected, "{correlations:?}");
    }

    #[test]
    fn counting_what_never_matches_never_fires() {
        let since_dead = [(Code::NeverFires, "this never fires, since `dead` never matches")];
        expect(&["type: event_count, rules: dead, condition: {gte: 3}"], &since_dead);
        expect(&["type: value_count, rules: [dead], condition: {field: tool, gte: 3}"], &since_dead);
        expect(&["type: value_sum, rules: [dead], condition: {field: detail.rows, gte: 3}"], &since_dead);
        expect(
            &["type: event_count, rules: 6F1F2D4E-8A3B-4C5D-9E7F-0A1B2C3D4E5F, condition: {gte: 3}"],
            &[(Code::NeverFires, "this never fires, since `6F1F2D4E-8A3B-4C5D-9E7F-0A1B2C3D4E5F` never matches")],
        );
        expect(&["type: event_count, rules: [dead, live], condition: {gte: 3}"], &[]);
    }

    #[test]
    fn a_step_that_never_comes_keeps_what_needs_it_from_firing() {
        let since_dead = [(Code::NeverFires, "this never fires, since `dead` never matches")];
        for kind in ["temporal", "temporal_ordered"] {
            expect(&[&format!("type: {kind}, rules: [live, dead]")], &since_dead);
            expect(&[&format!("type: {kind}, rules: [live, dead, other], condition: {{gte: 3}}")], &since_dead);
            expect(&[&format!("type: {kind}, rules: [live, dead, other], condition: {{gt: 2}}")], &since_dead);
            expect(&[&format!("type: {kind}, rules: [live, dead, other], condition: {{gte: 2}}")], &[]);
        }
        expect(&["type: temporal, rules: [live, dead, other], condition: live and dead"], &since_dead);
        expect(&["type: temporal, rules: [live, dead, other], condition: other and (live or dead)"], &[]);
        expect(&["type: temporal, rules: [live, dead], condition: live and not dead"], &[]);
    }

    #[test]
    fn correlations_over_what_never_fires_never_fire_on_any_level() {
        let above = |name: &str| format!("type: event_count, rules: [{name}], condition: {{gte: 3}}");
        let since_never = [(Code::NeverFires, "this never fires, since `never` never fires")];
        expect(&[&above("never")], &since_never);
        let since_below = [(Code::NeverFires, "this never fires, since `c1` never fires")];
        expect(&["type: temporal, rules: [live, dead]", &above("c0"), &above("c1")], &since_below);
        // The order of the file is not that of the levels.
        expect(
            &[&above("c2"), &above("c0"), &above("dead"), &above("c1")],
            &[(Code::NeverFires, "this never fires, since `c1` never fires")],
        );
        expect(&[&above("live"), &above("c0")], &[]);
    }

    #[test]
    fn a_group_that_the_events_of_a_needed_rule_are_not_of_never_fires() {
        let message = "this never fires, since no event of `trail` has the field `actor.id`";
        expect(&["type: temporal, rules: [live, trail]"], &[(Code::NeverFires, message)]);
        expect(&["type: event_count, rules: [trail], condition: {gte: 3}"], &[(Code::NeverFires, message)]);
        expect(
            &["type: event_count, rules: [live, trail], condition: {gte: 3}"],
            &[(Code::UnknownGroupField, "no event of `trail` has the field `actor.id`: they are of no group")],
        );
        let message = "this never fires, since no event of `hub` has the field `actor.id`";
        expect(&["type: temporal, rules: [live, hub]"], &[(Code::NeverFires, message)]);
        expect(
            &["type: temporal, rules: [live, trail], group-by: [who], aliases: {who: {live: actor.id, trail: userIdentity.arn}}"],
            &[],
        );
        expect(&["type: event_count, rules: [hub], condition: {gte: 3}, group-by: [actor]"], &[]);
        expect(&["type: event_count, rules: [trail], condition: {gte: 3}, group-by: [somethingNew]"], &[]);
        expect(&["type: event_count, rules: [live], condition: {gte: 3}, group-by: [ours]"], &[]);
    }

    #[test]
    fn more_values_than_a_closed_set_has_are_never_counted() {
        let expected = "4 different values of `outcome` are wanted, but the rules admit only 3";
        expect(
            &["type: value_count, rules: [live, other], condition: {field: outcome, gte: 4}"],
            &[(Code::TooFewValues, expected)],
        );
        expect(&["type: value_count, rules: [live, other], condition: {field: outcome, gte: 3}"], &[]);
        expect(
            &["type: value_count, rules: [live, trail], condition: {field: outcome, gte: 4}, group-by: [action]"],
            &[(Code::UnknownGroupField, "no event of `trail` has the field `action`: they are of no group")],
        );
        expect(
            &[
                "type: value_count, rules: [live], condition: {field: outcome, gte: 4}",
                "type: event_count, rules: [c0], condition: {gte: 2}",
            ],
            &[(Code::NeverFires, "this never fires, since `c0` never fires")],
        );
    }

    #[test]
    fn only_numbers_are_measured_and_not_five_is_one_too() {
        for kind in ["value_sum", "value_avg", "value_median"] {
            expect(
                &[&format!("type: {kind}, rules: [live], condition: {{field: actor.id, gte: 3}}")],
                &[(Code::NumberOnText, "`actor.id` is a text, and only numbers are measured")],
            );
            expect(&[&format!("type: {kind}, rules: [live], condition: {{field: source.asn, gte: 3}}")], &[]);
        }
        let at_once = [(Code::FiresAtOnce, "the condition holds at the first event of every window")];
        expect(&["type: event_count, rules: [live], condition: {neq: 5}"], &at_once);
        expect(&["type: event_count, rules: [live], condition: {neq: 1}"], &[]);
        expect(&["type: event_count, rules: [live], condition: {neq: 5, gte: 3}"], &[]);
    }
}
