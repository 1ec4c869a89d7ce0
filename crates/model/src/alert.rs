//! An alert: what matched, who, what it was done to, and why; written as OCSF by [`crate::ocsf`].

use crate::source::Outcome;
use crate::{Deviation, EventTime, Exception, Level, Status, Triaged};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What kind of rule made an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleKind {
    /// One event matched.
    #[default]
    Detection,
    /// Several events together did.
    Correlation,
    /// No rule: what was done is out of the ordinary for the actor.
    Behaviour,
}

/// What an alert says about its rule; shared by all its alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInfo {
    /// The UUID in the rule, or one derived from its name.
    pub id: String,
    /// `name:` of the rule, else the file stem.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What the rule is about.
    pub description: String,
    /// The content hash of the rule, 16 hexadecimal digits.
    pub version: String,
    /// How bad a match is.
    pub level: Level,
    /// How far the rule has come: whether it pages.
    pub status: Status,
    /// Detection or correlation.
    pub kind: RuleKind,
    /// Sigma tags as written, such as `attack.t1098`.
    pub tags: Vec<String>,
    /// Known innocent causes.
    pub false_positives: Vec<String>,
    /// Documents to read.
    pub references: Vec<String>,
    /// Fields that its author wants to see in an alert.
    pub fields: Vec<String>,
    /// Who wrote it.
    pub author: String,
}

/// Who acted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorRef {
    /// The actor's identifier.
    pub id: String,
    /// Mail address, if known.
    pub email: Option<String>,
    /// Employee, contractor, service, or the vendor's word.
    pub kind: Option<String>,
    /// Job.
    pub role: Option<String>,
    /// Team.
    pub team: Option<String>,
}

/// What it was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRef {
    /// The target's identifier.
    pub id: String,
    /// The kind of thing.
    pub kind: Option<String>,
    /// Its name for people.
    pub label: Option<String>,
    /// Tags such as `verified`.
    pub tags: Vec<String>,
}

/// Where it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginRef {
    /// Network address.
    pub ip: Option<String>,
    /// ISO 3166 country.
    pub country: Option<String>,
    /// Device identifier.
    pub device: Option<String>,
    /// Session identifier.
    pub session: Option<String>,
}

/// One field that made the rule match.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The field, as the rule names it.
    pub field: String,
    /// The value in the event, as JSON.
    pub value: serde_json::Value,
}

/// The window of a correlation when it fired.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowInfo {
    /// The field values that the events have in common, in the order of `group-by`.
    pub group: Vec<(String, String)>,
    /// Time of the first contributing event.
    pub first: EventTime,
    /// Time of the last one.
    pub last: EventTime,
    /// The rule's timespan in milliseconds.
    pub timespan_ms: i64,
    /// What was counted when the rule fired: events, distinct values or steps.
    pub count: u64,
    /// The sum, mean, percentile or median, where the condition is about that; `count` is of how many numbers.
    pub value: Option<f64>,
    /// What is counted or measured, in words: `events`, `distinct target.id`, `steps`, `sum of detail.rows`.
    pub counted: String,
    /// The condition in words: `≥ 25`.
    pub condition: String,
}

/// Whether anybody is called because of an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody is to look at it.
    #[default]
    Page,
    /// Its rule is in shadow: it is recorded and counted.
    Shadow,
    /// An exception covers it: it is recorded and counted, with the exception.
    Excepted(Arc<Exception>),
}

impl Delivery {
    /// Whether somebody is to look at the alert.
    pub fn is_page(&self) -> bool {
        *self == Self::Page
    }
}

/// One alert, complete: nothing else is needed to write it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The same alert always has the same identifier: a version 5 UUID of (rule, group, window or event).
    pub uid: String,
    /// Event time of the triggering event.
    pub time: EventTime,
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// Whether it pages.
    pub delivery: Delivery,
    /// Hash of the whole rule set that was loaded.
    pub rule_set: Arc<str>,
    /// Name of the source mapping the triggering event came through.
    pub source: Arc<str>,
    /// Who did the triggering event.
    pub actor: ActorRef,
    /// Every actor that took part, the triggering one included, sorted, at most [`Alert::ACTORS_MAX`].
    pub actors: Vec<String>,
    /// Action of the triggering event.
    pub action: String,
    /// Tool of the triggering event.
    pub tool: Option<String>,
    /// What became of the triggering event.
    pub outcome: Outcome,
    /// The target of the triggering event, if it has one.
    pub target: Option<TargetRef>,
    /// Where the triggering event came from.
    pub origin: OriginRef,
    /// The correlation's window; `None` for a detection.
    pub window: Option<WindowInfo>,
    /// Identifiers of the contributing events in event-time order, at most [`Alert::EVENTS_MAX`], the latest kept.
    pub events: Vec<String>,
    /// How many events contributed in all.
    pub events_total: u64,
    /// The fields of the triggering event that made the rule match, and those that the rule wants to be shown.
    pub evidence: Vec<Evidence>,
    /// What is out of the ordinary about the triggering event; for alerts about behaviour.
    pub deviation: Option<Box<Deviation>>,
    /// What was decided about it where alerts are triaged: its incident, and why it is shown.
    pub triaged: Option<Box<Triaged>>,
    /// The reason in one sentence.
    pub message: String,
}

impl Alert {
    /// Most contributing event identifiers that an alert carries.
    pub const EVENTS_MAX: usize = 100;
    /// Most actors that an alert names.
    pub const ACTORS_MAX: usize = 100;
}
