//! Records and offsets in one transaction: what readers of committed records see, whatever happens.

use std::sync::{Arc, Mutex, mpsc};

use rdkafka::ClientConfig;
use rdkafka::admin::ResourceSpecifier;
use stream::kafka::{Batch, KafkaConfig, KafkaError, Outbox, PartitionId, TailReader, start};

use crate::cluster::Cluster;
use crate::support::{PATIENCE, Probe, Site, alerts, committed, echo, start_echo, write};

/// The same topics for a reader that sees records of open and aborted transactions, too.
fn uncommitted(config: &KafkaConfig) -> KafkaConfig {
    let mut config = config.clone();
    config.properties.set("isolation.level", "read_uncommitted");
    config
}

pub(crate) fn what_an_aborted_transaction_wrote_is_never_seen_and_comes_once_with_the_next_start(site: &Site) {
    let mut config = site.topics(1);
    config.batch.messages_max = 100;
    (config.transaction.interval_ms, config.commit_interval_ms) = (7_000, 60_000);
    write(&config, 1, 0..100);
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(Some(gate));
    let member = start(&config, stream::kafka::silent(), move |_: &PartitionId| {
        let gate = gate.lock().unwrap().take();
        let mut handled = 0;
        Ok(move |batch: &Batch, out: &mut Outbox| {
            if handled >= 100 {
                // Only when the records of the first messages are with the broker.
                gate.as_ref().unwrap().recv().unwrap();
                std::panic::resume_unwind(Box::new("a handler that panics, without a word"));
            }
            handled += batch.len();
            echo(batch, out);
        })
    })
    .unwrap();
    let reader = TailReader::from_earliest(&uncommitted(&config), &config.alerts_topic).unwrap();
    assert_eq!(reader.read(100, PATIENCE).unwrap().len(), 100, "they are written, and not committed");
    write(&config, 1, 100..101);
    open.send(()).unwrap();
    let error = member.join().unwrap_err();
    assert!(matches!(error, KafkaError::HandlerPanicked(_)), "{error}");
    assert_eq!((committed(&config, 1), alerts(&config, 0)), (vec![None], vec![]));

    config.transaction.interval_ms = 10;
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is delivered", |it| it.delivered == 101);
    member.stop();
    member.join().unwrap();
    assert_eq!(committed(&config, 1), [Some(101)]);
    assert_eq!(alerts(&config, 101), (0..101).collect::<Vec<_>>());
    let all = TailReader::from_earliest(&uncommitted(&config), &config.alerts_topic).unwrap();
    assert_eq!(all.read(201, PATIENCE).unwrap().len(), 201, "the aborted ones are still there, for those who look at them");
}

pub(crate) fn an_instance_whose_name_another_takes_ends_and_commits_nothing_more(site: &Site) {
    let mut config = site.topics(2);
    config.instance_id.push_str("one");
    write(&config, 2, 0..200);
    let probe = Arc::new(Probe::default());
    let first = start_echo(&config, &probe);
    probe.wait("all is committed", |it| it.committed.values().sum::<i64>() == 200);
    // A process of another group would do as well: names of transactions are the cluster's.
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.brokers).set("transactional.id", format!("{}.one", config.group_id));
    let usurper: rdkafka::producer::ThreadedProducer<_> = client.create().unwrap();
    rdkafka::producer::Producer::init_transactions(&usurper, PATIENCE).unwrap();
    write(&config, 2, 200..400);
    let error = first.join().unwrap_err();
    assert!(matches!(&error, KafkaError::Fenced { id } if *id == format!("{}.one", config.group_id)), "{error}");
    assert_eq!(committed(&config, 2), [Some(100), Some(100)]);
    assert_eq!(alerts(&config, 200), (0..200).collect::<Vec<_>>());
    let probe = Arc::new(Probe::default());
    let next = start_echo(&config, &probe);
    probe.wait("the rest is committed", |it| it.committed.values().sum::<i64>() == 400);
    next.stop();
    next.join().unwrap();
    assert_eq!(alerts(&config, 400), (0..400).collect::<Vec<_>>());
}

pub(crate) fn a_record_that_is_refused_for_good_ends_the_member_and_its_transaction(site: &Site) {
    let config = site.topics(1);
    site.cluster().set(ResourceSpecifier::Topic(&config.alerts_topic), "max.message.bytes", "200");
    write(&config, 1, 0..10);
    let long = |batch: &Batch, out: &mut Outbox| {
        out.alert(b"", batch.payload_of(&batch.messages()[0]));
        // What can't be compressed: the limit is that of what is stored.
        let noise: Vec<u8> = (0..4_000_u32).map(|it| u8::try_from(it.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
        out.alert(b"", &noise);
    };
    let error = start(&config, stream::kafka::silent(), move |_: &PartitionId| Ok(long)).unwrap().join().unwrap_err();
    assert!(matches!(&error, KafkaError::NotDelivered { topic, .. } if *topic == config.alerts_topic), "{error}");
    assert_eq!((committed(&config, 1), alerts(&config, 0)), (vec![None], vec![]));
}

pub(crate) fn a_broker_that_goes_and_comes_back_costs_nothing_and_repeats_nothing(site: &Site) {
    outlive_a_broker(site, "");
}

pub(crate) fn an_instance_with_a_name_goes_on_when_its_own_transaction_has_timed_out(site: &Site) {
    outlive_a_broker(site, "one");
}

fn outlive_a_broker(site: &Site, instance_id: &str) {
    let cluster = Cluster::start(1);
    let mut config = site.topics_on(&cluster, 2);
    config.instance_id.push_str(instance_id);
    config.batch.messages_max = 10;
    // Shorter than a broker takes to start: what was open then has timed out, and its producer is fenced.
    config.transaction.timeout_ms = 1_000;
    config.transaction.interval_ms = 5;
    write(&config, 2, 0..6_000);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("some of it is delivered", |it| it.delivered > 200);
    cluster.order("kill", 1);
    probe.wait("the outage is noticed", |it| it.retried > 0 || it.aborted > 0 || it.revoked > 0);
    assert!(probe.seen.lock().unwrap().delivered < 6_000, "the load was over before the broker went");
    cluster.order("start", 1);
    probe.wait("all is committed", |it| it.committed.values().sum::<i64>() == 6_000);
    member.stop();
    member.join().unwrap();
    assert_eq!(committed(&config, 2), [Some(3_000), Some(3_000)]);
    assert_eq!(alerts(&config, 6_000), (0..6_000).collect::<Vec<_>>());
}
