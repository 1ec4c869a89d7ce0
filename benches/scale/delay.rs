//! From an event being produced to readers of committed records seeing its alert, at a steady rate.

use std::time::{Duration, Instant};

use crate::events::{Feed, TIME, partition, timestamp};
use crate::instance::{Instance, Role};
use crate::options::Options;
use crate::probe::{Probes, quantiles};
use crate::stage::{ALL_PARTITIONS, PARTITIONS, Stage};

const RATE: usize = 20_000;
const SECONDS: u64 = 60;
/// Not measured: caches fill, and rules meet what they have not met.
const WARM_UP_S: u64 = 20;
const PEOPLE: u32 = 100_000;
/// One event in so many is a probe.
const PROBE_EVERY: usize = 200;
const TICK: Duration = Duration::from_millis(5);

/// One instance that keeps checkpoints as configured by default.
pub(crate) fn run(options: &Options) {
    let stage = Stage::new(options);
    let (rate, seconds) = (options.rate.unwrap_or(RATE), options.seconds.unwrap_or(SECONDS) + WARM_UP_S);
    let people = options.people.unwrap_or(PEOPLE);
    let (topic, group) = ("live", "delay");
    stage.input(topic);
    stage.outputs(group);
    // Made before, so that it takes nobody's time then.
    let count = rate * usize::try_from(seconds).unwrap();
    let mut events = Vec::with_capacity(count);
    let mut feed = Feed::busy(people);
    while events.len() < count && feed.next(|_, key, line| events.push((key.to_owned(), line.to_vec()))) {}
    let role = Role { group, topic, name: "one", checkpoints_ms: Some(30_000), session_ms: 10_000, standby: false };
    let instance = Instance::start(&stage, &role, 0);
    instance.until(|it| it.sum("nightjar_partitions_owned") >= f64::from(ALL_PARTITIONS));
    let probes = Probes::new();
    let listener = probes.listen(&stage, group);
    let readers = probes.listen_to(&stage, topic, PARTITIONS);
    // With 1 ms batches have two events each, and the broker and its readers are busy with batches: ten times the delay.
    let producer = stage.producer(5);
    let (begun, mut before, mut most_behind) = (Instant::now(), None, Duration::ZERO);
    let (mut cpu_s, per_tick) = (0.0, rate * 5 / 1_000);
    for (tick, chunk) in (0_u32..).zip(events.chunks_mut(per_tick)) {
        let due = begun + TICK * tick;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        most_behind = most_behind.max(due.elapsed());
        let time = timestamp();
        for (number, (key, line)) in chunk.iter_mut().enumerate() {
            let to = partition(key);
            if (number + tick as usize * per_tick).is_multiple_of(PROBE_EVERY) {
                let (key, line) = probes.next(to, &time);
                producer.send(topic, to, &key, line.as_bytes());
            } else {
                line[TIME].copy_from_slice(time.as_bytes());
                producer.send(topic, to, key, line);
            }
        }
        if before.is_none() && begun.elapsed() >= Duration::from_secs(WARM_UP_S) {
            (before, cpu_s) = (instance.metrics(), instance.cpu_s());
        }
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    cpu_s = instance.cpu_s() - cpu_s;
    producer.finish();
    let sent = usize::try_from(probes.sent()).unwrap();
    while listener.answers().len() < sent && begun.elapsed().as_secs_f64() < elapsed_s + 30.0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let answers = listener.answers();
    let warm: Vec<f64> = answers.iter().filter(|it| it.sent_s() > WARM_UP_S as f64).map(crate::probe::Answer::delay_ms).collect();
    let measured = warm.len();
    let [p50, p90, p99, p999, most] = quantiles(warm, [0.5, 0.9, 0.99, 0.999, 1.0]);
    let of_input = readers.answers().into_iter().filter(|it| it.sent_s() > WARM_UP_S as f64).map(|it| it.delay_ms()).collect();
    let [input50, input99] = quantiles(of_input, [0.5, 0.99]);
    let metrics = instance.metrics().unwrap();
    let (name, before) = ("nightjar_transaction_seconds", before.as_ref());
    let [of50, of99] = [0.5, 0.99].map(|it| metrics.quantile(name, before, it) * 1e3);
    println!(
        "delay: {:.0} events/s of {people} people for {elapsed_s:.0} s, the producer at most {most_behind:?} behind",
        count as f64 / elapsed_s
    );
    println!("{} of {sent} probes answered, {measured} after the first {WARM_UP_S} s", answers.len());
    println!("produced to readable, ms: p50 {p50:.1} p90 {p90:.1} p99 {p99:.1} p99.9 {p999:.1} most {most:.1}");
    println!("of it until any reader has the event, ms: p50 {input50:.1} p99 {input99:.1}");
    println!(
        "of it the transaction, ms: p50 {of50:.1} p99 {of99:.1}; {:.0} alerts/s",
        (metrics.sum("nightjar_alerts_total")) / elapsed_s
    );
    println!(
        "the instance: {:.2} cores, {:.0} MB, at most {:.0}",
        cpu_s / (elapsed_s - WARM_UP_S as f64),
        instance.rss_mb(),
        instance.peak_mb()
    );
    instance.stop();
}
