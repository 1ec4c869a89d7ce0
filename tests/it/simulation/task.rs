//! A partition in the hands of an instance: with events, or of the exchange.

use super::OWNERS;
use super::log::{Log, Partition, Record, Step};
use super::rules::{Books, MONDAY_MS};
use super::scoring::Scoring;
use super::store::{Kept, Societies, Store};
use engine::repartition::{Decided, Desk, Origin, Owner, Station};
use engine::triage::{Outgoing, Settings};
use engine::{Emitted, Rulebook, WindowLimits};
use model::Alert;
use std::sync::Arc;

pub(super) enum State {
    Scoring(Box<Scoring>),
    Owner(Box<Station>),
}

/// See the module.
pub(super) struct Task {
    partition: Partition,
    pub(super) tenancy: usize,
    pub(super) state: State,
    /// Which set of rules it has.
    rules: usize,
    next: usize,
    /// What was committed when it was taken up: nothing before is written again.
    live_from: usize,
    /// There is a state of it to begin with.
    has_begun: bool,
}

/// The alerts as they leave, without the set of rules that was in force.
pub(super) fn written(alerts: Vec<Emitted>, about: impl Fn(&Alert) -> Option<String>) -> impl Iterator<Item = Record> {
    alerts.into_iter().map(move |mut it| {
        it.alert.rule_set = "".into();
        let mut bytes = Vec::new();
        it.alert.write_ocsf(&mut bytes);
        let about = about(&it.alert).map(|key| format!("{} {key}", it.alert.rule.name));
        Record::Out(about, String::from_utf8(bytes).unwrap())
    })
}

/// The group of an alert of an owner, or its target.
fn group_of(alert: &Alert) -> Option<String> {
    let group = alert.window.as_ref().map(|it| format!("{:?}", it.group));
    group.or_else(|| alert.target.as_ref().map(|it| it.id.clone()))
}

const EXCHANGE: &str = "exchange";

/// With a budget that is soon used up, and nothing that would have to be learnt before.
fn settings() -> Settings {
    Settings::new(4.0, Some(model::EventTime::from_ms(MONDAY_MS - 86_400_000)))
}

fn new_station(book: &Rulebook, known: usize, number: usize, now_ms: i64) -> Station {
    let number = i32::try_from(number).unwrap();
    let origins = || (0..known).map(|it| Origin::new("events", i32::try_from(it).unwrap()));
    let owner = Owner::new(1, book, WindowLimits::default(), origins());
    let mut station = Station::new(Origin::new(EXCHANGE, number), now_ms, owner);
    station.set_triaged();
    if number == 0 {
        let owners = (0..OWNERS).map(|it| Origin::new(EXCHANGE, i32::try_from(it).unwrap()));
        station.set_desk(Desk::new(settings(), EXCHANGE, origins().chain(owners)));
    }
    station
}

/// What the desk has decided, as it leaves.
fn triaged(all: Vec<Outgoing>) -> impl Iterator<Item = Record> {
    all.into_iter().map(|it| {
        let mut bytes = Vec::new();
        match it {
            Outgoing::Alert(mut it) => {
                it.rule_set = "".into();
                it.write_ocsf(&mut bytes);
            }
            Outgoing::Incident(it) => it.write_ocsf(&mut bytes),
            Outgoing::Digest(it) => it.write_json(&mut bytes),
        }
        Record::Out(None, String::from_utf8(bytes).unwrap())
    })
}

impl State {
    fn new(book: &Rulebook, known: usize, partition: Partition, now_ms: i64) -> Self {
        match partition {
            Partition::Events(at) => Self::Scoring(Box::new(Scoring::new(book, at, now_ms))),
            Partition::Owner(at) => Self::Owner(Box::new(new_station(book, known, at, now_ms))),
        }
    }

    fn restore(book: &Rulebook, partition: Partition, kept: &Kept, societies: &mut Societies) -> Result<Self, String> {
        Ok(match partition {
            Partition::Events(at) => Self::Scoring(Box::new(Scoring::restore(book, at, &kept.parts, societies)?)),
            Partition::Owner(at) => {
                let [station] = &kept.parts[..] else { return Err("a part is missing".to_owned()) };
                let begun = new_station(book, 0, at, 0);
                let station = begun.restore(book, WindowLimits::default(), Some(settings()), station);
                Self::Owner(Box::new(station.map_err(|it| it.to_string())?))
            }
        })
    }
}

impl Task {
    /// With the newest state that can be used.
    pub(super) fn resume(
        books: &Books,
        rules: usize,
        (log, store): (&Log, &mut Store),
        (partition, tenancy): (Partition, usize),
        (now_ms, known): (i64, usize),
        societies: &mut Societies,
    ) -> Self {
        let (book, live_from) = (books.of(rules), log.committed(partition));
        store.cut(partition, live_from);
        let mut whole = store.newest(partition).filter(|it| it.is_whole());
        let usable = whole.find_map(|it| Some((it.offset, State::restore(book, partition, it, societies).ok()?)));
        assert!(usable.is_some() || live_from == 0, "the state of {partition:?} is lost");
        let has_begun = usable.is_some();
        let (next, state) = usable.unwrap_or_else(|| (0, State::new(book, known, partition, now_ms)));
        Self { partition, tenancy, state, rules, next, live_from, has_begun }
    }

    /// A copy of the state, if there is one that others may use.
    pub(super) fn copy(&self, books: &Books, societies: &mut Societies) -> Option<Kept> {
        let book = books.of(self.rules);
        (self.next >= self.live_from).then(|| {
            let parts = match &self.state {
                State::Scoring(it) => it.save(book, societies),
                State::Owner(it) => vec![Arc::from(it.snapshot(book))],
            };
            Kept::new(self.next, parts)
        })
    }

    /// Goes on with other rules.
    fn keep_up(&mut self, books: &Books, rules: usize) {
        if self.rules != rules {
            match &mut self.state {
                State::Scoring(it) => it.adopt(books, self.rules, rules),
                State::Owner(it) => it.adopt(books.over_from(self.rules), &books.of(rules).set, WindowLimits::default()),
            }
            self.rules = rules;
        }
    }

    /// Handles up to `count` more under `rules`. `None` if there is nothing to write of it.
    pub(super) fn handle(
        &mut self,
        books: &Books,
        rules: usize,
        (log, store): (&Log, &mut Store),
        (count, now_ms): (usize, i64),
        societies: &mut Societies,
    ) -> Option<Step> {
        let mut end = log.len(self.partition).min(self.next + count);
        if self.next < self.live_from {
            end = end.min(self.live_from);
        }
        // Without a state to begin with, nobody could take it up.
        if end == self.next || (!self.has_begun && store.is_away) {
            return None;
        }
        self.keep_up(books, rules);
        if !self.has_begun {
            store.cut(self.partition, self.next);
            store.write(self.partition, self.copy(books, societies)?, None);
            self.has_begun = true;
        }
        let (book, is_live) = (books.of(rules), end > self.live_from);
        let records = match (&mut self.state, self.partition) {
            (State::Scoring(it), Partition::Events(at)) => {
                it.handle(book, &log.events[at][self.next..end], self.next, now_ms, is_live)
            }
            (State::Owner(it), Partition::Owner(at)) => {
                let mut found = Decided::default();
                for (offset, record) in log.parcels[at][self.next..end].iter().enumerate() {
                    it.accept(book, record, i64::try_from(self.next + offset).unwrap(), &mut found).unwrap();
                }
                assert_eq!(found.too_long, 0);
                let told = found.told.into_iter().map(|it| Record::Parcel(0, it));
                written(found.alerts, group_of).chain(triaged(found.outgoing)).chain(told).collect()
            }
            _ => unreachable!("a state is of its partition"),
        };
        self.next = end;
        is_live.then_some(Step { partition: self.partition, tenancy: self.tenancy, end: Some(end), records })
    }

    /// Says that there is nothing more to read, if that is so.
    pub(super) fn idle(&mut self, books: &Books, log: &Log) -> Option<Step> {
        let State::Scoring(scoring) = &mut self.state else { return None };
        let is_at_end = self.next == log.len(self.partition) && self.next >= self.live_from && self.has_begun;
        (log.ends_idle && is_at_end && !scoring.is_idle).then(|| Step {
            partition: self.partition,
            tenancy: self.tenancy,
            end: None,
            records: scoring.idle(books.of(self.rules), self.next),
        })
    }
}
