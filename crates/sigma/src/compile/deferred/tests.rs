//! Rules about targets: what is left of them where the event is read, and what waits.

use crate::compile::{Program, RuleSet};
use crate::matcher::{Clock, Matcher};
use model::{Event, EventTime, Schema, SourceMapping, Value};
use std::sync::Arc;

const CROWD: &str = "title: crowd\nlogsource: {product: nightjar}\ndetection:\n  look: {action: look}\n  many: {nj.target.actors_24h|gte: 5}\n  export: {action: export}\n  condition: (look and many) or (export and not many)\n";
const PLAIN: &str = "title: plain\nlogsource: {product: nightjar}\ndetection:\n  look: {action: look}\n  condition: look\n";
const SHOWN: &str =
    "title: shown\nlogsource: {product: nightjar}\ndetection:\n  look: {action: look}\n  condition: look\nfields: [nj.target.p]\n";
const GROUPED: &str = "title: c\ncorrelation:\n  type: event_count\n  rules: [crowd]\n  group-by: [actor.id]\n  timespan: 1h\n  condition: {gte: 2}\n";
const OVER_IT: &str =
    "title: o\ncorrelation:\n  type: event_count\n  rules: [c]\n  group-by: [actor.id]\n  timespan: 1h\n  condition: {gte: 2}\n";
const SHOWING: &str = "title: s\ncorrelation:\n  type: event_count\n  rules: [plain]\n  group-by: [actor.id]\n  timespan: 1h\n  condition: {gte: 2}\nfields: [nj.target.p]\n";

fn program(rules: &[(&str, &str)]) -> Program {
    let files = rules.iter().map(|(name, text)| (format!("{name}.yml"), (*text).to_owned()));
    let documents = crate::parse::parse_all(files, &crate::lists::Lists::default()).documents;
    assert_eq!(documents.len(), rules.len());
    let mut problems = Vec::new();
    let schema = Schema::of(SourceMapping::built_in("native").unwrap());
    let program = Program::compile(&Arc::new(RuleSet::new(documents)), schema, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    program
}

/// The rules that may match, and those that do, when the action and the number of people are these.
fn asked(program: &Program, action: &str, people: Option<&str>) -> (Vec<String>, Vec<String>) {
    let mut values = vec![Value::Missing; program.schema.projection.len()];
    let slot = |path: &str| program.schema.projection.paths().iter().position(|it| it.as_str() == path);
    values[slot("action").unwrap()] = Value::Text(action);
    if let Some((slot, people)) = slot("nj.target.actors_24h").zip(people) {
        values[slot] = Value::Number(people);
    }
    let event = Event { time: EventTime::default(), values: &values, line: "" };
    let (mut matcher, mut found) = (Matcher::new(program, Clock::default()), Vec::new());
    matcher.matches(program, &event, &mut found);
    let name = |it: &crate::compile::RuleIndex| program.rules.rules[it.0 as usize].info.name.clone();
    let may = found.iter().map(name).collect();
    let does = found.iter().filter(|it| matcher.condition_holds(program, **it, &event)).map(name).collect();
    (may, does)
}

#[test]
fn what_is_not_known_yet_may_be_anything() {
    let program = program(&[("crowd", CROWD), ("plain", PLAIN)]);
    assert_eq!(program.deferred, [true, false]);
    let names = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(asked(&program, "look", None), (names(&["crowd", "plain"]), names(&["plain"])));
    assert_eq!(asked(&program, "look", Some("7")), (names(&["crowd", "plain"]), names(&["crowd", "plain"])));
    assert_eq!(asked(&program, "export", Some("7")), (names(&["crowd"]), names(&[])));
    assert_eq!(asked(&program, "export", Some("2")), (names(&["crowd"]), names(&["crowd"])));
    assert_eq!(asked(&program, "other", Some("7")), (names(&[]), names(&[])));
}

#[test]
fn what_is_over_a_rule_about_targets_is_exchanged_and_what_shows_such_a_field_waits() {
    let plans = |rules: &[(&str, &str)]| program(rules).plans.iter().map(|it| it.is_local).collect::<Vec<_>>();
    assert_eq!(plans(&[("crowd", CROWD), ("plain", PLAIN), ("c", GROUPED), ("o", OVER_IT)]), [false, false]);
    let plain = GROUPED.replace("crowd", "plain");
    assert_eq!(plans(&[("plain", PLAIN), ("c", &plain), ("o", OVER_IT)]), [true, true]);
    assert_eq!(program(&[("shown", SHOWN), ("plain", PLAIN)]).deferred, [false, true], "in the order of their names");
    assert_eq!(program(&[("plain", PLAIN), ("s", SHOWING)]).deferred, [true], "its correlation shows one");
    let both = GROUPED.replace("[crowd]", "[crowd, plain]");
    assert_eq!(program(&[("crowd", CROWD), ("plain", PLAIN), ("c", &both)]).deferred, [true, true], "one event counts once there");
}
