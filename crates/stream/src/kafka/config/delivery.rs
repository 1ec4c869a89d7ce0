//! What is promised about records, and the limits of a transaction.

use std::hash::{BuildHasher, RandomState};

use serde::Deserialize;

use super::KafkaConfig;
use crate::kafka::KafkaError;

/// What a crash may do to records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Records and offsets are committed in transactions: readers of committed records see each exactly once.
    #[default]
    ExactlyOnce,
    /// Offsets are committed after records are acknowledged: after a crash some may come twice.
    AtLeastOnce,
}

/// When a transaction is committed: at the first of these limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransactionLimits {
    /// Milliseconds after its first record was written.
    pub interval_ms: u64,
    /// Records in it (those of the batch that reaches it are still taken).
    pub records_max: usize,
    /// Bytes of records in it (likewise).
    pub bytes_max: usize,
    /// Milliseconds after which the brokers abort it if its process is gone. Until then readers of committed records don't get past it.
    pub timeout_ms: u32,
}

impl Default for TransactionLimits {
    fn default() -> Self {
        Self { interval_ms: 50, records_max: 5_000, bytes_max: 4 * 1024 * 1024, timeout_ms: 15_000 }
    }
}

impl TransactionLimits {
    pub(super) fn check(self) -> Result<(), KafkaError> {
        let refuse = |reason: String| Err(KafkaError::Config(reason));
        if self.records_max == 0 || self.bytes_max == 0 {
            return refuse("transaction.records_max and transaction.bytes_max must be at least 1".to_owned());
        }
        if self.timeout_ms < 1_000 {
            return refuse(format!("transaction.timeout_ms is {}, it must be at least 1000", self.timeout_ms));
        }
        if self.interval_ms >= u64::from(self.timeout_ms) / 2 {
            return refuse("transaction.interval_ms must be less than half of transaction.timeout_ms".to_owned());
        }
        Ok(())
    }
}

impl KafkaConfig {
    /// The transactional id of this process, and whether it is one that nobody else can have.
    ///
    /// Which instance may commit the offsets of a partition is decided by the group (KIP-447), not by this id, so any id will do that no
    /// other running process has. A lasting one lets a process that starts again abort the transaction that a crash has left open; that of
    /// an id that never comes again has to time out.
    pub(in crate::kafka) fn transactional_id(&self) -> (String, bool) {
        if !self.instance_id.is_empty() {
            return (format!("{}.{}", self.group_id, self.instance_id), false);
        }
        let random = RandomState::new().hash_one(std::process::id());
        (format!("{}.{random:016x}", self.group_id), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_instance_has_the_same_id_after_each_start_and_others_never() {
        let named = KafkaConfig { instance_id: "a".to_owned(), ..KafkaConfig::default() };
        assert_eq!(named.transactional_id(), ("nightjar.a".to_owned(), false));
        let (first, second) = (KafkaConfig::default().transactional_id(), KafkaConfig::default().transactional_id());
        assert!(first.1 && second.1 && first.0 != second.0);
    }

    #[test]
    fn limits_that_nothing_could_pass_are_refused() {
        let limits = TransactionLimits::default();
        limits.check().unwrap();
        for wrong in [
            TransactionLimits { records_max: 0, ..limits },
            TransactionLimits { bytes_max: 0, ..limits },
            TransactionLimits { timeout_ms: 999, ..limits },
            TransactionLimits { interval_ms: 7_500, ..limits },
        ] {
            wrong.check().unwrap_err();
        }
    }
}
