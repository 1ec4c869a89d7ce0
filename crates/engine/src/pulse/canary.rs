//! The canary of a source: an event that somebody sends now and then so that it comes out at the other end.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// Those that came out and that the watermark has not passed: partitions that are read more slowly may have earlier ones.
    ahead: BTreeSet<i64>,
}

/// Most canaries that wait for the watermark; beyond, the earliest counts at once.
const AHEAD_MAX: usize = 1_024;

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

impl Missing {
    /// Since when it is missing: half an interval after it was due.
    pub(super) fn due_ms(&self, every_ms: i64) -> i64 {
        self.last_ms.saturating_add(every_ms).saturating_add(every_ms / 2)
    }
}

impl Canary {
    /// It is expected from `time_ms` on.
    pub(super) fn expect_from(&mut self, time_ms: i64) {
        self.last_ms.get_or_insert(time_ms);
    }

    /// One came out.
    pub(super) fn note(&mut self, time_ms: i64, every_ms: i64, out: &mut Vec<Missing>) {
        self.came += 1;
        self.ahead.insert(time_ms);
        while self.ahead.len() > AHEAD_MAX
            && let Some(earliest) = self.ahead.pop_first()
        {
            out.extend(self.pass(earliest, every_ms));
        }
    }

    /// The watermark is at `reached_ms`. Gives what is to be told: that it is missing, and that it is back.
    pub(super) fn advance(&mut self, reached_ms: i64, every_ms: i64, out: &mut Vec<Missing>) {
        while let Some(earliest) = self.ahead.first().copied().filter(|it| *it <= reached_ms) {
            self.ahead.remove(&earliest);
            out.extend(self.pass(earliest, every_ms));
        }
        out.extend(self.miss(reached_ms, every_ms));
    }

    /// One came out, and there are none before it any more.
    fn pass(&mut self, time_ms: i64, every_ms: i64) -> impl Iterator<Item = Missing> {
        let missed = self.miss(time_ms, every_ms);
        let last_ms = self.last_ms.unwrap_or(time_ms);
        let back = Missing { last_ms, has_come: self.has_come, back_ms: Some(time_ms) };
        self.has_come = true;
        self.last_ms = Some(last_ms.max(time_ms));
        // One of before that was delayed is no sign that the way is free now.
        let is_back = time_ms > last_ms && std::mem::take(&mut self.is_missing);
        missed.into_iter().chain(is_back.then_some(back))
    }

    /// Nothing came up to `reached_ms`: one that is later than one and a half intervals is missing.
    fn miss(&mut self, reached_ms: i64, every_ms: i64) -> Option<Missing> {
        let last_ms = self.last_ms?;
        let missing = Missing { last_ms, has_come: self.has_come, back_ms: None };
        if self.is_missing || reached_ms <= missing.due_ms(every_ms) {
            return None;
        }
        self.is_missing = true;
        self.missed += 1;
        Some(missing)
    }

    pub(super) fn stats(&self) -> CanaryStats {
        let Self { came, missed, is_missing, has_come, .. } = *self;
        CanaryStats { came, missed, is_missing, last_ms: self.last_ms.filter(|_| has_come) }
    }
}
