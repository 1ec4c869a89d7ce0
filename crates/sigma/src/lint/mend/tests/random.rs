//! Random rules, mended with every fix that is offered, against the matcher: it says the same of random events before and after.
//!
//! The guard of fixes compares documents by what the lints know of predicates; here nothing is known of them.

use super::*;
use crate::compile::{Program, RuleSet};
use crate::lint::{Input, check};
use crate::matcher::{Clock, Matcher};
use model::event::Schema;
use model::{Event, EventTime, SourceMapping, Value};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;

/// A source of which every object is an event and that every rule sees.
const ANY: &str = "name = \"any\"\nrequired = []\n[roles]\n";
const FIELDS: [&str; 3] = ["f", "g", "h.i"];
const TEXTS: [&str; 30] = [
    "ab", "abc", "ABC", "b", "*ab*", "ab*", "*ab", "a*b", "a?c", "*", "**ab", " ab", "ab ", "12", "1", "007", "-x", "/x y", "a -x",
    "Äb", "*ä*", "ß", "ab\\*", "*\\\\ab", "a.b", "true", "null", "10.1.2.3", "cmd.exe", "\u{212A}",
];
const WORDS: [&str; 12] = ["ab", "abc", "b", "AB", "bc", "x", "-x", "/x", "*b*", "ä", "12", "a b"];
const EXPRESSIONS: [&str; 18] = [
    ".*ab.*", "ab", "^ab$", "a.*b", "[0-9]+", "(?i)ab", ".*a", "b.*", "^.*ab", "a\\.b", "12", ".*?b", ".+b", "(ab|b).*", "\\d",
    "ä", "^-", "(?s).*ab",
];
const NETWORKS: [&str; 7] =
    ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "::ffff:10.1.0.0/112", "fe80::/10"];
/// Modifiers with the values that they take.
const KINDS: [(&str, &[&str]); 26] = [
    ("", &TEXTS),
    ("", &WORDS),
    ("|contains", &WORDS),
    ("|contains", &TEXTS),
    ("|startswith", &WORDS),
    ("|endswith", &WORDS),
    ("|startswith", &TEXTS),
    ("|endswith", &TEXTS),
    ("|contains|all", &WORDS),
    ("|all", &["*a*", "*ab*", "*b*", "*12*"]),
    ("|cased", &["12", "ab", "AB", "-1", "ǅ", "a*"]),
    ("|contains|cased", &["1", "ab", "AB", "*B*"]),
    ("|windash", &["-x", "ab", "a -x"]),
    ("|contains|windash", &["-x", "ab", " -x"]),
    ("|neq", &WORDS),
    ("|contains|neq", &WORDS),
    ("|re", &EXPRESSIONS),
    ("|re|i", &EXPRESSIONS),
    ("|re|s", &EXPRESSIONS),
    ("|re|m", &EXPRESSIONS),
    ("|re|all", &EXPRESSIONS),
    ("|cidr", &NETWORKS),
    ("|base64offset|contains", &["ab", "abc", "foobar"]),
    ("|base64offset", &["ab", "abc"]),
    ("|gt", &["1", "12", "5"]),
    ("|exists", &["true"]),
];
const CONDITIONS: [&str; 9] =
    ["s", "1 of them", "all of them", "s and not t", "s or t", "not not s", "1 of s*", "s and k", "(s or t) and not k"];
const HEADS: [&str; 6] =
    ["", "tags: [attack.T1098]\n", "autor: me\n", "date: 2026/01/02\n", "references:\n  - a\n  - a\n", "# why\n"];
/// What events are made of, besides the values of rules.
const PIECES: [&str; 22] = [
    "a",
    "b",
    "c",
    "A",
    "B",
    "ab",
    "bc",
    "12",
    "1",
    "0",
    " ",
    "-x",
    "/x",
    "ä",
    "Ä",
    "*",
    "\\",
    ".",
    "\n",
    "YWI=",
    "k",
    "\u{2013}x",
];

/// A line of a selection, or of a list of them.
#[derive(Debug, Clone)]
struct Item {
    field: &'static str,
    modifiers: &'static str,
    values: Vec<&'static str>,
    /// How values are quoted, and how a list is written.
    style: usize,
}

/// A rule, and what is put behind its lines.
#[derive(Debug, Clone)]
struct Written {
    head: &'static str,
    selections: [(Vec<Item>, bool); 2],
    keywords: Vec<&'static str>,
    condition: &'static str,
    noise: Vec<usize>,
    has_carriage_returns: bool,
}

fn item() -> impl Strategy<Value = Item> {
    (select(&FIELDS), select(&KINDS), 0_usize..12).prop_flat_map(|(field, (modifiers, pool), style)| {
        let values = prop::collection::vec(select(pool), 1..5);
        values.prop_map(move |values| Item { field, modifiers, values, style })
    })
}

fn written() -> impl Strategy<Value = Written> {
    let selection = || (prop::collection::vec(item(), 1..4), any::<bool>());
    let keywords = prop::collection::vec(select(&WORDS), 1..4);
    let noise = prop::collection::vec(0_usize..20, 12);
    (select(&HEADS), [selection(), selection()], keywords, select(&CONDITIONS), noise, prop::bool::weighted(0.1)).prop_map(
        |(head, selections, keywords, condition, noise, has_carriage_returns)| Written {
            head,
            selections,
            keywords,
            condition,
            noise,
            has_carriage_returns,
        },
    )
}

fn scalar(value: &str, style: usize) -> String {
    match style % 3 {
        0 if value.chars().all(|it| it.is_ascii_alphanumeric()) => value.to_owned(),
        1 => serde_json::to_string(value).unwrap(),
        _ => format!("'{value}'"),
    }
}

impl Item {
    fn key(&self) -> String {
        format!("{}{}", self.field, self.modifiers)
    }

    /// The lines, the first of which follows `first`.
    fn write(&self, first: &str, into: &mut String) {
        let quoted = |value: &&str| scalar(value, if matches!(self.modifiers, "|gt" | "|exists") { 0 } else { self.style });
        let values: Vec<String> = self.values.iter().map(quoted).collect();
        let key = self.key();
        let _ = match (values.as_slice(), self.style / 3) {
            (_, _) if self.modifiers == "|exists" => writeln!(into, "{first}{key}: true"),
            ([value], 0 | 1) => writeln!(into, "{first}{key}: {value}"),
            (values, 2) => writeln!(into, "{first}{key}: [{}]", values.join(", ")),
            (values, _) => writeln!(into, "{first}{key}:\n        - {}", values.join("\n        - ")),
        };
    }
}

impl Written {
    /// Whether the condition is about a selection.
    fn names(&self, selection: &str) -> bool {
        self.condition.split([' ', '(', ')']).any(|it| it == selection)
    }

    /// The events, and for each value of a line one of them that has it there.
    fn met(&self, events: &[Fields]) -> Vec<Fields> {
        let items = || self.selections.iter().flat_map(|it| &it.0);
        let values = items().flat_map(|item| item.values.iter().map(move |value| (item.field, value)));
        let like = values.zip(events.iter().cycle()).map(|((field, value), event)| {
            let mut like = event.clone();
            let at = FIELDS.iter().position(|it| *it == field).unwrap();
            like[at] = Some(serde_json::to_string(&value.replace(['*', '\\', '^', '$'], "")).unwrap());
            like
        });
        like.chain(events.iter().cloned()).collect()
    }

    fn text(&self) -> String {
        let mut plain = format!("title: T\nid: 6f1f2d4e-8a3b-4c5d-9e7f-0a1b2c3d4e5f\n{}", self.head);
        plain.push_str("logsource:\n  product: nightjar\ndetection:\n");
        for (name, (items, is_list)) in ["s", "t"].into_iter().zip(&self.selections) {
            if !(name == "s" || self.names(name)) {
                continue;
            }
            let _ = writeln!(plain, "  {name}:");
            let mut keys = Vec::new();
            for item in items {
                // A key may stand once.
                if *is_list {
                    item.write("    - ", &mut plain);
                } else if !keys.contains(&item.key()) {
                    item.write("    ", &mut plain);
                    keys.push(item.key());
                }
            }
        }
        if self.names("k") {
            plain.push_str("  k:\n");
            for word in &self.keywords {
                let _ = writeln!(plain, "    - '{word}'");
            }
        }
        let _ = writeln!(plain, "  condition: {}", self.condition);
        let mut text = String::new();
        for (line, noise) in plain.lines().zip(self.noise.iter().cycle()) {
            text.push_str(line);
            text.push_str(match noise {
                0 => "  ",
                1 => " # why",
                _ => "",
            });
            text.push_str(if self.has_carriage_returns { "\r\n" } else { "\n" });
        }
        text
    }
}

/// A value of an event, as JSON; `None` where it has none.
fn value() -> impl Strategy<Value = Option<String>> {
    let text = prop_oneof![
        2 => prop::collection::vec(select(&PIECES), 0..5).prop_map(|it| it.concat()),
        1 => select(&WORDS).prop_map(str::to_owned),
        1 => select(&TEXTS).prop_map(str::to_owned),
        1 => select(&["10.1.2.3", "10.9.9.9", "192.168.1.1", "::ffff:10.1.2.3", "fe80::1", "8.8.8.8"]).prop_map(str::to_owned),
    ];
    let text = text.prop_map(|it| serde_json::to_string(&it).unwrap()).boxed();
    let other = select(&["12", "1", "7.0", "-1", "true", "false", "null"]).prop_map(str::to_owned).boxed();
    let list = prop::collection::vec(prop_oneof![3 => text.clone(), 1 => other.clone()], 0..4);
    prop_oneof![
        6 => text.prop_map(Some),
        2 => other.prop_map(Some),
        1 => list.prop_map(|it| Some(format!("[{}]", it.join(",")))),
        1 => Just(None),
    ]
}

type Fields = [Option<String>; 3];

/// A value as the decoder hands it on.
fn decoded(json: Option<&str>) -> Value<'_> {
    match json {
        None => Value::Missing,
        Some("null") => Value::Null,
        Some("true") => Value::Bool(true),
        Some("false") => Value::Bool(false),
        Some(list) if list.starts_with('[') => Value::Array(list),
        Some(text) if text.starts_with('"') => {
            let inner = &text[1..text.len() - 1];
            if inner.contains('\\') { Value::Escaped(inner) } else { Value::Text(inner) }
        }
        Some(number) => Value::Number(number),
    }
}

fn line(fields: &Fields) -> String {
    let present = FIELDS.iter().zip(fields).filter_map(|(name, it)| Some((name, it.as_ref()?)));
    let members: Vec<String> = present.map(|(name, json)| format!("\"{name}\":{json}")).collect();
    format!("{{{}}}", members.join(","))
}

/// Which of the events the rule matches; `None` for what is no rule.
fn verdicts(text: &str, events: &[Fields]) -> Option<Vec<bool>> {
    let loaded = parse_file("r.yml", text, &Lists::default());
    let mut problems = loaded.problems;
    let schema = Schema::of(SourceMapping::from_toml(ANY).unwrap());
    let program = Program::compile(&Arc::new(RuleSet::new(loaded.documents)), schema, &mut problems);
    if problems.iter().any(Problem::is_error) {
        return None;
    }
    let mut matcher = Matcher::new(&program, Clock::default());
    let of_event = |fields: &Fields| {
        let of_path = |path: &str| FIELDS.iter().position(|it| *it == path).and_then(|it| fields[it].as_deref());
        let values: Vec<Value<'_>> = program.schema.projection.paths().iter().map(|it| decoded(of_path(it.as_str()))).collect();
        let (mut rules, line) = (Vec::new(), line(fields));
        matcher.matches(&program, &Event { time: EventTime::from_ms(0), values: &values, line: &line }, &mut rules);
        !rules.is_empty()
    };
    Some(events.iter().map(of_event).collect())
}

/// The fixes that are offered for a text.
fn offered(text: &str) -> Vec<(Code, Fix)> {
    let files = [("r.yml".to_owned(), text.to_owned())];
    let input = Input { files: &files, pages: None, lists: &Lists::default(), list_files: &[], mappings: &[], now: None };
    check(&input).problems.into_iter().filter_map(|it| Some((it.code, it.fix?))).collect()
}

#[test]
fn whatever_is_mended_the_matcher_gives_the_same_verdicts() {
    let (fixes, hits, misses) = (Cell::new(0_usize), Cell::new(0_usize), Cell::new(0_usize));
    let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() };
    let events = prop::collection::vec([value(), value(), value()], 24);
    let outcome = TestRunner::new(config).run(&(written(), events), |(rule, events)| {
        let (text, events) = (rule.text(), rule.met(&events));
        let Some(before) = verdicts(&text, &events) else { return Ok(()) };
        hits.set(hits.get() + before.iter().filter(|it| **it).count());
        misses.set(misses.get() + before.iter().filter(|it| !**it).count());
        let mut current = text.clone();
        for _ in 0..3 {
            let offered = offered(&current);
            fixes.set(fixes.get() + offered.len());
            for (code, fix) in &offered {
                let mended = apply(&current, [fix]).text;
                let after = verdicts(&mended, &events);
                prop_assert_eq!(after.as_ref(), Some(&before), "{}\n{}\n{}", code, current, mended);
            }
            let all = apply(&current, offered.iter().map(|it| &it.1)).text;
            // What is sound one by one may not be so together: `--fix` then mends one after the other.
            if all == current || Before::new("r.yml", &current, &Lists::default()).is_kept(&all).is_err() {
                break;
            }
            let after = verdicts(&all, &events);
            prop_assert_eq!(after.as_ref(), Some(&before), "all at once\n{}\n{}", current, all);
            current = all;
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    // A test of nothing would pass too.
    assert!(fixes.get() > 300 && hits.get() > 300 && misses.get() > 300, "{fixes:?} {hits:?} {misses:?}");
}
