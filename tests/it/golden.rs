//! The golden pipeline: the day of the attack in, alerts out, as kept in `golden/`. `UPDATE=1 cargo test` writes it anew; the diff is the review.

use crate::ocsf_schema;
use crate::support::{attack_day, ndjson, pack, pipeline, root, score};
use model::RuleKind;
use std::fmt::Write;

#[test]
fn the_attack_day_gives_the_alerts_that_were_reviewed() {
    let (alerts, rejects) = score(&mut pipeline(&pack("native")), &attack_day(150, 1));
    assert!(rejects.is_empty(), "{rejects:?}");
    let mut text = String::new();
    // What behaviour raises without a rule is hundreds of findings in shadow on a first day, when nobody is known yet.
    let by_rules = alerts.iter().map(|it| &it.alert).filter(|it| it.rule.kind != RuleKind::Behaviour);
    for alert in by_rules {
        writeln!(text, "{} {:<8} {} {} {}", alert.time, alert.rule.level, alert.rule.name, alert.uid, alert.message).unwrap();
    }
    let path = root().join("tests/golden/attack_day.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (at, (ours, theirs)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {} of {}; `UPDATE=1 cargo test -p tests` writes it anew", at + 1, path.display());
    }
    assert_eq!(text.lines().count(), expected.lines().count());
}

#[test]
fn every_alert_of_the_attack_day_is_a_valid_detection_finding() {
    let Some(schema) = ocsf_schema::schema() else { return };
    let alerts = ndjson(&score(&mut pipeline(&pack("native")), &attack_day(150, 1)).0);
    for line in alerts.lines() {
        let problems = ocsf_schema::validate(schema, &serde_json::from_str(line).unwrap());
        assert!(problems.is_empty(), "{problems:?} in {line}");
    }
}
