//! Why an input line is no event.

use std::fmt;

/// The kind of a rejection: a closed set, used as a metric label and in dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectCode {
    /// Not well-formed JSON (RFC 8259).
    NotJson,
    /// Not UTF-8.
    NotUtf8,
    /// Well-formed JSON, but not an object.
    NotObject,
    /// Longer than the configured limit.
    TooLong,
    /// Nested deeper than the configured limit.
    TooDeep,
    /// A field that somebody reads stands there twice: two readers could see two different events.
    DuplicateKey,
    /// A required role has no value.
    MissingField,
    /// A role has a value of the wrong type or form.
    WrongType,
    /// The event's time is before or after what is plausible.
    TimeOutOfRange,
    /// The input ended in the middle of this record.
    Truncated,
}

impl RejectCode {
    /// All codes.
    pub const ALL: [Self; 10] = [
        Self::NotJson,
        Self::NotUtf8,
        Self::NotObject,
        Self::TooLong,
        Self::TooDeep,
        Self::DuplicateKey,
        Self::MissingField,
        Self::WrongType,
        Self::TimeOutOfRange,
        Self::Truncated,
    ];

    /// The word used in dead letters and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotUtf8 => "not_utf8",
            Self::NotObject => "not_object",
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::Truncated => "truncated",
        }
    }
}

/// Why a line was rejected, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The kind.
    pub code: RejectCode,
    /// Byte offset in the line at which the reason was found.
    pub offset: usize,
    /// What was wrong and what was expected, for people.
    pub reason: String,
}

impl Reject {
    /// A rejection of `code` at `offset`.
    pub fn new(code: RejectCode, offset: usize, reason: impl Into<String>) -> Self {
        Self { code, offset, reason: reason.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.code.as_str(), self.offset, self.reason)
    }
}
