//! Whether sources are still heard of.

use std::time::Duration;

use engine::pulse::{PulseStats, SequenceStats};
use prometheus::{GaugeVec, Histogram, IntCounter, IntCounterVec, IntGaugeVec};

use super::catalogue::Catalogue;

/// From 50 ms to an hour.
const CANARY_SECONDS: [f64; 13] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3_600.0];

/// Metrics of the pulses of sources.
#[derive(Debug)]
pub(crate) struct PulseMetrics {
    silent: GaugeVec,
    blind: IntGaugeVec,
    silences: IntCounterVec,
    gaps: IntCounterVec,
    missing: IntCounterVec,
    came_late: IntCounterVec,
    emitters: IntGaugeVec,
    evicted: IntCounterVec,
    merged: IntCounterVec,
    canaries: IntCounterVec,
    canaries_missing: IntCounterVec,
    canary: Histogram,
    uncounted: IntCounterVec,
}

impl PulseMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            silent: catalogue.seconds_by(
                "nightjar_source_silent_seconds",
                "For how long nothing has come, by source mapping and stream; the source as a whole has no stream.",
                &["source", "stream"],
            ),
            blind: catalogue.gauges(
                "nightjar_source_blind",
                "1 while a stream is silent, or next to nothing comes of it, against its own rhythm.",
                &["source", "stream"],
            ),
            silences: catalogue.counters(
                "nightjar_source_silences_total",
                "Times in which nothing (silent) or next to nothing (dropped) came against the rhythm.",
                &["source", "kind"],
            ),
            gaps: catalogue.counters("nightjar_sequence_gaps_total", "Gaps in the numbers of events.", &["source"]),
            missing: catalogue.counters("nightjar_sequence_missing_total", "Numbered events that never came.", &["source"]),
            came_late: catalogue.counters(
                "nightjar_sequence_late_total",
                "Numbered events that came after they were told to be missing.",
                &["source"],
            ),
            emitters: catalogue.gauges("nightjar_sequence_emitters", "Emitters whose numbers are followed.", &["source"]),
            evicted: catalogue.counters(
                "nightjar_sequence_emitters_evicted_total",
                "Emitters forgotten because there were too many.",
                &["source"],
            ),
            merged: catalogue.counters(
                "nightjar_sequence_ranges_merged_total",
                "Ranges of missing numbers that became one because there were too many: how many are missing is still known, not which.",
                &["source"],
            ),
            canaries: catalogue.counters("nightjar_canaries_total", "Canaries that came through.", &["source"]),
            canaries_missing: catalogue.counters("nightjar_canaries_missing_total", "Times a canary was missing.", &["source"]),
            canary: catalogue.histogram(
                "nightjar_canary_seconds",
                "From the canary's own time to its having come through the shard.",
                &CANARY_SECONDS,
            ),
            uncounted: catalogue.counters(
                "nightjar_pulse_uncounted_events_total",
                "Events that the rhythm leaves out: late, of a stream too many (unstreamed), too far ahead (ahead).",
                &["source", "why"],
            ),
        }
    }

    /// A canary came through.
    pub(crate) fn canary(&self, took: Duration) {
        self.canary.observe(took.as_secs_f64());
    }

    /// The pulse of `source` is another process's from now on.
    pub(crate) fn forget(&self, source: &str, stats: &PulseStats) {
        // What is not there has gone already.
        for it in &stats.streams {
            drop(self.silent.remove_label_values(&[source, &it.name]));
            drop(self.blind.remove_label_values(&[source, &it.name]));
        }
        drop(self.emitters.remove_label_values(&[source]));
    }

    /// How the pulse of `source` stands.
    pub(crate) fn set(&self, source: &str, stats: &PulseStats) {
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        for it in &stats.streams {
            self.silent.with_label_values(&[source, &it.name]).set(it.silent_s as f64);
            self.blind.with_label_values(&[source, &it.name]).set(i64::from(it.is_blind));
        }
        let SequenceStats { emitters, gaps, missing, came_late, emitters_evicted, ranges_merged, .. } = stats.sequence;
        for (counters, count) in [
            (&self.gaps, gaps),
            (&self.missing, missing),
            (&self.came_late, came_late),
            (&self.evicted, emitters_evicted),
            (&self.merged, ranges_merged),
            (&self.canaries, stats.canary.came),
            (&self.canaries_missing, stats.canary.missed),
        ] {
            raise(&counters.with_label_values(&[source]), count);
        }
        self.emitters.with_label_values(&[source]).set(i64::try_from(emitters).unwrap_or(i64::MAX));
        for (kind, count) in [("silent", stats.silences), ("dropped", stats.drops)] {
            raise(&self.silences.with_label_values(&[source, kind]), count);
        }
        for (why, count) in [("late", stats.late), ("unstreamed", stats.unstreamed), ("ahead", stats.ahead)] {
            raise(&self.uncounted.with_label_values(&[source, why]), count);
        }
    }
}

/// A counter follows a count that only grows.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}
