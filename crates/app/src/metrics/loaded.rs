//! What was loaded: rules, and the program itself.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::context::TableInfo;
use engine::{Policy, Rulebook};
use model::EventTime;
use prometheus::{Gauge, IntCounterVec, IntGauge, IntGaugeVec};
use sigma::problem::{Problem, Severity};

use super::catalogue::Catalogue;

/// Metrics of rules and build.
#[derive(Debug)]
pub(crate) struct LoadedMetrics {
    rules: IntGaugeVec,
    problems: IntGaugeVec,
    rule_set: IntGaugeVec,
    shadow: IntGauge,
    unfed: IntGauge,
    reloads: IntCounterVec,
    last_reload_success: IntGauge,
    last_reload: Gauge,
    exceptions: IntGaugeVec,
    exception_records: IntCounterVec,
    context_rows: IntGaugeVec,
    context_records: IntCounterVec,
    context_newest: Gauge,
}

impl LoadedMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        let build = catalogue.gauges("nightjar_build_info", "1, with the version as label.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let start: Gauge = catalogue.seconds("process_start_time_seconds", "When the process started, in seconds since the epoch.");
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |it| it.as_secs_f64()));
        let last_reload_success = catalogue.gauge(
            "nightjar_rules_last_reload_success",
            "1 if the last reload of the rules was not refused, and before the first one.",
        );
        last_reload_success.set(1);
        Self {
            shadow: catalogue
                .gauge("nightjar_rules_shadow", "Rules and correlations that run in shadow: their status is test or experimental."),
            unfed: catalogue
                .gauge("nightjar_rules_unfed", "Rules that no source feeds, because none is of their log source: they can't ever match."),
            reloads: catalogue.counters(
                "nightjar_rules_reload_total",
                "Reloads of the rules by outcome: applied, unchanged, refused (an error in the set; the rules of before stay in force).",
                &["outcome"],
            ),
            last_reload_success,
            last_reload: catalogue.seconds(
                "nightjar_rules_last_reload_timestamp_seconds",
                "When rules were last loaded, or refused, in seconds since the epoch.",
            ),
            exceptions: catalogue.gauges(
                "nightjar_exceptions",
                "Exceptions by state, as they stood when they were last loaded: active, pending, expired.",
                &["state"],
            ),
            exception_records: catalogue.counters(
                "nightjar_exception_records_total",
                "Records of the topic of exceptions by outcome: taken, unchanged, refused (no exception; it changes nothing and is a dead letter).",
                &["outcome"],
            ),
            context_rows: catalogue.gauges(
                "nightjar_context_rows",
                "Rows of the context that is in force by table, those from files and those of the topic.",
                &["table"],
            ),
            context_records: catalogue.counters(
                "nightjar_context_records_total",
                "Records of the topic of context by outcome: taken, unchanged, refused (no row; it changes nothing and is a dead letter).",
                &["outcome"],
            ),
            context_newest: catalogue.seconds(
                "nightjar_context_newest_timestamp_seconds",
                "When the newest record of the topic of context that is in force was written, in seconds since the epoch; 0 before any.",
            ),
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

    /// A reload ended with `outcome` at `now`.
    pub(crate) fn reloaded(&self, outcome: &str, now: EventTime) {
        self.reloads.with_label_values(&[outcome]).inc();
        self.last_reload_success.set(i64::from(outcome != "refused"));
        self.loaded_at(now);
    }

    /// Rules were loaded, or refused, at `now`.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
    pub(crate) fn loaded_at(&self, now: EventTime) {
        self.last_reload.set(now.ms() as f64 / 1_000.0);
    }

    /// How the exceptions of `policy` stand at `now`.
    pub(crate) fn exceptions(&self, policy: &Policy, now: EventTime) {
        for (validity, count) in policy.standing(now) {
            self.exceptions.with_label_values(&[validity.as_str()]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// A record of the topic of exceptions was read.
    pub(crate) fn exception_record(&self, outcome: &str) {
        self.exception_records.with_label_values(&[outcome]).inc();
    }

    /// A context is in force that was made of these tables.
    pub(crate) fn context(&self, tables: &[TableInfo]) {
        self.context_rows.reset();
        for it in tables {
            let rows = i64::try_from(it.rows).unwrap_or(i64::MAX);
            self.context_rows.with_label_values(&[it.name.as_str()]).add(rows);
        }
    }

    /// A record of the topic of context was read.
    pub(crate) fn context_record(&self, outcome: &str) {
        self.context_records.with_label_values(&[outcome]).inc();
    }

    /// What is in force of the topic of context goes up to a record of that time.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
    pub(crate) fn context_newest(&self, newest: Option<EventTime>) {
        self.context_newest.set(newest.map_or(0.0, |it| it.ms() as f64 / 1_000.0));
    }

    /// Rules were loaded.
    pub(crate) fn rules(&self, book: &Rulebook, problems: &[Problem]) {
        let set = &book.set;
        let count = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        self.unfed.set(count(book.unfed().count()));
        self.rules.with_label_values(&["detection"]).set(count(set.rules.len()));
        self.rules.with_label_values(&["correlation"]).set(count(set.correlations.len()));
        for severity in [Severity::Error, Severity::Warning, Severity::Info] {
            let of_it = problems.iter().filter(|it| it.severity == severity).count();
            self.problems.with_label_values(&[severity.as_str()]).set(count(of_it));
        }
        let infos = set.rules.iter().map(|it| &it.info).chain(set.correlations.iter().map(|it| &it.info));
        self.shadow.set(count(infos.filter(|it| it.status.is_shadow()).count()));
        self.rule_set.reset();
        self.rule_set.with_label_values(&[&*set.hash]).set(1);
    }
}
