//! Invariant 10, fast = slow: the compiled matcher against an interpreter that reads the rule and the event as they are written.

use crate::support::{book_of, lists, pipeline, score};
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy)]
enum How {
    Plain,
    Contains,
    ContainsAll,
    StartsWith,
    EndsWith,
    Cased,
    Re,
    Less,
    AtLeast,
    Exists(bool),
    Cidr,
    Neq,
    FieldRef,
}

#[derive(Debug, Clone)]
struct Item {
    field: &'static str,
    how: How,
    values: Vec<Json>,
}

#[derive(Debug, Clone)]
enum Cond {
    Sel(usize),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
}

/// Selections are lists of maps of items; a rule has three.
#[derive(Debug, Clone)]
struct Spec {
    selections: Vec<Vec<Vec<Item>>>,
    condition: Cond,
}

const FIELDS: [&str; 8] =
    ["action", "actor.id", "target.id", "target.tags", "detail.rows", "source.ip", "detail.parts.name", "detail.note"];
const TEXTS: [&str; 14] = [
    "account.lookup",
    "password.reset",
    "Admin",
    "ÄDMIN",
    "ädmin",
    "u1",
    "u12",
    "10.1.2.3",
    "192.168.7.7",
    "5",
    "5.0",
    "12",
    "a?b*c",
    "",
];
const PATTERNS: [&str; 10] = ["u*", "*.reset", "*dmi*", "?1", "a*p", "account.*up", "*", "??", "a\\?b\\*c", "u1"];
const EXPRESSIONS: [&str; 5] = ["^u[0-9]+$", "reset", "(?i)ADMIN", "^$", "\\.l..k"];
const NETWORKS: [&str; 3] = ["10.0.0.0/8", "192.168.7.0/24", "::1/128"];

fn item() -> impl Strategy<Value = Item> {
    let text = || prop::sample::select(TEXTS.to_vec()).prop_map(|it| json!(it));
    let plain = prop_oneof![
        3 => prop::sample::select(TEXTS.to_vec()).prop_map(|it| json!(it.replace('?', "\\?").replace('*', "\\*"))),
        3 => prop::sample::select(PATTERNS.to_vec()).prop_map(|it| json!(it)),
        1 => (0..20).prop_map(|it| json!(it)),
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(|it| json!(it)),
    ];
    let some = |values: BoxedStrategy<Json>, how: How| (Just(how), prop::collection::vec(values, 1..4));
    let literal = || {
        text()
            .prop_filter("an empty part is everywhere", |it| it != "")
            .prop_map(|it| json!(it.as_str().unwrap().replace('?', "\\?").replace('*', "\\*")))
    };
    let numbers = || (0..20).prop_map(|it| json!(it)).boxed();
    let how = prop_oneof![
        6 => some(plain.clone().boxed(), How::Plain),
        2 => some(literal().boxed(), How::Contains),
        1 => some(literal().boxed(), How::ContainsAll),
        2 => some(literal().boxed(), How::StartsWith),
        2 => some(literal().boxed(), How::EndsWith),
        1 => some(literal().boxed(), How::Cased),
        1 => some(prop::sample::select(EXPRESSIONS.to_vec()).prop_map(|it| json!(it)).boxed(), How::Re),
        1 => numbers().prop_map(|it| (How::Less, vec![it])),
        1 => numbers().prop_map(|it| (How::AtLeast, vec![it])),
        1 => any::<bool>().prop_map(|it| (How::Exists(it), vec![json!(it)])),
        1 => some(prop::sample::select(NETWORKS.to_vec()).prop_map(|it| json!(it)).boxed(), How::Cidr),
        1 => some(literal().boxed(), How::Neq),
        1 => prop::sample::select(FIELDS.to_vec()).prop_map(|it| (How::FieldRef, vec![json!(it)])),
    ];
    (prop::sample::select(FIELDS.to_vec()), how).prop_map(|(field, (how, values))| Item { field, how, values })
}

fn condition() -> impl Strategy<Value = Cond> {
    (0_usize..3).prop_map(Cond::Sel).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| Cond::Not(Box::new(it))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Cond::And),
            prop::collection::vec(inner, 2..4).prop_map(Cond::Or),
        ]
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    let map = prop::collection::vec(item(), 1..4);
    let selection = prop::collection::vec(map, 1..4);
    (prop::collection::vec(selection, 3..4), condition()).prop_map(|(selections, condition)| Spec { selections, condition })
}

fn event() -> impl Strategy<Value = Json> {
    let scalar = || {
        prop_oneof![
            6 => prop::sample::select(TEXTS.to_vec()).prop_map(|it| json!(it)),
            1 => (0..20).prop_map(|it| json!(it)),
            1 => Just(json!(5.0)),
            1 => any::<bool>().prop_map(|it| json!(it)),
            1 => Just(Json::Null),
        ]
    };
    let maybe = || prop::option::weighted(0.7, scalar());
    let many = || prop::option::weighted(0.7, prop::collection::vec(scalar(), 0..3));
    let id = prop::sample::select(vec!["u1", "u12", "Admin"]);
    let action = prop::sample::select(vec!["account.lookup", "password.reset", "ädmin", "\u{1F426} \"quoted\""]);
    (id, action, maybe(), many(), maybe(), maybe(), many(), maybe()).prop_map(|(id, action, target, tags, rows, ip, parts, note)| {
        let mut event = json!({"time": "2026-03-02T14:03:11Z", "actor": {"id": id}, "action": action, "target": {}, "source": {}, "detail": {}});
        let mut put = |object: &str, key: &str, value: Option<Json>| {
            if let Some(value) = value {
                event[object][key] = value;
            }
        };
        put("target", "id", target);
        put("target", "tags", tags.map(Json::Array));
        put("detail", "rows", rows);
        put("source", "ip", ip);
        put("detail", "parts", parts.map(|it| it.into_iter().map(|name| json!({"name": name})).collect()));
        put("detail", "note", note);
        event
    })
}

/// The rule as a detection engineer would write it; JSON is YAML.
fn yaml(spec: &Spec, name: usize) -> String {
    let mut detection = serde_json::Map::new();
    for (at, selection) in spec.selections.iter().enumerate() {
        let maps: Vec<Json> = selection
            .iter()
            .map(|items| {
                let mut map = serde_json::Map::new();
                for item in items {
                    let suffix = match item.how {
                        How::Plain => "",
                        How::Contains => "|contains",
                        How::ContainsAll => "|contains|all",
                        How::StartsWith => "|startswith",
                        How::EndsWith => "|endswith",
                        How::Cased => "|cased",
                        How::Re => "|re",
                        How::Less => "|lt",
                        How::AtLeast => "|gte",
                        How::Exists(_) => "|exists",
                        How::Cidr => "|cidr",
                        How::Neq => "|neq",
                        How::FieldRef => "|fieldref",
                    };
                    let value = if item.values.len() == 1 { item.values[0].clone() } else { Json::Array(item.values.clone()) };
                    map.insert(format!("{}{suffix}", item.field), value);
                }
                Json::Object(map)
            })
            .collect();
        detection.insert(format!("s{at}"), Json::Array(maps));
    }
    detection.insert("condition".to_owned(), json!(text(&spec.condition)));
    json!({"title": format!("r{name}"), "name": format!("r{name}"), "logsource": {"product": "nightjar"}, "detection": detection})
        .to_string()
}

fn text(condition: &Cond) -> String {
    let join = |parts: &[Cond], word: &str| format!("({})", parts.iter().map(text).collect::<Vec<_>>().join(word));
    match condition {
        Cond::Sel(at) => format!("s{at}"),
        Cond::Not(inner) => format!("not ({})", text(inner)),
        Cond::And(parts) => join(parts, " and "),
        Cond::Or(parts) => join(parts, " or "),
    }
}

fn holds(spec: &Spec, condition: &Cond, event: &Json) -> bool {
    match condition {
        Cond::Sel(at) => spec.selections[*at].iter().any(|items| last_of_each(items).iter().all(|it| item_holds(it, event))),
        Cond::Not(inner) => !holds(spec, inner, event),
        Cond::And(parts) => parts.iter().all(|it| holds(spec, it, event)),
        Cond::Or(parts) => parts.iter().any(|it| holds(spec, it, event)),
    }
}

/// A map has each key once; the generator's later ones replaced the earlier.
fn last_of_each(items: &[Item]) -> Vec<&Item> {
    let key = |it: &Item| (it.field, std::mem::discriminant(&it.how));
    (0..items.len()).filter(|&at| items[at + 1..].iter().all(|it| key(it) != key(&items[at]))).map(|at| &items[at]).collect()
}

/// Every value of a field, arrays walked through; empty when the field is missing.
fn values<'e>(event: &'e Json, path: &str) -> Vec<&'e Json> {
    let mut found = vec![event];
    for key in path.split('.') {
        let mut next = Vec::new();
        for json in found {
            match json {
                Json::Array(elements) => next.extend(elements.iter().filter_map(|it| it.get(key))),
                other => next.extend(other.get(key)),
            }
        }
        found = next;
    }
    found
}

fn plain_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(json.to_string()),
        _ => None,
    }
}

fn item_holds(item: &Item, event: &Json) -> bool {
    let found = values(event, item.field);
    let is_missing = found.is_empty();
    let elements: Vec<&Json> =
        found.iter().flat_map(|it| if let Json::Array(all) = it { all.iter().collect() } else { vec![*it] }).collect();
    let one = |value: &Json| match item.how {
        How::FieldRef => related(event, item.field, value.as_str().unwrap()),
        How::Plain if value.is_null() => is_missing || elements.iter().any(|it| it.is_null()),
        How::Exists(wanted) => wanted != is_missing,
        _ => elements.iter().any(|it| plain_text(it).is_some_and(|text| text_holds(item.how, &text, value))),
    };
    match item.how {
        How::ContainsAll => item.values.iter().all(one),
        How::Neq => !is_missing && !item.values.iter().any(one),
        _ => item.values.iter().any(one),
    }
}

/// Two scalar fields with the same text.
fn related(event: &Json, left: &str, right: &str) -> bool {
    let scalar = |path: &str| event.pointer(&format!("/{}", path.replace('.', "/"))).and_then(plain_text);
    matches!((scalar(left), scalar(right)), (Some(left), Some(right)) if left.to_lowercase() == right.to_lowercase())
}

fn text_holds(how: How, text: &str, value: &Json) -> bool {
    let number = |text: &str| text.parse::<f64>().ok().filter(|_| text.starts_with(|it: char| it.is_ascii_digit()));
    let Some(wanted) = value.as_str() else {
        return match (how, value) {
            (How::Plain, Json::Bool(wanted)) => text.eq_ignore_ascii_case(&wanted.to_string()),
            (How::Plain, _) => number(text) == value.as_f64(),
            (How::Less, _) => number(text) < value.as_f64() && number(text).is_some(),
            _ => number(text).is_some_and(|it| it >= value.as_f64().unwrap()),
        };
    };
    let literal = wanted.replace("\\?", "?").replace("\\*", "*");
    let (low, low_literal) = (text.to_lowercase(), literal.to_lowercase());
    match how {
        How::Contains | How::ContainsAll => low.contains(&low_literal),
        How::StartsWith => low.starts_with(&low_literal),
        How::EndsWith => low.ends_with(&low_literal),
        How::Cased => text == literal,
        How::Re => Regex::new(wanted).unwrap().is_match(text),
        How::Cidr => network_contains(wanted, text),
        _ => like(&low.chars().collect::<Vec<_>>(), &wanted.to_lowercase().chars().collect::<Vec<_>>()),
    }
}

fn network_contains(network: &str, address: &str) -> bool {
    match network {
        "10.0.0.0/8" => address.starts_with("10.") && address.parse::<std::net::Ipv4Addr>().is_ok(),
        "192.168.7.0/24" => address.starts_with("192.168.7."),
        _ => address == "::1",
    }
}

/// Wildcards, by trying everything.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['\\', escaped @ ('*' | '?' | '\\'), rest @ ..] => text.first() == Some(escaped) && like(&text[1..], rest),
        ['*', rest @ ..] => (0..=text.len()).any(|it| like(&text[it..], rest)),
        ['?', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        [one, rest @ ..] => text.first() == Some(one) && like(&text[1..], rest),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_compiled_matcher_equals_the_naive_interpreter(
        specs in prop::collection::vec(spec(), 1..90), events in prop::collection::vec(event(), 1..30),
    ) {
        let files = specs.iter().enumerate().map(|(at, it)| (format!("r{at}.yml"), yaml(it, at))).collect();
        let mut pipeline = pipeline(&book_of(files, "native", &lists()));
        for event in &events {
            let (alerts, rejects) = score(&mut pipeline, event.to_string().as_bytes());
            prop_assert!(rejects.is_empty(), "{:?}", rejects);
            let ours: BTreeSet<String> = alerts.iter().map(|it| it.alert.rule.name.clone()).collect();
            let theirs: BTreeSet<String> =
                specs.iter().enumerate().filter(|(_, it)| holds(it, &it.condition, event)).map(|(at, _)| format!("r{at}")).collect();
            for rule in ours.symmetric_difference(&theirs) {
                let at: usize = rule[1..].parse().unwrap();
                prop_assert!(false, "{} on {}: ours {}", yaml(&specs[at], at), event, ours.contains(rule));
            }
        }
    }
}
