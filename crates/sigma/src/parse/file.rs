//! The documents of one file: which kind each is, what `action` does to it, what it is called.

use super::report::Report;
use super::yaml::{self, Key, Kind, Node, Position};
use super::{attributes, correlation, filter, info, rule};
use crate::ast::{Document, Place};
use crate::lists::Lists;
use crate::problem::{Code, Problem};
use std::sync::Arc;

/// Largest file in bytes.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// A document that loaded, with the places where it names others.
pub(super) struct Sound {
    pub(super) document: Document,
    pub(super) references: Vec<Position>,
    /// Where its `name` and its `id` stand; the beginning of the document where it has none.
    pub(super) name_at: Position,
    pub(super) id_at: Position,
}

/// What one file gave.
#[derive(Default)]
pub(super) struct FileLoad {
    pub(super) sound: Vec<Sound>,
    /// Names and identifiers of documents that are there, but did not load.
    pub(super) unsound: Vec<String>,
    /// What correlations that did not load refer to.
    pub(super) muted: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// Loads the documents of a file. `is_shared`: another file is called the same, in another folder.
pub(super) fn load(file: &str, text: &str, is_shared: bool, lists: &Lists) -> FileLoad {
    let mut report = Report::new(file);
    let mut load = FileLoad::default();
    if text.len() > BYTES_MAX {
        report.error(Code::TooLarge, Position::new(1, 1), format!("a file of more than {BYTES_MAX} bytes"));
        load.problems = report.finish();
        return load;
    }
    let nodes = trees(text, &mut report);
    let file_name: Arc<str> = file.into();
    let mut unnamed = 0;
    for node in nodes {
        let name = info::own_name(&node).map_or_else(
            || {
                unnamed += 1;
                default_name(file, is_shared, unnamed)
            },
            str::to_owned,
        );
        let place = Place { file: file_name.clone(), line: node.at.line };
        if let Some(sound) = document(&node, place, &name, lists, &mut report) {
            load.sound.push(sound);
        } else {
            load.unsound.push(name);
            load.muted.extend(correlation::references(&node));
            load.unsound.extend(node.get("id").and_then(Node::as_scalar).map(|it| info::canonical_id(it.text.trim())));
        }
    }
    load.problems = report.finish();
    load
}

/// The documents of a file as trees, `action` documents worked off.
pub(super) fn trees(text: &str, report: &mut Report) -> Vec<Node> {
    let nodes = yaml::documents(text, report);
    apply_actions(nodes, report)
}

/// A file's name without its folder and ending, which may be written in capitals.
pub(super) fn stem(file: &str) -> &str {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match base.rsplit_once('.') {
        Some((stem, ending)) if ["yml", "yaml"].iter().any(|it| ending.eq_ignore_ascii_case(it)) => stem,
        _ => base,
    }
}

/// What the `count`th document without a name is called: like the file, after its folder if files of several folders are called so, and
/// with a number from the second on.
fn default_name(file: &str, is_shared: bool, count: usize) -> String {
    let folder = file.rsplit(['/', '\\']).nth(1).filter(|_| is_shared);
    let name = folder.map_or_else(|| stem(file).to_owned(), |it| format!("{it}_{}", stem(file)));
    if count == 1 { name } else { format!("{name}_{count}") }
}

/// Reads a document of any kind. `None` if it did not load.
fn document(node: &Node, place: Place, name: &str, lists: &Lists, report: &mut Report) -> Option<Sound> {
    if node.as_map().is_none() {
        report.error(Code::NotAMap, node.at, format!("a document is {}; a rule is a map", node.describe()));
        return None;
    }
    let kinds: Vec<&str> = ["detection", "correlation", "filter"].into_iter().filter(|it| node.get(it).is_some()).collect();
    attributes::check(node, report);
    match kinds.as_slice() {
        ["detection"] => {
            let document = Document::Rule(rule::read(node, place, name, lists, report)?);
            Some(sound(node, document, Vec::new()))
        }
        ["correlation"] => {
            let found = correlation::read(node, place, name, report)?;
            Some(sound(node, Document::Correlation(found.correlation), found.places))
        }
        ["filter"] => {
            let found = filter::read(node, place, name, lists, report)?;
            Some(sound(node, Document::Filter(Arc::new(found.filter)), found.places))
        }
        [] => {
            report.error_with_hint(
                Code::NoKind,
                node.at,
                "neither a rule nor a correlation nor a filter",
                "a rule has `detection:`, a correlation `correlation:`, a filter `filter:`",
            );
            None
        }
        several => {
            let message = format!("a document with {} at once", several.join(" and "));
            report.error_with_hint(Code::SeveralKinds, node.at, message, "separate documents with a line `---`");
            None
        }
    }
}

fn sound(node: &Node, document: Document, references: Vec<Position>) -> Sound {
    let at = |key: &str| node.get(key).map_or(Position::new(node.at.line, 1), |it| it.at);
    Sound { document, references, name_at: at("name"), id_at: at("id") }
}

/// Works off `action` (Sigma 1, "Rule Collection"): `global` documents are merged into those that follow until a `reset`, `repeat`
/// documents into a copy of the one before.
fn apply_actions(nodes: Vec<Node>, report: &mut Report) -> Vec<Node> {
    let mut applied: Vec<Node> = Vec::new();
    let mut global: Option<Node> = None;
    for mut node in nodes {
        let action = take_action(&mut node);
        match action.as_ref().map(|(_, word)| word.as_str()) {
            None => applied.push(merged(global.as_ref(), node)),
            Some("global") => global = Some(merged(global.as_ref(), node)),
            Some("reset") => global = None,
            Some("repeat") if !applied.is_empty() => {
                let repeated = merged(applied.last(), node);
                applied.push(repeated);
            }
            Some(word) => {
                let message = match word {
                    "repeat" => "`action: repeat` without a document before it".to_owned(),
                    other => format!("`{other}` is not an action; there are global, reset and repeat"),
                };
                report.error(Code::BadAction, node.at, message);
            }
        }
    }
    applied
}

fn take_action(node: &mut Node) -> Option<(Key, String)> {
    let Kind::Map(pairs) = &mut node.kind else { return None };
    let index = pairs.iter().position(|(key, _)| key.text == "action")?;
    let (key, value) = pairs.remove(index);
    let word = value.as_scalar().map(|it| it.text.clone()).unwrap_or_default();
    Some((key, word))
}

/// `over` laid over `base`: maps are merged key by key, anything else is replaced.
fn merged(base: Option<&Node>, over: Node) -> Node {
    let Some(Node { kind: Kind::Map(base), .. }) = base else { return over };
    let Kind::Map(over_pairs) = over.kind else { return over };
    let mut pairs = base.clone();
    for (key, value) in over_pairs {
        match pairs.iter_mut().find(|(it, _)| it.text == key.text) {
            Some((_, before)) => *before = merged(Some(before), value),
            None => pairs.push((key, value)),
        }
    }
    Node { at: over.at, kind: Kind::Map(pairs) }
}
