//! Checkpoints: how many, how large, how long they take, and what was taken up again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use stream::kafka::PartitionId;

use super::catalogue::Catalogue;

const SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Metrics of checkpoints.
#[derive(Debug)]
pub(crate) struct CheckpointMetrics {
    written: IntCounterVec,
    bytes: IntCounterVec,
    seconds: Histogram,
    taking: Histogram,
    offset: IntGaugeVec,
    age: GaugeVec,
    resumed: IntCounterVec,
    replayed: IntCounter,
    standby_partitions: IntGauge,
    standby_bytes: IntGauge,
    standby_seconds: Histogram,
    standby_failed: IntCounter,
    stood_by: IntCounter,
    /// When the last one of each partition was written, or the partition came.
    last: Mutex<BTreeMap<PartitionId, Instant>>,
}

impl CheckpointMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            written: catalogue.counters(
                "nightjar_checkpoints_total",
                "Checkpoints, by what became of them: full, delta (only what changed), failed.",
                &["outcome"],
            ),
            bytes: catalogue.counters(
                "nightjar_checkpoint_bytes_total",
                "Bytes of states that were kept, and as they were written: state, stored.",
                &["kind"],
            ),
            seconds: catalogue.histogram(
                "nightjar_checkpoint_seconds",
                "Time to compare, compress and write a checkpoint, beside the scoring.",
                &SECONDS,
            ),
            taking: catalogue.histogram(
                "nightjar_checkpoint_pause_seconds",
                "Time for which a partition does not score while its state is copied.",
                &SECONDS,
            ),
            offset: catalogue.gauges(
                "nightjar_checkpoint_offset",
                "The offset up to which the last checkpoint of a partition goes.",
                &["topic", "partition"],
            ),
            age: catalogue.seconds_by(
                "nightjar_checkpoint_age_seconds",
                "Since the last checkpoint of an owned partition was written, or the partition was assigned.",
                &["topic", "partition"],
            ),
            last: Mutex::default(),
            resumed: catalogue.counters(
                "nightjar_resumed_total",
                "Partitions that were taken up, by their state: kept, new (there was none), passed_over (a checkpoint that could not be used).",
                &["state"],
            ),
            replayed: catalogue.counter(
                "nightjar_replayed_events_total",
                "Messages that were read again to catch up from a checkpoint to what was committed; what they cause was written before.",
            ),
            standby_partitions: catalogue.gauge(
                "nightjar_standby_partitions",
                "Partitions of others whose newest checkpoint is in memory.",
            ),
            standby_bytes: catalogue.gauge("nightjar_standby_bytes", "Bytes of those checkpoints."),
            standby_seconds: catalogue.histogram(
                "nightjar_standby_renewal_seconds",
                "Time to read what others have written of their partitions since the last time.",
                &SECONDS,
            ),
            standby_failed: catalogue.counter(
                "nightjar_standby_failures_total",
                "How often checkpoints of others could not be read into memory.",
            ),
            stood_by: catalogue.counter(
                "nightjar_standby_used_total",
                "Partitions that were taken up with a checkpoint that was in memory.",
            ),
        }
    }

    /// A partition is ours.
    pub(crate) fn joined(&self, id: &PartitionId) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Instant::now());
    }

    /// Sets what depends on the time.
    pub(super) fn look(&self) {
        for (id, last) in self.last.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.age.with_label_values(&[&*id.topic, &*id.partition.to_string()]).set(last.elapsed().as_secs_f64());
        }
    }

    /// A checkpoint of `id` that goes up to `offset` was written.
    pub(crate) fn wrote(&self, id: &PartitionId, offset: i64, saved: &stream::store::Saved, took: Duration) {
        self.written.with_label_values(&[if saved.is_full { "full" } else { "delta" }]).inc();
        self.bytes.with_label_values(&["state"]).inc_by(saved.bytes);
        self.bytes.with_label_values(&["stored"]).inc_by(saved.stored);
        self.seconds.observe(took.as_secs_f64());
        if let Some(last) = self.last.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            *last = Instant::now();
        }
        self.offset.with_label_values(&[&*id.topic, &*id.partition.to_string()]).set(offset);
    }

    /// One could not be written.
    pub(crate) fn failed(&self) {
        self.written.with_label_values(&["failed"]).inc();
    }

    /// The state of a partition was copied.
    pub(crate) fn took(&self, time: Duration) {
        self.taking.observe(time.as_secs_f64());
    }

    /// A partition goes on with what was kept, or begins anew.
    pub(crate) fn resumed(&self, is_kept: bool) {
        self.resumed.with_label_values(&[if is_kept { "kept" } else { "new" }]).inc();
    }

    /// A partition was taken up with a checkpoint that was in memory.
    pub(crate) fn stood_by(&self) {
        self.stood_by.inc();
    }

    /// Checkpoints of so many partitions of others are in memory; to read what was new `took` so long.
    pub(crate) fn stands_by(&self, partitions: usize, bytes: u64, took: Duration) {
        self.standby_partitions.set(i64::try_from(partitions).unwrap_or(i64::MAX));
        self.standby_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.standby_seconds.observe(took.as_secs_f64());
    }

    /// Checkpoints of others could not be read.
    pub(crate) fn not_renewed(&self) {
        self.standby_failed.inc();
    }

    /// A checkpoint can't be used.
    pub(crate) fn passed_over(&self) {
        self.resumed.with_label_values(&["passed_over"]).inc();
    }

    /// So many messages were read again.
    pub(crate) fn replayed(&self, messages: usize) {
        self.replayed.inc_by(messages as u64);
    }

    /// The partition is somebody else's.
    pub(crate) fn forget(&self, id: &PartitionId) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let labels = [&*id.topic, &*id.partition.to_string()];
        // It has no figure if it never had a checkpoint.
        let _ = self.offset.remove_label_values(&labels);
        let _ = self.age.remove_label_values(&labels);
    }
}
