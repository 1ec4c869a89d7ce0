//! The rules of SigmaHQ: all that are there load, but for a short list.

use crate::lists::Lists;
use crate::parse::parse_all;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

/// Every reason for which a rule of the corpus may be refused, as the beginning of the message, and how many rules it concerns.
const REFUSALS: [(&str, usize); 0] = [];

/// Every warning that the corpus may cause, as above.
const WARNINGS: [(&str, usize); 0] = [];

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
        if path.ends_with(".yml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            rules.push((path, text));
        }
    }
    Some(rules)
}

/// The lists that the corpus's placeholders name, each with an entry.
fn lists(rules: &[(String, String)]) -> Lists {
    let mut lists = Lists::default();
    for (_, text) in rules.iter().filter(|(_, text)| text.contains("|expand")) {
        for name in text.split('%').skip(1).step_by(2) {
            lists.insert(name, vec!["entry".to_owned()]);
        }
    }
    lists
}

#[test]
fn the_rules_of_sigmahq_load() {
    let Some(rules) = corpus() else { return };
    let count = rules.len();
    let lists = lists(&rules);
    let loaded = parse_all(rules, &lists);
    let mut unexpected = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for problem in &loaded.problems {
        let known: &[(&str, usize)] = if problem.is_error() { &REFUSALS } else { &WARNINGS };
        match known.iter().find(|(reason, _)| problem.message.starts_with(reason)) {
            Some((reason, _)) => *seen.entry(reason).or_default() += 1,
            None => unexpected.push(problem.to_string()),
        }
    }
    println!("{} of {count} rules load; problems: {seen:?}", loaded.documents.len());
    assert_eq!(unexpected, Vec::<String>::new());
    assert_eq!(seen.into_iter().collect::<Vec<_>>().len(), REFUSALS.len() + WARNINGS.len());
    assert_eq!(count, 3_780);
}
