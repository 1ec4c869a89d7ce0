//! Rules made by choices: every modifier in every combination that the specification allows, over few fields and values, so that they
//! meet.

use super::texts;
use crate::choices::Choices;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The fields of rules and events.
pub(crate) const FIELDS: [&str; 12] = [
    "action",
    "actor.id",
    "target.tags",
    "detail.rows",
    "source.ip",
    "detail.parts.name",
    "detail.note",
    "at",
    "detail.parts",
    "flat.key",
    "deep.a.b.c",
    "detail",
];

/// Texts that stand in rules and, changed a little, in events.
pub(crate) const TEXTS: [&str; 41] = [
    "odd\u{fffd}name",
    "a",
    "u1",
    "u12",
    "Admin",
    "account.lookup",
    "password.reset",
    "",
    "5",
    "5.0",
    "12",
    "10.1.2.3",
    "192.168.7.7",
    "::1",
    "fe80::12",
    "::ffff:10.9.9.9",
    "a?b*c",
    "C:\\Windows\\cmd.exe",
    "\\\\host\\*",
    "back\\",
    "-f x",
    "run /all -n",
    "no-dash",
    "true",
    "False",
    "null",
    "ÄDMIN",
    "straße",
    "STRASSE",
    "ΟΔΟΣ",
    "οδος",
    "İstanbul",
    "ı",
    "\u{212A}elvin",
    "ſ",
    "日本\u{1F426}",
    "two\nlines",
    "tab\t\"quote\"",
    "\u{0}\u{1f}",
    "9007199254740993",
    "1e3",
];

/// Values with wildcards and escapes.
const PATTERNS: [&str; 20] = [
    "*",
    "?",
    "??",
    "*?",
    "u*",
    "*.reset",
    "*dmi*",
    "?1",
    "a*p",
    "account.*up",
    "**",
    "a\\?b\\*c",
    "C:\\\\*",
    "*\\\\*",
    "\\\\\\\\host\\\\\\*",
    "two?lines",
    "*\u{1F426}",
    "*Σ*",
    "?stanbul",
    "*s?",
];

const EXPRESSIONS: [&str; 10] =
    ["^u[0-9]+$", "reset", "(?i)ADMIN", "^$", "\\.l..k", "^two$", "two.lines", "ä", "^(a|u)", "\\d{2,}"];
const NETWORKS: [&str; 9] =
    ["10.0.0.0/8", "192.168.7.0/24", "192.168.7.4/30", "0.0.0.0/0", "10.1.2.3", "::1/128", "fe80::/10", "::/0", "fe80::12"];
/// What Base64 modifiers get: texts of every length modulo three.
pub(crate) const ENCODED: [&str; 6] = ["whoami", "IEX (", "foobar12", "ab", "äö", "\u{1F426}!"];
const NUMBERS: [&str; 15] = [
    "5",
    "0",
    "-1",
    "12",
    "1000",
    "5.0",
    "0.5",
    "0.1",
    "1e3",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "18446744073709551615",
    "-5",
    "100",
];
const EXPANDED: [&str; 5] = ["%ids%", "x%ids%", "%ids%*", "%words%-%ids%", "*%words%"];
const NAMES: [&str; 4] = ["s0", "s1", "f0", "_h"];

/// The lists behind placeholders.
pub(crate) fn lists() -> BTreeMap<String, Vec<String>> {
    let list = |entries: &[&str]| entries.iter().map(|it| (*it).to_owned()).collect();
    BTreeMap::from([("ids".to_owned(), list(&["u1", "a?b*c", "ÄDMIN"])), ("words".to_owned(), list(&["no", "x*"]))])
}

/// The identifier of rule number `at`.
pub(crate) fn name(at: usize) -> String {
    format!("00000000-0000-4000-8000-{at:012}")
}

/// The file that says `detection`; JSON is YAML.
pub(crate) fn document(at: usize, detection: &Json) -> String {
    let id = name(at);
    json!({"title": format!("r{at}"), "id": id, "logsource": {"product": "nightjar"}, "detection": detection}).to_string()
}

/// A `detection` section.
pub(crate) fn detection(choices: &mut Choices<'_>) -> Json {
    let count = 1 + choices.below(NAMES.len());
    let is_wide = choices.once_in(12);
    let mut section = Map::new();
    for name in &NAMES[..count] {
        section.insert((*name).to_owned(), selection(choices, is_wide));
    }
    let conditions = if choices.once_in(10) { 2 } else { 1 };
    let mut conditions: Vec<Json> = (0..conditions).map(|_| json!(condition(choices, count, 3))).collect();
    if is_wide {
        // A product of many alternatives: more terms than a rule is spread into.
        conditions = vec![json!(NAMES[..count].join(" and "))];
    }
    let condition = if conditions.len() == 1 { conditions.remove(0) } else { Json::Array(conditions) };
    section.insert("condition".to_owned(), condition);
    Json::Object(section)
}

fn condition(choices: &mut Choices<'_>, count: usize, depth: usize) -> String {
    let kind = if depth == 0 { 0 } else { choices.below(8) };
    match kind {
        1 => format!("not {}", atom(choices, count, depth - 1)),
        2 | 3 => joined(choices, count, depth - 1, " and "),
        4 => joined(choices, count, depth - 1, " or "),
        5 => {
            let pattern = choices.one(&["them", "s*", "f*"][..if count > 2 { 3 } else { 2 }]);
            format!("{} of {pattern}", choices.one(&["1", "all", "any"]))
        }
        // Precedence without parentheses.
        6 => format!("{} or not {} and {}", NAMES[choices.below(count)], NAMES[choices.below(count)], NAMES[choices.below(count)]),
        _ => NAMES[choices.below(count)].to_owned(),
    }
}

fn atom(choices: &mut Choices<'_>, count: usize, depth: usize) -> String {
    format!("({})", condition(choices, count, depth))
}

fn joined(choices: &mut Choices<'_>, count: usize, depth: usize, word: &str) -> String {
    let parts = 2 + choices.below(2);
    (0..parts).map(|_| atom(choices, count, depth)).collect::<Vec<_>>().join(word)
}

fn selection(choices: &mut Choices<'_>, is_wide: bool) -> Json {
    if is_wide {
        return Json::Array((0..4 + choices.below(5)).map(|_| map(choices)).collect());
    }
    match choices.below(10) {
        7 => Json::Array((0..=choices.below(3)).map(|_| map(choices)).collect()),
        8 => Json::Array((0..=choices.below(3)).map(|_| keyword(choices)).collect()),
        9 => {
            let (modifiers, values) = keywords(choices);
            json!({ format!("|{modifiers}"): values })
        }
        _ => map(choices),
    }
}

fn map(choices: &mut Choices<'_>) -> Json {
    let mut lines = Map::new();
    for _ in 0..=choices.below(3) {
        let (modifiers, values) = item(choices);
        lines.insert(format!("{}{modifiers}", choices.one(&FIELDS)), values);
    }
    Json::Object(lines)
}

fn keyword(choices: &mut Choices<'_>) -> Json {
    // An empty keyword is in every event; a list may not begin with one that is a map.
    json!(if choices.once_in(3) { choices.one(&PATTERNS) } else { choices.one(&TEXTS) })
}

fn keywords(choices: &mut Choices<'_>) -> (String, Json) {
    let several = |choices: &mut Choices<'_>| Json::Array((0..2 + choices.below(2)).map(|_| keyword(choices)).collect());
    match choices.below(5) {
        1 => ("re".to_owned(), json!(choices.one(&EXPRESSIONS))),
        2 => ("cased".to_owned(), several(choices)),
        3 => ("startswith".to_owned(), several(choices)),
        4 => ("cidr".to_owned(), json!(choices.one(&NETWORKS))),
        _ => ("all".to_owned(), several(choices)),
    }
}

/// The modifiers after the field, each with its bar, and the values.
fn item(choices: &mut Choices<'_>) -> (String, Json) {
    let mut modifiers = String::new();
    let values = match choices.below(16) {
        0..=3 => values(choices, plain),
        4..=6 => placed(choices, &mut modifiers),
        7 => encoded(choices, &mut modifiers),
        8 => {
            modifiers.push_str("|re");
            ["|i", "|m", "|s"].iter().filter(|_| choices.once_in(3)).for_each(|it| modifiers.push_str(it));
            several(choices, &mut modifiers, |it| json!(it.one(&EXPRESSIONS)))
        }
        9 => {
            modifiers.push_str("|cidr");
            several(choices, &mut modifiers, |it| json!(it.one(&NETWORKS)))
        }
        10 => {
            modifiers.push_str("|exists");
            json!(choices.once_in(2))
        }
        11 => {
            modifiers.push_str("|fieldref");
            modifiers.push_str(choices.one(&["", "", "|contains", "|startswith", "|endswith"]));
            modifiers.push_str(choices.one(&["", "|cased"]));
            several(choices, &mut modifiers, |it| json!(it.one(&FIELDS)))
        }
        12 => {
            let _ = write!(modifiers, "|{}", choices.one(&["lt", "lte", "gt", "gte"]));
            if choices.once_in(4) {
                modifiers.push_str("|all");
            }
            values(choices, number)
        }
        13 => {
            let (part, numbers): (&str, &[i64]) = choices.one(&[
                ("hour", &[0, 2, 14, 23][..]),
                ("minute", &[0, 3, 30][..]),
                ("day", &[1, 2, 29, 31][..]),
                ("week", &[1, 10, 53][..]),
                ("month", &[1, 3, 12][..]),
                ("year", &[2024, 2026][..]),
            ]);
            let _ = write!(modifiers, "|{part}");
            modifiers.push_str(choices.one(&["", "", "|neq", "|gte", "|lt"]));
            json!(choices.one(numbers))
        }
        14 => {
            modifiers.push_str("|expand");
            modifiers.push_str(choices.one(&["", "|contains", "|cased", "|endswith"]));
            json!(choices.one(&EXPANDED))
        }
        _ => {
            modifiers.push_str("|neq");
            values(choices, plain)
        }
    };
    (modifiers, values)
}

fn values(choices: &mut Choices<'_>, one: impl Fn(&mut Choices<'_>) -> Json) -> Json {
    match choices.below(4) {
        0 | 1 => one(choices),
        many => Json::Array((0..many).map(|_| one(choices)).collect()),
    }
}

/// Values that may be asked for all at once, or for none.
fn several(choices: &mut Choices<'_>, modifiers: &mut String, one: impl Fn(&mut Choices<'_>) -> Json) -> Json {
    match choices.below(6) {
        4 => modifiers.push_str("|all"),
        5 => modifiers.push_str("|neq"),
        _ => {}
    }
    values(choices, one)
}

fn plain(choices: &mut Choices<'_>) -> Json {
    match choices.below(10) {
        0..=3 => json!(texts::escaped(choices.one(&TEXTS))),
        4..=6 => json!(choices.one(&PATTERNS)),
        7 => number(choices),
        8 => json!(choices.once_in(2)),
        _ => Json::Null,
    }
}

fn number(choices: &mut Choices<'_>) -> Json {
    choices.one(&NUMBERS).parse().expect("a number")
}

fn placed(choices: &mut Choices<'_>, modifiers: &mut String) -> Json {
    if choices.once_in(5) {
        modifiers.push_str("|windash");
    }
    modifiers.push_str(choices.one(&["|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|endswith|cased"]));
    several(choices, modifiers, |it| match it.below(6) {
        4 => json!(it.one(&PATTERNS)),
        5 => number(it),
        _ => json!(texts::escaped(it.one(&TEXTS))),
    })
}

fn encoded(choices: &mut Choices<'_>, modifiers: &mut String) -> Json {
    modifiers.push_str(choices.one(&["", "", "|wide", "|utf16le", "|utf16be", "|utf16"]));
    modifiers.push_str(choices.one(&[
        "|base64",
        "|base64offset",
        "|base64offset|contains",
        "|base64|contains",
        "|base64|startswith",
    ]));
    several(choices, modifiers, |it| json!(it.one(&ENCODED)))
}
