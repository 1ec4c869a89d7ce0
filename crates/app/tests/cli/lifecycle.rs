//! Status, shadow, exceptions and promotion of rules.

use super::place::{Place, RULES, event, events, rules_of};
use serde_json::Value as Json;
use std::fs;

/// The rules with another status for the one called `name`, which stands in the line before its id.
fn with_status(name: &str, status: &str) -> String {
    RULES.replace(&format!("name: {name}\n"), &format!("name: {name}\nstatus: {status}\n"))
}

#[test]
fn rules_in_shadow_raise_no_alert_and_are_written_counted_and_included_on_demand() {
    let place = Place::new("shadow");
    place.write("events.ndjson", events().as_bytes());
    place.write("rules/rules.yml", with_status("export", "experimental").as_bytes());
    let ran = place.run(&["score", "events.ndjson"]);
    assert_eq!(rules_of(&ran.ended(0).told("--include-shadow").out), ["crowd"]);
    let ran = place.run(&["score", "events.ndjson", "--shadow", "shadow.ndjson", "--stats", "stats.json"]);
    assert_eq!(rules_of(&ran.ended(0).out), ["crowd"]);
    assert_eq!(rules_of(&place.read("shadow.ndjson")), ["export", "export"]);
    let finding = &place.json_lines("shadow.ndjson")[0];
    assert_eq!((&finding["is_alert"], &finding["metadata"]["labels"]), (&Json::from(false), &serde_json::json!(["shadow"])));
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!(
        (&stats["alerts"], &stats["shadow"], &stats["shadow_by_rule"]),
        (&1.into(), &2.into(), &serde_json::json!({"export": 2}))
    );
    let ran = place.run(&["score", "events.ndjson", "--include-shadow"]);
    assert_eq!(rules_of(&ran.ended(0).out), ["export", "export", "crowd"]);
    // The correlation's own status decides, not that of the rule it is over.
    place.write("rules/rules.yml", with_status("looked_at", "test").as_bytes());
    assert_eq!(rules_of(&place.run(&["score", "events.ndjson"]).ended(0).out), ["export", "export", "crowd"]);
    place.write("rules/rules.yml", with_status("crowd", "test").as_bytes());
    assert_eq!(rules_of(&place.run(&["score", "events.ndjson"]).ended(0).out), ["export", "export"]);
}

#[test]
fn a_deprecated_rule_runs_and_an_unsupported_one_does_not_and_both_say_so() {
    let place = Place::new("unsupported");
    place.write("events.ndjson", events().as_bytes());
    for (status, expected) in [("deprecated", vec!["export", "export", "crowd"]), ("unsupported", vec!["crowd"])] {
        place.write("rules/rules.yml", with_status("export", status).as_bytes());
        assert_eq!(rules_of(&place.run(&["score", "events.ndjson"]).ended(0).out), expected);
        assert!(place.run(&["rules", "check", "rules"]).ended(0).out.contains(&format!("the rule is {status}")));
    }
}

#[test]
fn an_exception_keeps_its_alerts_from_paging_and_is_never_silent() {
    let place = Place::new("excepted");
    place.write("events.ndjson", events().as_bytes());
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    let exception =
        |id: &str, scope: &str, until: &str| format!("- {{id: {id}, {scope}, until: {until}, reason: moving house, author: bo}}\n");
    let exceptions = [
        exception("EX-1", "actor: ana, rule: export", "2026-03-03"),
        exception("EX-2", "actor: bo", "2026-03-02T10:00:03Z"),
        // The crowd is more than one of its members.
        exception("EX-3", "actor: cy, rule: crowd", "2026-03-03"),
        exception("EX-4", "rule: exprt", "2026-03-03"),
    ];
    place.write("rules/context/exceptions.yml", exceptions.concat().as_bytes());
    let score = ["score", "events.ndjson", "--now", "2026-03-02T12:00:00Z", "--shadow", "shadow.ndjson", "--stats", "stats.json"];
    let ran = place.run(&score);
    assert_eq!(rules_of(&ran.ended(0).told("excepted  1").out), ["export", "crowd"]);
    let finding = &place.json_lines("shadow.ndjson")[0];
    let told = serde_json::json!({"id": "EX-1", "rule": "export", "actor": "ana", "until": 1_772_496_000_000_i64, "reason": "moving house", "author": "bo"});
    assert_eq!((&finding["unmapped"]["exception"], &finding["status"]), (&told, &"Suppressed".into()));
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!((&stats["alerts"], &stats["excepted"]), (&2.into(), &1.into()));
    let by_exception = serde_json::json!({"EX-1": {"export": 1}, "EX-2": {}, "EX-3": {}, "EX-4": {}});
    assert_eq!(stats["excepted_by_exception"], by_exception);
    let list = place.run(&["rules", "exceptions", "rules", "--now", "2026-03-02T12:00:00Z", "--shadow", "shadow.ndjson"]);
    list.ended(0).told("did you mean `export`?").told("4 exceptions: 3 active, 0 pending, 1 expired").told("has ended");
    assert!(list.out.contains("used 1 times") && list.out.matches("never used").count() == 3, "{}", list.out);
    place.write("more.yml", b"- actor: ana\n  reason: r\n  author: a\n");
    let more = ["rules", "exceptions", "rules", "--exceptions", "more.yml", "--now", "2026-03-02T12:00:00Z"];
    place.run(&more).ended(1).told("more.yml:1:3: error: the exception has no `until`");
    place.run(&["score", "events.ndjson", "--exceptions", "nowhere.yml"]).ended(2).told("nowhere.yml");
}

#[test]
fn rules_promote_tells_what_a_rule_in_shadow_would_have_done_and_writes_its_status() {
    let place = Place::new("promote");
    let day = |day: u32| event(1, &format!("u{day}"), "export", "t").replace("2026-03-02", &format!("2026-03-{day:02}"));
    place.write("events.ndjson", (1..=14).map(day).collect::<String>().as_bytes());
    let rules = with_status("export", "test  # since March");
    place.write("rules/rules.yml", rules.as_bytes());
    place.run(&["score", "events.ndjson", "--shadow", "shadow.ndjson"]).ended(0);
    let promote = ["rules", "promote", "rules", "--shadow", "shadow.ndjson", "--days", "14"];
    let ran = place.run(&promote);
    assert!(ran.ended(0).out.contains("ready: about 7.0 alerts a week"), "{}", ran.out);
    let ran = place.run(&[&promote[..], &["--format", "json", "--write"]].concat());
    let report: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    let rule = &report["rules"][0];
    assert_eq!((&rule["rule"], &rule["alerts"], &rule["actors"]), (&"export".into(), &14.into(), &14.into()));
    assert_eq!((&rule["verdict"], &rule["written"]), (&"ready".into(), &true.into()));
    assert_eq!(place.read("rules/rules.yml"), rules.replace("status: test  #", "status: stable  #"));
    place.run(&[&promote[..], &["--rule", "export"]].concat()).ended(2).told("not in shadow");
    place.run(&[&promote[..], &["--rule", "exprt"]].concat()).ended(2).told("exprt");
    place.run(&["rules", "promote", "rules", "--shadow", "nowhere"]).ended(3).told("nowhere");
}
