//! Where the problems of a file are collected while it is being read.

use super::yaml::Position;
use crate::problem::{Code, Fix, Problem, Severity};

/// Most problems reported for one file; the rest is counted.
const PROBLEMS_MAX: usize = 100;

/// The problems of one file so far.
#[derive(Debug)]
pub(crate) struct Report {
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

    pub(super) fn error(&mut self, code: Code, at: Position, message: impl Into<String>) {
        self.push(Severity::Error, code, at, message.into(), None);
    }

    pub(super) fn error_with_hint(&mut self, code: Code, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Error, code, at, message.into(), Some(hint.into()));
    }

    /// An error with the hint `did you mean …?` if one of `known` is close to `wrong`.
    pub(super) fn error_with_nearest<'a>(
        &mut self,
        code: Code,
        at: Position,
        message: impl Into<String>,
        wrong: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let hint = super::nearest::nearest(wrong, known).map(|it| format!("did you mean `{it}`?"));
        self.push(Severity::Error, code, at, message.into(), hint);
    }

    pub(super) fn warning(&mut self, code: Code, at: Position, message: impl Into<String>) {
        self.push(Severity::Warning, code, at, message.into(), None);
    }

    pub(super) fn warning_with_hint(&mut self, code: Code, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Warning, code, at, message.into(), Some(hint.into()));
    }

    /// Adds a fix to the problem that was reported last, which must be the one at hand.
    pub(super) fn fix_last(&mut self, fix: Option<Fix>) {
        // Beyond the limit the problem was not kept, and its fix is not wanted.
        if self.left_out == 0
            && let Some(last) = self.problems.last_mut()
        {
            last.fix = fix;
        }
    }

    fn push(&mut self, severity: Severity, code: Code, at: Position, message: String, hint: Option<String>) {
        if severity == Severity::Error {
            self.errors += 1;
        }
        if self.problems.len() == PROBLEMS_MAX {
            self.left_out += 1;
            return;
        }
        let end_column = (at.width > 0).then_some(at.column + at.width);
        let problem = Problem::new(code, &self.file, at.line, at.column, message);
        self.problems.push(Problem { severity, end_column, hint, ..problem });
    }

    /// The problems in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|it| (it.line, it.column));
        if self.left_out > 0 {
            let severity = if self.errors > 0 { Severity::Error } else { Severity::Warning };
            let message = format!("{} more problems in this file are not shown", self.left_out);
            let (line, column) = self.problems.last().map_or((1, 1), |it| (it.line, it.column));
            let problem = Problem::new(Code::TooManyProblems, &self.file, line, column, message);
            self.problems.push(Problem { severity, ..problem });
        }
        self.problems
    }
}
