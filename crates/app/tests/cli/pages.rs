//! `rules test`: pages, and how their results are told.

use super::place::{Place, RULES, event};
use std::fs;
use std::io::{BufRead, BufReader};

fn page(expected: &str) -> String {
    let (fires, quiet) = (event(1, "ana", "export", "t"), event(2, "ana", "look", "t"));
    format!(
        "# Export\n\n## Fires\n\n```events\n{fires}```\n\n```expect\n{expected}```\n\n\
         ## Stays quiet\n\n```events\n{quiet}```\n\n```expect\n```\n"
    )
}

#[test]
fn rules_test_fails_on_a_page_that_expects_something_else() {
    let place = Place::new("test");
    place.write("rules/rules.md", page("alert high ana export\n").as_bytes());
    place.run(&["rules", "test", "rules"]).ended(0).told("1 page, 2 cases, 0 failed");
    place.write("rules/rules.md", page("alert low ana export\n").as_bytes());
    let ran = place.run(&["rules", "test", "rules"]);
    assert!(ran.ended(1).out.contains("rules/rules.md:3: Fires"), "{}", ran.out);
    assert!(ran.out.contains("- alert low ana export   expected, but did not come"), "{}", ran.out);
    assert!(ran.out.contains("alert high ana export"), "{}", ran.out);
}

#[test]
fn rules_test_update_writes_what_came_into_the_page() {
    let place = Place::new("update");
    place.write("rules/rules.md", page("alert low ana export\n").as_bytes());
    place.run(&["rules", "test", "rules", "--update"]).ended(0).told("1 expectation rewritten");
    assert_eq!(place.read("rules/rules.md"), page("alert high ana export\n"));
}

#[test]
fn rules_test_fails_on_a_page_without_a_case_that_fires() {
    let place = Place::new("one-sided");
    let all = page("");
    place.write("rules/rules.md", &all.as_bytes()[all.find("## Stays").unwrap()..]);
    let ran = place.run(&["rules", "test", "rules"]);
    assert!(ran.ended(1).out.contains("no case in which its rule fires"), "{}", ran.out);
}

#[test]
fn results_of_pages_are_written_as_junit_too() {
    let place = Place::new("junit");
    place.write("rules/rules.md", page("alert high bo export\n").as_bytes());
    place.run(&["rules", "test", "rules", "--junit", "report.xml"]).ended(1);
    let report = place.read("report.xml");
    assert!(report.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{report}");
    assert!(report.contains("- alert high bo export") && report.contains("+ alert high ana export"), "{report}");
    place.run(&["rules", "test", "rules", "--junit", "nowhere/report.xml"]).ended(3).told("nowhere/report.xml");
}

#[test]
fn pages_are_found_by_the_rules_beside_them() {
    let place = Place::new("test-some");
    place.write("rules/rules.md", page("alert high ana export\n").as_bytes());
    for arguments in [["--rule", "export"], ["--rule", "0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b03"], ["--only", "several people"]] {
        place.run(&[&["rules", "test", "rules"], &arguments[..]].concat()).ended(0).told("1 page, 2 cases");
    }
    place.run(&["rules", "test", "rules", "--rule", "exports"]).ended(2).told("did you mean `export`?");
    place.run(&["rules", "test", "rules", "--only", "nothing like it"]).ended(2).told("`nothing like it`");
}

#[test]
fn watched_pages_run_again_when_a_page_a_rule_or_a_list_changes() {
    let place = Place::new("watch");
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    place.write("rules/context/who.txt", b"zoe\n");
    place.write("rules/rules.md", page("alert high ana export\n").as_bytes());
    let mut child = place.spawn(&["rules", "test", "rules", "--watch"]);
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut sum = || {
        let sum = told.by_ref().map(|it| it.unwrap()).find(|it| it.contains(" failed") || it.starts_with("error")).unwrap();
        assert!(told.next().unwrap().unwrap().starts_with("waiting for changes in rules"));
        sum
    };
    assert_eq!(sum(), "1 page, 2 cases, 0 failed");
    place.write("rules/rules.md", page("alert low ana export\n").as_bytes());
    assert_eq!(sum(), "1 page, 2 cases, 1 failed");
    place.write("rules/rules.yml", RULES.replace("level: high", "level: low").as_bytes());
    assert_eq!(sum(), "1 page, 2 cases, 0 failed");
    place.write("rules/context/who.txt", b"ana\nzoe\n");
    assert_eq!(sum(), "1 page, 2 cases, 0 failed");
    fs::remove_file(place.0.join("rules/rules.md")).unwrap();
    assert!(sum().starts_with("error: no pages of rules"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_test_of_no_page_is_an_error_of_usage() {
    let place = Place::new("no-pages");
    place.run(&["rules", "test", "rules"]).ended(2).told("no pages");
    place.write("rules/rules.md", page("").as_bytes());
    place.run(&["rules", "test", "rules", "--only", "elsewhere"]).ended(2).told("`elsewhere`");
}
