//! Calibration: on data that the models don't fit, a p-value occurs about as often as it says.

use super::{Curve, Histogram, P_MIN};
use crate::counts::{GroupRates, Habit, Prior};
use crate::tails::poisson;
use crate::{LogP, Share};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, LogNormal, Poisson};

const LEVELS: [f64; 3] = [1e-2, 1e-3, 1e-4];
const USERS: usize = 3_000;
const WARM_UP_DAYS: usize = 20;
const DAYS: usize = 160;

/// Observed over nominal.
#[derive(Default)]
struct Rates {
    counts: [f64; 3],
    all: f64,
}

impl Rates {
    fn count(&mut self, p: LogP) {
        self.all += 1.0;
        LEVELS.iter().zip(&mut self.counts).filter(|(level, _)| p <= LogP::of(**level)).for_each(|(_, it)| *it += 1.0);
    }

    fn ratios(&self) -> [f64; 3] {
        [0, 1, 2].map(|at| self.counts[at] / self.all / LEVELS[at])
    }
}

/// The four rows of the table: z-score, Poisson, negative binomial with an empirical prior, and that recalibrated.
#[test]
fn on_days_that_no_model_fits_a_recalibrated_p_value_means_what_it_says() {
    let mut random = ChaCha8Rng::seed_from_u64(2020);
    // People differ (Gamma), their days differ more than counts do and with a longer tail (log-normal).
    let rates = Gamma::new(2.5, 5.0).unwrap();
    let days = LogNormal::new(-0.5 * 0.35 * 0.35, 0.35).unwrap();
    let mut people: Vec<f64> = (0..USERS).map(|_| rates.sample(&mut random) + 0.5).collect();
    people.sort_unstable_by(f64::total_cmp);
    let mut deciles: [Rates; 10] = Default::default();
    let mut habits = vec![Habit::default(); USERS];
    let mut histogram = Histogram::default();
    let [mut z, mut counted, mut pooled, mut calibrated] = [Rates::default(), Rates::default(), Rates::default(), Rates::default()];
    for day in 0..WARM_UP_DAYS + DAYS {
        let mut group = GroupRates::default();
        habits.iter().for_each(|it| group.add(it));
        let (prior, curve) = (Prior::of_chain(&[group]), histogram.curve());
        histogram.decay(Share::clamped(0.5_f64.powf(1.0 / super::HALF_LIFE_DAYS)));
        for (at, (habit, rate)) in habits.iter_mut().zip(&people).enumerate() {
            let x = Poisson::new(rate * days.sample(&mut random)).unwrap().sample(&mut random);
            let u = Share::clamped(random.random());
            if day >= WARM_UP_DAYS / 2 {
                let predicted = habit.predict(&prior);
                let (upper, point) = (predicted.upper(x), predicted.point(x));
                if day >= WARM_UP_DAYS {
                    let mean = habit.rate();
                    z.count(LogP::of(0.5 * libm::erfc((x - mean) / (2.0 * habit.dispersion() * mean.max(0.1)).sqrt())));
                    counted.count(poisson(mean, x).upper);
                    pooled.count(upper);
                    calibrated.count(curve.recalibrated(upper));
                }
                // P(X > x) + u P(X = x) from the two values at hand.
                let mid_p = LogP::of((upper.p() - (1.0 - u.get()) * point.p()).max(1e-15));
                if day >= WARM_UP_DAYS {
                    deciles[at * 10 / USERS].count(curve.recalibrated(mid_p));
                }
                histogram.learn(mid_p);
            }
            habit.learn(x, Share::ONE);
        }
    }
    let rows = [("z-score", z), ("Poisson", counted), ("NB", pooled), ("NB recalibrated", calibrated)].map(|(name, it)| {
        eprintln!("{name:16} {:.2?} of {}", it.ratios(), it.all);
        it.ratios()
    });
    // By activity, randomised: counts of one or two a day have no p-values between 4e-3 and 2e-2. At 1e-4 a decile expects five.
    for (at, decile) in deciles.iter().map(Rates::ratios).enumerate() {
        eprintln!("decile {at} of activity {:.2?}", &decile[..2]);
        assert!(decile[..2].iter().all(|it| (0.3..=2.0).contains(it)), "decile {at}: {decile:?}");
    }
    assert!(rows[3].iter().all(|it| (0.5..=1.5).contains(it)), "{:?}", rows[3]);
    assert!(rows[0][2] > 4.0 && rows[1][2] > 40.0, "the others are far off, or this world is too easy: {rows:?}");
}

fn learnt(p_values: impl Iterator<Item = f64>) -> Histogram {
    let mut histogram = Histogram::default();
    p_values.for_each(|it| histogram.learn(LogP::of(it)));
    histogram
}

#[test]
fn without_a_history_a_p_value_stays_what_it_is() {
    let curve = Histogram::default().curve();
    for p in [1.0, 0.7, 0.2, 0.011, 1e-3, 1e-5, 1e-9] {
        let is = curve.recalibrated(LogP::of(p)).ln_p();
        assert!((is - libm::log(p)).abs() < 7e-3, "{p}: {}", is.exp());
    }
    assert!((curve.recalibrated(LogP::MIN).ln_p() - libm::log(P_MIN)).abs() < 1e-4);
}

#[test]
fn what_occurs_often_is_no_surprise() {
    // A model that says 1e-4 of what happens one time in twenty.
    let curve = learnt((0..20_000).map(|it| if it % 20 == 0 { 5e-9 * f64::from(it + 1) } else { 0.5 })).curve();
    let p = curve.recalibrated(LogP::of(1e-4)).p();
    assert!((0.04..=0.06).contains(&p), "{p}");
}

#[test]
fn after_two_outliers_in_fifty_thousand_the_next_is_about_as_likely() {
    let uniform = || (1..=50_000).map(|it| f64::from(it) / 50_000.5);
    let (clean, with_two) = (learnt(uniform()).curve(), learnt(uniform().chain([1e-30, 1e-40])).curve());
    let surprise = |curve: &Curve| curve.recalibrated(LogP::of(1e-7)).surprise();
    assert!(
        (surprise(&clean) - 7.0).abs() < 0.7 && (4.4..6.0).contains(&surprise(&with_two)),
        "{} {}",
        surprise(&clean),
        surprise(&with_two)
    );
    assert!(with_two.tail().shape() <= 0.5);
}

#[test]
fn a_lump_far_out_is_known_for_what_it_is() {
    for (often, one_in) in [(1_000_000, 5), (200_000, 1_000)] {
        let curve = learnt((0..often).map(|it| if it % one_in == 0 { 1e-30 } else { f64::from(it % 977 + 1) / 978.0 })).curve();
        let worth = curve.recalibrated(LogP::of(1e-20)).p() * f64::from(one_in);
        assert!((0.3..=1.1).contains(&worth), "one in {one_in}: {worth}");
    }
}

#[test]
fn shards_count_together() {
    let (mut left, right) = (learnt((1..50).map(|it| 1.0 / f64::from(it))), learnt((50..90).map(|it| 1.0 / f64::from(it))));
    left.merge(&right);
    assert_eq!(left, learnt((1..90).map(|it| 1.0 / f64::from(it))));
}

#[test]
fn a_full_histogram_goes_on_counting() {
    let mut it = Histogram::default();
    it.bins[0] = super::BIN_MAX - 1.0;
    it.learn(LogP::ONE);
    it.learn(LogP::ONE);
    assert_eq!(it.bins[0].to_bits(), (super::BIN_MAX / 2.0 + 1.0).to_bits());
}

#[test]
fn a_histogram_comes_back_from_bytes_as_it_was() {
    let it = learnt((1..90).map(|it| 1.0 / f64::from(it)));
    assert_eq!(postcard::from_bytes::<Histogram>(&postcard::to_stdvec(&it).unwrap()).unwrap(), it);
    assert!(postcard::from_bytes::<Histogram>(&[0; 12]).is_err());
}

proptest! {
    #[test]
    fn rarer_stays_rarer(exponents in proptest::collection::vec(0.0_f64..20.0, 0..500), a in 0.0_f64..30.0, b in 0.0_f64..30.0) {
        let curve = learnt(exponents.iter().map(|it| libm::pow(10.0, -it))).curve();
        let value = |s: f64| curve.recalibrated(LogP::clamped(-s * core::f64::consts::LN_10)).ln_p();
        let (low, high) = (a.min(b), a.max(b));
        // The curve's edges are kept in f32.
        prop_assert!(value(high) <= value(low) + 1e-5, "{} {}", value(high), value(low));
        prop_assert!(value(high) >= libm::log(P_MIN));
    }
}

#[test]
fn the_constants_are_what_they_stand_for() {
    assert_eq!(super::LN_P_MIN.to_bits(), libm::log(P_MIN).to_bits());
    assert_eq!(super::SURPRISE_MAX.to_bits(), (-libm::log10(P_MIN)).to_bits());
}
