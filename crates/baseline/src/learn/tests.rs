//! Learning: what a subject can't do to it, and what a legitimate change can.

use super::{Day, Drift, KEPT_IN_NEW_ROLE, Quarantine, Transition, capped, learnt};
use crate::counts::{GroupRates, Habit, Prior};
use crate::pareto::float;
use crate::slow::Slow;
use crate::{LogP, Share};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

#[test]
fn the_ordinary_is_learnt_and_the_extraordinary_is_not() {
    let of = |p: f64| learnt(LogP::of(p), LogP::ONE, 50.0, false).get();
    assert!(of(0.5) > 0.999 && of(1.0) >= 1.0 && of(0.01) <= 0.0 && of(1e-9) <= 0.0);
    assert!((of(0.1) - 0.589).abs() < 1e-3);
    assert!((learnt(LogP::HALF, LogP::HALF, 50.0, true).get() - 0.1).abs() < 1e-3);
    assert!((capped(1_000.0, 10.0) - 23.0).abs() < 1e-12 && (capped(5.0, 10.0) - 5.0).abs() < 1e-12);
}

#[test]
fn the_gate_does_not_bend_what_it_learns() {
    let (mut random, _, prior) = world(14, 50);
    let day = Poisson::new(14.0).unwrap();
    let [mut even, mut one_sided] = [Habit::default(); 2];
    let (mut ratios, days) = ([0.0; 2], 2_000);
    for at in 0..days + 200 {
        let count = day.sample(&mut random);
        for (ratio, (habit, is_even)) in ratios.iter_mut().zip([(&mut even, true), (&mut one_sided, false)]) {
            let predicted = habit.predict(&prior);
            let or_fewer = if is_even { predicted.tails(count + 1.0).lower } else { LogP::ONE };
            habit.learn(capped(count, predicted.mean()), learnt(predicted.upper(count), or_fewer, habit.windows(), false));
            *ratio += if at >= 200 { habit.rate() / 14.0 / f64::from(days) } else { 0.0 };
        }
    }
    eprintln!("learnt of a rate of 1: even {:.3}, one-sided {:.3}", ratios[0], ratios[1]);
    assert!((ratios[0] - 1.0).abs() < 0.02 && ratios[1] < 0.97);
}

#[test]
fn the_busiest_of_a_group_gets_a_habit_too() {
    let (mut random, _, prior) = world(15, 200);
    let mut person = Person::default();
    let day = Poisson::new(120.0).unwrap();
    for at in 0..40 {
        person.day(day.sample(&mut random), at, &prior, Regime::GatedWithoutEscape);
    }
    assert!((person.habit.rate() - 120.0).abs() < 25.0, "{}", person.habit.rate());
    assert!(person.habit.predict(&prior).upper(120.0).surprise() < 1.0);
}

/// A person under the whole regime of learning.
#[derive(Default, Clone)]
struct Person {
    habit: Habit,
    slow: Slow,
    drift: Drift,
    quarantine: Quarantine,
}

#[derive(Clone, Copy, PartialEq)]
enum Regime {
    Ungated,
    GatedWithoutEscape,
    Quarantined,
}

impl Person {
    /// Scores a day, then learns it; gives its p-value and whether it may alert.
    fn day(&mut self, count: f64, day: u16, prior: &Prior, regime: Regime) -> (LogP, bool) {
        let predicted = self.habit.predict(prior);
        let (p, or_fewer) = (predicted.upper(count), predicted.tails(count + 1.0).lower);
        let was_open = self.quarantine.is_open();
        if regime == Regime::Ungated {
            self.habit.learn(count, Share::ONE);
            return (p, p.surprise() > 4.0);
        }
        let (mean, phi) = (predicted.mean(), self.habit.dispersion());
        self.slow.add(count, mean, phi);
        self.habit.learn(capped(count, mean), learnt(p, or_fewer, self.habit.windows(), self.slow.is_suspect()));
        self.drift.hold(&mut self.habit, 1 + day / 7, 1.0);
        if regime == Regime::Quarantined {
            let p_peer = Habit::default().predict(prior).upper(count);
            let transition = self.quarantine.observe(Day { count, p_self: p, p_peer, is_sensitive: false }, &mut self.habit);
            if transition == Transition::Promoted {
                self.drift.reset();
                self.slow.reset();
            }
            // One episode, one alert.
            return (p, p.surprise() > 4.0 && !was_open);
        }
        (p, p.surprise() > 4.0)
    }
}

fn world(seed: u64, people: usize) -> (ChaCha8Rng, Vec<f64>, Prior) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rates: Vec<f64> = (0..people).map(|_| Gamma::new(3.0, 4.5).unwrap().sample(&mut random) + 1.0).collect();
    let mut group = GroupRates::default();
    for rate in &rates {
        let mut habit = Habit::default();
        (0..40).for_each(|_| {
            let x = Poisson::new(*rate).unwrap().sample(&mut random);
            habit.learn(x, Share::ONE);
        });
        group.add(&habit);
    }
    (random, rates, Prior::of_chain(&[group]))
}

/// Mean alerts per person in the 60 days after the rate has tripled.
fn alerts_after_role_change(regime: Regime, is_announced: bool) -> f64 {
    let (mut random, rates, prior) = world(12, 300);
    let mut alerts = 0;
    for rate in &rates {
        let mut person = Person::default();
        for day in 0..120 {
            let today = if day < 60 { *rate } else { 3.0 * rate };
            if day == 60 && is_announced {
                person.habit.reanchor(KEPT_IN_NEW_ROLE);
                person.drift.reset();
                person.slow.reset();
            }
            let (_, alerts_today) = person.day(Poisson::new(today).unwrap().sample(&mut random), day, &prior, regime);
            alerts += usize::from(alerts_today && day >= 60);
        }
    }
    float(alerts) / float(rates.len())
}

#[test]
fn a_tripled_rate_is_one_episode_and_then_normal() {
    let [ungated, gated, escaped, announced] = [
        alerts_after_role_change(Regime::Ungated, false),
        alerts_after_role_change(Regime::GatedWithoutEscape, false),
        alerts_after_role_change(Regime::Quarantined, false),
        alerts_after_role_change(Regime::Quarantined, true),
    ];
    eprintln!("alerts per person: ungated {ungated:.2}, gated {gated:.2}, with quarantine {escaped:.2}, announced {announced:.2}");
    assert!(gated > 10.0, "or there is nothing to escape from");
    assert!(escaped <= 1.6 && announced <= 1.0);
}

/// Which share of people is caught within 120 days whose rate grows by `growth` a day, by p < 5e-4 on the slow habit or by the
/// e-detector, and what became of their slow rate.
fn caught_and_risen(growth: f64) -> (f64, f64) {
    let (mut random, rates, prior) = world(13, 200);
    let (mut caught, mut rise) = (0, 0.0);
    for rate in &rates {
        let mut person = Person::default();
        let (mut is_caught, mut before) = (false, 0.0);
        for day in 0..180_u16 {
            let factor = growth.powi(i32::from(day.saturating_sub(60)));
            let count = Poisson::new(rate * factor).unwrap().sample(&mut random);
            if day == 60 {
                before = person.habit.rate();
                person.slow.reset();
            }
            let (p, _) = person.day(count, day, &prior, Regime::GatedWithoutEscape);
            is_caught |= day >= 60 && (p.surprise() > 3.3 || person.slow.is_alarm(1e-4));
        }
        caught += usize::from(is_caught);
        rise += person.habit.rate() / before.max(0.5) / float(rates.len());
    }
    (float(caught) / float(rates.len()), rise)
}

#[test]
fn a_frog_is_caught_and_its_baseline_does_not_follow() {
    let ((frogs, risen), (others, stayed)) = (caught_and_risen(1.01), caught_and_risen(1.0));
    eprintln!(
        "caught {frogs:.3} of frogs, {others:.3} of others; the slow rate rose to {risen:.2} while the behaviour rose to 3.3; else {stayed:.2}"
    );
    assert!(frogs >= 0.95 && others < 0.15 && risen < 1.7);
}

fn day(count: f64, p_self: f64) -> Day {
    Day { count, p_self: LogP::of(p_self), p_peer: LogP::HALF, is_sensitive: false }
}

#[track_caller]
fn check(days: &[Day], expected: &[Transition]) -> Habit {
    let (mut habit, mut quarantine) = (Habit::default(), Quarantine::default());
    (0..30).for_each(|_| habit.learn(10.0, Share::ONE));
    let seen: Vec<Transition> = days.iter().map(|it| quarantine.observe(*it, &mut habit)).collect();
    assert_eq!(seen, expected);
    habit
}

use Transition::{Closed, Continued, Opened, Ordinary, Promoted};

#[test]
fn one_episode_is_opened_once() {
    check(&[day(10.0, 0.4), day(25.0, 5e-3), day(40.0, 1e-6), day(40.0, 1e-6)], &[Ordinary, Ordinary, Opened, Continued]);
}

#[test]
fn three_ordinary_days_end_it() {
    let days = [day(40.0, 1e-6), day(9.0, 0.5), day(40.0, 1e-6), day(9.0, 0.5), day(9.0, 0.5), day(9.0, 0.5), day(9.0, 0.5)];
    check(&days, &[Opened, Continued, Continued, Continued, Continued, Closed, Ordinary]);
}

#[test]
fn ten_days_make_a_new_normal() {
    let mut expected = vec![Opened];
    expected.extend([Continued; 8]);
    expected.extend([Promoted, Opened]);
    let habit = check(&[day(40.0, 1e-6); 11], &expected);
    assert!((habit.rate() - 40.0).abs() < 1e-3);
}

#[test]
fn what_no_peer_does_or_what_is_sensitive_needs_somebody_s_word() {
    let mut expected = vec![Opened];
    expected.extend([Continued; 39]);
    for is_sensitive in [true, false] {
        let p_peer = if is_sensitive { LogP::HALF } else { LogP::of(1e-3) };
        let habit = check(&[Day { p_peer, is_sensitive, ..day(40.0, 1e-6) }; 40], &expected);
        assert!((habit.rate() - 10.0).abs() < 1e-3);
    }
    let (mut habit, mut quarantine) = (Habit::default(), Quarantine::default());
    assert_eq!(quarantine.promote(&mut habit), Ordinary);
    quarantine.observe(Day { is_sensitive: true, ..day(40.0, 1e-6) }, &mut habit);
    assert_eq!(quarantine.promote(&mut habit), Promoted);
    assert!((habit.rate() - 40.0).abs() < 1e-3 && !quarantine.is_open());
}

#[test]
fn a_rate_rises_five_percent_a_week_or_with_the_peers() {
    let risen = |peers_rise: f64| {
        let (mut habit, mut drift) = (Habit::default(), Drift::default());
        for window in 0..140_u16 {
            habit.learn(if window < 70 { 20.0 } else { 43.0 }, Share::ONE);
            drift.hold(&mut habit, 1 + window / 7, peers_rise);
        }
        habit.rate()
    };
    let weeks = |count: i32| 20.0 * 1.05_f64.powi(count);
    assert!((30.0..weeks(11)).contains(&risen(1.0)) && risen(1.3) > weeks(11) + 1.0, "{} {}", risen(1.0), risen(1.3));
}

proptest! {
    /// Nobody raises their own baseline beyond the budget, whatever they do.
    #[test]
    fn no_strategy_outruns_the_budget(counts in proptest::collection::vec(0_u16..400, 70)) {
        let prior = Prior::UNKNOWN;
        let mut person = Person::default();
        (0..70).for_each(|day| { person.day(10.0, day, &prior, Regime::GatedWithoutEscape); });
        let before = person.habit.rate();
        for (day, count) in (70_u16..).zip(&counts) {
            person.day(f64::from(*count), day, &prior, Regime::GatedWithoutEscape);
        }
        prop_assert!(person.habit.rate() <= before * 1.05_f64.powi(11) + 0.1, "{} {}", person.habit.rate(), before);
    }
}
