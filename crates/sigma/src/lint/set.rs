//! What is seen with all rules at hand: titles, rules that match the same or less than others, lists.

use super::source::Source;
use super::{Input, Known, subsumed};
use crate::parse::placeholders;
use crate::parse::yaml::{Kind, Node, Position};
use crate::problem::{Code, Problem};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn check(sources: &[Source<'_>], known: &Known<'_>, input: &Input<'_>, problems: &mut Vec<Problem>) {
    titles(sources, known, problems);
    subsumed::check(sources, known, problems);
    lists(sources, input, problems);
}

fn titles(sources: &[Source<'_>], known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut first: HashMap<String, (&str, usize)> = HashMap::new();
    for source in sources {
        for document in &source.documents {
            let Some((title, at)) = document.text("title") else { continue };
            if document.rule().is_some_and(|it| !known.alerts(it)) {
                continue;
            }
            // A title that a `global` document gives to several is one.
            if let Some((file, line)) = first.get(&title.trim().to_lowercase()).filter(|it| **it != (source.file, at.line)) {
                let message = format!("the title is already that of {file}:{line}");
                problems.push(source.problem(Code::DuplicateTitle, at, message).with_hint("alerts are told apart by their titles"));
            } else {
                first.insert(title.trim().to_lowercase(), (source.file, at.line));
            }
        }
    }
}

fn lists(sources: &[Source<'_>], input: &Input<'_>, problems: &mut Vec<Problem>) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for source in sources {
        let mut empty: BTreeMap<String, Position> = BTreeMap::new();
        for document in &source.documents {
            texts(&document.node, &mut |text, at| {
                for name in placeholders(text) {
                    used.insert(name.to_owned());
                    if input.lists.get(name).is_some_and(<[_]>::is_empty) {
                        empty.entry(name.to_owned()).or_insert(at);
                    }
                }
            });
        }
        for (name, at) in empty {
            let message = format!("the list `{name}` is empty, so that the value never matches");
            problems.push(source.problem(Code::EmptyList, at, message));
        }
    }
    for (list, file) in input.list_files.iter().filter(|(list, _)| !used.contains(list)) {
        problems.push(Problem::new(Code::UnusedList, file, 1, 1, format!("no rule names the list `{list}`")));
    }
}

/// Calls `visit` with every text of the values under `detection` or `filter` whose key has `expand`.
fn texts(node: &Node, visit: &mut impl FnMut(&str, Position)) {
    match &node.kind {
        Kind::Map(pairs) => {
            for (key, value) in pairs {
                if key.text.split('|').skip(1).any(|it| it == "expand") {
                    value.as_list().iter().filter_map(|it| Some((it.as_scalar()?, it.at))).for_each(|(it, at)| visit(&it.text, at));
                }
                texts(value, visit);
            }
        }
        Kind::Sequence(nodes) => nodes.iter().for_each(|it| texts(it, visit)),
        Kind::Scalar(_) => {}
    }
}
