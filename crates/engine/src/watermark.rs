//! The watermark: the event time before which nothing more is expected from an input.

use crate::shard::Place;
use model::EventTime;
use serde::{Deserialize, Serialize};

/// How many of the latest arrivals are looked at.
const ARRIVALS: usize = 64;
/// Which of them, from the earliest, tells the time: events from the future have to be three quarters of all before they are believed.
const RANK: usize = ARRIVALS / 4;
/// Events between two looks.
const LOOK_EVERY: usize = 16;

/// Follows the event time of an input that is nearly in order. The time is the lower quartile of the latest arrivals, so that a few
/// events from the future, or with a clock that is fast, move nothing, wherever they stand; and it may go back, so that nothing that
/// once misled it does so for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    arrivals_ms: Vec<i64>,
    next: usize,
    time_ms: Option<i64>,
    lateness_ms: i64,
    reached_ms: i64,
}

/// A place in the input at which the watermark became higher than it ever was: what waits for it is decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The number of the event.
    pub position: u64,
    /// The watermark after it, the highest so far.
    pub reached: EventTime,
}

impl Tick {
    /// The first of `ticks`, which are in order, that is not before `due`.
    pub fn first_at(ticks: &[Self], due: EventTime) -> Option<Self> {
        ticks.get(ticks.partition_point(|it| it.reached < due)).copied()
    }

    /// The place of the event, as far as windows are concerned.
    pub(crate) fn place(self) -> Place {
        Place { position: self.position, watermark: self.reached, reached: self.reached, is_late: false }
    }
}

/// How far out of order events may come by default: 5 minutes.
pub const LATENESS_MS: i64 = 5 * 60_000;

impl Default for Watermark {
    fn default() -> Self {
        Self::new(LATENESS_MS)
    }
}

impl Watermark {
    /// A watermark that trails the input's time by `lateness_ms`.
    pub fn new(lateness_ms: i64) -> Self {
        Self { arrivals_ms: Vec::with_capacity(ARRIVALS), next: 0, time_ms: None, lateness_ms, reached_ms: i64::MIN }
    }

    /// The same with another allowed lateness.
    #[must_use]
    pub fn with_lateness(self, lateness_ms: i64) -> Self {
        Self { lateness_ms, ..self }
    }

    /// Takes note of an event and tells whether it is late: before the watermark as it stood.
    pub fn observe(&mut self, time: EventTime) -> bool {
        let is_late = time < self.time();
        if self.arrivals_ms.len() < ARRIVALS {
            self.arrivals_ms.push(time.ms());
        } else {
            self.arrivals_ms[self.next] = time.ms();
        }
        self.next = (self.next + 1) % ARRIVALS;
        if self.arrivals_ms.len() == ARRIVALS && self.next.is_multiple_of(LOOK_EVERY) {
            self.time_ms = Some(self.quartile());
            self.reached_ms = self.reached_ms.max(self.time().ms());
        }
        is_late
    }

    /// The lower quartile of the arrivals.
    fn quartile(&self) -> i64 {
        // In an input that is in order it stands where so many older ones are before it.
        let likely = self.arrivals_ms[(self.next + RANK) % ARRIVALS];
        let before = self.arrivals_ms.iter().filter(|it| **it < likely).count();
        let until = self.arrivals_ms.iter().filter(|it| **it <= likely).count();
        if before <= RANK && until > RANK {
            return likely;
        }
        let mut sorted = [0; ARRIVALS];
        sorted.copy_from_slice(&self.arrivals_ms);
        *sorted.select_nth_unstable(RANK).1
    }

    /// The time before which nothing more is expected; [`EventTime::MIN`] until there were enough events to tell.
    pub fn time(&self) -> EventTime {
        self.time_ms.map_or(EventTime::MIN, |it| EventTime::from_ms(it.saturating_sub(self.lateness_ms)))
    }

    /// The latest that [`Self::time`] ever was. What is decided stays decided, even when the watermark goes back.
    pub fn reached(&self) -> EventTime {
        if self.reached_ms == i64::MIN { EventTime::MIN } else { EventTime::from_ms(self.reached_ms) }
    }

    /// Goes `ms` milliseconds beyond the latest event of late, as if nothing came for so long, and tells how high it has been then.
    pub fn skip(&mut self, ms: i64) -> EventTime {
        let latest = self.arrivals_ms.iter().max().copied();
        self.reached_ms = self.reached_ms.max(latest.map_or(i64::MIN, |it| it.saturating_add(ms)));
        self.reached()
    }

    /// The input's time, without the allowed lateness.
    pub fn latest(&self) -> Option<EventTime> {
        self.time_ms.map(EventTime::from_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;

    /// A hundred events, a second apart, with others at some places; how many of the hundred are late.
    fn late_among_honest(others: &[(usize, i64)]) -> usize {
        let mut watermark = Watermark::default();
        let mut late = 0;
        for at in 0..1_000 {
            for (_, ahead_ms) in others.iter().filter(|(it, _)| *it == at) {
                watermark.observe(EventTime::from_ms(1_000 * i64::try_from(at).unwrap() + ahead_ms));
            }
            late += usize::from(watermark.observe(EventTime::from_ms(1_000 * i64::try_from(at).unwrap())));
        }
        late
    }

    #[test]
    fn one_event_from_the_future_makes_nobody_late_wherever_it_stands() {
        for ahead in [6, 30, 361, 600_000, 3_000_000] {
            for at in [0, 1, 15, 16, 63, 64, 500] {
                assert_eq!(late_among_honest(&[(at, ahead * MINUTE)]), 0, "{ahead} minutes ahead at {at}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_fast_makes_nobody_else_late() {
        let others: Vec<(usize, i64)> = (0..1_000).map(|it| (it, 9 * MINUTE)).collect();
        assert_eq!(late_among_honest(&others), 0);
    }

    #[test]
    fn what_once_misled_it_does_not_do_so_for_ever() {
        let mut watermark = Watermark::default();
        (0..200).for_each(|_| {
            watermark.observe(EventTime::from_ms(1_000 * 60 * MINUTE));
        });
        let late = (0..1_000).filter(|it| watermark.observe(EventTime::from_ms(it * 1_000))).count();
        assert!(late <= 64, "{late} events were late");
    }

    #[test]
    fn an_event_older_than_the_allowed_lateness_is_late() {
        let mut watermark = Watermark::default();
        (0..200).for_each(|it| {
            assert!(!watermark.observe(EventTime::from_ms(it * MINUTE)));
        });
        assert!(watermark.observe(EventTime::from_ms(100 * MINUTE)));
        assert!(!watermark.observe(EventTime::from_ms(199 * MINUTE)));
    }

    proptest! {
        #[test]
        fn the_quartile_is_that_of_all_arrivals_in_whatever_order(times in prop::collection::vec(0_i64..50, 64..200), is_sorted: bool) {
            let mut times = times;
            if is_sorted {
                times.sort_unstable();
            }
            let mut watermark = Watermark::default();
            for (at, &ms) in times.iter().enumerate() {
                watermark.observe(EventTime::from_ms(ms));
                if (at + 1) % LOOK_EVERY == 0 && at + 1 >= ARRIVALS {
                    let mut sorted = times[at + 1 - ARRIVALS..=at].to_vec();
                    sorted.sort_unstable();
                    prop_assert_eq!(watermark.latest(), Some(EventTime::from_ms(sorted[RANK])));
                }
            }
        }

        #[test]
        fn no_event_within_the_allowed_lateness_is_late(delays in prop::collection::vec(0..LATENESS_MS, 100..400)) {
            let mut watermark = Watermark::default();
            for (at, delay_ms) in delays.into_iter().enumerate() {
                let now = i64::try_from(at).unwrap() * 1_000;
                prop_assert!(!watermark.observe(EventTime::from_ms(now - delay_ms)));
            }
        }
    }
}
