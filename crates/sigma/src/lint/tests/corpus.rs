//! The rules of `SigmaHQ`: thousands that people use every day, so that most of what is said about them would be wrong.

use crate::lint::{Checked, Input, check};
use crate::lists::Lists;
use crate::problem::Code;
use model::SourceMapping;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

/// The rules as (path, text); `None` where the corpus is absent.
fn corpus() -> Option<Vec<(String, String)>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/sigma/rules.tar.gz");
    #[expect(clippy::disallowed_methods, reason = "a test reads its corpus")]
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut rules = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if entry.path().unwrap().extension().is_some_and(|it| it == "yml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            rules.push((path, text));
        }
    }
    Some(rules)
}

fn check_corpus() -> Option<Checked> {
    let files = corpus()?;
    let mappings: Vec<SourceMapping> =
        SourceMapping::built_in_names().filter(|it| *it != "raw").map(|it| SourceMapping::built_in(it).unwrap()).collect();
    let mut lists = Lists::default();
    for (_, text) in files.iter().filter(|(_, text)| text.contains("|expand")) {
        text.split('%').skip(1).step_by(2).for_each(|name| lists.insert(name, vec!["entry".to_owned()]));
    }
    let input = Input { files: &files, pages: None, lists: &lists, list_files: &[], mappings: &mappings, now: None };
    Some(check(&input))
}

/// How often each lint may speak up, at most: what it said when every hit was looked at and found right.
const KNOWN: [(Code, usize); 18] = [
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
