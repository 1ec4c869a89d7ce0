//! `evaluate` over a case so small that every number can be worked out by hand, and over what is not fit to be evaluated.

use super::place::Place;
use serde_json::{Value as Json, json};

const START_MS: i64 = 1_770_595_200_000;
const MINUTE_MS: i64 = 60_000;

/// So many days and minutes after the start.
fn at(days: i64, minutes: i64) -> i64 {
    START_MS + (days * 1_440 + minutes) * MINUTE_MS
}

fn lines(records: &[Json]) -> String {
    records.iter().flat_map(|it| [it.to_string(), "\n".to_owned()]).collect()
}

/// 1,000 people, ten days, attacks in the last five: somebody peeks, somebody is slow, two crowd.
fn labels() -> String {
    let event =
        |id: &str, time_ms: i64, actor: u32, target: u32| json!({"id": id, "time_ms": time_ms, "actor": actor, "target": target});
    let attack = |id: &str, group: &str, actors: Json, targets: Json, causes: Json, events: Vec<Json>| {
        let (first, last) = (events[0]["time_ms"].clone(), events[events.len() - 1]["time_ms"].clone());
        let pattern = id.rsplit_once('-').unwrap().0;
        json!({"record": "attack", "id": id, "pattern": pattern, "group": group, "story": "", "actors": actors, "targets": targets,
            "first_ms": first, "last_ms": last, "causes": causes, "events": events})
    };
    let stress = |kind: &str, from: i64, until: i64, actors: Json| json!({"record": "stress", "kind": kind, "name": kind, "from_ms": at(from, 0), "until_ms": at(until, 0), "actors": actors});
    lines(&[
        json!({"record": "run", "seed": 1, "people": 1_000, "days": 10, "start_ms": START_MS, "end_ms": at(10, 0), "attacks_from_ms": at(5, 0)}),
        stress("surge", 6, 8, json!([])),
        stress("holiday", 5, 6, json!(["u1", "u2"])),
        stress("role_change", 4, 10, json!(["u7"])),
        attack(
            "vip_peek-1",
            "ticketless",
            json!(["u1"]),
            json!(["t1", "t2", "t3"]),
            json!(["nj.ticket", "nj.target"]),
            vec![
                event("e1", at(5, 0), 0, 0),
                event("e2", at(5, 10), 0, 1),
                event("e3", at(5, 20), 0, 0),
                event("e4", at(5, 30), 0, 2),
            ],
        ),
        attack(
            "slow_breadth-1",
            "slow",
            json!(["u2"]),
            json!(["t9", "t8"]),
            json!(["nj.distinct"]),
            vec![event("f1", at(6, 0), 0, 0), event("f2", at(7, 0), 0, 1)],
        ),
        attack(
            "crowd-1",
            "collusion",
            json!(["u3", "u4"]),
            json!(["t5"]),
            json!(["nj.target"]),
            vec![event("g1", at(8, 0), 0, 0), event("g2", at(8, 60), 1, 0)],
        ),
    ])
}

/// A finding as `score` writes it, as far as it matters.
fn finding(uid: &str, rule: &str, (first_ms, time_ms): (i64, i64), actor: &str, events: &[&str], risk: u32) -> Json {
    let events: Vec<Json> = events.iter().map(|it| json!({"uid": it})).collect();
    json!({"class_uid": 2004, "time": time_ms, "is_alert": true, "risk_score": risk,
        "finding_info": {"uid": uid, "types": ["Detection"], "analytic": {"name": rule}, "first_seen_time": first_ms,
            "last_seen_time": time_ms, "related_events_count": events.len(), "related_events": events},
        "actor": {"user": {"uid": actor}}})
}

fn alerts() -> (String, String) {
    let one = |at_ms: i64| (at_ms, at_ms);
    let mut explained = finding("a1", "peek", (at(5, 0), at(5, 20)), "u1", &["e1", "e3"], 50);
    explained["anomaly_analyses"] = json!([{"analysis_targets": [{"name": "nj.ticket.verdict"}]}]);
    let mut behaviour = finding("a7", "together", (at(8, 0), at(8, 60)), "u4", &[], 30);
    behaviour["finding_info"]["types"] = json!(["Behavior"]);
    behaviour["finding_info"]["related_events_count"] = json!(3);
    let pages = [
        finding("a6", "early", one(at(2, 0)), "u7", &["x0"], 50),
        explained,
        finding("a2", "peek", one(at(5, 30)), "u1", &["e4"], 75),
        finding("a1", "peek", one(at(5, 30)), "u1", &["e4"], 50),
        finding("a3", "noise", one(at(6, 60)), "u7", &["x1"], 50),
        finding("a4", "noise", (at(7, 0), at(7, 60)), "u2", &["x2"], 50),
        behaviour,
    ];
    let mut shadow = finding("a5", "slow", one(at(7, 0)), "u2", &["f2"], 50);
    shadow["is_alert"] = json!(false);
    (lines(&pages), lines(&[shadow]))
}

/// Identifier, day and minute, actor, tool, p, score, contributions.
type Scored = (&'static str, (i64, i64), &'static str, &'static str, f64, f64, &'static [&'static str]);

/// The events, and the scores of all but one.
fn events_and_scores() -> (String, String) {
    let all: [Scored; 12] = [
        ("x0", (2, 0), "u7", "t", 0.5, 0.0, &[]),
        ("e1", (5, 0), "u1", "t", 0.01, 20.0, &["nj.rate.view.1h.p_self"]),
        ("e2", (5, 10), "u1", "t", 0.01, 20.0, &[]),
        ("e3", (5, 20), "u1", "t", 1e-6, 60.0, &["nj.ticket.verdict", "nj.rate.view.1h.p_self"]),
        ("e4", (5, 30), "u1", "t", 0.01, 20.0, &[]),
        ("f1", (6, 0), "u2", "t", 0.001, 30.0, &["nj.novelty.tool.p"]),
        ("x1", (6, 60), "u7", "new", 0.04, 25.0, &[]),
        ("f2", (7, 0), "u2", "t", 0.5, 5.0, &[]),
        ("x2", (7, 60), "u2", "t", 0.5, 12.0, &[]),
        ("g1", (8, 0), "u3", "t", 0.5, 10.0, &[]),
        ("g2", (8, 60), "u4", "t", 0.5, 99.0, &[]),
        ("x3", (9, 0), "u7", "new", 0.5, 1.0, &[]),
    ];
    let event = |&(id, (days, minutes), actor, tool, ..): &Scored| {
        let day = 9 + days;
        let time = format!("2026-02-{day:02}T{:02}:{:02}:00Z", minutes / 60, minutes % 60);
        json!({"time": time, "id": id, "actor": {"id": actor, "role": "r"}, "action": "a", "tool": tool,
            "source": {"ip": "10.0.0.1", "device_id": "d1", "country": "IE"}})
    };
    let score = |&(id, _, actor, _, p, score, top): &Scored| {
        let contributions: Vec<Json> = top.iter().map(|it| json!({"feature": it, "p": p})).collect();
        json!({"id": id, "actor": actor, "nj.p": p, "nj.score": score, "contributions": contributions})
    };
    let events: Vec<Json> = all.iter().map(event).collect();
    let scores: Vec<Json> = all.iter().filter(|it| it.0 != "g2").map(score).collect();
    (lines(&events), lines(&scores))
}

fn filled(name: &str) -> Place {
    let place = Place::new(name);
    let ((pages, shadow), (events, scores)) = (alerts(), events_and_scores());
    for (name, text) in [("labels", &labels()), ("alerts", &pages), ("shadow", &shadow), ("events", &events), ("scores", &scores)] {
        place.write(name, text.as_bytes());
    }
    place
}

const ALL: [&str; 16] = [
    "evaluate",
    "--labels",
    "labels",
    "--alerts",
    "alerts",
    "--alerts",
    "shadow",
    "--events",
    "events",
    "--scores",
    "scores",
    "--budget",
    "2",
    "--format",
    "json",
    "--color=never",
];

/// The parts of `found` that `wanted` names are as it says.
#[track_caller]
fn check(found: &Json, wanted: &Json) {
    match (found, wanted) {
        (Json::Object(found), Json::Object(wanted)) => {
            for (key, wanted) in wanted {
                let found = found.get(key).unwrap_or_else(|| panic!("no `{key}` in {found:?}"));
                check(found, wanted);
            }
        }
        (Json::Array(found), Json::Array(wanted)) => {
            assert_eq!(found.len(), wanted.len(), "{found:?}");
            found.iter().zip(wanted).for_each(|(found, wanted)| check(found, wanted));
        }
        (Json::Number(a), Json::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() < 1e-9, "{a}, not {b}");
        }
        _ => assert_eq!(found, wanted),
    }
}

#[test]
fn every_number_of_a_small_case_is_the_one_worked_out_by_hand() {
    let place = filled("evaluate");
    let report: Json = serde_json::from_str(&place.run(&ALL).ended(0).out).unwrap();
    check(
        &report["attacks"],
        &json!([
            {"id": "vip_peek-1", "caught": true, "minutes": 20.0, "events": 3, "accounts": 2, "events_total": 4, "accounts_total": 3,
             "first_rule": "peek", "explained": true},
            {"id": "slow_breadth-1", "caught": false, "caught_in_shadow": true, "minutes": null, "events": null, "explained": null},
            // The alert names no event: its actor and its time have to do.
            {"id": "crowd-1", "caught": true, "minutes": 60.0, "events": 2, "accounts": 1, "first_rule": "together", "explained": null},
        ]),
    );
    check(&report["all"], &json!({"attacks": 3, "caught": 2, "minutes": 40.0, "events": 2.5, "accounts": 1.5}));
    check(
        &report["groups"],
        &json!([
            {"name": "collusion", "rate": 1.0}, {"name": "slow", "rate": 0.0, "caught_in_shadow": 1}, {"name": "ticketless", "rate": 1.0},
        ]),
    );
    // Five days: one page before them; a1, a2 and a7 are right, a3 and a4 are not, and a4 is about somebody who attacks.
    check(
        &report["alerts"],
        &json!({
            "pages": 5, "about_attacks": 3, "false_alerts": 2, "false_near_attacks": 1, "precision": 0.6, "false_per_day": 0.4,
            "false_per_day_per_1000": 0.4, "false_per_day_per_10000": 4.0, "false_behaviour_per_day_per_10000": 0.0,
            "shadow": 1, "shadow_about_attacks": 1, "while_learning": 1, "amendments": 1, "false_by_rule": {"noise": 2},
        }),
    );
    // Half a look a day is one on the second and one on the fourth day.
    check(
        &report["recall_at"],
        &json!([
            {"alerts": {"per_day": 0.5, "looks": 2, "found": 1, "recall": 1.0 / 3.0, "precision": 0.5, "ceiling": 2.0 / 3.0},
             "scores": {"looks": 2, "found": 2, "recall": 2.0 / 3.0, "precision": 1.0}},
            {"alerts": {"per_day": 1.0, "looks": 4, "found": 2, "precision": 0.5, "ceiling": 1.0},
             "scores": {"looks": 5, "found": 3, "recall": 1.0, "precision": 0.8}},
            {"alerts": {"per_day": 2.0, "looks": 5, "found": 2, "precision": 0.6}, "scores": {"looks": 6, "found": 3}},
        ]),
    );
    check(
        &report["stress"],
        &json!([
            // What is right was asked for, too, and so was its update.
            {"kind": "holiday", "times": 1, "false_alerts": 0, "rate": 0.0, "ratio": 0.0, "of_budget": 1.0},
            {"kind": "surge", "times": 1, "false_alerts": 2, "rate": 1.0, "ratio": null, "of_budget": 0.0},
            // One alert in five days of one person; all people have two in five days.
            {"kind": "role_change", "times": 1, "false_alerts": 1, "rate": 1.0, "ratio": 500.0, "of_budget": null},
        ]),
    );
    check(&report["explanation"], &json!({"alerts": 1, "alerts_right": 1, "scores": 3, "scores_right": 1}));
    check(&report["events"], &json!(12));
    check(&report["active_user_days"], &json!(8));
    // u7 has the new tool, u2 uses everything for the first time: benign, and both are in false alerts.
    check(
        &report["first_uses"],
        &json!([
            {"of": "action", "uses": 1, "alerted": 1, "alerted_per_1000": 1000.0, "unsurprising": 1.0},
            {"of": "address", "uses": 1, "alerted": 1}, {"of": "country", "uses": 1, "alerted": 1}, {"of": "device", "uses": 1, "alerted": 1},
            {"of": "tool", "uses": 2, "alerted": 2, "unsurprising": 0.5},
        ]),
    );
    check(
        &report["calibration"]["rows"][0],
        &json!({"name": "all", "events": 4, "observed_by_nominal": [null, null, null, null, null]}),
    );
}

#[test]
fn the_text_says_the_same_as_the_json() {
    let place = filled("evaluate-text");
    let ran = place.run(&ALL[..13]);
    let out = &ran.ended(0).out;
    for part in [
        "seed 1: 1,000 people, 10 days, 3 attacks, 12 events",
        "missed (in shadow only)",
        "caught 2 of 3 attacks (66.7 %)",
        "alerts 5: 3 about attacks, 2 false (1 of these about attackers); precision 60.0 %",
        "per 1,000 people 0.40, per 10,000 people 4.00",
        "       2  noise",
        "strongest contribution is an injected cause: 1 of 1",
    ] {
        assert!(out.contains(part), "`{part}` is not in\n{out}");
    }
}

#[test]
fn without_scores_and_events_there_is_still_what_alerts_tell() {
    let place = filled("evaluate-alerts");
    let report: Json = serde_json::from_str(
        &place.run(&["evaluate", "--labels", "labels", "--alerts", "alerts", "--format", "json"]).ended(0).out,
    )
    .unwrap();
    check(&report, &json!({"events": null, "calibration": null, "first_uses": [], "alerts": {"pages": 5, "shadow": 0}}));
    check(&report["attacks"][1], &json!({"caught": false, "caught_in_shadow": false}));
}

#[test]
fn what_is_not_fit_to_be_evaluated_is_named_with_its_line() {
    let place = filled("evaluate-bad");
    let broken = |name: &str, text: &str, arguments: &[&str], code: i32, word: &str| {
        let kept = place.read(name);
        place.write(name, text.as_bytes());
        place.run(arguments).ended(code).told(word);
        place.write(name, kept.as_bytes());
    };
    let all = &ALL[..];
    let first_line = |text: &str| text.lines().next().unwrap().to_owned() + "\n";
    broken("labels", &(labels() + "{\"record\":\"attack\"}\n"), all, 3, "labels:8");
    broken("labels", "{\"record\":\"rumour\"}\n", all, 3, "labels:1");
    broken("labels", &labels().replace("\"e2\"", "\"e1\""), all, 3, "e1 is labelled twice");
    broken("labels", &labels().replace("\"actor\":1", "\"actor\":9"), all, 3, "not listed");
    broken("labels", &first_line(&labels()), all, 2, "no attack is labelled");
    broken("labels", "", all, 3, "no record of the run");
    broken("labels", &(labels() + &first_line(&labels())), all, 3, "a second run");
    broken("alerts", "{\"class_uid\": 3002}\n", all, 3, "alerts:1: no Detection Finding");
    broken("alerts", "{}\n{", all, 3, "alerts:1");
    broken("scores", &place.read("scores").replace("\"nj.p\":0.04", "\"nj.p\":4"), all, 3, "scores:7: nj.p 4");
    broken(
        "scores",
        &place.read("scores").lines().rev().flat_map(|it| [it, "\n"]).collect::<String>(),
        all,
        3,
        "not in their order",
    );
    broken("scores", "{\"id\":\"x0\"}\n", all, 3, "scores:1");
    broken("events", &place.read("events").replace("2026-02-11T00:00:00Z", "yesterday"), all, 3, "events:1: `yesterday`");
    place.run(&["evaluate", "--labels", "nowhere", "--alerts", "alerts"]).ended(3).told("nowhere");
    place.run(&["evaluate", "--labels", "labels"]).ended(2).told("--alerts");
    place.run(&["evaluate", "--labels", "labels", "--alerts", "alerts", "--budget", "0"]).ended(2).told("above 0");
}

#[test]
fn a_tabletop_is_simulated_scored_and_evaluated_whatever_the_number_of_threads() {
    let place = Place::new("tabletop");
    let simulate = |threads: &str, name: &str| {
        let (labels, context, out) = (format!("labels-{name}"), format!("context-{name}"), format!("{name}.ndjson.zst"));
        let size = ["--people", "200", "--days", "21", "--seed", "5", "--threads", threads];
        place
            .run(&[&["simulate", "tabletop"], &size[..], &["--labels", &labels, "--context", &context, "-o", &out]].concat())
            .ended(0);
    };
    simulate("1", "one");
    simulate("3", "three");
    for (one, three) in [
        ("one.ndjson.zst", "three.ndjson.zst"),
        ("labels-one", "labels-three"),
        ("context-one/tickets.csv", "context-three/tickets.csv"),
    ] {
        assert!(std::fs::read(place.0.join(one)).unwrap() == std::fs::read(place.0.join(three)).unwrap(), "{one}");
    }
    place.run(&["context", "check", "context-one"]).ended(0);
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let score =
        ["score", "one.ndjson.zst", "--rules", ours, "--alerts", "found", "--dead-letters", "dead", "--stats", "stats", "--quiet"];
    place.run(&score).ended(0);
    let stats: Json = serde_json::from_str(&place.read("stats")).unwrap();
    assert!(stats["bad"] == 0 && stats["duplicates"] == 0 && stats["late"] == 0 && stats["events"] == stats["scored"], "{stats}");
    assert_eq!(place.read("dead"), "");
    let evaluate = ["evaluate", "--labels", "labels-one", "--alerts", "found", "--events", "one.ndjson.zst", "--format", "json"];
    let report: Json = serde_json::from_str(&place.run(&evaluate).ended(0).out).unwrap();
    assert_eq!(report["events"], stats["events"]);
    let group = |name: &str| report["groups"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert!(group("loud")["rate"].as_f64().unwrap() > 0.4, "{}", group("loud"));
    place.run(&["simulate", "tabletop", "--days", "3"]).ended(2).told("21 to 730 days");
    place.run(&["simulate", "tabletop", "--people", "20"]).ended(2).told("200 to 100000 people");
}
