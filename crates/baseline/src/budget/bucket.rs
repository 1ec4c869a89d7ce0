//! A token bucket that pages the riskiest first.

use crate::Weight;
use serde::{Deserialize, Serialize};

const MS_PER_DAY: f64 = 86_400_000.0;
/// A quiet day or two may be made up for.
const BURST_DAYS: f64 = 2.0;

/// Pages that may still be sent: refilled evenly, B a day, at most 2B. 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Bucket {
    tokens: f64,
    at_ms: i64,
}

const _: () = assert!(size_of::<Bucket>() == 16);

/// Somebody above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// What the caller knows it by; equal priorities are settled by it, the smaller first.
    pub id: u64,
    /// Risk times sensitivity.
    pub priority: Weight,
    /// A critical rule fired: shown whatever the budget says, and not charged to it.
    pub is_critical: bool,
    /// What becomes of it, set by [`Bucket::admit`].
    pub admission: Admission,
}

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Admission {
    /// In the digest: the budget is used up.
    #[default]
    Digest,
    /// Shown at once.
    Page,
    /// Shown at once, past the budget.
    Bypass,
}

impl Bucket {
    /// A full day's budget at `at_ms`.
    pub const fn new(at_ms: i64, per_day: Weight) -> Self {
        Self { tokens: per_day.get(), at_ms }
    }

    /// Settles the candidates of one moment, most urgent first: critical ones pass, others cost a token each, the rest go to the digest.
    /// Orders `candidates` by priority. Time that goes back refills nothing.
    pub fn admit(&mut self, at_ms: i64, per_day: Weight, candidates: &mut [Candidate]) {
        #[expect(clippy::cast_precision_loss, reason = "2^52 ms are longer than anything that is waited for")]
        let days = at_ms.saturating_sub(self.at_ms).max(0) as f64 / MS_PER_DAY;
        self.tokens = (self.tokens + days * per_day.get()).min(BURST_DAYS * per_day.get());
        self.at_ms = self.at_ms.max(at_ms);
        candidates.sort_unstable_by(|a, b| b.priority.get().total_cmp(&a.priority.get()).then(a.id.cmp(&b.id)));
        for it in candidates {
            it.admission = if it.is_critical {
                Admission::Bypass
            } else if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                Admission::Page
            } else {
                Admission::Digest
            };
        }
    }

    /// How many more may be shown now.
    pub const fn left(&self) -> f64 {
        self.tokens
    }
}
