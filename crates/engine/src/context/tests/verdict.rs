//! Tickets against deeds: each verdict, which wins, and whether a naive twin agrees.

use super::{ms, sound};
use crate::context::names::Name;
use crate::context::purpose::{Deed, TicketVerdict};
use crate::context::{Context, tickets};
use proptest::prelude::*;
use sigma::parse::taxonomy::TicketRules;

const TICKETS: &str = "id,targets,assignee,team,opened_by,opened,closed\n\
    CS-1,783214;@usa,ana,,intake,2026-03-02T09:00:00Z,2026-03-02T11:00:00Z\n\
    CS-2,,ana;ben,,intake,2026-03-02T09:00:00Z,\n\
    CS-3,9,,emea,ana,2026-03-02T09:00:00Z,\n\
    CS-4,9,ana,,intake,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z\n\
    CS-4,9,ben,,intake,2026-03-05T09:00:00Z,\n\
    CS-5,9,,,ana,2026-03-02T09:00:00Z,\n";

struct Case<'c> {
    ticket: &'c str,
    actor: &'c str,
    target: &'c str,
    at: &'c str,
    used: u8,
}

fn verdict(context: &Context, case: &Case<'_>) -> TicketVerdict {
    let find = |it: &str| context.names.find(it);
    let deed = Deed {
        at_ms: ms(case.at),
        actor: [find(case.actor), None],
        team: if case.actor == "ben" { find("emea").unwrap() } else { Name::NONE },
        target: [find(case.target), Some(Name::NONE)],
        targets_used: case.used,
    };
    context.tickets.verdict(tickets::identified(case.ticket, find), &deed, &TicketRules::default())
}

#[track_caller]
fn check(ticket: &str, actor: &str, target: &str, at: &str, expected: &str) {
    let case = Case { ticket, actor, target, at, used: 1 };
    assert_eq!(verdict(&sound(&[("tickets.csv", TICKETS)]), &case).as_str(), expected, "{ticket} {actor} {target} {at}");
}

#[test]
fn a_ticket_justifies_what_it_is_about_by_whom_it_is_for_while_it_is_open() {
    check("CS-1", "ana", "783214", "2026-03-02T10:00:00Z", "ok");
    check("CS-1", "ana", "@usa", "2026-03-02T10:00:00Z", "ok");
    check(" cs-1 ", "ana", "783214", "2026-03-02T10:00:00Z", "ok");
    check("CS-2", "ben", "anything", "2026-03-02T10:00:00Z", "ok");
    check("CS-3", "ben", "9", "2026-03-02T10:00:00Z", "ok");
}

#[test]
fn each_thing_that_can_be_wrong_has_its_word() {
    check("CS-9", "ana", "783214", "2026-03-02T10:00:00Z", "unknown");
    check("CS-1", "ana", "783214", "2026-03-02T08:57:00Z", "opened_after");
    check("CS-1", "ana", "783214", "2026-03-02T08:58:00Z", "ok");
    check("CS-1", "ana", "783214", "2026-03-03T11:00:00Z", "not_open");
    check("CS-1", "ana", "783214", "2026-03-03T10:59:59Z", "ok");
    check("CS-1", "ana", "12", "2026-03-02T10:00:00Z", "wrong_target");
    check("CS-1", "eve", "783214", "2026-03-02T10:00:00Z", "wrong_agent");
    check("CS-5", "ana", "9", "2026-03-02T10:00:00Z", "self_opened");
}

#[test]
fn what_comes_first_is_said() {
    // Somebody else's ticket about something else, long closed.
    check("CS-1", "eve", "12", "2026-03-08T10:00:00Z", "not_open");
    check("CS-1", "eve", "12", "2026-03-02T10:00:00Z", "wrong_target");
    // Opened by herself, for a team that she is not in.
    check("CS-3", "ana", "9", "2026-03-02T10:00:00Z", "wrong_agent");
}

#[test]
fn a_ticket_that_was_opened_again_is_judged_for_each_time() {
    check("CS-4", "ana", "9", "2026-03-01T09:30:00Z", "ok");
    check("CS-4", "ben", "9", "2026-03-06T09:30:00Z", "ok");
    check("CS-4", "ana", "9", "2026-03-06T09:30:00Z", "wrong_agent");
    check("CS-4", "ana", "9", "2026-03-03T09:30:00Z", "not_open");
}

#[test]
fn a_ticket_without_targets_serves_for_a_few() {
    let context = sound(&[("tickets.csv", TICKETS)]);
    let used = |used| verdict(&context, &Case { ticket: "CS-2", actor: "ana", target: "7", at: "2026-03-02T10:00:00Z", used });
    assert_eq!((used(3), used(4)), (TicketVerdict::Ok, TicketVerdict::Reused));
}

/// A row as the twin knows it.
#[derive(Debug, Clone)]
struct Row {
    id: u8,
    targets: Vec<u8>,
    assignees: Vec<u8>,
    opened_by: u8,
    opened: i64,
    closed: Option<i64>,
}

fn row() -> impl Strategy<Value = Row> {
    let few = || prop::collection::vec(0_u8..4, 0..3);
    (0_u8..4, few(), few(), 0_u8..4, 0_i64..20, prop::option::of(0_i64..20)).prop_map(
        |(id, targets, assignees, opened_by, opened, length)| {
            let closed = length.map(|it| opened + it);
            Row { id, targets, assignees, opened_by, opened, closed }
        },
    )
}

const DAY_MS: i64 = 86_400_000;

/// The verdict by going through all rows, asking every question of each.
fn naive(rows: &[Row], ticket: u8, actor: u8, target: u8, at_ms: i64, used: u8) -> TicketVerdict {
    let rules = TicketRules::default();
    let mut best = TicketVerdict::Unknown;
    for row in rows.iter().filter(|it| it.id == ticket) {
        let questions = [
            (TicketVerdict::OpenedAfter, at_ms + rules.opened_grace_ms < row.opened * DAY_MS),
            (TicketVerdict::NotOpen, row.closed.is_some_and(|it| at_ms - rules.closed_grace_ms >= it * DAY_MS)),
            (TicketVerdict::WrongTarget, !row.targets.is_empty() && !row.targets.contains(&target)),
            (TicketVerdict::WrongAgent, !row.assignees.is_empty() && !row.assignees.contains(&actor)),
            (TicketVerdict::SelfOpened, row.opened_by == actor),
            (TicketVerdict::Reused, row.targets.is_empty() && used > rules.targets_max),
        ];
        let first = questions.iter().find(|(_, holds)| *holds).map_or(TicketVerdict::Ok, |(verdict, _)| *verdict);
        best = best.max(first);
    }
    best
}

proptest! {
    #[test]
    fn verdicts_are_those_of_a_twin_that_asks_everything_of_every_row(
        rows in prop::collection::vec(row(), 0..8), ticket in 0_u8..5, actor in 0_u8..4, target in 0_u8..4,
        day in 0_i64..45, second in -200_i64..200, used in 0_u8..6,
    ) {
        let of = |prefix: &str, all: &[u8]| all.iter().map(|it| format!("\"{prefix}{it}\"")).collect::<Vec<_>>().join(",");
        let at = |days: i64| model::EventTime::from_ms(days * DAY_MS).to_string();
        let lines: Vec<String> = rows.iter().map(|it| {
            let closed = it.closed.map_or(String::new(), |it| format!(",\"closed\":\"{}\"", at(it)));
            format!(
                "{{\"id\":\"t{}\",\"targets\":[{}],\"assignee\":[{}],\"opened_by\":\"u{}\",\"opened\":\"{}\"{closed}}}\n",
                it.id, of("x", &it.targets), of("u", &it.assignees), it.opened_by, at(it.opened)
            )
        }).collect();
        let context = sound(&[("tickets.ndjson", &lines.concat())]);
        let find = |text: String| context.names.find(&text);
        let at_ms = day * DAY_MS + second * 1_000;
        let deed = Deed {
            at_ms,
            actor: [find(format!("u{actor}")), None],
            team: Name::NONE,
            target: [find(format!("x{target}")), Some(Name::NONE)],
            targets_used: used,
        };
        let ticket_name = find(format!("T{ticket}"));
        let got = context.tickets.verdict(ticket_name, &deed, &TicketRules::default());
        prop_assert_eq!(got, naive(&rows, ticket, actor, target, at_ms, used));
    }
}
