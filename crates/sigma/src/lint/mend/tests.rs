mod random;

use super::*;
use crate::parse::yaml::Position;

type Change<'t> = ((usize, usize), (usize, usize), &'t str);

fn fix(edits: &[Change<'_>]) -> Fix {
    let edits = edits.iter().map(|(start, end, text)| Edit { start: *start, end: *end, text: (*text).to_owned() }).collect();
    Fix { title: "do".to_owned(), edits }
}

#[track_caller]
fn check(text: &str, fixes: &[Fix], expected: &str, refused: usize) {
    let applied = apply(text, fixes);
    assert_eq!((applied.text.as_str(), applied.refused.len()), (expected, refused));
}

#[test]
fn edits_count_characters_and_lines() {
    check("aä: b\nc\n", &[fix(&[((1, 2), (1, 3), "o")])], "ao: b\nc\n", 0);
    check("a\nb\nc\n", &[fix(&[((2, 1), (3, 1), "")])], "a\nc\n", 0);
    check("a", &[fix(&[((1, 2), (1, 2), "\n")])], "a\n", 0);
    check("a\r\n", &[fix(&[((1, 2), (1, 3), "")])], "a\n", 0);
}

#[test]
fn a_fix_that_overlaps_an_earlier_one_is_refused_whole() {
    let first = fix(&[((1, 1), (1, 3), "x")]);
    let second = fix(&[((1, 2), (1, 4), "y"), ((1, 5), (1, 6), "z")]);
    check("abcdef", &[first, second], "xcdef", 1);
}

#[test]
fn an_edit_outside_of_the_text_is_refused() {
    check("a\n", &[fix(&[((9, 1), (9, 2), "x")])], "a\n", 1);
    check("a\n", &[fix(&[((1, 9), (1, 9), "x")])], "a\n", 1);
}

#[test]
fn comments_are_what_yaml_says_they_are() {
    for (text, expected) in [
        ("# a\nk: v # b\n", &["# a", "# b"][..]),
        ("k: 'it''s # no' # yes\n", &["# yes"]),
        ("k: \"a \\\" # no\" # yes\n", &["# yes"]),
        ("k: \"a # no\n  b # no\" # yes\n", &["# yes"]),
        ("k: a#no\n", &[]),
        ("k: | # yes\n  # no\n  x # no\nb: 1 # and\n", &["# yes", "# and"]),
        ("k: v # a\r\nl: 'w' # b\r\n", &["# a", "# b"]),
        ("k: v # a\n---\nk: 'ä' # b\n", &["# a", "# b"]),
        ("k: [a, 'b'] # c\n", &["# c"]),
    ] {
        assert_eq!(comments::of(text), expected, "{text:?}");
    }
}

/// A rule of some lines under `selection`, with what stands before `detection`.
fn rule(head: &str, selection: &str) -> String {
    format!(
        "title: T\nlevel: low\n{head}logsource: {{product: nightjar}}\ndetection:\n  selection:\n{selection}  condition: selection\n"
    )
}

/// What is lost from one rule to the other.
fn lost(before: &str, after: &str) -> Option<String> {
    let lists = Lists::default();
    Before::new("r.yml", before, &lists).is_kept(after).err()
}

#[test]
fn what_only_the_eye_sees_may_change() {
    let before = rule("tags: [attack.T1098]\n", "    f: abc  \n");
    assert_eq!(lost(&before, &before.replace("  \n", "\n").replace("T1098", "t1098")), None);
    for (one, other) in [
        ("f|contains: '*a*'", "f|contains: a"),
        ("f|contains: [a, ab, a]", "f|contains: [a]"),
        ("f|contains|all: [a, ab]", "f|contains|all: [ab]"),
        ("f|contains|all: [ab]", "f|contains: [ab]"),
        ("f|cased: '12'", "f: '12'"),
        ("f|windash: ab", "f: ab"),
        ("f|base64offset: ab", "f|base64offset|contains: ab"),
        ("f|base64offset|contains|all: ab", "f|base64offset|contains: ab"),
        ("f|re: '.*ab.*'", "f|re: 'ab'"),
        ("f|re|i: '.*1+'", "f|re: '1+'"),
        ("f|cidr: [10.0.0.0/8, 10.1.0.0/16]", "f|cidr: [10.0.0.0/8]"),
    ] {
        let (one, other) = (rule("", &format!("    {one}\n")), rule("", &format!("    {other}\n")));
        assert_eq!(lost(&one, &other), None, "{one}");
    }
}

#[test]
fn nothing_that_a_rule_does_may_change() {
    for (one, other) in [
        ("f: \"a\\ \n      b\"", "f: \"a\\\n      b\""),
        ("f: abc", "f: abd"),
        ("f: '12'", "f: 12"),
        ("f|contains: [a, b]", "f|contains: [a]"),
        ("f|contains|all: [a, b]", "f|contains|all: [a]"),
        ("f|contains|all: [a, b]", "f|contains: [a, b]"),
        ("f|cased: Ab", "f: Ab"),
        ("f|cased: 'ǅ'", "f: 'ǅ'"),
        ("f|re: 'a.*b'", "f|re: 'ab'"),
        ("f|re|i: 'a'", "f|re: 'a'"),
        ("f|re: '.+a'", "f|re: 'a'"),
        ("f|re: '^.*a'", "f|re: '^a'"),
        ("f|re: a", "f: a"),
        ("f: a", "g: a"),
        ("f|neq: a", "f: a"),
        ("f: [a, null]", "f: [a]"),
    ] {
        let (one, other) = (rule("", &format!("    {one}\n")), rule("", &format!("    {other}\n")));
        assert!(lost(&one, &other).is_some(), "{one} is not {other}");
    }
    let block = "title: T\nlogsource: {product: nightjar}\ndetection:\n  condition: s\n  s:\n    f: |\n      x";
    assert!(lost(block, &format!("{block}\n")).is_some(), "the last line of a block has no end to keep");
    let before = rule("status: test\n", "    f: a # why\n");
    for (from, to) in [
        ("test", "stable"),
        ("low", "high"),
        (" # why", ""),
        ("why", "how"),
        ("nightjar", "aws"),
        ("title: T", "title: U"),
        ("f: a", "f: ["),
    ] {
        assert!(lost(&before, &before.replace(from, to)).is_some(), "{from} is not {to}");
    }
}

/// What the lints say about a file.
fn found(text: &str) -> Vec<Problem> {
    let input = Input {
        files: &[("rules/r.yml".to_owned(), text.to_owned())],
        pages: None,
        lists: &Lists::default(),
        list_files: &[],
        mappings: &[],
        now: None,
    };
    crate::lint::check(&input).problems
}

#[test]
fn a_fix_that_changes_something_is_taken_away_before_anybody_sees_it() {
    let text = rule("", "    f: a\n");
    let (files, lists) = ([("r.yml".to_owned(), text)], Lists::default());
    let input = Input { files: &files, pages: None, lists: &lists, list_files: &[], mappings: &[], now: None };
    let place = Position::new(6, 5);
    let mut problems = vec![Problem::new(Code::RedundantWildcard, "r.yml", place.line, place.column, "x"); 2];
    problems[0].fix = Some(fix(&[((6, 8), (6, 9), "b")]));
    problems[1].fix = Some(fix(&[((6, 8), (6, 9), "'a'")]));
    vet(&input, &mut problems);
    assert_eq!(problems[0].hint.as_deref(), Some("by hand: what a selection matches of `r` would change"));
    assert!(problems[0].fix.is_none() && problems[1].fix.is_some(), "{problems:?}");
}

#[test]
fn spaces_that_belong_to_a_value_are_not_too_many() {
    let text = rule("author: me  \n", "    f: \"a\\ \n      b\"\n    g: >-\n      a  \n      b\n");
    let spaces: Vec<Problem> = found(&text).into_iter().filter(|it| it.code == Code::TrailingSpaces).collect();
    assert_eq!(spaces.len(), 1, "{spaces:?}");
    assert_eq!(apply(&text, spaces[0].fix.as_ref()).text, text.replace("me  ", "me"));
}

#[test]
fn a_fix_of_a_shared_document_is_none_where_it_changes_one_that_shares_it() {
    let head = "action: global\nlevel: low\nlogsource: {product: nightjar}\ndetection:\n  condition: 1 of them\n";
    let one = "---\ntitle: One\ndetection:\n  s: {f: a}\n";
    let has_fix = |text: &str| found(text).iter().any(|it| it.code == Code::OneOfThem && it.fix.is_some());
    assert!(has_fix(&format!("{head}{one}")));
    assert!(!has_fix(&format!("{head}{one}---\ntitle: Two\ndetection:\n  s: {{f: a}}\n  t: {{f: b}}\n")));
}

#[test]
fn a_misspelled_key_that_decides_who_is_paged_is_told_and_not_mended() {
    for (key, has_fix) in [("statu: test", false), ("nam: other", false), ("autor: me", true), ("dat: 2026-01-02", true)] {
        let problems = found(&rule(&format!("{key}\n"), "    f: a\n"));
        let misspelled = problems.iter().find(|it| it.code == Code::MisspelledKey).unwrap_or_else(|| panic!("{key}: {problems:?}"));
        assert_eq!(misspelled.fix.is_some(), has_fix, "{key}");
    }
}

#[test]
fn a_tag_in_capitals_is_one_finding_that_says_what_to_write() {
    for (tag, told, fixed) in [
        ("attack.T1098", "write `attack.t1098`", Some("attack.t1098")),
        ("tlp.amber+strict", "write `tlp.amber-strict`", None),
        ("Exfiltration", "write a namespace, a dot and a name in small letters: `attack.t1098`", None),
    ] {
        let text = rule(&format!("tags:\n  - attack.persistence\n  - {tag}\n"), "    f: a\n");
        let problems: Vec<Problem> = found(&text).into_iter().filter(|it| it.message.contains(&tag[2..])).collect();
        let [problem] = problems.as_slice() else { panic!("{tag}: {problems:?}") };
        assert_eq!((problem.line, problem.hint.as_deref()), (5, Some(told)), "{tag}");
        let mended = problem.fix.as_ref().map(|it| apply(&text, [it]).text);
        assert_eq!(mended, fixed.map(|it| text.replace(tag, it)), "{tag}");
    }
}

#[test]
fn a_field_in_small_letters_is_unknown_unless_it_stands_beside_the_right_one() {
    let files = |selection: &str| {
        [("r.yml".to_owned(), rule("", selection).replace("{product: nightjar}", "{product: okta, service: okta}"))]
    };
    let mappings = [model::SourceMapping::built_in("okta").unwrap()];
    for (selection, is_told) in
        [("    eventtype: a\n", true), ("    - eventType: a\n    - eventtype: a\n", false), ("    eventType: a\n", false)]
    {
        let (files, lists) = (files(selection), Lists::default());
        let input = Input { files: &files, pages: None, lists: &lists, list_files: &[], mappings: &mappings, now: None };
        let problems = crate::lint::check(&input).problems;
        assert_eq!(problems.iter().any(|it| it.code == Code::UnknownField), is_told, "{selection}: {problems:?}");
    }
}

#[test]
fn no_fix_takes_a_comment_along() {
    for (entry, has_fix) in [
        ("      - abc\n", true),
        ("      - 'abc'\n", true),
        ("      - abc # why\n", false),
        ("      - 'abc'  # https://example.com\n", false),
        ("      # why\n      - 'abc'\n", false),
        ("      - 'a # c'\n", true),
    ] {
        let text = rule("", &format!("    f|contains:\n      - a\n{entry}"));
        let problems = found(&text);
        let subsumed = problems.iter().find(|it| it.code == Code::SubsumedValue).unwrap_or_else(|| panic!("{entry}: {problems:?}"));
        assert_eq!(subsumed.fix.is_some(), has_fix, "{entry}");
    }
    for head in ["date: '2026/01/02' # why\n", "tags: ['attack.T1098'] # why\n"] {
        let text = rule(head, "    f: a\n");
        let fixes: Vec<Fix> = found(&text).into_iter().filter_map(|it| it.fix).collect();
        assert!(!fixes.is_empty() && apply(&text, &fixes).text.contains("# why\n"), "{head}");
    }
}

#[test]
fn a_wildcard_beside_what_is_no_word_is_left_to_its_author() {
    for (value, has_fix) in [("*ab", true), ("ab\\0*", true), ("*️⃣", false), ("sed -i /^*", false), ("*", false)] {
        let problems = found(&rule("", &format!("    f|contains: '{value}'\n")));
        let wildcard =
            problems.iter().find(|it| it.code == Code::RedundantWildcard).unwrap_or_else(|| panic!("{value}: {problems:?}"));
        assert_eq!((wildcard.fix.is_some(), wildcard.hint.is_none()), (has_fix, has_fix), "{value}");
    }
    let problems = found(&rule("", "    f|contains:\n      - '*️⃣'\n      - '0️⃣'\n"));
    assert!(problems.iter().all(|it| it.fix.is_none()), "{problems:?}");
}
