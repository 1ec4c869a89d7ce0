//! The worker of a partition: a thread with the caller's handler, and the dispatcher's end of its channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};

use super::context::MemberContext;
use super::ledger::SharedLedger;
use super::opening::Opening;
use super::publish::{Ended, Publisher, Step};
use super::runtime::Signals;
use super::{Batch, BatchLimits, KafkaError, Observation, Observer, Outbox, PartitionHandler, PartitionId};

/// What every worker of a member shares.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) limits: BatchLimits,
    pub(super) publisher: Arc<Publisher>,
    pub(super) observer: Observer,
    pub(super) signals: Arc<Signals>,
    pub(super) consumer: Arc<BaseConsumer<MemberContext>>,
}

/// The dispatcher's side of a partition.
pub(super) struct Worker {
    pub(super) id: PartitionId,
    pub(super) is_paused: bool,
    /// What the client was last told to commit.
    pub(super) stored: Option<i64>,
    limits: BatchLimits,
    ledger: Arc<SharedLedger>,
    /// Messages that were not handed over yet.
    pending: Batch,
    begin: i64,
    next_offset: Option<i64>,
    /// What messages before it cause was published already: a batch ends there.
    live_from: Option<i64>,
    /// Its messages are records of other handlers. Markers of our own transactions stand between them.
    is_exchange: bool,
    /// `None` once the worker was told to stop.
    inbox: Option<Sender<Batch>>,
    used: Receiver<Batch>,
    /// Batches that were handed over but not begun are dropped: they belong to the next owner of the partition.
    is_discarding: Arc<AtomicBool>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

/// What became of the pending batch when it was offered to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// There was nothing to hand over, or it was taken.
    Taken,
    /// The worker is behind; there is still room in the pending batch.
    Waiting,
    /// The worker is behind, and the pending batch is full: no more messages of this partition now.
    Full,
}

impl Worker {
    /// Starts the thread.
    pub(super) fn start<H: PartitionHandler>(
        id: PartitionId,
        handler: H,
        opening: Opening,
        is_exchange: bool,
        surroundings: Surroundings,
    ) -> Result<Self, KafkaError> {
        let (begin, live_from) = (opening.begin, opening.live_from);
        let limits = surroundings.limits;
        let (inbox, batches) = bounded(limits.queue_max);
        let (give_back, used) = bounded(limits.queue_max + 1);
        let (alive, ended) = bounded(0);
        let ledger = Arc::new(SharedLedger::default());
        let is_discarding = Arc::new(AtomicBool::new(false));
        let bench = Bench {
            id: id.clone(),
            handler,
            batches,
            give_back,
            ledger: Arc::clone(&ledger),
            is_discarding: Arc::clone(&is_discarding),
            live_from,
            opening,
            surroundings,
            alive,
        };
        std::thread::Builder::new().name(format!("partition-{}", id.partition)).spawn(move || bench.work())?;
        let pending = new_batch(&id, limits, is_exchange);
        Ok(Self {
            id,
            is_paused: false,
            stored: None,
            limits,
            ledger,
            pending,
            begin,
            next_offset: None,
            live_from,
            is_exchange,
            inbox: Some(inbox),
            used,
            is_discarding,
            ended,
        })
    }

    /// Adds a message to the pending batch. Returns the offset that was expected, if another one came.
    pub(super) fn pack(&mut self, message: &BorrowedMessage<'_>) -> Option<i64> {
        let offset = message.offset();
        let expected = self.next_offset.replace(offset + 1).filter(|it| *it != offset && !self.is_exchange);
        self.pending.push(offset, message.timestamp().to_millis(), message.key(), message.payload());
        expected
    }

    /// The pending batch was published already, the message at `offset` was not.
    pub(super) fn has_to_go_before(&self, offset: i64) -> bool {
        self.live_from.is_some_and(|it| offset >= it && self.pending.messages().first().is_some_and(|first| first.offset < it))
    }

    /// The pending batch has reached one of its limits.
    pub(super) fn is_full(&self) -> bool {
        let is_told = |end| self.live_from.is_some_and(|it| end == it);
        self.pending.len() >= self.limits.messages_max
            || self.pending.bytes() >= self.limits.bytes_max
            || self.pending.end_offset().is_some_and(is_told)
    }

    /// Hands the pending batch over if the worker has room for it. Never blocks.
    pub(super) fn offer(&mut self) -> Offer {
        let Some(inbox) = self.inbox.as_ref().filter(|_| !self.pending.is_empty()) else { return Offer::Taken };
        let next = self.used.try_recv().unwrap_or_else(|_| new_batch(&self.id, self.limits, self.is_exchange));
        match inbox.try_send(std::mem::replace(&mut self.pending, next)) {
            Err(TrySendError::Full(batch)) => {
                self.pending = batch;
                if self.is_full() { Offer::Full } else { Offer::Waiting }
            }
            // Disconnected: the thread has ended by an error that is with the signals already.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Offer::Taken,
        }
    }

    /// A paused partition may go on: half of the queue is free, so that it is not paused again at once.
    pub(super) fn has_caught_up(&self) -> bool {
        self.pending.is_empty() && self.inbox.as_ref().is_some_and(|it| it.len() <= self.limits.queue_max / 2)
    }

    /// The offset that comes next.
    pub(super) fn position(&self) -> i64 {
        self.next_offset.unwrap_or(self.begin)
    }

    /// There are messages that the worker has not taken.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The offset up to which everything is acknowledged.
    pub(super) fn committable(&self) -> Option<i64> {
        self.ledger.committable()
    }

    /// The committable offset, if the client was not told of it yet.
    pub(super) fn due(&self) -> Option<i64> {
        self.committable().filter(|it| self.stored.is_none_or(|done| done < *it))
    }

    /// Tells the thread to end: after the batches in its queue, or (`discards`) after the one it works on.
    pub(super) fn stop(&mut self, discards: bool) {
        self.is_discarding.store(discards, Ordering::Release);
        self.inbox = None;
        self.pending.clear();
    }

    /// The partition is somebody else's from now on: what of it is not committed yet must not be.
    pub(super) fn forget(&self) {
        self.ledger.forget();
    }

    /// Waits until the thread has ended and everything that it published is acknowledged. False if that took too long
    /// or a record was lost.
    pub(super) fn wait_until_done(&self, deadline: Instant) -> bool {
        let _disconnected = self.ended.recv_deadline(deadline);
        let has_ended = matches!(self.ended.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected));
        has_ended && self.ledger.wait_below(1, deadline.saturating_duration_since(Instant::now()))
    }
}

fn new_batch(id: &PartitionId, limits: BatchLimits, is_exchange: bool) -> Batch {
    if is_exchange { Batch::verbatim(id.clone()) } else { Batch::new(id.clone(), limits.message_bytes_max) }
}

/// The thread's side of a partition.
struct Bench<H> {
    id: PartitionId,
    handler: H,
    batches: Receiver<Batch>,
    give_back: Sender<Batch>,
    ledger: Arc<SharedLedger>,
    is_discarding: Arc<AtomicBool>,
    live_from: Option<i64>,
    opening: Opening,
    surroundings: Surroundings,
    /// Dropped last, when the thread ends.
    #[expect(dead_code, reason = "its drop is the message")]
    alive: Sender<()>,
}

impl<H: PartitionHandler> Bench<H> {
    fn work(mut self) {
        let _alarm = PanicAlarm { id: self.id.clone(), signals: Arc::clone(&self.surroundings.signals) };
        let mut outbox = Outbox::new();
        let mut quiet = Quiet { since: Instant::now(), told: None, end_offset: None };
        if self.open(&mut outbox).is_err() {
            return;
        }
        loop {
            let mut batch = match self.next(&quiet) {
                Ok(batch) => batch,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.tell_idle(&mut quiet, &mut outbox).is_err() {
                        return;
                    }
                    continue;
                }
            };
            if self.surroundings.signals.is_failed() {
                return;
            }
            if self.is_discarding.load(Ordering::Acquire) {
                break;
            }
            outbox.clear();
            self.handler.handle(&batch, &mut outbox);
            let Some(end_offset) = batch.end_offset() else { continue };
            if self.live_from.is_some_and(|it| end_offset <= it) {
                outbox.clear();
            } else {
                self.live_from = None;
            }
            let records = outbox.len();
            if self.live_from.is_none() {
                let (ledger, end_offset) = (&self.ledger, Some(end_offset));
                let mut step = Step { id: &self.id, ledger, end_offset, outbox: &mut outbox, is_opening: false };
                if self.surroundings.publisher.publish(&mut step).is_err() {
                    return;
                }
            }
            self.report(&batch, end_offset, records);
            quiet = Quiet { since: Instant::now(), told: None, end_offset: Some(end_offset) };
            batch.clear();
            // The dispatcher makes a new batch if it has more than enough of them.
            drop(self.give_back.try_send(batch));
        }
        if !self.surroundings.signals.is_failed() {
            self.handler.close();
        }
    }

    /// The next batch, or that there has been none for so long that the handler may want to know.
    fn next(&self, quiet: &Quiet) -> Result<Batch, RecvTimeoutError> {
        let (since, after) = match quiet.told {
            None => (quiet.since, self.handler.idle_after()),
            Some(told) => (told, self.handler.idle_again()),
        };
        let Some(after) = after else { return self.batches.recv().map_err(|_| RecvTimeoutError::Disconnected) };
        let left = after.saturating_sub(since.elapsed());
        // It is over, but it is not known that there is nothing to read.
        self.batches.recv_timeout(if left.is_zero() { LOOK_AGAIN } else { left })
    }

    /// Tells the handler that there is nothing to read, if that is so.
    fn tell_idle(&mut self, quiet: &mut Quiet, outbox: &mut Outbox) -> Result<(), Ended> {
        let is_idle = self.handler.idle_after().is_some_and(|it| quiet.since.elapsed() >= it)
            && self.surroundings.consumer.context().is_at_end(&self.id, quiet.since);
        // What is read again was handled before, by somebody.
        let is_live = self.live_from.is_none_or(|it| quiet.end_offset.is_some_and(|end| end >= it));
        if !is_idle || !is_live || self.surroundings.signals.is_failed() {
            return Ok(());
        }
        quiet.told = Some(Instant::now());
        outbox.clear();
        self.handler.idle(outbox);
        if outbox.is_empty() {
            return Ok(());
        }
        let end_offset = quiet.end_offset;
        self.surroundings.publisher.publish(&mut Step { id: &self.id, ledger: &self.ledger, end_offset, outbox, is_opening: false })
    }

    /// Commits where the partition begins, with the records about what is lost, before anything else.
    fn open(&mut self, outbox: &mut Outbox) -> Result<(), Ended> {
        let Some(end_offset) = self.opening.commit else { return Ok(()) };
        for loss in &self.opening.losses {
            self.handler.lost(loss, outbox);
        }
        let mut step = Step { id: &self.id, ledger: &self.ledger, end_offset: Some(end_offset), outbox, is_opening: true };
        self.surroundings.publisher.publish(&mut step)
    }

    fn report(&self, batch: &Batch, end_offset: i64, records: usize) {
        (self.surroundings.observer)(Observation::Handled {
            partition: &self.id,
            messages: batch.len(),
            bytes: batch.bytes(),
            records,
            end_offset,
            timestamp_ms: batch.messages().last().and_then(|it| it.timestamp_ms),
            in_flight: self.ledger.open_steps(),
        });
    }
}

/// Since when nothing has come, and up to where everything was handled.
struct Quiet {
    since: Instant,
    /// When the handler was told, if it was.
    told: Option<Instant>,
    end_offset: Option<i64>,
}

/// How often it is looked whether there is really nothing to read.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Turns a panic of the handler into an error of the runtime.
struct PanicAlarm {
    id: PartitionId,
    signals: Arc<Signals>,
}

impl Drop for PanicAlarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signals.fail(KafkaError::HandlerPanicked(self.id.clone()));
        }
    }
}

/// How long the dispatcher may wait for a message when a worker owes it room in its queue.
pub(super) const OWED_WAIT: Duration = Duration::from_millis(5);
