//! An alert about behaviour that is not told yet, as it stands in a snapshot.

use model::alert::OriginRef;
use model::source::Outcome;
use model::{ActorRef, Alert, Delivery, Deviation, EventTime, RuleInfo, TargetRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// All that such an alert has: no window, no evidence, and nothing decided.
#[derive(Serialize, Deserialize)]
struct Kept {
    uid: String,
    ms: i64,
    rule: RuleInfo,
    rule_set: String,
    source: String,
    actor: ActorRef,
    actors: Vec<String>,
    action: String,
    tool: Option<String>,
    outcome: Outcome,
    target: Option<TargetRef>,
    origin: OriginRef,
    events: Vec<String>,
    events_total: u64,
    deviation: Option<Box<Deviation>>,
    message: String,
}

pub(super) fn serialize<S: Serializer>(alert: &Alert, serializer: S) -> Result<S::Ok, S::Error> {
    let it = alert.clone();
    let kept = Kept {
        uid: it.uid,
        ms: it.time.ms(),
        rule: RuleInfo::clone(&it.rule),
        rule_set: it.rule_set.as_ref().to_owned(),
        source: it.source.as_ref().to_owned(),
        actor: it.actor,
        actors: it.actors,
        action: it.action,
        tool: it.tool,
        outcome: it.outcome,
        target: it.target,
        origin: it.origin,
        events: it.events,
        events_total: it.events_total,
        deviation: it.deviation,
        message: it.message,
    };
    kept.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Alert>, D::Error> {
    let it = Kept::deserialize(deserializer)?;
    Ok(Box::new(Alert {
        uid: it.uid,
        time: EventTime::from_ms(it.ms),
        rule: Arc::new(it.rule),
        // Candidates are in shadow until they are told.
        delivery: Delivery::Shadow,
        rule_set: it.rule_set.into(),
        source: it.source.into(),
        actor: it.actor,
        actors: it.actors,
        action: it.action,
        tool: it.tool,
        outcome: it.outcome,
        target: it.target,
        origin: it.origin,
        window: None,
        events: it.events,
        events_total: it.events_total,
        evidence: Vec::new(),
        deviation: it.deviation,
        triaged: None,
        message: it.message,
    }))
}
