//! The same input gives the same bytes, whatever the number of threads.

use super::place::{NOW, Place, RULES, rules_of};
use serde_json::Value as Json;
use std::path::Path;

#[test]
fn a_simulated_attack_gives_the_same_bytes_with_any_number_of_threads() {
    let place = Place::new("threads");
    place.run(&["simulate", "twitter-2020", "--people", "60", "--days", "1", "--out", "day.ndjson", "--labels", "labels"]).ended(0);
    // Bad lines all over the file, so that dead letters have an order to keep.
    let day = place.read("day.ndjson");
    let with_bad: String = day
        .lines()
        .enumerate()
        .fold(String::new(), |text, (at, line)| text + line + "\n" + if at % 97 == 0 { "{\"time\":12}\n" } else { "" });
    place.write("day.ndjson", with_bad.as_bytes());
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let score = |threads: &str| {
        let arguments = ["score", "day.ndjson", "--rules", rules.to_str().unwrap(), "--threads", threads, "--now", NOW];
        let ran = place.run(&[&arguments[..], &["--dead-letters", "dead.ndjson", "--stats", "stats.json"]].concat());
        (ran.ended(0).out.clone(), place.read("dead.ndjson"))
    };
    let one = score("1");
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert!(stats["alerts_by_rule"]["takeover_chain"].as_u64() > Some(0), "{stats}");
    assert!(one.1.lines().count() > 10);
    for threads in ["2", "7"] {
        assert!(score(threads) == one, "{threads} threads");
    }
}

/// The alerts of the plain engine, one event after the other.
pub(crate) fn scored_one_by_one(rules: &str, events: &[u8], mapping: &str) -> String {
    let loaded = sigma::parse::parse_all([("rules.yml".to_owned(), rules.to_owned())], &sigma::lists::Lists::default());
    let mapping = model::SourceMapping::built_in(mapping).unwrap();
    let book = engine::Rulebook::compile(loaded.documents, &[mapping], &mut Vec::new());
    let latest = model::EventTime::parse(NOW).unwrap().plus_ms(86_400_000);
    let mut pipeline = engine::Pipeline::new(book, 0, &engine::Settings::new(engine::Plausible::until(latest)));
    let mut bytes = events.to_vec();
    let payload = engine::decode::pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut engine::decode::Lines::new(&bytes, payload).unwrap(), &mut alerts, |_| {});
    let mut written = Vec::new();
    for emitted in alerts {
        emitted.alert.write_ocsf(&mut written);
        written.push(b'\n');
    }
    String::from_utf8(written).unwrap()
}

/// Some megabytes of events, out of order by up to ten minutes, so that some are late; `line` makes one of its number and its time.
fn many_events(line: impl Fn(u32, &str) -> String) -> String {
    let time = |at: u32| {
        let second = at / 2 + (at * 7_919) % 601;
        format!("2026-03-02T{:02}:{:02}:{:02}Z", 8 + second / 3_600, second / 60 % 60, second % 60)
    };
    (0..12_000).map(|at| line(at, &time(at)) + "\n").collect()
}

#[track_caller]
fn check_parallel(name: &str, source: &str, events: &str) {
    let place = Place::new(name);
    place.write("events.ndjson", events.as_bytes());
    let expected = scored_one_by_one(RULES, events.as_bytes(), source);
    assert!(rules_of(&expected).iter().any(|it| it == "crowd") && rules_of(&expected).iter().any(|it| it == "export"));
    for threads in ["1", "2", "5"] {
        let ran = place.run(&["score", "events.ndjson", "--source", source, "--threads", threads, "--now", NOW]);
        assert!(ran.ended(0).out == expected, "{threads} threads");
    }
}

#[test]
fn all_threads_together_find_what_the_plain_engine_finds() {
    let events = many_events(|at, time| {
        let (actor, target, action) = (at % 211, at * 31 % 97, if at % 50 == 0 { "export" } else { "look" });
        let padding = "x".repeat(usize::try_from(at % 400).unwrap());
        format!(
            "{{\"time\":\"{time}\",\"id\":\"{at}\",\"actor\":{{\"id\":\"u{actor}\"}},\"action\":\"{action}\",\
             \"target\":{{\"id\":\"t{target}\"}},\"detail\":\"{padding}\"}}"
        )
    });
    check_parallel("plain", "native", &events);
}

#[test]
fn events_without_a_time_take_that_of_the_event_before_in_whatever_thread_that_was() {
    let events = many_events(|at, time| {
        let time = if at % 1_000 == 0 { format!("\"time\":\"{time}\",") } else { String::new() };
        let (actor, action) = (at % 211, if at % 50 == 0 { "export" } else { "look" });
        let padding = "x".repeat(300);
        format!(
            "{{{time}\"actor\":{{\"id\":\"u{actor}\"}},\"action\":\"{action}\",\"target\":{{\"id\":\"t{}\"}},\"n\":{at},\"x\":\"{padding}\"}}",
            at % 7
        )
    });
    check_parallel("timeless", "raw", &events);
}

#[test]
fn correlations_of_every_kind_give_the_same_bytes_with_any_number_of_threads() {
    let rules = include_str!("../../../../tests/it/every_correlation.yml");
    let events = many_events(|at, time| {
        let (actor, target) = (at * 31 % 61, at * 17 % 41);
        let action = ["look", "export", "look", "close", "look", "view", "look"][(at / 7 % 7) as usize];
        // Some never close what they opened.
        let action = if action == "close" && actor >= 30 { "view" } else { action };
        let rows = ["7", "\"12.25\"", "31", "null", "-3", "50"][(at % 6) as usize];
        let padding = "x".repeat(usize::try_from(at % 400).unwrap());
        format!(
            "{{\"time\":\"{time}\",\"id\":\"{at}\",\"actor\":{{\"id\":\"u{actor}\",\"team\":\"m{}\"}},\"action\":\"{action}\",\
             \"target\":{{\"id\":\"t{target}\",\"tags\":[\"x{}\",\"y{}\"]}},\"detail\":{{\"rows\":{rows},\"text\":\"{padding}\"}}}}",
            actor % 5,
            at % 5,
            at % 3,
        )
    });
    let place = Place::new("every-correlation");
    place.write("rules/rules.yml", rules.as_bytes());
    place.write("events.ndjson", events.as_bytes());
    let expected = scored_one_by_one(rules, events.as_bytes(), "native");
    let fired = rules_of(&expected);
    for name in rules.lines().filter_map(|it| it.strip_prefix("name: ")).skip(3) {
        assert!(fired.iter().any(|it| it == name), "{name} never fired");
    }
    for threads in ["1", "2", "3", "7"] {
        let ran = place.run(&["score", "events.ndjson", "--threads", threads, "--now", NOW]);
        assert!(ran.ended(0).out == expected, "{threads} threads");
    }
}

#[test]
fn scores_are_the_same_bytes_with_any_number_of_threads() {
    let place = Place::new("scores");
    place.write("rules/rules.yml", RULES.as_bytes());
    place.run(&["simulate", "quiet", "--people", "60", "--days", "3", "--out", "days.ndjson"]).ended(0);
    let score = |threads: &str| {
        let outputs = ["--scores", "scores.ndjson", "--shadow", "shadow.ndjson", "--alerts", "alerts.ndjson"];
        place.run(&[&["score", "days.ndjson", "--threads", threads, "--now", NOW][..], &outputs].concat()).ended(0);
        ["scores.ndjson", "shadow.ndjson", "alerts.ndjson"].map(|it| place.read(it))
    };
    let one = score("1");
    assert_eq!(one[0].lines().count(), place.read("days.ndjson").lines().count());
    let scored: Vec<Json> = one[0].lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert!(scored.iter().any(|it| it["nj.score"].as_f64() > Some(10.0)), "nothing was surprising");
    for threads in ["2", "5"] {
        assert!(score(threads) == one, "{threads} threads");
    }
}

#[test]
fn the_same_seed_gives_the_same_company() {
    let place = Place::new("seed");
    let simulate =
        |seed: &str| place.run(&["simulate", "quiet", "--people", "12", "--days", "1", "--seed", seed]).ended(0).out.clone();
    assert!(simulate("7") == simulate("7"));
    assert!(simulate("7") != simulate("8"));
}
