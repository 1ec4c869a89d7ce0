//! The committer: one thread that puts the batches of all partitions, their records and their offsets, into one transaction after another.
//!
//! A batch is held here until the transaction that it is in is committed. So an aborted transaction costs nothing but time: the same
//! records go into the next one, and nobody has to go back to an earlier state. What another owner works on by then is left out: see
//! [`Committer::attempt`] for the order on which that hangs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as ClientError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer};

use super::fault::Fault;
use super::offsets::patience_min;
use super::revive::{Maker, TransactionalProducer};
use super::transactional::Shared;
use super::{Ended, FULL_WAIT, Topics};
use crate::kafka::config::TransactionLimits;
use crate::kafka::context::MemberContext;
use crate::kafka::ledger::SharedLedger;
use crate::kafka::membership::member_id;
use crate::kafka::outbox::OutRecord;
use crate::kafka::runtime::Signals;
use crate::kafka::{KafkaConfig, KafkaError, Observation, Observer, Outbox, PartitionId};

/// Longest call of the client; then it is looked whether the runtime has ended, and the call is made again.
pub(super) const CALL: Duration = Duration::from_secs(2);
/// How long to wait for orders when nothing is due.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// How often it is looked whether records are delivered.
const DELIVERY_WAIT: Duration = Duration::from_millis(1);
/// First pause after an aborted transaction; each one after it is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the committer is told.
pub(super) enum Order {
    /// A batch to commit.
    Step(Held),
    /// Look at [`Shared`].
    Wake,
}

/// A batch until it is committed.
pub(super) struct Held {
    pub(super) id: PartitionId,
    /// Its step in the ledger.
    pub(super) number: u64,
    /// `None`: nothing was read for it.
    pub(super) end_offset: Option<i64>,
    pub(super) ledger: Arc<SharedLedger>,
    pub(super) outbox: Outbox,
    /// It is not to wait, even if there are no records.
    pub(super) is_opening: bool,
    /// When it was handed over.
    pub(super) since: Instant,
}

/// See the module.
pub(super) struct Committer {
    pub(super) maker: Maker,
    pub(super) producer: Arc<TransactionalProducer>,
    pub(super) consumer: Arc<BaseConsumer<MemberContext>>,
    pub(super) observer: Observer,
    /// Batches that are not committed, oldest first.
    pub(super) held: Vec<Held>,
    /// How many of them have their records in the open transaction.
    pub(super) produced: usize,
    /// A transaction has begun.
    pub(super) is_open: bool,
    /// When the last one did.
    begun: Instant,
    /// How long the group's coordinator may take for the next offsets.
    pub(super) patience: Duration,
    topics: Topics,
    pub(super) limits: TransactionLimits,
    commit_interval: Duration,
    /// With so many batches of a partition the transaction is full.
    steps_max: usize,
    orders: Receiver<Order>,
    signals: Arc<Signals>,
    shared: Arc<Shared>,
}

/// Why gathering has ended.
enum Gathered {
    /// The transaction is due.
    Due,
    /// It can't be committed.
    Faulty(Fault),
    /// Nobody wants it any more.
    End,
}

impl Committer {
    pub(super) fn new(
        config: &KafkaConfig,
        observer: Observer,
        signals: Arc<Signals>,
        consumer: Arc<BaseConsumer<MemberContext>>,
        orders: Receiver<Order>,
        shared: Arc<Shared>,
    ) -> Result<Self, KafkaError> {
        let maker = Maker::new(config, Arc::clone(&observer));
        let producer = Arc::new(maker.first(config.startup_timeout())?);
        Ok(Self {
            maker,
            producer,
            consumer,
            observer,
            held: Vec::new(),
            produced: 0,
            is_open: false,
            begun: Instant::now(),
            patience: patience_min(config.transaction),
            topics: Topics::of(config),
            limits: config.transaction,
            commit_interval: Duration::from_millis(config.commit_interval_ms),
            steps_max: config.batch.in_flight_max.div_ceil(2),
            orders,
            signals,
            shared,
        })
    }

    /// Commits what comes until nobody wants it any more.
    pub(super) fn run(mut self) {
        let _alarm = PanicAlarm(Arc::clone(&self.signals));
        loop {
            let fault = match self.gather() {
                Gathered::Due => None,
                Gathered::Faulty(fault) => Some(fault),
                Gathered::End => break,
            };
            if self.settle(fault).is_err() {
                break;
            }
        }
        if self.is_open {
            // Readers of committed records wait for nothing behind an open transaction.
            drop(self.producer.abort_transaction(CALL));
        }
    }

    /// Takes batches, and produces their records, until the transaction is due.
    fn gather(&mut self) -> Gathered {
        let mut is_crowded = false;
        loop {
            if self.is_over() {
                return Gathered::End;
            }
            if self.is_full() {
                return Gathered::Due;
            }
            // Everything that has come meanwhile goes along; only then it is looked whether somebody has waited long enough.
            let order = self.orders.try_recv().or_else(|_| {
                let is_urgent = self.shared.is_urgent.load(Ordering::Acquire) && !self.held.is_empty();
                let wait = self.due_in(Instant::now());
                if is_crowded || is_urgent || wait.is_zero() { Err(None) } else { self.orders.recv_timeout(wait).map_err(Some) }
            });
            match order {
                Ok(Order::Step(step)) => {
                    is_crowded |= step.ledger.open_steps() >= self.steps_max;
                    self.held.push(step);
                    if let Err(fault) = self.produce() {
                        return Gathered::Faulty(fault);
                    }
                }
                Ok(Order::Wake) | Err(Some(RecvTimeoutError::Timeout)) => {}
                Err(None) => return Gathered::Due,
                Err(Some(RecvTimeoutError::Disconnected)) => return Gathered::End,
            }
        }
    }

    /// How long the transaction may wait: records are wanted soon, offsets alone are in no hurry.
    fn due_in(&self, now: Instant) -> Duration {
        let with_records = self.held.iter().find(|it| !it.outbox.is_empty() || it.is_opening);
        let soon = with_records.map(|it| it.since + Duration::from_millis(self.limits.interval_ms));
        let late = self.held.first().map(|it| it.since + self.commit_interval);
        soon.into_iter().chain(late).min().map_or(IDLE_WAIT, |it| it.saturating_duration_since(now))
    }

    fn is_full(&self) -> bool {
        let records: usize = self.held.iter().map(|it| it.outbox.len()).sum();
        let bytes: usize = self.held.iter().map(|it| it.outbox.bytes()).sum();
        records >= self.limits.records_max || bytes >= self.limits.bytes_max
    }

    /// Commits what is held, however often it takes.
    fn settle(&mut self, first: Option<Fault>) -> Result<(), Ended> {
        let mut pause = PAUSE_MIN;
        let mut outcome = first.map_or_else(|| self.attempt(), Err);
        loop {
            let recovered = match outcome {
                Ok(()) => {
                    self.finish();
                    return Ok(());
                }
                Err(Fault::Again(reason) | Fault::Abort(reason)) => self.abort(&reason),
                Err(fault) => Err(fault),
            };
            match recovered {
                Ok(()) => self.rest(&mut pause),
                Err(Fault::Fatal { reason, is_fenced }) => {
                    self.revive(&reason, is_fenced)?;
                    self.rest(&mut pause);
                }
                Err(Fault::Refused(reason)) => {
                    self.fail(self.maker.refusal(reason));
                    return Err(Ended);
                }
                Err(_) => return Err(Ended),
            }
            outcome = self.attempt();
        }
    }

    /// One transaction, from whatever of it there is to its end.
    ///
    /// The group's metadata is asked for *before* it is looked whether partitions were lost. Who loses partitions marks their ledgers, and
    /// only then tells the group that it may go on: so what is not marked yet meets metadata of the generation that owned it, and the
    /// coordinator refuses that from the moment on at which somebody else owns the partition.
    ///
    /// *After* that it is looked whether they are of the member that the partitions were given to: ids don't come back. If they are not, nothing is
    /// committed until the dispatcher has seen it, too, and has marked the ledgers.
    fn attempt(&mut self) -> Result<(), Fault> {
        self.produce()?;
        let group = self.consumer.group_metadata();
        let member = member_id(&self.consumer);
        if self.held.iter().any(|it| it.ledger.is_forgotten()) {
            self.held.retain(|it| !it.ledger.is_forgotten());
            // Records of the partition that went may be in the transaction.
            return Err(Fault::Abort("a partition was lost meanwhile".to_owned()));
        }
        if self.held.is_empty() {
            return Ok(());
        }
        let group = group.ok_or_else(|| Fault::Abort("the consumer is in no group".to_owned()))?;
        if !self.consumer.context().is_member(&member) {
            return Err(Fault::Abort("the group has put this member out".to_owned()));
        }
        let ends: BTreeMap<&PartitionId, i64> = self.held.iter().filter_map(|it| Some((&it.id, it.end_offset?))).collect();
        let offsets = self.consumer.context().to_commit(ends.into_iter());
        self.begin()?;
        if offsets.count() > 0 {
            self.send_offsets(offsets, group)?;
        }
        self.await_delivery();
        self.insist(|it| it.commit_transaction(CALL))?;
        self.is_open = false;
        Ok(())
    }

    /// Has the records of everything that is held in the open transaction.
    fn produce(&mut self) -> Result<(), Fault> {
        while self.produced < self.held.len() {
            if !self.held[self.produced].outbox.is_empty() {
                self.begin()?;
                for record in self.held[self.produced].outbox.records() {
                    self.send(&record)?;
                }
            }
            self.produced += 1;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Fault> {
        if !self.is_open {
            self.producer.begin_transaction().map_err(|error| Fault::of(&error))?;
            (self.is_open, self.begun) = (true, Instant::now());
        }
        Ok(())
    }

    /// The transaction is open for longer than brokers let one be: they have ended it, and fenced its producer.
    pub(super) fn has_timed_out(&self) -> bool {
        self.is_open && self.begun.elapsed() >= Duration::from_millis(self.limits.timeout_ms.into())
    }

    fn send(&self, record: &OutRecord<'_>) -> Result<(), Fault> {
        let mut message = BaseRecord::to(self.topics.of_kind(record.kind)).payload(record.value);
        if !record.key.is_empty() {
            message = message.key(record.key);
        }
        if let Some(partition) = record.partition {
            message = message.partition(partition);
        }
        loop {
            message = match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), message)) => message,
                Err((error, message)) => {
                    let fault = Fault::of(&error);
                    if let Fault::Refused(reason) = &fault {
                        self.maker.refuse(message.topic, reason.clone());
                    }
                    return Err(fault);
                }
            };
            if self.is_over() {
                return Err(Fault::Ended);
            }
            (self.observer)(Observation::ProducerFull);
            std::thread::sleep(FULL_WAIT);
        }
    }

    /// Waits until the brokers have the records. Committing waits for that, too, but looks only ten times a second.
    fn await_delivery(&self) {
        let until = Instant::now() + CALL;
        while self.producer.in_flight_count() > 0 && Instant::now() < until && !self.is_over() {
            std::thread::sleep(DELIVERY_WAIT);
        }
    }

    /// Makes a call as often as the client says that it may be made again.
    pub(super) fn insist(&self, call: impl Fn(&TransactionalProducer) -> KafkaResult<()>) -> Result<(), Fault> {
        self.repeat(|| call(&self.producer).map_err(|error| Fault::of(&error)))
    }

    /// The same for what is more than a call.
    pub(super) fn repeat(&self, attempt: impl Fn() -> Result<(), Fault>) -> Result<(), Fault> {
        let mut pause = PAUSE_MIN;
        loop {
            let Err(fault) = attempt() else { return Ok(()) };
            match fault {
                Fault::Again(reason) => (self.observer)(Observation::TransactionRetried { reason: &reason }),
                fault => return Err(fault),
            }
            self.rest(&mut pause);
            if self.is_over() {
                return Err(Fault::Ended);
            }
        }
    }

    /// Takes everything back, as far as readers are concerned; it is held all the same.
    fn abort(&mut self, reason: &str) -> Result<(), Fault> {
        if self.maker.has_refusal() {
            return Err(Fault::Refused(reason.to_owned()));
        }
        (self.observer)(Observation::TransactionAborted { reason });
        if self.is_open {
            self.insist(|it| it.abort_transaction(CALL))?;
        }
        (self.is_open, self.produced) = (false, 0);
        Ok(())
    }

    /// Everything that is held is committed.
    fn finish(&mut self) {
        let mut records = 0;
        let mut ends = BTreeMap::new();
        for step in &self.held {
            records += step.outbox.len();
            step.outbox.records().for_each(|it| (self.observer)(Observation::Delivered { kind: it.kind }));
            if let Some(end_offset) = step.end_offset {
                ends.insert(&step.id, end_offset);
            }
        }
        if let Some(first) = self.held.iter().find(|it| !it.outbox.is_empty()) {
            (self.observer)(Observation::TransactionCommitted { records, took: first.since.elapsed() });
        }
        for (id, offset) in ends {
            self.consumer.context().committed(id, offset);
        }
        self.shared.delivered.fetch_add(records as u64, Ordering::Relaxed);
        self.produced = 0;
        self.held.drain(..).for_each(|it| it.ledger.acknowledge(it.number));
    }

    /// Waits, twice as long as the time before, unless everything ends.
    pub(super) fn rest(&self, pause: &mut Duration) {
        let until = Instant::now() + *pause;
        *pause = (*pause * 2).min(PAUSE_MAX);
        while !self.is_over() && Instant::now() < until {
            std::thread::sleep(FULL_WAIT.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Nobody waits for anything any more.
    pub(super) fn is_over(&self) -> bool {
        self.signals.is_failed() || self.shared.is_ended.load(Ordering::Acquire)
    }

    /// Ends everything.
    pub(super) fn fail(&self, error: KafkaError) {
        self.signals.fail(error);
    }
}

/// Turns a panic of the thread into an error of the runtime: its workers would wait for ever.
struct PanicAlarm(Arc<Signals>);

impl Drop for PanicAlarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(KafkaError::Fatal("the thread that commits has panicked".to_owned()));
        }
    }
}
