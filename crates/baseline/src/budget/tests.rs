//! The budget: the threshold finds the rate that was asked for, and nothing above it is lost.

use super::Admission::{Bypass, Digest, Page};
use super::{Admission, Bucket, Candidate, STEP_MAX, Threshold, is_sampled};
use crate::{Share, Weight};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
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

fn candidates(priorities: &[f64]) -> Vec<Candidate> {
    let candidate = |(id, &it): (u64, &f64)| Candidate {
        id,
        priority: Weight::clamped(it),
        is_critical: it > 100.0,
        admission: Admission::Digest,
    };
    (0..).zip(priorities).map(candidate).collect()
}

#[test]
fn the_riskiest_are_shown_first_and_the_rest_is_in_the_digest() {
    let mut bucket = Bucket::new(0, Weight::clamped(2.0));
    let mut all = candidates(&[1.0, 9.0, 3.0, 200.0, 5.0]);
    bucket.admit(0, Weight::clamped(2.0), &mut all);
    let shown: Vec<_> = all.iter().map(|it| (it.id, it.admission)).collect();
    assert_eq!(shown, [(3, Bypass), (1, Page), (4, Page), (2, Digest), (0, Digest)]);
}

#[test]
fn quiet_days_are_made_up_for_but_not_weeks() {
    let per_day = Weight::clamped(4.0);
    let mut bucket = Bucket::new(0, per_day);
    bucket.admit(30 * DAY_MS, per_day, &mut []);
    assert!((bucket.left() - 8.0).abs() < 1e-12);
    bucket.admit(30 * DAY_MS, per_day, &mut candidates(&[1.0; 20]));
    bucket.admit(30 * DAY_MS + DAY_MS / 4, per_day, &mut []);
    bucket.admit(0, per_day, &mut []);
    assert!((bucket.left() - 1.0).abs() < 1e-9, "a quarter of a day is one of four");
}

#[test]
fn a_tenth_of_the_budget_looks_below_the_threshold() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let shown = (0..100_000).filter(|_| is_sampled(Share::clamped(random.random()), 20.0, 1_000.0)).count();
    assert!((180..=220).contains(&shown), "{shown} of 100 days");
}

proptest! {
    #[test]
    fn no_stretch_of_time_shows_more_than_its_budget_and_a_burst(gaps in proptest::collection::vec((0_i64..DAY_MS, 0_usize..6), 1..60)) {
        let per_day = Weight::clamped(3.0);
        let (mut bucket, mut now, mut shown, mut offered, mut digested) = (Bucket::new(0, per_day), 0, 0, 0, 0);
        for (gap, count) in gaps {
            now += gap;
            let mut all = candidates(&vec![1.0; count]);
            bucket.admit(now, per_day, &mut all);
            offered += count;
            shown += all.iter().filter(|it| it.admission == Admission::Page).count();
            digested += all.iter().filter(|it| it.admission == Admission::Digest).count();
        }
        prop_assert_eq!(shown + digested, offered);
        #[expect(clippy::cast_precision_loss, reason = "days")]
        let allowed = 3.0 + now as f64 / DAY_MS as f64 * 3.0 + 1e-9;
        prop_assert!(crate::pareto::float(shown) <= allowed);
    }
}
