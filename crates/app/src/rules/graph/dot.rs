//! The graph in the language of Graphviz.

use super::links::{Graph, Node};
use super::svg::{LEVELS, look};
use crate::rules::select::Kind;
use std::fmt::Write;

/// The whole graph, left to right, with a legend of the levels.
pub(super) fn write(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph rules {\n  rankdir=LR\n  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\", fontsize=11]\n  \
         edge [color=\"#607d8b\", fontname=\"monospace\", fontsize=10]\n",
    );
    for node in &graph.nodes {
        write_node(&mut out, node);
    }
    for edge in &graph.edges {
        let (from, to) = (quoted(&graph.nodes[edge.from].name), quoted(&graph.nodes[edge.to].name));
        let label = match graph.nodes[edge.from].kind {
            Kind::Filter => " [style=dashed]".to_owned(),
            _ if edge.label.is_empty() => String::new(),
            _ => format!(" [label={}]", quoted(&edge.label)),
        };
        let _ = writeln!(out, "  {from} -> {to}{label}");
    }
    out.push_str("  subgraph cluster_legend {\n    label=\"level\"\n    fontname=\"monospace\"\n");
    for level in LEVELS {
        let look = look(Some(level));
        let (fill, text) = (look.fill, look.text);
        let _ = writeln!(
            out,
            "    \"legend {level}\" [label=\"{level}\", fillcolor=\"{fill}\", fontcolor=\"{text}\", color=\"{}\"]",
            look.line
        );
    }
    out.push_str("  }\n}\n");
    out
}

fn write_node(out: &mut String, node: &Node) {
    let look = look(node.level);
    let more = match node.kind {
        Kind::Detection => "",
        Kind::Correlation => ", peripheries=2",
        Kind::Filter => ", style=\"rounded,dashed\"",
    };
    let _ = writeln!(
        out,
        "  {} [label={}, tooltip={}, fillcolor=\"{}\", fontcolor=\"{}\", color=\"{}\"{more}]",
        quoted(&node.name),
        quoted(&format!("{}\n{}", node.name, node.detail)),
        quoted(&format!("{} ({}:{})", node.title, node.file, node.line)),
        look.fill,
        look.text,
        look.line,
    );
}

/// A quoted identifier of Graphviz: a quote and a backslash are escaped, the end of a line is `\n`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other if other.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
