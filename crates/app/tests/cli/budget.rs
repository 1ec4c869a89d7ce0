//! A budget of alerts end to end: the same bytes however the input is cut and however many threads there are, and what colleagues report.

use super::place::{NOW, Place};
use serde_json::Value as Json;
use std::fmt::Write;
use std::fs;

const DAY_S: i64 = 86_400;
/// 1 June 2026, a Monday, 00:00 UTC, in seconds since the epoch.
const START_S: i64 = 1_780_272_000;

/// A number that looks random, and is the same each time.
fn mixed(it: i64) -> i64 {
    let it = it.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    ((it >> 33) ^ it).rem_euclid(1 << 31)
}

fn time(second: i64) -> String {
    model::EventTime::from_ms((START_S + second) * 1_000).to_string()
}

/// An event of a person: those with even numbers are in team `support-a`, the others in `support-b`.
fn event(second: i64, person: i64, action: &str, tool: &str, target: i64, device: &str) -> (i64, String) {
    let team = ["support-a", "support-b"][usize::from(person % 2 == 1)];
    let network = if device.starts_with("new") {
        "203.0.113.9\",\"country\":\"BR\",\"asn\":64999"
    } else {
        "10.1.2.3\",\"country\":\"IE\",\"asn\":64500"
    };
    let line = format!(
        "{{\"time\":\"{}\",\"actor\":{{\"id\":\"u{person}\",\"role\":\"support\",\"team\":\"{team}\"}},\"action\":\"{action}\",\"tool\":\"{tool}\",\
         \"target\":{{\"type\":\"account\",\"id\":\"{target}\"}},\"source\":{{\"ip\":\"{network},\"device_id\":\"{device}\"}}}}",
        time(second)
    );
    (second, line)
}

/// Ordinary work from 9 to 17 o'clock: a sign-in, and from `least` look-ups on, up to twice as many.
fn ordinary(days: i64, people: i64, least: i64) -> Vec<(i64, String)> {
    let mut events = Vec::new();
    for (day, person) in (0..days).flat_map(|day| (0..people).map(move |it| (day, it))) {
        let (device, at) =
            (format!("d-{person}"), |it: i64| day * DAY_S + 9 * 3_600 + mixed(day * 10_007 + person * 101 + it) % (8 * 3_600));
        events.push(event(day * DAY_S + 9 * 3_600 - 60 + person, person, "login", "idp", person, &device));
        for it in 0..least + mixed(day * 31 + person) % (least * 2 / 3 + 1) {
            let target = mixed(day * 7_919 + person * 613 + it * 37);
            events.push(event(at(it), person, "account.lookup", "agent-console", target, &device));
        }
    }
    events
}

/// Somebody looks up very many accounts, the more the higher `much`, from a new device.
fn burst(day: i64, hour: i64, person: i64, much: i64) -> Vec<(i64, String)> {
    let at = day * DAY_S + hour * 3_600;
    (0..20 * much)
        .map(|it| {
            event(at + it * 7, person, "account.lookup", "agent-console", 5_000_000 + day * 1_000 + it, &format!("new-{person}"))
        })
        .collect()
}

fn text(mut events: Vec<(i64, String)>) -> String {
    events.sort();
    events.into_iter().fold(String::new(), |mut text, (_, line)| {
        let _ = writeln!(text, "{line}");
        text
    })
}

/// A fortnight and a half in which everybody learns, then days with more than can be told.
fn busy_days() -> String {
    let mut events = ordinary(26, 12, 18);
    for day in 17..26 {
        for it in 0..4 {
            events.extend(burst(day, 8 + 3 * it, (day * 5 + it * 7) % 12, 1 + (day + it * it) % 6));
        }
    }
    text(events)
}

const OUTPUTS: [&str; 4] = ["alerts", "incidents", "digest", "shadow"];

/// Scores a file with a budget of two a day; what was written.
fn score(place: &Place, file: &str, more: &[&str]) -> [String; 4] {
    let outputs =
        ["--alerts", "alerts", "--incidents", "incidents", "--digest", "digest", "--shadow", "shadow", "--stats", "stats"];
    let budget = ["--alerts-per-day", "2", "--learn-until", "2026-06-16T00:00:00Z", "--now", NOW];
    place.run(&[&["score", file], &outputs[..], &budget[..], more].concat()).ended(0);
    OUTPUTS.map(|it| place.read(it))
}

#[test]
fn alerts_incidents_and_digests_are_the_same_bytes_with_any_number_of_threads_and_in_parts() {
    let place = Place::new("budget-threads");
    let events = busy_days();
    place.write("events", events.as_bytes());
    let one = score(&place, "events", &["--threads", "1"]);
    let stats: Json = serde_json::from_str(&place.read("stats")).unwrap();
    let counts = &stats["triage"]["counts"];
    for key in ["pages", "updates", "late", "borrowed", "over_budget", "appended"] {
        assert!(counts[key].as_u64() > Some(0), "no {key}, so this shows nothing of it: {counts}");
    }
    for threads in ["2", "5"] {
        assert!(score(&place, "events", &["--threads", threads]) == one, "{threads} threads");
    }
    let lines: Vec<&str> = events.lines().collect();
    let (mut found, mut from) = (OUTPUTS.map(|_| String::new()), 0);
    for (until, threads) in [(lines.len() * 5 / 7, "1"), (lines.len() * 6 / 7, "2"), (lines.len(), "5")] {
        place.write("part", (lines[from..until].join("\n") + "\n").as_bytes());
        let part = score(&place, "part", &["--state", "state", "--threads", threads]);
        found.iter_mut().zip(part).for_each(|(all, part)| *all += &part);
        from = until;
    }
    let _ = fs::remove_dir_all(place.0.join("state"));
    assert!(found[0] == one[0] && found[3] == one[3], "alerts");
    for (at, name) in OUTPUTS.into_iter().enumerate().skip(1) {
        assert!(
            one[at].starts_with(&found[at]),
            "what the end of the input adds to {name} comes last, and a state goes on instead"
        );
    }
}

#[test]
fn an_alert_that_waited_says_when_it_was_and_when_it_was_told() {
    let place = Place::new("budget-waits");
    place.write("events", busy_days().as_bytes());
    let [alerts, _, digest, _] = score(&place, "events", &[]);
    let alerts: Vec<Json> = alerts.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let late: Vec<&Json> = alerts.iter().filter(|it| it["metadata"]["labels"][0] == "waited").collect();
    assert!(!late.is_empty());
    for it in late {
        let (time, told) = (it["time"].as_i64().unwrap(), it["finding_info"]["created_time"].as_i64().unwrap());
        assert_eq!(told - time, it["unmapped"]["behaviour"]["standing"]["waited"].as_i64().unwrap());
        assert!(told > time && it["message"].as_str().unwrap().ends_with("because the budget was used up."), "{it}");
        assert!(it["risk_details"].as_str().unwrap().contains("told when the budget had room again"), "{it}");
    }
    let digests: Vec<Json> = digest.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert!(digests.iter().any(|it| it["waiting_total"].as_u64() > Some(0)), "somebody waits when a day is over");
}

/// The alerts about who signs in at noon of the last day from a device that nobody knows.
fn sign_ins(reported: Option<(i64, &str)>) -> Vec<Json> {
    let place = Place::new(&format!("budget-reports-{}", reported.map_or(0, |it| it.0)));
    let mut events = ordinary(22, 24, 6);
    let noon = 22 * DAY_S + 12 * 3_600;
    // One of the reporter's team with another tool, one of another team with the reporter's tool, and one of neither.
    for (person, tool) in [(2, "portal"), (3, "vpn"), (5, "desk")] {
        events.push(event(noon + person, person, "login", tool, person, &format!("new-{person}")));
    }
    if let Some((seconds_before, action)) = reported {
        events.push(event(noon - seconds_before, 4, action, "vpn", 4, "d-4"));
    }
    // Time goes on until the end of the day.
    events.push(event(noon + 14 * 3_600, 7, "login", "idp", 7, "d-7"));
    place.write("events", text(events).as_bytes());
    let [alerts, ..] = score(&place, "events", &[]);
    let alerts = alerts.lines().map(|it| serde_json::from_str(it).unwrap());
    alerts.filter(|it: &Json| it["unmapped"]["action"] == "login").collect()
}

#[test]
fn a_reported_call_makes_sign_ins_from_new_devices_in_the_team_and_with_the_tool_count_twice_for_a_day() {
    let of = |alerts: &[Json], person: &str| {
        let alert = alerts.iter().find(|it| it["actor"]["user"]["uid"] == person).unwrap_or_else(|| panic!("{person}: {alerts:?}"));
        let standing = &alert["unmapped"]["behaviour"]["standing"];
        let message = alert["message"].as_str().unwrap().to_owned();
        (standing["risk"].as_f64().unwrap(), standing["factor"].as_f64().unwrap(), message)
    };
    let (before, after) = (sign_ins(None), sign_ins(Some((2 * 3_600, "security.report"))));
    for (person, place) in [("u2", "support-a"), ("u3", "vpn")] {
        let ((usual, one, silent), (risk, factor, message)) = (of(&before, person), of(&after, person));
        assert_eq!((one, factor), (1.0, 2.0), "{person}");
        assert!((risk / usual - 2.0).abs() < 0.05, "{person}: {usual} becomes {risk}");
        assert!(message.contains(&format!("suspicious calls or messages were reported in {place} at 10:00 UTC")), "{message}");
        assert!(!silent.contains("suspicious"), "{silent}");
    }
    let neither = of(&after, "u5");
    assert!(neither.1 < 1.1 && !neither.2.contains("suspicious"), "{neither:?}");
    for (reported, why) in [((25 * 3_600, "security.report"), "more than a day ago"), ((2 * 3_601, "security.read"), "no report")] {
        assert!(of(&sign_ins(Some(reported)), "u2").1 < 1.1, "{why}");
    }
}
