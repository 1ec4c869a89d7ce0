//! What was loaded: rules, and the program itself.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, IntGaugeVec};
use sigma::compile::RuleSet;
use sigma::problem::{Problem, Severity};

use super::catalogue::Catalogue;

/// Metrics of rules and build.
#[derive(Debug)]
pub(crate) struct LoadedMetrics {
    rules: IntGaugeVec,
    problems: IntGaugeVec,
    rule_set: IntGaugeVec,
}

impl LoadedMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        let build = catalogue.gauges("nightjar_build_info", "1, with the version as label.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let start: Gauge = catalogue.seconds("process_start_time_seconds", "When the process started, in seconds since the epoch.");
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |it| it.as_secs_f64()));
        Self {
            rules: catalogue.gauges("nightjar_rules", "Rules loaded, by kind: detection, correlation.", &["kind"]),
            problems: catalogue.gauges(
                "nightjar_rule_problems",
                "Problems found while rules were loaded, by severity: error (the rule is left out), warning, info.",
                &["severity"],
            ),
            rule_set: catalogue.gauges(
                "nightjar_rule_set_info",
                "1, with the content hash of the loaded rules as label.",
                &["hash"],
            ),
        }
    }

    /// Rules were loaded.
    pub(crate) fn rules(&self, set: &RuleSet, problems: &[Problem]) {
        let count = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        self.rules.with_label_values(&["detection"]).set(count(set.rules.len()));
        self.rules.with_label_values(&["correlation"]).set(count(set.correlations.len()));
        for severity in [Severity::Error, Severity::Warning, Severity::Info] {
            let of_it = problems.iter().filter(|it| it.severity == severity).count();
            self.problems.with_label_values(&[severity.as_str()]).set(count(of_it));
        }
        self.rule_set.reset();
        self.rule_set.with_label_values(&[&*set.hash]).set(1);
    }
}
