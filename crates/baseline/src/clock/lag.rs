//! The lag test: a new shift or a move to another zone is one note, not weeks of off-hours alerts.

use super::{HOURS, WeekClock};

/// A lag has to fit better than none by this factor …
const ADVANTAGE: u32 = 13;
const THAN: u32 = 10;
/// … on as many active days in a row.
const DAYS: u8 = 3;
/// Less history than this many hours can't be told from chance.
const HOURS_MIN: f64 = 40.0;

/// The schedule has moved as a whole, and the slow memory with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Later by as many hours; negative is earlier.
    pub hours: i8,
}

impl WeekClock {
    /// The lag l that makes Σ fast(b) slow(b-l) largest. If it is not 0 and wins by 1.3 on three active days, the slow memory is moved
    /// by it. A shift of an hour, as DST would be if clocks were not local, is too little to win.
    pub(super) fn watch_lag(&mut self) -> Option<Moved> {
        let lag = self.best_lag();
        if lag == 0 {
            (self.lag, self.lag_days) = (0, 0);
            return None;
        }
        self.lag_days = if lag == self.lag { self.lag_days + 1 } else { 1 };
        self.lag = lag;
        if self.lag_days < DAYS {
            return None;
        }
        let hours = usize::try_from(i32::from(lag).rem_euclid(24)).expect("a remainder is not negative");
        self.slow.chunks_exact_mut(HOURS).for_each(|day| day.rotate_right(hours));
        (self.lag, self.lag_days) = (0, 0);
        Some(Moved { hours: lag })
    }

    fn best_lag(&self) -> i8 {
        if self.hours() < HOURS_MIN {
            return 0;
        }
        let slow: [u64; HOURS] = std::array::from_fn(|hour| u64::from(self.slow[hour]) + u64::from(self.slow[HOURS + hour]));
        let fit =
            |lag: usize| -> u64 { (0..HOURS).map(|hour| u64::from(self.fast[hour]) * slow[(hour + HOURS - lag) % HOURS]).sum() };
        let unmoved = fit(0);
        let mut best = (0, unmoved);
        for lag in 1..HOURS {
            let fit = fit(lag);
            if fit > best.1 {
                best = (lag, fit);
            }
        }
        if best.1 * u64::from(THAN) <= unmoved * u64::from(ADVANTAGE) {
            return 0;
        }
        // 13…23 hours later are 11…1 hours earlier.
        let lag = i8::try_from(best.0).expect("less than 24");
        if lag > 12 { lag - 24 } else { lag }
    }
}
