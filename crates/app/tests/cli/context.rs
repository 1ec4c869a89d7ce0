//! `context`, and rules that read what it says.

use super::place::{Place, rules_of};

const RULE: &str = "\
title: Ticket of somebody else
name: borrowed_ticket
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b11
logsource:
  product: nightjar
detection:
  s:
    nj.ticket.verdict: wrong_agent
  condition: s
fields:
  - nj.shift.reason
level: high
";

/// A folder with tables in `known` and an event under the ticket of somebody else.
fn place(name: &str) -> Place {
    let place = Place::new(name);
    std::fs::create_dir_all(place.0.join("known")).unwrap();
    place.write("rules/rules.yml", RULE.as_bytes());
    place.write("known/roster.csv", b"id,team,tz,manager\nana,emea,Europe/Dublin,max\nmax,emea,Europe/Dublin,\n");
    place.write("known/schedules.csv", b"team,days,begin,finish\nemea,mon-fri,09:00,17:00\n");
    place.write("known/tickets.csv", b"id,targets,assignee,opened\nCS-1,783214,max,2026-03-01\nCS-2,783214,ana,2026-03-01\n");
    let event = |ticket: &str| {
        let head = "{\"time\":\"2026-03-02T20:00:00Z\",\"actor\":{\"id\":\"ana\"},\"action\":\"password.reset\"";
        format!("{head},\"target\":{{\"id\":\"783214\"}},\"justification\":{{\"ticket\":\"{ticket}\"}}}}\n")
    };
    place.write("events.ndjson", (event("CS-1") + &event("CS-2")).as_bytes());
    place
}

#[test]
fn a_rule_about_tickets_fires_with_a_context_and_is_quiet_without() {
    let place = place("context-score");
    let with = place.run(&["score", "events.ndjson", "--context", "known", "--threads", "2"]);
    assert_eq!(rules_of(&with.ended(0).out), ["borrowed_ticket"]);
    assert!(with.out.contains("\"nj.ticket.verdict\":\"wrong_agent\"") && with.out.contains("\"nj.shift.reason\":\"off_shift\""));
    let without = place.run(&["score", "events.ndjson"]);
    assert_eq!(rules_of(&without.ended(0).out), [""; 0]);
}

#[test]
fn an_explanation_shows_what_was_computed() {
    let place = place("context-explain");
    let ran = place.run(&["rules", "explain", "--event", "events.ndjson", "--line", "1", "--context", "known"]);
    assert!(ran.ended(0).out.contains("wrong_agent"), "{}", ran.out);
    let json =
        place.run(&["rules", "explain", "--event", "events.ndjson", "--line", "2", "--context", "known", "--format", "json"]);
    assert!(json.ended(0).out.contains("\"value\":\"ok\"") || json.out.contains("\"value\": \"ok\""), "{}", json.out);
}

#[test]
fn a_check_says_what_is_there_and_what_is_wrong() {
    let place = place("context-check");
    let ran = place.run(&["context", "check", "known"]);
    assert!(ran.ended(0).out.contains("1 people without a manager: max") && ran.err.is_empty(), "{}", ran.out);
    place.write("known/tickets.csv", b"id,opened\nCS-1,someday\n");
    let ran = place.run(&["context", "check", "known", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.ended(1).out).unwrap();
    assert_eq!(json["problems"][0]["code"], "NJ0322");
    assert_eq!(json["problems"][0]["line"], 2);
    assert_eq!(json["tables"][0]["rows"], 2);
    place.run(&["context", "check", "rules"]).ended(2).told("no tables in rules");
    place.run(&["context", "check", "nowhere"]).ended(2).told("no such folder: nowhere");
    assert!(place.run(&["context", "tables"]).ended(0).out.contains("id, email"));
}

#[test]
fn a_check_knows_tables_in_parquet() {
    let place = place("context-parquet");
    let tickets = include_bytes!("../../src/load/parquet/arrow.parquet");
    std::fs::remove_file(place.0.join("known/tickets.csv")).unwrap();
    place.write("known/tickets.parquet", tickets);
    let ran = place.run(&["context", "check", "known"]);
    let line = ran.ended(0).out.lines().find(|it| it.starts_with("tickets")).unwrap().to_owned();
    assert!(line.contains("3 rows  2026-03-02 to 2026-03-04") && line.ends_with("known/tickets.parquet"), "{line}");
    place.write("known/tickets.parquet", &tickets[..700]);
    place.run(&["context", "check", "known"]).ended(1).told("tickets.parquet:1:1: error: the Parquet file is cut off");
}
