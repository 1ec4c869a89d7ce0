//! The graph as a picture that stands alone: boxes coloured by level, arrows, a legend.

use super::layout::{self, Layout, Point, Spacing};
use super::links::{Graph, Node};
use crate::rules::select::Kind;
use model::Level;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Levels from the worst, as in the legend.
pub(super) const LEVELS: [Level; 5] = [Level::Critical, Level::High, Level::Medium, Level::Low, Level::Informational];

/// How the box of a level looks.
pub(super) struct Look {
    pub(super) fill: &'static str,
    pub(super) line: &'static str,
    pub(super) text: &'static str,
}

/// The colours of a level, or of a filter, which has none; each text has a contrast of at least 4.5 : 1 with its box.
pub(super) fn look(level: Option<Level>) -> Look {
    let Some(level) = level else { return Look { fill: "#ffffff", line: "#607d8b", text: "#263238" } };
    let (fill, line, text) = match level {
        Level::Critical => ("#b71c1c", "#7f0000", "#ffffff"),
        Level::High => ("#ffab91", "#d84315", "#3e1208"),
        Level::Medium => ("#ffe082", "#ff8f00", "#3e2a00"),
        Level::Low => ("#b3e5fc", "#0288d1", "#01304a"),
        Level::Informational => ("#eceff1", "#90a4ae", "#263238"),
    };
    Look { fill, line, text }
}

const MARGIN: f64 = 24.0;
const LEGEND_HEIGHT: f64 = 44.0;
/// Widths of a character at the two sizes of text, in a typeface of one width.
const NAME_CHAR: f64 = 7.9;
const DETAIL_CHAR: f64 = 6.1;
const PADDING: f64 = 12.0;
const SPACING: Spacing = Spacing { box_height: 42.0, between_boxes: 12.0, between_layers: 90.0, between_components: 18.0 };

/// Draws the graph.
pub(super) fn write(graph: &Graph) -> String {
    let widths: Vec<f64> = graph.nodes.iter().map(width).collect();
    let layout = layout::layout(graph, &widths, SPACING);
    let full_width = layout.width.max(720.0) + 2.0 * MARGIN;
    let full_height = layout.height + LEGEND_HEIGHT + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{full_width:.0}\" height=\"{full_height:.0}\" \
         viewBox=\"0 0 {full_width:.0} {full_height:.0}\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\">\n\
         <title>Rules and the correlations that are built on them</title>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path d=\"M0 0L10 5L0 10z\" fill=\"#607d8b\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    write_legend(&mut out);
    let _ = writeln!(out, "<g transform=\"translate({MARGIN} {})\">", MARGIN + LEGEND_HEIGHT);
    for (edge, points) in graph.edges.iter().zip(&layout.edges) {
        write_edge(&mut out, points, &edge.label, graph.nodes[edge.from].kind);
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        write_node(&mut out, node, at, &layout);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn width(node: &Node) -> f64 {
    (columns(&node.name) * NAME_CHAR).max(columns(&node.detail) * DETAIL_CHAR) + 2.0 * PADDING
}

fn columns(text: &str) -> f64 {
    f64::from(u32::try_from(text.width()).unwrap_or(u32::MAX))
}

fn write_legend(out: &mut String) {
    let (mut x, y) = (MARGIN, MARGIN);
    for level in LEVELS {
        let (look, width) = (look(Some(level)), columns(level.as_str()) * DETAIL_CHAR + 2.0 * PADDING);
        write_box(out, Point { x, y }, width, 24.0, &look, Kind::Detection);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"{}\">{level}</text>",
            x + width / 2.0,
            y + 15.5,
            look.text
        );
        x += width + 8.0;
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"#455a64\">single line: rule · double: correlation · dashed: filter</text>",
        x + 8.0,
        y + 15.5
    );
}

fn write_box(out: &mut String, at: Point, width: f64, height: f64, look: &Look, kind: Kind) {
    let rect = |out: &mut String, inset: f64| {
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"6\" fill=\"{}\" stroke=\"{}\"{}/>",
            at.x + inset,
            at.y + inset,
            width - 2.0 * inset,
            height - 2.0 * inset,
            look.fill,
            look.line,
            dashes(kind)
        );
    };
    rect(out, 0.0);
    if kind == Kind::Correlation {
        rect(out, 3.0);
    }
}

fn dashes(kind: Kind) -> &'static str {
    if kind == Kind::Filter { " stroke-dasharray=\"5 3\"" } else { "" }
}

fn write_node(out: &mut String, node: &Node, at: usize, layout: &Layout) {
    let (Point { x, y }, width, look) = (layout.nodes[at], layout.widths[at], look(node.level));
    let place = format!("{} ({}:{})", node.title, node.file, node.line);
    let _ = writeln!(out, "<g><title>{}</title>", escaped(&place));
    let corner = Point { x, y: y - SPACING.box_height / 2.0 };
    write_box(out, corner, width, SPACING.box_height, &look, node.kind);
    for (text, size, weight, down) in [(&node.name, "13", "bold", -3.0), (&node.detail, "10", "normal", 12.0)] {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{}\">{}</text>",
            x + PADDING,
            y + down,
            look.text,
            escaped(text)
        );
    }
    out.push_str("</g>\n");
}

/// A curve that leaves and enters boxes level; between waypoints of one layer it is straight.
fn write_edge(out: &mut String, points: &[Point], label: &str, from: Kind) {
    let Some(first) = points.first() else { return };
    let mut path = String::new();
    for pair in points.chunks_exact(2) {
        let ([from, to], bend) = ([pair[0], pair[1]], (pair[1].x - pair[0].x) / 2.0);
        // From the second pair on, this is the straight way through the layer before.
        let start = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{start}{:.1} {:.1}", from.x, from.y);
        let _ = write!(path, "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", from.x + bend, from.y, to.x - bend, to.y, to.x, to.y);
    }
    let dashes = dashes(from);
    let _ = writeln!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"#607d8b\" stroke-width=\"1.3\"{dashes} marker-end=\"url(#arrow)\"/>"
    );
    if !label.is_empty() {
        let (x, y) = (first.x + 16.0, first.y);
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\" fill=\"#ffffff\" stroke=\"#607d8b\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"#263238\">{}</text>",
            y + 3.5,
            escaped(label)
        );
    }
}

/// Text inside an element; what XML does not allow at all becomes a replacement character.
fn escaped(text: &str) -> String {
    crate::rules::xml::escaped(text)
}
