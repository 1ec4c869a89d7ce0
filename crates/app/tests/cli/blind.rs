//! A source that falls silent, numbers that never come, and a canary that goes the whole way.

use super::place::{NOW, Place, rules_of};
use serde_json::Value as Json;
use std::fmt::Write as _;
use std::fs;

const MAPPING: &str = "\
name = \"tools\"
required = [\"time\", \"actor\", \"action\"]
[roles]
time = [\"time\"]
id = [\"id\"]
actor = [\"actor.id\"]
action = [\"action\"]
tool = [\"tool\"]
[pulse]
stream = [\"tool\"]
number = [\"seq\"]
emitter = [\"host\"]
canary = { every_s = 1800 }
";

/// What would alert if a canary were an event like any other.
const TRAP: &str = "\
title: Trap
name: trap
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b09
logsource:
  product: nightjar
detection:
  s:
    action|startswith: nightjar.
  condition: s
level: high
";

const DAY: u32 = 1_440;
const SILENCE: std::ops::Range<u32> = 15 * DAY + 600..15 * DAY + 660;

/// Sixteen days with an event a minute and a canary every half an hour. On the last, nothing comes for an hour, and later three are lost.
fn sixteen_days() -> String {
    let (mut lines, mut seq) = (String::new(), 0);
    for minute in (0..16 * DAY).filter(|it| !SILENCE.contains(it)) {
        let time = format!("2026-03-{:02}T{:02}:{:02}:07Z", 1 + minute / DAY, minute % DAY / 60, minute % 60);
        seq += if minute == 15 * DAY + 900 { 4 } else { 1 };
        let action = if minute % 97 == 0 { "export" } else { "look" };
        let event =
            format!("\"actor\":{{\"id\":\"ana\"}},\"action\":\"{action}\",\"tool\":\"crm\",\"host\":\"web-1\",\"seq\":{seq}");
        writeln!(lines, "{{\"time\":\"{time}\",\"id\":\"e{minute}\",{event}}}").unwrap();
        if minute % 30 == 0 {
            let canary = "\"actor\":{\"id\":\"canary\"},\"action\":\"nightjar.canary\"";
            writeln!(lines, "{{\"time\":\"{time}\",\"id\":\"c{minute}\",{canary}}}").unwrap();
        }
    }
    lines
}

fn score(place: &Place, file: &str, more: &[&str]) -> String {
    let options = ["--source", "tools.toml", "--alerts", "a", "--scores", "scores", "--stats", "stats.json", "--now", NOW];
    place.run(&[&["score", file], &options[..], more].concat()).ended(0);
    place.read("a")
}

#[test]
fn what_is_missing_is_told_once_and_amended_whatever_the_threads_and_parts() {
    let place = Place::new("blind");
    place.write("tools.toml", MAPPING.as_bytes());
    place.write("rules/trap.yml", TRAP.as_bytes());
    let events = sixteen_days();
    place.write("all.ndjson", events.as_bytes());
    let whole = score(&place, "all.ndjson", &["--threads", "1"]);
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    let canaries = events.matches("nightjar.canary").count();
    assert_eq!(stats["pulse"]["canary"]["came"], canaries);
    assert_eq!(stats["events"], events.lines().count());
    assert!(!place.read("scores").contains("canary"), "a canary is nobody's behaviour");
    let alerts: Vec<Json> = whole.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let blind: Vec<(&str, &str, &str)> = alerts
        .iter()
        .map(|it| {
            let text = |it: &'_ Json| -> &'static str { Box::leak(it.as_str().unwrap().to_owned().into_boxed_str()) };
            (text(&it["finding_info"]["analytic"]["name"]), text(&it["activity_name"]), text(&it["message"]))
        })
        .filter(|it| it.0.starts_with("nightjar."))
        .collect();
    assert_eq!(
        blind,
        [
            (
                "nightjar.blind.canary",
                "Create",
                "the canary of the source tools is missing: the last came out 45 min before, at 2026-03-16T09:30:07.000Z, and one is due \
                 every 30 min"
            ),
            (
                "nightjar.blind.silent",
                "Create",
                "the source tools has been silent for 16 min, since 2026-03-16T10:00:00.000Z: 16 events were to be expected, and at this \
                 hour only one silence in a thousand is longer than 7 min 24 s (by chance once in 10^6)"
            ),
            (
                "nightjar.blind.silent",
                "Update",
                "the source tools is heard of again: it was silent for 1 h, since 2026-03-16T10:00:00.000Z"
            ),
            ("nightjar.blind.canary", "Update", "the canary of the source tools is out again, after 1 h 30 min"),
            ("nightjar.blind.gap", "Create", "3 numbered events of web-1 (tools) never came: numbers 22441 to 22443"),
        ]
    );
    assert!(!rules_of(&whole).iter().any(|it| it == "trap") && rules_of(&whole).iter().any(|it| it == "export"));
    let lines: Vec<&str> = events.lines().collect();
    for (threads, cuts) in [("3", vec![]), ("2", vec![lines.len() / 3, lines.len() - 700])] {
        let _ = fs::remove_dir_all(place.0.join("state"));
        let (mut found, mut from) = (String::new(), 0);
        for until in cuts.into_iter().chain([lines.len()]) {
            place.write("part.ndjson", (lines[from..until].join("\n") + "\n").as_bytes());
            found += &score(&place, "part.ndjson", &["--state", "state", "--threads", threads]);
            from = until;
        }
        assert!(found == whole, "{threads} threads");
    }
}

#[test]
fn an_exception_covers_a_maintenance_that_is_announced() {
    let place = Place::new("blind-excepted");
    place.write("tools.toml", MAPPING.as_bytes());
    let maintenance = "- rule: nightjar.blind.silent\n  target: tools\n  from: 2026-03-16\n  until: 2026-03-17\n  reason: maintenance\n  author: ana\n";
    place.write("exceptions.yml", maintenance.as_bytes());
    place.write("all.ndjson", sixteen_days().as_bytes());
    let now = ["--exceptions", "exceptions.yml", "--now", "2026-03-16T23:59:59Z"];
    let options = ["--source", "tools.toml", "--alerts", "a", "--shadow", "shadow"];
    let ran = place.run(&[&["score", "all.ndjson"], &options[..], &now].concat());
    ran.ended(0);
    assert!(!ran.err.contains("which is not loaded"), "{}", ran.err);
    assert!(!place.read("a").contains("nightjar.blind.silent"));
    assert_eq!(rules_of(&place.read("shadow")).iter().filter(|it| *it == "nightjar.blind.silent").count(), 2);
}
