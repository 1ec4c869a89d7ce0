//! Rows of context tables from CSV, NDJSON and Parquet: each value is read as what it has to be, and every problem is reported with its place.

use super::table::Table;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use model::EventTime;
use serde_json::Value as Json;
use sigma::parse::nearest::within;
use sigma::problem::{Code, Problem};
use std::fmt::Write;

/// Most rows of one table.
pub const ROWS_MAX: usize = 5_000_000;
/// Longest text of one value in bytes.
pub const VALUE_BYTES_MAX: usize = 4_096;
/// Most elements of one list.
pub const LIST_MAX: usize = 1_000;
/// Most problems reported for one file; the rest is counted.
const PROBLEMS_MAX: usize = 50;
/// Between the elements of a list that came as one; no value has it.
const BETWEEN: char = '\x1f';

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180; the first record names the columns. Elements of lists are separated by `;` or `|`.
    Csv,
    /// One JSON object per line.
    Ndjson,
    /// The rows of a Parquet file as whoever reads it gives them: first a line with the names of the columns, a JSON array, and then a JSON object
    /// per row. Lists may also be texts with `;` or `|`, since many a Parquet file was a CSV file.
    Parquet,
}

/// A day or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Day(Date),
    Instant(i64),
}

impl Moment {
    /// When it begins, a day on the clocks of `zone`.
    pub(super) fn start_ms(self, zone: &TimeZone) -> i64 {
        match self {
            Self::Day(day) => day.to_zoned(zone.clone()).map_or(i64::MIN, |it| it.timestamp().as_millisecond()),
            Self::Instant(ms) => ms,
        }
    }

    /// When it is over: a day when the next one begins.
    pub(super) fn end_ms(self, zone: &TimeZone) -> i64 {
        match self {
            Self::Day(day) => day.tomorrow().map_or(i64::MAX, |it| Self::Day(it).start_ms(zone)),
            Self::Instant(ms) => ms,
        }
    }
}

/// The problems of one file.
#[derive(Debug)]
pub(super) struct Report<'r> {
    file: &'r str,
    found: Vec<Problem>,
    left_out: usize,
    /// The earliest and the latest time in the file.
    pub(super) times_ms: Option<(i64, i64)>,
}

impl<'r> Report<'r> {
    pub(super) fn new(file: &'r str) -> Self {
        Self { file, found: Vec::new(), left_out: 0, times_ms: None }
    }

    pub(super) fn push(&mut self, code: Code, line: usize, message: impl Into<String>, hint: &str) {
        if self.found.len() == PROBLEMS_MAX {
            self.left_out += 1;
            return;
        }
        let problem = Problem::new(code, self.file, line, 1, message.into());
        self.found.push(if hint.is_empty() { problem } else { problem.with_hint(hint.to_owned()) });
    }

    pub(super) fn finish(self, into: &mut Vec<Problem>) {
        into.extend(self.found);
        if self.left_out > 0 {
            let message = format!("{} more problems in this file are not shown", self.left_out);
            into.push(Problem::new(Code::TooManyProblems, self.file, 1, 1, message));
        }
    }
}

/// One row while it is being read.
pub(super) struct Row<'r, 'f> {
    /// 1-based.
    pub(super) line: usize,
    columns: &'static [&'static str],
    cells: &'r [String],
    format: Format,
    report: &'r mut Report<'f>,
    /// Whether a value can't be used, so that the row can't.
    pub(super) is_bad: bool,
}

impl<'r> Row<'r, '_> {
    fn cell(&self, column: &str) -> &'r str {
        let at = self.columns.iter().position(|it| *it == column);
        debug_assert!(at.is_some(), "{column}");
        at.map_or("", |it| self.cells[it].trim())
    }

    /// Whom or what the row is about.
    pub(super) fn subject(&self, table: Table) -> String {
        let parts: Vec<&str> = table.subject().iter().map(|it| self.cell(it)).collect();
        let subject = parts.join("\u{1f}");
        // Tickets are the same in either case.
        if table == Table::Tickets { subject.to_ascii_uppercase() } else { subject }
    }

    /// A text; empty if nothing is said.
    pub(super) fn text(&mut self, column: &str) -> &'r str {
        let text = self.cell(column);
        if text.contains(BETWEEN) {
            self.bad(format!("`{column}` is a list"), "write a single value");
        }
        text
    }

    /// A text that has to be there.
    pub(super) fn required(&mut self, column: &str) -> &'r str {
        let text = self.text(column);
        if text.is_empty() {
            self.bad(format!("no `{column}`"), "every row needs one");
        }
        text
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, column: &str) -> Vec<&'r str> {
        let text = self.cell(column);
        let is_text = match self.format {
            Format::Csv => true,
            Format::Ndjson => false,
            Format::Parquet => !text.contains(BETWEEN),
        };
        let is_between = |it: char| it == BETWEEN || is_text && matches!(it, ';' | '|');
        let elements: Vec<&str> = text.split(is_between).map(str::trim).filter(|it| !it.is_empty()).collect();
        if elements.len() > LIST_MAX {
            self.bad(format!("`{column}` has {} elements", elements.len()), &format!("a list has at most {LIST_MAX}"));
        }
        elements
    }

    /// `true` or `false`, if it is said.
    pub(super) fn flag(&mut self, column: &str) -> Option<bool> {
        match self.cell(column).to_ascii_lowercase().as_str() {
            "" => None,
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            other => {
                self.bad(format!("`{column}`: `{other}` is neither true nor false"), "write `true` or `false`");
                None
            }
        }
    }

    /// A day or an instant, if it is said.
    pub(super) fn moment(&mut self, column: &str) -> Option<Moment> {
        let text = self.cell(column);
        if text.is_empty() {
            return None;
        }
        let day = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten().map(Moment::Day);
        let found = day.or_else(|| EventTime::read(text).map(|it| Moment::Instant(it.ms())));
        if let Some(found) = found {
            let ms = found.start_ms(&TimeZone::UTC);
            let (first, last) = self.report.times_ms.unwrap_or((ms, ms));
            self.report.times_ms = Some((first.min(ms), last.max(ms)));
        } else {
            self.bad(format!("`{column}`: `{text}` is no time"), "write a day (2026-03-02) or an instant (2026-03-02T09:00:00Z)");
        }
        found
    }

    /// A day or an instant that has to be there.
    pub(super) fn required_moment(&mut self, column: &str) -> Option<Moment> {
        self.required(column);
        self.moment(column)
    }

    /// A time of day, in minutes after midnight; 24:00 is the end of the day.
    pub(super) fn clock(&mut self, column: &str) -> Option<i64> {
        let text = self.required(column);
        let time = text.parse::<Time>().ok().filter(|_| text.contains(':'));
        let minutes = time.map(|it| i64::from(it.hour()) * 60 + i64::from(it.minute()));
        let minutes = minutes.or_else(|| (text == "24:00").then_some(1_440));
        if minutes.is_none() && !text.is_empty() {
            self.bad(format!("`{column}`: `{text}` is no time of day"), "write hours and minutes (09:00)");
        }
        minutes
    }

    /// The row can't be used.
    pub(super) fn bad(&mut self, message: impl Into<String>, hint: &str) {
        self.is_bad = true;
        self.report.push(Code::BadContextRow, self.line, message, hint);
    }

    /// The row is used, and probably not meant so.
    pub(super) fn odd(&mut self, message: impl Into<String>, hint: &str) {
        self.report.push(Code::DoubtfulContext, self.line, message, hint);
    }
}

/// Shows each row of `text`, which is a table with these columns, the first `required` of which must be there. Returns how many there were.
pub(super) fn each(
    table: Table,
    format: Format,
    text: &str,
    report: &mut Report<'_>,
    mut show: impl FnMut(&mut Row<'_, '_>),
) -> usize {
    let columns = table.columns();
    let mut cells = vec![String::new(); columns.len()];
    let mut count = 0;
    let mut row = |line: usize, cells: &[String], report: &mut Report<'_>| {
        count += 1;
        if count > ROWS_MAX {
            if count == ROWS_MAX + 1 {
                report.push(
                    Code::TooLarge,
                    line,
                    format!("a table has at most {ROWS_MAX} rows; this one and those after it are left out"),
                    "",
                );
            }
            return;
        }
        if let Some((name, cell)) = columns.iter().zip(cells).find(|(_, it)| it.len() > VALUE_BYTES_MAX * LIST_MAX.min(16)) {
            let message = format!("`{name}` has {} bytes; the row is left out", cell.len());
            return report.push(Code::BadContextRow, line, message, "");
        }
        if let Some((name, _)) = columns.iter().zip(cells).find(|(_, it)| it.contains(|it: char| it.is_control() && it != BETWEEN))
        {
            return report.push(Code::BadContextRow, line, format!("`{name}` has a control character; the row is left out"), "");
        }
        show(&mut Row { line, columns, cells, format, report, is_bad: false });
    };
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::Csv => each_of_csv(table, text, &mut cells, report, &mut row),
        Format::Ndjson => each_of_ndjson(table, text, false, &mut cells, report, &mut row),
        Format::Parquet => each_of_parquet(table, text, &mut cells, report, &mut row),
    }
    count.min(ROWS_MAX)
}

type Show<'s> = &'s mut dyn FnMut(usize, &[String], &mut Report<'_>);

fn each_of_csv(table: Table, text: &str, cells: &mut [String], report: &mut Report<'_>, show: Show<'_>) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return report.push(Code::BadTable, 1, error.to_string(), ""),
    };
    let places: Vec<Option<usize>> = headers.iter().map(|it| table.column(it)).collect();
    let hint = "columns are separated by commas, and the first line names them";
    if !has_required(table, &places, &headers.iter(), hint, report) {
        return;
    }
    misspelled(table, headers.iter(), &places, report);
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return,
            Ok(true) => {
                let line = record.position().map_or(1, |it| usize::try_from(it.line()).unwrap_or(usize::MAX));
                if record.len() != headers.len() {
                    let message = format!("a row of {} fields where the header has {}", record.len(), headers.len());
                    report.push(Code::BadContextRow, line, message, "the row is left out; quote fields with commas in them");
                    continue;
                }
                cells.iter_mut().for_each(String::clear);
                for (place, cell) in places.iter().zip(&record) {
                    if let Some(place) = place {
                        cells[*place].push_str(cell);
                    }
                }
                show(line, cells, report);
            }
            Err(error) => {
                let line = error.position().map_or(1, |it| usize::try_from(it.line()).unwrap_or(usize::MAX));
                report.push(Code::BadTable, line, format!("{error}; nothing after it is read"), "");
                return;
            }
        }
    }
}

fn has_required<'h>(
    table: Table,
    places: &[Option<usize>],
    headers: &(impl Iterator<Item = &'h str> + Clone),
    hint: &str,
    report: &mut Report<'_>,
) -> bool {
    let mut is_fine = true;
    for (at, name) in table.columns().iter().enumerate() {
        let count = places.iter().filter(|it| **it == Some(at)).count();
        if count > 1 {
            report.push(Code::BadTable, 1, format!("the column `{name}` is there {count} times"), "leave one of them");
            is_fine = false;
        }
        if count == 0 && at < table.required() {
            let there = headers.clone().collect::<Vec<_>>().join(", ");
            let message = format!("the table `{}` has no column `{name}`; there are: {there}", table.name());
            report.push(Code::BadTable, 1, message, hint);
            is_fine = false;
        }
    }
    is_fine
}

/// Warns of columns that are nearly known: what stands in them is not used.
fn misspelled<'h>(table: Table, headers: impl Iterator<Item = &'h str>, places: &[Option<usize>], report: &mut Report<'_>) {
    let columns = table.columns();
    for header in headers.filter(|it| table.column(it).is_none()) {
        let is_free = |name: &&&str| !places.contains(&columns.iter().position(|it| it == *name));
        if let Some(near) = columns.iter().filter(is_free).find(|it| it.len() > 3 && within(&header.trim().to_lowercase(), it, 2)) {
            report.push(
                Code::DoubtfulContext,
                1,
                format!("nobody reads the column `{header}`"),
                &format!("did you mean `{near}`?"),
            );
        }
    }
}

/// Lines are numbered as rows are: the line with the names of the columns is none.
fn each_of_parquet(table: Table, text: &str, cells: &mut [String], report: &mut Report<'_>, show: Show<'_>) {
    let (headers, rows) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(headers) = serde_json::from_str::<Vec<String>>(headers) else {
        return report.push(Code::BadTable, 1, "these are no rows of a Parquet file", "");
    };
    let headers = || headers.iter().map(String::as_str);
    let places: Vec<Option<usize>> = headers().map(|it| table.column(it)).collect();
    if !has_required(table, &places, &headers(), "", report) {
        return;
    }
    misspelled(table, headers(), &places, report);
    each_of_ndjson(table, rows, true, cells, report, show);
}

fn each_of_ndjson(table: Table, text: &str, mut is_told: bool, cells: &mut [String], report: &mut Report<'_>, show: Show<'_>) {
    for (at, line) in text.lines().enumerate().filter(|(_, it)| !it.trim().is_empty()) {
        let fields = match serde_json::from_str::<Json>(line) {
            Ok(Json::Object(fields)) => fields,
            Ok(_) => {
                report.push(Code::BadContextRow, at + 1, "a row has to be a JSON object", "");
                continue;
            }
            Err(error) => {
                report.push(Code::BadContextRow, at + 1, format!("not JSON: {error}"), "");
                continue;
            }
        };
        if !is_told {
            is_told = true;
            let places: Vec<Option<usize>> = fields.keys().map(|it| table.column(it)).collect();
            misspelled(table, fields.keys().map(String::as_str), &places, report);
        }
        cells.iter_mut().for_each(String::clear);
        let mut is_sound = true;
        for (name, value) in &fields {
            let Some(place) = table.column(name) else { continue };
            if !put(value, &mut cells[place]) {
                report.push(
                    Code::BadContextRow,
                    at + 1,
                    format!("`{name}` is neither a value nor a list of values"),
                    "the row is left out",
                );
                is_sound = false;
            }
        }
        if is_sound {
            show(at + 1, cells, report);
        }
    }
}

/// Writes a value, or the elements of a list, into a cell.
fn put(value: &Json, into: &mut String) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => {
            into.push_str(text);
            true
        }
        Json::Bool(_) | Json::Number(_) => write!(into, "{value}").is_ok(),
        Json::Array(elements) => elements.iter().all(|it| {
            if !into.is_empty() {
                into.push(BETWEEN);
            }
            !matches!(it, Json::Array(_)) && put(it, into)
        }),
        Json::Object(_) => false,
    }
}
