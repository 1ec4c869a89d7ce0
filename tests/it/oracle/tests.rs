//! The two sides on generated rules and events.

use super::first_difference;
use super::rules::{document, lists, name};
use super::subject::Subject;
use crate::choices::tape;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

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

/// More classes of values of one field than are remembered: thirteen letters, each in the value or not.
#[test]
fn values_of_more_classes_than_are_remembered_still_match() {
    const LETTERS: [&str; 13] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
    let rule = |at: usize| {
        let detection = json!({"s": {"action|contains": LETTERS[at]}, "condition": "s"});
        (format!("r{at}.yml"), document(at, &detection))
    };
    let mut subject = Subject::new((0..LETTERS.len()).map(rule), &lists(), "UTC");
    for number in (0..1_usize << LETTERS.len()).chain([0, 1, 4_095, 8_191]) {
        let is_in = |at: &usize| number >> at & 1 == 1;
        let action: String = (0..LETTERS.len()).filter(is_in).map(|it| LETTERS[it]).collect();
        let expected: BTreeSet<String> = (0..LETTERS.len()).filter(is_in).map(name).collect();
        assert_eq!(subject.matches(&json!({"action": action}).to_string()), expected, "{action}");
    }
}
