//! The clock: unusual hours, and schedules that move.

use super::{BINS, Bin, HOURS, PeerClock, TAPS, WeekClock};
use crate::Share;
use core::f64::consts::TAU;
use proptest::prelude::*;

/// Works `hours` on five days a week, with a day closed after each.
fn worked(clock: &mut WeekClock, hours: &[u8], days: usize) -> Vec<super::Moved> {
    let mut moved = Vec::new();
    for _ in 0..days {
        hours.iter().for_each(|&it| clock.learn(Bin::new(it, false), Share::ONE));
        moved.extend(clock.close_day());
    }
    moved
}

fn office() -> WeekClock {
    let mut clock = WeekClock::default();
    worked(&mut clock, &[9, 10, 11, 12, 13, 14, 15, 16], 60);
    clock
}

#[test]
fn the_kernel_is_a_von_mises_density() {
    let raw = [0.0_f64, 1.0, 2.0].map(|hour| (8.0 * (TAU * hour / 24.0).cos()).exp());
    let sum = raw[0] + 2.0 * (raw[1] + raw[2]);
    for (tap, raw) in TAPS.iter().zip(raw) {
        assert!((tap - raw / sum).abs() < 1e-12, "{tap} {}", raw / sum);
    }
}

#[test]
fn working_hours_are_usual_and_nights_are_not() {
    let (clock, peers) = (office(), PeerClock::default());
    let of = |hour, is_day_off| clock.rarity(Bin::new(hour, is_day_off), &peers).p.p();
    assert!(of(12, false) > 0.3 && of(9, false) > 0.1);
    assert!(of(3, false) < 0.05 && of(12, true) < 0.05, "{} {}", of(3, false), of(12, true));
    assert!(of(17, false) > of(20, false), "just after hours is less odd than late");
}

#[test]
fn somebody_new_has_the_hours_of_the_peers() {
    let peers = PeerClock::of_members([office(), office(), office()].iter());
    let of = |hour| WeekClock::default().rarity(Bin::new(hour, false), &peers).p.p();
    assert!(of(11) > 0.3 && of(3) < 0.3 && of(3) > 0.0);
    assert_eq!(PeerClock::of_members([WeekClock::default()].iter()), PeerClock::default());
}

#[test]
fn a_whole_schedule_that_moves_is_noted_once() {
    for (from, by) in [(9, 8_i8), (9, -6), (14, 12), (20, 5)] {
        let shift = |start: i32| -> Vec<u8> { (start..start + 8).map(|it| u8::try_from(it.rem_euclid(24)).unwrap()).collect() };
        let mut clock = WeekClock::default();
        assert_eq!(worked(&mut clock, &shift(from), 60), []);
        let moved = worked(&mut clock, &shift(from + i32::from(by)), 25);
        assert_eq!(moved.iter().map(|it| it.hours).collect::<Vec<_>>(), [by]);
        let start = Bin::new(shift(from + i32::from(by))[3], false);
        assert!(clock.rarity(start, &PeerClock::default()).p.p() > 0.3);
    }
}

#[test]
fn an_hour_s_drift_or_a_late_night_is_no_move() {
    let mut clock = office();
    assert_eq!(worked(&mut clock, &[10, 11, 12, 13, 14, 15, 16, 17], 30), []);
    let mut clock = office();
    assert_eq!(worked(&mut clock, &[9, 10, 11, 12, 22, 23], 2), []);
    assert_eq!(worked(&mut clock, &[9, 10, 11, 12, 13, 14, 15, 16], 30), []);
}

#[test]
fn weeks_of_early_and_late_shifts_become_one_schedule() {
    let mut clock = WeekClock::default();
    let moved: Vec<_> = (0..40)
        .flat_map(|week| {
            worked(&mut clock, if week % 2 == 0 { &[6, 7, 8, 9, 10, 11, 12, 13] } else { &[14, 15, 16, 17, 18, 19, 20, 21] }, 5)
        })
        .collect();
    assert!(moved.len() <= 1, "{moved:?}");
}

#[test]
fn years_at_the_same_hours_fill_no_counter() {
    let mut clock = office();
    worked(&mut clock, &[9, 10], 3_000);
    let steady = f64::from(clock.slow[9]) / super::SLOW_UNITS;
    assert!((steady - 86.0).abs() < 1.0, "one a day, half-life 60: {steady}");
    assert!(clock.fast[9] < 234 && clock.slow[15] == 0);
    assert_eq!(postcard::from_bytes::<WeekClock>(&postcard::to_stdvec(&clock).unwrap()).unwrap(), clock);
}

proptest! {
    #[test]
    fn the_density_is_the_convolution_it_says_and_sums_to_one(hours in proptest::collection::vec((0_u8..24, any::<bool>()), 0..400), probe in 0_u8..24) {
        let mut clock = WeekClock::default();
        for &(hour, is_day_off) in &hours {
            clock.learn(Bin::new(hour, is_day_off), Share::ONE);
        }
        let (peers, density) = (PeerClock::default(), clock.density(&PeerClock::default()));
        prop_assert!((density.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (at, density) in density.iter().enumerate() {
            let mut naive = super::PEER_HOURS / 48.0;
            for from in 0..BINS {
                let apart = (at % HOURS).abs_diff(from % HOURS);
                if let (true, Some(tap)) = (at / HOURS == from / HOURS, TAPS.get(apart.min(HOURS - apart))) {
                    naive += tap * f64::from(clock.slow[from]) / 256.0;
                }
            }
            prop_assert!((density - naive / (clock.hours() + super::PEER_HOURS)).abs() < 1e-12);
        }
        let rarity = clock.rarity(Bin::new(probe, true), &peers);
        prop_assert!(rarity.rarer < rarity.p && rarity.p.p() >= density[usize::from(probe) + 24] * (1.0 - 1e-9));
    }
}
