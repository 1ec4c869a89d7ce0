//! Sources that several instances have a part of.

use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::instance::{Instance, PARTITIONS, PATIENCE, Stage};

/// An hour and a half with an event a second.
const SECONDS: usize = 5_400;
/// Those that are lost: the second loss belongs to the episode of the first, the third comes after that is over.
const LOST: [std::ops::Range<usize>; 3] = [600..603, 900..907, 4_800..4_804];

/// Two hosts number their events, which go to partitions by turns.
fn events(seconds: std::ops::Range<usize>) -> Vec<(i32, String)> {
    let event = |number: usize| {
        let (host, seq, minute) = (number % 2, number / 2, number / 60);
        let time = format!("2026-03-02T{:02}:{:02}:{:02}.000Z", 10 + minute / 60, minute % 60, number % 60);
        let detail = format!(r#"{{"host":"h{host}","seq":{seq}}}"#);
        let event = format!(
            r#"{{"time":"{time}","id":"n-{number}","actor":{{"id":"u{}"}},"action":"view","tool":"crm","detail":{detail}}}"#,
            number % 13
        );
        (i32::try_from(number * 7 / 3).unwrap() % PARTITIONS, event)
    };
    seconds.filter(|it| !LOST.iter().any(|lost| lost.contains(it))).map(event).collect()
}

pub(crate) fn numbers_that_are_missing_are_told_once_whichever_instances_have_the_partitions(cluster: &Cluster) {
    let mut stage = Stage::new("blind", cluster);
    let native = include_str!("../../../model/src/mappings/native.toml");
    stage.map(&format!("{native}number = [\"detail.seq\"]\nemitter = [\"detail.host\"]\n"));
    // Nobody is idle: the clock would be far ahead of these events.
    let patient = [("NIGHTJAR_EXCHANGE__IDLE_MS", "120000")];
    stage.write_all(&events(0..SECONDS / 3));
    let one = stage.start(&patient);
    stage.await_committed(&[&one]);
    let other = stage.start(&patient);
    stage.write_all(&events(SECONDS / 3..SECONDS / 2));
    stage.await_committed(&[&one, &other]);
    one.kill();
    stage.write_all(&events(SECONDS / 2..SECONDS));
    let third = stage.start(&patient);
    stage.await_committed(&[&other, &third]);
    let [expected, _] = stage.scored();
    await_count(&stage, expected.len(), &[&other, &third]);
    other.stop();
    third.stop();
    let mut told: Vec<String> = stage.read("alerts").into_iter().map(|it| String::from_utf8(it.value).unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, expected);
    let gaps = expected.iter().filter(|it| it.contains("nightjar.blind.gap")).count();
    assert_eq!(gaps, 6, "for each host the first loss, the end of its episode, and the one after that");
}

fn await_count(stage: &Stage, count: usize, instances: &[&Instance]) {
    let deadline = Instant::now() + PATIENCE;
    while stage.read("alerts").len() < count && Instant::now() < deadline {
        instances.iter().for_each(|it| it.listen(Duration::from_millis(200)));
    }
    // What should not come would come now.
    instances.iter().for_each(|it| it.listen(Duration::from_secs(1)));
}
