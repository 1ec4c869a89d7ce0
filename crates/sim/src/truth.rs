//! What really happened: the ground truth that a scenario exposes beside its events.

use serde::Serialize;

/// Marks an event as part of an attack. Benign events carry no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AttackLabel {
    /// What the attacker (or the person who noticed) did.
    pub step: AttackStep,
    /// The account, as an index into [`AttackTruth::targets`]; none when the event is about no customer.
    pub target: Option<u16>,
}

impl AttackLabel {
    /// False for the reports of people who noticed the calls: part of the story, but not of the misuse.
    pub fn is_intrusion(self) -> bool {
        self.step != AttackStep::Report
    }
}

/// The steps of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackStep {
    /// An employee reports a suspicious call.
    Report,
    /// A sign-in, or an attempt at one, with stolen credentials.
    Login,
    /// Finding out what the stolen identity may do, denied attempts included.
    Probe,
    /// Looking at an account: profile, e-mail, phone.
    Lookup,
    /// First step of a takeover: the contact address becomes the attacker's.
    ContactChange,
    /// Second step: the second factor goes.
    MfaDisable,
    /// Third step: with the password the account is lost.
    PasswordReset,
    /// Reading direct messages.
    DmRead,
    /// Downloading everything an account ever did.
    Archive,
}

/// When an account was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touch {
    /// Event time, epoch milliseconds.
    pub time_ms: i64,
    /// `target.id` of the account.
    pub target: String,
}

/// An account that was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Takeover {
    /// The contact change, epoch milliseconds.
    pub begun_ms: i64,
    /// The password reset, with which the account is lost, epoch milliseconds.
    pub time_ms: i64,
    /// `target.id` of the account.
    pub target: String,
}

/// The whole attack, known in advance. Empty for a quiet company. All lists are in time order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AttackTruth {
    /// The first attempt to sign in with stolen credentials, epoch milliseconds.
    pub started_ms: Option<i64>,
    /// The last event of the attack, epoch milliseconds.
    pub ended_ms: Option<i64>,
    /// The first report of a suspicious call, epoch milliseconds; may precede `started_ms`.
    pub first_report_ms: Option<i64>,
    /// `actor.id` of the stolen identities, in the order in which they were stolen.
    pub actors: Vec<String>,
    /// Every account the attackers touched, with the time of the first touch.
    pub targets: Vec<Touch>,
    /// Accounts taken over.
    pub takeovers: Vec<Takeover>,
    /// Inboxes read.
    pub inboxes: Vec<Touch>,
    /// Archives downloaded.
    pub archives: Vec<Touch>,
    /// Number of labelled events, reports included.
    pub events: u64,
}
