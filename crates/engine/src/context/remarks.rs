//! What a reader of a context may want to look at: rows that are sound one by one, and don't fit together.

use super::names::Name;
use super::{Context, Remark, Table, TableInfo};
use std::collections::BTreeSet;

/// How many examples of each are given.
const EXAMPLES_MAX: usize = 5;

/// So far up managers are followed.
const LEVELS_MAX: usize = 64;
/// What somebody may be employed as; any other word is the organisation's own, or a slip of the pen.
const EMPLOYMENTS: [&str; 3] = ["employee", "contractor", "service"];

/// Collects what is noticed about one table.
struct Notes<'c> {
    context: &'c Context,
    remarks: Vec<Remark>,
}

impl Notes<'_> {
    /// Takes note of names, each once.
    fn add(&mut self, what: &'static str, names: impl Iterator<Item = Name>) {
        let names: BTreeSet<Name> = names.collect();
        let mut examples: Vec<String> = names.iter().take(EXAMPLES_MAX).map(|it| self.context.names.get(*it).to_owned()).collect();
        examples.sort_unstable();
        if !names.is_empty() {
            self.remarks.push(Remark { what, count: names.len(), examples });
        }
    }
}

/// Adds to each table what is noticed about it.
pub(super) fn add(context: &Context, tables: &mut [TableInfo]) {
    let has = |table: Table| tables.iter().any(|it| it.name == table.name());
    let (has_roster, has_entitlements) = (has(Table::Roster), has(Table::Entitlements));
    for info in tables.iter_mut() {
        let mut notes = Notes { context, remarks: Vec::new() };
        match Table::named(&info.name) {
            Some(Table::Roster) => roster(&mut notes, has_entitlements),
            Some(Table::Tickets) => tickets(&mut notes, has_roster),
            Some(Table::Entitlements) if has_roster => {
                let roles: BTreeSet<Name> = context.roster.rows().iter().map(|(_, it)| it.role).collect();
                let unknown = context.things.entitlements.rows().iter().map(|it| it.0).filter(|it| !roles.contains(it));
                notes.add("roles that nobody in the roster has", unknown);
            }
            Some(Table::Shifts) if has_roster => strangers(&mut notes, context.calendar.shifts.iter().map(|it| it.0)),
            Some(Table::OnCall) if has_roster => strangers(&mut notes, context.calendar.on_call.iter().map(|it| it.0)),
            Some(Table::Leave) if has_roster => strangers(&mut notes, context.calendar.leave.iter().map(|it| it.0)),
            _ => {}
        }
        info.remarks = notes.remarks;
    }
}

fn is_known(context: &Context, name: Name) -> bool {
    !context.roster.rows().of(name).is_empty()
}

fn strangers(notes: &mut Notes<'_>, names: impl Iterator<Item = Name>) {
    let context = notes.context;
    notes.add("people who are not in the roster", names.filter(|it| !is_known(context, *it)));
}

fn roster(notes: &mut Notes<'_>, has_entitlements: bool) {
    let context = notes.context;
    let is_person = |it: &&super::roster::Person| context.names.get(it.employment) != "service";
    let rows = || context.roster.rows().iter();
    notes.add("people without a manager", rows().filter(|(_, it)| is_person(it) && !it.manager.is_some()).map(|it| it.0));
    let managers = rows().map(|(_, it)| it.manager).filter(|it| it.is_some());
    notes.add("managers who are not in the roster", managers.filter(|it| !is_known(context, *it)));
    notes.add("people without a role", rows().filter(|(_, it)| is_person(it) && !it.role.is_some()).map(|it| it.0));
    if has_entitlements {
        let rights = context.things.entitlements.rows();
        let roles = rows().map(|(_, it)| it.role).filter(|it| it.is_some());
        notes.add("roles without entitlements", roles.filter(|it| rights.of(*it).is_empty()));
    }
    let mut overlapping = Vec::new();
    let mut before: Option<(Name, i64)> = None;
    for (name, person) in rows() {
        // Without an end, a row holds until the next one begins.
        let is_overlapped = |(last, until_ms): &(Name, i64)| *last == name && *until_ms > person.from_ms && *until_ms != i64::MAX;
        overlapping.extend(before.filter(is_overlapped).map(|it| it.0));
        before = Some((name, person.until_ms));
    }
    notes.add("people with rows that overlap", overlapping.into_iter());
    let begins_again = |pair: &[(Name, i64)]| (pair[0] == pair[1]).then_some(pair[0].0);
    let begins: Vec<(Name, i64)> = rows().map(|(name, it)| (name, it.from_ms)).collect();
    notes.add(
        "people with several rows from the same time on, of which the last is used",
        begins.windows(2).filter_map(begins_again),
    );
    notes.add("people who are above themselves, through their managers", in_circles(context));
    let is_usual = |it: &super::roster::Person| !it.employment.is_some() || EMPLOYMENTS.contains(&context.names.get(it.employment));
    notes.add("words for `type` that mean nothing here (employee, contractor and service do)", {
        rows().filter(|(_, it)| !is_usual(it)).map(|(_, it)| it.employment)
    });
}

/// People who come to themselves when one goes from manager to manager, by the last row of each.
fn in_circles(context: &Context) -> impl Iterator<Item = Name> {
    let people = context.roster.rows();
    let above = |name: &Name| people.of(*name).last().map(|it| it.manager).filter(|it| it.is_some());
    people.iter().map(|it| it.0).filter(move |name| {
        let chain = std::iter::successors(above(name), above);
        chain.take(LEVELS_MAX).any(|it| it == *name)
    })
}

/// Whether both are open at some time; they are in the order in which they were opened.
fn overlap(one: &super::tickets::Span, next: &super::tickets::Span) -> bool {
    next.opened_ms < one.closed_ms
}

fn tickets(notes: &mut Notes<'_>, has_roster: bool) {
    let context = notes.context;
    let tickets = &context.tickets;
    notes.add("tickets without a target", tickets.iter().filter(|(_, it)| tickets.targets(it).is_empty()).map(|it| it.0));
    let several = tickets.iter().filter(|(id, _)| tickets.of(*id).windows(2).any(|it| overlap(&it[0], &it[1])));
    notes.add("tickets with rows that are open at the same time, all of which hold", several.map(|it| it.0));
    let is_nobodys = |it: &super::tickets::Span| tickets.assignees(it).is_empty() && !it.team.is_some();
    notes.add("tickets that are nobody's", tickets.iter().filter(|(_, it)| is_nobodys(it)).map(|it| it.0));
    notes.add("tickets without a time of opening", tickets.iter().filter(|(_, it)| it.opened_ms == i64::MIN).map(|it| it.0));
    if has_roster {
        let assignees = tickets.iter().flat_map(|(_, it)| tickets.assignees(it)).copied();
        notes.add("assignees who are not in the roster", assignees.filter(|it| !is_known(context, *it)));
    }
}
