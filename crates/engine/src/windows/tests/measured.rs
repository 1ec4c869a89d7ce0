//! Sums, means, percentiles and sessions against windows that keep everything and look at all of it each time.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// How far hits may come out of order.
const LATENESS_MS: i64 = 60;

/// A window that keeps every hit there ever was; numbers are whole thousandths.
#[derive(Default)]
struct Naive {
    hits: BTreeMap<u64, Vec<(i64, i64)>>,
    ends: BTreeMap<u64, Ends>,
}

impl Naive {
    /// When windows end that are told because of this hit, and what is measured in them, as a fraction of thousandths.
    fn hit(&mut self, hit: (u64, i64, i64), measure: Measure, gap_ms: i64, condition: &[(Compare, i64)]) -> Vec<(i64, i64, i64)> {
        let (group, time_ms, number) = hit;
        let (mine, ends) = (self.hits.entry(group).or_default(), self.ends.entry(group).or_default());
        let first = ends.insert(time_ms);
        mine.insert(first, (time_ms, number));
        let mut figures = Vec::new();
        for end in first..mine.len() {
            let end_ms = mine[end].0;
            if end_ms > time_ms + SPAN_MS || (end > first && end_ms - mine[end - 1].0 > gap_ms) {
                break;
            }
            let mut start = end;
            while start > 0 && mine[start - 1].0 >= end_ms - SPAN_MS && mine[start].0 - mine[start - 1].0 <= gap_ms {
                start -= 1;
            }
            let values: Vec<i64> = mine[start..=end].iter().map(|it| it.1).collect();
            let (numerator, denominator) = figure(measure, &values);
            ends.all[end].1 = condition.iter().all(|&(compare, with)| compare.holds(numerator, with * denominator));
            figures.push((end_ms, numerator, denominator));
        }
        ends.tell(first, first + figures.len() - 1).into_iter().map(|at| figures[at - first]).collect()
    }
}

fn figure(measure: Measure, values: &[i64]) -> (i64, i64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let count = i64::try_from(values.len()).unwrap();
    match measure {
        Measure::Events => (1_000 * count, 1),
        Measure::Distinct => (1_000 * i64::try_from(values.iter().collect::<BTreeSet<_>>().len()).unwrap(), 1),
        Measure::Sum => (values.iter().sum(), 1),
        Measure::Mean => (values.iter().sum(), count),
        Measure::Percentile(percent) => {
            // The smallest value that at least so many percent do not exceed.
            let percent = i64::try_from(percent / 1_000_000_000).unwrap();
            let reaches =
                |it: &&i64| 100 * i64::try_from(values.iter().filter(|other| other <= it).count()).unwrap() >= percent * count;
            (*sorted.iter().find(reaches).unwrap(), 1)
        }
        Measure::Median if sorted.len() % 2 == 1 => (sorted[sorted.len() / 2], 1),
        Measure::Median => (sorted[sorted.len() / 2 - 1] + sorted[sorted.len() / 2], 2),
    }
}

fn measures() -> impl Strategy<Value = Measure> {
    prop_oneof![
        Just(Measure::Events),
        Just(Measure::Distinct),
        Just(Measure::Sum),
        Just(Measure::Mean),
        (0_i128..=100).prop_map(|it| Measure::Percentile(it * 1_000_000_000)),
        Just(Measure::Median),
    ]
}

fn conditions() -> impl Strategy<Value = Vec<(Compare, i64)>> {
    use Compare::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let one = (prop::sample::select(vec![Equal, Less, LessOrEqual, Greater, GreaterOrEqual, NotEqual]), -4_000_i64..8_000);
    prop::collection::vec(one, 1..3)
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn thousandths(number: i64) -> f64 {
    number as f64 / 1_000.0
}

proptest! {
    #[test]
    fn measures_and_sessions_fire_exactly_when_a_window_that_keeps_everything_would(
        measure in measures(),
        gap_ms in prop::option::of(5_i64..60),
        condition in conditions(),
        traffic in prop::collection::vec((-60_i64..70, 0_u64..3, -3_000_i64..5_000), 1..150),
        cut in 0_usize..150,
    ) {
        let thresholds: Vec<(Compare, f64)> = condition.iter().map(|&(compare, with)| (compare, thousandths(with))).collect();
        let window = Measured::new(SPAN, gap_ms, measure, &thresholds, WindowLimits::default());
        let (mut windows, mut naive) = (Windows::of(Window::Measured(Box::new(window))), Naive::default());
        let (mut now_ms, mut watermark_ms) = (1_000, 0);
        for (id, (step_ms, group, number)) in traffic.into_iter().enumerate() {
            let time_ms = now_ms + step_ms;
            now_ms = now_ms.max(time_ms);
            // A late event is nobody's.
            if time_ms < watermark_ms {
                continue;
            }
            watermark_ms = now_ms - LATENESS_MS;
            if id == cut {
                windows = windows.moved();
            }
            // A few values only, where they are told apart.
            let number = if measure == Measure::Distinct { number / 1_000 } else { number };
            let hit = Hit { value: Identity::of_number(Some(thousandths(number))), ..hit(0, time_ms, group, 0, id) };
            let ours = windows.put_all(&hit, EventTime::from_ms(watermark_ms));
            let theirs = naive.hit((group, time_ms, number), measure, gap_ms.unwrap_or(i64::MAX), &condition);
            let ends = ours.iter().map(|it| it.last.ms()).collect::<Vec<_>>();
            prop_assert_eq!(ends, theirs.iter().map(|it| it.0).collect::<Vec<_>>(), "at {} of group {}", time_ms, group);
            for (ours, (_, numerator, denominator)) in ours.iter().zip(theirs) {
                let theirs = thousandths(numerator) / thousandths(denominator) / 1_000.0;
                let value = ours.value.unwrap_or_else(|| thousandths(1_000 * i64::try_from(ours.count).unwrap()));
                prop_assert!((value - theirs).abs() < 1e-9, "{} is not {}", value, theirs);
                prop_assert!(ours.last.ms() - ours.first.ms() <= SPAN_MS);
            }
        }
    }
}

fn measured(gap_ms: Option<i64>, measure: Measure, least: f64) -> Windows {
    let condition = [(Compare::GreaterOrEqual, least)];
    Windows::of(Window::Measured(Box::new(Measured::new(SPAN, gap_ms, measure, &condition, WindowLimits::default()))))
}

#[test]
fn whole_numbers_add_up_exactly_whatever_came_and_went() {
    let mut windows = measured(None, Measure::Sum, 9_007_199_254_740_993.0);
    let put = |windows: &mut Windows, time_ms: i64, number: f64| {
        windows.put(&Hit { value: Identity::of_number(Some(number)), ..hit(0, time_ms, 0, 0, 0) }, EventTime::MIN)
    };
    assert!(put(&mut windows, 0, 1e15).is_none());
    for at in 0..1_000 {
        assert!(put(&mut windows, 200 + at, 0.1).is_none());
    }
    assert!(put(&mut windows, 2_000, 9_007_199_254_740_991.0).is_none());
    assert_eq!(put(&mut windows, 2_001, 2.0).unwrap().value, Some(9_007_199_254_740_992.0 + 1.0));
}

#[test]
fn an_event_without_a_number_does_not_enter_and_is_counted() {
    let mut windows = measured(None, Measure::Mean, 0.0);
    assert!(windows.put(&Hit { value: Identity::of_number(None), ..hit(0, 0, 0, 0, 0) }, EventTime::MIN).is_none());
    assert_eq!((windows.stats().entries, windows.stats().unmeasured), (0, 1));
}

#[test]
fn a_late_event_joins_two_sessions() {
    let mut windows = measured(Some(10), Measure::Events, 4.0);
    for at in [0, 5, 20] {
        assert!(windows.put(&hit(0, at, 0, 0, 0), EventTime::MIN).is_none());
    }
    let fired = windows.put(&hit(0, 12, 0, 0, 0), EventTime::MIN).unwrap();
    assert_eq!((fired.count, fired.first.ms(), fired.last.ms()), (4, 0, 20));
}
