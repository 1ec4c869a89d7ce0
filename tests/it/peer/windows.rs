//! Correlations of both engines. The other one fires on every event on which the condition holds, we once per episode: when it becomes
//! true, and again when it was false in between or the timespan has passed.

use crate::choices::{Choices, tape};
use crate::support::{book_of, pipeline, score};
use rsigma_eval::{CorrelationConfig, CorrelationEngine, JsonEvent};
use serde_json::{Value as Json, json};
use sigma::lists::Lists;
use std::collections::{BTreeMap, BTreeSet};

const ACTIONS: [&str; 4] = ["account.lookup", "password.reset", "data.export", "login"];
const TIMESPAN_S: i64 = 120;

/// A correlation: its name, its type, the rules (named after their actions' places), the fields of its group, its condition.
type Correlation = (&'static str, &'static str, &'static [usize], &'static [&'static str], Option<&'static str>);

const CORRELATIONS: [Correlation; 10] = [
    ("count_3", "event_count", &[0], &["actor.id"], Some("{gte: 3}")),
    ("count_more_than_4_of_two", "event_count", &[0, 1], &["actor.id"], Some("{gt: 4}")),
    ("count_2_to_4", "event_count", &[2], &["actor.id"], Some("{gte: 2, lt: 5}")),
    ("count_by_actor_and_tool", "event_count", &[0, 3], &["actor.id", "tool"], Some("{gte: 2}")),
    ("values_3", "value_count", &[0], &["actor.id"], Some("{gte: 3, field: target.id}")),
    ("values_by_tool", "value_count", &[0, 1], &["tool"], Some("{gte: 4, field: target.id}")),
    ("together_2", "temporal", &[0, 1], &["actor.id"], Some("{gte: 2}")),
    ("together_3", "temporal", &[1, 2, 3], &["actor.id", "tool"], Some("{gte: 3}")),
    ("ordered_2", "temporal_ordered", &[1, 2], &["actor.id"], None),
    ("ordered_3", "temporal_ordered", &[3, 0, 2], &["tool"], None),
];

fn id(at: usize) -> String {
    format!("00000000-0000-4000-a000-{at:012}")
}

/// The rules and correlations as one file.
fn file(correlations: &[Correlation]) -> String {
    let rules = ACTIONS.iter().enumerate().map(|(at, action)| {
        format!(
            "title: Rule {at}\nid: {}\nname: rule_{at}\nstatus: stable\nlevel: low\nlogsource: {{product: nightjar, service: audit}}\n\
             detection:\n  selection: {{action: {action}}}\n  condition: selection\n",
            id(1_000 + at)
        )
    });
    let correlations = correlations.iter().enumerate().map(|(at, (name, kind, rules, group, condition))| {
        let rules: Vec<String> = rules.iter().map(|it| format!("rule_{it}")).collect();
        let condition = condition.map_or(String::new(), |it| format!("  condition: {it}\n"));
        format!(
            "title: {name}\nid: {}\nname: {name}\nstatus: stable\nlevel: high\ncorrelation:\n  type: {kind}\n  rules: [{}]\n  \
             group-by: [{}]\n  timespan: {TIMESPAN_S}s\n{condition}",
            id(at),
            rules.join(", "),
            group.join(", ")
        )
    });
    rules.chain(correlations).collect::<Vec<_>>().join("---\n")
}

/// Events in the order of their time, no two at the same second, some exactly a timespan apart.
fn events(seed: u64, count: usize) -> Vec<Json> {
    let tape = tape(seed, count * 8);
    let mut second = 1_772_460_000_i64;
    tape.chunks(8)
        .map(|tape| {
            let mut choices = Choices::new(tape);
            second += choices.one(&[1, 2, 3, 4, 5, 8, 10, 15, 20, 30, TIMESPAN_S - 1, TIMESPAN_S, TIMESPAN_S + 1]);
            json!({
                "time": second,
                "actor": {"id": format!("u{}", choices.below(3))},
                "action": choices.one(&ACTIONS),
                "tool": choices.one(&["agent-console", "admin-panel"]),
                "target": {"id": format!("t{}", choices.below(5))},
            })
        })
        .collect()
}

/// (identifier of the correlation, number of the event).
type Firings = BTreeSet<(String, usize)>;

fn ours(text: &str, events: &[Json]) -> Firings {
    let book = book_of(vec![("correlations.yml".to_owned(), text.to_owned())], "native", &Lists::default());
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let (alerts, rejects) = score(&mut pipeline(&book), lines.join("\n").as_bytes());
    assert!(rejects.is_empty(), "{rejects:?}");
    alerts.into_iter().map(|it| (it.alert.rule.id.clone(), usize::try_from(it.position).unwrap())).collect()
}

fn theirs(text: &str, events: &[Json]) -> Firings {
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    assert!(collection.errors.is_empty(), "{:?}", collection.errors);
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(&collection).unwrap();
    let mut firings = Firings::new();
    for (at, json) in events.iter().enumerate() {
        let results = engine.process_event_at(&JsonEvent::borrow(json), json["time"].as_i64().unwrap());
        let fired = results.into_iter().filter(rsigma_eval::EvaluationResult::is_correlation);
        firings.extend(fired.map(|it| (it.header.rule_id.unwrap(), at)));
    }
    firings
}

/// The firings of one correlation by their groups.
fn by_group(firings: &Firings, correlation: usize, events: &[Json]) -> BTreeMap<Vec<String>, Vec<usize>> {
    let mut groups = BTreeMap::<_, Vec<usize>>::new();
    for (_, at) in firings.iter().filter(|it| it.0 == id(correlation)) {
        let field = |path: &&str| events[*at].pointer(&format!("/{}", path.replace('.', "/"))).unwrap().to_string();
        groups.entry(CORRELATIONS[correlation].3.iter().map(field).collect()).or_default().push(*at);
    }
    groups
}

/// "Temporal" (correlations, type): all of the rules have to match within the timespan; without a condition, the other engine is
/// content with one.
#[test]
fn without_a_condition_a_temporal_correlation_wants_all_of_its_rules_and_the_other_engine_one() {
    let event = |second: i64, action: &str| json!({"time": second, "actor": {"id": "u1"}, "action": action});
    let events = [event(1_772_460_000, ACTIONS[0]), event(1_772_460_001, ACTIONS[1])];
    let text = file(&[("together", "temporal", &[0, 1], &["actor.id"], None)]);
    assert_eq!(ours(&text, &events), Firings::from([(id(0), 1)]));
    assert_eq!(theirs(&text, &events), Firings::from([(id(0), 0), (id(0), 1)]));
}

/// "Temporal ordered" (correlations, type): the rules match in the given order. Nothing is said of events at one time; we take the order
/// in which they come, the other engine any.
#[test]
fn steps_at_one_time_count_in_the_order_of_arrival_and_for_the_other_engine_in_any() {
    let event = |action: &str| json!({"time": 1_772_460_000, "actor": {"id": "u1"}, "action": action});
    let text = file(&[("ordered", "temporal_ordered", &[0, 1], &["actor.id"], None)]);
    let [first, second] = [event(ACTIONS[0]), event(ACTIONS[1])];
    let in_order = [first.clone(), second.clone()];
    assert_eq!((ours(&text, &in_order), theirs(&text, &in_order)), (Firings::from([(id(0), 1)]), Firings::from([(id(0), 1)])));
    let reversed = [second, first];
    assert_eq!((ours(&text, &reversed), theirs(&text, &reversed)), (Firings::new(), Firings::from([(id(0), 1)])));
}

#[test]
fn correlations_fire_when_the_other_engine_begins_to_and_once_per_episode() {
    let mut firings = [0; CORRELATIONS.len()];
    let text = file(&CORRELATIONS);
    for seed in 0..8 {
        let events = events(seed, 800);
        let (ours, theirs) = (ours(&text, &events), theirs(&text, &events));
        let time = |at: usize| events[at]["time"].as_i64().unwrap();
        for (correlation, (name, kind, rules, ..)) in CORRELATIONS.iter().enumerate() {
            // The other engine also fires on the first step of a chain that has not begun, while one before it is still in its window;
            // we look at the event that completes a chain.
            let completes = |at: usize| *kind != "temporal_ordered" || events[at]["action"] == ACTIONS[rules[rules.len() - 1]];
            let (ours, theirs) = (by_group(&ours, correlation, &events), by_group(&theirs, correlation, &events));
            assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{name}, seed {seed}");
            for (group, theirs) in theirs {
                let ours = &ours[&group];
                firings[correlation] += ours.len();
                assert_eq!(ours[0], theirs[0], "{name} of {group:?}, seed {seed}: the first firing");
                for at in ours {
                    assert!(theirs.contains(at), "{name} of {group:?}, seed {seed}: only Nightjar at event {at}: {}", events[*at]);
                }
                for at in theirs.into_iter().filter(|it| completes(*it)) {
                    let is_told = ours.iter().any(|it| *it <= at && time(at) - time(*it) <= TIMESPAN_S);
                    assert!(is_told, "{name} of {group:?}, seed {seed}: only rsigma at event {at}: {}", events[at]);
                }
            }
        }
    }
    assert!(firings.iter().all(|it| *it >= 10), "some correlation hardly fired: {firings:?}");
}
