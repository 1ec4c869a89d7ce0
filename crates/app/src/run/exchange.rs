//! The windows of groups that events of several partitions belong to: one engine exchange, shared by all partitions of this process.
//!
//! A partition comes here once per batch and only with what matched such a rule, so the lock is not on the path of an event.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::{Emitted, Exchange, Routed, Rulebook, WindowLimits};
use model::EventTime;
use stream::kafka::PartitionId;

use crate::metrics::{Evictions, Metrics};

/// A partition without messages for so long does not hold back the watermark of the others.
const IDLE_AFTER: Duration = Duration::from_secs(60);

/// The exchange with its lock.
#[derive(Debug)]
pub(super) struct SharedExchange {
    book: Arc<Rulebook>,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    exchange: Exchange,
    /// Watermark of each owned partition, and when it last had messages.
    partitions: BTreeMap<PartitionId, (EventTime, Instant)>,
    evictions: Evictions,
}

impl SharedExchange {
    /// An empty one.
    pub(super) fn new(book: Arc<Rulebook>, limits: WindowLimits, metrics: Arc<Metrics>) -> Self {
        let exchange = Exchange::new(&book, limits);
        let evictions = metrics.state.evicted();
        Self { book, metrics, state: Mutex::new(State { exchange, partitions: BTreeMap::new(), evictions }) }
    }

    /// A partition is owned from now on; nothing is known of its time yet.
    pub(super) fn join(&self, id: &PartitionId) {
        self.with(|it| it.partitions.insert(id.clone(), (EventTime::MIN, Instant::now())));
    }

    /// A partition is owned no more.
    pub(super) fn leave(&self, id: &PartitionId) {
        self.with(|it| it.partitions.remove(id));
    }

    /// Takes the hits of a batch of partition `id`, whose watermark is now `watermark`; `alerts` gets what they complete.
    pub(super) fn accept(&self, id: &PartitionId, watermark: EventTime, hits: &mut Vec<Routed>, alerts: &mut Vec<Emitted>) {
        let now = Instant::now();
        self.with(|state| {
            state.partitions.insert(id.clone(), (watermark, now));
            let watermark = slowest(&state.partitions, now);
            for mut hit in hits.drain(..) {
                hit.watermark = watermark;
                state.exchange.accept(&self.book, &hit, alerts);
            }
            self.metrics.state.shared(state.exchange.window_stats(), &mut state.evictions);
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The watermark of the slowest partition that is not idle.
fn slowest(partitions: &BTreeMap<PartitionId, (EventTime, Instant)>, now: Instant) -> EventTime {
    let busy = partitions.values().filter(|(_, at)| now.duration_since(*at) <= IDLE_AFTER);
    busy.map(|(watermark, _)| *watermark).min().unwrap_or(EventTime::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_partition_counts_unless_it_is_idle() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut partitions = BTreeMap::new();
        assert_eq!(slowest(&partitions, start), EventTime::MIN);
        partitions.insert(PartitionId::new("t", 0), (EventTime::from_ms(5), at(0)));
        partitions.insert(PartitionId::new("t", 1), (EventTime::from_ms(9), at(50)));
        assert_eq!(slowest(&partitions, at(60)), EventTime::from_ms(5));
        assert_eq!(slowest(&partitions, at(61)), EventTime::from_ms(9));
    }
}
