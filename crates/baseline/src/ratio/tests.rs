//! Shares: what is inherited, learnt and surprising.

use super::{GroupRatios, Ratio, RatioPrior};
use crate::Share;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Binomial, Distribution};

fn ratio(yes: u32, trials: u32, windows: usize) -> Ratio {
    let mut ratio = Ratio::default();
    (0..windows).for_each(|_| ratio.learn(yes, trials, Share::ONE));
    ratio
}

fn group(shares: &[(u32, u32)]) -> GroupRatios {
    let mut group = GroupRatios::default();
    shares.iter().for_each(|&(yes, trials)| group.add(&ratio(yes, trials, 20)));
    group
}

#[test]
fn no_tickets_where_everybody_has_them_is_a_surprise_and_where_nobody_has_is_none() {
    let careful = RatioPrior::of_chain(&[group(&[(1, 50), (0, 50), (2, 50), (1, 60)])]);
    let careless = RatioPrior::of_chain(&[group(&[(40, 50), (45, 50), (30, 50), (50, 60)])]);
    let newcomer = Ratio::default();
    assert!(newcomer.predict(10, &careful).upper(9).surprise() > 3.0);
    assert!(newcomer.predict(10, &careless).upper(9).surprise() < 1.0);
    assert!(ratio(45, 50, 30).predict(10, &careful).upper(9).surprise() < 1.0, "unless it is the person's own habit");
}

#[test]
fn moments_find_the_true_spread_of_shares() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let shares = Beta::new(1.2, 4.8).unwrap();
    let mut group = GroupRatios::default();
    for _ in 0..5_000 {
        let share: f64 = shares.sample(&mut random);
        let mut member = Ratio::default();
        (0..4).for_each(|_| {
            let yes = Binomial::new(20, share).unwrap().sample(&mut random);
            member.learn(u32::try_from(yes).unwrap(), 20, Share::ONE);
        });
        group.add(&member);
    }
    let prior = RatioPrior::of_chain(&[group]);
    assert!((prior.share() - 0.2).abs() < 0.01 && (prior.trials() - 6.0).abs() < 0.6, "{prior:?}");
}

#[test]
fn p_values_of_newcomers_are_honest() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let shares = Beta::new(1.2, 4.8).unwrap();
    let prior = RatioPrior { share: 0.2, trials: 6.0 };
    let draws = 40_000;
    let rare = (0..draws).filter(|_| {
        let yes = Binomial::new(12, shares.sample(&mut random)).unwrap().sample(&mut random);
        let predicted = Ratio::default().predict(12, &prior);
        predicted.mid_p(u32::try_from(yes).unwrap(), Share::clamped(random.random())).p() < 0.01
    });
    let rare = crate::pareto::float(rare.count()) / f64::from(draws) / 0.01;
    assert!((0.85..1.15).contains(&rare), "{rare}");
}

#[test]
fn a_long_history_still_leaves_room_for_a_bad_day() {
    let it = ratio(30, 100, 500);
    assert!((it.trials() - super::OWN_TRIALS_MAX).abs() < 1e-3 && (it.share() - 0.3).abs() < 1e-3);
    assert!(it.evidence(&RatioPrior::UNKNOWN).get() > 0.9);
}

#[test]
fn a_small_team_is_its_role_with_a_hint() {
    let role = group(&[(5, 50); 100]);
    let of = |members: usize| RatioPrior::of_chain(&[role, group(&vec![(50, 50); members])]).share();
    assert!((0.1..0.4).contains(&of(1)) && of(60) > 0.85, "{} {}", of(1), of(60));
    assert_eq!(RatioPrior::of_chain(&[]), RatioPrior::UNKNOWN);
    let (mut left, whole) = (group(&[(1, 9)]), group(&[(1, 9), (4, 7)]));
    left.merge(&group(&[(4, 7)]));
    assert_eq!(left, whole);
}

proptest! {
    #[test]
    fn nothing_that_is_learnt_makes_a_prediction_impossible(windows in proptest::collection::vec((any::<u32>(), any::<u32>(), 0.0_f64..1.0), 0..30)) {
        let mut it = Ratio::default();
        windows.iter().for_each(|&(yes, trials, learnt)| it.learn(yes, trials, Share::clamped(learnt)));
        prop_assert!((0.0..=1.0).contains(&it.share()) && it.trials() <= super::OWN_TRIALS_MAX * 1.001);
        let tails = it.predict(20, &RatioPrior::UNKNOWN).tails(10);
        prop_assert!((tails.upper.p() + tails.lower.p() - 1.0).abs() < 1e-12);
        prop_assert_eq!(postcard::from_bytes::<Ratio>(&postcard::to_stdvec(&it).unwrap()).unwrap(), it);
    }
}
