//! Hits that are grouped by something else than the actor, on their way to the shard that keeps their group.

use crate::book::Rulebook;
use crate::climb::{Programs, Spark, climb, in_order};
use crate::reread::Rereader;
use crate::shard::{Emitted, Outbox, Place};
use crate::targets::Keeper;
use crate::watermark::Tick;
use crate::windows::{Cause, Entering, Hit, WindowLimits, WindowStats, Windows};
use model::EventTime;
use sigma::compile::RuleIndex;
use sigma::matcher::Clock;
use std::sync::Arc;

/// A hit with what an alert needs to know about its event.
#[derive(Debug, Clone)]
pub struct Routed {
    /// Where in the input it came about.
    pub position: u64,
    /// Which of the rulebook's programs read the event.
    pub source: u16,
    /// The rule that matched.
    pub rule: RuleIndex,
    /// For the hit of a correlation, as which of its rules the event came in, and so on downwards.
    pub below: Box<[u16]>,
    /// The hit.
    pub hit: Hit,
    /// The watermark of the input when the event was read.
    pub watermark: EventTime,
    /// The highest watermark up to then.
    pub reached: EventTime,
    /// The event's line.
    pub line: Arc<str>,
}

impl Routed {
    /// Which of `shards` keeps its group.
    pub fn shard(&self, shards: usize) -> usize {
        self.hit.group.shard(shards)
    }

    pub(crate) fn cause(&self) -> Cause<'_> {
        Cause { source: self.source, rule: self.rule, below: &self.below, line: &self.line }
    }

    pub(crate) fn place(&self) -> Place {
        Place { position: self.position, watermark: self.watermark, reached: self.reached, is_late: false }
    }
}

/// The windows of the groups that belong to one shard of the exchange, and the targets.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) windows: Windows,
    pub(crate) rereader: Rereader,
    /// Its targets; made when the first of them is touched.
    pub(crate) keeper: Option<Box<Keeper>>,
    /// Local time, source by source.
    pub(crate) clocks: Vec<Clock>,
}

impl Exchange {
    /// An empty one.
    pub fn new(book: &Rulebook, limits: WindowLimits) -> Self {
        Self::with(Windows::new(&book.set, limits))
    }

    pub(crate) fn with(windows: Windows) -> Self {
        Self { windows, rereader: Rereader::default(), keeper: None, clocks: Vec::new() }
    }

    /// Puts hits into their windows, level by level, and lets timers fire that are due at the places of `ticks`. Both have to be later
    /// in the input than everything before.
    pub fn work(&mut self, book: &Rulebook, hits: &mut Vec<Routed>, ticks: &[Tick], alerts: &mut Vec<Emitted>) {
        if hits.is_empty() && (ticks.is_empty() || self.windows.due(None).is_none()) {
            return;
        }
        let mut out = Outbox::default();
        for level in 0..=book.top_level() {
            let mut of_level: Vec<Routed> = hits.extract_if(.., |it| book.level_of(it) == level).collect();
            of_level.sort_by(in_order);
            let of_level: Vec<&Routed> = of_level.iter().collect();
            self.work_level(book, level, &of_level, ticks, &mut out);
            hits.append(&mut out.routed);
        }
        alerts.append(&mut out.alerts);
    }

    /// The same for the windows of one level: `hits` are those of all shards that belong here, in the order of [`order_hits`]. Hits for the levels
    /// above are left in `out`.
    pub fn work_level(&mut self, book: &Rulebook, level: u8, hits: &[&Routed], ticks: &[Tick], out: &mut Outbox) {
        for (number, hit) in hits.iter().enumerate() {
            self.catch_up(book, level, ticks, hit.position, out);
            let mut fired = Vec::new();
            let later = hits[number + 1..].iter().take_while(|it| it.position == hit.position);
            let entering = Entering { goes_on: hit.hit.goes_on(later.map(|it| &it.hit)), ..Entering::default() };
            self.windows.hit_at(&hit.hit, entering, &hit.cause(), hit.watermark, &mut fired);
            for fired in fired {
                let Hit { correlation, step, group, time, .. } = hit.hit;
                let spark = Spark { correlation, step, group, fired, cause: hit.cause(), time, at: hit.place() };
                climb(Programs::new(&book.programs, 0, &book.policy), &mut self.rereader, spark, &mut out.alerts, &mut out.routed);
            }
            if hits.get(number + 1).is_none_or(|next| next.position != hit.position) {
                self.settle(book, level, hit.place(), out);
            }
        }
        self.catch_up(book, level, ticks, u64::MAX, out);
    }

    /// Lets timers fire at the ticks before `position`.
    fn catch_up(&mut self, book: &Rulebook, level: u8, ticks: &[Tick], position: u64, out: &mut Outbox) {
        while let Some(due) = self.windows.due(Some(level))
            && let Some(tick) = Tick::first_at(ticks, due).filter(|it| it.position < position)
        {
            self.settle(book, level, tick.place(), out);
        }
    }

    fn settle(&mut self, book: &Rulebook, level: u8, at: Place, out: &mut Outbox) {
        if self.windows.due(Some(level)).is_none_or(|due| due > at.reached) {
            return;
        }
        let mut told = Vec::new();
        self.windows.settle(level, at.reached, &mut told);
        for (correlation, fired, kept) in told {
            let Some(cause) = kept.cause(&book.set, correlation) else { continue };
            let time = EventTime::from_ms(kept.time_ms);
            let spark = Spark { correlation, step: kept.step, group: kept.group, fired, cause, time, at };
            climb(Programs::new(&book.programs, 0, &book.policy), &mut self.rereader, spark, &mut out.alerts, &mut out.routed);
        }
    }

    /// Whether anything waits for the watermark.
    pub fn has_timers(&self) -> bool {
        self.windows.due(None).is_some()
    }

    /// How full the windows are.
    pub fn window_stats(&self) -> WindowStats {
        self.windows.stats()
    }
}

/// Puts hits into the order in which windows take them.
pub fn order_hits(hits: &mut [Routed]) {
    hits.sort_by(in_order);
}
