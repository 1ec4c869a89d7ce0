//! Events made by choices, as lines of JSON: the values of the rules, changed a little; arrays, nested objects, keys with dots, escapes.

use super::json::Tree;
use super::rules::{ENCODED, FIELDS, TEXTS};
use super::texts;
use crate::choices::Choices;
use std::fmt::Write;

const NUMBERS: [&str; 24] = [
    "0.1",
    "0.10000000000000000555",
    "9007199254740992.5",
    "900719925474099.3e1",
    "-9007199254740993",
    "18446744073709551616",
    "1e400",
    "-1e-400",
    "5",
    "5.0",
    "5e0",
    "0",
    "-0",
    "-1",
    "12",
    "1000",
    "1e3",
    "1E+3",
    "0.50",
    "9007199254740992",
    "9007199254740993",
    "123456789012345678901234567890",
    "1772460191",
    "1772460191000",
];
const TIMES: [&str; 6] = [
    "2026-03-02T14:03:11Z",
    "2026-03-02T14:03:11.482+02:00",
    "2024-12-30T23:30:00-08:00",
    "2026-01-01T00:00:00Z",
    "2024-02-29T02:00:00Z",
    "yesterday",
];
const ZONES: [&str; 10] = [
    "Europe/Dublin",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "nowhere",
    " Europe/Dublin ",
    "+02:30",
    "-1130",
    "UTC+1",
    "+99",
    "Z",
];
/// Longer than any value that is remembered.
const LONG: usize = 600;

/// An event: one line.
pub(crate) fn event(choices: &mut Choices<'_>) -> String {
    let mut event = Vec::new();
    if choices.once_in(3) {
        put(&mut event, &["actor", "tz"], Tree::Text(choices.one(&ZONES).to_owned()));
    }
    for field in FIELDS {
        let before = event.clone();
        match choices.below(8) {
            0 | 1 => {}
            2 => event.push((field.to_owned(), value(choices, 1))),
            3 => put_flat(&mut event, field, value(choices, 1)),
            _ => {
                let value = value(choices, 2);
                put(&mut event, &field.split('.').collect::<Vec<_>>(), value);
            }
        }
        // A field in two forms makes a line no event: the first stays.
        let tree = Tree::Object(event);
        let is_told_once = FIELDS.iter().all(|it| forms(&tree, it) <= 1);
        event = match tree {
            Tree::Object(members) if is_told_once => members,
            _ => before,
        };
    }
    dedupe(&mut event);
    let mut line = String::new();
    write(&Tree::Object(event), choices, &mut line);
    line
}

/// In how many forms a field stands in an object: nested, or with dots in keys. What is in a list is one form.
fn forms(tree: &Tree, path: &str) -> usize {
    if let Tree::Array(elements) = tree {
        return usize::from(elements.iter().any(|it| forms(it, path) > 0));
    }
    let ends = path.match_indices('.').map(|(it, _)| it).chain([path.len()]);
    let below = ends.filter_map(|end| Some((tree.get(&path[..end])?, path.get(end + 1..))));
    below.map(|(inner, rest)| rest.map_or(1, |rest| forms(inner, rest))).sum()
}

/// A key that stands twice makes a line no event: the first stays.
fn dedupe(members: &mut Vec<(String, Tree)>) {
    let mut seen = std::collections::BTreeSet::new();
    members.retain(|(key, _)| seen.insert(key.clone()));
}

/// Puts a value at a path of nested objects, unless something else is on the way.
fn put(members: &mut Vec<(String, Tree)>, path: &[&str], value: Tree) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        members.push(((*first).to_owned(), value));
    } else {
        if !members.iter().any(|(key, _)| key == first) {
            members.push(((*first).to_owned(), Tree::Object(Vec::new())));
        }
        let inner = members.iter_mut().find(|(key, _)| key == first);
        if let Some((_, Tree::Object(inner))) = inner {
            put(inner, rest, value);
        }
    }
    dedupe(members);
}

/// As [`put`], with all but the first key in one.
fn put_flat(members: &mut Vec<(String, Tree)>, field: &str, value: Tree) {
    match field.split_once('.') {
        Some((first, rest)) => put(members, &[first, rest], value),
        None => put(members, &[field], value),
    }
}

fn value(choices: &mut Choices<'_>, depth: usize) -> Tree {
    match choices.below(16) {
        0..=6 => Tree::Text(text(choices)),
        7 | 8 => Tree::Number(choices.one(&NUMBERS).to_owned()),
        9 => Tree::Text(choices.one(&NUMBERS).to_owned()),
        10 => Tree::Text(choices.one(&TIMES).to_owned()),
        11 => Tree::Bool(choices.once_in(2)),
        12 => Tree::Null,
        13 if depth > 0 => Tree::Object(vec![("name".to_owned(), value(choices, depth - 1))]),
        14 | 15 if depth > 0 => Tree::Array((0..choices.below(4)).map(|_| element(choices, depth - 1)).collect()),
        _ => Tree::Text(String::new()),
    }
}

/// Elements are often objects with the key that a path through the array looks for.
fn element(choices: &mut Choices<'_>, depth: usize) -> Tree {
    let inner = value(choices, depth);
    if choices.once_in(2) { Tree::Object(vec![(choices.one(&["name", "c", "b.c"]).to_owned(), inner)]) } else { inner }
}

fn text(choices: &mut Choices<'_>) -> String {
    let text = choices.one(&TEXTS).to_owned();
    match choices.below(14) {
        1 => text.to_uppercase(),
        2 => text.to_lowercase(),
        3 => format!("x{text}"),
        4 => format!("{text}Σ"),
        5 => format!("{text}{}", choices.one(&TEXTS)),
        6 => text.replace('-', "–"),
        7 => text.replace(['/', '-'], "―"),
        8 => format!("{}{text}", "long ".repeat(LONG / 5)),
        9 | 10 => in_base64(choices),
        11 => format!(" {text} "),
        _ => text,
    }
}

/// A text that was encoded, with something around it.
fn in_base64(choices: &mut Choices<'_>) -> String {
    let modifiers: &[&str] = &choices.one(&[["base64", ""], ["base64", "wide"], ["base64", "utf16be"], ["base64", "utf16"]]);
    let before = choices.one(&["", "x", "xy", "xyz"]);
    let whole = format!("{before}{}{}", choices.one(&ENCODED), choices.one(&["", "z", "z~", "\u{ff}"]));
    let symbols = whole.chars().map(texts::Symbol::Char).collect();
    let (encoded, _) = texts::encoded(symbols, modifiers, texts::Place::Whole, false).expect("base64 is asked for");
    encoded[0].iter().map(|it| if let texts::Symbol::Char(it) = it { *it } else { ' ' }).collect()
}

/// Writes a value with more or fewer escapes and spaces.
fn write(tree: &Tree, choices: &mut Choices<'_>, into: &mut String) {
    match tree {
        Tree::Null => into.push_str("null"),
        Tree::Bool(is_true) => into.push_str(if *is_true { "true" } else { "false" }),
        Tree::Number(text) => into.push_str(text),
        Tree::Text(text) => write_text(text, choices.once_in(4), into),
        Tree::Array(elements) => {
            into.push('[');
            for (at, element) in elements.iter().enumerate() {
                into.push_str(if at == 0 { "" } else { "," });
                write(element, choices, into);
            }
            into.push(']');
        }
        Tree::Object(members) => {
            into.push('{');
            for (at, (key, inner)) in members.iter().enumerate() {
                into.push_str(if at == 0 { "" } else { ", " });
                write_text(key, choices.once_in(20), into);
                into.push(':');
                write(inner, choices, into);
            }
            into.push('}');
        }
    }
}

fn write_text(text: &str, is_escaped: bool, into: &mut String) {
    into.push('"');
    for (at, char) in text.chars().enumerate() {
        match char {
            // Half a surrogate pair reads so.
            '\u{fffd}' if is_escaped => into.push_str(if at == 0 { "\\udc00" } else { "\\ud83d" }),
            '"' | '\\' => into.extend(['\\', char]),
            '\n' if !is_escaped => into.push_str("\\n"),
            char if is_escaped || char < ' ' => {
                let mut units = [0; 2];
                char.encode_utf16(&mut units).iter().for_each(|it| {
                    let _ = write!(into, "\\u{it:04x}");
                });
            }
            char => into.push(char),
        }
    }
    into.push('"');
}
