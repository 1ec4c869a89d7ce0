//! What a dead letter says, and how it is cut.

use super::*;

fn letter(raw: &[u8], max: usize) -> DeadLetter<'_> {
    let origin = Origin { source: "events.ndjson", partition: None, position: Position::line(7, 1234) };
    let cause = Cause { code: "not_json", reason: "expected a value at column 3" };
    DeadLetter::new(1_594_838_400_000, origin, cause, raw, max)
}

#[track_caller]
fn check(raw: &[u8], max: usize, expected: &str) {
    let json = letter(raw, max).to_json();
    let tail = String::from_utf8(json).unwrap();
    let at = tail.find("\"raw\"").unwrap();
    assert_eq!(&tail[at..], expected);
}

#[test]
fn text_is_kept_as_text() {
    check(b"{nope", 100, r#""raw":"{nope","truncated":false,"length":5}"#);
}

#[test]
fn bytes_that_are_no_text_are_kept_in_base64_too() {
    check(b"a\xffb", 100, "\"raw\":\"a\u{fffd}b\",\"raw_base64\":\"Yf9i\",\"truncated\":false,\"length\":3}");
}

#[test]
fn a_cut_in_the_middle_of_a_character_does_not_make_text_look_binary() {
    check("aé".as_bytes(), 2, r#""raw":"a","truncated":true,"length":3}"#);
}

#[test]
fn a_character_that_the_input_itself_breaks_off_is_reported_as_bytes() {
    check(b"a\xc3", 100, "\"raw\":\"a\u{fffd}\",\"raw_base64\":\"YcM=\",\"truncated\":false,\"length\":2}");
}

#[test]
fn nul_bytes_are_escaped() {
    check(b"a\0", 100, r#""raw":"a\u0000","truncated":false,"length":2}"#);
}

#[test]
fn the_head_of_an_oversize_line_tells_the_whole_length() {
    let origin = Origin { source: "audit-events", partition: Some(3), position: Position::message(42) };
    let cause = Cause { code: "too_long", reason: "10000000 bytes, limit 1048576" };
    let letter = DeadLetter::of_part(5, origin, cause, b"{\"a\"", 10_000_000, RAW_BYTES_MAX);
    assert_eq!(
        String::from_utf8(letter.to_json()).unwrap(),
        concat!(
            r#"{"time":5,"source":"audit-events","partition":3,"position":{"offset":42},"code":"too_long","#,
            r#""reason":"10000000 bytes, limit 1048576","raw":"{\"a\"","truncated":true,"length":10000000}"#
        )
    );
}

#[test]
fn the_writer_writes_lines_and_counts_by_code() {
    let mut writer = DeadLetterWriter::new(Vec::new());
    writer.write(&letter(b"x", 10)).unwrap();
    writer.write(&letter(b"y", 10)).unwrap();
    assert_eq!(writer.total(), 2);
    assert_eq!(writer.counts().get("not_json"), Some(&2));
    let out = writer.finish().unwrap();
    assert_eq!(memchr::memchr_iter(b'\n', &out).count(), 2);
}

#[test]
fn base64_pads_to_groups_of_four() {
    for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy")] {
        assert_eq!(base64::encode(bytes), text);
    }
}
