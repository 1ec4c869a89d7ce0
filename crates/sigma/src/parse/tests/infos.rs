//! What documents say about themselves.

use super::{load, only_rule};
use crate::ast::Document;
use crate::parse::parse_file;
use model::Level;

const DETECTION: &str = "logsource: {product: p}\ndetection: {s: {a: 1}, condition: s}\n";

#[test]
fn everything_that_alerts_tell_is_read() {
    let text = "title: ' A title '\nid: 6F7C1E1A-4F0E-4C1E-9D3E-0F6A1B2C3D4E\nname: a_name\ndescription: |\n  Two\n  lines\nauthor: me\n\
                level: critical\nstatus: test\ntags: [attack.t1098, attack.persistence]\nfalsepositives: [none]\n\
                references: [https://example.org]\ncustom: {anything: goes}\ndate: 2026-01-01\n";
    let rule = only_rule(&format!("{text}{DETECTION}"));
    assert_eq!(rule.info.title, "A title");
    assert_eq!(rule.info.id, "6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e");
    assert_eq!(rule.info.name, "a_name");
    assert_eq!(rule.info.description, "Two\nlines");
    assert_eq!(rule.info.author, "me");
    assert_eq!(rule.info.level, Level::Critical);
    assert_eq!(rule.info.tags, ["attack.t1098", "attack.persistence"]);
    assert_eq!(rule.info.false_positives, ["none"]);
    assert_eq!(rule.info.references, ["https://example.org"]);
    assert_eq!(rule.info.version.len(), 16);
    assert_eq!((&*rule.place.file, rule.place.line), ("dir/some_rule.yml", 1));
    assert_eq!(rule.logsource.product.as_deref(), Some("p"));
    assert_eq!((rule.selections[0].name.as_str(), rule.selections[0].line), ("s", 16));
}

#[test]
fn a_rule_without_name_id_and_level_gets_them_with_a_warning() {
    let loaded = load(&format!("title: T\n{DETECTION}"));
    let Document::Rule(rule) = &loaded.documents[0] else { panic!() };
    assert_eq!(rule.info.name, "some_rule");
    assert_eq!(rule.info.level, Level::Medium);
    let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "dir/some_rule.yml:1:1: warning: a document without an id (hint: add `id:` with a random UUID)",
            "dir/some_rule.yml:1:1: warning: a document without a level (hint: it counts as medium)",
        ]
    );
}

#[test]
fn a_derived_id_depends_on_nothing_but_the_name() {
    let id =
        |file: &str, title: &str| match &parse_file(file, &format!("title: {title}\n{DETECTION}"), &super::lists()).documents[0] {
            Document::Rule(rule) => rule.info.id.clone(),
            Document::Correlation(_) | Document::Filter(_) => panic!(),
        };
    assert_eq!(id("a/x.yml", "one"), id(r"b\x.yaml", "two"));
    assert_ne!(id("x.yml", "one"), id("y.yml", "one"));
    assert_eq!(id("x.yml", "one").as_bytes()[14], b'5');
}

#[test]
fn documents_without_names_are_numbered_from_the_second_on() {
    let one = format!("title: T\n{DETECTION}");
    let own = format!("name: own\n{one}");
    let loaded = load(&[one.as_str(), &own, &one, &one].join("---\n"));
    let names = loaded.documents.iter().map(|it| match it {
        Document::Rule(rule) => (rule.info.name.as_str(), rule.place.line),
        Document::Correlation(_) | Document::Filter(_) => panic!(),
    });
    assert_eq!(names.collect::<Vec<_>>(), [("some_rule", 1), ("own", 5), ("some_rule_2", 10), ("some_rule_3", 14)]);
}

#[test]
fn a_broken_document_keeps_its_number_and_the_others_load() {
    let one = format!("title: T\n{DETECTION}");
    let loaded = load(&["title: no detection\n", one.as_str(), "a: [\n", &one].join("---\n"));
    let names = loaded.documents.iter().map(|it| match it {
        Document::Rule(rule) => rule.info.name.as_str(),
        Document::Correlation(_) | Document::Filter(_) => panic!(),
    });
    assert_eq!(names.collect::<Vec<_>>(), ["some_rule_2", "some_rule_3"]);
    assert_eq!(loaded.problems.iter().filter(|it| it.is_error()).count(), 2, "{:?}", loaded.problems);
}

#[test]
fn global_documents_are_laid_under_those_that_follow() {
    let text = "action: global\ntitle: T\nlevel: high\ndetection: {condition: s}\n---\nlogsource: {product: a}\ndetection: {s: {a: 1}}\n---\n\
                logsource: {product: b}\nlevel: low\ndetection: {s: {b: 1}}\n---\naction: repeat\nlogsource: {product: c}\n---\naction: reset\n---\n\
                logsource: {product: d}\n";
    let loaded = load(text);
    let rules = loaded.documents.iter().map(|it| match it {
        Document::Rule(rule) => (rule.info.level, rule.logsource.product.clone().unwrap(), rule.place.line),
        Document::Correlation(_) | Document::Filter(_) => panic!(),
    });
    assert_eq!(
        rules.collect::<Vec<_>>(),
        [(Level::High, "a".to_owned(), 6), (Level::Low, "b".to_owned(), 9), (Level::Low, "c".to_owned(), 13)]
    );
    let errors: Vec<_> = loaded.problems.iter().filter(|it| it.is_error()).map(|it| (it.line, it.message.as_str())).collect();
    assert_eq!(errors, [(18, "neither a rule nor a correlation nor a filter")]);
}

#[test]
fn several_conditions_are_alternatives() {
    let rule = only_rule(&super::rule_with("  a: {a: 1}\n  b: {b: 1}\n  condition:\n    - a and b\n    - not b\n"));
    assert_eq!(super::show::condition(&rule.condition), "((0 & 1) | !1)");
}

#[test]
fn doubtful_documents_load_with_warnings() {
    let text = "title: T\nid: not-a-uuid\nlevel: low\nauthors: x\ntags: [Attack.T1, noNamespace]\nauthor: [a, b]\nlogsource: {definition: x}\n\
                detection:\n  s: {a|all: 1}\n  unused: {b: 1}\n  condition: s\n";
    let loaded = load(text);
    assert_eq!(loaded.documents.len(), 1);
    let problems: Vec<String> = loaded.problems.iter().map(|it| format!("{}:{} {}", it.severity, it.line, it.message)).collect();
    assert_eq!(
        problems,
        [
            "warning:2 the id `not-a-uuid` is not a UUID",
            "warning:5 the tag `Attack.T1` is not `namespace.name`",
            "warning:5 the tag `noNamespace` is not `namespace.name`",
            "warning:6 `author` holds a list where a text should be; it is ignored",
            "warning:7 a log source that names no product, service or category: the rule is for every source",
            "warning:9 `all` over a single value changes nothing",
            "warning:10 the selection `unused` is not used in the condition",
        ]
    );
}

#[test]
fn a_flood_of_problems_is_cut_with_a_count() {
    let items: Vec<String> = (0..500).map(|it| format!("    f{it}|wrong: 1\n")).collect();
    let loaded = load(&super::rule_with(&format!("  s:\n{}  condition: s\n", items.concat())));
    assert_eq!(loaded.problems.len(), 101);
    assert_eq!(loaded.problems[100].message, "400 more problems in this file are not shown");
}

/// The first error of `text`.
#[track_caller]
fn check_limit(text: &str, expected: &str) {
    let loaded = load(text);
    assert_eq!(loaded.documents.len(), 0);
    let first = loaded.problems.iter().find(|it| it.is_error()).unwrap();
    assert!(first.message.contains(expected), "{first}");
}

#[test]
fn everything_has_a_limit() {
    let selections: Vec<String> = (0..400).map(|it| format!("  s{it}: {{a: 1}}\n")).collect();
    let condition = vec!["1 of them"; 300].join(" or ");
    check_limit(&super::rule_with(&format!("{}  condition: {condition}\n", selections.concat())), "more than 100000 selections");
    check_limit(&super::rule_with(&format!("  s: {{a: 1}}\n  condition: s{}\n", " or s".repeat(20_000))), "more than 65536 bytes");
    check_limit(&super::rule_with(&format!("  s: {{f{}: 1}}\n  condition: s\n", "|cased".repeat(17))), "more than 16 modifiers");
    check_limit(&format!("title: {}\n", "x".repeat(5_000_000)), "more than 4194304 bytes");
    check_limit(
        &format!("title: T\ncorrelation:\n  type: temporal\n  timespan: 1h\n  rules: [{}]\n", "a, ".repeat(1_001)),
        "a list of more than 1000",
    );
    let mut lists = crate::lists::Lists::default();
    lists.insert("long", (0..90_000).map(|it| it.to_string()).collect());
    let items: Vec<String> = (0..6).map(|it| format!("    f{it}|expand: '%long%'\n")).collect();
    let loaded = parse_file("r.yml", &super::rule_with(&format!("  s:\n{}  condition: s\n", items.concat())), &lists);
    assert_eq!(loaded.problems[0].message, "a rule of more than 500000 values");
    let loaded = parse_file("r.yml", &super::rule_with("  s: {f|expand: '%long%%long%'}\n  condition: s\n"), &lists);
    assert_eq!(loaded.problems[0].message, "`%long%%long%` stands for more than 200000 values");
}
