//! Filters: which rules they are for, and what is wrong with them.

use crate::ast::{Document, FilterRules};
use crate::filters;
use crate::lists::Lists;
use crate::parse::{Loaded, parse_all};

const WINDOWS: &str = "{product: windows, category: process_creation}";

fn rule(name: &str, logsource: &str) -> (String, String) {
    let text = format!("title: T\nlevel: low\nname: {name}\nlogsource: {logsource}\ndetection: {{s: {{a: 1}}, condition: s}}\n");
    (format!("{name}.yml"), text)
}

fn filter(name: &str, logsource: &str, rules: &str) -> (String, String) {
    let text = format!(
        "title: T\nname: {name}\nlogsource: {logsource}\nfilter:\n  rules: {rules}\n  selection: {{b: 2}}\n  condition: not selection\n"
    );
    (format!("{name}.yml"), text)
}

fn load(files: Vec<(String, String)>) -> Loaded {
    let mut loaded = parse_all(files, &Lists::default());
    filters::apply(&mut loaded.documents);
    loaded
}

/// Each rule with the filters that are laid on it.
#[track_caller]
fn check(files: Vec<(String, String)>, filtered: &[(&str, &[&str])]) {
    let loaded = load(files);
    let errors: Vec<_> = loaded.problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    let found: Vec<(&str, Vec<&str>)> = (loaded.documents.iter())
        .filter_map(|it| if let Document::Rule(rule) = it { Some(rule) } else { None })
        .map(|it| (it.info.name.as_str(), it.filters.iter().map(|it| it.name.as_str()).collect()))
        .collect();
    assert_eq!(found, filtered.iter().map(|(rule, filters)| (*rule, filters.to_vec())).collect::<Vec<_>>());
}

#[track_caller]
fn check_wrong(files: Vec<(String, String)>, problem: &str) {
    let loaded = load(files);
    let found: Vec<_> = loaded.problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert_eq!(found, [problem]);
    assert!(!loaded.documents.iter().any(|it| matches!(it, Document::Filter(_))));
}

#[test]
fn a_filter_is_for_the_rules_it_names() {
    check(vec![rule("one", WINDOWS), rule("two", WINDOWS), filter("f", WINDOWS, "[two]")], &[("one", &[]), ("two", &["f"])]);
    check(vec![rule("one", WINDOWS), filter("f", WINDOWS, "one")], &[("one", &["f"])]);
}

#[test]
fn a_filter_of_any_rule_is_for_those_whose_log_source_it_covers() {
    check(
        vec![
            rule("one", WINDOWS),
            rule("two", "{product: linux}"),
            rule("three", "{category: process_creation}"),
            filter("f", "{product: windows}", "any"),
        ],
        &[("one", &["f"]), ("two", &[]), ("three", &[])],
    );
}

#[test]
fn filters_are_laid_on_in_the_order_of_their_names_and_once() {
    let files = vec![filter("g", WINDOWS, "any"), filter("f", WINDOWS, "[one]"), rule("one", WINDOWS)];
    check(files.clone(), &[("one", &["f", "g"])]);
    let mut again = load(files);
    let version = |loaded: &Loaded| match loaded.documents.last() {
        Some(Document::Rule(rule)) => (rule.info.version.clone(), rule.filters.len()),
        other => panic!("{other:?}"),
    };
    let before = version(&again);
    filters::apply(&mut again.documents);
    assert_eq!(version(&again), before);
}

#[test]
fn a_rule_with_a_filter_is_another_version_and_so_it_is_when_the_filter_changes() {
    let version = |filters: Vec<(String, String)>| {
        let loaded = load([vec![rule("one", WINDOWS)], filters].concat());
        match &loaded.documents[0] {
            Document::Rule(rule) => rule.info.version.clone(),
            other => panic!("{other:?}"),
        }
    };
    let plain = version(vec![]);
    let filtered = version(vec![filter("f", WINDOWS, "any")]);
    let (name, text) = filter("f", WINDOWS, "any");
    let changed = version(vec![(name, text.replace("b: 2", "b: 3"))]);
    let for_others = version(vec![rule("two", WINDOWS), filter("f", WINDOWS, "[two]")]);
    assert_ne!(plain, filtered);
    assert_ne!(filtered, changed);
    assert_eq!(plain, for_others);
}

#[test]
fn a_filter_of_a_rule_that_is_not_there_is_left_out() {
    check_wrong(vec![rule("one", WINDOWS), filter("f", WINDOWS, "[one, tow]")], "f.yml:5:16: error: there is no rule `tow`");
    check_wrong(
        vec![rule("login_failed", WINDOWS), filter("f", WINDOWS, "[login_fialed]")],
        "f.yml:5:11: error: there is no rule `login_fialed` (hint: did you mean `login_failed`?)",
    );
}

#[test]
fn a_filter_must_cover_the_log_source_of_the_rules_it_names() {
    check_wrong(
        vec![rule("one", "{product: windows}"), filter("f", WINDOWS, "[one]")],
        "f.yml:5:11: error: the filter's log source does not cover that of `one` \
         (hint: name less in the filter's `logsource`, or leave the rule out)",
    );
}

#[test]
fn a_filter_of_a_correlation_or_of_a_filter_is_refused() {
    let correlation =
        "title: T\nlevel: low\ncorrelation: {type: event_count, rules: [one], group-by: [u], timespan: 1h, condition: {gte: 2}}\n";
    check_wrong(
        vec![rule("one", WINDOWS), ("c.yml".to_owned(), correlation.to_owned()), filter("f", WINDOWS, "[c]")],
        "f.yml:5:11: error: `c` is a correlation, which sees no events itself (hint: filter the rules that it is over)",
    );
    check_wrong(vec![filter("f", WINDOWS, "[f]")], "f.yml:5:11: error: `f` is a filter (hint: list rules)");
}

#[test]
fn a_filter_that_applies_to_nothing_is_doubtful_but_loads() {
    let loaded = load(vec![rule("one", WINDOWS), filter("f", "{product: linux}", "any")]);
    let warnings: Vec<_> = loaded.problems.iter().map(|it| it.message.as_str()).filter(|it| it.contains("filter")).collect();
    assert_eq!(warnings, ["the filter `f` applies to no rule"]);
    assert!(matches!(&loaded.documents[1], Document::Filter(it) if it.rules == FilterRules::Any));
}
