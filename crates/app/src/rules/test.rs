//! `nightjar rules test`: the cases of the rules' pages through the whole engine, with all rules of the pack.

use super::Format;
use crate::exit::{Exit, Usage};
use crate::load;
use crate::show::escaped;
use anyhow::{Context, Result};
use engine::Rulebook;
use engine::pages::{self, CaseResult};
use model::SourceMapping;
use owo_colors::OwoColorize;
use serde_json::json;
use sigma::ast::Document;
use sigma::page::{self, Case, Page};
use sigma::parse::Loaded;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `nightjar rules test`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of Sigma rules and their pages; a case runs with all rules of all of them
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// Only pages whose path contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Rewrite what failing cases expect to what came: the diff is the review
    #[arg(long)]
    update: bool,
    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a page came to.
struct PageResult {
    path: PathBuf,
    /// What is wrong with the page itself, `line: message`.
    problems: Vec<(usize, String)>,
    cases: Vec<CaseResult>,
    updated: usize,
}

impl PageResult {
    fn passed(&self) -> bool {
        self.problems.is_empty() && self.cases.iter().all(CaseResult::passed)
    }
}

/// Runs all pages.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    let has_errors = loaded.problems.iter().any(sigma::problem::Problem::is_error);
    let mut bench = Bench { documents: loaded.documents, books: BTreeMap::new() };
    let results: Vec<_> = wanted_pages(args)?.into_iter().map(|it| bench.page(it, args.update)).collect::<Result<_>>()?;
    match args.format {
        Format::Text => write_text(&results)?,
        Format::Json => write_json(&results)?,
    }
    let is_fine = !has_errors && results.iter().all(PageResult::passed);
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

/// The pages to test. It is an error of usage when there are none: a test of nothing must not look like one that has passed.
fn wanted_pages(args: &Args) -> Result<Vec<PathBuf>> {
    let mut pages = load::pages(&args.dirs)?;
    let dirs = load::names(&args.dirs);
    if pages.is_empty() {
        return Err(Usage::new(format!("no pages of rules in {dirs}: a rule's page stands beside it and has its name (.md)")));
    }
    if let Some(only) = &args.only {
        pages.retain(|it| it.display().to_string().contains(only.as_str()));
        if pages.is_empty() {
            return Err(Usage::new(format!("no page in {dirs} has `{only}` in its path")));
        }
    }
    Ok(pages)
}

/// The rules, compiled for each source that a page asks for.
struct Bench {
    documents: Vec<Document>,
    books: BTreeMap<String, Rulebook>,
}

impl Bench {
    fn page(&mut self, path: PathBuf, is_update: bool) -> Result<PageResult> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let problems = vec![(1, format!("cannot be read: {error}"))];
                return Ok(PageResult { path, problems, cases: Vec::new(), updated: 0 });
            }
        };
        let page = match page::parse(&path.display().to_string(), &text) {
            Ok(page) => page,
            Err(problems) => {
                let problems = problems.into_iter().map(|it| (it.line, it.message)).collect();
                return Ok(PageResult { path, problems, cases: Vec::new(), updated: 0 });
            }
        };
        let Some(rules) = self.rules_beside(&path) else {
            let problems = vec![(1, "no rule has loaded from a file of this name".to_owned())];
            return Ok(PageResult { path, problems, cases: Vec::new(), updated: 0 });
        };
        let problems = lacking(&page, &rules);
        let book = self.book(pages::mapping_of(&rules)?);
        let mut cases = pages::run(book, 0, &page);
        let mut updated = 0;
        if is_update {
            updated = update(&path, &text, &mut cases)?;
        }
        Ok(PageResult { path, problems, cases, updated })
    }

    /// What was loaded from the file with the page's stem.
    fn rules_beside(&self, page: &Path) -> Option<Loaded> {
        let files = ["yml", "yaml"].map(|it| page.with_extension(it).display().to_string());
        let is_beside = |it: &&Document| files.iter().any(|file| *file == *it.place().file);
        let documents: Vec<Document> = self.documents.iter().filter(is_beside).cloned().collect();
        (!documents.is_empty()).then(|| Loaded { documents, problems: Vec::new() })
    }

    fn book(&mut self, mapping: SourceMapping) -> &Rulebook {
        let documents = &self.documents;
        // Problems of compiling are told by `check`; here a rule that can't be compiled shows as a case that fails.
        self.books.entry(mapping.name.clone()).or_insert_with(|| Rulebook::compile(documents.clone(), &[mapping], &mut Vec::new()))
    }
}

/// A page shows that its rules fire and that they know when to stay quiet.
fn lacking(page: &Page, rules: &Loaded) -> Vec<(usize, String)> {
    let names: Vec<&str> = rules.documents.iter().map(Document::name).collect();
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

/// Writes what came into the page, case by case; from then on it is what the page expects.
fn update(path: &Path, text: &str, cases: &mut [CaseResult]) -> Result<usize> {
    let mut updated = 0;
    let mut rewritten = text.to_owned();
    for (index, case) in cases.iter_mut().enumerate() {
        if case.expected != case.got {
            rewritten = page::rewrite_expect(&rewritten, index, &case.got);
            case.expected.clone_from(&case.got);
            updated += 1;
        }
    }
    if updated > 0 {
        fs::write(path, rewritten).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(updated)
}

fn write_text(results: &[PageResult]) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for result in results {
        let path = escaped(&result.path.display().to_string());
        for (line, problem) in &result.problems {
            writeln!(out, "{} {path}:{line}: {}", "✘".red(), escaped(problem))?;
        }
        for case in result.cases.iter().filter(|it| !it.passed()) {
            writeln!(out, "{} {path}:{}: {}", "✘".red(), case.line, escaped(&case.heading).bold())?;
            write_difference(&mut out, case)?;
        }
    }
    let cases = || results.iter().flat_map(|it| &it.cases);
    let failed = cases().filter(|it| !it.passed()).count();
    let updated: usize = results.iter().map(|it| it.updated).sum();
    let problems: usize = results.iter().map(|it| it.problems.len()).sum();
    let mut summary = format!("{} pages, {} cases, {failed} failed", results.len(), cases().count());
    for (count, what) in [(problems, "problems of pages"), (updated, "expectations rewritten")] {
        if count > 0 {
            let _ = write!(summary, ", {count} {what}");
        }
    }
    writeln!(anstream::stderr(), "{summary}")?;
    Ok(())
}

/// What was expected and did not come, and what came unexpected; where both are the same but for the order, everything.
fn write_difference(out: &mut impl Write, case: &CaseResult) -> Result<()> {
    let missing = without(&case.expected, &case.got);
    let surplus = without(&case.got, &case.expected);
    if missing.is_empty() && surplus.is_empty() && case.expected != case.got {
        writeln!(out, "    the alerts came in another order:")?;
        case.got.iter().try_for_each(|it| writeln!(out, "      {}", escaped(it)))?;
    }
    for line in &missing {
        writeln!(out, "    {} {}", "expected, but did not come:".red(), escaped(line))?;
    }
    for line in &surplus {
        writeln!(out, "    {} {}", "came, but is not expected: ".yellow(), escaped(line))?;
    }
    for line in &case.rejected {
        writeln!(out, "    {} {}", "no event:".red(), escaped(line))?;
    }
    Ok(())
}

/// The lines of `all` that are left when each of `taken` is taken away once.
fn without<'a>(all: &'a [String], taken: &[String]) -> Vec<&'a str> {
    let mut taken: Vec<&str> = taken.iter().map(String::as_str).collect();
    let mut left = Vec::new();
    for line in all {
        match taken.iter().position(|it| it == line) {
            Some(at) => _ = taken.swap_remove(at),
            None => left.push(line.as_str()),
        }
    }
    left
}

fn write_json(results: &[PageResult]) -> Result<()> {
    let page = |it: &PageResult| {
        let case = |it: &CaseResult| {
            json!({
                "heading": it.heading,
                "line": it.line,
                "passed": it.passed(),
                "expected": it.expected,
                "got": it.got,
                "rejected": it.rejected,
            })
        };
        let problem = |(line, message): &(usize, String)| json!({"line": line, "message": message});
        json!({
            "page": it.path.display().to_string(),
            "passed": it.passed(),
            "problems": it.problems.iter().map(problem).collect::<Vec<_>>(),
            "cases": it.cases.iter().map(case).collect::<Vec<_>>(),
        })
    };
    let list: Vec<_> = results.iter().map(page).collect();
    writeln!(anstream::stdout(), "{:#}", serde_json::Value::from(list))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_counts_repeated_alerts() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(without(&lines("a a b"), &lines("a c")), ["a", "b"]);
    }
}
