use super::*;
use crate::ast::{Document, Rule};
use crate::lists::Lists;
use crate::parse::parse_file;

const NOTHING: Facts<'_> = Facts { mappings: &[] };

fn all_terms(rule: &Rule) -> Option<Vec<Term<'_>>> {
    terms(&rule.condition, &rule.selections)
}

fn rule(detection: &str) -> Rule {
    let text = format!("title: T\nlogsource: {{product: nightjar}}\ndetection:\n{detection}");
    match parse_file("t.yml", &text, &Lists::default()).documents.pop() {
        Some(Document::Rule(rule)) => rule,
        other => panic!("{detection}: {other:?}"),
    }
}

/// Two lines about one field: does the first imply the second, do they exclude each other?
#[track_caller]
fn check(a: &str, b: &str, expected_implies: bool, expected_excludes: bool) {
    let rule = rule(&format!("  a:\n    {a}\n  b:\n    {b}\n  condition: a and b\n"));
    let literal = |at: usize| terms_of(&rule.selections[at].search).unwrap().remove(0).remove(0);
    assert_eq!(literal(0).implies(&literal(1)), expected_implies, "{a} implies {b}");
    assert_eq!(literal(0).excludes(&literal(1), &|it| it == "f"), expected_excludes, "{a} excludes {b}");
}

#[test]
fn texts_imply_what_is_said_about_a_part_of_them() {
    check("f: abc", "f|contains: B", true, false);
    check("f|startswith: abc", "f|startswith: ab", true, false);
    check("f|startswith: ab", "f|startswith: abc", false, false);
    check("f|endswith: xyz", "f|contains: yz", true, false);
    check("f: 'a*bcd*e'", "f|contains: bc", true, false);
    check("f: [ab, ac]", "f|startswith: a", true, false);
    check("f: [ab, b]", "f|startswith: a", false, false);
    check("f: 'a?c'", "f: '*'", true, false);
    check("f: abc", "f: 'a*?c'", true, false);
}

#[test]
fn case_matters_only_to_those_who_ask() {
    check("f|cased: Abc", "f: abc", true, false);
    check("f: abc", "f|cased: abc", false, false);
}

#[test]
fn numbers_and_networks_imply_wider_ones() {
    check("f|gt: 5", "f|gte: 5", true, false);
    check("f|gte: 5", "f|gt: 5", false, false);
    check("f: 7", "f|gt: 5", true, false);
    check("f|cidr: 10.1.0.0/16", "f|cidr: 10.0.0.0/8", true, false);
}

#[test]
fn numbers_that_only_their_digits_tell_apart_are_two() {
    check("f: 9007199254740993", "f: 9007199254740992", false, true);
    check("f|gt: 9007199254740992", "f|lt: 9007199254740994", false, false);
    check("f|gte: 9007199254740993", "f|lte: 9007199254740992", false, true);
    check("f|gte: 9007199254740993", "f|gt: 9007199254740992", true, false);
    check("f: 1.0e-1", "f: 0.1", true, false);
}

#[test]
fn single_fields_exclude_two_values_and_lists_do_not() {
    check("f: a", "f: b", false, true);
    check("g: a", "g: b", false, false);
    check("f: a", "f|startswith: b", false, true);
    check("f|gt: 5", "f|lt: 3", false, true);
    check("f|gte: 5", "f|lte: 5", false, false);
    check("f|gt: 5", "f|lte: 5", false, true);
    check("f: null", "f: a", false, true);
    check("f|cidr: 10.0.0.0/8", "f|cidr: 192.168.0.0/16", false, true);
    check("f|cidr: 10.0.0.0/8", "f|cidr: [192.168.0.0/16, 10.1.0.0/16]", false, false);
    check("f|cidr: 10.0.0.0/8", "f|cidr: '::/0'", false, true);
    check("f|cidr: 10.0.0.0/8", "f|cidr: '::ffff:10.1.0.0/112'", false, false);
    check("g|cidr: 10.0.0.0/8", "g|cidr: 192.168.0.0/16", false, false);
    check("f|cidr: 10.0.0.0/8", "f: 192.168.7.7", false, true);
    check("f|cidr: 10.0.0.0/8", "f: 'host'", false, true);
    check("f|cidr: 10.0.0.0/8", "f: '::ffff:10.9.9.9'", false, false);
    check("f|cidr: 'fe80::/10'", "f: 'FE80::1'", false, false);
    check("f|hour|gt: 22", "f|hour|lt: 23", false, true);
    check("f|hour|gte: 22", "f|hour|lt: 23", false, false);
    check("f|hour|gt: 22", "f|minute|lt: 23", false, false);

    check("g|exists: false", "g: a", false, true);
}

#[test]
fn presence_follows_from_any_value() {
    check("f|contains: a", "f|exists: true", true, false);
    check("f: null", "f|exists: true", false, false);
    check("f|exists: false", "f: null", true, false);
}

#[test]
fn a_term_with_a_value_and_its_exclusion_is_empty() {
    let rule = rule("  s:\n    g: abc\n  no:\n    g|contains: b\n  condition: s and not no\n");
    assert!(all_terms(&rule).unwrap().iter().all(|it| is_empty(it, NOTHING)));
}

#[test]
fn a_condition_that_leaves_nothing_out_always_holds() {
    let always = rule("  a:\n    g: abc\n  b:\n    g|startswith: a\n  condition: b or not a\n");
    assert!(is_always(&all_terms(&always).unwrap()));
    let sometimes = rule("  a:\n    g: abc\n  b:\n    g|startswith: a\n  condition: a or not b\n");
    assert!(!is_always(&all_terms(&sometimes).unwrap()));
}

#[test]
fn conditions_that_need_too_many_terms_are_left_alone() {
    let selections: Vec<String> = (0..8).map(|at| format!("  s{at}:\n    - a{at}: 1\n    - b{at}: 1\n")).collect();
    assert!(all_terms(&rule(&format!("{}  condition: all of them\n", selections.concat()))).is_none());
}

#[test]
fn an_expression_excludes_a_value_that_it_is_not_found_in_in_any_case() {
    check("f|re: '^x'", "f: y", false, true);
    check("f|re: '^x'", "f: Xy", false, false);
    check("f|re: '^X'", "f: xy", false, false);
    check("f|re: '^X'", "f|cased: xy", false, true);
    check("f|re|i: '^X'", "f|cased: xy", false, false);
    // `ABC` is the text too, and begins with none of them.
    check("f|re: '^[^a-z]'", "f: abc", false, false);
    check("f|re: '^[^a-z]'", "f|cased: abc", false, true);
    check("f|re: '\\bx$'", "f: 'a x'", false, false);
    check("f|re: 'k'", "f: '\u{212A}'", false, false);
    check("f|re: '[0-9]'", "f: [ab, ac]", false, true);
    check("f|re: '[0-9]'", "f: [ab, a1]", false, false);
    check("f|re: '[0-9]'", "f|contains: ab", false, false);
    check("g|re: '^x'", "g: y", false, false);
}

#[test]
fn what_no_event_of_the_source_has_never_holds() {
    let native = model::SourceMapping::built_in("native").unwrap();
    let facts = Facts { mappings: &[&native] };
    for (line, expected) in [
        ("time|hour|gt: 23", true),
        ("time|hour|gte: 23", false),
        ("time|hour|lt: 0", true),
        ("time|minute|gt: 59", true),
        ("time|day|lt: 1", true),
        ("time|month|gt: 12", true),
        ("time|month|gt: 11", false),
        ("time|week|gt: 53", true),
        ("time|year|gt: 2024", false),
        ("actor.id: null", true),
        ("action|exists: false", true),
        ("actor.id: [null, ana]", false),
        ("tool: null", false),
        ("target.id|exists: false", false),
    ] {
        let one = rule(&format!("  s:\n    {line}\n  condition: s\n"));
        assert_eq!(all_terms(&one).unwrap().iter().all(|it| is_empty(it, facts)), expected, "{line}");
    }
    let no = rule("  s:\n    action: a\n  no:\n    actor.id|exists: true\n  condition: s and not no\n");
    assert!(all_terms(&no).unwrap().iter().all(|it| is_empty(it, facts)));
}
