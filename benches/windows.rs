//! Windows: one hit at a time, 20,000 groups, as the correlations of the pack see them.
//!
//! `full` groups hold full windows before the measurement begins: 2 million hits go through 20,000 groups, a hundred each.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::SmallText;
use engine::windows::{Cause, Hit, Identity, WindowLimits, Windows};
use model::EventTime;
use sigma::compile::{CorrelationIndex, RuleIndex, RuleSet};
use sigma::lists::Lists;
use sigma::parse::parse_all;

const GROUPS: u64 = 20_000;
const HITS: u64 = 2_000_000;
const CAUSE: Cause<'static> = Cause { source: 0, rule: RuleIndex(0), below: &[], line: "{}" };

/// A base rule and one correlation over it.
fn set(kind: &str, rules: &str, timespan: &str, condition: &str) -> RuleSet {
    let base = |name: &str| {
        format!(
            "title: {name}\nname: {name}\nlogsource: {{product: nightjar}}\ndetection: {{a: {{action: {name}}}, condition: a}}\n---\n"
        )
    };
    let text = format!(
        "{}{}{}title: c\nname: c\ncorrelation: {{type: {kind}, rules: [{rules}], group-by: [actor.id], timespan: {timespan}{condition}}}\n",
        base("a"),
        base("b"),
        base("c0")
    );
    let loaded = parse_all([("bench.yml".to_owned(), text)], &Lists::default());
    assert!(loaded.problems.iter().all(|it| !it.is_error()), "{:?}", loaded.problems);
    RuleSet::new(loaded.documents)
}

/// What the value of a hit is.
#[derive(Clone, Copy)]
enum Values {
    /// One of so many, going round within each group.
    Of(u64),
    /// A number from 0 to 99.
    Numbers,
}

/// Hits in event-time order, each round over all groups in an order of its own, as no cache could guess it; values and steps go round.
fn hits(groups: u64, values: Values, steps: u16) -> Vec<Hit> {
    // Prime strides that divide no number of groups.
    const STRIDES: [u64; 8] = [7_919, 6_997, 3_571, 9_973, 1_009, 8_117, 4_733, 2_657];
    let hit = |at: u64| {
        let stride = STRIDES[usize::try_from(at / groups % 8).unwrap_or(0)];
        let actor = at.wrapping_mul(stride) % groups;
        let nth = at / groups;
        let value = match values {
            Values::Of(values) => Identity::of([(nth % values).to_string()]),
            Values::Numbers => Identity::of_number(Some(f64::from(u32::try_from(at.wrapping_mul(31) % 100).unwrap_or(0)))),
        };
        Hit {
            correlation: CorrelationIndex(0),
            step: u16::try_from(nth % u64::from(steps)).unwrap_or(0),
            time: EventTime::from_ms(i64::try_from(at * 2).unwrap_or(0)),
            group: Identity::of([actor.to_string()]),
            value,
            event: SmallText::from(format!("e-{at:016x}").as_str()),
            actor: SmallText::default(),
        }
    };
    (0..HITS).map(hit).collect()
}

fn windows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("windows");
    group.throughput(Throughput::Elements(HITS)).sample_size(10);
    // 2 million hits are 4,000 seconds; in 10 minutes a group of 20,000 sees 15 of them, in an hour 90.
    let count = |condition: &str| set("value_count", "a", "1h", condition);
    let few = 200;
    let limits = WindowLimits { entries_max: 3_000_000, ..WindowLimits::default() };
    let cases = [
        ("event_count_10", set("event_count", "a", "10m", ", condition: {gte: 10}"), hits(GROUPS, Values::Of(1), 1)),
        ("event_count_200", set("event_count", "a", "1h", ", condition: {gte: 200}"), hits(GROUPS, Values::Of(1), 1)),
        (
            "value_count_10",
            set("value_count", "a", "10m", ", condition: {field: target.id, gte: 10}"),
            hits(GROUPS, Values::Of(40), 1),
        ),
        ("temporal_ordered_3", set("temporal_ordered", "a, b, c0", "10m", ""), hits(GROUPS, Values::Of(1), 3)),
        ("absent_step", set("temporal_ordered", "a, b", "10m", ", condition: a and not b"), hits(GROUPS, Values::Of(1), 2)),
        ("value_sum", set("value_sum", "a", "1h", ", condition: {field: rows, gt: 1000000}"), hits(GROUPS, Values::Numbers, 1)),
        (
            "value_percentile",
            set("value_percentile", "a", "1h", ", condition: {field: rows, percentile: 95, gt: 1000}"),
            hits(GROUPS, Values::Numbers, 1),
        ),
        // Two hundred groups of 10,000 hits: windows that hold so many distinct values.
        ("distinct_10", count(", condition: {field: target.id, gte: 20000}"), hits(few, Values::Of(10), 1)),
        ("distinct_100", count(", condition: {field: target.id, gte: 20000}"), hits(few, Values::Of(100), 1)),
        ("distinct_1000", count(", condition: {field: target.id, gte: 20000}"), hits(few, Values::Of(1_000), 1)),
        ("distinct_10000", count(", condition: {field: target.id, gte: 20000}"), hits(few, Values::Of(10_000), 1)),
        ("sum_of_10000", set("value_sum", "a", "1h", ", condition: {field: rows, gt: 1000000}"), hits(few, Values::Numbers, 1)),
        (
            "percentile_of_10000",
            set("value_percentile", "a", "1h", ", condition: {field: rows, percentile: 95, gt: 1000}"),
            hits(few, Values::Numbers, 1),
        ),
    ];
    for (name, set, hits) in &cases {
        group.bench_function(*name, |bencher| {
            bencher.iter_with_large_drop(|| {
                let mut windows = Windows::new(set, limits);
                let (mut told, mut alerts) = (Vec::new(), Vec::new());
                let mut fired = 0;
                for hit in hits {
                    let watermark = hit.time.plus_ms(-300_000);
                    windows.hit(hit, &CAUSE, watermark, &mut alerts);
                    fired += alerts.drain(..).count();
                    if windows.due(None).is_some_and(|due| due <= watermark) {
                        windows.settle(0, watermark, &mut told);
                        fired += told.drain(..).count();
                    }
                }
                (windows, fired)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);
