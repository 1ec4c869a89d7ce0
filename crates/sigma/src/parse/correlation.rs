//! Correlations (specification 2.1, "Sigma Correlation Rules").

mod condition;

use super::info;
use super::report::Report;
use super::timespan::timespan_ms;
use super::yaml::{Key, Node, Position, Typed};
use crate::ast::{Compare, Condition, Correlation, CorrelationKind, ORDERED_STEPS_MAX, Place};
use crate::problem::Code;
use model::FieldPath;
use model::alert::RuleKind;
use std::sync::Arc;

const KEYS: [&str; 7] = ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];
const TYPES: [&str; 8] =
    ["event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median", "temporal", "temporal_ordered"];
/// Keys under the top-level key `nightjar`, which the specification leaves to tools.
const EXTENSION_KEYS: [&str; 1] = ["session_gap"];
const SPAN_HINT: &str = "a whole number and one of s, m, h, d, w, M (30 days), y (365 days): `10m`";

/// Most rules, and most fields in one list, of a correlation.
const LISTED_MAX: usize = 1_000;

/// A correlation and where each of [`Correlation::rules`] is named.
pub(super) struct Found {
    pub(super) correlation: Correlation,
    pub(super) places: Vec<Position>,
}

/// Reads a correlation. `None` if a problem keeps it from loading.
pub(super) fn read(document: &Node, place: Place, name: &str, report: &mut Report) -> Option<Found> {
    let errors = report.errors();
    let info = info::read(document, RuleKind::Correlation, name, report);
    let section = document.get("correlation")?;
    let Some(pairs) = section.as_map() else {
        report.error(
            Code::BadCorrelation,
            section.at,
            format!("`correlation` is {}; it needs `type`, `rules` and `timespan`", section.describe()),
        );
        return None;
    };
    let mut reader = Reader { section, report };
    reader.check_keys(pairs);
    let kind = reader.kind();
    let rules = reader.rules();
    let group_by = reader.group_by();
    let timespan_ms = reader.timespan();
    let said = reader.condition(kind, &rules);
    let aliases = reader.aliases(&rules, &group_by);
    let generate = reader.generate(document);
    let session_gap_ms = reader.session_gap(document, kind, timespan_ms, said.as_ref());
    reader.check_steps(kind, &rules);
    if reader.report.errors() > errors {
        return None;
    }
    let said = reader.some_in_order(kind, &rules, said?);
    let (rules, places): (Vec<String>, _) = rules.into_iter().unzip();
    let Said { comparisons, fields, percentile, expression } = said?;
    let kind = kind?.over(fields, percentile)?;
    let correlation = Correlation {
        info: Arc::new(info?),
        place,
        kind,
        rules,
        group_by,
        timespan_ms: timespan_ms?,
        condition: comparisons,
        expression,
        session_gap_ms,
        aliases,
        generate,
        is_muted: false,
    };
    Some(Found { correlation, places })
}

/// The references of a correlation that did not load, so far as they can be told, unless they are to alert anyway.
pub(super) fn references(document: &Node) -> Vec<String> {
    let Some(section) = document.get("correlation") else { return Vec::new() };
    let says_generate = |it: Option<&Node>| it.and_then(Node::as_scalar).is_some_and(|it| it.typed == Typed::Bool(true));
    let Some(rules) = section.get("rules").filter(|_| !says_generate(section.get("generate").or(document.get("generate")))) else {
        return Vec::new();
    };
    let texts = rules.as_list().iter().take(LISTED_MAX).filter_map(Node::as_scalar);
    texts.map(|it| info::canonical_id(it.text.trim())).collect()
}

/// The word after `type`; what it is over stands in the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    EventCount,
    ValueCount,
    Sum,
    Avg,
    Percentile,
    Median,
    Temporal,
    Ordered,
}

impl Type {
    const ALL: [Self; 8] =
        [Self::EventCount, Self::ValueCount, Self::Sum, Self::Avg, Self::Percentile, Self::Median, Self::Temporal, Self::Ordered];

    fn parse(word: &str) -> Option<Self> {
        TYPES.iter().position(|it| *it == word).map(|at| Self::ALL[at])
    }

    fn word(self) -> &'static str {
        Self::ALL.iter().position(|it| *it == self).map_or("", |at| TYPES[at])
    }

    fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::Ordered)
    }

    fn is_measured(self) -> bool {
        matches!(self, Self::Sum | Self::Avg | Self::Percentile | Self::Median)
    }

    fn over(self, fields: Vec<FieldPath>, percentile: Option<f64>) -> Option<CorrelationKind> {
        let field = fields.first().cloned();
        Some(match self {
            Self::EventCount => CorrelationKind::EventCount,
            Self::ValueCount => CorrelationKind::ValueCount(fields),
            Self::Sum => CorrelationKind::ValueSum(field?),
            Self::Avg => CorrelationKind::ValueAvg(field?),
            Self::Percentile => CorrelationKind::ValuePercentile { field: field?, percentile: percentile? },
            Self::Median => CorrelationKind::ValueMedian(field?),
            Self::Temporal => CorrelationKind::Temporal,
            Self::Ordered => CorrelationKind::TemporalOrdered,
        })
    }
}

/// What stands under `condition`.
#[derive(Default)]
struct Said {
    comparisons: Vec<(Compare, f64)>,
    fields: Vec<FieldPath>,
    percentile: Option<f64>,
    expression: Option<Condition>,
}

struct Reader<'a> {
    section: &'a Node,
    report: &'a mut Report,
}

impl<'a> Reader<'a> {
    fn check_keys(&mut self, pairs: &[(Key, Node)]) {
        for (key, _) in pairs.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
            self.report.error_with_nearest(
                Code::UnknownCorrelationKey,
                key.at,
                format!("unknown key `{}` in a correlation", key.text),
                &key.text,
                KEYS,
            );
        }
    }

    /// The value under `key`; its absence is an error.
    fn required(&mut self, key: &str, hint: &str) -> Option<&'a Node> {
        let node = self.section.get(key);
        if node.is_none() {
            self.report.error_with_hint(
                Code::MissingCorrelationKey,
                self.section.at,
                format!("a correlation without `{key}`"),
                hint,
            );
        }
        node
    }

    fn kind(&mut self) -> Option<Type> {
        let node = self.required("type", "add `type: event_count`, `value_count`, `temporal` or `temporal_ordered`")?;
        let word = node.as_scalar().map(|it| it.text.as_str()).unwrap_or_default();
        let kind = Type::parse(word);
        if kind.is_none() {
            let message = format!("`{word}` is not a correlation type; there are {}", TYPES.join(", "));
            self.report.error_with_nearest(Code::UnknownCorrelationType, node.at, message, word, TYPES);
        }
        kind
    }

    fn rules(&mut self) -> Vec<(String, Position)> {
        let Some(node) = self.required("rules", "list the rules by `name` or `id`") else { return Vec::new() };
        if !self.is_bounded(node) {
            return Vec::new();
        }
        let mut rules: Vec<(String, Position)> = Vec::new();
        for node in node.as_list() {
            let Some(text) = self.text(Code::BadRuleList, node, "a rule is named by a text") else { continue };
            let reference = info::canonical_id(&text);
            if rules.iter().any(|(it, _)| *it == reference) {
                self.report.error(Code::BadRuleList, node.at, format!("the rule `{text}` is listed twice"));
                continue;
            }
            rules.push((reference, node.at));
        }
        if node.as_list().is_empty() {
            self.report.error(Code::BadRuleList, node.at, "a correlation of no rules");
        }
        rules
    }

    fn is_bounded(&mut self, node: &Node) -> bool {
        let is_bounded = node.as_list().len() <= LISTED_MAX;
        if !is_bounded {
            self.report.error(Code::TooLarge, node.at, format!("a list of more than {LISTED_MAX} in a correlation"));
        }
        is_bounded
    }

    fn text(&mut self, code: Code, node: &Node, message: &str) -> Option<String> {
        let text = node.as_scalar().map(|it| it.text.trim().to_owned()).filter(|it| !it.is_empty());
        if text.is_none() {
            self.report.error(code, node.at, format!("{message}, not by {}", node.describe()));
        }
        text
    }

    fn group_by(&mut self) -> Vec<FieldPath> {
        let Some(node) = self.section.get("group-by") else {
            let hint = "add `group-by: [actor.id]`, say";
            self.report.warning_with_hint(
                Code::NoGroupBy,
                self.section.at,
                "a correlation without `group-by` counts over everything",
                hint,
            );
            return Vec::new();
        };
        self.fields(node)
    }

    fn fields(&mut self, node: &Node) -> Vec<FieldPath> {
        if !self.is_bounded(node) {
            return Vec::new();
        }
        let mut fields: Vec<FieldPath> = Vec::new();
        for node in node.as_list() {
            let Some(field) = self.text(Code::BadFieldList, node, "a field is named by a text").map(FieldPath::new) else {
                continue;
            };
            if fields.contains(&field) {
                self.report.error(Code::BadFieldList, node.at, format!("the field `{field}` is listed twice"));
            } else {
                fields.push(field);
            }
        }
        fields
    }

    fn timespan(&mut self) -> Option<i64> {
        let node = self.required("timespan", SPAN_HINT)?;
        self.span(node)
    }

    fn span(&mut self, node: &Node) -> Option<i64> {
        let text = node.as_scalar().map(|it| it.text.trim()).unwrap_or_default();
        let ms = timespan_ms(text);
        if ms.is_none() {
            self.report.error_with_hint(Code::BadTimespan, node.at, format!("`{text}` is not a timespan"), SPAN_HINT);
        }
        ms
    }

    /// `session_gap` under the top-level key `nightjar`.
    fn session_gap(&mut self, document: &Node, kind: Option<Type>, timespan_ms: Option<i64>, said: Option<&Said>) -> Option<i64> {
        let node = document.get("nightjar")?;
        let Some(pairs) = node.as_map() else {
            self.report.error_with_hint(
                Code::UnknownCorrelationKey,
                node.at,
                format!("`nightjar` is {}", node.describe()),
                "write `nightjar: {session_gap: 15m}`",
            );
            return None;
        };
        let mut gap = None;
        for (key, value) in pairs {
            if key.text != "session_gap" {
                let message = format!("unknown key `{}` under `nightjar` in a correlation", key.text);
                self.report.error_with_nearest(Code::UnknownCorrelationKey, key.at, message, &key.text, EXTENSION_KEYS);
                continue;
            }
            gap = self.span(value);
            if kind == Some(Type::Ordered) || said.is_some_and(|it| it.expression.is_some()) {
                let hint = "sessions are for counts, values, and `temporal` without a condition over rule names";
                self.report.error_with_hint(
                    Code::UnknownCorrelationKey,
                    key.at,
                    "`session_gap` in a correlation that has no sessions",
                    hint,
                );
            } else if gap.zip(timespan_ms).is_some_and(|(gap, span)| gap >= span) {
                let hint = "a window reaches back no further than its timespan anyway";
                self.report.warning_with_hint(
                    Code::BadTimespan,
                    key.at,
                    "a `session_gap` that is not shorter than the timespan",
                    hint,
                );
            }
        }
        gap
    }

    /// What depends on how many rules there are.
    fn check_steps(&mut self, kind: Option<Type>, rules: &[(String, Position)]) {
        let Some((_, at)) = rules.first().filter(|_| kind == Some(Type::Ordered)) else { return };
        let steps = rules.len();
        if steps > ORDERED_STEPS_MAX {
            let message = format!("{steps} ordered steps, but at most {ORDERED_STEPS_MAX} are kept");
            self.report.error_with_hint(Code::TooLarge, *at, message, "split it into several and correlate those");
        }
    }

    fn aliases(&mut self, rules: &[(String, Position)], group_by: &[FieldPath]) -> Vec<(String, Vec<(String, FieldPath)>)> {
        let Some(node) = self.section.get("aliases") else { return Vec::new() };
        let Some(pairs) = node.as_map() else {
            self.report.error(Code::BadAlias, node.at, format!("`aliases` is {}; it has to be a map", node.describe()));
            return Vec::new();
        };
        let mut aliases = Vec::with_capacity(pairs.len());
        for (alias, value) in pairs {
            if !group_by.iter().any(|it| it.as_str() == alias.text) {
                let hint = "name it in `group-by`, or remove it";
                self.report.warning_with_hint(Code::UnusedAlias, alias.at, format!("the alias `{}` is not used", alias.text), hint);
            }
            aliases.push((alias.text.clone(), self.alias(alias, value, rules)));
        }
        aliases
    }

    fn alias(&mut self, alias: &Key, value: &Node, rules: &[(String, Position)]) -> Vec<(String, FieldPath)> {
        let Some(pairs) = value.as_map() else {
            let hint = "write `rule_name: field` for each rule under it";
            self.report.error_with_hint(
                Code::BadAlias,
                value.at,
                format!("the alias `{}` is {}", alias.text, value.describe()),
                hint,
            );
            return Vec::new();
        };
        let mut fields = Vec::with_capacity(pairs.len());
        for (rule, field) in pairs {
            let reference = info::canonical_id(&rule.text);
            if !rules.iter().any(|(it, _)| *it == reference) {
                let known = rules.iter().map(|(it, _)| it.as_str());
                let message = format!("the alias `{}` names `{}`, which is not among the rules", alias.text, rule.text);
                self.report.error_with_nearest(Code::BadAlias, rule.at, message, &rule.text, known);
                continue;
            }
            fields.extend(self.text(Code::BadAlias, field, "a field is named by a text").map(|it| (reference, FieldPath::new(it))));
        }
        for (rule, _) in rules.iter().filter(|(rule, _)| !fields.iter().any(|(it, _)| it == rule)) {
            let hint = "events of that rule are grouped by the field of the alias's own name";
            self.report.warning_with_hint(
                Code::IncompleteAlias,
                alias.at,
                format!("the alias `{}` says nothing for `{rule}`", alias.text),
                hint,
            );
        }
        fields
    }

    /// Whether the rules alert too. The schema has the key at the top, examples have it in the section.
    fn generate(&mut self, document: &Node) -> bool {
        let mut generate = false;
        for node in [self.section.get("generate"), document.get("generate")].into_iter().flatten() {
            match node.as_scalar().map(|it| it.typed) {
                Some(Typed::Bool(value)) => generate |= value,
                _ => self.report.error(Code::BadGenerate, node.at, "`generate` has to be `true` or `false`"),
            }
        }
        generate
    }
}
