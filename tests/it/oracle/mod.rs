//! Invariant 10, fast = slow: the compiled matcher against an interpreter that reads the rule and the event as they are written.
//!
//! [`rules`] and [`events`] make both from bytes, so that a property test can shrink them, a fuzzer can steer them and a seed can
//! draw many; [`interpreter`] is the naive side and [`subject`] the one that runs in production.

pub(crate) mod events;
pub(crate) mod interpreter;
pub(crate) mod json;
mod numbers;
pub(crate) mod reading;
pub(crate) mod rules;
pub(crate) mod subject;
#[cfg(test)]
mod tests;
pub(crate) mod texts;
mod times;

use crate::choices::Choices;
use interpreter::{World, holds};
use json::Tree;
use serde_json::Value as Json;
use subject::Subject;

/// The verdicts of both sides on rules and events that are made by tapes; the first difference, told for people.
pub(crate) fn first_difference(rule_tapes: &[Vec<u8>], event_tapes: &[Vec<u8>], zone: &str) -> Option<String> {
    let lists = rules::lists();
    let rules: Vec<Json> = rule_tapes.iter().map(|it| rules::detection(&mut Choices::new(it))).collect();
    let texts = rules.iter().enumerate().map(|(at, it)| (format!("r{at}.yml"), rules::document(at, it)));
    let mut subject = Subject::new(texts, &lists, zone);
    let world = World { lists: &lists, zone, reading: reading::Reading::default() };
    for tape in event_tapes {
        let event = events::event(&mut Choices::new(tape));
        let matched = subject.matches(&event);
        let tree = Tree::read(&event);
        for (at, detection) in rules.iter().enumerate() {
            let (fast, slow) = (matched.contains(&rules::name(at)), holds(detection, &tree, &world));
            if fast != slow {
                return Some(format!("compiled {fast}, interpreted {slow}\nrule {detection}\nevent {event}"));
            }
        }
    }
    None
}
