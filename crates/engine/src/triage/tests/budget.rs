//! Whether the budget is kept over months of people whose risk comes and goes.

use super::super::*;
use super::{DAY, HOUR, START, alerts, candidate, settings};
use std::collections::BTreeMap;

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

/// People of whom each is surprised with a chance a day, between 8 and 18 o'clock; the risk halves in three days.
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
                    let at = START + day * DAY + 8 * HOUR + (self.random.share() * 36_000_000.0) as i64;
                    let feature = FEATURES[person % 4];
                    all.push(candidate(&format!("u{person}"), at, *risk, feature));
                }
            }
        }
        all.sort_by_key(|it| it.alert.time);
        all
    }
}

/// What was told on each day, what is told when it is over included, and how it stood in the end.
fn told(seed: u64, per_day: f64, days: i64, chance_of: impl Fn(i64) -> f64) -> (Vec<f64>, Stats) {
    let mut triage = Triage::new(Settings { per_day: Weight::clamped(per_day), learn_until: None, ..settings() });
    let mut crowd = Crowd::new(2_000, seed);
    let told = (0..days).map(|day| {
        let mut out = Vec::new();
        for it in crowd.day(day, chance_of(day)) {
            let reached = it.alert.time;
            triage.take(it, reached, &mut out);
        }
        triage.advance(EventTime::from_ms(START + (day + 1) * DAY), &mut out);
        float(alerts(&out).len())
    });
    (told.collect(), triage.stats())
}

fn mean(told: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, days) = told.into_iter().fold((0.0, 0.0), |(sum, days), it| (sum + it, days + 1.0));
    sum / days
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn float(count: usize) -> f64 {
    count as f64
}

#[track_caller]
fn check(told: f64, per_day: f64, slack: f64, what: &str) {
    assert!((told / per_day - 1.0).abs() < slack, "{what}: {told} a day instead of {per_day}");
}

#[test]
fn over_months_as_many_are_told_as_can_be_read() {
    for seed in 0..3 {
        for per_day in [0.5, 2.0, 5.0, 20.0] {
            let (told, stats) = told(seed, per_day, 120, |_| 0.15);
            check(mean(told[28..].iter().copied()), per_day, 0.1, &format!("seed {seed}, {stats:?}"));
        }
    }
}

#[test]
fn when_the_load_triples_as_many_are_told_as_before() {
    for seed in 0..3 {
        let (told, stats) = told(seed, 5.0, 120, |day| if day < 60 { 0.1 } else { 0.3 });
        check(mean(told[60..74].iter().copied()), 5.0, 0.25, &format!("seed {seed} in the fortnight after, {stats:?}"));
        check(mean(told[74..].iter().copied()), 5.0, 0.1, &format!("seed {seed} from then on, {stats:?}"));
    }
}

#[test]
fn on_surge_days_and_holidays_about_as_many_are_told_as_on_others() {
    let is_surge = |day: i64| day % 17 == 3;
    let is_holiday = |day: i64| day % 17 == 11;
    for per_day in [5.0, 20.0] {
        let (mut surges, mut holidays, mut all) = (vec![], vec![], vec![]);
        for seed in 0..4 {
            let chance = |day: i64| match day {
                _ if is_surge(day) => 0.6,
                _ if is_holiday(day) => 0.05,
                // Weekends have less of everything.
                _ if day % 7 >= 5 => 0.07,
                _ => 0.15,
            };
            let (told, _) = told(seed, per_day, 120, chance);
            for (day, it) in (0..).zip(told).skip(30) {
                all.push(it);
                if is_surge(day) {
                    surges.push(it);
                } else if is_holiday(day) {
                    holidays.push(it);
                }
            }
        }
        check(mean(all), per_day, 0.1, "all days");
        check(mean(surges.iter().copied()), per_day, 0.25, "surges");
        check(mean(holidays), per_day, 0.25, "holidays");
        assert!(surges.iter().all(|it| *it <= 1.5 * per_day), "no surge takes the tokens of quiet weeks: {surges:?}");
    }
}

/// Of everybody who was below the threshold on a day each has the same chance.
#[test]
fn a_tenth_of_the_budget_are_samples_of_what_is_below_the_threshold() {
    for (seed, per_day) in [(1, 0.5), (2, 2.0), (3, 5.0), (4, 20.0)] {
        let days = 200;
        let mut triage = Triage::new(Settings { per_day: Weight::clamped(per_day), learn_until: None, ..settings() });
        let mut crowd = Crowd::new(2_000, seed);
        let (mut low, mut high, mut samples, mut expected, mut variance) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for day in 0..days {
            let mut out = Vec::new();
            let mut strongest: BTreeMap<String, f64> = BTreeMap::new();
            for it in crowd.day(day, 0.15) {
                let (reached, actor) = (it.alert.time, it.alert.actor.id.clone());
                let counts = triage.stats().counts;
                let risk = it.alert.deviation.as_ref().unwrap().risk;
                triage.take(it, reached, &mut out);
                if triage.stats().counts.below > counts.below {
                    strongest.insert(actor, risk);
                }
            }
            triage.advance(EventTime::from_ms(START + (day + 1) * DAY), &mut out);
            let drawn: Vec<&Alert> =
                alerts(&out).into_iter().filter(|it| standing_of(it).is_some_and(|it| it.sampled.is_some())).collect();
            let is_low = |risk: f64| risk < 2.5;
            let share_of_low = float(strongest.values().filter(|it| is_low(**it)).count()) / float(strongest.len().max(1));
            for it in drawn {
                let standing = standing_of(it).unwrap();
                assert!(standing.risk < standing.threshold);
                samples += 1.0;
                if is_low(standing.risk) {
                    low += 1.0;
                } else {
                    high += 1.0;
                }
                expected += share_of_low;
                variance += share_of_low * (1.0 - share_of_low);
            }
        }
        let wanted = 0.1 * per_day * float(usize::try_from(days).unwrap() - 15);
        assert!((samples - wanted).abs() <= (0.05 * wanted).max(1.5), "{samples} of {wanted}");
        assert!(
            (low - expected).abs() < 3.0 * variance.max(0.25_f64).sqrt(),
            "{low} low ones of {expected} expected, {high} others"
        );
    }
}

fn standing_of(alert: &Alert) -> Option<&model::Standing> {
    alert.triaged.as_ref()?.standing.as_ref()
}

#[test]
fn a_risk_that_only_decays_or_was_told_is_no_observation_of_the_next_days() {
    let observed = [false, true].map(|comes_again| {
        let mut triage = Triage::new(Settings { per_day: Weight::clamped(2.0), learn_until: None, ..settings() });
        let mut random = Random(7);
        let mut out = Vec::new();
        let mut all: Vec<Emitted> = Vec::new();
        for day in 0..40_i64 {
            for person in 0..20 {
                let (actor, risk) = (format!("u{day}-{person}"), 2.0 - 2.0 * random.share().ln());
                let at = |later: i64| START + (day + later) * DAY + 9 * HOUR + person;
                all.push(candidate(&actor, at(0), risk, "nj.shift"));
                if comes_again {
                    // It is raised a little each day, and never to what it was.
                    all.extend(
                        (1..6).filter(|later| day + later < 40).map(|later| candidate(&actor, at(later), risk * 0.9, "nj.shift")),
                    );
                }
            }
        }
        all.sort_by_key(|it| it.alert.time);
        for it in all {
            let reached = it.alert.time;
            triage.take(it, reached, &mut out);
        }
        assert!(triage.stats().counts.told() > 20);
        triage.state.budget.observations()
    });
    assert_eq!(observed[0].len(), 14 * 20);
    assert_eq!(observed[0], observed[1]);
}

#[test]
fn an_episode_that_grows_over_days_is_one_observation_of_its_maximum() {
    let mut triage = Triage::new(Settings { learn_until: None, ..settings() });
    let mut out = Vec::new();
    for day in 0..10 {
        let it = candidate("u1", START + day * DAY, 2.0 + float(usize::try_from(day).unwrap()), "nj.shift");
        let reached = it.alert.time;
        triage.take(it, reached, &mut out);
    }
    triage.advance(EventTime::from_ms(START + 10 * DAY), &mut out);
    assert_eq!(triage.state.budget.observations(), [11.0]);
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
