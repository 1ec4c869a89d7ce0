//! No reason, or a false one.

use rand::RngExt as _;

use super::Planned;
use super::planner::{Draft, HOUR_MS, MINUTE_MS, Planner, is_agent};
use crate::act::{ActorIndex, Extra, Subject, Ticket};
use crate::config::DAY_MS;
use crate::tabletop::labels::AttackGroup;
use crate::tabletop::ledger::Row;
use crate::vocabulary::{Action, Reason, Tool};

/// Uber's "god view", Snapchat: somebody curious about the famous, a few a day.
pub(super) fn vip_peek(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(is_agent)?;
    let from = planner.day(8);
    let days = planner.rng.random_range(2..6);
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, days) {
        let looks = planner.rng.random_range(2..7);
        let celebrities = planner.protected_ones(looks);
        for (at_ms, account) in planner.moments(&duty, looks).into_iter().zip(celebrities) {
            draft.look(planner, at_ms, who, duty.session, account, None);
        }
    }
    draft.finish(
        "vip_peek",
        AttackGroup::Ticketless,
        "an agent looks at a few protected accounts a day without a ticket",
        &["nj.target", "nj.watched", "nj.ticket", "nj.rate.view"],
    )
}

/// Shopify, Mailchimp: an agent goes through customers for whom nobody asked.
pub(super) fn ticketless_breadth(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(is_agent)?;
    let from = planner.day(6);
    let days = planner.rng.random_range(1..4);
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, days) {
        let looks = planner.rng.random_range(25..60);
        for at_ms in planner.moments(&duty, looks) {
            let account = planner.ordinary();
            draft.look(planner, at_ms, who, duty.session, account, None);
        }
    }
    draft.finish(
        "ticketless_breadth",
        AttackGroup::Ticketless,
        "an agent looks at dozens of customers a day without a ticket",
        &["nj.ticket", "nj.distinct", "nj.slow", "nj.rate"],
    )
}

/// Facebook 2014-15, Google 2010: one person, looked at again and again.
pub(super) fn repeated_looks(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(is_agent)?;
    let from = planner.day(20);
    let account = planner.ordinary();
    let mut draft = Draft::new();
    let days = planner.rng.random_range(9..15);
    for (_, duty) in planner.duties(who, from, days) {
        let looks = planner.rng.random_range(1..4);
        for at_ms in planner.moments(&duty, looks) {
            draft.look(planner, at_ms, who, duty.session, account, None);
        }
    }
    draft.finish(
        "repeated_looks",
        AttackGroup::Ticketless,
        "an agent looks at the same customer every day without a ticket",
        &["nj.target", "nj.ticket"],
    )
}

/// What is false about a ticket.
#[derive(Clone, Copy)]
enum Lie {
    SelfOpened,
    Unknown,
    WrongTarget,
    WrongAgent,
    NotOpen,
    OpenedAfter,
    Reused,
}

/// Names are those that `nj.ticket.verdict` has for them.
const LIES: [(Lie, &str); 7] = [
    (Lie::SelfOpened, "self_opened"),
    (Lie::WrongTarget, "wrong_target"),
    (Lie::Unknown, "unknown"),
    (Lie::NotOpen, "not_open"),
    (Lie::WrongAgent, "wrong_agent"),
    (Lie::OpenedAfter, "opened_after"),
    (Lie::Reused, "reused"),
];

/// Twitter 2017-18: contractors give looks at celebrities a reason that is none. Every instance lies in its own way.
pub(super) fn bogus_tickets(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let who = planner.cast(is_agent)?;
    // Seeds begin at different lies, so that five of them show all.
    let (lie, variant) = LIES[(number + planner.world.company.config.seed as usize * 3) % LIES.len()];
    let from = planner.day(9);
    let days = planner.rng.random_range(3..6);
    let mut draft = Draft::new();
    let mut reused: Option<Ticket> = None;
    for (_, duty) in planner.duties(who, from, days) {
        let looks = planner.rng.random_range(3..7);
        let celebrities = planner.protected_ones(looks);
        for (at_ms, account) in planner.moments(&duty, looks).into_iter().zip(celebrities) {
            let kept = matches!(lie, Lie::Reused).then_some(reused).flatten();
            let ticket = match kept {
                Some(ticket) => ticket,
                None => false_ticket(planner, &mut draft, lie, who, at_ms, account, duty.session),
            };
            reused = Some(ticket);
            draft.look(planner, at_ms, who, duty.session, account, Some(ticket));
        }
    }
    let attack = draft.finish(
        "bogus_tickets",
        AttackGroup::Bogus,
        "an agent names tickets that are no reason for the protected accounts that are looked at",
        &["nj.ticket", "nj.target", "nj.watched"],
    )?;
    Some(Planned { variant: Some(variant), ..attack })
}

fn false_ticket(
    planner: &mut Planner<'_>,
    draft: &mut Draft,
    lie: Lie,
    who: usize,
    at_ms: i64,
    account: crate::accounts::AccountIndex,
    session: crate::act::Session,
) -> Ticket {
    let sound = planner.sound_ticket(who, account, at_ms);
    let ticket = Ticket { queue: sound.queue, number: sound.number };
    let row = match lie {
        Lie::Unknown => return ticket,
        Lie::SelfOpened => {
            let opened_ms = at_ms - planner.rng.random_range(30_000..3 * MINUTE_MS);
            let subject = Subject::Account(account);
            let act = draft.add(opened_ms, who, session, Action::TicketOpen, Tool::AgentConsole, subject);
            (act.ticket, act.reason, act.extra) = (Some(ticket), Some(Reason::GeneralHelp), Extra::Nothing);
            Row { opened_by: ActorIndex(who as u32), opened_ms, ..sound }
        }
        Lie::WrongTarget => {
            let other = planner.ordinary();
            Row { targets: vec![Subject::Account(other)], ..sound }
        }
        // Names nobody, and stays open for days.
        Lie::Reused => Row { targets: Vec::new(), closed_ms: None, ..sound },
        Lie::WrongAgent => {
            let people = planner.world.company.people.len();
            let other = (who + 1 + planner.rng.random_range(0..people - 1)) % people;
            Row { assignee: ActorIndex(other as u32), ..sound }
        }
        Lie::NotOpen => {
            let closed_ms = at_ms - planner.rng.random_range(2 * DAY_MS..9 * DAY_MS);
            Row { opened_ms: closed_ms - 2 * HOUR_MS, closed_ms: Some(closed_ms), ..sound }
        }
        Lie::OpenedAfter => {
            let opened_ms = at_ms + planner.rng.random_range(10 * MINUTE_MS..HOUR_MS);
            Row { opened_ms, closed_ms: Some(opened_ms + HOUR_MS), ..sound }
        }
    };
    draft.tickets.push(row);
    ticket
}
