//! What is wrong with a rule, a list or a page, and where.

mod code;

pub use code::Code;

use serde::{Serialize, Serializer};
use std::fmt;

/// Whether a problem keeps its document from loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is left out.
    Error,
    /// The document is loaded, but it probably does not do what its author meant.
    Warning,
    /// The document does what it says; it could say it better.
    #[serde(rename = "note")]
    Info,
}

impl Severity {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    /// What kind of problem it is: `NJ0123`.
    pub code: Code,
    /// Whether the document is left out.
    pub severity: Severity,
    /// The file, as it was named by the caller.
    pub file: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
    /// The column after the last character on that line that is meant; `None` where only the beginning is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
    /// What is wrong: lowercase, no full stop, with the value that was wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// How to mend it without changing what the document means, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// A change of the file that mends a problem. It never changes which events match.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Fix {
    /// What it does, in the imperative: `remove |all`.
    pub title: String,
    /// What to replace. The edits of one fix don't overlap.
    pub edits: Vec<Edit>,
}

/// A piece of a file and what to put in its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Edit {
    /// 1-based line and column, in characters, of the first character that goes.
    pub start: (usize, usize),
    /// 1-based line and column of the first character after it that stays.
    pub end: (usize, usize),
    /// What comes in its place.
    pub text: String,
}

impl Problem {
    /// A problem of the severity that its code usually has, at a place, without a hint.
    pub fn new(code: Code, file: &str, line: usize, column: usize, message: impl Into<String>) -> Self {
        let (severity, message) = (code.severity(), message.into());
        Self { code, severity, file: file.to_owned(), line, column, end_column: None, message, hint: None, fix: None }
    }

    /// An error at a place, without a hint.
    pub fn error(code: Code, file: &str, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, ..Self::new(code, file, line, column, message) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the document was left out.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: error: message (hint: …)`, the form that editors can jump to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.severity, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " (hint: {hint})"))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
