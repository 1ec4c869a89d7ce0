//! Somebody at work: the cursor in time, the session, and the small steps from which every piece of work is made.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1};

use crate::accounts::AccountIndex;
use crate::act::{Act, ActorIndex, Extra, Queue, Session, Subject, Ticket};
use crate::company::{Company, Person, pick};
use crate::service::{ServiceKind, session_of};
use crate::shared::{Desk, Shared, Waiting};
use crate::vocabulary::{Action, Outcome, Reason, Role, Tool};

/// Shortest pause between two steps of a person, milliseconds.
const STEP_MIN_MS: f64 = 2_500.0;
const STEP_MAX_MS: f64 = 120_000.0;
/// Share of actions that a tool denies, for people in their first days and for others.
const DENIED_NEW: f64 = 0.05;
const DENIED: f64 = 0.001;

/// Why something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) ticket: Option<Ticket>,
    pub(crate) reason: Reason,
}

pub(crate) struct Work<'a> {
    pub(crate) company: &'a Company,
    pub(crate) shared: &'a mut Shared,
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) out: &'a mut Vec<Act>,
    pub(crate) actor: ActorIndex,
    pub(crate) person: &'a Person,
    pub(crate) session: Session,
    /// The person's previous event: nothing that is appended may be earlier.
    pub(crate) free_from_ms: i64,
    /// When the next step happens.
    pub(crate) at_ms: i64,
    /// In the first days people still lack rights.
    pub(crate) is_new: bool,
}

impl Work<'_> {
    /// An exponentially distributed number with that mean.
    pub(crate) fn around(&mut self, mean: f64) -> f64 {
        let unit: f64 = Exp1.sample(self.rng);
        unit * mean
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    /// Passes the time that a person needs to read and to click.
    pub(crate) fn pause(&mut self, mean_s: f64) {
        let pause_ms = (STEP_MIN_MS + self.around(mean_s * 1_000.0)).min(STEP_MAX_MS);
        self.at_ms += pause_ms as i64;
    }

    /// Does `action` now, then pauses. Now and then the tool says no.
    pub(crate) fn act(&mut self, action: Action, tool: Tool, subject: Subject, cause: Option<Cause>, extra: Extra) {
        let denied = if self.is_new { DENIED_NEW } else { DENIED };
        let may_be_denied = !matches!(action, Action::Login | Action::TicketOpen | Action::TicketClose | Action::SecurityReport);
        let outcome = if may_be_denied && self.chance(denied) { Outcome::Denied } else { Outcome::Success };
        self.act_with(action, outcome, tool, subject, cause, extra);
    }

    /// Does `action` with a known outcome, then pauses.
    pub(crate) fn act_with(
        &mut self,
        action: Action,
        outcome: Outcome,
        tool: Tool,
        subject: Subject,
        cause: Option<Cause>,
        extra: Extra,
    ) {
        self.out.push(Act {
            at_ms: self.at_ms,
            actor: self.actor,
            action,
            outcome,
            tool,
            subject,
            ticket: cause.and_then(|it| it.ticket),
            reason: cause.map(|it| it.reason),
            session: self.session,
            extra,
            label: None,
        });
        self.pause(14.0);
    }

    /// Something done to a customer's account in the agents' console.
    pub(crate) fn on(&mut self, account: AccountIndex, action: Action, cause: Cause) {
        let extra = match action {
            Action::ContactChange => Extra::Contact(if self.chance(0.7) { "email" } else { "phone" }),
            Action::DmRead => Extra::Rows(self.rng.random_range(4..60)),
            Action::CustomerExport => Extra::Rows(self.rng.random_range(1..40)),
            Action::ArchiveDownload => Extra::Rows(self.rng.random_range(800..9_000)),
            _ => Extra::Nothing,
        };
        self.act(action, Tool::AgentConsole, Subject::Account(account), Some(cause), extra);
    }

    /// The next ticket of `desk`. Keeps the queue filled with tickets that customers open meanwhile.
    pub(crate) fn take_ticket(&mut self, desk: Desk) -> Waiting {
        for _ in 0..2 {
            if self.shared.has_room(desk) {
                let opened = self.open_by_customer(desk);
                self.shared.wait(desk, opened);
            }
        }
        match self.shared.take(desk, self.at_ms - 5_000) {
            Some(waiting) => waiting,
            None => self.open_by_customer(desk),
        }
    }

    fn open_by_customer(&mut self, desk: Desk) -> Waiting {
        let (reason, account) = self.wish(desk);
        let ticket = self.shared.number(Queue::Customer);
        let opened_ms = self.open_by(ServiceKind::Intake, ticket, Subject::Account(account), reason);
        Waiting { ticket, account, reason, opened_ms }
    }

    /// What a customer wants, and who it is.
    fn wish(&mut self, desk: Desk) -> (Reason, AccountIndex) {
        let accounts = &self.company.accounts;
        let rng = &mut *self.rng;
        if desk == Desk::Vip {
            return (Reason::VipRequest, accounts.any_watchlisted(rng));
        }
        // A few times a day somebody wants a closed account back.
        if desk == Desk::FirstLine && rng.random_bool(0.000_2) {
            return (Reason::Restore, accounts.any_deleted(rng));
        }
        let reason = match desk {
            Desk::FirstLine => pick(&[(Reason::LoginIssue, 35), (Reason::GeneralHelp, 55), (Reason::AbuseReport, 10)], rng),
            Desk::SecondLine => pick(
                &[
                    (Reason::ContactUpdate, 24),
                    (Reason::LostFactor, 16),
                    (Reason::CompromisedAccount, 22),
                    (Reason::PrivacyRequest, 4),
                    (Reason::GeneralHelp, 34),
                ],
                rng,
            ),
            Desk::Safety | Desk::Vip => {
                pick(&[(Reason::AbuseReport, 85), (Reason::CompromisedAccount, 14), (Reason::SpamNetwork, 1)], rng)
            }
        };
        (reason, accounts.any_ordinary(rng))
    }

    /// Has a program open `ticket` at some time since the previous piece of work; gives that time.
    fn open_by(&mut self, kind: ServiceKind, ticket: Ticket, subject: Subject, reason: Reason) -> i64 {
        let (actor, place) = self.company.service_of(kind, ticket.number);
        let latest_ms = (self.at_ms - 6_000).max(self.free_from_ms + 1);
        let at_ms = self.rng.random_range(self.free_from_ms..latest_ms);
        self.out.push(Act {
            at_ms,
            actor,
            action: Action::TicketOpen,
            outcome: Outcome::Success,
            tool: Tool::Helpdesk,
            subject,
            ticket: Some(ticket),
            reason: Some(reason),
            session: session_of(actor, place),
            extra: Extra::Nothing,
            label: None,
        });
        self.shared.opened(ticket, at_ms, actor);
        at_ms
    }

    /// A ticket about `subject` that a program opened shortly before.
    pub(crate) fn internal_ticket(&mut self, queue: Queue, subject: Subject, reason: Reason) -> Cause {
        let ticket = self.shared.number(queue);
        let kind = if queue == Queue::Incident { ServiceKind::Monitor } else { ServiceKind::Intake };
        self.open_by(kind, ticket, subject, reason);
        Cause { ticket: Some(ticket), reason }
    }

    /// Signs in: mistyped passwords first, then the identity provider, then the tool itself.
    pub(crate) fn sign_in(&mut self) {
        let typos = match self.rng.random_range(0..2_000) {
            0..70 => 1,
            70..82 => 2,
            82..84 => 3,
            _ => 0,
        };
        for _ in 0..typos {
            self.act_with(Action::Login, Outcome::Failure, Tool::Idp, Subject::Nothing, None, Extra::Nothing);
        }
        self.act(Action::Login, Tool::Idp, Subject::Nothing, None, Extra::Nothing);
        let tool = match self.person.role {
            Role::SupportT1 | Role::SupportT2 | Role::TrustSafety => Tool::AgentConsole,
            Role::Sre | Role::Engineer | Role::Security => Tool::ProdAccess,
            Role::DataAnalyst | Role::AdsAnalyst | Role::Manager | Role::Service => Tool::DataWarehouse,
            Role::ItAdmin => Tool::AdminPanel,
        };
        self.act(Action::Login, tool, Subject::Nothing, None, Extra::Nothing);
    }
}
