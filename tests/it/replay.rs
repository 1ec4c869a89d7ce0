//! Invariant 2, replay: the same rules and events give the same alerts, byte for byte, however often the engine is stopped in between.

use crate::support::{attack_day, ndjson, pack, pipeline, score};

#[test]
fn the_same_events_give_the_same_bytes() {
    let (book, day) = (pack("native"), attack_day(150, 1));
    let once = ndjson(&score(&mut pipeline(&book), &day).0);
    let again = ndjson(&score(&mut pipeline(&pack("native")), &day).0);
    assert!(once.lines().count() > 10, "the attack leaves alerts");
    assert_eq!(once, again);
}

#[test]
fn stopped_anywhere_and_restored_the_engine_goes_on_the_same() {
    let (book, day) = (pack("native"), attack_day(120, 2));
    let whole = ndjson(&score(&mut pipeline(&book), &day).0);
    let starts: Vec<usize> = memchr_lines(&day);
    for part in 1..12 {
        let cut = starts[starts.len() * part / 12];
        let mut first = pipeline(&book);
        let mut text = ndjson(&score(&mut first, &day[..cut]).0);
        let mut second = pipeline(&book);
        second.restore(&first.snapshot()).unwrap();
        text.push_str(&ndjson(&score(&mut second, &day[cut..]).0));
        assert_eq!(text, whole, "cut at byte {cut}");
    }
}

#[test]
fn a_damaged_snapshot_is_refused_and_one_of_other_rules_begins_anew() {
    let book = pack("native");
    let mut scored = pipeline(&book);
    score(&mut scored, &attack_day(60, 3)[..200_000]);
    let snapshot = scored.snapshot();
    assert!(pipeline(&pack("okta")).restore(&snapshot).is_ok(), "the rule set is the same, whatever the source");
    let rule = "title: t\nlogsource: {product: nightjar}\ndetection:\n  a: {action: x}\n  condition: a\n".to_owned();
    let other = crate::support::book_of(vec![("other.yml".to_owned(), rule)], "native", &crate::support::lists());
    assert!(pipeline(&other).restore(&snapshot).is_ok(), "none of its correlations is there any more");
    assert!(pipeline(&book).restore(b"NJS1").is_err());
    for cut in [0, 1, 5, snapshot.len() / 2, snapshot.len() - 1] {
        assert!(pipeline(&book).restore(&snapshot[..cut]).is_err(), "cut at {cut}");
    }
}

/// Where each line begins.
fn memchr_lines(text: &[u8]) -> Vec<usize> {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).filter(|&it| it < text.len()).collect()
}
