//! Numbers that never came.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "small numbers"
)]

use crate::pulse::sequence::{EMITTERS_MAX, RANGES_MAX, Sequences};
use proptest::prelude::*;
use std::collections::BTreeSet;

type Told = (String, u64, u64, u64, u64, bool);

fn advance(sequences: &mut Sequences, ms: i64) -> Vec<Told> {
    let mut told = Vec::new();
    sequences.advance(ms, |name, it, is_end| {
        told.push((name.to_owned(), it.first, it.last, it.missing, it.came_late, is_end));
    });
    told
}

/// What is told of numbers that come at the given times, when the watermark is at last there.
#[track_caller]
fn check(numbers: &[(u64, i64)], until_ms: i64, expected: &[(u64, u64, u64)]) -> Sequences {
    let mut sequences = Sequences::default();
    numbers.iter().for_each(|(number, ms)| sequences.note("web-1", *number, *ms));
    let told = advance(&mut sequences, until_ms);
    assert_eq!(told.into_iter().map(|it| (it.1, it.2, it.3)).collect::<Vec<_>>(), expected);
    sequences
}

#[test]
fn a_number_that_is_passed_over_is_waited_for_and_then_lost() {
    check(&[(7, 0), (8, 10), (12, 20)], 19, &[]);
    check(&[(7, 0), (8, 10), (12, 20)], 20, &[(9, 11, 3)]);
    check(&[(7, 0), (9, 10), (10, 20), (8, 5)], 99, &[]);
    // The first that is lost is told, the others with the end of the episode.
    check(&[(7, 0), (12, 10), (9, 3), (10, 4)], 99, &[(8, 8, 1)]);
    check(&[(7, 0), (12, 10), (9, 3), (10, 4)], 10_000_000, &[(8, 8, 1), (8, 11, 2)]);
}

#[test]
fn what_was_sent_again_is_no_restart_and_what_begins_anew_is_no_loss() {
    assert_eq!(check(&[(7, 0), (8, 10), (7, 0), (8, 10)], 99, &[]).stats().restarts, 0);
    assert_eq!(check(&[(700, 0), (701, 10), (0, 20), (1, 30), (2, 40)], 99, &[]).stats().restarts, 1);
    assert_eq!(check(&[(700, 0), (701, 10), (1, 20), (702, 15), (2, 40)], 99, &[]).stats().restarts, 1);
    check(&[(700, 0), (701, 10), (4, 20), (5, 30)], 99, &[(1, 3, 3)]);
}

#[test]
fn a_number_out_of_all_proportion_is_nonsense_once_and_another_way_of_counting_twice() {
    assert_eq!(check(&[(1, 0), (u64::MAX, 10), (3, 20)], 99, &[(2, 2, 1)]).stats().restarts, 0);
    let far = 5_000_000_000_000;
    assert_eq!(
        check(&[(1, 0), (far, 10), (2, 15), (far + 7, 20), (far + 9, 30)], 99, &[(far + 8, far + 8, 1)]).stats().restarts,
        1
    );
}

#[test]
fn losses_within_an_hour_are_one_episode_and_its_end_tells_all() {
    const HOUR: i64 = 3_600_000;
    let mut sequences = Sequences::default();
    for (number, ms) in [(1, 0), (5, 1_000), (6, 2_000), (9, HOUR / 2)] {
        sequences.note("web-1", number, ms);
    }
    assert_eq!(advance(&mut sequences, 2_000), [("web-1".to_owned(), 2, 4, 3, 0, false)]);
    assert_eq!(advance(&mut sequences, HOUR), []);
    sequences.note("web-1", 3, 900);
    assert_eq!(advance(&mut sequences, 2 * HOUR), [("web-1".to_owned(), 2, 8, 5, 1, true)]);
    assert_eq!(advance(&mut sequences, 9 * HOUR), []);
    let stats = sequences.stats();
    assert_eq!((stats.gaps, stats.missing, stats.came_late, stats.waiting), (2, 5, 1, 0));
}

#[test]
fn a_loss_that_has_become_ten_times_what_was_told_is_told_at_once() {
    let mut sequences = Sequences::default();
    for (number, ms) in [(1, 0), (3, 1_000), (12, 2_000), (15, 3_000), (300, 4_000)] {
        sequences.note("web-1", number, ms);
    }
    let told: Vec<(u64, bool)> = advance(&mut sequences, 5_000).iter().map(|it| (it.3, it.5)).collect();
    assert_eq!(told, [(1, false), (11, true), (295, true)]);
}

#[test]
fn memory_is_bounded_and_says_so() {
    let mut sequences = Sequences::default();
    for number in 0..EMITTERS_MAX as u64 + 3 {
        sequences.note(&format!("web-{number}"), 1, i64::try_from(number).unwrap());
    }
    assert_eq!((sequences.stats().emitters, sequences.stats().emitters_evicted), (EMITTERS_MAX, 3));
    let mut sequences = Sequences::default();
    let most = RANGES_MAX as u64 + 50;
    (0..most).for_each(|it| sequences.note("web-1", it * 10, 5));
    assert_eq!(sequences.stats().waiting, (most - 1) * 9);
    (0..most * 10 - 10).filter(|it| it % 10 != 0 && it % 3 != 0).for_each(|it| sequences.note("web-1", it, 5));
    let missing = (0..most * 10 - 10).filter(|it| it % 10 != 0 && it % 3 == 0).count() as u64;
    assert!(sequences.stats().ranges_merged > 0);
    assert_eq!(advance(&mut sequences, 9)[0].3, missing, "ranges that became one still know how many are missing");
}

#[test]
fn how_far_the_watermark_goes_at_once_does_not_show() {
    const HOUR: i64 = 3_600_000;
    let noted = || {
        let mut it = Sequences::default();
        for (number, ms) in [(1, 0), (3, 1_000), (6, 2_000), (8, 2 * HOUR), (10, 5 * HOUR)] {
            it.note("web-1", number, ms);
        }
        it
    };
    let mut sequences = noted();
    let little: Vec<Told> = (0..9 * 60).flat_map(|it| advance(&mut sequences, it * 60_000)).collect();
    assert_eq!(advance(&mut noted(), 9 * HOUR), little);
    assert_eq!(little.iter().map(|it| it.3).collect::<Vec<_>>(), [1, 3, 1, 1], "{little:?}");
}

proptest! {
    /// As where partitions are read at different speeds.
    #[test]
    fn numbers_come_in_any_order_up_to_the_watermark(
        lost in prop::collection::btree_set(2_u64..400, 0..40),
        jitter in prop::collection::vec(0_u64..90, 400),
        anew in 100_u64..300,
    ) {
        // Number n happens in minute n; in minute `anew` it begins again with 0.
        let of = |at: u64| if at < anew { at } else { at - anew };
        let told = |order: &[u64]| {
            let mut sequences = Sequences::default();
            let came = order.iter().filter(|it| !lost.contains(it) && **it != anew + 1 && **it != anew);
            came.for_each(|it| sequences.note("web-1", of(*it), *it as i64 * 60_000));
            sequences.note("web-1", of(400), 400 * 60_000);
            advance(&mut sequences, 10_000_000_000)
        };
        let in_order: Vec<u64> = (0..400).collect();
        let mut halves = in_order.clone();
        halves.sort_by_key(|it| (*it >= anew, it + jitter[*it as usize]));
        let (expected, found) = (told(&in_order), told(&halves));
        let missing = |all: &[Told]| all.iter().map(|it| it.3).collect::<Vec<_>>();
        prop_assert_eq!(missing(&found), missing(&expected));
    }

    #[test]
    fn exactly_what_was_lost_is_missing(
        lost in prop::collection::btree_set(1_u64..200, 0..60),
        jitter in prop::collection::vec(0_i64..30, 200),
        again in prop::collection::vec(0_usize..200, 0..40),
        cut in 0_usize..200,
    ) {
        // Number n happens at second n, and comes up to 30 seconds later.
        let mut arrivals: Vec<(i64, u64)> =
            (0..200_u64).filter(|it| !lost.contains(it)).map(|it| (it as i64 + jitter[it as usize], it)).collect();
        let resent: Vec<(i64, u64)> = again.iter().filter_map(|it| arrivals.get(*it).copied()).map(|(at, it)| (at + 7, it)).collect();
        arrivals.extend(resent);
        arrivals.sort_unstable();
        let mut sequences = Sequences::default();
        let (mut told, mut seen): (u64, BTreeSet<u64>) = (0, BTreeSet::new());
        for (nth, (at, number)) in arrivals.iter().enumerate() {
            if nth == cut {
                sequences = postcard::from_bytes(&postcard::to_allocvec(&sequences).unwrap()).unwrap();
            }
            sequences.note("web-1", *number, *number as i64 * 1_000);
            seen.insert(*number);
            told += advance(&mut sequences, (at - 40) * 1_000).iter().map(|it| it.3).sum::<u64>();
        }
        let _ = told;
        advance(&mut sequences, 10_000_000_000);
        // Before the first number there is, nothing is known to be missing.
        let (first, last) = (*seen.first().unwrap(), *seen.last().unwrap());
        let missing = (first..last).filter(|it| !seen.contains(it)).count() as u64;
        let stats = sequences.stats();
        prop_assert_eq!((stats.missing, stats.came_late, stats.restarts), (missing, 0, 0));
    }
}
