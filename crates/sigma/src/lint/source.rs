//! What lints look at: the text of a file, its documents as trees, and what they were loaded as.

use crate::ast::{Correlation, Document, Filter, Rule};
use crate::parse::yaml::{Key, Node, Position};
use crate::problem::{Code, Edit, Fix, Problem};

/// A file of rules.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) lines: Vec<&'a str>,
    pub(super) documents: Vec<Doc<'a>>,
}

/// One document of a file.
pub(super) struct Doc<'a> {
    pub(super) node: Node,
    /// What it was loaded as; `None` if it was not.
    pub(super) loaded: Option<&'a Document>,
}

impl<'a> Doc<'a> {
    pub(super) fn rule(&self) -> Option<&'a Rule> {
        match self.loaded? {
            Document::Rule(rule) => Some(rule),
            Document::Correlation(_) | Document::Filter(_) => None,
        }
    }

    pub(super) fn correlation(&self) -> Option<&'a Correlation> {
        match self.loaded? {
            Document::Correlation(correlation) => Some(correlation),
            Document::Rule(_) | Document::Filter(_) => None,
        }
    }

    pub(super) fn filter(&self) -> Option<&'a Filter> {
        match self.loaded? {
            Document::Filter(filter) => Some(filter),
            Document::Rule(_) | Document::Correlation(_) => None,
        }
    }

    /// The pair under a top-level key.
    pub(super) fn pair(&self, key: &str) -> Option<(&Key, &Node)> {
        self.node.as_map()?.iter().find(|(it, _)| it.text == key).map(|(key, value)| (key, value))
    }

    /// The texts under a top-level key, with their places.
    pub(super) fn texts(&self, key: &str) -> Vec<(&str, Position)> {
        let Some(node) = self.node.get(key) else { return Vec::new() };
        node.as_list().iter().filter_map(|it| Some((it.as_scalar()?.text.as_str(), it.at))).collect()
    }

    /// The text under a top-level key.
    pub(super) fn text(&self, key: &str) -> Option<(&str, Position)> {
        let node = self.node.get(key)?;
        Some((node.as_scalar()?.text.as_str(), node.at))
    }
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, lines: text.split('\n').collect(), documents: Vec::new() }
    }

    /// A problem of this file.
    pub(super) fn problem(&self, code: Code, at: Position, message: impl Into<String>) -> Problem {
        let end_column = (at.width > 0).then_some(at.column + at.width);
        Problem { end_column, ..Problem::new(code, self.file, at.line, at.column, message) }
    }

    /// A line without its end, 1-based; the empty text beyond the last one.
    pub(super) fn line(&self, number: usize) -> &'a str {
        number.checked_sub(1).and_then(|it| self.lines.get(it)).map_or("", |it| it.trim_end_matches('\r'))
    }

    /// The place of what stands on a line, without white space around it.
    pub(super) fn whole_line(&self, number: usize) -> Position {
        let line = self.line(number);
        let indent = line.chars().take_while(|it| it.is_whitespace()).count();
        Position { line: number, column: indent + 1, width: line.trim().chars().count() }
    }

    /// The text at a place, as it is written, quotes included.
    pub(super) fn written(&self, at: Position) -> String {
        self.line(at.line).chars().skip(at.column - 1).take(at.width).collect()
    }

    /// A fix that removes the entry of a list that stands alone on its line.
    pub(super) fn remove_entry(&self, title: impl Into<String>, at: Position) -> Option<Fix> {
        let line = self.line(at.line);
        let is_alone = at.width > 0 && line.trim().strip_prefix("- ").is_some_and(|it| it.trim() == self.written(at));
        let edit = Edit { start: (at.line, 1), end: (at.line + 1, 1), text: String::new() };
        // A comment above may be about the entry, and would then be about the next one.
        let is_alone = is_alone && !self.line(at.line - 1).trim_start().starts_with('#');
        (is_alone && at.line < self.lines.len()).then(|| Fix { title: title.into(), edits: vec![edit] })
    }

    /// A fix that removes a modifier from a key that is written without quotes.
    pub(super) fn remove_modifier(&self, key: &Key, modifier: &str) -> Option<Fix> {
        let words = key.text.split('|').enumerate().filter(|(at, it)| *at == 0 || *it != modifier);
        let without: Vec<&str> = words.map(|it| it.1).collect();
        if self.written(key.at) != key.text {
            return None;
        }
        replacement(format!("remove `|{modifier}`"), key.at, without.join("|"))
    }
}

/// A fix that puts `text` in the place of what stands at `at`, if it stands on one line.
pub(super) fn replacement(title: impl Into<String>, at: Position, text: impl Into<String>) -> Option<Fix> {
    let edit = Edit { start: (at.line, at.column), end: (at.line, at.column + at.width), text: text.into() };
    (at.width > 0).then(|| Fix { title: title.into(), edits: vec![edit] })
}
