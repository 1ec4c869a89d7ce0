//! Where the problems of a file are collected while it is being read.

use super::yaml::Position;
use crate::problem::{Problem, Severity};

/// Most problems reported for one file; the rest is counted.
const PROBLEMS_MAX: usize = 100;

/// The problems of one file so far.
#[derive(Debug)]
pub(super) struct Report {
    file: String,
    problems: Vec<Problem>,
    errors: usize,
    left_out: usize,
}

impl Report {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), errors: 0, left_out: 0 }
    }

    /// How many errors there were. A document whose reading left this number as it was is sound.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    pub(super) fn error(&mut self, at: Position, message: impl Into<String>) {
        self.push(Severity::Error, at, message.into(), None);
    }

    pub(super) fn error_with_hint(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Error, at, message.into(), Some(hint.into()));
    }

    /// An error with the hint `did you mean …?` if one of `known` is close to `wrong`.
    pub(super) fn error_with_nearest<'a>(
        &mut self,
        at: Position,
        message: impl Into<String>,
        wrong: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let hint = super::nearest::nearest(wrong, known).map(|it| format!("did you mean `{it}`?"));
        self.push(Severity::Error, at, message.into(), hint);
    }

    pub(super) fn warning(&mut self, at: Position, message: impl Into<String>) {
        self.push(Severity::Warning, at, message.into(), None);
    }

    pub(super) fn warning_with_hint(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Warning, at, message.into(), Some(hint.into()));
    }

    fn push(&mut self, severity: Severity, at: Position, message: String, hint: Option<String>) {
        if severity == Severity::Error {
            self.errors += 1;
        }
        if self.problems.len() == PROBLEMS_MAX {
            self.left_out += 1;
            return;
        }
        self.problems.push(Problem { severity, file: self.file.clone(), line: at.line, column: at.column, message, hint });
    }

    /// The problems in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|it| (it.line, it.column));
        if self.left_out > 0 {
            let severity = if self.errors > 0 { Severity::Error } else { Severity::Warning };
            let message = format!("{} more problems in this file are not shown", self.left_out);
            let (line, column) = self.problems.last().map_or((1, 1), |it| (it.line, it.column));
            self.problems.push(Problem { severity, file: self.file, line, column, message, hint: None });
        }
        self.problems
    }
}
