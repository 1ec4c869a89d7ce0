//! What the figures are compared with: `sonic_rs::from_slice` into a borrowed struct of twelve fields, line by line.

use serde::Deserialize;

/// Twelve fields of the native event: `time id actor.id actor.type actor.role action outcome tool target.id target.type source.ip session.id`.
#[expect(dead_code, reason = "read by nobody; filling them is the work")]
#[derive(Debug, Deserialize)]
struct Borrowed12<'a> {
    time: &'a str,
    id: Option<&'a str>,
    #[serde(borrow)]
    actor: Actor<'a>,
    action: &'a str,
    outcome: Option<&'a str>,
    tool: Option<&'a str>,
    #[serde(borrow)]
    target: Option<Target<'a>>,
    #[serde(borrow)]
    source: Option<Source<'a>>,
    #[serde(borrow)]
    session: Option<Session<'a>>,
}

#[expect(dead_code, reason = "as above")]
#[derive(Debug, Deserialize)]
struct Actor<'a> {
    id: &'a str,
    r#type: Option<&'a str>,
    role: Option<&'a str>,
}

#[expect(dead_code, reason = "as above")]
#[derive(Debug, Deserialize)]
struct Target<'a> {
    id: Option<&'a str>,
    r#type: Option<&'a str>,
}

#[expect(dead_code, reason = "as above")]
#[derive(Debug, Deserialize)]
struct Source<'a> {
    ip: Option<&'a str>,
}

#[expect(dead_code, reason = "as above")]
#[derive(Debug, Deserialize)]
struct Session<'a> {
    id: Option<&'a str>,
}

/// Parses every line and returns how many there were.
pub(crate) fn parse_all(lines: &[u8]) -> usize {
    let mut parsed = 0;
    for line in lines.split(|it| *it == b'\n').filter(|it| !it.is_empty()) {
        let event: Borrowed12<'_> = sonic_rs::from_slice(line).expect("simulated events parse");
        std::hint::black_box(&event);
        parsed += 1;
    }
    parsed
}
