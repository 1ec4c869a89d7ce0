//! What a correlation looks for, as a hash: its own words and those of everything that it is over, lists and filters included. Two
//! correlations with the same hash mean the same by their windows, so that a window may pass from one set of rules to the next.

use crate::ast::{Correlation, Place, Rule, Search, Selection};
use crate::fnv::Fnv;
use model::RuleInfo;
use std::fmt::Write;
use std::sync::Arc;

/// Deepest nesting of correlations that is followed; deeper ones are not loaded.
const DEPTH_MAX: usize = 64;

/// The hash of what a rule matches. Title, tags, layout and the like do not count; the entries of its lists do.
fn of_rule(rule: &Rule) -> u64 {
    let filters: Vec<_> = rule.filters.iter().map(|it| (without_lines(&it.selections), &it.condition)).collect();
    of_debug(&(&rule.logsource, without_lines(&rule.selections), &rule.condition, filters))
}

/// The hash of each correlation.
pub(super) fn of_correlations(rules: &[Rule], correlations: &[Correlation]) -> Vec<u64> {
    let set = Set { rules, correlations };
    correlations.iter().map(|it| set.of(it, DEPTH_MAX)).collect()
}

struct Set<'s> {
    rules: &'s [Rule],
    correlations: &'s [Correlation],
}

impl Set<'_> {
    fn of(&self, correlation: &Correlation, depth_left: usize) -> u64 {
        let bare = Correlation { info: no_info(), place: no_place(), ..correlation.clone() };
        let mut hash = Fnv::new();
        hash.write(&of_debug(&bare).to_le_bytes());
        for name in &correlation.rules {
            hash.write_text(name);
            hash.write(&self.of_name(name, depth_left).to_le_bytes());
        }
        hash.finish()
    }

    fn of_name(&self, name: &str, depth_left: usize) -> u64 {
        let is_named = |info: &RuleInfo| info.name == name || info.id == name;
        if let Some(rule) = self.rules.iter().find(|it| is_named(&it.info)) {
            return of_rule(rule);
        }
        let correlation = self.correlations.iter().find(|it| is_named(&it.info)).filter(|_| depth_left > 0);
        correlation.map_or(0, |it| self.of(it, depth_left - 1))
    }
}

/// Written out by `Debug`, which no part of a search or a correlation escapes, not even one that is added later. The hash is good for one
/// build of the program; under another one windows begin anew.
fn of_debug(value: &impl std::fmt::Debug) -> u64 {
    let mut hash = Fnv::new();
    write!(hash, "{value:?}").expect("a hash takes any text");
    hash.finish()
}

fn without_lines(selections: &[Selection]) -> Vec<Selection> {
    fn clear(search: &mut Search) {
        match search {
            Search::All(parts) | Search::Any(parts) => parts.iter_mut().for_each(clear),
            Search::Item(item) => item.line = 0,
        }
    }
    let mut selections = selections.to_vec();
    for selection in &mut selections {
        selection.line = 0;
        clear(&mut selection.search);
    }
    selections
}

fn no_info() -> Arc<RuleInfo> {
    Arc::new(RuleInfo::default())
}

fn no_place() -> Place {
    Place { file: "".into(), line: 0 }
}

#[cfg(test)]
mod tests {
    use crate::compile::RuleSet;
    use crate::lists::Lists;
    use crate::parse::parse_all;

    const BASE: &str = "title: Base\nname: base\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: nightjar}\ndetection:\n  s:\n    action|expand: '%acts%'\n  condition: s\n";
    const BURST: &str = "title: Burst\nname: burst\nid: 00000000-0000-4000-8000-000000000002\ncorrelation:\n  type: event_count\n  rules: [base]\n  group-by: [actor.id]\n  timespan: 10m\n  condition: {gte: 3}\n";

    fn content(base: &str, burst: &str, acts: &[&str]) -> (u64, String) {
        let mut lists = Lists::default();
        lists.insert("acts", acts.iter().map(|&it| it.to_owned()).collect());
        let loaded = parse_all([("a.yml".to_owned(), base.to_owned()), ("b.yml".to_owned(), burst.to_owned())], &lists);
        let set = RuleSet::new(loaded.documents);
        (set.contents[0], set.hash.to_string())
    }

    #[test]
    fn the_hash_changes_with_what_is_looked_for_and_with_nothing_else() {
        let (same, set) = content(BASE, BURST, &["export"]);
        for (base, burst, acts) in [
            (BASE.replace("Base", "Another title"), BURST.to_owned(), vec!["export"]),
            (BASE.replace("detection:\n", "detection:\n  # a comment\n\n"), BURST.to_owned(), vec!["export"]),
            (BASE.to_owned(), BURST.replace("title: Burst", "title: B\nlevel: high\nstatus: test"), vec!["export"]),
        ] {
            assert_eq!(content(&base, &burst, &acts).0, same, "{base}{burst}");
        }
        for (base, burst, acts) in [
            (BASE.replace("action|", "tool|"), BURST.to_owned(), vec!["export"]),
            (BASE.to_owned(), BURST.replace("10m", "11m"), vec!["export"]),
            (BASE.to_owned(), BURST.replace("gte: 3", "gte: 4"), vec!["export"]),
            (BASE.to_owned(), BURST.to_owned(), vec!["export", "view"]),
        ] {
            let (other, other_set) = content(&base, &burst, &acts);
            assert_ne!(other, same, "{base}{burst}{acts:?}");
            assert_ne!(other_set, set, "{base}{burst}{acts:?}");
        }
    }
}
