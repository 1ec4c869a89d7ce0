//! Exactly once: the workers' side of the [`Committer`], which puts the batches of all partitions into transactions.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Sender, unbounded};
use rdkafka::consumer::BaseConsumer;

use super::committer::{Committer, Held, Order};
use super::{Ended, FULL_WAIT, Step};
use crate::kafka::context::MemberContext;
use crate::kafka::ledger::SharedLedger;
use crate::kafka::runtime::Signals;
use crate::kafka::{KafkaConfig, KafkaError, Observer};

/// Where batches are handed over to be committed.
pub(in crate::kafka) struct Transactional {
    /// Without a bound of its own: each partition has at most `in_flight_max` steps in it and behind it.
    orders: Sender<Order>,
    in_flight_max: usize,
    signals: Arc<Signals>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the two sides tell each other besides steps.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Somebody waits: what is there is committed at once.
    pub(super) is_urgent: AtomicBool,
    /// Nobody waits any more.
    pub(super) is_ended: AtomicBool,
    /// Records of committed transactions.
    pub(super) delivered: AtomicU64,
}

impl Transactional {
    /// Makes the producer, which fences whoever had its transactional id before, and starts the committer's thread.
    pub(super) fn new(
        config: &KafkaConfig,
        observer: Observer,
        signals: Arc<Signals>,
        consumer: Arc<BaseConsumer<MemberContext>>,
    ) -> Result<Self, KafkaError> {
        let (orders, inbox) = unbounded();
        let shared = Arc::<Shared>::default();
        let committer = Committer::new(config, observer, Arc::clone(&signals), consumer, inbox, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new().name("kafka-commit".to_owned()).spawn(move || committer.run())?;
        Ok(Self { orders, in_flight_max: config.batch.in_flight_max, signals, shared, thread: Mutex::new(Some(thread)) })
    }

    /// See [`Publisher::publish`](super::Publisher::publish).
    pub(super) fn publish(&self, step: &mut Step<'_>) -> Result<(), Ended> {
        self.go_on(step.ledger)?;
        while !step.ledger.wait_below(self.in_flight_max, FULL_WAIT) {
            self.go_on(step.ledger)?;
        }
        // Asked again: waiting ends, too, when the partition goes.
        self.go_on(step.ledger)?;
        let held = Held {
            id: step.id.clone(),
            number: step.ledger.begin(step.end_offset, 1),
            end_offset: step.end_offset,
            ledger: Arc::clone(step.ledger),
            outbox: std::mem::take(step.outbox),
            is_opening: step.is_opening,
            since: Instant::now(),
        };
        self.orders.send(Order::Step(held)).map_err(|_| Ended)
    }

    pub(super) fn delivered(&self) -> u64 {
        self.shared.delivered.load(Ordering::Relaxed)
    }

    pub(super) fn set_urgent(&self, is_urgent: bool) {
        self.shared.is_urgent.store(is_urgent, Ordering::Release);
        if is_urgent {
            drop(self.orders.send(Order::Wake));
        }
    }

    /// What is not committed is given up; an open transaction is aborted, so that nobody has to wait until it times out.
    pub(super) fn end(&self) {
        self.shared.is_ended.store(true, Ordering::Release);
        drop(self.orders.send(Order::Wake));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of it is with the signals.
        drop(thread.map(JoinHandle::join));
    }

    fn go_on(&self, ledger: &SharedLedger) -> Result<(), Ended> {
        if self.signals.is_failed() || ledger.is_forgotten() { Err(Ended) } else { Ok(()) }
    }
}
