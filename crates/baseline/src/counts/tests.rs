//! Counts: what is learnt, inherited and cached.

use super::gate::GATE_ALPHA;
use super::{Gate, GroupRates, Habit, Prior, Recent, SLOW_HALF_LIFE, Sliding, of_variance};
use crate::Share;
use crate::tails::NegativeBinomial;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

fn habit(counts: &[f64]) -> Habit {
    let mut habit = Habit::default();
    counts.iter().for_each(|&it| habit.learn(it, Share::ONE));
    habit
}

fn group(rates: &[f64]) -> GroupRates {
    let mut group = GroupRates::default();
    rates.iter().for_each(|&it| group.add(&habit(&[it; 40])));
    group
}

#[test]
fn a_newcomer_is_expected_to_do_as_peers_do() {
    let prior = Prior::of_chain(&[group(&[9.0, 11.0, 10.0, 14.0, 6.0])]);
    let predicted = Habit::default().predict(&prior);
    assert!((predicted.mean() - 10.0).abs() < 0.1, "{predicted:?}");
    assert!(predicted.variance() > 15.0, "and less is known than of somebody with a history: {predicted:?}");
    assert_eq!(Habit::default().evidence(&prior), Share::ZERO);
}

#[test]
fn a_long_history_outweighs_the_peers() {
    let prior = Prior::of_chain(&[group(&[9.0, 11.0, 10.0, 14.0, 6.0])]);
    let own = habit(&[40.0; 120]);
    assert!((own.predict(&prior).mean() - 40.0).abs() < 8.0);
    assert!(own.evidence(&prior).get() > 0.75);
}

#[test]
fn a_small_team_is_its_role_with_a_hint_and_a_large_one_is_itself() {
    let role = group(&[10.0; 200]);
    let mean = |members: usize| Prior::of_chain(&[role, group(&vec![50.0; members])]).mean();
    assert!((10.0..25.0).contains(&mean(1)), "{}", mean(1));
    assert!((40.0..50.0).contains(&mean(40)), "{}", mean(40));
    assert_eq!(Prior::of_chain(&[role, GroupRates::default()]), Prior::of_chain(&[role]));
    assert_eq!(Prior::of_chain(&[GroupRates::default()]), Prior::UNKNOWN);
}

#[test]
fn three_levels_lie_in_the_order_of_their_evidence() {
    let (org, role, team) = (group(&[5.0; 500]), group(&[20.0; 30]), group(&[80.0; 3]));
    let prior = Prior::of_chain(&[org, role, team]).mean();
    assert!(prior > Prior::of_chain(&[org, role]).mean() && prior < 80.0);
}

#[test]
fn groups_merge_into_what_they_would_have_been_as_one() {
    let (mut left, right, whole) = (group(&[1.0, 4.0]), group(&[9.0]), group(&[1.0, 4.0, 9.0]));
    left.merge(&right);
    assert_eq!(Prior::of_chain(&[left]), Prior::of_chain(&[whole]));
}

#[test]
fn a_rejected_window_neither_teaches_nor_erodes() {
    let mut it = habit(&[12.0; 30]);
    let before = it;
    it.learn(27.0, Share::ZERO);
    assert_eq!((it.rate(), it.windows(), it.dispersion()), (before.rate(), before.windows(), before.dispersion()));
}

#[test]
fn what_is_recent_is_the_mean_at_first_and_the_latest_days_later_on() {
    let mut it = Recent::default();
    (1..=4_u16).for_each(|day| it.learn(f64::from(day), day));
    assert!((it.mean() - 2.5).abs() < 1e-6);
    (5..60).for_each(|day| it.learn(40.0, day));
    assert!((it.mean() - 40.0).abs() < 0.5, "{}", it.mean());
    it.learn(f64::NAN, 60);
    it.learn(f64::INFINITY, 61);
    assert!(it.mean().is_finite());
}

#[test]
fn the_share_that_is_forgotten_is_of_the_half_life() {
    assert!((super::SLOW_FORGOTTEN - super::forgotten(SLOW_HALF_LIFE)).abs() < 1e-17);
}

#[test]
fn half_is_forgotten_after_the_half_life() {
    let mut it = habit(&[10.0; 600]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small constant")]
    (0..SLOW_HALF_LIFE as u32).for_each(|_| it.learn(20.0, Share::ONE));
    assert!((it.rate() - 15.0).abs() < 0.1, "{}", it.rate());
}

#[test]
fn another_role_keeps_the_rate_but_lets_the_peers_decide() {
    let mut it = habit(&[10.0; 200]);
    let (rate, windows) = (it.rate(), it.windows());
    it.reanchor(Share::clamped(0.2));
    assert!((it.rate() - rate).abs() < 1e-4 && (it.windows() - 0.2 * windows).abs() < 1e-3);
    it.hold_at(4.0);
    assert!((it.rate() - 4.0).abs() < 1e-5 && (it.windows() - 0.2 * windows).abs() < 1e-3);
}

#[test]
fn moments_find_the_true_spread_of_people() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    // Rates Gamma(4, 1/3): mean 12, variance 36; beta = 1/3.
    let rates = Gamma::new(4.0, 3.0).unwrap();
    let mut group = GroupRates::default();
    for _ in 0..4_000 {
        let day = Poisson::new(rates.sample(&mut random)).unwrap();
        let counts: Vec<f64> = (0..20).map(|_| day.sample(&mut random)).collect();
        group.add(&habit(&counts));
    }
    let prior = Prior::of_chain(&[group]);
    assert!((prior.mean() - 12.0).abs() < 0.3 && (prior.beta() - 1.0 / 3.0).abs() < 0.03, "{prior:?}");
}

#[test]
fn sliding_counts_weigh_the_bucket_before() {
    let mut it = Sliding::default();
    (0..10).for_each(|_| it.add());
    assert_eq!(it.roll(1), 10);
    (0..3).for_each(|_| it.add());
    assert_eq!([0.0, 0.5, 1.0].map(|passed| it.count(Share::clamped(passed))), [13, 8, 3]);
    assert_eq!((it.roll(2), it.count(Share::ZERO)), (3, 0));
    assert_eq!(it.roll(0), 0);
}

#[test]
fn habits_come_back_from_bytes_as_they_were() {
    let it = habit(&[3.0, 1.0 / 3.0, 1e6, 0.0]);
    let bytes = postcard::to_stdvec(&it).unwrap();
    assert_eq!(postcard::from_bytes::<Habit>(&bytes).unwrap(), it);
}

/// The naive twin of the cached gate: every count looked at.
fn first_by_scan(predicted: NegativeBinomial) -> u32 {
    (0..1_000_000).find(|&x| predicted.upper(f64::from(x)).p() < GATE_ALPHA).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn the_gate_is_crossed_exactly_by_what_is_rarer_than_one_in_a_hundred(counts in proptest::collection::vec(0_u16..200, 0..60), peers in 0.01_f64..60.0) {
        let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
        let predicted = habit(&counts).predict(&Prior::of_chain(&[group(&[peers, peers * 1.5, peers * 0.5])]));
        let (gate, first) = (Gate::of(predicted), first_by_scan(predicted));
        prop_assert!(gate.is_crossed(first) && !gate.is_crossed(first - 1));
        for count in [first / 2, first + 1, first * 3] {
            prop_assert_eq!(gate.is_crossed(count), predicted.upper(f64::from(count)).p() < GATE_ALPHA);
        }
    }

    /// The gate that costs a square root instead of ten tails.
    #[test]
    fn the_quick_gate_lets_more_through_and_never_less(ln_mean in -9.0_f64..9.0, ln_over in -7.0_f64..8.0) {
        let mean = libm::exp(ln_mean);
        let predicted = of_variance(mean, mean * (1.0 + libm::exp(ln_over)));
        let (quick, exact) = (Gate::beneath(predicted), Gate::of(predicted));
        prop_assert!(quick.first() <= exact.first(), "{} of {}", quick.first(), exact.first());
    }

    #[test]
    fn nothing_that_is_learnt_makes_a_prediction_impossible(counts in proptest::collection::vec((any::<f64>(), 0.0_f64..1.0), 0..40)) {
        let mut it = Habit::default();
        counts.iter().for_each(|&(count, learnt)| it.learn(count, Share::clamped(learnt)));
        it.learn(f64::INFINITY, Share::ONE);
        prop_assert!(it.rate().is_finite() && it.dispersion().is_finite());
        let predicted = it.predict(&Prior::UNKNOWN);
        prop_assert!(predicted.mean() > 0.0 && predicted.mean().is_finite() && predicted.size().is_finite());
    }
}

#[test]
fn a_gate_that_does_not_fit_lets_more_through_never_less() {
    let gate = Gate::of(of_variance(200_000.0, 200_001.0));
    assert!(gate.is_crossed(65_535) && gate.is_crossed(1_000_000) && !gate.is_crossed(65_534));
    assert!(Gate::default().is_crossed(0));
}
