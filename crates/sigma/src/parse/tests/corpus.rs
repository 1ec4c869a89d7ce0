//! The rules of `SigmaHQ` load, all of them.

use crate::lists::Lists;
use crate::parse::parse_all;
use crate::sigmahq;
use std::collections::BTreeSet;

#[test]
fn all_rules_of_sigmahq_load_without_a_problem() {
    let Some(rules) = sigmahq::rules() else { return };
    let (count, lists) = (rules.len(), sigmahq::lists(&rules));
    let loaded = parse_all(rules, &lists);
    eprintln!("{} of {count} rules load", loaded.documents.len());
    assert_eq!(loaded.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!((loaded.documents.len(), count), (3_780, 3_780));
}

#[test]
fn without_their_lists_only_the_rules_with_placeholders_are_refused() {
    let Some(rules) = sigmahq::rules() else { return };
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
