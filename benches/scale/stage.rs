//! A broker, topics, and what is produced into and read from them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::cluster::Cluster;
use crate::events::{Feed, PROBE_RULE};
use crate::options::Options;

pub(crate) const PARTITIONS: i32 = 12;
/// Partitions of the topic through which instances exchange what several of them need.
const EXCHANGE: i32 = 12;
/// Of what is read and of what is exchanged.
pub(crate) const ALL_PARTITIONS: i32 = PARTITIONS + EXCHANGE;
/// The broker runs as it does in production, with the compiler and the collector that Java has for servers.
const BROKER: [(&str, &str); 2] = [("NIGHTJAR_KAFKA_JVM", "-XX:+UseG1GC"), ("NIGHTJAR_KAFKA_HEAP", "1g")];
/// Of each partition, where only the latest is kept: many times what waits to be read.
const KEPT: [(&str, &str); 2] = [("retention.bytes", "134217728"), ("segment.bytes", "33554432")];
/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(15);
const PAUSE: Duration = Duration::from_millis(50);

/// A broker, a folder, and the binary.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) path: PathBuf,
    pub(crate) nightjar: PathBuf,
    pub(crate) share: Option<u32>,
}

impl Stage {
    pub(crate) fn new(options: &Options) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-scale-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(path.join("probe")).unwrap();
        std::fs::write(path.join("probe/probe.yml"), PROBE_RULE).unwrap();
        Self {
            cluster: Cluster::start_with(options.brokers, &BROKER),
            path,
            nightjar: options.nightjar.clone(),
            share: options.share,
        }
    }

    /// A topic with events in it.
    pub(crate) fn input(&self, name: &str) {
        self.cluster.create(&[(name, PARTITIONS)]);
    }

    /// The topics that the group `name` writes to.
    pub(crate) fn outputs(&self, name: &str) {
        self.reports(name);
        self.cluster.create(&[(&format!("{name}.exchange"), EXCHANGE)]);
    }

    /// A topic with events, and those that the group writes to, of which only the latest is kept of what comes fast: else disks would be
    /// full after half an hour.
    pub(crate) fn forgetful(&self, input: &str, group: &str) {
        self.reports(group);
        let exchange = format!("{group}.exchange");
        self.cluster.create_with(&[(input, PARTITIONS), (&exchange, EXCHANGE)], &KEPT);
    }

    fn reports(&self, name: &str) {
        let names = ["alerts", "shadow", "dead", "incidents", "digest"].map(|it| format!("{name}.{it}"));
        self.cluster.create(&names.each_ref().map(|it| (it.as_str(), 3)));
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.cluster.brokers);
        client
    }

    /// A producer that waits so long for a batch to become full.
    pub(crate) fn producer(&self, linger_ms: u32) -> Sender {
        let mut client = self.client();
        client.set("compression.type", "lz4").set("linger.ms", linger_ms.to_string()).set("batch.size", "262144");
        client.set("queue.buffering.max.messages", "500000").set("message.timeout.ms", "300000");
        // Else what is sent again would come later than what was sent after it.
        client.set("enable.idempotence", "true");
        Sender { producer: client.create().unwrap() }
    }

    /// Writes up to `count` events of a feed into a topic, and says how many each partition has got.
    pub(crate) fn fill(&self, topic: &str, mut feed: Feed, count: usize) -> Vec<i64> {
        let producer = self.producer(20);
        let (mut ends, mut written) = (vec![0; usize::try_from(PARTITIONS).unwrap()], 0);
        while written < count {
            let has_more = feed.next(|partition, key, line| {
                producer.send(topic, partition, key, line);
                ends[usize::try_from(partition).unwrap()] += 1;
                written += 1;
            });
            if !has_more {
                break;
            }
        }
        producer.finish();
        ends
    }

    /// How many messages of a topic a group has committed.
    pub(crate) fn progress(&self, group: &str) -> Progress {
        let mut client = self.client();
        client.set("group.id", group).set("isolation.level", "read_committed");
        Progress { consumer: client.create().unwrap() }
    }

    /// Reads committed records of a topic from its end on.
    pub(crate) fn reader(&self, topic: &str, partitions: i32) -> BaseConsumer {
        let mut client = self.client();
        client.set("group.id", "nobody").set("isolation.level", "read_committed").set("enable.auto.commit", "false");
        client.set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = client.create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        consumer
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// Produces, and waits where there is no room.
pub(crate) struct Sender {
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Sender {
    pub(crate) fn send(&self, topic: &str, partition: i32, key: &str, line: &[u8]) {
        let mut record = BaseRecord::to(topic).partition(partition).key(key).payload(line);
        while let Err((error, again)) = self.producer.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            std::thread::park_timeout(PAUSE);
            record = again;
        }
    }

    pub(crate) fn finish(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }
}

/// Asks how far a group is.
pub(crate) struct Progress {
    consumer: BaseConsumer,
}

impl Progress {
    /// Of each partition, how much is committed; `None` if the broker does not say so.
    pub(crate) fn committed(&self, topic: &str) -> Option<Vec<i64>> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, PARTITIONS - 1);
        let found = self.consumer.committed_offsets(asked, Duration::from_secs(5)).ok()?;
        let offset = |it: Offset| if let Offset::Offset(offset) = it { offset } else { 0 };
        Some(found.elements().iter().map(|it| offset(it.offset())).collect())
    }

    /// Waits until so many messages are committed, and says when that was and how many there are.
    pub(crate) fn await_sum(&self, topic: &str, sum: i64) -> (Instant, i64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let done = self.committed(topic).map_or(0, |it| it.iter().sum());
            let now = Instant::now();
            if done >= sum {
                return (now, done);
            }
            assert!(now < deadline, "{topic}: {done} of {sum} after {PATIENCE:?}");
            std::thread::park_timeout(PAUSE);
        }
    }
}
