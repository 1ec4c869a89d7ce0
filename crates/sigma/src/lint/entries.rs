//! The lines of selections: a field, its modifiers and its values, as they stand in the file.

use crate::parse::yaml::{Key, Kind, Node};

/// One line of a selection.
pub(super) struct Entry<'n> {
    /// The key as it is written; `None` for keywords.
    pub(super) key: Option<&'n Key>,
    /// The field; `None` for keywords.
    pub(super) field: Option<&'n str>,
    /// The modifiers, in order.
    pub(super) modifiers: Vec<&'n str>,
    /// The values, one or several.
    pub(super) values: &'n [Node],
}

impl Entry<'_> {
    pub(super) fn has(&self, modifier: &str) -> bool {
        self.modifiers.contains(&modifier)
    }

    /// Whether values are texts that are compared as they are written, or where they stand in the field.
    pub(super) fn is_text(&self) -> bool {
        const TEXT: [&str; 6] = ["contains", "startswith", "endswith", "all", "cased", "neq"];
        self.modifiers.iter().all(|it| TEXT.contains(it))
    }
}

/// Calls `visit` with the lines of each map of each selection of a detection or a filter; keywords are a map of one line.
pub(super) fn visit<'n>(detection: &'n Node, visit: &mut impl FnMut(&[Entry<'n>])) {
    let Some(pairs) = detection.as_map() else { return };
    for (_, node) in pairs.iter().filter(|(key, _)| !matches!(key.text.as_str(), "condition" | "timeframe" | "rules")) {
        search(node, visit);
    }
}

/// Recursion is bounded by the depth of documents.
fn search<'n>(node: &'n Node, visit: &mut impl FnMut(&[Entry<'n>])) {
    match &node.kind {
        Kind::Map(pairs) => {
            let entries: Vec<Entry<'n>> = pairs.iter().map(|(key, value)| entry(key, value)).collect();
            visit(&entries);
        }
        Kind::Sequence(nodes) => {
            let keywords = || nodes.iter().filter(|it| it.as_map().is_none());
            if keywords().count() == nodes.len() {
                visit(&[Entry { key: None, field: None, modifiers: Vec::new(), values: nodes }]);
            } else {
                keywords().for_each(|it| search(it, visit));
            }
            nodes.iter().filter(|it| it.as_map().is_some()).for_each(|it| search(it, visit));
        }
        Kind::Scalar(_) => visit(&[Entry { key: None, field: None, modifiers: Vec::new(), values: node.as_list() }]),
    }
}

fn entry<'n>(key: &'n Key, value: &'n Node) -> Entry<'n> {
    let mut words = key.text.split('|');
    let field = words.next().map(str::trim).filter(|it| !it.is_empty());
    Entry { key: Some(key), field, modifiers: words.collect(), values: value.as_list() }
}
