use super::*;
use crate::extract::{Extracted, extract};
use serde_json::Value as Json;
use std::io::Read;
use std::path::Path;

/// The events of a corpus file, or `None`, said aloud, where the corpora are absent.
#[expect(clippy::disallowed_methods, reason = "a test may read files; the crate itself does not")]
fn corpus(file: &str) -> Option<Vec<Json>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/audit").join(file);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: there is no {}", path.display());
        return None;
    };
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(text.lines().map(|it| serde_json::from_str(it).unwrap()).collect())
}

/// How many events have each role.
#[derive(Debug, Default, PartialEq, Eq)]
struct Coverage {
    events: usize,
    id: usize,
    time: usize,
    actor: usize,
    action: usize,
    target: usize,
    source_ip: usize,
    failure: usize,
    denied: usize,
}

impl Coverage {
    fn of(mapping: &SourceMapping, events: &[Json]) -> Self {
        let mut coverage = Self::default();
        for event in events {
            coverage.add(&extract(mapping, event));
        }
        coverage
    }

    fn add(&mut self, found: &Extracted) {
        self.events += 1;
        self.id += usize::from(found.id.is_some());
        self.time += usize::from(found.time.is_some());
        self.actor += usize::from(!found.actor.id.is_empty());
        self.action += usize::from(!found.action.is_empty());
        self.target += usize::from(found.target.is_some());
        self.source_ip += usize::from(found.origin.ip.is_some());
        self.failure += usize::from(found.outcome == Outcome::Failure);
        self.denied += usize::from(found.outcome == Outcome::Denied);
    }
}

#[track_caller]
fn check(mapping: &str, file: &str, expected: &Coverage) {
    let Some(events) = corpus(file) else { return };
    let mapping = SourceMapping::built_in(mapping).unwrap();
    assert_eq!(&Coverage::of(&mapping, &events), expected, "{file} through {}", mapping.name);
}

#[test]
fn cloudtrail_roles_are_found() {
    let expected =
        Coverage { events: 232, id: 205, time: 224, actor: 223, action: 231, target: 220, source_ip: 215, failure: 14, denied: 23 };
    check("cloudtrail", "AWS.CloudTrail.ndjson", &expected);
}

#[test]
fn cloudtrail_roles_are_found_in_wrapped_events() {
    let expected = Coverage {
        events: 2900,
        id: 2900,
        time: 2900,
        actor: 2900,
        action: 2900,
        target: 2900,
        source_ip: 2900,
        failure: 240,
        denied: 60,
    };
    check("cloudtrail", "cloudtrail-attack-simulation.ndjson.gz", &expected);
}

#[test]
fn okta_roles_are_found() {
    let expected =
        Coverage { events: 35, id: 30, time: 29, actor: 32, action: 35, target: 26, source_ip: 32, failure: 5, denied: 1 };
    check("okta", "Okta.SystemLog.ndjson", &expected);
}

#[test]
fn github_roles_are_found() {
    let expected =
        Coverage { events: 58, id: 11, time: 39, actor: 56, action: 58, target: 57, source_ip: 2, failure: 0, denied: 0 };
    check("github", "GitHub.Audit.ndjson", &expected);
}

/// An independent reading of what the event has: any filled scalar below a top-level key, whatever its case.
fn has(event: &Json, keys: &[&str]) -> bool {
    fn is_filled(json: &Json) -> bool {
        match json {
            Json::Null => false,
            Json::String(text) => !text.is_empty(),
            Json::Array(elements) => elements.iter().any(is_filled),
            Json::Object(fields) => fields.values().any(is_filled),
            _ => true,
        }
    }
    let event = event.get("event").filter(|it| it.is_object()).unwrap_or(event);
    let fields = event.as_object().unwrap();
    fields.iter().any(|(key, value)| keys.iter().any(|it| key.eq_ignore_ascii_case(it)) && is_filled(value))
}

/// Every event with something in one of the keys has the role.
#[track_caller]
fn check_none_is_missed(mapping: &str, files: &[&str], role: &str, is_found: fn(&Extracted) -> bool, keys: &[&str]) {
    let mapping = SourceMapping::built_in(mapping).unwrap();
    for event in files.iter().filter_map(|it| corpus(it)).flatten() {
        assert_eq!(is_found(&extract(&mapping, &event)), has(&event, keys), "{role} in {event}");
    }
}

const CLOUDTRAIL: [&str; 2] = ["AWS.CloudTrail.ndjson", "cloudtrail-attack-simulation.ndjson.gz"];
const OKTA: [&str; 1] = ["Okta.SystemLog.ndjson"];
const GITHUB: [&str; 1] = ["GitHub.Audit.ndjson"];

#[test]
fn no_actor_is_missed_in_an_event_that_has_one() {
    let has_actor = |it: &Extracted| !it.actor.id.is_empty();
    check_none_is_missed("cloudtrail", &CLOUDTRAIL, "actor", has_actor, &["userIdentity"]);
    check_none_is_missed("okta", &OKTA, "actor", has_actor, &["actor"]);
    check_none_is_missed("github", &GITHUB, "actor", has_actor, &["actor"]);
}

#[test]
fn no_action_is_missed_in_an_event_that_has_one() {
    let has_action = |it: &Extracted| !it.action.is_empty();
    check_none_is_missed("cloudtrail", &CLOUDTRAIL, "action", has_action, &["eventName"]);
    check_none_is_missed("okta", &OKTA, "action", has_action, &["eventType"]);
    check_none_is_missed("github", &GITHUB, "action", has_action, &["action"]);
}

#[test]
fn no_target_is_missed_in_an_event_that_has_one() {
    let has_target = |it: &Extracted| it.target.is_some();
    check_none_is_missed("okta", &OKTA, "target", has_target, &["target"]);
    check_none_is_missed("github", &GITHUB, "target", has_target, &["repo", "repository", "org", "business", "user", "data"]);
}

#[test]
fn no_address_is_missed_in_an_event_that_has_one() {
    let has_ip = |it: &Extracted| it.origin.ip.is_some();
    check_none_is_missed("cloudtrail", &CLOUDTRAIL, "source ip", has_ip, &["sourceIPAddress"]);
    check_none_is_missed("okta", &OKTA, "source ip", has_ip, &["client"]);
    check_none_is_missed("github", &GITHUB, "source ip", has_ip, &["actor_ip"]);
}

/// The times that no mapping reads, each as it stands in the event.
#[track_caller]
fn check_unread_times(mapping: &str, files: &[&str], keys: &[&str], expected: &[&str]) {
    let mapping = SourceMapping::built_in(mapping).unwrap();
    let events: Vec<_> = files.iter().filter_map(|it| corpus(it)).flatten().collect();
    let is_unread = |it: &&Json| has(it, keys) && extract(&mapping, it).time.is_none();
    let unread: Vec<_> = events.iter().filter(is_unread).filter_map(|it| keys.iter().find_map(|key| it[key].as_str())).collect();
    if !events.is_empty() {
        assert_eq!(unread, expected, "{}", mapping.name);
    }
}

#[test]
fn only_texts_that_are_no_time_are_not_read_as_one() {
    check_unread_times("cloudtrail", &CLOUDTRAIL, &["eventTime", "p_event_time"], &["redacted"]);
    check_unread_times("okta", &OKTA, &["published", "p_event_time"], &["redacted"]);
    let keys = ["@timestamp", "created_at", "at_sign_timestamp"];
    check_unread_times("github", &GITHUB, &keys, &["2024-12-17 00:00:00000000", "2024-12-17 00:00:00000000"]);
}

#[test]
fn the_raw_mapping_finds_the_usual_places_of_other_products() {
    // Events, then those with a time, an actor, an action and an address.
    for (file, expected) in [
        ("Amazon.EKS.Audit.ndjson", [102, 12, 79, 95, 36]),
        ("Azure.Audit.ndjson", [21, 21, 18, 17, 15]),
        ("GCP.AuditLog.ndjson", [110, 78, 84, 99, 70]),
        ("GSuite.ActivityEvent.ndjson", [58, 28, 50, 53, 25]),
        ("Gravitational.TeleportAudit.ndjson", [13, 13, 11, 13, 1]),
        ("Microsoft365.Audit.AzureActiveDirectory.ndjson", [3, 3, 3, 3, 1]),
        ("Notion.AuditLogs.ndjson", [15, 15, 15, 15, 14]),
        ("OnePassword.SignInAttempt.ndjson", [3, 3, 3, 3, 3]),
        ("Slack.AuditLogs.ndjson", [19, 8, 19, 19, 19]),
        ("Zendesk.Audit.ndjson", [14, 14, 14, 14, 14]),
        ("Zoom.Operation.ndjson", [14, 13, 14, 14, 0]),
        ("../sigma/regression_events.ndjson", [238, 238, 230, 1, 0]),
    ] {
        let Some(events) = corpus(file) else { continue };
        let raw = SourceMapping::built_in("raw").unwrap();
        let Coverage { events, time, actor, action, source_ip, .. } = Coverage::of(&raw, &events);
        assert_eq!([events, time, actor, action, source_ip], expected, "{file}");
    }
}

#[test]
fn every_mapping_that_comes_with_nightjar_can_be_read() {
    for name in SourceMapping::built_in_names() {
        let mapping = SourceMapping::built_in(name).unwrap();
        assert_eq!(mapping.name, name);
        assert_eq!(mapping.required.is_empty(), name == "raw");
        assert!(mapping.outcome.words.keys().all(|it| *it == it.to_ascii_lowercase()), "{name}");
    }
    let error = SourceMapping::built_in("cloudtrial").unwrap_err().to_string();
    assert!(error.contains("native, cloudtrail, okta, github, raw"), "{error}");
}

#[test]
fn an_unknown_key_in_a_mapping_is_an_error() {
    assert!(SourceMapping::from_toml("name = \"x\"\n[roles]\nactr = [\"a\"]").is_err());
}

#[track_caller]
fn check_outcome(mapping: &str, word: Option<&str>, expected: Outcome) {
    assert_eq!(SourceMapping::built_in(mapping).unwrap().outcome(word), expected, "{mapping} {word:?}");
}

#[test]
fn outcome_words_of_each_product_are_understood() {
    check_outcome("cloudtrail", None, Outcome::Success);
    check_outcome("cloudtrail", Some("AccessDenied"), Outcome::Denied);
    check_outcome("cloudtrail", Some("Client.UnauthorizedOperation"), Outcome::Denied);
    check_outcome("cloudtrail", Some("ThrottlingException"), Outcome::Failure);
    check_outcome("cloudtrail", Some("Success"), Outcome::Success);
    check_outcome("okta", Some("DENY"), Outcome::Denied);
    check_outcome("okta", Some("FAILURE"), Outcome::Failure);
    check_outcome("okta", Some("CHALLENGE"), Outcome::Success);
    check_outcome("github", None, Outcome::Success);
    check_outcome("native", Some("denied"), Outcome::Denied);
}

#[track_caller]
fn check_admits(rule: [Option<&str>; 3], source: [Option<&str>; 3], expected: bool) {
    let log_source = |[category, product, service]: [Option<&str>; 3]| LogSource {
        category: category.map(str::to_owned),
        product: product.map(str::to_owned),
        service: service.map(str::to_owned),
        definition: None,
    };
    let mapping = SourceMapping { logsource: log_source(source), ..SourceMapping::default() };
    let expected = if expected { Admission::All } else { Admission::None };
    assert_eq!(mapping.admission(&log_source(rule)), expected, "{rule:?} over {source:?}");
}

#[test]
fn a_rule_sees_the_sources_it_names_and_raw() {
    let cloudtrail = [None, Some("aws"), Some("cloudtrail")];
    check_admits([None, Some("AWS"), Some("cloudtrail")], cloudtrail, true);
    check_admits([None, Some("aws"), None], cloudtrail, true);
    check_admits([None, None, None], cloudtrail, true);
    check_admits([None, Some("okta"), Some("okta")], cloudtrail, false);
    check_admits([Some("process_creation"), None, None], cloudtrail, false);
    check_admits([Some("process_creation"), Some("windows"), None], [None; 3], true);
}
