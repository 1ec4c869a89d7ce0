//! `score`: what goes in and what comes out.

use super::place::{Place, event, events, rules_of};
use std::io::{Read, Write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn alerts_go_to_stdout_in_the_order_of_the_events_and_statistics_to_stderr() {
    let place = Place::new("stdout");
    place.write("events.ndjson", events().as_bytes());
    let ran = place.run(&["score", "events.ndjson"]);
    ran.ended(0).told("events  5");
    assert_eq!(rules_of(&ran.out), ["export", "export", "crowd"]);
    assert_eq!(place.run(&["score", "events.ndjson", "--quiet"]).ended(0).err, "");
}

#[test]
fn the_statistics_have_the_promised_keys() {
    let place = Place::new("stats");
    place.write("events.ndjson", (events() + &events() + "what?\n").as_bytes());
    let stats = place.score("events.ndjson", 0);
    let counted = |key: &str| stats[key].as_u64().unwrap();
    assert_eq!([counted("events"), counted("scored"), counted("bad"), counted("duplicates"), counted("late")], [11, 5, 1, 5, 0]);
    assert_eq!(stats["alerts"], 3);
    assert_eq!(stats["alerts_by_rule"], serde_json::json!({"crowd": 1, "export": 2}));
    assert_eq!(stats["bytes"], events().len() * 2 + 6);
    for key in ["seconds", "events_per_s", "threads", "peak_rss_bytes"] {
        assert!(stats[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert!(stats["mb_per_s"].is_number());
    assert_eq!((&stats["windows"]["entries"], &stats["windows"]["entries_evicted"]), (&3.into(), &0.into()));
    assert_eq!(stats["bad_by_reason"], serde_json::json!({"not_json": 1}));
    assert_eq!(stats["rules"]["loaded"], 3);
}

#[test]
fn compressed_input_and_stdin_give_the_same_alerts() {
    let place = Place::new("compressed");
    let plain = events();
    place.write("plain.ndjson", plain.as_bytes());
    place.write("events.gz", &gzip(plain.as_bytes()));
    place.write("events.zst", &zstd::encode_all(plain.as_bytes(), 1).unwrap());
    let expected = place.run(&["score", "plain.ndjson"]).ended(0).out.clone();
    assert_eq!(rules_of(&expected).len(), 3);
    for file in ["events.gz", "events.zst"] {
        assert_eq!(place.run(&["score", file]).ended(0).out, expected, "{file}");
    }
    for stdin in [plain.as_bytes(), &gzip(plain.as_bytes()), plain.trim_end().as_bytes()] {
        assert_eq!(place.run_with(&["score", "-"], stdin).ended(0).out, expected);
    }
}

#[test]
fn an_event_from_a_pipe_is_scored_before_the_next_one_comes() {
    let place = Place::new("live");
    let mut child = place.spawn(&["score", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    for second in 1..=2 {
        stdin.write_all(event(second, "ana", "export", "t").as_bytes()).unwrap();
        stdin.flush().unwrap();
        // Only the alert ends the wait: it would be for ever if the event were held back.
        let mut byte = [0];
        while byte != [b'\n'] {
            stdout.read_exact(&mut byte).unwrap();
        }
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new("pipe");
    let many: String = (0..2_000).map(|it| event(it % 60, &format!("u{it}"), "export", "t")).collect();
    place.write("events.ndjson", many.as_bytes());
    let mut child = place.spawn(&["score", "events.ndjson", "-q"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn text_is_for_people_and_has_colours_only_on_a_terminal() {
    let place = Place::new("text");
    place.write("events.ndjson", events().as_bytes());
    let ran = place.run(&["score", "events.ndjson", "--format", "text"]);
    assert!(ran.ended(0).out.contains("One target, several people"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'));
}

#[test]
fn an_empty_file_has_no_events() {
    let place = Place::new("empty");
    place.write("empty.ndjson", b"");
    let stats = place.score("empty.ndjson", 0);
    assert_eq!((&stats["events"], &stats["alerts"]), (&0.into(), &0.into()));
    assert_eq!(place.read("alerts.ndjson"), "");
}

#[test]
fn what_a_truncated_gzip_file_still_has_is_scored() {
    let place = Place::new("truncated");
    let lines: Vec<String> = (0..5_000).map(|it| event(it % 60, &format!("u{it}"), "export", &format!("{}", it * 7_919))).collect();
    let whole = gzip(lines.concat().as_bytes());
    place.write("events.gz", &whole[..whole.len() / 2]);
    let stats = place.score("events.gz", 3);
    let scored = stats["scored"].as_u64().unwrap();
    assert!(scored > 500 && scored < 5_000, "{stats}");
    assert_eq!(stats["alerts"], scored, "every event before the break is scored");
    assert_eq!(stats["bad_by_reason"], serde_json::json!({"truncated": 1}));
    let letters = place.json_lines("dead.ndjson");
    assert_eq!((letters.len(), &letters[0]["position"]["line"]), (1, &(scored + 1).into()));
    place.run(&["score", "events.gz"]).ended(3).told("everything before that is scored");
}

#[test]
fn what_events_hold_never_steers_the_terminal() {
    let place = Place::new("escapes");
    let evil = "{\"time\":\"\u{9b}31m\u{202e}\u{7f}\",\"actor\":{\"id\":\"a\"},\"action\":\"x\"}\n";
    place.write("events.ndjson", evil.as_bytes());
    let ran = place.run(&["score", "events.ndjson"]);
    ran.ended(0).told("\\u{9b}31m\\u{202e}\\u{7f}");
    assert!(!ran.err.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{:?}", ran.err);
}

#[test]
fn a_bad_rule_is_reported_and_the_others_score() {
    let place = Place::new("bad-rule");
    place.write("events.ndjson", events().as_bytes());
    place.write("rules/bad.yml", b"title: Bad\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    action: x\n  condition: t\n");
    let ran = place.run(&["score", "events.ndjson"]);
    ran.ended(0).told("bad.yml:7:").told("1 errors");
    assert_eq!(rules_of(&ran.out).len(), 3);
}

#[test]
fn with_a_budget_alerts_of_rules_are_the_same_and_incidents_name_them() {
    let place = Place::new("budget");
    place.write("events.ndjson", events().as_bytes());
    let now = ["score", "events.ndjson", "--now", super::place::NOW];
    let plain = place.run(&now).ended(0).out.clone();
    let outputs =
        ["--alerts-per-day", "2.5", "--incidents", "incidents.ndjson", "--digest", "digest.ndjson", "--stats", "stats.json"];
    let budgeted = place.run(&[&now[..], &outputs[..]].concat()).ended(0).told("risk ≥ 6.0: about 2.5 alerts a day").out.clone();
    let incidents = place.json_lines("incidents.ndjson");
    assert_eq!(incidents.len(), 2, "one of each actor of an alert about one: {incidents:?}");
    assert_eq!(plain, budgeted, "alerts of rules are out before anybody knows what they are part of");
    let named = |alert: &serde_json::Value| {
        let findings = incidents.iter().flat_map(|it| it["finding_info_list"].as_array().unwrap());
        findings.into_iter().any(|it| it["uid"] == alert["finding_info"]["uid"])
    };
    for line in plain.lines() {
        let alert: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(named(&alert), rules_of(line) != ["crowd"], "what several did makes no suspect of the last: {line}");
    }
    let digests = place.json_lines("digest.ndjson");
    assert_eq!((&digests[0]["record"], &digests[0]["rule_alerts"], digests.len()), (&"digest".into(), &3.into(), 1));
    let stats: serde_json::Value = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!((&stats["triage"]["counts"]["rule_alerts"], &stats["triage"]["per_day"]), (&3.into(), &2.5.into()));
}

#[test]
fn incidents_and_digests_want_a_budget_that_is_a_number() {
    let place = Place::new("no-budget");
    place.write("events.ndjson", events().as_bytes());
    place.run(&["score", "events.ndjson", "--incidents", "i.ndjson"]).ended(2).told("--alerts-per-day");
    place.run(&["score", "events.ndjson", "--alerts-per-day", "-1"]).ended(2);
    place.run(&["score", "events.ndjson", "--alerts-per-day", "NaN"]).ended(2).told("a number from 0 to 100000 is expected");
}
