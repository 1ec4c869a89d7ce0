//! The shape of the repository: who may depend on whom, what is documented, what stands beside what.

use crate::support::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Invariant 1: who may know whom. A new edge is a change of the architecture: say why in the commit.
const EDGES: [(&str, &[&str]); 9] = [
    ("model", &[]),
    ("sigma", &["model"]),
    ("baseline", &["model"]),
    ("engine", &["baseline", "model", "sigma"]),
    ("stream", &["model"]),
    ("sim", &["model"]),
    ("app", &["engine", "model", "sigma", "sim", "stream"]),
    ("tests", &["baseline", "engine", "model", "sigma", "sim", "stream"]),
    ("benches", &["baseline", "engine", "model", "sigma", "sim"]),
];

/// What the core may not depend on: anything that does I/O, tells the time or runs tasks.
const CORE: [&str; 4] = ["model", "sigma", "baseline", "engine"];
const IMPURE: [&str; 9] = ["tokio", "rdkafka", "rand", "reqwest", "axum", "anyhow", "tracing", "crossbeam-channel", "rayon"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
    let normal = |package: &serde_json::Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().unwrap().iter();
        let is_test_package =
            package["targets"].as_array().unwrap().iter().all(|it| it["kind"][0] == "test" || it["kind"][0] == "bench");
        all.filter(|it| is_test_package || it["kind"].is_null()).map(|it| text(&it["name"])).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|it| (text(&it["name"]), normal(it))).collect()
}

#[test]
fn crates_know_only_whom_the_table_allows() {
    let all = dependencies();
    for (name, dependencies) in &all {
        let allowed = EDGES.iter().find(|(it, _)| it == name).map_or(&[][..], |(_, allowed)| *allowed);
        let internal: Vec<&str> = dependencies.iter().map(String::as_str).filter(|it| all.contains_key(*it)).collect();
        let forbidden: Vec<&&str> = internal.iter().filter(|it| !allowed.contains(it)).collect();
        assert!(forbidden.is_empty(), "`{name}` may not depend on {forbidden:?}");
    }
}

#[test]
fn the_core_is_pure() {
    let all = dependencies();
    for name in CORE {
        let impure: Vec<&String> = all[name].iter().filter(|it| IMPURE.contains(&it.as_str())).collect();
        assert!(impure.is_empty(), "`{name}` depends on {impure:?}");
        let lib = std::fs::read_to_string(root().join(format!("crates/{name}/src/lib.rs"))).unwrap();
        assert!(lib.contains("#![deny(clippy::disallowed_methods)]"), "`{name}` does not deny I/O, clocks and threads");
    }
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let rules = root().join("rules");
    let stems = |extension: &str| -> BTreeSet<_> { files(&rules, extension).into_iter().map(|it| it.with_extension("")).collect() };
    let (mut with_rule, mut with_page) = (stems("yml"), stems("md"));
    with_rule.remove(&rules.join("taxonomy"));
    with_page.remove(&rules.join("README"));
    assert_eq!(with_rule, with_page);
    assert!(with_rule.len() >= 20 + 9);
}

#[test]
fn every_crate_stands_in_the_architecture() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for name in dependencies().keys() {
        assert!(text.contains(&format!("`{name}`")), "ARCHITECTURE.md does not mention the crate `{name}`");
    }
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let sources: Vec<String> = ["crates", "tests"]
        .iter()
        .flat_map(|it| files(&root().join(it), "rs"))
        .map(|it| std::fs::read_to_string(it).unwrap())
        .collect();
    let section = text.split("## Invariants").nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    let mut named = 0;
    for row in section.lines().filter(|it| it.starts_with("| ") && it[2..].starts_with(|it: char| it.is_ascii_digit())) {
        let tests: Vec<&str> =
            row.split('`').skip(1).step_by(2).filter(|it| it.contains('_') && !it.contains(['/', '.', ':'])).collect();
        assert!(!tests.is_empty(), "no test is named in: {row}");
        for test in tests {
            assert!(sources.iter().any(|it| it.contains(&format!("fn {test}("))), "there is no test `{test}`, named in: {row}");
            named += 1;
        }
    }
    assert!(named >= 10, "only {named} tests are named");
}

#[test]
fn every_action_that_a_rule_or_the_simulator_knows_stands_in_the_taxonomy() {
    let taxonomy = std::fs::read_to_string(root().join("rules/taxonomy.yml")).unwrap();
    let rules = files(&root().join("rules/internal"), "yml").into_iter().map(|it| std::fs::read_to_string(it).unwrap());
    let simulated = String::from_utf8(sim::sample_lines(1, 500, 20_000)).unwrap();
    let written = regex::Regex::new(
        r"(?m)^\s*(?:action:|-)\s+((?:account|password|dm|archive|role|prod|data|customer|audit_log|log_sink)\.[a-z_]+)\s*$",
    );
    let written = written.unwrap();
    let mut actions: BTreeSet<String> =
        rules.flat_map(|text| written.captures_iter(&text).map(|it| it[1].to_owned()).collect::<Vec<_>>()).collect();
    actions.extend(regex::Regex::new(r#""action":"([^"]+)""#).unwrap().captures_iter(&simulated).map(|it| it[1].to_owned()));
    assert!(actions.len() >= 20, "{actions:?}");
    let words: Vec<&str> = taxonomy.split(|it: char| it.is_whitespace() || "[],'\"".contains(it)).collect();
    for action in actions {
        let globs = (0..action.len()).map(|end| format!("{}*", &action[..end]));
        let is_named = std::iter::once(action.clone()).chain(globs).any(|it| words.contains(&it.as_str()));
        assert!(is_named, "`{action}` has no family in rules/taxonomy.yml");
    }
}
