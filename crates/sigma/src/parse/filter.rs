//! Filters (specification 2.1, "Sigma Filters").

use super::report::Report;
use super::yaml::{Node, Position};
use super::{detection, hash, info, logsource};
use crate::ast::{Filter, FilterRules, Place};
use crate::lists::Lists;
use crate::problem::Code;

/// Most rules that one filter names.
const RULES_MAX: usize = 10_000;

/// A filter and where each of its rules is named.
pub(super) struct Found {
    pub(super) filter: Filter,
    pub(super) places: Vec<Position>,
}

/// Reads a filter. `None` if a problem keeps it from loading.
pub(super) fn read(document: &Node, place: Place, name: &str, lists: &Lists, report: &mut Report) -> Option<Found> {
    let errors = report.errors();
    let about = info::read_filter(document, name, report);
    let logsource = logsource::read(document, report);
    let section = document.get("filter")?;
    let searched = detection::read(section, &detection::FILTER, lists, report);
    let named = if section.as_map().is_some() { rules(section, report) } else { None };
    if report.errors() > errors {
        return None;
    }
    let (info::About { id, name, title, description, version }, (selections, condition)) = (about?, searched?);
    let (rules, places) = named?;
    let version = hash::with_lists(version, document, lists);
    let condition_line = detection::condition_line(document, "filter");
    let filter = Filter { id, name, title, description, version, place, logsource, rules, selections, condition, condition_line };
    Some(Found { filter, places })
}

/// The rules that the filter is for: `any`, one, or a list.
fn rules(section: &Node, report: &mut Report) -> Option<(FilterRules, Vec<Position>)> {
    const HINT: &str = "list rules by `name` or `id`, or write `rules: any`";
    let Some(node) = section.get("rules") else {
        report.error_with_hint(Code::BadFilter, section.at, "a filter without `rules`", HINT);
        return None;
    };
    let nodes = node.as_list();
    if nodes.is_empty() {
        report.error_with_hint(Code::BadFilter, node.at, "a filter of no rules", HINT);
        return None;
    }
    if nodes.len() > RULES_MAX {
        report.error(Code::TooLarge, node.at, format!("a filter that names more than {RULES_MAX} rules"));
        return None;
    }
    let (mut names, mut places): (Vec<String>, Vec<Position>) = (Vec::new(), Vec::new());
    for node in nodes {
        let Some(text) = node.as_scalar().map(|it| it.text.trim()).filter(|it| !it.is_empty()) else {
            report.error_with_hint(
                Code::BadFilter,
                node.at,
                format!("a rule is named by a text, not by {}", node.describe()),
                HINT,
            );
            return None;
        };
        let reference = info::canonical_id(text);
        if names.contains(&reference) {
            report.error(Code::BadFilter, node.at, format!("the rule `{text}` is listed twice"));
        }
        names.push(reference);
        places.push(node.at);
    }
    if names.len() == 1 && names[0].eq_ignore_ascii_case("any") {
        return Some((FilterRules::Any, Vec::new()));
    }
    Some((FilterRules::Named(names), places))
}
