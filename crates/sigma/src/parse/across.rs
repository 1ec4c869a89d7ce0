//! What can only be seen with all files at hand: names and identifiers that are taken, correlations and filters of rules that aren't
//! there.

use super::file::{FileLoad, Sound};
use super::levels;
use super::yaml::Position;
use super::{Loaded, nearest};
use crate::ast::{Correlation, Document, Filter, FilterRules, Place};
use crate::problem::{Code, Problem, Severity};
use std::collections::{HashMap, HashSet};

/// Joins files in their order. Of documents with the same name or id the first stays; correlations and filters stay if all their rules
/// do.
pub(super) fn join(files: Vec<FileLoad>) -> Loaded {
    let mut problems = Vec::new();
    let mut unsound = HashSet::new();
    let mut muted = HashSet::new();
    let mut all = Vec::new();
    for file in files {
        problems.extend(file.problems);
        unsound.extend(file.unsound);
        muted.extend(file.muted);
        all.extend(file.sound);
    }
    let unique = unique(all, &mut problems, &mut muted);
    let known = Known::new(&unique, unsound);
    let check = |sound: &Sound| match &sound.document {
        Document::Rule(_) => Vec::new(),
        Document::Correlation(correlation) => known.check(correlation, sound),
        Document::Filter(filter) => known.check_filter(filter, sound),
    };
    let mut found: Vec<Vec<Problem>> = unique.iter().map(check).collect();
    levels::check(&unique, &known.at, &mut found);
    let mut documents = Vec::with_capacity(unique.len());
    for (sound, found) in unique.into_iter().zip(found) {
        if found.iter().any(Problem::is_error) {
            mute(&sound.document, &mut muted);
        } else {
            documents.push(sound.document);
        }
        problems.extend(found);
    }
    for document in &mut documents {
        let is_muted = muted.contains(document.name()) || muted.contains(document.id());
        match document {
            Document::Rule(it) => it.is_muted = is_muted,
            Document::Correlation(it) => it.is_muted = is_muted,
            Document::Filter(_) => {}
        }
    }
    Loaded { documents, problems }
}

/// A correlation that stays out leaves the rules that were only for it: they would alert on every event they match.
fn mute(document: &Document, muted: &mut HashSet<String>) {
    if let Document::Correlation(it) = document
        && !it.generate
    {
        muted.extend(it.rules.iter().cloned());
    }
}

pub(super) fn problem(code: Code, place: &Place, at: Position, message: String, hint: Option<String>) -> Problem {
    let end_column = (at.width > 0).then_some(at.column + at.width);
    Problem { end_column, hint, ..Problem::error(code, &place.file, at.line, at.column, message) }
}

/// The documents whose name and id were not seen before.
fn unique(all: Vec<Sound>, problems: &mut Vec<Problem>, muted: &mut HashSet<String>) -> Vec<Sound> {
    let mut names: HashMap<String, Place> = HashMap::new();
    let mut ids: HashMap<String, Place> = HashMap::new();
    let mut unique = Vec::with_capacity(all.len());
    for sound in all {
        let (name, id, place) = (sound.document.name(), sound.document.id(), sound.document.place());
        let taken = match (names.get(name), ids.get(id)) {
            (Some(first), _) => {
                Some((Code::DuplicateName, format!("the name `{name}`"), first, "give one of them another `name:`", sound.name_at))
            }
            (None, Some(first)) => {
                Some((Code::DuplicateId, format!("the id {id}"), first, "give one of them another `id:`", sound.id_at))
            }
            (None, None) => None,
        };
        if let Some((code, what, first, hint, at)) = taken {
            let message = format!("{what} is already taken by {}:{}", first.file, first.line);
            problems.push(problem(code, place, at, message, Some(hint.to_owned())));
            mute(&sound.document, muted);
            continue;
        }
        names.insert(name.to_owned(), place.clone());
        ids.insert(id.to_owned(), place.clone());
        unique.push(sound);
    }
    unique
}

/// What a correlation may refer to.
struct Known<'a> {
    /// Where the documents stand, by name and by id.
    at: HashMap<&'a str, usize>,
    unique: &'a [Sound],
    unsound: HashSet<String>,
}

impl<'a> Known<'a> {
    fn new(unique: &'a [Sound], unsound: HashSet<String>) -> Self {
        let mut at = HashMap::new();
        for (index, sound) in unique.iter().enumerate() {
            at.insert(sound.document.name(), index);
            at.entry(sound.document.id()).or_insert(index);
        }
        Self { at, unique, unsound }
    }

    /// What is wrong with the references of a correlation, each by itself.
    fn check(&self, correlation: &Correlation, sound: &Sound) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut seen: Vec<usize> = Vec::new();
        for (reference, at) in correlation.rules.iter().zip(&sound.references) {
            let (code, message, hint) = match self.at.get(reference.as_str()) {
                Some(known) if seen.contains(known) => {
                    (Code::RuleNamedTwice, format!("the rule `{reference}` is listed twice, once by name and once by id"), None)
                }
                Some(&known) if matches!(self.unique[known].document, Document::Filter(_)) => {
                    (Code::UnknownRule, format!("`{reference}` is a filter"), Some("list rules".to_owned()))
                }
                Some(&known) => {
                    seen.push(known);
                    continue;
                }
                None => self.absent(reference, &correlation.info.name),
            };
            problems.push(problem(code, &correlation.place, *at, message, hint));
        }
        problems
    }

    /// Why there is no document behind `reference`, and a hint; `asking` does not mean itself.
    fn absent(&self, reference: &str, asking: &str) -> (Code, String, Option<String>) {
        if self.unsound.contains(reference) {
            return not_loaded(reference);
        }
        let names = self.unique.iter().filter(|it| !matches!(it.document, Document::Filter(_))).map(|it| it.document.name());
        let hint = nearest::nearest(reference, names.filter(|it| *it != asking)).map(|it| format!("did you mean `{it}`?"));
        (Code::UnknownRule, format!("there is no rule `{reference}`"), hint)
    }

    /// What is wrong with the references of a filter. One that applies to no rule at all is doubtful: it was meant to.
    fn check_filter(&self, filter: &Filter, sound: &Sound) -> Vec<Problem> {
        let mut problems = Vec::new();
        let named: &[String] = if let FilterRules::Named(names) = &filter.rules { names } else { &[] };
        for (reference, at) in named.iter().zip(&sound.references) {
            let (code, message, hint) = match self.at.get(reference.as_str()).map(|it| &self.unique[*it].document) {
                Some(Document::Rule(rule)) if filter.applies_to(rule) => continue,
                Some(Document::Rule(_)) => (
                    Code::FilterElsewhere,
                    format!("the filter's log source does not cover that of `{reference}`"),
                    Some("name less in the filter's `logsource`, or leave the rule out".to_owned()),
                ),
                Some(Document::Correlation(_)) => (
                    Code::BadFilter,
                    format!("`{reference}` is a correlation, which sees no events itself"),
                    Some("filter the rules that it is over".to_owned()),
                ),
                Some(Document::Filter(_)) => (Code::BadFilter, format!("`{reference}` is a filter"), Some("list rules".to_owned())),
                None => self.absent(reference, &filter.name),
            };
            problems.push(problem(code, &filter.place, *at, message, hint));
        }
        let applies = || self.unique.iter().any(|it| matches!(&it.document, Document::Rule(rule) if filter.applies_to(rule)));
        if problems.is_empty() && !applies() {
            let hint = "no rule is for the filter's log source".to_owned();
            let message = format!("the filter `{}` applies to no rule", filter.name);
            let unused = problem(Code::UnusedFilter, &filter.place, Position::new(filter.place.line, 1), message, Some(hint));
            problems.push(Problem { severity: Severity::Warning, ..unused });
        }
        problems
    }
}

/// The problem of a reference to a document that is there, but did not load.
pub(super) fn not_loaded(reference: &str) -> (Code, String, Option<String>) {
    (Code::UnsoundRule, format!("the rule `{reference}` was not loaded"), Some("its own problems come first".to_owned()))
}
