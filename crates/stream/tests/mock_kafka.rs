//! The Kafka edge against the embedded Kafka: real clients and sockets, no broker to install.
//!
//! Nothing here sleeps: tests wait for what the runtime reports. Joining a group takes the embedded Kafka 3 s, and every
//! further change of the group almost a session timeout.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stream::dead_letters::{Cause, DeadLetter, Origin, Position};
use stream::kafka::{
    Batch, EmbeddedKafka, KafkaConfig, KafkaError, KafkaHandle, Observation, Observer, Outbox, PacedProducer, Pacing, PartitionId,
    Progress, TailReader, start,
};

const PATIENCE: Duration = Duration::from_mins(1);
const IN: &str = "audit-events";

fn kafka(partitions: i32) -> (EmbeddedKafka, KafkaConfig) {
    let topics = [(IN, partitions), ("nightjar.alerts", 1), ("nightjar.dead-letters", 1)];
    let kafka = EmbeddedKafka::start(&topics).unwrap();
    let mut config = kafka.config();
    config.commit_interval_ms = 100;
    config.statistics_interval_ms = 500;
    (kafka, config)
}

/// What the runtime has reported, and a way to wait for it.
#[derive(Default)]
struct Probe {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    /// End offsets that were handled, by partition.
    handled: BTreeMap<i32, i64>,
    committed: BTreeMap<i32, i64>,
    lag: BTreeMap<i32, i64>,
    /// Messages handled, counted again when they are read again.
    messages: usize,
    delivered: usize,
    pauses: usize,
    resumes: usize,
    gaps: usize,
    revoked: usize,
    owned: Option<usize>,
}

impl Probe {
    fn observer(self: &Arc<Self>) -> Observer {
        let probe = Arc::clone(self);
        Arc::new(move |it| {
            probe.seen.lock().unwrap().note(it);
            probe.changed.notify_all();
        })
    }

    #[track_caller]
    fn wait(&self, what: &str, is_enough: impl Fn(&Seen) -> bool) {
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
            Observation::Gap { .. } => self.gaps += 1,
            Observation::Revoked { .. } => self.revoked += 1,
            Observation::Rebalanced { owned } => self.owned = Some(owned),
            _ => {}
        }
    }
}

/// Writes messages `from..to`, spread over the partitions in turn; message `n` is `{"n":n}`.
fn write(config: &KafkaConfig, partitions: i32, numbers: std::ops::Range<u32>) {
    let producer: ThreadedProducer<_> = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    for n in numbers {
        let partition = i32::try_from(n).unwrap() % partitions;
        let value = format!("{{\"n\":{n}}}");
        producer.send(BaseRecord::<str, str>::to(IN).partition(partition).payload(&value)).map_err(|it| it.0).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// Every message becomes an alert with the same key and value.
fn echo(batch: &Batch, out: &mut Outbox) {
    for message in batch.messages() {
        let value = batch.payload_of(message);
        out.alert(value, value);
    }
}

fn start_echo(config: &KafkaConfig, probe: &Arc<Probe>) -> KafkaHandle {
    start(config, probe.observer(), |_: &PartitionId| Ok(echo)).unwrap()
}

fn committed(config: &KafkaConfig, partitions: i32) -> Vec<Option<i64>> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &config.brokers).set("group.id", &config.group_id).create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(IN, 0, partitions - 1);
    let answer = consumer.committed_offsets(asked, PATIENCE).unwrap();
    let offset = |it: Offset| if let Offset::Offset(it) = it { Some(it) } else { None };
    answer.elements().iter().map(|it| offset(it.offset())).collect()
}

/// The numbers of all alerts, sorted.
fn alerts(config: &KafkaConfig, at_least: usize) -> Vec<u32> {
    let reader = TailReader::from_earliest(config, &config.alerts_topic).unwrap();
    let mut numbers = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    let end = usize::try_from(reader.ends(PATIENCE).unwrap()[0]).unwrap();
    assert!(end >= at_least, "{end} alerts");
    while numbers.len() < end && Instant::now() < deadline {
        let Some(message) = reader.next(Duration::from_millis(100)).unwrap() else { continue };
        let text = String::from_utf8(message.value).unwrap();
        numbers.push(text.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap());
    }
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_alert_arrives_the_ends_are_committed_and_a_restart_goes_on_there() {
    let (_kafka, config) = kafka(3);
    write(&config, 3, 0..3_000);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is handled", |it| it.messages == 3_000);
    probe.wait("all is committed while running", |it| it.committed.len() == 3 && it.committed.values().all(|it| *it == 1_000));
    probe.wait("the lag is gone", |it| it.lag.len() == 3 && it.lag.values().all(|it| *it == 0));
    member.stop();
    let summary = member.join().unwrap();
    assert_eq!((summary.messages, summary.records), (3_000, 3_000));
    assert_eq!(committed(&config, 3), [Some(1_000), Some(1_000), Some(1_000)]);
    assert_eq!(alerts(&config, 3_000), (0..3_000).collect::<Vec<_>>());

    write(&config, 3, 3_000..3_600);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("the new messages are handled", |it| it.messages == 600);
    member.stop();
    assert_eq!(member.join().unwrap().messages, 600, "nothing is read twice after a clean stop");
    assert_eq!(committed(&config, 3), [Some(1_200), Some(1_200), Some(1_200)]);
    assert_eq!(alerts(&config, 3_600), (0..3_600).collect::<Vec<_>>());
}

#[test]
fn a_slow_handler_pauses_its_partition_and_loses_nothing() {
    let (_kafka, mut config) = kafka(2);
    config.batch.messages_max = 10;
    config.batch.queue_max = 2;
    write(&config, 2, 0..2_000);
    let probe = Arc::new(Probe::default());
    let (open, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(Some(gate)));
    let member = start(&config, probe.observer(), move |id| {
        // Partition 0 waits in its first batch until the test has seen the pause.
        let gate = if id.partition == 0 { gate.lock().unwrap().take() } else { None };
        let mut gate = gate;
        Ok(move |batch: &Batch, out: &mut Outbox| {
            if let Some(gate) = gate.take() {
                gate.recv().unwrap();
            }
            echo(batch, out);
        })
    })
    .unwrap();
    probe.wait("partition 1 is done while 0 is paused", |it| it.pauses >= 1 && it.handled.get(&1) == Some(&1_000));
    assert_eq!(probe.seen.lock().unwrap().handled.get(&0), None);
    open.send(()).unwrap();
    probe.wait("partition 0 has caught up", |it| it.handled.get(&0) == Some(&1_000));
    member.stop();
    assert_eq!(member.join().unwrap().messages, 2_000);
    let seen = probe.seen.lock().unwrap();
    assert_eq!((seen.messages, seen.gaps), (2_000, 0));
    assert!(seen.resumes >= 1);
    drop(seen);
    assert_eq!(alerts(&config, 2_000), (0..2_000).collect::<Vec<_>>());
}

#[test]
fn a_record_that_is_refused_stops_the_member_without_committing_its_input() {
    let (kafka, config) = kafka(1);
    write(&config, 1, 0..100);
    kafka.refuse_produce(1_000);
    let error = start_echo(&config, &Arc::default()).join().unwrap_err();
    assert!(matches!(error, KafkaError::NotDelivered { .. }), "{error}");
    assert_eq!(committed(&config, 1), [None]);

    kafka.heal_produce();
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("the next run has delivered all of it", |it| it.delivered == 100);
    member.stop();
    member.join().unwrap();
    assert_eq!(committed(&config, 1), [Some(100)]);
    assert_eq!(alerts(&config, 100), (0..100).collect::<Vec<_>>());
}

#[test]
fn an_oversize_message_is_reported_and_its_dead_letter_arrives() {
    let (_kafka, mut config) = kafka(1);
    config.batch.message_bytes_max = 9;
    write(&config, 1, 9..1_001); // From {"n":100} on, a message has 9 bytes; the last one has 10.
    let probe = Arc::new(Probe::default());
    let member = start(&config, probe.observer(), |id: &PartitionId| {
        let id = id.clone();
        Ok(move |batch: &Batch, out: &mut Outbox| bury_oversize(&id, batch, out))
    })
    .unwrap();
    probe.wait("all is handled and delivered", |it| it.messages == 992 && it.delivered == 992);
    member.stop();
    member.join().unwrap();
    assert_eq!(alerts(&config, 991), (9..1_000).collect::<Vec<_>>());
    let reader = TailReader::from_earliest(&config, &config.dead_letters_topic).unwrap();
    let letters = reader.read(1, PATIENCE).unwrap();
    assert_eq!(
        String::from_utf8(letters[0].value.clone()).unwrap(),
        concat!(
            r#"{"time":1,"source":"audit-events","partition":0,"position":{"offset":991},"code":"too_long","#,
            r#""reason":"over the limit","raw":"{\"n\":1000}","truncated":false,"length":10}"#
        )
    );
}

/// Echoes good messages and writes dead letters for oversize ones.
fn bury_oversize(id: &PartitionId, batch: &Batch, out: &mut Outbox) {
    for message in batch.messages().iter().filter(|it| !it.is_oversize) {
        out.alert(b"", batch.payload_of(message));
    }
    for oversize in &batch.block().oversize {
        let position = Position { line: None, offset: Some(oversize.offset) };
        let origin = Origin { source: &id.topic, partition: Some(id.partition), position };
        let cause = Cause { code: "too_long", reason: "over the limit" };
        out.dead_letter(&DeadLetter::of_part(1, origin, cause, &oversize.head, oversize.length, 100));
    }
}

#[test]
fn messages_are_read_whatever_they_are_compressed_with() {
    let (_kafka, config) = kafka(1);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &config.brokers).set("compression.type", codec);
        let producer: ThreadedProducer<_> = client.create().unwrap();
        // Long and even, or the client would not find compression worth its while.
        let value = codec.repeat(1_000);
        producer.send(BaseRecord::<str, str>::to(IN).partition(0).payload(&value)).map_err(|it| it.0).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
    let messages = TailReader::from_earliest(&config, IN).unwrap().read(codecs.len(), PATIENCE).unwrap();
    let values: Vec<Vec<u8>> = messages.into_iter().map(|it| it.value).collect();
    assert_eq!(values, codecs.map(|it| it.repeat(1_000).into_bytes()));
}

#[test]
fn a_passing_trouble_of_the_broker_is_retried_without_loss() {
    let (kafka, config) = kafka(1);
    write(&config, 1, 0..500);
    kafka.disturb_produce(3);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is delivered", |it| it.delivered == 500);
    member.stop();
    member.join().unwrap();
    assert_eq!(committed(&config, 1), [Some(500)]);
    assert_eq!(alerts(&config, 500), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_panicking_handler_stops_the_member_without_committing_its_batch() {
    let (_kafka, config) = kafka(1);
    write(&config, 1, 0..10);
    let probe = Arc::new(Probe::default());
    let member = start(&config, probe.observer(), |_| {
        Ok(|_: &Batch, _: &mut Outbox| std::panic::panic_any("a handler that panics, as the test wants"))
    })
    .unwrap();
    let error = member.join().unwrap_err();
    assert!(matches!(&error, KafkaError::HandlerPanicked(id) if *id == PartitionId::new(IN, 0)), "{error}");
    assert_eq!(committed(&config, 1), [None]);
}

#[test]
fn a_factory_that_fails_stops_the_member() {
    let (_kafka, config) = kafka(1);
    let refuse = |_: &PartitionId| -> Result<fn(&Batch, &mut Outbox), String> { Err("no memory left".to_owned()) };
    let error = start(&config, stream::kafka::silent(), refuse).unwrap().join().unwrap_err();
    assert!(error.to_string().contains("no memory left"), "{error}");
}

#[test]
fn a_member_can_be_stopped_before_it_has_joined() {
    let (_kafka, config) = kafka(1);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    member.stop();
    assert_eq!(member.join().unwrap().messages, 0);
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let mut config = KafkaConfig { brokers: "127.0.0.1:1".to_owned(), ..KafkaConfig::default() };
    config.startup_timeout_ms = 300;
    let error = start(&config, stream::kafka::silent(), |_: &PartitionId| Ok(echo)).err().unwrap();
    assert!(matches!(&error, KafkaError::Unreachable { brokers, .. } if brokers == "127.0.0.1:1"), "{error}");
}

#[test]
fn a_second_member_takes_over_partitions_and_gives_them_back_without_loss() {
    let (_kafka, config) = kafka(4);
    write(&config, 4, 0..400);
    let first_probe = Arc::new(Probe::default());
    let first = start_echo(&config, &first_probe);
    first_probe.wait("the first member has read everything", |it| it.messages == 400);
    // The mock does not always take commits while a member joins, and then the half that moves would be read again: that is at least
    // once, but not what this test is about.
    first_probe.wait("the first member has committed everything", |it| it.committed.values().sum::<i64>() == 400);
    let second_probe = Arc::new(Probe::default());
    let second = start_echo(&config, &second_probe);
    second_probe.wait("the second member owns its half", |it| it.owned == Some(2));
    first_probe.wait("the first member has given up the other half", |it| it.owned == Some(2) && it.revoked == 2);
    write(&config, 4, 400..800);
    first_probe.wait("the first member has read its half", |it| it.messages == 600);
    second_probe.wait("the second member has read its half, and nothing twice", |it| it.messages == 200);
    first.stop();
    first.join().unwrap();
    second_probe.wait("the second member owns all", |it| it.owned == Some(4));
    write(&config, 4, 800..1_000);
    second_probe.wait("the second member reads all", |it| it.messages == 400);
    second.stop();
    second.join().unwrap();
    assert_eq!(committed(&config, 4), [Some(250); 4]);
    assert_eq!(alerts(&config, 1_000), (0..1_000).collect::<Vec<_>>());
}

#[test]
fn a_paced_producer_never_runs_out_of_what_the_embedded_kafka_keeps() {
    let (_kafka, config) = kafka(1);
    let progress = Arc::new(Progress::new(1));
    let probe = Arc::new(Probe::default());
    let (observe, advance) = (probe.observer(), Arc::clone(&progress));
    let observer: Observer = Arc::new(move |it| {
        if let Observation::Handled { partition, end_offset, .. } = it {
            advance.advance(partition.partition, end_offset);
        }
        observe(it);
    });
    let quiet = |_: &PartitionId| Ok(|_: &Batch, _: &mut Outbox| {});
    let member = start(&config, observer, quiet).unwrap();
    // 16 MiB, three times what a partition keeps.
    let value = [b'x'; 16 * 1024];
    let mut producer = PacedProducer::new(&config, IN, 1, Pacing::default(), Arc::clone(&progress)).unwrap();
    for _ in 0..1_024 {
        assert!(producer.send(b"k", &value, None, PATIENCE).unwrap());
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(producer.ends(), [1_024]);
    assert!(progress.wait_for(&producer.ends(), PATIENCE));
    member.stop();
    assert_eq!(member.join().unwrap().messages, 1_024);
    let seen = probe.seen.lock().unwrap();
    assert_eq!((seen.messages, seen.gaps), (1_024, 0));
}
