//! Tickets: from when until when each was open, for what and for whom.

use super::Builder;
use super::names::{ByName, Name};
use super::rows::Row;
use jiff::tz::TimeZone;

/// A time for which a ticket was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it was opened; the beginning of time if nobody says.
    pub opened_ms: i64,
    /// When it was closed; the end of time while it is open.
    pub closed_ms: i64,
    /// Who opened it.
    pub opened_by: Name,
    /// The team whose queue it is in.
    pub team: Name,
    targets: (u32, u32),
    assignees: (u32, u32),
}

/// All tickets, by identifier without regard to case.
#[derive(Debug, Default)]
pub struct Tickets {
    spans: ByName<Span>,
    lists: Vec<Name>,
}

impl Tickets {
    /// Whether no ticket is known: then nobody can tell a false one.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The times for which a ticket was open.
    pub fn of(&self, ticket: Name) -> &[Span] {
        self.spans.of(ticket)
    }

    /// What a ticket is about.
    pub fn targets(&self, span: &Span) -> &[Name] {
        &self.lists[span.targets.0 as usize..span.targets.1 as usize]
    }

    /// Who works on a ticket.
    pub fn assignees(&self, span: &Span) -> &[Name] {
        &self.lists[span.assignees.0 as usize..span.assignees.1 as usize]
    }

    /// All tickets with their times.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &Span)> {
        self.spans.iter()
    }
}

/// Longest identifier that is compared without asking for memory.
const SHORT: usize = 64;

/// Shows the identifier of a ticket as it is kept: people type them in either case, with blanks around them.
pub fn identified<T>(ticket: &str, show: impl FnOnce(&str) -> T) -> T {
    let ticket = ticket.trim();
    let mut buffer = [0; SHORT];
    if let Some(short) = buffer.get_mut(..ticket.len()) {
        short.copy_from_slice(ticket.as_bytes());
        short.make_ascii_uppercase();
        // Other case of ASCII letters leaves UTF-8 what it is.
        if let Ok(short) = std::str::from_utf8(short) {
            return show(short);
        }
    }
    show(&ticket.to_ascii_uppercase())
}

/// Rows that are collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    spans: Vec<(Name, Span)>,
    lists: Vec<Name>,
}

impl Collected {
    pub(super) fn read(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let id = row.required("id");
        let id = identified(id, |it| builder.name(it, row));
        let [opened, closed] = ["opened", "closed"].map(|it| row.moment(it));
        let mut list = |column: &str, row: &mut Row<'_, '_>| -> Vec<Name> {
            row.list(column).into_iter().map(|it| builder.name(it, row)).collect()
        };
        let (targets, assignees) = (list("targets", row), list("assignee", row));
        let [opened_by, team] = ["opened_by", "team"].map(|it| {
            let text = row.text(it);
            builder.name(text, row)
        });
        let opened_ms = opened.map_or(i64::MIN, |it| it.start_ms(&TimeZone::UTC));
        let closed_ms = closed.map_or(i64::MAX, |it| it.end_ms(&TimeZone::UTC));
        if closed_ms < opened_ms {
            row.bad("`closed` is before `opened`", "the ticket would be open at no time");
        }
        if row.is_bad {
            return;
        }
        let mut put = |names: Vec<Name>| {
            let place = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
            let first = place(self.lists.len());
            self.lists.extend(names);
            (first, place(self.lists.len()))
        };
        let (targets, assignees) = (put(targets), put(assignees));
        self.spans.push((id, Span { opened_ms, closed_ms, opened_by, team, targets, assignees }));
    }

    pub(super) fn finish(self) -> Tickets {
        Tickets { spans: ByName::new(self.spans, |it| (it.opened_ms, it.closed_ms)), lists: self.lists }
    }
}
