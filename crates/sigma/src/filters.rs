//! Filters laid on the rules that they are for: a rule with a filter matches what both conditions match, and is another version.

use crate::ast::{Document, Filter, FilterRules, Rule};
use crate::fnv::Fnv;
use std::sync::Arc;

impl Filter {
    /// Whether the filter is for `rule`: it names the rule, or any, and its log source covers the rule's.
    pub fn applies_to(&self, rule: &Rule) -> bool {
        let is_named = match &self.rules {
            FilterRules::Any => true,
            FilterRules::Named(names) => names.iter().any(|it| *it == rule.info.name || *it == rule.info.id),
        };
        is_named && self.logsource.covers(&rule.logsource)
    }
}

/// Gives each rule among `documents` the filters there that are for it, in the order of their names, and a version that tells them.
/// What was applied before is not applied again.
pub fn apply(documents: &mut [Document]) {
    let mut filters: Vec<Arc<Filter>> =
        documents.iter().filter_map(|it| if let Document::Filter(filter) = it { Some(Arc::clone(filter)) } else { None }).collect();
    filters.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    for document in documents {
        let Document::Rule(rule) = document else { continue };
        for filter in filters.iter().filter(|it| it.applies_to(rule)).cloned().collect::<Vec<_>>() {
            add(rule, filter);
        }
    }
}

fn add(rule: &mut Rule, filter: Arc<Filter>) {
    if rule.filters.iter().any(|it| it.id == filter.id) {
        return;
    }
    let mut hash = Fnv::new();
    hash.write_text(&rule.info.version);
    hash.write_text(&filter.version);
    Arc::make_mut(&mut rule.info).version = hash.digits();
    rule.filters.push(filter);
}
