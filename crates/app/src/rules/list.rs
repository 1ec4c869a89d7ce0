//! `nightjar rules list`: what there is, narrowed down to what is asked for.

mod stats;

use super::Format;
use super::select::{Entry, Selection};
use crate::exit::Exit;
use crate::load;
use crate::show::{colour, escaped};
use anyhow::Result;
use model::Level;
use owo_colors::{OwoColorize, Style};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// `nightjar rules list`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules list --tag attack.t1098 --level high
  nightjar rules list --logsource okta --format json
  nightjar rules list rules/internal --kind correlation --search ticket
  nightjar rules list --stats --events sample.ndjson --source okta

Several filters must all hold; of several --tag, --logsource, --status or --kind one is enough.")]
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
    if args.stats.is_wanted() {
        stats::write(&args.stats, loaded.documents, args.format)?;
        return Ok(Exit::Done);
    }
    sigma::filters::apply(&mut loaded.documents);
    let mut entries: Vec<Entry<'_>> = loaded.documents.iter().map(Entry::of).collect();
    let all = entries.len();
    entries.retain(|it| args.selection.wants(it));
    entries.sort_by_key(|it| (it.document.name(), it.document.id()));
    match args.format {
        Format::Text => write_table(&entries, all)?,
        Format::Json => write_json(&entries)?,
    }
    Ok(Exit::Done)
}

fn write_table(entries: &[Entry<'_>], all: usize) -> Result<()> {
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
    let told = if count == all { format!("{all} documents") } else { format!("{count} of {all} documents") };
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
