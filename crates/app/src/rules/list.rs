//! `nightjar rules list`: what there is, narrowed down to what is asked for.

mod stats;

use super::Format;
use super::select::{Entry, Parts, Selection};
use crate::exit::{Exit, Usage};
use crate::load;
use crate::show::{colour, counted, escaped};
use anyhow::Result;
use model::Level;
use owo_colors::{OwoColorize, Style};
use serde_json::json;
use sigma::ast::Document;
use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

/// `nightjar rules list`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules list --tag attack.t1098 --level high
  nightjar rules list --logsource okta --format json
  nightjar rules list --logsource windows/process_creation
  nightjar rules list rules/internal --kind correlation --search ticket
  nightjar rules list --stats --events sample.ndjson --source okta

Several filters must all hold; of several --tag, --logsource, --status or --kind one is enough.

In the figures of --stats a term is one way in which a rule can match; one that is too large to be kept whole is confirmed by the whole
condition. The first stage looks at which fields an event has, the last one also at their values: whatever is live then has matched,
or is confirmed. A shape is a set of fields that events have, a class is a set of values that no test tells apart; `known` says how
often the class of a value was remembered and needed no test.")]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    stats: stats::Args,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists the rules that load; the others are reported.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let mut loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    for unknown in args.selection.unknown_sources(&loaded.documents) {
        writeln!(anstream::stderr(), "{}", escaped(&unknown))?;
    }
    if args.stats.is_wanted() {
        stats::write(&args.stats, wanted(loaded.documents, &args.selection)?, args.format)?;
        return Ok(Exit::Done);
    }
    sigma::filters::apply(&mut loaded.documents);
    let parts = Parts::of(&loaded.documents);
    let mut entries: Vec<Entry<'_>> = loaded.documents.iter().map(Entry::of).collect();
    let all = entries.len();
    entries.retain(|it| args.selection.wants(it, &parts.sources(it.document)));
    entries.sort_by_key(|it| (it.document.name(), it.document.id()));
    match args.format {
        Format::Text => write_table(&entries, all)?,
        Format::Json => write_json(&entries)?,
    }
    Ok(Exit::Done)
}

/// The documents that are asked for, with the rules that correlations are over and with all filters.
fn wanted(documents: Vec<Document>, selection: &Selection) -> Result<Vec<Document>> {
    if selection.is_any() {
        return Ok(documents);
    }
    let parts = Parts::of(&documents);
    let is_wanted = |it: &&Document| selection.wants(&Entry::of(it), &parts.sources(it));
    let names: HashSet<String> =
        documents.iter().filter(is_wanted).flat_map(|it| parts.below(it)).map(|it| it.name().to_owned()).collect();
    if names.is_empty() {
        return Err(Usage::new("none of the rules is like that"));
    }
    let is_kept = |it: &Document| matches!(it, Document::Filter(_)) || names.contains(it.name());
    Ok(documents.into_iter().filter(is_kept).collect())
}

fn write_table(entries: &[Entry<'_>], entries_all: usize) -> Result<()> {
    let names = entries.iter().map(|it| it.document.name().chars().count()).max().unwrap_or(0);
    let sources = entries.iter().map(|it| it.source_text().chars().count()).max().unwrap_or(0);
    let mut out = anstream::stdout().lock();
    for entry in entries {
        let (name, kind, source) = (entry.document.name(), entry.kind.as_str(), entry.source_text());
        let level = format!("{:13}", entry.level().map_or("-", Level::as_str));
        let style = entry.level().map_or_else(Style::new, colour);
        write!(out, "{name:names$}  {}  {kind:11}  {source:sources$}  {}", level.style(style), escaped(entry.title))?;
        match entry.filters().as_slice() {
            [] => writeln!(out)?,
            filters => writeln!(out, "  [filtered by {}]", filters.join(", "))?,
        }
    }
    let count = entries.len();
    let all = counted(entries_all, "document");
    let told = if count == entries_all { all } else { format!("{count} of {all}") };
    writeln!(anstream::stderr(), "{told}")?;
    Ok(())
}

fn write_json(entries: &[Entry<'_>]) -> Result<()> {
    let list: Vec<_> = entries
        .iter()
        .map(|it| {
            json!({
                "name": it.document.name(),
                "id": it.document.id(),
                "title": it.title,
                "level": it.level(),
                "status": it.info.map(|it| it.status.as_str()),
                "kind": it.kind.as_str(),
                "source": it.source_text(),
                "logsource": it.logsource.map(|it| json!({
                    "product": it.product,
                    "service": it.service,
                    "category": it.category,
                })),
                "rules": it.parts,
                "tags": it.tags(),
                "version": it.version,
                "filters": it.filters(),
                "file": &*it.document.place().file,
                "line": it.document.place().line,
            })
        })
        .collect();
    writeln!(anstream::stdout(), "{:#}", serde_json::Value::from(list))?;
    Ok(())
}
