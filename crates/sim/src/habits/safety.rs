//! Trust and safety: one report after the other, now and then a whole network of spam accounts.

use rand::RngExt as _;

use super::work::{Cause, Work};
use crate::act::{Extra, Subject};
use crate::shared::Desk;
use crate::vocabulary::{Action, Reason, Tool};

pub(super) fn review(work: &mut Work<'_>) {
    // Messages read without a case: about every other day among 600 people.
    if work.chance(0.000_15) {
        let account = work.company.accounts.any_untagged(work.rng);
        return work.on(account, Action::DmRead, Cause { ticket: None, reason: Reason::Browsing });
    }
    let waiting = work.take_ticket(Desk::Safety);
    let cause = Cause { ticket: Some(waiting.ticket), reason: waiting.reason };
    if waiting.reason == Reason::SpamNetwork {
        review_network(work, cause);
    }
    let account = waiting.account;
    work.on(account, Action::AccountLookup, cause);
    if work.chance(0.12) {
        work.on(account, Action::DmRead, cause);
    }
    match waiting.reason {
        Reason::AbuseReport if work.chance(0.3) => work.on(account, Action::Suspend, cause),
        Reason::CompromisedAccount => work.on(account, Action::SessionRevoke, cause),
        _ => {}
    }
    work.act(Action::TicketClose, Tool::AgentConsole, Subject::Account(account), Some(cause), Extra::Nothing);
}

/// Many accounts in a row, all for one ticket; one network in fifty is large.
fn review_network(work: &mut Work<'_>, cause: Cause) {
    let members = if work.chance(0.02) { work.rng.random_range(28..40) } else { work.rng.random_range(6..15) };
    for _ in 0..members {
        let account = work.company.accounts.any_untagged(work.rng);
        work.on(account, Action::AccountLookup, cause);
        if work.chance(0.5) {
            work.on(account, Action::Suspend, cause);
        }
    }
}
