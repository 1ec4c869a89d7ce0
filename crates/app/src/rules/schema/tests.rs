use super::*;
use serde::Deserialize;
use std::path::{Path, PathBuf};

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::options().should_validate_formats(true).build(&schema()).expect("the schema is one")
}

fn documents(text: &str) -> Vec<Json> {
    serde_norway::Deserializer::from_str(text).map(|it| Json::deserialize(it).unwrap()).collect()
}

#[track_caller]
fn check(text: &str, is_valid: bool) {
    let validator = validator();
    for document in documents(text) {
        let errors: Vec<String> = validator.iter_errors(&document).map(|it| it.to_string()).collect();
        assert_eq!(errors.is_empty(), is_valid, "{text}\n{errors:#?}");
    }
}

#[test]
fn it_is_a_json_schema() {
    assert!(jsonschema::meta::is_valid(&schema()));
}

fn rule_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rule_files(&path, into);
        } else if path.extension().is_some_and(|it| it == "yml") && !path.ends_with("taxonomy.yml") {
            into.push(path);
        }
    }
}

#[test]
fn every_shipped_rule_is_valid() {
    let mut files = Vec::new();
    rule_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules")), &mut files);
    let validator = validator();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        for document in documents(&std::fs::read_to_string(&file).unwrap()) {
            count += 1;
            wrong.extend(validator.iter_errors(&document).map(|it| format!("{}: {it}", file.display())));
        }
    }
    assert!(count >= 100, "{count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const RULE: &str = "title: T\nlogsource: {product: nightjar}\ndetection:\n  s:\n    ITEM\n  condition: s\n";

fn item(item: &str) -> String {
    RULE.replace("ITEM", item)
}

#[test]
fn modifiers_are_known_words() {
    check(&item("actor.id|contains|all: [a, b]"), true);
    check(&item("any.field.at.all|re|i: a+"), true);
    check(&item("'|contains': a"), true);
    check(&item("actor.id|contain: a"), false);
    check(&item("actor.id|: a"), false);
}

#[test]
fn values_are_of_the_kind_that_their_modifier_takes() {
    check(&item("actor.id|exists: true"), true);
    check(&item("actor.id|exists: maybe"), false);
    check(&item("detail.rows|gt: 1.5"), true);
    check(&item("detail.rows|gt: x"), false);
    check(&item("detail.rows|lte: [1, x]"), false);
    check(&item("time|hour: [22, 23]"), true);
    check(&item("time|hour|gte: 22"), true);
    check(&item("time|hour: 25"), false);
    check(&item("time|month|lt: 0"), false);
}

#[test]
fn modifiers_that_exclude_each_other_are_told() {
    check(&item("action|contains|startswith: a"), false);
    check(&item("action|contains|cased|endswith: a"), false);
    check(&item("action|re|cidr: a"), false);
    check(&item("time|hour|minute: 3"), false);
    check(&item("detail.rows|gt|lt: 3"), false);
    check(&item("action|contains|all|windash|neq: [a, b]"), true);
}

#[test]
fn selections_are_maps_lists_of_maps_or_keywords() {
    check(&item("actor.id: {a: b}"), false);
    check(&item("actor.id: []"), false);
    check("title: T\nlogsource: {}\ndetection: {k: [a, 7], m: [{a: 1}, {b: null}], condition: 1 of them}\n", true);
    check("title: T\nlogsource: {}\ndetection: {condition: s}\n", false);
    check("title: T\nlogsource: {}\ndetection: {s: {a: b}}\n", false);
    check("title: T\nlogsource: {}\ndetection: {s: {a: b}, condition: s, timeframe: 10m}\n", false);
}

#[test]
fn a_document_is_of_one_kind() {
    check("title: T\nlogsource: {}\n", false);
    check("title: T\ndetection: {s: {a: b}, condition: s}\n", false);
    check(
        "title: T\nlogsource: {}\ndetection: {s: {a: b}, condition: s}\ncorrelation: {type: temporal, rules: [a], timespan: 1h}\n",
        false,
    );
    check("action: global\ntitle: T\n", true);
    check("title: T\nlogsource: {}\nfilter: {rules: [a], s: {a: b}, condition: not s}\n", true);
    check("title: T\nlogsource: {}\nfilter: {s: {a: b}, condition: not s}\n", false);
    check("title: T\nlogsource: {}\nfilter: {rules: [], s: {a: b}, condition: not s}\n", false);
    check("title: T\nlogsource: {}\nfilter: {rules: any, condition: not s}\n", false);
}

fn correlation(section: &str) -> String {
    format!("title: T\ncorrelation: {{{section}}}\n")
}

#[test]
fn correlations_have_a_type_rules_and_a_timespan() {
    check(&correlation("type: temporal, rules: [a], timespan: 1h"), true);
    check(&correlation("type: event_count, rules: a, group-by: [x], timespan: 90m, condition: {gte: 3}"), true);
    check(&correlation("type: event_count, rules: [a], timespan: 1h"), false);
    check(&correlation("type: event_counts, rules: [a], timespan: 1h, condition: {gte: 3}"), false);
    check(&correlation("type: temporal, rules: [a], timespan: 1 hour"), false);
    check(&correlation("type: temporal, rules: [a], timespan: 0m"), false);
    check(&correlation("type: temporal, rules: [], timespan: 1h"), false);
    check(&correlation("type: event_count, rules: [a], timespan: 1h, condition: {gte: -3}"), false);
    check(&correlation("type: value_sum, rules: [a], timespan: 1h, condition: {field: x, lt: -3}"), true);
    check(&correlation("type: temporal, rules: [a], timespan: 1h, groupby: [x]"), false);
}

#[test]
fn correlations_of_every_type_have_the_condition_they_need() {
    let of = |kind: &str, condition: &str| correlation(&format!("type: {kind}, rules: [a], timespan: 1h, condition: {condition}"));
    check(&of("value_sum", "{field: detail.rows, gt: 1000.5, lte: 2000}"), true);
    check(&of("value_avg", "{gt: 1000}"), false);
    check(&of("value_median", "a and not b"), false);
    check(&of("value_percentile", "{field: detail.rows, percentile: 99.9, gt: 5}"), true);
    check(&of("value_percentile", "{field: detail.rows, percentile: 101, gt: 5}"), false);
    check(&of("value_sum", "{field: detail.rows, percentile: 50, gt: 5}"), false);
    check(&of("temporal_ordered", "a and not b"), true);
    check(&of("event_count", "{gte: 3, filed: x}"), false);
}

#[test]
fn a_session_gap_is_a_timespan() {
    let of = |gap: &str| correlation("type: temporal, rules: [a], timespan: 1h") + &format!("nightjar: {{session_gap: {gap}}}\n");
    check(&of("15m"), true);
    check(&of("15 minutes"), false);
    check(&of("15"), false);
}

#[test]
fn closed_words_and_dates_are_checked() {
    check(&(item("a: b") + "level: severe\n"), false);
    check(&(item("a: b") + "status: new\n"), false);
    check(&(item("a: b") + "date: 2026/11/22\n"), false);
    check(&(item("a: b") + "date: 2026-11-22\nlevel: high\nstatus: test\nid: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b01\n"), true);
}
