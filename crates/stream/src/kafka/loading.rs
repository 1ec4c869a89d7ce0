//! Partitions between their assignment and their first message: a few threads find out where they begin and load what was kept of them.
//!
//! That can take seconds. Meanwhile the dispatcher polls, so that the group knows that we live, and the partitions that are ready are worked on.
//! The client is told of a partition only when it is loaded, with the offset to begin at: no message of it can come before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use rdkafka::consumer::BaseConsumer;

use super::context::MemberContext;
use super::opening::{Asking, Opening, Unopened};
use super::runtime::Signals;
use super::{KafkaConfig, KafkaError, Observer, PartitionHandler, PartitionId, Start};

/// So many partitions are loaded at a time: each may have hundreds of MB in its hands.
const AT_ONCE: usize = 4;

/// The threads, and what they work on.
pub(super) struct Loaders<H> {
    jobs: Option<Sender<Job<H>>>,
    done: Receiver<Done<H>>,
    threads: Vec<JoinHandle<()>>,
    loading: Vec<Loading>,
}

/// A partition that is not ready.
#[derive(Debug)]
struct Loading {
    id: PartitionId,
    since: Instant,
    is_wanted: Arc<AtomicBool>,
    /// It was given up, and has come back since: its turn comes when the thread has let go of it.
    has_come_back: bool,
}

struct Job<H> {
    id: PartitionId,
    handler: H,
    is_wanted: Arc<AtomicBool>,
}

struct Done<H> {
    id: PartitionId,
    /// `None`: nobody wants it, and the handler is gone.
    result: Option<Result<(H, Opening), KafkaError>>,
}

/// What has come of a partition.
pub(super) enum Loaded<H> {
    /// It can begin.
    Ready(PartitionId, H, Opening, Duration),
    /// Its last loading was in vain, and it is wanted again.
    Again(PartitionId),
    /// This ends everything.
    Failed(KafkaError),
}

impl<H: PartitionHandler> Loaders<H> {
    /// Starts the threads.
    pub(super) fn start(
        consumer: &Arc<BaseConsumer<MemberContext>>,
        config: &KafkaConfig,
        observer: &Observer,
        signals: &Arc<Signals>,
    ) -> Result<Self, KafkaError> {
        let (jobs, inbox) = unbounded::<Job<H>>();
        let (tell, done) = unbounded();
        let mut threads = Vec::new();
        for number in 0..AT_ONCE {
            let bench = Bench {
                // Not held: the group is left when the dispatcher has ended, whatever a store is still waited for.
                consumer: Arc::downgrade(consumer),
                start: config.start,
                exchange_topic: config.exchange_topic.clone(),
                observer: Arc::clone(observer),
                jobs: inbox.clone(),
                done: tell.clone(),
                signals: Arc::clone(signals),
            };
            threads.push(std::thread::Builder::new().name(format!("kafka-load-{number}")).spawn(move || bench.work())?);
        }
        Ok(Self { jobs: Some(jobs), done, threads, loading: Vec::new() })
    }

    /// Partitions that are ours and not ready.
    pub(super) fn count(&self) -> usize {
        self.loading.iter().filter(|it| it.has_come_back || it.is_wanted.load(Ordering::Acquire)).count()
    }

    /// A partition that comes back while a thread still has its former handler waits for that: two handlers of a partition would be in each
    /// other's way.
    pub(super) fn has_to_wait(&mut self, id: &PartitionId) -> bool {
        let found = self.loading.iter_mut().find(|it| it.id == *id);
        found.is_some_and(|it| {
            it.has_come_back = true;
            true
        })
    }

    /// Loads a partition.
    pub(super) fn load(&mut self, id: &PartitionId, handler: H) {
        let is_wanted = Arc::new(AtomicBool::new(true));
        self.loading.push(Loading {
            id: id.clone(),
            since: Instant::now(),
            is_wanted: Arc::clone(&is_wanted),
            has_come_back: false,
        });
        if let Some(jobs) = &self.jobs {
            // Disconnected only when the threads have panicked, which they have told.
            drop(jobs.send(Job { id: id.clone(), handler, is_wanted }));
        }
    }

    /// The partition is not ours any more. True if it was being loaded.
    pub(super) fn give_up(&mut self, id: &PartitionId) -> bool {
        let Some(it) = self.loading.iter_mut().find(|it| it.id == *id) else { return false };
        let was_ours = it.is_wanted.swap(false, Ordering::AcqRel) || it.has_come_back;
        it.has_come_back = false;
        was_ours
    }

    /// What has come of a partition, if anything has.
    pub(super) fn next(&mut self) -> Option<Loaded<H>> {
        while let Ok(Done { id, result }) = self.done.try_recv() {
            let Some(at) = self.loading.iter().position(|it| it.id == id) else { continue };
            let Loading { since, is_wanted, has_come_back, .. } = self.loading.swap_remove(at);
            match result {
                _ if has_come_back => return Some(Loaded::Again(id)),
                Some(Ok((handler, opening))) if is_wanted.load(Ordering::Acquire) => {
                    return Some(Loaded::Ready(id, handler, opening, since.elapsed()));
                }
                Some(Err(error)) if is_wanted.load(Ordering::Acquire) => return Some(Loaded::Failed(error)),
                // Given up in the meantime: what it had loaded is dropped.
                _ => {}
            }
        }
        None
    }

    /// Nothing is wanted any more. Waits until the threads have let go of what they have, but no longer than until `deadline`.
    pub(super) fn end(&mut self, deadline: Instant) {
        self.loading.iter().for_each(|it| it.is_wanted.store(false, Ordering::Release));
        self.jobs = None;
        // Disconnected when all of them have ended.
        while self.done.recv_deadline(deadline).is_ok() {}
        for thread in self.threads.drain(..) {
            if thread.is_finished() {
                // A panic of it is with the signals.
                drop(thread.join());
            } else {
                tracing::warn!("what was kept of a partition is still being loaded; nobody waits for it any more");
            }
        }
    }
}

/// A thread.
struct Bench<H> {
    consumer: Weak<BaseConsumer<MemberContext>>,
    start: Start,
    exchange_topic: String,
    observer: Observer,
    jobs: Receiver<Job<H>>,
    done: Sender<Done<H>>,
    signals: Arc<Signals>,
}

impl<H: PartitionHandler> Bench<H> {
    fn work(self) {
        while let Ok(Job { id, mut handler, is_wanted }) = self.jobs.recv() {
            let _alarm = PanicAlarm { id: &id, signals: &self.signals };
            // What was sent through the exchange and not handled is not for the taking.
            let start = if *id.topic == *self.exchange_topic { Start::Earliest } else { self.start };
            let asking = Asking { consumer: &self.consumer, observer: &self.observer, start, is_wanted: &is_wanted };
            let opened = if is_wanted.load(Ordering::Acquire) { asking.open(&id, &mut handler) } else { Err(Unopened::Unwanted) };
            let result = match opened {
                Ok(opening) if is_wanted.load(Ordering::Acquire) => Some(Ok((handler, opening))),
                Err(Unopened::Failed(error)) => Some(Err(error)),
                // Before it is told: the next handler of the partition is made after that.
                Ok(_) | Err(Unopened::Unwanted) => {
                    drop(handler);
                    None
                }
            };
            // Nobody listens any more at the end.
            drop(self.done.send(Done { id: id.clone(), result }));
        }
    }
}

/// Turns a panic of a handler that loads into an error of the runtime.
struct PanicAlarm<'a> {
    id: &'a PartitionId,
    signals: &'a Signals,
}

impl Drop for PanicAlarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signals.fail(KafkaError::HandlerPanicked(self.id.clone()));
        }
    }
}
