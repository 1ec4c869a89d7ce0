//! At least once: an idempotent producer, and offsets that are committed when all that their input caused is acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};

use super::{Ended, FULL_WAIT, Step, Topics};
use crate::kafka::context::log_of_client;
use crate::kafka::ledger::SharedLedger;
use crate::kafka::outbox::OutRecord;
use crate::kafka::runtime::Signals;
use crate::kafka::{KafkaConfig, KafkaError, Observation, Observer, RecordKind};

/// The producer of a group member, shared by its workers.
pub(in crate::kafka) struct Idempotent {
    producer: ThreadedProducer<DeliveryContext>,
    topics: Topics,
    in_flight_max: usize,
    signals: Arc<Signals>,
    observer: Observer,
    delivered: Arc<AtomicU64>,
}

impl Idempotent {
    pub(super) fn new(config: &KafkaConfig, observer: Observer, signals: Arc<Signals>) -> Result<Self, KafkaError> {
        let delivered = Arc::new(AtomicU64::new(0));
        let context =
            DeliveryContext { observer: Arc::clone(&observer), signals: Arc::clone(&signals), delivered: Arc::clone(&delivered) };
        let producer =
            config.producer()?.create_with_context(context).map_err(|error| KafkaError::client("make a producer", &error))?;
        Ok(Self { producer, topics: Topics::of(config), in_flight_max: config.batch.in_flight_max, signals, observer, delivered })
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
        let topic = self.topics.of_kind(record.kind);
        let mut message = BaseRecord::with_opaque_to(topic, ticket).payload(record.value);
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
