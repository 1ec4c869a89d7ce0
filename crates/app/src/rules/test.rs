//! `nightjar rules test`: the cases of the rules' pages through the whole engine, with all rules of the pack.

mod bench;
mod difference;
mod junit;
mod show;
mod watch;

use super::Format;
use crate::exit::{Exit, Usage};
use crate::load;
use crate::show::escaped;
use anyhow::Result;
use bench::{Names, PageResult};
use sigma::ast::Document;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use watch::Snapshot;

/// `nightjar rules test`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules test
  nightjar rules test rules/internal --only export --watch
  nightjar rules test --junit report.xml

A page is Markdown beside its rule. Under a `## ` heading stand the fences `history` (events that come first), `events` and
`expect`; an event may be repeated with `x60 every 1d {…}`. A case runs with all rules and expects all alerts.")]
pub(crate) struct Args {
    /// Folders of Sigma rules and their pages; a case runs with all rules of all of them
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// Only pages with this text in their path, or in the name or title of a rule beside them
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Only the page of this rule, by name or id
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Rewrite what failing cases expect to what came: the diff is the review
    #[arg(long)]
    update: bool,
    /// Run again whenever a rule, a page or a list changes, until interrupted
    #[arg(long, conflicts_with_all = ["update", "format"])]
    watch: bool,
    /// Write a report for CI too: XML in the form of `JUnit`
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs all pages, once or again and again.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    if args.watch { watch_pages(args) } else { run(args) }
}

fn run(args: &Args) -> Result<Exit> {
    let loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    let has_errors = loaded.problems.iter().any(sigma::problem::Problem::is_error);
    let results = bench::run(&loaded.documents, &wanted_pages(args, &loaded.documents)?, args.update)?;
    match args.format {
        Format::Text => show::write_text(&results)?,
        Format::Json => show::write_json(&results)?,
    }
    if let Some(path) = &args.junit {
        junit::write(path, &results)?;
    }
    let is_fine = !has_errors && results.iter().all(PageResult::passed);
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

/// The pages to test. It is an error of usage when there are none: a test of nothing must not look like one that has passed.
fn wanted_pages(args: &Args, documents: &[Document]) -> Result<Vec<PathBuf>> {
    let mut pages = load::pages(&args.dirs)?;
    let dirs = load::names(&args.dirs);
    if pages.is_empty() {
        return Err(Usage::new(format!("no pages of rules in {dirs}: a rule's page stands beside it and has its name (.md)")));
    }
    if let Some(only) = &args.only {
        let names = Names::of(documents);
        pages.retain(|it| names.mention(it, only));
        if pages.is_empty() {
            return Err(Usage::new(format!("no page in {dirs} has `{only}` in its path or in the name of its rule")));
        }
    }
    if let Some(name) = &args.rule {
        let files: Vec<&str> = super::select::named(documents, name)?.iter().map(|it| &*it.place().file).collect();
        pages.retain(|page| files.iter().any(|it| PathBuf::from(it).with_extension("md") == *page));
        if pages.is_empty() {
            return Err(Usage::new(format!("the rule `{name}` has no page: it would stand beside it and have its name (.md)")));
        }
    }
    Ok(pages)
}

/// Runs again and again. What goes wrong is told, and is over with the next change.
fn watch_pages(args: &Args) -> Result<Exit> {
    let look = || Snapshot::of(load::relevant(&args.dirs, args.context.as_deref()));
    loop {
        // Before the run: what changes meanwhile makes for another one.
        let before = look();
        if std::io::stdout().is_terminal() {
            write!(anstream::stdout(), "\x1b[2J\x1b[3J\x1b[H")?;
        }
        if let Err(error) = run(args) {
            writeln!(anstream::stderr(), "error: {}", escaped(&format!("{error:#}")))?;
        }
        writeln!(anstream::stderr(), "waiting for changes in {}; end with Ctrl-C", load::names(&args.dirs))?;
        watch::wait(&before, look);
    }
}
