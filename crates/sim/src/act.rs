//! One thing somebody does, before it is written as JSON: small and `Copy`, so that queues of them are cheap.

use crate::accounts::AccountIndex;
use crate::truth::AttackLabel;
use crate::vocabulary::{Action, Auth, Outcome, Reason, Role, Tool};

/// An actor: people first, then services; an index into the company's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActorIndex(pub(crate) u32);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Act {
    pub(crate) at_ms: i64,
    pub(crate) actor: ActorIndex,
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    pub(crate) tool: Tool,
    pub(crate) subject: Subject,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) reason: Option<Reason>,
    pub(crate) session: Session,
    pub(crate) extra: Extra,
    pub(crate) label: Option<AttackLabel>,
}

/// What is acted upon (`target`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Nothing,
    Account(AccountIndex),
    Actor(ActorIndex),
    Host(u16),
    Dataset(u8),
    Setting(u8),
}

/// The part of `detail` that depends on the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    Nothing,
    /// Result rows of a query or an export, or messages of a conversation.
    Rows(u32),
    Grant {
        role: Role,
        grantee: ActorIndex,
    },
    Command(u8),
    /// What kind of contact datum changed.
    Contact(&'static str),
    /// What a security report says.
    Report(&'static str),
    Path(&'static str),
}

/// A piece of work that somebody asked for (`justification.ticket`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) queue: Queue,
    pub(crate) number: u32,
}

/// Whose ticket it is; the prefix of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    Customer,
    Incident,
    Internal,
}

impl Queue {
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Customer => "CS-",
            Self::Incident => "INC-",
            Self::Internal => "ITS-",
        }
    }
}

/// A signed-in session: number, factor, and where from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) id: u32,
    pub(crate) auth: Auth,
    pub(crate) place: Place,
}

/// Network and device (`source`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) ip: [u8; 4],
    pub(crate) country: &'static str,
    pub(crate) asn: u32,
    pub(crate) device: Device,
}

/// `source.device_id` and `source.device_managed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// A company laptop.
    Laptop(u32),
    /// Somebody's own phone.
    Phone(u32),
    /// A server.
    Server(u32),
    /// A computer that the company does not manage.
    Foreign(u32),
}
