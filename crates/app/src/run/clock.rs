//! The one clock: the core knows none.

use std::time::{SystemTime, UNIX_EPOCH};

use model::EventTime;

/// Now, in milliseconds since the epoch.
pub(super) fn now() -> EventTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventTime::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
