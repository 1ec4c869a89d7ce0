//! Where a partition begins: what is remembered, what is gone, and what happens while its state is loaded.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use stream::kafka::{Batch, KafkaConfig, Loss, LossKind, Outbox, PartitionHandler, PartitionId, Start, start};

use crate::support::{PATIENCE, Probe, Site, alerts, commit, committed, echo, start_echo, write};

/// A handler that echoes, with a state.
#[derive(Default)]
struct Durable {
    /// What its state goes up to.
    kept: Option<i64>,
    /// It waits for it when it takes up its state.
    gate: Option<Arc<Mutex<Receiver<()>>>>,
    /// How many take up their states now, and the most there were.
    at_once: Arc<(AtomicUsize, AtomicUsize)>,
    set_back: Arc<Mutex<Vec<i64>>>,
}

impl PartitionHandler for Durable {
    fn handle(&mut self, batch: &Batch, out: &mut Outbox) {
        echo(batch, out);
    }

    fn resume(&mut self, _: Option<i64>) -> Result<Option<i64>, String> {
        let now = self.at_once.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once.1.fetch_max(now, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            // The sender goes when the test has failed.
            let _ = gate.lock().unwrap().recv();
        }
        self.at_once.0.fetch_sub(1, Ordering::SeqCst);
        Ok(self.kept)
    }

    fn set_back(&mut self, offset: i64) {
        self.set_back.lock().unwrap().push(offset);
    }

    fn lost(&mut self, loss: &Loss, out: &mut Outbox) {
        let number = 1_000_000 + loss.messages().unwrap_or(0);
        out.alert(b"", format!("{{\"n\":{number}}}").as_bytes());
    }
}

/// Reads until `numbers` more messages are handled and committed, and stops in order.
fn read(config: &KafkaConfig, messages: usize, end: i64) -> Vec<(i32, Loss)> {
    read_keeping(config, messages, end, None).0
}

fn read_keeping(config: &KafkaConfig, messages: usize, end: i64, kept: Option<i64>) -> (Vec<(i32, Loss)>, Vec<i64>) {
    let (probe, set_back) = (Arc::new(Probe::default()), Arc::<Mutex<Vec<i64>>>::default());
    let told = Arc::clone(&set_back);
    let member = start(config, probe.observer(), move |_: &PartitionId| {
        Ok(Durable { kept, set_back: Arc::clone(&told), ..Durable::default() })
    })
    .unwrap();
    probe.wait("all is handled and committed", |it| it.messages >= messages && it.committed.get(&0) == Some(&end));
    member.stop();
    member.join().unwrap();
    assert_eq!(committed(config, 1), [Some(end)]);
    let mut seen = probe.seen.lock().unwrap();
    assert_eq!(seen.messages, messages);
    let set_back = set_back.lock().unwrap().clone();
    (std::mem::take(&mut seen.lost), set_back)
}

fn loss(kind: LossKind, expected: i64, begin: i64) -> (i32, Loss) {
    (0, Loss { kind, expected, begin })
}

pub(crate) fn where_a_group_has_begun_is_remembered_though_nothing_came(site: &Site) {
    let config = KafkaConfig { start: Start::Latest, ..site.topics(1) };
    write(&config, 1, 0..10);
    assert_eq!(read(&config, 0, 10), []);
    // While nobody is there.
    write(&config, 1, 10..15);
    assert_eq!(read(&config, 5, 15), []);
    assert_eq!(alerts(&config, 5), (10..15).collect::<Vec<_>>());
}

pub(crate) fn what_retention_has_taken_is_told_in_an_alert_and_the_rest_is_read(site: &Site) {
    let config = site.topics(1);
    write(&config, 1, 0..100);
    read(&config, 100, 100);
    write(&config, 1, 100..200);
    site.cluster().forget(&config.topics[0], 0, 150);
    assert_eq!(read(&config, 50, 200), [loss(LossKind::Retention, 100, 150)]);
    let expected: Vec<u32> = (0..100).chain(150..200).chain([1_000_050]).collect();
    assert_eq!(alerts(&config, 151), expected);
    // A state that ends before what there is: what was published already is not published again, and told without an alert.
    write(&config, 1, 200..210);
    let (losses, _) = read_keeping(&config, 60, 210, Some(120));
    assert_eq!(losses, [loss(LossKind::Replay, 120, 150)]);
    assert_eq!(alerts(&config, 161).len(), 161);
}

pub(crate) fn retention_that_overtakes_a_running_member_is_told(site: &Site) {
    let mut config = site.topics(1);
    (config.batch.messages_max, config.batch.queue_max, config.batch.in_flight_max) = (10, 1, 1);
    // The client must not have fetched all of it before it is gone.
    for (name, value) in [("queued.min.messages", "1"), ("fetch.message.max.bytes", "200"), ("fetch.max.bytes", "1000")] {
        config.properties.set(name, value);
    }
    config.properties.set("message.max.bytes", "1000");
    for begin in (0..1_000).step_by(10) {
        write(&config, 1, begin..begin + 10);
    }
    let (probe, (open, gate)) = (Arc::new(Probe::default()), channel::<()>());
    let gate = Mutex::new(Some(gate));
    let member = start(&config, probe.observer(), move |_: &PartitionId| {
        let mut gate = gate.lock().unwrap().take();
        Ok(move |batch: &Batch, out: &mut Outbox| {
            if let Some(gate) = gate.take() {
                gate.recv().unwrap();
            }
            echo(batch, out);
        })
    })
    .unwrap();
    probe.wait("it is behind", |it| it.pauses > 0);
    site.cluster().forget(&config.topics[0], 0, 900);
    open.send(()).unwrap();
    probe.wait("all that is left is committed", |it| it.committed.get(&0) == Some(&1_000));
    member.stop();
    member.join().unwrap();
    let lost = probe.seen.lock().unwrap().lost.clone();
    let [(0, Loss { kind: LossKind::Retention, expected, begin: 900 })] = lost[..] else { panic!("{lost:?}") };
    let read = u32::try_from(expected).unwrap();
    assert!((10..900).contains(&read), "{read}");
    assert_eq!(alerts(&config, 100), (0..read).chain(900..1_000).collect::<Vec<_>>());
}

pub(crate) fn a_topic_that_was_made_anew_is_read_from_its_beginning(site: &Site) {
    let config = site.topics(1);
    write(&config, 1, 0..100);
    read(&config, 100, 100);
    site.cluster().delete(&config.topics[0]);
    site.cluster().create(&[(&config.topics[0], 1)]);
    write(&config, 1, 100..120);
    // The brokers forget what was committed of a topic that is deleted; tools that copy topics from one cluster to another do not.
    commit(&config, 100);
    // Its state goes further than the topic, and what it is told must not be taken for published.
    let (losses, set_back) = read_keeping(&config, 20, 20, Some(90));
    assert_eq!((losses, set_back), (vec![loss(LossKind::Recreated, 100, 0)], vec![0]));
    assert_eq!(alerts(&config, 121), (0..120).chain([1_000_000]).collect::<Vec<_>>());
    write(&config, 1, 120..130);
    assert_eq!(read(&config, 10, 30), []);
}

/// A member whose partitions below `gated` wait, each for one word, while they take up their states.
fn start_gated(
    config: &KafkaConfig,
    probe: &Arc<Probe>,
    gated: i32,
) -> (stream::kafka::KafkaHandle, Sender<()>, Arc<(AtomicUsize, AtomicUsize)>) {
    let (open, gate) = channel::<()>();
    let (gate, at_once) = (Arc::new(Mutex::new(gate)), Arc::<(AtomicUsize, AtomicUsize)>::default());
    let of_member = Arc::clone(&at_once);
    let member = start(config, probe.observer(), move |id: &PartitionId| {
        let gate = (id.partition < gated).then(|| Arc::clone(&gate));
        Ok(Durable { gate, at_once: Arc::clone(&of_member), ..Durable::default() })
    });
    (member.unwrap(), open, at_once)
}

pub(crate) fn partitions_are_loaded_beside_each_other_while_the_member_polls(site: &Site) {
    let config = site.topics(6);
    write(&config, 6, 0..600);
    let probe = Arc::new(Probe::default());
    let (member, open, at_once) = start_gated(&config, &probe, 2);
    probe.wait("the others are read", |it| it.messages == 400 && it.opened.len() == 4);
    probe.seen.lock().unwrap().polls = 0;
    probe.wait("it polls all the same", |it| it.polls > 20);
    assert_eq!(probe.seen.lock().unwrap().owned, Some(6));
    assert!(at_once.1.load(Ordering::SeqCst) >= 2);
    (0..2).for_each(|_| open.send(()).unwrap());
    probe.wait("all are read", |it| it.messages == 600 && it.delivered == 600);
    member.stop();
    member.join().unwrap();
    assert_eq!(probe.seen.lock().unwrap().gaps, 0);
    assert_eq!(alerts(&config, 600), (0..600).collect::<Vec<_>>());
}

pub(crate) fn a_partition_can_be_given_up_while_it_is_loaded(site: &Site) {
    let config = site.topics(2);
    write(&config, 2, 0..200);
    let first_probe = Arc::new(Probe::default());
    let (first, open, _) = start_gated(&config, &first_probe, 2);
    first_probe.wait("it owns all, and has none of it", |it| it.owned == Some(2));
    let second_probe = Arc::new(Probe::default());
    let second = start_echo(&config, &second_probe);
    first_probe.wait("it has given one up", |it| it.revoked == 1 && it.owned == Some(1));
    second_probe.wait("that is read by the other", |it| it.messages == 100 && it.delivered == 100);
    assert!(first_probe.seen.lock().unwrap().opened.is_empty());
    second.stop();
    second.join().unwrap();
    first_probe.wait("it has both again", |it| it.owned == Some(2));
    // One of them has to be loaded a second time.
    (0..3).for_each(|_| open.send(()).unwrap());
    first_probe.wait("both are open", |it| it.opened.len() == 2);
    first_probe.wait("the other one is read", |it| it.messages == 100 && it.delivered == 100);
    first.stop();
    first.join().unwrap();
    assert_eq!(committed(&config, 2), [Some(100); 2]);
    assert_eq!(alerts(&config, 200), (0..200).collect::<Vec<_>>());
}

pub(crate) fn a_partition_that_is_added_is_read_from_its_beginning(site: &Site) {
    let mut config = KafkaConfig { start: Start::Latest, ..site.topics(1) };
    config.properties.set("topic.metadata.refresh.interval.ms", "1000");
    write(&config, 1, 0..10);
    read(&config, 0, 10);
    // It grows while nobody is there, and once more while somebody is; what is written at once is older than its first owner.
    site.cluster().grow(&config.topics[0], 2);
    write(&config, 2, 10..20);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("both partitions are read", |it| it.messages == 10);
    site.cluster().grow(&config.topics[0], 3);
    write(&config, 3, 20..50);
    probe.wait("the third is, too", |it| it.messages == 40 && it.delivered == 40);
    member.stop();
    member.join().unwrap();
    assert_eq!(alerts(&config, 40), (10..50).collect::<Vec<_>>());
    assert!(committed(&config, 3).iter().all(Option::is_some));
}

/// Writes messages in one transaction, behind which stands a marker.
fn write_transaction(config: &KafkaConfig, numbers: std::ops::Range<u32>) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.brokers).set("transactional.id", format!("{}.input", config.group_id));
    let producer: ThreadedProducer<_> = client.create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    for n in numbers {
        let value = format!("{{\"n\":{n}}}");
        producer.send(BaseRecord::<str, str>::to(&config.topics[0]).partition(0).payload(&value)).map_err(|it| it.0).unwrap();
    }
    producer.commit_transaction(PATIENCE).unwrap();
}

pub(crate) fn nothing_is_suppressed_or_repeated_where_what_was_committed_ends_at_a_marker(site: &Site) {
    let config = site.topics(1);
    write_transaction(&config, 0..10);
    // The offset of the marker.
    assert_eq!(read(&config, 10, 10), []);
    write_transaction(&config, 10..20);
    // Messages 5 to 9 again, and then those behind the marker, in one go if nobody parts them.
    let (losses, _) = read_keeping(&config, 15, 21, Some(5));
    assert_eq!(losses, []);
    assert_eq!(alerts(&config, 20), (0..20).collect::<Vec<_>>());
}

pub(crate) fn a_topic_that_is_deleted_while_it_is_read_is_told_and_the_others_go_on(site: &Site) {
    let mut config = site.topics(1);
    let (gone, stays) = (config.topics[0].clone(), format!("{}.stays", config.topics[0]));
    site.cluster().create(&[(&stays, 1)]);
    config.topics.push(stays.clone());
    config.properties.set("topic.metadata.refresh.interval.ms", "1000");
    let of = |topic: &str| KafkaConfig { topics: vec![topic.to_owned()], ..config.clone() };
    write(&of(&gone), 1, 0..10);
    write(&of(&stays), 1, 10..20);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("both are read", |it| it.delivered == 20);
    site.cluster().delete(&gone);
    probe.wait("it is told, and given up", |it| it.revoked == 1 && !it.troubles.is_empty());
    write(&of(&stays), 1, 20..30);
    probe.wait("the other is read", |it| it.delivered == 30);
    site.cluster().create(&[(&gone, 1)]);
    write(&of(&gone), 1, 30..40);
    probe.wait("it is read from its beginning when it is there again", |it| it.delivered == 40);
    member.stop();
    member.join().unwrap();
    assert_eq!(alerts(&config, 40), (0..40).collect::<Vec<_>>());
}
