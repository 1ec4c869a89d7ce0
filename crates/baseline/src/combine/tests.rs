//! Combination: what it keeps, what it bounds, and that it stays honest when channels depend on each other.

use super::{Channel, Score, across_families, contributions, of_family, without};
use crate::tails::chi_square;
use crate::{LogP, Weight};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn channels(p_values: &[f64]) -> Vec<Channel> {
    p_values.iter().map(|&it| Channel { p: LogP::of(it), weight: Weight::ONE }).collect()
}

#[track_caller]
fn check(p_values: &[f64], expected: f64) {
    let p = across_families(&channels(p_values)).p();
    assert!((p / expected - 1.0).abs() < 1e-12, "{p:e}, not {expected:e}");
}

#[test]
fn combinations_are_as_computed_with_thirty_digits() {
    // mpmath, 30 digits, from the definition.
    check(&[0.01, 0.02, 0.3], 0.019_687_862_572_625_72);
    check(&[1e-8, 0.5, 0.5, 0.5], 4e-8);
    check(&[1e-200, 1e-200, 0.5, 0.5], 2e-200);
    check(&[0.9, 0.95, 0.6], 0.904_675_117_111_538_9);
    check(&[1e-17, 1e-3], 1.999_999_999_999_98e-17);
}

#[test]
fn nothing_to_say_is_said_by_a_half() {
    check(&[0.5, 0.5], 0.5);
    assert_eq!(across_families(&[]), LogP::ONE);
    assert_eq!(of_family(&[]), LogP::ONE);
    assert_eq!(of_family(&[LogP::of(0.6), LogP::of(0.9)]), LogP::ONE);
    assert!((of_family(&[LogP::of(1e-5), LogP::of(0.9)]).p() - 2e-5).abs() < 1e-18);
}

#[test]
fn beyond_the_range_of_doubles_the_smallest_decides() {
    let far = |ln_p: f64| Channel { p: LogP::clamped(ln_p), weight: Weight::ONE };
    let p = across_families(&[far(-5_000.0), far(-5_000.0), far(-1.0), far(-0.1)]);
    assert!((p.ln_p() + 5_000.0 - 2.0_f64.ln()).abs() < 1e-9);
    // Both ways of computing meet.
    let (near, beyond) = (across_families(&[far(-599.999_999), far(-2.0)]), across_families(&[far(-600.000_001), far(-2.0)]));
    assert!((near.ln_p() - beyond.ln_p() - 2e-6).abs() < 1e-9);
}

#[test]
fn a_score_says_how_often_in_user_days() {
    assert!((Score::of(LogP::of(1e-6), 100.0).get() - 40.0).abs() < 1e-9);
    assert!((Score::of(LogP::of(1e-6), 100.0).expected_per_day() - 1e-4).abs() < 1e-12);
    assert_eq!(Score::of(LogP::of(0.5), 1e9), Score::ZERO);
    assert_eq!(Score::of(LogP::MIN, 0.0), Score::MAX);
    assert_eq!(Score::of(LogP::of(1e-3), f64::NAN), Score::of(LogP::of(1e-3), 1.0));
}

#[test]
fn each_score_says_what_it_would_be_without() {
    let channels = channels(&[0.5, 1e-9, 1e-4, 0.3, 1e-6]);
    let [first, second, third] = contributions::<3>(&channels, 1.0).map(Option::unwrap);
    assert_eq!([first.channel, second.channel, third.channel], [1, 4, 2]);
    assert!(first.share > 0.99 && (first.without.get() - 53.0).abs() < 0.2, "{first:?}");
    assert_eq!(second.without, Score::of(without(&channels, 4), 1.0));
    assert_eq!(contributions::<2>(&[Channel { p: LogP::HALF, weight: Weight::ONE }], 1.0), [None, None]);
}

#[test]
fn extreme_channels_share_fairly() {
    let tiny = Channel { p: LogP::clamped(-4_000.0), weight: Weight::ONE };
    let [a, b] = contributions::<2>(&[tiny, tiny], 1.0).map(Option::unwrap);
    assert!((a.share - 0.5).abs() < 1e-12 && (b.share - 0.5).abs() < 1e-12);
}

/// The table of the design: eight channels with correlation ρ, observed over nominal at 1e-3. Fisher's method is there to show that the
/// test can tell.
#[test]
fn dependence_between_channels_does_not_make_alarms() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let level = LogP::of(1e-3);
    let draws = 150_000;
    for (rho, fisher_is_off) in [(0.0_f64, false), (0.3, true), (0.6, true), (0.9, true)] {
        let (mut cauchy, mut fisher) = (0.0, 0.0);
        for _ in 0..draws {
            let common: f64 = StandardNormal.sample(&mut random);
            let p_values: [f64; 8] = std::array::from_fn(|_| {
                let own: f64 = StandardNormal.sample(&mut random);
                0.5 * libm::erfc((rho.sqrt() * common + (1.0 - rho).sqrt() * own) / 2.0_f64.sqrt())
            });
            cauchy += f64::from(u8::from(across_families(&channels(&p_values)) <= level));
            let sum = -2.0 * p_values.iter().map(|it| it.ln()).sum::<f64>();
            fisher += f64::from(u8::from(chi_square(16.0, sum).upper <= level));
        }
        let [cauchy, fisher] = [cauchy, fisher].map(|it: f64| it / f64::from(draws) / 1e-3);
        eprintln!("rho {rho}: Cauchy {cauchy:.2}, Fisher {fisher:.1}");
        assert!((0.75..=1.35).contains(&cauchy), "rho {rho}: {cauchy}");
        assert_eq!(fisher > 10.0, fisher_is_off, "rho {rho}: {fisher}");
    }
}

proptest! {
    #[test]
    fn one_channel_is_itself(ln_p in -100_000.0_f64..-0.02, weight in 1e-6_f64..1e6) {
        let channel = Channel { p: LogP::clamped(ln_p), weight: Weight::clamped(weight) };
        prop_assert!((across_families(&[channel]).ln_p() / ln_p - 1.0).abs() < 1e-12);
    }

    #[test]
    fn more_surprise_in_a_channel_is_never_less_in_all(ln_ps in proptest::collection::vec(-900.0_f64..0.0, 1..9), more in 0.0_f64..50.0) {
        let mut channels: Vec<Channel> = ln_ps.iter().map(|&it| Channel { p: LogP::clamped(it), weight: Weight::ONE }).collect();
        let before = across_families(&channels);
        channels[0].p = LogP::clamped(ln_ps[0] - more);
        prop_assert!(across_families(&channels).ln_p() <= before.ln_p() + 1e-9);
    }
}
