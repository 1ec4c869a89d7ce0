//! Producing: one step = the records of a batch and the input offset that they stand for.
//!
//! Here the records go to an idempotent producer, and the step's offset becomes committable when all of them are
//! acknowledged. A transaction would take the same [`Step`]: begin, produce, send the offset, commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};

use super::context::log_of_client;
use super::ledger::SharedLedger;
use super::outbox::{OutRecord, Outbox};
use super::runtime::Signals;
use super::{KafkaConfig, KafkaError, Observation, Observer, RecordKind};

/// How long a worker waits for room in the producer's queue before it looks again.
const FULL_WAIT: Duration = Duration::from_millis(20);

/// What a batch came to: its records, and the offset that may be committed once they are all acknowledged.
pub(super) struct Step<'a> {
    pub(super) ledger: &'a Arc<SharedLedger>,
    pub(super) end_offset: i64,
    pub(super) outbox: &'a Outbox,
}

/// Returned when an error has ended everything; the error itself is with the [`Signals`].
#[derive(Debug)]
pub(super) struct Ended;

/// The producer of a group member, shared by its workers.
pub(super) struct Publisher {
    producer: ThreadedProducer<DeliveryContext>,
    alerts_topic: String,
    shadow_topic: String,
    incidents_topic: String,
    digest_topic: String,
    dead_letters_topic: String,
    in_flight_max: usize,
    signals: Arc<Signals>,
    observer: Observer,
    delivered: Arc<AtomicU64>,
}

impl Publisher {
    pub(super) fn new(config: &KafkaConfig, observer: Observer, signals: Arc<Signals>) -> Result<Self, KafkaError> {
        let delivered = Arc::new(AtomicU64::new(0));
        let context =
            DeliveryContext { observer: Arc::clone(&observer), signals: Arc::clone(&signals), delivered: Arc::clone(&delivered) };
        let producer =
            config.producer()?.create_with_context(context).map_err(|error| KafkaError::client("make a producer", &error))?;
        Ok(Self {
            producer,
            alerts_topic: config.alerts_topic.clone(),
            shadow_topic: config.shadow_topic.clone(),
            incidents_topic: config.incidents_topic.clone(),
            digest_topic: config.digest_topic.clone(),
            dead_letters_topic: config.dead_letters_topic.clone(),
            in_flight_max: config.batch.in_flight_max,
            signals,
            observer,
            delivered,
        })
    }

    /// Hands the records of a step to the producer. Waits while too many steps are unacknowledged or the producer's
    /// queue is full: that is the back-pressure of a slow output.
    pub(super) fn publish(&self, step: &Step<'_>) -> Result<(), Ended> {
        self.go_on()?;
        while !step.ledger.wait_below(self.in_flight_max, FULL_WAIT) {
            self.go_on()?;
        }
        // Counted before the first record is sent: an acknowledgement may come before the last one is.
        let number = step.ledger.begin(step.end_offset, step.outbox.len());
        for record in step.outbox.records() {
            let ticket = Arc::new(Ticket { ledger: Arc::clone(step.ledger), step: number, kind: record.kind });
            self.send(&record, ticket)?;
        }
        Ok(())
    }

    /// Records acknowledged so far.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    fn send(&self, record: &OutRecord<'_>, ticket: Arc<Ticket>) -> Result<(), Ended> {
        let topic = self.topic_of(record.kind);
        let mut message = BaseRecord::with_opaque_to(topic, ticket).payload(record.value);
        if !record.key.is_empty() {
            message = message.key(record.key);
        }
        loop {
            message = match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), message)) => message,
                Err((error, message)) => {
                    message.delivery_opaque.ledger.fail();
                    self.signals.fail(KafkaError::NotDelivered { topic: topic.to_owned(), reason: error.to_string() });
                    return Err(Ended);
                }
            };
            self.go_on()?;
            (self.observer)(Observation::ProducerFull);
            message.delivery_opaque.ledger.wait_for_change(FULL_WAIT);
        }
    }

    fn go_on(&self) -> Result<(), Ended> {
        if self.signals.is_failed() { Err(Ended) } else { Ok(()) }
    }

    fn topic_of(&self, kind: RecordKind) -> &str {
        match kind {
            RecordKind::Alert => &self.alerts_topic,
            RecordKind::Shadow => &self.shadow_topic,
            RecordKind::Incident => &self.incidents_topic,
            RecordKind::Digest => &self.digest_topic,
            RecordKind::DeadLetter => &self.dead_letters_topic,
        }
    }
}

/// Travels with a record through the producer and comes back with its acknowledgement.
pub(super) struct Ticket {
    ledger: Arc<SharedLedger>,
    step: u64,
    kind: RecordKind,
}

/// Receives acknowledgements on the producer's thread.
pub(super) struct DeliveryContext {
    observer: Observer,
    signals: Arc<Signals>,
    delivered: Arc<AtomicU64>,
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Arc<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Arc<Ticket>) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                ticket.ledger.acknowledge(ticket.step);
                (self.observer)(Observation::Delivered { kind: ticket.kind });
            }
            Err((error, message)) => {
                // The client has retried for `delivery_timeout_ms`, or knows that retrying is in vain.
                let reason = error.to_string();
                ticket.ledger.fail();
                (self.observer)(Observation::DeliveryFailed { kind: ticket.kind, reason: &reason });
                self.signals.fail(KafkaError::NotDelivered { topic: message.topic().to_owned(), reason });
            }
        }
    }
}

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_of_client("producer", level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.signals.fail(KafkaError::Fatal(reason.to_owned()));
        } else {
            (self.observer)(Observation::Trouble { client: "producer", reason });
        }
    }
}
