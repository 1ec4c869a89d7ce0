//! Those who defend the company and those who give access.

use rand::RngExt as _;

use super::analysis::analyse;
use super::engineering::call;
use super::work::Work;
use crate::act::{ActorIndex, Extra, Queue, Subject};
use crate::service::EXTRA_ROLES;
use crate::shared::Desk;
use crate::vocabulary::{Action, Reason, SETTINGS, Tool};

pub(super) fn defend(work: &mut Work<'_>) {
    match work.rng.random_range(0..100) {
        0..50 => analyse(work, "security"),
        50..60 => {
            let waiting = work.take_ticket(Desk::Safety);
            let cause = super::work::Cause { ticket: Some(waiting.ticket), reason: waiting.reason };
            work.on(waiting.account, Action::AccountLookup, cause);
            work.on(waiting.account, Action::SessionRevoke, cause);
        }
        _ => call(work, "/internal/detections"),
    }
}

pub(super) fn administer(work: &mut Work<'_>) {
    let colleague = colleague(work);
    let subject = Subject::Actor(colleague);
    let cause = Some(work.internal_ticket(Queue::Internal, subject, Reason::AccessRequest));
    match work.rng.random_range(0..100) {
        0..40 => {
            let role = EXTRA_ROLES[work.rng.random_range(0..EXTRA_ROLES.len())];
            let grant = Extra::Grant { role, grantee: colleague };
            let action = if work.chance(0.7) { Action::RoleGrant } else { Action::RoleRevoke };
            work.act(action, Tool::AdminPanel, subject, cause, grant);
        }
        40..65 => work.act(Action::PasswordReset, Tool::AdminPanel, subject, cause, Extra::Nothing),
        65..80 => work.act(Action::SessionRevoke, Tool::Idp, subject, cause, Extra::Nothing),
        80..90 => {
            let setting = Subject::Setting(work.rng.random_range(0..SETTINGS.len() as u8));
            work.act(Action::ConfigChange, Tool::AdminPanel, setting, cause, Extra::Nothing);
        }
        _ => work.act(Action::ApiCall, Tool::AdminPanel, subject, cause, Extra::Path("/internal/directory")),
    }
    work.act(Action::TicketClose, Tool::AdminPanel, subject, cause, Extra::Nothing);
}

/// Anybody else.
fn colleague(work: &mut Work<'_>) -> ActorIndex {
    let people = work.company.people.len() as u32;
    let step = work.rng.random_range(1..people);
    ActorIndex((work.actor.0 + step) % people)
}
