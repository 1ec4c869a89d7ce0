//! Invariants 2, 4, 5 and 6 in a world of one thread: partitions with events, owners of groups, instances that have them, a log that commits
//! whole transactions, and faults drawn from a seed: crashes between any two steps, transactions that are aborted or count although nobody
//! hears of it, instances that lose partitions without knowing, checkpoints that are damaged or never written, events that come twice or out
//! of order. In the end the records are those of a world without faults, each once.
//!
//! `NIGHTJAR_SEEDS=N` tries as many worlds, `NIGHTJAR_SEED=S` that one only.

use crate::support::{book_of, lists};
use engine::behaviour::{Hours, Society, refresh};
use engine::decode::{Limits, Lines, pad};
use engine::repartition::{Origin, Owner, Parcel, Progress, Sender};
use engine::shard::{Place, line_of};
use engine::{
    Behaviour, BehaviourSettings, Emitted, Lane, Outbox, Plausible, Reader, Rulebook, Shard, Tick, Verdict, Watermark, WindowLimits,
};
use model::EventTime;
use sigma::matcher::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

/// 2026-03-02, a Monday.
const MONDAY_MS: i64 = 1_772_409_600_000;
const PARTITIONS: usize = 3;
const OWNERS: usize = 2;
const EVENTS: usize = 240;
/// After so many steps nothing goes wrong any more, so that the world ends.
const STEPS_WITH_FAULTS: usize = 400;
const INSTANCES_MAX: usize = 3;

const RULES: &str = "
title: Look
name: look
id: 00000000-0000-4000-8000-000000000001
status: stable
level: low
logsource: {product: nightjar}
detection:
  it: {action: account.view}
  condition: it
---
title: Reset
name: reset
id: 00000000-0000-4000-8000-000000000002
status: stable
level: low
logsource: {product: nightjar}
detection:
  it: {action: password.reset}
  condition: it
---
title: From a network that is new for the actor
name: newcomer
id: 00000000-0000-4000-8000-000000000003
status: stable
level: medium
logsource: {product: nightjar}
detection:
  it: {nj.novelty.ip.first_for_actor: true}
  condition: it
---
title: Somebody else was there
name: shared
id: 00000000-0000-4000-8000-000000000004
status: stable
level: medium
logsource: {product: nightjar}
detection:
  reset: {action: password.reset}
  others: {nj.target.actors_24h|gte: 3}
  condition: reset and others
---
title: Often
name: often
id: 00000000-0000-4000-8000-000000000005
status: stable
level: medium
correlation:
  type: event_count
  rules: [reset]
  group-by: [actor.id]
  timespan: 5m
  condition: {gte: 3}
---
title: Many look at one
name: crowd
id: 00000000-0000-4000-8000-000000000006
status: stable
level: high
correlation:
  type: value_count
  rules: [look]
  group-by: [target.id]
  timespan: 10m
  condition: {field: actor.id, gte: 4}
---
title: Relay
name: relay
id: 00000000-0000-4000-8000-000000000007
status: stable
level: high
correlation:
  type: temporal_ordered
  rules: [look, reset]
  group-by: [source.ip]
  timespan: 1m
---
title: Looked at, not reset
name: idle_look
id: 00000000-0000-4000-8000-000000000008
status: stable
level: medium
correlation:
  type: temporal_ordered
  rules: [look, reset]
  group-by: [target.id]
  timespan: 2m
  condition: look and not reset
";

/// Steele, Lea and Flood's `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// True so many times of a hundred.
    fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    fn pick<T: Clone>(&mut self, of: impl Iterator<Item = T>) -> Option<T> {
        let all: Vec<T> = of.collect();
        (!all.is_empty()).then(|| all[self.below(all.len())].clone())
    }
}

/// A partition with events, or one of the exchange topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Partition {
    Events(usize),
    Owner(usize),
}

/// Something that a batch caused.
#[derive(Debug, Clone)]
enum Record {
    /// An alert or a dead letter.
    Out(String),
    Parcel(usize, Vec<u8>),
}

/// A batch that was handled.
struct Step {
    partition: Partition,
    /// Nothing was read for it, if it has none.
    end: Option<usize>,
    records: Vec<Record>,
}

/// What brokers and the object store keep.
struct Log {
    events: Vec<Vec<String>>,
    parcels: Vec<Vec<Vec<u8>>>,
    committed: BTreeMap<Partition, usize>,
    out: Vec<String>,
    /// States, each with its offset and checksum; some are damaged.
    kept: BTreeMap<Partition, Vec<(usize, u64, Vec<u8>)>>,
    /// Whose a partition is, by the number of the instance's life.
    owned: BTreeMap<Partition, usize>,
    /// Partitions that have said that there is nothing more, for good.
    ended: BTreeSet<usize>,
}

impl Log {
    fn all() -> impl Iterator<Item = Partition> {
        (0..PARTITIONS).map(Partition::Events).chain((0..OWNERS).map(Partition::Owner))
    }

    fn len(&self, partition: Partition) -> usize {
        match partition {
            Partition::Events(at) => self.events[at].len(),
            Partition::Owner(at) => self.parcels[at].len(),
        }
    }

    fn committed(&self, partition: Partition) -> usize {
        self.committed.get(&partition).copied().unwrap_or(0)
    }

    fn is_done(&self) -> bool {
        self.ended.len() == PARTITIONS && Self::all().all(|it| self.committed(it) == self.len(it))
    }

    /// All of it, or none.
    fn commit(&mut self, steps: Vec<Step>) {
        for Step { partition, end, records } in steps {
            for record in records {
                match record {
                    Record::Out(text) => self.out.push(text),
                    Record::Parcel(owner, bytes) => self.parcels[owner].push(bytes),
                }
            }
            match (end, partition) {
                (Some(end), _) => {
                    assert!(end >= self.committed(partition), "offsets of {partition:?} go back");
                    self.committed.insert(partition, end);
                }
                (None, Partition::Events(at)) => _ = self.ended.insert(at),
                (None, Partition::Owner(_)) => {}
            }
        }
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn plausible() -> Plausible {
    Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").unwrap())
}

/// A partition with events, as an instance has it.
struct Scoring {
    number: usize,
    reader: Reader,
    lane: Lane,
    shard: Shard,
    watermark: Watermark,
    hours: Hours,
    sender: Sender,
    is_idle: bool,
}

/// A state of it: shard, watermark, hours, sender, what its people have in common.
type Saved = (Vec<u8>, Watermark, Hours, Sender, Vec<u8>);

impl Scoring {
    fn new(book: &Rulebook, number: usize) -> Self {
        let mut shard = Shard::new(&book.programs[0], WindowLimits::default());
        shard.watch(Behaviour::new(&BehaviourSettings::default(), 1));
        Self {
            number,
            reader: Reader::new(Arc::clone(&book.programs[0]), Limits::default(), plausible()),
            lane: Lane::new(book, 0, Clock::default()),
            shard,
            watermark: Watermark::default(),
            hours: Hours::default(),
            sender: Sender::new(1, 1),
            is_idle: false,
        }
    }

    fn save(&self, book: &Rulebook) -> Vec<u8> {
        let society = self.shard.behaviour().unwrap().society().to_bytes();
        let saved: Saved = (self.shard.snapshot(&book.set), self.watermark.clone(), self.hours, self.sender.clone(), society);
        postcard::to_allocvec(&saved).unwrap()
    }

    fn restore(book: &Rulebook, number: usize, bytes: &[u8]) -> Self {
        let (shard, watermark, hours, sender, society): Saved = postcard::from_bytes(bytes).unwrap();
        let settings = BehaviourSettings::default();
        let society = Arc::new(Society::from_bytes(&society).unwrap());
        let shard = Shard::restore(&book.set, WindowLimits::default(), Some((&settings, society)), &shard).unwrap();
        Self { shard, watermark, hours, sender, ..Self::new(book, number) }
    }

    /// Handles the lines from `start` on.
    fn handle(&mut self, book: &Rulebook, lines: &[String], start: usize) -> Vec<Record> {
        let mut bytes = lines.join("\n").into_bytes();
        let payload = pad(&mut bytes);
        let mut block = Lines::new(&bytes, payload).unwrap();
        let (mut values, mut out, mut records) = (Vec::new(), Outbox::default(), Vec::new());
        while let Some(record) = self.reader.next(&mut block, &mut values) {
            let offset = start + record.number;
            match record.outcome {
                Ok(head) => {
                    let (before, watermark) = (self.watermark.reached(), self.watermark.time());
                    let is_late = self.watermark.observe(head.time);
                    let reached = self.watermark.reached();
                    if reached > before && self.hours.pass(reached) {
                        refresh(self.shard.behaviour_mut(), reached);
                    }
                    self.sender.note(i64::try_from(offset).unwrap(), head.time);
                    let place = Place { position: offset as u64, watermark, reached, is_late };
                    let verdict = self.shard.score(&mut self.lane, (&head, line_of(&head)), &values, place, &mut out);
                    assert!(verdict != Verdict::Late, "nothing is later than what is allowed");
                    if reached > before {
                        let tick = Tick { position: place.position, reached };
                        self.shard.catch_up(&self.lane, &[tick], u64::MAX, &mut out);
                    }
                }
                Err(reject) => records.push(Record::Out(format!("dead letter {}[{offset}] {}", self.number, reject.code.as_str()))),
            }
            values.clear();
        }
        records.extend(written(std::mem::take(&mut out.alerts)));
        self.is_idle = false;
        records.extend(self.send(book, start + lines.len(), &mut out));
        records
    }

    fn idle(&mut self, book: &Rulebook, end: usize) -> Vec<Record> {
        self.is_idle = true;
        self.send(book, end, &mut Outbox::default()).collect()
    }

    fn send(&mut self, book: &Rulebook, end: usize, out: &mut Outbox) -> impl Iterator<Item = Record> + use<> {
        let (watermark, reached) = (self.watermark.time(), self.watermark.reached());
        let progress = Progress { end_offset: i64::try_from(end).unwrap(), watermark, reached, is_idle: self.is_idle };
        let origin = Origin::new("events", i32::try_from(self.number).unwrap());
        // Not told at each batch: from what is told less often nothing may follow.
        let tells_all = self.is_idle || end.is_multiple_of(3);
        let (parcels, too_long) = self.sender.pack(book, &origin, OWNERS, progress, tells_all, out);
        assert_eq!(too_long, 0);
        parcels.into_iter().map(|Parcel { owner, bytes }| Record::Parcel(owner, bytes))
    }
}

fn written(alerts: Vec<Emitted>) -> impl Iterator<Item = Record> {
    alerts.into_iter().map(|it| {
        let mut bytes = Vec::new();
        it.alert.write_ocsf(&mut bytes);
        Record::Out(String::from_utf8(bytes).unwrap())
    })
}

fn new_owner(book: &Rulebook) -> Owner {
    let origins = (0..PARTITIONS).map(|it| Origin::new("events", i32::try_from(it).unwrap()));
    Owner::new(1, book, WindowLimits::default(), origins)
}

enum State {
    Scoring(Box<Scoring>),
    Owner(Box<Owner>),
}

/// A partition in the hands of an instance.
struct Task {
    partition: Partition,
    state: State,
    next: usize,
    /// What was committed when it was taken up: nothing before is written again.
    live_from: usize,
}

impl Task {
    /// With the newest state that can be used.
    fn resume(book: &Rulebook, log: &Log, partition: Partition) -> Self {
        let committed = log.committed(partition);
        let usable = |it: &&(usize, u64, Vec<u8>)| it.0 <= committed && checksum(&it.2) == it.1;
        let kept = log.kept.get(&partition).into_iter().flatten().filter(usable).max_by_key(|it| it.0);
        let state = match (partition, kept) {
            (Partition::Events(at), None) => State::Scoring(Box::new(Scoring::new(book, at))),
            (Partition::Events(at), Some(it)) => State::Scoring(Box::new(Scoring::restore(book, at, &it.2))),
            (Partition::Owner(_), None) => State::Owner(Box::new(new_owner(book))),
            (Partition::Owner(_), Some(it)) => {
                State::Owner(Box::new(Owner::restore(book, WindowLimits::default(), &it.2).unwrap()))
            }
        };
        Self { partition, state, next: kept.map_or(0, |it| it.0), live_from: committed }
    }

    fn save(&self, book: &Rulebook) -> Vec<u8> {
        match &self.state {
            State::Scoring(it) => it.save(book),
            State::Owner(it) => it.snapshot(book),
        }
    }

    /// Handles up to `count` more. `None` if there is nothing to write of it.
    fn handle(&mut self, book: &Rulebook, log: &Log, count: usize) -> Option<Step> {
        let mut end = log.len(self.partition).min(self.next + count);
        if self.next < self.live_from {
            end = end.min(self.live_from);
        }
        if end == self.next {
            return None;
        }
        let records = match (&mut self.state, self.partition) {
            (State::Scoring(it), Partition::Events(at)) => it.handle(book, &log.events[at][self.next..end], self.next),
            (State::Owner(it), Partition::Owner(at)) => {
                let mut alerts = Vec::new();
                log.parcels[at][self.next..end].iter().for_each(|parcel| it.accept(book, parcel, &mut alerts).unwrap());
                written(alerts).collect()
            }
            _ => unreachable!("a state is of its partition"),
        };
        self.next = end;
        (end > self.live_from).then_some(Step { partition: self.partition, end: Some(end), records })
    }

    /// Says that there is nothing more to read, if that is so.
    fn idle(&mut self, book: &Rulebook, log: &Log) -> Option<Step> {
        let State::Scoring(scoring) = &mut self.state else { return None };
        let is_at_end = self.next == log.len(self.partition) && self.next >= self.live_from;
        (is_at_end && !scoring.is_idle).then(|| Step {
            partition: self.partition,
            end: None,
            records: scoring.idle(book, self.next),
        })
    }
}

/// A process.
struct Instance {
    life: usize,
    tasks: BTreeMap<Partition, Task>,
    /// Handled, and not committed.
    held: Vec<Step>,
}

struct World<'b> {
    book: &'b Rulebook,
    log: Log,
    instances: Vec<Instance>,
    lives: usize,
    random: Random,
}

impl World<'_> {
    fn start(&mut self) {
        self.lives += 1;
        self.instances.push(Instance { life: self.lives, tasks: BTreeMap::new(), held: Vec::new() });
    }

    /// Partitions that are nobody's find somebody.
    fn assign(&mut self) {
        if self.instances.is_empty() {
            self.start();
        }
        for partition in Log::all() {
            if !self.instances.iter().any(|it| Some(&it.life) == self.log.owned.get(&partition)) {
                let at = self.random.below(self.instances.len());
                self.give(partition, at);
            }
        }
    }

    fn give(&mut self, partition: Partition, at: usize) {
        let instance = &mut self.instances[at];
        self.log.owned.insert(partition, instance.life);
        instance.tasks.insert(partition, Task::resume(self.book, &self.log, partition));
    }

    /// What others own by now is refused, and the instance learns of it.
    fn commit(&mut self, at: usize) {
        let (instance, owned) = (&mut self.instances[at], &self.log.owned);
        let is_ours = |it: &Partition| owned.get(it) == Some(&instance.life);
        instance.tasks.retain(|it, _| is_ours(it));
        instance.held.retain(|it| is_ours(&it.partition));
        self.log.commit(std::mem::take(&mut instance.held));
    }

    fn keep(&mut self, at: usize, partition: Partition, is_damaged: bool) {
        let Some(task) = self.instances[at].tasks.get(&partition) else { return };
        // Whoever has lost the partition writes over nothing that counts: states are chosen by what is committed.
        let mut bytes = task.save(self.book);
        let (next, sum) = (task.next, checksum(&bytes));
        if task.next < task.live_from || self.log.owned.get(&partition) != Some(&self.instances[at].life) {
            return;
        }
        if is_damaged {
            let at = self.random.below(bytes.len());
            if self.random.percent(50) { bytes.truncate(at) } else { bytes[at] ^= 0x10 }
        }
        let kept = self.log.kept.entry(partition).or_default();
        // As when a partition is taken up: what goes further than what was committed then is gone.
        kept.retain(|it| it.0 < next);
        kept.push((next, sum, bytes));
    }

    fn work(&mut self, is_faulty: bool) {
        let Some(at) = self.random.pick(0..self.instances.len()) else { return };
        let Some(partition) = self.random.pick(self.instances[at].tasks.keys().copied()) else { return };
        match self.random.below(if is_faulty { 100 } else { 70 }) {
            0..40 => {
                let count = 1 + self.random.below(30);
                let instance = &mut self.instances[at];
                let step = instance.tasks.get_mut(&partition).and_then(|it| it.handle(self.book, &self.log, count));
                instance.held.extend(step);
            }
            40..48 => {
                let instance = &mut self.instances[at];
                let step = instance.tasks.get_mut(&partition).and_then(|it| it.idle(self.book, &self.log));
                instance.held.extend(step);
            }
            48..70 => self.commit(at),
            // Aborted: it is held, and goes into the next one. Or it counts, and nobody lives to hear of it.
            70..74 => {
                self.commit(at);
                self.instances.remove(at);
            }
            74..78 => drop(self.instances.remove(at)),
            78..82 if self.instances.len() < INSTANCES_MAX => self.start(),
            82..94 => {
                let is_damaged = self.random.percent(25);
                self.keep(at, partition, is_damaged);
            }
            // A rebalance: in order, or without whoever had the partition knowing of it.
            _ => {
                if self.random.percent(60) {
                    self.commit(at);
                    if self.random.percent(70) {
                        self.keep(at, partition, false);
                    }
                    self.instances[at].tasks.remove(&partition);
                }
                let to = self.random.below(self.instances.len());
                if to != at || !self.instances[at].tasks.contains_key(&partition) {
                    self.give(partition, to);
                }
            }
        }
    }
}

/// Of each partition its messages: out of order by less than what is allowed, some twice, some no events.
fn messages(seed: u64) -> Vec<Vec<String>> {
    let mut random = Random(seed);
    let mut partitions = vec![Vec::new(); PARTITIONS];
    let mut at = MONDAY_MS;
    for number in 0..EVENTS {
        at += i64::try_from(random.below(8)).unwrap() * 1_500;
        let (actor, target, ip) = (random.below(8), random.below(5), random.below(4));
        let action = if random.percent(35) { "password.reset" } else { "account.view" };
        let time = at - i64::try_from(random.below(20)).unwrap() * 1_000;
        let line = format!(
            r#"{{"time":{time},"id":"e{number}","actor":{{"id":"u{actor}","role":"support"}},"action":"{action}","outcome":"success","target":{{"id":"t{target}","type":"account"}},"source":{{"ip":"10.0.0.{ip}"}}}}"#
        );
        let messages = &mut partitions[actor % PARTITIONS];
        if random.percent(3) {
            messages.push("no event".to_owned());
        }
        messages.push(line.clone());
        if random.percent(4) {
            messages.push(line);
        }
    }
    partitions
}

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
