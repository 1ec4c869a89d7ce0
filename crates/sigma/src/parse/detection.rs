//! The `detection` section: named selections and the condition over them.

use super::condition;
use super::modifiers::{Chain, Test};
use super::report::Report;
use super::values::Reader;
use super::yaml::{Key, Kind, Node, Position, Typed};
use crate::ast::{Condition, Search, Selection};
use crate::lists::Lists;
use crate::problem::{Code, Edit, Fix};

/// Most values of one rule, lists written out.
const PREDICATES_MAX: usize = 500_000;

/// A section with selections and a condition over them.
pub(super) struct Section {
    /// Its key.
    name: &'static str,
    /// Keys in it that are no selections, besides the condition.
    others: &'static [&'static str],
    /// Whether there may be a list of conditions.
    takes_several: bool,
}

/// What rules search for.
pub(super) const RULE: Section = Section { name: "detection", others: &[], takes_several: true };
/// What filters let pass.
pub(super) const FILTER: Section = Section { name: "filter", others: &["rules"], takes_several: false };

/// Reads the section. `None` if it can't be used; the problems are reported.
pub(super) fn read(node: &Node, section: &Section, lists: &Lists, report: &mut Report) -> Option<(Vec<Selection>, Condition)> {
    let Some(pairs) = node.as_map() else {
        report.error(
            Code::BadDetection,
            node.at,
            format!("`{}` is {}; it needs selections and a condition", section.name, node.describe()),
        );
        return None;
    };
    let errors = report.errors();
    let mut selections = Vec::new();
    let mut predicates = 0;
    let mut keys: Vec<&Key> = Vec::new();
    for (key, value) in pairs {
        match key.text.as_str() {
            "condition" => {}
            other if section.others.contains(&other) => {}
            "timeframe" => report.error_with_hint(
                Code::Timeframe,
                key.at,
                "`timeframe` in a detection is no longer part of Sigma",
                "use a correlation with a `timespan` over this rule",
            ),
            _ => {
                keys.push(key);
                let search = SelectionReader { lists, report, predicates: &mut predicates }.selection(value);
                selections.extend(search.map(|search| Selection { name: key.text.clone(), line: key.at.line, search }));
            }
        }
    }
    let names: Vec<&str> = keys.iter().map(|it| it.text.as_str()).collect();
    let condition = read_condition(node, section, &names, report);
    if let Some(condition) = &condition {
        warn_of_unused(condition, &keys, report);
    }
    let condition = condition?;
    (report.errors() == errors).then_some((selections, condition))
}

/// The line of the condition in the section of a document.
pub(super) fn condition_line(document: &Node, section: &str) -> usize {
    document.get(section).and_then(|it| it.get("condition")).map_or(document.at.line, |it| it.at.line)
}

fn read_condition(detection: &Node, section: &Section, names: &[&str], report: &mut Report) -> Option<Condition> {
    if names.is_empty() {
        report.error(Code::NoSelection, detection.at, format!("a {} without a selection", section.name));
    }
    let Some(node) = detection.get("condition") else {
        let hint = format!("add `condition: {}`", names.first().copied().unwrap_or("selection"));
        report.error_with_hint(Code::NoCondition, detection.at, format!("a {} without a condition", section.name), hint);
        return None;
    };
    if names.is_empty() {
        return None;
    }
    let nodes = if section.takes_several { node.as_list() } else { std::slice::from_ref(node) };
    if nodes.is_empty() {
        report.error(Code::ConditionNotText, node.at, "an empty list of conditions");
    }
    let mut conditions = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node.as_scalar() {
            Some(scalar) => conditions.extend(condition::parse(&scalar.text, node.at, names, report)),
            None => {
                report.error(Code::ConditionNotText, node.at, format!("a condition is {}; it has to be a text", node.describe()));
            }
        }
    }
    if conditions.len() != nodes.len() {
        return None;
    }
    if conditions.len() == 1 { conditions.pop() } else { Some(Condition::Or(conditions)) }
}

fn warn_of_unused(condition: &Condition, keys: &[&Key], report: &mut Report) {
    let mut used = vec![false; keys.len()];
    condition::mark_used(condition, &mut used);
    for (key, _) in keys.iter().zip(used).filter(|(_, is_used)| !is_used) {
        let hint = "name it in the condition, or remove it";
        report.warning_with_hint(
            Code::UnusedSelection,
            key.at,
            format!("the selection `{}` is not used in the condition", key.text),
            hint,
        );
    }
}

/// A selection of these fields, each with its modifiers, and their values.
pub(super) fn fields(pairs: &[(Key, Node)], lists: &Lists, report: &mut Report) -> Option<Search> {
    SelectionReader { lists, report, predicates: &mut 0 }.fields(pairs, Position::new(1, 1))
}

struct SelectionReader<'a> {
    lists: &'a Lists,
    report: &'a mut Report,
    predicates: &'a mut usize,
}

impl SelectionReader<'_> {
    /// A selection: a map of fields, a list of such maps or of keywords, or one keyword.
    fn selection(&mut self, node: &Node) -> Option<Search> {
        match &node.kind {
            Kind::Map(pairs) => self.fields(pairs, node.at),
            Kind::Sequence(nodes) => self.alternatives(nodes, node.at),
            Kind::Scalar(scalar) if scalar.typed == Typed::Null => {
                self.report.error_with_hint(
                    Code::EmptySelection,
                    node.at,
                    "an empty selection",
                    "name a field and its value: `field: value`",
                );
                None
            }
            Kind::Scalar(_) => self.item(None, &Chain::default(), node, node.at),
        }
    }

    fn fields(&mut self, pairs: &[(Key, Node)], at: Position) -> Option<Search> {
        if pairs.is_empty() {
            self.report.error(Code::EmptySelection, at, "an empty selection");
            return None;
        }
        let mut parts = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Some((field, chain)) = Chain::read(key, self.report) else { continue };
            parts.extend(self.item(field, &chain, value, key.at));
            if chain.all && !chain.expand && value.as_list().len() == 1 {
                let message = "`all` over a single value changes nothing";
                self.report.warning_with_hint(Code::UselessAll, value.at, message, "leave it out");
                self.report.fix_last(without_all(key));
            }
        }
        (parts.len() == pairs.len()).then(|| several(parts, Search::All))
    }

    fn alternatives(&mut self, nodes: &[Node], at: Position) -> Option<Search> {
        if nodes.is_empty() {
            self.report.error(Code::EmptySelection, at, "an empty selection");
            return None;
        }
        let (maps, keywords): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|it| it.as_map().is_some());
        let mut parts = Vec::with_capacity(maps.len() + 1);
        let mut is_sound = true;
        if let Some(first) = keywords.first() {
            let at = first.at;
            let list = Node { at, kind: Kind::Sequence(keywords.into_iter().cloned().collect()) };
            let search = self.item(None, &Chain::default(), &list, at);
            is_sound &= search.is_some();
            parts.extend(search);
        }
        for map in maps {
            let search = self.selection(map);
            is_sound &= search.is_some();
            parts.extend(search);
        }
        is_sound.then(|| several(parts, Search::Any))
    }

    fn item(&mut self, field: Option<&str>, chain: &Chain, value: &Node, at: Position) -> Option<Search> {
        let is_for_keywords = matches!(chain.test, Test::Plain | Test::Regex | Test::Cidr) && !chain.neq;
        if field.is_none() && !is_for_keywords {
            self.report.error_with_hint(
                Code::ModifierWithoutField,
                at,
                "a modifier that needs a field, without one",
                "write `field|modifier: value`",
            );
            return None;
        }
        let search = Reader { lists: self.lists, report: self.report }.search(field, chain, value, at.line)?;
        *self.predicates += count(&search);
        if *self.predicates > PREDICATES_MAX {
            self.report.error(Code::TooLarge, at, format!("a rule of more than {PREDICATES_MAX} values"));
            return None;
        }
        Some(search)
    }
}

/// The key without `|all`, if it names a field and is written without quotes.
fn without_all(key: &Key) -> Option<Fix> {
    let words: Vec<&str> = key.text.split('|').enumerate().filter(|(at, it)| *at == 0 || *it != "all").map(|it| it.1).collect();
    let is_plain = key.at.width == key.text.chars().count() && !key.text.starts_with('|');
    let edit =
        Edit { start: (key.at.line, key.at.column), end: (key.at.line, key.at.column + key.at.width), text: words.join("|") };
    is_plain.then(|| Fix { title: "remove `|all`".to_owned(), edits: vec![edit] })
}

fn count(search: &Search) -> usize {
    match search {
        Search::All(parts) | Search::Any(parts) => parts.iter().map(count).sum(),
        Search::Item(item) => item.predicates.len(),
    }
}

fn several(mut parts: Vec<Search>, join: fn(Vec<Search>) -> Search) -> Search {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}
