//! Sketches against exact sets.

use super::{Horizon, LinearCounting, Ultra, predicted_estimate};
use crate::counts::of_variance;
use crate::pareto::float;
use proptest::prelude::*;

/// A well-mixed hash of a number (the finaliser of SplitMix64), as targets come hashed.
fn hashed(number: u64) -> u64 {
    let mut it = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// The other candidate: HyperLogLog with the martingale estimate, in the same bytes.
struct Hyper<const REGISTERS: usize> {
    registers: [u8; REGISTERS],
    estimate: f64,
}

impl<const REGISTERS: usize> Hyper<REGISTERS> {
    fn insert(&mut self, hash: u64) {
        let bits = REGISTERS.trailing_zeros();
        let index = usize::try_from(hash >> (64 - bits)).unwrap();
        let value = u8::try_from((hash << bits | 1 << (bits - 1)).leading_zeros() + 1).unwrap();
        if value > self.registers[index] {
            let chance: f64 = self.registers.iter().map(|&it| 0.5_f64.powi(it.into())).sum::<f64>() / float(REGISTERS);
            self.estimate += 1.0 / chance;
            self.registers[index] = value;
        }
    }
}

const SIZES: [u64; 4] = [10, 100, 1_000, 10_000];

/// Bias and root mean square error, relative, over many sets of each size.
fn errors<T>(new: impl Fn() -> T, insert: impl Fn(&mut T, u64), estimate: impl Fn(&T) -> f64, trials: u64) -> Vec<[f64; 2]> {
    let mut sums = vec![[0.0; 2]; SIZES.len()];
    for trial in 0..trials {
        let mut sketch = new();
        for number in 1..=SIZES[3] {
            insert(&mut sketch, hashed(trial << 32 | number));
            if let Some(at) = SIZES.iter().position(|it| *it == number) {
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let error = estimate(&sketch) / number as f64 - 1.0;
                sums[at][0] += error;
                sums[at][1] += error * error;
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let count = trials as f64;
    sums.into_iter().map(|[bias, square]| [bias / count, (square / count).sqrt()]).collect()
}

fn check_ultra<const REGISTERS: usize>() {
    let new = || Hyper { registers: [0; REGISTERS], estimate: 0.0 };
    let ultra = errors(Ultra::<REGISTERS>::default, |it, hash| _ = it.insert(hash), Ultra::estimate, 400);
    let hyper = errors(new, Hyper::insert, |it| it.estimate, 400);
    eprintln!("{REGISTERS} registers, bias and error at {SIZES:?}: UltraLogLog {ultra:.3?}, HyperLogLog {hyper:.3?}");
    let promised = Ultra::<REGISTERS>::relative_error();
    for ([bias, error], [_, other]) in ultra.iter().zip(hyper).skip(1) {
        assert!(bias.abs() < promised / 5.0 && *error < 1.12 * promised, "bias {bias}, error {error}, promised {promised}");
        assert!(*error < 0.9 * other, "UltraLogLog {error}, HyperLogLog {other}");
    }
}

#[test]
fn ultraloglog_keeps_its_promise_and_beats_hyperloglog() {
    check_ultra::<32>();
    check_ultra::<64>();
}

#[test]
fn linear_counting_keeps_its_promise() {
    let errors = errors(LinearCounting::default, |it, hash| _ = it.insert(hash), LinearCounting::estimate, 300);
    for ([bias, error], n) in errors.iter().zip([10.0_f64, 100.0]) {
        let load = n / 256.0;
        let promised = (256.0 * (load.exp() - load - 1.0)).sqrt() / n;
        assert!(bias.abs() < promised / 4.0 && *error < 1.15 * promised, "{n}: bias {bias}, error {error}, promised {promised}");
    }
    let mut full = LinearCounting::default();
    (0..100_000).for_each(|it| _ = full.insert(hashed(it)));
    assert!(full.is_full() && (full.estimate() - 1_597.0).abs() < 1.0);
}

#[test]
fn the_probability_of_a_change_is_the_one_observed() {
    let mut sketch = Ultra::<16>::default();
    for number in 0..2_000_u64 {
        if [3, 20, 150, 1_000, 1_999].contains(&number) {
            let changes = (0..40_000).filter(|it| sketch.clone().insert(hashed(1 << 40 | number << 20 | it))).count();
            let (observed, said) = (float(changes) / 40_000.0, sketch.change_probability());
            assert!((observed - said).abs() < 4.0 * (said / 40_000.0).sqrt(), "{observed} {said}");
        }
        sketch.insert(hashed(number));
    }
}

#[test]
fn any_hash_fits_a_register() {
    let mut sketch = Ultra::<32>::default();
    for shift in 0..64 {
        sketch.insert(1 << shift);
    }
    sketch.insert(0);
    sketch.insert(u64::MAX);
    assert!(sketch.change_probability() > 0.0 && sketch.estimate().is_finite());
    assert!(!sketch.insert(0));
}

#[test]
fn a_sketch_s_error_is_not_mistaken_for_behaviour() {
    let predicted = of_variance(1_000.0, 1_500.0);
    let estimate = 1_116.0;
    assert!(predicted.upper(estimate).surprise() > 2.0);
    assert!(predicted_estimate(predicted, estimate, Ultra::<32>::relative_error()).upper(estimate).surprise() < 1.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_there_changes_nothing(numbers in proptest::collection::vec(0_u64..500, 0..800)) {
        let (mut sketch, mut linear) = (Ultra::<64>::default(), LinearCounting::default());
        for &it in &numbers {
            sketch.insert(hashed(it));
            linear.insert(hashed(it));
        }
        let before = (sketch, linear);
        for &it in &numbers {
            prop_assert!(!sketch.insert(hashed(it)) && !linear.insert(hashed(it)));
        }
        prop_assert_eq!((sketch, linear), before);
        prop_assert_eq!(postcard::from_bytes::<Ultra<64>>(&postcard::to_stdvec(&sketch).unwrap()).unwrap(), sketch);
    }

    /// The exact twin keeps the targets of both windows; a fresh sketch of the older one's is the same to the bit.
    #[test]
    fn a_horizon_is_the_window_it_says(visits in proptest::collection::vec((0_u16..9, 0_u64..60), 1..200)) {
        const DAYS: u16 = 8;
        let mut horizon = Horizon::<64, DAYS>::default();
        let mut windows = [(0, Vec::new()), (0, Vec::new())];
        let (mut day, mut since) = (20_000, 0);
        for (gap, target) in visits {
            day += gap.saturating_sub(4);
            if since == 0 {
                since = day;
                windows = [(day, Vec::new()), (day - DAYS / 2, Vec::new())];
            }
            let mut ended = false;
            for (begun, visited) in &mut windows {
                while day >= *begun + DAYS {
                    ended |= *begun >= since && !visited.is_empty();
                    visited.clear();
                    *begun += DAYS;
                }
                visited.push(target);
            }
            let closed = horizon.roll(day);
            horizon.insert(hashed(target));
            prop_assert!(closed.is_some() || !ended);
            let (begun, older) = windows.iter().min_by_key(|it| it.0).unwrap();
            let mut fresh = Ultra::<64>::default();
            older.iter().for_each(|it| _ = fresh.insert(hashed(*it)));
            prop_assert_eq!(horizon.estimate().to_bits(), fresh.estimate().to_bits());
            prop_assert_eq!(horizon.days_covered(day), day - *begun.max(&since) + 1);
        }
        prop_assert_eq!(postcard::from_bytes::<Horizon<64, DAYS>>(&postcard::to_stdvec(&horizon).unwrap()).unwrap(), horizon);
    }
}
