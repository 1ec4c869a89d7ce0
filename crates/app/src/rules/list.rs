//! `nightjar rules list`: what there is.

use super::Format;
use crate::exit::Exit;
use crate::load;
use crate::show::escaped;
use anyhow::Result;
use model::{LogSource, RuleInfo};
use serde_json::json;
use sigma::ast::Document;
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
    info: &'a RuleInfo,
    kind: &'static str,
    source: String,
    file: &'a str,
    line: usize,
}

/// Lists the rules that load; the others are reported.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    let mut entries: Vec<Entry<'_>> = loaded.documents.iter().map(Entry::of).collect();
    entries.sort_by_key(|it| (&it.info.name, &it.info.id));
    match args.format {
        Format::Text => write_table(&entries)?,
        Format::Json => write_json(&entries)?,
    }
    Ok(Exit::Done)
}

impl<'a> Entry<'a> {
    fn of(document: &'a Document) -> Self {
        match document {
            Document::Rule(it) => {
                let source = source_text(&it.logsource);
                Self { info: &it.info, kind: "detection", source, file: &it.place.file, line: it.place.line }
            }
            Document::Correlation(it) => {
                let source = match it.rules.len() {
                    1 => "of 1 rule".to_owned(),
                    several => format!("of {several} rules"),
                };
                Self { info: &it.info, kind: "correlation", source, file: &it.place.file, line: it.place.line }
            }
        }
    }
}

/// `product/service`, with the category where there is one.
fn source_text(source: &LogSource) -> String {
    let parts = [&source.product, &source.service, &source.category];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
}

fn write_table(entries: &[Entry<'_>]) -> Result<()> {
    let names = entries.iter().map(|it| it.info.name.chars().count()).max().unwrap_or(0);
    let sources = entries.iter().map(|it| it.source.chars().count()).max().unwrap_or(0);
    let mut out = anstream::stdout().lock();
    for Entry { info, kind, source, .. } in entries {
        writeln!(out, "{:names$}  {:13}  {kind:11}  {source:sources$}  {}", info.name, info.level, escaped(&info.title))?;
    }
    Ok(())
}

fn write_json(entries: &[Entry<'_>]) -> Result<()> {
    let list: Vec<_> = entries
        .iter()
        .map(|it| {
            json!({
                "name": it.info.name,
                "id": it.info.id,
                "title": it.info.title,
                "level": it.info.level,
                "kind": it.kind,
                "source": it.source,
                "tags": it.info.tags,
                "version": it.info.version,
                "file": it.file,
                "line": it.line,
            })
        })
        .collect();
    writeln!(anstream::stdout(), "{:#}", serde_json::Value::from(list))?;
    Ok(())
}
