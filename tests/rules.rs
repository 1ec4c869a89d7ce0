//! Every rule page is a test: its cases run through the whole engine with all rules of the pack. `UPDATE=1` rewrites what they expect.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the pages need only a part of it")]
#[path = "it/support.rs"]
mod support;

use engine::Rulebook;
use engine::pages::{self, CaseResult};
use sigma::ast::Document;
use sigma::page::{self, Page};
use sigma::parse::{Loaded, parse_all};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

datatest_stable::harness! {
    { test = rule, root = "../rules", pattern = r"^.+/[^/]+\.md$" },
}

fn rule(path: &Path) -> datatest_stable::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let name = path.display().to_string();
    let page = page::parse(&name, &text).map_err(|it| listed(&it))?;
    let rules = rules_beside(path)?;
    shows_both_sides(&page, &rules)?;
    let results = pages::run(&book(&pages::mapping_of(&rules)?.name), 0, &page);
    if std::env::var_os("UPDATE").is_some() {
        return Ok(update(path, text, &results)?);
    }
    let failures: Vec<String> = results.iter().filter(|it| !it.passed()).map(|it| failure(&name, it)).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// A page has a case in which its rule fires and one that stays quiet.
fn shows_both_sides(page: &Page, rules: &Loaded) -> Result<(), &'static str> {
    let names: Vec<&str> = rules.documents.iter().map(Document::name).collect();
    if !page.cases.iter().any(|it| it.expect.iter().any(|alert| names.contains(&alert.rule.as_str()))) {
        return Err("no case in which the rule of this page fires");
    }
    if !page.cases.iter().any(|it| it.expect.is_empty()) {
        return Err("no case that stays quiet");
    }
    Ok(())
}

/// The rules of the file with the page's stem.
fn rules_beside(page: &Path) -> datatest_stable::Result<Loaded> {
    static LISTS: LazyLock<sigma::lists::Lists> = LazyLock::new(support::lists);
    let path = page.with_extension("yml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(parse_all([(path.display().to_string(), text)], &LISTS))
}

/// The whole pack, compiled for one source; once for all pages that this process runs.
fn book(mapping: &str) -> Arc<Rulebook> {
    static BOOKS: LazyLock<Mutex<HashMap<String, Arc<Rulebook>>>> = LazyLock::new(Mutex::default);
    let mut books = BOOKS.lock().unwrap();
    Arc::clone(books.entry(mapping.to_owned()).or_insert_with(|| Arc::new(support::pack(mapping))))
}

fn update(path: &Path, mut text: String, results: &[CaseResult]) -> std::io::Result<()> {
    for (index, result) in results.iter().enumerate().filter(|(_, it)| it.expected != it.got) {
        text = page::rewrite_expect(&text, index, &result.got);
    }
    std::fs::write(path, text)
}

fn failure(page: &str, result: &CaseResult) -> String {
    let CaseResult { heading, line, expected, got, rejected } = result;
    format!("{page}:{line}: {heading}\n  expected: {expected:#?}\n  got: {got:#?}\n  no events: {rejected:#?}")
}

fn listed(problems: &[sigma::problem::Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
