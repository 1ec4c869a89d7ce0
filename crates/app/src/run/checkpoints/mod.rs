//! Checkpoints beside the scoring: partitions hand over copies of their states, one at a time, and a thread writes them.

mod copies;
mod costs;
mod standby;
mod writer;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use serde_json::Value as Json;
use stream::kafka::{PartitionId, Stopper};
use stream::store::{Loaded, Part, Series, Skipped, Spare, Store};

use self::copies::Copies;
pub(super) use self::copies::Permit;
use self::costs::Costs;
pub(super) use self::costs::Last;
use self::standby::{Spares, Standby};
use self::writer::{Job, ToWrite, Waiting, Writer};
use crate::metrics::Metrics;

/// How long a partition waits for its first and for its last checkpoint to be written. The member's drain timeout ends the latter in any
/// case.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// So long the end of the process waits for the thread: every request of it has an end of its own.
const END_MAX: Duration = Duration::from_secs(30);

/// So long a store that can't be reached is asked again and again, with pauses.
const ASK_MAX: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_secs(2);
const PANICKED: &str = "the thread that writes checkpoints has panicked";
/// What the partitions of a process share is a series of its own, of this name.
const SHARED: &str = "shared";

/// Copies what the partitions of a process share.
pub(super) type TakeShared = Box<dyn Fn() -> Vec<Part> + Send>;

/// A state, copied.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The offset of the first message that is not in it.
    pub(crate) offset: i64,
    /// What is said of it.
    pub(crate) about: Json,
    /// What it consists of.
    pub(crate) parts: Vec<Part>,
}

/// The store, and the thread that writes into it.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    store: Store,
    group: String,
    interval: Duration,
    metrics: Arc<Metrics>,
    /// When each partition was copied last.
    last: Mutex<HashMap<PartitionId, Instant>>,
    committed: Offsets,
    handled: Offsets,
    /// Partitions of which others may have swept away what was written before.
    joined: Joined,
    /// Partitions of this process: what is committed of others is of no interest.
    owned: Owned,
    copies: Copies,
    costs: Costs,
    spares: Spares,
    /// Disconnected when nobody needs to stand by any more.
    standby: Mutex<Option<Sender<()>>>,
    alarm: Alarm,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

/// Whom the thread tells when it panics.
#[derive(Debug, Clone, Default)]
struct Alarm(Arc<OnceLock<Stopper>>);

/// Of each partition an offset: what the group has committed of it, and up to where what it caused may be among what partitions share.
type Offsets = Arc<Mutex<HashMap<PartitionId, i64>>>;

/// Partitions of this process.
type Owned = Arc<Mutex<HashSet<PartitionId>>>;

/// Partitions that have come since something of them was written.
type Joined = Arc<Mutex<HashSet<PartitionId>>>;

impl Checkpoints {
    /// Opens the store at `place` and starts the thread.
    pub(crate) fn start(place: &str, group: &str, interval: Duration, metrics: Arc<Metrics>) -> Result<Arc<Self>> {
        let store = Store::open(place, std::env::vars()).map_err(crate::exit::Usage::because)?;
        let (jobs, todo) = bounded(1);
        let (alive, ended) = bounded(0);
        let (alarm, costs) = (Alarm::default(), Costs::default());
        let (committed, handled, joined) = (Offsets::default(), Offsets::default(), Joined::default());
        let writer = Writer {
            store: store.clone(),
            group: group.to_owned(),
            series: HashMap::new(),
            interval,
            shared: None,
            committed: Arc::clone(&committed),
            handled: Arc::clone(&handled),
            joined: Arc::clone(&joined),
            costs: costs.clone(),
            waiting: None,
            metrics: Arc::clone(&metrics),
        };
        let of_thread = alarm.clone();
        let thread = std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || {
            let (_alive, _alarm) = (alive, of_thread);
            writer.work(&todo);
        });
        let thread = thread.context("cannot start the thread that writes checkpoints")?;
        tracing::info!(store = place, interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX), "keeping checkpoints");
        let last = Mutex::default();
        Ok(Arc::new(Self {
            store,
            group: group.to_owned(),
            interval,
            metrics,
            last,
            committed,
            handled,
            joined,
            owned: Owned::default(),
            copies: Copies::new(),
            costs,
            spares: Spares::default(),
            standby: Mutex::default(),
            alarm,
            jobs: Some(jobs),
            thread: Some(thread),
            ended,
        }))
    }

    /// Reads the newest checkpoints of all partitions of topics for which `is_read` holds, and from now on every interval what others have
    /// written since.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub(super) fn stand_by(&self, is_read: impl Fn(&str) -> bool + Send + 'static) -> Result<()> {
        let standby = Standby {
            store: self.store.clone(),
            group: self.group.clone(),
            is_read: Box::new(is_read),
            owned: Arc::clone(&self.owned),
            spares: self.spares.clone(),
            metrics: Arc::clone(&self.metrics),
        };
        let (alive, stop) = bounded(0);
        let (begun, (partitions, bytes)) = (Instant::now(), standby.renew_all(&stop));
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(partitions, bytes, took_ms, "standing by with the states of partitions");
        let interval = self.interval;
        std::thread::Builder::new()
            .name("standby".to_owned())
            .spawn(move || standby.work(interval, &stop))
            .context("cannot start the thread that keeps the states of others")?;
        *self.standby.lock().unwrap_or_else(PoisonError::into_inner) = Some(alive);
        Ok(())
    }

    /// From now on a panic of the thread ends the runtime of `stopper`.
    pub(super) fn watch(&self, stopper: Stopper) {
        if matches!(self.ended.try_recv(), Err(TryRecvError::Disconnected)) {
            stopper.fail(PANICKED);
        }
        drop(self.alarm.0.set(stopper));
    }

    /// The newest checkpoint of a partition that goes no further than `committed` and that `take_up` can use. Those that can't be used
    /// are told.
    ///
    /// # Errors
    ///
    /// When the store can't be asked for [`ASK_MAX`]: to begin anew would be to write a state that knows nothing over one that does.
    pub(super) fn newest<T>(
        &self,
        id: &PartitionId,
        committed: i64,
        mut take_up: impl FnMut(&Loaded) -> Result<T, String>,
    ) -> Result<Option<(i64, T)>, String> {
        self.committed(id, committed);
        let series = series_of(&self.store, &self.group, id);
        let mut at_most = committed;
        match series.cut(committed) {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(partition = %id, committed, count, "checkpoints that go further than what is committed are deleted");
            }
            Err(error) => {
                tracing::warn!(partition = %id, %error, "checkpoints that go further than what is committed are left alone");
            }
        }
        let spare = self.spares.take(id);
        loop {
            let (found, skipped) = ask(&series, Some(at_most), spare.as_ref())?;
            for Skipped { entry, error } in skipped {
                tracing::error!(partition = %id, checkpoint = entry.name, %error, "a checkpoint can't be used, the one before it is");
                self.metrics.checkpoints.passed_over();
            }
            let Some(loaded) = found else { return Ok(None) };
            let offset = loaded.info.offset;
            match take_up(&loaded) {
                Ok(it) => {
                    if let Some(it) = &spare {
                        self.metrics.checkpoints.stood_by();
                        tracing::info!(partition = %id, offset, bytes = it.bytes(), "its checkpoint was in memory");
                    }
                    return Ok(Some((offset, it)));
                }
                Err(why) => {
                    tracing::error!(partition = %id, offset, why, "a checkpoint can't be used, the one before it is");
                    self.metrics.checkpoints.passed_over();
                }
            }
            at_most = offset - 1;
        }
    }

    /// What the partitions of another process have shared, if `take_up` can use it.
    ///
    /// # Errors
    ///
    /// As [`Self::newest`].
    pub(super) fn newest_shared<T>(&self, mut take_up: impl FnMut(&Loaded) -> Result<T, String>) -> Result<Option<T>, String> {
        let (found, skipped) = ask(&self.store.series(&[&self.group, SHARED]), None, None)?;
        for Skipped { entry, error } in skipped {
            tracing::error!(checkpoint = entry.name, %error, "a checkpoint can't be used, the one before it is");
            self.metrics.checkpoints.passed_over();
        }
        let used = found.as_ref().map(&mut take_up).transpose();
        Ok(used.inspect_err(|why| tracing::error!(why, "what partitions share can't be used and begins anew")).unwrap_or_default())
    }

    /// Has what partitions share written every interval, and once more when the process ends.
    pub(super) fn keep_shared(&self, take: TakeShared) {
        self.send(Job::Shared(take));
    }

    /// A partition is owned from now on: its first checkpoint is due after the interval.
    pub(super) fn join(&self, id: &PartitionId) {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        self.owned().insert(id.clone());
        self.costs.forget(id);
        self.metrics.checkpoints.joined(id);
        self.last().insert(id.clone(), Instant::now());
    }

    /// What a partition makes of its messages before that offset may be among what partitions share from now on.
    pub(super) fn handling(&self, id: &PartitionId, offset: i64) {
        put(&self.handled, id, offset);
    }

    /// The partition is somebody else's.
    pub(super) fn revoked(&self, id: &PartitionId) {
        self.owned().remove(id);
        self.last().remove(id);
        self.metrics.checkpoints.forget(id);
        for offsets in [&self.handled, &self.committed] {
            offsets.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
    }

    /// The group has committed everything of a partition before that offset.
    pub(super) fn committed(&self, id: &PartitionId, offset: i64) {
        // It may be told after the partition has gone.
        if self.owned().contains(id) {
            put(&self.committed, id, offset);
        }
    }

    /// Has a first copy written and waits for it, since without one that goes no further than what is committed nobody could take the
    /// partition up.
    ///
    /// What goes further is of a topic that is no more, or of a time before the group's offsets were set back: nobody may take it for a state of
    /// this one later.
    pub(super) fn begin(&self, id: &PartitionId, offset: i64, take: impl FnOnce() -> Taken) {
        if let Err(error) = series_of(&self.store, &self.group, id).cut(offset) {
            tracing::warn!(partition = %id, %error, "checkpoints that go further than where the partition begins are left alone");
        }
        self.write_now(id, take, false);
    }

    /// Takes a copy when there is no other in memory, has it written, and waits for that.
    fn write_now(&self, id: &PartitionId, take: impl FnOnce() -> Taken, is_last: bool) {
        let until = Instant::now() + WAIT_MAX;
        let (done, written) = bounded(1);
        let is_written = self.copies.wait(until).is_some_and(|permit| {
            let begun = Instant::now();
            let taken = take();
            let job = ToWrite { id: id.clone(), taken, took: begun.elapsed(), permit, waiting: Some(Waiting { done, is_last }) };
            self.send(Job::Partition(job));
            written.recv_deadline(until).is_ok()
        });
        if !is_written {
            tracing::warn!(partition = %id, "a checkpoint was not written in time: more will be read again");
        }
    }

    /// Permission for a copy of the partition's state, if one is wanted now. Of two that ask at once, one has it.
    pub(super) fn due(&self, id: &PartitionId) -> Option<Permit> {
        let is_due = self.last().get(id).is_some_and(|it| it.elapsed() >= self.interval);
        if is_due { self.copies.take() } else { None }
    }

    /// Has a copy written. `took` is how long the partition did not score for it.
    pub(super) fn offer(&self, id: &PartitionId, taken: Taken, permit: Permit, took: Duration) {
        self.metrics.checkpoints.took(took);
        self.last().insert(id.clone(), Instant::now());
        if let Some(jobs) = &self.jobs {
            // Where others wait for a slow store, scoring does not: the next copy is due after the interval.
            drop(jobs.try_send(Job::Partition(ToWrite { id: id.clone(), taken, took, permit, waiting: None })));
        }
    }

    /// Has the last copy of a partition written, and waits for it; unless the next owner has read what came since the newest one sooner
    /// than that.
    pub(super) fn leave(&self, id: &PartitionId, last: Option<(Last, impl FnOnce() -> Taken)>) {
        self.last().remove(id);
        let Some((last, take)) = last else { return };
        if let Some(again) = self.costs.needless(id, last) {
            tracing::info!(partition = %id, again, "given up without another checkpoint: to read what came since takes less time");
            return self.send(Job::Forget(id.clone()));
        }
        self.write_now(id, take, true);
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Disconnected only when the thread has panicked, which it has told; the store is too slow when it takes so long.
            drop(jobs.send_timeout(job, WAIT_MAX));
        }
    }

    fn last(&self) -> MutexGuard<'_, HashMap<PartitionId, Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owned(&self) -> MutexGuard<'_, HashSet<PartitionId>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.jobs = None;
        // Nobody waits for what it may be reading.
        drop(self.standby.lock().unwrap_or_else(PoisonError::into_inner).take());
        let is_ended = matches!(self.ended.recv_timeout(END_MAX), Err(RecvTimeoutError::Disconnected));
        match self.thread.take() {
            Some(thread) if is_ended => drop(thread.join()),
            _ => tracing::error!(store = self.store.place(), "the store does not answer: the last checkpoint is not waited for"),
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(stopper) = self.0.get()
        {
            stopper.fail(PANICKED);
        }
    }
}

fn put(offsets: &Offsets, id: &PartitionId, offset: i64) {
    let mut offsets = offsets.lock().unwrap_or_else(PoisonError::into_inner);
    match offsets.get_mut(id) {
        Some(known) => *known = offset,
        None => drop(offsets.insert(id.clone(), offset)),
    }
}

/// The newest checkpoint, from a store that may be away for a moment.
fn ask(series: &Series, at_most: Option<i64>, known: Option<&Spare>) -> Result<(Option<Loaded>, Vec<Skipped>), String> {
    let until = Instant::now() + ASK_MAX;
    loop {
        match series.newest_beside(at_most, known) {
            Ok(it) => return Ok(it),
            Err(error) if Instant::now() >= until => return Err(format!("its checkpoints can't be read: {error}")),
            Err(error) => tracing::warn!(%error, "checkpoints can't be read, it is tried again"),
        }
        std::thread::sleep(ASK_EVERY);
    }
}

fn series_of(store: &Store, group: &str, id: &PartitionId) -> Series {
    store.series(&[group, &id.topic, &id.partition.to_string()])
}
