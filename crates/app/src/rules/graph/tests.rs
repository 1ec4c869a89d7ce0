use super::*;
use crate::rules::select::Kind;
use layout::{Spacing, layout};
use model::Level;
use sigma::lists::Lists;
use sigma::parse::parse_all;

const RULES: &str = "\
title: A
name: a
logsource: {product: nightjar, service: audit}
detection: {s: {action: a}, condition: s}
---
title: B
name: b
logsource: {product: nightjar}
detection: {s: {action: b}, condition: s}
---
title: First a, then b
name: then_b
correlation: {type: temporal_ordered, rules: [a, b], group-by: [actor.id], timespan: 90m}
---
title: Many
name: many
status: test
correlation: {type: value_count, rules: [b], timespan: 1d, condition: {field: target.id, gte: 3}}
---
title: Left open
name: left_open
correlation: {type: temporal_ordered, rules: [a, b], group-by: [actor.id], timespan: 1h, condition: a and not b}
---
title: Rows
name: rows
correlation: {type: value_sum, rules: [b], group-by: [actor.id], timespan: 8h, condition: {field: detail.rows, gt: 1000}}
nightjar: {session_gap: 15m}
---
title: Not in tests
name: no_tests
logsource: {product: nightjar}
filter: {rules: [a], s: {tool: test}, condition: not s}
";

#[test]
fn correlations_point_back_to_what_they_count_and_steps_are_numbered() {
    let mut loaded = parse_all([("rules.yml".to_owned(), RULES.to_owned())], &Lists::default());
    sigma::filters::apply(&mut loaded.documents);
    let graph = Graph::of(&loaded.documents);
    assert_eq!(edges(&graph), ["a>left_open1", "a>then_b1", "b>left_open2 not", "b>many", "b>rows", "b>then_b2", "no_tests>a"]);
    let details: Vec<&str> = graph.nodes.iter().map(|it| it.detail.as_str()).collect();
    let many = "value_count of target.id ≥ 3 in 1d, in shadow";
    let (open, order) = ("temporal_ordered in 1h by actor.id", "temporal_ordered in 90m by actor.id");
    let rows = "value_sum of detail.rows > 1000 in 8h with gaps of 15m at most by actor.id";
    assert_eq!(details, ["nightjar/audit", "nightjar", open, many, "of 1 rule", rows, order]);
}

/// A correlation of a correlation, one of a rule that it shares, and a rule that stands alone.
fn graph() -> Graph {
    let names = ["a", "alone", "b", "many_a", "other", "then_b"];
    let node = |name: &&str| links::Node {
        name: (*name).to_owned(),
        title: format!("<{name}>"),
        kind: if name.len() > 1 { Kind::Correlation } else { Kind::Detection },
        level: Some(Level::High),
        detail: "event_count".to_owned(),
        file: "rules.yml".to_owned(),
        line: 1,
    };
    let edge = |&(from, to, label): &(usize, usize, &str)| links::Edge { from, to, label: label.to_owned() };
    let edges = [(0, 3, ""), (2, 4, ""), (2, 5, "2"), (3, 5, "1")];
    Graph { nodes: names.iter().map(node).collect(), edges: edges.iter().map(edge).collect() }
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|it| it.name.as_str()).collect()
}

fn edges(graph: &Graph) -> Vec<String> {
    let name = |it: usize| graph.nodes[it].name.as_str();
    graph.edges.iter().map(|it| format!("{}>{}{}", name(it.from), name(it.to), it.label)).collect()
}

#[test]
fn rules_that_stand_alone_are_left_out_unless_asked_for() {
    assert_eq!(names(&graph().linked()), ["a", "b", "many_a", "other", "then_b"]);
    assert_eq!(names(&graph().around(&["alone"])), ["alone"]);
}

#[test]
fn the_neighbourhood_of_a_rule_is_what_is_built_on_it_with_all_parts() {
    assert_eq!(names(&graph().around(&["a"])), ["a", "b", "many_a", "then_b"]);
    assert_eq!(names(&graph().around(&["other"])), ["b", "other"]);
}

const SPACING: Spacing = Spacing { box_height: 40.0, between_boxes: 10.0, between_layers: 50.0, between_components: 20.0 };

#[test]
fn arrows_go_to_the_right_and_boxes_of_a_layer_do_not_overlap() {
    let graph = graph();
    let layout = layout(&graph, &vec![100.0; graph.nodes.len()], SPACING);
    for edge in &graph.edges {
        assert!(layout.nodes[edge.from].x + 100.0 < layout.nodes[edge.to].x, "{edge:?}");
    }
    for (at, a) in layout.nodes.iter().enumerate() {
        for b in &layout.nodes[at + 1..] {
            assert!((a.x - b.x).abs() > 1.0 || (a.y - b.y).abs() >= SPACING.box_height, "{a:?} {b:?}");
        }
        assert!(a.y >= SPACING.box_height / 2.0 && a.y <= layout.height, "{a:?}");
    }
}

#[test]
fn a_rule_stands_just_before_what_it_feeds() {
    let graph = graph().around(&["then_b"]);
    let layout = layout(&graph, &vec![100.0; graph.nodes.len()], SPACING);
    let x = |name: &str| layout.nodes[graph.nodes.iter().position(|it| it.name == name).unwrap()].x;
    assert!(x("a") < x("b") && (x("b") - x("many_a")).abs() < 1.0 && x("b") < x("then_b"));
}

#[test]
fn an_edge_that_skips_a_layer_passes_it_beside_the_boxes() {
    let mut graph = graph();
    graph.edges.insert(1, links::Edge { from: 0, to: 5, label: String::new() });
    let layout = layout(&graph, &vec![100.0; graph.nodes.len()], SPACING);
    let points = &layout.edges[1];
    assert_eq!(points.len(), 4, "{points:?}");
    for node in layout.nodes.iter().filter(|it| (it.x - points[1].x).abs() < 1.0) {
        assert!((node.y - points[1].y).abs() >= SPACING.box_height / 2.0, "{node:?} {points:?}");
    }
}

#[test]
fn the_picture_is_escaped_and_names_every_rule() {
    let svg = svg::write(&graph());
    assert!(svg.contains("&lt;a&gt; (rules.yml:1)") && !svg.contains("<a>"));
    for node in &graph().nodes {
        assert!(svg.contains(&format!(">{}</text>", node.name)), "{}", node.name);
    }
}

#[test]
fn graphviz_gets_quoted_names_and_every_edge() {
    let dot = dot::write(&graph());
    assert!(dot.contains("  \"many_a\" -> \"then_b\" [label=\"1\"]\n"), "{dot}");
    assert!(dot.contains("label=\"many_a\\nevent_count\""), "{dot}");
}
