//! How each partition gets on: what waits in it, since when, and when something was done last. Computed when somebody asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::GaugeVec;
use stream::kafka::PartitionId;

use super::catalogue::Catalogue;

/// The partitions of this instance.
#[derive(Debug)]
pub(super) struct Progress {
    partitions: Mutex<BTreeMap<PartitionId, Stand>>,
    lag_seconds: GaugeVec,
    idle_seconds: GaugeVec,
}

/// How one of them gets on.
#[derive(Debug)]
struct Stand {
    /// When something was done last, or there was nothing to do.
    moved: Instant,
    /// When the brokers first said since then that there is something to do.
    waits_since: Option<Instant>,
    has_lag: bool,
    /// The Kafka timestamp of the last message that was handled.
    timestamp_ms: Option<i64>,
    /// Its state is loaded.
    is_open: bool,
}

impl Progress {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            partitions: Mutex::default(),
            lag_seconds: catalogue.seconds_by(
                "nightjar_consumer_lag_seconds",
                "Age of the last message that was handled of an owned partition, while there are more to handle; 0 when there are none.",
                &super::member::PARTITION,
            ),
            idle_seconds: catalogue.seconds_by(
                "nightjar_progress_age_seconds",
                "Since an owned partition has handled something, or had nothing to handle.",
                &super::member::PARTITION,
            ),
        }
    }

    pub(super) fn assigned(&self, id: &PartitionId, now: Instant) {
        let stand = Stand { moved: now, waits_since: None, has_lag: false, timestamp_ms: None, is_open: false };
        self.partitions().insert(id.clone(), stand);
    }

    pub(super) fn opened(&self, id: &PartitionId, now: Instant) {
        if let Some(it) = self.partitions().get_mut(id) {
            (it.is_open, it.moved, it.waits_since) = (true, now, None);
        }
    }

    pub(super) fn revoked(&self, id: &PartitionId) {
        self.partitions().remove(id);
        for gauges in [&self.lag_seconds, &self.idle_seconds] {
            // A gauge that is not there any more is just as good.
            drop(gauges.remove_label_values(&[&*id.topic, &id.partition.to_string()]));
        }
    }

    pub(super) fn owns(&self, id: &PartitionId) -> bool {
        self.partitions().contains_key(id)
    }

    pub(super) fn count(&self) -> usize {
        self.partitions().len()
    }

    pub(super) fn loading(&self) -> usize {
        self.partitions().values().filter(|it| !it.is_open).count()
    }

    pub(super) fn handled(&self, id: &PartitionId, timestamp_ms: Option<i64>, now: Instant) {
        if let Some(it) = self.partitions().get_mut(id) {
            (it.moved, it.waits_since) = (now, None);
            it.timestamp_ms = timestamp_ms.or(it.timestamp_ms);
        }
    }

    pub(super) fn lagging(&self, id: &PartitionId, lag: i64, now: Instant) {
        if let Some(it) = self.partitions().get_mut(id) {
            it.has_lag = lag > 0;
            if it.has_lag {
                it.waits_since.get_or_insert(now);
            } else {
                (it.moved, it.waits_since) = (now, None);
            }
        }
    }

    /// No broker is there: nobody can be expected to get on.
    pub(super) fn cut_off(&self) {
        self.partitions().values_mut().for_each(|it| it.waits_since = None);
    }

    /// A partition that is loaded, of which the brokers say that there is something to do, and that has done nothing for longer than `most`.
    pub(super) fn stuck(&self, most: Duration, now: Instant) -> Option<(PartitionId, Duration)> {
        let partitions = self.partitions();
        let waits = |it: &Stand| it.waits_since.filter(|_| it.is_open).map(|since| now.saturating_duration_since(since));
        let stuck = partitions.iter().filter_map(|(id, it)| Some((id, waits(it).filter(|it| *it > most)?)));
        stuck.max_by_key(|it| it.1).map(|(id, time)| (id.clone(), time))
    }

    /// Sets the gauges. `now_ms` is in milliseconds since the epoch, as the timestamps of messages.
    pub(super) fn look(&self, now: Instant, now_ms: i64) {
        for (id, it) in self.partitions().iter() {
            let labels = [&*id.topic, &*id.partition.to_string()];
            let idle = now.saturating_duration_since(it.moved).as_secs_f64();
            self.idle_seconds.with_label_values(&labels).set(idle);
            // Without any message handled it is at least as long as it is ours. A clock that was set back makes nobody early.
            let age_ms = it.timestamp_ms.map(|it| now_ms.saturating_sub(it).max(0));
            #[expect(clippy::cast_precision_loss, reason = "milliseconds are exact for longer than computers exist")]
            let lag = age_ms.map_or(idle, |it| it as f64 / 1_000.0);
            self.lag_seconds.with_label_values(&labels).set(if it.has_lag { lag } else { 0.0 });
        }
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Stand>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(5);

    fn open() -> (Progress, PartitionId, Instant) {
        let (progress, id, begun) = (Progress::new(&mut Catalogue::default()), PartitionId::new("t", 1), Instant::now());
        progress.assigned(&id, begun);
        progress.opened(&id, begun);
        (progress, id, begun)
    }

    #[track_caller]
    fn check(progress: &Progress, id: &PartitionId, now_ms: i64, now: Instant, expected: (f64, f64)) {
        progress.look(now, now_ms);
        let labels = [&*id.topic, &*id.partition.to_string()];
        let of = |it: &GaugeVec| it.with_label_values(&labels).get();
        let (lag, idle) = (of(&progress.lag_seconds), of(&progress.idle_seconds));
        assert!((lag - expected.0).abs() < 1e-6 && (idle - expected.1).abs() < 1e-6, "{lag} {idle}, not {expected:?}");
    }

    #[test]
    fn a_partition_that_has_messages_and_does_nothing_is_stuck_and_an_idle_one_is_not() {
        let (progress, id, begun) = open();
        let later = |seconds| begun + Duration::from_secs(seconds);
        progress.lagging(&id, 0, later(5));
        assert_eq!(progress.stuck(LIMIT, later(10_000)), None);
        progress.lagging(&id, 7, later(10_000));
        assert_eq!(progress.stuck(LIMIT, later(10_300)), None);
        assert_eq!(progress.stuck(LIMIT, later(10_301)), Some((id.clone(), Duration::from_secs(301))));
        progress.handled(&id, Some(1), later(10_302));
        assert_eq!(progress.stuck(LIMIT, later(20_000)), None);
    }

    #[test]
    fn nobody_is_stuck_while_no_broker_is_there_or_while_what_was_kept_is_loaded() {
        let (progress, id, begun) = open();
        let later = |seconds| begun + Duration::from_secs(seconds);
        progress.lagging(&id, 7, later(1));
        progress.cut_off();
        assert_eq!(progress.stuck(LIMIT, later(1_000)), None);
        progress.lagging(&id, 7, later(1_000));
        assert!(progress.stuck(LIMIT, later(1_301)).is_some());
        progress.assigned(&id, later(1_301));
        progress.lagging(&id, 7, later(1_302));
        assert_eq!((progress.stuck(LIMIT, later(9_999)), progress.loading()), (None, 1));
    }

    #[test]
    fn lag_in_seconds_is_the_age_of_the_last_message_while_there_are_more() {
        let (progress, id, begun) = open();
        let later = |seconds| begun + Duration::from_secs(seconds);
        progress.lagging(&id, 7, begun);
        check(&progress, &id, 1_000_000, later(30), (30.0, 30.0));
        progress.handled(&id, Some(940_000), later(40));
        check(&progress, &id, 1_000_000, later(42), (60.0, 2.0));
        // The clock was set back.
        check(&progress, &id, 900_000, later(43), (0.0, 3.0));
        progress.lagging(&id, 0, later(50));
        check(&progress, &id, 1_000_000, later(51), (0.0, 1.0));
    }
}
