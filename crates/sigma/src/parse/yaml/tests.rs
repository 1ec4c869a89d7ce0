use super::*;
use std::fmt::Write;

fn typed(text: &str) -> Typed {
    let mut report = Report::new("t.yml");
    let nodes = documents(text, &mut report);
    assert_eq!(report.finish(), []);
    match &nodes[0].kind {
        Kind::Scalar(scalar) => scalar.typed,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(text: &str, expected: Typed) {
    assert_eq!(typed(text), expected, "{text}");
}

/// The values of the map in `text`, in order, with their places.
fn values(text: &str) -> Vec<String> {
    let mut report = Report::new("t.yml");
    let nodes = documents(text, &mut report);
    assert_eq!(report.finish(), [], "{text}");
    let told = |it: &Node| match &it.kind {
        Kind::Scalar(scalar) => format!("{:?} {}:{}", scalar.text, it.at.line, it.at.column),
        other => panic!("{other:?}"),
    };
    nodes[0].as_map().unwrap().iter().flat_map(|(_, value)| value.as_list()).map(told).collect()
}

#[test]
fn a_block_scalar_at_the_end_of_a_file_has_no_line_break_that_is_not_there() {
    for (text, expected) in [
        ("a: |\n  x", "\"x\" 2:3"),
        ("a: >\n  x\n  y", "\"x y\" 2:3"),
        ("a: |+\n  x", "\"x\" 2:3"),
        ("a: |-\n  x", "\"x\" 2:3"),
        ("a: |\n  x\n", "\"x\\n\" 2:3"),
        ("a: |\n  x\n# x", "\"x\\n\" 2:3"),
        ("a: |\n  x\n  ", "\"x\\n\" 2:3"),
    ] {
        assert_eq!(values(text), [expected], "{text}");
    }
    assert_eq!(values("a: |\n  b: 1\nb: 1"), ["\"b: 1\\n\" 2:3", "\"1\" 3:4"]);
}

#[test]
fn lists_in_brackets_may_stand_anywhere_and_keep_their_places() {
    let text = "s:\n  a: [\n  'x', 'y',\n 'z'\n  ]\n  b: {c: [1,\n2\n]\n}\n";
    let mut report = Report::new("t.yml");
    let nodes = documents(text, &mut report);
    assert_eq!(report.finish(), []);
    let inner = nodes[0].get("s").unwrap();
    let places: Vec<_> = inner.get("a").unwrap().as_list().iter().map(|it| (it.at.line, it.at.column)).collect();
    assert_eq!(places, [(3, 3), (3, 8), (4, 2)]);
    let places: Vec<_> = inner.get("b").unwrap().get("c").unwrap().as_list().iter().map(|it| (it.at.line, it.at.column)).collect();
    assert_eq!(places, [(6, 11), (7, 1)]);
    check_unsound("a:\n  b: [1,\n2\nc: 3\n", 4, "not YAML");
    check_unsound(&format!("a:\n  b: [{}", "1,\n".repeat(MOVED_MAX + 2)), MOVED_MAX + 3, "invalid indentation");
}

#[track_caller]
fn check_unsound(text: &str, line: usize, message: &str) {
    let mut report = Report::new("t.yml");
    documents(text, &mut report);
    let problems = report.finish();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].line, line, "{problems:?}");
    assert!(problems[0].message.contains(message), "{problems:?}");
}

#[test]
fn plain_scalars_are_typed_by_the_core_schema() {
    for (text, expected) in [
        ("4624", Typed::Int(4624)),
        ("-7", Typed::Int(-7)),
        ("+7", Typed::Int(7)),
        ("0012", Typed::Int(12)),
        ("0x1F", Typed::Int(31)),
        ("0o17", Typed::Int(15)),
        ("1.5", Typed::Float(1.5)),
        (".5", Typed::Float(0.5)),
        ("1e3", Typed::Float(1000.0)),
        ("true", Typed::Bool(true)),
        ("False", Typed::Bool(false)),
    ] {
        check(text, expected);
    }
}

#[test]
fn everything_else_is_text() {
    for text in [
        "'4624'",
        "\"true\"",
        "''",
        "yes",
        "2026-03-02",
        "1_000",
        ".inf",
        ".nan",
        "1e999",
        "0x",
        "12h",
        "1.2.3",
        "-x",
        ".",
        "!!str 12",
    ] {
        check(text, Typed::Text);
    }
}

#[test]
fn nodes_know_their_place_across_documents() {
    let mut report = Report::new("t.yml");
    let nodes = documents("a: 1\n---\n# comment\nb:\n  - c\n  - d: e\n", &mut report);
    assert_eq!(report.finish(), []);
    let list = nodes[1].get("b").unwrap().as_list();
    assert_eq!(list[0].at, Position { line: 5, column: 5, width: 1 });
    assert_eq!(list[1].as_map().unwrap()[0].0.at, Position { line: 6, column: 5, width: 1 });
    assert_eq!(list[1].get("d").unwrap().at, Position { line: 6, column: 8, width: 1 });
}

#[test]
fn a_quoted_value_ends_with_its_quote() {
    for (written, width) in
        [("'a'", 3), ("'a'  # why", 3), ("'it''s' # why", 7), (r#""a\"b" # "why""#, 6), ("a b # why", 3), ("!!str 'a' # why", 0)]
    {
        let mut report = Report::new("t.yml");
        let nodes = documents(&format!("k: {written}\n"), &mut report);
        assert_eq!(nodes[0].get("k").unwrap().at.width, width, "{written}");
    }
}

#[test]
fn a_block_at_the_end_of_a_file_has_the_line_ends_that_are_there() {
    for (text, expected) in [
        ("a: |\n  x", "x"),
        ("a: |+\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: |\n  x\n", "x\n"),
        ("a: |\n  x\n\n", "x\n"),
        ("a: |+\n  x\n\n", "x\n\n"),
        ("a: |\n  x\nb: 1", "x\n"),
        ("a: |\n  x\n---\nb: 1", "x\n"),
    ] {
        let mut report = Report::new("t.yml");
        let nodes = documents(text, &mut report);
        assert_eq!(nodes[0].get("a").and_then(Node::as_scalar).unwrap().text, expected, "{text:?}");
    }
}

#[test]
fn a_broken_document_does_not_take_the_others_with_it() {
    let mut report = Report::new("t.yml");
    let nodes = documents("a: 1\n---\nb: [\n---\nc: 3\n", &mut report);
    assert_eq!(nodes.len(), 2);
    let problems = report.finish();
    assert_eq!(problems.len(), 1);
    assert!((2..=4).contains(&problems[0].line), "{problems:?}");
}

#[test]
fn empty_documents_comments_and_directives_are_nothing() {
    let mut report = Report::new("t.yml");
    assert_eq!(documents("# only a comment\n%YAML 1.2\n---\n---\n# nothing\n", &mut report).len(), 0);
    assert_eq!(documents("", &mut report).len(), 0);
    assert_eq!(report.finish(), []);
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    check_unsound("a: 1\nb: 2\na: 3\n", 3, "the key `a` is there twice, first on line 1");
}

#[test]
fn aliases_are_written_out() {
    let mut report = Report::new("t.yml");
    let nodes = documents("a: &x [1, 2]\nb: *x\n", &mut report);
    assert_eq!(nodes[0].get("b").unwrap().as_list().len(), 2);
}

#[test]
fn aliases_of_aliases_do_not_fill_the_memory() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        writeln!(text, "a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", ")).unwrap();
    }
    check_unsound(&text, 6, "more than 200000 values");
}

#[test]
fn nesting_is_bounded_through_aliases_too() {
    check_unsound(&"[".repeat(100), 1, "nested deeper than 64");
    check_unsound(&"[".repeat(100_000), 1, "limit");
    let mut text = format!("a0: &a0 {}x{}\n", "[".repeat(40), "]".repeat(40));
    for level in 1..50 {
        writeln!(text, "a{level}: &a{level} {}*a{}{}", "[".repeat(40), level - 1, "]".repeat(40)).unwrap();
    }
    check_unsound(&text, 2, "nested deeper than 64");
}

#[test]
fn merge_keys_and_keys_that_are_no_texts_are_refused() {
    check_unsound("a: &a {b: 1}\nc:\n  <<: *a\n", 3, "merge keys");
    check_unsound("? [a]\n: 1\n", 1, "keys are texts");
}
