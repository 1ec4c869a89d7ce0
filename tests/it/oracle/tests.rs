//! The two sides on generated rules and events.

use super::first_difference;
use crate::choices::tape;
use proptest::prelude::*;

const ZONES: [&str; 3] = ["UTC", "Asia/Kathmandu", "America/New_York"];

/// Rules and events of one seeded round.
const RULES: usize = 60;
const EVENTS: usize = 60;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_compiled_matcher_equals_the_naive_interpreter(
        rules in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..40),
        events in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 1..30),
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        let difference = first_difference(&rules, &events, zone);
        prop_assert!(difference.is_none(), "{}", difference.unwrap());
    }
}

#[test]
fn the_compiled_matcher_equals_the_naive_interpreter_on_many_rules_at_once() {
    let rounds: u64 = std::env::var("NIGHTJAR_ORACLE_ROUNDS").map_or(4, |it| it.parse().unwrap());
    for (round, zone) in (0..rounds).zip(ZONES.into_iter().cycle()) {
        let rules: Vec<_> = (0..RULES as u64).map(|it| tape(round << 32 | it, 400)).collect();
        let events: Vec<_> = (0..EVENTS as u64).map(|it| tape(round << 32 | 1 << 31 | it, 300)).collect();
        if let Some(difference) = first_difference(&rules, &events, zone) {
            panic!("round {round}: {difference}");
        }
    }
}
