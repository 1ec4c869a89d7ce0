//! Everything that can be said about rules without running them: one pure function over texts, for the command line and for editors.

mod allow;
mod attack;
mod conditions;
mod correlations;
pub mod docs;
mod entries;
pub mod fields;
mod layout;
mod logic;
pub mod mend;
mod metadata;
mod misread;
mod never;
mod pages;
mod regexes;
mod schema;
mod set;
mod source;
mod subsumed;
mod values;

use crate::ast::{Document, Rule};
use crate::lists::Lists;
use crate::parse::nearest::within;
use crate::parse::yaml::{Node, Position, Typed};
use crate::parse::{Loaded, parse_all, trees};
use crate::problem::{Code, Problem};
use entries::Entry;
use metadata::{Kind, Metadata};
use model::source::LogSource;
use model::{EventTime, SourceMapping};
use source::{Doc, Source};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Products and services with shorter names are too near to others.
const LOG_SOURCE_CHARS_MIN: usize = 4;

/// What is checked, and what it is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The rule files as (name, text).
    pub files: &'a [(String, String)],
    /// The pages as (name, text). `None` where nobody looked for pages: then nothing is said about missing ones.
    pub pages: Option<&'a [(String, String)]>,
    /// The lists behind placeholders.
    pub lists: &'a Lists,
    /// The lists whose use is checked, as (list, file).
    pub list_files: &'a [(String, String)],
    /// The sources that rules may be for.
    pub mappings: &'a [SourceMapping],
    /// The present, for dates; `None` leaves those checks out.
    pub now: Option<EventTime>,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// What loads.
    pub documents: Vec<Document>,
    /// Everything that is wrong, by file and line.
    pub problems: Vec<Problem>,
    /// How many problems comments in the files allow (`# nightjar: allow NJ0123 reason`).
    pub allowed: usize,
}

/// Checks files against each other, their lists, their pages and the sources they are for. The problems of loading are among the
/// result.
pub fn check(input: &Input<'_>) -> Checked {
    let Loaded { documents, mut problems } = parse_all(input.files.iter().cloned(), input.lists);
    let mut comments = allow::Comments::default();
    let mut allowed = 0;
    {
        let mut known = Known::new(&documents);
        let sources: Vec<Source<'_>> = input.files.iter().map(|(file, text)| known.source(file, text)).collect();
        known.silence(&sources);
        never::find(&mut known, &sources, input);
        for source in &sources {
            comments.read(source, &mut problems);
            layout::check(source, &mut problems);
            for document in &source.documents {
                check_document(source, document, &known, input, &mut problems);
            }
        }
        set::check(&sources, &known, input, &mut problems);
        pages::check(&sources, &known, input, &mut problems);
        allowed += comments.apply(&mut problems);
        comments.unused(&sources, &mut problems);
    }
    mend::vet(input, &mut problems);
    let order: HashMap<&str, usize> = input.files.iter().enumerate().map(|(at, (file, _))| (file.as_str(), at)).collect();
    problems.sort_by_cached_key(|it| {
        (order.get(it.file.as_str()).copied().unwrap_or(usize::MAX), it.file.clone(), it.line, it.column, it.severity, it.code)
    });
    problems.dedup();
    Checked { documents, problems, allowed }
}

fn check_document(source: &Source<'_>, document: &Doc<'_>, known: &Known<'_>, input: &Input<'_>, problems: &mut Vec<Problem>) {
    let kind = match (document.rule(), document.correlation(), document.node.get("filter").is_some()) {
        (_, _, true) => Kind::Filter,
        (Some(rule), _, _) if !known.alerts(rule) => Kind::Silent,
        // What did not load says enough about itself already.
        (None, None, _) => Kind::Silent,
        _ => Kind::Alerting,
    };
    Metadata { source, document, kind, now: input.now }.check(problems);
    if let Some(section) = document.node.get("logsource") {
        logsource(source, section, input, problems);
    }
    correlations::Correlations { source, document, known, input }.check(problems);
    let logsource = document.rule().map(|it| &it.logsource).or(document.filter().map(|it| &it.logsource));
    let mappings = logsource.map_or_else(Vec::new, |it| Known::mappings(it, input));
    for section in [document.node.get("detection"), document.node.get("filter")].into_iter().flatten() {
        entries::visit(section, &mut |entries| {
            values::Values { source, lists: input.lists }.check(entries, problems);
            for entry in entries {
                regexes::check(source, entry, problems);
                field(source, entry, &mappings, problems);
                schema::check(source, entry, &mappings, problems);
            }
        });
    }
    if let Some(rule) = document.rule() {
        let terms = known.terms.get(rule.info.name.as_str()).and_then(|it| it.as_deref());
        conditions::Conditions { source, document, rule, terms, mappings: &mappings }.check(problems);
    }
    if let Some(filter) = document.filter() {
        conditions::check_filter(source, document, filter, problems);
    }
}

/// A field that none of the rule's sources has, or a text that is compared as a number.
fn field(source: &Source<'_>, entry: &Entry<'_>, mappings: &[&SourceMapping], problems: &mut Vec<Problem>) {
    let (Some(key), Some(name)) = (entry.key, entry.field) else { return };
    let at =
        Position { width: if key.at.width == key.text.chars().count() { name.chars().count() } else { key.at.width }, ..key.at };
    let unknown: Option<Vec<_>> = mappings.iter().map(|it| fields::unknown(name, it)).collect();
    // Whoever writes a field in both spellings means the pipelines that write names in small letters, too.
    let is_meant =
        |it: &fields::Unknown| it.near.as_deref().is_some_and(|near| near.eq_ignore_ascii_case(name) && source.text.contains(near));
    if let Some(first) = unknown.and_then(|it| it.into_iter().next()).filter(|it| !is_meant(it)) {
        let names: Vec<&str> = mappings.iter().map(|it| it.name.as_str()).collect();
        let message = format!("the source {} has no field `{name}`", names.join(", "));
        let mut problem = source.problem(Code::UnknownField, at, message);
        problem.hint = first.near.map(|it| format!("did you mean `{it}`?"));
        problems.push(problem);
    }
    let is_number = entry.modifiers.iter().any(|it| matches!(*it, "gt" | "gte" | "lt" | "lte"));
    let is_time = entry.modifiers.iter().any(|it| matches!(*it, "minute" | "hour" | "day" | "week" | "month" | "year"));
    if is_number && !is_time && !mappings.is_empty() && mappings.iter().all(|it| fields::is_text(name, it)) {
        let message = format!("`{name}` is a text, and no number is compared with it");
        problems.push(source.problem(Code::NumberOnText, at, message));
    }
    if let Some(message) = misread::message(name, entry) {
        problems.push(source.problem(Code::NumberOnText, at, message));
    }
}

/// A log source that is nearly one of the sources that are known.
fn logsource(source: &Source<'_>, section: &Node, input: &Input<'_>, problems: &mut Vec<Problem>) {
    let word = |key: &str| section.get(key).and_then(|it| Some((it.as_scalar()?.text.trim(), it.at)));
    let is = |known: Option<&str>, word: &str| known.is_some_and(|it| it.eq_ignore_ascii_case(word));
    let Some((product, product_at)) = word("product") else { return };
    let of_product: Vec<&LogSource> =
        input.mappings.iter().map(|it| &it.logsource).filter(|it| is(it.product.as_deref(), product)).collect();
    let (key, word, at, known): (_, _, _, Vec<&str>) = match word("service") {
        Some((service, at)) if !of_product.is_empty() => {
            ("service", service, at, of_product.iter().filter_map(|it| it.service.as_deref()).collect())
        }
        _ => ("product", product, product_at, input.mappings.iter().filter_map(|it| it.logsource.product.as_deref()).collect()),
    };
    if known.iter().any(|it| it.eq_ignore_ascii_case(word)) {
        return;
    }
    let is_near = |it: &&&str| it.len() >= LOG_SOURCE_CHARS_MIN && within(word, it, if it.len() < 6 { 1 } else { 2 });
    if let Some(near) = known.iter().find(is_near) {
        let mut problem = source.problem(Code::MisspelledLogSource, at, format!("no source has the {key} `{word}`"));
        problem.hint = Some(format!("did you mean `{near}`?"));
        problems.push(problem);
    }
}

/// What several lints ask about the whole set.
struct Known<'a> {
    /// What documents were loaded as, by file and first line.
    by_place: HashMap<(&'a str, usize), &'a Document>,
    rules: HashMap<&'a str, &'a Rule>,
    /// The names of rules and correlations.
    names: BTreeSet<&'a str>,
    /// The names and ids of rules that only feed correlations.
    silent: HashSet<String>,
    /// The names and ids of rules that never match and correlations that never fire.
    never: HashSet<String>,
    /// For each rule, by name, its condition; `None` where it has too many terms.
    terms: HashMap<&'a str, Option<Vec<logic::Term<'a>>>>,
}

impl<'a> Known<'a> {
    fn new(documents: &'a [Document]) -> Self {
        let mut known = Self {
            by_place: HashMap::new(),
            rules: HashMap::new(),
            names: BTreeSet::new(),
            silent: HashSet::new(),
            never: HashSet::new(),
            terms: HashMap::new(),
        };
        for document in documents {
            let place = document.place();
            known.by_place.insert((&place.file, place.line), document);
            known.names.insert(document.name());
            if let Document::Rule(rule) = document {
                known.rules.insert(&rule.info.name, rule);
                known.rules.insert(&rule.info.id, rule);
                known.terms.insert(&rule.info.name, logic::terms(&rule.condition, &rule.selections));
            }
        }
        known
    }

    fn source<'s>(&self, file: &'s str, text: &'s str) -> Source<'s>
    where
        'a: 's,
    {
        let mut source = Source::new(file, text);
        for node in trees(file, text) {
            let loaded = self.by_place.get(&(file, node.at.line)).copied();
            source.documents.push(Doc { node, loaded });
        }
        source
    }

    /// Notes which rules only feed correlations: some correlation is over them, and none says `generate: true`.
    fn silence(&mut self, sources: &[Source<'_>]) {
        let (mut fed, mut loud) = (HashSet::new(), HashSet::new());
        for document in sources.iter().flat_map(|it| &it.documents) {
            let Some(section) = document.node.get("correlation") else { continue };
            let is_true = |it: &Node| it.as_scalar().is_some_and(|it| it.typed == Typed::Bool(true));
            let generates = [section.get("generate"), document.node.get("generate")].into_iter().flatten().any(is_true);
            for node in section.get("rules").map(Node::as_list).unwrap_or_default() {
                let Some(rule) = node.as_scalar().and_then(|it| self.rule(&it.text)) else { continue };
                if generates {
                    loud.insert(rule.info.name.clone())
                } else {
                    fed.insert(rule.info.name.clone())
                };
            }
        }
        self.silent = fed.difference(&loud).cloned().collect();
    }

    /// The rule that a correlation means.
    fn rule(&self, name: &str) -> Option<&'a Rule> {
        self.rules.get(canonical(name).as_str()).copied()
    }

    /// Whether the rule or correlation that a correlation means never matches or fires.
    fn is_never(&self, name: &str) -> bool {
        self.never.contains(&canonical(name))
    }

    fn alerts(&self, rule: &Rule) -> bool {
        !self.silent.contains(&rule.info.name) && !self.silent.contains(&rule.info.id)
    }

    /// The sources whose events rules for `logsource` see, those that take any rule excepted.
    fn mappings<'i>(logsource: &LogSource, input: &Input<'i>) -> Vec<&'i SourceMapping> {
        let is_fed = |it: &&SourceMapping| (!it.logsource.names_nothing() || !it.logsources.is_empty()) && it.feeds(logsource);
        input.mappings.iter().filter(is_fed).collect()
    }
}

/// A name, or an id as it is written in small letters.
fn canonical(name: &str) -> String {
    uuid::Uuid::try_parse(name.trim()).map_or_else(|_| name.trim().to_owned(), |it| it.to_string())
}

#[cfg(test)]
mod tests;
