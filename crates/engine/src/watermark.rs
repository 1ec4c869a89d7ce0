//! The watermark: the event time before which nothing more is expected from an input.

use model::EventTime;
use serde::{Deserialize, Serialize};

/// Tracks the latest event time of an input that is nearly in order, and is not led astray by single events from the future.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    latest_ms: Option<i64>,
    lateness_ms: i64,
    /// The earliest of the events far ahead that came in a row, and how many.
    ahead_ms: i64,
    ahead_count: u32,
}

/// An event further ahead of the latest one than this is believed only when others follow it: 6 hours.
pub const JUMP_MS: i64 = 6 * 3_600_000;
/// How many events in a row have to be far ahead before they are believed.
pub const JUMP_CONFIRMATIONS: u32 = 16;
/// How far out of order events may come by default: 5 minutes.
pub const LATENESS_MS: i64 = 5 * 60_000;

impl Default for Watermark {
    fn default() -> Self {
        Self::new(LATENESS_MS)
    }
}

impl Watermark {
    /// A watermark that trails the latest event by `lateness_ms`.
    pub fn new(lateness_ms: i64) -> Self {
        Self { latest_ms: None, lateness_ms, ahead_ms: i64::MAX, ahead_count: 0 }
    }

    /// Takes note of an event and tells whether it is late: before the watermark as it stood.
    pub fn observe(&mut self, time: EventTime) -> bool {
        let time_ms = time.ms();
        let Some(latest_ms) = self.latest_ms else {
            self.latest_ms = Some(time_ms);
            return false;
        };
        if time_ms <= latest_ms.saturating_add(JUMP_MS) {
            self.latest_ms = Some(latest_ms.max(time_ms));
            (self.ahead_ms, self.ahead_count) = (i64::MAX, 0);
            return time_ms < latest_ms.saturating_sub(self.lateness_ms);
        }
        self.ahead_ms = self.ahead_ms.min(time_ms);
        self.ahead_count += 1;
        if self.ahead_count >= JUMP_CONFIRMATIONS {
            self.latest_ms = Some(self.ahead_ms);
            (self.ahead_ms, self.ahead_count) = (i64::MAX, 0);
        }
        false
    }

    /// The time before which nothing more is expected; [`EventTime::MIN`] before the first event.
    pub fn time(&self) -> EventTime {
        self.latest_ms.map_or(EventTime::MIN, |it| EventTime::from_ms(it.saturating_sub(self.lateness_ms)))
    }

    /// The latest believed event time.
    pub fn latest(&self) -> Option<EventTime> {
        self.latest_ms.map(EventTime::from_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[track_caller]
    fn check(hours: &[i64], latest: i64) {
        let mut watermark = Watermark::new(0);
        hours.iter().for_each(|&it| {
            watermark.observe(EventTime::from_ms(it * HOUR));
        });
        assert_eq!(watermark.latest(), Some(EventTime::from_ms(latest * HOUR)));
    }

    #[test]
    fn one_event_from_the_future_moves_nothing() {
        check(&[1, 2, 600_000, 3], 3);
    }

    #[test]
    fn repeated_events_from_the_future_move_nothing_while_the_present_goes_on() {
        let hours: Vec<i64> = (0..40).map(|it| if it % 2 == 0 { 5 } else { 600_000 + it }).collect();
        check(&hours, 5);
    }

    #[test]
    fn a_long_silence_is_believed_once_it_is_over() {
        let mut hours = vec![1];
        hours.extend([100; JUMP_CONFIRMATIONS as usize]);
        check(&hours, 100);
    }

    #[test]
    fn an_event_is_late_only_beyond_the_allowed_lateness() {
        let mut watermark = Watermark::new(HOUR);
        assert!(!watermark.observe(EventTime::from_ms(3 * HOUR)));
        assert!(!watermark.observe(EventTime::from_ms(2 * HOUR)));
        assert!(watermark.observe(EventTime::from_ms(2 * HOUR - 1)));
    }
}
