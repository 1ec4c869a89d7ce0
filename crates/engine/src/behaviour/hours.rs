//! When peers are looked at anew: at the first event that raises the watermark into another hour, before that event is scored. So it does
//! not depend on blocks, batches or threads.

use model::EventTime;
use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 3_600_000;

/// The hour that the watermark is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// In hours since the epoch.
    current: Option<i64>,
}

impl Hours {
    /// Takes note that the watermark reached `reached`; whether another hour has begun with it. The first one only begins.
    pub fn pass(&mut self, reached: EventTime) -> bool {
        let hour = reached.ms().div_euclid(HOUR_MS);
        let is_over = self.current.is_some_and(|it| it < hour);
        if is_over || self.current.is_none() {
            self.current = Some(hour);
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_over_once_and_never_again_when_time_goes_back() {
        let mut hours = Hours::default();
        let passed: Vec<bool> = [0, 10, HOUR_MS, HOUR_MS + 1, 10, 5 * HOUR_MS, 4 * HOUR_MS, 5 * HOUR_MS]
            .map(|it| hours.pass(EventTime::from_ms(it)))
            .into();
        assert_eq!(passed, [false, false, true, false, false, true, false, false]);
    }
}
