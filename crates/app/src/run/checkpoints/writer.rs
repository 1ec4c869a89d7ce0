//! The thread that writes: states of partitions as they come, and now and then what the partitions of a process share.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use serde_json::json;
use stream::kafka::PartitionId;
use stream::store::{Part, Series, Store};

use super::copies::Permit;
use super::costs::Costs;
use super::{Joined, Offsets, SHARED, TakeShared, Taken, series_of};
use crate::metrics::Metrics;
use crate::run::clock;

/// The thread looks at its clock no more often than this.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the thread is to do.
pub(super) enum Job {
    /// Write the state of a partition.
    Partition(ToWrite),
    /// Nothing more comes of a partition.
    Forget(PartitionId),
    /// From now on, write what partitions share as well, and once more at the end.
    Shared(TakeShared),
}

/// The copy of a state.
pub(super) struct ToWrite {
    pub(super) id: PartitionId,
    pub(super) taken: Taken,
    /// How long it took to copy it.
    pub(super) took: Duration,
    pub(super) permit: Permit,
    pub(super) waiting: Option<Waiting>,
}

/// A partition that waits.
pub(super) struct Waiting {
    pub(super) done: Sender<()>,
    /// Nothing more comes of it.
    pub(super) is_last: bool,
}

/// The thread.
pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) group: String,
    pub(super) series: HashMap<PartitionId, Series>,
    pub(super) interval: Duration,
    /// What partitions share, its series, and when it was written last.
    pub(super) shared: Option<(TakeShared, Series, Instant)>,
    /// A copy of what they share, and the offsets that have to be committed before it may be written: it knows of alerts that nobody may
    /// get to see otherwise.
    pub(super) waiting: Option<(HashMap<PartitionId, i64>, Vec<Part>)>,
    pub(super) committed: Offsets,
    pub(super) handled: Offsets,
    pub(super) joined: Joined,
    pub(super) costs: Costs,
    pub(super) metrics: Arc<Metrics>,
}

impl Writer {
    pub(super) fn work(mut self, todo: &Receiver<Job>) {
        loop {
            let patience = if self.waiting.is_some() { LOOK_EVERY } else { self.interval.max(LOOK_EVERY) };
            match todo.recv_timeout(patience) {
                Ok(Job::Partition(ToWrite { id, taken, took, permit, waiting })) => {
                    self.write(&id, taken, took);
                    drop(permit);
                    if let Some(Waiting { done, is_last }) = waiting {
                        if is_last {
                            self.series.remove(&id);
                        }
                        // Nobody waits any more when it took too long.
                        let _ = done.try_send(());
                    }
                }
                Ok(Job::Forget(id)) => drop(self.series.remove(&id)),
                Ok(Job::Shared(take)) => {
                    let series = self.store.series(&[&self.group, SHARED]);
                    self.shared = Some((take, series, Instant::now()));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.take_shared();
                    return self.write_shared();
                }
            }
            if self.waiting.is_none() && self.shared.as_ref().is_some_and(|it| it.2.elapsed() >= self.interval) {
                self.take_shared();
            }
            self.write_shared();
        }
    }

    fn take_shared(&mut self) {
        let Some((take, _, taken)) = &mut self.shared else { return };
        *taken = Instant::now();
        let parts = take();
        // Behind the copy: a partition says how far it is before it changes anything.
        let offsets = self.handled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.waiting = Some((offsets, parts));
    }

    /// Writes the copy if everything that it knows of is committed.
    fn write_shared(&mut self) {
        let Some((_, series, _)) = &mut self.shared else { return };
        let is_committed = |offsets: &HashMap<PartitionId, i64>| {
            let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
            let handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
            // What of a partition that is somebody else's was not committed is scored there.
            offsets.iter().all(|(id, offset)| !handled.contains_key(id) || committed.get(id).is_some_and(|it| it >= offset))
        };
        let Some((_, parts)) = self.waiting.take_if(|it| is_committed(&it.0)) else { return };
        let now = clock::now().ms();
        // There is no offset: they are numbered, whatever the clock says.
        let saved = series.list().and_then(|known| {
            let number = known.first().map_or(1, |it| it.offset.saturating_add(1));
            series.save(number, now, json!({"nightjar": env!("CARGO_PKG_VERSION")}), &parts)
        });
        if let Err(error) = saved.and_then(|_| series.sweep(None)) {
            tracing::error!(%error, "what partitions share was not written; it is tried again after the interval");
            self.metrics.checkpoints.failed();
        }
    }

    fn write(&mut self, id: &PartitionId, Taken { offset, about, parts }: Taken, took: Duration) {
        let begun = Instant::now();
        // A new owner begins with a full one.
        if self.joined.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            self.series.remove(id);
        }
        let series = self.series.entry(id.clone()).or_insert_with(|| series_of(&self.store, &self.group, id));
        let saved = series.save(offset, clock::now().ms(), about, &parts);
        drop(parts);
        match saved {
            Ok(saved) => {
                self.metrics.checkpoints.wrote(id, offset, &saved, begun.elapsed());
                self.costs.wrote(id, offset, took + begun.elapsed());
                let (bytes, stored) = (saved.bytes, saved.stored);
                tracing::debug!(partition = %id, offset, bytes, stored, full = saved.is_full, "checkpoint written");
            }
            Err(error) => {
                tracing::error!(partition = %id, offset, %error, "no checkpoint was written; the next is tried after the interval");
                self.metrics.checkpoints.failed();
                return;
            }
        }
        // Before anything is committed nobody knows which one will be needed.
        let Some(committed) = self.committed.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied() else { return };
        if let Err(error) = series.sweep(Some(committed)) {
            tracing::warn!(partition = %id, %error, "old checkpoints were not deleted");
        }
    }
}
