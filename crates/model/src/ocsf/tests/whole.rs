//! What is written whole, against files that are laid out for reading.

use super::*;

/// The whole output, against a file in `testdata` that is laid out for reading. The keys must also stand in the same order.
#[track_caller]
fn check_snapshot(alert: &Alert, expected: &str) {
    let expected: Json = serde_json::from_str(&expected.replace("$VERSION", env!("CARGO_PKG_VERSION"))).unwrap();
    assert_eq!(line_of(alert), expected.to_string());
}

#[test]
fn a_detection_is_written_whole() {
    check_snapshot(&detection(), include_str!("../testdata/detection.json"));
}

#[test]
fn a_correlation_is_written_whole() {
    check_snapshot(&correlation(), include_str!("../testdata/correlation.json"));
}

/// What a finding says of its delivery.
fn delivery_of(delivery: crate::Delivery, status: crate::Status) -> Json {
    let rule = Arc::new(RuleInfo { status, ..RuleInfo::clone(&detection().rule) });
    let finding: Json = serde_json::from_str(&line_of(&Alert { rule, delivery, ..detection() })).unwrap();
    let analytic = &finding["finding_info"]["analytic"];
    json!([
        finding["status"],
        finding["status_detail"],
        finding["is_alert"],
        finding["disposition"],
        finding["metadata"]["labels"],
        analytic["state"],
        finding["unmapped"]["rule"]["status"],
        finding["unmapped"]["exception"]
    ])
}

#[test]
fn a_finding_that_pages_nobody_says_so_and_why() {
    use crate::{Delivery, Exception, Status};
    assert_eq!(delivery_of(Delivery::Page, Status::Stable), json!(["New", null, true, "Alert", null, "Active", "stable", null]));
    assert_eq!(
        delivery_of(Delivery::Shadow, Status::Test),
        json!(["New", "in shadow: the status of the rule is test", false, "Logged", ["shadow"], "Experimental", "test", null])
    );
    let exception = Exception {
        id: "EX-1".into(),
        actor: Some("u1042".into()),
        target: None,
        rule: None,
        from: EventTime::MIN,
        until: time("2026-06-30T00:00:00Z"),
        reason: "year-end review".into(),
        author: "bo".into(),
    };
    let told = json!({"id": "EX-1", "actor": "u1042", "until": 1_782_777_600_000_i64, "reason": "year-end review", "author": "bo"});
    assert_eq!(
        delivery_of(Delivery::Excepted(Arc::new(exception)), Status::Stable),
        json!([
            "Suppressed",
            "exception EX-1 by bo until 2026-06-30T00:00:00.000Z: year-end review",
            false,
            "Logged",
            ["excepted"],
            "Active",
            "stable",
            told
        ])
    );
}

#[test]
fn an_alert_about_behaviour_is_written_whole() {
    check_snapshot(&behaviour(), include_str!("../testdata/behaviour.json"));
}

fn incident() -> Incident {
    let alert = behaviour();
    let finding = |kind: RuleKind, events: &[&str]| IncidentFinding {
        uid: uid("x", events),
        time_ms: 1_772_460_191_482,
        rule_id: alert.rule.id.clone(),
        rule_name: alert.rule.name.clone(),
        title: alert.rule.title.clone(),
        kind,
        level: alert.rule.level,
        events: texts(events),
        events_total: events.len() as u64,
    };
    Incident {
        uid: uid("incident", &["u1042"]),
        is_new: false,
        time: alert.time,
        first: time("2026-03-01T14:03:11.482Z"),
        last: alert.time,
        actor: alert.actor.clone(),
        level: Level::High,
        risk: 12.25,
        risk_of_rules: 3.0,
        findings: vec![finding(RuleKind::Detection, &[]), finding(RuleKind::Behaviour, &["e-17", "e-18"])],
        findings_total: 9,
        increments: 2,
        message: "2 rules and unusual behaviour".into(),
    }
}

#[test]
fn an_incident_is_written_whole() {
    let mut out = Vec::new();
    incident().write_ocsf(&mut out);
    let expected: Json =
        serde_json::from_str(&include_str!("../testdata/incident.json").replace("$VERSION", env!("CARGO_PKG_VERSION"))).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected.to_string());
}

#[test]
fn a_sample_says_that_it_is_one() {
    let mut alert = behaviour();
    let standing = alert.triaged.as_mut().unwrap().standing.as_mut().unwrap();
    (standing.sampled, standing.factor, standing.risk_of_rules) = (Some(0.02), 2.0, 0.0);
    let finding: Json = serde_json::from_str(&line_of(&alert)).unwrap();
    assert_eq!(finding["metadata"]["labels"], json!(["sample"]));
    assert_eq!(
        finding["risk_details"],
        "risk 9.1, counted 2-fold after a report, below the threshold: one of a random sample that shows what the threshold misses; \
         risk ≥ 7.2: about 5 alerts a day for 2,000 active people"
    );
}

#[test]
fn risk_and_rules_sort_on_one_scale() {
    let scores = [f64::NAN, -1.0, 0.0, 2.0, 8.0, 24.0, 1e300, f64::INFINITY].map(risk_score);
    assert_eq!(scores, [0, 0, 0, 20, 50, 75, 100, 100]);
}

#[test]
fn what_is_not_known_is_left_out() {
    check_snapshot(&bare(), include_str!("../testdata/bare.json"));
}
