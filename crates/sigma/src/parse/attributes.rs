//! The attributes that say something about a document and nothing about events: whether they are as the specification's JSON schemas
//! have them. None keeps a document from loading. What dates, tags, references and relations say is for the lints.

use super::report::Report;
use super::yaml::{Kind, Node, Typed};
use crate::problem::Code;
use std::collections::BTreeSet;

/// Longest description in characters.
const DESCRIPTION_CHARS_MAX: usize = 65_535;
/// Longest name of a taxonomy in characters.
const TAXONOMY_CHARS_MAX: usize = 256;
/// Lists of which the lints tell what stands twice.
const REPEATED_ELSEWHERE: [&str; 2] = ["tags", "references"];

/// Of which lists and maps are reported where they are read.
const SAID_ELSEWHERE: [&str; 6] = ["title", "id", "name", "description", "author", "status"];

/// What an attribute has to be.
#[derive(Clone, Copy)]
enum Form {
    /// A text of at most so many characters.
    Text(usize),
    /// A date, as a text.
    Date,
    /// A list of different texts, each of at least so many characters.
    Texts(usize),
    /// A list of maps with the `id` of a rule and the `type` of relation to it.
    Related,
}

/// The attributes that all kinds of documents have.
const COMMON: [(&str, Form); 6] = [
    ("title", Form::Text(usize::MAX)),
    ("id", Form::Text(usize::MAX)),
    ("description", Form::Text(DESCRIPTION_CHARS_MAX)),
    ("date", Form::Date),
    ("modified", Form::Date),
    ("taxonomy", Form::Text(TAXONOMY_CHARS_MAX)),
];
/// Those of rules and correlations.
const DESCRIBED: [(&str, Form); 3] =
    [("status", Form::Text(usize::MAX)), ("author", Form::Text(usize::MAX)), ("references", Form::Texts(0))];
/// Those of rules.
const OF_RULES: [(&str, Form); 7] = [
    ("name", Form::Text(usize::MAX)),
    ("license", Form::Text(usize::MAX)),
    ("related", Form::Related),
    ("fields", Form::Texts(0)),
    ("falsepositives", Form::Texts(2)),
    ("tags", Form::Texts(0)),
    ("scope", Form::Texts(2)),
];

/// Reports the attributes of `document` that are not as the schema of its kind has them.
pub(super) fn check(document: &Node, report: &mut Report) {
    let is_rule = document.get("detection").is_some();
    let described = if document.get("filter").is_some() { &[][..] } else { &DESCRIBED[..] };
    let of_rules = if is_rule { &OF_RULES[..] } else { &[][..] };
    for &(key, form) in COMMON.iter().chain(described).chain(of_rules) {
        let Some(node) = document.get(key) else { continue };
        let is_said = match &node.kind {
            Kind::Scalar(scalar) => scalar.typed == Typed::Null,
            Kind::Sequence(_) | Kind::Map(_) => SAID_ELSEWHERE.contains(&key),
        };
        if is_said {
            continue;
        }
        if let Some((message, hint)) = wrong(key, form, node) {
            report.warning_with_hint(Code::BadAttribute, node.at, message, hint);
        }
    }
}

/// What is wrong with an attribute, and a hint.
fn wrong(key: &str, form: Form, node: &Node) -> Option<(String, String)> {
    let is_not =
        |what: &str| Some((format!("`{key}` is {}; the specification has {what}", node.describe()), "put it in quotes".to_owned()));
    match form {
        Form::Text(_) | Form::Date if text(node).is_none() => is_not("a text there"),
        Form::Text(most) => {
            let is_too_long = text(node).is_some_and(|it| it.chars().count() > most);
            is_too_long.then(|| (format!("`{key}` has more than {most} characters"), "shorten it".to_owned()))
        }
        Form::Date => None,
        Form::Texts(least) => wrong_list(key, least, node),
        Form::Related => {
            let is_sound = |it: &Node| ["id", "type"].iter().all(|key| it.get(key).and_then(text).is_some());
            let is_list = matches!(&node.kind, Kind::Sequence(all) if all.iter().all(is_sound));
            (!is_list).then(|| {
                let hint = "list maps with `id` and `type`".to_owned();
                ("`related` does not say which rules are related, and how".to_owned(), hint)
            })
        }
    }
}

fn wrong_list(key: &str, least: usize, node: &Node) -> Option<(String, String)> {
    let Kind::Sequence(elements) = &node.kind else {
        let message = format!("`{key}` is {}; the specification has a list there", node.describe());
        return Some((message, "begin each element with `- `".to_owned()));
    };
    let mut seen = BTreeSet::new();
    for element in elements {
        let Some(text) = text(element) else {
            let message = format!("`{key}` holds {}; the specification has texts there", element.describe());
            return Some((message, "put it in quotes".to_owned()));
        };
        if text.chars().count() < least {
            return Some((format!("`{text}` in `{key}` says nothing"), "leave it out".to_owned()));
        }
        if !seen.insert(text) && !REPEATED_ELSEWHERE.contains(&key) {
            return Some((format!("`{text}` stands in `{key}` twice"), "leave one of them out".to_owned()));
        }
    }
    None
}

fn text(node: &Node) -> Option<&str> {
    node.as_scalar().filter(|it| it.typed == Typed::Text).map(|it| it.text.as_str())
}
