//! From YAML text to [`crate::ast`]: what loads, and every problem with its place.

mod across;
pub mod alternatives;
mod attributes;
mod condition;
mod correlation;
mod detection;
mod encode;
pub mod exceptions;
mod file;
mod filter;
mod hash;
mod info;
mod levels;
mod logsource;
mod modifiers;
pub mod nearest;
mod pattern;
mod placeholder;
mod report;
mod rule;
pub mod taxonomy;
pub(crate) mod timespan;
mod values;
pub(crate) mod yaml;

#[cfg(test)]
mod tests;

pub use modifiers::{MODIFIERS, fitting};
pub(crate) use values::number;

use crate::ast::{Document, Search};
use crate::lists::Lists;
use crate::problem::Problem;
use model::source::Wanted;
use std::collections::{BTreeMap, HashMap};

/// What a file, or several, gave.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// What can be used, in order.
    pub documents: Vec<Document>,
    /// What can't, and what is doubtful, in order; those between files come last.
    pub problems: Vec<Problem>,
}

/// Loads the documents of one YAML file, named `file` in problems; `lists` stand behind placeholders. A document with an error is
/// left out, the others load. References between documents are not checked: that is what [`parse_all`] adds.
pub fn parse_file(file: &str, text: &str, lists: &Lists) -> Loaded {
    let load = file::load(file, text, false, lists);
    Loaded { documents: load.sound.into_iter().map(|it| it.document).collect(), problems: load.problems }
}

/// The documents of a file as trees, `action` documents worked off; what can't be read is passed over.
pub(crate) fn trees(file: &str, text: &str) -> Vec<yaml::Node> {
    file::trees(text, &mut report::Report::new(file))
}

/// The pattern that a value with wildcards stands for.
pub(crate) fn pattern_of(text: &str) -> crate::ast::Pattern {
    pattern::simplest(pattern::pieces(text))
}

/// The lists that a value with `|expand` names.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    placeholder::names(text)
}

/// Reads a selection that stands outside of Sigma documents: fields with their modifiers, and their values. The error is the first
/// problem, without a place.
pub fn selection(fields: &BTreeMap<String, Wanted>, lists: &Lists) -> Result<Search, String> {
    let at = yaml::Position::new(1, 1);
    let pairs: Vec<_> = fields.iter().map(|(key, value)| (yaml::Key { at, text: key.clone() }, yaml::Node::of(value))).collect();
    let mut report = report::Report::new("");
    let search = detection::fields(&pairs, lists, &mut report);
    let problem = report.finish().into_iter().find(Problem::is_error);
    match (search, problem) {
        (Some(search), None) => Ok(search),
        (_, Some(Problem { message, hint: Some(hint), .. })) => Err(format!("{message} ({hint})")),
        (_, problem) => Err(problem.map_or_else(|| "an empty selection".to_owned(), |it| it.message)),
    }
}

/// Loads several files, given as (name, text), and checks them against each other: names and ids are taken once (the first document
/// stays), correlations refer to what loaded, and not to themselves.
pub fn parse_all(files: impl IntoIterator<Item = (String, String)>, lists: &Lists) -> Loaded {
    let files: Vec<(String, String)> = files.into_iter().collect();
    let mut stems: HashMap<&str, u32> = HashMap::new();
    for (path, _) in &files {
        *stems.entry(file::stem(path)).or_default() += 1;
    }
    let is_shared = |path: &str| stems.get(file::stem(path)).is_some_and(|it| *it > 1);
    across::join(files.iter().map(|(path, text)| file::load(path, text, is_shared(path), lists)).collect())
}
