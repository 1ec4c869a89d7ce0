//! One virtual shard with what it has to say: there is always the same number of them, whatever the number of threads.

use super::decode::{Matched, Rows};
use engine::behaviour::{Scored, Society};
use engine::shard::{AHEAD, Place};
use engine::snapshot::SnapshotError;
use engine::targets::TargetStats;
use engine::triage::Report;
use engine::windows::WindowStats;
use engine::{
    Behaviour, BehaviourSettings, BehaviourStats, Emitted, Exchange, Lane, Outbox, Routed, Rulebook, Shard, Tick, Touched, Verdict,
};
use model::EventTime;
use sigma::matcher::Clock;
use std::sync::Arc;

/// How many shards the actors are spread over, and likewise the groups of the exchange. The output does not depend on which thread
/// keeps a shard; it would depend on this number only if an event's identifier came with two different actors.
pub(super) const SHARDS: usize = 16;

/// What became of events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Late ones included.
    pub(crate) scored: u64,
    pub(crate) late: u64,
    pub(crate) duplicates: u64,
    /// How full the windows are at the end, and what they have lost.
    pub(crate) windows: WindowStats,
    /// How it stands with the profiles.
    pub(crate) behaviour: BehaviourStats,
    /// How it stands with the targets.
    pub(crate) targets: TargetStats,
}

/// A shard of actors and a shard of the exchange: both are kept in the same seat, neither knows of the other.
pub(super) struct Seat {
    pub(super) number: usize,
    /// Which thread scores it at present.
    pub(super) thread: usize,
    shard: Shard,
    exchange: Exchange,
    outbox: Outbox,
    counts: Counts,
    /// The block and the row in it that it goes on with in this round.
    next: (usize, usize),
    pub(super) scores: Vec<Scored>,
    /// Alerts of the round.
    pub(super) emitted: Vec<Emitted>,
    /// What employees have reported in it.
    pub(super) reports: Vec<Report>,
}

impl Seat {
    pub(super) fn new(number: usize, book: &Rulebook, clock: &Clock, settings: &BehaviourSettings) -> Self {
        let mut seat = Self {
            number,
            thread: 0,
            shard: Shard::new(&book.programs[0], engine::WindowLimits::default()),
            exchange: Exchange::new(book, engine::WindowLimits::default()),
            outbox: Outbox::default(),
            counts: Counts::default(),
            next: (0, 0),
            scores: Vec::new(),
            emitted: Vec::new(),
            reports: Vec::new(),
        };
        seat.exchange.set_clock(0, clock.clone());
        if book.watches(0) {
            seat.shard.watch(Behaviour::new(settings, SHARDS));
        }
        seat
    }

    /// What it goes on with after this run: the shard, and the shard of the exchange.
    pub(super) fn snapshot(&self, book: &Rulebook) -> (Vec<u8>, Vec<u8>) {
        (self.shard.snapshot(&book.set), self.exchange.snapshot(&book.set))
    }

    /// Goes on with what another run has left.
    pub(super) fn restore(
        &mut self,
        book: &Rulebook,
        clock: &Clock,
        society: Option<(&BehaviourSettings, Arc<Society>)>,
        (shard, exchange): (&[u8], &[u8]),
    ) -> Result<(), SnapshotError> {
        let limits = engine::WindowLimits::default();
        let behaviour = self.shard.take_behaviour();
        self.shard = Shard::restore(&book.set, limits, society, shard)?;
        self.exchange = Exchange::restore(&book.set, limits, exchange)?;
        self.exchange.set_clock(0, clock.clone());
        if let (None, Some(behaviour)) = (self.shard.behaviour(), behaviour) {
            self.shard.watch(behaviour);
        }
        Ok(())
    }

    /// The profiles of its actors, to be looked at.
    pub(super) fn behaviour(&self) -> Option<&Behaviour> {
        self.shard.behaviour()
    }

    /// The profiles of its actors.
    pub(super) fn behaviour_mut(&mut self) -> Option<&mut Behaviour> {
        self.shard.behaviour_mut()
    }

    /// How many of its people have been active since `second`.
    pub(super) fn active_since(&self, second: u32) -> usize {
        self.shard.behaviour().map_or(0, |it| it.active_since(second))
    }

    /// Forgets what was said in the round before.
    pub(super) fn begin(&mut self) {
        self.next = (0, 0);
        self.scores.clear();
        self.emitted.clear();
        self.reports.clear();
    }

    /// Scores the rows before `until` that belong to this shard and were not scored yet.
    pub(super) fn score(&mut self, lane: &mut Lane, blocks: &[Rows<'_>], ticks: &[Tick], until: u64) {
        while let Some(rows) = blocks.get(self.next.0) {
            let own = &rows.by_shard[self.number];
            let begun = self.next.1;
            for (nth, &at) in own.iter().enumerate().skip(begun) {
                let row = &rows.events[at as usize];
                let position = rows.block.first_line + row.number as u64;
                if position >= until {
                    self.next.1 = nth;
                    return;
                }
                if (nth - begun).is_multiple_of(AHEAD) {
                    let next = own[nth..].iter().take(AHEAD).map(|it| &rows.events[*it as usize]);
                    self.shard.look_ahead(&rows.sheet, next.clone().filter_map(|it| it.matched.findings()));
                    for it in next {
                        if let Matched::Later { line, .. } = &it.matched {
                            self.shard.expect(&it.head, *line);
                        }
                    }
                }
                let place = Place { position, watermark: row.watermark, reached: row.reached, is_late: row.is_late };
                self.shard.catch_up(lane, ticks, position, &mut self.outbox);
                let verdict = match &row.matched {
                    Matched::Now(findings) => self.shard.settle(lane, &row.head, (&rows.sheet, findings), place, &mut self.outbox),
                    Matched::Later { start, line, .. } => {
                        self.shard.score(lane, (&row.head, *line), rows.values_from(*start), place, &mut self.outbox)
                    }
                };
                match verdict {
                    Verdict::Scored => self.counts.scored += 1,
                    Verdict::Late => {
                        self.counts.scored += 1;
                        self.counts.late += 1;
                    }
                    Verdict::Duplicate => self.counts.duplicates += 1,
                }
            }
            self.next = (self.next.0 + 1, 0);
        }
        self.scores.append(&mut self.outbox.scores);
        self.reports.append(&mut self.outbox.reports);
        self.shard.catch_up(lane, ticks, u64::MAX, &mut self.outbox);
        self.emitted.append(&mut self.outbox.alerts);
    }

    /// Whether anything waits for the watermark in this shard of the exchange.
    pub(super) fn has_timers(&self) -> bool {
        self.exchange.has_timers()
    }

    /// What became of its events.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            windows: self.shard.window_stats() + self.exchange.window_stats(),
            behaviour: self.shard.behaviour().map(Behaviour::stats).unwrap_or_default(),
            targets: self.exchange.target_stats(),
            ..self.counts
        }
    }

    /// Canaries that are through, by their positions.
    pub(super) fn drain_canaries(&mut self) -> impl Iterator<Item = (u64, EventTime)> {
        self.outbox.canaries.drain(..)
    }

    /// Hits for other seats.
    pub(super) fn drain_routed(&mut self) -> impl Iterator<Item = Routed> {
        self.outbox.routed.drain(..)
    }

    /// Events for the seats that keep their targets.
    pub(super) fn drain_touched(&mut self) -> impl Iterator<Item = Touched> {
        self.outbox.touched.drain(..)
    }

    /// Its shard of the exchange.
    pub(super) fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// Takes in events whose targets belong to this shard of the exchange, in order.
    pub(super) fn see(&mut self, book: &Rulebook, touched: &[Touched]) {
        for it in touched {
            self.exchange.see(book, it, &mut self.outbox);
        }
        self.emitted.append(&mut self.outbox.alerts);
    }

    /// Accepts the hits of one level that belong to this shard of the exchange, in order.
    pub(super) fn accept(&mut self, book: &Rulebook, level: u8, hits: &[&Routed], ticks: &[Tick]) {
        self.exchange.work_level(book, level, hits, ticks, &mut self.outbox);
        self.emitted.append(&mut self.outbox.alerts);
    }
}
