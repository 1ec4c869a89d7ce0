//! Transactions: how they end, and how long they keep alerts from their readers.

use std::time::Duration;

use prometheus::{Histogram, IntCounterVec};

use super::catalogue::Catalogue;

/// From 5 ms to an outage of ten minutes.
const SECONDS: [f64; 15] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// Metrics of transactions.
#[derive(Debug)]
pub(crate) struct TransactionMetrics {
    outcomes: IntCounterVec,
    seconds: Histogram,
}

impl TransactionMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        let outcomes = catalogue.counters(
            "nightjar_transactions_total",
            "Transactions by outcome: committed (with records), aborted (their records went into the next one), retried (a step was tried again), replaced (another producer went on).",
            &["outcome"],
        );
        // There from the start, so that alerts on their rates have something to compare with.
        for outcome in ["committed", "aborted", "retried", "replaced"] {
            outcomes.with_label_values(&[outcome]);
        }
        let seconds = catalogue.histogram(
            "nightjar_transaction_seconds",
            "From the first record of a transaction being written to readers of committed records seeing it.",
            &SECONDS,
        );
        Self { outcomes, seconds }
    }

    /// One with records was committed, so long after its first record.
    pub(crate) fn committed(&self, took: Duration) {
        self.outcomes.with_label_values(&["committed"]).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// One was aborted.
    pub(crate) fn aborted(&self) {
        self.outcomes.with_label_values(&["aborted"]).inc();
    }

    /// A step of one is tried again.
    pub(crate) fn retried(&self) {
        self.outcomes.with_label_values(&["retried"]).inc();
    }

    /// The producer was beyond repair.
    pub(crate) fn replaced(&self) {
        self.outcomes.with_label_values(&["replaced"]).inc();
    }
}
