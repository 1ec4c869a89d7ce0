//! What alerts come to when the same hits arrive in another order.

use super::*;

/// Hits of one group in the order of their times, of which none are equal, each with how much later it arrives.
fn delayed() -> impl Strategy<Value = Vec<(i64, u64, i64)>> {
    let steps = prop::sample::select(vec![0_i64..40, 0..4, 20..130]);
    let delays = prop::sample::select(vec![0_i64..50, 0..250, 0..900]);
    (steps, delays).prop_flat_map(|(steps, delays)| prop::collection::vec((steps, 0_u64..5, delays), 1..120)).prop_map(|hits| {
        let mut now = 1_000;
        let timed = hits.into_iter().map(|(step, value, delay)| {
            now += step + 1;
            (now, value, delay)
        });
        timed.collect()
    })
}

/// The same in the order of arrival.
fn arrivals(hits: &[(i64, u64, i64)]) -> Vec<(i64, u64)> {
    let mut order = hits.to_vec();
    order.sort_by_key(|(time_ms, _, delay_ms)| time_ms + delay_ms);
    order.into_iter().map(|(time_ms, value, _)| (time_ms, value)).collect()
}

/// Puts hits in as they arrive, later by `lateness_ms` at most, and tells when each alert came: after how many hits, and how many there
/// were then.
fn alerts(windows: &mut Windows, hits: &[(i64, u64)], lateness_ms: i64, is_step: bool) -> Vec<usize> {
    let mut latest_ms = i64::MIN;
    let put = |(id, &(time_ms, value)): (usize, &(i64, u64))| {
        latest_ms = latest_ms.max(time_ms);
        let step = if is_step { u16::try_from(value).unwrap() } else { 0 };
        windows.put_all(&hit(step, time_ms, 0, value, id), EventTime::from_ms(latest_ms - lateness_ms)).len()
    };
    hits.iter().enumerate().map(put).collect()
}

/// Holds the alerts of an order of arrival, `late`, against those of the sorted one, once everything has arrived. The condition is one
/// that further events can't make false.
fn compare(late: &Ends, sorted: &Ends) -> Result<(), TestCaseError> {
    prop_assert_eq!(&late.all, &sorted.all);
    for (end_ms, _) in late.all.iter().filter(|it| it.1) {
        prop_assert!(late.told.iter().any(|it| (end_ms - it).abs() <= SPAN_MS), "nothing is told of {}", end_ms);
    }
    let end = |told_ms: &i64| late.all.iter().rposition(|it| it.0 == *told_ms).unwrap();
    let is_needless = |nth: &usize| {
        let (before, at) = (&late.told[..*nth], late.told[*nth]);
        before.iter().any(|it| (it - at).abs() <= SPAN_MS && !late.is_parted(end(&at), *it))
    };
    let needless = (0..late.told.len()).filter(is_needless).count();
    // A second alert within a timespan is always one of an episode that had ended when it was told. Only where late events fill the gap
    // afterwards is it more than there would have been without delays.
    prop_assert!(needless <= late.again, "{:?} again: {}", late.told, late.again);
    prop_assert!(late.told.len() <= sorted.told.len() + needless, "{:?} instead of {:?}", late.told, sorted.told);
    Ok(())
}

proptest! {
    #[test]
    fn counts_alert_once_per_episode_in_whatever_order_hits_arrive(hits in delayed(), is_distinct in any::<bool>(), least in 1_u64..5) {
        let condition = [(Compare::GreaterOrEqual, least)];
        let run = |hits: &[(i64, u64)]| {
            let (mut naive, mut windows) = (Naive::default(), counted(&condition, is_distinct));
            let told = hits.iter().map(|it| naive.hit(0, it.0, it.1, is_distinct, &condition).len()).collect::<Vec<_>>();
            assert_eq!(alerts(&mut windows, hits, 900, false), told);
            naive.ends.remove(&0).unwrap()
        };
        let sorted: Vec<(i64, u64)> = hits.iter().map(|it| (it.0, it.1)).collect();
        compare(&run(&arrivals(&hits)), &run(&sorted))?;
    }

    #[test]
    fn steps_in_order_alert_once_per_episode_in_whatever_order_they_arrive(hits in delayed()) {
        let hits: Vec<_> = hits.into_iter().map(|(time_ms, value, delay_ms)| (time_ms, value % 3, delay_ms)).collect();
        let run = |hits: &[(i64, u64)]| {
            let mut windows = Windows::of(Window::Chain(Chain::new(SPAN, 3, WindowLimits::default())));
            let mut naive = NaiveSteps::default();
            let told = hits.iter().map(|it| naive.hit(it.0, u16::try_from(it.1).unwrap())).collect::<Vec<_>>();
            assert_eq!(alerts(&mut windows, hits, 900, true), told);
            naive.ends
        };
        let sorted: Vec<(i64, u64)> = hits.iter().map(|it| (it.0, it.1)).collect();
        compare(&run(&arrivals(&hits)), &run(&sorted))?;
    }
}

#[test]
fn an_older_and_a_newer_episode_are_told_apart_while_both_go_on() {
    for is_distinct in [false, true] {
        let mut windows = counted(&[(Compare::GreaterOrEqual, 3)], is_distinct);
        let hits = [300, 301, 302, 100, 101, 102, 303, 104, 304, 105, 305].map(|it: i64| (it * 5, it.unsigned_abs()));
        assert_eq!(alerts(&mut windows, &hits, 2_000, false), [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
    }
}

#[test]
fn a_hit_that_comes_late_may_complete_two_episodes() {
    let mut windows = counted(&[(Compare::GreaterOrEqual, 3)], false);
    let hits = [0, 1, 120, 121, 90].map(|it| (it, 0));
    // 90 is the third after 0 and 1; at 120 there are two within 100 ms, and at 121 three again.
    assert_eq!(alerts(&mut windows, &hits, 500, false), [0, 0, 0, 0, 2]);
}

#[test]
fn an_event_from_the_future_does_not_hide_that_an_episode_ended() {
    for is_distinct in [false, true] {
        for future in [None, Some(10_000_000)] {
            let mut windows = counted(&[(Compare::GreaterOrEqual, 3)], is_distinct);
            future.map(|it| windows.put(&hit(0, it, 0, 9, 0), EventTime::MIN));
            let hits = [0, 1, 90, 115, 120].map(|it: i64| (it, it.unsigned_abs()));
            // At 115 there are two within 100 ms.
            assert_eq!(alerts(&mut windows, &hits, 500_000_000, false), [0, 0, 1, 0, 1], "{future:?}");
        }
    }
}

#[test]
fn episodes_beyond_the_limit_are_forgotten_and_counted() {
    let mut windows = counted(&[(Compare::Equal, 1)], false);
    (0..300).for_each(|it| assert!(windows.put(&hit(0, it * 101, 0, 0, 0), EventTime::MIN).is_some()));
    assert_eq!(windows.stats().entries_thinned, 44);
}
