//! A token bucket that may be overdrawn where something can't wait.

use crate::Weight;
use serde::{Deserialize, Serialize};

const MS_PER_DAY: f64 = 86_400_000.0;
/// Sums of parts of a day are off by less than this.
const ROUNDING: f64 = 1e-9;

/// Pages that may still be sent: refilled evenly, B a day. 16 bytes.
///
/// It holds two days' worth, so that a quiet day or two may be made up for; where B is less than one, a day's worth and a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Bucket {
    tokens: f64,
    at_ms: i64,
}

const _: () = assert!(size_of::<Bucket>() == 16);

impl Bucket {
    /// A full day's budget at `at_ms`.
    pub const fn new(at_ms: i64, per_day: Weight) -> Self {
        Self { tokens: per_day.get(), at_ms }
    }

    /// It is `at_ms`. Time that goes back refills nothing.
    pub fn refill(&mut self, at_ms: i64, per_day: Weight) {
        #[expect(clippy::cast_precision_loss, reason = "2^52 ms are longer than anything that is waited for")]
        let days = at_ms.saturating_sub(self.at_ms).max(0) as f64 / MS_PER_DAY;
        let per_day = per_day.get();
        let most = if per_day > 0.0 { per_day + per_day.max(1.0) } else { 0.0 };
        self.tokens = (self.tokens + days * per_day).min(most);
        self.at_ms = self.at_ms.max(at_ms);
    }

    /// Takes a token if so many are left then: below zero they are tomorrow's. Whether there was one.
    pub fn take(&mut self, left: f64) -> bool {
        let is_there = self.has(left);
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }

    /// Whether there is a token that leaves so many.
    pub fn has(&self, left: f64) -> bool {
        self.tokens - 1.0 >= left - ROUNDING
    }

    /// How many more may be shown now; below zero what has been borrowed.
    pub const fn left(&self) -> f64 {
        self.tokens
    }
}
