//! The time that the events of an input have come to, as of which each is taken.

use serde::{Deserialize, Serialize};

/// Among as many of the latest events the median tells the time, so that one or two with a wrong clock move nothing.
const LATEST: usize = 5;

/// Follows the event time of an input. It never goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    latest_ms: Vec<i64>,
    next: usize,
    time_ms: i64,
}

impl Default for Frontier {
    fn default() -> Self {
        Self { latest_ms: Vec::with_capacity(LATEST), next: 0, time_ms: i64::MIN }
    }
}

impl Frontier {
    /// Takes note of an event, and tells as of which time it is to be taken.
    pub fn note(&mut self, time_ms: i64) -> i64 {
        let taken_ms = time_ms.max(self.time_ms);
        if self.latest_ms.len() < LATEST {
            self.latest_ms.push(time_ms);
        } else {
            self.latest_ms[self.next] = time_ms;
        }
        self.next = (self.next + 1) % LATEST;
        if let Ok(mut sorted) = <[i64; LATEST]>::try_from(self.latest_ms.as_slice()) {
            sorted.sort_unstable();
            self.time_ms = self.time_ms.max(sorted[LATEST / 2]);
        }
        taken_ms
    }

    /// No event is taken as of an earlier time, in milliseconds; `i64::MIN` as long as there were too few.
    pub fn time_ms(&self) -> i64 {
        self.time_ms
    }
}
