//! `nightjar rules graph`: which rules feed which correlations, for Graphviz, as a picture, or as data.

mod dot;
mod layout;
mod links;
mod svg;

use crate::exit::Exit;
use crate::load;
use anyhow::Result;
use clap::ValueEnum;
use links::Graph;
use serde_json::json;
use sigma::ast::Document;
use std::io::Write;
use std::path::PathBuf;

/// `nightjar rules graph`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules graph --format svg > rules.svg
  nightjar rules graph --rule takeover_chain --format svg > chain.svg
  nightjar rules graph | dot -Tpng > rules.png

Arrows go from a rule to the correlation that counts it, and dashed ones from a filter to its rules. Steps of an order are numbered.")]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// Only this rule, what is built on it, and everything that those are built on
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    rule: Option<String>,
    /// Rules that stand alone too
    #[arg(long)]
    all: bool,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// How the graph is written
    #[arg(long, value_enum, default_value_t)]
    format: GraphFormat,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum GraphFormat {
    /// The language of Graphviz
    #[default]
    Dot,
    /// A picture
    Svg,
    /// Nodes and edges for machines
    Json,
}

/// Writes the graph of the rules that load; the others are reported.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let mut loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    sigma::filters::apply(&mut loaded.documents);
    let whole = Graph::of(&loaded.documents);
    let graph = match &args.rule {
        Some(name) => {
            let names: Vec<&str> = super::select::named(&loaded.documents, name)?.into_iter().map(Document::name).collect();
            whole.around(&names)
        }
        None if args.all => whole,
        None => whole.linked(),
    };
    if graph.nodes.is_empty() {
        writeln!(anstream::stderr(), "no correlations and no filters, so nothing is linked (--all shows rules that stand alone)")?;
    }
    let text = match args.format {
        GraphFormat::Dot => dot::write(&graph),
        GraphFormat::Svg => svg::write(&graph),
        GraphFormat::Json => format!("{:#}\n", as_json(&graph)),
    };
    // Not through `anstream`, which takes escape codes out: there are none, and the files are whole.
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

fn as_json(graph: &Graph) -> serde_json::Value {
    let node = |it: &links::Node| {
        json!({"name": it.name, "title": it.title, "kind": it.kind.as_str(), "level": it.level, "detail": it.detail,
            "file": it.file, "line": it.line})
    };
    let edge = |it: &links::Edge| json!({"from": graph.nodes[it.from].name, "to": graph.nodes[it.to].name, "label": it.label});
    json!({
        "nodes": graph.nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": graph.edges.iter().map(edge).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
