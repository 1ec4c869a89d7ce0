//! A partition in the hands of an instance: with events, or of the exchange.

use super::log::{Log, Partition, Record, Step, checksum};
use super::{OWNERS, PARTITIONS};
use engine::behaviour::{Hours, Society, refresh};
use engine::decode::{Limits, Lines, pad};
use engine::repartition::{Origin, Owner, Parcel, Progress, Sender};
use engine::shard::{Place, line_of};
use engine::{
    Behaviour, BehaviourSettings, Emitted, Lane, Outbox, Plausible, Reader, Rulebook, Shard, Tick, Verdict, Watermark, WindowLimits,
};
use model::EventTime;
use sigma::matcher::Clock;
use std::sync::Arc;

pub(super) fn plausible() -> Plausible {
    Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").unwrap())
}

/// A partition with events, as an instance has it.
pub(super) struct Scoring {
    pub(super) number: usize,
    pub(super) reader: Reader,
    pub(super) lane: Lane,
    pub(super) shard: Shard,
    pub(super) watermark: Watermark,
    pub(super) hours: Hours,
    pub(super) sender: Sender,
    pub(super) is_idle: bool,
}

/// A state of it: shard, watermark, hours, sender, what its people have in common.
pub(super) type Saved = (Vec<u8>, Watermark, Hours, Sender, Vec<u8>);

impl Scoring {
    pub(super) fn new(book: &Rulebook, number: usize) -> Self {
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

    pub(super) fn save(&self, book: &Rulebook) -> Vec<u8> {
        let society = self.shard.behaviour().unwrap().society().to_bytes();
        let saved: Saved = (self.shard.snapshot(&book.set), self.watermark.clone(), self.hours, self.sender.clone(), society);
        postcard::to_allocvec(&saved).unwrap()
    }

    pub(super) fn restore(book: &Rulebook, number: usize, bytes: &[u8]) -> Self {
        let (shard, watermark, hours, sender, society): Saved = postcard::from_bytes(bytes).unwrap();
        let settings = BehaviourSettings::default();
        let society = Arc::new(Society::from_bytes(&society).unwrap());
        let shard = Shard::restore(&book.set, WindowLimits::default(), Some((&settings, society)), &shard).unwrap();
        Self { shard, watermark, hours, sender, ..Self::new(book, number) }
    }

    /// Handles the lines from `start` on.
    pub(super) fn handle(&mut self, book: &Rulebook, lines: &[String], start: usize) -> Vec<Record> {
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

    pub(super) fn idle(&mut self, book: &Rulebook, end: usize) -> Vec<Record> {
        self.is_idle = true;
        self.send(book, end, &mut Outbox::default()).collect()
    }

    pub(super) fn send(&mut self, book: &Rulebook, end: usize, out: &mut Outbox) -> impl Iterator<Item = Record> + use<> {
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

pub(super) fn written(alerts: Vec<Emitted>) -> impl Iterator<Item = Record> {
    alerts.into_iter().map(|it| {
        let mut bytes = Vec::new();
        it.alert.write_ocsf(&mut bytes);
        Record::Out(String::from_utf8(bytes).unwrap())
    })
}

pub(super) fn new_owner(book: &Rulebook) -> Owner {
    let origins = (0..PARTITIONS).map(|it| Origin::new("events", i32::try_from(it).unwrap()));
    Owner::new(1, book, WindowLimits::default(), origins)
}

pub(super) enum State {
    Scoring(Box<Scoring>),
    Owner(Box<Owner>),
}

/// A partition in the hands of an instance.
pub(super) struct Task {
    pub(super) partition: Partition,
    pub(super) state: State,
    pub(super) next: usize,
    /// What was committed when it was taken up: nothing before is written again.
    pub(super) live_from: usize,
}

impl Task {
    /// With the newest state that can be used.
    pub(super) fn resume(book: &Rulebook, log: &Log, partition: Partition) -> Self {
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

    pub(super) fn save(&self, book: &Rulebook) -> Vec<u8> {
        match &self.state {
            State::Scoring(it) => it.save(book),
            State::Owner(it) => it.snapshot(book),
        }
    }

    /// Handles up to `count` more. `None` if there is nothing to write of it.
    pub(super) fn handle(&mut self, book: &Rulebook, log: &Log, count: usize) -> Option<Step> {
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
    pub(super) fn idle(&mut self, book: &Rulebook, log: &Log) -> Option<Step> {
        let State::Scoring(scoring) = &mut self.state else { return None };
        let is_at_end = self.next == log.len(self.partition) && self.next >= self.live_from;
        (is_at_end && !scoring.is_idle).then(|| Step {
            partition: self.partition,
            end: None,
            records: scoring.idle(book, self.next),
        })
    }
}
