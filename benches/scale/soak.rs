//! Full speed with faults: memory every minute, and in the end each probe's alert has to be there once.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::events::{Feed, TIME};
use crate::instance::{Instance, Role};
use crate::options::Options;
use crate::probe::{OUTPUT_PARTITIONS, Probes};
use crate::stage::{PARTITIONS, Progress, Stage};

const SECONDS: u64 = 1_800;
/// So few that half a year of their events passes: after some minutes windows and habits are as full as they ever become, and whatever
/// grows on is lost.
const PEOPLE: u32 = 2_000;
const PROBE_EVERY: usize = 1_000;
/// No more than so many events wait to be read.
const BACKLOG_MAX: i64 = 300_000;
/// A fault every so many seconds, in the mean.
const FAULT_EVERY_S: u64 = 20;
/// Longer than the group waits.
const FREEZE: Duration = Duration::from_secs(9);
const TOPIC: &str = "soak";
const GROUP: &str = "soaking";
const INSTANCES: u32 = 2;

/// What happens to an instance, or to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fault {
    Killed,
    Stopped,
    Frozen,
    BrokerKilled,
}

const FAULTS: [Fault; 4] = [Fault::Killed, Fault::Stopped, Fault::Frozen, Fault::BrokerKilled];

/// Runs for so long; says whether every alert came once.
pub(crate) fn run(options: &Options) -> ExitCode {
    let stage = Stage::new(options);
    stage.forgetful(TOPIC, GROUP);
    let lasts = Duration::from_secs(options.seconds.unwrap_or(SECONDS));
    println!("soak: {} s, {INSTANCES} instances, --brokers {}, --seed {}", lasts.as_secs(), options.brokers, options.seed);
    let (probes, is_over, sent) = (Probes::new(), AtomicBool::new(false), AtomicI64::new(0));
    let listener = probes.listen(&stage, GROUP);
    let (mut random, progress) = (StdRng::seed_from_u64(options.seed), stage.progress(GROUP));
    let mut instances: Vec<Instance> = (0..INSTANCES).map(|it| start(&stage, it)).collect();
    let (mut faults, mut restarts, mut stops) = (HashMap::<Fault, u32>::new(), 0, Stops::default());
    std::thread::scope(|scope| {
        let feeding = scope.spawn(|| feed(&stage, options, &probes, (&is_over, &sent)));
        let begun = Instant::now();
        let (mut minute, mut done_before) = (1, 0);
        let mut next_fault = begun + Duration::from_secs(FAULT_EVERY_S);
        while begun.elapsed() < lasts {
            std::thread::sleep(Duration::from_millis(500));
            if begun.elapsed() >= Duration::from_mins(minute) {
                let done = committed(&progress);
                tell(minute, (done, done - done_before, sent.load(Ordering::SeqCst)), &instances, &faults);
                (minute, done_before) = (minute + 1, done);
            }
            // As a supervisor does: who has a name of its own ends where its transaction was ended by others.
            for (number, instance) in (0..INSTANCES).zip(&mut instances) {
                if instance.has_ended() {
                    restarts += 1;
                    *instance = start(&stage, number);
                }
            }
            if Instant::now() >= next_fault {
                let fault = FAULTS[random.random_range(0..FAULTS.len())];
                let number = random.random_range(0..INSTANCES);
                let broker = random.random_range(1..=options.brokers);
                cause(fault, &stage, &mut instances, (number, broker), &mut stops);
                *faults.entry(fault).or_default() += 1;
                next_fault = Instant::now() + Duration::from_secs(random.random_range(1..2 * FAULT_EVERY_S));
            }
        }
        is_over.store(true, Ordering::SeqCst);
        feeding.join().unwrap();
    });
    progress.await_sum(TOPIC, sent.load(Ordering::SeqCst));
    let wanted = probes.sent();
    let patience = Instant::now();
    let mut seen = HashMap::<u64, u32>::new();
    while (seen.len() as u64) < wanted && patience.elapsed() < Duration::from_mins(2) {
        std::thread::sleep(Duration::from_millis(500));
        seen.clear();
        listener.answers().iter().for_each(|it| *seen.entry(it.number).or_default() += 1);
    }
    let twice = seen.values().filter(|it| **it > 1).count();
    let unaccounted: f64 =
        instances.iter().filter_map(Instance::metrics).map(|it| it.sum("nightjar_events_unaccounted_total")).sum();
    println!(
        "ended in order: {} of {}, the slowest in {:.1} s; the others said in time that they did not finish",
        stops.count - stops.unfinished,
        stops.count,
        stops.slowest.as_secs_f64()
    );
    println!("{restarts} times an instance had ended by itself and was started again");
    let missing: Vec<u64> = (0..wanted).filter(|it| !seen.contains_key(it)).take(20).collect();
    if !missing.is_empty() {
        tell_missing(&stage, &probes, &missing, wanted);
    }
    println!("{wanted} probes: {} alerted, {twice} of them more than once; {unaccounted} messages unaccounted for", seen.len());
    for outcome in ["late", "duplicate", "bad"] {
        let count: f64 = instances.iter().filter_map(Instance::metrics).map(|it| it.sum_of("nightjar_events_total", outcome)).sum();
        println!("{count} messages were {outcome} to the instances of the end");
    }
    instances.into_iter().for_each(Instance::stop);
    if seen.len() as u64 == wanted && twice == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where probes are that nobody has alerted of, and whether another reader sees their alerts.
fn tell_missing(stage: &Stage, probes: &Probes, missing: &[u64], wanted: u64) {
    let read = |topic: &str, partitions: i32| -> HashMap<u64, (i32, i64)> {
        let (listener, mut places) = (probes.listen_to(stage, topic, partitions), HashMap::new());
        let patience = Instant::now();
        while (places.len() as u64) < wanted && patience.elapsed() < Duration::from_mins(2) {
            std::thread::sleep(Duration::from_secs(1));
            places = listener.answers().iter().map(|it| (it.number, (it.place.0, it.place.1))).collect();
        }
        places
    };
    let (asked, told) = (read(TOPIC, PARTITIONS), read(&format!("{GROUP}.alerts"), OUTPUT_PARTITIONS));
    for it in missing {
        println!("probe {it} is at {:?} of the events, and at {:?} of the alerts", asked.get(it), told.get(it));
    }
}

/// How instances ended that were told to.
#[derive(Default)]
struct Stops {
    count: u32,
    /// They had not finished what they had read when their time was over, as where brokers are away.
    unfinished: u32,
    slowest: Duration,
}

impl Stops {
    fn stop(&mut self, instance: Instance) {
        let (log, begun) = (instance.log.clone(), Instant::now());
        let code = instance.terminate();
        assert!(matches!(code, Some(0 | 3)), "{code:?}, {}", log.display());
        self.slowest = self.slowest.max(begun.elapsed());
        (self.count, self.unfinished) = (self.count + 1, self.unfinished + u32::from(code == Some(3)));
    }
}

fn start(stage: &Stage, number: u32) -> Instance {
    // One has a name, the others have not: they answer to the same troubles in different ways.
    let name = if number == 0 { "named" } else { "" };
    let role = Role { group: GROUP, topic: TOPIC, name, checkpoints_ms: Some(10_000), session_ms: 6_000, standby: false };
    Instance::start(stage, &role, number)
}

/// Produces as fast as it is read.
fn feed(stage: &Stage, options: &Options, probes: &Probes, (is_over, sent): (&AtomicBool, &AtomicI64)) {
    let (producer, progress) = (stage.producer(20), stage.progress(GROUP));
    let mut feed = Feed::busy(options.people.unwrap_or(PEOPLE));
    let mut count = 0_usize;
    while !is_over.load(Ordering::SeqCst) {
        feed.next(|partition, key, line| {
            count += 1;
            if count.is_multiple_of(PROBE_EVERY) {
                let (key, line) = probes.next(partition, &String::from_utf8_lossy(&line[TIME]));
                producer.send(TOPIC, partition, &key, line.as_bytes());
            } else {
                producer.send(TOPIC, partition, key, line);
            }
        });
        sent.store(i64::try_from(count).unwrap(), Ordering::SeqCst);
        while count.is_multiple_of(10_000) && !is_over.load(Ordering::SeqCst) {
            if i64::try_from(count).unwrap() - committed(&progress) < BACKLOG_MAX {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    producer.finish();
}

fn committed(progress: &Progress) -> i64 {
    progress.committed(TOPIC).map_or(0, |it| it.iter().sum())
}

fn cause(fault: Fault, stage: &Stage, instances: &mut Vec<Instance>, (number, broker): (u32, u32), stops: &mut Stops) {
    let at = usize::try_from(number).unwrap();
    match fault {
        Fault::Killed => {
            instances.remove(at).kill();
            instances.insert(at, start(stage, number));
        }
        Fault::Stopped => {
            stops.stop(instances.remove(at));
            instances.insert(at, start(stage, number));
        }
        Fault::Frozen => {
            instances[at].signal("-STOP");
            std::thread::sleep(FREEZE);
            instances[at].signal("-CONT");
        }
        Fault::BrokerKilled => {
            stage.cluster.order("kill", broker);
            stage.cluster.order("start", broker);
        }
    }
}

fn tell(minute: u64, (done, of_minute, sent): (i64, i64, i64), instances: &[Instance], faults: &HashMap<Fault, u32>) {
    let memory: Vec<String> = instances.iter().map(|it| format!("{:.0}", it.rss_mb())).collect();
    let faults = FAULTS.map(|it| format!("{it:?} {}", faults.get(&it).unwrap_or(&0))).join(", ");
    println!(
        "minute {minute}: {:.1} M events, {:.1} k/s, {} k waiting; MB {}; {faults}",
        done as f64 / 1e6,
        of_minute as f64 / 60e3,
        (sent - done) / 1_000,
        memory.join(" "),
    );
}
