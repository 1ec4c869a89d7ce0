//! What the organisation knows: the taxonomy of its actions, and tables of people, shifts, tickets, rights and things. Immutable; looked
//! up as of the time of an event.
//!
//! Made of the texts of files, which others read ([`load`]); of a Parquet file that is its rows as text ([`rows::Format::Parquet`]). A row that can't be used is reported and left out; the others are used.

pub mod calendar;
pub mod names;
pub mod networks;
pub mod purpose;
mod remarks;
pub mod roster;
pub mod rows;
pub mod spans;
mod table;
pub mod things;
pub mod tickets;
pub mod zones;

#[cfg(test)]
mod tests;

pub use calendar::Duty;
pub use purpose::TicketVerdict;
pub use sigma::parse::taxonomy::Taxonomy;
pub use table::Table;

use calendar::Calendar;
use foldhash::quality::FixedState;
use hashbrown::HashSet;
use jiff::tz::TimeZone;
use model::EventTime;
use names::{Name, Names};
use networks::Networks;
use roster::Roster;
use rows::{Format, Report, Row, each};
use sigma::lists::Lists;
use sigma::problem::{Code, Problem};
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use things::Things;
use tickets::Tickets;
use zones::Zones;

/// Lists of texts that say something about the context, too.
const LISTS: [&str; 4] = ["watchlist", "corporate_networks", "service_accounts", "leavers"];

/// Everything that is known besides the events. Made once, shared by all shards, swapped as a whole.
#[derive(Debug, Default)]
pub struct Context {
    /// What actions are.
    pub taxonomy: Taxonomy,
    /// The texts of all tables.
    pub names: Names,
    /// The time zones of people and schedules.
    pub zones: Zones,
    /// People.
    pub roster: Roster,
    /// When they work.
    pub calendar: Calendar,
    /// What they were asked to do.
    pub tickets: Tickets,
    /// Rights, watch lists, devices, purposes.
    pub things: Things,
    /// Corporate networks.
    pub networks: Networks,
    /// Service accounts from the plain list of them.
    services: BTreeSet<Name>,
    /// People who have given notice, from the plain list of them.
    leavers: BTreeSet<Name>,
    /// Of all files that it was made of.
    fingerprint: u64,
}

/// A file of the context.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct File {
    /// What it is called in messages: its path.
    pub path: String,
    /// Its name, which says what it is: `roster.csv`, `watchlist.txt`.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// A file of that path; its name is the last part of it.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let path = path.into();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        Self { path, name, text: text.into() }
    }

    /// Whether a file of that name says something about the context.
    pub fn is_known(name: &str) -> bool {
        Table::of_file(name).is_some() || list_of(name).is_some()
    }
}

fn list_of(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix(".txt")?;
    LISTS.into_iter().find(|it| *it == stem)
}

/// What some files gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What can be used.
    pub context: Context,
    /// What can't, and what is doubtful.
    pub problems: Vec<Problem>,
    /// What was read.
    pub tables: Vec<TableInfo>,
}

/// What a file of the context came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// The table or list.
    pub name: String,
    /// The file.
    pub path: String,
    /// Rows in it, those that are left out included.
    pub rows: usize,
    /// The earliest and the latest time in it.
    pub times: Option<(EventTime, EventTime)>,
    /// What a reader may want to look at.
    pub remarks: Vec<Remark>,
}

/// Something that was noticed about a table: not wrong, but perhaps not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What, in words that fit behind a number.
    pub what: &'static str,
    /// How many of it there are.
    pub count: usize,
    /// The first few of them.
    pub examples: Vec<String>,
}

/// Names and zones while tables are read.
#[derive(Debug, Default)]
struct Builder {
    names: Names,
    zones: Zones,
}

impl Builder {
    fn name(&mut self, text: &str, row: &mut Row<'_, '_>) -> Name {
        self.names.add(text).unwrap_or_else(|| {
            row.bad(format!("the texts of all tables have more than {} bytes", Names::BYTES_MAX), "leave out what is old");
            Name::NONE
        })
    }
}

/// Rows of all tables while they are read.
#[derive(Debug, Default)]
struct Collected {
    calendar: calendar::Collected,
    tickets: tickets::Collected,
    things: things::Collected,
    networks: Networks,
    services: BTreeSet<Name>,
    leavers: BTreeSet<Name>,
}

/// A table, how it is written, and where it stands.
type Part<'f> = (Table, Format, &'f File);

/// What is found while files are read.
#[derive(Debug, Default)]
struct Found {
    problems: Vec<Problem>,
    tables: Vec<TableInfo>,
}

/// Makes a context of files. Of two files that are the same table, the first is used and the other reported. Other files are passed over.
pub fn load(files: &[File], taxonomy: Taxonomy) -> Loaded {
    load_over(files, &[], taxonomy)
}

/// The same with the tables in `over` laid over those in `files`: whoever or whatever a table of `over` has a row about is not looked up in
/// the file of that table.
pub fn load_over(files: &[File], over: &[File], taxonomy: Taxonomy) -> Loaded {
    let (mut builder, mut found) = (Builder::default(), Found::default());
    let parts = [over, files].map(|it| tables_of(it, &mut found.problems));
    // People first: what comes after needs their time zones.
    let mut people = roster::Collected::default();
    read_laid(Table::Roster, &parts, &mut builder, &mut found, &mut |row, builder| people.read(row, builder));
    let roster = people.finish();
    let mut all = Collected::default();
    for &table in Table::ALL.iter().filter(|it| **it != Table::Roster) {
        read_laid(table, &parts, &mut builder, &mut found, &mut |row, builder| all.read(table, row, builder, &roster));
    }
    for file in files {
        if let Some(list) = list_of(&file.name) {
            all.read_list(list, file, &mut builder, &mut found);
        }
    }
    let Collected { calendar, tickets, things, networks, services, leavers } = all;
    let (calendar, tickets, things) = (calendar.finish(), tickets.finish(), things.finish());
    let (Builder { names, zones }, Found { problems, mut tables }) = (builder, found);
    let fingerprint = FixedState::default().hash_one((files, over));
    let context = Context { taxonomy, names, zones, roster, calendar, tickets, things, networks, services, leavers, fingerprint };
    remarks::add(&context, &mut tables);
    Loaded { context, problems, tables }
}

/// The row that a JSON object is in `table`, on one line, if it can be used there.
pub fn checked_row(table: Table, json: &str) -> Result<String, String> {
    let row: serde_json::Value = serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))?;
    let file = File { path: String::new(), name: String::new(), text: row.to_string() };
    let (mut builder, mut found) = (Builder::default(), Found::default());
    let (mut people, mut all, nobody) = (roster::Collected::default(), Collected::default(), Roster::default());
    let read = &mut |row: &mut Row<'_, '_>, builder: &mut Builder| match table {
        Table::Roster => people.read(row, builder),
        _ => all.read(table, row, builder, &nobody),
    };
    read_table(table, Format::Ndjson, &file, &mut builder, &mut found, read);
    match found.problems.into_iter().find(Problem::is_error) {
        None => Ok(file.text),
        Some(Problem { message, hint, .. }) => Err(hint.map_or(message.clone(), |hint| format!("{message}: {hint}"))),
    }
}

/// The lines of `file` with rows about whom or what `over`, rows of the same table, has one too: they don't hold.
pub fn lines_under(file: &File, over: &File) -> BTreeSet<usize> {
    let Some(((table, format), (_, of_over))) = Table::of_file(&file.name).zip(Table::of_file(&over.name)) else {
        return BTreeSet::new();
    };
    let mut laid: HashSet<String> = HashSet::new();
    each(table, of_over, &over.text, &mut Report::new(&over.path), |row| {
        laid.insert(row.subject(table));
    });
    let mut under = BTreeSet::new();
    each(table, format, &file.text, &mut Report::new(&file.path), |row| {
        if laid.contains(&row.subject(table)) {
            under.insert(row.line);
        }
    });
    under
}

/// The tables among files. A second one of the same table is a problem.
fn tables_of<'f>(files: &'f [File], problems: &mut Vec<Problem>) -> Vec<Part<'f>> {
    let mut tables: Vec<Part<'f>> = Vec::new();
    for file in files {
        let Some((table, format)) = Table::of_file(&file.name) else { continue };
        if let Some((.., first)) = tables.iter().find(|(it, ..)| *it == table) {
            let message = format!("the table `{}` is already taken by {}", table.name(), first.path);
            problems.push(Problem::error(Code::BadTable, &file.path, 1, 1, message));
            continue;
        }
        tables.push((table, format, file));
    }
    tables
}

/// Reads a table from where it is laid over the others, and then what it says about others from the file.
fn read_laid(
    table: Table,
    [over, files]: &[Vec<Part<'_>>; 2],
    builder: &mut Builder,
    found: &mut Found,
    read: &mut dyn FnMut(&mut Row<'_, '_>, &mut Builder),
) {
    let mut laid: HashSet<String> = HashSet::new();
    for (_, format, file) in over.iter().filter(|it| it.0 == table) {
        let read = &mut |row: &mut Row<'_, '_>, builder: &mut Builder| {
            read(row, builder);
            if !row.is_bad {
                laid.insert(row.subject(table));
            }
        };
        read_table(table, *format, file, builder, found, read);
    }
    for (_, format, file) in files.iter().filter(|it| it.0 == table) {
        let read = &mut |row: &mut Row<'_, '_>, builder: &mut Builder| {
            if laid.is_empty() || !laid.contains(&row.subject(table)) {
                read(row, builder);
            }
        };
        read_table(table, *format, file, builder, found, read);
    }
}

fn read_table(
    table: Table,
    format: Format,
    file: &File,
    builder: &mut Builder,
    found: &mut Found,
    read: &mut dyn FnMut(&mut Row<'_, '_>, &mut Builder),
) {
    let mut report = Report::new(&file.path);
    let rows = each(table, format, &file.text, &mut report, |row| read(row, builder));
    let times = report.times_ms.map(|(first, last)| (EventTime::from_ms(first), EventTime::from_ms(last)));
    report.finish(&mut found.problems);
    found.tables.push(TableInfo { name: table.name().to_owned(), path: file.path.clone(), rows, times, remarks: Vec::new() });
}

impl Collected {
    fn read(&mut self, table: Table, row: &mut Row<'_, '_>, builder: &mut Builder, roster: &Roster) {
        let home = |builder: &Builder, actor: Name| {
            let person = roster.rows().of(actor).last();
            person.map_or(TimeZone::UTC, |it| builder.zones.get(it.zone).clone())
        };
        match table {
            Table::Roster => {}
            Table::Shifts => self.calendar.shifts.extend(calendar::Collected::span(row, builder, home)),
            Table::OnCall => self.calendar.on_call.extend(calendar::Collected::span(row, builder, home)),
            Table::Leave => self.calendar.leave.extend(calendar::Collected::span(row, builder, home)),
            Table::Schedules => self.calendar.schedule(row, builder),
            Table::Holidays => self.calendar.holiday(row, builder),
            Table::Tickets => self.tickets.read(row, builder),
            Table::Entitlements => self.things.right(row, builder),
            Table::Watchlists => self.things.watch(row, builder),
            Table::Devices => self.things.device(row, builder),
            Table::Resources => self.things.resource(row, builder),
            Table::Networks => {
                let (network, name) = (row.required("network"), row.text("name"));
                let name = builder.name(if name.is_empty() { network } else { name }, row);
                if !network.is_empty() && self.networks.add(network, name).is_none() {
                    row.bad(format!("`network`: `{network}` is no network"), "write an address and a length: 10.0.0.0/8");
                }
            }
        }
    }

    fn read_list(&mut self, list: &'static str, file: &File, builder: &mut Builder, found: &mut Found) {
        // One that is too long is told by whoever reads lists for placeholders.
        let Ok(entries) = Lists::parse_text(&file.text) else { return };
        for entry in &entries {
            let Some(name) = builder.names.add(entry) else { continue };
            match list {
                "watchlist" => self.things.watch_always(entry, &mut builder.names),
                "service_accounts" => drop(self.services.insert(name)),
                "leavers" => drop(self.leavers.insert(name)),
                _ if self.networks.add(entry, name).is_none() => {
                    let message = format!("`{entry}` is no network");
                    found.problems.push(Problem::error(Code::BadContextRow, &file.path, 1, 1, message));
                }
                _ => {}
            }
        }
        let (name, path, rows) = (list.to_owned(), file.path.clone(), entries.len());
        found.tables.push(TableInfo { name, path, rows, times: None, remarks: Vec::new() });
    }
}

impl Context {
    /// Whether it was made of the same files as `other`.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.taxonomy == other.taxonomy
    }

    /// Whether `actor` is on the list of service accounts.
    pub fn is_listed_service(&self, actor: Name) -> bool {
        self.services.contains(&actor)
    }

    /// Whether `actor` is on the list of people who have given notice.
    pub fn is_listed_leaver(&self, actor: Name) -> bool {
        self.leavers.contains(&actor)
    }

    /// Whether any service account or leaver is on a list.
    pub fn has_lists(&self) -> (bool, bool) {
        (!self.services.is_empty(), !self.leavers.is_empty())
    }
}
