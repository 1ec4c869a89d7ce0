//! What an event does to correlations: which rules of each it feeds, in which group, and why it does not feed the others.

use engine::explain::{self, Lens, near_miss};
use model::{Reject, SourceMapping};
use serde_json::{Value as Json, json};
use sigma::ast::{Correlation, CorrelationKind, Document, Rule};
use sigma::matcher::number;
use std::collections::BTreeMap;

/// What an event does to one correlation.
pub(super) struct Feeding<'d> {
    pub(super) correlation: &'d Correlation,
    /// Its rules, in order.
    pub(super) parts: Vec<Part>,
}

impl Feeding<'_> {
    pub(super) fn is_fed(&self) -> bool {
        self.parts.iter().any(|it| matches!(it.state, State::Feeds { .. }))
    }

    pub(super) fn as_json(&self) -> Json {
        let part = |it: &Part| match &it.state {
            State::Feeds { values } => json!({"rule": it.rule, "feeds": true, "values": values}),
            State::Not(reason) => json!({"rule": it.rule, "feeds": false, "reason": reason}),
        };
        json!({
            "correlation": self.correlation.info.name,
            "file": &*self.correlation.place.file,
            "line": self.correlation.place.line,
            "is_fed": self.is_fed(),
            "rules": self.parts.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

/// One of the rules that a correlation is over.
pub(super) struct Part {
    pub(super) rule: String,
    pub(super) state: State,
}

/// Whether the event counts for it.
pub(super) enum State {
    /// It does, with these values: those of the group, then those that are counted.
    Feeds { values: Vec<(String, Json)> },
    /// It does not, for this reason.
    Not(String),
}

/// What is asked, and of whom.
pub(super) struct Asked<'a> {
    pub(super) documents: &'a [Document],
    pub(super) line: &'a str,
    pub(super) lens: Lens<'a>,
    /// Whether each rule that was looked at matches, whatever came before.
    pub(super) matches: BTreeMap<&'a str, bool>,
}

impl<'a> Asked<'a> {
    /// What the event does to `correlation`. Fails as the decoder does.
    pub(super) fn feeding(&self, correlation: &'a Correlation) -> Result<Feeding<'a>, Reject> {
        let mut parts = Vec::with_capacity(correlation.rules.len());
        for (step, reference) in correlation.rules.iter().enumerate() {
            let Some(document) = self.documents.iter().find(|it| it.name() == reference || it.id() == reference) else { continue };
            let name = document.name().to_owned();
            let state = match document {
                Document::Rule(rule) => self.state(correlation, reference, rule)?,
                Document::Correlation(_) => State::Not("it is a correlation, which counts when it fires".to_owned()),
                Document::Filter(_) => continue,
            };
            let is_ordered = correlation.kind == CorrelationKind::TemporalOrdered;
            let rule = if is_ordered { format!("{name} (step {})", step + 1) } else { name };
            parts.push(Part { rule, state });
        }
        Ok(Feeding { correlation, parts })
    }

    fn state(&self, correlation: &Correlation, reference: &str, rule: &Rule) -> Result<State, Reject> {
        if let Some(reason) = not_routed(rule, self.lens.mapping) {
            return Ok(State::Not(reason));
        }
        let matches = if let Some(&known) = self.matches.get(rule.info.name.as_str()) {
            known
        } else {
            let explanation = explain::explain(rule, self.line, self.lens)?;
            explanation.matches && !explanation.is_open
        };
        if !matches {
            let near = near_miss(rule, self.line, self.lens)?;
            let Some(first) = near.missing.first().map(super::show::test) else {
                return Ok(State::Not("whether the rule matches depends on what came before".to_owned()));
            };
            let more = match near.missing.len().saturating_sub(1) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            return Ok(State::Not(format!("the rule does not match: {first}{more}")));
        }
        Ok(self.values(correlation, reference, rule))
    }

    /// The values of the group and of what is counted; an event that lacks one of them does not count.
    fn values(&self, correlation: &Correlation, reference: &str, rule: &Rule) -> State {
        let mut values = Vec::new();
        for field in &correlation.group_by {
            let own = |(alias, fields): &(String, Vec<(String, model::FieldPath)>)| {
                let is_own = |it: &&(String, model::FieldPath)| it.0 == reference || it.0 == rule.info.name || it.0 == rule.info.id;
                (alias == field.as_str()).then(|| fields.iter().find(is_own).map(|it| it.1.clone())).flatten()
            };
            let path = correlation.aliases.iter().find_map(own);
            let name = match &path {
                Some(path) => format!("{field} ({path})"),
                None => field.to_string(),
            };
            values.push((name, path.as_ref().unwrap_or(field).clone()));
        }
        let word = if correlation.kind.measured().is_some() { "measured" } else { "counted" };
        values.extend(correlation.kind.fields().iter().map(|it| (format!("{word} {it}"), it.clone())));
        let groups = correlation.group_by.len();
        let mut found = Vec::with_capacity(values.len());
        for (at, (name, path)) in values.into_iter().enumerate() {
            let value = explain::value(self.lens.mapping, self.line, path.as_str());
            let so = if at < groups { "without which it belongs to no group" } else { "which is what counts" };
            if value.is_null() {
                return State::Not(format!("the event has no `{path}`, {so}"));
            }
            if !has_text(&value) {
                return State::Not(format!("the event's `{path}` has no text, number or boolean, {so}: {value}"));
            }
            let is_actor = self.lens.mapping.roles.actor.first().is_some_and(|it| *it == path.as_str());
            if at < groups && is_actor && value.is_array() {
                return State::Not(format!("the event's `{path}` is a list, which names no actor: {value}"));
            }
            if at >= groups && word == "measured" && !has_number(&value) {
                return State::Not(format!("the event's `{path}` is no number: {value}"));
            }
            found.push((name, value));
        }
        State::Feeds { values: found }
    }
}

/// Whether a value, or an element of it, is one that groups and counts are made of.
fn has_text(value: &Json) -> bool {
    match value {
        Json::Array(elements) => elements.iter().any(has_text),
        Json::Null | Json::Object(_) => false,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
    }
}

/// Whether a value, or an element of it, is a number or reads as one.
fn has_number(value: &Json) -> bool {
    match value {
        Json::Number(_) => true,
        Json::String(text) => number(text).is_some(),
        Json::Array(elements) => elements.iter().any(has_number),
        Json::Null | Json::Bool(_) | Json::Object(_) => false,
    }
}

/// Why a rule does not see events of `mapping`, if it does not.
pub(super) fn not_routed(rule: &Rule, mapping: &SourceMapping) -> Option<String> {
    if mapping.feeds(&rule.logsource) {
        return None;
    }
    let text = |it: &model::LogSource| {
        let named = [("category", &it.category), ("product", &it.product), ("service", &it.service)];
        let named = named.into_iter().filter_map(|(key, value)| value.as_ref().map(|it| format!("{key} {it}")));
        named.collect::<Vec<_>>().join(", ")
    };
    Some(format!(
        "the rule is for another log source: it wants {}, and the source `{}` is {}",
        text(&rule.logsource),
        mapping.name,
        text(&mapping.logsource)
    ))
}
