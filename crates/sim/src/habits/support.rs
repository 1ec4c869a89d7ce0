//! Customer support: first line, second line, and the desk for protected customers.

use rand::RngExt as _;

use super::work::{Cause, Work};
use crate::accounts::AccountIndex;
use crate::act::{Extra, Queue, Subject};
use crate::shared::{Desk, Waiting};
use crate::vocabulary::{Action, Outcome, Reason, Tool};

/// Share of look-ups for which nobody opened a ticket: a chat, a colleague's question, a mistyped handle.
const WITHOUT_TICKET: f64 = 0.05;
/// Share of cases in which an agent gives in to curiosity: about one a day among 600 people.
const CURIOSITY: f64 = 0.000_1;

pub(super) fn first_line(work: &mut Work<'_>) {
    if work.chance(CURIOSITY) && work.shared.allows_curiosity() {
        return look_without_ticket(work, None);
    }
    if work.chance(WITHOUT_TICKET) {
        let account = work.company.accounts.any_untagged(work.rng);
        return look_without_ticket(work, Some(account));
    }
    let waiting = if work.chance(0.05) { answer_phone(work) } else { work.take_ticket(Desk::FirstLine) };
    let (account, cause) = (waiting.account, cause_of(waiting));
    look(work, account, cause);
    match waiting.reason {
        Reason::LoginIssue if work.chance(0.45) => work.on(account, Action::PasswordReset, cause),
        Reason::AbuseReport if work.chance(0.25) => work.on(account, Action::Suspend, cause),
        _ => {}
    }
    if work.chance(0.002) {
        // Beyond the first line's rights.
        let subject = Subject::Account(account);
        work.act_with(Action::MfaDisable, Outcome::Denied, Tool::AgentConsole, subject, Some(cause), Extra::Nothing);
    }
    if work.chance(0.07) {
        let reason = if work.chance(0.5) { Reason::CompromisedAccount } else { Reason::LostFactor };
        let ticket = work.shared.escalated(waiting.ticket, work.at_ms, work.actor);
        let escalated = Waiting { ticket, reason, opened_ms: work.at_ms, ..waiting };
        return work.shared.wait(Desk::SecondLine, escalated);
    }
    close(work, account, cause);
}

pub(super) fn second_line(work: &mut Work<'_>) {
    if work.chance(CURIOSITY) && work.shared.allows_curiosity() {
        return look_without_ticket(work, None);
    }
    if work.chance(WITHOUT_TICKET) {
        let account = work.company.accounts.any_untagged(work.rng);
        return look_without_ticket(work, Some(account));
    }
    let waiting = work.take_ticket(Desk::SecondLine);
    let (account, cause) = (waiting.account, cause_of(waiting));
    look(work, account, cause);
    for &action in remedy(work, waiting.reason) {
        work.on(account, action, cause);
    }
    close(work, account, cause);
}

/// What the second line does about it. The whole chain of a takeover is right once in about 2,000 cases.
fn remedy(work: &mut Work<'_>, reason: Reason) -> &'static [Action] {
    let drawn: f64 = work.rng.random();
    match reason {
        Reason::ContactUpdate if drawn < 0.75 => &[Action::ContactChange],
        Reason::ContactUpdate if drawn < 0.80 => &[Action::ContactChange, Action::PasswordReset],
        Reason::LostFactor if drawn < 0.70 => &[Action::MfaDisable],
        Reason::LostFactor if drawn < 0.82 => &[Action::MfaDisable, Action::PasswordReset],
        Reason::CompromisedAccount if drawn < 0.002 => {
            &[Action::ContactChange, Action::MfaDisable, Action::PasswordReset, Action::SessionRevoke]
        }
        Reason::CompromisedAccount if drawn < 0.75 => &[Action::PasswordReset, Action::SessionRevoke],
        Reason::CompromisedAccount if drawn < 0.85 => &[Action::SessionRevoke],
        Reason::PrivacyRequest if drawn < 0.55 => &[Action::CustomerExport],
        Reason::PrivacyRequest if drawn < 0.65 => &[Action::ArchiveDownload],
        Reason::PrivacyRequest if drawn < 0.90 => &[Action::Deactivate],
        _ => &[],
    }
}

pub(super) fn vip(work: &mut Work<'_>) {
    // About once every other day the desk is called directly and forgets the ticket.
    if work.chance(0.002) {
        return look_without_ticket(work, None);
    }
    // With few protected customers there is other second-line work to do.
    if work.chance(0.5) {
        return second_line(work);
    }
    let waiting = work.take_ticket(Desk::Vip);
    let (account, cause) = (waiting.account, cause_of(waiting));
    look(work, account, cause);
    match work.rng.random_range(0..100) {
        0..12 => work.on(account, Action::PasswordReset, cause),
        12..20 => work.on(account, Action::SessionRevoke, cause),
        20..26 => work.on(account, Action::ContactChange, cause),
        _ => {}
    }
    close(work, account, cause);
}

fn cause_of(waiting: Waiting) -> Cause {
    Cause { ticket: Some(waiting.ticket), reason: waiting.reason }
}

/// A customer on the phone: the agent opens the ticket.
fn answer_phone(work: &mut Work<'_>) -> Waiting {
    let account = work.company.accounts.any_ordinary(work.rng);
    let ticket = work.shared.number(Queue::Customer);
    let reason = if work.chance(0.5) { Reason::LoginIssue } else { Reason::GeneralHelp };
    let waiting = Waiting { ticket, account, reason, opened_ms: work.at_ms };
    work.shared.opened(ticket, work.at_ms, work.actor);
    let subject = Subject::Account(account);
    work.act(Action::TicketOpen, Tool::AgentConsole, subject, Some(cause_of(waiting)), Extra::Nothing);
    waiting
}

fn look(work: &mut Work<'_>, account: AccountIndex, cause: Cause) {
    if work.chance(0.4) {
        work.act(Action::AccountSearch, Tool::AgentConsole, Subject::Nothing, Some(cause), Extra::Nothing);
    }
    work.on(account, Action::AccountLookup, cause);
    if work.chance(0.35) {
        work.on(account, Action::ViewEmail, cause);
    }
    if work.chance(0.10) {
        work.on(account, Action::ViewPhone, cause);
    }
}

fn close(work: &mut Work<'_>, account: AccountIndex, cause: Cause) {
    let subject = Subject::Account(account);
    work.act(Action::TicketClose, Tool::AgentConsole, subject, Some(cause), Extra::Nothing);
}

/// A look without a ticket at `account`, or, out of curiosity, at somebody protected.
fn look_without_ticket(work: &mut Work<'_>, account: Option<AccountIndex>) {
    let account = account.unwrap_or_else(|| work.company.accounts.any_watchlisted(work.rng));
    let cause = Cause { ticket: None, reason: Reason::Browsing };
    work.on(account, Action::AccountLookup, cause);
    if work.chance(0.1) {
        work.on(account, Action::ViewEmail, cause);
    }
}
