//! Collects the events of an attack and derives the truth from the very same events.

use crate::accounts::AccountIndex;
use crate::act::{Act, ActorIndex, Extra, Session, Subject};
use crate::attack::Attack;
use crate::company::Company;
use crate::truth::{AttackLabel, AttackStep, AttackTruth, Takeover, Touch};
use crate::vocabulary::{Action, Outcome, Reason, Tool};

/// An attack being planned.
pub(super) struct Plot<'a> {
    company: &'a Company,
    steps: Vec<(Act, AttackStep)>,
}

impl<'a> Plot<'a> {
    pub(super) fn new(company: &'a Company) -> Self {
        Self { company, steps: Vec::new() }
    }

    /// Something that is about no customer.
    pub(super) fn add(&mut self, step: AttackStep, act: Act) {
        self.steps.push((act, step));
    }

    /// Something done to a customer's account in the agents' console, without a ticket.
    pub(super) fn on(&mut self, at_ms: i64, actor: ActorIndex, session: Session, action: Action, account: AccountIndex) {
        let step = match action {
            Action::ContactChange => AttackStep::ContactChange,
            Action::MfaDisable => AttackStep::MfaDisable,
            Action::PasswordReset => AttackStep::PasswordReset,
            Action::DmRead => AttackStep::DmRead,
            Action::ArchiveDownload => AttackStep::Archive,
            _ => AttackStep::Lookup,
        };
        let extra = match action {
            Action::ContactChange => Extra::Contact("email"),
            Action::DmRead => Extra::Rows(40 + (at_ms % 160) as u32),
            Action::ArchiveDownload => Extra::Rows(800 + (at_ms % 8_200) as u32),
            _ => Extra::Nothing,
        };
        let reason = Some(Reason::Browsing);
        let subject = Subject::Account(account);
        self.add(step, Act { reason, extra, ..act(at_ms, actor, session, action, Tool::AgentConsole, subject) });
    }

    /// Sorts the events, numbers the targets by first touch, and writes down the truth.
    pub(super) fn finish(mut self, actors: &[ActorIndex]) -> Attack {
        self.steps.sort_by_key(|(act, _)| act.at_ms);
        let mut touched: Vec<AccountIndex> = Vec::new();
        let mut begun_ms: Vec<i64> = Vec::new();
        let mut truth = AttackTruth {
            actors: actors.iter().map(|&it| self.company.actor_id(it).to_owned()).collect(),
            events: self.steps.len() as u64,
            ..AttackTruth::default()
        };
        let mut acts = Vec::with_capacity(self.steps.len());
        for (act, step) in self.steps {
            let time_ms = act.at_ms;
            let index = match act.subject {
                Subject::Account(account) => Some(touched.iter().position(|&it| it == account).unwrap_or_else(|| {
                    touched.push(account);
                    begun_ms.push(time_ms);
                    truth.targets.push(Touch { time_ms, target: self.company.accounts.id(account).to_string() });
                    touched.len() - 1
                })),
                _ => None,
            };
            let touch = |truth: &AttackTruth, index: usize| Touch { time_ms, target: truth.targets[index].target.clone() };
            match (step, index) {
                (AttackStep::Report, _) => truth.first_report_ms = truth.first_report_ms.or(Some(time_ms)),
                (AttackStep::Login, _) => truth.started_ms = truth.started_ms.or(Some(time_ms)),
                (AttackStep::ContactChange, Some(index)) => begun_ms[index] = time_ms,
                (AttackStep::PasswordReset, Some(index)) => {
                    let target = truth.targets[index].target.clone();
                    truth.takeovers.push(Takeover { begun_ms: begun_ms[index], time_ms, target });
                }
                (AttackStep::DmRead, Some(index)) => truth.inboxes.push(touch(&truth, index)),
                (AttackStep::Archive, Some(index)) => truth.archives.push(touch(&truth, index)),
                _ => {}
            }
            truth.ended_ms = Some(time_ms);
            let target = index.map(|it| it as u16);
            acts.push(Act { label: Some(AttackLabel { step, target }), ..act });
        }
        Attack { acts, truth }
    }
}

/// A successful act with nothing special about it.
pub(super) fn act(at_ms: i64, actor: ActorIndex, session: Session, action: Action, tool: Tool, subject: Subject) -> Act {
    Act {
        at_ms,
        actor,
        action,
        outcome: Outcome::Success,
        tool,
        subject,
        ticket: None,
        reason: None,
        session,
        extra: Extra::Nothing,
        label: None,
    }
}
