//! Whether the budget is kept over months of people whose risk comes and goes.

use super::super::*;
use super::{DAY, START, alerts, candidate, settings};

/// `SplitMix64` (S. Vigna 2015).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = ((it ^ (it >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        share
    }
}

/// People of whom each is surprised with a chance a day; the risk halves in three days.
struct Crowd {
    random: Random,
    risks: Vec<f64>,
}

impl Crowd {
    fn new(people: usize, seed: u64) -> Self {
        Self { random: Random(seed), risks: vec![0.0; people] }
    }

    /// The candidates of a day, in their order.
    fn day(&mut self, day: i64, chance: f64) -> Vec<Emitted> {
        const FEATURES: [&str; 4] = ["nj.distinct.10m", "nj.novelty.device", "nj.shift", "nj.ticket.share.lookup"];
        let mut all = Vec::new();
        for (person, risk) in self.risks.iter_mut().enumerate() {
            *risk *= 0.5_f64.powf(1.0 / 3.0);
            if self.random.share() < chance {
                *risk += -self.random.share().ln();
                if *risk >= 2.0 {
                    #[expect(clippy::cast_possible_truncation, reason = "a part of a day")]
                    let at = START + day * DAY + (self.random.share() * 86_000_000.0) as i64;
                    let feature = FEATURES[person % 4];
                    all.push(candidate(&format!("u{person}"), at, *risk, feature));
                }
            }
        }
        all.sort_by_key(|it| it.alert.time);
        all
    }
}

/// Alerts a day from day `from` on, with `chance_of` each day.
fn pages_a_day(seed: u64, per_day: f64, days: i64, from: i64, chance_of: impl Fn(i64) -> f64) -> (f64, Counts) {
    let mut triage = Triage::new(Settings { per_day: Weight::clamped(per_day), learn_until: None, ..settings() });
    let mut crowd = Crowd::new(2_000, seed);
    let mut pages = 0;
    for day in 0..days {
        let mut out = Vec::new();
        for it in crowd.day(day, chance_of(day)) {
            let reached = it.alert.time;
            triage.take(it, reached, &mut out);
        }
        if day >= from {
            pages += alerts(&out).len();
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let a_day = pages as f64 / (days - from) as f64;
    (a_day, triage.stats().counts)
}

#[test]
fn over_months_as_many_are_told_as_can_be_read() {
    for seed in 0..4 {
        for per_day in [2.0, 5.0, 20.0] {
            let (a_day, counts) = pages_a_day(seed, per_day, 120, 28, |_| 0.15);
            assert!((a_day / per_day - 1.0).abs() < 0.25, "seed {seed}: {a_day} a day instead of {per_day}, {counts:?}");
        }
    }
}

#[test]
fn when_the_load_triples_as_many_are_told_as_before() {
    for seed in 0..3 {
        let load = |day: i64| if day < 60 { 0.1 } else { 0.3 };
        let (a_day, counts) = pages_a_day(seed, 5.0, 74, 60, load);
        assert!((a_day / 5.0 - 1.0).abs() < 0.25, "seed {seed}: {a_day} a day in the fortnight after, {counts:?}");
        let (a_day, counts) = pages_a_day(seed, 5.0, 120, 74, load);
        assert!((a_day / 5.0 - 1.0).abs() < 0.25, "seed {seed}: {a_day} a day from then on, {counts:?}");
    }
}

#[test]
fn a_tenth_of_what_is_told_is_a_sample_of_what_is_below_the_threshold() {
    let (_, counts) = pages_a_day(9, 20.0, 200, 20, |_| 0.15);
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let share = counts.samples as f64 / (counts.samples + counts.pages + counts.updates) as f64;
    assert!((0.05..0.15).contains(&share), "{share}, {counts:?}");
}

#[test]
fn where_little_happens_the_threshold_sinks_until_all_of_it_is_told() {
    let mut triage = Triage::new(Settings { learn_until: None, ..settings() });
    let mut out = Vec::new();
    for day in 0..40 {
        let it = candidate(&format!("u{day}"), START + day * DAY, 2.5, "nj.shift");
        let reached = it.alert.time;
        triage.take(it, reached, &mut out);
    }
    assert!((triage.stats().threshold - RISK_MIN).abs() < 1e-9);
    assert_eq!(alerts(&out).len(), 26, "of each day after a fortnight");
}

#[test]
fn actors_with_something_open_have_a_limit_and_those_who_go_are_counted() {
    let mut triage = Triage::new(settings());
    let mut out = Vec::new();
    for it in 0..100_002_i64 {
        let alert = super::by_rule("a", model::Level::Medium, &format!("u{it}"), START + it);
        triage.take(alert, EventTime::from_ms(START), &mut out);
        if it % 10_000 == 0 {
            out.clear();
        }
    }
    let stats = triage.stats();
    assert_eq!(stats.cases as u64 + stats.counts.cases_evicted, 100_002);
    assert!(stats.cases <= 100_000 && stats.counts.cases_evicted > 6_000);
}
