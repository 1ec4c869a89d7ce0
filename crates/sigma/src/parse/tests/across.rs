//! What is seen with several files at hand.

use crate::ast::Document;
use crate::lists::Lists;
use crate::parse::{Loaded, parse_all};

fn rule(head: &str) -> String {
    format!("title: T\nlevel: low\n{head}logsource: {{product: p}}\ndetection: {{s: {{a: 1}}, condition: s}}\n")
}

fn correlation(name: &str, rules: &str) -> String {
    format!(
        "title: T\nlevel: low\nname: {name}\ncorrelation:\n  type: temporal\n  rules: [{rules}]\n  group-by: [u]\n  timespan: 1h\n"
    )
}

fn load(files: &[(&str, String)]) -> Loaded {
    parse_all(files.iter().map(|(file, text)| ((*file).to_owned(), text.clone())), &Lists::default())
}

#[track_caller]
fn check(files: &[(&str, String)], names: &[&str], errors: &[&str]) {
    let loaded = load(files);
    assert_eq!(loaded.documents.iter().map(Document::name).collect::<Vec<_>>(), names);
    let found: Vec<_> = loaded.problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert_eq!(found, errors);
}

#[test]
fn correlations_find_rules_by_name_and_id_in_any_file() {
    let id = "6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e";
    let files = [
        ("c.yml", correlation("c", &format!("a, {}", id.to_uppercase()))),
        ("a.yml", rule("")),
        ("b.yml", rule(&format!("id: {id}\n"))),
    ];
    check(&files, &["c", "a", "b"], &[]);
}

#[test]
fn a_name_is_taken_once() {
    let files = [("x/a.yml", rule("")), ("y/b.yml", rule("name: a\n")), ("z.yml", rule("name: a\n"))];
    let hint = "(hint: give one of them another `name:`)";
    check(
        &files,
        &["a"],
        &[
            &format!("y/b.yml:3:7: error: the name `a` is already taken by x/a.yml:1 {hint}"),
            &format!("z.yml:3:7: error: the name `a` is already taken by x/a.yml:1 {hint}"),
        ],
    );
}

#[test]
fn rules_without_a_name_in_files_of_one_name_are_called_after_their_folders() {
    let two = format!("{}---\n{}", rule(""), rule(""));
    let files = [("okta/brute.yml", rule("")), ("github/brute.yaml", two), ("github/other.yml", rule("name: brute\n"))];
    check(&files, &["okta_brute", "github_brute", "github_brute_2", "brute"], &[]);
}

#[test]
fn an_id_is_taken_once() {
    let id = "id: 6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e\n";
    check(
        &[("a.yml", rule(id)), ("b.yml", format!("---\n{}", rule(&id.to_uppercase().replace("ID", "id"))))],
        &["a"],
        &[
            "b.yml:4:5: error: the id 6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e is already taken by a.yml:1 (hint: give one of them another `id:`)",
        ],
    );
}

#[test]
fn a_correlation_of_rules_that_are_not_there_is_refused_with_each_of_them() {
    check(
        &[("c.yml", correlation("c", "login_fialed, other")), ("login_failed.yml", rule(""))],
        &["login_failed"],
        &[
            "c.yml:6:11: error: there is no rule `login_fialed` (hint: did you mean `login_failed`?)",
            "c.yml:6:25: error: there is no rule `other`",
        ],
    );
}

#[test]
fn a_correlation_of_a_rule_that_did_not_load_says_so() {
    let broken = rule("").replace("condition: s", "condition: nothing_such");
    check(
        &[("a.yml", broken), ("c.yml", correlation("c", "a"))],
        &[],
        &[
            "a.yml:4:35: error: the condition names `nothing_such`, which is no selection",
            "c.yml:6:11: error: the rule `a` was not loaded (hint: its own problems come first)",
        ],
    );
}

#[test]
fn correlations_may_build_on_correlations() {
    let files = [("d.yml", correlation("d", "a, c")), ("a.yml", rule("")), ("c.yml", correlation("c", "a"))];
    check(&files, &["d", "a", "c"], &[]);
}

#[test]
fn correlations_that_go_round_in_circles_are_refused_with_the_way_round() {
    let files = [
        ("a.yml", rule("")),
        ("x.yml", correlation("x", "x")),
        ("c.yml", correlation("c", "a, d")),
        ("d.yml", correlation("d", "e")),
        ("e.yml", correlation("e", "a, c")),
        ("f.yml", correlation("f", "a, e")),
    ];
    check(
        &files,
        &["a"],
        &[
            "x.yml:6:11: error: `x` builds on itself: x → x",
            "c.yml:6:14: error: `c` builds on itself: c → d → e → c",
            "d.yml:6:11: error: `d` builds on itself: d → e → c → d",
            "e.yml:6:14: error: `e` builds on itself: e → c → d → e",
            "f.yml:6:14: error: the rule `e` was not loaded (hint: its own problems come first)",
        ],
    );
}

#[test]
fn levels_of_correlations_are_bounded() {
    let below = |at: usize| if at == 0 { "a".to_owned() } else { format!("c{}", at - 1) };
    let mut files = vec![("a.yml".to_owned(), rule(""))];
    files.extend((0..10).map(|at| (format!("c{at}.yml"), correlation(&format!("c{at}"), &below(at)))));
    let loaded = parse_all(files, &Lists::default());
    assert_eq!(loaded.documents.len(), 1 + 8);
    let errors: Vec<_> = loaded.problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "c8.yml:6:11: error: more than 8 levels of correlations of correlations",
            "c9.yml:6:11: error: the rule `c8` was not loaded (hint: its own problems come first)",
        ]
    );
}

#[test]
fn what_only_fed_a_correlation_that_did_not_load_stays_quiet() {
    let broken = correlation("broken", "a, c, x").replace("timespan: 1h", "timespan: soon");
    let of_nobody = correlation("of_nobody", "b, nobody");
    let generating = correlation("generating", "d, nobody").replace("timespan", "generate: true\n  timespan");
    let files = [
        ("a.yml", rule("")),
        ("b.yml", rule("")),
        ("d.yml", rule("")),
        ("c.yml", correlation("c", "a, b")),
        ("1.yml", broken),
        ("2.yml", of_nobody),
        ("3.yml", generating),
    ];
    let loaded = load(&files);
    let muted = loaded.documents.iter().map(|it| match it {
        Document::Rule(rule) => (rule.info.name.as_str(), rule.is_muted),
        Document::Correlation(correlation) => (correlation.info.name.as_str(), correlation.is_muted),
        Document::Filter(filter) => (filter.name.as_str(), false),
    });
    assert_eq!(muted.collect::<Vec<_>>(), [("a", true), ("b", true), ("d", false), ("c", true)]);
    let set = crate::compile::RuleSet::new(loaded.documents);
    assert_eq!(set.alerts_itself, [false, false, true]);
    assert_eq!(set.correlation_alerts_itself, [false]);
}

#[test]
fn a_rule_named_twice_in_two_ways_is_noticed() {
    let id = "6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e";
    check(
        &[("a.yml", rule(&format!("id: {id}\n"))), ("c.yml", correlation("c", &format!("a, {id}")))],
        &["a"],
        &[&format!("c.yml:6:14: error: the rule `{id}` is listed twice, once by name and once by id")],
    );
}
