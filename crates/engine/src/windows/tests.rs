//! Windows against naive ones that keep everything and look at all of it each time.

mod measured;
mod order;
mod pattern;

use super::*;
use proptest::prelude::*;
use std::cmp::Ordering;

const SPAN_MS: i64 = 100;
const SPAN: Span = Span { timespan_ms: SPAN_MS, slack_ms: 0 };
const CAUSE: Cause<'static> = Cause { source: 0, rule: RuleIndex(0), below: &[], line: "{}" };

impl Windows {
    /// One window alone.
    fn of(window: Window) -> Self {
        let timed = if matches!(window, Window::Pattern(_)) { vec![(0, 0)] } else { Vec::new() };
        Self { all: vec![window], timed, values_cut: 0 }
    }

    fn put(&mut self, hit: &Hit, watermark: EventTime) -> Option<Fired> {
        let mut fired = self.put_all(hit, watermark);
        assert!(fired.len() <= 1, "one episode at a time: {fired:?}");
        fired.pop()
    }

    fn put_all(&mut self, hit: &Hit, watermark: EventTime) -> Vec<Fired> {
        let mut fired = Vec::new();
        self.hit(hit, &CAUSE, watermark, &mut fired);
        fired
    }

    /// Writes it down and reads it back.
    fn moved(&self) -> Self {
        let mut windows: Self = postcard::from_bytes(&postcard::to_allocvec(self).unwrap()).unwrap();
        windows.reindex();
        windows
    }
}

fn hit(step: u16, time_ms: i64, group: u64, value: u64, id: usize) -> Hit {
    let identity = |it: u64| Identity::of([it.to_string()]);
    Hit {
        correlation: CorrelationIndex(0),
        step,
        time: EventTime::from_ms(time_ms),
        group: identity(group),
        value: identity(value),
        event: SmallText::from(id.to_string().as_str()),
        actor: SmallText::from(format!("a{}", id % 3).as_str()),
    }
}

/// The windows of a group in order, each when it ends and whether the condition holds in it, and those that were told.
#[derive(Debug, Clone, Default)]
struct Ends {
    all: Vec<(i64, bool)>,
    told: Vec<i64>,
    /// How many were told although another within a timespan was.
    again: usize,
}

impl Ends {
    /// Puts in a window that ends with a new hit, behind those of the same time, and tells its number.
    fn insert(&mut self, end_ms: i64) -> usize {
        let at = self.all.partition_point(|it| it.0 <= end_ms);
        self.all.insert(at, (end_ms, false));
        at
    }

    /// Whether the condition is false between a window and one that was told. Windows that end with that one are one with it.
    fn is_parted(&self, at: usize, told_ms: i64) -> bool {
        let between = match told_ms.cmp(&self.all[at].0) {
            Ordering::Less => self.all[..at].iter().filter(|it| told_ms < it.0).collect::<Vec<_>>(),
            Ordering::Equal => Vec::new(),
            Ordering::Greater => self.all[at..].iter().filter(|it| it.0 <= told_ms).collect(),
        };
        between.iter().any(|it| !it.1)
    }

    /// The numbers of the windows from `first` to `last` that are to be told now: those in which the condition holds, unless one of the
    /// same episode was told. An episode is what is within a timespan of a told window without being parted from it.
    fn tell(&mut self, first: usize, last: usize) -> Vec<usize> {
        let mut now = Vec::new();
        for at in (first..=last).filter(|it| self.all[*it].1).collect::<Vec<_>>() {
            let end_ms = self.all[at].0;
            let is_near = |it: &&i64| (end_ms - **it).abs() <= SPAN_MS;
            if self.told.iter().filter(is_near).all(|it| self.is_parted(at, *it)) {
                self.again += usize::from(self.told.iter().any(|it| is_near(&it)));
                self.told.push(end_ms);
                now.push(at);
            }
        }
        now
    }
}

/// A window that keeps every hit there ever was.
#[derive(Default)]
struct Naive {
    /// Time and value, in the order of `ends`.
    hits: std::collections::BTreeMap<u64, Vec<(i64, u64)>>,
    ends: std::collections::BTreeMap<u64, Ends>,
}

impl Naive {
    /// When windows end that are told because of this hit, and what is counted in them: of those that contain it.
    fn hit(&mut self, group: u64, time_ms: i64, value: u64, is_distinct: bool, condition: &[(Compare, u64)]) -> Vec<(i64, u64)> {
        let (mine, ends) = (self.hits.entry(group).or_default(), self.ends.entry(group).or_default());
        let first = ends.insert(time_ms);
        mine.insert(first, (time_ms, value));
        let last = mine.partition_point(|it| it.0 <= time_ms + SPAN_MS) - 1;
        let mut counts = Vec::new();
        for at in first..=last {
            let inside = mine[..=at].iter().filter(|it| it.0 >= mine[at].0 - SPAN_MS);
            let count = if is_distinct {
                inside.map(|it| it.1).collect::<std::collections::BTreeSet<_>>().len() as u64
            } else {
                inside.count() as u64
            };
            ends.all[at].1 = holds(condition, count);
            counts.push(count);
        }
        ends.tell(first, last).into_iter().map(|at| (mine[at].0, counts[at - first])).collect()
    }
}

fn holds(condition: &[(Compare, u64)], count: u64) -> bool {
    condition.iter().all(|&(compare, with)| match compare {
        Compare::Equal => count == with,
        Compare::Less => count < with,
        Compare::LessOrEqual => count <= with,
        Compare::Greater => count > with,
        Compare::GreaterOrEqual => count >= with,
        Compare::NotEqual => count != with,
    })
}

/// Three steps in order, with everything kept.
#[derive(Debug, Clone, Default)]
struct NaiveSteps {
    events: Vec<(i64, u16)>,
    ends: Ends,
}

impl NaiveSteps {
    /// How many windows are told because of this hit: of those that contain it, where there is a chain.
    fn hit(&mut self, time_ms: i64, step: u16) -> usize {
        let first = self.ends.insert(time_ms);
        self.events.insert(first, (time_ms, step));
        let events = &self.events;
        let last = events.partition_point(|it| it.0 <= time_ms + SPAN_MS) - 1;
        for at in first..=last {
            let is = |it: usize, step: u16| events[it].1 == step && events[it].0 >= events[at].0 - SPAN_MS;
            self.ends.all[at].1 = (0..=at).any(|c| is(c, 2) && (0..c).any(|b| is(b, 1) && (0..b).any(|a| is(a, 0))));
        }
        self.ends.tell(first, last).len()
    }
}

fn counted(condition: &[(Compare, u64)], is_distinct: bool) -> Windows {
    Windows::of(Window::Counted(Counted::new(SPAN, condition.to_vec(), is_distinct, WindowLimits::default())))
}

fn compares() -> impl Strategy<Value = Vec<(Compare, u64)>> {
    use Compare::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let one = (prop::sample::select(vec![Equal, Less, LessOrEqual, Greater, GreaterOrEqual, NotEqual]), 1_u64..6);
    prop::collection::vec(one, 1..3)
}

/// Steps forward mostly, a little back sometimes; groups and values from few.
fn traffic() -> impl Strategy<Value = Vec<(i64, u64, u64)>> {
    let steps = prop::sample::select(vec![-30_i64..60, -120..130, 0..3, -3..5]);
    let one = |steps| (steps, 0_u64..3, 0_u64..6);
    steps.prop_flat_map(move |steps| prop::collection::vec(one(steps), 1..400))
}

proptest! {
    #[test]
    fn counts_fire_exactly_when_a_window_that_keeps_everything_would(
        condition in compares(), is_distinct in any::<bool>(), traffic in traffic(), cut in 0_usize..400, lateness_ms in 50_i64..300,
    ) {
        let (mut windows, mut naive) = (counted(&condition, is_distinct), Naive::default());
        let (mut time_ms, mut latest_ms) = (1_000, 1_000);
        for (id, (step_ms, group, value)) in traffic.into_iter().enumerate() {
            // Nothing is later than the watermark lets it be.
            latest_ms = latest_ms.max(time_ms);
            time_ms = (time_ms + step_ms).max(latest_ms - lateness_ms);
            if id == cut {
                windows = windows.moved();
            }
            let ours = windows.put_all(&hit(0, time_ms, group, value, id), EventTime::from_ms(latest_ms - lateness_ms));
            let theirs = naive.hit(group, time_ms, value, is_distinct, &condition);
            let ends = |it: &[Fired]| it.iter().map(|it| it.last.ms()).collect::<Vec<_>>();
            prop_assert_eq!(ends(&ours), theirs.iter().map(|it| it.0).collect::<Vec<_>>(), "at {} of group {}", time_ms, group);
            for (ours, (_, count)) in ours.iter().zip(theirs) {
                prop_assert!(ours.count <= count);
                prop_assert_eq!(ours.events_total, ours.count);
                prop_assert!(ours.last.ms() - ours.first.ms() <= SPAN_MS);
            }
        }
    }

    #[test]
    fn ordered_steps_fire_exactly_when_windows_that_keep_everything_would(
        traffic in prop::collection::vec((-40_i64..60, 0_u64..2, 0_u16..3), 1..150),
        cut in 0_usize..150,
        watermarks in any::<bool>(),
    ) {
        let mut windows = Windows::of(Window::Chain(Chain::new(SPAN, 3, WindowLimits::default())));
        let mut naive = vec![NaiveSteps::default(); 2];
        let (mut time_ms, mut latest_ms) = (1_000, 1_000);
        for (id, (step_ms, group, step)) in traffic.into_iter().enumerate() {
            if id == cut {
                windows = windows.moved();
            }
            // Nothing is later than the watermark lets it be.
            latest_ms = latest_ms.max(time_ms);
            time_ms = (time_ms + step_ms).max(latest_ms - 150);
            let watermark = if watermarks { EventTime::from_ms(latest_ms - 150) } else { EventTime::MIN };
            let fired = windows.put_all(&hit(step, time_ms, group, 0, id), watermark);
            let expected = naive[usize::try_from(group).unwrap()].hit(time_ms, step);
            prop_assert_eq!(fired.len(), expected, "at {}", time_ms);
            for fired in fired {
                prop_assert_eq!((fired.count, fired.events.len()), (3, 3));
                prop_assert!(fired.last.ms() - fired.first.ms() <= SPAN_MS);
            }
        }
    }

    #[test]
    fn a_step_that_comes_late_finds_its_place_whatever_stands_after_it(
        noise in 0_i64..600, of_step in prop::sample::select(vec![0_u16, 2]),
    ) {
        let span = Span { timespan_ms: 100_000, slack_ms: 0 };
        let mut windows = Windows::of(Window::Chain(Chain::new(span, 3, WindowLimits::default())));
        let mut put = |step: u16, time_ms: i64| windows.put(&hit(step, time_ms, 0, 0, 0), EventTime::from_ms(5_000)).is_some();
        prop_assert!(!put(0, 10_000));
        let early = (0..noise).any(|it| put(of_step, 20_000 + it));
        prop_assert!(!early && !put(2, 50_000));
        let (late, again) = (put(1, 11_000), put(1, 12_000));
        prop_assert!(late && !again);
        let evicted = windows.stats().entries_evicted;
        prop_assert_eq!(evicted > 0, noise > 252, "{} went", evicted);
    }

    #[test]
    fn many_events_of_one_step_do_not_push_a_chain_out(noise in prop::collection::vec(0_u16..2, 0..300)) {
        let mut windows = Windows::of(Window::Chain(Chain::new(Span { timespan_ms: 10_000, slack_ms: 0 }, 3, WindowLimits::default())));
        let mut chain: [bool; 2] = [false, false];
        let mut time_ms = 0;
        for (id, step) in [0, 1].into_iter().chain(noise).enumerate() {
            time_ms += 1;
            chain[1] |= step == 1 && chain[0];
            chain[0] |= step == 0;
            windows.put(&hit(step, time_ms, 0, 0, id), EventTime::from_ms(time_ms - 5));
        }
        prop_assert!(windows.stats().entries <= 32, "{:?}", windows.stats());
        prop_assert!(windows.put(&hit(2, time_ms + 1, 0, 0, 0), EventTime::MIN).is_some());
    }
}

#[test]
fn a_hit_from_the_future_neither_hides_nor_joins_the_present() {
    for is_distinct in [false, true] {
        let mut windows = counted(&[(Compare::GreaterOrEqual, 5)], is_distinct);
        windows.put(&hit(0, 10_000_000, 0, 0, 0), EventTime::MIN);
        let fired = (0..5_u64).find_map(|it| windows.put(&hit(0, i64::try_from(it).unwrap(), 0, it, 1), EventTime::MIN)).unwrap();
        assert_eq!((fired.count, fired.last.ms()), (5, 4));
    }
}

#[test]
fn an_episode_is_one_alert_until_its_timespan_has_passed() {
    let mut windows = counted(&[(Compare::GreaterOrEqual, 3)], false);
    let fired: Vec<i64> = (0..60_u16)
        .map(|it| i64::from(it) * 10)
        .filter(|&at| windows.put(&hit(0, at, 0, 0, 0), EventTime::MIN).is_some())
        .collect();
    assert_eq!(fired, [20, 130, 240, 350, 460, 570], "a steady stream above the threshold alerts once per timespan");
}

#[test]
fn the_alert_names_the_latest_events_and_every_actor() {
    let mut windows = counted(&[(Compare::GreaterOrEqual, 4)], false);
    let fired = (0..4).find_map(|it| windows.put(&hit(0, it, 0, 0, usize::try_from(it).unwrap()), EventTime::MIN)).unwrap();
    assert_eq!((fired.count, fired.first.ms(), fired.last.ms()), (4, 0, 3));
    assert_eq!(fired.events, ["0", "1", "2", "3"]);
    assert_eq!(fired.actors, ["a0", "a1", "a2"]);
}

#[test]
fn idle_groups_are_forgotten_and_living_ones_are_not() {
    let mut windows = counted(&[(Compare::GreaterOrEqual, 2)], false);
    windows.put(&hit(0, 0, 9_999, 0, 0), EventTime::MIN);
    for group in 0..500 {
        let now = 1_000 + i64::try_from(group).unwrap();
        windows.put(&hit(0, now, group, 0, 0), EventTime::from_ms(now));
    }
    let stats = windows.stats();
    assert!(stats.groups <= 220, "{stats:?}: about a timespan's worth of groups is alive");
    assert_eq!((stats.groups, stats.groups_evicted), (stats.entries, 0));
    assert!(windows.put(&hit(0, 1_500, 499, 0, 0), EventTime::from_ms(1_500)).is_some());
}

#[test]
fn a_full_table_lets_the_idlest_go_and_counts_it() {
    let limits = WindowLimits { groups_max: 10, entries_max: 1_000 };
    let mut windows = Windows::of(Window::Counted(Counted::new(SPAN, vec![(Compare::GreaterOrEqual, 2)], true, limits)));
    for group in 0..25 {
        windows.put(&hit(0, i64::try_from(group).unwrap(), group, 0, 0), EventTime::MIN);
    }
    let stats = windows.stats();
    assert_eq!((stats.groups, stats.groups_evicted, stats.entries), (10, 15, 10));
    assert!(windows.put(&hit(0, 25, 24, 1, 0), EventTime::MIN).is_some(), "the latest group is still there");
}

#[test]
fn a_full_arena_costs_a_window_its_oldest_entry_and_counts_it() {
    let limits = WindowLimits { groups_max: 10, entries_max: 3 };
    let mut windows = Windows::of(Window::Counted(Counted::new(SPAN, vec![(Compare::GreaterOrEqual, 9)], false, limits)));
    for at in 0..5 {
        windows.put(&hit(0, at, 0, 0, 0), EventTime::MIN);
    }
    assert_eq!((windows.stats().entries, windows.stats().entries_evicted), (3, 2));
}

#[test]
fn a_burst_that_is_over_leaves_room_for_other_groups() {
    let limits = WindowLimits { groups_max: 100_000, entries_max: 20_000 };
    let span = Span { timespan_ms: 86_400_000, slack_ms: 0 };
    let mut windows = Windows::of(Window::Counted(Counted::new(span, vec![(Compare::GreaterOrEqual, 3)], false, limits)));
    let mut now = 0;
    let mut put = |step_ms: i64, group: u64| {
        now += step_ms;
        windows.put(&hit(0, now, group, 0, 0), EventTime::from_ms(now - 300_000)).is_some()
    };
    (0..18_000).for_each(|at| _ = put(5, at % 10));
    (0..20_000).for_each(|at| _ = put(300, at % 10));
    let fired = (0..500).filter(|at| put(100, 1_000 + at / 5)).count();
    assert_eq!((fired, windows.stats().entries_evicted), (100, 0));
    assert!(windows.stats().entries < 4_000, "{:?}", windows.stats());
}

#[test]
fn one_group_keeps_what_late_hits_could_need_up_to_a_limit_and_counts_the_rest() {
    let mut windows = counted(&[(Compare::GreaterOrEqual, 3)], false);
    (0..40_000).for_each(|at| _ = windows.put(&hit(0, at / 4, 0, 0, 0), EventTime::from_ms(-1_000)));
    let stats = windows.stats();
    assert!(stats.entries <= 8_000 && stats.entries_evicted == 0, "{stats:?}");
    assert_eq!(stats.entries as u64 + stats.entries_thinned, 40_000);
}

#[test]
fn what_waited_below_finds_the_entries_of_its_time() {
    let span = Span { timespan_ms: 60_000, slack_ms: 3_600_001 };
    let condition = vec![(Compare::GreaterOrEqual, 5)];
    let mut windows = Windows::of(Window::Counted(Counted::new(span, condition, false, WindowLimits::default())));
    let mut put = |time_ms, watermark| windows.put(&hit(0, time_ms, 0, 0, 0), watermark).map(|it| it.count);
    (0..4).for_each(|at| _ = put(at * 1_000, EventTime::MIN));
    for time_ms in (100_000..2_500_000).step_by(61_000) {
        put(time_ms, EventTime::from_ms(time_ms - 300_000));
    }
    assert_eq!(put(4_000, EventTime::from_ms(3_604_002)), Some(5));
}

#[test]
fn an_event_from_the_future_leaves_the_others_to_be_counted_as_without_it() {
    for is_distinct in [false, true] {
        let span = Span { timespan_ms: 3_600_000, slack_ms: 0 };
        let condition = vec![(Compare::GreaterOrEqual, 60)];
        let run = |future: Option<u64>| {
            let limits = WindowLimits::default();
            let mut windows = Windows::of(Window::Counted(Counted::new(span, condition.clone(), is_distinct, limits)));
            future.map(|value| windows.put(&hit(0, 72_000_000, 0, value, 0), EventTime::MIN));
            let fired = |at: i64| windows.put(&hit(0, at * 900, 0, u64::try_from(at * at % 211).unwrap(), 0), EventTime::MIN);
            (0..3_000).map(fired).map(|it| it.map(|it| (it.count, it.first, it.last))).collect::<Vec<_>>()
        };
        assert_eq!(run(None).iter().flatten().count(), 1);
        assert_eq!((run(Some(7)), run(Some(1))), (run(None), run(None)));
    }
}
