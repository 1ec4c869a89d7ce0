//! The budget: the threshold finds the rate that was asked for, and nothing above it is lost.

use super::{Bucket, STEP_MAX, Threshold};
use crate::Weight;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, Pareto};

const DAY_MS: i64 = 86_400_000;

/// Fits on a fortnight, then counts how many of the next days' maxima exceed the threshold, relative to what was asked for.
fn adherence(seed: u64, draw: impl Fn(&mut ChaCha8Rng) -> f64, per_day: f64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (active, days) = (2_000, 14);
    let mut maxima: Vec<f64> = (0..active * days).map(|_| draw(&mut random)).collect();
    let mut threshold = Threshold::starting_at(Weight::clamped(1.0));
    threshold.refit(&mut maxima, per_day, f64::from(active));
    let later = 80;
    let above = (0..active * later).filter(|_| draw(&mut random) > threshold.risk()).count();
    crate::pareto::float(above) / f64::from(later) / per_day
}

#[test]
fn as_many_exceed_the_threshold_as_can_be_read() {
    for seed in 0..5 {
        for per_day in [0.5, 2.0, 10.0, 100.0] {
            let light = adherence(seed, |random| Exp::new(1.3).unwrap().sample(random), per_day);
            let heavy = adherence(seed, |random| Pareto::new(1.0, 4.0).unwrap().sample(random), per_day);
            let slack = if per_day < 1.0 { 0.6 } else { 0.35 };
            assert!((light - 1.0).abs() < slack && (heavy - 1.0).abs() < slack, "seed {seed}, {per_day} a day: {light} {heavy}");
        }
    }
}

#[test]
fn a_bad_day_does_not_move_the_threshold_far() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut maxima: Vec<f64> = (0..10_000).map(|_| Exp::new(1.0).unwrap().sample(&mut random)).collect();
    let mut threshold = Threshold::starting_at(Weight::clamped(99.0));
    threshold.refit(&mut maxima, 5.0, 1_000.0);
    let before = threshold.risk();
    assert!((before - 200.0_f64.ln()).abs() < 0.5, "the first fit takes it where it belongs: {before}");
    maxima.iter_mut().for_each(|it| *it *= 10.0);
    threshold.refit(&mut maxima, 5.0, 1_000.0);
    assert!((threshold.risk() / before - 1.0 - STEP_MAX).abs() < 1e-12);
}

#[test]
fn too_little_to_go_by_changes_nothing() {
    let mut threshold = Threshold::starting_at(Weight::clamped(3.0));
    threshold.refit(&mut [1.0; 30], 5.0, 100.0);
    threshold.refit(&mut [], 5.0, 0.0);
    threshold.refit(&mut [f64::NAN; 100], f64::NAN, 100.0);
    threshold.refit(&mut [f64::NAN; 100], 5.0, 100.0);
    threshold.refit(&mut [-1.0; 100], 5.0, 100.0);
    assert_eq!(threshold, Threshold::starting_at(Weight::clamped(3.0)));
    threshold.refit(&mut [2.0; 100], 5.0, 100.0);
    assert_eq!(threshold.risk().to_bits(), 2.0_f64.to_bits(), "all alike: their value");
}

#[test]
fn what_can_not_wait_is_expected_once_in_140_days() {
    for seed in 0..5 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || Exp::new(1.3).unwrap().sample(&mut random);
        let mut maxima: Vec<f64> = (0..28_000).map(|_| draw()).collect();
        let mut threshold = Threshold::starting_at(Weight::clamped(1.0));
        threshold.refit(&mut maxima, 5.0, 2_000.0);
        let expected = (2_000.0 * 140.0_f64).ln() / 1.3;
        assert!((threshold.rare() / expected - 1.0).abs() < 0.25, "seed {seed}: {} instead of {expected}", threshold.rare());
        assert!(threshold.rare() > *maxima.last().unwrap() * 0.9, "rarer than nearly all that the fortnight held");
    }
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut maxima: Vec<f64> = (0..28_000).map(|_| Exp::new(1.3).unwrap().sample(&mut random)).collect();
    let (mut calm, mut attacked) = (Threshold::starting_at(Weight::clamped(1.0)), Threshold::starting_at(Weight::clamped(1.0)));
    calm.refit(&mut maxima, 5.0, 2_000.0);
    maxima.iter_mut().rev().take(12).for_each(|it| *it = 90.0);
    attacked.refit(&mut maxima, 5.0, 2_000.0);
    assert!((attacked.rare() / calm.rare() - 1.0).abs() < 0.25, "attackers don't make it common: {attacked:?} {calm:?}");
    let mut alike = Threshold::starting_at(Weight::clamped(3.0));
    assert!((alike.rare() - 6.0).abs() < 1e-12);
    alike.refit(&mut [2.0; 100], 5.0, 100.0);
    assert!((alike.rare() - 4.0).abs() < 1e-12, "without a tail nobody is rare for being like all others");
}

#[test]
fn quiet_days_are_made_up_for_but_not_weeks() {
    let per_day = Weight::clamped(4.0);
    let mut bucket = Bucket::new(0, per_day);
    bucket.refill(30 * DAY_MS, per_day);
    assert!((bucket.left() - 8.0).abs() < 1e-12);
    assert_eq!((0..20).filter(|_| bucket.take(0.0)).count(), 8);
    bucket.refill(30 * DAY_MS + DAY_MS / 4, per_day);
    bucket.refill(0, per_day);
    assert!((bucket.left() - 1.0).abs() < 1e-9, "a quarter of a day is one of four");
}

#[test]
fn a_budget_of_less_than_one_a_day_comes_to_a_whole_one() {
    let per_day = Weight::clamped(0.25);
    let mut bucket = Bucket::new(0, per_day);
    assert!(!bucket.take(0.0));
    bucket.refill(3 * DAY_MS, per_day);
    assert!(bucket.take(0.0) && !bucket.take(0.0));
    bucket.refill(300 * DAY_MS, per_day);
    assert!((bucket.left() - 1.25).abs() < 1e-12);
}

#[test]
fn tokens_of_tomorrow_are_paid_back_first() {
    let per_day = Weight::clamped(2.0);
    let mut bucket = Bucket::new(0, per_day);
    assert_eq!((0..9).filter(|_| bucket.take(-2.0)).count(), 4, "today's two and tomorrow's");
    bucket.refill(DAY_MS, per_day);
    assert!(!bucket.has(0.0) && bucket.has(-2.0));
    bucket.refill(DAY_MS * 3 / 2, per_day);
    assert!(bucket.take(0.0) && !bucket.has(0.0));
}

proptest! {
    #[test]
    fn no_stretch_of_time_shows_more_than_its_budget_a_burst_and_what_is_borrowed(gaps in proptest::collection::vec((0_i64..DAY_MS, 0_usize..6, any::<bool>()), 1..60)) {
        let per_day = Weight::clamped(3.0);
        let (mut bucket, mut now, mut shown) = (Bucket::new(0, per_day), 0, 0);
        for (gap, count, is_rare) in gaps {
            now += gap;
            bucket.refill(now, per_day);
            shown += (0..count).filter(|_| bucket.take(if is_rare { -3.0 } else { 0.0 })).count();
        }
        #[expect(clippy::cast_precision_loss, reason = "days")]
        let allowed = 6.0 + now as f64 / DAY_MS as f64 * 3.0 + 1e-6;
        prop_assert!(crate::pareto::float(shown) <= allowed);
    }
}
