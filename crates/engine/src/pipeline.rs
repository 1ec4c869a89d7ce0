//! The whole engine for one source in one thread: what files, Kafka partitions, rule pages, benches and tests run alike.

use crate::ahead::{Ahead, Spare};
use crate::behaviour::{Behaviour, BehaviourSettings, BehaviourStats, Hours, Scored, Society, refresh};
use crate::book::Rulebook;
use crate::bytes::Bytes;
use crate::carry::{Carried, CarryOver};
use crate::decode::{Limits, Lines};
use crate::exchange::Exchange;
use crate::reader::{Head, Plausible, Reader, Record, recycled};
use crate::shard::{Emitted, Findings, Lane, Outbox, Place, Shard, Sheet, Verdict};
use crate::watermark::{Tick, Watermark};
use crate::windows::WindowLimits;
use model::Value;
use sigma::matcher::Clock;
use std::sync::Arc;

/// What a pipeline is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits of decoding.
    pub decode: Limits,
    /// Limits of windows.
    pub windows: WindowLimits,
    /// Which event times are believed.
    pub plausible: Plausible,
    /// How far out of order events may come, in milliseconds.
    pub lateness_ms: i64,
    /// Local time for events that name no zone.
    pub clock: Clock,
    /// How behaviour is watched, where it is ([`Rulebook::watches`]).
    pub behaviour: BehaviourSettings,
}

impl Settings {
    /// Default limits, UTC, and times up to `plausible.latest`.
    pub fn new(plausible: Plausible) -> Self {
        Self {
            decode: Limits::default(),
            windows: WindowLimits::default(),
            plausible,
            lateness_ms: crate::watermark::LATENESS_MS,
            clock: Clock::default(),
            behaviour: BehaviourSettings::default(),
        }
    }
}

/// How many lines became what. `events = scored + bad + duplicates`; `late` ones are among the scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines that are not blank.
    pub events: u64,
    /// Events that were scored.
    pub scored: u64,
    /// Lines that are no events.
    pub bad: u64,
    /// Events that had been scored already.
    pub duplicates: u64,
    /// Scored events that came too late for windows.
    pub late: u64,
}

/// Reader, shard, exchange and watermark of one input.
#[derive(Debug)]
pub struct Pipeline {
    book: Rulebook,
    reader: Reader,
    lane: Lane,
    shard: Shard,
    exchange: Exchange,
    watermark: Watermark,
    hours: Hours,
    outbox: Outbox,
    values: Vec<Value<'static>>,
    spare: Spare,
    position: u64,
    tally: Tally,
    routed: u64,
    source: u16,
    limits: WindowLimits,
    behaviour: BehaviourSettings,
}

/// Where an event stands, and whether time went on with it.
#[derive(Debug, Clone, Copy)]
struct Stand {
    at: Place,
    is_tick: bool,
}

impl Pipeline {
    /// An empty pipeline for the rulebook's program number `source`.
    pub fn new(book: Rulebook, source: u16, settings: &Settings) -> Self {
        let program = &book.programs[usize::from(source)];
        let mut pipeline = Self {
            reader: Reader::new(Arc::clone(program), settings.decode, settings.plausible),
            lane: Lane::new(&book, source, settings.clock.clone()),
            shard: Shard::new(program, settings.windows),
            exchange: Exchange::new(&book, settings.windows),
            watermark: Watermark::new(settings.lateness_ms),
            hours: Hours::default(),
            outbox: Outbox::default(),
            values: Vec::new(),
            spare: Spare::default(),
            position: 0,
            tally: Tally::default(),
            routed: 0,
            source,
            limits: settings.windows,
            behaviour: settings.behaviour.clone(),
            book,
        };
        pipeline.exchange.set_clock(source, settings.clock.clone());
        pipeline.watch();
        pipeline
    }

    /// Begins to keep profiles, if they are to be kept and are not yet.
    fn watch(&mut self) {
        if self.book.watches(self.source) && self.shard.behaviour().is_none() {
            self.shard.watch(Behaviour::new(&self.behaviour, 1));
        }
    }

    /// Puts another set of rules in force: what was scored stays scored, and windows of correlations that are the same go on.
    pub fn adopt(&mut self, book: Rulebook) -> Carried {
        let over = CarryOver::between(&self.book.set, &book.set);
        self.shard.adopt(&over, &book.set, self.limits);
        self.exchange.adopt(&over, &book.set, self.limits);
        self.reader.adopt(&book.programs[usize::from(self.source)]);
        self.lane.adopt(&book);
        self.book = book;
        self.watch();
        over.carried
    }

    /// Scores every line of a block. Alerts are appended in order; `reject` gets each line that is no event.
    pub fn score<'b>(&mut self, lines: &mut Lines<'b>, alerts: &mut Vec<Emitted>, mut reject: impl FnMut(&Record<'b>)) {
        let mut values = recycled(std::mem::take(&mut self.values));
        let mut ahead = Ahead::new(std::mem::take(&mut self.spare));
        loop {
            let record = self.reader.next(lines, &mut values);
            if record.is_none() || ahead.is_full() {
                self.settle_all(&mut ahead, alerts);
            }
            let Some(record) = record else { break };
            self.tally.events += 1;
            if let Ok(head) = record.outcome {
                let stand = self.stand(&head);
                if stand.is_tick && self.hours.pass(stand.at.reached) && self.shard.behaviour().is_some() {
                    self.settle_all(&mut ahead, alerts);
                    refresh(self.shard.behaviour_mut(), stand.at.reached);
                }
                ahead.examine(&self.shard, &mut self.lane, head, &values, stand);
            } else {
                self.tally.bad += 1;
                reject(&record);
            }
            values.clear();
            self.position += 1;
        }
        (self.values, self.spare) = (recycled(values), ahead.into_spare());
    }

    /// Moves the watermark by an event.
    fn stand(&mut self, head: &Head<'_>) -> Stand {
        let before = self.watermark.reached();
        // Windows keep what an event could need that is not late yet.
        let watermark = self.watermark.time();
        let is_late = self.watermark.observe(head.time);
        let reached = self.watermark.reached();
        let at = Place { position: self.position, watermark, reached, is_late };
        Stand { at, is_tick: reached > before }
    }

    fn settle_all(&mut self, ahead: &mut Ahead<'_, Stand>, alerts: &mut Vec<Emitted>) {
        ahead.settle(self, |it| (&mut it.shard, &mut it.lane), |it, head, found, stand| it.settle(head, found, *stand, alerts));
    }

    /// Settles an event, lets timers fire if the watermark is higher for it, and hands the alerts on.
    fn settle(&mut self, head: &Head<'_>, found: (&Sheet, &Findings), stand: Stand, alerts: &mut Vec<Emitted>) {
        let Stand { at, is_tick } = stand;
        self.outbox.canaries.clear();
        match self.shard.settle(&self.lane, head, found, at, &mut self.outbox) {
            Verdict::Scored => self.tally.scored += 1,
            Verdict::Late => {
                self.tally.scored += 1;
                self.tally.late += 1;
            }
            Verdict::Duplicate => self.tally.duplicates += 1,
        }
        if !is_tick && self.outbox.is_empty() {
            return;
        }
        let tick = is_tick.then_some(Tick { position: at.position, reached: at.reached });
        self.shard.catch_up(&self.lane, tick.as_slice(), u64::MAX, &mut self.outbox);
        self.deliver(tick.as_slice(), alerts);
    }

    /// Moves what one event left: its hits to the exchange, its alerts out, in the order of the rules.
    fn deliver(&mut self, ticks: &[Tick], alerts: &mut Vec<Emitted>) {
        let mut touched = std::mem::take(&mut self.outbox.touched);
        self.routed += touched.iter().filter(|it| it.is_asked()).count() as u64;
        self.exchange.see_alone(&self.book, &mut touched, &mut self.outbox);
        self.outbox.touched = touched;
        let Outbox { alerts: fresh, routed, reports, .. } = &mut self.outbox;
        reports.clear();
        self.routed += routed.len() as u64;
        self.exchange.work(&self.book, routed, ticks, fresh);
        fresh.sort_by(Emitted::in_order);
        alerts.append(fresh);
    }

    /// Lets `ms` milliseconds go by since the latest event: what waits for the watermark up to then is decided. For pages and tests;
    /// elsewhere only events move time.
    pub fn wait(&mut self, ms: i64, alerts: &mut Vec<Emitted>) {
        let reached = self.watermark.skip(ms);
        let tick = Tick { position: self.position, reached };
        self.shard.catch_up(&self.lane, &[tick], u64::MAX, &mut self.outbox);
        self.deliver(&[tick], alerts);
    }

    /// The scores of the events since the last call, in their order; none unless they are wanted.
    pub fn take_scores(&mut self) -> Vec<Scored> {
        std::mem::take(&mut self.outbox.scores)
    }

    /// The profiles of the actors.
    pub fn shard_behaviour(&self) -> Option<&Behaviour> {
        self.shard.behaviour()
    }

    /// How it stands with the profiles.
    pub fn behaviour_stats(&self) -> BehaviourStats {
        self.shard.behaviour().map(Behaviour::stats).unwrap_or_default()
    }

    /// How full the memory of targets is, and what it has lost.
    pub fn target_stats(&self) -> crate::targets::TargetStats {
        self.exchange.target_stats()
    }

    /// How many lines became what so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many hits went through the exchange so far.
    pub fn routed(&self) -> u64 {
        self.routed
    }

    /// How full the windows are.
    pub fn window_stats(&self) -> crate::windows::WindowStats {
        self.shard.window_stats() + self.exchange.window_stats()
    }

    /// The rules.
    pub fn book(&self) -> &Rulebook {
        &self.book
    }

    /// The state that the next verdicts depend on, so that a copy made with [`Self::restore`] goes on the same.
    pub fn snapshot(&self) -> Vec<u8> {
        let set = &self.book.set;
        let society = self.shard.behaviour().map(|it| it.society().to_bytes());
        let time = (&self.watermark, self.hours, self.position);
        let (shard, exchange) = (self.shard.snapshot(set), self.exchange.snapshot(set));
        let parts = (Bytes(&shard), Bytes(&exchange), society.as_deref().map(Bytes), time);
        postcard::to_allocvec(&parts).expect("writing to memory fails for no value of these types")
    }

    /// Goes on from a snapshot of a pipeline; of other rules, as far as they are the same.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), crate::snapshot::SnapshotError> {
        type Parts<'b> = (Bytes<'b>, Bytes<'b>, Option<Bytes<'b>>, (Watermark, Hours, u64));
        let damaged = |it: postcard::Error| crate::snapshot::SnapshotError::Damaged(it.to_string());
        let (shard, exchange, society, (watermark, hours, position)) = postcard::from_bytes::<Parts<'_>>(bytes).map_err(damaged)?;
        let society = society.map(|it| Society::from_bytes(it.0)).transpose().map_err(crate::snapshot::SnapshotError::Damaged)?;
        let society = society.map(|it| (&self.behaviour, Arc::new(it)));
        self.shard = Shard::restore(&self.book.set, self.limits, society, shard.0)?;
        self.hours = hours;
        self.watch();
        let clocks = std::mem::take(&mut self.exchange.clocks);
        self.exchange = Exchange { clocks, ..Exchange::restore(&self.book.set, self.limits, exchange.0)? };
        (self.watermark, self.position) = (watermark, position);
        Ok(())
    }
}
