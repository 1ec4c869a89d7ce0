//! The rules of `SigmaHQ`: thousands that people use every day, so that most of what is said about them would be wrong.

use crate::lint::{Checked, Input, check};
use crate::problem::Code;
use crate::sigmahq;
use model::SourceMapping;
use std::collections::BTreeMap;

fn check_corpus() -> Option<Checked> {
    let files = sigmahq::rules()?;
    let mappings: Vec<SourceMapping> =
        SourceMapping::built_in_names().filter(|it| *it != "raw").map(|it| SourceMapping::built_in(it).unwrap()).collect();
    let lists = sigmahq::lists(&files);
    let input = Input { files: &files, pages: None, lists: &lists, list_files: &[], mappings: &mappings, now: None };
    Some(check(&input))
}

/// How often each lint may speak up, at most: what it said when every hit was looked at and found right.
const KNOWN: [(Code, usize); 19] = [
    (Code::MissingTags, 2),
    (Code::MissingFalsePositives, 28),
    (Code::ReferenceNotUrl, 135),
    (Code::RelatedToItself, 3),
    (Code::MadeUpId, 2),
    (Code::TitleRepeated, 2),
    (Code::RedundantWildcard, 14),
    (Code::EmptyText, 1),
    (Code::SubsumedValue, 1_536),
    (Code::SubsumedNetwork, 2),
    (Code::ShortKeyword, 7),
    (Code::PaddedValue, 7),
    // `(?:.*\))+`, thrice, and a run of 100 that must end the text.
    (Code::QuadraticRegex, 4),
    (Code::LiteralRegex, 7),
    (Code::OnlyNegative, 4),
    (Code::DuplicateSelection, 3),
    (Code::SubsumedSelection, 14),
    (Code::MixedOperators, 3),
    (Code::SubsumedRule, 162),
];

#[test]
fn the_rules_of_sigmahq_get_what_was_found_right_and_no_more() {
    let Some(checked) = check_corpus() else { return };
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    checked.problems.iter().for_each(|it| *counts.entry(it.code).or_default() += 1);
    eprintln!("{counts:?}");
    assert_eq!(counts, BTreeMap::from(KNOWN));
}
