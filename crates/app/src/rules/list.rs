//! `nightjar rules list`: what there is.

use super::Format;
use crate::exit::Exit;
use crate::load;
use crate::show::escaped;
use anyhow::Result;
use model::{LogSource, RuleInfo};
use serde_json::json;
use sigma::ast::{Document, FilterRules};
use std::io::Write;
use std::path::PathBuf;

/// `nightjar rules list`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One line of the list.
struct Entry<'a> {
    document: &'a Document,
    kind: &'static str,
    source: String,
}

/// Lists the rules that load; the others are reported.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let mut loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    sigma::filters::apply(&mut loaded.documents);
    let mut entries: Vec<Entry<'_>> = loaded.documents.iter().map(Entry::of).collect();
    entries.sort_by_key(|it| (it.document.name(), it.document.id()));
    match args.format {
        Format::Text => write_table(&entries)?,
        Format::Json => write_json(&entries)?,
    }
    Ok(Exit::Done)
}

impl<'a> Entry<'a> {
    fn of(document: &'a Document) -> Self {
        let (kind, source) = match document {
            Document::Rule(it) => ("detection", source_text(&it.logsource)),
            Document::Correlation(it) => ("correlation", of_rules(it.rules.len())),
            Document::Filter(it) => match &it.rules {
                FilterRules::Named(names) => ("filter", of_rules(names.len())),
                FilterRules::Any => ("filter", format!("of any {}", source_text(&it.logsource))),
            },
        };
        Self { document, kind, source }
    }

    /// What rules and correlations say about themselves.
    fn info(&self) -> Option<&'a RuleInfo> {
        match self.document {
            Document::Rule(it) => Some(&it.info),
            Document::Correlation(it) => Some(&it.info),
            Document::Filter(_) => None,
        }
    }

    fn title(&self) -> &'a str {
        match self.document {
            Document::Filter(it) => &it.title,
            _ => self.info().map_or("", |it| &it.title),
        }
    }

    fn version(&self) -> &'a str {
        match self.document {
            Document::Filter(it) => &it.version,
            _ => self.info().map_or("", |it| &it.version),
        }
    }

    /// The names of the filters that are laid on a rule.
    fn filters(&self) -> Vec<&'a str> {
        match self.document {
            Document::Rule(it) => it.filters.iter().map(|it| it.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

fn of_rules(count: usize) -> String {
    if count == 1 { "of 1 rule".to_owned() } else { format!("of {count} rules") }
}

/// `product/service`, with the category where there is one.
fn source_text(source: &LogSource) -> String {
    let parts = [&source.product, &source.service, &source.category];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
}

fn write_table(entries: &[Entry<'_>]) -> Result<()> {
    let names = entries.iter().map(|it| it.document.name().chars().count()).max().unwrap_or(0);
    let sources = entries.iter().map(|it| it.source.chars().count()).max().unwrap_or(0);
    let mut out = anstream::stdout().lock();
    for entry in entries {
        let (name, title) = (entry.document.name(), escaped(entry.title()));
        let level = entry.info().map_or("-", |it| it.level.as_str());
        write!(out, "{name:names$}  {level:13}  {:11}  {:sources$}  {title}", entry.kind, entry.source)?;
        match entry.filters().as_slice() {
            [] => writeln!(out)?,
            filters => writeln!(out, "  [filtered by {}]", filters.join(", "))?,
        }
    }
    Ok(())
}

fn write_json(entries: &[Entry<'_>]) -> Result<()> {
    let list: Vec<_> = entries
        .iter()
        .map(|it| {
            json!({
                "name": it.document.name(),
                "id": it.document.id(),
                "title": it.title(),
                "level": it.info().map(|it| it.level),
                "kind": it.kind,
                "source": it.source,
                "tags": it.info().map_or(&[][..], |it| &it.tags),
                "version": it.version(),
                "filters": it.filters(),
                "file": &*it.document.place().file,
                "line": it.document.place().line,
            })
        })
        .collect();
    writeln!(anstream::stdout(), "{:#}", serde_json::Value::from(list))?;
    Ok(())
}
