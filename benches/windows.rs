//! Windows: one hit at a time, 20,000 groups, as the correlations of the pack see them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::SmallText;
use engine::windows::{Hit, Identity, WindowLimits, Windows};
use model::EventTime;
use sigma::compile::{CorrelationIndex, RuleSet};
use sigma::lists::Lists;
use sigma::parse::parse_all;

const GROUPS: u64 = 20_000;
const HITS: u64 = 200_000;

/// A base rule and one correlation over it.
fn set(kind: &str, rules: &str, condition: &str) -> RuleSet {
    let base = |name: &str| {
        format!(
            "title: {name}\nname: {name}\nlogsource: {{product: nightjar}}\ndetection: {{a: {{action: {name}}}, condition: a}}\n---\n"
        )
    };
    let text = format!(
        "{}{}{}title: c\nname: c\ncorrelation: {{type: {kind}, rules: [{rules}], group-by: [actor.id], timespan: 10m{condition}}}\n",
        base("a"),
        base("b"),
        base("c0")
    );
    let loaded = parse_all([("bench.yml".to_owned(), text)], &Lists::default());
    assert!(loaded.problems.iter().all(|it| !it.is_error()), "{:?}", loaded.problems);
    RuleSet::new(loaded.documents)
}

/// Hits in event-time order, spread over the groups by a fixed stride; values and steps go round.
fn hits(values: u64, steps: u16) -> Vec<Hit> {
    let hit = |at: u64| {
        let actor = at.wrapping_mul(7_919) % GROUPS;
        Hit {
            correlation: CorrelationIndex(0),
            step: u16::try_from(at / GROUPS % u64::from(steps)).unwrap_or(0),
            time: EventTime::from_ms(i64::try_from(at * 20).unwrap_or(0)),
            group: Identity::of([actor.to_string()]),
            value: Identity::of([(at.wrapping_mul(31) % values).to_string()]),
            event: SmallText::from(format!("e-{at:016x}").as_str()),
            actor: SmallText::default(),
        }
    };
    (0..HITS).map(hit).collect()
}

fn windows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("windows");
    group.throughput(Throughput::Elements(HITS)).sample_size(20);
    let cases = [
        ("event_count_25", set("event_count", "a", ", condition: {gte: 25}"), hits(1, 1)),
        ("value_count_10", set("value_count", "a", ", condition: {field: target.id, gte: 10}"), hits(1_000, 1)),
        ("value_count_10000", set("value_count", "a", ", condition: {field: target.id, gte: 10000}"), hits(1_000_000, 1)),
        ("temporal_ordered_3", set("temporal_ordered", "a, b, c0", ""), hits(1, 3)),
    ];
    for (name, set, hits) in &cases {
        group.bench_function(*name, |bencher| {
            bencher.iter_with_large_drop(|| {
                let mut windows = Windows::new(set, WindowLimits::default());
                let fired = hits.iter().filter(|it| windows.hit(it, it.time).is_some()).count();
                (windows, fired)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);
