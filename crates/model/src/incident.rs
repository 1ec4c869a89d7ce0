//! An incident: all alerts of one actor that belong together, told once and then amended; written as OCSF by [`crate::ocsf`].

use crate::{ActorRef, EventTime, Level, RuleKind};

/// One state of an incident. Records with the same identifier are versions of one incident: the latest has all that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The same incident always has the same identifier: a version 5 UUID of the actor and of when it began.
    pub uid: String,
    /// Whether this is the first record of it.
    pub is_new: bool,
    /// The time of what this record tells.
    pub time: EventTime,
    /// Time of the first finding.
    pub first: EventTime,
    /// Time of the latest.
    pub last: EventTime,
    /// Whom it is about.
    pub actor: ActorRef,
    /// That of its worst finding.
    pub level: Level,
    /// The actor's decaying risk (half-life three days), of behaviour and rules together.
    pub risk: f64,
    /// The part of it that comes from rules.
    pub risk_of_rules: f64,
    /// The alerts in it, oldest first, at most [`Incident::FINDINGS_MAX`]: of each rule at least one as long as there is room.
    pub findings: Vec<IncidentFinding>,
    /// How many alerts there are in all.
    pub findings_total: u64,
    /// How many events have raised the risk further without an alert of their own.
    pub increments: u64,
    /// Why, in a sentence.
    pub message: String,
}

impl Incident {
    /// More alerts are counted, but not named.
    pub const FINDINGS_MAX: usize = 50;
}

/// An alert of an incident.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IncidentFinding {
    /// The alert's identifier.
    pub uid: String,
    /// Event time, in milliseconds since the epoch.
    pub time_ms: i64,
    /// The rule's identifier.
    pub rule_id: String,
    /// The rule's name.
    pub rule_name: String,
    /// The rule's title.
    pub title: String,
    /// What kind of rule it is.
    pub kind: RuleKind,
    /// How bad it is.
    pub level: Level,
    /// Events that have added to it since, at most [`IncidentFinding::EVENTS_MAX`], the latest kept.
    pub events: Vec<String>,
    /// How many have.
    pub events_total: u64,
}

impl IncidentFinding {
    /// More events are counted, but not named.
    pub const EVENTS_MAX: usize = 20;
}
