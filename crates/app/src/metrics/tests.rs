use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use model::{ActorRef, Alert, EventTime, Level, RejectCode, RuleInfo, RuleKind};
use sigma::problem::{Code, Problem};
use stream::kafka::{PartitionId, RecordKind};

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_describes_every_metric_and_no_other() {
    let section = README.split("## Metrics").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let mut described: Vec<String> = rows.map(str::to_owned).collect();
    let mut declared = Metrics::new().names;
    described.sort();
    declared.sort();
    assert_eq!(described, declared);
}

fn alert() -> Alert {
    let rule = RuleInfo {
        id: "r".to_owned(),
        name: "mass_lookups".to_owned(),
        title: String::new(),
        description: String::new(),
        version: String::new(),
        level: Level::High,
        status: model::Status::Stable,
        kind: RuleKind::Detection,
        tags: Vec::new(),
        false_positives: Vec::new(),
        references: Vec::new(),
        fields: Vec::new(),
        author: String::new(),
    };
    Alert {
        uid: String::new(),
        time: EventTime::from_ms(1_000),
        rule: rule.into(),
        delivery: model::Delivery::Page,
        rule_set: "".into(),
        source: "native".into(),
        actor: ActorRef::default(),
        actors: Vec::new(),
        action: String::new(),
        tool: None,
        outcome: model::source::Outcome::Success,
        target: None,
        origin: model::alert::OriginRef::default(),
        window: None,
        events: Vec::new(),
        events_total: 1,
        evidence: Vec::new(),
        deviation: None,
        triaged: None,
        message: String::new(),
    }
}

/// Metrics of which every one has a value.
fn filled() -> Metrics {
    let metrics = Metrics::new();
    let id = PartitionId::new("audit-events", 3);
    let source = metrics.input.source("native");
    source.judged(engine::Verdict::Scored);
    source.rejected(RejectCode::NotJson);
    source.took(std::time::Duration::from_nanos(1_200));
    metrics.output.alerted(&alert(), EventTime::from_ms(3_500));
    metrics.output.delivered(RecordKind::Alert);
    metrics.output.not_delivered(RecordKind::DeadLetter);
    metrics.transactions.committed(std::time::Duration::from_millis(60));
    metrics.transactions.aborted();
    metrics.member.assigned(&id);
    metrics.member.lagging("audit-events", 3, 17);
    metrics.member.committed("audit-events", 3, 90);
    metrics.member.handled(&id, 2, None);
    metrics.member.troubled("consumer");
    metrics.state.partition(&id);
    let mut stats = engine::Triage::new(engine::triage::Settings::default()).stats();
    (stats.counts.pages, stats.counts.incidents) = (2, 3);
    metrics.triage.set(&stats);
    metrics.triage.set(&stats);
    let book = engine::Rulebook::compile(Vec::new(), &[], &mut Vec::new());
    metrics.loaded.rules(&book, &[Problem::error(Code::NotYaml, "a.yml", 1, 1, "x")]);
    metrics
}

#[track_caller]
fn check(text: &str, line: &str) {
    assert!(text.lines().any(|it| it == line), "no `{line}` in\n{text}");
}

#[test]
fn what_happens_is_told_by_source_rule_and_partition() {
    let text = filled().to_text();
    check(&text, r#"nightjar_events_total{outcome="scored",source="native"} 1"#);
    check(&text, r#"nightjar_events_total{outcome="bad",source="native"} 1"#);
    check(&text, r#"nightjar_bad_events_total{reason="not_json",source="native"} 1"#);
    check(&text, r#"nightjar_scoring_seconds_bucket{le="0.000001"} 0"#);
    check(&text, r#"nightjar_scoring_seconds_bucket{le="0.000002"} 1"#);
    check(&text, r#"nightjar_alerts_total{level="high",rule="mass_lookups"} 1"#);
    check(&text, "nightjar_alert_delay_seconds_sum 2.5");
    check(&text, r#"nightjar_consumer_lag{partition="3",topic="audit-events"} 17"#);
    check(&text, r#"nightjar_transactions_total{outcome="aborted"} 1"#);
    check(&text, r#"nightjar_transactions_total{outcome="replaced"} 0"#);
    check(&text, r#"nightjar_transaction_seconds_bucket{le="0.05"} 0"#);
    check(&text, r#"nightjar_transaction_seconds_bucket{le="0.075"} 1"#);
    check(&text, "nightjar_partitions_owned 1");
    check(&text, r#"nightjar_behaviour_candidates_total{outcome="page"} 2"#);
    check(&text, r#"nightjar_behaviour_candidates_total{outcome="over_budget"} 0"#);
    check(&text, "nightjar_behaviour_threshold 6");
    check(&text, "nightjar_behaviour_learning 1");
    check(&text, "nightjar_incidents_total 3");
    check(&text, r#"nightjar_rule_problems{severity="error"} 1"#);
}

#[test]
fn a_partition_that_is_gone_is_told_no_more() {
    let metrics = filled();
    let id = PartitionId::new("audit-events", 3);
    metrics.member.revoked(&id, true);
    metrics.state.forget(&metrics.state.partition(&id));
    metrics.member.lagging("audit-events", 3, 17);
    metrics.member.committed("audit-events", 3, 91);
    let text = metrics.to_text();
    assert!(!text.contains(r#"partition="3""#), "{text}");
    check(&text, "nightjar_partitions_lost_total 1");
}

#[test]
fn promtool_has_nothing_to_object() {
    let promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    promtool.stdin.take().unwrap().write_all(filled().to_text().as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
