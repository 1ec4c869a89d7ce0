//! The table of tickets, written while the exercise runs: what a help desk would know, as of the end of each piece of work.

use std::fmt::Write as _;

use super::calendar::instant;
use crate::act::{Act, ActorIndex, Queue, Subject};
use crate::company::Company;
use crate::shared::{Opened, Shared};
use crate::vocabulary::{Action, DATASETS, SETTINGS};

/// One ticket.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) queue: Queue,
    pub(super) number: u32,
    pub(super) targets: Vec<Subject>,
    pub(super) assignee: ActorIndex,
    pub(super) opened_by: ActorIndex,
    pub(super) opened_ms: i64,
    pub(super) closed_ms: Option<i64>,
}

/// Rows that nobody has fetched yet, as CSV.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    csv: String,
}

pub(super) const HEADER: &str = "id,targets,assignee,opened_by,opened,closed\n";

impl Ledger {
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.csv)
    }

    pub(super) fn add(&mut self, company: &Company, row: &Row) {
        let out = &mut self.csv;
        let mut write = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("writing to a string cannot fail");
        write(format_args!("{}{},", row.queue.prefix(), row.number));
        for (at, target) in row.targets.iter().enumerate() {
            write(format_args!("{}{}", if at > 0 { ";" } else { "" }, subject_id(company, *target)));
        }
        let (assignee, opened_by) = (company.actor_id(row.assignee), company.actor_id(row.opened_by));
        write(format_args!(",{assignee},{opened_by},{},", instant(row.opened_ms)));
        write(format_args!("{}\n", row.closed_ms.map(|it| instant(it + 1_000)).unwrap_or_default()));
    }

    /// Notes the tickets that `actor` worked on in one piece of work. They were opened before, and are closed after it.
    pub(super) fn add_work(&mut self, company: &Company, shared: &mut Shared, actor: ActorIndex, acts: &[Act]) {
        let own = |it: &&Act| it.actor == actor;
        let mut done: Vec<u32> = Vec::new();
        for first in acts.iter().filter(own) {
            let Some(ticket) = first.ticket.filter(|it| !done.contains(&it.number)) else { continue };
            done.push(ticket.number);
            let of_ticket = || acts.iter().filter(own).filter(|it| it.ticket.is_some_and(|it| it.number == ticket.number));
            let mut targets: Vec<Subject> = Vec::new();
            for act in of_ticket() {
                if act.subject != Subject::Nothing && !targets.contains(&act.subject) {
                    targets.push(act.subject);
                }
            }
            let last = of_ticket().next_back().unwrap_or(first);
            let (opened_ms, opened_by) = match shared.take_opened(ticket.number) {
                Some(Opened { at_ms, by }) => (at_ms, by),
                None => (first.at_ms - 60_000, actor),
            };
            // What nobody closes by hand is closed by the desk some hours later.
            let lingers_ms = if last.action == Action::TicketClose { 0 } else { 3 * 3_600_000 };
            let closed_ms = Some(last.at_ms + lingers_ms);
            self.add(
                company,
                &Row { queue: ticket.queue, number: ticket.number, targets, assignee: actor, opened_by, opened_ms, closed_ms },
            );
        }
    }
}

/// `target.id` as written in events.
pub(super) fn subject_id(company: &Company, subject: Subject) -> String {
    match subject {
        Subject::Nothing => String::new(),
        Subject::Account(account) => company.accounts.id(account).to_string(),
        Subject::Actor(actor) => company.actor_id(actor).to_owned(),
        Subject::Dataset(index) => DATASETS[usize::from(index) % DATASETS.len()].0.to_owned(),
        Subject::Setting(index) => SETTINGS[usize::from(index) % SETTINGS.len()].to_owned(),
        Subject::Host(number) => crate::json::host_name(number),
    }
}
