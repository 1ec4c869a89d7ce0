//! Nothing that a file may hold makes the parser panic, and no document loads with an error.

use super::{lists, load};
use crate::page;
use crate::parse::parse_all;
use proptest::prelude::*;

const RULE: &str = r#"title: T
id: 6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e
level: low
tags: [attack.t1098]
logsource: {product: p, service: s}
detection:
  selection:
    f|contains|all: [' -a', 'b*c', "\t\\?"]
    g|re|i: '^a.*b$'
    h|windash|endswith: ' -x /y'
    i|base64offset|contains: 'http://'
    j|cidr: [10.0.0.0/8, 'fe80::/10']
    k|expand: 'a%vips%b'
    time|hour|gte: 22
    l: [1, 1.5, true, null, '']
  filter_a: [word, {m|fieldref: n}]
  filter_b: {o|exists: false}
  condition: selection and not (1 of filter_* or filter_b)
---
title: C
level: high
correlation:
  type: value_count
  rules: [6f7c1e1a-4f0e-4c1e-9d3e-0f6a1b2c3d4e]
  group-by: [u]
  timespan: 10m
  condition: {gte: 10, field: target.id}
"#;

/// Pieces that mean something somewhere.
const PIECES: [&str; 40] = [
    "|",
    "*",
    "?",
    "\\",
    "%",
    "%vips%",
    "'",
    "\"",
    ":",
    ": ",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "&a ",
    "*a",
    "!!str ",
    "---\n",
    "...\n",
    "<<: ",
    "null",
    "true",
    "0x",
    "1e999",
    "1 of ",
    "them",
    "not ",
    "|re",
    "|base64",
    "-",
    "\u{2013}",
    "\0",
    "\t",
    "é\u{10ffff}",
    "99999999999999999999",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let loaded = load(text);
    prop_assert!(loaded.documents.len() + loaded.problems.len() > 0 || text.trim().is_empty() || !text.contains("title"));
    let joined = parse_all([("a.yml".to_owned(), text.to_owned()), ("b.yml".to_owned(), text.to_owned())], &lists());
    prop_assert!(joined.documents.len() <= 2 * loaded.documents.len(), "nothing comes from nowhere");
    let lines = text.split('\n').count();
    for problem in loaded.problems {
        prop_assert!((1..=lines + 1).contains(&problem.line), "{problem} in {lines} lines");
    }
    Ok(())
}

/// `text` with each edit's bytes replaced, on character boundaries.
fn edited(text: &str, edits: &[(prop::sample::Index, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for (at, length, piece) in edits {
        let floor = |mut it: usize| {
            while !text.is_char_boundary(it) {
                it -= 1;
            }
            it
        };
        let start = floor(at.index(text.len() + 1));
        let end = floor((start + length).min(text.len())).max(start);
        text.replace_range(start..end, PIECES[*piece]);
    }
    text
}

#[test]
fn the_unchanged_rule_loads() {
    let loaded = load(RULE);
    assert_eq!(loaded.documents.len(), 2, "{:?}", loaded.problems);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn random_characters_never_panic(text in "\\PC{0,200}") {
        load(&text);
        let _ = page::parse("p.md", &text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        load(&text);
        let _ = page::parse("p.md", &text);
    }

    #[test]
    fn random_pieces_never_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let value: String = pieces.iter().map(|it| PIECES[*it]).collect();
        load(&value);
        load(&super::rule_with(&format!("  s: {{f: {value}}}\n  condition: s\n")));
        load(&super::rule_with(&format!("  s: {{f{value}: 1}}\n  condition: {value}\n")));
    }

    #[test]
    fn changed_rules_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, 0..PIECES.len()), 1..6)) {
        check(&edited(RULE, &edits))?;
    }
}
