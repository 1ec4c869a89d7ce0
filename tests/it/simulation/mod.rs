//! Invariants 2, 4, 5 and 6 in a world of one thread with a clock of its own: partitions with events, owners of groups, instances that have
//! them, a log that commits whole transactions, an object store, and faults drawn from a seed.
//!
//! | what goes wrong | where |
//! |---|---|
//! | events come twice, out of order, or are none; a topic gets another partition | `rules` |
//! | instances die between any two steps, one or all; start; lose partitions with and without knowing | `world` |
//! | a transaction counts although nobody hears of it; is not committed yet, and nothing more may be read | `world`, `log` |
//! | states are damaged, cut off, of something else, gone, or written by who has lost the partition; the store is away | `store` |
//! | rules change, at each instance at another time; clocks step | `world` |
//!
//! Alerts are triaged: one owner keeps the budget and the incidents of all. In the end the records are those of a world without faults, each once. `NIGHTJAR_SEEDS=N` tries as many worlds, `NIGHTJAR_SEED=S` that
//! one only, and tells what happens in it.

mod candidates;
mod log;
mod random;
mod rules;
mod scoring;
mod store;
mod task;
mod world;

use random::Random;
use rules::{Books, waves};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::World;

/// Partitions with events, at first and later.
const PARTITIONS: usize = 2;
const PARTITIONS_LATER: usize = 3;
const OWNERS: usize = 2;
/// So many worlds, if nobody says how many.
const SEEDS: u64 = 200;

/// What a world has written in the end, sorted.
fn live(books: &Books, seed: u64, is_faulty: bool) -> Vec<String> {
    let is_told = is_faulty && number("NIGHTJAR_SEED").is_some();
    let mut world = World::new(books, Random(seed ^ u64::from(is_faulty)), is_told);
    world.live(waves(seed), is_faulty);
    world.check_end();
    let mut out = world.log.out;
    out.sort();
    assert!(out.windows(2).all(|it| it[0] != it[1]), "invariant 6: a record was written twice");
    out.retain(|it| !Books::is_of_added(it));
    out
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|it| it.parse().expect("it is a number"))
}

/// Says how to see it again if the world of `seed` panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to see it again: NIGHTJAR_SEED={} cargo test -p tests --test it -- simulation", self.0);
        }
    }
}

type Counts = BTreeMap<&'static str, usize>;

/// Compares the worlds of one seed, and counts what they say.
fn compare(books: &Books, seed: u64, counts: &Mutex<Counts>) {
    let _seed = Seed(seed);
    let (calm, troubled) = (live(books, seed, false), live(books, seed, true));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let said = |it: &String| it.split("\"message\":").nth(1).unwrap_or(it).chars().take(160).collect();
        these.iter().filter(|it| !those.contains(it)).map(said).collect()
    };
    let (much, missing) = (only(&troubled, &calm), only(&calm, &troubled));
    assert!(calm == troubled, "{} records instead of {}; too many: {much:#?}; missing: {missing:#?}", troubled.len(), calm.len());
    let mut counts = counts.lock().unwrap();
    for name in [
        "\"newcomer\"",
        "\"shared\"",
        "\"often\"",
        "\"crowd\"",
        "\"relay\"",
        "\"idle_look\"",
        "dead letter",
        "\"class_uid\":2005",
        "\"behaviour\"",
        "waited",
        "\"digest\"",
    ] {
        let is_named = |it: &&String| it.contains(name);
        *counts.entry(name).or_default() += calm.iter().filter(is_named).count();
    }
}

#[test]
fn whatever_goes_wrong_each_alert_is_written_once_and_none_is_missing() {
    let books = Books::new();
    let seeds = number("NIGHTJAR_SEED").map_or_else(|| 0..number("NIGHTJAR_SEEDS").unwrap_or(SEEDS), |it| it..it + 1);
    let (next, counts) = (AtomicU64::new(seeds.start), Mutex::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) || counts.is_poisoned() {
                        break;
                    }
                    compare(&books, seed, &counts);
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    assert!(number("NIGHTJAR_SEED").is_some() || counts.values().all(|it| *it > 10), "{counts:?} says little");
}
