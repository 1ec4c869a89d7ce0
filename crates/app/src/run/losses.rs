//! What is said of messages that are gone: an alert like any other, since what nobody has looked at may have been an attack.

use std::sync::Arc;

use model::alert::{Evidence, OriginRef, TargetRef};
use model::source::Outcome;
use model::{ActorRef, Alert, Delivery, EventTime, Level, RuleInfo, RuleKind, Status};
use stream::kafka::{Loss, LossKind, PartitionId};

/// Of all alerts about losses.
const RULE_ID: &str = "5a7c2f0e-3c1b-5f0d-9a43-6d6f1f1c7e2b";

/// The alert about a loss in a partition whose events come through `source`, while the rules of `rule_set` are in force.
pub(super) fn alert(id: &PartitionId, loss: &Loss, (source, rule_set): (&str, &str), now: EventTime) -> Alert {
    let (expected, begin) = (loss.expected.to_string(), loss.begin.to_string());
    let partition = id.partition.to_string();
    let uid = model::ocsf::uid(RULE_ID, &[&id.topic, &partition, loss.kind.as_str(), &expected, &begin]);
    let evidence = |field: &str, value: serde_json::Value| Evidence { field: field.to_owned(), value };
    Alert {
        uid,
        time: now,
        rule: Arc::new(rule()),
        delivery: Delivery::Page,
        rule_set: rule_set.into(),
        source: source.into(),
        actor: ActorRef { id: "nightjar".to_owned(), kind: Some("service".to_owned()), ..ActorRef::default() },
        actors: vec!["nightjar".to_owned()],
        action: "read".to_owned(),
        tool: Some("kafka".to_owned()),
        outcome: Outcome::Failure,
        target: Some(TargetRef { id: id.to_string(), kind: Some("partition".to_owned()), ..TargetRef::default() }),
        origin: OriginRef::default(),
        window: None,
        events: Vec::new(),
        events_total: loss.messages().and_then(|it| u64::try_from(it).ok()).unwrap_or(0),
        evidence: vec![
            evidence("partition", id.to_string().into()),
            evidence("reason", loss.kind.as_str().into()),
            evidence("offset.expected", loss.expected.into()),
            evidence("offset.first", loss.begin.into()),
        ],
        deviation: None,
        triaged: None,
        message: message(id, loss),
    }
}

fn message(id: &PartitionId, loss: &Loss) -> String {
    let Loss { expected, begin, .. } = loss;
    match (loss.kind, loss.messages().unwrap_or(0)) {
        (LossKind::Retention, count) => format!(
            "Retention has deleted up to {count} messages of {id} before they were read: offsets {expected} to {}. Nobody has looked at them",
            begin - 1
        ),
        (LossKind::Recreated, _) => format!(
            "{id} ends before offset {expected}, up to which it was read: the topic was made anew, or brokers have lost its end. It is read from \
             offset {begin} on; how many messages were lost is not known"
        ),
        (LossKind::Replay, count) => format!(
            "Up to {count} messages of {id} that were read are not in the state that was kept, and are deleted: what they say is missing in windows and \
             profiles"
        ),
    }
}

fn rule() -> RuleInfo {
    RuleInfo {
        id: RULE_ID.to_owned(),
        name: "messages_lost".to_owned(),
        title: "Messages were lost before they were read".to_owned(),
        description:
            "Audit events are gone from a Kafka topic that Nightjar had not read yet. What they recorded was scored by nobody."
                .to_owned(),
        version: "0000000000000001".to_owned(),
        level: Level::High,
        status: Status::Stable,
        kind: RuleKind::Detection,
        tags: Vec::new(),
        false_positives: vec![
            "Nightjar was stopped for longer than the topic keeps its messages.".to_owned(),
            "Somebody deleted the topic, or set its retention lower, on purpose.".to_owned(),
        ],
        references: Vec::new(),
        fields: Vec::new(),
        author: "Nightjar".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: LossKind) -> Alert {
        let loss = Loss { kind, expected: 50, begin: 70 };
        alert(&PartitionId::new("events", 3), &loss, ("native", "hash"), EventTime::from_ms(1))
    }

    #[test]
    fn an_alert_about_a_loss_says_which_partition_how_many_and_why() {
        let alert = told(LossKind::Retention);
        assert_eq!(alert.events_total, 20);
        assert!(
            alert
                .message
                .starts_with("Retention has deleted up to 20 messages of events[3] before they were read: offsets 50 to 69")
        );
        assert!(alert.delivery.is_page());
        let mut json = Vec::new();
        alert.write_ocsf(&mut json);
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json.pointer("/finding_info/analytic/name").unwrap(), "messages_lost");
    }

    #[test]
    fn the_same_loss_has_the_same_identifier_and_another_has_another() {
        assert_eq!(told(LossKind::Retention).uid, told(LossKind::Retention).uid);
        assert_ne!(told(LossKind::Retention).uid, told(LossKind::Recreated).uid);
    }
}
