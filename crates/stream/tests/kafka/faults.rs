//! What the embedded Kafka does on command, and brokers that are not there.

use std::sync::Arc;

use stream::kafka::{Delivery, KafkaConfig, KafkaError, PartitionId, TransactionLimits, start};

use crate::support::{Probe, Site, alerts, committed, echo, start_echo, write};

pub(crate) fn a_record_that_is_refused_stops_the_member_without_committing_its_input(site: &Site) {
    let config = site.topics(1);
    let kafka = site.mock();
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

pub(crate) fn a_passing_trouble_of_the_broker_is_retried_without_loss(site: &Site) {
    let config = site.topics(1);
    let kafka = site.mock();
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

pub(crate) fn a_named_member_that_was_put_out_in_silence_takes_up_its_partitions_anew(site: &Site) {
    let config = KafkaConfig { instance_id: "one".to_owned(), ..site.topics(2) };
    write(&config, 2, 0..200);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is committed", |it| it.committed.values().sum::<i64>() == 200);
    assert_eq!(probe.seen.lock().unwrap().opened.len(), 2);
    site.mock().put_out();
    probe.wait("it knows", |it| it.troubles.iter().any(|it| it.contains("put this member out")));
    probe.wait("it has begun anew", |it| it.opened.len() == 4 && it.revoked == 2);
    write(&config, 2, 200..400);
    probe.wait("it goes on where it was", |it| it.committed.values().sum::<i64>() == 400);
    member.stop();
    assert_eq!(member.join().unwrap().messages, 400, "nothing is read twice, since all was committed");
    assert_eq!(alerts(&config, 400), (0..400).collect::<Vec<_>>());
}

pub(crate) fn offsets_for_which_no_coordinator_is_found_are_not_waited_for_for_ever(site: &Site) {
    let transaction = TransactionLimits { timeout_ms: 3_000, ..TransactionLimits::default() };
    let config = KafkaConfig { delivery: Delivery::ExactlyOnce, transaction, ..site.topics(1) };
    write(&config, 1, 0..100);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is committed", |it| it.committed.values().sum::<i64>() == 100);
    site.mock().hide_coordinator();
    write(&config, 1, 100..200);
    probe.wait("another producer goes on", |it| it.replaced == 1 && it.committed.values().sum::<i64>() == 200);
    member.stop();
    assert_eq!(member.join().unwrap().messages, 200, "nothing is read again");
    let mut numbers = alerts(&config, 200);
    // The embedded Kafka shows what was aborted, too.
    numbers.dedup();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

pub(crate) fn a_member_ends_in_time_while_no_coordinator_is_found(site: &Site) {
    let config = KafkaConfig { delivery: Delivery::ExactlyOnce, drain_timeout_ms: 500, ..site.topics(1) };
    write(&config, 1, 0..100);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is committed", |it| it.committed.values().sum::<i64>() == 100);
    site.mock().hide_coordinator();
    write(&config, 1, 100..200);
    probe.wait("the rest is read", |it| it.messages == 200);
    member.stop();
    let error = member.join().unwrap_err();
    assert!(matches!(error, KafkaError::NotDrained(_)), "{error}");
}

pub(crate) fn a_broker_that_is_not_there_is_named(_: &Site) {
    let mut config = KafkaConfig { brokers: "127.0.0.1:1".to_owned(), ..KafkaConfig::default() };
    config.startup_timeout_ms = 300;
    let error = start(&config, stream::kafka::silent(), |_: &PartitionId| Ok(echo)).err().unwrap();
    assert!(matches!(&error, KafkaError::Unreachable { brokers, .. } if brokers == "127.0.0.1:1"), "{error}");
}
