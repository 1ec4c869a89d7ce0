//! What is in memory, against its limits. A partition's metrics go when the partition goes.

use engine::seen::SEEN_MAX;
use engine::{Lane, Shard, Watermark, WindowLimits, WindowStats};
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use stream::kafka::PartitionId;

use super::catalogue::Catalogue;

const PARTITION: [&str; 2] = ["topic", "partition"];

/// Metrics of what is in memory.
#[derive(Debug)]
pub(crate) struct StateMetrics {
    watermark: GaugeVec,
    window_groups: IntGaugeVec,
    window_entries: IntGaugeVec,
    seen_ids: IntGaugeVec,
    cache_bytes: IntGaugeVec,
    window_groups_max: IntGauge,
    window_entries_max: IntGauge,
    seen_ids_max: IntGauge,
    evicted: IntCounterVec,
    unentered: IntCounterVec,
    class_overflows: IntCounter,
    ticket_uses: IntGaugeVec,
    ticket_uses_evicted: IntCounter,
}

impl StateMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            watermark: catalogue.seconds_by(
                "nightjar_watermark_seconds",
                "Event time before which nothing more is expected of a partition, in seconds since the epoch.",
                &PARTITION,
            ),
            window_groups: catalogue.gauges("nightjar_window_groups", "Groups in the windows of a partition.", &PARTITION),
            window_entries: catalogue.gauges("nightjar_window_entries", "Entries in the windows of a partition.", &PARTITION),
            seen_ids: catalogue.gauges(
                "nightjar_seen_ids",
                "Event identifiers that a partition remembers to recognise duplicates.",
                &PARTITION,
            ),
            cache_bytes: catalogue.gauges("nightjar_matcher_cache_bytes", "Bytes in the caches of a partition's matcher.", &PARTITION),
            window_groups_max: catalogue.gauge(
                "nightjar_window_groups_max",
                "Limit of nightjar_window_groups: the limit of one correlation, times correlations.",
            ),
            window_entries_max: catalogue.gauge(
                "nightjar_window_entries_max",
                "Limit of nightjar_window_entries: the limit of one correlation, times correlations.",
            ),
            seen_ids_max: catalogue.gauge("nightjar_seen_ids_max", "Limit of nightjar_seen_ids."),
            evicted: catalogue.counters(
                "nightjar_window_evictions_total",
                "Groups and entries that windows lost because a limit was reached, by kind: group, entry, and late for entries that only late events could need.",
                &["kind"],
            ),
            unentered: catalogue.counters(
                "nightjar_window_unentered_total",
                "Events, or values of events, that entered no window: without a number where one is measured, or beyond the most values that are looked at, by kind: number, value.",
                &["kind"],
            ),
            class_overflows: catalogue.counter(
                "nightjar_matcher_overflows_total",
                "Values that were matched without a cache because a field had too many kinds of values.",
            ),
            ticket_uses: catalogue.gauges(
                "nightjar_ticket_uses",
                "Pairs of person and ticket whose targets a partition remembers, for tickets that are used again and again.",
                &PARTITION,
            ),
            ticket_uses_evicted: catalogue.counter(
                "nightjar_ticket_uses_evicted_total",
                "Pairs of person and ticket that were forgotten because a partition had as many as it remembers.",
            ),
        }
    }

    /// The limits, once the rules are known.
    pub(crate) fn limited(&self, limits: WindowLimits, correlations: usize) {
        let times = |it: u32| gauge(usize::try_from(it).unwrap_or(usize::MAX).saturating_mul(correlations));
        self.window_groups_max.set(times(limits.groups_max));
        self.window_entries_max.set(times(limits.entries_max));
        self.seen_ids_max.set(gauge(SEEN_MAX));
    }

    /// The metrics of one partition.
    pub(crate) fn partition(&self, id: &PartitionId) -> PartitionState {
        let labels = [id.topic.to_string(), id.partition.to_string()];
        let of = |it: &IntGaugeVec| it.with_label_values(&labels);
        PartitionState {
            watermark: self.watermark.with_label_values(&labels),
            window_groups: of(&self.window_groups),
            window_entries: of(&self.window_entries),
            seen_ids: of(&self.seen_ids),
            cache_bytes: of(&self.cache_bytes),
            ticket_uses: of(&self.ticket_uses),
            ticket_uses_evicted: self.ticket_uses_evicted.clone(),
            ticket_uses_told: 0,
            evicted: self.evicted(),
            class_overflows: self.class_overflows.clone(),
            overflows_told: 0,
            labels,
        }
    }

    /// Takes away what [`Self::partition`] made.
    pub(crate) fn forget(&self, partition: &PartitionState) {
        // A gauge that is not there any more is just as good.
        drop(self.watermark.remove_label_values(&partition.labels));
        for gauges in [&self.window_groups, &self.window_entries, &self.seen_ids, &self.cache_bytes, &self.ticket_uses] {
            drop(gauges.remove_label_values(&partition.labels));
        }
    }

    /// Counts what the windows of one owner lose.
    fn evicted(&self) -> Evictions {
        Evictions {
            groups: self.evicted.with_label_values(&["group"]),
            entries: self.evicted.with_label_values(&["entry"]),
            thinned: self.evicted.with_label_values(&["late"]),
            unmeasured: self.unentered.with_label_values(&["number"]),
            values_cut: self.unentered.with_label_values(&["value"]),
            told: WindowStats::default(),
        }
    }
}

/// Turns totals of one owner into a counter that all owners share.
#[derive(Debug)]
struct Evictions {
    groups: IntCounter,
    entries: IntCounter,
    thinned: IntCounter,
    unmeasured: IntCounter,
    values_cut: IntCounter,
    told: WindowStats,
}

impl Evictions {
    fn tell(&mut self, stats: WindowStats) {
        self.groups.inc_by(stats.groups_evicted.saturating_sub(self.told.groups_evicted));
        self.entries.inc_by(stats.entries_evicted.saturating_sub(self.told.entries_evicted));
        self.thinned.inc_by(stats.entries_thinned.saturating_sub(self.told.entries_thinned));
        self.unmeasured.inc_by(stats.unmeasured.saturating_sub(self.told.unmeasured));
        self.values_cut.inc_by(stats.values_cut.saturating_sub(self.told.values_cut));
        self.told = stats;
    }
}

/// The metrics of one partition's state.
#[derive(Debug)]
pub(crate) struct PartitionState {
    labels: [String; 2],
    watermark: Gauge,
    window_groups: IntGauge,
    window_entries: IntGauge,
    seen_ids: IntGauge,
    cache_bytes: IntGauge,
    evicted: Evictions,
    ticket_uses: IntGauge,
    ticket_uses_evicted: IntCounter,
    ticket_uses_told: u64,
    class_overflows: IntCounter,
    overflows_told: u64,
}

impl PartitionState {
    /// How full the windows are.
    pub(crate) fn set_windows(&mut self, stats: WindowStats) {
        self.window_groups.set(gauge(stats.groups));
        self.window_entries.set(gauge(stats.entries));
        self.evicted.tell(stats);
    }

    /// How things stand after a batch.
    pub(crate) fn set(&mut self, shard: &Shard, lane: &Lane, watermark: &Watermark) {
        self.set_windows(shard.window_stats());
        self.seen_ids.set(gauge(shard.seen_len()));
        self.cache_bytes.set(gauge(lane.matcher().stats().bytes));
        let tickets = shard.ticket_uses();
        self.ticket_uses.set(gauge(tickets.len()));
        self.ticket_uses_evicted.inc_by(tickets.evicted().saturating_sub(self.ticket_uses_told));
        self.ticket_uses_told = tickets.evicted();
        let overflows = lane.matcher().class_overflows();
        self.class_overflows.inc_by(overflows.saturating_sub(self.overflows_told));
        self.overflows_told = overflows;
        if watermark.latest().is_some() {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
            self.watermark.set(watermark.time().ms() as f64 / 1_000.0);
        }
    }
}

fn gauge(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
