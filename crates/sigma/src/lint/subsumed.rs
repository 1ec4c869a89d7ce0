//! Rules that match the same events as another, or fewer.
//!
//! Among thousands of rules nearly no pair is worth a proof: what a term implies stands in its texts, so that the texts of all rules are
//! looked for in those of each by a table of them per field.

use super::Known;
use super::logic::{self, Literal, Term};
use super::source::{Doc, Source};
use crate::ast::{Pattern, Predicate, Rule, Wild};
use crate::parse::yaml::Position;
use crate::problem::{Code, Problem};
use model::source::LogSource;
use std::collections::{BTreeSet, HashMap};

/// Of a text so many bytes are looked for, the first: whatever contains the text contains them.
const KEY_MAX: usize = 32;
/// In so many bytes of a text others are looked for. What a rule with a longer one has in common with others is not seen beyond.
const SEARCHED_MAX: usize = 4_096;

/// A rule with what is needed to compare it with others.
struct Candidate<'a> {
    source: &'a Source<'a>,
    document: &'a Doc<'a>,
    rule: &'a Rule,
    terms: &'a [Term<'a>],
}

/// Reports each rule of which another matches whatever it matches.
pub(super) fn check(sources: &[Source<'_>], known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut candidates = Vec::new();
    for source in sources {
        for document in &source.documents {
            let Some(rule) = document.rule() else { continue };
            let terms = known.terms.get(rule.info.name.as_str()).and_then(|it| it.as_deref());
            // What only feeds correlations tells nobody the same twice.
            if let Some(terms) = terms.filter(|it| !it.is_empty() && known.alerts(rule)) {
                candidates.push(Candidate { source, document, rule, terms });
            }
        }
    }
    let index = Index::new(&candidates);
    for (at, narrow) in candidates.iter().enumerate() {
        let mut wider = index.candidates(&narrow.terms[0]).into_iter().filter(|&it| it != at).filter_map(|it| {
            let wide = &candidates[it];
            wide.covers(narrow).then(|| (it, wide, narrow.covers(wide)))
        });
        // Of two that match the same, the later one is told.
        let Some((_, wide, is_same)) = wider.find(|&(other, _, is_same)| !is_same || other < at) else { continue };
        let place = format!("`{}` ({}:{})", wide.rule.info.name, wide.source.file, wide.rule.place.line);
        let (code, message) = if is_same {
            (Code::SameDetection, format!("the rule matches the same events as {place}"))
        } else {
            (Code::SubsumedRule, format!("whatever the rule matches, {place} matches too"))
        };
        let at = narrow.document.pair("detection").map_or(Position::new(narrow.rule.place.line, 1), |(key, _)| key.at);
        problems.push(narrow.source.problem(code, at, message));
    }
}

impl Candidate<'_> {
    /// Whether this one matches whatever `narrow` matches.
    fn covers(&self, narrow: &Self) -> bool {
        // What a filter leaves out of this rule, the other may match.
        let is_filtered = self.rule.filters.iter().any(|it| narrow.rule.filters.iter().all(|other| other.id != it.id));
        !is_filtered && covers(&self.rule.logsource, &narrow.rule.logsource) && logic::all_imply(narrow.terms, self.terms)
    }
}

/// Whether rules for `wide` see every event that rules for `narrow` see.
fn covers(wide: &LogSource, narrow: &LogSource) -> bool {
    wide.covers(narrow) && (wide.names_nothing() || !narrow.names_nothing())
}

/// Which rules may cover a term.
struct Index<'a> {
    /// For each field, the texts of which a covered term must contain one, with the rules that they are of.
    by_field: HashMap<Option<&'a str>, Texts>,
    /// Rules with a term that has no such text.
    others: Vec<usize>,
}

impl<'a> Index<'a> {
    fn new(candidates: &[Candidate<'a>]) -> Self {
        let mut by_field: HashMap<Option<&'a str>, Texts> = HashMap::new();
        let mut others = Vec::new();
        for (at, candidate) in candidates.iter().enumerate() {
            let keys: Option<Vec<_>> = candidate.terms.iter().map(key).collect();
            let Some(keys) = keys else {
                others.push(at);
                continue;
            };
            for (field, of_term) in keys {
                let texts = by_field.entry(field).or_default();
                of_term.into_iter().for_each(|it| texts.insert(it, at));
            }
        }
        Self { by_field, others }
    }

    /// The rules that may cover `term`, by number.
    fn candidates(&self, term: &Term<'a>) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = self.others.iter().copied().collect();
        for literal in term.iter().filter(|it| it.is_positive) {
            let Some(texts) = self.by_field.get(&literal.field.map(model::FieldPath::as_str)) else { continue };
            // Each of its values must imply one of the texts: looking at one of them is enough to know who can't be.
            for text in literal.any.first().into_iter().flat_map(|it| pieces(it)) {
                texts.each_in(text, |rule| {
                    found.insert(rule);
                });
            }
        }
        found
    }
}

/// Texts, and the rules that they are of. An automaton would find them in one pass, but takes quadratic time to make for tens of
/// thousands of texts.
#[derive(Default)]
struct Texts {
    /// By the first bytes of the text, in small letters.
    rules: HashMap<Vec<u8>, Vec<usize>>,
    /// How long these are.
    lengths: BTreeSet<usize>,
}

impl Texts {
    fn insert(&mut self, text: &str, rule: usize) {
        let key = text.as_bytes()[..text.len().min(KEY_MAX)].to_ascii_lowercase();
        self.lengths.insert(key.len());
        let rules = self.rules.entry(key).or_default();
        if rules.last() != Some(&rule) {
            rules.push(rule);
        }
    }

    /// Shows each rule with a text that `text` may contain.
    fn each_in(&self, text: &str, mut show: impl FnMut(usize)) {
        let bytes = text.as_bytes()[..text.len().min(SEARCHED_MAX)].to_ascii_lowercase();
        for &length in self.lengths.iter().take_while(|it| **it <= bytes.len()) {
            for window in bytes.windows(length) {
                self.rules.get(window).into_iter().flatten().for_each(|it| show(*it));
            }
        }
    }
}

/// A field and texts of which whatever implies the term must contain one in that field; `None` if the term has no literal like that.
fn key<'a>(term: &Term<'a>) -> Option<(Option<&'a str>, Vec<&'a str>)> {
    let texts = |literal: &Literal<'a>| {
        let longest =
            |it: &&'a Predicate| pieces(it).into_iter().max_by_key(|it| it.len()).filter(|it| !it.is_empty() && it.is_ascii());
        literal.any.iter().map(longest).collect::<Option<Vec<&'a str>>>().filter(|it| !it.is_empty())
    };
    let literals = term.iter().filter(|it| it.is_positive);
    literals
        .filter_map(|it| Some((it.field.map(model::FieldPath::as_str), texts(it)?)))
        .max_by_key(|(_, texts)| texts.iter().map(|it| it.len()).min())
}

/// The texts that stand in whatever a predicate matches.
fn pieces(predicate: &Predicate) -> Vec<&str> {
    let Predicate::Text { pattern, .. } = predicate else { return Vec::new() };
    match pattern {
        Pattern::Equal(text) | Pattern::Prefix(text) | Pattern::Suffix(text) | Pattern::Contains(text) => vec![text],
        Pattern::Any => Vec::new(),
        Pattern::Wildcard(pieces) => {
            pieces.iter().filter_map(|it| if let Wild::Literal(it) = it { Some(it.as_str()) } else { None }).collect()
        }
    }
}
