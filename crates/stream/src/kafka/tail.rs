//! Reads a topic from its beginning, without a group and without committing anything: for printing and for tests.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::context::log_of_client;
use super::{KafkaConfig, KafkaError};

/// Reads all partitions of one topic.
pub struct TailReader {
    consumer: BaseConsumer<Doorman>,
    topic: String,
    partitions: Vec<i32>,
    /// Partitions whose end was reached, if that is asked for.
    ended: Mutex<BTreeSet<i32>>,
}

/// A message of a [`TailReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailMessage {
    /// The partition it was in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its timestamp in milliseconds since the epoch, if it has one.
    pub timestamp_ms: Option<i64>,
    /// Its key; empty if it has none.
    pub key: Vec<u8>,
    /// Its value; empty for a tombstone.
    pub value: Vec<u8>,
}

impl TailReader {
    /// Starts at the first message that the topic still has.
    pub fn from_earliest(config: &KafkaConfig, topic: &str) -> Result<Self, KafkaError> {
        Self::of(&config.reader()?, config, topic)
    }

    /// The same, and takes note when the end of each partition is reached ([`Self::has_been_at_end`]): counting offsets would not tell, since the
    /// last ones may be markers of transactions, which nobody gets to see.
    pub fn to_end(config: &KafkaConfig, topic: &str) -> Result<Self, KafkaError> {
        let mut client = config.reader()?;
        client.set("enable.partition.eof", "true");
        Self::of(&client, config, topic)
    }

    fn of(client: &ClientConfig, config: &KafkaConfig, topic: &str) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer<Doorman> =
            client.create_with_context(Doorman::default()).map_err(|error| KafkaError::client("make a reader", &error))?;
        let partitions = partitions_of(&consumer, config, topic)?;
        let mut assignment = TopicPartitionList::new();
        for partition in &partitions {
            assignment
                .add_partition_offset(topic, *partition, Offset::Beginning)
                .map_err(|error| KafkaError::client("assign", &error))?;
        }
        consumer.assign(&assignment).map_err(|error| KafkaError::client("assign", &error))?;
        Ok(Self { consumer, topic: topic.to_owned(), partitions, ended: Mutex::default() })
    }

    /// Whether what each partition had was read at some time. Known of a reader that was made by [`Self::to_end`].
    pub fn has_been_at_end(&self) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        self.partitions.iter().all(|it| ended.contains(it))
    }

    /// The next message of any partition, or `None` if there was none for `timeout`.
    pub fn next(&self, timeout: Duration) -> Result<Option<TailMessage>, KafkaError> {
        match self.consumer.poll(timeout) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(TailMessage {
                partition: message.partition(),
                offset: message.offset(),
                timestamp_ms: message.timestamp().to_millis(),
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().unwrap_or_default().to_vec(),
            })),
            Some(Err(ClientError::PartitionEOF(partition))) => {
                self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(partition);
                Ok(None)
            }
            Some(Err(ClientError::MessageConsumptionFatal(code))) => Err(KafkaError::Fatal(code.to_string())),
            // The client reconnects by itself.
            Some(Err(error)) => {
                tracing::debug!(%error, topic = self.topic, "while reading");
                Ok(None)
            }
        }
    }

    /// Reads until `count` messages have come, or none for `timeout`.
    pub fn read(&self, count: usize, timeout: Duration) -> Result<Vec<TailMessage>, KafkaError> {
        let mut messages = Vec::new();
        while messages.len() < count {
            match self.next(timeout)? {
                Some(message) => messages.push(message),
                None => break,
            }
        }
        Ok(messages)
    }
}

/// Hears whether a broker refuses our credentials: the client itself would go on trying.
#[derive(Default)]
struct Doorman {
    refusal: Mutex<Option<String>>,
    /// What the last handshake failed of. Another broker's may be better, and one that is just starting may hang up: so it is told when
    /// none has succeeded in time.
    handshake: Mutex<Option<String>>,
}

impl ConsumerContext for Doorman {}

impl ClientContext for Doorman {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_of_client("reader", level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed))
        {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        } else if error.rdkafka_error_code() == Some(RDKafkaErrorCode::SSL) {
            *self.handshake.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        } else {
            tracing::debug!(%error, reason, "while reading");
        }
    }
}

/// Whether brokers answer, let us in, and have all of `topics`.
///
/// # Errors
///
/// [`KafkaError::Unreachable`], [`KafkaError::Unwelcome`], [`KafkaError::Insecure`], and [`KafkaError::UnknownTopic`] of the first that is not there.
pub fn check_topics(config: &KafkaConfig, topics: &[&str]) -> Result<(), KafkaError> {
    let consumer: BaseConsumer<Doorman> =
        config.reader()?.create_with_context(Doorman::default()).map_err(|error| KafkaError::client("make a reader", &error))?;
    topics.iter().try_for_each(|topic| partitions_of(&consumer, config, topic).map(drop))
}

/// How long one question about a topic may take; then it is looked whether we are let in at all.
const ASK: Duration = Duration::from_secs(1);
/// How much of what the client has to say is listened to in between.
const TOLD_MAX: usize = 16;

fn partitions_of(consumer: &BaseConsumer<Doorman>, config: &KafkaConfig, topic: &str) -> Result<Vec<i32>, KafkaError> {
    let deadline = Instant::now() + config.startup_timeout();
    let brokers = config.brokers.clone();
    let metadata = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match consumer.fetch_metadata(Some(topic), left.min(ASK)) {
            Ok(it) => break it,
            Err(error) => error,
        };
        // What the client has to say comes with polling; there is nothing assigned yet that a message could come of.
        (0..TOLD_MAX).for_each(|_| drop(consumer.poll(Duration::ZERO)));
        if let Some(reason) = consumer.context().refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(KafkaError::Unwelcome { brokers, reason });
        }
        if left.is_zero() {
            if let Some(reason) = consumer.context().handshake.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(KafkaError::Insecure { brokers, reason });
            }
            return Err(KafkaError::Unreachable { brokers, reason: error.to_string() });
        }
    };
    let mut partitions: Vec<i32> =
        metadata.topics().iter().flat_map(MetadataTopic::partitions).map(MetadataPartition::id).collect();
    partitions.sort_unstable();
    if partitions.is_empty() { Err(KafkaError::UnknownTopic(topic.to_owned())) } else { Ok(partitions) }
}
