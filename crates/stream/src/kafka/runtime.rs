//! Starting and stopping a group member: what the caller holds in the hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::dispatch::Dispatcher;
use super::{Batch, KafkaConfig, KafkaError, Loss, Observer, Outbox, PartitionId};

/// What is done with the messages of one partition. Lives on a thread of its own, from assignment to revocation, and
/// sees every message of the partition in order, starting at the committed offset, or before it (see [`Self::resume`]).
pub trait PartitionHandler: Send + 'static {
    /// Works through one batch and writes what it causes into `out` (empty at the call). The batch's end offset is
    /// committed once every record of `out` is acknowledged.
    fn handle(&mut self, batch: &Batch, out: &mut Outbox);

    /// Takes up the state it has kept of the partition, of which the group has `committed` everything before that offset. Gives the
    /// offset from which on it has to see messages (again), at most `committed`. What those before `committed` cause was published
    /// already: batches end there, and what is in `out` after the ones before is thrown away.
    ///
    /// Called before anything else, on a thread that is there for it, and may take its time; if the partition is given up meanwhile, the handler is
    /// dropped, and no other is made of the partition before that.
    ///
    /// # Errors
    ///
    /// Says why it can't be known what was kept: the runtime stops, since to begin anew would be to forget.
    fn resume(&mut self, committed: Option<i64>) -> Result<Option<i64>, String> {
        let _ = committed;
        Ok(None)
    }

    /// How long there has to be nothing to read before [`Self::idle`] is called; `None`: it never is.
    fn idle_after(&self) -> Option<Duration> {
        None
    }

    /// How long after it was told [`Self::idle`] a handler is told again that there is still nothing to read; `None`: it is not.
    fn idle_again(&self) -> Option<Duration> {
        None
    }

    /// Everything that the partition has was handled, and nothing has come for [`Self::idle_after`]. Called once, or every
    /// [`Self::idle_again`], until another batch has come.
    /// What is written into `out` is produced as that of a batch is.
    fn idle(&mut self, out: &mut Outbox) {
        let _ = out;
    }

    /// Called after [`Self::resume`] when what was committed lies beyond the end of the partition: the topic was made anew. Its messages are seen from
    /// `offset` on, and nothing that they cause was published.
    fn set_back(&mut self, offset: i64) {
        let _ = offset;
    }

    /// Messages are lost; told before the first batch. What is in `out` commits together with the offset where the partition begins.
    fn lost(&mut self, loss: &Loss, out: &mut Outbox) {
        let _ = (loss, out);
    }

    /// The partition is given up: this was the last batch. Not called after an error.
    fn close(&mut self) {}
}

impl<F: FnMut(&Batch, &mut Outbox) + Send + 'static> PartitionHandler for F {
    fn handle(&mut self, batch: &Batch, out: &mut Outbox) {
        self(batch, out);
    }
}

/// Joins the group and works until stopped. `factory` makes the handler of every partition that is assigned (on the
/// dispatcher's thread: it should be quick; an error stops the runtime).
///
/// Waits until a broker has answered and checks that the topics to read exist.
pub fn start<H, F>(config: &KafkaConfig, observer: Observer, factory: F) -> Result<KafkaHandle, KafkaError>
where
    H: PartitionHandler,
    F: FnMut(&PartitionId) -> Result<H, String> + Send + 'static,
{
    let signals = Arc::new(Signals::default());
    let dispatcher = Dispatcher::new(config.clone(), observer, factory, Arc::clone(&signals))?;
    let thread = std::thread::Builder::new().name("kafka-dispatch".to_owned()).spawn(move || dispatcher.run())?;
    Ok(KafkaHandle { stopper: Stopper { signals }, thread })
}

/// A running group member. Dropping it stops nothing: call [`KafkaHandle::stop`] and [`KafkaHandle::join`].
#[derive(Debug)]
pub struct KafkaHandle {
    stopper: Stopper,
    thread: JoinHandle<Result<RunSummary, KafkaError>>,
}

impl KafkaHandle {
    /// Asks for a clean shutdown and returns at once; see [`Stopper::stop`].
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// A handle that can only stop, for a signal handler.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// The runtime has ended, cleanly or not: [`KafkaHandle::join`] will not block.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the end, which comes after [`KafkaHandle::stop`] or by an error that cannot be waited out.
    pub fn join(self) -> Result<RunSummary, KafkaError> {
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Asks a running group member to stop.
#[derive(Debug, Clone)]
pub struct Stopper {
    signals: Arc<Signals>,
}

impl Stopper {
    /// Polling stops, the workers finish what was handed to them, the producer delivers, offsets are committed
    /// synchronously, and the member leaves the group. Safe to call more than once.
    pub fn stop(&self) {
        self.signals.stop.store(true, Ordering::Release);
    }

    /// Ends everything because of an error elsewhere in the process, `reason`: nothing more is committed. Safe to call more than once.
    pub fn fail(&self, reason: &str) {
        self.signals.fail(KafkaError::Elsewhere(reason.to_owned()));
    }
}

/// What a group member did from start to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Messages taken from the brokers.
    pub messages: u64,
    /// Those of them that were of the exchange topic: what instances tell each other, and no events.
    pub exchanged: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Records acknowledged by the brokers.
    pub records: u64,
    /// Rebalances of the group.
    pub rebalances: u64,
    /// How often a partition was paused.
    pub pauses: u64,
}

/// What the threads of a member tell each other: stop, and the first error that ends everything.
#[derive(Debug, Default)]
pub(super) struct Signals {
    stop: AtomicBool,
    is_failed: AtomicBool,
    failure: Mutex<Option<KafkaError>>,
}

impl Signals {
    /// Polling should end.
    pub(super) fn should_end(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.is_failed()
    }

    /// An error has ended everything: nobody waits for anything any more.
    pub(super) fn is_failed(&self) -> bool {
        self.is_failed.load(Ordering::Acquire)
    }

    /// Reports an error that ends everything. The first one is kept.
    pub(super) fn fail(&self, error: KafkaError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_failed.swap(true, Ordering::AcqRel) {
            tracing::error!(%error, "kafka runtime stops");
            *failure = Some(error);
        }
    }

    /// The error that ended everything, if any.
    pub(super) fn take_failure(&self) -> Option<KafkaError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
