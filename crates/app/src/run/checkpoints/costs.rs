//! What checkpoints have cost, and whether one more is worth that when a partition is given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stream::kafka::PartitionId;

/// What takes no longer is written in any case: then whoever goes on need not read anything again.
const CHEAP: Duration = Duration::from_millis(250);

/// Of each partition what its newest checkpoint was.
#[derive(Debug, Clone, Default)]
pub(super) struct Costs(Arc<Mutex<HashMap<PartitionId, Cost>>>);

#[derive(Debug, Clone, Copy)]
struct Cost {
    /// The offset of the first message that is not in it.
    offset: i64,
    /// To copy and to write it.
    took: Duration,
}

/// How far a partition is when it is given up.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Last {
    /// The offset of the first message that it has not seen.
    pub(in crate::run) offset: i64,
    /// How long it took to work through a message.
    pub(in crate::run) each: Duration,
}

impl Costs {
    pub(super) fn wrote(&self, id: &PartitionId, offset: i64, took: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Cost { offset, took });
    }

    pub(super) fn forget(&self, id: &PartitionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Whether the next owner has read again what came since the newest checkpoint before another could be written. If so, how many
    /// messages that are.
    pub(super) fn needless(&self, id: &PartitionId, last: Last) -> Option<u32> {
        let cost = *self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id)?;
        let since = u32::try_from(last.offset.checked_sub(cost.offset)?).ok()?;
        (cost.took > CHEAP && last.each.checked_mul(since)? < cost.took).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Checkpoints, Taken};
    use super::*;
    use crate::metrics::Metrics;
    use stream::store::Store;

    #[test]
    fn a_last_checkpoint_is_needless_only_if_reading_again_takes_less_than_writing_it() {
        let (costs, id, other) = (Costs::default(), PartitionId::new("t", 1), PartitionId::new("t", 2));
        let at = |offset, each_ms| Last { offset, each: Duration::from_millis(each_ms) };
        assert_eq!(costs.needless(&id, at(5, 0)), None, "there is none to begin with");
        costs.wrote(&id, 1_000, Duration::from_secs(2));
        let cases = [(1_000, 1, Some(0)), (2_999, 1, Some(1_999)), (3_000, 1, None), (1_010, 200, None), (999, 1, None)];
        for (offset, each_ms, expected) in cases {
            assert_eq!(costs.needless(&id, at(offset, each_ms)), expected, "{offset} {each_ms}");
        }
        assert_eq!(costs.needless(&id, Last { offset: i64::MAX, each: Duration::MAX }), None);
        assert_eq!(costs.needless(&other, at(1_000, 0)), None, "that is another partition");
        costs.wrote(&id, 1_000, CHEAP);
        assert_eq!(costs.needless(&id, at(1_001, 0)), None, "it costs next to nothing");
        costs.wrote(&id, 1_000, Duration::from_secs(2));
        costs.forget(&id);
        assert_eq!(costs.needless(&id, at(1_001, 0)), None);
    }

    #[test]
    fn who_gives_up_a_partition_writes_its_state_unless_that_takes_longer_than_to_read_again() {
        let folder = std::env::temp_dir().join(format!("nightjar-costs-{}", std::process::id()));
        let place = folder.to_str().unwrap();
        let checkpoints = Checkpoints::start(place, "g", Duration::ZERO, Arc::new(Metrics::new())).unwrap();
        let series = Store::open(place, []).unwrap().series(&["g", "t", "1"]);
        let offsets = || series.list().unwrap().iter().map(|it| it.offset).collect::<Vec<_>>();
        let taken = |offset| Taken { offset, about: serde_json::json!({}), parts: Vec::new() };
        let last = |offset, each| Last { offset, each };
        let id = PartitionId::new("t", 1);
        checkpoints.join(&id);
        checkpoints.begin(&id, 100, || {
            std::thread::sleep(CHEAP + Duration::from_millis(1));
            taken(100)
        });
        checkpoints.leave(&id, Some((last(110, Duration::from_millis(1)), || -> Taken { panic!("to read ten again takes less") })));
        assert_eq!(offsets(), [100]);
        checkpoints.leave(&id, Some((last(21_000, Duration::from_secs(1)), || taken(21_000))));
        assert_eq!(offsets(), [21_000, 100]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
