//! Named lists of texts that rules refer to through placeholders (`|expand` with `%name%`).

use crate::tables::Table;
use std::collections::{BTreeMap, BTreeSet};

/// The lists that rules may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists(BTreeMap<String, List>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct List {
    entries: Vec<String>,
    reading: Reading,
}

/// How the entries of a list are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Like values in a rule: `*` and `?` are wildcards, a backslash escapes them (specification 2.1, "Placeholders": `%Servers%` is
    /// replaced with the pattern `srv*`).
    Patterns,
    /// As they stand: they come out of data.
    Literal,
}

/// A list that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It has too many entries.
    #[error("line {line}: a list holds at most {} entries", Lists::ENTRIES_MAX)]
    TooLong {
        /// The 1-based line of the first entry over the limit.
        line: usize,
    },
}

impl Lists {
    /// Most entries of one list. A longer one is refused: cutting it would make rules silently blind.
    pub const ENTRIES_MAX: usize = 100_000;

    /// Adds a list that a person wrote, whose entries may have wildcards, or replaces the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, entries: Vec<String>) {
        self.0.insert(name.into(), List { entries, reading: Reading::Patterns });
    }

    /// Adds a list of texts that mean themselves, or replaces the one of that name.
    pub fn insert_literal(&mut self, name: impl Into<String>, entries: Vec<String>) {
        self.0.insert(name.into(), List { entries, reading: Reading::Literal });
    }

    /// Adds every column of a table as the list `name.column`. A table of that name goes away with all its columns.
    pub fn insert_table(&mut self, name: &str, table: Table) {
        let prefix = format!("{name}.");
        self.0.retain(|list, _| !list.starts_with(&prefix));
        for (column, values) in table.columns {
            self.insert_literal(prefix.clone() + &column, values);
        }
    }

    /// The entries of a list in their order; `None` when there is no list of that name.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(|it| it.entries.as_slice())
    }

    /// How the entries of a list are read; that of a list that is not there does not matter.
    pub fn reading(&self, name: &str) -> Reading {
        self.0.get(name).map_or(Reading::Literal, |it| it.reading)
    }

    /// The names of all lists, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads the text of a list: one entry per line, trimmed; empty lines and lines that start with `#` are skipped, repeated
    /// entries count once.
    pub fn parse_text(text: &str) -> Result<Vec<String>, ListError> {
        let mut seen = BTreeSet::new();
        let mut entries = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let entry = line.trim();
            if entry.is_empty() || entry.starts_with('#') || !seen.insert(entry) {
                continue;
            }
            if entries.len() == Self::ENTRIES_MAX {
                return Err(ListError::TooLong { line: index + 1 });
            }
            entries.push(entry.to_owned());
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, entries: &[&str]) {
        assert_eq!(Lists::parse_text(text).unwrap(), entries);
    }

    #[test]
    fn each_line_is_an_entry() {
        check("usa\n@six\n", &["usa", "@six"]);
    }

    #[test]
    fn comments_empty_lines_and_blanks_around_entries_are_skipped() {
        check("\u{feff}# short handles\n\n  usa \r\n\t# more\nc# coders\n", &["usa", "c# coders"]);
    }

    #[test]
    fn a_repeated_entry_counts_once() {
        check("b\na\nb\n", &["b", "a"]);
    }

    #[test]
    fn a_list_over_the_limit_is_refused_with_its_line() {
        let mut text = String::from("# a comment\n");
        for number in 0..=Lists::ENTRIES_MAX {
            text += "entry ";
            text += &number.to_string();
            text.push('\n');
        }
        let error = Lists::parse_text(&text).unwrap_err();
        assert_eq!(error, ListError::TooLong { line: Lists::ENTRIES_MAX + 2 });
        assert_eq!(error.to_string(), "line 100002: a list holds at most 100000 entries");
    }

    #[test]
    fn lists_are_found_by_name() {
        let mut lists = Lists::default();
        lists.insert("vip", vec!["usa".to_owned()]);
        assert_eq!(lists.get("vip"), Some(["usa".to_owned()].as_slice()));
        assert_eq!(lists.get("vips"), None);
        assert_eq!(lists.names().collect::<Vec<_>>(), ["vip"]);
    }
}
