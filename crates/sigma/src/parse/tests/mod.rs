//! Whole files: what they become, what is wrong with them.

mod across;
mod bad;
mod corpus;
mod correlations;
mod detections;
mod filters;
mod fuzz;
mod infos;
mod show;

use super::{Loaded, parse_file};
use crate::ast::{Document, Rule};
use crate::lists::Lists;

/// The lists that tests may name.
fn lists() -> Lists {
    let mut lists = Lists::default();
    lists.insert_literal("vips", vec!["usa".to_owned(), "b*d".to_owned()]);
    lists.insert("servers", vec!["srv*".to_owned(), r"a\*b".to_owned()]);
    lists.insert("hosts", vec!["10.0.0.1".to_owned(), "10.1.0.0/16".to_owned()]);
    lists.insert("nobody", Vec::new());
    lists
}

fn load(text: &str) -> Loaded {
    parse_file("dir/some_rule.yml", text, &lists())
}

/// The only rule of `text`, which must load without a problem.
#[track_caller]
fn only_rule(text: &str) -> Rule {
    let loaded = load(text);
    assert_eq!(loaded.problems, [], "{text}");
    match loaded.documents.as_slice() {
        [Document::Rule(rule)] => rule.clone(),
        other => panic!("{other:?}"),
    }
}

/// A rule around a detection section, whose lines are indented by two.
fn rule_with(detection: &str) -> String {
    format!("title: T\nid: 6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e\nlevel: low\nlogsource: {{product: p}}\ndetection:\n{detection}")
}
