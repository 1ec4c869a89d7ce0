//! How far a rule has come: the five statuses of Sigma, and what each means for those who would be paged.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A Sigma status (specification 2.1, `status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Fit for production: its alerts page. The status of a rule that names none.
    #[default]
    Stable,
    /// Nearly there, perhaps to be tuned: runs in shadow.
    Test,
    /// May well be noisy: runs in shadow.
    Experimental,
    /// Replaced by another rule: runs as if it were stable, with a warning, since a rule that goes quiet unasked is a gap.
    Deprecated,
    /// Can't be used as it is: does not run, with a warning.
    Unsupported,
}

impl Status {
    /// All statuses, those that page first.
    pub const ALL: [Self; 5] = [Self::Stable, Self::Test, Self::Experimental, Self::Deprecated, Self::Unsupported];

    /// The word used in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Test => "test",
            Self::Experimental => "experimental",
            Self::Deprecated => "deprecated",
            Self::Unsupported => "unsupported",
        }
    }

    /// The status that a rule's `status` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Whether what the rule finds is recorded and pages nobody.
    pub fn is_shadow(self) -> bool {
        matches!(self, Self::Test | Self::Experimental)
    }

    /// Whether the rule is evaluated at all.
    pub fn runs(self) -> bool {
        self != Self::Unsupported
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn test_and_experimental_rules_run_in_shadow_and_unsupported_ones_do_not_run() {
        let of = |it: Status| (it.runs(), it.is_shadow());
        assert_eq!(
            Status::ALL.map(of),
            [(true, false), (true, true), (true, true), (true, false), (false, false)],
            "in the order of Status::ALL"
        );
        assert_eq!(Status::parse("experimental"), Some(Status::Experimental));
        assert_eq!(Status::parse("Stable"), None);
    }
}
