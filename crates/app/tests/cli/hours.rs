//! Hours: on the clocks where somebody is, before and after a change of clocks; and by what was learnt where nobody has a schedule.

use super::place::{NOW, Place, rules_of};

const RULES: &str = "\
title: Off duty
name: off_duty
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b21
logsource:
  product: nightjar
detection:
  s:
    nj.shift.on_duty: false
  condition: s
level: high
---
title: At an unusual hour
name: unusual_hour
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b22
logsource:
  product: nightjar
detection:
  s:
    nj.shift.p|lt: 0.05
    nj.actor.active_days|gte: 10
  condition: s
level: high
";

/// Eight hours of look-ups from nine in Dublin on, on each working day from Monday, 2 March 2026. The clocks change on Sunday, 29 March.
fn weeks(days: u32, more: &str) -> String {
    let mut events = Vec::new();
    for day in (0..days).filter(|it| it % 7 < 5) {
        let (month, of_month) = if day < 30 { (3, day + 2) } else { (4, day - 29) };
        let offset = u32::from(day >= 27);
        for hour in 9..17 {
            let time = format!("2026-{month:02}-{of_month:02}T{:02}:05:00Z", hour - offset);
            events.push(format!(
                "{{\"time\":\"{time}\",\"id\":\"{time}\",\"actor\":{{\"id\":\"ana\"{more}}},\"action\":\"account.lookup\",\"target\":{{\"id\":\"{hour}\"}}}}\n"
            ));
        }
    }
    events.concat()
}

fn place(name: &str, roster: &str) -> Place {
    let place = Place::new(name);
    place.write("rules/rules.yml", RULES.as_bytes());
    std::fs::create_dir_all(place.0.join("known")).unwrap();
    place.write("known/roster.csv", roster.as_bytes());
    place.write("known/schedules.csv", b"actor,days,begin,finish\nana,mon-fri,09:00,17:00\n");
    place
}

/// Rule and time of each alert.
fn alerts(place: &Place, events: &str) -> Vec<String> {
    place.write("events.ndjson", events.as_bytes());
    let ran = place.run(&["score", "events.ndjson", "--context", "known", "--now", NOW]);
    let rules = rules_of(&ran.ended(0).out);
    let times = ran.out.lines().map(|it| {
        let alert: serde_json::Value = serde_json::from_str(it).unwrap();
        alert["time_dt"].as_str().map_or_else(|| alert["time"].to_string(), str::to_owned)
    });
    rules.iter().zip(times).map(|(rule, time)| format!("{rule} {time}")).collect()
}

#[test]
fn nine_is_nine_on_the_mondays_before_and_after_the_clocks_change() {
    let home = place("hours-home", "id,tz\nana,Europe/Dublin\n");
    assert_eq!(alerts(&home, &weeks(40, "")), [""; 0]);
    // On clocks that don't change, nine in Dublin is eight from the 30th on, half an hour too early.
    let elsewhere = place("hours-utc", "id,tz\nana,UTC\n");
    let early = alerts(&elsewhere, &weeks(40, ""));
    let off_duty = early.iter().filter(|it| it.starts_with("off_duty")).count();
    assert_eq!(off_duty, 10, "{early:?}");
}

#[test]
fn the_clocks_are_those_where_somebody_is() {
    let home = place("hours-travel", "id,tz\nana,Europe/Dublin\n");
    let at = |time: &str, more: &str| {
        format!(
            "{{\"time\":\"{time}\",\"id\":\"{time}\",\"actor\":{{\"id\":\"ana\"{more}}},\"action\":\"account.lookup\",\"target\":{{\"id\":\"1\"}}}}\n"
        )
    };
    let away = ",\"tz\":\"America/New_York\"";
    // Nine in New York, which has summer time since the 8th, is one in Dublin; nine in Dublin is five there.
    let events = at("2026-03-16T13:05:00Z", away) + &at("2026-03-17T09:05:00Z", away) + &at("2026-03-18T20:05:00Z", away);
    let told = alerts(&home, &events);
    assert!(told.len() == 1 && told[0].starts_with("off_duty"), "{told:?}");
    let at_home = at("2026-03-16T13:05:00Z", "") + &at("2026-03-17T09:05:00Z", "") + &at("2026-03-18T20:05:00Z", "");
    assert_eq!(alerts(&home, &at_home).len(), 1);
}

#[test]
fn without_a_schedule_hours_are_those_that_were_learnt_and_the_alert_says_so() {
    let place = place("hours-learnt", "id,tz\nana,Europe/Dublin\n");
    let night: Vec<String> = (0..12)
        .map(|at| {
            format!("{{\"time\":\"2026-04-07T01:{at:02}:00Z\",\"id\":\"n{at}\",\"actor\":{{\"id\":\"ana\"}},\"action\":\"customer.export\",\"target\":{{\"id\":\"x{at}\"}},\"source\":{{\"device_id\":\"new\"}}}}\n")
        })
        .collect();
    place.write("events.ndjson", (weeks(35, "") + &night.concat()).as_bytes());
    // What pages, and what behaviour finds in shadow.
    let findings = |context: &[&str]| {
        let ran = place.run(&[&["score", "events.ndjson", "--shadow", "sh", "--now", NOW], context].concat());
        (rules_of(&ran.ended(0).out), place.read("sh"))
    };
    let (rules, told) = findings(&[]);
    assert!(rules.len() == 12 && rules.iter().all(|it| it == "unusual_hour"), "{rules:?}");
    let (learnt, known) = ("no schedule is known: hours are judged by what was learnt", "not on duty: off shift");
    assert!(told.contains(learnt) && !told.contains(known), "{told}");
    let (rules, told) = findings(&["--context", "known"]);
    assert_eq!(rules.iter().filter(|it| *it == "off_duty").count(), 12, "{rules:?}");
    assert!(told.contains(known) && !told.contains(learnt), "{told}");
}
