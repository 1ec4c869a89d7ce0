//! Bad lines: each comes to the dead letters and takes no other with it.

use super::place::{NOW, Place, event, events, rules_of};

/// `bad` stands between two good events; both are scored, and it comes to the dead letters with its line.
#[track_caller]
fn check_bad(name: &str, bad: &[u8], reason: &str) {
    let place = Place::new(name);
    let good = [event(1, "ana", "export", "t"), event(2, "bo", "export", "t")];
    place.write("events.ndjson", &[good[0].as_bytes(), bad, b"\n", good[1].as_bytes()].concat());
    let stats = place.score("events.ndjson", 0);
    assert_eq!((&stats["events"], &stats["scored"], &stats["late"]), (&3.into(), &2.into(), &0.into()), "{stats}");
    assert_eq!(stats["bad_by_reason"], serde_json::json!({reason: 1}));
    assert_eq!(rules_of(&place.read("alerts.ndjson")), ["export", "export"]);
    let letters = place.json_lines("dead.ndjson");
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((&letter["code"], &letter["position"]["line"]), (&reason.into(), &2.into()), "{letter}");
    assert_eq!((&letter["position"]["offset"], &letter["length"]), (&good[0].len().into(), &bad.len().into()), "{letter}");
    assert!(!letter["reason"].as_str().unwrap().is_empty());
}

#[test]
fn a_line_that_is_no_json_is_a_dead_letter() {
    check_bad("not-json", b"{\"time\":", "not_json");
}

#[test]
fn a_line_that_is_no_object_is_a_dead_letter() {
    check_bad("not-object", b"[1,2]", "not_object");
}

#[test]
fn a_line_that_is_not_utf8_is_a_dead_letter() {
    check_bad("not-utf8", b"{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"\xff\"},\"action\":\"export\"}", "not_utf8");
}

#[test]
fn an_event_without_an_actor_is_a_dead_letter() {
    check_bad("missing", b"{\"time\":\"2026-03-02T10:00:00Z\",\"action\":\"export\"}", "missing_field");
}

#[test]
fn an_actor_of_a_wrong_type_is_a_dead_letter() {
    check_bad("type", b"{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":{}},\"action\":\"export\"}", "wrong_type");
}

#[test]
fn a_time_that_is_none_is_a_dead_letter() {
    check_bad("no-time", b"{\"time\":\"noon\",\"actor\":{\"id\":\"a\"},\"action\":\"export\"}", "wrong_type");
}

#[test]
fn a_line_of_ten_megabytes_is_a_dead_letter() {
    let long =
        format!("{{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{{\"id\":\"a\"}},\"action\":\"{}\"}}", "x".repeat(10_000_000));
    check_bad("long", long.as_bytes(), "too_long");
}

#[test]
fn a_line_nested_a_thousand_deep_is_a_dead_letter() {
    let deep = format!("{{\"time\":\"2026-03-02T10:00:00Z\",\"detail\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    check_bad("deep", deep.as_bytes(), "too_deep");
}

#[test]
fn an_event_from_1970_is_a_dead_letter() {
    check_bad("past", b"{\"time\":\"1970-01-01T00:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"export\"}", "time_out_of_range");
}

#[test]
fn an_event_from_2090_is_a_dead_letter_and_makes_nothing_late() {
    check_bad("future", b"{\"time\":\"2090-01-01T00:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"export\"}", "time_out_of_range");
}

#[test]
fn an_event_with_a_duplicate_key_is_a_dead_letter() {
    let twice = b"{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"look\",\"action\":\"export\"}";
    check_bad("duplicate", twice, "duplicate_key");
}

#[test]
fn a_line_with_nul_bytes_is_a_dead_letter() {
    check_bad("nul", b"{\"time\":\0\0\0}", "not_json");
}

#[test]
fn only_the_first_bad_lines_are_shown() {
    let place = Place::new("many-bad");
    place.write("events.ndjson", "x\n".repeat(12).as_bytes());
    place.run(&["score", "events.ndjson"]).ended(0).told("events.ndjson:5: not_json").told("… and 7 more bad lines");
}

#[test]
fn an_output_on_a_full_disk_ends_it() {
    let place = Place::new("full-disk");
    place.write("events.ndjson", [events().as_bytes(), b"{oops\n"].concat().as_slice());
    for output in ["--alerts", "--dead-letters"] {
        place.run(&["score", "events.ndjson", output, "/dev/full", "--now", NOW]).ended(3).told("No space left on device");
    }
}
