//! Where what is named stands, and what a file has inside.

use super::outline::{self, Key, What};
use super::text;
use super::workspace::Workspace;
use lsp_types::{DocumentSymbol, Range, SymbolKind};
use std::path::{Path, PathBuf};

/// A place to go to: a file and a line from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) line: usize,
}

/// Where to go from byte `at` of line `number`.
pub(super) fn definition(workspace: &Workspace, path: &Path, number: usize, at: usize) -> Option<Target> {
    let whole = workspace.text(path)?;
    let line = text::line(whole, number);
    let rule = |name: &str| workspace.rule(name).map(|it| Target { path: it.path.clone(), line: it.line });
    if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("md")) {
        // A rule that is named, or the rule of the page.
        let beside = ["yml", "yaml"].map(|it| path.with_extension(it)).into_iter().find(|it| workspace.text(it).is_some());
        return rule(text::word_at(line, at, "").1).or_else(|| Some(Target { path: beside?, line: 0 }));
    }
    if let Some((_, name)) = super::hover::placeholder_at(line, at) {
        return workspace.list_files.get(name).map(|it| Target { path: it.clone(), line: 0 });
    }
    let place = outline::place(whole, number, at);
    let parents: Vec<&str> = place.path.iter().map(String::as_str).collect();
    let page = || {
        let page = path.with_extension("md");
        workspace.text(&page).is_some().then_some(Target { path: page, line: 0 })
    };
    match (parents.as_slice(), &place.what) {
        (["correlation" | "filter", "rules"] | ["correlation", "condition"], _) => rule(text::word_at(line, at, "").1),
        (["correlation", "aliases", _], What::Key { text, .. }) => rule(text),
        ([section @ ("detection" | "filter"), "condition"], _) => {
            let name = text::word_at(line, at, "").1;
            let keys = outline::keys(whole);
            let found = keys.iter().find(|it| it.document == place.document && it.path == [*section] && it.text == name)?;
            Some(Target { path: path.to_owned(), line: found.line })
        }
        (["title" | "name" | "id"], _) => page(),
        ([], What::Key { text, .. }) if matches!(text.as_str(), "title" | "name" | "id") => page(),
        _ => None,
    }
}

/// The documents of a file with their selections; the cases of a page.
pub(super) fn symbols(path: &Path, whole: &str) -> Vec<DocumentSymbol> {
    if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("md")) {
        return page_symbols(whole);
    }
    let keys = outline::keys(whole);
    let count = keys.last().map_or(0, |it| it.document + 1);
    (0..count).filter_map(|it| document_symbol(whole, &keys, it)).collect()
}

fn document_symbol(whole: &str, keys: &[Key], document: usize) -> Option<DocumentSymbol> {
    let of_document = || keys.iter().filter(move |it| it.document == document);
    let first = of_document().next()?;
    let end = of_document().map(|it| it.end).max()?;
    let top = |name: &str| of_document().find(|it| it.path.is_empty() && it.text == name && !it.value.is_empty());
    let named = top("name").or_else(|| top("title")).unwrap_or(first);
    let is_part =
        |it: &&Key| matches!(it.path.as_slice(), [section] if matches!(section.as_str(), "detection" | "filter" | "correlation"));
    let parts = of_document().filter(is_part).map(|it| {
        let kind = if it.text == "condition" { SymbolKind::OPERATOR } else { SymbolKind::FIELD };
        let detail = Some(it.value.clone()).filter(|it| !it.is_empty());
        symbol(whole, (it.text.clone(), detail, kind), it.line..it.end + 1, it.line, Vec::new())
    });
    let parts: Vec<DocumentSymbol> = parts.collect();
    let kind = if top("detection").is_none() && of_document().any(|it| it.text == "correlation") {
        SymbolKind::EVENT
    } else {
        SymbolKind::CLASS
    };
    let name = if named.value.is_empty() { named.text.clone() } else { named.value.clone() };
    let detail = top("title").map(|it| it.value.clone());
    Some(symbol(whole, (name, detail, kind), first.line..end + 1, named.line, parts))
}

fn page_symbols(whole: &str) -> Vec<DocumentSymbol> {
    let headings: Vec<(usize, &str)> =
        whole.lines().enumerate().filter_map(|(at, it)| Some((at, it.strip_prefix("## ")?.trim()))).collect();
    let end = |index: usize| headings.get(index + 1).map_or(whole.lines().count(), |it| it.0);
    let case = |(index, &(line, heading)): (usize, &(usize, &str))| {
        symbol(whole, (heading.to_owned(), None, SymbolKind::METHOD), line..end(index), line, Vec::new())
    };
    headings.iter().enumerate().filter(|(_, it)| !it.1.is_empty()).map(case).collect()
}

/// A symbol over some lines, with the line of its name.
fn symbol(
    whole: &str,
    (name, detail, kind): (String, Option<String>, SymbolKind),
    lines: std::ops::Range<usize>,
    named: usize,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    let full = |number: usize| text::range(whole, number, 0..text::line(whole, number).len());
    let last = lines.end.saturating_sub(1).max(lines.start);
    #[expect(deprecated, reason = "the field has to be given")]
    DocumentSymbol {
        name,
        detail,
        kind,
        tags: None,
        deprecated: None,
        range: Range { start: full(lines.start).start, end: full(last).end },
        selection_range: full(named),
        children: Some(children),
    }
}
