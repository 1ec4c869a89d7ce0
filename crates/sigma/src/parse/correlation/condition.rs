//! The condition of a correlation: comparisons and what they are about, a text over rule names, or how many steps in order.

use super::{Reader, Said, Type};
use crate::ast::{Compare, Condition, EXPRESSION_RULES_MAX, ORDERED_STEPS_MAX};
use crate::parse::yaml::{Key, Node, Position, Typed};
use crate::parse::{alternatives, condition};
use crate::problem::Code;

const CONDITION_KEYS: [&str; 8] = ["gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile"];
/// Most that is counted: a window remembers what it counts, and others of the correlation need room beside it.
const COUNT_MAX: u32 = 100_000;
/// Thresholds of sums and other measures lie between this and its negative.
const THRESHOLD_MAX: f64 = 1e18;

impl Reader<'_> {
    /// What `condition` says: comparisons and what they are about, or a text over the names of the rules.
    pub(super) fn condition(&mut self, kind: Option<Type>, rules: &[(String, Position)]) -> Option<Said> {
        let Some(node) = self.section.get("condition") else {
            if kind.is_none_or(Type::is_temporal) {
                return Some(Said::default());
            }
            self.report.error_with_hint(
                Code::BadThreshold,
                self.section.at,
                "a correlation without `condition`",
                "add `condition:` with `gte: 10`, say",
            );
            return None;
        };
        if let Some(text) = node.as_scalar() {
            return self.expression(kind, &text.text, node.at, rules);
        }
        let Some(pairs) = node.as_map() else {
            self.report.error_with_hint(
                Code::BadThreshold,
                node.at,
                format!("the condition is {}", node.describe()),
                "write a map, such as `gte: 10`",
            );
            return None;
        };
        let mut said = Said::default();
        for (key, value) in pairs {
            match key.text.as_str() {
                "field" => said.fields = self.fields(value),
                "percentile" => said.percentile = self.percentile(kind, key, value),
                _ => said.comparisons.extend(self.comparison(kind, key, value)),
            }
        }
        if !pairs.iter().any(|(key, _)| !matches!(key.text.as_str(), "field" | "percentile")) {
            self.report.error_with_hint(
                Code::BadThreshold,
                node.at,
                "a condition that compares with nothing",
                "add `gte: 10`, say",
            );
        }
        self.check_fields(kind?, &mut said, node.at);
        Some(said)
    }

    fn check_fields(&mut self, kind: Type, said: &mut Said, at: Position) {
        let word = kind.word();
        match (kind, said.fields.len()) {
            (Type::ValueCount, 0) => {
                let hint = "add `field:` with what is counted to the condition";
                self.report.error_with_hint(Code::BadCountedField, at, "a `value_count` without a field", hint);
            }
            (Type::ValueCount, _) => {}
            (_, 0) if kind.is_measured() => {
                let hint = "add `field:` with what is measured to the condition";
                self.report.error_with_hint(Code::BadCountedField, at, format!("a `{word}` without a field"), hint);
            }
            (_, 2..) if kind.is_measured() => {
                self.report.error_with_hint(
                    Code::BadCountedField,
                    at,
                    format!("a `{word}` over several fields"),
                    "numbers are taken from one field",
                );
            }
            (_, 1..) if !kind.is_measured() => {
                let hint = "use `type: value_count` to count distinct values";
                self.report.error_with_hint(Code::BadCountedField, at, format!("`field` is not for `{word}`"), hint);
            }
            _ => {}
        }
        if kind == Type::Percentile && said.percentile.is_none() {
            let hint = "add `percentile: 95`, say; without it, it is the 50th";
            self.report.warning_with_hint(Code::BadThreshold, at, "a `value_percentile` that does not say which", hint);
            said.percentile = Some(50.0);
        }
    }

    fn percentile(&mut self, kind: Option<Type>, key: &Key, value: &Node) -> Option<f64> {
        if kind.is_some_and(|it| it != Type::Percentile) {
            self.report.error(Code::BadThreshold, key.at, "`percentile` is only for `value_percentile`");
        }
        let number = number(value).filter(|it| (0.0..=100.0).contains(it));
        if number.is_none() {
            self.report.error_with_hint(
                Code::BadThreshold,
                value.at,
                "`percentile` needs a number from 0 to 100",
                "write `percentile: 95`",
            );
        }
        number
    }

    /// A condition over the names of the rules.
    fn expression(&mut self, kind: Option<Type>, text: &str, at: Position, rules: &[(String, Position)]) -> Option<Said> {
        if kind.is_some_and(|it| !it.is_temporal()) {
            let hint = "write a map, such as `gte: 10`, or use `type: temporal`";
            self.report.error_with_hint(
                Code::BadThreshold,
                at,
                "a condition over rule names is for `temporal` and `temporal_ordered`",
                hint,
            );
            return None;
        }
        if rules.len() > EXPRESSION_RULES_MAX {
            self.report.error(Code::TooLarge, at, format!("a condition over the names of more than {EXPRESSION_RULES_MAX} rules"));
            return None;
        }
        let names: Vec<&str> = rules.iter().map(|(it, _)| it.as_str()).collect();
        let expression = condition::parse_over(text, at, &names, "rule of this correlation", self.report)?;
        let alternatives = match alternatives::of(&expression) {
            Ok(alternatives) => alternatives,
            Err(message) => {
                self.report.error(Code::BadThreshold, at, message);
                return None;
            }
        };
        let mut used = vec![false; rules.len()];
        condition::mark_used(&expression, &mut used);
        for ((name, at), _) in rules.iter().zip(&used).filter(|(_, used)| !**used) {
            self.report.warning(Code::BadThreshold, *at, format!("the condition does not mention `{name}`"));
        }
        let is_plain = alternatives.len() == 1 && alternatives[0].present.len() == rules.len();
        Some(Said { expression: (!is_plain).then_some(expression), ..Said::default() })
    }

    fn comparison(&mut self, kind: Option<Type>, key: &Key, value: &Node) -> Option<(Compare, f64)> {
        let compare = match key.text.as_str() {
            "gt" => Compare::Greater,
            "gte" => Compare::GreaterOrEqual,
            "lt" => Compare::Less,
            "lte" => Compare::LessOrEqual,
            "eq" => Compare::Equal,
            "neq" => Compare::NotEqual,
            other => {
                let message = format!("unknown key `{other}` in a correlation's condition");
                self.report.error_with_nearest(Code::BadThreshold, key.at, message, other, CONDITION_KEYS);
                return None;
            }
        };
        if kind.is_some_and(Type::is_measured) {
            let threshold = number(value).filter(|it| it.abs() <= THRESHOLD_MAX);
            if threshold.is_none() {
                let message = format!("`{}` needs a number between -1e18 and 1e18", key.text);
                self.report.error_with_hint(Code::BadThreshold, value.at, message, "numbers stand without quotes");
            }
            return Some((compare, threshold?));
        }
        let typed = value.as_scalar().map(|it| it.typed);
        let count = match typed {
            Some(Typed::Int(count)) => u32::try_from(count).ok(),
            _ => None,
        };
        if matches!(typed, Some(Typed::Int(it)) if it > COUNT_MAX.into()) {
            let message = format!("`{}` counts to more than {COUNT_MAX}", key.text);
            let hint = "windows remember what they count; use a shorter timespan, or `value_sum` over a field that counts";
            self.report.error_with_hint(Code::TooLarge, value.at, message, hint);
            return None;
        }
        if count.is_none() {
            let hint = "counts are whole numbers without quotes";
            self.report.error_with_hint(
                Code::BadThreshold,
                value.at,
                format!("`{}` needs a whole number of at least 0", key.text),
                hint,
            );
        }
        Some((compare, f64::from(count?)))
    }

    /// How many of its rules an ordered correlation needs, if that is not all of them: any so many, in their order.
    pub(super) fn some_in_order(&mut self, kind: Option<Type>, rules: &[(String, Position)], said: Said) -> Option<Said> {
        let (Some((_, at)), Some(Type::Ordered), false) = (rules.first(), kind, said.comparisons.is_empty()) else {
            return Some(said);
        };
        let steps = u16::try_from(rules.len()).ok().filter(|it| usize::from(*it) <= ORDERED_STEPS_MAX)?;
        let least = |&(compare, with): &(Compare, f64)| match compare {
            Compare::GreaterOrEqual => Some(with),
            Compare::Greater => Some(with + 1.0),
            Compare::Equal if with >= f64::from(steps) => Some(with),
            _ => None,
        };
        let wanted = said.comparisons.iter().map(least).try_fold(1.0, |most, it| it.map(|it| f64::max(most, it)));
        let Some(wanted) = wanted else {
            let hint = "write `gte:`, or name what must not come in a condition over the rule names";
            self.report.error_with_hint(
                Code::BadThreshold,
                *at,
                "an ordered correlation needs at least so many of its rules",
                hint,
            );
            return None;
        };
        if wanted > f64::from(steps) {
            let message = format!("{wanted} rules in order are needed, but there are only {steps}");
            self.report.error_with_hint(Code::BadThreshold, *at, message, "leave the condition out if all of them are meant");
            return None;
        }
        let chosen = |rules: u32| (0..steps).filter(|at| rules >> at & 1 == 1).map(|it| Condition::Selection(it.into())).collect();
        let choices = (0..1_u32 << steps).rev().filter(|it| f64::from(it.count_ones()).total_cmp(&wanted).is_eq());
        let expression = Condition::Or(choices.map(|it| Condition::And(chosen(it))).collect());
        if let Err(message) = alternatives::of(&expression) {
            let hint = "write those that you mean as a condition over the rule names";
            self.report.error_with_hint(Code::TooLarge, *at, message, hint);
            return None;
        }
        Some(Said { expression: (wanted < f64::from(steps)).then_some(expression), ..said })
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of events are read as 64-bit floats too")]
fn number(node: &Node) -> Option<f64> {
    match node.as_scalar()?.typed {
        Typed::Int(number) => Some(number as f64),
        Typed::Float(number) => Some(number),
        _ => None,
    }
}
