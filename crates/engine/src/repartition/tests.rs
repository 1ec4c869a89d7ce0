//! However the events are spread over partitions, however these interleave, and wherever partitions and owners are stopped and go on:
//! the alerts are those of one pipeline that sees the events in their order.

mod desk;
mod pulses;

use super::*;
use crate::book::Rulebook;
use crate::carry::CarryOver;
use crate::decode::{Limits, Lines, pad};
use crate::pipeline::{Pipeline, Settings};
use crate::reader::{Plausible, Reader};
use crate::shard::{Emitted, Lane, Outbox, Place, Shard, line_of};
use crate::watermark::{Tick, Watermark};
use crate::windows::WindowLimits;
use model::{EventTime, SourceMapping};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sigma::lists::Lists;
use sigma::matcher::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-03-02, a Monday.
const MONDAY_MS: i64 = 1_772_409_600_000;
const TOPIC: &str = "audit-events";

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
title: Many look at one
name: crowd
id: 00000000-0000-4000-8000-000000000003
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
id: 00000000-0000-4000-8000-000000000004
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
id: 00000000-0000-4000-8000-000000000005
status: stable
level: medium
correlation:
  type: temporal_ordered
  rules: [look, reset]
  group-by: [target.id]
  timespan: 2m
  condition: look and not reset
---
title: Often from one address
name: often
id: 00000000-0000-4000-8000-000000000006
status: stable
level: medium
correlation:
  type: event_count
  rules: [reset]
  group-by: [source.ip]
  timespan: 5m
  condition: {gte: 5}
";

/// Correlations that build on others with other groups, and on what is known of targets.
const TANGLED: &str = "
title: Many crowds
name: crowds
id: 00000000-0000-4000-8000-000000000007
status: stable
level: critical
correlation:
  type: event_count
  rules: [crowd]
  group-by: [source.ip]
  timespan: 1h
  condition: {gte: 2}
---
title: Somebody else was there
name: shared
id: 00000000-0000-4000-8000-000000000008
status: stable
level: medium
logsource: {product: nightjar}
detection:
  reset: {action: password.reset}
  others: {nj.target.actors_24h|gte: 2}
  condition: reset and others
---
title: Shared by one
name: shared_by_one
id: 00000000-0000-4000-8000-000000000009
status: stable
level: high
correlation:
  type: value_count
  rules: [shared]
  group-by: [actor.id]
  timespan: 30m
  condition: {field: target.id, gte: 2}
";

fn book(rules: &str) -> Rulebook {
    let loaded = sigma::parse::parse_all([("rules.yml".to_owned(), rules.to_owned())], &Lists::default());
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in("native").unwrap()], &mut problems);
    assert!(problems.iter().all(|it| !it.is_error()), "{problems:?}");
    book
}

fn plausible() -> Plausible {
    Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").unwrap())
}

/// An event: when, in which partition, and its line.
struct Sent {
    partition: i32,
    line: String,
}

/// Events in the order of their time, those of one time in that of their partitions.
fn events(seed: u64, count: usize, partitions: i32) -> Vec<Sent> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut all: Vec<(i64, i32, usize, String)> = Vec::new();
    let mut at = MONDAY_MS;
    for number in 0..count {
        at += rng.random_range(0..6) * 1_500;
        let actor = rng.random_range(0..9);
        let action = if rng.random_range(0..3) == 0 { "password.reset" } else { "account.view" };
        let (target, ip) = (rng.random_range(0..6), rng.random_range(0..4));
        let line = format!(
            r#"{{"time":{at},"id":"e{number}","actor":{{"id":"u{actor}"}},"action":"{action}","outcome":"success","target":{{"id":"t{target}","type":"account"}},"source":{{"ip":"10.0.0.{ip}"}}}}"#
        );
        all.push((at, actor % partitions, number, line));
    }
    // Long enough for every watermark to pass what waits for it.
    for number in 0..200 {
        at += 10_000;
        for actor in 0..partitions {
            let line = format!(r#"{{"time":{at},"id":"o{actor}-{number}","actor":{{"id":"u{actor}"}},"action":"ping"}}"#);
            all.push((at, actor, count + number, line));
        }
    }
    all.sort();
    all.into_iter().map(|(_, partition, _, line)| Sent { partition, line }).collect()
}

fn bytes_of(alerts: Vec<Emitted>) -> Vec<String> {
    let mut all: Vec<String> = alerts
        .into_iter()
        .map(|it| {
            let mut bytes = Vec::new();
            it.alert.write_ocsf(&mut bytes);
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    all.sort();
    all
}

fn in_one(book: &Rulebook, events: &[Sent]) -> Vec<String> {
    let mut pipeline = Pipeline::new(book.clone(), 0, &Settings::new(plausible()));
    let mut bytes = events.iter().map(|it| it.line.as_str()).collect::<Vec<_>>().join("\n").into_bytes();
    let payload = pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut Lines::new(&bytes, payload).unwrap(), &mut alerts, |it| panic!("{it:?}"));
    bytes_of(alerts)
}

/// A partition as a process keeps it.
struct Partition {
    origin: Origin,
    lines: Vec<String>,
    next: usize,
    reader: Reader,
    lane: Lane,
    shard: Shard,
    watermark: Watermark,
    sender: Sender,
    is_told_idle: bool,
}

impl Partition {
    fn new(book: &Rulebook, number: i32, lines: Vec<String>) -> Self {
        Self {
            origin: Origin::new(TOPIC, number),
            lines,
            next: 0,
            reader: Reader::new(Arc::clone(&book.programs[0]), Limits::default(), plausible()),
            lane: Lane::new(book, 0, Clock::default()),
            shard: Shard::new(&book.programs[0], WindowLimits::default()),
            watermark: Watermark::default(),
            sender: Sender::new(7, 1),
            is_told_idle: false,
        }
    }

    /// Scores up to `count` more; with nothing more to read it says so, once.
    fn step(&mut self, book: &Rulebook, count: usize, owners: usize, tells_all: bool, alerts: &mut Vec<Emitted>) -> Vec<Parcel> {
        let lines = &self.lines[self.next..self.lines.len().min(self.next + count)];
        let is_idle = lines.is_empty();
        if is_idle && std::mem::replace(&mut self.is_told_idle, true) {
            return Vec::new();
        }
        let mut bytes = lines.join("\n").into_bytes();
        let payload = pad(&mut bytes);
        let mut lines = Lines::new(&bytes, payload).unwrap();
        let (mut values, mut out) = (Vec::new(), Outbox::default());
        while let Some(record) = self.reader.next(&mut lines, &mut values) {
            let head = record.outcome.expect("an event");
            let (before, watermark) = (self.watermark.reached(), self.watermark.time());
            let is_late = self.watermark.observe(head.time);
            let reached = self.watermark.reached();
            let place = Place { position: self.next as u64, watermark, reached, is_late };
            self.sender.note(i64::try_from(self.next).unwrap(), head.time);
            self.shard.score(&mut self.lane, (&head, line_of(&head)), &values, place, &mut out);
            if reached > before {
                self.shard.catch_up(&self.lane, &[Tick { position: place.position, reached }], u64::MAX, &mut out);
            }
            self.next += 1;
            values.clear();
        }
        alerts.append(&mut out.alerts);
        let (watermark, reached) = (self.watermark.time(), self.watermark.reached());
        let progress = Progress { end_offset: i64::try_from(self.next).unwrap(), watermark, reached, is_idle };
        let (parcels, too_long) = self.sender.pack(book, &self.origin, owners, progress, tells_all || is_idle, &mut out);
        assert_eq!(too_long, 0);
        parcels
    }

    fn is_done(&self) -> bool {
        self.next == self.lines.len() && self.is_told_idle
    }
}

/// How the whole is disturbed.
#[derive(Debug, Clone, Copy)]
struct Disturbed {
    seed: u64,
    partitions: i32,
    owners: usize,
    /// Parcels come again, owners and senders are stopped and restored, rules are reloaded.
    is_rough: bool,
}

fn in_many(book: &Rulebook, events: &[Sent], how: Disturbed) -> (Vec<String>, Vec<OwnerStats>) {
    let mut rng = ChaCha8Rng::seed_from_u64(how.seed);
    let mut lines: BTreeMap<i32, Vec<String>> = (0..how.partitions).map(|it| (it, Vec::new())).collect();
    for Sent { partition, line } in events {
        lines.entry(*partition).or_default().push(line.clone());
    }
    let mut partitions: Vec<Partition> = lines.into_iter().map(|(number, it)| Partition::new(book, number, it)).collect();
    let origins = || (0..how.partitions).map(|it| Origin::new(TOPIC, it));
    let mut owners: Vec<Owner> = (0..how.owners).map(|_| Owner::new(7, book, WindowLimits::default(), origins())).collect();
    // What each owner's partition of the topic holds, and how far it was read.
    let mut log: Vec<(Vec<Vec<u8>>, usize)> = (0..how.owners).map(|_| (Vec::new(), 0)).collect();
    let mut alerts = Vec::new();
    let mut book = book.clone();
    while partitions.iter().any(|it| !it.is_done()) || log.iter().any(|(all, read)| *read < all.len()) {
        match rng.random_range(0..if how.is_rough { 12 } else { 8 }) {
            0..4 => {
                let at = rng.random_range(0..partitions.len());
                let count = rng.random_range(1..40);
                for it in partitions[at].step(&book, count, how.owners, rng.random(), &mut alerts) {
                    log[it.owner].0.push(it.bytes);
                }
            }
            4..8 => {
                let at = rng.random_range(0..how.owners);
                let (all, read) = &mut log[at];
                if let Some(parcel) = all.get(*read) {
                    owners[at].accept(&book, parcel, &mut alerts).unwrap();
                    *read += 1;
                }
            }
            8 => {
                let at = rng.random_range(0..how.owners);
                let saved = owners[at].snapshot(&book);
                owners[at] = Owner::restore(&book, WindowLimits::default(), &saved).unwrap();
            }
            9 => {
                let it = &mut partitions[usize::try_from(rng.random_range(0..how.partitions)).unwrap()];
                it.sender = postcard::from_bytes(&postcard::to_allocvec(&it.sender).unwrap()).unwrap();
            }
            10 => {
                // At least once: what was read comes again.
                let at = rng.random_range(0..how.owners);
                let (all, read) = &log[at];
                if let Some(before) = read.checked_sub(1) {
                    let mut again = Vec::new();
                    owners[at].accept(&book, &all[before], &mut again).unwrap();
                    alerts.append(&mut again);
                }
            }
            _ => {
                let renewed = self::book(&format!("{RULES}---{TANGLED}"));
                for owner in &mut owners {
                    owner.adopt(&CarryOver::between(&book.set, &renewed.set), &renewed.set, WindowLimits::default());
                }
                for it in &mut partitions {
                    it.shard.adopt(&CarryOver::between(&book.set, &renewed.set), &renewed.set, WindowLimits::default());
                    it.reader.adopt(&renewed.programs[0]);
                    it.lane.adopt(&renewed);
                }
                book = renewed;
            }
        }
    }
    (bytes_of(alerts), owners.iter().map(Owner::stats).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn alerts_do_not_depend_on_how_partitions_interleave(seed in any::<u64>(), partitions in 1..6_i32, owners in 1..4_usize, is_rough in any::<bool>()) {
        let book = book(&format!("{RULES}---{TANGLED}"));
        let events = events(seed, 600, partitions);
        let (alerts, stats) = in_many(&book, &events, Disturbed { seed, partitions, owners, is_rough });
        let expected = in_one(&book, &events);
        prop_assert!(expected.len() > 20, "{} alerts say little", expected.len());
        let only = |these: &[String], those: &[String]| these.iter().filter(|it| !those.contains(it)).take(2).cloned().collect::<Vec<_>>();
        prop_assert_eq!((only(&alerts, &expected), only(&expected, &alerts)), (vec![], vec![]));
        prop_assert_eq!(alerts.len(), expected.len());
        for it in stats {
            prop_assert_eq!((it.merge.late, it.merge.hurried, it.merge.pending, it.foreign), (0, 0, 0, 0));
            prop_assert!(is_rough || it.merge.repeated == 0);
        }
    }
}

/// Takes `lines` of one partition through a sender, with nothing else.
fn parcels_of(book: &Rulebook, number: i32, lines: &[String], batch: usize) -> Vec<Vec<u8>> {
    let mut partition = Partition::new(book, number, lines.to_vec());
    let mut all = Vec::new();
    while !partition.is_done() {
        all.extend(partition.step(book, batch, 1, true, &mut Vec::new()).into_iter().map(|it| it.bytes));
    }
    all
}

#[test]
fn what_is_too_much_for_one_record_goes_in_several_and_is_the_same() {
    let book = book(RULES);
    let long = "x".repeat(40_000);
    let with_detail = |it: &Sent| format!("{},\"detail\":{{\"note\":\"{long}\"}}}}", &it.line[..it.line.len() - 1]);
    let lines: Vec<String> = events(1, 60, 1).iter().map(with_detail).collect();
    let parcels = parcels_of(&book, 0, &lines, 1_000);
    assert!(parcels.len() > 5, "{} parcels", parcels.len());
    assert!(parcels.iter().all(|it| it.len() < PARCEL_BYTES + 100_000));
    let mut owner = Owner::new(7, &book, WindowLimits::default(), [Origin::new(TOPIC, 0)]);
    let mut alerts = Vec::new();
    for it in &parcels {
        owner.accept(&book, it, &mut alerts).unwrap();
        owner.accept(&book, it, &mut alerts).unwrap();
    }
    let sent: Vec<Sent> = lines.into_iter().map(|line| Sent { partition: 0, line }).collect();
    assert_eq!(bytes_of(alerts), in_one(&book, &sent));
}

#[test]
fn whoever_has_nothing_to_read_holds_nobody_back_and_is_counted_when_it_comes_late() {
    let book = book(RULES);
    let lines: Vec<String> = events(2, 100, 1).into_iter().map(|it| it.line).collect();
    let (early, late) = (parcels_of(&book, 0, &lines, 10), parcels_of(&book, 1, &lines, 10));
    let mut owner = Owner::new(7, &book, WindowLimits::default(), [Origin::new(TOPIC, 0), Origin::new(TOPIC, 1)]);
    for it in &early {
        owner.accept(&book, it, &mut Vec::new()).unwrap();
    }
    assert!(owner.stats().merge.pending > 0, "nothing waits for a partition that has said nothing");
    owner.accept(&book, late.last().unwrap(), &mut Vec::new()).unwrap();
    assert_eq!(owner.stats().merge.pending, 0);
    assert_eq!(owner.stats().merge.late, 0);
    // In another life the same offsets are others.
    let mut again = Partition::new(&book, 1, lines);
    again.sender.begin_anew(2);
    let again = again.step(&book, 10, 1, true, &mut Vec::new());
    owner.accept(&book, &again[0].bytes, &mut Vec::new()).unwrap();
    assert_eq!(owner.stats().merge.repeated, 0);
}

#[test]
fn no_more_than_so_many_wait_and_those_who_could_not_are_counted() {
    let origins = [Origin::new(TOPIC, 0), Origin::new(TOPIC, 1)];
    let mut merger: Merger<i64> = Merger::new(origins.clone(), 10);
    let stand = Stand { begun: 1, end_offset: 25, frontier_ms: 1_000, is_idle: false };
    merger.accept(&origins[0], &stand, (0..25).map(|it| (it, it, it)));
    let due: Vec<i64> = merger.take_due().into_iter().map(|it| it.1).collect();
    assert_eq!(due, (0..15).collect::<Vec<_>>());
    assert_eq!((merger.stats().hurried, merger.stats().pending), (15, 10));
    merger.accept(&origins[1], &Stand { end_offset: 1, ..stand }, [(3, 0, 99)]);
    assert_eq!(merger.take_due().len(), 11);
    assert_eq!(merger.stats().late, 1);
}

#[test]
fn parcels_of_rules_that_are_not_here_are_counted_and_take_nothing_along() {
    let (sender, receiver) = (book(&format!("{RULES}---{TANGLED}")), book(RULES));
    let lines: Vec<String> = events(3, 200, 1).into_iter().map(|it| it.line).collect();
    let mut owner = Owner::new(7, &receiver, WindowLimits::default(), []);
    let mut alerts = Vec::new();
    for it in parcels_of(&sender, 0, &lines, 50) {
        owner.accept(&receiver, &it, &mut alerts).unwrap();
    }
    // Only keepers of targets are asked by the rules that are not here, and they don't fail over that.
    assert!(!alerts.is_empty());
    let mut elsewhere = Owner::new(8, &receiver, WindowLimits::default(), []);
    let parcels = parcels_of(&sender, 0, &lines, 50);
    for it in &parcels {
        elsewhere.accept(&receiver, it, &mut Vec::new()).unwrap();
    }
    assert_eq!((elsewhere.stats().strangers, elsewhere.stats().windows.groups), (parcels.len() as u64, 0));
    let other = book(
        "title: Other\nname: other\nid: 00000000-0000-4000-8000-0000000000ff\nstatus: stable\nlevel: low\nlogsource: {product: nightjar}\ndetection:\n  it: {action: x}\n  condition: it\n",
    );
    let mut stranger = Owner::new(7, &other, WindowLimits::default(), []);
    for it in parcels_of(&receiver, 0, &lines, 50) {
        stranger.accept(&other, &it, &mut alerts).unwrap();
    }
    assert!(stranger.stats().foreign > 100, "{:?}", stranger.stats());
}

proptest! {
    #[test]
    fn damaged_parcels_and_states_are_errors_and_never_an_end(seed in any::<u64>(), cut in any::<prop::sample::Index>(), flip in any::<(prop::sample::Index, u8)>()) {
        let book = book(RULES);
        let lines: Vec<String> = events(seed, 30, 1).into_iter().map(|it| it.line).collect();
        let parcels = parcels_of(&book, 0, &lines, 40);
        let mut owner = Owner::new(7, &book, WindowLimits::default(), [Origin::new(TOPIC, 0), Origin::new(TOPIC, 1)]);
        let damaged = |bytes: &[u8]| {
            let mut bytes = bytes[..=cut.index(bytes.len())].to_vec();
            let at = flip.0.index(bytes.len());
            bytes[at] ^= flip.1;
            bytes
        };
        for it in &parcels {
            let _ = owner.accept(&book, &damaged(it), &mut Vec::new());
            prop_assert!(owner.accept(&book, &it[..it.len() - 1], &mut Vec::new()).is_err());
        }
        let saved = owner.snapshot(&book);
        let _ = Owner::restore(&book, WindowLimits::default(), &damaged(&saved));
        prop_assert!(Owner::restore(&book, WindowLimits::default(), &saved[..saved.len() - 1]).is_err());
    }
}
