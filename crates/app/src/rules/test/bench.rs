//! Runs pages: all of them at once, each case on an engine of its own.

use crate::load;
use crate::rules::select::Entry;
use anyhow::{Context, Result};
use engine::Rulebook;
use engine::pages::{self, CaseResult};
use model::SourceMapping;
use rayon::prelude::*;
use sigma::ast::Document;
use sigma::page::{self, Case, Page};
use sigma::parse::Loaded;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a page came to.
pub(super) struct PageResult {
    pub(super) path: PathBuf,
    /// What is wrong with the page itself, `line: message`.
    pub(super) problems: Vec<(usize, String)>,
    pub(super) cases: Vec<RanCase>,
    /// How many of its expectations were rewritten.
    pub(super) updated: usize,
}

/// A case and how long it took.
pub(super) struct RanCase {
    pub(super) result: CaseResult,
    pub(super) seconds: f64,
}

impl PageResult {
    pub(super) fn passed(&self) -> bool {
        self.problems.is_empty() && self.cases.iter().all(|it| it.result.passed())
    }

    fn broken(path: &Path, problems: Vec<(usize, String)>) -> Self {
        Self { path: path.to_owned(), problems, cases: Vec::new(), updated: 0 }
    }
}

/// A page that can be run.
struct Ready {
    text: String,
    page: Page,
    mapping: SourceMapping,
    /// What it lacks all the same.
    problems: Vec<(usize, String)>,
}

/// Runs `paths` with all rules of `documents`. With `is_update`, what came is written into the pages.
pub(super) fn run(documents: &[Document], paths: &[PathBuf], is_update: bool) -> Result<Vec<PageResult>> {
    let files = by_file(documents);
    let pages: Vec<Result<Ready, PageResult>> = paths.par_iter().map(|it| read(it, &files)).collect();
    let books = books(documents, pages.iter().flatten());
    // Cases, not pages, are shared out: one page may have far more to do than all others together.
    let jobs: Vec<(&Case, &Rulebook)> =
        (pages.iter().flatten()).flat_map(|it| it.page.cases.iter().map(|case| (case, &books[&it.mapping.name]))).collect();
    let mut ran = jobs.into_par_iter().map(|(case, book)| run_case(case, book)).collect::<Vec<_>>().into_iter();
    let mut results = Vec::with_capacity(paths.len());
    for (path, page) in paths.iter().zip(pages) {
        let ready = match page {
            Ok(ready) => ready,
            Err(broken) => {
                results.push(broken);
                continue;
            }
        };
        let mut cases: Vec<RanCase> = ran.by_ref().take(ready.page.cases.len()).collect();
        let updated = if is_update { update(path, &ready.text, &mut cases)? } else { 0 };
        results.push(PageResult { path: path.clone(), problems: ready.problems, cases, updated });
    }
    Ok(results)
}

/// The documents of each file.
fn by_file(documents: &[Document]) -> BTreeMap<&str, Vec<&Document>> {
    let mut files: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for document in documents {
        files.entry(&document.place().file).or_default().push(document);
    }
    files
}

/// The documents of the file with the page's stem.
fn beside<'d>(page: &Path, files: &BTreeMap<&str, Vec<&'d Document>>) -> Vec<&'d Document> {
    let found = |extension: &str| files.get(page.with_extension(extension).display().to_string().as_str());
    ["yml", "yaml"].into_iter().filter_map(found).flatten().copied().collect()
}

fn read(path: &Path, files: &BTreeMap<&str, Vec<&Document>>) -> Result<Ready, PageResult> {
    let text = load::read_text(path).map_err(|error| PageResult::broken(path, vec![(1, format!("cannot be read: {error}"))]))?;
    let page = page::parse(&path.display().to_string(), &text)
        .map_err(|problems| PageResult::broken(path, problems.into_iter().map(|it| (it.line, it.message)).collect()))?;
    let rules = beside(path, files);
    if rules.is_empty() {
        return Err(PageResult::broken(path, vec![(1, "no rule has loaded from a file of this name".to_owned())]));
    }
    let problems = lacking(&page, &rules);
    let loaded = Loaded { documents: rules.into_iter().cloned().collect(), problems: Vec::new() };
    let mapping = pages::mapping_of(&loaded).map_err(|error| PageResult::broken(path, vec![(1, error.to_string())]))?;
    Ok(Ready { text, page, mapping, problems })
}

/// A page shows that its rules fire and that they know when to stay quiet.
fn lacking(page: &Page, rules: &[&Document]) -> Vec<(usize, String)> {
    let names: Vec<&str> = rules.iter().map(|it| it.name()).collect();
    let fires = |it: &Case| it.expect.iter().any(|alert| names.contains(&alert.rule.as_str()));
    let mut lacking = Vec::new();
    if !page.cases.iter().any(fires) {
        lacking.push((1, "the page has no case in which its rule fires".to_owned()));
    }
    if !page.cases.iter().any(|it| it.expect.is_empty()) {
        lacking.push((1, "the page has no case that stays quiet".to_owned()));
    }
    lacking
}

/// The rules, compiled once for each source that a page asks for.
fn books<'r>(documents: &[Document], pages: impl Iterator<Item = &'r Ready>) -> BTreeMap<String, Rulebook> {
    let mappings: BTreeMap<&str, &SourceMapping> = pages.map(|it| (it.mapping.name.as_str(), &it.mapping)).collect();
    let mappings: Vec<&SourceMapping> = mappings.into_values().collect();
    // Problems of compiling are told by `check`; here a rule that can't be compiled shows as a case that fails.
    let compile = |it: &SourceMapping| Rulebook::compile(documents.to_vec(), std::slice::from_ref(it), &mut Vec::new());
    mappings.into_par_iter().map(|it| (it.name.clone(), compile(it))).collect()
}

fn run_case(case: &Case, book: &Rulebook) -> RanCase {
    let start = Instant::now();
    let result = pages::run_case(book, 0, case);
    RanCase { result, seconds: start.elapsed().as_secs_f64() }
}

/// Writes what came into the page, case by case; from then on it is what the page expects.
fn update(path: &Path, text: &str, cases: &mut [RanCase]) -> Result<usize> {
    let mut updated = 0;
    let mut rewritten = text.to_owned();
    for (index, case) in cases.iter_mut().enumerate() {
        let result = &mut case.result;
        if result.expected != result.got {
            rewritten = page::rewrite_expect(&rewritten, index, &result.got);
            result.expected.clone_from(&result.got);
            updated += 1;
        }
    }
    if updated > 0 {
        fs::write(path, rewritten).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(updated)
}

/// What pages and the rules beside them are called.
pub(super) struct Names<'d>(BTreeMap<&'d str, Vec<&'d Document>>);

impl<'d> Names<'d> {
    pub(super) fn of(documents: &'d [Document]) -> Self {
        Self(by_file(documents))
    }

    /// Whether the page's path, or the name or title of a rule beside it, contains `text`.
    pub(super) fn mention(&self, page: &Path, text: &str) -> bool {
        page.display().to_string().contains(text)
            || beside(page, &self.0).into_iter().any(|it| it.name().contains(text) || Entry::of(it).title.contains(text))
    }
}
