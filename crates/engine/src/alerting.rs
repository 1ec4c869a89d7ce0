//! From a match to an alert: who, what, to what, and why. Off the hot path: only what fires gets here.

use crate::behaviour::rule_info;
use crate::policy::Policy;
use crate::reread::Reread;
use crate::windows::Fired;
use model::alert::{Alert, Delivery, Evidence, WindowInfo};
use model::extract::{Extracted, derived_id};
use model::ocsf::uid;
use model::{Deviation, EventTime, FieldPath, RuleInfo};
use sigma::ast::{Alternative, Correlation, CorrelationKind, Rule, Search};
use sigma::compile::{CorrelationIndex, Member, Program, RuleIndex, RuleSet};
use sigma::parse::alternatives;
use std::fmt::Write;
use std::sync::Arc;

/// The event that made a rule fire.
pub(crate) struct Trigger<'t> {
    pub(crate) program: &'t Program,
    pub(crate) policy: &'t Policy,
    pub(crate) rule: RuleIndex,
    pub(crate) event: &'t Reread<'t>,
    pub(crate) time: EventTime,
}

/// Most fields that an alert shows because the rule tests them, and as many because the rule wants them to be shown.
const EVIDENCE_MAX: usize = 20;

impl Trigger<'_> {
    fn rule(&self) -> &Rule {
        &self.program.rules.rules[self.rule.0 as usize]
    }

    /// The fields that the rule tests, with the values that the event has for them, and those under its `fields`.
    fn evidence(&self) -> Vec<Evidence> {
        let mut fields = Vec::new();
        self.rule().selections.iter().for_each(|it| tested_fields(&it.search, &mut fields));
        let mut evidence = Vec::new();
        self.show(fields.into_iter().map(FieldPath::as_str), &mut evidence);
        self.show(self.rule().info.fields.iter().map(String::as_str), &mut evidence);
        evidence
    }

    /// Adds at most [`EVIDENCE_MAX`] of `fields` to `evidence`, with the values of those that the event has and that are not there yet.
    fn show<'f>(&self, fields: impl Iterator<Item = &'f str>, evidence: &mut Vec<Evidence>) {
        let room = evidence.len() + EVIDENCE_MAX;
        for field in fields {
            let is_new = evidence.iter().all(|it| it.field != field);
            if is_new
                && evidence.len() < room
                && let Some(value) = self.event.lookup(field)
            {
                evidence.push(Evidence { field: field.to_owned(), value });
            }
        }
    }

    /// The alert with its delivery, which only a finished one has.
    fn delivered(&self, alert: Alert) -> Alert {
        Alert { delivery: self.policy.delivery(&alert), ..alert }
    }
}

/// Adds the fields that a search tests.
pub(crate) fn tested_fields<'r>(search: &'r Search, fields: &mut Vec<&'r FieldPath>) {
    match search {
        Search::All(parts) | Search::Any(parts) => parts.iter().for_each(|it| tested_fields(it, fields)),
        Search::Item(item) => fields.extend(&item.field),
    }
}

/// The alert of a detection rule: one event, one alert.
pub(crate) fn detection_alert(trigger: &Trigger<'_>) -> Alert {
    let extracted = trigger.event.roles();
    let info = &trigger.rule().info;
    let event = extracted.id.clone().unwrap_or_else(|| derived_id(trigger.event.line));
    let (message, actors) = (detection_message(info, &extracted), vec![extracted.actor.id.clone()]);
    trigger.delivered(Alert {
        uid: uid(&info.id, &[&event]),
        rule: Arc::clone(info),
        actors,
        window: None,
        events: vec![event],
        events_total: 1,
        evidence: trigger.evidence(),
        message,
        ..common(trigger.program, trigger.event, info, trigger.time, extracted)
    })
}

/// The alert of a correlation that fired.
///
/// `path` is how the triggering event came to it: as which of its rules, and while that is a correlation, as which of that one's.
/// `shared` is what the events of its group have in common, field by field.
pub(crate) fn correlation_alert(
    trigger: &Trigger<'_>,
    index: CorrelationIndex,
    path: &[u16],
    shared: Vec<String>,
    fired: Fired,
) -> Alert {
    let extracted = trigger.event.roles();
    let correlation = &trigger.program.rules.correlations[index.0 as usize];
    let window = window_info(trigger, index, path, shared, &fired);
    let last_event = fired.events.last().map(String::as_str).unwrap_or_default();
    let first_ms = fired.first.ms().to_string();
    let mut parts: Vec<&str> = window.group.iter().map(|(_, value)| value.as_str()).collect();
    parts.extend([first_ms.as_str(), last_event]);
    let uid = uid(&correlation.info.id, &parts);
    let actors = if fired.actors.is_empty() { vec![extracted.actor.id.clone()] } else { fired.actors };
    let message = correlation_message(correlation, &window, &actors, &extracted);
    let mut evidence = trigger.evidence();
    trigger.show(correlation.info.fields.iter().map(String::as_str), &mut evidence);
    trigger.delivered(Alert {
        uid,
        rule: Arc::clone(&correlation.info),
        actors,
        window: Some(window),
        events: fired.events,
        events_total: fired.events_total,
        evidence,
        message,
        ..common(trigger.program, trigger.event, &correlation.info, trigger.time, extracted)
    })
}

/// An alert about what is out of the ordinary about one event.
pub(crate) fn behaviour_alert(
    program: &Program,
    policy: &Policy,
    event: &Reread<'_>,
    time: EventTime,
    deviation: Box<Deviation>,
) -> Alert {
    let extracted = event.roles();
    let info = rule_info();
    let id = extracted.id.clone().unwrap_or_else(|| derived_id(event.line));
    let message = detection_message(&info, &extracted);
    let alert = Alert {
        uid: uid(&info.id, &[&id]),
        actors: vec![extracted.actor.id.clone()],
        events: vec![id],
        events_total: 1,
        deviation: Some(deviation),
        message,
        ..common(program, event, &info, time, extracted)
    };
    Alert { delivery: policy.delivery(&alert), ..alert }
}

/// What alerts of all kinds take from the triggering event.
fn common(program: &Program, event: &Reread<'_>, rule: &Arc<RuleInfo>, time: EventTime, extracted: Extracted) -> Alert {
    Alert {
        uid: String::new(),
        time,
        rule: Arc::clone(rule),
        delivery: Delivery::Page,
        rule_set: Arc::clone(&program.rules.hash),
        source: Arc::clone(event.source),
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
        deviation: None,
        triaged: None,
        message: String::new(),
    }
}

/// Room for nearly every sentence.
const SENTENCE_BYTES: usize = 192;

/// `Bulk export: u1107 did customer.export on eu (7), from 10.1.2.3`
fn detection_message(info: &RuleInfo, extracted: &Extracted) -> String {
    let mut text = String::with_capacity(SENTENCE_BYTES);
    text.extend([&info.title, ": ", name(&extracted.actor.id), " did "]);
    write_deed(extracted, &mut text);
    text
}

/// `password.reset on @usa (783214), from 10.1.2.3`
fn write_deed(extracted: &Extracted, text: &mut String) {
    text.push_str(if extracted.action.is_empty() { "something" } else { &extracted.action });
    if let Some(target) = &extracted.target {
        text.push_str(" on ");
        match &target.label {
            Some(label) if *label != target.id => text.extend([label.as_str(), " (", &target.id, ")"]),
            _ => text.push_str(&target.id),
        }
    }
    if let Some(ip) = &extracted.origin.ip {
        text.extend([", from ", ip]);
    }
}

/// The actor for a sentence.
fn name(actor: &str) -> &str {
    if actor.is_empty() { "somebody" } else { actor }
}

fn window_info(trigger: &Trigger<'_>, index: CorrelationIndex, path: &[u16], shared: Vec<String>, fired: &Fired) -> WindowInfo {
    let set = &trigger.program.rules;
    let correlation = &set.correlations[index.0 as usize];
    let fields = correlation.group_by.iter().map(|name| set.field_of(index, path, name));
    let group = fields.map(ToString::to_string).zip(shared).collect();
    let counted = match &correlation.kind {
        _ if correlation.expression.is_some() => "steps".to_owned(),
        CorrelationKind::EventCount => "events".to_owned(),
        CorrelationKind::ValueCount(fields) => {
            format!("distinct {}", fields.iter().map(FieldPath::as_str).collect::<Vec<_>>().join(" + "))
        }
        CorrelationKind::ValueSum(field) => format!("sum of {field}"),
        CorrelationKind::ValueAvg(field) => format!("mean of {field}"),
        CorrelationKind::ValuePercentile { field, percentile } => format!("percentile {percentile} of {field}"),
        CorrelationKind::ValueMedian(field) => format!("median of {field}"),
        CorrelationKind::Temporal => "different steps".to_owned(),
        CorrelationKind::TemporalOrdered => "steps in order".to_owned(),
    };
    let (first, last, timespan_ms) = (fired.first, fired.last, correlation.timespan_ms);
    let condition = condition_words(set, index, fired);
    WindowInfo { group, first, last, timespan_ms, count: fired.count, value: fired.value, counted, condition }
}

/// `≥ 25`, `all 3`, or what a condition over rule names came to: `a, then no b`.
fn condition_words(set: &RuleSet, index: CorrelationIndex, fired: &Fired) -> String {
    let correlation = &set.correlations[index.0 as usize];
    let alternatives = correlation.expression.as_ref().and_then(|it| alternatives::of(it).ok()).unwrap_or_default();
    if let Some(alternative) = fired.alternative.and_then(|it| alternatives.get(usize::from(it))) {
        return alternative_words(set, index, alternative);
    }
    let mut words = String::new();
    for (at, (compare, with)) in correlation.condition.iter().enumerate() {
        let _ = write!(words, "{}{} {with}", if at == 0 { "" } else { " and " }, compare.sign());
    }
    if correlation.condition.is_empty() {
        let _ = write!(words, "all {}", correlation.rules.len());
    }
    if let Some(gap_ms) = correlation.session_gap_ms {
        words.push_str(" in a session without gaps of more than ");
        write_duration(gap_ms, &mut words);
    }
    words
}

fn alternative_words(set: &RuleSet, index: CorrelationIndex, alternative: &Alternative) -> String {
    let Alternative { present, absent } = alternative;
    let name = |step: u16| match set.members[index.0 as usize][usize::from(step)] {
        Some(Member::Rule(it)) => set.rules[it.0 as usize].info.name.as_str(),
        Some(Member::Correlation(it)) => set.correlations[it.0 as usize].info.name.as_str(),
        None => "",
    };
    let names = |steps: &[u16], word: &str| steps.iter().map(|it| name(*it)).collect::<Vec<_>>().join(word);
    if set.correlations[index.0 as usize].kind == CorrelationKind::TemporalOrdered {
        let mut steps: Vec<(u16, &str)> = present.iter().map(|it| (*it, "")).chain(absent.iter().map(|it| (*it, "no "))).collect();
        steps.sort_unstable();
        return steps.iter().map(|(step, no)| format!("{no}{}", name(*step))).collect::<Vec<_>>().join(", then ");
    }
    match absent.len() {
        0 => names(present, " and "),
        _ => format!("{} without {}", names(present, " and "), names(absent, " or ")),
    }
}

/// `25 distinct target.id in 7 min 13 s by u1107 (≥ 25 within 10 min), last account.lookup on @x (91), from 10.1.2.3`
fn correlation_message(correlation: &Correlation, window: &WindowInfo, actors: &[String], extracted: &Extracted) -> String {
    let WindowInfo { count, counted, condition, .. } = window;
    let mut text = String::with_capacity(SENTENCE_BYTES);
    let others = |text: &mut String| {
        for (field, value) in window.group.iter().filter(|(_, value)| *value != extracted.actor.id) {
            text.extend([" for ", field, " ", value]);
        }
    };
    let by = |text: &mut String| match actors {
        [one] => text.push_str(name(one)),
        several => _ = write!(text, "{} actors", several.len()),
    };
    text.extend([&correlation.info.title, ": "]);
    if correlation.expression.is_some() {
        text.extend([condition, " within "]);
        write_duration(window.timespan_ms, &mut text);
        others(&mut text);
        text.push_str(" by ");
        by(&mut text);
        text.push_str(", last ");
        write_deed(extracted, &mut text);
        return text;
    }
    if window.value.is_none() && *count == 1 {
        by(&mut text);
        text.push_str(" did ");
        write_deed(extracted, &mut text);
        text.push_str(" (the first");
        others(&mut text);
        text.push_str(" within ");
        write_duration(window.timespan_ms, &mut text);
        text.push(')');
        return text;
    }
    // Writing to memory does not fail.
    let _ = match window.value {
        Some(value) => write!(text, "{counted} {}", grouped(value)),
        None => write!(text, "{count} {counted}"),
    };
    text.push_str(" in ");
    write_duration(window.last.ms() - window.first.ms(), &mut text);
    others(&mut text);
    text.push_str(" by ");
    by(&mut text);
    text.extend([" (", condition, " within "]);
    write_duration(window.timespan_ms, &mut text);
    text.push_str("), last ");
    write_deed(extracted, &mut text);
    text
}

/// `-1,234,567.25`
pub(crate) fn grouped(number: f64) -> String {
    let text = format!("{}", (number * 1e6).round() / 1e6);
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = whole.trim_start_matches('-');
    let mut grouped = whole[..whole.len() - digits.len()].to_owned();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.extend([".", fraction]);
    }
    grouped
}

/// A duration in its two largest units: `9 min 30 s`.
pub(crate) fn write_duration(ms: i64, text: &mut String) {
    const UNITS: [(i64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    let Some(first) = UNITS.iter().position(|(size, _)| ms >= *size) else { return text.push_str("0 s") };
    let (size, name) = UNITS[first];
    let _ = write!(text, "{} {name}", ms / size);
    if let Some((small, small_name)) = UNITS.get(first + 1).filter(|(small, _)| ms % size >= *small && *small > 1) {
        let _ = write!(text, " {} {small_name}", ms % size / small);
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, write_duration};

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        for (ms, expected) in
            [(0, "0 s"), (40, "40 ms"), (1_500, "1 s"), (570_000, "9 min 30 s"), (3_600_000, "1 h"), (90_000_000, "1 d 1 h")]
        {
            let mut text = String::new();
            write_duration(ms, &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, expected) in [
            (0.0, "0"),
            (999.5, "999.5"),
            (-1_234_567.25, "-1,234,567.25"),
            (120_000.0, "120,000"),
            (1e18, "1,000,000,000,000,000,000"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}
