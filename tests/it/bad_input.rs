//! Invariant 8: a malformed line is rejected with its reason and costs its neighbours nothing.

use crate::support::{book_of, lists, pipeline, score};
use proptest::prelude::*;

const RULE: &str = "title: seen\nid: 6f1f3f0e-2a3e-4b43-9d0b-5f6f6a1d2c3b\nlevel: low\nlogsource: {product: nightjar}\n\
                    detection:\n  look: {action: account.lookup}\n  condition: look\n";

fn event(actor: usize) -> String {
    format!(r#"{{"time":"2026-03-02T14:03:11Z","actor":{{"id":"u{actor}"}},"action":"account.lookup"}}"#)
}

#[track_caller]
fn check(bad: &[u8], code: &str) {
    let mut text = event(1).into_bytes();
    text.push(b'\n');
    text.extend_from_slice(bad);
    text.extend_from_slice(format!("\n{}\n", event(2)).as_bytes());
    let book = book_of(vec![("seen.yml".to_owned(), RULE.to_owned())], "native", &lists());
    let (alerts, rejects) = score(&mut pipeline(&book), &text);
    let actors: Vec<&str> = alerts.iter().map(|it| it.alert.actor.id.as_str()).collect();
    assert_eq!(actors, ["u1", "u2"], "the neighbours survive");
    assert_eq!(rejects.len(), 1, "{rejects:?}");
    assert!(rejects[0].starts_with(&format!("1: {code} at byte ")), "{rejects:?}");
}

#[test]
fn every_kind_of_bad_line_is_named_and_its_neighbours_survive() {
    check(b"no json", "not_json");
    check(b"{\"time\":", "not_json");
    check(b"\xff\xfe{}", "not_utf8");
    check(b"[1,2]", "not_object");
    check(br#"{"time":"2026-03-02T14:03:11Z","action":"x"}"#, "missing_field");
    check(br#"{"actor":{"id":"a"},"action":"x"}"#, "missing_field");
    check(br#"{"time":"2026-03-02T14:03:11Z","actor":{"id":"a"}}"#, "missing_field");
    check(br#"{"time":"2026-03-02T14:03:11Z","actor":{"id":{"x":1}},"action":"x"}"#, "wrong_type");
    check(br#"{"time":"yesterday","actor":{"id":"a"},"action":"x"}"#, "wrong_type");
    check(br#"{"time":true,"actor":{"id":"a"},"action":"x"}"#, "wrong_type");
    check(br#"{"time":"1970-01-01T00:00:00Z","actor":{"id":"a"},"action":"x"}"#, "time_out_of_range");
    check(br#"{"time":"2190-01-01T00:00:00Z","actor":{"id":"a"},"action":"x"}"#, "time_out_of_range");
    check(br#"{"time":"2026-03-02T14:03:11Z","actor":{"id":"a","id":"b"},"action":"x"}"#, "duplicate_key");
    check(b"{\"time\":\"2026-03-02T14:03:11Z\",\"actor\":{\"id\":\"a\"},\"action\":\"x\"\0}", "not_json");
    let deep = format!("{}{}", r#"{"a":"#.repeat(1_000), "}".repeat(1_000));
    check(deep.as_bytes(), "too_deep");
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(10_000_000));
    check(long.as_bytes(), "too_long");
}

#[test]
fn a_time_whose_offset_is_escaped_is_a_time() {
    let line = r#"{"time":"2026-03-02T14:03:11\u002b02:00","actor":{"id":"a"},"action":"account.lookup"}"#;
    let book = book_of(vec![("seen.yml".to_owned(), RULE.to_owned())], "native", &lists());
    let (alerts, rejects) = score(&mut pipeline(&book), line.as_bytes());
    assert!(rejects.is_empty(), "{rejects:?}");
    assert_eq!(alerts[0].alert.time.to_string(), "2026-03-02T12:03:11.000Z");
}

#[test]
fn half_a_surrogate_pair_hides_nothing() {
    let line =
        r#"{"time":"2026-03-02T14:03:11Z","actor":{"id":"a\ud83d"},"action":"account.lookup","x\udc00":[{"\ud83d":"\ud83d"}]}"#;
    let book = book_of(vec![("seen.yml".to_owned(), RULE.to_owned())], "native", &lists());
    let (alerts, rejects) = score(&mut pipeline(&book), line.as_bytes());
    assert!(rejects.is_empty(), "{rejects:?}");
    assert_eq!(alerts[0].alert.actor.id, "a\u{fffd}");
}

proptest! {
    #[test]
    fn no_bytes_panic_or_take_a_neighbour_along(mut noise in prop::collection::vec(any::<u8>(), 0..300)) {
        noise.iter_mut().filter(|it| **it == b'\n').for_each(|it| *it = b' ');
        let mut text = format!("{}\n", event(1)).into_bytes();
        text.extend_from_slice(&noise);
        text.extend_from_slice(format!("\n{}\n", event(2)).as_bytes());
        let book = book_of(vec![("seen.yml".to_owned(), RULE.to_owned())], "native", &lists());
        let (alerts, rejects) = score(&mut pipeline(&book), &text);
        prop_assert_eq!(alerts.len(), 2);
        let is_blank = noise.iter().all(|it| matches!(it, b' ' | b'\t' | b'\r'));
        prop_assert_eq!(rejects.len(), usize::from(!is_blank), "{:?}", rejects);
    }
}
