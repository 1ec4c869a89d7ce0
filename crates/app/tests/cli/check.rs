//! `rules check`: formats, codes that are allowed or denied, mending.

use super::place::{NOW, Place, Ran};
use serde_json::Value as Json;
use std::fs;

/// A rule with one thing that can be mended, NJ1204.
const RULE: &str = "\
title: Customer records exported
id: 6f1f2d4e-8a3b-4c5d-9e7f-0a1b2c3d4e5f
status: test
description: Somebody exports the records of customers.
author: Nightjar project
date: 2026-03-02
tags:
  - attack.collection
logsource:
  product: nightjar
  service: audit
detection:
  selection:
    action|contains: '*export*'
  condition: selection
falsepositives:
  - The monthly report
level: medium
";

/// A folder `rules` with nothing but `text` in `example.yml`.
fn place(name: &str, text: &str) -> Place {
    let place = Place::new(name);
    fs::remove_file(place.0.join("rules/rules.yml")).unwrap();
    place.write("rules/example.yml", text.as_bytes());
    place
}

fn check(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["rules", "check", "rules", "--now", NOW], arguments].concat())
}

/// The codes that are told, in their order.
#[track_caller]
fn codes(place: &Place, arguments: &[&str]) -> Vec<String> {
    let report: Json = serde_json::from_str(&check(place, &[&["--format", "json"], arguments].concat()).out).unwrap();
    report["problems"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rules_check_fails_on_a_rule_that_does_not_load() {
    let place = Place::new("check");
    place.run(&["rules", "check", "rules"]).ended(0).told("2 rules and 1 correlations load; 0 errors");
    place.write("rules/bad.yml", b"title: Bad\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    action: x\n  condition: t\n");
    let ran = place.run(&["rules", "check", "rules"]);
    assert!(ran.ended(1).out.contains("rules/bad.yml:7:"), "{}", ran.out);
    let report: Json = serde_json::from_str(&place.run(&["rules", "check", "rules", "--format", "json"]).ended(1).out).unwrap();
    let error = report["problems"].as_array().unwrap().iter().find(|it| it["severity"] == "error").unwrap();
    assert_eq!((&report["errors"], &error["line"]), (&1.into(), &7.into()), "{report}");
}

#[test]
fn codes_are_allowed_and_denied_by_number_and_by_name() {
    let place = place("check-codes", RULE);
    assert_eq!(codes(&place, &[]), ["NJ1601", "NJ1204"]);
    assert_eq!(codes(&place, &["--allow", "redundant-wildcard,NJ1601"]), [""; 0]);
    check(&place, &["--deny-warnings"]).ended(0);
    check(&place, &["--deny", "redundant-wildcard"]).ended(1).told("1 errors, 0 warnings, 1 notes");
    check(&place, &["--deny", "NJ1204", "--allow", "NJ1204"]).ended(2).told("NJ1204 is both allowed and denied");
    check(&place, &["--allow", "NJ0001"]).ended(2).told("NJ0001 can't be allowed");
    check(&place, &["--allow", "redundant-wildcart"]).ended(2).told("did you mean `redundant-wildcard`?");
    check(&place, &["--explain", "unused-selektion"]).ended(2).told("did you mean `unused-selection`?");
}

#[test]
fn a_comment_allows_what_stands_on_its_line_or_below_it() {
    for (from, to) in [
        ("    action", "    # nightjar: allow NJ1204 the tool writes it so\n    action"),
        ("'*export*'", "'*export*' # nightjar: allow NJ1204 the tool writes it so"),
        ("'*export*'", "'*export*' # nightjar: allow redundant-wildcard the tool writes it so"),
        ("'*export*'", "\n      # nightjar: allow NJ1204, NJ1209 the tool writes it so\n      - '*export*'\n      - exports"),
    ] {
        let place = place("check-allow", &RULE.replacen(from, to, 1));
        let told = codes(&place, &[]);
        assert!(!told.contains(&"NJ1204".to_owned()), "{to}: {told:?}");
        check(&place, &[]).ended(0).told("allowed by comments");
    }
    let place = place("check-allow", &RULE.replacen("    action", "    # nightjar: allow a\u{20ac}bc\n    action", 1));
    assert!(codes(&place, &[]).contains(&"NJ1701".to_owned()));
}

#[test]
fn fix_mends_what_is_safe_and_nothing_the_second_time() {
    let place = place("check-fix", RULE);
    let dry = check(&place, &["--fix", "--dry-run"]);
    dry.ended(1).told("rules/example.yml:14: NJ1204: remove the `*`").told("1 problems would be mended in 1 files");
    assert!(dry.out.contains("-    action|contains: '*export*'\n+    action|contains: 'export'\n"), "{}", dry.out);
    assert_eq!(place.read("rules/example.yml"), RULE);
    check(&place, &["--fix"]).ended(0).told("1 problems mended in 1 files");
    let mended = RULE.replace("'*export*'", "'export'");
    assert_eq!(place.read("rules/example.yml"), mended);
    check(&place, &["--fix"]).ended(0).told("0 problems mended in 0 files");
    check(&place, &["--fix", "--dry-run"]).ended(0);
    check(&place, &["--fix", "--dry-run", "--deny", "missing-page"]).ended(1).told("1 errors");
    assert_eq!(place.read("rules/example.yml"), mended);
    assert_eq!(fs::read_dir(place.0.join("rules")).unwrap().count(), 1, "nothing is left beside the rule");
}

#[test]
fn fix_and_check_are_limited_to_codes() {
    let text = RULE.replace("date: 2026-03-02", "date: 2026/03/02").replace("status: test", "status: test  ");
    let place = place("check-select", &text);
    assert_eq!(codes(&place, &["--select", "NJ1003,redundant-wildcard"]), ["NJ1003", "NJ1204"]);
    check(&place, &["--select", "NJ1003", "--fix"]).ended(0).told("1 problems mended in 1 files").told("0 notes");
    assert_eq!(place.read("rules/example.yml"), text.replace("test  ", "test"));
    check(&place, &["--select", "NJ0000"]).ended(2).told("no code is called `NJ0000`");
    place.write("rules/bad.yml", RULE.replace("condition: selection", "condition: x").as_bytes());
    assert!(codes(&place, &["--select", "NJ1003"]).contains(&"NJ0207".to_owned()));
}

#[test]
fn fix_leaves_no_warning_where_there_was_none() {
    let place = place("check-all", &RULE.replace("action|contains: '*export*'", "action|contains|all: [export]"));
    place.write(
        "rules/two.yml",
        RULE.replace("4e5f", "4e60")
            .replace("records exported", "records taken")
            .replace("action|contains: '*export*'", "action|contains|all:\n      - take\n      - take_all")
            .as_bytes(),
    );
    check(&place, &["--fix", "--deny-warnings"]).ended(0).told("3 problems mended in 2 files");
    assert!(place.read("rules/two.yml").contains("action|contains:\n      - take_all\n"));
}

#[test]
fn a_part_of_a_pack_finds_the_lists_of_the_pack() {
    let place = place("check-part", RULE);
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    fs::create_dir_all(place.0.join("rules/a/b")).unwrap();
    place.write("rules/context/vips.txt", b"usa\n");
    let rule = RULE.replace("action|contains: '*export*'", "target.id|expand: '%vips%'").replace("4e5f", "4e60");
    place.write("rules/a/b/vips.yml", rule.replace("records exported", "records of somebody").as_bytes());
    for part in ["rules", "rules/a", "rules/a/b", "rules/a/b/vips.yml", "./rules/a/../a"] {
        place.run(&["rules", "check", part, "--now", NOW]).ended(0).told(" 0 errors, 0 warnings");
    }
    place
        .run(&["rules", "check", "rules", "rules/a", "rules/a/b/vips.yml"])
        .ended(0)
        .told("2 rules and 0 correlations load; 0 errors");
    place.write("rules/a/b/vips.yml", rule.replace("|expand", "").as_bytes());
    assert!(codes(&place, &[]).contains(&"NJ1219".to_owned()));
}

#[test]
fn a_page_brings_its_rule_along() {
    let place = place("check-page", RULE);
    place.write("rules/example.md", b"# Customer records exported\n\nAsk.\n");
    let ran = place.run(&["rules", "check", "rules/example.md", "--format", "short"]);
    ran.ended(0).told("1 rules");
    assert!(!ran.out.contains("NJ1602"), "{}", ran.out);
}

#[test]
fn a_code_is_explained_to_people_and_to_machines() {
    let place = place("check-explain", RULE);
    check(&place, &["--explain", "duplicate-id"]).ended(0);
    let about: Json = serde_json::from_str(&check(&place, &["--explain", "NJ0502", "--format", "json"]).ended(0).out).unwrap();
    assert_eq!((about["name"].as_str(), about["severity"].as_str()), (Some("duplicate-id"), Some("error")));
    assert!(about["wrong"].as_str().is_some_and(|it| it.matches("id: 6f1f").count() == 2), "{about}");
    check(&place, &["--explain", "NJ0502", "--format", "sarif"]).ended(2);
    let short = check(&place, &["--format", "short"]);
    assert!(short.ended(0).out.contains(": note[NJ1204]"), "{}", short.out);
}

#[test]
fn a_difference_is_json_for_machines_and_nothing_else() {
    let place = place("check-diff", RULE);
    let report: Json = serde_json::from_str(&check(&place, &["--fix", "--dry-run", "--format", "json"]).ended(1).out).unwrap();
    assert_eq!(report["files"][0]["file"], "rules/example.yml");
    assert!(report["files"][0]["diff"].as_str().unwrap().starts_with("--- a/rules/example.yml\n"));
    check(&place, &["--fix", "--dry-run", "--format", "sarif"]).ended(2).told("--dry-run writes a difference");
}

#[test]
fn a_reader_that_goes_early_does_not_make_a_failure_a_success() {
    let place = place("check-pipe", &RULE.replace("condition: selection", &format!("condition: {}", "x".repeat(200_000))));
    let mut child = place.spawn(&["rules", "check", "rules", "--now", NOW, "--format", "short"]);
    drop(child.stdout.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
}

#[test]
fn fix_leaves_the_ends_of_lines_as_they_are() {
    let text = RULE.trim_end().replace('\n', "\r\n");
    let place = place("check-crlf", &text);
    check(&place, &["--fix"]).ended(0);
    assert_eq!(place.read("rules/example.yml"), RULE.replace("'*export*'", "'export'").replace('\n', "\r\n"));
}

#[test]
fn a_byte_order_mark_moves_no_fix() {
    // The misspelled key stands on the line of the mark.
    let text = format!("\u{feff}{}", RULE.replace("title: Customer", "titlee: Customer").replace("'*export*'", "export"));
    let place = place("check-bom", &text);
    check(&place, &["--fix", "--allow", "NJ1001"]);
    assert_eq!(place.read("rules/example.yml"), text.replace("titlee", "title"));
}

#[test]
fn fix_mends_every_document_of_a_file() {
    let second = RULE.replace("4e5f", "4e60").replace("records exported", "records taken").replace("export*", "take*");
    let place = place("check-several", &format!("{RULE}---\n{second}"));
    check(&place, &["--fix"]).ended(0).told("2 problems mended in 1 files");
    let mended = place.read("rules/example.yml");
    assert!(mended.contains("'export'") && mended.contains("'take'"), "{mended}");
}

#[test]
fn a_problem_at_the_end_of_a_file_stands_on_its_last_line() {
    for text in ["title: X\ndetection: {a: [b\n", "title: X\ndetection: {a: [b", "title: X\ndetection: {a: [b\n\n\n"] {
        let shown = check(&place("check-end", text), &["--format", "short"]);
        assert!(shown.ended(1).out.contains("rules/example.yml:2:18: error[NJ0001]"), "{}", shown.out);
    }
}

#[cfg(unix)]
#[test]
fn fix_follows_a_link_and_leaves_a_read_only_file_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = place("check-link", RULE);
    fs::rename(place.0.join("rules/example.yml"), place.0.join("real.yml")).unwrap();
    symlink("../real.yml", place.0.join("rules/example.yml")).unwrap();
    place.write("rules/fixed.yml", RULE.replace("4e5f", "4e60").as_bytes());
    fs::set_permissions(place.0.join("rules/fixed.yml"), fs::Permissions::from_mode(0o444)).unwrap();
    check(&place, &["--fix"]).ended(3).told("cannot write rules/fixed.yml").told("1 problems mended in 1 files");
    assert!(fs::symlink_metadata(place.0.join("rules/example.yml")).unwrap().is_symlink());
    assert!(place.read("real.yml").contains("'export'"));
    assert!(place.read("rules/fixed.yml").contains("'*export*'"));
}

/// What GitHub asks of SARIF 2.1.0 for code scanning, at the level of the binary.
#[test]
fn sarif_is_what_code_scanning_takes() {
    let place = place("check-sarif", &RULE.replace("title: ", "title: \u{e9}"));
    let ran = check(&place, &["--format", "sarif"]);
    let log: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    assert_eq!((log["version"].as_str(), log["runs"].as_array().map(Vec::len)), (Some("2.1.0"), Some(1)));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(run["tool"]["driver"]["name"], "nightjar");
    for rule in rules {
        assert!(rule["help"]["text"].as_str().is_some_and(|it| !it.is_empty()), "{rule}");
        assert!(rule["shortDescription"]["text"].as_str().is_some_and(|it| it.len() <= 1024), "{rule}");
        assert!(rule["fullDescription"]["text"].as_str().is_some_and(|it| it.len() <= 1024), "{rule}");
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["level"], "note");
        let physical = &result["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "rules/example.yml");
        let region = &physical["region"];
        assert!(
            ["startLine", "startColumn", "endColumn"].iter().all(|it| region[it].as_u64().is_some_and(|it| it > 0)),
            "{region}"
        );
    }
    let edit = &results[1]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(
        (edit["deletedRegion"]["startLine"].as_u64(), edit["insertedContent"]["text"].as_str()),
        (Some(14), Some("'export'"))
    );
}

#[test]
fn ci_reads_junit_and_the_commands_of_github() {
    let place = place("check-ci", RULE);
    let junit = check(&place, &["--format", "junit", "--deny", "NJ1204"]);
    for part in [
        "<testsuites name=\"nightjar rules check\" tests=\"2\" failures=\"0\" errors=\"1\">",
        "<testcase name=\"NJ1204 redundant-wildcard line 14\" classname=\"rules/example.yml\" file=\"rules/example.yml\" line=\"14\">",
        "<error type=\"NJ1204\"",
    ] {
        assert!(junit.ended(1).out.contains(part), "{part} is not in {}", junit.out);
    }
    let github = check(&place, &["--format", "github"]);
    let expected = "::notice file=rules/example.yml,line=14,col=22,endColumn=32,title=NJ1204 redundant-wildcard::";
    assert!(github.ended(0).out.lines().any(|it| it.starts_with(expected)), "{}", github.out);
    assert_eq!(github.out.lines().count(), 2);
}

#[test]
fn exceptions_are_checked_with_the_rules() {
    let place = place("check-exceptions", RULE);
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    let exceptions = "\
- id: gone
  rule: example
  until: 2026-01-02T00:00:00Z
  reason: migration
  author: soc
- id: elsewhere
  rule: exampel
  until: 2026-12-01T00:00:00Z
  reason: migration
  author: soc
";
    place.write("rules/context/exceptions.yml", exceptions.as_bytes());
    let ran = check(&place, &["--format", "short"]);
    for part in ["rules/context/exceptions.yml:1:", "warning[NJ0554]", "warning[NJ0555]", "did you mean `example`?"] {
        assert!(ran.ended(0).out.contains(part), "{part} is not in {}", ran.out);
    }
    check(&place, &["--deny-warnings"]).ended(1);
    check(&place, &["--deny-warnings", "--allow", "NJ0554,NJ0555"]).ended(0);
    place.write("more.yml", b"- id: x\n  reason: none\n");
    check(&place, &["--exceptions", "more.yml"]).ended(1);
    check(&place, &["--exceptions", "none.yml"]).ended(2).told("no such file of exceptions");
}

#[test]
fn what_is_no_rule_is_told_and_not_a_crash() {
    let place = place("check-odd", "");
    check(&place, &[]).ended(2).told("no rules in rules");
    place.write("rules/example.yml", b"\x7fELF\xff\xfe");
    assert_eq!(codes(&place, &[]), ["NJ0006"]);
    place.write("rules/example.yml", RULE.replace("  selection:", "\tselection:").as_bytes());
    assert_eq!(codes(&place, &[]), ["NJ1004", "NJ0001"]);
    place.write("rules/example.yml", "a".repeat(5_000_000).as_bytes());
    check(&place, &[]).ended(1);
    place.run(&["rules", "lsp", "nowhere"]).ended(2).told("no such file or folder: nowhere");
    place.run(&["rules", "check", "nowhere"]).ended(2).told("no such file or folder: nowhere");
}
