//! Invariants 2, 4, 5 and 6 in a world of one thread: partitions with events, owners of groups, instances that have them, a log that commits
//! whole transactions, and faults drawn from a seed: crashes between any two steps, transactions that are aborted or count although nobody
//! hears of it, instances that lose partitions without knowing, checkpoints that are damaged or never written, events that come twice or out
//! of order. In the end the records are those of a world without faults, each once.
//!
//! `NIGHTJAR_SEEDS=N` tries as many worlds, `NIGHTJAR_SEED=S` that one only.
mod log;
mod random;
mod rules;
mod task;
mod world;

use crate::support::{book_of, lists};
use engine::Rulebook;
use log::Log;
use random::Random;
use rules::{RULES, messages};
use std::collections::{BTreeMap, BTreeSet};
use task::State;
use world::{STEPS_WITH_FAULTS, World};

const PARTITIONS: usize = 3;
const OWNERS: usize = 2;

/// What a world has written in the end, sorted.
fn live(book: &Rulebook, seed: u64, is_faulty: bool) -> Vec<String> {
    let log = Log {
        events: messages(seed),
        parcels: vec![Vec::new(); OWNERS],
        committed: BTreeMap::new(),
        out: Vec::new(),
        kept: BTreeMap::new(),
        owned: BTreeMap::new(),
        ended: BTreeSet::new(),
    };
    let mut world = World { book, log, instances: Vec::new(), lives: 0, random: Random(seed ^ u64::from(is_faulty)) };
    let mut steps = 0;
    while !world.log.is_done() {
        world.assign();
        world.work(is_faulty && steps < STEPS_WITH_FAULTS);
        steps += 1;
        assert!(steps < 100_000, "seed {seed}: the world does not end");
    }
    let tasks = world.instances.iter().flat_map(|it| it.tasks.values().map(|task| (it.life, task)));
    // Whoever has lost one and does not know it yet is of no interest.
    for (_, it) in tasks.filter(|(life, it)| world.log.owned.get(&it.partition) == Some(life)) {
        if let State::Owner(owner) = &it.state {
            let stats = owner.stats();
            assert_eq!((stats.merge.pending, stats.merge.hurried, stats.foreign), (0, 0, 0), "seed {seed}");
            assert_eq!(stats.merge.repeated, 0, "seed {seed}: a parcel was written twice");
        }
    }
    world.log.out.sort();
    world.log.out
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|it| it.parse().expect("it is a number"))
}

#[test]
fn whatever_goes_wrong_each_alert_is_written_once_and_none_is_missing() {
    let book = book_of(vec![("rules.yml".to_owned(), RULES.to_owned())], "native", &lists());
    let seeds = match number("NIGHTJAR_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("NIGHTJAR_SEEDS").unwrap_or(20)).collect(),
    };
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in seeds {
        let (calm, troubled) = (live(&book, seed, false), live(&book, seed, true));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            let said = |it: &String| it.split("\"message\":").nth(1).unwrap_or(it).chars().take(160).collect();
            these.iter().filter(|it| !those.contains(it)).map(said).collect()
        };
        assert!(
            calm == troubled,
            "NIGHTJAR_SEED={seed}: {} records instead of {}; too many: {:#?}; missing: {:#?}",
            troubled.len(),
            calm.len(),
            only(&troubled, &calm),
            only(&calm, &troubled)
        );
        for name in ["\"newcomer\"", "\"shared\"", "\"often\"", "\"crowd\"", "\"relay\"", "\"idle_look\"", "dead letter"] {
            *by_rule.entry(name).or_default() += calm.iter().filter(|it| it.contains(name)).count();
        }
    }
    assert!(number("NIGHTJAR_SEED").is_some() || by_rule.values().all(|it| *it > 10), "{by_rule:?} says little");
}
