//! What a profile costs: nanoseconds an event and bytes a person, at 100,000 and 500,000 people, and what the parts cost in the cache.
//!
//! `cargo bench -p benches --bench baseline [-- PEOPLE]`. Events of random people come in batches of 256, as from a topic; each batch is
//! warmed, then every event is advanced, scored and learnt. Latencies are of single events by the wall clock, its reading included; the
//! mean is of whole batches, warming included, in CPU time of the thread.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    reason = "a generator and tables, not a product"
)]

#[path = "quality/world.rs"]
mod world;

use baseline::calibrate::Calibration;
use baseline::observation::Observation;
use baseline::peers::{GroupId, Peers, Tally};
use baseline::person::{Person, Surprise};
use baseline::population::Population;
use criterion::Criterion;
use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;
use world::{Change, FIRST_DAY, people};

/// People whose lives are generated; the others are copies of them.
const LIVES: usize = 400;
const DAYS: u16 = 30;
/// Days whose events are scored in turn, so that windows and days close as they do.
const MEASURED_DAYS: u16 = 4;
const BATCH: usize = 256;

struct World {
    peers: Peers,
    calibration: Calibration,
    lives: Vec<(GroupId, Person, Vec<Observation>)>,
}

/// Four hundred people after thirty days, and what they do in the next four.
fn world() -> World {
    let mut peers = Peers::default();
    let mut habitants = people(LIVES, DAYS, 7, &mut peers);
    habitants.iter_mut().for_each(|it| it.joined = FIRST_DAY);
    let (mut calibration, mut surprise, mut events) = (Calibration::default(), Surprise::default(), Vec::new());
    let mut persons = vec![Person::default(); LIVES];
    for day in 0..DAYS {
        for (habitant, person) in habitants.iter_mut().zip(&mut persons) {
            habitant.day(FIRST_DAY + day, Change::default(), &mut events);
            let group = peers.of(habitant.group);
            for it in &events {
                live(person, group, &mut calibration, it, &mut surprise);
            }
        }
        let mut tally = Tally::of(&peers);
        persons.iter().for_each(|it| tally.add(it));
        peers.recalibrate(calibration.clone());
        peers.refresh(tally);
    }
    let lives = habitants.iter_mut().zip(persons).map(|(habitant, person)| {
        let mut ahead = Vec::new();
        for day in 0..MEASURED_DAYS {
            habitant.day(FIRST_DAY + DAYS + day, Change::default(), &mut events);
            ahead.extend_from_slice(&events);
        }
        (habitant.group, person, ahead)
    });
    let lives = lives.collect();
    World { peers, calibration, lives }
}

fn live(
    person: &mut Person,
    group: &baseline::peers::Group,
    calibration: &mut Calibration,
    it: &Observation,
    surprise: &mut Surprise,
) {
    person.advance(group, calibration, it);
    person.surprise(group, it, surprise);
    person.learn(group, calibration, it, surprise);
}

fn cpu_ns() -> u128 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u128 * 1_000_000_000 + time.tv_nsec as u128
}

fn id(n: usize) -> u128 {
    (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// Events in the order of their time, each of a person drawn at random among the copies of the life it belongs to.
fn stream(world: &World, count: usize) -> Vec<(usize, Observation)> {
    let copies = count / LIVES;
    // As many events as fill some seconds: of few copies all, of many a sample, so that each person's day is whole.
    let followed = copies.min(200);
    let mut stream = Vec::new();
    for copy in 0..followed {
        // Spread over all of memory.
        let copy = copy * copies / followed;
        for (life, (_, _, ahead)) in world.lives.iter().enumerate() {
            stream.extend(ahead.iter().map(|it| (copy * LIVES + life, *it)));
        }
    }
    stream.sort_by_key(|it| (it.1.second, id(it.0)));
    stream
}

fn at_scale(world: &World, count: usize) {
    let mut population = Population::new(count);
    for n in 0..count {
        population.admit(id(n), Some(world.lives[n % LIVES].1.clone()));
    }
    let (stream, mut calibration, mut surprise) = (stream(world, count), world.calibration.clone(), Surprise::default());
    let (mut ids, mut seats, mut latencies) = (Vec::new(), Vec::new(), Vec::with_capacity(stream.len()));
    let (mut sum, mut in_batches, mut spoke) = (0_u32, 0_u128, 0_usize);
    for batch in stream.chunks(BATCH) {
        let began = cpu_ns();
        ids.clear();
        ids.extend(batch.iter().map(|it| id(it.0)));
        sum = sum.wrapping_add(population.warm(&ids, &mut seats));
        let mut before = Instant::now();
        for ((person, it), seat) in batch.iter().zip(&seats) {
            let group = world.peers.of(world.lives[person % LIVES].0);
            live(population.get_mut(seat.unwrap()), group, &mut calibration, it, &mut surprise);
            spoke += usize::from(!surprise.findings().is_empty());
            let now = Instant::now();
            latencies.push((now - before).as_nanos() as u32);
            before = now;
        }
        in_batches += cpu_ns() - began;
    }
    std::hint::black_box(sum);
    let events = latencies.len();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((events - 1) as f64 * share) as usize];
    println!(
        "{count:>7} people: {:>6.0} ns an event with warming, p50 {:>5} p90 {:>5} p99 {:>5} p99.9 {:>6} ns; {} bytes a person, with the index {}; {events} events, {:.1} % spoke",
        in_batches as f64 / events as f64,
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        size_of::<Person>(),
        population.bytes() / population.len(),
        100.0 * spoke as f64 / events as f64,
    );
}

/// In the cache: one person again and again.
fn parts(world: &World, criterion: &mut Criterion) {
    let (group, person, ahead) = &world.lives[3];
    let (group, mut surprise) = (world.peers.of(*group), Surprise::default());
    let mut group_of = criterion.benchmark_group("baseline");
    let mut calibration = world.calibration.clone();
    let mut advanced = person.clone();
    advanced.advance(group, &mut calibration, &ahead[ahead.len() / 2]);
    let it = &ahead[ahead.len() / 2];
    group_of.bench_function("surprise of one event", |bench| bench.iter(|| advanced.surprise(group, it, &mut surprise)));
    group_of.bench_function("learning it", |bench| {
        let mut person = advanced.clone();
        bench.iter(|| person.learn(group, &mut calibration, it, &surprise));
    });
    group_of.bench_function("a day of one person", |bench| {
        bench.iter(|| {
            let mut person = person.clone();
            ahead.iter().for_each(|it| live(&mut person, group, &mut calibration, it, &mut surprise));
        });
    });
    group_of.finish();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let world = world();
    let counts: Vec<usize> = arguments.iter().filter_map(|it| it.parse().ok()).collect();
    for count in if counts.is_empty() { vec![1_000, 100_000, 500_000] } else { counts } {
        at_scale(&world, count);
    }
    if arguments.is_empty() {
        parts(&world, &mut Criterion::default().configure_from_args());
    }
}
