//! Correlations.

use super::load;
use crate::ast::{Compare, Correlation, CorrelationKind, Document};

const HEAD: &str = "title: T\nid: 6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e\nlevel: high\ncorrelation:\n";

/// The correlation whose section is `section`, indented by two; it must load without a problem.
#[track_caller]
fn only(section: &str) -> Correlation {
    let loaded = load(&format!("{HEAD}{section}"));
    assert_eq!(loaded.problems, []);
    match loaded.documents.as_slice() {
        [Document::Correlation(correlation)] => correlation.clone(),
        other => panic!("{other:?}"),
    }
}

fn texts(fields: &[model::FieldPath]) -> Vec<&str> {
    fields.iter().map(model::FieldPath::as_str).collect()
}

#[test]
fn event_counts_have_a_threshold() {
    let it = only(
        "  type: event_count\n  rules: [a, b]\n  group-by: [actor.id, target.id]\n  timespan: 10m\n  condition: {gte: 10, lt: 100}\n",
    );
    assert_eq!(it.kind, CorrelationKind::EventCount);
    assert_eq!(it.rules, ["a", "b"]);
    assert_eq!(texts(&it.group_by), ["actor.id", "target.id"]);
    assert_eq!(it.timespan_ms, 600_000);
    assert_eq!(it.condition, [(Compare::GreaterOrEqual, 10), (Compare::Less, 100)]);
    assert!(!it.generate);
    assert_eq!(it.info.name, "some_rule");
    assert_eq!(it.info.kind, model::RuleKind::Correlation);
}

#[test]
fn all_comparisons_are_read() {
    for (word, compare) in [
        ("gt", Compare::Greater),
        ("gte", Compare::GreaterOrEqual),
        ("lt", Compare::Less),
        ("lte", Compare::LessOrEqual),
        ("eq", Compare::Equal),
        ("neq", Compare::NotEqual),
    ] {
        let it = only(&format!("  type: event_count\n  rules: a\n  group-by: u\n  timespan: 1h\n  condition: {{{word}: 3}}\n"));
        assert_eq!(it.condition, [(compare, 3)]);
    }
}

#[test]
fn value_counts_count_one_field_or_a_combination() {
    for (written, expected) in [("target.id", vec!["target.id"]), ("[a, b]", vec!["a", "b"])] {
        let section = format!(
            "  type: value_count\n  rules: [a]\n  group-by: [u]\n  timespan: 1d\n  condition: {{gt: 5, field: {written}}}\n"
        );
        let CorrelationKind::ValueCount(fields) = only(&section).kind else { panic!() };
        assert_eq!(texts(&fields), expected);
    }
}

#[test]
fn temporal_kinds_need_no_condition() {
    let it = only("  type: temporal\n  rules: [a, b]\n  group-by: [u]\n  timespan: 30s\n");
    assert_eq!((it.kind, it.condition.len()), (CorrelationKind::Temporal, 0));
    let it = only("  type: temporal_ordered\n  rules: [a, b]\n  group-by: [u]\n  timespan: 30s\n  condition: {gte: 2}\n");
    assert_eq!((it.kind, it.condition), (CorrelationKind::TemporalOrdered, vec![(Compare::GreaterOrEqual, 2)]));
}

#[test]
fn aliases_name_a_field_for_each_rule() {
    let it = only(
        "  type: temporal\n  rules: [a, 6F7C1E1A-4F0E-4C1E-9D3E-0F6A1B2C3D4F]\n  group-by: [ip]\n  timespan: 1h\n  aliases:\n    ip:\n      a: src.ip\n      6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4f: dst.ip\n",
    );
    let (alias, fields) = &it.aliases[0];
    let fields: Vec<_> = fields.iter().map(|(rule, field)| (rule.as_str(), field.as_str())).collect();
    assert_eq!(alias, "ip");
    assert_eq!(fields, [("a", "src.ip"), ("6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4f", "dst.ip")]);
    assert_eq!(it.rules[1], "6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4f");
}

#[test]
fn generate_may_stand_in_the_section_or_above_it() {
    let section = "  type: temporal\n  rules: [a, b]\n  group-by: [u]\n  timespan: 30s\n";
    assert!(only(&format!("{section}  generate: true\n")).generate);
    assert!(only(&format!("{section}generate: true\n")).generate);
    assert!(!only(&format!("{section}generate: false\n")).generate);
}

#[test]
fn a_correlation_without_groups_loads_with_a_warning() {
    let loaded = load(&format!("{HEAD}  type: event_count\n  rules: [a]\n  timespan: 1h\n  condition: {{gte: 3}}\n"));
    assert_eq!(loaded.documents.len(), 1);
    assert_eq!(loaded.problems[0].message, "a correlation without `group-by` counts over everything");
}
