//! What was tried and not done: it is scored, and teaches nothing that whoever tries would like to be usual. And chains, and long windows.

use super::{DAY_MS, START_MS, book, look, ordinary, score, settings};
use crate::pipeline::Pipeline;
use model::EventTime;

const HOUR_MS: i64 = 3_600_000;
/// How often it is tried in a night.
const ATTEMPTS: i64 = 6;

/// An event of `u1` from a strange device, network and country at three in the morning.
fn strange(out: &mut Vec<String>, ms: i64, action: &str, outcome: &str) {
    let time = EventTime::from_ms(START_MS + ms);
    out.push(format!(
        r#"{{"time":"{time}","id":"s{ms}","actor":{{"id":"u1","role":"support","team":"t1"}},"action":"{action}","outcome":"{outcome}","tool":"idp","source":{{"ip":"203.0.113.9","country":"XX","asn":64511,"device_id":"evil"}}}}"#
    ));
}

/// Whether a rule with this detection matches the last of the events.
fn matches_last(detection: &str, lines: &[String]) -> bool {
    let mut pipeline = Pipeline::new(book(detection), 0, &settings());
    let (alerts, _) = score(&mut pipeline, lines);
    let last = lines.len() as u64 - 1;
    alerts.iter().any(|it| it.alert.rule.name == "t" && it.position == last)
}

/// Three weeks of work, and then ten nights of attempts to sign in, the last of which is followed by something that was done.
fn attempts(action: &str, outcome: &str) -> Vec<String> {
    let mut lines = ordinary(3, 19);
    for night in 19..29 {
        for attempt in 0..ATTEMPTS {
            strange(&mut lines, night * DAY_MS + 3 * HOUR_MS + attempt * 60_000, action, outcome);
        }
    }
    strange(&mut lines, 29 * DAY_MS + 3 * HOUR_MS, "account.search", "success");
    lines
}

#[test]
fn who_fails_to_sign_in_makes_no_device_network_or_country_known() {
    let firsts = |is_first: bool| {
        let of = |what: &str| format!("nj.novelty.{what}.first_for_actor: {is_first}");
        ["device", "ip", "country", "asn"].map(of).join("\n    ")
    };
    for (action, outcome) in [("login", "failure"), ("Login.Password", "denied"), ("user.session.start", "failure")] {
        assert!(matches_last(&firsts(true), &attempts(action, outcome)), "after {action}: {outcome}");
    }
    assert!(matches_last(&firsts(false), &attempts("login", "success")), "after having come in");
    assert!(matches_last(&firsts(false), &attempts("account.search", "failure")), "who could search had come in");
}

/// How usual the hour of the last event is, which is the only search.
fn hour_p(lines: &[String]) -> f64 {
    let mut pipeline = Pipeline::new(book("action: account.search\n    nj.shift.p|gte: 0"), 0, &settings());
    let (alerts, _) = score(&mut pipeline, lines);
    let shown = alerts.iter().flat_map(|it| &it.alert.evidence).find(|it| it.field == "nj.shift.p").unwrap();
    shown.value.to_string().parse().unwrap()
}

#[test]
fn who_fails_to_sign_in_at_night_neither_works_at_night_nor_is_back() {
    let [failed, came_in] = ["failure", "success"].map(|it| attempts("login", it));
    let (mut before, last) = (ordinary(3, 19), failed.last().unwrap().clone());
    before.push(last);
    let [before, after_failures, after_visits] = [&before, &failed, &came_in].map(|it| hour_p(it));
    assert!((after_failures / before - 1.0).abs() < 0.25, "{before} {after_failures}");
    assert!(after_visits > 1.5 * after_failures, "{after_failures} {after_visits}");
    let idle = "nj.actor.idle_days|gte: 10";
    assert!(matches_last(idle, &failed) && !matches_last(idle, &came_in));
}

#[test]
fn failed_sign_ins_are_counted_and_scored_all_the_same() {
    let lines = attempts("login", "failure");
    let (_, scores) = score(&mut Pipeline::new(book("action: nothing"), 0, &settings()), &lines);
    let ordinary = lines.len() - 61;
    let most = |it: &[super::Scored]| it.iter().map(|it| it.score).fold(0.0, f64::max);
    assert!(most(&scores[ordinary..]) > 20.0, "{}", most(&scores[ordinary..]));
    let mut burst = lines[..ordinary + 6].to_vec();
    assert!(matches_last("nj.rate.other.1h.count|gte: 6", &burst));
    burst.pop();
    assert!(!matches_last("nj.rate.other.1h.count|gte: 6", &burst));
}

#[test]
fn to_be_denied_something_for_weeks_is_not_to_have_it() {
    let first = "nj.novelty.action.first_for_actor: true";
    let mut lines = ordinary(3, 19);
    for night in 19..29 {
        strange(&mut lines, night * DAY_MS, "customer.export", "denied");
    }
    assert!(!matches_last(first, &lines), "to be denied it is known");
    strange(&mut lines, 29 * DAY_MS, "customer.export", "success");
    assert!(matches_last(first, &lines), "to have it is not");
}

#[test]
fn targets_that_somebody_is_taking_over_are_counted_from_the_second_step_on() {
    let mut lines = Vec::new();
    let step = |lines: &mut Vec<String>, minute: i64, action: &str, target: u64, outcome: &str| {
        look(lines, 1, minute * 60_000, target, "d-1");
        let line = lines.pop().unwrap();
        lines.push(line.replace("account.lookup", action).replace("\"tool\"", &format!("\"outcome\":\"{outcome}\",\"tool\"")));
    };
    let fires = |lines: &[String], count: u32| matches_last(&format!("nj.chain.targets: {count}"), lines);
    step(&mut lines, 0, "account.contact_change", 1, "success");
    step(&mut lines, 1, "password.reset", 2, "success");
    assert!(fires(&lines, 0));
    step(&mut lines, 2, "password.reset", 1, "success");
    assert!(fires(&lines, 1));
    step(&mut lines, 3, "account.mfa_disable", 2, "denied");
    assert!(fires(&lines, 1), "what was denied is no step");
    step(&mut lines, 4, "account.mfa_disable", 2, "success");
    assert!(fires(&lines, 2));
    step(&mut lines, 5, "account.lookup", 9, "success");
    assert!(fires(&lines, 2));
    // A day later the first two are no longer on the way.
    step(&mut lines, 24 * 60 + 5, "account.lookup", 9, "success");
    assert!(fires(&lines, 0));
}

#[test]
fn long_windows_say_nothing_before_there_is_one_to_compare_with() {
    let lines = ordinary(4, 40);
    let days = |detection: &str| {
        let (alerts, _) = score(&mut Pipeline::new(book(detection), 0, &settings()), &lines);
        let days = alerts.iter().filter(|it| it.alert.rule.name == "t").map(|it| (it.alert.time.ms() - START_MS) / DAY_MS);
        days.min()
    };
    assert_eq!(days("nj.distinct.1d.p_self|lte: 1"), Some(0));
    for (window, least) in [("7d", 7), ("30d", 30)] {
        for p in ["p_self", "p_peer"] {
            let first = days(&format!("nj.distinct.{window}.{p}|lte: 1"));
            assert!(first.is_some_and(|it| it >= least), "{window} {p}: {first:?}");
        }
    }
    assert_eq!((days("nj.distinct.90d.p_self|lte: 1"), days("nj.distinct.90d.count|gte: 1")), (None, Some(0)));
}
