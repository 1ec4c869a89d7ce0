//! Risk: what raises it, what doesn't, and how it fades.

use super::{FAMILIES, LASTING, Risk, Sensitivity};
use crate::LogP;
use crate::combine::Score;
use proptest::prelude::*;

const DAY: u32 = 1_440;

fn score(exponent: f64) -> Score {
    Score::of(LogP::of(10.0_f64.powf(-exponent)), 1.0)
}

#[test]
fn volume_does_not_raise_risk_but_something_new_does() {
    let mut risk = Risk::default();
    assert!((risk.add(0, 1, 0, score(5.0), Sensitivity::Ordinary) - 3.0).abs() < 0.03);
    for minute in 1..500 {
        assert!(risk.add(minute, 1, 0, score(5.0), Sensitivity::Ordinary) == 0.0);
    }
    assert!((risk.add(500, 1, 0, score(6.0), Sensitivity::Ordinary) - 1.0).abs() < 0.03, "only the increment");
    assert!((risk.add(500, 1, 1, score(4.0), Sensitivity::Critical) - 4.0).abs() < 0.06, "another family counts by itself");
}

#[test]
fn the_next_day_may_be_surprising_again() {
    let mut risk = Risk::default();
    risk.add(0, 1, 0, score(5.0), Sensitivity::Ordinary);
    assert!(risk.add(DAY, 2, 0, score(5.0), Sensitivity::Ordinary) > 2.9);
    assert!(risk.add(DAY, 1, 0, score(5.0), Sensitivity::Ordinary) == 0.0, "a late event of yesterday is not another day");
}

#[test]
fn what_lasts_for_weeks_raises_the_risk_once_and_not_every_day() {
    let mut risk = Risk::default();
    let rises: Vec<f64> =
        (0..60_u16).map(|day| risk.add(u32::from(day) * DAY, day + 1, LASTING, score(5.0), Sensitivity::Ordinary)).collect();
    assert!(rises[0] > 2.9 && rises[1..].iter().all(|it| *it <= 0.21), "{rises:?}");
    assert!(risk.add(60 * DAY, 61, LASTING, score(7.0), Sensitivity::Ordinary) > 1.9, "what gets worse does");
}

#[test]
fn each_reading_fades_with_its_own_half_life() {
    let mut risk = Risk::default();
    risk.add(10, 1, 0, score(7.0), Sensitivity::Ordinary);
    let whole = risk.at(10)[1];
    for (at, days) in [1, 3, 7, 30].into_iter().enumerate() {
        assert!((risk.at(10 + days * DAY)[at] - whole / 2.0).abs() < 1e-6);
    }
    assert_eq!(risk.at(0).map(f64::to_bits), risk.at(10).map(f64::to_bits), "time that goes back fades nothing");
}

#[test]
fn the_ordinary_is_no_risk_and_the_impossible_is_bounded() {
    let mut risk = Risk::default();
    assert!(risk.add(0, 1, 0, score(1.9), Sensitivity::Critical) == 0.0);
    assert!((risk.add(0, 1, usize::MAX, Score::MAX, Sensitivity::Critical) - 12.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn a_day_adds_no_more_than_its_families_can(events in proptest::collection::vec((0_u32..DAY, 0_usize..FAMILIES, 0.0_f64..20.0), 0..200)) {
        let mut risk = Risk::default();
        for (minute, family, exponent) in events {
            risk.add(minute, 1, family, score(exponent), Sensitivity::Critical);
        }
        let total = risk.at(DAY)[3];
        prop_assert!(total <= 12.0 * 12.0 + 1e-3, "{}", total);
        let back: Risk = postcard::from_bytes(&postcard::to_stdvec(&risk).unwrap()).unwrap();
        prop_assert_eq!(back, risk);
    }
}
