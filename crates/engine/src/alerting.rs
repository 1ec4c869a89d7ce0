//! From a match to an alert: who, what, to what, and why. Off the hot path: only what fires gets here.

use crate::policy::Policy;
use crate::windows::Fired;
use model::alert::{Alert, Delivery, Evidence, WindowInfo};
use model::extract::{Extracted, derived_id, extract, lookup};
use model::ocsf::uid;
use model::{EventTime, FieldPath};
use serde_json::Value as Json;
use sigma::ast::{Compare, Correlation, CorrelationKind, Rule, Search};
use sigma::compile::{CorrelationIndex, Program, RuleIndex};
use std::fmt::Write;
use std::sync::Arc;

/// The event that made a rule fire.
pub(crate) struct Trigger<'t> {
    pub(crate) program: &'t Program,
    pub(crate) policy: &'t Policy,
    pub(crate) rule: RuleIndex,
    pub(crate) line: &'t str,
    pub(crate) time: EventTime,
}

/// Most fields that an alert shows because the rule tests them, and as many because the rule wants them to be shown.
const EVIDENCE_MAX: usize = 20;

impl Trigger<'_> {
    fn rule(&self) -> &Rule {
        &self.program.rules.rules[self.rule.0 as usize]
    }

    /// The decoder has accepted the line, so that it parses; should the two ever disagree, the alert comes out poorer, not later.
    fn json(&self) -> Json {
        serde_json::from_str(self.line).unwrap_or(Json::Null)
    }

    /// The fields that the rule tests, with the values that the event has for them, and those under its `fields`.
    fn evidence(&self, json: &Json) -> Vec<Evidence> {
        let mut fields = Vec::new();
        self.rule().selections.iter().for_each(|it| tested_fields(&it.search, &mut fields));
        let mut evidence = Vec::new();
        self.show(json, fields.into_iter().map(FieldPath::as_str), &mut evidence);
        self.show(json, self.rule().info.fields.iter().map(String::as_str), &mut evidence);
        evidence
    }

    /// Adds at most [`EVIDENCE_MAX`] of `fields` to `evidence`, with the values of those that the event has and that are not there yet.
    fn show<'f>(&self, json: &Json, fields: impl Iterator<Item = &'f str>, evidence: &mut Vec<Evidence>) {
        let room = evidence.len() + EVIDENCE_MAX;
        for field in fields {
            let is_new = evidence.iter().all(|it| it.field != field);
            if is_new
                && evidence.len() < room
                && let Some(value) = self.lookup(json, field)
            {
                evidence.push(Evidence { field: field.to_owned(), value: value.clone() });
            }
        }
    }

    /// The alert with its delivery, which only a finished one has.
    fn delivered(&self, alert: Alert) -> Alert {
        Alert { delivery: self.policy.delivery(&alert), ..alert }
    }

    /// A field of the event, in its envelope if it has one.
    fn lookup<'j>(&self, json: &'j Json, path: &str) -> Option<&'j Json> {
        let envelopes = &self.program.schema.mapping.envelopes;
        lookup(json, path).or_else(|| envelopes.iter().find_map(|it| lookup(lookup(json, it)?, path)))
    }
}

fn tested_fields<'r>(search: &'r Search, fields: &mut Vec<&'r FieldPath>) {
    match search {
        Search::All(parts) | Search::Any(parts) => parts.iter().for_each(|it| tested_fields(it, fields)),
        Search::Item(item) => fields.extend(&item.field),
    }
}

/// The alert of a detection rule: one event, one alert.
pub(crate) fn detection_alert(trigger: &Trigger<'_>) -> Alert {
    let json = trigger.json();
    let extracted = extract(&trigger.program.schema.mapping, &json);
    let info = &trigger.rule().info;
    let event = extracted.id.clone().unwrap_or_else(|| derived_id(trigger.line));
    let message = format!("{}: {} did {}", info.title, name(&extracted.actor.id), deed(&extracted));
    let actors = vec![extracted.actor.id.clone()];
    trigger.delivered(Alert {
        uid: uid(&info.id, &[&event]),
        rule: Arc::clone(info),
        actors,
        window: None,
        events: vec![event],
        events_total: 1,
        evidence: trigger.evidence(&json),
        message,
        ..common(trigger, extracted)
    })
}

/// The alert of a correlation that fired.
pub(crate) fn correlation_alert(trigger: &Trigger<'_>, index: CorrelationIndex, fired: Fired) -> Alert {
    let json = trigger.json();
    let extracted = extract(&trigger.program.schema.mapping, &json);
    let correlation = &trigger.program.rules.correlations[index.0 as usize];
    let window = window_info(trigger, &json, index, &fired);
    let last_event = fired.events.last().map(String::as_str).unwrap_or_default();
    let first_ms = fired.first.ms().to_string();
    let mut parts: Vec<&str> = window.group.iter().map(|(_, value)| value.as_str()).collect();
    parts.extend([first_ms.as_str(), last_event]);
    let uid = uid(&correlation.info.id, &parts);
    let actors = if fired.actors.is_empty() { vec![extracted.actor.id.clone()] } else { fired.actors };
    let message = correlation_message(correlation, &window, &actors, &extracted);
    let mut evidence = trigger.evidence(&json);
    trigger.show(&json, correlation.info.fields.iter().map(String::as_str), &mut evidence);
    trigger.delivered(Alert {
        uid,
        rule: Arc::clone(&correlation.info),
        actors,
        window: Some(window),
        events: fired.events,
        events_total: fired.events_total,
        evidence,
        message,
        ..common(trigger, extracted)
    })
}

/// What alerts of both kinds take from the triggering event.
fn common(trigger: &Trigger<'_>, extracted: Extracted) -> Alert {
    Alert {
        uid: String::new(),
        time: trigger.time,
        rule: Arc::clone(&trigger.rule().info),
        delivery: Delivery::Page,
        rule_set: Arc::clone(&trigger.program.rules.hash),
        source: trigger.program.schema.mapping.name.as_str().into(),
        actor: extracted.actor,
        actors: Vec::new(),
        action: extracted.action,
        tool: extracted.tool,
        outcome: extracted.outcome,
        target: extracted.target,
        origin: extracted.origin,
        window: None,
        events: Vec::new(),
        events_total: 0,
        evidence: Vec::new(),
        message: String::new(),
    }
}

/// `password.reset on @usa (783214), from 10.1.2.3`
fn deed(extracted: &Extracted) -> String {
    let mut text = if extracted.action.is_empty() { "something".to_owned() } else { extracted.action.clone() };
    if let Some(target) = &extracted.target {
        text.push_str(" on ");
        match &target.label {
            Some(label) if *label != target.id => text.extend([label.as_str(), " (", &target.id, ")"]),
            _ => text.push_str(&target.id),
        }
    }
    if let Some(ip) = &extracted.origin.ip {
        text.push_str(", from ");
        text.push_str(ip);
    }
    text
}

/// The actor for a sentence.
fn name(actor: &str) -> &str {
    if actor.is_empty() { "somebody" } else { actor }
}

fn window_info(trigger: &Trigger<'_>, json: &Json, index: CorrelationIndex, fired: &Fired) -> WindowInfo {
    let correlation = &trigger.program.rules.correlations[index.0 as usize];
    let binding = trigger.program.bindings[trigger.rule.0 as usize].iter().find(|it| it.correlation == index);
    let projection = &trigger.program.schema.projection;
    let fields = binding.map(|it| it.group.iter().map(|&slot| projection.path(slot)).collect::<Vec<_>>()).unwrap_or_default();
    let group = fields.iter().map(|path| (path.to_string(), plain(trigger.lookup(json, path.as_str())))).collect();
    let counted = match &correlation.kind {
        CorrelationKind::EventCount => "events".to_owned(),
        CorrelationKind::ValueCount(fields) => {
            format!("distinct {}", fields.iter().map(FieldPath::as_str).collect::<Vec<_>>().join(" + "))
        }
        CorrelationKind::Temporal => "different steps".to_owned(),
        CorrelationKind::TemporalOrdered => "steps in order".to_owned(),
    };
    let condition = correlation.condition.iter().map(|(compare, with)| format!("{} {with}", sign(*compare)));
    let condition = match correlation.condition.len() {
        0 => format!("all {}", correlation.rules.len()),
        _ => condition.collect::<Vec<_>>().join(" and "),
    };
    let (first, last, timespan_ms) = (fired.first, fired.last, correlation.timespan_ms);
    WindowInfo { group, first, last, timespan_ms, count: fired.count, counted, condition }
}

fn plain(json: Option<&Json>) -> String {
    match json {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "=",
        Compare::Less => "<",
        Compare::LessOrEqual => "≤",
        Compare::Greater => ">",
        Compare::GreaterOrEqual => "≥",
        Compare::NotEqual => "≠",
    }
}

/// `25 distinct target.id in 7 min 13 s by u1107 (≥ 25 within 10 min), last account.lookup on @x (91), from 10.1.2.3`
fn correlation_message(correlation: &Correlation, window: &WindowInfo, actors: &[String], extracted: &Extracted) -> String {
    let others = window.group.iter().filter(|(_, value)| *value != extracted.actor.id);
    let others: Vec<String> = others.map(|(field, value)| format!(" for {field} {value}")).collect();
    let by = match actors {
        [one] => name(one).to_owned(),
        several => format!("{} actors", several.len()),
    };
    let (title, deed, others) = (&correlation.info.title, deed(extracted), others.concat());
    let span = duration(window.timespan_ms);
    if window.count == 1 {
        return format!("{title}: {by} did {deed} (the first{others} within {span})");
    }
    let taken = duration(window.last.ms() - window.first.ms());
    let WindowInfo { count, counted, condition, .. } = window;
    format!("{title}: {count} {counted} in {taken}{others} by {by} ({condition} within {span}), last {deed}")
}

/// A duration in its two largest units: `9 min 30 s`.
fn duration(ms: i64) -> String {
    const UNITS: [(i64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    let Some(first) = UNITS.iter().position(|(size, _)| ms >= *size) else { return "0 s".to_owned() };
    let (size, name) = UNITS[first];
    let mut text = format!("{} {name}", ms / size);
    if let Some((small, small_name)) = UNITS.get(first + 1).filter(|(small, _)| ms % size >= *small && *small > 1) {
        let _ = write!(text, " {} {small_name}", ms % size / small);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        for (ms, expected) in
            [(0, "0 s"), (40, "40 ms"), (1_500, "1 s"), (570_000, "9 min 30 s"), (3_600_000, "1 h"), (90_000_000, "1 d 1 h")]
        {
            assert_eq!(duration(ms), expected);
        }
    }
}
