//! What partitions send each other: how much, what waits, and what came too late.

use engine::repartition::OwnerStats;
use engine::targets::TargetStats;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use stream::kafka::PartitionId;

use super::catalogue::Catalogue;

const PARTITION: [&str; 2] = ["topic", "partition"];

/// Metrics of the exchange.
#[derive(Debug)]
pub(crate) struct ExchangeMetrics {
    parcels: IntCounterVec,
    items: IntCounterVec,
    pending: IntGaugeVec,
    spread: GaugeVec,
    targets: IntGaugeVec,
    targets_lost: IntCounterVec,
    idle: IntGauge,
}

impl ExchangeMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            parcels: catalogue.counters(
                "nightjar_exchange_parcels_total",
                "Records of the exchange topic, by what became of them: sent, received, refused (none of ours), stranger (of another group).",
                &["outcome"],
            ),
            items: catalogue.counters(
                "nightjar_exchange_items_total",
                "Items that were not taken in order, by why: repeated (not taken at all), late, hurried (too many waited), foreign (of rules that are not here: not taken), too_long (not sent).",
                &["kind"],
            ),
            pending: catalogue.gauges(
                "nightjar_exchange_pending",
                "Items that wait in a partition of the exchange topic for partitions with events that are behind.",
                &PARTITION,
            ),
            spread: catalogue.seconds_by(
                "nightjar_exchange_spread_seconds",
                "How far apart in event time the partitions are that a partition of the exchange topic waits for.",
                &PARTITION,
            ),
            targets: catalogue.gauges(
                "nightjar_targets",
                "Targets whose past is remembered, for rules that ask what others did to them.",
                &PARTITION,
            ),
            targets_lost: catalogue.counters(
                "nightjar_target_evictions_total",
                "What the memory of targets lost because a limit was reached, by kind: target, crowd for the older people of a large one, person for those on a watched one, watched and class for events of targets that were counted as others are.",
                &["kind"],
            ),
            idle: catalogue.gauge("nightjar_partitions_idle", "Partitions with events of which everything was read, so that nobody waits for them."),
        }
    }

    /// A batch was sent to so many owners, without so many items whose line is too long.
    pub(crate) fn sent(&self, parcels: usize, too_long: u64) {
        self.parcels.with_label_values(&["sent"]).inc_by(parcels as u64);
        self.items.with_label_values(&["too_long"]).inc_by(too_long);
    }

    /// So many came.
    pub(crate) fn received(&self, parcels: usize) {
        self.parcels.with_label_values(&["received"]).inc_by(parcels as u64);
    }

    /// One is none of ours.
    pub(crate) fn refused(&self) {
        self.parcels.with_label_values(&["refused"]).inc();
    }

    /// A partition has nothing to read any more, or something again.
    pub(crate) fn idle(&self, by: i64) {
        self.idle.add(by);
    }

    /// Whether everything that was sent has come, with `partitions` that all have nothing to read. For the demo, where one process has all.
    pub(crate) fn is_settled(&self, partitions: usize) -> bool {
        let of = |outcome: &str| self.parcels.with_label_values(&[outcome]).get();
        self.idle.get() >= i64::try_from(partitions).unwrap_or(i64::MAX) && of("received") >= of("sent")
    }

    /// The metrics of one partition of the topic.
    pub(crate) fn partition(&self, id: &PartitionId) -> ExchangeState {
        let labels = [id.topic.to_string(), id.partition.to_string()];
        ExchangeState {
            pending: self.pending.with_label_values(&labels),
            spread: self.spread.with_label_values(&labels),
            targets: self.targets.with_label_values(&labels),
            targets_lost: self.targets_lost.clone(),
            items: self.items.clone(),
            strangers: self.parcels.with_label_values(&["stranger"]),
            told: None,
            labels,
        }
    }

    /// Takes away what [`Self::partition`] made.
    pub(crate) fn forget(&self, partition: &ExchangeState) {
        // A gauge that is not there any more is just as good.
        drop(self.spread.remove_label_values(&partition.labels));
        for gauges in [&self.pending, &self.targets] {
            drop(gauges.remove_label_values(&partition.labels));
        }
    }
}

/// The metrics of one partition of the exchange topic.
#[derive(Debug)]
pub(crate) struct ExchangeState {
    labels: [String; 2],
    pending: IntGauge,
    spread: prometheus::Gauge,
    targets: IntGauge,
    targets_lost: IntCounterVec,
    items: IntCounterVec,
    strangers: IntCounter,
    /// What was said last; what a checkpoint counted before is not counted again.
    told: Option<OwnerStats>,
}

impl ExchangeState {
    /// How things stand after a batch.
    pub(crate) fn set(&mut self, stats: &OwnerStats) {
        self.pending.set(i64::try_from(stats.merge.pending).unwrap_or(i64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of years fit into 53 bits")]
        self.spread.set(stats.merge.spread_ms as f64 / 1_000.0);
        let told = self.told.replace(*stats).unwrap_or_default();
        let merge = [
            ("repeated", stats.merge.repeated, told.merge.repeated),
            ("late", stats.merge.late, told.merge.late),
            ("hurried", stats.merge.hurried, told.merge.hurried),
            ("foreign", stats.foreign, told.foreign),
        ];
        for (kind, now, before) in merge {
            self.items.with_label_values(&[kind]).inc_by(now.saturating_sub(before));
        }
        if stats.strangers > told.strangers {
            tracing::error!(
                parcels = stats.strangers - told.strangers,
                "another group writes to our exchange topic: each group needs one of its own"
            );
            self.strangers.inc_by(stats.strangers - told.strangers);
        }
        self.set_targets(stats.targets, told.targets);
    }

    fn set_targets(&self, stats: TargetStats, told: TargetStats) {
        self.targets.set(i64::try_from(stats.targets).unwrap_or(i64::MAX));
        let lost = [
            ("target", stats.evicted, told.evicted),
            ("crowd", stats.narrowed, told.narrowed),
            ("person", stats.unlisted, told.unlisted),
            ("watched", stats.unwatched, told.unwatched),
            ("class", stats.unclassed, told.unclassed),
        ];
        for (kind, now, before) in lost {
            self.targets_lost.with_label_values(&[kind]).inc_by(now.saturating_sub(before));
        }
    }
}
