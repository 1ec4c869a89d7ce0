//! A member of a group: what it reads, writes and commits, and how it comes and goes.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use stream::dead_letters::{Cause, DeadLetter, Origin, Position};
use stream::kafka::{
    Batch, KafkaConfig, KafkaError, Observation, Observer, Outbox, PacedProducer, Pacing, PartitionId, Progress, Start, TailReader,
    silent, start,
};

use crate::support::{PATIENCE, Probe, Site, alerts, committed, echo, start_echo, write};

pub(crate) fn every_alert_arrives_the_ends_are_committed_and_a_restart_goes_on_there(site: &Site) {
    let config = site.topics(3);
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

pub(crate) fn a_slow_handler_pauses_its_partition_and_loses_nothing(site: &Site) {
    let mut config = site.topics(2);
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

pub(crate) fn a_group_that_has_committed_nothing_begins_where_it_is_told(site: &Site) {
    let config = site.topics(1);
    let producer: ThreadedProducer<_> = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    // A minute apart, and not so old that the broker deletes them.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let begun_ms = i64::try_from(now).unwrap() - 3_600_000;
    for n in 0..10_i64 {
        let value = format!("{{\"n\":{n}}}");
        let record = BaseRecord::<str, str>::to(&config.topics[0]).partition(0).payload(&value).timestamp(begun_ms + n * 60_000);
        producer.send(record).map_err(|it| it.0).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let mut written = 10;
    let mut first_read = |name: &str, at: Start| {
        let config = KafkaConfig { start: at, group_id: format!("{}.{name}", config.group_id), ..config.clone() };
        let (tell, read) = mpsc::channel();
        let member = start(&config, silent(), move |_| {
            let tell = tell.clone();
            Ok(move |batch: &Batch, _: &mut Outbox| {
                // Nobody listens any more once the first was seen.
                let _ = tell.send(batch.messages()[0].offset);
            })
        })
        .unwrap();
        let before = written;
        let first = loop {
            if let Ok(offset) = read.recv_timeout(Duration::from_millis(200)) {
                break offset;
            }
            // It is not known when a reader has arrived at the end: messages come until it sees one.
            write(&config, 1, written..written + 1);
            written += 1;
        };
        member.stop();
        member.join().unwrap();
        (first, i64::from(before))
    };
    assert_eq!(first_read("earliest", Start::Earliest).0, 0);
    assert_eq!(first_read("time", Start::AtMs(begun_ms + 5 * 60_000 + 1)).0, 6);
    for (name, at) in [("future", Start::AtMs(4_102_444_800_000)), ("latest", Start::Latest)] {
        let (first, before) = first_read(name, at);
        assert!(first >= before, "{name}: {first}, {before} were there before");
    }
    // What was committed has the last word.
    assert!(first_read("time", Start::Earliest).0 >= 10);
}

pub(crate) fn an_oversize_message_is_reported_and_its_dead_letter_arrives(site: &Site) {
    let mut config = site.topics(1);
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
        [
            r#"{"time":1,"source":""#,
            &config.topics[0],
            r#"","partition":0,"position":{"offset":991},"code":"too_long","#,
            r#""reason":"over the limit","raw":"{\"n\":1000}","truncated":false,"length":10}"#,
        ]
        .concat()
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

pub(crate) fn messages_are_read_whatever_they_are_compressed_with(site: &Site) {
    let config = site.topics(1);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &config.brokers).set("compression.type", codec);
        let producer: ThreadedProducer<_> = client.create().unwrap();
        // Long and even, or the client would not find compression worth its while.
        let value = codec.repeat(1_000);
        producer.send(BaseRecord::<str, str>::to(&config.topics[0]).partition(0).payload(&value)).map_err(|it| it.0).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
    let messages = TailReader::from_earliest(&config, &config.topics[0]).unwrap().read(codecs.len(), PATIENCE).unwrap();
    let values: Vec<Vec<u8>> = messages.into_iter().map(|it| it.value).collect();
    assert_eq!(values, codecs.map(|it| it.repeat(1_000).into_bytes()));
}

pub(crate) fn a_panicking_handler_stops_the_member_without_committing_its_batch(site: &Site) {
    let config = site.topics(1);
    write(&config, 1, 0..10);
    let probe = Arc::new(Probe::default());
    let member = start(&config, probe.observer(), |_| {
        Ok(|_: &Batch, _: &mut Outbox| std::panic::resume_unwind(Box::new("a handler that panics, without a word")))
    })
    .unwrap();
    let error = member.join().unwrap_err();
    assert!(matches!(&error, KafkaError::HandlerPanicked(id) if *id == PartitionId::new(&config.topics[0], 0)), "{error}");
    assert_eq!(committed(&config, 1), [None]);
}

pub(crate) fn a_factory_that_fails_stops_the_member(site: &Site) {
    let config = site.topics(1);
    let refuse = |_: &PartitionId| -> Result<fn(&Batch, &mut Outbox), String> { Err("no memory left".to_owned()) };
    let error = start(&config, stream::kafka::silent(), refuse).unwrap().join().unwrap_err();
    assert!(error.to_string().contains("no memory left"), "{error}");
}

pub(crate) fn a_member_can_be_stopped_before_it_has_joined(site: &Site) {
    let config = site.topics(1);
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    member.stop();
    assert_eq!(member.join().unwrap().messages, 0);
}

pub(crate) fn a_second_member_takes_over_partitions_and_gives_them_back_without_loss(site: &Site) {
    let config = site.topics(4);
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

pub(crate) fn a_paced_producer_never_runs_out_of_what_the_broker_keeps(site: &Site) {
    let config = site.topics(1);
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
    let mut producer = PacedProducer::new(&config, &config.topics[0], 1, Pacing::default(), Arc::clone(&progress)).unwrap();
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
