//! Making transactional producers: the first one, and another when one is of no use any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use super::Ended;
use super::committer::{CALL, Committer};
use super::fault::{Fault, is_lasting};
use crate::kafka::context::log_of_client;
use crate::kafka::{KafkaConfig, KafkaError, Observation, Observer};

pub(super) type TransactionalProducer = ThreadedProducer<TransactionContext>;

/// Makes producers of one transactional id.
pub(super) struct Maker {
    config: KafkaConfig,
    id: String,
    /// Nobody else can have the id.
    is_own: bool,
    observer: Observer,
    refused: Arc<Mutex<Option<Refusal>>>,
}

/// A record that will never be taken.
#[derive(Debug, Clone)]
struct Refusal {
    topic: String,
    reason: String,
}

impl Maker {
    pub(super) fn new(config: &KafkaConfig, observer: Observer) -> Self {
        let (id, is_own) = config.transactional_id();
        Self { config: config.clone(), id, is_own, observer, refused: Arc::default() }
    }

    /// The first producer; from now on nobody else can use its id.
    pub(super) fn first(&self, timeout: Duration) -> Result<TransactionalProducer, KafkaError> {
        let producer = self.make()?;
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Err(error) = producer.init_transactions(left.min(CALL)) else { return Ok(producer) };
            match Fault::of(&error) {
                Fault::Again(_) if !left.is_zero() => {}
                Fault::Again(reason) => {
                    let reason = format!("no coordinator of transactions answered: {reason}");
                    return Err(KafkaError::Unreachable { brokers: self.config.brokers.clone(), reason });
                }
                _ => return Err(KafkaError::NoTransactions { id: self.id.clone(), reason: error.to_string() }),
            }
        }
    }

    fn make(&self) -> Result<TransactionalProducer, KafkaError> {
        let context = TransactionContext { observer: Arc::clone(&self.observer), refused: Arc::clone(&self.refused) };
        let made = self.config.transactional_producer(&self.id)?.create_with_context(context);
        made.map_err(|error| KafkaError::client("make a transactional producer", &error))
    }

    /// A record for `topic` was not taken.
    pub(super) fn refuse(&self, topic: &str, reason: String) {
        let refusal = Refusal { topic: topic.to_owned(), reason };
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    /// Whether a record will never be taken.
    pub(super) fn has_refusal(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What to end with when something is refused: the record, if it was one.
    pub(super) fn refusal(&self, reason: String) -> KafkaError {
        match self.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Refusal { topic, reason }) => KafkaError::NotDelivered { topic, reason },
            None => KafkaError::NoTransactions { id: self.id.clone(), reason },
        }
    }
}

impl Committer {
    /// Goes on with another producer. Whether the last transaction was committed can be unknown by now: the offsets tell, since they were
    /// in it.
    ///
    /// A fenced producer whose id others can have is not followed by another: it would fence them in turn, for ever. Unless its transaction was
    /// open for so long that brokers have ended it, as when they were away: then nobody else needs to be there. If somebody is, the new
    /// producer fences them, and they end, since no transaction of theirs was open for so long.
    pub(super) fn revive(&mut self, reason: &str, is_fenced: bool) -> Result<(), Ended> {
        if is_fenced && !self.maker.is_own && !self.has_timed_out() {
            self.fail(KafkaError::Fenced { id: self.maker.id.clone() });
            return Err(Ended);
        }
        (self.observer)(Observation::ProducerReplaced { reason });
        self.producer = Arc::new(self.maker.make().map_err(|error| {
            self.fail(error);
            Ended
        })?);
        (self.is_open, self.produced) = (false, 0);
        // Waits until the coordinator has ended the last transaction, one way or the other.
        if let Err(fault) = self.insist(|it| it.init_transactions(CALL)) {
            return self.give_up(fault);
        }
        self.leave_out_committed()
    }

    fn give_up(&self, fault: Fault) -> Result<(), Ended> {
        match fault {
            Fault::Ended => {}
            Fault::Again(reason) | Fault::Abort(reason) | Fault::Refused(reason) | Fault::Fatal { reason, .. } => {
                self.fail(self.maker.refusal(reason));
            }
        }
        Err(Ended)
    }

    fn leave_out_committed(&mut self) -> Result<(), Ended> {
        let mut asked = TopicPartitionList::new();
        for step in &self.held {
            if asked.find_partition(&step.id.topic, step.id.partition).is_none() {
                asked.add_partition(&step.id.topic, step.id.partition);
            }
        }
        let mut pause = CALL / 10;
        while asked.count() > 0 {
            if self.is_over() {
                return Err(Ended);
            }
            match self.consumer.committed_offsets(asked.clone(), CALL) {
                Ok(committed) => {
                    self.held.retain(|step| {
                        let found = committed.find_partition(&step.id.topic, step.id.partition).map(|it| it.offset());
                        let is_done =
                            matches!(found, Some(Offset::Offset(offset)) if step.end_offset.is_some_and(|it| offset >= it));
                        if is_done {
                            step.ledger.acknowledge(step.number);
                        }
                        !is_done
                    });
                    return Ok(());
                }
                Err(error) => {
                    (self.observer)(Observation::TransactionRetried { reason: &error.to_string() });
                    self.rest(&mut pause);
                }
            }
        }
        Ok(())
    }
}

/// Hears of records that were not stored. What was stored is of no interest before the transaction is committed.
pub(super) struct TransactionContext {
    observer: Observer,
    refused: Arc<Mutex<Option<Refusal>>>,
}

impl ProducerContext for TransactionContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else { return };
        if error.rdkafka_error_code().is_some_and(is_lasting) {
            let refusal = Refusal { topic: message.topic().to_owned(), reason: error.to_string() };
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        }
    }
}

impl ClientContext for TransactionContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_of_client("producer", level, facility, message);
    }

    /// A fatal error is met by the next call, too, and handled there.
    fn error(&self, _: ClientError, reason: &str) {
        (self.observer)(Observation::Trouble { client: "producer", reason });
    }
}
