//! Low and slow: honest while nothing changes, and soon enough when something does.

use super::Slow;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

const MEAN: f64 = 14.0;

/// Days until the alarm, at most `most`.
fn days_to_alarm(random: &mut ChaCha8Rng, mean: impl Fn(u32) -> f64, alpha: f64, most: u32) -> u32 {
    let mut slow = Slow::default();
    for day in 0..most {
        slow.add(Poisson::new(mean(day)).unwrap().sample(random), MEAN, 1.0);
        if slow.is_alarm(alpha) {
            return day + 1;
        }
    }
    most
}

fn median(seed: u64, mean: impl Fn(u32) -> f64, alpha: f64) -> u32 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut days: Vec<u32> = (0..201).map(|_| days_to_alarm(&mut random, &mean, alpha, 400)).collect();
    days.sort_unstable();
    days[100]
}

#[test]
fn false_alarms_are_as_rare_as_promised() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for alpha in [0.02, 0.005] {
        let runs = 300;
        // Cut off, the mean is only smaller.
        let most = 2_000;
        let total: u32 = (0..runs).map(|_| days_to_alarm(&mut random, |_| MEAN, alpha, most)).sum();
        let average = f64::from(total) / f64::from(runs);
        eprintln!("alpha {alpha}: an alarm in {average:.0} days");
        assert!(average >= 1.0 / alpha, "{average}");
    }
}

#[test]
fn steps_and_frogs_are_caught_within_weeks() {
    let alpha = 1e-3;
    let [half_more, third_more, frog] = [
        median(2, |_| MEAN * 1.6, alpha),
        median(3, |_| MEAN * 1.3, alpha),
        median(4, |day| MEAN * 1.01_f64.powi(day.cast_signed()), alpha),
    ];
    eprintln!("+60 %: day {half_more}, +30 %: day {third_more}, +1 % a day: day {frog}");
    assert!(half_more <= 8 && third_more <= 30 && frog <= 60);
}

#[test]
fn thirty_three_extra_accounts_a_day_inside_working_hours_are_caught() {
    let mut slow = Slow::default();
    let day = (1..=60).find(|_| {
        slow.add(80.0 + 33.0, 80.0, 3.0);
        slow.is_alarm(1e-3)
    });
    assert!(day.unwrap() <= 10 && slow.rise() < 2.0, "{day:?}");
    assert!(slow.is_suspect());
    slow.reset();
    assert_eq!(slow, Slow::default());
}

#[test]
fn a_burst_of_one_day_is_not_slow() {
    let mut slow = Slow::default();
    (0..60).for_each(|_| slow.add(MEAN, MEAN, 2.0));
    slow.add(50.0 * MEAN, MEAN, 2.0);
    assert!(slow.evidence() < 1e3_f64.ln(), "{}", slow.evidence());
}

proptest! {
    #[test]
    fn evidence_is_what_the_definition_says(days in proptest::collection::vec(0_u32..60, 0..80)) {
        let mut slow = Slow::default();
        let mut m = [0.0_f64; 4];
        for &x in &days {
            slow.add(f64::from(x), MEAN, 2.0);
            let counted = f64::from(x).min(2.0 * MEAN + 3.0);
            for (it, rise) in m.iter_mut().zip(super::RISES) {
                *it = (*it + 1.0) * (0.9 * (counted * rise.ln() - (rise - 1.0) * MEAN) / 2.0).exp();
            }
        }
        let naive = (m.iter().sum::<f64>() / 4.0).ln_1p().min(700.0);
        prop_assert!((slow.evidence() - naive).abs() <= 1e-4 * naive.max(1.0), "{} {}", slow.evidence(), naive);
        prop_assert_eq!(postcard::from_bytes::<Slow>(&postcard::to_stdvec(&slow).unwrap()).unwrap(), slow);
    }

    #[test]
    fn no_day_breaks_it(x in 0.0_f64..1e12, mean in 0.0_f64..1e9) {
        let mut slow = Slow::default();
        (0..50).for_each(|_| slow.add(x, mean, 1.0));
        let before = slow;
        slow.add(f64::NAN, mean, 1.0);
        prop_assert_eq!(slow, before);
        prop_assert!((0.0..=700.5).contains(&slow.evidence()) && slow.cusum().is_finite());
    }
}
