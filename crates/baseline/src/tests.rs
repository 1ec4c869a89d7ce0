//! What holds for the crate as a whole.

use crate::counts::{Gate, GroupRates, Habit, Prior, Sliding};
use crate::distinct::LinearCounting;
use crate::learn::{Day, Drift, Quarantine};
use crate::ratio::{GroupRatios, Ratio, RatioPrior};
use crate::{LogP, Share, Weight, budget, pareto};

const SOURCES: [(&str, &str); 55] = [
    ("observation", include_str!("observation.rs")),
    ("feature", include_str!("feature.rs")),
    ("peers", include_str!("peers.rs")),
    ("peers::group", include_str!("peers/group.rs")),
    ("peers::level", include_str!("peers/level.rs")),
    ("peers::tally", include_str!("peers/tally.rs")),
    ("person", include_str!("person.rs")),
    ("person::advance", include_str!("person/advance.rs")),
    ("person::day", include_str!("person/day.rs")),
    ("person::learn", include_str!("person/learn.rs")),
    ("person::novel", include_str!("person/novel.rs")),
    ("person::reading", include_str!("person/reading.rs")),
    ("person::shares", include_str!("person/shares.rs")),
    ("person::surprise", include_str!("person/surprise.rs")),
    ("person::takeover", include_str!("person/takeover.rs")),
    ("person::volume", include_str!("person/volume.rs")),
    ("population", include_str!("population.rs")),
    ("population::bytes", include_str!("population/bytes.rs")),
    ("calibrate::cells", include_str!("calibrate/cells.rs")),
    ("targets", include_str!("targets.rs")),
    ("targets::bytes", include_str!("targets/bytes.rs")),
    ("targets::chain", include_str!("targets/chain.rs")),
    ("targets::classes", include_str!("targets/classes.rs")),
    ("targets::crowd", include_str!("targets/crowd.rs")),
    ("targets::sketch", include_str!("targets/sketch.rs")),
    ("targets::target", include_str!("targets/target.rs")),
    ("travel", include_str!("travel.rs")),
    ("learn::quarantine", include_str!("learn/quarantine.rs")),
    ("learn::drift", include_str!("learn/drift.rs")),
    ("learn", include_str!("learn.rs")),
    ("distinct::ultra", include_str!("distinct/ultra.rs")),
    ("distinct::linear", include_str!("distinct/linear.rs")),
    ("distinct::horizon", include_str!("distinct/horizon.rs")),
    ("distinct", include_str!("distinct.rs")),
    ("slow", include_str!("slow.rs")),
    ("ratio", include_str!("ratio.rs")),
    ("clock::lag", include_str!("clock/lag.rs")),
    ("clock", include_str!("clock.rs")),
    ("novelty::peers", include_str!("novelty/peers.rs")),
    ("novelty", include_str!("novelty.rs")),
    ("budget::bucket", include_str!("budget/bucket.rs")),
    ("budget", include_str!("budget.rs")),
    ("risk", include_str!("risk.rs")),
    ("combine", include_str!("combine.rs")),
    ("calibrate", include_str!("calibrate.rs")),
    ("pareto", include_str!("pareto.rs")),
    ("counts", include_str!("counts.rs")),
    ("counts::gate", include_str!("counts/gate.rs")),
    ("counts::prior", include_str!("counts/prior.rs")),
    ("prob", include_str!("prob.rs")),
    ("tails", include_str!("tails.rs")),
    ("tails::stirling", include_str!("tails/stirling.rs")),
    ("tails::poisson", include_str!("tails/poisson.rs")),
    ("tails::negative_binomial", include_str!("tails/negative_binomial.rs")),
    ("tails::beta_binomial", include_str!("tails/beta_binomial.rs")),
];

/// Methods of `f64` that the platform's C library computes. `sqrt`, `abs`, `floor`, `round` are exact everywhere.
const OF_THE_PLATFORM: [&str; 15] = [
    ".ln()",
    ".exp()",
    ".exp2()",
    ".ln_1p()",
    ".exp_m1()",
    ".log10()",
    ".log2()",
    ".powf(",
    ".powi(",
    ".cos()",
    ".tan()",
    ".atan()",
    ".sin()",
    ".asin()",
    ".cbrt()",
];

#[test]
fn every_machine_computes_the_same_bits() {
    let modules = include_str!("lib.rs").lines().filter(|it| it.starts_with("pub mod ")).count();
    let named: std::collections::BTreeSet<&str> = SOURCES.iter().filter_map(|(name, _)| name.split(':').next()).collect();
    assert_eq!(named.len(), modules, "a module is missing in SOURCES");
    for (name, source) in SOURCES {
        for method in OF_THE_PLATFORM {
            let asked: Vec<&str> = source.lines().filter(|it| !it.trim_start().starts_with("//") && it.contains(method)).collect();
            assert!(asked.is_empty(), "{name} asks the platform for `{method}`: {asked:?}");
        }
    }
}

#[test]
fn a_p_value_is_never_more_than_one_and_never_nothing() {
    assert_eq!(LogP::clamped(1e-9), LogP::ONE);
    assert_eq!(LogP::clamped(f64::NAN), LogP::ONE);
    assert_eq!(LogP::of(0.0), LogP::MIN);
    assert_eq!(LogP::of(-1.0), LogP::MIN);
    assert_eq!(LogP::of(f64::NAN), LogP::ONE);
    assert_eq!(LogP::of(0.5).or(LogP::of(0.75)), LogP::ONE);
    assert_eq!(LogP::clamped(-1e300).or(LogP::MIN).complement(), LogP::ONE);
    assert_eq!(LogP::ONE.complement(), LogP::MIN);
    assert!((LogP::of(1e-3).surprise() - 3.0).abs() < 1e-15);
}

#[test]
fn shares_and_weights_are_what_they_say_whatever_they_are_made_of() {
    for raw in [f64::NAN, f64::NEG_INFINITY, -1.0, -0.0, 0.3, 1.0, 7.0, f64::INFINITY] {
        assert!((0.0..=1.0).contains(&Share::clamped(raw).get()));
        assert!((0.0..f64::INFINITY).contains(&Weight::clamped(raw).get()));
    }
}

/// States that no other test takes through bytes; the others do so after what they lived through.
#[test]
fn every_state_comes_back_from_bytes_to_the_bit() {
    fn check<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(state: &T) {
        let bytes = postcard::to_stdvec(state).unwrap();
        let back: T = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(postcard::to_stdvec(&back).unwrap(), bytes);
        assert_eq!(back, *state);
    }
    let mut habit = Habit::default();
    [0.1, 7.0, 1e9].iter().for_each(|&it| habit.learn(it, Share::clamped(0.3)));
    let (mut group, mut ratio, mut ratios) = (GroupRates::default(), Ratio::default(), GroupRatios::default());
    group.add(&habit);
    ratio.learn(1, 3, Share::clamped(0.7));
    ratios.add(&ratio);
    let (mut drift, mut quarantine, mut sliding, mut linear) =
        (Drift::default(), Quarantine::default(), Sliding::default(), LinearCounting::default());
    drift.hold(&mut habit, 7, 1.0);
    let day = Day { count: 7.7, p_self: LogP::of(1e-9), p_peer: LogP::of(1e-9), is_sensitive: true };
    quarantine.observe(day, &mut habit);
    sliding.add();
    linear.insert(u64::MAX / 3);
    let weight = Weight::clamped(0.1);
    let mut bucket = budget::Bucket::new(i64::MIN, weight);
    bucket.refill(1, weight);
    check(&habit);
    check(&group);
    check(&Prior::of_chain(&[group]));
    check(&Gate::of(habit.predict(&Prior::UNKNOWN)));
    check(&ratio);
    check(&ratios);
    check(&RatioPrior::of_chain(&[ratios]));
    check(&(drift, quarantine));
    check(&(sliding, linear));
    check(&(bucket, budget::Threshold::starting_at(weight)));
    check(&pareto::ParetoTail::fit(0.1, 0.3, 1.7, 0.4));
}
