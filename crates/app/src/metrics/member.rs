//! The member of the consumer group: partitions, lag, commits.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use stream::kafka::PartitionId;

use super::catalogue::Catalogue;

const PARTITION: [&str; 2] = ["topic", "partition"];

/// Metrics of the group's member.
#[derive(Debug)]
pub(crate) struct MemberMetrics {
    lag: IntGaugeVec,
    committed: IntGaugeVec,
    in_flight: IntGaugeVec,
    owned: IntGauge,
    paused: IntGauge,
    pauses: IntCounter,
    rebalances: IntCounter,
    lost: IntCounter,
    commits: IntCounterVec,
    gaps: IntCounter,
    troubles: IntCounterVec,
    /// Whose lag may be told: reports about a partition can come after it was revoked.
    partitions: Mutex<BTreeSet<PartitionId>>,
}

impl MemberMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            lag: catalogue.gauges(
                "nightjar_consumer_lag",
                "Messages of an owned partition after its committed offset, as the client last measured.",
                &PARTITION,
            ),
            committed: catalogue.gauges("nightjar_committed_offset", "Last committed offset of an owned partition.", &PARTITION),
            in_flight: catalogue.gauges(
                "nightjar_batches_in_flight",
                "Batches of an owned partition whose alerts and dead letters are not all acknowledged.",
                &PARTITION,
            ),
            owned: catalogue.gauge("nightjar_partitions_owned", "Partitions that this instance reads."),
            paused: catalogue.gauge("nightjar_partitions_paused", "Partitions paused because their workers are behind."),
            pauses: catalogue.counter("nightjar_partition_pauses_total", "How often a partition was paused."),
            rebalances: catalogue.counter("nightjar_rebalances_total", "Rebalances of the consumer group."),
            lost: catalogue.counter("nightjar_partitions_lost_total", "Partitions taken away without a chance to commit."),
            commits: catalogue.counters(
                "nightjar_commits_total",
                "Commits by outcome: done (one per partition), failed (tried again with the next).",
                &["outcome"],
            ),
            gaps: catalogue.counter(
                "nightjar_offset_gaps_total",
                "Jumps in the offsets of a partition: messages that retention or compaction has taken, or transaction markers.",
            ),
            troubles: catalogue.counters(
                "nightjar_kafka_troubles_total",
                "Passing troubles that a Kafka client reported, by client: consumer, producer.",
                &["client"],
            ),
            partitions: Mutex::default(),
        }
    }

    /// A partition is ours.
    pub(crate) fn assigned(&self, id: &PartitionId) {
        self.with_partitions(|it| it.insert(id.clone()));
    }

    /// A partition is ours no more.
    pub(crate) fn revoked(&self, id: &PartitionId, is_lost: bool) {
        self.with_partitions(|it| it.remove(id));
        if is_lost {
            self.lost.inc();
        }
        for gauges in [&self.lag, &self.committed, &self.in_flight] {
            // A gauge that is not there any more is just as good.
            drop(gauges.remove_label_values(&[&*id.topic, &id.partition.to_string()]));
        }
    }

    /// A rebalance is over.
    pub(crate) fn rebalanced(&self) {
        self.rebalances.inc();
    }

    /// A partition was paused or resumed.
    pub(crate) fn paused(&self, is_paused: bool) {
        if is_paused {
            self.paused.inc();
            self.pauses.inc();
        } else {
            self.paused.dec();
        }
    }

    /// A batch was worked through.
    pub(crate) fn handled(&self, id: &PartitionId, in_flight: usize) {
        let number = id.partition.to_string();
        self.in_flight.with_label_values(&[&*id.topic, &number]).set(i64::try_from(in_flight).unwrap_or(i64::MAX));
    }

    /// An offset was committed.
    pub(crate) fn committed(&self, topic: &str, partition: i32, offset: i64) {
        self.commits.with_label_values(&["done"]).inc();
        if self.owns(topic, partition) {
            self.committed.with_label_values(&[topic, &partition.to_string()]).set(offset);
        }
    }

    /// A commit failed.
    pub(crate) fn not_committed(&self) {
        self.commits.with_label_values(&["failed"]).inc();
    }

    /// The client has measured how far behind a partition is.
    pub(crate) fn lagging(&self, topic: &str, partition: i32, lag: i64) {
        if self.owns(topic, partition) {
            self.lag.with_label_values(&[topic, &partition.to_string()]).set(lag);
        }
    }

    /// Offsets jumped.
    pub(crate) fn jumped(&self) {
        self.gaps.inc();
    }

    /// A client is in passing trouble.
    pub(crate) fn troubled(&self, client: &str) {
        self.troubles.with_label_values(&[client]).inc();
    }

    fn owns(&self, topic: &str, partition: i32) -> bool {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner).contains(&PartitionId::new(topic, partition))
    }

    fn with_partitions(&self, change: impl FnOnce(&mut BTreeSet<PartitionId>) -> bool) {
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut partitions);
        self.owned.set(i64::try_from(partitions.len()).unwrap_or(i64::MAX));
    }
}
