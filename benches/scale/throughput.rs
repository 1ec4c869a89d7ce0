//! How fast a full topic is drained, and by how many.

use crate::events::Feed;
use crate::instance::{Instance, Role};
use crate::options::Options;
use crate::stage::Stage;

const EVENTS: usize = 2_000_000;
const PEOPLE: u32 = 20_000;
/// The part of the topic, in percent, in which it is measured, so that starting and what is left at the end don't count.
const FROM_TO: (i64, i64) = (25, 85);

/// One, two and three instances, one after the other.
pub(crate) fn run(options: &Options) {
    let stage = Stage::new(options);
    stage.input("load");
    let ends = stage.fill("load", Feed::busy(options.people.unwrap_or(PEOPLE)), options.events.unwrap_or(EVENTS));
    let events = ends.iter().sum();
    match options.share {
        Some(percent) => println!("throughput: {events} events, each instance has {percent} % of a core"),
        None => println!("throughput: {events} events, instances and broker share all cores"),
    }
    let mut alone = None;
    for count in 1..=3 {
        let group = format!("drain{count}");
        let role = Role { group: &group, topic: "load", name: "", checkpoints_ms: None, session_ms: 10_000, standby: false };
        let Drained { per_s, cpu_us, owned, rss_mb, .. } = drain(&stage, &role, count, events);
        let times = per_s / *alone.get_or_insert(per_s);
        println!(
            "{count} instances: {:.0} k events/s, {times:.2} times one; {cpu_us:.1} us of processor an event; partitions {owned:?}, MB {rss_mb:.0?}",
            per_s / 1e3
        );
    }
}

/// How it went.
pub(crate) struct Drained {
    pub(crate) per_s: f64,
    /// Processor time of an event in microseconds, of all instances.
    pub(crate) cpu_us: f64,
    pub(crate) owned: Vec<f64>,
    pub(crate) rss_mb: Vec<f64>,
    /// Seconds for which partitions did not score because their state was copied, all together, and how often.
    pub(crate) pause_s: f64,
    pub(crate) checkpoints: f64,
    /// Seconds from the first event to the last.
    pub(crate) seconds: f64,
}

/// Has so many instances of a new group drain a topic.
pub(crate) fn drain(stage: &Stage, role: &Role<'_>, count: u32, events: i64) -> Drained {
    stage.outputs(role.group);
    let progress = stage.progress(role.group);
    let instances: Vec<Instance> = (0..count).map(|number| Instance::start(stage, role, number)).collect();
    let cpu_s = || instances.iter().map(Instance::cpu_s).sum::<f64>();
    let part = |percent: i64| events * percent / 100;
    let (first, _) = progress.await_sum(role.topic, 1);
    let (begun, already) = progress.await_sum(role.topic, part(FROM_TO.0));
    let before_s = cpu_s();
    let (ended, done) = progress.await_sum(role.topic, part(FROM_TO.1));
    let used_s = cpu_s() - before_s;
    let (last, _) = progress.await_sum(role.topic, part(100));
    let rss_mb = instances.iter().map(Instance::rss_mb).collect();
    let metrics: Vec<_> = instances.iter().map(|it| it.metrics().unwrap()).collect();
    let sum = |name: &str| metrics.iter().map(|it| it.sum(name)).sum::<f64>();
    let drained = Drained {
        per_s: (done - already) as f64 / (ended - begun).as_secs_f64(),
        cpu_us: used_s * 1e6 / (done - already) as f64,
        owned: metrics.iter().map(|it| it.sum("nightjar_partitions_owned")).collect(),
        rss_mb,
        pause_s: sum("nightjar_checkpoint_pause_seconds_sum"),
        checkpoints: sum("nightjar_checkpoint_pause_seconds_count"),
        seconds: (last - first).as_secs_f64(),
    };
    assert_eq!(sum("nightjar_events_unaccounted_total").to_bits(), 0.0_f64.to_bits(), "every message has an outcome");
    instances.into_iter().for_each(Instance::stop);
    drained
}
