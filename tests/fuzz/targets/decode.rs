//! Lines: accepted or rejected as by `serde_json`, with the same values, whatever the decoder has learned before.
#![no_main]

#[path = "../../../crates/engine/src/decode/tests/oracle.rs"]
mod oracle;

mod run {
    use super::oracle;
    use engine::decode::{Decoder, Limits, Lines, pad};
    use model::{FieldPath, Projection, Reject, RejectCode, Value};

    const PATHS: [&str; 12] =
        ["a", "a.b", "a.b.c", "b", "b.c", "", "actor.id", "time", "target.id", "é", "requestParameters.name", "x y"];

    /// Some of the paths, as the bits of `choice` say, perhaps with an envelope.
    fn projection(choice: u16) -> Projection {
        let envelopes = if choice & 1 << 15 == 0 { Vec::new() } else { vec![FieldPath::new("event")] };
        let mut projection = Projection::with_envelopes(envelopes);
        for path in PATHS.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1).map(|(_, it)| it) {
            let _ = projection.intern(&FieldPath::new(*path));
        }
        projection
    }

    pub(crate) fn check(data: &[u8]) {
        let Some((choice, block)) = data.split_first_chunk::<2>() else { return };
        let projection = projection(u16::from_le_bytes(*choice));
        let mut bytes = block.to_vec();
        let payload = pad(&mut bytes);
        let bytes = bytes.into_boxed_slice(); // Nothing behind the padding, so that tools see who reads there.
        let mut lines = Lines::new(&bytes, payload).expect("it is padded");
        let mut decoder = Decoder::new(&projection, Limits::default());
        // What a careless decoder would leave standing.
        let mut values = vec![Value::Text("stale"); projection.len()];
        while let Some(line) = decoder.next(&mut lines, &mut values) {
            check_line(&projection, line.bytes, &line.outcome, &values);
        }
    }

    fn check_line(projection: &Projection, line: &[u8], outcome: &Result<&str, Reject>, values: &[Value<'_>]) {
        let shown = String::from_utf8_lossy(line);
        let Ok(text) = std::str::from_utf8(line) else {
            let code = outcome.as_ref().expect_err("it is not UTF-8").code;
            assert_eq!(code, RejectCode::NotUtf8, "{shown}");
            return;
        };
        match (oracle::expected(projection, text), outcome) {
            (None, _) => {}
            (Some(Ok(fields)), Ok(object)) => {
                assert_eq!(values.iter().map(oracle::seen).collect::<Vec<_>>(), fields, "{shown}");
                assert_eq!(*object, text.trim_matches([' ', '\t', '\r']));
            }
            (Some(Err(codes)), Err(reject)) => {
                assert!(codes.contains(&reject.code) && reject.offset <= line.len(), "{reject}: {shown}");
            }
            (Some(expected), outcome) => panic!("{outcome:?}, expected {expected:?}: {shown}"),
        }
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| run::check(data));
