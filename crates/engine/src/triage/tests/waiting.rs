//! Who comes when the bucket is empty: told later, the most urgent first, or with tomorrow's tokens.

use super::super::*;
use super::{DAY, HOUR, START, VOLUME, alerts, by_rule, candidate, digests, feed, settings};
use model::Level;

/// A budget of two a day, whose two tokens of the first day are spent on people at a risk of 6.5.
fn spent() -> (Triage, Vec<Outgoing>) {
    let mut triage = Triage::new(Settings { per_day: Weight::clamped(2.0), ..settings() });
    let early = ["a", "b"].map(|it| candidate(it, START + HOUR, 6.5, VOLUME));
    let out = feed(&mut triage, early);
    assert_eq!(alerts(&out).len(), 2);
    (triage, out)
}

fn actors(out: &[Outgoing]) -> Vec<&str> {
    alerts(out).into_iter().map(|it| it.actor.id.as_str()).collect()
}

fn advanced(triage: &mut Triage, hours: i64) -> Vec<Outgoing> {
    let mut out = Vec::new();
    triage.advance(EventTime::from_ms(START + hours * HOUR), &mut out);
    out
}

#[test]
fn when_tokens_are_back_the_most_urgent_is_told_with_its_best_evidence_and_that_it_waited() {
    let (mut triage, _) = spent();
    let at = |actor: &str, minutes: i64, risk: f64| candidate(actor, START + 2 * HOUR + minutes * 60_000, risk, VOLUME);
    let out = feed(&mut triage, [at("weak", 0, 8.0), at("strong", 1, 9.0), at("strong", 9, 11.5), at("strong", 20, 10.0)]);
    assert!(alerts(&out).is_empty());
    assert_eq!((triage.stats().waiting, triage.stats().counts.over_budget), (2, 4));
    assert!(alerts(&advanced(&mut triage, 12)).is_empty(), "a token takes twelve hours");
    let out = advanced(&mut triage, 26);
    assert_eq!(actors(&out), ["strong", "weak"]);
    let strong = alerts(&out)[0];
    assert_eq!(strong.time.ms(), START + 2 * HOUR + 9 * 60_000);
    assert_eq!(strong.events_total, 3, "and all that has led to it");
    let said = " It was at 2026-03-02T02:09 UTC and waited for 23 h, because the budget was used up.";
    assert!(strong.message.ends_with(said), "{}", strong.message);
    let standing = strong.triaged.as_ref().unwrap().standing.as_ref().unwrap();
    assert_eq!((standing.risk, standing.waited_ms, standing.label()), (11.5, 23 * HOUR + 51 * 60_000, Some("waited")));
    let counts = triage.stats().counts;
    assert_eq!((counts.late, counts.told(), triage.stats().waiting), (2, 4, 0));
}

#[test]
fn who_is_below_the_threshold_when_tokens_are_back_is_not_told() {
    let (mut triage, _) = spent();
    feed(&mut triage, [candidate("u", START + 2 * HOUR, 6.5, VOLUME)]);
    assert_eq!(triage.stats().waiting, 1);
    let out = advanced(&mut triage, 30);
    assert!(alerts(&out).is_empty(), "half a day takes a ninth of 6.5");
    let stats = triage.stats();
    assert_eq!((stats.waiting, stats.counts.given_up), (0, 1));
    assert_eq!(digests(&out)[0].entries[0].actor, "u", "but the digest names it");
}

#[test]
fn what_is_rarer_than_all_of_a_fortnight_borrows_at_most_a_day_and_it_is_paid_back() {
    let (mut triage, _) = spent();
    assert!((triage.stats().rare - 12.0).abs() < 1e-9);
    let very = (0..5).map(|it| candidate(&format!("v{it}"), START + 2 * HOUR + it, 20.0 + float(it), VOLUME));
    let out = feed(&mut triage, very);
    assert_eq!(actors(&out), ["v0", "v1"], "tomorrow's two");
    let stats = triage.stats();
    assert_eq!((stats.counts.borrowed, stats.waiting), (2, 3));
    assert!(stats.tokens < -1.5, "{}", stats.tokens);
    let out = advanced(&mut triage, 15);
    assert_eq!(actors(&out), ["v4"], "as soon as some is paid back, the most urgent");
    feed(&mut triage, [candidate("ordinary", START + 16 * HOUR, 9.0, VOLUME)]);
    assert!(!actors(&advanced(&mut triage, 20)).contains(&"ordinary"));
}

#[test]
fn an_update_of_what_is_known_does_not_borrow() {
    let (mut triage, _) = spent();
    let out = feed(&mut triage, [candidate("a", START + 2 * HOUR, 30.0, VOLUME)]);
    assert!(alerts(&out).is_empty());
    let out = advanced(&mut triage, 26);
    assert_eq!(actors(&out), ["a"]);
    assert!(alerts(&out)[0].triaged.as_ref().unwrap().is_update);
}

#[test]
fn who_was_told_of_otherwise_waits_no_more() {
    let (mut triage, _) = spent();
    // A watched target: it counts twice.
    let mut other = candidate("u", START + 2 * HOUR, 8.0, VOLUME);
    other.alert.deviation.as_mut().unwrap().weight = 2.0;
    feed(&mut triage, [candidate("w", START + 2 * HOUR, 9.0, VOLUME), other]);
    // A much stronger one of an actor who waits can borrow.
    assert_eq!(actors(&feed(&mut triage, [candidate("w", START + 3 * HOUR, 20.0, "nj.novelty.device")])), ["w"]);
    assert_eq!(triage.stats().waiting, 1);
    assert_eq!(actors(&advanced(&mut triage, 26)), ["u"]);
}

#[test]
fn a_digest_says_who_still_waits() {
    let (mut triage, mut out) = spent();
    feed(&mut triage, [candidate("u", START + 20 * HOUR, 11.0, VOLUME), candidate("w", START + 20 * HOUR, 11.5, VOLUME)]);
    triage.advance(EventTime::from_ms(START + DAY), &mut out);
    let digest = digests(&out)[0];
    let waiting: Vec<&str> = digest.waiting.iter().map(|it| it.actor.as_str()).collect();
    assert_eq!((digest.waiting_total, waiting), (2, vec!["w", "u"]));
    let mut json = Vec::new();
    digest.write_json(&mut json);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["waiting"][0]["actor"], &json["waiting"][0]["since"]), (&"w".into(), &"2026-03-02T19:55:00.000Z".into()));
}

#[test]
fn at_the_end_of_a_day_the_most_urgent_below_the_threshold_are_told_if_tomorrow_can_not_need_the_tokens() {
    let mut triage = Triage::new(Settings { per_day: Weight::clamped(5.0), ..settings() });
    advanced(&mut triage, 0);
    let below = (0..9).map(|it| candidate(&format!("u{it}"), START + 9 * HOUR + it, 2.0 + 0.1 * float(it), VOLUME));
    assert!(alerts(&feed(&mut triage, below)).is_empty());
    let out = advanced(&mut triage, 24);
    assert_eq!(actors(&out), ["u8", "u7", "u6", "u5", "u4"], "a day's worth is left for tomorrow");
    let standing = alerts(&out)[0].triaged.as_ref().unwrap().standing.clone().unwrap();
    assert_eq!((standing.label(), standing.is_spare), (Some("spare"), true));
    assert!(alerts(&out)[0].message.contains("being below the threshold, until the day had room for it"));
    assert_eq!(digests(&out)[0].entries.len(), 4, "who was told of stands there no more");
    let counts = triage.stats().counts;
    assert_eq!((counts.below, counts.spare), (9, 5));
}

#[test]
fn whom_a_rule_has_named_meanwhile_is_not_told_with_what_is_spare() {
    let mut triage = Triage::new(Settings { per_day: Weight::clamped(5.0), ..settings() });
    feed(&mut triage, [candidate("u", START + HOUR, 3.0, VOLUME), by_rule("a", Level::High, "u", START + 2 * HOUR)]);
    assert!(alerts(&advanced(&mut triage, 24)).is_empty());
}

#[test]
fn those_who_wait_have_a_limit_and_the_least_urgent_go_and_are_counted() {
    let (mut triage, _) = spent();
    feed(&mut triage, (0..1_200).map(|it| candidate(&format!("u{it}"), START + 2 * HOUR, 7.0 + 0.001 * float(it), VOLUME)));
    assert_eq!((triage.stats().waiting, triage.stats().counts.crowded_out), (1_000, 200));
    assert_eq!(actors(&advanced(&mut triage, 26))[0], "u1199");
}

#[expect(clippy::cast_precision_loss, reason = "small")]
fn float(it: i64) -> f64 {
    it as f64
}
