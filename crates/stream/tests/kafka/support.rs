//! Where a case plays, and what it is told of the runtime.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stream::kafka::{
    Batch, Delivery, EmbeddedKafka, KafkaConfig, KafkaHandle, Loss, Observation, Observer, Outbox, PartitionId, TailReader, start,
};

use crate::cluster::Cluster;

pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// What a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The embedded Kafka.
    Mock,
    /// A real broker, with offsets that follow acknowledgements.
    Apache,
    /// A real broker, with transactions.
    Transactions,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Mock, Self::Apache, Self::Transactions];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Apache => "apache",
            Self::Transactions => "transactions",
        }
    }
}

/// A broker with topics of the case's own.
pub(crate) struct Site<'a> {
    kind: Kind,
    case: &'static str,
    shared: &'a OnceLock<Cluster>,
    mock: OnceLock<EmbeddedKafka>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(kind: Kind, case: &'static str, shared: &'a OnceLock<Cluster>) -> Self {
        Self { kind, case, shared, mock: OnceLock::new() }
    }

    /// Creates the topics, that of events with so many partitions, and gives a configuration for them.
    pub(crate) fn topics(&self, partitions: i32) -> KafkaConfig {
        self.topics_of(None, partitions)
    }

    /// The same on a cluster of the case's own.
    pub(crate) fn topics_on(&self, cluster: &Cluster, partitions: i32) -> KafkaConfig {
        self.topics_of(Some(cluster), partitions)
    }

    fn topics_of(&self, cluster: Option<&Cluster>, partitions: i32) -> KafkaConfig {
        let mut config = KafkaConfig { commit_interval_ms: 100, statistics_interval_ms: 500, ..KafkaConfig::default() };
        if self.kind != Kind::Mock {
            // The broker is shared: names are of this case and this kind.
            config.group_id = format!("{}.{}", self.kind.as_str(), self.case);
            for topic in [&mut config.topics[0], &mut config.alerts_topic, &mut config.dead_letters_topic] {
                *topic = format!("{}.{topic}", config.group_id);
            }
        }
        let is_transactional = self.kind == Kind::Transactions;
        config.delivery = if is_transactional { Delivery::ExactlyOnce } else { Delivery::AtLeastOnce };
        let topics = [(&*config.topics[0], partitions), (&*config.alerts_topic, 1), (&*config.dead_letters_topic, 1)];
        if self.kind == Kind::Mock {
            let mock = self.mock.get_or_init(|| EmbeddedKafka::start(&topics).unwrap());
            return KafkaConfig { brokers: mock.config().brokers, properties: mock.config().properties, ..config };
        }
        cluster.unwrap_or_else(|| self.cluster()).create(&topics);
        KafkaConfig { brokers: cluster.unwrap_or_else(|| self.cluster()).brokers.clone(), ..config }
    }

    /// A place of this case's own among temporary files.
    #[cfg(feature = "tls")]
    pub(crate) fn scratch(&self, what: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("nightjar-{}-{}-{what}-{}", self.kind.as_str(), self.case, std::process::id()))
    }

    /// The embedded Kafka, for faults.
    pub(crate) fn mock(&self) -> &EmbeddedKafka {
        self.mock.get().expect("the case has made its topics, and is for the embedded Kafka")
    }

    /// The real broker that all cases share.
    pub(crate) fn cluster(&self) -> &Cluster {
        self.shared.get_or_init(|| Cluster::start(1))
    }
}

/// What the runtime has reported, and a way to wait for it.
#[derive(Default)]
pub(crate) struct Probe {
    pub(crate) seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// End offsets that were handled, by partition.
    pub(crate) handled: BTreeMap<i32, i64>,
    pub(crate) committed: BTreeMap<i32, i64>,
    pub(crate) lag: BTreeMap<i32, i64>,
    /// Messages handled, counted again when they are read again.
    pub(crate) messages: usize,
    pub(crate) delivered: usize,
    pub(crate) pauses: usize,
    pub(crate) resumes: usize,
    pub(crate) gaps: usize,
    pub(crate) revoked: usize,
    pub(crate) retried: usize,
    pub(crate) aborted: usize,
    pub(crate) replaced: usize,
    pub(crate) owned: Option<usize>,
    pub(crate) opened: Vec<i32>,
    pub(crate) lost: Vec<(i32, Loss)>,
    /// Counted from the last time it was set to 0.
    pub(crate) polls: usize,
    pub(crate) troubles: Vec<String>,
}

impl Probe {
    pub(crate) fn observer(self: &Arc<Self>) -> Observer {
        let probe = Arc::clone(self);
        Arc::new(move |it| {
            probe.seen.lock().unwrap_or_else(PoisonError::into_inner).note(it);
            probe.changed.notify_all();
        })
    }

    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_enough: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.lock().unwrap();
        while !is_enough(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain until {what}: {seen:?}");
            seen = self.changed.wait_timeout(seen, left).unwrap().0;
        }
    }
}

impl Seen {
    fn note(&mut self, it: Observation<'_>) {
        match it {
            Observation::Handled { partition, messages, end_offset, .. } => {
                self.handled.insert(partition.partition, end_offset);
                self.messages += messages;
            }
            Observation::Committed { partition, offset, .. } => drop(self.committed.insert(partition, offset)),
            Observation::Lag { partition, lag, .. } => drop(self.lag.insert(partition, lag)),
            Observation::Delivered { .. } => self.delivered += 1,
            Observation::Paused { is_paused: true, .. } => self.pauses += 1,
            Observation::Paused { is_paused: false, .. } => self.resumes += 1,
            Observation::TransactionRetried { .. } => self.retried += 1,
            Observation::TransactionAborted { .. } => self.aborted += 1,
            Observation::ProducerReplaced { .. } => self.replaced += 1,
            Observation::Gap { .. } => self.gaps += 1,
            Observation::Revoked { .. } => self.revoked += 1,
            Observation::Opened { partition, .. } => self.opened.push(partition.partition),
            Observation::Lost { partition, loss } => self.lost.push((partition.partition, loss)),
            Observation::Polled => self.polls += 1,
            Observation::Trouble { reason, .. } => self.troubles.push(reason.to_owned()),
            Observation::CommitFailed { reason } => self.troubles.push(format!("not committed: {reason}")),
            Observation::Rebalanced { owned } => self.owned = Some(owned),
            _ => {}
        }
    }
}

/// Commits an offset of partition 0 for the group, which must have no members.
pub(crate) fn commit(config: &KafkaConfig, offset: i64) {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &config.brokers).set("group.id", &config.group_id).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&config.topics[0], 0, Offset::Offset(offset)).unwrap();
    consumer.commit(&list, CommitMode::Sync).unwrap();
}

/// Writes messages `from..to`, spread over the partitions in turn; message `n` is `{"n":n}`.
pub(crate) fn write(config: &KafkaConfig, partitions: i32, numbers: std::ops::Range<u32>) {
    let producer: ThreadedProducer<_> = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    for n in numbers {
        let partition = i32::try_from(n).unwrap() % partitions;
        let value = format!("{{\"n\":{n}}}");
        producer
            .send(BaseRecord::<str, str>::to(&config.topics[0]).partition(partition).payload(&value))
            .map_err(|it| it.0)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// Every message becomes an alert with the same key and value.
pub(crate) fn echo(batch: &Batch, out: &mut Outbox) {
    for message in batch.messages() {
        let value = batch.payload_of(message);
        out.alert(value, value);
    }
}

pub(crate) fn start_echo(config: &KafkaConfig, probe: &Arc<Probe>) -> KafkaHandle {
    start(config, probe.observer(), |_: &PartitionId| Ok(echo)).unwrap()
}

pub(crate) fn committed(config: &KafkaConfig, partitions: i32) -> Vec<Option<i64>> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &config.brokers).set("group.id", &config.group_id).create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(&config.topics[0], 0, partitions - 1);
    let answer = consumer.committed_offsets(asked, PATIENCE).unwrap();
    let offset = |it: Offset| if let Offset::Offset(it) = it { Some(it) } else { None };
    answer.elements().iter().map(|it| offset(it.offset())).collect()
}

/// The numbers of all alerts that may be read, sorted.
pub(crate) fn alerts(config: &KafkaConfig, at_least: usize) -> Vec<u32> {
    let reader = TailReader::to_end(config, &config.alerts_topic).unwrap();
    let mut numbers = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while !reader.has_been_at_end() && Instant::now() < deadline {
        let Some(message) = reader.next(Duration::from_millis(100)).unwrap() else { continue };
        let text = String::from_utf8(message.value).unwrap();
        numbers.push(text.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap());
    }
    assert!(numbers.len() >= at_least, "{} alerts", numbers.len());
    numbers.sort_unstable();
    numbers
}
