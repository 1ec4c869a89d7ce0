//! Conditions over rule names against a search through all sets of events.

use super::*;
use sigma::ast::Alternative;
use std::collections::{BTreeMap, BTreeSet};

const LATENESS_MS: i64 = 50;

/// Keeps every event, and looks at every set of them each time.
struct Naive {
    alternatives: Vec<Alternative>,
    is_ordered: bool,
    /// Group, time, step; the index is what an event is known by.
    events: Vec<(u64, i64, u16)>,
    decided: BTreeSet<(usize, usize)>,
    alerted: BTreeMap<u64, Vec<i64>>,
}

/// An alternative that holds for an anchor, unless something speaks against it.
struct Found {
    due_ms: i64,
    /// Where the anchor stands among the events of its group in order.
    place: usize,
    alternative: usize,
    anchor: usize,
    is_spoken_against: bool,
}

impl Naive {
    /// The anchors that are alerted when the watermark has been as high as `reached_ms`.
    fn settle(&mut self, reached_ms: i64) -> Vec<usize> {
        let mut told = Vec::new();
        for group in 0..3 {
            let mut ordered: Vec<usize> = (0..self.events.len()).filter(|&it| self.events[it].0 == group).collect();
            ordered.sort_by_key(|&it| self.events[it].1);
            let mut found = Vec::new();
            for (number, alternative) in self.alternatives.iter().enumerate() {
                for place in 0..ordered.len() {
                    found.extend(self.look(&ordered, place, number, alternative));
                }
            }
            found.retain(|it| it.due_ms <= reached_ms && !self.decided.contains(&(it.anchor, it.alternative)));
            found.sort_by_key(|it| (it.due_ms, it.place, it.alternative));
            for Found { anchor, alternative, is_spoken_against, .. } in found {
                self.decided.insert((anchor, alternative));
                let anchor_ms = self.events[anchor].1;
                let alerted = self.alerted.entry(group).or_default();
                let is_told = alerted.iter().any(|it| (anchor_ms - it).abs() <= SPAN_MS);
                if !is_spoken_against && !is_told {
                    alerted.push(anchor_ms);
                    told.push(anchor);
                }
            }
        }
        told
    }

    fn look(&self, ordered: &[usize], place: usize, number: usize, alternative: &Alternative) -> Option<Found> {
        let event = |at: usize| self.events[ordered[at]];
        let Alternative { present, absent } = alternative;
        let is_absent = |at: usize, wanted: &dyn Fn(u16) -> bool| absent.contains(&event(at).2) && wanted(event(at).2);
        let anchor_ms = event(place).1;
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for step in present {
            let fits = |at: &usize| event(*at).2 == *step && event(*at).1 >= anchor_ms - SPAN_MS;
            let next: Vec<usize> = (0..=place).filter(fits).collect();
            sets = sets.iter().flat_map(|set| next.iter().map(|at| [set.as_slice(), &[*at]].concat())).collect();
        }
        sets.retain(|set| set.contains(&place));
        if self.is_ordered {
            sets.retain(|set| {
                let is_clean = |pair: (usize, usize)| {
                    let (left, right) = (event(pair.0).2, event(pair.1).2);
                    !(pair.0 + 1..pair.1).any(|at| is_absent(at, &|step| left < step && step < right))
                };
                set.last() == Some(&place) && set.is_sorted() && set.windows(2).all(|it| is_clean((it[0], it[1])))
            });
        }
        let set = sets.into_iter().max_by_key(|set| *set.iter().min().unwrap())?;
        let first = *set.iter().min().unwrap();
        let first_ms = event(first).1;
        let (low, high) = (present[0], *present.last().unwrap());
        let is_trailing = if self.is_ordered { absent.iter().any(|it| *it > high) } else { !absent.is_empty() };
        let due_ms = match (absent.is_empty(), is_trailing) {
            (true, _) => i64::MIN,
            (_, true) => first_ms + SPAN_MS + 1,
            _ => anchor_ms + 1,
        };
        let is_near = |at: usize| event(at).1 >= anchor_ms - SPAN_MS && event(at).1 <= first_ms + SPAN_MS;
        let is_spoken_against = (0..ordered.len()).filter(|at| is_near(*at)).any(|at| {
            if self.is_ordered {
                (at < first && is_absent(at, &|step| step < low)) || (at > place && is_absent(at, &|step| step > high))
            } else {
                is_absent(at, &|_| true)
            }
        });
        Some(Found { due_ms, place, alternative: number, anchor: ordered[place], is_spoken_against })
    }
}

/// Three or four steps, each wanted, unwanted or of no interest, at least one wanted.
fn alternatives() -> impl Strategy<Value = Vec<Alternative>> {
    let one = prop::collection::vec(0_u8..3, 3..5).prop_filter_map("something has to happen", |roles| {
        let of = |role: u8| (0_u16..).zip(&roles).filter(|(_, it)| **it == role).map(|it| it.0).collect::<Vec<u16>>();
        let (present, absent) = (of(0), of(1));
        (!present.is_empty()).then_some(Alternative { present, absent })
    });
    prop::collection::vec(one, 1..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn patterns_fire_exactly_when_a_search_through_all_events_says_so(
        alternatives in alternatives(),
        is_ordered in any::<bool>(),
        traffic in prop::collection::vec((-50_i64..60, 0_u64..3, 0_u16..4), 1..60),
        cut in 0_usize..60,
    ) {
        let window = Pattern::new(SPAN, &alternatives, is_ordered, WindowLimits::default());
        let mut windows = Windows::of(Window::Pattern(Box::new(window)));
        let (events, decided, alerted) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        let mut naive = Naive { alternatives, is_ordered, events, decided, alerted };
        let (mut now_ms, mut reached_ms) = (1_000, 0);
        for (id, (step_ms, group, step)) in traffic.into_iter().enumerate() {
            let time_ms = now_ms + step_ms;
            now_ms = now_ms.max(time_ms);
            if id == cut {
                windows = windows.moved();
            }
            if time_ms >= reached_ms {
                windows.put(&hit(step, time_ms, group, 0, naive.events.len()), EventTime::from_ms(reached_ms));
                naive.events.push((group, time_ms, step));
            }
            reached_ms = now_ms - LATENESS_MS;
            let mut told = Vec::new();
            windows.settle(0, EventTime::from_ms(reached_ms), &mut told);
            let mut ours: Vec<usize> = told.iter().map(|(_, fired, _)| fired.events.last().unwrap().parse().unwrap()).collect();
            let mut theirs = naive.settle(reached_ms);
            ours.sort_unstable();
            theirs.sort_unstable();
            prop_assert_eq!(ours, theirs, "when the watermark is {}", reached_ms);
        }
    }
}

fn pattern(present: &[u16], absent: &[u16], is_ordered: bool, limits: WindowLimits) -> Windows {
    let alternative = Alternative { present: present.to_vec(), absent: absent.to_vec() };
    Windows::of(Window::Pattern(Box::new(Pattern::new(SPAN, &[alternative], is_ordered, limits))))
}

fn settle(windows: &mut Windows, reached_ms: i64) -> Vec<(i64, i64)> {
    let mut told = Vec::new();
    windows.settle(0, EventTime::from_ms(reached_ms), &mut told);
    told.into_iter().map(|(_, fired, kept)| (fired.last.ms(), kept.time_ms)).collect()
}

#[test]
fn what_did_not_happen_is_told_when_nothing_can_come_any_more() {
    let mut windows = pattern(&[0], &[1], true, WindowLimits::default());
    windows.put(&hit(0, 1_000, 0, 0, 0), EventTime::MIN);
    windows.put(&hit(0, 1_000, 1, 0, 1), EventTime::MIN);
    windows.put(&hit(1, 1_100, 1, 0, 2), EventTime::MIN);
    assert_eq!(windows.due(None), Some(EventTime::from_ms(1_101)));
    assert_eq!(settle(&mut windows, 1_100), [], "an event at the very end of the timespan may still come");
    assert_eq!(settle(&mut windows, 1_101), [(1_000, 1_000)]);
    assert_eq!(windows.due(None), None);
}

#[test]
fn a_crowded_group_stays_bounded_and_counts_what_it_lost() {
    let mut windows = pattern(&[0], &[1], true, WindowLimits::default());
    for at in 0..1_000 {
        windows.put(&hit(0, at / 20, 0, 0, 0), EventTime::MIN);
    }
    let stats = windows.stats();
    assert!(stats.entries <= 256 && stats.entries_evicted >= 744, "{stats:?}");
    assert_eq!(settle(&mut windows, 1_000), [(0, 0)], "the episode is told all the same");
}

#[test]
fn groups_that_had_to_go_take_their_timers_along() {
    let limits = WindowLimits { groups_max: 10, entries_max: 1_000 };
    let mut windows = pattern(&[0], &[1], true, limits);
    for group in 0..25 {
        windows.put(&hit(0, i64::try_from(group).unwrap(), group, 0, 0), EventTime::MIN);
    }
    assert_eq!((windows.stats().groups, windows.stats().groups_evicted), (10, 15));
    assert_eq!(settle(&mut windows, 1_000).len(), 10);
}
