//! The receiving side: the windows and targets of the groups that belong to one owner, and what still waits for slower partitions.

use super::merge::{Key, MergeStats, Merger, Origin, PENDING_MAX, Stand};
use super::names::{Known, Names, Naming};
use super::parcel::{Given, ParcelError, What, open};
use crate::book::Rulebook;
use crate::bytes::Bytes;
use crate::carry::CarryOver;
use crate::exchange::{Exchange, Routed};
use crate::shard::{Emitted, Outbox, Place};
use crate::snapshot::SnapshotError;
use crate::targets::TargetStats;
use crate::watermark::{Tick, Watermark};
use crate::windows::{WindowLimits, WindowStats};
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::compile::RuleSet;
use sigma::matcher::Clock;
use std::collections::BTreeMap;

/// Written first, so that other files, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJO1";

/// A snapshot of an owner that can't be restored.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The bytes do not begin as a snapshot of an owner does.
    #[error("no state of an owner: it begins with {0:02x?}")]
    Foreign(Vec<u8>),
    /// Cut off or damaged.
    #[error("the state of an owner is damaged: {0}")]
    Damaged(String),
    /// Its windows.
    #[error(transparent)]
    Windows(#[from] SnapshotError),
    /// What waits for slower partitions.
    #[error(transparent)]
    Pending(#[from] ParcelError),
}

/// How it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnerStats {
    /// Parcels of another group that uses the same topic: nothing is taken of them.
    pub strangers: u64,
    /// What was brought into order, and what waits.
    pub merge: MergeStats,
    /// Items of rules that this process does not have.
    pub foreign: u64,
    /// How full the windows are.
    pub windows: WindowStats,
    /// How it stands with the targets.
    pub targets: TargetStats,
}

/// See the module.
#[derive(Debug)]
pub struct Owner {
    exchange: Exchange,
    merger: Merger<Given>,
    /// The watermark of each partition, and the highest so far.
    marks: BTreeMap<Origin, (EventTime, EventTime)>,
    /// The highest watermark so far: what waited for it is decided.
    reached: EventTime,
    /// The time of events with targets, in their order: when classes of targets are looked at anew must not depend on batches.
    hours: Watermark,
    /// The number of the latest event.
    position: u64,
    /// Which event that is.
    latest: Option<Event>,
    /// The events of the present parcel by their numbers, and the latest before.
    places: Vec<(u64, Event)>,
    foreign: u64,
    group: u64,
    strangers: u64,
}

/// An event by the time as of which it was taken, its partition, and its offset there.
type Event = (i64, Origin, i64);

/// What follows the magic: the windows, stands, what waits, the last key, statistics, marks, then the numbers.
type Saved<'b> = (
    Bytes<'b>,
    Vec<((String, i32), Stand)>,
    SavedPending,
    Option<SavedKey>,
    MergeStats,
    Vec<((String, i32), (i64, i64))>,
    Counters,
);
pub(super) type SavedKey = (i64, (String, i32), i64, u32);

#[derive(Serialize, Deserialize)]
struct SavedPending {
    names: Names,
    items: Vec<(SavedKey, What)>,
}

#[derive(Serialize, Deserialize)]
struct Counters {
    reached_ms: i64,
    hours: Watermark,
    position: u64,
    latest: Option<(i64, (String, i32), i64)>,
    foreign: u64,
    group: u64,
    strangers: u64,
}

impl Owner {
    /// One that knows nothing, and waits for all of `origins`. It takes the parcels of `group` ([`super::group_of`]).
    pub fn new(group: u64, book: &Rulebook, limits: WindowLimits, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self {
            exchange: Exchange::new(book, limits),
            merger: Merger::new(origins, PENDING_MAX),
            marks: BTreeMap::new(),
            reached: EventTime::MIN,
            hours: Watermark::default(),
            position: 0,
            latest: None,
            places: Vec::new(),
            foreign: 0,
            group,
            strangers: 0,
        }
    }

    /// Tells time for the events of a source that name no zone by `clock`.
    pub fn set_clock(&mut self, source: u16, clock: Clock) {
        self.exchange.set_clock(source, clock);
    }

    /// The highest watermark of what was taken.
    pub fn reached(&self) -> EventTime {
        self.reached
    }

    /// Partitions that `is_there` does not know are waited for no more. Says whether there were any: then a state from before is of no use any
    /// more for what follows. Those that are added make themselves known by their parcels, and are not to be told here: who replays has to do
    /// what was done before.
    pub fn retain(&mut self, is_there: impl Fn(&Origin) -> bool) -> bool {
        self.marks.retain(|it, _| is_there(it));
        self.merger.retain(is_there)
    }

    /// Takes a parcel, and has the windows and targets see what is due with it. `alerts` gets what that completes, in order.
    ///
    /// # Errors
    ///
    /// When it is none: nothing was taken of it.
    pub fn accept(&mut self, book: &Rulebook, parcel: &[u8], alerts: &mut Vec<Emitted>) -> Result<(), ParcelError> {
        let opened = open(parcel, book)?;
        if opened.group != self.group {
            self.strangers += 1;
            return Ok(());
        }
        self.foreign += opened.foreign;
        self.places.clear();
        self.places.extend(self.latest.clone().map(|it| (self.position, it)));
        self.merger.accept(&opened.origin, &opened.stand, opened.items);
        let due = self.merger.take_due();
        self.work(book, due, alerts);
        Ok(())
    }

    /// A parcel, or what else is meant for one who keeps groups, is of another group.
    pub(super) fn note_stranger(&mut self) {
        self.strangers += 1;
    }

    /// Something came that had come before.
    pub(super) fn note_repeated(&mut self) {
        self.merger.note_repeated();
    }

    /// Something is of a rule or a source that is not known here.
    pub(super) fn note_foreign(&mut self) {
        self.foreign += 1;
    }

    /// Which group's parcels it takes.
    pub(super) fn group(&self) -> u64 {
        self.group
    }

    /// The event that an alert of the latest parcel is about, or the one before it: where the alert belongs among all others.
    pub(super) fn whence(&self, position: u64) -> Option<&(i64, Origin, i64)> {
        let at = self.places.partition_point(|it| it.0 <= position);
        self.places[..at].last().map(|it| &it.1)
    }

    /// Up to which time it has taken everything, in milliseconds, and whether there is nothing to wait for.
    pub(super) fn frontier(&self) -> (i64, bool) {
        self.merger.bound().map_or_else(|| (self.merger.latest_ms(), true), |it| (it.time_ms, false))
    }

    fn work(&mut self, book: &Rulebook, due: Vec<(Key, Given)>, alerts: &mut Vec<Emitted>) {
        let first = alerts.len();
        let (mut out, mut ticks) = (Outbox::default(), Vec::new());
        let mut hits: Vec<Routed> = Vec::new();
        for (key, given) in due {
            match given {
                Given::Mark(watermark, reached) => {
                    self.marks.insert(key.origin, (watermark, reached));
                    ticks.extend(self.tick());
                }
                Given::Touched(mut it) => {
                    self.hours.observe(it.time);
                    it.at = Place { is_late: it.at.is_late, reached: self.hours.reached(), ..self.place(&key) };
                    self.exchange.see_alone(book, &mut vec![*it], &mut out);
                    hits.extend(out.routed.drain(..).map(|it| Routed { reached: self.reached, ..it }));
                }
                Given::Hit(mut it) => {
                    let Place { position, watermark, reached, .. } = self.place(&key);
                    (it.position, it.watermark, it.reached) = (position, watermark, reached);
                    hits.push(*it);
                }
            }
        }
        // Somebody may have become idle: then the others alone tell the time.
        ticks.extend(self.tick());
        alerts.append(&mut out.alerts);
        self.exchange.work(book, &mut hits, &ticks, alerts);
        alerts[first..].sort_by(Emitted::in_order);
    }

    /// Time has gone on with what was taken up to now.
    fn tick(&mut self) -> Option<Tick> {
        let reached = self.lowest(|it| it.1);
        if reached <= self.reached {
            return None;
        }
        self.reached = reached;
        Some(Tick { position: self.position, reached })
    }

    /// Where the event of `key` stands among all that this owner has seen.
    fn place(&mut self, key: &Key) -> Place {
        let event = (key.time_ms, &key.origin, key.offset);
        if self.latest.as_ref().is_none_or(|(time_ms, origin, offset)| (*time_ms, origin, *offset) != event) {
            self.position += 1;
            let latest = (key.time_ms, key.origin.clone(), key.offset);
            self.places.push((self.position, latest.clone()));
            self.latest = Some(latest);
        }
        Place { position: self.position, watermark: self.lowest(|it| it.0), reached: self.reached, is_late: false }
    }

    /// The lowest watermark of the partitions that somebody waits for; the highest if nobody waits for any.
    fn lowest(&self, which: impl Fn(&(EventTime, EventTime)) -> EventTime) -> EventTime {
        let at_work = self.merger.origins().filter(|(_, stand)| !stand.is_idle);
        let lowest = at_work.map(|(it, _)| self.marks.get(it).map_or(EventTime::MIN, &which)).min();
        lowest.or_else(|| self.marks.values().map(&which).max()).unwrap_or(EventTime::MIN)
    }

    /// Goes on with the rules of `new`, between two parcels.
    pub fn adopt(&mut self, over: &CarryOver, new: &RuleSet, limits: WindowLimits) {
        self.exchange.adopt(over, new, limits);
        self.merger.translate(|it| {
            Some(match it {
                Given::Hit(it) => Given::Hit(Box::new(over.translate(*it)?)),
                Given::Touched(it) => Given::Touched(Box::new(over.translate_touched(*it))),
                Given::Mark(..) => it,
            })
        });
    }

    /// How it stands.
    pub fn stats(&self) -> OwnerStats {
        OwnerStats {
            merge: self.merger.stats(),
            strangers: self.strangers,
            foreign: self.foreign,
            windows: self.exchange.window_stats(),
            targets: self.exchange.target_stats(),
        }
    }

    /// Everything that its next verdicts depend on.
    pub fn snapshot(&self, book: &Rulebook) -> Vec<u8> {
        let (stands, pending, last, stats) = self.merger.parts();
        let mut naming = Naming::new(book);
        let items = pending.iter().map(|(key, it)| (key.to_saved(), naming.what(it.clone()))).collect();
        let pending = SavedPending { items, names: naming.names };
        let stands = stands.iter().map(|(it, stand)| (it.to_saved(), stand.clone())).collect();
        let marks = self.marks.iter().map(|(it, (low, high))| (it.to_saved(), (low.ms(), high.ms()))).collect();
        let counters = Counters {
            reached_ms: self.reached.ms(),
            hours: self.hours.clone(),
            position: self.position,
            latest: self.latest.as_ref().map(|(time_ms, origin, offset)| (*time_ms, origin.to_saved(), *offset)),
            foreign: self.foreign,
            group: self.group,
            strangers: self.strangers,
        };
        let exchange = self.exchange.snapshot(&book.set);
        let saved: Saved<'_> = (Bytes(&exchange), stands, pending, last.map(Key::to_saved), stats, marks, counters);
        postcard::to_extend(&saved, MAGIC.to_vec()).expect("writing to memory fails for no value of these types")
    }

    /// The owner that [`Self::snapshot`] was taken of, under the rules of `book`. Clocks have to be set again.
    ///
    /// # Errors
    ///
    /// Says why it can't be used.
    pub fn restore(book: &Rulebook, limits: WindowLimits, bytes: &[u8]) -> Result<Self, OwnerError> {
        let Some(body) = bytes.strip_prefix(&MAGIC) else {
            return Err(OwnerError::Foreign(bytes.iter().copied().take(MAGIC.len()).collect()));
        };
        let saved: Saved<'_> = postcard::from_bytes(body).map_err(|it| OwnerError::Damaged(it.to_string()))?;
        let (exchange, stands, pending, last, stats, marks, counters) = saved;
        let known = Known::of(pending.names, book);
        let mut items = Vec::with_capacity(pending.items.len());
        let mut foreign = counters.foreign;
        for (key, what) in pending.items {
            let key = Key::of_saved(key);
            match known.given(what, key.offset)? {
                Some(it) => items.push((key, it)),
                None => foreign += 1,
            }
        }
        let stands = stands.into_iter().map(|(it, stand)| (Origin::of_saved(it), stand));
        let marks = marks.into_iter();
        Ok(Self {
            exchange: Exchange::restore(&book.set, limits, exchange.0)?,
            merger: Merger::of_parts(stands, items, last.map(Key::of_saved), stats),
            marks: marks
                .map(|(it, (low, high))| (Origin::of_saved(it), (EventTime::from_ms(low), EventTime::from_ms(high))))
                .collect(),
            reached: EventTime::from_ms(counters.reached_ms),
            hours: counters.hours,
            position: counters.position,
            latest: counters.latest.map(|(time_ms, origin, offset)| (time_ms, Origin::of_saved(origin), offset)),
            places: Vec::new(),
            foreign,
            group: counters.group,
            strangers: counters.strangers,
        })
    }
}

impl Origin {
    pub(super) fn to_saved(&self) -> (String, i32) {
        ((*self.topic).to_owned(), self.partition)
    }

    pub(super) fn of_saved((topic, partition): (String, i32)) -> Self {
        Self::new(&topic, partition)
    }
}

impl Key {
    pub(super) fn to_saved(&self) -> SavedKey {
        (self.time_ms, self.origin.to_saved(), self.offset, self.nth)
    }

    pub(super) fn of_saved((time_ms, origin, offset, nth): SavedKey) -> Self {
        Self { time_ms, origin: Origin::of_saved(origin), offset, nth }
    }
}
