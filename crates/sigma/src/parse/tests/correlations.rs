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
    assert_eq!(it.condition, [(Compare::GreaterOrEqual, 10.0), (Compare::Less, 100.0)]);
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
        assert_eq!(it.condition, [(compare, 3.0)]);
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
    assert_eq!((it.kind, it.condition), (CorrelationKind::TemporalOrdered, vec![(Compare::GreaterOrEqual, 2.0)]));
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

#[test]
fn measures_take_a_field_and_any_numbers() {
    let section = |kind: &str, condition: &str| {
        format!("  type: {kind}\n  rules: [a]\n  group-by: [u]\n  timespan: 1d\n  condition: {{field: detail.rows, {condition}}}\n")
    };
    let field = || model::FieldPath::new("detail.rows");
    let it = only(&section("value_sum", "gt: -1.5, lte: 100"));
    assert_eq!(it.kind, CorrelationKind::ValueSum(field()));
    assert_eq!(it.condition, [(Compare::Greater, -1.5), (Compare::LessOrEqual, 100.0)]);
    assert_eq!(only(&section("value_avg", "gte: 2")).kind, CorrelationKind::ValueAvg(field()));
    assert_eq!(only(&section("value_median", "gte: 2")).kind, CorrelationKind::ValueMedian(field()));
    let it = only(&section("value_percentile", "gte: 2, percentile: 99.9"));
    assert_eq!(it.kind, CorrelationKind::ValuePercentile { field: field(), percentile: 99.9 });
}

#[test]
fn conditions_over_rule_names_are_for_temporal_kinds() {
    let section = |kind: &str, condition: &str| {
        format!("  type: {kind}\n  rules: [a, b_1, b_2]\n  group-by: [u]\n  timespan: 1d\n  condition: {condition}\n")
    };
    let shown = |text: &str| only(&section("temporal", text)).expression.map(|it| super::show::condition(&it));
    assert_eq!(shown("a and (b_1 or b_2)").unwrap(), "(0 & (1 | 2))");
    assert_eq!(shown("a and not 1 of b_*").unwrap(), "(0 & !(1 | 2))");
    assert_eq!(shown("all of them"), None, "every rule is what there is without a condition");
    assert!(only(&section("temporal_ordered", "a and not (b_1 or b_2)")).expression.is_some());
    let wrong = |kind: &str, condition: &str| load(&format!("{HEAD}{}", section(kind, condition))).problems[0].message.clone();
    assert_eq!(wrong("temporal", "a and c"), "the condition names `c`, which is no rule of this correlation");
    assert_eq!(wrong("temporal", "not (a or b_1 or b_2)"), alternatives_wrong());
    assert_eq!(wrong("event_count", "a and b_1"), "a condition over rule names is for `temporal` and `temporal_ordered`");
}

fn alternatives_wrong() -> &'static str {
    "the condition holds when nothing happens: with every `not`, name a rule that has to match"
}

#[test]
fn a_session_gap_stands_under_a_key_of_our_own() {
    let section = "  type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: 1d\n  condition: {gte: 10}\n";
    let it = only(&format!("{section}nightjar: {{session_gap: 15m}}\n"));
    assert_eq!(it.session_gap_ms, Some(900_000));
    let wrong = |text: &str| load(&format!("{HEAD}{text}")).problems[0].message.clone();
    assert_eq!(wrong(&format!("{section}nightjar: {{gap: 15m}}\n")), "unknown key `gap` under `nightjar` in a correlation");
    let ordered = "  type: temporal_ordered\n  rules: [a, b]\n  group-by: [u]\n  timespan: 1d\n";
    let message = wrong(&format!("{ordered}nightjar: {{session_gap: 15m}}\n"));
    assert_eq!(message, "`session_gap` in a correlation that has no sessions");
}

#[test]
fn an_ordered_correlation_has_at_most_eight_steps() {
    let loaded =
        load(&format!("{HEAD}  type: temporal_ordered\n  rules: [a, b, c, d, e, f, g, h, i]\n  group-by: [u]\n  timespan: 1d\n"));
    assert!(loaded.documents.is_empty());
    assert_eq!(loaded.problems[0].message, "9 ordered steps, but at most 8 are kept");
}
