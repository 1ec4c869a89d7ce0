//! How bad a match is: the five levels of Sigma, which are the OCSF severities 1 to 5.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A Sigma level (specification 2.1, `level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nobody is paged.
    Informational,
    /// Noteworthy, rarely an incident by itself.
    Low,
    /// Relevant, to be looked at. The level of a rule that names none.
    #[default]
    Medium,
    /// Should be looked at promptly.
    High,
    /// An incident until shown otherwise.
    Critical,
}

impl Level {
    /// All levels, from the mildest.
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word used in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level that a rule's `level` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// OCSF `severity_id`, 1 (Informational) to 5 (Critical).
    pub fn severity_id(self) -> u8 {
        self as u8 + 1
    }

    /// OCSF `severity`, the caption of [`Self::severity_id`].
    pub fn severity(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
