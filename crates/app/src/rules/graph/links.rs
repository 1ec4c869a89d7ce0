//! The graph itself: documents, and what each is built on.

use crate::rules::select::{Entry, Kind};
use model::Level;
use sigma::ast::{Alternative, Correlation, CorrelationKind, Document};
use sigma::parse::alternatives;
use std::collections::{BTreeMap, BTreeSet};

/// A document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) kind: Kind,
    /// Filters have none.
    pub(super) level: Option<Level>,
    /// The log source of a rule, what a correlation looks for.
    pub(super) detail: String,
    pub(super) file: String,
    pub(super) line: usize,
}

/// `from` feeds `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The number of the step in an order, else empty.
    pub(super) label: String,
}

/// Documents in the order of their names, and the edges between them.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

impl Graph {
    /// Everything that is loaded; filters have been laid on their rules.
    pub(super) fn of(documents: &[Document]) -> Self {
        let mut entries: Vec<Entry<'_>> = documents.iter().map(Entry::of).collect();
        entries.sort_by_key(|it| (it.document.name(), it.document.id()));
        let mut index = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            index.insert(entry.document.id(), at);
            index.insert(entry.document.name(), at);
        }
        let mut graph = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            graph.nodes.push(node(entry));
            let label = |step: usize| if let Document::Correlation(it) = entry.document { label(it, step) } else { String::new() };
            let parts = if entry.kind == Kind::Correlation { entry.parts } else { &[] };
            for (step, from) in parts.iter().enumerate() {
                let Some(&from) = index.get(from.as_str()) else { continue };
                graph.edges.push(Edge { from, to: at, label: label(step) });
            }
            for filter in entry.filters() {
                graph.edges.extend(index.get(filter).map(|&from| Edge { from, to: at, label: String::new() }));
            }
        }
        graph.edges.sort();
        graph
    }

    /// Without the documents that stand alone.
    pub(super) fn linked(&self) -> Self {
        self.only(&self.edges.iter().flat_map(|it| [it.from, it.to]).collect())
    }

    /// The documents called `names`, what is built on them, and what all of those are built on.
    pub(super) fn around(&self, names: &[&str]) -> Self {
        let mut wanted: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|&it| names.contains(&self.nodes[it].name.as_str())).collect();
        self.close(&mut wanted, |it| (it.from, it.to));
        self.close(&mut wanted, |it| (it.to, it.from));
        self.only(&wanted)
    }

    /// Follows edges until nothing is new.
    fn close(&self, wanted: &mut BTreeSet<usize>, ends: fn(&Edge) -> (usize, usize)) {
        loop {
            let before = wanted.len();
            for (from, to) in self.edges.iter().map(ends) {
                if wanted.contains(&from) {
                    wanted.insert(to);
                }
            }
            if wanted.len() == before {
                return;
            }
        }
    }

    fn only(&self, wanted: &BTreeSet<usize>) -> Self {
        let place: BTreeMap<usize, usize> = wanted.iter().enumerate().map(|(new, &old)| (old, new)).collect();
        let moved = |it: &Edge| Some(Edge { from: *place.get(&it.from)?, to: *place.get(&it.to)?, label: it.label.clone() });
        Self {
            nodes: wanted.iter().map(|&it| self.nodes[it].clone()).collect(),
            edges: self.edges.iter().filter_map(moved).collect(),
        }
    }
}

fn node(entry: &Entry<'_>) -> Node {
    let detail = match entry.document {
        Document::Correlation(it) => summary(it),
        Document::Rule(_) | Document::Filter(_) => entry.source_text(),
    };
    // Neither alerts anybody, which a picture of what feeds what should not hide.
    let detail = match entry.info.map(|it| it.status) {
        Some(status) if status.is_shadow() => format!("{detail}, in shadow"),
        Some(status) if !status.runs() => format!("{detail}, {status}"),
        _ => detail,
    };
    let place = entry.document.place();
    Node {
        name: entry.document.name().to_owned(),
        title: entry.title.to_owned(),
        kind: entry.kind,
        level: entry.level(),
        detail,
        file: place.file.to_string(),
        line: place.line,
    }
}

/// `2` for the second step of an order, `not` for what must not happen whatever else does.
fn label(correlation: &Correlation, step: usize) -> String {
    let alternatives = correlation.expression.as_ref().and_then(|it| alternatives::of(it).ok()).unwrap_or_default();
    let is_absent = |it: &Alternative| it.absent.iter().any(|it| usize::from(*it) == step);
    let is_unwanted = !alternatives.is_empty() && alternatives.iter().all(is_absent);
    let number = (correlation.kind == CorrelationKind::TemporalOrdered).then(|| (step + 1).to_string());
    let words = [number, is_unwanted.then(|| "not".to_owned())];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `value_count of target.id ≥ 5 in 10m by actor.id`
fn summary(correlation: &Correlation) -> String {
    let kind = match &correlation.kind {
        CorrelationKind::EventCount => "event_count".to_owned(),
        CorrelationKind::ValueCount(fields) => {
            let fields: Vec<&str> = fields.iter().map(model::FieldPath::as_str).collect();
            format!("value_count of {}", fields.join(", "))
        }
        CorrelationKind::ValueSum(field) => format!("value_sum of {field}"),
        CorrelationKind::ValueAvg(field) => format!("value_avg of {field}"),
        CorrelationKind::ValuePercentile { field, percentile } => format!("value_percentile {percentile} of {field}"),
        CorrelationKind::ValueMedian(field) => format!("value_median of {field}"),
        CorrelationKind::Temporal => "temporal".to_owned(),
        CorrelationKind::TemporalOrdered => "temporal_ordered".to_owned(),
    };
    let gap = correlation.session_gap_ms.map_or_else(String::new, |it| format!(" with gaps of {} at most", timespan(it)));
    let by: Vec<&str> = correlation.group_by.iter().map(model::FieldPath::as_str).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    let conditions: Vec<String> =
        correlation.condition.iter().map(|(compare, with)| format!(" {} {with}", compare.sign())).collect();
    let conditions = conditions.concat();
    format!("{kind}{conditions} in {}{gap}{by}", timespan(correlation.timespan_ms))
}

/// `10m`, `2h`, `1d`: the largest unit that leaves a whole number.
fn timespan(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let fitting = units.into_iter().find(|(unit, _)| ms >= *unit && ms % unit == 0);
    fitting.map_or_else(|| format!("{ms} ms"), |(unit, name)| format!("{}{name}", ms / unit))
}
