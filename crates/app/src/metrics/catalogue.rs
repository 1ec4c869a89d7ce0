//! Declares metrics and registers them under their names.

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Why [`Catalogue`] may expect: names, helps and labels are constants of this module's siblings, and a test makes them all.
const CONSTANT: &str = "metrics are declared once, with valid names";

/// The registry while it is filled.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    registry: Registry,
    names: Vec<String>,
}

impl Catalogue {
    pub(super) fn counter(&mut self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help).expect(CONSTANT))
    }

    pub(super) fn counters(&mut self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels).expect(CONSTANT))
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help).expect(CONSTANT))
    }

    pub(super) fn gauges(&mut self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels).expect(CONSTANT))
    }

    /// A gauge that is no whole number.
    pub(super) fn number(&mut self, name: &str, help: &str) -> Gauge {
        self.seconds(name, help)
    }

    pub(super) fn seconds(&mut self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::new(name, help).expect(CONSTANT))
    }

    pub(super) fn seconds_by(&mut self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.keep(GaugeVec::new(Opts::new(name, help), labels).expect(CONSTANT))
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.keep(Histogram::with_opts(options).expect(CONSTANT))
    }

    /// The names declared so far, in order.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    pub(super) fn into_registry(self) -> Registry {
        self.registry
    }

    fn keep<C: Collector + Clone + 'static>(&mut self, metric: C) -> C {
        self.names.extend(metric.desc().iter().map(|it| it.fq_name.clone()));
        self.registry.register(Box::new(metric.clone())).expect(CONSTANT);
        metric
    }
}
