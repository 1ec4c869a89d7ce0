//! Purpose as a relation: what the ticket that an event names has to do with what was done, to what, by whom and when.

use super::names::Name;
use super::tickets::{Span, Tickets};
use sigma::parse::taxonomy::TicketRules;

/// What is to be said of an event's ticket. Of several that hold, the first of these is said: what makes it no reason at all, then what makes
/// it another's reason, then what is wrong with how it came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TicketVerdict {
    /// One is needed and none is named.
    Missing,
    /// There is no such ticket.
    Unknown,
    /// It was opened after the event.
    OpenedAfter,
    /// It was closed before the event.
    NotOpen,
    /// It is about something else.
    WrongTarget,
    /// Somebody else works on it.
    WrongAgent,
    /// The actor opened it himself.
    SelfOpened,
    /// It names no target, and the actor has used it for too many.
    Reused,
    /// It justifies the action.
    Ok,
}

impl TicketVerdict {
    /// The word for it, one of [`sigma::computed::TICKET_VERDICTS`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::OpenedAfter => "opened_after",
            Self::NotOpen => "not_open",
            Self::WrongTarget => "wrong_target",
            Self::WrongAgent => "wrong_agent",
            Self::SelfOpened => "self_opened",
            Self::Reused => "reused",
            Self::Ok => "ok",
        }
    }
}

/// What an event says that its ticket is compared with. [`Name::NONE`] is what the event does not say; what no table has is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Deed {
    /// When.
    pub at_ms: i64,
    /// Who: identifier in the event, and in the roster if it is another one.
    pub actor: [Option<Name>; 2],
    /// The actor's team.
    pub team: Name,
    /// To what: identifier and label. Both `Some(NONE)`: to nothing.
    pub target: [Option<Name>; 2],
    /// For how many targets the actor has used the ticket by now, this one included.
    pub targets_used: u8,
}

impl Deed {
    fn is_actor(&self, name: Name) -> bool {
        name.is_some() && self.actor.contains(&Some(name))
    }

    fn has_target(&self) -> bool {
        self.target.iter().any(|it| *it != Some(Name::NONE))
    }
}

impl Tickets {
    /// What is to be said of `ticket`, which is `None` if no table has it. A ticket that was opened again is judged for each time that it was
    /// open, and the best of that counts.
    pub fn verdict(&self, ticket: Option<Name>, deed: &Deed, rules: &TicketRules) -> TicketVerdict {
        let spans = ticket.map_or(&[][..], |it| self.of(it));
        spans.iter().map(|it| self.of_span(it, deed, rules)).max().unwrap_or(TicketVerdict::Unknown)
    }

    fn of_span(&self, span: &Span, deed: &Deed, rules: &TicketRules) -> TicketVerdict {
        let (targets, assignees) = (self.targets(span), self.assignees(span));
        if deed.at_ms < span.opened_ms.saturating_sub(rules.opened_grace_ms) {
            return TicketVerdict::OpenedAfter;
        }
        if deed.at_ms >= span.closed_ms.saturating_add(rules.closed_grace_ms) {
            return TicketVerdict::NotOpen;
        }
        let is_about = |it: &Name| deed.target.contains(&Some(*it));
        if deed.has_target() && !targets.is_empty() && !targets.iter().any(is_about) {
            return TicketVerdict::WrongTarget;
        }
        let is_theirs = assignees.iter().any(|it| deed.is_actor(*it)) || span.team.is_some() && span.team == deed.team;
        if !is_theirs && (!assignees.is_empty() || span.team.is_some()) {
            return TicketVerdict::WrongAgent;
        }
        if deed.is_actor(span.opened_by) {
            return TicketVerdict::SelfOpened;
        }
        if targets.is_empty() && deed.targets_used > rules.targets_max {
            return TicketVerdict::Reused;
        }
        TicketVerdict::Ok
    }
}
