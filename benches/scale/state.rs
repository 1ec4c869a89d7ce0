//! What a state of so many people costs: its checkpoints, the time until a killed instance's successor goes on, and how long partitions are
//! silent when another instance joins and when one leaves.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::events::Feed;
use crate::instance::{Instance, Role};
use crate::options::Options;
use crate::probe::{Listener, Probes, quantiles};
use crate::stage::{ALL_PARTITIONS, PARTITIONS, Stage};

const PEOPLE: [u32; 3] = [10_000, 100_000, 1_000_000];
/// All events happen on the day before.
const TIME: &str = "2020-07-14T00:00:00.000Z";
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// For each number of people, or the one that was asked for.
pub(crate) fn run(options: &Options) {
    let stage = Stage::new(options);
    let asked = options.people.map(|it| vec![it]);
    for people in asked.unwrap_or_else(|| PEOPLE.to_vec()) {
        with(&stage, people, options.standby);
    }
}

fn with(stage: &Stage, people: u32, standby: bool) {
    let (topic, group) = (format!("of{people}"), format!("state{people}"));
    stage.input(&topic);
    stage.outputs(&group);
    let ends = stage.fill(&topic, Feed::sparse(people), usize::MAX);
    let events: i64 = ends.iter().sum();
    let role = Role { group: &group, topic: &topic, name: "one", checkpoints_ms: Some(2_000), session_ms: 6_000, standby: false };
    let begun = Instant::now();
    let first = Instance::start(stage, &role, 0);
    let (learnt, _) = stage.progress(&group).await_sum(&topic, events);
    println!("state of {people} people: {events} events learnt in {:.1} s", (learnt - begun).as_secs_f64());
    // What is kept is looked at when something comes, so something has to.
    let probes = Probes::new();
    let listener = probes.listen(stage, &group);
    let ticker = probes.keep_sending(stage, &topic, TIME, PROBE_EVERY);
    first.until(|metrics| {
        (0..PARTITIONS).zip(&ends).all(|(partition, end)| {
            let label = format!("partition=\"{partition}\",topic=\"{topic}\"");
            metrics.of("nightjar_checkpoint_offset", &label).is_some_and(|it| it >= *end as f64)
        })
    });
    let metrics = first.metrics().unwrap();
    let store = Path::new(&stage.path).join(format!("{group}.state"));
    let (all, newest) = (bytes_under(&store), newest_bytes(&store));
    let [pause50, pause99] = [0.5, 0.99].map(|it| metrics.quantile("nightjar_checkpoint_pause_seconds", None, it) * 1e3);
    println!(
        "  process {:.0} MB, at most {:.0}; store {:.0} MB, of the largest checkpoints of the partitions {:.1} MB; a copy takes p50 {pause50:.0} p99 {pause99:.0} ms",
        first.rss_mb(),
        first.peak_mb(),
        all / 1e6,
        newest / 1e6,
    );
    // Killed, and another takes its name.
    let at_s = probes.now_s();
    first.kill();
    let second = Instance::start(stage, &role, 1);
    let live_s = listener.await_all(at_s) - at_s;
    println!("  killed: all {PARTITIONS} partitions answer after {live_s:.2} s; {}", said_of(&second));
    // Another joins, then the first one leaves.
    let at_s = probes.now_s();
    let third = Instance::start(stage, &Role { name: "two", standby, ..role }, 2);
    third.until(|it| it.sum("nightjar_partitions_owned") >= f64::from(ALL_PARTITIONS / 2));
    let joined_s = settled(&probes, &listener) - at_s;
    println!("  joined: {}", silence(&listener, at_s, joined_s));
    let at_s = probes.now_s();
    second.stop();
    third.until(|it| it.sum("nightjar_partitions_owned") >= f64::from(ALL_PARTITIONS));
    let left_s = settled(&probes, &listener) - at_s;
    println!("  left: {}", silence(&listener, at_s, left_s));
    drop(ticker);
    third.stop();
}

/// When every partition has answered a probe that is sent from now on.
fn settled(probes: &Probes, listener: &Listener) -> f64 {
    listener.await_all(probes.now_s())
}

/// How long probes waited that were sent from then on.
fn silence(listener: &Listener, since_s: f64, lasted_s: f64) -> String {
    let mut longest = vec![0.0_f64; usize::try_from(PARTITIONS).unwrap()];
    for answer in listener.answers().iter().filter(|it| it.sent_s() >= since_s) {
        let longest = &mut longest[usize::try_from(answer.partition).unwrap()];
        *longest = longest.max(answer.delay_ms());
    }
    let [least, half, most] = quantiles(longest, [0.0, 0.5, 1.0]);
    format!(
        "over after {lasted_s:.2} s; the longest that alerts of a partition took: {half:.0} ms in the median of the partitions ({least:.0}-{most:.0})"
    )
}

/// What an instance said of taking up its partitions.
fn said_of(instance: &Instance) -> String {
    let metrics = instance.metrics();
    let of = |name: &str, part: &str| metrics.as_ref().map_or(0.0, |it| it.sum_of(name, part));
    let (kept, new) = (of("nightjar_resumed_total", "kept"), of("nightjar_resumed_total", "new"));
    let replayed = of("nightjar_replayed_events_total", "");
    format!("{kept} of them from a checkpoint, {new} anew, {replayed} events read again; {:.0} MB", instance.rss_mb())
}

/// Bytes of all files in a folder.
fn bytes_under(folder: &Path) -> f64 {
    let Ok(entries) = folder.read_dir() else { return 0.0 };
    let of = |it: std::fs::DirEntry| match it.metadata() {
        Ok(about) if about.is_dir() => bytes_under(&it.path()),
        Ok(about) => about.len() as f64,
        Err(_) => 0.0,
    };
    entries.flatten().map(of).sum()
}

/// The largest file of each folder, all together: a full checkpoint of every partition.
fn newest_bytes(folder: &Path) -> f64 {
    let Ok(entries) = folder.read_dir() else { return 0.0 };
    let (mut below, mut largest) = (0.0, 0.0_f64);
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(about) if about.is_dir() => below += newest_bytes(&entry.path()),
            Ok(about) => largest = largest.max(about.len() as f64),
            Err(_) => {}
        }
    }
    below + largest
}
