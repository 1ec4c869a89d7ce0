//! The configuration of the Kafka edge: what people write in the TOML file, and the client settings it becomes.

mod client;
mod delivery;
mod security;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::KafkaError;
pub use delivery::{Delivery, TransactionLimits};
pub use security::{Secret, Security, SecurityProtocol};

/// How to reach Kafka, what to read and where to write. Times are in milliseconds, sizes in bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Bootstrap servers, `host:port` separated by commas.
    pub brokers: String,
    /// Consumer group. Instances of one group share the partitions.
    pub group_id: String,
    /// Name of this process among those of its group, the same after each start: it is a static member, which has its partitions back at once.
    /// Empty: a new one at each start.
    pub instance_id: String,
    /// What a crash may do to records.
    pub delivery: Delivery,
    /// Where a partition begins of which the group has committed nothing.
    #[serde(skip)]
    pub start: Start,
    /// When transactions are committed.
    pub transaction: TransactionLimits,
    /// Topics with events. A name that starts with `^` is a regular expression.
    pub topics: Vec<String>,
    /// Topic that alerts go to.
    pub alerts_topic: String,
    /// Topic for findings that page nobody; empty: there is none, and the handler writes no such records.
    pub shadow_topic: String,
    /// Topic for incidents; empty: there is none, and the handler writes no such records.
    pub incidents_topic: String,
    /// Topic for the digest of each day; empty: likewise.
    pub digest_topic: String,
    /// Topic that dead letters go to.
    pub dead_letters_topic: String,
    /// Topic through which handlers send each other records: written by partition number, and read by the same group from its beginning.
    /// Empty: there is none.
    pub exchange_topic: String,
    /// Encryption and authentication.
    pub security: Security,
    /// Sizes of batches and queues.
    pub batch: BatchLimits,
    /// How often offsets are committed that no record waits for.
    pub commit_interval_ms: u64,
    /// At least once: how long the producer tries to deliver a record before the process gives up.
    pub delivery_timeout_ms: u64,
    /// How long a revoked or stopping partition may take to finish what it works on.
    pub drain_timeout_ms: u64,
    /// How long to wait for a broker at the start.
    pub startup_timeout_ms: u64,
    /// How often lag and high watermarks are measured.
    pub statistics_interval_ms: u64,
    /// Any other librdkafka property, for the consumer and the producer. Values are not shown in logs.
    pub properties: Properties,
}

/// Where reading begins when the group has committed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At the first message that the topic still has.
    #[default]
    Earliest,
    /// With the next message.
    Latest,
    /// At the first message whose Kafka timestamp, in milliseconds since the epoch, is not before this.
    AtMs(i64),
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "localhost:9092".to_owned(),
            group_id: "nightjar".to_owned(),
            instance_id: String::new(),
            delivery: Delivery::default(),
            start: Start::default(),
            transaction: TransactionLimits::default(),
            topics: vec!["audit-events".to_owned()],
            alerts_topic: "nightjar.alerts".to_owned(),
            shadow_topic: "nightjar.shadow".to_owned(),
            incidents_topic: String::new(),
            digest_topic: String::new(),
            dead_letters_topic: "nightjar.dead-letters".to_owned(),
            exchange_topic: String::new(),
            security: Security::default(),
            batch: BatchLimits::default(),
            commit_interval_ms: 1_000,
            delivery_timeout_ms: 120_000,
            drain_timeout_ms: 20_000,
            startup_timeout_ms: 30_000,
            statistics_interval_ms: 1_000,
            properties: Properties::default(),
        }
    }
}

impl KafkaConfig {
    /// Checks everything that can be checked without a broker. Called by [`start`](super::start) too.
    pub fn check(&self) -> Result<(), KafkaError> {
        let refuse = |reason: &str| Err(KafkaError::Config(reason.to_owned()));
        if self.brokers.trim().is_empty() {
            return refuse("brokers is empty");
        }
        if self.group_id.is_empty() {
            return refuse("group_id is empty");
        }
        if !is_name(&self.instance_id) {
            let id = &self.instance_id;
            return Err(KafkaError::Config(format!(
                "instance_id {id:?} is no name for brokers: at most {NAME_MAX} of a-z A-Z 0-9 . _ - are taken, and not \".\" or \"..\""
            )));
        }
        if self.topics.is_empty() || self.topics.iter().any(String::is_empty) {
            return refuse("topics must name at least one topic, and no empty name");
        }
        for out in [&self.alerts_topic, &self.dead_letters_topic] {
            if out.is_empty() {
                return refuse("alerts_topic and dead_letters_topic must not be empty");
            }
        }
        let outputs = [&self.alerts_topic, &self.shadow_topic, &self.incidents_topic, &self.digest_topic, &self.dead_letters_topic];
        for out in outputs {
            if self.topics.contains(out) {
                return Err(KafkaError::Config(format!("topic {out:?} is both read and written: that would be a loop")));
            }
        }
        let exchange = &self.exchange_topic;
        if !exchange.is_empty() && (outputs.contains(&exchange) || self.topics.contains(exchange)) {
            return Err(KafkaError::Config(format!("topic {exchange:?} is for the exchange, and for nothing else")));
        }
        if self.shadow_topic == self.alerts_topic {
            return refuse("alerts_topic and shadow_topic are the same: what is in shadow would page");
        }
        for out in [&self.incidents_topic, &self.digest_topic] {
            if *out == self.alerts_topic {
                return refuse("incidents and digests need topics of their own: alerts_topic has alerts only");
            }
        }
        self.batch.check()?;
        self.transaction.check()?;
        self.properties.check()?;
        self.security.check()
    }

    /// The topics to subscribe to.
    pub(super) fn read_topics(&self) -> impl Iterator<Item = &str> {
        let exchange = Some(self.exchange_topic.as_str()).filter(|it| !it.is_empty());
        self.topics.iter().map(String::as_str).chain(exchange)
    }

    pub(super) fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }

    pub(super) fn startup_timeout(&self) -> Duration {
        Duration::from_millis(self.startup_timeout_ms)
    }
}

/// Limits of what is in memory, per partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchLimits {
    /// Messages in a batch.
    pub messages_max: usize,
    /// Bytes in a batch (the message that reaches it is still taken).
    pub bytes_max: usize,
    /// Bytes in a message; a longer one is reported as oversize.
    pub message_bytes_max: usize,
    /// Batches that wait for a partition's worker; when they are full, the partition is paused.
    pub queue_max: usize,
    /// Batches of a partition whose records are not acknowledged yet; when reached, the worker waits.
    pub in_flight_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { messages_max: 4_096, bytes_max: 512 * 1024, message_bytes_max: 1024 * 1024, queue_max: 4, in_flight_max: 16 }
    }
}

impl BatchLimits {
    fn check(self) -> Result<(), KafkaError> {
        let limits = [
            ("messages_max", self.messages_max),
            ("bytes_max", self.bytes_max),
            ("message_bytes_max", self.message_bytes_max),
            ("queue_max", self.queue_max),
            ("in_flight_max", self.in_flight_max),
        ];
        match limits.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(KafkaError::Config(format!("batch.{name} is 0, it must be at least 1"))),
            None => Ok(()),
        }
    }
}

/// Raw librdkafka properties. `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Properties(BTreeMap<String, Scalar>);

/// A property's value: TOML may have it as a string, a number or a boolean, the client wants text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// Longest name of an instance (`ConsumerGroup` and `Topic.validate` of Apache Kafka: the same as for topics).
const NAME_MAX: usize = 249;

/// Whether brokers take it for the name of a member; the empty one is none.
fn is_name(id: &str) -> bool {
    let is_legal = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
    id.len() <= NAME_MAX && id.chars().all(is_legal) && !matches!(id, "." | "..")
}

/// Properties that this crate sets, because its guarantees hang on them, with where to say it instead.
const RESERVED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use `brokers`"),
    ("metadata.broker.list", "use `brokers`"),
    ("group.id", "use `group_id`"),
    ("enable.auto.commit", "offsets are committed after their alerts are acknowledged"),
    ("auto.commit.interval.ms", "use `commit_interval_ms`"),
    ("enable.auto.offset.store", "offsets are committed after their alerts are acknowledged"),
    ("enable.idempotence", "the producer is always idempotent"),
    ("acks", "the producer always waits for all replicas"),
    ("request.required.acks", "the producer always waits for all replicas"),
    ("auto.offset.reset", "use `start`; what retention takes is told, and reading goes on behind it"),
    ("partition.assignment.strategy", "partitions move one by one: it is always cooperative-sticky"),
    ("transactional.id", "use `instance_id`"),
    ("group.instance.id", "use `instance_id`"),
    ("transaction.timeout.ms", "use `timeout_ms` of the transaction"),
    ("security.protocol", "use `security.protocol` under [kafka.security]"),
    ("sasl.mechanism", "use `sasl_mechanism` under [kafka.security]"),
    ("sasl.mechanisms", "use `sasl_mechanism` under [kafka.security]"),
    ("sasl.username", "use `username` under [kafka.security]"),
    ("sasl.password", "use `password_file` or `password_env` under [kafka.security]"),
    ("ssl.key.password", "use `ssl_key_password_file` or `ssl_key_password_env` under [kafka.security]"),
];

impl Properties {
    /// Adds or replaces a property.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), Scalar::Text(value.to_owned()));
    }

    /// Names and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.to_text()))
    }

    fn check(&self) -> Result<(), KafkaError> {
        for name in self.0.keys() {
            if let Some((_, instead)) = RESERVED.iter().find(|(it, _)| it == name) {
                return Err(KafkaError::Config(format!("property {name:?} cannot be set: {instead}")));
            }
            if name.starts_with("ssl.") && !cfg!(feature = "tls") {
                return Err(KafkaError::NeedsTls { setting: format!("property {name:?}") });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Scalar {
    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}
