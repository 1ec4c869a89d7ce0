//! The canary of a source: an event that somebody sends now and then so that it comes out at the other end.

use serde::{Deserialize, Serialize};

/// When a canary was out last, and whether the next is missing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Canary {
    /// The time of the latest that came out, or the time from which on one is expected.
    last_ms: Option<i64>,
    /// Whether any ever came out.
    has_come: bool,
    is_missing: bool,
    came: u64,
    missed: u64,
}

/// How it stands with the canary of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryStats {
    /// Canaries that came out.
    pub came: u64,
    /// How often one was missing.
    pub missed: u64,
    /// Whether one is missing now.
    pub is_missing: bool,
    /// The time of the latest, in milliseconds since the epoch.
    pub last_ms: Option<i64>,
}

/// What is told of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Missing {
    /// When the latest came out, or was first expected.
    pub(super) last_ms: i64,
    pub(super) has_come: bool,
    /// When it came out again.
    pub(super) back_ms: Option<i64>,
}

impl Canary {
    /// It is expected from `time_ms` on.
    pub(super) fn expect_from(&mut self, time_ms: i64) {
        self.last_ms.get_or_insert(time_ms);
    }

    /// One came out. Gives what is to be told: that it was missing until now, if nobody knew, and that it is back.
    pub(super) fn note(&mut self, time_ms: i64, every_ms: i64) -> impl Iterator<Item = Missing> {
        let missed = self.advance(time_ms, every_ms);
        let last_ms = self.last_ms.unwrap_or(time_ms);
        let back = Missing { last_ms, has_come: self.has_come, back_ms: Some(time_ms) };
        self.came += 1;
        self.has_come = true;
        self.last_ms = Some(last_ms.max(time_ms));
        // One of before that was delayed is no sign that the way is free now.
        let is_back = time_ms > last_ms && std::mem::take(&mut self.is_missing);
        missed.into_iter().chain(is_back.then_some(back))
    }

    /// The watermark is at `reached_ms`: one that is later than one and a half intervals is missing.
    pub(super) fn advance(&mut self, reached_ms: i64, every_ms: i64) -> Option<Missing> {
        let last_ms = self.last_ms?;
        if self.is_missing || reached_ms <= last_ms.saturating_add(every_ms).saturating_add(every_ms / 2) {
            return None;
        }
        self.is_missing = true;
        self.missed += 1;
        Some(Missing { last_ms, has_come: self.has_come, back_ms: None })
    }

    pub(super) fn stats(&self) -> CanaryStats {
        let Self { came, missed, is_missing, has_come, .. } = *self;
        CanaryStats { came, missed, is_missing, last_ms: self.last_ms.filter(|_| has_come) }
    }
}
