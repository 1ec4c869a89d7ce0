//! The decoder against the oracle, over many lines that resemble each other and have been damaged.

use super::oracle::{self, Field};
use crate::decode::learned::Learned;
use crate::decode::raw::Processor;
use crate::decode::{Decoder, Limits, Lines, pad};
use model::{FieldPath, Projection, Reject, Value};
use proptest::prelude::{ProptestConfig, any, proptest};
use std::fmt::Write as _;

/// A small generator of numbers, so that one seed names a whole run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const KEYS: [&str; 20] = [
    "a",
    "b",
    "c",
    "a.b",
    "b.c",
    "a.b.c",
    "event",
    "wrap",
    "",
    "é",
    "target",
    "id",
    "target.id",
    "x y",
    "requestParameters",
    "device_managed",
    "a_key_longer_than_a_register_1",
    "a_key_longer_than_a_register_2",
    "e",
    "\\u0061",
];

const PATHS: [&str; 18] = [
    "a",
    "a.b",
    "a.b.c",
    "b",
    "b.c",
    "c",
    "event",
    "event.a",
    "wrap.event.a",
    "é",
    "",
    "target.id",
    "target.id.x",
    "id.",
    "a_key_longer_than_a_register_1",
    "a_key_longer_than_a_register_2.a",
    "x y",
    "device_managed",
];

const NO_NUMBERS: [&str; 9] = ["01", "00", "-", "-01", "1.", ".5", "1e", "+1", "1e+"];

/// The shape of a value; the lines of one run share a few shapes, so that the decoder has something to learn.
enum Shape {
    /// A text that mostly has this length.
    Text(usize),
    Number,
    Literal,
    Array(Vec<Shape>),
    Object(Vec<(&'static str, Shape)>),
}

fn shape(dice: &mut Dice, depth: usize) -> Shape {
    let sides = if depth > 4 { 6 } else { 10 };
    match dice.roll(sides) {
        0..=3 => Shape::Text(dice.roll(20)),
        4 => Shape::Number,
        5 => Shape::Literal,
        6 => Shape::Array((0..dice.roll(4)).map(|_| shape(dice, depth + 1)).collect()),
        _ => object(dice, depth + 1),
    }
}

fn object(dice: &mut Dice, depth: usize) -> Shape {
    let mut members: Vec<(&str, Shape)> = Vec::new();
    for _ in 0..dice.roll(9) {
        let key = dice.pick(&KEYS);
        if dice.one_in(50) || members.iter().all(|(it, _)| *it != key) {
            members.push((key, shape(dice, depth)));
        }
    }
    Shape::Object(members)
}

fn write_value(dice: &mut Dice, shape: &Shape, out: &mut String) {
    // Now and then something else than usual stands there.
    let usual = if dice.one_in(60) { &self::shape(dice, 3) } else { shape };
    match usual {
        Shape::Text(length) => write_text(dice, *length, out),
        Shape::Number => {
            let numbers =
                ["0", "-0", "7", "12345678", "123456789", "1e5", "-1.5", "1.0E-7", "18446744073709551616", "1e999", "64500"];
            *out += if dice.one_in(100) { dice.pick(&NO_NUMBERS) } else { dice.pick(&numbers) };
        }
        Shape::Literal => *out += dice.pick(&["true", "false", "null"]),
        Shape::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                separate(dice, at, out);
                write_value(dice, element, out);
            }
            space(dice, out);
            out.push(']');
        }
        Shape::Object(members) => {
            out.push('{');
            let mut order: Vec<_> = members.iter().filter(|_| !dice.one_in(20)).collect();
            if dice.one_in(8) && !order.is_empty() {
                let (left, right) = (dice.roll(order.len()), dice.roll(order.len()));
                order.swap(left, right);
            }
            for (at, (key, value)) in order.into_iter().enumerate() {
                separate(dice, at, out);
                write_key(dice, key, out);
                space(dice, out);
                out.push(':');
                space(dice, out);
                write_value(dice, value, out);
            }
            space(dice, out);
            out.push('}');
        }
    }
}

fn write_key(dice: &mut Dice, key: &str, out: &mut String) {
    out.push('"');
    match key.chars().next() {
        Some(first) if first.is_ascii_alphabetic() && dice.one_in(40) => {
            write!(out, "\\u{:04x}{}", u32::from(first), &key[1..]).unwrap();
        }
        _ => *out += key,
    }
    out.push('"');
}

/// A text that is usually `length` long as it is written, whether it has escapes or not.
fn write_text(dice: &mut Dice, length: usize, out: &mut String) {
    if !dice.one_in(6) {
        let start = out.len() + 1;
        out.push('"');
        while out.len() < start + length {
            let has_room = out.len() + 2 <= start + length;
            *out += if has_room && dice.one_in(100) { dice.pick(&["\\\"", "\\n", "\\\\"]) } else { dice.pick(&["x", "y", ":"]) };
        }
        out.push('"');
        return;
    }
    write_any_text(dice, out);
}

fn write_any_text(dice: &mut Dice, out: &mut String) {
    let parts = [
        "",
        "x",
        "employee",
        "é",
        "日本",
        "2026-03-02T14:03:11.482Z",
        "{\"",
        "\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\ude00",
        "\\u+0e4",
        "😀",
        "}",
        ",",
    ];
    let unescaped = ["x", "employee", "é", "10.1.2.3", "u1042", "}", ",", "/", "agent-console"];
    out.push('"');
    let count = if dice.one_in(10) { dice.roll(20) } else { 1 };
    for _ in 0..count {
        let part = if dice.one_in(8) { dice.pick(&parts) } else { dice.pick(&unescaped) };
        match part {
            "{\"" => *out += "{\\\"",
            "\\" => *out += "\\\\",
            other => *out += other,
        }
    }
    out.push('"');
}

fn separate(dice: &mut Dice, at: usize, out: &mut String) {
    space(dice, out);
    if at > 0 {
        out.push(',');
        space(dice, out);
    }
}

fn space(dice: &mut Dice, out: &mut String) {
    if dice.one_in(60) {
        *out += dice.pick(&[" ", "\t", "\r", "  "]);
    }
}

/// Changes a byte or some, which mostly makes something else of the line than an event.
fn damage(dice: &mut Dice, line: &mut Vec<u8>) {
    let at = dice.roll(line.len());
    match dice.roll(8) {
        0 => line.truncate(at),
        1 => line[at] = dice.pick(b"{}[],:\"\\ 0-.eEtn\x00\x1f\x80\xff"),
        2 => line[at] ^= 1 << dice.roll(8),
        3 => line.insert(at, dice.pick(b"{}[],:\"\\ 0-.eEtn\x00\x1f\x80\xff")),
        4 => drop(line.remove(at)),
        5 => {
            let to = at + dice.roll(line.len() - at);
            let again = line[at..to].to_vec();
            line.splice(at..at, again);
        }
        6 => line.extend_from_slice(if dice.one_in(2) { b",\"a\":1}" } else { b"}" }),
        _ => {
            let nested = if dice.one_in(2) { b"[".repeat(130) } else { b"{\"a\":".repeat(130) };
            line.splice(at..at, nested);
        }
    }
    line.retain(|&it| it != b'\n');
}

fn lines_of(dice: &mut Dice) -> Vec<Vec<u8>> {
    let shapes: Vec<_> = (0..=dice.roll(3)).map(|_| object(dice, 0)).collect();
    let damaged_one_in = dice.pick(&[2, 10, 1_000]);
    let count = dice.pick(&[30, 60, 150]);
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        let mut text = String::new();
        let which = if dice.one_in(4) { dice.roll(shapes.len()) } else { 0 };
        let Shape::Object(_) = &shapes[which] else { unreachable!("made by `object`") };
        write_value(dice, &shapes[which], &mut text);
        let mut line = text.into_bytes();
        if dice.one_in(damaged_one_in) {
            damage(dice, &mut line);
        }
        lines.push(line);
    }
    lines
}

fn projection_of(dice: &mut Dice) -> Projection {
    let envelopes = [&[][..], &["event"], &["wrap.event", "event"]];
    let mut projection = Projection::with_envelopes(dice.pick(&envelopes).iter().map(|&it| FieldPath::new(it)).collect());
    for _ in 0..=dice.roll(12) {
        projection.intern(&FieldPath::new(dice.pick(&PATHS))).unwrap();
    }
    projection
}

type Decoded = Option<(Result<(), Reject>, Vec<String>)>;

/// One line decoded on its own.
fn alone(decoder: &mut Decoder, width: usize, line: &[u8]) -> Decoded {
    let mut bytes = line.to_vec();
    bytes.push(b'\n');
    let payload = pad(&mut bytes);
    let bytes = bytes.into_boxed_slice(); // Nothing behind the padding, so that tools see who reads there.
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let mut values = vec![Value::Missing; width];
    let it = decoder.next(&mut lines, &mut values)?;
    let printed = if it.outcome.is_ok() { printed(&values) } else { Vec::new() };
    Some((it.outcome.map(drop), printed))
}

fn printed(values: &[Value<'_>]) -> Vec<String> {
    values.iter().map(|it| format!("{it:?}")).collect()
}

fn check_line(projection: &Projection, line: &[u8], outcome: &Result<&str, Reject>, values: &[Value<'_>]) {
    let context = || String::from_utf8_lossy(line).into_owned();
    let Ok(text) = std::str::from_utf8(line) else {
        assert_eq!(outcome.as_ref().unwrap_err().code, model::RejectCode::NotUtf8, "{}", context());
        return;
    };
    match (oracle::expected(projection, text), outcome) {
        (None, _) => {}
        (Some(Ok(fields)), Ok(object)) => {
            let seen: Vec<Field> = values.iter().map(oracle::seen).collect();
            assert_eq!(seen, fields, "{}", context());
            assert_eq!(*object, text.trim_matches([' ', '\t', '\r']));
        }
        (Some(Err(codes)), Err(reject)) => {
            assert!(codes.contains(&reject.code), "{reject}, expected one of {codes:?}: {}", context());
            assert!(reject.offset <= line.len(), "{reject}: {}", context());
        }
        (Some(expected), _) => panic!("{outcome:?}, expected {expected:?}: {}", context()),
    }
}

fn check_run(seed: u64) {
    let dice = &mut Dice(seed);
    let (projection, written) = (projection_of(dice), lines_of(dice));
    let mut bytes = written.join(&b'\n');
    let payload = pad(&mut bytes);
    let bytes = bytes.into_boxed_slice(); // Nothing behind the padding, so that tools see who reads there.
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let new = || Decoder::new(&projection, Limits::default());
    let (mut decoder, mut plain, mut looking_up) = (new(), new(), new());
    plain.processor = Processor::least();
    looking_up.learned = Learned::nothing_ever();
    for (number, line) in written.iter().enumerate() {
        let Some(expected) = alone(&mut new(), projection.len(), line) else { continue };
        // What a careless decoder would leave standing.
        let mut values = vec![Value::Text("stale"); projection.len()];
        let it = decoder.next(&mut lines, &mut values).unwrap();
        assert_eq!((it.number, it.bytes), (number, &line[..]));
        check_line(&projection, line, &it.outcome, &values);
        let printed = if it.outcome.is_ok() { printed(&values) } else { Vec::new() };
        assert_eq!((it.outcome.map(drop), printed), expected, "learned, {}", String::from_utf8_lossy(line));
        for (name, other) in [("without AVX2", &mut plain), ("by look-up", &mut looking_up)] {
            let again = alone(other, projection.len(), line);
            assert_eq!(again.as_ref(), Some(&expected), "{name}, {}", String::from_utf8_lossy(line));
        }
    }
    assert!(decoder.next(&mut lines, &mut vec![Value::Missing; projection.len()]).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_accepted_and_read_as_by_the_oracle_whatever_came_before(seed in any::<u64>()) {
        check_run(seed);
    }
}
