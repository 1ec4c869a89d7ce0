//! Correlations that can't fire, that fire at once, or that group and count by what isn't there.

use super::logic;
use super::source::{Doc, Source};
use super::{Input, Known, fields, never};
use crate::ast::{Pattern, Predicate, Rule};
use crate::parse::timespan::timespan_ms;
use crate::parse::yaml::{Key, Node, Position, Typed};
use crate::problem::{Code, Problem};
use model::{Level, SourceMapping};
use std::collections::BTreeSet;

const LONG_MS: i64 = 30 * 86_400_000;

pub(super) struct Correlations<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) document: &'a Doc<'a>,
    pub(super) known: &'a Known<'a>,
    pub(super) input: &'a Input<'a>,
}

impl<'a> Correlations<'a> {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let Some(section) = self.document.node.get("correlation") else { return };
        let text = |key: &str| section.get(key).and_then(Node::as_scalar).map(|it| it.text.as_str());
        let kind = text("type").unwrap_or_default();
        let names = names(section);
        let rules: Vec<&'a Rule> = names.iter().filter_map(|(it, _)| self.known.rule(it)).collect();
        let is_above_dead = self.never(section, kind, &names, problems);
        self.measured(section, &rules, problems);
        // Steps in order are different events, of which the same rule may match several.
        if kind == "temporal" {
            self.steps(&names, problems);
        }
        if let Some((node, ms)) = section.get("timespan").and_then(|it| Some((it, timespan_ms(it.as_scalar()?.text.trim())?)))
            && ms > LONG_MS
        {
            let message = format!("windows of {} days are kept for every group", ms / 86_400_000);
            problems
                .push(self.source.problem(Code::LongTimespan, node.at, message).with_hint("a baseline remembers longer for less"));
        }
        self.groups(section, &rules, is_above_dead, problems);
        self.silenced(section, &names, problems);
    }

    /// Whether it is one that can never fire, as far as that is known of what it is over.
    pub(super) fn is_dead(&self) -> bool {
        let Some(section) = self.document.node.get("correlation") else { return false };
        let kind = section.get("type").and_then(Node::as_scalar).map_or("", |it| it.text.as_str());
        let mut problems = Vec::new();
        self.never(section, kind, &names(section), &mut problems);
        problems.iter().any(|it| matches!(it.code, Code::NeverFires | Code::TooFewRules | Code::TooFewValues))
    }

    /// What keeps it from firing ever, and what lets it fire at once. Whether it is what it is over that never does.
    fn never(&self, section: &Node, kind: &str, names: &[(&str, Position)], problems: &mut Vec<Problem>) -> bool {
        self.thresholds(section, kind, names, problems);
        let rules: Vec<&'a Rule> = names.iter().filter_map(|(it, _)| self.known.rule(it)).collect();
        if kind == "value_count" && rules.len() == names.len() && !rules.is_empty() {
            self.values(section, &rules, problems);
        }
        let below = self.document.correlation().and_then(|it| never::below(it, names, self.known, self.input));
        let is_above_dead = below.is_some();
        problems.extend(below.map(|it| Problem { hint: it.hint, ..self.source.problem(Code::NeverFires, it.at, it.message) }));
        is_above_dead
    }

    /// A field of which something is measured, and which is a text. (One that reads as a number is measured all the same.)
    fn measured(&self, section: &Node, rules: &[&'a Rule], problems: &mut Vec<Problem>) {
        let Some(measured) = self.document.correlation().and_then(|it| it.kind.measured()) else { return };
        let Some(node) = section.get("condition").and_then(|it| it.get("field")) else { return };
        let is_text = |rule: &&Rule| {
            let mappings = Known::mappings(&rule.logsource, self.input);
            !mappings.is_empty() && mappings.iter().all(|it| fields::is_text(measured.as_str(), it))
        };
        if !rules.is_empty() && rules.iter().all(is_text) {
            let message = format!("`{measured}` is a text, and only numbers are measured");
            problems.push(self.source.problem(Code::NumberOnText, node.at, message));
        }
    }

    /// Whether some count satisfies the comparisons. At least one event is there when the count is looked at.
    fn thresholds(&self, section: &Node, kind: &str, names: &[(&str, Position)], problems: &mut Vec<Problem>) {
        let is_temporal = matches!(kind, "temporal" | "temporal_ordered");
        if matches!(kind, "value_sum" | "value_avg" | "value_percentile" | "value_median") {
            let pairs = section.get("condition").and_then(Node::as_map).unwrap_or_default();
            if let Some(at) = contradiction(pairs) {
                let message = format!("no number satisfies the condition of this `{kind}`");
                problems.push(self.source.problem(Code::NeverFires, at, message));
            }
            return;
        }
        if !is_temporal && !matches!(kind, "event_count" | "value_count") {
            return;
        }
        let pairs = section.get("condition").and_then(Node::as_map);
        let Some(bounds) = Bounds::of(pairs.unwrap_or_default()) else {
            if is_temporal && pairs.is_none() && names.len() == 1 && !has_extended_condition(section) {
                let message = "a temporal correlation of one rule fires with every match of it";
                problems.push(self.source.problem(Code::FiresAtOnce, names[0].1, message));
            }
            return;
        };
        let at = bounds.at;
        if bounds.least > bounds.most {
            let message = "no count satisfies the condition";
            problems.push(
                self.source
                    .problem(Code::NeverFires, at, message)
                    .with_hint("a count is looked at when an event arrives: it is at least 1"),
            );
        } else if is_temporal && bounds.least > names.len() as u64 {
            let message = format!("{} rules have to match, but there are only {}", bounds.least, names.len());
            problems.push(self.source.problem(Code::TooFewRules, at, message));
        } else if !bounds.has_least {
            let message = "the condition holds at the first event of every window";
            problems.push(self.source.problem(Code::FiresAtOnce, at, message).with_hint("say how many there have to be at least"));
        }
    }

    /// What is counted, against what the rules admit.
    fn values(&self, section: &Node, rules: &[&'a Rule], problems: &mut Vec<Problem>) {
        let Some(condition) = section.get("condition") else { return };
        let Some(field) = condition.get("field") else { return };
        let [node] = field.as_list() else { return };
        let Some(name) = node.as_scalar().map(|it| it.text.as_str()) else { return };
        let groups: Vec<&str> = texts(section.get("group-by"));
        if groups.contains(&name) {
            let message = format!("`{name}` is counted within groups that have it in common: the count is always 1");
            problems.push(self.source.problem(Code::CountedInGroup, node.at, message));
            return;
        }
        let Some(bounds) = condition.as_map().and_then(Bounds::of) else { return };
        let mut admitted: BTreeSet<String> = BTreeSet::new();
        for rule in rules {
            let mappings = Known::mappings(&rule.logsource, self.input);
            let closed: Option<Vec<_>> = mappings.iter().map(|it| fields::closed(name, it)).collect();
            let closed = closed.and_then(|it| it.first().copied());
            let Some(terms) = self.known.terms.get(rule.info.name.as_str()).and_then(|it| it.as_deref()) else { return };
            let is_single = !mappings.is_empty() && mappings.iter().all(|it| fields::is_single(name, it));
            for term in terms {
                let values = term
                    .iter()
                    .filter(|it| it.is_positive && it.field.is_some_and(|it| it.as_str() == name))
                    .find_map(|it| exact(&it.any));
                match (values, closed) {
                    (Some(values), _) if is_single => admitted.extend(values),
                    (_, Some(closed)) => admitted.extend(closed.iter().map(|it| (*it).to_owned())),
                    _ => return,
                }
            }
        }
        if bounds.least > admitted.len() as u64 {
            let message =
                format!("{} different values of `{name}` are wanted, but the rules admit only {}", bounds.least, admitted.len());
            problems.push(self.source.problem(Code::TooFewValues, bounds.at, message));
        }
    }

    fn steps(&self, names: &[(&str, Position)], problems: &mut Vec<Problem>) {
        let terms = |name: &str| {
            let rule = self.known.rule(name)?;
            Some((rule, self.known.terms.get(rule.info.name.as_str())?.as_deref()?))
        };
        for (at, (name, place)) in names.iter().enumerate() {
            let Some((rule, own)) = terms(name) else { continue };
            let is_same = |(other, _): &&(&str, Position)| {
                terms(other).is_some_and(|(it, theirs)| {
                    it.logsource == rule.logsource && logic::all_imply(own, theirs) && logic::all_imply(theirs, own)
                })
            };
            if let Some((other, _)) = names[..at].iter().find(is_same) {
                let message = format!("`{name}` matches the same events as `{other}`: one event is both steps");
                problems.push(self.source.problem(Code::SameSteps, *place, message));
            }
        }
    }

    fn groups(&self, section: &Node, rules: &[&'a Rule], is_above_dead: bool, problems: &mut Vec<Problem>) {
        let aliases: Vec<&str> =
            section.get("aliases").and_then(Node::as_map).unwrap_or_default().iter().map(|it| it.0.text.as_str()).collect();
        let group = section.get("group-by").map(Node::as_list).unwrap_or_default();
        let counted = section.get("condition").and_then(|it| it.get("field")).map(Node::as_list).unwrap_or_default();
        for (node, is_group) in group.iter().map(|it| (it, true)).chain(counted.iter().map(|it| (it, false))) {
            let Some(name) = node.as_scalar().map(|it| it.text.as_str()).filter(|it| !aliases.contains(it)) else { continue };
            for rule in rules {
                let mappings = Known::mappings(&rule.logsource, self.input);
                if let Some(problem) = self.field(node, name, rule, &mappings, is_group && !is_above_dead) {
                    problems.push(problem);
                    break;
                }
                if is_group && !mappings.is_empty() && mappings.iter().all(|it| fields::is_unique(name, it)) {
                    let message = format!("no two events have the same `{name}`: every event is a group of its own");
                    problems.push(self.source.problem(Code::UniqueGroup, node.at, message));
                    break;
                }
            }
        }
    }

    /// What is wrong with a field that is counted or grouped by. `or_foreign`: fields of other sources are told too.
    fn field(&self, node: &Node, name: &str, rule: &Rule, mappings: &[&SourceMapping], or_foreign: bool) -> Option<Problem> {
        if or_foreign && never::is_foreign(name, mappings) {
            let message = format!("no event of `{}` has the field `{name}`: they are of no group", rule.info.name);
            return Some(self.source.problem(Code::UnknownGroupField, node.at, message).with_hint(never::ALIASES));
        }
        let unknown = mappings.iter().map(|it| fields::unknown(name, it)).collect::<Option<Vec<_>>>()?;
        let first = unknown.into_iter().next()?;
        let message = format!("the source of `{}` has no field `{name}`", rule.info.name);
        let mut problem = self.source.problem(Code::UnknownGroupField, node.at, message);
        problem.hint = first.near.map(|it| format!("did you mean `{it}`?"));
        Some(problem)
    }

    /// Rules of a high level that only alert through a correlation that is no higher.
    fn silenced(&self, section: &Node, names: &[(&str, Position)], problems: &mut Vec<Problem>) {
        let is_generated = [section.get("generate"), self.document.node.get("generate")]
            .into_iter()
            .flatten()
            .any(|it| it.as_scalar().is_some_and(|it| it.typed == Typed::Bool(true)));
        let own = self.document.text("level").and_then(|(it, _)| Level::parse(it)).unwrap_or_default();
        for (name, at) in names {
            let Some(rule) = self.known.rule(name) else { continue };
            let level = rule.info.level;
            let is_high = matches!(level, Level::High | Level::Critical) && level.severity_id() >= own.severity_id();
            if is_high && !is_generated && !self.known.alerts(rule) {
                let message = format!("`{name}` is {level}, but no longer alerts by itself");
                problems.push(
                    self.source
                        .problem(Code::SilencedRule, *at, message)
                        .with_hint("add `generate: true`, or give the rule a lower level"),
                );
            }
        }
    }
}

/// The rules that a correlation is over, with their places.
fn names(section: &Node) -> Vec<(&str, Position)> {
    let nodes = section.get("rules").map(Node::as_list).unwrap_or_default();
    nodes.iter().filter_map(|it| Some((it.as_scalar()?.text.as_str(), it.at))).collect()
}

/// A condition over the names of rules.
fn has_extended_condition(section: &Node) -> bool {
    section.get("condition").is_some()
}

fn texts(node: Option<&Node>) -> Vec<&str> {
    node.map(Node::as_list).unwrap_or_default().iter().filter_map(|it| Some(it.as_scalar()?.text.as_str())).collect()
}

/// The values, if predicates are nothing but values.
fn exact(any: &[&Predicate]) -> Option<Vec<String>> {
    any.iter()
        .map(|it| match it {
            Predicate::Text { pattern: Pattern::Equal(text), cased: false } => Some(text.to_lowercase()),
            Predicate::Bool(value) => Some(value.to_string()),
            _ => None,
        })
        .collect()
}

/// Where a condition begins that no number satisfies: its comparisons leave nothing between them.
fn contradiction(pairs: &[(Key, Node)]) -> Option<Position> {
    let comparisons: Vec<(&Key, f64)> = pairs
        .iter()
        .filter_map(|(key, node)| match node.as_scalar()?.typed {
            #[expect(clippy::cast_precision_loss, reason = "measured numbers are 64-bit floats too")]
            Typed::Int(number) => Some((key, number as f64)),
            Typed::Float(number) => Some((key, number)),
            _ => None,
        })
        .collect();
    let holds = |number: f64| {
        comparisons.iter().all(|(key, with)| match key.text.as_str() {
            "gt" => number > *with,
            "gte" => number >= *with,
            "lt" => number < *with,
            "lte" => number <= *with,
            "eq" => number.total_cmp(with).is_eq(),
            "neq" => number.total_cmp(with).is_ne(),
            _ => true,
        })
    };
    // What is satisfied at all is so by a threshold, by a number just beside one, or far from them.
    let beside = |(_, with): &(&Key, f64)| [*with, with.next_down(), with.next_up()];
    let is_satisfied = comparisons.iter().flat_map(beside).any(holds);
    let (first, _) = comparisons.first()?;
    (!is_satisfied).then_some(first.at)
}

/// The counts that comparisons admit.
struct Bounds {
    least: u64,
    most: u64,
    /// Whether a comparison asks for some number at least. `gte: 1` does, and makes one alert of an episode.
    has_least: bool,
    at: Position,
}

impl Bounds {
    /// `None` without a comparison with a whole number.
    fn of(pairs: &[(Key, Node)]) -> Option<Self> {
        let mut bounds: Option<Self> = None;
        for (key, node) in pairs {
            let Some(Typed::Int(count)) = node.as_scalar().map(|it| it.typed) else { continue };
            let count = u64::try_from(count).ok()?;
            let (least, most) = match key.text.as_str() {
                "gte" => (count, u64::MAX),
                "gt" => (count.saturating_add(1), u64::MAX),
                "lte" => (0, count),
                "lt" if count == 0 => (1, 0),
                "lt" => (0, count - 1),
                "eq" => (count, count),
                "neq" => (0, u64::MAX),
                _ => continue,
            };
            let bounds = bounds.get_or_insert(Self { least: 1, most: u64::MAX, has_least: false, at: key.at });
            bounds.least = bounds.least.max(least);
            bounds.most = bounds.most.min(most);
            // One event is not two, but it is "not two".
            bounds.has_least |= matches!(key.text.as_str(), "gt" | "gte" | "eq") || (key.text == "neq" && count == 1);
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::check;
    use crate::lists::Lists;

    const RULE: &str = "title: A\nname: a\nlogsource: {product: nightjar}\ndetection: {s: {action: a}, condition: s}\n---\n";

    /// The lint's word on a condition of `kind`.
    fn never_fires(kind: &str, comparisons: &str) -> bool {
        let text = format!(
            "{RULE}title: C\nname: c\ncorrelation: {{type: {kind}, rules: [a], group-by: [actor.id], timespan: 1h, condition: {{field: detail.rows, {comparisons}}}}}\n"
        );
        let mapping = SourceMapping::built_in("native").unwrap();
        let checked = check(&Input {
            files: &[("rules/c.yml".to_owned(), text)],
            pages: None,
            lists: &Lists::default(),
            list_files: &[],
            mappings: &[mapping],
            now: None,
        });
        checked.problems.iter().any(|it| it.code == Code::NeverFires)
    }

    #[test]
    fn comparisons_that_leave_no_number_between_them_are_told() {
        for (comparisons, expected) in [
            ("gt: 5, lt: 5.5", false),
            ("gte: 5, lte: 5", false),
            ("gt: 5, lte: 5", true),
            ("gt: 100, lt: 10.5", true),
            ("eq: 3, gt: 3", true),
            ("eq: 3, neq: 3", true),
            ("gte: 3, lte: 3, neq: 3", true),
            ("lt: -5", false),
            ("neq: 0", false),
        ] {
            for kind in ["value_sum", "value_avg", "value_median"] {
                assert_eq!(never_fires(kind, comparisons), expected, "{kind} {comparisons}");
            }
        }
        assert!(never_fires("value_percentile", "percentile: 99, gt: 5, lt: 4"));
        assert!(!never_fires("value_percentile", "percentile: 99, gt: 5, lt: 99"));
    }
}
