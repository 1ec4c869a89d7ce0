//! Neither order nor batches nor restarts change what is told; and the fast way says what the slow one says.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "small numbers"
)]

use super::*;
use crate::pulse::rhythm::Rhythm;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Three weeks of events with holes, as (minute, stream, count), in the order of their time.
fn events(seed: u64, holes: &[(i64, i64, u8)]) -> Vec<(i64, &'static str, u64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut events = Vec::new();
    for minute in 0..22 * DAY {
        for (number, stream) in ["crm", "helpdesk", "warehouse"].into_iter().enumerate() {
            let is_hole = |it: &&(i64, i64, u8)| (it.0..it.0 + it.1).contains(&minute) && it.2 >> number & 1 == 1;
            let rate = if holes.iter().any(|it| is_hole(&it)) { 0.0 } else { 0.4 + office(minute, 3.0) };
            let count = poisson(rate, &mut rng);
            if count > 0 {
                events.push((MONDAY + minute, stream, count));
            }
        }
    }
    events
}

fn holes() -> impl Strategy<Value = Vec<(i64, i64, u8)>> {
    prop::collection::vec((14 * DAY..22 * DAY, 1_i64..600, 1_u8..8), 0..4)
}

/// What is told if the watermark follows `events`, which come up to five minutes out of order.
fn in_order(events: &[(i64, &str, u64)]) -> Vec<Finding> {
    let (mut pulse, mut out) = (Pulse::new(settings()), Vec::new());
    let mut reached = 0;
    for &(minute, stream, count) in events {
        pulse.count(stream, minute, count);
        reached = reached.max(minute - 5);
        pulse.advance(EventTime::from_ms(reached * MINUTE_MS), &mut out);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5))]

    #[test]
    fn what_comes_out_of_order_changes_nothing(seed in 0_u64..1_000, holes in holes()) {
        let mut events = events(seed, &holes);
        let expected = in_order(&events);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        events.sort_by_cached_key(|it| it.0 * 60 + rng.random_range(0..290));
        prop_assert_eq!(in_order(&events), expected);
    }

    #[test]
    fn a_restart_changes_nothing(seed in 0_u64..1_000, holes in holes(), cuts in prop::collection::vec(0.0..1.0, 1..4)) {
        let events = events(seed, &holes);
        let expected = in_order(&events);
        let cuts: Vec<usize> = cuts.into_iter().map(|it: f64| (it * events.len() as f64) as usize).collect();
        let (mut pulse, mut out) = (Pulse::new(settings()), Vec::new());
        for (at, &(minute, stream, count)) in events.iter().enumerate() {
            if cuts.contains(&at) {
                pulse = Pulse::restore(settings(), &pulse.snapshot()).unwrap();
            }
            pulse.count(stream, minute, count);
            pulse.advance(EventTime::from_ms((minute - 5) * MINUTE_MS), &mut out);
        }
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn beats_of_batches_say_what_their_events_say(seed in 0_u64..1_000, holes in holes(), size in 1_usize..5_000) {
        let events = events(seed, &holes);
        let (mut pulse, mut out) = (Pulse::new(settings()), Vec::new());
        for batch in events.chunks(size) {
            let mut beat = Beat::default();
            for (minute, stream, count) in batch {
                beat.count(stream, *minute, *count);
            }
            let beat: Beat = postcard::from_bytes(&postcard::to_allocvec(&beat).unwrap()).unwrap();
            pulse.take(&beat, &mut out);
            let last = batch.last().unwrap().0;
            pulse.advance(EventTime::from_ms((last - 5) * MINUTE_MS), &mut out);
        }
        prop_assert_eq!(out, in_order(&events));
    }

    #[test]
    fn the_source_as_a_whole_is_judged_as_by_going_through_its_minutes(seed in 0_u64..1_000, holes in holes()) {
        let events = events(seed, &holes);
        let mut by_minute: BTreeMap<i64, u64> = BTreeMap::new();
        events.iter().for_each(|it| *by_minute.entry(it.0).or_default() += it.2);
        let (first, last) = (*by_minute.first_key_value().unwrap().0, *by_minute.last_key_value().unwrap().0 - 5);
        let mut rhythm = Rhythm::begin(first);
        let mut naive = Vec::new();
        for minute in first..last {
            let at = At { minute, slot: slot_of(minute.div_euclid(60), &jiff::tz::TimeZone::UTC) };
            let change = rhythm.pass(at, by_minute.get(&minute).copied().unwrap_or(0), None, true);
            naive.extend(change.map(|it| finding::quiet("", it, at)));
        }
        let fast: Vec<Finding> = in_order(&events).into_iter().filter(|it| it.of.is_empty()).collect();
        prop_assert_eq!(fast, naive);
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let mut pulse = Pulse::new(settings());
    pulse.count("crm", MONDAY, 3);
    pulse.advance(EventTime::from_ms((MONDAY + 9) * MINUTE_MS), &mut Vec::new());
    let bytes = pulse.snapshot();
    assert!(Pulse::restore(settings(), &bytes[..bytes.len() / 2]).is_err());
    assert!(Pulse::restore(settings(), &bytes).is_ok());
}
