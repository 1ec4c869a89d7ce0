//! Correlations (specification 2.1, "Sigma Correlation Rules").

use super::info;
use super::report::Report;
use super::timespan::timespan_ms;
use super::yaml::{Key, Node, Position, Typed};
use crate::ast::{Compare, Correlation, CorrelationKind, Place};
use crate::problem::Code;
use model::FieldPath;
use model::alert::RuleKind;
use std::sync::Arc;

const KEYS: [&str; 7] = ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];
const TYPES: [&str; 4] = ["event_count", "value_count", "temporal", "temporal_ordered"];
/// Types of the specification that need numbers out of events.
const TYPES_LATER: [&str; 5] = ["value_sum", "value_avg", "value_percentile", "value_median", "value_stddev"];
const COMPARISONS: [&str; 7] = ["gt", "gte", "lt", "lte", "eq", "neq", "field"];

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
    let condition = reader.condition(kind.as_ref());
    let aliases = reader.aliases(&rules, &group_by);
    let generate = reader.generate(document);
    if report.errors() > errors {
        return None;
    }
    let (rules, places): (Vec<String>, _) = rules.into_iter().unzip();
    let (kind, (condition, fields)) = (kind?, condition?);
    let kind = if matches!(kind, CorrelationKind::ValueCount(_)) { CorrelationKind::ValueCount(fields) } else { kind };
    let timespan_ms = timespan_ms?;
    let correlation =
        Correlation { info: Arc::new(info?), place, kind, rules, group_by, timespan_ms, condition, aliases, generate };
    Some(Found { correlation, places })
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

    /// The kind; the fields of a value count are read with the condition.
    fn kind(&mut self) -> Option<CorrelationKind> {
        let node = self.required("type", "add `type: event_count`, `value_count`, `temporal` or `temporal_ordered`")?;
        let word = node.as_scalar().map(|it| it.text.as_str()).unwrap_or_default();
        match word {
            "event_count" => return Some(CorrelationKind::EventCount),
            "value_count" => return Some(CorrelationKind::ValueCount(Vec::new())),
            "temporal" => return Some(CorrelationKind::Temporal),
            "temporal_ordered" => return Some(CorrelationKind::TemporalOrdered),
            later if TYPES_LATER.contains(&later) => {
                self.report.error(
                    Code::NotSupported,
                    node.at,
                    format!("the correlation type `{later}` is not supported by this version"),
                );
            }
            _ => {
                let message = format!("`{word}` is not a correlation type; there are {}", TYPES.join(", "));
                self.report.error_with_nearest(Code::UnknownCorrelationType, node.at, message, word, TYPES);
            }
        }
        None
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
        const HINT: &str = "a whole number and one of s, m, h, d, w, M (30 days), y (365 days): `10m`";
        let node = self.required("timespan", HINT)?;
        let text = node.as_scalar().map(|it| it.text.trim()).unwrap_or_default();
        let ms = timespan_ms(text);
        if ms.is_none() {
            self.report.error_with_hint(Code::BadTimespan, node.at, format!("`{text}` is not a timespan"), HINT);
        }
        ms
    }

    /// The comparisons, and the fields of a value count.
    #[expect(clippy::type_complexity, reason = "a pair that is taken apart at once")]
    fn condition(&mut self, kind: Option<&CorrelationKind>) -> Option<(Vec<(Compare, u64)>, Vec<FieldPath>)> {
        let is_temporal = matches!(kind, Some(CorrelationKind::Temporal | CorrelationKind::TemporalOrdered));
        let Some(node) = self.section.get("condition") else {
            if is_temporal {
                return Some((Vec::new(), Vec::new()));
            }
            self.report.error_with_hint(
                Code::BadThreshold,
                self.section.at,
                "a correlation without `condition`",
                "add `condition:` with `gte: 10`, say",
            );
            return None;
        };
        let Some(pairs) = node.as_map() else {
            let hint = "write a map, such as `gte: 10`";
            let message = match node.as_scalar() {
                Some(_) => "conditions over rule names are not supported by this version".to_owned(),
                None => format!("the condition is {}", node.describe()),
            };
            self.report.error_with_hint(Code::BadThreshold, node.at, message, hint);
            return None;
        };
        let (mut comparisons, mut fields) = (Vec::new(), Vec::new());
        for (key, value) in pairs {
            if key.text == "field" {
                fields = self.fields(value);
                continue;
            }
            comparisons.extend(self.comparison(key, value));
        }
        if comparisons.is_empty() && !pairs.iter().any(|(key, _)| key.text != "field") {
            self.report.error_with_hint(
                Code::BadThreshold,
                node.at,
                "a condition that compares with nothing",
                "add `gte: 10`, say",
            );
        }
        match kind {
            Some(CorrelationKind::ValueCount(_)) if fields.is_empty() => {
                self.report.error_with_hint(
                    Code::BadCountedField,
                    node.at,
                    "a `value_count` without a field",
                    "add `field:` with what is counted to the condition",
                );
            }
            Some(CorrelationKind::EventCount | CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
                if !fields.is_empty() =>
            {
                self.report.error_with_hint(
                    Code::BadCountedField,
                    node.at,
                    "`field` is only for `value_count`",
                    "use `type: value_count` to count distinct values",
                );
            }
            _ => {}
        }
        Some((comparisons, fields))
    }

    fn comparison(&mut self, key: &Key, value: &Node) -> Option<(Compare, u64)> {
        let compare = match key.text.as_str() {
            "gt" => Compare::Greater,
            "gte" => Compare::GreaterOrEqual,
            "lt" => Compare::Less,
            "lte" => Compare::LessOrEqual,
            "eq" => Compare::Equal,
            "neq" => Compare::NotEqual,
            other => {
                self.report.error_with_nearest(
                    Code::BadThreshold,
                    key.at,
                    format!("unknown key `{other}` in a correlation's condition"),
                    other,
                    COMPARISONS,
                );
                return None;
            }
        };
        let count = match value.as_scalar().map(|it| it.typed) {
            Some(Typed::Int(count)) => u64::try_from(count).ok(),
            _ => None,
        };
        if count.is_none() {
            let hint = "counts are whole numbers without quotes";
            self.report.error_with_hint(
                Code::BadThreshold,
                value.at,
                format!("`{}` needs a whole number of at least 0", key.text),
                hint,
            );
        }
        Some((compare, count?))
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
