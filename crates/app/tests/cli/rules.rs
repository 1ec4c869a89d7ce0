//! `rules list`, `explain`, `new`, `graph` and `schema`.

use super::place::{NOW, Place, event};
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn rules_list_names_what_loads() {
    let place = Place::new("list");
    let ran = place.run(&["rules", "list", "rules"]);
    let names: Vec<&str> = ran.ended(0).out.lines().filter_map(|it| it.split_whitespace().next()).collect();
    assert_eq!(names, ["crowd", "export", "looked_at"]);
    let list: Json = serde_json::from_str(&place.run(&["rules", "list", "rules", "--format", "json"]).ended(0).out).unwrap();
    assert_eq!((&list[0]["kind"], &list[1]["level"]), (&"correlation".into(), &"high".into()), "{list}");
}

#[test]
fn rules_list_stats_tell_how_far_events_get() {
    let place = Place::new("stats");
    let ran = place.run(&["rules", "list", "rules", "--stats"]);
    assert!(ran.ended(0).out.contains("rules 2, of 2 loaded"), "{}", ran.out);
    assert!(!ran.out.contains("events"), "{}", ran.out);
    let lines = format!("{}{}{{oops\n", event(1, "ana", "export", "t"), event(2, "bob", "sleep", "t"));
    place.write("events.ndjson", lines.as_bytes());
    let ran = place.run(&["rules", "list", "rules", "--stats", "--events", "events.ndjson"]);
    assert!(ran.ended(0).out.contains("events 2, bad lines 1, matches 1"), "{}", ran.out);
    let json = ["rules", "list", "rules", "--stats", "--events", "events.ndjson", "--format", "json"];
    let told: Json = serde_json::from_str(&place.run(&json).ended(0).out).unwrap();
    assert_eq!((&told["run"]["events"], &told["run"]["rules_after_last_stage"]["max"]), (&2.into(), &1.into()), "{told}");
    place.run(&["rules", "list", "rules", "--events", "events.ndjson"]).ended(2).told("--stats");
    let ran = place.run(&["rules", "list", "rules", "--stats", "--level", "high"]);
    assert!(ran.ended(0).out.contains("rules 1, of 1 loaded"), "only what is asked for: {}", ran.out);
    let ran = place.run(&["rules", "list", "rules", "--stats", "--kind", "correlation"]);
    assert!(ran.ended(0).out.contains("rules 1, of 1 loaded"), "the rule that it is over: {}", ran.out);
    place.run(&["rules", "list", "rules", "--stats", "--tag", "nosuch"]).ended(2).told("none of the rules");
    place.write("empty.ndjson", b"");
    place.run(&["rules", "list", "rules", "--stats", "--events", "empty.ndjson"]).ended(2).told("no events");
}

#[test]
fn rules_explain_shows_the_values_that_decide() {
    let place = Place::new("explain");
    place.write("event.json", event(1, "ana", "export", "t").as_bytes());
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json"]);
    assert!(ran.ended(0).out.contains("✔ export (high) Export"), "{}", ran.out);
    assert!(ran.out.contains("value \"export\"") && ran.out.contains("No match: looked_at"), "{}", ran.out);
    let ran =
        place.run_with(&["rules", "explain", "rules", "--event", "-", "--rule", "crowd"], event(1, "a", "export", "t").as_bytes());
    assert!(ran.ended(0).out.contains("✘ looked_at"), "{}", ran.out);
    place.run(&["rules", "explain", "rules", "--event", "event.json", "--rule", "exprt"]).ended(2).told("exprt");
    place.run_with(&["rules", "explain", "rules", "--event", "-"], b"{oops").ended(3).told("not_json");
}

const FILTER: &str = "title: Not Bob\nlogsource:\n  product: nightjar\nfilter:\n  rules: [export]\n  selection:\n    actor.id: bob\n  condition: not selection\n";

#[test]
fn a_filter_is_listed_explained_and_applied() {
    let place = Place::new("filter");
    let version = |list: &str| serde_json::from_str::<Json>(list).unwrap()[1]["version"].as_str().unwrap().to_owned();
    let before = version(&place.run(&["rules", "list", "rules", "--format", "json"]).ended(0).out);
    place.write("rules/not_bob.yml", FILTER.as_bytes());
    let ran = place.run(&["rules", "list", "rules"]);
    assert!(ran.ended(0).out.contains("Export  [filtered by not_bob]") && ran.out.contains("of 1 rule"), "{}", ran.out);
    assert_ne!(version(&place.run(&["rules", "list", "rules", "--format", "json"]).ended(0).out), before);
    let events = event(1, "ana", "export", "t") + &event(2, "bob", "export", "t");
    let ran = place.run_with(&["score", "-", "--format", "text", "--now", NOW], events.as_bytes());
    assert!(ran.ended(0).out.contains("ana") && !ran.out.contains("bob"), "{}", ran.out);
    place.write("event.json", event(1, "bob", "export", "t").as_bytes());
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json", "--rule", "export"]);
    assert!(ran.ended(0).out.contains("✘ filter not_bob (rules/not_bob.yml): not selection"), "{}", ran.out);
}

/// The rules that come with Nightjar, as a folder in which things may be written.
fn shipped(place: &Place, name: &str) -> PathBuf {
    let to = place.0.join(name);
    copy_all(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules")), &to);
    to
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_all(&path, &target) } else { _ = fs::copy(&path, &target).unwrap() }
    }
}

#[test]
fn a_new_rule_of_any_source_passes_checks_and_tests_among_all_others() {
    let place = Place::new("new");
    shipped(&place, "pack");
    for source in ["native", "cloudtrail", "okta", "github"] {
        for (kind, more) in [("one", None), ("many", Some("--correlation"))] {
            let name = format!("fresh_{source}_{kind}");
            let mut arguments = vec!["rules", "new", &name, "--dir", "pack/fresh", "--source", source];
            arguments.extend(more);
            let made = place.run(&arguments);
            assert_eq!(made.ended(0).out, format!("pack/fresh/{name}.yml\npack/fresh/{name}.md\n"));
        }
    }
    let checked = place.run(&["rules", "check", "pack", "--deny-warnings"]);
    assert_eq!(checked.ended(0).out, "", "a fresh rule has nothing to be told about");
    place.run(&["rules", "test", "pack"]).ended(0).told(" 0 failed");
    // The page fails as soon as it is wrong, so that the green above means something.
    let page = place.read("pack/fresh/fresh_okta_many.md");
    place.write("pack/fresh/fresh_okta_many.md", page.replace("shadow medium ana", "shadow medium bo").as_bytes());
    place.run(&["rules", "test", "pack", "--only", "fresh"]).ended(1).told("8 pages, 16 cases, 1 failed");
}

#[test]
fn a_new_rule_overwrites_nothing() {
    let place = Place::new("new-twice");
    place.run(&["rules", "new", "again"]).ended(0);
    let before = place.read("rules/again.yml");
    place.run(&["rules", "new", "again"]).ended(2).told("already there");
    assert_eq!(place.read("rules/again.yml"), before);
    fs::remove_file(place.0.join("rules/again.yml")).unwrap();
    place.run(&["rules", "new", "again", "--correlation"]).ended(2).told("again.md is already there");
    assert!(!place.0.join("rules/again.yml").exists());
    place.run(&["rules", "new", "Not a name"]).ended(2).told("`not_a_name` would do");
    place.run(&["rules", "new", "x", "--source", "raw"]).ended(2).told("native, cloudtrail, okta, github");
}

#[test]
fn a_new_rule_is_refused_a_name_that_the_pack_has() {
    let place = Place::new("new-taken");
    let refused = |arguments: &[&str], by: &str| {
        let ran = place.run(&[&["rules", "new"], arguments].concat());
        ran.ended(2).told(&format!("is already taken by {by}; nothing was written"));
    };
    refused(&["export", "--dir", "rules/a/b"], "rules/rules.yml:2");
    assert!(!place.0.join("rules/a").exists());
    // Of a correlation both names count; broken rules and files without names count as well.
    place.write("rules/many_step.yml", b"title: [\ndetection:\n");
    refused(&["many", "--correlation"], "rules/many_step.yml:1");
    // A pack elsewhere is known by its lists.
    fs::create_dir_all(place.0.join("pack/context")).unwrap();
    place.write("pack/mine.yml", b"title: T\ndetection:\n");
    fs::create_dir_all(place.0.join(".git")).unwrap();
    refused(&["mine", "--dir", "pack/fresh"], "pack/mine.yml:1");
    place.run(&["rules", "new", "export", "--dir", "pack/fresh"]).ended(0).told("`nightjar rules test pack --rule export`");
    place.run(&["rules", "new", "mine"]).ended(0).told("`nightjar rules test --rule mine`");
    place.run(&["rules", "test", "--rule", "mine"]).ended(1).told("1 page, 2 cases, 0 failed");
}

#[test]
fn lists_of_the_pack_are_found_from_a_folder_in_it_and_from_a_single_rule_or_page() {
    let place = Place::new("upwards");
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    fs::create_dir_all(place.0.join("rules/deep/er")).unwrap();
    place.write("rules/context/vips.txt", b"7\n");
    place.write("rules/context/unused.txt", b"7\n");
    let exception = "- id: x\n  rule: export\n  reason: r\n  author: o\n  until: 2027-01-01\n";
    place.write("rules/context/exceptions.yml", exception.as_bytes());
    let rule = "title: Vip\nid: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b0a\nlogsource: {product: nightjar}\ndetection:\n  s:\n    target.id|expand: '%vips%'\n  condition: s\nlevel: low\n";
    place.write("rules/deep/er/vip.yml", rule.as_bytes());
    let case =
        |target: &str, expect: &str| format!("```events\n{}```\n\n```expect\n{expect}```\n", event(1, "ana", "look", target));
    let page =
        format!("# Vip\n\nSomebody looked.\n\n## Fires\n\n{}\n## Quiet\n\n{}", case("7", "alert low ana vip\n"), case("8", ""));
    place.write("rules/deep/er/vip.md", page.as_bytes());
    for given in ["rules/deep", "rules/deep/er/vip.yml", "rules/deep/er/vip.md"] {
        let ran = place.run(&["rules", "check", given, "--format", "short", "--deny-warnings", "--now", NOW]);
        let is_own = |it: &str| it.starts_with("rules/deep/er/vip.yml:") && it.contains(" note[");
        assert!(ran.ended(0).out.lines().all(is_own), "{given}, nothing about the pack's other rules: {}", ran.out);
        place.run(&["rules", "test", given]).ended(0).told("1 page, 2 cases, 0 failed");
    }
    let whole = place.run(&["rules", "check", "rules", "--format", "short", "--now", "2026-11-22"]);
    assert!(whole.ended(0).out.contains("unused"), "{}", whole.out);
    // Beyond the repository nothing is looked for.
    fs::create_dir_all(place.0.join("rules/deep/.git")).unwrap();
    place.run(&["rules", "test", "rules/deep"]).ended(1).told("there is no list");
}

#[test]
fn what_several_arguments_lead_to_is_loaded_once() {
    let place = Place::new("overlap");
    place.write("rules/rules.md", b"# R\n");
    for given in [
        ["rules", "rules/rules.yml"],
        ["rules/rules.md", "rules"],
        ["rules/../rules", "rules"],
        ["./rules/rules.yml", "rules/rules.md"],
    ] {
        let ran = place.run(&["rules", "list", given[0], given[1]]);
        assert_eq!((ran.ended(0).out.lines().count(), ran.err.as_str()), (3, "3 documents\n"), "{given:?}");
        let ran = place.run(&["rules", "check", given[0], given[1], "--format", "short"]);
        assert!(!ran.out.contains("already taken") && !ran.out.contains("NJ1602"), "{given:?} {}", ran.out);
        place.run(&["rules", "test", given[0], given[1]]).ended(1).told("1 page, 0 cases");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_among_the_rules_is_reported_and_not_waited_for() {
    let place = Place::new("pipe");
    let pipe = |name: &str| assert!(std::process::Command::new("mkfifo").arg(place.0.join(name)).status().unwrap().success());
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    pipe("rules/pipe.yml");
    pipe("rules/pipe.md");
    pipe("rules/context/pipe.txt");
    let ran = place.run(&["rules", "check", "rules", "--format", "short"]);
    assert_eq!(ran.ended(1).out.matches("it is a pipe or a device and no file").count(), 3, "{}", ran.out);
    place.run(&["rules", "test", "rules"]).ended(1);
}

#[test]
fn rules_are_listed_by_what_is_asked_for() {
    let place = Place::new("list-some");
    let names = |arguments: &[&str]| {
        let ran = place.run(&[&["rules", "list", "--format", "json"], arguments].concat());
        let list: Vec<Json> = serde_json::from_str(&ran.ended(0).out).unwrap();
        list.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["crowd", "export", "looked_at"]);
    assert_eq!(names(&["--kind", "correlation"]), ["crowd"]);
    assert_eq!(names(&["--level", "medium"]), ["crowd", "export"]);
    assert_eq!(names(&["--status", "experimental"]), [""; 0]);
    assert_eq!(names(&["--status", "stable", "--kind", "correlation"]), ["crowd"]);
    assert_eq!(names(&["--logsource", "nightjar"]), ["crowd", "export", "looked_at"], "a correlation sees what its rules see");
    assert_eq!(names(&["--logsource", "product=nightjar", "--kind", "detection"]), ["export", "looked_at"]);
    assert_eq!(names(&["--logsource", "okta"]), [""; 0]);
    assert_eq!(names(&["--search", "SEVERAL people"]), ["crowd"]);
    assert_eq!(names(&["--search", "f9a1f4b01"]), ["export"]);
    place.run(&["rules", "list", "--level", "severe"]).ended(2).told("informational, low, medium, high, critical");
    place.run(&["rules", "list", "--level", "high"]).ended(0).told("1 of 3 documents");
    place.run(&["rules", "list", "--logsource", "nightjat/audit"]).ended(0).told("did you mean `nightjar`?");
}

#[test]
fn the_graph_is_written_for_graphviz_as_a_picture_and_as_json() {
    let place = Place::new("graph");
    let dot = place.run(&["rules", "graph"]);
    assert!(dot.ended(0).out.contains("\"looked_at\" -> \"crowd\"") && !dot.out.contains("\"export\" ["), "{}", dot.out);
    let svg = place.run(&["rules", "graph", "--all", "--format", "svg"]);
    assert!(svg.ended(0).out.starts_with("<svg ") && svg.out.ends_with("</svg>\n") && svg.out.contains(">export<"));
    let json: Json =
        serde_json::from_str(&place.run(&["rules", "graph", "--rule", "crowd", "--format", "json"]).ended(0).out).unwrap();
    assert_eq!(json["edges"], serde_json::json!([{"from": "looked_at", "to": "crowd", "label": ""}]));
    place.run(&["rules", "graph", "--rule", "crowds"]).ended(2).told("did you mean `crowd`?");
}

#[test]
fn the_schema_is_json() {
    let place = Place::new("schema");
    let schema: Json = serde_json::from_str(&place.run(&["rules", "schema"]).ended(0).out).unwrap();
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), 4);
}

#[test]
fn explain_tells_what_came_nearest_when_no_rule_matches() {
    let place = Place::new("near");
    place.write("event.json", event(1, "ana", "login", "t").as_bytes());
    place.write(
        "rules/near.yml",
        b"title: Near\nid: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b09\nlogsource: {product: nightjar}\nlevel: low\ndetection:\n  s:\n    actor.id: ana\n    action: login\n    target.id: other\n  condition: s\n",
    );
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json"]);
    assert!(
        ran.ended(0).out.starts_with("No rule matches. These came nearest:\n✘ near: 2 of 3 tests come out right"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("✘ target.id is `other`; the event has \"t\"  line 9"), "{}", ran.out);
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json", "--format", "json"]);
    let json: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    assert_eq!((&json["near_misses"][0]["rule"], &json["near_misses"][0]["met"]), (&Json::from("near"), &Json::from(2)));
}

#[test]
fn explain_says_first_when_scoring_would_take_the_line_for_no_event() {
    let place = Place::new("no-event");
    let ran = place.run_with(&["rules", "explain", "rules", "--event", "-"], b"{\"action\":\"export\"}");
    let out = &ran.ended(0).out;
    assert!(out.starts_with("This is no event of the source `native`: missing_field at byte"), "{out}");
    assert!(out.contains("✔ export"), "{out}");
    let ran = place.run_with(&["rules", "explain", "rules", "--event", "-", "--source", "raw"], b"{}");
    assert_eq!(ran.ended(0).out.lines().next().unwrap(), "No rule matches, and none came near: not one test comes out right.");
    let ran =
        place.run_with(&["rules", "explain", "rules", "--event", "-", "--format", "json"], event(1, "a", "b", "c").as_bytes());
    let json: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    assert_eq!(json["rejected"], Json::Null);
}

#[test]
fn explain_names_lines_of_conditions_local_hours_and_correlations_that_only_count() {
    let place = Place::new("explain-lines");
    let rule =
        "\ntitle: Late\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    time|hour|gte: 22\n  condition: s\nlevel: low\n";
    place.write("rules/late.yml", rule.as_bytes());
    let event =
        r#"{"time":"2026-03-02T23:30:00Z","actor":{"id":"ana","tz":"America/New_York"},"action":"look","target":{"id":"t"}}"#;
    let explain = |rule: &str| {
        let ran = place.run_with(&["rules", "explain", "rules", "--event", "-", "--rule", rule], event.as_bytes());
        ran.ended(0).out.clone()
    };
    let out = explain("late");
    assert!(out.contains("  ✘ s  line 8\n"), "{out}");
    assert!(out.contains("✘ time has hour ≥ 22 (18 in America/New_York)  value \"2026-03-02T23:30:00Z\"  line 7"), "{out}");
    let out = explain("crowd");
    assert!(out.contains("→ crowd (medium)") && out.contains("✔ counts for looked_at"), "{out}");
}

#[test]
fn explain_tells_which_group_of_a_correlation_an_event_counts_for_or_why_it_does_not() {
    let place = Place::new("explain-correlation");
    let explain = |event: &str, more: &[&str]| {
        let ran = place.run_with(&[&["rules", "explain", "rules", "--event", "-"], more].concat(), event.as_bytes());
        ran.ended(0).out.clone()
    };
    let out = explain(&event(1, "ana", "look", "t7"), &[]);
    assert!(out.contains("✔ counts for looked_at: target.id \"t7\", counted actor.id \"ana\""), "{out}");
    let out = explain(&event(1, "ana", "export", "t7"), &["--rule", "crowd"]);
    assert!(out.contains("✘ not for looked_at: the rule does not match: action is `look`; the event has \"export\""), "{out}");
    let out = explain("{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"look\"}", &["--rule", "looked_at"]);
    assert!(out.contains("✘ not for looked_at: the event has no `target.id`"), "{out}");
    let out =
        explain("{\"eventTime\":\"2026-03-02T10:00:00Z\",\"eventName\":\"look\"}", &["--rule", "crowd", "--source", "cloudtrail"]);
    let reason = "it wants product nightjar, and the source `cloudtrail` is product aws, service cloudtrail";
    assert!(out.contains(reason), "{out}");
    let sum = "title: Rows\nname: rows\ncorrelation: {type: value_sum, rules: [looked_at], group-by: [actor.id], timespan: 1h, condition: {field: detail.rows, gt: 5}}\n";
    place.write("rules/sum.yml", sum.as_bytes());
    let of_rows = |rows: &str| {
        let event = event(1, "ana", "look", "t7");
        event.trim_end().strip_suffix('}').unwrap().to_owned() + &format!(",\"detail\":{{\"rows\":{rows}}}}}\n")
    };
    let out = explain(&of_rows("\"7.5\""), &["--rule", "rows"]);
    assert!(out.contains("✔ counts for looked_at: actor.id \"ana\", measured detail.rows \"7.5\""), "{out}");
    let out = explain(&of_rows("\"many\""), &["--rule", "rows"]);
    assert!(out.contains("✘ not for looked_at: the event's `detail.rows` is no number: \"many\""), "{out}");
}
