//! What a check found.

use sigma::problem::{Problem, Severity};

/// The problems that are told, and how much was checked.
pub(super) struct Outcome {
    pub(super) rules: usize,
    pub(super) correlations: usize,
    pub(super) problems: Vec<Problem>,
    /// How many problems comments allow.
    pub(super) allowed: usize,
}

impl Outcome {
    /// Whether there was not a single document, sound or not.
    pub(super) fn is_nothing(&self) -> bool {
        self.rules + self.correlations == 0 && self.problems.is_empty()
    }

    /// Whether the rules are not in order.
    pub(super) fn fails(&self, denies_warnings: bool) -> bool {
        self.errors() > 0 || (denies_warnings && self.warnings() > 0)
    }

    pub(super) fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    pub(super) fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    pub(super) fn infos(&self) -> usize {
        self.count(Severity::Info)
    }

    pub(super) fn fixable(&self) -> usize {
        self.problems.iter().filter(|it| it.fix.is_some()).count()
    }

    fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|it| it.severity == severity).count()
    }
}
