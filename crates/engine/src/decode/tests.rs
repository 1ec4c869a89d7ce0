//! What the decoder accepts, rejects and keeps.

mod differential;
mod oracle;

use super::{Decoder, Limits, Lines, PADDING, pad};
use model::{FieldPath, Projection, Reject, RejectCode, Value};

/// Decodes `text` line by line with one decoder, and prints for each line its values or its rejection.
fn decode(paths: &[&str], envelopes: &[&str], limits: Limits, text: &[u8]) -> Vec<String> {
    let projection = projection(paths, envelopes);
    let mut decoder = Decoder::new(&projection, limits);
    let mut bytes = text.to_vec();
    let payload = pad(&mut bytes);
    let bytes = bytes.into_boxed_slice(); // Nothing behind the padding, so that tools see who reads there.
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let mut values = vec![Value::Missing; projection.len()];
    let mut printed = Vec::new();
    while let Some(line) = decoder.next(&mut lines, &mut values) {
        printed.push(match line.outcome {
            Ok(_) => values.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(" "),
            Err(Reject { code, offset, reason }) => format!("{} {offset}: {reason}", code.as_str()),
        });
    }
    printed
}

fn projection(paths: &[&str], envelopes: &[&str]) -> Projection {
    let mut projection = Projection::with_envelopes(envelopes.iter().map(|&it| FieldPath::new(it)).collect());
    for &path in paths {
        projection.intern(&FieldPath::new(path)).unwrap();
    }
    projection
}

#[track_caller]
fn check(paths: &[&str], line: &str, expected: &str) {
    assert_eq!(decode(paths, &[], Limits::default(), line.as_bytes()), [expected]);
}

#[track_caller]
fn check_wrapped(envelopes: &[&str], paths: &[&str], line: &str, expected: &str) {
    assert_eq!(decode(paths, envelopes, Limits::default(), line.as_bytes()), [expected]);
}

#[test]
fn scalars_are_borrowed_as_they_are_written() {
    let line = r#"{"a":"x","b":-1.50e+3,"c":true,"d":null,"e":"","f":false}"#;
    check(
        &["a", "b", "c", "d", "e", "f", "g"],
        line,
        r#"Text("x") Number("-1.50e+3") Bool(true) Null Text("") Bool(false) Missing"#,
    );
}

#[test]
fn escapes_stay_until_somebody_reads_the_text() {
    check(&["a"], r#"{"a":"x\né"}"#, r#"Escaped("x\\né")"#);
}

#[test]
fn keys_are_compared_unescaped_and_by_case() {
    check(&["a.b", "A"], r#"{"\u0061":{"\u0062":1}}"#, r#"Number("1") Missing"#);
}

#[test]
fn a_container_is_kept_whole() {
    check(&["a", "b"], r#"{ "a" : [1, {"x":[]}] , "b":{ } }"#, r#"Array("[1, {\"x\":[]}]") Object("{ }")"#);
}

#[test]
fn a_path_may_be_a_field_and_lead_to_another() {
    check(&["a", "a.b"], r#"{"a":{"b":1}}"#, r#"Object("{\"b\":1}") Number("1")"#);
    check(&["a", "a.b"], r#"{"a":"x"}"#, r#"Text("x") Missing"#);
}

#[test]
fn a_path_through_an_array_keeps_the_array_and_how_far_it_went() {
    check(
        &["a.b.c", "a", "a.b"],
        r#"{"a":{"b":[{"c":1},{"c":2}]}}"#,
        r#"Within { array: "[{\"c\":1},{\"c\":2}]", depth: 2 } Object("{\"b\":[{\"c\":1},{\"c\":2}]}") Array("[{\"c\":1},{\"c\":2}]")"#,
    );
}

#[test]
fn a_key_with_dots_is_the_rest_of_a_path() {
    check(&["a.b.c"], r#"{"a.b.c":1}"#, r#"Number("1")"#);
    check(&["a.b.c"], r#"{"a":{"b.c":1}}"#, r#"Number("1")"#);
    check(&["a.b.c"], r#"{"a.b":{"c":1}}"#, r#"Number("1")"#);
    check(&["a.b.c.d"], r#"{"a.b":{"c.d":1}}"#, r#"Number("1")"#);
    check(&["a.b.c"], r#"{"a.b":[{"c":1}]}"#, r#"Within { array: "[{\"c\":1}]", depth: 2 }"#);
    check(&["a.b.c.d.e.f.g"], r#"{"a":{"b.c.d.e.f.g":1}}"#, r#"Number("1")"#);
    check(&["a.b.c.d.e.f.g"], r#"{"a.b":{"c.d.e.f.g":1}}"#, "Missing");
}

#[test]
fn a_field_in_two_forms_is_rejected_in_any_order() {
    let check = |line: &str, place: usize, key: &str| {
        let reason = format!("a field that is read stands in two forms, one of them under the key `{key}`");
        check(&["a.b.c"], line, &format!("duplicate_key {place}: {reason}"));
    };
    check(r#"{"a":{"b":{"c":3}},"a.b.c":1}"#, 19, "a.b.c");
    check(r#"{"a.b.c":1,"a":{"b":{"c":null}}}"#, 1, "a.b.c");
    check(r#"{"a":{"b.c":2},"a.b.c":1}"#, 15, "a.b.c");
    check(r#"{"a.b":{"c":2},"a":{"b.c":1}}"#, 8, "c");
    check(r#"{"a.b.c":1,"a":{"b":[{"c":3}]}}"#, 1, "a.b.c");
    check(r#"{"a":[{"b":[{"c":1}]}],"a.b.c":1}"#, 23, "a.b.c");
    check(r#"{"a":[{"b.c":1}],"a.b":[{"c":1}]}"#, 25, "c");
}

#[test]
fn what_can_not_have_the_field_is_no_second_form_of_it() {
    check(&["a.b.c"], r#"{"a.b.c":1,"a":{"b":[]}}"#, r#"Number("1")"#);
    check(&["a.b.c"], r#"{"a.b.c":1,"a":["x",{"b":1}]}"#, r#"Number("1")"#);
    let elements = r#"[{"b.c":1},{"b":{"c":2}}]"#;
    check(&["a.b.c"], &format!("{{\"a\":{elements}}}"), &format!("Within {{ array: {elements:?}, depth: 1 }}"));
    check(&["a.b.c"], r#"{"a":{"b":"x","c":2},"a.b":7,"a.b.c":1}"#, r#"Number("1")"#);
    check(&["a"], r#"{"a":1,"a.b":2,"a":1}"#, "duplicate_key 15: the key `a`, which is read, stands twice in one object");
    check_wrapped(&["event"], &["a.b"], r#"{"event":{"a":{"b":1}},"a.b":2}"#, r#"Number("2")"#);
}

#[test]
fn an_event_may_be_wrapped() {
    check_wrapped(&["event", "x.y"], &["a.b"], r#"{"label":0,"event":{"a":{"b":1}}}"#, r#"Number("1")"#);
    check_wrapped(&["event", "x.y"], &["a.b"], r#"{"x":{"y":{"a.b":1}}}"#, r#"Number("1")"#);
    check_wrapped(&["event"], &["a.b"], r#"{"event":{"a":{"b":1}},"a":{"b":2}}"#, r#"Number("2")"#);
    check_wrapped(&["event"], &["a", "event.a"], r#"{"event":{"a":1}}"#, r#"Number("1") Number("1")"#);
}

#[test]
fn an_array_in_place_of_an_envelope_is_not_an_event() {
    check_wrapped(&["event"], &["a"], r#"{"event":[{"a":1}]}"#, "Missing");
}

#[test]
fn a_field_that_stands_twice_is_rejected() {
    let reason = "the key `a`, which is read, stands twice in one object";
    check(&["a"], r#"{"a":1,"b":2,"a":1}"#, &format!("duplicate_key 13: {reason}"));
    check(&["a.b"], r#"{"a":{},"a":{"b":1}}"#, &format!("duplicate_key 8: {reason}"));
    check(&["a"], r#"{"a":1,"\u0061":1}"#, &format!("duplicate_key 7: {reason}"));
    check(&["x.a"], r#"{"x":[{"a":1},[{"a":2}],{"a":1,"a":2}]}"#, &format!("duplicate_key 31: {reason}"));
}

#[test]
fn other_keys_may_stand_twice() {
    check(&["a"], r#"{"b":1,"b":2,"a":{"x":1,"x":2}}"#, r#"Object("{\"x\":1,\"x\":2}")"#);
    check(
        &["x.a"],
        r#"{"x":[{"a":1,"b":1,"b":2},{"a":1}]}"#,
        r#"Within { array: "[{\"a\":1,\"b\":1,\"b\":2},{\"a\":1}]", depth: 1 }"#,
    );
}

#[test]
fn what_is_no_object_is_rejected_with_its_place() {
    check(&["a"], "[1]", "not_object 0: expected an object");
    check(&["a"], "  3 ", "not_object 2: expected an object");
    check(&["a"], "[1", "not_json 2: expected `,` or `]` after an element, found the end of the line");
    check(&["a"], r#"{"a" 1}"#, "not_json 5: expected `:` after a key, found `1`");
    check(&["a"], r#"{"a":01}"#, "not_json 6: a number begins with a needless 0");
    check(&["a"], r#"{"a":"x"#, "not_json 7: expected the closing quote of a string, found the end of the line");
    check(&["a"], r#"{"a":1}}"#, "not_json 7: expected the end of the line after the value, found `}`");
    check(&["a"], "{\"a\":\"\0\"}", "not_json 6: expected control characters in strings to be escaped, found the byte 0x00");
    check(&["a"], "{\"a\":1\0}", "not_json 6: expected `,` or `}` after a value, found the byte 0x00");
    check(&["a"], r#"{"a":"\ud80x"}"#, "not_json 11: expected four hexadecimal digits after `\\u`, found `x`");
    check(&["a"], r#"{"a":"\u+0e4"}"#, "not_json 8: expected four hexadecimal digits after `\\u`, found `+`");
    check(&["a"], r#"{"a":NaN}"#, "not_json 5: expected a value, found `N`");
}

#[test]
fn half_a_surrogate_pair_keeps_no_event_from_being_read() {
    check(&["a"], r#"{"a":"\ud800x"}"#, r#"Escaped("\\ud800x")"#);
    check(&["a"], r#"{"b":"\udc00","\ud800":["\ud800\ud800"],"a":1}"#, r#"Number("1")"#);
    check(&["a.b"], r#"{"a":[{"b":"\udfff\ud800"}]}"#, r#"Within { array: "[{\"b\":\"\\udfff\\ud800\"}]", depth: 1 }"#);
}

#[test]
fn a_bad_line_costs_only_itself() {
    let text = b"{\"a\":1}\n\xff{\"a\":2}\n\n \t\r\n{\"a\":3\n{\"a\":\"\xc3\xa9\"}\r\n{\"a\":5}";
    let not_json = "not_json 6: expected `,` or `}` after a value, found the end of the line";
    let not_utf8 = "not_utf8 0: the bytes from here on are not UTF-8";
    let expected = [r#"Number("1")"#, not_utf8, not_json, r#"Text("é")"#, r#"Number("5")"#];
    assert_eq!(decode(&["a"], &[], Limits::default(), text), expected);
}

#[test]
fn lines_are_numbered_with_blank_ones_and_have_their_place() {
    let mut bytes = b"\n {\"a\":1} \r\n\n[\n".to_vec();
    let payload = pad(&mut bytes);
    let bytes = bytes.into_boxed_slice(); // Nothing behind the padding, so that tools see who reads there.
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let mut decoder = Decoder::new(&projection(&["a"], &[]), Limits::default());
    let first = decoder.next(&mut lines, &mut [Value::Missing]).unwrap();
    assert_eq!((first.offset, first.number, first.bytes, first.outcome), (1, 1, &b" {\"a\":1} \r"[..], Ok("{\"a\":1}")));
    let second = decoder.next(&mut lines, &mut [Value::Missing]).unwrap();
    assert_eq!((second.offset, second.number, second.bytes), (13, 3, &b"["[..]));
    assert_eq!(second.outcome.unwrap_err().code, RejectCode::NotJson);
    assert_eq!(decoder.next(&mut lines, &mut [Value::Missing]), None);
    assert_eq!(lines.remaining(), 0);
}

#[test]
fn limits_are_kept_to_the_byte_and_to_the_bracket() {
    let limits = Limits { line_bytes_max: 9, depth_max: 2 };
    let too_deep = "too_deep 6: more than 2 containers are nested";
    let text = "{\"a\":[1]}\n{\"a\":[10]}\n{\"a\":[[\n{\"b\":{\"x\":{}}}\n";
    let too_long = "too_long 9: the line has 10 bytes, more than 9";
    let too_long_too = "too_long 9: the line has 14 bytes, more than 9";
    assert_eq!(decode(&["a"], &[], limits, text.as_bytes()), [r#"Array("[1]")"#, too_long, too_deep, too_long_too]);
    for (depth, code) in [(127, None), (128, Some("too_deep 636")), (1_000, Some("too_deep 636"))] {
        for leaf in ["[", "{\"b\":"] {
            let close = if leaf == "[" { "]" } else { "}" };
            let line = format!("{{\"a\":{}1{}}}", leaf.repeat(depth - 1), close.repeat(depth - 1));
            let printed = decode(&["x"], &[], Limits::default(), line.as_bytes()).remove(0);
            let is_expected = match code {
                None => printed == "Missing",
                Some(_) => printed.starts_with("too_deep"),
            };
            assert!(is_expected, "{depth} {leaf} {printed}");
        }
    }
}

#[test]
fn blocks_that_are_not_whole_lines_and_padding_are_refused() {
    let padding = [0; PADDING];
    let block = |text: &str| [text.as_bytes(), &padding].concat();
    assert!(Lines::new(&block(""), 0).is_some());
    assert!(Lines::new(&block("{}\n"), 3).is_some());
    assert!(Lines::new(&block("{}\n"), 2).is_none());
    assert!(Lines::new(&block("{}\n")[..66], 3).is_none());
    assert!(Lines::new(&block("{}\n"), 70).is_none());
    assert!(Lines::new(&[&b"{}\n"[..], &[1; PADDING]].concat(), 3).is_none());
}

#[test]
fn an_empty_projection_still_validates() {
    assert_eq!(
        decode(&[], &[], Limits::default(), b"{\"a\":{\"b\":[]}}\n{\"a\":}"),
        ["", "not_json 5: expected a value, found `}`",]
    );
}

#[test]
fn objects_used_as_maps_are_read_beyond_what_is_learned() {
    let line = |it: i32| format!("{{\"map\":{{\"k{it}\":{{\"v\":[{it}]}},\"x\":1}},\"a\":{it},\"r{it}\":1}}");
    let text = (0..300).map(line).collect::<Vec<_>>().join("\n");
    let expected = (0..300).map(|it| format!("Number(\"{it}\") Number(\"1\")")).collect::<Vec<_>>();
    assert_eq!(decode(&["a", "map.x"], &[], Limits::default(), text.as_bytes()), expected);
}

#[test]
fn what_was_learned_is_forgotten_when_it_no_longer_helps() {
    let line = |line: i32| {
        let keys: Vec<_> = (0..1_000).map(|it| format!("\"k{line}_{it}\":{{\"v\":[{it}]}}")).collect();
        format!("{{\"a\":{line},{}}}", keys.join(","))
    };
    let text = (0..120).map(line).collect::<Vec<_>>().join("\n");
    let mut bytes = text.into_bytes();
    let payload = pad(&mut bytes);
    let bytes = bytes.into_boxed_slice(); // Nothing behind the padding, so that tools see who reads there.
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let mut decoder = Decoder::new(&projection(&["a"], &[]), Limits::default());
    let mut most_refused = 0;
    for line in 0..120 {
        let mut values = [Value::Missing];
        assert!(decoder.next(&mut lines, &mut values).unwrap().outcome.is_ok());
        assert_eq!(values, [Value::Number(&line.to_string())]);
        most_refused = most_refused.max(decoder.keys.refused);
    }
    assert!(decoder.keys.refused < most_refused, "{most_refused}");
}
