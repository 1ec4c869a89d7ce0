//! Decoding of real and simulated events gives what a look-up by name in the whole JSON gives, whatever stands on the lines around.

use crate::support::{corpus, files};
use engine::decode::{Decoder, Limits, Lines, pad};
use model::{FieldPath, Projection, RejectCode, Value};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Decodes a block. For each line: its number, and the values as JSON or the code of the rejection.
fn decode(projection: &Projection, text: &[u8]) -> Vec<(usize, Result<Vec<String>, RejectCode>)> {
    let mut bytes = text.to_vec();
    let payload = pad(&mut bytes);
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let mut decoder = Decoder::new(projection, Limits::default());
    let mut values = vec![Value::Missing; projection.len()];
    let mut outcomes = Vec::new();
    while let Some(line) = decoder.next(&mut lines, &mut values) {
        let outcome = line.outcome.map_err(|it| it.code);
        outcomes.push((line.number, outcome.map(|_| values.iter().map(printed).collect())));
    }
    outcomes
}

fn printed(value: &Value<'_>) -> String {
    match value {
        Value::Missing => "missing".to_owned(),
        Value::Within { array, depth } => format!("{depth} {}", serde_json::from_str::<Json>(array).unwrap()),
        other => other.to_json().to_string(),
    }
}

/// The naive twin of the decoder for one field of an event whose keys have no dots.
fn looked_up(event: &Json, path: &FieldPath) -> String {
    let mut at = event;
    let segments: Vec<&str> = path.segments().collect();
    for (depth, segment) in segments.iter().enumerate() {
        if at.is_array() {
            return if reaches(at, &segments[depth..]) { format!("{depth} {at}") } else { "missing".to_owned() };
        }
        let Some(next) = at.get(segment) else { return "missing".to_owned() };
        at = next;
    }
    at.to_string()
}

/// Whether anything stands at the rest of a path, arrays walked through.
fn reaches(json: &Json, rest: &[&str]) -> bool {
    match (json, rest) {
        (_, []) => true,
        (Json::Array(elements), _) => elements.iter().any(|it| reaches(it, rest)),
        (_, [key, below @ ..]) => json.get(key).is_some_and(|it| reaches(it, below)),
    }
}

/// The paths of all values below `value`, arrays walked through.
fn collect_paths(value: &Json, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Json::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| !key.contains('.')) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect_paths(member, &path, paths);
                paths.insert(path);
            }
        }
        Json::Array(elements) => elements.iter().for_each(|it| collect_paths(it, path, paths)),
        _ => {}
    }
}

#[track_caller]
fn check_every_field(name: &str, text: &str) {
    let events: Vec<Json> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let mut paths = BTreeSet::new();
    events.iter().for_each(|it| collect_paths(it, "", &mut paths));
    // All fields at once, and one in three, so that others are passed over.
    for every in [1, 3] {
        let mut projection = Projection::default();
        for path in paths.iter().step_by(every) {
            projection.intern(&FieldPath::new(path.as_str())).unwrap();
        }
        let decoded = decode(&projection, text.as_bytes());
        assert_eq!(decoded.len(), events.len(), "{name}");
        for (event, (number, values)) in events.iter().zip(decoded) {
            let expected: Vec<_> = projection.paths().iter().map(|it| looked_up(event, it)).collect();
            assert_eq!(values, Ok(expected), "{name}, line {number}");
        }
    }
}

#[test]
fn every_field_of_every_real_event_is_read() {
    let Some(folder) = corpus("audit") else { return };
    let mut all = Vec::new();
    for path in files(&folder, "ndjson") {
        let text = std::fs::read_to_string(&path).unwrap();
        check_every_field(&path.display().to_string(), &text);
        all.extend(text.lines().map(str::to_owned));
    }
    // One decoder for all products in turn.
    let mixed: Vec<&str> = (0..7).flat_map(|start| all.iter().skip(start).step_by(7).map(String::as_str)).collect();
    check_every_field("all products", &mixed.join("\n"));
}

#[test]
fn every_field_of_simulated_events_is_read() {
    check_every_field("sim", std::str::from_utf8(&sim::sample_lines(3, 300, 1_000)).unwrap());
}

#[test]
fn a_bad_line_leaves_its_neighbours_as_they_are() {
    let clean = sim::sample_lines(5, 300, 1_000);
    let mut projection = Projection::default();
    for path in ["time", "actor.id", "target.tags", "detail.user_agent", "source.asn", "detail"] {
        projection.intern(&FieldPath::new(path)).unwrap();
    }
    let mut damaged = Vec::new();
    for (number, line) in clean.split(|&it| it == b'\n').enumerate() {
        let mut line = line.to_vec();
        let middle = line.len() / 2;
        match number % 20 {
            3 => line.truncate(middle),
            6 => line[middle] = 0,
            9 => line[middle] = 0xff,
            12 => drop(line.splice(1..1, *b"\"time\":0,")),
            15 => drop(line.splice(1..1, b"[".repeat(1_000))),
            18 => line.push(b'}'),
            _ => {}
        }
        damaged.extend(line);
        damaged.push(b'\n');
    }
    let (before, after) = (decode(&projection, &clean), decode(&projection, &damaged));
    assert_eq!(before.len(), 1_000);
    assert_eq!(after.len(), 1_000);
    for ((number, before), (_, after)) in before.into_iter().zip(after) {
        let expected = match number % 20 {
            3 | 6 | 15 | 18 => Err(RejectCode::NotJson),
            9 => Err(RejectCode::NotUtf8),
            12 => Err(RejectCode::DuplicateKey),
            _ => before,
        };
        assert_eq!(after, expected, "line {number}");
    }
}
