//! How many events a minute are usual, by the hour of the week on the clocks of the source.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Hours of a week.
pub(super) const SLOTS: usize = 168;
/// A week weighs at least so much, so that what changes for good is known after some weeks.
const WEIGHT_MIN: f64 = 0.2;

/// The hour of the week that begins, or goes on, at hour number `hour` since the epoch; Monday 00:00 is 0.
pub(super) fn slot_of(hour: i64, zone: &TimeZone) -> usize {
    let utc = usize::try_from((hour + 3 * 24).rem_euclid(168)).unwrap_or(0);
    let Ok(instant) = Timestamp::from_second(hour.saturating_mul(3_600)) else { return utc };
    let local = zone.to_datetime(instant);
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
    day * 24 + usize::try_from(local.hour()).unwrap_or(0)
}

/// The mean of each hour of the week over the weeks, of which the latest weigh a fifth each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Week(Vec<Hour>);

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Hour {
    /// Events a minute.
    rate: f32,
    /// In how many weeks it was seen.
    weeks: u8,
}

impl Default for Week {
    fn default() -> Self {
        Self(vec![Hour::default(); SLOTS])
    }
}

impl Week {
    /// Events a minute; nothing of an hour that was never seen.
    pub(super) fn usual(&self, slot: usize) -> Option<f64> {
        self.0.get(slot).filter(|it| it.weeks > 0).map(|it| f64::from(it.rate))
    }

    /// What is to be expected at least: the least of the hour, the one before and the one after. Clocks that are put forward or back, in
    /// whatever zone the people are, and a day that begins late, miss nothing by this measure.
    pub(super) fn least(&self, slot: usize) -> f64 {
        let near = [slot + SLOTS - 1, slot, slot + 1].map(|it| self.usual(it % SLOTS));
        near.into_iter().fold(f64::INFINITY, |least, it| least.min(it.unwrap_or(0.0)))
    }

    /// So many times as many are usual from now on.
    pub(super) fn rescale(&mut self, factor: f64) {
        for hour in &mut self.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a rate needs no more digits")]
            let rate = (f64::from(hour.rate) * factor) as f32;
            hour.rate = rate;
        }
    }

    /// Learns that an hour had `count` events.
    pub(super) fn learn(&mut self, slot: usize, count: f64) {
        let Some(hour) = self.0.get_mut(slot) else { return };
        hour.weeks = hour.weeks.saturating_add(1);
        hour.draw(count, (1.0 / f64::from(hour.weeks)).max(WEIGHT_MIN));
    }

    /// The same of an hour in which something was wrong, slowly: what stays wrong for months is usual in the end.
    pub(super) fn heed(&mut self, slot: usize, count: f64) {
        if let Some(hour) = self.0.get_mut(slot).filter(|it| it.weeks > 0) {
            hour.draw(count, WEIGHT_MIN / 2.0);
        }
    }
}

impl Hour {
    fn draw(&mut self, count: f64, weight: f64) {
        let rate = f64::from(self.rate);
        #[expect(clippy::cast_possible_truncation, reason = "a rate needs no more digits")]
        let next = (rate + (count / 60.0 - rate) * weight) as f32;
        self.rate = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour_of(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second().div_euclid(3_600)
    }

    #[test]
    fn hours_are_those_of_the_clocks_on_the_wall() {
        let dublin = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Dublin").unwrap();
        for (time, utc, local) in [
            ("1970-01-01T00:00:00Z", 72, 73),
            ("2026-03-02T00:00:00Z", 0, 0),
            ("2026-03-28T23:00:00Z", 5 * 24 + 23, 5 * 24 + 23),
            ("2026-03-29T23:00:00Z", 6 * 24 + 23, 0),
            ("2026-10-25T23:00:00Z", 6 * 24 + 23, 6 * 24 + 23),
        ] {
            assert_eq!(slot_of(hour_of(time), &TimeZone::UTC), utc, "{time}");
            assert_eq!(slot_of(hour_of(time), &dublin), local, "{time} in Dublin");
        }
    }

    #[test]
    fn an_hour_is_the_mean_of_its_weeks_and_follows_a_change() {
        let mut week = Week::default();
        assert_eq!(week.usual(5), None);
        week.learn(5, 60.0);
        week.learn(5, 180.0);
        assert_eq!(week.usual(5), Some(2.0));
        for _ in 0..30 {
            week.learn(5, 600.0);
        }
        assert!(week.usual(5).unwrap() > 9.9);
    }

    #[test]
    fn what_is_expected_at_least_is_the_least_of_three_hours() {
        let mut week = Week::default();
        for (slot, count) in [(0, 60.0), (1, 120.0), (167, 30.0), (2, 600.0)] {
            week.learn(slot, count);
        }
        assert_eq!((week.least(0), week.least(1)), (0.5, 1.0));
        assert!(week.least(2) == 0.0, "the hour after was never seen");
    }
}
