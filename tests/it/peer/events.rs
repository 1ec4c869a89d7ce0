//! Events for both engines: real ones, real ones crossed with each other, and ones made from rules so that they come close to matching.

use crate::choices::{Choices, tape};
use crate::support::{corpus, files};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::string::string_regex;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value as Json, json};
use sigma::ast::{Compare, Item, Pattern, Predicate, Rule, Search, Wild};

/// The events of the regression data and of all audit logs, one text each.
pub(super) fn real() -> Option<Vec<String>> {
    let mut paths = vec![corpus("sigma/regression_events.ndjson")?];
    paths.extend(files(&corpus("audit")?, "ndjson"));
    let read = |path| std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    Some(paths.iter().flat_map(read).filter(|it| !it.trim().is_empty()).collect())
}

/// `count` children of `parents`: the fields of one, some replaced by those of others, some in another case, in a list, or gone.
pub(super) fn crossed(parents: &[String], count: usize, seed: u64) -> Vec<String> {
    let tape = tape(seed, count * 160);
    let child = |tape: &[u8]| {
        let mut choices = Choices::new(tape);
        let mut json: Json = serde_json::from_str(&parents[choices.below(parents.len())]).unwrap();
        let other: Json = serde_json::from_str(&parents[choices.below(parents.len())]).unwrap();
        cross(&mut json, &other, &mut choices);
        json.to_string()
    };
    tape.chunks(160).map(child).collect()
}

fn cross(json: &mut Json, other: &Json, choices: &mut Choices<'_>) {
    let (Json::Object(fields), Json::Object(others)) = (json, other) else { return };
    for (key, value) in others {
        match fields.get_mut(key) {
            Some(own) if own.is_object() => cross(own, value, choices),
            _ if choices.once_in(3) => {
                fields.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    for value in fields.values_mut() {
        match choices.below(24) {
            1 => *value = value.as_str().map_or(Json::Null, |it| json!(it.to_uppercase())),
            2 => *value = json!([value.clone(), "other"]),
            3 => *value = json!([]),
            4 => *value = value.as_str().map_or_else(|| value.clone(), |it| json!(it.chars().skip(1).collect::<String>())),
            _ => {}
        }
    }
}

/// An event that satisfies one way through every selection of `rule`, as far as one field can have one value; the selections that are
/// called filters are satisfied now and then.
pub(super) fn towards(rule: &Rule, seed: u64) -> String {
    let tape = tape(seed, 4096);
    let mut maker = Maker { choices: Choices::new(&tape), runner: runner(), event: Map::new() };
    for selection in &rule.selections {
        if !selection.name.starts_with("filter") || maker.choices.once_in(5) {
            maker.search(&selection.search);
        }
    }
    Json::Object(maker.event).to_string()
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

struct Maker<'b> {
    choices: Choices<'b>,
    runner: TestRunner,
    event: Map<String, Json>,
}

impl Maker<'_> {
    fn search(&mut self, search: &Search) {
        match search {
            Search::All(parts) => parts.iter().for_each(|it| self.search(it)),
            Search::Any(parts) => {
                let part = self.choices.below(parts.len());
                self.search(&parts[part]);
            }
            Search::Item(item) => self.item(item),
        }
    }

    fn item(&mut self, item: &Item) {
        let value = if item.negated {
            json!("something else")
        } else if item.all {
            let parts: Vec<String> = item.predicates.iter().filter_map(|it| self.value(it)).map(|it| plain(&it)).collect();
            json!(parts.join(" "))
        } else {
            let predicate = &item.predicates[self.choices.below(item.predicates.len())];
            let Some(value) = self.value(predicate) else { return };
            value
        };
        let path = item.field.as_ref().map_or("message", |it| it.as_str());
        // One form for each field: with two, a line is no event.
        let is_flat = self.event.contains_key(path);
        let is_nested = path.split_once('.').is_some_and(|(first, _)| self.event.contains_key(first));
        if path.contains('.') && !is_flat && (!self.choices.once_in(8) || is_nested) {
            put(&mut self.event, path, value);
        } else {
            self.event.insert(path.to_owned(), value);
        }
    }

    fn value(&mut self, predicate: &Predicate) -> Option<Json> {
        Some(match predicate {
            Predicate::Text { pattern, cased } => {
                let text = self.text(pattern);
                json!(if *cased || !self.choices.once_in(3) { text } else { text.to_uppercase() })
            }
            Predicate::Regex(source) => json!(self.like(source)?),
            Predicate::Cidr(network) => json!(network.network().to_string()),
            Predicate::Number { compare, with } => {
                let number = match compare {
                    Compare::Less => with.nearest() - 1.0,
                    Compare::Greater => with.nearest() + 1.0,
                    _ => with.nearest(),
                };
                if self.choices.once_in(3) { json!(number.to_string()) } else { whole(number) }
            }
            Predicate::Bool(is_true) => json!(is_true),
            Predicate::Exists(true) => json!("there"),
            Predicate::Exists(false) => return None,
            Predicate::Null if self.choices.once_in(2) => return None,
            Predicate::Null => Json::Null,
            Predicate::FieldRef { other, .. } => {
                self.event.insert(other.as_str().to_owned(), json!("same"));
                json!("same")
            }
            _ => json!("2026-03-02T14:03:11Z"),
        })
    }

    fn text(&mut self, pattern: &Pattern) -> String {
        let around = |choices: &mut Choices<'_>| choices.one(&["", "x", " ", "/", "\\", "ä", "\n", "1"]).to_owned();
        match pattern {
            Pattern::Equal(text) => text.clone(),
            Pattern::Prefix(text) => format!("{text}{}", around(&mut self.choices)),
            Pattern::Suffix(text) => format!("{}{text}", around(&mut self.choices)),
            Pattern::Contains(text) => format!("{}{text}{}", around(&mut self.choices), around(&mut self.choices)),
            Pattern::Any => around(&mut self.choices),
            Pattern::Wildcard(pieces) => pieces
                .iter()
                .map(|it| match it {
                    Wild::Literal(text) => text.clone(),
                    Wild::One => "_".to_owned(),
                    Wild::Many => around(&mut self.choices),
                })
                .collect(),
        }
    }

    /// A text that the expression finds; none for the few that the generator can't read.
    fn like(&mut self, source: &str) -> Option<String> {
        let flagless = source.trim_start_matches("(?i)").trim_start_matches('^').trim_end_matches('$').replace("\\b", "");
        let strategy = string_regex(&flagless).ok()?;
        Some(strategy.new_tree(&mut self.runner).ok()?.current())
    }
}

fn whole(number: f64) -> Json {
    format!("{number}").parse().unwrap()
}

fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// Puts `value` at a dotted path; an object on the way takes the place of what is there.
fn put(fields: &mut Map<String, Json>, path: &str, value: Json) {
    let Some((first, rest)) = path.split_once('.') else {
        fields.insert(path.to_owned(), value);
        return;
    };
    let inner = fields.entry(first).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    put(inner.as_object_mut().expect("it was just made one"), rest, value);
}
