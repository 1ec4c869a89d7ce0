//! Decoding: bytes to projected values, beside `sonic_rs::from_slice` into a borrowed struct of 12 fields on the same bytes.

#[path = "reference.rs"]
mod reference;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine::decode::{Decoder, Limits, Lines, pad};
use model::{FieldPath, Projection, Value};
use std::hint::black_box;

const FIELDS: [&str; 30] = [
    "time",
    "id",
    "actor.id",
    "actor.type",
    "actor.role",
    "action",
    "outcome",
    "tool",
    "target.id",
    "target.type",
    "source.ip",
    "session.id",
    "actor.email",
    "actor.team",
    "actor.tz",
    "actor.shift",
    "target.label",
    "target.tags",
    "source.country",
    "source.asn",
    "source.device_id",
    "source.device_managed",
    "session.auth_method",
    "justification.ticket",
    "justification.reason",
    "detail.reason_code",
    "detail.channel",
    "detail.user_agent",
    "detail.request_id",
    "detail.rows",
];

const EVENTS: usize = 20_000;

/// Blocks of about 256 KiB, as readers hand them over, each with its payload.
type Blocks = Vec<(Vec<u8>, usize)>;

fn blocks(lines: &[u8]) -> Blocks {
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    for line in lines.split_inclusive(|&it| it == b'\n') {
        block.extend_from_slice(line);
        if block.len() >= 256 << 10 {
            let mut full = std::mem::take(&mut block);
            let payload = pad(&mut full);
            blocks.push((full, payload));
        }
    }
    let payload = pad(&mut block);
    blocks.push((block, payload));
    blocks
}

/// The same events with the members of every object in another order, different for each event.
fn reordered(lines: &[u8]) -> Vec<u8> {
    let mut state = 0x5eed_u64;
    let mut roll = move |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % sides
    };
    let mut out = Vec::with_capacity(lines.len());
    for line in lines.split(|&it| it == b'\n').filter(|it| !it.is_empty()) {
        let mut event = serde_json::from_slice(line).expect("sim writes JSON");
        shuffle(&mut event, &mut roll);
        serde_json::to_writer(&mut out, &event).expect("a Vec takes all");
        out.push(b'\n');
    }
    out
}

fn shuffle(value: &mut serde_json::Value, roll: &mut impl FnMut(usize) -> usize) {
    let serde_json::Value::Object(object) = value else { return };
    let mut members: Vec<_> = std::mem::take(object).into_iter().collect();
    for at in (1..members.len()).rev() {
        members.swap(at, roll(at + 1));
    }
    for (key, mut member) in members {
        shuffle(&mut member, roll);
        object.insert(key, member);
    }
}

fn parse_with_sonic(blocks: &Blocks) -> usize {
    blocks.iter().map(|(block, payload)| reference::parse_all(&block[..*payload])).sum()
}

fn decode(decoder: &mut Decoder, fields: usize, blocks: &Blocks) -> usize {
    let mut events = 0;
    for (block, payload) in blocks {
        let mut lines = Lines::new(block, *payload).expect("made by `pad`");
        let mut values = vec![Value::Missing; fields];
        while let Some(line) = decoder.next(&mut lines, &mut values) {
            assert!(line.outcome.is_ok(), "{line:?}");
            black_box(&values);
            events += 1;
        }
    }
    events
}

fn decoder(fields: usize) -> Decoder {
    let mut projection = Projection::default();
    for field in &FIELDS[..fields] {
        projection.intern(&FieldPath::new(*field)).expect("thirty fields have room");
    }
    Decoder::new(&projection, Limits::default())
}

fn bench(criterion: &mut Criterion) {
    let lines = sim::sample_lines(7, 500, EVENTS);
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(30).throughput(Throughput::Elements(EVENTS as u64));
    for (order, blocks) in [("usual", blocks(&lines)), ("mixed", blocks(&reordered(&lines)))] {
        assert_eq!(parse_with_sonic(&blocks), EVENTS);
        group.bench_function(format!("{order}/sonic_12"), |bencher| bencher.iter(|| parse_with_sonic(&blocks)));
        for fields in [12, 30] {
            let mut decoder = decoder(fields);
            assert_eq!(decode(&mut decoder, fields, &blocks), EVENTS);
            let name = format!("{order}/ours_{fields}");
            group.bench_function(name, |bencher| bencher.iter(|| decode(&mut decoder, fields, &blocks)));
        }
    }
    // One line by a decoder that has learned nothing: what a new source costs.
    group.throughput(Throughput::Elements(1));
    let first = blocks(lines.split_inclusive(|&it| it == b'\n').next().expect("there are events"));
    group.bench_function("first_line/ours_30", |bencher| {
        bencher.iter_batched_ref(|| decoder(30), |decoder| decode(decoder, 30, &first), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
