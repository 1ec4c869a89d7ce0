//! The member of the consumer group: partitions, lag, commits.

use std::time::{Duration, Instant};

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use stream::kafka::{Loss, PartitionId};

use super::catalogue::Catalogue;
use super::progress::Progress;

/// From 10 ms to a minute.
const OPENING_SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 60.0];

pub(super) const PARTITION: [&str; 2] = ["topic", "partition"];

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
    losses: IntCounterVec,
    lost_messages: IntCounterVec,
    loading: IntGauge,
    opening: Histogram,
    brokers: IntGauge,
    troubles: IntCounterVec,
    /// The owned partitions: reports about others can come after they were revoked.
    progress: Progress,
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
                "Jumps in the offsets of a partition: messages that compaction has taken, or transaction markers.",
            ),
            losses: catalogue.counters(
                "nightjar_losses_total",
                "How often messages were found to be gone, by partition and why: retention (deleted before they were read), recreated (the topic was made anew; it is not known how many), replay (read before, but not in the state that was kept).",
                &["topic", "partition", "reason"],
            ),
            lost_messages: catalogue.counters(
                "nightjar_lost_messages_total",
                "Messages that are gone, at most, by partition and why.",
                &["topic", "partition", "reason"],
            ),
            loading: catalogue.gauge("nightjar_partitions_loading", "Owned partitions whose state is being loaded."),
            opening: catalogue.histogram(
                "nightjar_partition_opening_seconds",
                "From a partition's assignment until its state is loaded and its messages are read.",
                &OPENING_SECONDS,
            ),
            brokers: catalogue.gauge("nightjar_brokers_up", "Brokers that the consumer has a connection to."),
            troubles: catalogue.counters(
                "nightjar_kafka_troubles_total",
                "Passing troubles that a Kafka client reported, by client: consumer, producer.",
                &["client"],
            ),
            progress: Progress::new(catalogue),
        }
    }

    /// A partition is ours.
    pub(crate) fn assigned(&self, id: &PartitionId) {
        self.progress.assigned(id, Instant::now());
        self.count();
    }

    /// Its messages are read from now on, so long after its assignment.
    pub(crate) fn opened(&self, id: &PartitionId, took: Duration) {
        self.progress.opened(id, Instant::now());
        self.opening.observe(took.as_secs_f64());
        self.count();
    }

    /// A partition is ours no more.
    pub(crate) fn revoked(&self, id: &PartitionId, is_lost: bool) {
        self.progress.revoked(id);
        self.count();
        if is_lost {
            self.lost.inc();
        }
        for gauges in [&self.lag, &self.committed, &self.in_flight] {
            // A gauge that is not there any more is just as good.
            drop(gauges.remove_label_values(&[&*id.topic, &id.partition.to_string()]));
        }
    }

    /// Messages are gone.
    pub(crate) fn lost_messages(&self, id: &PartitionId, loss: &Loss) {
        let labels = [&*id.topic, &*id.partition.to_string(), loss.kind.as_str()];
        self.losses.with_label_values(&labels).inc();
        let count = loss.messages().and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
        self.lost_messages.with_label_values(&labels).inc_by(count);
    }

    /// So many brokers are connected.
    pub(crate) fn reaches(&self, brokers: usize) {
        self.brokers.set(i64::try_from(brokers).unwrap_or(i64::MAX));
        if brokers == 0 {
            self.progress.cut_off();
        }
    }

    /// A partition that has something to do and has done nothing for longer than `most`.
    pub(crate) fn stuck(&self, most: Duration) -> Option<(PartitionId, Duration)> {
        self.progress.stuck(most, Instant::now())
    }

    /// Sets what depends on the time. `now_ms` is in milliseconds since the epoch.
    pub(super) fn look(&self, now_ms: i64) {
        self.progress.look(Instant::now(), now_ms);
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
    pub(crate) fn handled(&self, id: &PartitionId, in_flight: usize, timestamp_ms: Option<i64>) {
        self.progress.handled(id, timestamp_ms, Instant::now());
        let number = id.partition.to_string();
        self.in_flight.with_label_values(&[&*id.topic, &number]).set(i64::try_from(in_flight).unwrap_or(i64::MAX));
    }

    /// An offset was committed.
    pub(crate) fn committed(&self, topic: &str, partition: i32, offset: i64) {
        self.commits.with_label_values(&["done"]).inc();
        if self.progress.owns(&PartitionId::new(topic, partition)) {
            self.committed.with_label_values(&[topic, &partition.to_string()]).set(offset);
        }
    }

    /// A commit failed.
    pub(crate) fn not_committed(&self) {
        self.commits.with_label_values(&["failed"]).inc();
    }

    /// The client has measured how far behind a partition is.
    pub(crate) fn lagging(&self, topic: &str, partition: i32, lag: i64) {
        let id = PartitionId::new(topic, partition);
        if self.progress.owns(&id) {
            self.progress.lagging(&id, lag, Instant::now());
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

    fn count(&self) {
        self.owned.set(i64::try_from(self.progress.count()).unwrap_or(i64::MAX));
        self.loading.set(i64::try_from(self.progress.loading()).unwrap_or(i64::MAX));
    }
}
