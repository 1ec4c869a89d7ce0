//! Correlations of every kind through the whole engine: what fires, what it says, and that stopping in between changes nothing.

use crate::support::{book_of, lists, ndjson, pipeline, score};
use engine::{Emitted, Rulebook};
use std::collections::BTreeSet;

const RULES: &str = include_str!("every_correlation.yml");
const BASE: &str = "\
title: A
name: a
logsource: {product: nightjar}
detection: {s: {action: a}, condition: s}
---
title: B
name: b
logsource: {product: nightjar}
detection: {s: {action: b}, condition: s}
---
title: C
name: c
logsource: {product: nightjar}
detection: {s: {action: c}, condition: s}
---
";

fn every_kind() -> Rulebook {
    book_of(vec![("rules.yml".to_owned(), RULES.to_owned())], "native", &lists())
}

fn with(correlations: &str) -> Rulebook {
    book_of(vec![("rules.yml".to_owned(), format!("{BASE}{correlations}"))], "native", &lists())
}

/// One event; minutes are those of an hour of one day.
fn event(minute: f64, actor: &str, action: &str, rest: &str) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of an hour")]
    let ms = (minute * 60_000.0).round() as i64;
    let time = model::EventTime::parse("2026-03-02T10:00:00Z").unwrap().plus_ms(ms);
    format!("{{\"time\":\"{time}\",\"actor\":{{\"id\":\"{actor}\"}},\"action\":\"{action}\"{rest}}}\n")
}

/// Events of nobody that bring the watermark to `minute`.
fn until(minute: f64) -> String {
    (0..64).map(|it| event(minute + 5.0 + f64::from(it) * 1e-4, "clock", "tick", "")).collect()
}

fn messages(book: &Rulebook, events: &str) -> Vec<String> {
    score(&mut pipeline(book), events.as_bytes()).0.into_iter().map(|it| it.alert.message).collect()
}

/// Hours of people who look, export and close, a little out of order.
fn traffic() -> String {
    let line = |at: u32| {
        let minute = f64::from(at) * 0.03 - f64::from((at * 7_919) % 97) * 0.02;
        let (person, target) = ((at * 31) % 23, (at * 17) % 13);
        let action = ["look", "export", "look", "close", "look", "view"][((at / 3) % 6) as usize];
        // Some never close what they opened.
        let action = if action == "close" && person >= 10 { "view" } else { action };
        let rest = format!(
            ",\"id\":\"e{at}\",\"target\":{{\"id\":\"t{target}\",\"tags\":[\"x{}\",\"y{}\"]}},\"detail\":{{\"rows\":{}}}",
            at % 5,
            at % 3,
            ["7", "\"12.25\"", "31", "null", "-3"][(at % 5) as usize]
        );
        event(minute + 3.0, &format!("u{person}"), action, &rest)
            .replace("},\"action\"", &format!(",\"team\":\"m{}\"}},\"action\"", person % 3))
    };
    (0..6_000).map(line).collect()
}

#[test]
fn every_kind_of_correlation_fires_and_stopping_in_between_changes_nothing() {
    let (book, events) = (every_kind(), traffic());
    let all: Vec<Emitted> = score(&mut pipeline(&book), events.as_bytes()).0;
    for correlation in &book.set.correlations {
        let fired = all.iter().filter(|it| it.alert.rule.id == correlation.info.id).count();
        assert!(fired > 0, "{} never fired", correlation.info.name);
    }
    let whole = ndjson(&all);
    let lines: Vec<&str> = events.split_inclusive('\n').collect();
    for part in 1..9 {
        let cut = lines.len() * part / 9 + part;
        let (before, after) = (lines[..cut].concat(), lines[cut..].concat());
        let mut first = pipeline(&book);
        let mut text = ndjson(&score(&mut first, before.as_bytes()).0);
        let mut second = pipeline(&book);
        second.restore(&first.snapshot()).unwrap();
        text.push_str(&ndjson(&score(&mut second, after.as_bytes()).0));
        assert!(text == whole, "cut at line {cut}");
    }
}

#[test]
fn a_sum_is_told_in_words() {
    let book = with(
        "title: Sum\nname: s\ncorrelation: {type: value_sum, rules: [a], group-by: [actor.id], timespan: 10m, condition: {field: detail.rows, gt: 100000}}\n",
    );
    let rows = |minute: f64, rows: &str| event(minute, "ana", "a", &format!(",\"detail\":{{\"rows\":{rows}}}"));
    let events = rows(0.0, "60000") + &rows(4.0, "\"many\"") + &rows(9.0, "\"60000.5\"");
    assert_eq!(messages(&book, &events), ["Sum: sum of detail.rows 120,000.5 in 9 min by ana (> 100000 within 10 min), last a"]);
}

/// Where events are few, the watermark may rise by hours with an event that is not late itself.
#[test]
fn an_event_that_is_not_late_finds_what_it_needs_although_time_goes_on_with_it() {
    let correlation = "title: Many\nname: many\ncorrelation: {type: event_count, rules: [a], group-by: [actor.id], timespan: 1m, condition: {gte: 7}}\n";
    let now: String = (0..6).map(|it| event(f64::from(it) / 60.0, "ana", "a", "")).collect();
    let others = |count: u32, minute: f64| (0..count).map(|_| event(minute, "clock", "tick", "")).collect::<String>();
    // Of the latest 64 the seventeenth is of ten hours later when the last one has come, and was not before.
    let rest = [others(57, 0.5), others(48, 600.0), event(0.2, "ana", "a", "")].concat();
    let book = with(correlation);
    let mut pipeline = pipeline(&book);
    let alerts = score(&mut pipeline, format!("{now}{rest}").as_bytes()).0;
    assert_eq!((alerts.len(), pipeline.tally().late), (1, 0));
}

#[test]
fn what_did_not_follow_is_told_with_the_event_it_should_have_followed() {
    let book = with(
        "title: Left open\nname: open\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [actor.id], timespan: 10m, condition: a and not b}\n",
    );
    let events = event(0.0, "ana", "a", "") + &event(0.5, "bo", "a", "") + &event(8.0, "bo", "b", "");
    assert_eq!(messages(&book, &(events.clone() + &until(9.9))), [""; 0], "the data does not reach far enough to prove it");
    let alerts = score(&mut pipeline(&book), (events + &until(10.1)).as_bytes()).0;
    let [one] = alerts.as_slice() else { panic!("{} alerts", alerts.len()) };
    assert_eq!(one.alert.message, "Left open: a, then no b within 10 min by ana, last a");
    assert_eq!((one.alert.time.to_string().as_str(), one.alert.events_total), ("2026-03-02T10:00:00.000Z", 1));
}

#[test]
fn any_order_and_alternatives_are_told_in_words() {
    let book = with(
        "title: Odd\nname: odd\ncorrelation: {type: temporal, rules: [a, b, c], group-by: [actor.id], timespan: 10m, condition: (a or b) and not c}\n",
    );
    let events = event(0.0, "ana", "c", "") + &event(5.0, "ana", "a", "") + &event(6.0, "bo", "b", "") + &until(30.0);
    assert_eq!(messages(&book, &events), ["Odd: b without c within 10 min by bo, last b"]);
}

#[test]
fn group_names_of_an_upper_correlation_are_found_through_the_aliases_below() {
    let book = with(
        "title: Pair\nname: pair\ncorrelation: {type: temporal, rules: [a, b], group-by: [who], timespan: 10m, aliases: {who: {a: actor.id, b: target.id}}}\n---\n\
         title: Pairs\nname: pairs\ncorrelation: {type: event_count, rules: [pair], group-by: [victim], timespan: 1h, condition: {gte: 2}, aliases: {victim: {pair: who}}}\n",
    );
    let pair = |minute: f64| event(minute, "eve", "a", "") + &event(minute + 1.0, "mallory", "b", ",\"target\":{\"id\":\"eve\"}");
    let alerts = score(&mut pipeline(&book), (pair(0.0) + &pair(20.0)).as_bytes()).0;
    let names: Vec<&str> = alerts.iter().map(|it| it.alert.rule.name.as_str()).collect();
    assert_eq!(names, ["pairs"], "what only feeds another correlation does not alert");
    let group = &alerts[0].alert.window.as_ref().unwrap().group;
    assert_eq!(group, &[("target.id".to_owned(), "eve".to_owned())]);
}

#[test]
fn every_element_of_an_array_is_a_value() {
    let book = with(
        "title: Tags\nname: tags\ncorrelation: {type: value_count, rules: [a], group-by: [actor.id], timespan: 10m, condition: {field: [target.tags, detail.kind], gte: 4}}\n",
    );
    let tagged = |minute: f64, tags: &str, kind: &str| {
        event(minute, "ana", "a", &format!(",\"target\":{{\"tags\":{tags}}},\"detail\":{{\"kind\":{kind}}}"))
    };
    let events = tagged(0.0, "[\"x\",\"y\"]", "1") + &tagged(1.0, "[\"y\",\"x\"]", "1") + &tagged(2.0, "[]", "7");
    assert_eq!(messages(&book, &events), [""; 0]);
    let alerts = messages(&book, &(events + &tagged(3.0, "[\"x\"]", "[2,3]")));
    assert_eq!(alerts, ["Tags: 4 distinct target.tags + detail.kind in 2 min by ana (≥ 4 within 10 min), last a"]);
}

#[test]
fn an_alert_names_the_one_of_its_groups_that_it_is_for() {
    let book = with(
        "title: Twice\nname: twice\ncorrelation: {type: event_count, rules: [a], group-by: [target.tags], timespan: 10m, condition: {gte: 2}}\n---\n\
         title: Often\nname: often\ngenerate: true\ncorrelation: {type: event_count, rules: [twice], group-by: [target.tags, actor.id], timespan: 1h, condition: {gte: 2}}\n",
    );
    let tagged = |minute: f64, tags: &str| event(minute, "ana", "a", &format!(",\"target\":{{\"tags\":{tags}}}"));
    let events = tagged(0.0, "[\"x\",\"y\"]")
        + &tagged(1.0, "[\"z\", \"y\", \"x\"]")
        + &tagged(20.0, "\"x\"")
        + &tagged(21.0, "[[\"w\"],\"x\",\"x\",{\"v\":1},null]");
    let alerts = score(&mut pipeline(&book), events.as_bytes()).0;
    let group = |it: &Emitted| (it.alert.rule.name.clone(), it.alert.window.as_ref().unwrap().group[0].1.clone());
    let groups: BTreeSet<(String, String)> = alerts.iter().map(group).collect();
    let expected = [("often", "x"), ("twice", "x"), ("twice", "y")].map(|(rule, group)| (rule.to_owned(), group.to_owned()));
    assert_eq!(groups, BTreeSet::from(expected));
    assert_eq!(alerts.len(), 4, "x twice, y once, and x often");
    let uids: BTreeSet<&str> = alerts.iter().map(|it| it.alert.uid.as_str()).collect();
    assert_eq!(uids.len(), alerts.len(), "alerts of one event for several groups are several alerts");
}

#[test]
fn an_event_of_more_groups_than_are_looked_at_counts_for_the_first_thousand_and_is_counted() {
    let book = with(
        "title: Twice\nname: twice\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [target.tags, detail.tags], timespan: 10m}\n",
    );
    let tags: Vec<String> = (0..40).map(|it| format!("\"t{it}\"")).collect();
    let tagged = |minute: f64, action: &str, tags: &str| {
        event(minute, "ana", action, &format!(",\"target\":{{\"tags\":{tags}}},\"detail\":{{\"tags\":{tags}}}"))
    };
    let many = format!("[{}]", tags.join(","));
    let mut pipeline = pipeline(&book);
    let alerts = score(&mut pipeline, (tagged(0.0, "a", &many) + &tagged(1.0, "b", "\"t0\"")).as_bytes()).0;
    assert_eq!((alerts.len(), pipeline.window_stats().values_cut), (1, 1));
}

#[test]
fn an_event_that_two_rules_of_a_correlation_match_counts_once() {
    let book = with(
        "title: A too\nname: a_too\nlogsource: {product: nightjar}\ndetection: {s: {action: [a, z]}, condition: s}\n---\n\
         title: Many\nname: many\ncorrelation: {type: event_count, rules: [a, a_too], group-by: [actor.id], timespan: 10m, condition: {gte: 3}}\n",
    );
    let events = |count: u32| (0..count).map(|it| event(f64::from(it), "ana", "a", "")).collect::<String>();
    assert_eq!(messages(&book, &events(2)), [""; 0]);
    assert_eq!(messages(&book, &events(3)).len(), 1);
}

#[test]
fn rules_of_a_correlation_that_did_not_load_do_not_flood() {
    let broken = "title: Broken\nname: broken\ncorrelation: {type: event_count, rules: [a], group-by: [actor.id], timespan: soon, condition: {gte: 3}}\n";
    let loaded = sigma::parse::parse_all([("rules.yml".to_owned(), format!("{BASE}{broken}"))], &lists());
    assert!(loaded.problems.iter().any(sigma::problem::Problem::is_error));
    let mapping = model::SourceMapping::built_in("native").unwrap();
    let book = Rulebook::compile(loaded.documents, &[mapping], &mut Vec::new());
    let names: Vec<String> = messages(&book, &(event(0.0, "ana", "a", "") + &event(1.0, "ana", "b", "")));
    assert_eq!(names, ["B: ana did b"]);
}

#[test]
fn a_page_waits_for_what_does_not_happen() {
    let book = with(
        "title: Left open\nname: open\nlevel: high\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [target.id], timespan: 10m, condition: a and not b}\n",
    );
    let event = |minute: f64, action: &str| event(minute, "ana", action, ",\"target\":{\"id\":\"t\"}");
    let case = |events: &str, expect: &str| format!("## Case\n\n```events\n{events}```\n\n```expect\n{expect}```\n\n");
    let text = case(&(event(0.0, "a") + "wait 11m\n"), "alert high ana open\n")
        + &case(&(event(0.0, "a") + "wait 9m\n"), "")
        + &case(&(event(0.0, "a") + "wait 9m\n" + &event(9.5, "b") + "wait 1h\n"), "");
    let page = sigma::page::parse("open.md", &text).unwrap();
    for result in engine::pages::run(&book, 0, &page) {
        assert!(result.passed(), "line {}: {result:?}", result.line);
    }
}
