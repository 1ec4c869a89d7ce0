//! Scoring: bytes to verdicts, with sets of rules of several sizes, beside the typed parse that the figures are compared with.

#[path = "reference.rs"]
mod reference;
#[path = "rules.rs"]
mod rules;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine::decode::{Lines, pad};
use engine::{Emitted, Pipeline, Plausible, Rulebook, Settings};
use model::EventTime;
use std::hint::black_box;

const EVENTS: usize = 20_000;
const ACTORS: u32 = 2_000;

fn pipeline(book: &Rulebook) -> Pipeline {
    let latest = EventTime::parse("2100-01-01T00:00:00Z").expect("a time");
    Pipeline::new(book.clone(), 0, &Settings::new(Plausible::until(latest)))
}

fn score_all(pipeline: &mut Pipeline, padded: &[u8], payload: usize) -> Vec<Emitted> {
    let mut alerts = Vec::new();
    let mut lines = Lines::new(padded, payload).expect("the block is padded");
    pipeline.score(&mut lines, &mut alerts, |record| panic!("{:?}", record.outcome));
    alerts
}

fn score(criterion: &mut Criterion) {
    // The caches are warmed by other events than the measured ones: the second half of one simulation.
    let text = sim::sample_lines(1, ACTORS, 2 * EVENTS);
    let middle = text.iter().enumerate().filter(|(_, it)| **it == b'\n').nth(EVENTS - 1).map_or(0, |(at, _)| at + 1);
    let (mut warm, mut block) = (text[..middle].to_vec(), text[middle..].to_vec());
    let (warm_payload, payload) = (pad(&mut warm), pad(&mut block));

    let mut group = criterion.benchmark_group("score");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(20);
    group.bench_function("sonic_rs_typed_12", |bencher| bencher.iter(|| black_box(reference::parse_all(&block[..payload]))));
    let books = [
        ("rules_0", rules::generated(0)),
        ("rules_10", rules::generated(10)),
        ("rules_100", rules::generated(100)),
        ("rules_1000", rules::generated(1_000)),
        ("rules_3000", rules::generated(3_000)),
        ("pack", rules::pack()),
    ];
    for (name, book) in &books {
        let warmed = || {
            let mut pipeline = pipeline(book);
            score_all(&mut pipeline, &warm, warm_payload);
            pipeline
        };
        group.bench_function(*name, |bencher| {
            let measured = |mut pipeline: Pipeline| {
                let alerts = score_all(&mut pipeline, &block, payload);
                (pipeline, alerts)
            };
            bencher.iter_batched(warmed, measured, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, score);
criterion_main!(benches);
