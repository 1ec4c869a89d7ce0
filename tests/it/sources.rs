//! Real audit logs of other products, scored by the rules of the pack that are for them.

use crate::ocsf_schema;
use crate::support::{corpus, ndjson, pack, pipeline, score};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|it| it != "gz") {
        return bytes;
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut text).unwrap();
    text
}

/// Scores a log and returns how many alerts each rule made; every alert has to be valid.
fn alerts_by_rule(file: &str, mapping: &str, rejects_expected: usize) -> Option<BTreeMap<String, usize>> {
    let path = corpus(&format!("audit/{file}"))?;
    let (alerts, rejects) = score(&mut pipeline(&pack(mapping)), &read(&path));
    assert_eq!(rejects.len(), rejects_expected, "{rejects:#?}");
    if let Some(schema) = ocsf_schema::schema() {
        for line in ndjson(&alerts).lines() {
            let problems = ocsf_schema::validate(schema, &serde_json::from_str(line).unwrap());
            assert!(problems.is_empty(), "{problems:?} in {line}");
        }
    }
    let mut counts = BTreeMap::new();
    alerts.iter().for_each(|it| *counts.entry(it.alert.rule.name.clone()).or_insert(0) += 1);
    Some(counts)
}

#[track_caller]
fn check(file: &str, mapping: &str, rejects_expected: usize, rules_at_least: usize) {
    let Some(counts) = alerts_by_rule(file, mapping, rejects_expected) else { return };
    assert!(counts.len() >= rules_at_least, "{file}: {counts:?}");
}

#[test]
fn cloudtrail_events_fire_the_rules_for_cloudtrail() {
    // Seven events have no time and one has `redacted`.
    check("AWS.CloudTrail.ndjson", "cloudtrail", 8, 8);
}

#[test]
fn okta_events_fire_the_rules_for_okta() {
    check("Okta.SystemLog.ndjson", "okta", 6, 5);
}

#[test]
fn github_events_fire_the_rules_for_github() {
    check("GitHub.Audit.ndjson", "github", 19, 4);
}

#[test]
fn the_simulated_attack_on_an_aws_account_is_found_without_its_label() {
    let Some(counts) = alerts_by_rule("cloudtrail-attack-simulation.ndjson.gz", "cloudtrail", 0) else { return };
    assert!(counts.len() >= 10, "{counts:?}");
    for path in crate::support::files(&crate::support::root().join("rules/cloudtrail"), "yml") {
        assert!(!std::fs::read_to_string(&path).unwrap().contains("stratus"), "{} reads the label", path.display());
    }
}
