//! The tails against values of 20 digits (`testdata/reference.py`), and against each other.

use super::stirling::remainder;
use super::{BetaBinomial, NegativeBinomial, Tails, chi_square, poisson};
use crate::{LogP, Share};
use proptest::prelude::*;

/// What the issue asks for.
const WANTED: f64 = 1e-9;
/// What is there: the worst over all references is 1.3e-12, for a count of mean 3,000 at p = 1e-298.
const REACHED: f64 = 5e-12;

struct Reference {
    family: &'static str,
    parameters: [f64; 3],
    x: f64,
    upper: f64,
    lower: f64,
}

fn references() -> impl Iterator<Item = Reference> {
    include_str!("../../testdata/tails.csv").lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| if cells[at].is_empty() { f64::NAN } else { cells[at].parse().unwrap() };
        Reference {
            family: cells[0],
            parameters: [number(1), number(2), number(3)],
            x: number(4),
            upper: number(5),
            lower: number(6),
        }
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the references hold small integers there")]
fn tails_of(it: &Reference) -> Tails {
    let [a, b, c] = it.parameters;
    match it.family {
        "nb" => NegativeBinomial::new(a, b).tails(it.x),
        "poisson" => poisson(a, it.x),
        "chi_square" => chi_square(a, it.x),
        "beta_binomial" => BetaBinomial::new(a as u32, b, c).tails(it.x as u32),
        other => panic!("no such family: {other}"),
    }
}

#[test]
fn every_tail_is_as_exact_as_a_double_allows() {
    let mut worst: std::collections::BTreeMap<&str, (f64, String)> = std::collections::BTreeMap::new();
    let mut count = 0;
    for it in references().filter(|it| it.family != "stirling") {
        let tails = tails_of(&it);
        let error = |ln_p: LogP, exact: f64| ((ln_p.ln_p() - exact) / exact).abs();
        let error = error(tails.upper, it.upper).max(error(tails.lower, it.lower));
        let entry = worst.entry(it.family).or_default();
        if error.is_nan() || error > entry.0 {
            *entry = (error, format!("{:?} at {}: {tails:?}, exact {} and {}", it.parameters, it.x, it.upper, it.lower));
        }
        count += 1;
    }
    eprintln!("{count} references; the worst relative errors of ln p: {worst:#?}");
    assert!(count >= 3_000 && REACHED < WANTED);
    assert!(worst.values().all(|(error, _)| *error < REACHED), "{worst:#?}");
}

#[test]
fn the_references_reach_as_far_as_the_promise() {
    let (least, nearest) = references()
        .filter(|it| it.family == "nb")
        .fold((0.0_f64, -1.0_f64), |(least, nearest), it| (least.min(it.upper), nearest.max(it.upper)));
    assert!(least < -660.0 && nearest > -1e-290, "{least} {nearest}");
}

#[test]
fn stirling_s_remainder_is_exact() {
    for it in references().filter(|it| it.family == "stirling") {
        let error = (remainder(it.x) - it.upper).abs();
        assert!(error < 1e-14 * it.upper.abs().max(1.0), "{}: {error:e}", it.x);
    }
}

#[test]
fn a_large_size_is_poisson() {
    for (mean, x) in [(0.1, 3.0), (5.0, 20.0), (100.0, 160.0), (100.0, 40.0)] {
        let (nb, limit) = (NegativeBinomial::new(mean, 1e300).upper(x), poisson(mean, x).upper);
        // The first term of the expansion in 1/k is of the order (x-μ)²/2k.
        assert!((nb.ln_p() - limit.ln_p()).abs() < (x - mean) * (x - mean) / 1e6 + 1e-5 * limit.ln_p().abs(), "{nb:?} {limit:?}");
    }
}

#[test]
fn nonsense_has_an_answer() {
    for x in [f64::NAN, -3.0, 0.0] {
        assert_eq!(NegativeBinomial::new(f64::NAN, f64::NAN).upper(x), LogP::ONE);
        assert_eq!(poisson(1.0, x).upper, LogP::ONE);
    }
    assert_eq!(poisson(0.0, 1.0).upper, LogP::MIN);
    assert_eq!(chi_square(f64::NAN, 1.0).upper, LogP::MIN);
    assert!(NegativeBinomial::new(1e300, 1e-300).upper(1e300).ln_p() < -1e4);
    assert!(NegativeBinomial::new(0.0, 1.0).upper(1e18).ln_p() < -1e5);
    assert_eq!(BetaBinomial::new(0, 1.0, 1.0).upper(1), LogP::MIN);
    assert!(BetaBinomial::new(u32::MAX, f64::NAN, f64::INFINITY).upper(u32::MAX).ln_p() < -1e5);
    assert!((BetaBinomial::new(u32::MAX, 1.0, 1.0).upper(u32::MAX / 4).p() - 0.75).abs() < 1e-4);
}

/// To ten digits of ln p, however small that is.
fn is_near(one: LogP, other: LogP) -> bool {
    (one.ln_p() - other.ln_p()).abs() <= 1e-10 * other.ln_p().abs()
}

proptest! {
    #[test]
    fn tails_fall_with_x_and_their_sides_sum_to_one(mean in 1e-4_f64..1e4, size in 0.05_f64..1e5, x in 1_u32..20_000) {
        let count = NegativeBinomial::new(mean, size);
        let (here, next) = (count.tails(f64::from(x)), count.tails(f64::from(x) + 1.0));
        prop_assert!(next.upper <= here.upper && next.lower >= here.lower);
        prop_assert!((here.upper.p() + here.lower.p() - 1.0).abs() < 1e-12);
        let at = f64::from(x);
        let [upper, point] = count.upper_and_point(at);
        prop_assert!(is_near(upper, count.upper(at)) && is_near(point, count.point(at)));
        let [upper, or_fewer] = count.both(at);
        let (smaller, quick) = (upper.min(or_fewer), count.smaller_tail(at));
        let is_right = if smaller < LogP::of(0.4) { (quick.ln_p() - smaller.ln_p()).abs() < 1e-9 } else { quick >= LogP::of(0.39) };
        prop_assert!(is_right, "{quick:?} {smaller:?}");
        prop_assert!(is_near(upper, here.upper));
        prop_assert!((or_fewer.ln_p() - next.lower.ln_p()).abs() <= 1e-9 * next.lower.ln_p().abs().max(1e-3));
        // P(X >= x) = P(X >= x+1) + P(X = x)
        let sum = next.upper.or(count.point(f64::from(x)));
        prop_assert!((sum.ln_p() - here.upper.ln_p()).abs() <= 1e-10 * here.upper.ln_p().abs().max(1e-3), "{sum:?} {here:?}");
    }

    #[test]
    fn near_the_mean_the_smaller_tail_is_found_on_either_side(mean in 24.0_f64..60.0, size in 1e3_f64..1e6, off in -3_i32..3) {
        let (count, x) = (NegativeBinomial::new(mean, size), mean.floor() + f64::from(off));
        let [upper, or_fewer] = count.both(x);
        let (smaller, quick) = (upper.min(or_fewer), count.smaller_tail(x));
        let is_right = if smaller < LogP::of(0.49) { (quick.ln_p() - smaller.ln_p()).abs() < 1e-12 } else { quick >= LogP::of(0.48) };
        prop_assert!(is_right, "{quick:?} {smaller:?}");
    }

    #[test]
    fn small_counts_that_are_added_up_have_the_tail_that_is_computed(mean in 1e-3_f64..40.0, size in 0.05_f64..1e6, x in 1_u32..30) {
        let (count, x) = (NegativeBinomial::new(mean, size), f64::from(x));
        let (upper, point) = (count.tails(x).upper, count.point(x));
        let or_fewer = count.tails(x).lower.or(point);
        let (smaller, quick) = (upper.min(or_fewer), count.smaller_tail(x));
        let is_right = if smaller < LogP::of(0.49) { (quick.ln_p() - smaller.ln_p()).abs() < 1e-12 } else { quick >= LogP::of(0.48) };
        prop_assert!(is_right, "{quick:?} {smaller:?}");
        let ([quick, same_point], [same, quick_or_fewer]) = (count.upper_and_point(x), count.both(x));
        prop_assert!(is_near(quick, upper) && is_near(same_point, point), "{quick:?} {upper:?} {same_point:?} {point:?}");
        prop_assert!(is_near(same, upper) && is_near(quick_or_fewer, or_fewer), "{quick_or_fewer:?} {or_fewer:?}");
    }

    #[test]
    fn of_none_it_is_told_on_which_side_of_a_half_it_is(mean in 1e-3_f64..3.0, size in 0.05_f64..1e6) {
        let count = NegativeBinomial::new(mean, size);
        let (quick, point) = (count.smaller_tail(0.0), count.point(0.0));
        prop_assert!(quick == point || quick == LogP::HALF && point >= LogP::HALF, "{quick:?} {point:?}");
    }

    #[test]
    fn the_sides_of_a_beta_binomial_fit_as_well(n in 1_u32..500, a in 0.01_f64..1e3, b in 0.01_f64..1e3, share in 0.0_f64..1.0) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 500")]
        let y = (share * f64::from(n)) as u32;
        let count = BetaBinomial::new(n, a, b);
        let (here, next) = (count.tails(y), count.tails(y + 1));
        let sum = next.upper.or(count.point(y));
        prop_assert!((sum.ln_p() - here.upper.ln_p()).abs() <= 1e-10 * here.upper.ln_p().abs().max(1e-3), "{sum:?} {here:?}");
    }

    #[test]
    fn what_is_ordinary_at_a_glance_is_no_rarer_than_one_in_a_hundred(n in 1_u32..300, a in 0.5_f64..300.0, b in 0.01_f64..300.0, share in 0.0_f64..1.0) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 300")]
        let y = (share * f64::from(n)).round() as u32;
        let count = BetaBinomial::new(n, a, b);
        prop_assert!(!count.is_ordinary(y) || count.upper(y).p() >= 0.01, "{}", count.upper(y).p());
    }

    #[test]
    fn a_randomised_p_value_lies_between_the_next_tail_and_this_one(mean in 0.01_f64..100.0, size in 0.05_f64..1e3, x in 0_u32..300, u in 0.0_f64..1.0) {
        let (count, at) = (NegativeBinomial::new(mean, size), f64::from(x));
        let mid = count.mid_p(at, Share::clamped(u));
        prop_assert!(mid >= count.upper(at + 1.0) && mid.ln_p() <= count.upper(at).ln_p() + 1e-12);
    }

    #[test]
    fn the_first_count_below_a_level_is_the_first(mean in 1e-3_f64..300.0, size in 0.05_f64..1e4, exponent in 1.0_f64..6.0) {
        let (count, alpha) = (NegativeBinomial::new(mean, size), libm::pow(10.0, -exponent));
        let first = count.first_below(alpha);
        prop_assert!(count.upper(f64::from(first)).ln_p() < libm::log(alpha));
        prop_assert!(count.upper(f64::from(first) - 1.0).ln_p() >= libm::log(alpha));
    }
}

#[test]
fn too_little_is_as_surprising_as_too_much() {
    let count = NegativeBinomial::new(50.0, 1e6);
    assert!(count.two_sided(50.0).ln_p() > -0.1);
    assert!(count.two_sided(15.0).surprise() > 6.0 && count.two_sided(100.0).surprise() > 6.0);
    assert!(BetaBinomial::new(100, 50.0, 50.0).two_sided(20).surprise() > 3.0);
}

proptest! {
    /// The shortcut for what is not rare against the tail itself, for counts and for estimates.
    #[test]
    fn what_is_rare_is_what_its_tail_says(
        ln_mean in -6.0..8.0_f64, ln_size in -3.0..13.0_f64, deviations in -2.0..12.0_f64, is_whole: bool, limit in -12.0..-0.5_f64,
    ) {
        let it = NegativeBinomial::new(ln_mean.exp(), ln_size.exp());
        let x = it.mean() + deviations * it.variance().sqrt();
        let x = if is_whole { x.round() } else { x };
        let [upper, point] = it.upper_and_point(x);
        prop_assert_eq!(it.rare(x, limit), (upper.ln_p() <= limit).then_some([upper, point]));
        // The same right beside the limit.
        prop_assert_eq!(it.rare(x, upper.ln_p()).is_some(), x > 0.0);
    }
}
