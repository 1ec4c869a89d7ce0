//! Checkpoints of partitions that others own, in memory: who takes one up reads only what has changed since.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use stream::kafka::PartitionId;
use stream::store::{Spare, Store};

use super::{Owned, series_of};
use crate::metrics::Metrics;

/// The checkpoints that are in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Spares(Arc<Mutex<HashMap<PartitionId, Spare>>>);

impl Spares {
    pub(super) fn take(&self, id: &PartitionId) -> Option<Spare> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    fn put(&self, id: &PartitionId, spare: Spare) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), spare);
    }

    /// Lets go those that `is_kept` does not hold for. How many are left, and their bytes.
    fn retain(&self, is_kept: impl Fn(&PartitionId) -> bool) -> (usize, u64) {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spares.retain(|id, _| is_kept(id));
        (spares.len(), spares.values().map(Spare::bytes).sum())
    }
}

/// Who renews them.
pub(super) struct Standby {
    pub(super) store: Store,
    pub(super) group: String,
    /// Topics whose partitions this process could come to own.
    pub(super) is_read: Box<dyn Fn(&str) -> bool + Send>,
    pub(super) owned: Owned,
    pub(super) spares: Spares,
    pub(super) metrics: Arc<Metrics>,
}

impl Standby {
    /// Renews them every interval, until `stop` is disconnected.
    pub(super) fn work(&self, interval: Duration, stop: &Receiver<()>) {
        while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(interval) {
            self.renew_all(stop);
        }
    }

    /// Reads what has been written since the last time. How many there are now, and their bytes.
    pub(super) fn renew_all(&self, stop: &Receiver<()>) -> (usize, u64) {
        let begun = Instant::now();
        let is_owned = |id: &PartitionId| self.owned.lock().unwrap_or_else(PoisonError::into_inner).contains(id);
        let all: HashSet<PartitionId> = match self.store.names() {
            Ok(names) => names.iter().filter_map(|it| self.partition(it)).collect(),
            Err(error) => {
                tracing::warn!(%error, "the checkpoints of others can't be listed; those in memory stay as they are until the next try");
                self.metrics.checkpoints.not_renewed();
                return self.spares.retain(|id| !is_owned(id));
            }
        };
        for id in all.iter().filter(|it| !is_owned(it)) {
            if matches!(stop.try_recv(), Err(TryRecvError::Disconnected)) {
                break;
            }
            self.renew(id);
        }
        let (partitions, bytes) = self.spares.retain(|id| all.contains(id) && !is_owned(id));
        self.metrics.checkpoints.stands_by(partitions, bytes, begun.elapsed());
        (partitions, bytes)
    }

    /// The partition of this group that a series is of, if it is of one that is read here.
    fn partition(&self, name: &[String]) -> Option<PartitionId> {
        let [group, topic, partition] = name else { return None };
        let partition = partition.parse().ok()?;
        (*group == self.group && (self.is_read)(topic)).then(|| PartitionId::new(topic, partition))
    }

    /// Keeps the newest checkpoint of a partition that can be used.
    fn renew(&self, id: &PartitionId) {
        let series = series_of(&self.store, &self.group, id);
        // Whoever takes the partition up just now reads all of it.
        let mut known = self.spares.take(id);
        let failed = match series.list() {
            Ok(entries) => entries.iter().find_map(|entry| {
                if known.as_ref().is_some_and(|it| it.name() == entry.name) {
                    return Some(Ok(()));
                }
                match series.spare(entry, known.as_ref()) {
                    Ok(it) => {
                        known = Some(it);
                        Some(Ok(()))
                    }
                    // Whoever takes the partition up tells it.
                    Err(error) if error.is_of_content() => None,
                    Err(error) => Some(Err(error)),
                }
            }),
            Err(error) => Some(Err(error)),
        };
        if let Some(Err(error)) = failed {
            tracing::warn!(partition = %id, %error, "the newest checkpoint can't be read; the one in memory stays until the next try");
            self.metrics.checkpoints.not_renewed();
        }
        if let Some(it) = known {
            self.spares.put(id, it);
        }
    }
}
