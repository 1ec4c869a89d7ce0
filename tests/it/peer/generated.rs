//! Audit rules made from audit events: fields and values that occur, in parts, in another case, negated, with an exclusion.

use super::sides::Rules;
use crate::choices::{Choices, tape};
use serde_json::{Map, Value as Json, json};

/// `count` rules over `events`.
pub(super) fn rules(events: &[String], count: usize, seed: u64) -> Rules {
    let leaves: Vec<Vec<(String, Json)>> = events.iter().map(|it| leaves_of(&serde_json::from_str(it).unwrap())).collect();
    let rule = |at: usize| {
        let tape = tape(seed ^ (at as u64) << 16, 256);
        let detection = detection(&mut Choices::new(&tape), &leaves);
        let id = format!("00000000-0000-4000-9000-{at:012}");
        let rule = json!({"title": format!("Rule {at}"), "id": id, "logsource": {"product": "any"}, "detection": detection});
        (format!("rule_{at}.yml"), rule.to_string())
    };
    (0..count).map(rule).collect()
}

/// Every scalar of an event with its path; those of arrays have the path of the array.
fn leaves_of(event: &Json) -> Vec<(String, Json)> {
    fn walk(json: &Json, path: &str, found: &mut Vec<(String, Json)>) {
        match json {
            Json::Object(fields) => {
                for (key, inner) in fields {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(inner, &path, found);
                }
            }
            Json::Array(elements) => elements.iter().for_each(|it| walk(it, path, found)),
            scalar => found.push((path.to_owned(), scalar.clone())),
        }
    }
    let mut found = Vec::new();
    walk(event, "", &mut found);
    found
}

fn detection(choices: &mut Choices<'_>, leaves: &[Vec<(String, Json)>]) -> Json {
    let of_event = &leaves[choices.below(leaves.len())];
    let other = &leaves[choices.below(leaves.len())];
    let mut section = Map::new();
    section.insert("selection".to_owned(), selection(choices, of_event));
    let condition = match choices.below(5) {
        0 => "selection",
        1 | 2 => {
            section.insert("filter_main".to_owned(), selection(choices, other));
            "selection and not 1 of filter_*"
        }
        3 => {
            section.insert("more".to_owned(), json!([selection(choices, other), selection(choices, of_event)]));
            "selection or more"
        }
        _ => {
            section.insert("words".to_owned(), words(choices, of_event));
            "all of them"
        }
    };
    section.insert("condition".to_owned(), json!(condition));
    Json::Object(section)
}

fn selection(choices: &mut Choices<'_>, leaves: &[(String, Json)]) -> Json {
    let mut lines = Map::new();
    for _ in 0..=choices.below(3) {
        let (path, value) = &leaves[choices.below(leaves.len())];
        let other = leaves[choices.below(leaves.len())].1.clone();
        let (modifiers, value) = line(choices, value, &other);
        lines.insert(format!("{path}{modifiers}"), value);
    }
    Json::Object(lines)
}

fn line(choices: &mut Choices<'_>, value: &Json, other: &Json) -> (String, Json) {
    match value {
        Json::String(text) => text_line(choices, text, other),
        Json::Number(_) => {
            let modifiers = ["", "|gte", "|lt", "|gt", "|lte", "|neq", "|exists"];
            let modifier = choices.one(&modifiers);
            (modifier.to_owned(), if modifier == "|exists" { json!(true) } else { value.clone() })
        }
        other => (choices.one(&["", "|neq"]).to_owned(), other.clone()),
    }
}

fn text_line(choices: &mut Choices<'_>, text: &str, other: &Json) -> (String, Json) {
    let chars: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| {
        chars[from.min(chars.len())..to.clamp(from.min(chars.len()), chars.len())].iter().collect::<String>()
    };
    let at = choices.below(chars.len().max(1));
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?");
    let cased = |choices: &mut Choices<'_>, text: String| if choices.once_in(3) { text.to_uppercase() } else { text };
    let list = |choices: &mut Choices<'_>, value: String| {
        if choices.once_in(3) && (other.is_string() || other.is_boolean()) { json!([value, other]) } else { json!(value) }
    };
    match choices.below(12) {
        0..=2 => {
            let value = cased(choices, escaped(text));
            (String::new(), list(choices, value))
        }
        3 => {
            let value = cased(choices, escaped(&part(0, at + 1)));
            ("|startswith".to_owned(), list(choices, value))
        }
        4 => {
            let value = cased(choices, escaped(&part(at, chars.len())));
            ("|endswith".to_owned(), list(choices, value))
        }
        5 => {
            let value = cased(choices, escaped(&part(at, at + 4)));
            ("|contains".to_owned(), list(choices, value))
        }
        6 => ("|contains|all".to_owned(), json!([escaped(&part(0, 3)), escaped(&part(at, at + 3))])),
        7 => (String::new(), json!(format!("{}*{}", escaped(&part(0, at)), escaped(&part(at + 2, chars.len()))))),
        8 => (String::new(), json!(format!("{}?{}", escaped(&part(0, at)), escaped(&part(at + 1, chars.len()))))),
        9 => ("|neq".to_owned(), json!(escaped(text))),
        10 => ("|re".to_owned(), json!(format!("^{}.*", regex::escape(&part(0, at))))),
        _ => ("|cased".to_owned(), json!(cased(choices, escaped(text)))),
    }
}

/// Keywords: parts of texts of the event.
fn words(choices: &mut Choices<'_>, leaves: &[(String, Json)]) -> Json {
    let texts: Vec<&str> = leaves.iter().filter_map(|it| it.1.as_str()).filter(|it| it.len() > 2).collect();
    let word = |choices: &mut Choices<'_>| {
        let text: String = texts.get(choices.below(texts.len())).unwrap_or(&"none").chars().skip(1).take(6).collect();
        json!(text.replace(['\\', '*', '?'], "."))
    };
    json!([word(choices), word(choices)])
}
