//! The rules of `SigmaHQ` load, all of them.

use crate::lists::Lists;
use crate::parse::parse_all;
use std::collections::BTreeSet;
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
fn all_rules_of_sigmahq_load_without_a_problem() {
    let Some(rules) = corpus() else { return };
    let (count, lists) = (rules.len(), lists(&rules));
    let loaded = parse_all(rules, &lists);
    eprintln!("{} of {count} rules load", loaded.documents.len());
    assert_eq!(loaded.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!((loaded.documents.len(), count), (3_780, 3_780));
}

#[test]
fn without_their_lists_only_the_rules_with_placeholders_are_refused() {
    let Some(rules) = corpus() else { return };
    let with_placeholders: BTreeSet<String> =
        rules.iter().filter(|(_, text)| text.contains("|expand")).map(|it| it.0.clone()).collect();
    let count = rules.len();
    let loaded = parse_all(rules, &Lists::default());
    for problem in loaded.problems.iter().filter(|it| it.is_error()) {
        assert!(problem.message.starts_with("there is no list `"), "{problem}");
    }
    let refused: BTreeSet<String> = loaded.problems.iter().filter(|it| it.is_error()).map(|it| it.file.clone()).collect();
    eprintln!("{} of {count} rules load, {} need lists", loaded.documents.len(), refused.len());
    assert_eq!(refused, with_placeholders);
    assert_eq!(loaded.documents.len(), count - refused.len());
}
