//! An alert about behaviour that is not told yet, as it stands in a snapshot.

use model::alert::OriginRef;
use model::source::Outcome;
use model::{ActorRef, Alert, Delivery, Deviation, EventTime, Evidence, RuleInfo, TargetRef, Triaged, WindowInfo};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// All that such an alert has: no window, no evidence, and nothing decided.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Alert")]
struct Kept {
    uid: String,
    #[serde(with = "in_ms", rename = "ms")]
    time: EventTime,
    #[serde(with = "shared")]
    rule: Arc<RuleInfo>,
    /// Candidates are in shadow until they are told.
    #[serde(skip, default = "in_shadow")]
    delivery: Delivery,
    #[serde(with = "text")]
    rule_set: Arc<str>,
    #[serde(with = "text")]
    source: Arc<str>,
    actor: ActorRef,
    actors: Vec<String>,
    action: String,
    tool: Option<String>,
    outcome: Outcome,
    target: Option<TargetRef>,
    origin: OriginRef,
    #[serde(skip)]
    window: Option<WindowInfo>,
    events: Vec<String>,
    events_total: u64,
    #[serde(skip)]
    evidence: Vec<Evidence>,
    deviation: Option<Box<Deviation>>,
    #[serde(skip)]
    triaged: Option<Box<Triaged>>,
    message: String,
}

fn in_shadow() -> Delivery {
    Delivery::Shadow
}

pub(super) fn serialize<S: Serializer>(alert: &Alert, serializer: S) -> Result<S::Ok, S::Error> {
    Kept::serialize(alert, serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Alert>, D::Error> {
    Kept::deserialize(deserializer).map(Box::new)
}

mod in_ms {
    use super::{Deserialize, Deserializer, EventTime, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on references")]
    pub(super) fn serialize<S: Serializer>(time: &EventTime, serializer: S) -> Result<S::Ok, S::Error> {
        time.ms().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventTime, D::Error> {
        i64::deserialize(deserializer).map(EventTime::from_ms)
    }
}

mod shared {
    use super::{Arc, Deserialize, Deserializer, RuleInfo, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(rule: &Arc<RuleInfo>, serializer: S) -> Result<S::Ok, S::Error> {
        rule.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<RuleInfo>, D::Error> {
        RuleInfo::deserialize(deserializer).map(Arc::new)
    }
}

mod text {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        text.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Into::into)
    }
}
