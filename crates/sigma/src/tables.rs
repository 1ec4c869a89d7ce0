//! Context tables: rows of named values from CSV, NDJSON or the rows of Parquet files. Rules name a column as `%TABLE.COLUMN%`, which stands for its distinct values.

use crate::lists::Lists;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Most columns of one table.
const COLUMNS_MAX: usize = 1_000;
/// Deepest object in a row of NDJSON.
const DEPTH_MAX: usize = 16;

/// The distinct values of each column, in the order in which they first stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Column → its values.
    pub columns: BTreeMap<String, Vec<String>>,
}

/// A table that can't be used, and the 1-based line that is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TableError {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl TableError {
    fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

/// Reads a table from one text or several.
#[derive(Debug, Default)]
pub struct TableReader {
    table: Table,
    seen: BTreeMap<String, BTreeSet<String>>,
    /// What becomes of a column with too many values.
    overflow: Overflow,
    /// Columns that are left out.
    left_out: BTreeSet<String>,
}

/// What becomes of a column with more different values than a list may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The table is refused: cutting the column would make rules silently blind.
    #[default]
    Refuse,
    /// The column is left out, so that a rule that names it is refused, and the others are used: for tables that are there for more than
    /// rules.
    LeaveOut,
}

/// Lines of a text whose rows don't count. Rows of Parquet files are numbered from the first row.
pub type PassedOver = BTreeSet<usize>;

impl TableReader {
    /// A reader of an empty table.
    pub fn new(overflow: Overflow) -> Self {
        Self { overflow, ..Self::default() }
    }

    /// The table that all texts came to.
    pub fn finish(self) -> Table {
        self.table
    }

    /// Adds a column, if it is not there yet, so that rules may name it before any row has a value in it.
    pub fn column(&mut self, name: &str) -> Result<(), TableError> {
        self.add(name, "", 1)
    }

    /// Adds a value. White space around it is none of it, and an empty cell is no value.
    fn add(&mut self, column: &str, value: &str, line: usize) -> Result<(), TableError> {
        let value = value.trim();
        if self.left_out.contains(column) {
            return Ok(());
        }
        if !self.seen.contains_key(column) {
            if self.seen.len() == COLUMNS_MAX {
                return Err(TableError::new(line, format!("a table has at most {COLUMNS_MAX} columns")));
            }
            self.seen.insert(column.to_owned(), BTreeSet::new());
            self.table.columns.insert(column.to_owned(), Vec::new());
        }
        let seen = self.seen.get_mut(column).expect("it was put there if it was not");
        if value.is_empty() || seen.contains(value) {
            return Ok(());
        }
        if seen.len() == Lists::ENTRIES_MAX && self.overflow == Overflow::LeaveOut {
            self.left_out.insert(column.to_owned());
            self.table.columns.remove(column);
            return Ok(());
        }
        if seen.len() == Lists::ENTRIES_MAX {
            let most = Lists::ENTRIES_MAX;
            return Err(TableError::new(line, format!("the column `{column}` has more than {most} different values")));
        }
        seen.insert(value.to_owned());
        self.table.columns.get_mut(column).expect("it was put there with its set").push(value.to_owned());
        Ok(())
    }

    fn add_ndjson(&mut self, text: &str, passed_over: &PassedOver) -> Result<(), TableError> {
        for (at, line) in text.lines().enumerate().filter(|(_, it)| !it.trim().is_empty()) {
            let json: Json = serde_json::from_str(line).map_err(|error| TableError::new(at + 1, format!("not JSON: {error}")))?;
            if !json.is_object() {
                return Err(TableError::new(at + 1, "a row has to be an object"));
            }
            if !passed_over.contains(&(at + 1)) {
                add_json(self, &mut String::new(), &json, at + 1, DEPTH_MAX)?;
            }
        }
        Ok(())
    }

    /// Reads CSV (RFC 4180): the first record names the columns, every other has as many fields.
    pub fn csv(&mut self, text: &str, passed_over: &PassedOver) -> Result<(), TableError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let headers = reader.headers().map_err(|error| csv_error(&error))?.clone();
        let mut is_named = false;
        for (at, name) in headers.iter().enumerate() {
            let name = name.trim();
            // Exports have headers for people. A column that no placeholder can name takes nothing from the others.
            if !is_name(name) {
                continue;
            }
            if headers.iter().take(at).any(|it| it.trim() == name) {
                return Err(TableError::new(1, format!("the column `{name}` is there twice")));
            }
            is_named = true;
            self.column(name)?;
        }
        if !is_named {
            let reason = "no column has a name of letters, digits, `_`, `-` and `.` (columns are separated by commas)";
            return Err(TableError::new(1, reason));
        }
        for record in reader.records() {
            let record = record.map_err(|error| csv_error(&error))?;
            let line = record.position().map_or(1, |it| usize::try_from(it.line()).unwrap_or(usize::MAX));
            if passed_over.contains(&line) {
                continue;
            }
            for (name, value) in headers.iter().zip(&record).filter(|(name, _)| is_name(name.trim())) {
                self.add(name.trim(), value, line)?;
            }
        }
        Ok(())
    }

    /// Reads NDJSON: one object per line. Columns are dotted paths to texts, numbers and booleans; lists give each of their elements.
    pub fn ndjson(&mut self, text: &str, passed_over: &PassedOver) -> Result<(), TableError> {
        self.add_ndjson(text.trim_start_matches('\u{feff}'), passed_over)
    }

    /// Reads the rows of a Parquet file, as whoever reads such files gives them: a line with the names of the columns, a JSON array, then one object
    /// per row. Lines are counted from the first row.
    pub fn parquet_rows(&mut self, text: &str, passed_over: &PassedOver) -> Result<(), TableError> {
        let (names, objects) = text.split_once('\n').unwrap_or((text, ""));
        let names: Vec<String> =
            serde_json::from_str(names).map_err(|error| TableError::new(1, format!("no names of columns: {error}")))?;
        names.iter().filter(|it| is_name(it)).try_for_each(|it| self.column(it))?;
        self.add_ndjson(objects, passed_over)
    }
}

fn add_json(rows: &mut TableReader, path: &mut String, json: &Json, line: usize, depth_left: usize) -> Result<(), TableError> {
    match json {
        Json::Null => Ok(()),
        Json::String(text) => rows.add(path, text, line),
        Json::Bool(_) | Json::Number(_) => rows.add(path, &json.to_string(), line),
        Json::Array(_) | Json::Object(_) if depth_left == 0 => {
            Err(TableError::new(line, format!("a row is nested deeper than {DEPTH_MAX} levels")))
        }
        Json::Array(elements) => elements.iter().try_for_each(|it| add_json(rows, path, it, line, depth_left - 1)),
        Json::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            let length = path.len();
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(key);
            let added = add_json(rows, path, value, line, depth_left - 1);
            path.truncate(length);
            added
        }),
    }
}

/// Whether a placeholder can name it.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '.'))
}

fn csv_error(error: &csv::Error) -> TableError {
    let line = error.position().map_or(1, |it| usize::try_from(it.line()).unwrap_or(usize::MAX));
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("a row of {len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    TableError::new(line, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        overflow: Overflow,
        rows: impl FnOnce(&mut TableReader, &PassedOver) -> Result<(), TableError>,
    ) -> Result<Table, TableError> {
        let mut reader = TableReader::new(overflow);
        rows(&mut reader, &PassedOver::new()).map(|()| reader.finish())
    }

    fn csv(text: &str, overflow: Overflow) -> Result<Table, TableError> {
        read(overflow, |it, none| it.csv(text, none))
    }

    fn ndjson(text: &str, overflow: Overflow) -> Result<Table, TableError> {
        read(overflow, |it, none| it.ndjson(text, none))
    }

    fn parquet(text: &str, overflow: Overflow) -> Result<Table, TableError> {
        read(overflow, |it, none| it.parquet_rows(text, none))
    }

    fn columns(table: &Table) -> Vec<(&str, Vec<&str>)> {
        table.columns.iter().map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect())).collect()
    }

    #[track_caller]
    fn check(table: Result<Table, TableError>, expected: &[(&str, &[&str])]) {
        let table = table.unwrap();
        assert_eq!(columns(&table), expected.iter().map(|(name, values)| (*name, values.to_vec())).collect::<Vec<_>>());
    }

    #[track_caller]
    fn check_wrong(table: Result<Table, TableError>, expected: &str) {
        assert_eq!(table.unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_column_is_its_distinct_values_in_their_order() {
        let text = "\u{feff}id,role\nu2,admin\nu1,agent\nu2,admin\n";
        check(csv(text, Overflow::Refuse), &[("id", &["u2", "u1"]), ("role", &["admin", "agent"])]);
    }

    #[test]
    fn quotes_line_ends_and_empty_cells_are_those_of_rfc_4180() {
        let text = "id,note\r\nu1,\"a, \"\"b\"\"\"\r\nu2,\r\n";
        check(csv(text, Overflow::Refuse), &[("id", &["u1", "u2"]), ("note", &["a, \"b\""])]);
    }

    #[test]
    fn a_column_that_no_placeholder_can_name_takes_nothing_from_the_others() {
        check(csv("id,Full Name,,role\nu1,Ana Ek,x,admin\n", Overflow::Refuse), &[("id", &["u1"]), ("role", &["admin"])]);
    }

    #[test]
    fn a_table_without_rows_has_columns_without_values() {
        check(csv("id,role\n", Overflow::Refuse), &[("id", &[]), ("role", &[])]);
    }

    #[test]
    fn rows_of_json_have_paths_for_columns() {
        let text = "{\"id\":\"u1\",\"actor\":{\"level\":3},\"tags\":[\"a\",\"b\"],\"x\":null}\n\n{\"id\":\"u2\",\"on\":true}\n";
        check(
            ndjson(text, Overflow::Refuse),
            &[("actor.level", &["3"]), ("id", &["u1", "u2"]), ("on", &["true"]), ("tags", &["a", "b"])],
        );
    }

    #[test]
    fn rows_of_parquet_have_columns_also_without_any_row() {
        let text = "[\"id\",\"tags\",\"full name\"]\n{\"id\":7}\n{}\n{\"tags\":[\"a\",\"b\"]}\n";
        check(parquet(text, Overflow::Refuse), &[("id", &["7"]), ("tags", &["a", "b"])]);
        check(parquet("[\"id\"]", Overflow::Refuse), &[("id", &[])]);
        check_wrong(parquet("[\"id\"]\n{}\n7\n", Overflow::Refuse), "line 2: a row has to be an object");
    }

    #[test]
    fn texts_come_together_and_rows_may_be_passed_over() {
        let mut reader = TableReader::new(Overflow::Refuse);
        reader.column("site").unwrap();
        reader.csv("id,role\nu1,admin\nu2,agent\nu3,agent\n", &PassedOver::from([2, 4])).unwrap();
        reader.ndjson("{\"id\":\"u1\",\"role\":\"lead\"}\n{\"id\":\"u9\"}\n", &PassedOver::from([2])).unwrap();
        reader.parquet_rows("[\"id\"]\n{\"id\":\"u5\"}\n{\"id\":\"u6\"}\n", &PassedOver::from([1])).unwrap();
        check(Ok(reader.finish()), &[("id", &["u2", "u1", "u6"]), ("role", &["agent", "lead"]), ("site", &[])]);
    }

    #[test]
    fn what_is_wrong_comes_with_its_line() {
        check_wrong(csv("id,role\nu1,admin\nu2\n", Overflow::Refuse), "line 3: a row of 1 fields where the header has 2");
        check_wrong(csv("id,id\n", Overflow::Refuse), "line 1: the column `id` is there twice");
        check_wrong(
            csv("id;a b\n", Overflow::Refuse),
            "line 1: no column has a name of letters, digits, `_`, `-` and `.` (columns are separated by commas)",
        );
        check_wrong(ndjson("{\"a\":1}\n[1]\n", Overflow::Refuse), "line 2: a row has to be an object");
        assert!(ndjson("{\"a\":1}\n\n{\n", Overflow::Refuse).unwrap_err().to_string().starts_with("line 3: not JSON: "));
    }

    #[test]
    fn nesting_and_columns_are_bounded() {
        let deep = format!("{}1{}", "{\"a\":".repeat(20), "}".repeat(20));
        check_wrong(ndjson(&deep, Overflow::Refuse), "line 1: a row is nested deeper than 16 levels");
        let wide: Vec<String> = (0..=COLUMNS_MAX).map(|it| format!("c{it}")).collect();
        check_wrong(csv(&wide.join(","), Overflow::Refuse), "line 1: a table has at most 1000 columns");
    }

    #[test]
    fn a_table_takes_the_place_of_one_of_its_name() {
        let mut lists = Lists::default();
        lists.insert_table("roster", csv("id,role\nu1,admin\n", Overflow::Refuse).unwrap());
        lists.insert_table("roster", csv("id\nu*\n", Overflow::Refuse).unwrap());
        assert_eq!(lists.names().collect::<Vec<_>>(), ["roster.id"]);
        assert_eq!(lists.get("roster.id"), Some(["u*".to_owned()].as_slice()));
    }

    #[test]
    fn a_column_with_too_many_values_is_left_out_where_that_is_wanted() {
        let lines: Vec<String> = (0..=Lists::ENTRIES_MAX).map(|it| format!("{{\"id\":{it},\"role\":\"a\"}}\n")).collect();
        let text = lines.concat();
        check(ndjson(&text, Overflow::LeaveOut), &[("role", &["a"])]);
        let told = ndjson(&text, Overflow::Refuse).unwrap_err().to_string();
        assert_eq!(told, "line 100001: the column `id` has more than 100000 different values");
    }
}
