//! Dead letters of whoever reads a topic without being a member of the group, and so has no batch that they could leave with.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use super::context::log_of_client;
use super::{KafkaConfig, KafkaError, Observation, Observer, RecordKind};
use crate::dead_letters::DeadLetter;

/// How long the end waits for letters that are still on their way.
const FLUSH: Duration = Duration::from_secs(5);

/// Writes dead letters to the topic for them. What becomes of each is told to an [`Observer`].
pub struct LetterBox {
    producer: ThreadedProducer<LetterContext>,
    topic: String,
}

impl LetterBox {
    /// A producer for the topic that the configuration names.
    pub fn new(config: &KafkaConfig, observer: Observer) -> Result<Self, KafkaError> {
        let created = config.producer()?.create_with_context(LetterContext { observer });
        let producer = created.map_err(|error| KafkaError::client("make a producer of dead letters", &error))?;
        Ok(Self { producer, topic: config.dead_letters_topic.clone() })
    }

    /// Hands a letter to the producer, which delivers it in the background. One for which the queue has no room is told like one that could not
    /// be delivered.
    pub fn send(&self, letter: &DeadLetter<'_>) {
        let value = letter.to_json();
        let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(&self.topic).payload(&value);
        if let Err((error, _)) = self.producer.send(record) {
            let reason = error.to_string();
            (self.producer.context().observer)(Observation::DeliveryFailed { kind: RecordKind::DeadLetter, reason: &reason });
        }
    }
}

impl Drop for LetterBox {
    fn drop(&mut self) {
        // What fails is told by the context.
        drop(self.producer.flush(FLUSH));
    }
}

/// Receives acknowledgements on the producer's thread.
struct LetterContext {
    observer: Observer,
}

impl ProducerContext for LetterContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let kind = RecordKind::DeadLetter;
        match result {
            Ok(_) => (self.observer)(Observation::Delivered { kind }),
            Err((error, _)) => (self.observer)(Observation::DeliveryFailed { kind, reason: &error.to_string() }),
        }
    }
}

impl ClientContext for LetterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_of_client("producer", level, facility, message);
    }

    fn error(&self, _: ClientError, reason: &str) {
        (self.observer)(Observation::Trouble { client: "producer", reason });
    }
}
