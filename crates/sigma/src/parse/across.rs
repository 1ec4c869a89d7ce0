//! What can only be seen with all files at hand: names and identifiers that are taken, correlations of rules that aren't there.

use super::file::{FileLoad, Sound};
use super::yaml::Position;
use super::{Loaded, nearest};
use crate::ast::{Correlation, Document, Place};
use crate::problem::{Code, Problem};
use model::RuleInfo;
use std::collections::{HashMap, HashSet};

/// Joins files in their order. Of documents with the same name or id the first stays; correlations stay if all their rules do.
pub(super) fn join(files: Vec<FileLoad>) -> Loaded {
    let mut problems = Vec::new();
    let mut unsound = HashSet::new();
    let mut all = Vec::new();
    for file in files {
        problems.extend(file.problems);
        unsound.extend(file.unsound);
        all.extend(file.sound);
    }
    let unique = unique(all, &mut problems);
    let known = Known::new(&unique, unsound);
    let mut documents = Vec::with_capacity(unique.len());
    for sound in &unique {
        let found = match &sound.document {
            Document::Rule(_) => Vec::new(),
            Document::Correlation(correlation) => known.check(correlation, sound),
        };
        if found.is_empty() {
            documents.push(sound.document.clone());
        }
        problems.extend(found);
    }
    Loaded { documents, problems }
}

fn info(document: &Document) -> (&RuleInfo, &Place) {
    match document {
        Document::Rule(rule) => (&rule.info, &rule.place),
        Document::Correlation(correlation) => (&correlation.info, &correlation.place),
    }
}

fn problem(code: Code, place: &Place, at: Position, message: String, hint: Option<String>) -> Problem {
    let end_column = (at.width > 0).then_some(at.column + at.width);
    Problem { end_column, hint, ..Problem::error(code, &place.file, at.line, at.column, message) }
}

/// The documents whose name and id were not seen before.
fn unique(all: Vec<Sound>, problems: &mut Vec<Problem>) -> Vec<Sound> {
    let mut names: HashMap<String, Place> = HashMap::new();
    let mut ids: HashMap<String, Place> = HashMap::new();
    let mut unique = Vec::with_capacity(all.len());
    for sound in all {
        let (info, place) = info(&sound.document);
        let taken = match (names.get(&info.name), ids.get(&info.id)) {
            (Some(first), _) => {
                Some((Code::DuplicateName, format!("the name `{}`", info.name), first, "give one of them another `name:`"))
            }
            (None, Some(first)) => {
                Some((Code::DuplicateId, format!("the id {}", info.id), first, "give one of them another `id:`"))
            }
            (None, None) => None,
        };
        if let Some((code, what, first, hint)) = taken {
            let message = format!("{what} is already taken by {}:{}", first.file, first.line);
            problems.push(problem(code, place, Position::new(place.line, 1), message, Some(hint.to_owned())));
            continue;
        }
        names.insert(info.name.clone(), place.clone());
        ids.insert(info.id.clone(), place.clone());
        unique.push(sound);
    }
    unique
}

/// What a correlation may refer to.
struct Known<'a> {
    documents: HashMap<&'a str, &'a Document>,
    names: Vec<&'a str>,
    unsound: HashSet<String>,
}

impl<'a> Known<'a> {
    fn new(unique: &'a [Sound], unsound: HashSet<String>) -> Self {
        let mut known = Self { documents: HashMap::new(), names: Vec::new(), unsound };
        for sound in unique {
            let (info, _) = info(&sound.document);
            known.documents.insert(&info.name, &sound.document);
            known.documents.entry(&info.id).or_insert(&sound.document);
            if matches!(sound.document, Document::Rule(_)) {
                known.names.push(&info.name);
            }
        }
        known
    }

    /// What is wrong with the references of a correlation.
    fn check(&self, correlation: &Correlation, sound: &Sound) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (reference, at) in correlation.rules.iter().zip(&sound.references) {
            let (code, message, hint) = match self.documents.get(reference.as_str()) {
                Some(Document::Rule(rule)) if seen.contains(&rule.info.id.as_str()) => {
                    (Code::RuleNamedTwice, format!("the rule `{reference}` is listed twice, once by name and once by id"), None)
                }
                Some(Document::Rule(rule)) => {
                    seen.push(&rule.info.id);
                    continue;
                }
                Some(Document::Correlation(_)) => {
                    let message =
                        format!("`{reference}` is a correlation; correlations of correlations are not supported by this version");
                    (Code::NotSupported, message, Some("list the rules themselves".to_owned()))
                }
                None if self.unsound.contains(reference) => (
                    Code::UnsoundRule,
                    format!("the rule `{reference}` was not loaded"),
                    Some("its own problems come first".to_owned()),
                ),
                None => {
                    let hint = nearest::nearest(reference, self.names.iter().copied()).map(|it| format!("did you mean `{it}`?"));
                    (Code::UnknownRule, format!("there is no rule `{reference}`"), hint)
                }
            };
            problems.push(problem(code, &correlation.place, *at, message, hint));
        }
        problems
    }
}
