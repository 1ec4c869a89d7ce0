//! Alerts and dead letters out.

use model::{Alert, Delivery, EventTime};
use prometheus::{Histogram, IntCounter, IntCounterVec};
use stream::kafka::RecordKind;

use super::catalogue::Catalogue;

/// From 5 ms to a day: sources that ship their logs in batches are hours behind.
const DELAY_SECONDS: [f64; 16] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0, 3_600.0, 86_400.0];

/// Metrics of what goes out.
#[derive(Debug)]
pub(crate) struct OutputMetrics {
    alerts: IntCounterVec,
    shadow: IntCounterVec,
    excepted: IntCounterVec,
    delay: Histogram,
    records: IntCounterVec,
    producer_errors: IntCounterVec,
    producer_full: IntCounter,
}

impl OutputMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            alerts: catalogue.counters("nightjar_alerts_total", "Alerts raised, by rule and level.", &["rule", "level"]),
            shadow: catalogue.counters(
                "nightjar_shadow_alerts_total",
                "What rules in shadow (status test or experimental) found, by rule and level: it pages nobody.",
                &["rule", "level"],
            ),
            excepted: catalogue.counters(
                "nightjar_excepted_alerts_total",
                "Alerts that an exception has kept from paging, by rule and exception.",
                &["rule", "exception"],
            ),
            delay: catalogue.histogram(
                "nightjar_alert_delay_seconds",
                "From the time of the event that triggered an alert, by its own account, to the alert being handed to the producer.",
                &DELAY_SECONDS,
            ),
            records: catalogue.counters(
                "nightjar_records_delivered_total",
                "Records acknowledged by the brokers, by kind: alert, shadow, incident, digest, dead_letter.",
                &["kind"],
            ),
            producer_errors: catalogue.counters(
                "nightjar_producer_errors_total",
                "Records that could not be delivered for good, by kind. The process stops at the first.",
                &["kind"],
            ),
            producer_full: catalogue.counter(
                "nightjar_producer_full_total",
                "How often a partition waited because the producer's queue was full.",
            ),
        }
    }

    /// An alert was raised at `now`, or something was found that pages nobody.
    pub(crate) fn alerted(&self, alert: &Alert, now: EventTime) {
        let (rule, level) = (alert.rule.name.as_str(), alert.rule.level.as_str());
        match &alert.delivery {
            Delivery::Page => self.alerts.with_label_values(&[rule, level]).inc(),
            Delivery::Shadow => return self.shadow.with_label_values(&[rule, level]).inc(),
            Delivery::Excepted(it) => return self.excepted.with_label_values(&[rule, it.id.as_str()]).inc(),
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of at most some years")]
        let delay_ms = now.ms().saturating_sub(alert.time.ms()).max(0) as f64;
        self.delay.observe(delay_ms / 1_000.0);
    }

    /// A record was acknowledged.
    pub(crate) fn delivered(&self, kind: RecordKind) {
        self.records.with_label_values(&[kind.as_str()]).inc();
    }

    /// Alerts acknowledged so far.
    pub(crate) fn alerts_delivered(&self) -> u64 {
        self.records.with_label_values(&[RecordKind::Alert.as_str()]).get()
    }

    /// Records acknowledged so far that are for others to read: all but those of the exchange.
    pub(crate) fn written(&self) -> u64 {
        let kinds = [RecordKind::Alert, RecordKind::Shadow, RecordKind::Incident, RecordKind::Digest, RecordKind::DeadLetter];
        kinds.iter().map(|it| self.records.with_label_values(&[it.as_str()]).get()).sum()
    }

    /// Findings acknowledged so far, whether they page or not.
    #[cfg(test)]
    pub(crate) fn found_delivered(&self) -> u64 {
        self.alerts_delivered() + self.records.with_label_values(&[RecordKind::Shadow.as_str()]).get()
    }

    /// A record is lost.
    pub(crate) fn not_delivered(&self, kind: RecordKind) {
        self.producer_errors.with_label_values(&[kind.as_str()]).inc();
    }

    /// The producer's queue was full.
    pub(crate) fn producer_was_full(&self) {
        self.producer_full.inc();
    }
}
