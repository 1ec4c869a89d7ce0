//! What really happens in a tabletop exercise, as NDJSON: one record for the run, one for each stress, one for each attack.

use serde::{Deserialize, Serialize};

use super::calendar::StressKind;

/// One line of the labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum LabelRecord {
    /// The exercise as a whole; the first line.
    Run(RunRecord),
    /// Something hard but harmless.
    Stress(StressRecord),
    /// One attack.
    Attack(AttackRecord),
}

/// The exercise as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The seed that everything follows from.
    pub seed: u64,
    /// People in the organisation; programs come on top.
    pub people: u32,
    /// Length in days.
    pub days: u32,
    /// First instant, epoch milliseconds.
    pub start_ms: i64,
    /// First instant after the end, epoch milliseconds.
    pub end_ms: i64,
    /// No attack begins before, so that habits exist; epoch milliseconds.
    pub attacks_from_ms: i64,
}

/// Something hard but harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StressRecord {
    /// What kind of thing.
    pub kind: StressKind,
    /// What it is, for people.
    pub name: String,
    /// First instant, epoch milliseconds.
    pub from_ms: i64,
    /// First instant after it, epoch milliseconds.
    pub until_ms: i64,
    /// `actor.id` of whom it concerns; empty if it concerns everybody.
    #[serde(default)]
    pub actors: Vec<String>,
}

/// How an attack has to be seen, and with it what is asked of a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackGroup {
    /// Much at once.
    Loud,
    /// No reason given, or a protected target.
    Ticketless,
    /// The reason that is given is false.
    Bogus,
    /// A little more than usual, for weeks.
    Slow,
    /// A single thing or a few, each of which could be right.
    Rare,
    /// Several people, each of whom does little.
    Collusion,
}

impl AttackGroup {
    /// The word for it in labels and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loud => "loud",
            Self::Ticketless => "ticketless",
            Self::Bogus => "bogus",
            Self::Slow => "slow",
            Self::Rare => "rare",
            Self::Collusion => "collusion",
        }
    }
}

/// One attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackRecord {
    /// `vip_peek-2`.
    pub id: String,
    /// What it is an instance of: `vip_peek`.
    pub pattern: String,
    /// How it has to be seen.
    pub group: AttackGroup,
    /// In which of its ways the pattern appears, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// One sentence for people.
    pub story: String,
    /// `actor.id` of those whose identity is used.
    pub actors: Vec<String>,
    /// `target.id` of everything that is touched, in the order of the first touch.
    pub targets: Vec<String>,
    /// Time of the first event, epoch milliseconds.
    pub first_ms: i64,
    /// Time of the last event, epoch milliseconds.
    pub last_ms: i64,
    /// The injected cause: computed fields, by the beginnings of their names, that change because of the attack and not by chance.
    /// The strongest contribution to an alert about the attack should be one of them.
    pub causes: Vec<String>,
    /// Every event of the attack, in time order.
    pub events: Vec<AttackEvent>,
}

/// One event of an attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackEvent {
    /// The event's `id`.
    pub id: String,
    /// Event time, epoch milliseconds.
    pub time_ms: i64,
    /// Who, as an index into `actors`.
    pub actor: u32,
    /// To what, as an index into `targets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
}
