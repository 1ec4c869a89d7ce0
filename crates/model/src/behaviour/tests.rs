//! Sentences, and that the words for a measure fit its numbers.

use super::*;

fn contribution(feature: &str, observed: f64, expected: f64) -> Contribution {
    Contribution {
        feature: feature.to_owned(),
        observed,
        value: None,
        expected,
        usual_p99: None,
        peer_p999: None,
        ln_p_self: -12.0,
        ln_p_peer: 0.0,
        share: 0.5,
        score_without: 12.3,
        evidence: 0.9,
        is_continued: false,
    }
}

#[track_caller]
fn check(it: &Contribution, expected: &str) {
    assert_eq!(it.words(), expected);
}

#[test]
fn counts_stand_beside_what_the_actor_and_the_peers_stay_below() {
    let bounds = |it: Contribution| Contribution { usual_p99: Some(14.0), peer_p999: Some(31.0), ..it };
    check(
        &bounds(contribution("nj.distinct.10m", 212.0, 3.0)),
        "about 212 different targets in 10 min (own p99 14, peer p99.9 31)",
    );
    check(&bounds(contribution("nj.rate.view.1h", 1_212.0, 3.0)), "about 1,212 look-ups in 1 h (own p99 14, peer p99.9 31)");
    check(&contribution("nj.rate.search.1d", 1.0, 0.02), "1 search in a day (usually 0.02)");
    check(&contribution("nj.rate.credential_change.10m", 9.0, 0.1), "about 9 credential changes in 10 min (usually 0.1)");
    check(&contribution("nj.rate.dance.10m", 9.0, 0.1), "about 9 dance actions in 10 min (usually 0.1)");
    let days = Contribution { is_continued: true, ..contribution("nj.distinct.90d", 6_000.0, 812.5) };
    check(&days, "about 6,000 different targets in 90 days (usually 812), for days already");
}

#[test]
fn what_is_new_is_told_with_how_rare_it_is() {
    let device = Contribution { value: Some("d-77".into()), ..contribution("nj.novelty.device", 0.0, 1e-4) };
    check(&device, "device d-77 for the first time (own habit 1 in 160,000)");
    let known = Contribution { observed: 1.0, ln_p_peer: -4.0, ..device };
    check(&known, "device d-77, which is rare (own habit 1 in 160,000, peers 1 in 55)");
    check(
        &Contribution { ln_p_self: -1e9, ..contribution("nj.novelty.country", 0.0, 0.0) },
        "another country for the first time (own habit less than 1 in 1,000,000,000)",
    );
    let hour = Contribution { value: Some("Sun 03:00".into()), ..contribution("nj.shift", 1.0, 0.0004) };
    check(&hour, "at work on Sun 03:00, an hour that holds 0.04 % of the usual work");
    check(&contribution("nj.travel", 2_300.0, 42.0), "would have travelled at 2,300 km/h (usually 42)");
}

#[test]
fn shares_are_counts_or_percentages_as_they_come() {
    check(&contribution("nj.ticket.share.lookup", 187.0, 3.2), "187 look-ups without a ticket today (usually 3.2)");
    check(&contribution("nj.ticket.share.lookup", 0.88, 0.05), "88 % of look-ups without a ticket today (usually 5 %)");
    check(&contribution("nj.ticket.share.private_read", 1.0, 0.1), "1 private read without a ticket today (usually 0.1)");
    check(&contribution("nj.sensitive.share", 0.6, 0.04), "60 % of actions sensitive today (usually 4 %)");
    check(&contribution("nj.watched.share", 3.0, 0.01), "3 actions on watched targets today (usually 0.01)");
    check(&contribution("nj.chain", 2.0, 0.0), "2 accounts taken over step by step today (usually 0)");
    check(&contribution("nj.slow.targets", 43.2, 30.0), "43.2 different targets a day for weeks (usually 30)");
    check(&contribution("nj.target", 5.0, 1.1), "5 different people at this target (usually 1.1)");
    check(&contribution("nj.weather", 5.0, 1.1), "nj.weather is 5 (usually 1.1)");
}

fn deviation() -> Deviation {
    let lookups = Contribution {
        usual_p99: Some(14.0),
        peer_p999: Some(31.0),
        score_without: 41.4,
        ..contribution("nj.distinct.10m", 212.0, 3.0)
    };
    Deviation {
        score: 83.2,
        ln_p: -19.1,
        evidence: 0.8,
        risk: 9.13,
        risk_raised: 4.0,
        weight: 1.0,
        contributions: vec![lookups, Contribution { score_without: 79.0, ..contribution("nj.ticket.share.lookup", 187.0, 3.0) }],
        context: vec!["no ticket was named".to_owned(), "not on duty: holiday".to_owned()],
    }
}

#[test]
fn a_sentence_says_what_was_seen_why_it_is_not_excused_and_what_each_part_weighs() {
    assert_eq!(
        deviation().sentence(),
        "about 212 different targets in 10 min (own p99 14, peer p99.9 31); 187 look-ups without a ticket today (usually 3); \
         no ticket was named; not on duty: holiday. Score 83; without the targets in 10 min 41, without the missing tickets 79."
    );
    let unknown = Deviation { contributions: vec![], context: vec![], evidence: 0.1, ..deviation() };
    assert_eq!(
        unknown.sentence(),
        "much together that is unusual, nothing of it by itself; little is known of the person yet, so that the peers are the \
         measure. Score 83."
    );
}

#[test]
fn a_threshold_says_what_it_comes_to() {
    assert_eq!(meaning(7.23, 5.0, 2_000), "risk ≥ 7.2: about 5 alerts a day for 2,000 active people");
    assert_eq!(meaning(6.0, 1.0, 0), "risk ≥ 6.0: about 1 alert a day");
    assert_eq!(meaning(6.0, 0.5, 1), "risk ≥ 6.0: about 0.5 alerts a day for 1 active person");
}

#[test]
fn features_that_move_together_are_of_one_channel() {
    let channel = |name: &str| Measure::of(name).channel();
    assert_eq!(channel("nj.rate.view.10m"), channel("nj.distinct.1d"));
    assert_eq!(channel("nj.distinct.30d"), channel("nj.slow.private_reads"));
    assert_eq!(channel("nj.novelty.device"), channel("nj.travel"));
    assert_eq!(channel("nj.novelty.tool"), Channel::Means);
    assert_eq!(channel("nj.novelty.device.p"), Channel::Origin, "with the last word as well");
    assert_eq!((channel("nj.shift"), channel("nj.ticket.share.other")), (Channel::Hour, Channel::Ticket));
    assert_eq!((channel("x"), channel("nj.ticket.verdict"), channel("")), (Channel::Other, Channel::Other, Channel::Other));
}

#[test]
fn numbers_have_as_many_digits_as_say_something() {
    for (it, expected) in [
        (0.0, "0"),
        (-0.0, "0"),
        (0.000_04, "0"),
        (0.0034, "0.0034"),
        (0.25, "0.25"),
        (12.0, "12"),
        (12.34, "12.3"),
        (999.6, "1,000"),
        (1_234_567.0, "1,234,567"),
        (-1_500.0, "-1,500"),
        (f64::NAN, "0"),
        (f64::INFINITY, "1,000,000,000,000,000"),
    ] {
        assert_eq!(number(it), expected);
    }
}
