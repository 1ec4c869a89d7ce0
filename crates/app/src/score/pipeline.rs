//! Rounds of three phases: decode and match by block, settle by actor, correlate by group; each in parallel, with one order of events
//! for all.
//!
//! A round takes a few blocks. Which thread does what is left to chance; what comes out is not, since every shard sees its events in
//! the order of the input, and the alerts of a round are sorted by the position of their events before they are written.

use super::args::Options;
use super::attic::{FileAttic, Losses};
use super::decode::{Ending, Feed, Matched, Rows, Spare, Worker, decode};
use super::desk::Desk;
use super::input::{Input, blocks_of_round};
use super::output::Output;
use super::parallel;
use super::pulse::Watch;
use super::seat::{Counts, SHARDS, Seat};
use super::state::{Folder, Found, Saved};
use anyhow::Result;
use engine::behaviour::{self, Hours, Society};
use engine::decode::Limits;
use engine::pulse::PulseStats;
use engine::triage::Census;
use engine::{BehaviourSettings, Lane, Plausible, Reader, Routed, Rulebook, Tick, Touched, Watermark, order_hits, targets};
use model::EventTime;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use stream::Block;

/// With fewer hits than this, starting a thread takes longer than putting them into their windows.
const WORTH_A_THREAD: usize = 256;

/// The engine for one file.
pub(super) struct Pipeline {
    book: Rulebook,
    needs_exchange: bool,
    workers: Vec<Worker>,
    seats: Vec<Seat>,
    /// Memory for decoded blocks.
    spares: Vec<Spare>,
    watermark: Watermark,
    /// Where in this round the watermark became higher than it ever was: timers fire there.
    ticks: Vec<Tick>,
    desk: Desk,
    hours: Hours,
    /// For which hour the classes of targets were looked at last.
    targets_hour: i64,
    /// Of those, where an hour is over: there the peers are looked at anew, before the event is scored.
    refreshes: Vec<Tick>,
    /// The time of the latest event that has one, for those that have none.
    last: EventTime,
    behaviour: BehaviourSettings,
    /// Where profiles go for which there is no room, by seat.
    attics: Vec<FileAttic>,
    /// Whether the source is still heard of, if its mapping says how to tell.
    watch: Option<Watch>,
    /// Whether another run goes on where this one ends: then the day isn't over.
    is_continued: bool,
}

impl Pipeline {
    pub(super) fn new(book: Rulebook, options: &Options) -> Self {
        let program = &book.programs[0];
        let (clock, plausible) = (&options.clock, Plausible::until(options.latest()));
        let (people_max, tells_scores) = (options.people_max, options.scores.is_some());
        let behaviour = BehaviourSettings { people_max, tells_scores, ..BehaviourSettings::default() };
        let worker = |_| Worker {
            reader: Reader::new(program.clone(), Limits::default(), plausible),
            lane: Lane::new(&book, 0, clock.clone()),
        };
        let workers = (0..options.threads).map(worker).collect();
        let seats = (0..SHARDS).map(|number| Seat::new(number, &book, clock, &behaviour)).collect();
        let folder = options.state.clone().unwrap_or_else(std::env::temp_dir);
        let on_disk = options.people_on_disk.div_ceil(SHARDS);
        let mut pipeline = Self {
            needs_exchange: book.needs_exchange(),
            watch: Watch::new(&book, &options.timezone),
            book,
            workers,
            seats,
            spares: Vec::new(),
            watermark: Watermark::default(),
            ticks: Vec::new(),
            desk: Desk::new(options),
            hours: Hours::default(),
            targets_hour: 0,
            refreshes: Vec::new(),
            last: Plausible::EARLIEST,
            behaviour,
            attics: (0..SHARDS).map(|number| FileAttic::new(&folder, number, on_disk)).collect(),
            is_continued: options.state.is_some(),
        };
        pipeline.open_attics();
        pipeline
    }

    fn open_attics(&mut self) {
        for (seat, attic) in self.seats.iter_mut().zip(&self.attics) {
            if let Some(behaviour) = seat.behaviour_mut() {
                behaviour.set_attic(Box::new(attic.clone()));
                behaviour.make_room(SHARDS);
            }
        }
    }

    /// Goes on with the state in `folder`, if there is one.
    pub(super) fn restore(&mut self, folder: &mut Folder, options: &Options) -> Result<()> {
        let found = folder.read(&self.book, options, &mut self.attics)?;
        folder.tell(found.as_ref(), &self.book, options)?;
        let Some(Found { clock, society, triage, pulse, shards, exchanges, .. }) = found else { return Ok(()) };
        let society = society.map(|it| Society::from_bytes(&it)).transpose().map_err(|it| folder.damaged(it))?.map(Arc::new);
        for ((seat, shard), exchange) in self.seats.iter_mut().zip(&shards).zip(&exchanges) {
            let society = society.as_ref().map(|it| (&self.behaviour, Arc::clone(it)));
            seat.restore(&self.book, &options.clock, society, (shard, exchange)).map_err(|it| folder.damaged(it))?;
        }
        if let Some(triage) = triage {
            self.desk.restore(options, &triage).map_err(|it| folder.damaged(it))?;
        }
        if let Some((watch, pulse)) = self.watch.as_mut().zip(pulse) {
            watch.restore(&pulse).map_err(|it| folder.damaged(it))?;
        }
        let (watermark, hours, last, targets_hour) = clock;
        (self.watermark, self.hours, self.last) = (watermark, hours, EventTime::from_ms(last));
        self.targets_hour = targets_hour;
        self.open_attics();
        Ok(())
    }

    /// Writes the state into `folder`, and gives its length in bytes.
    pub(super) fn save(&mut self, folder: &Folder, options: &Options) -> Result<u64> {
        let counts = self.counts();
        let society = self.seats.first().and_then(Seat::behaviour).map(|it| it.society().to_bytes());
        let saved = Saved {
            clock: (self.watermark.clone(), self.hours, self.last.ms(), self.targets_hour),
            society,
            triage: self.desk.snapshot(),
            pulse: self.watch.as_mut().map(Watch::snapshot),
            people: counts.behaviour.people,
            events: counts.scored,
        };
        folder.write(&saved, &self.book, options, self.seats.iter().map(|it| it.snapshot(&self.book)), &self.attics)
    }

    /// How it stands with profiles on the disk; `None` where none are kept.
    pub(super) fn attic_stats(&self) -> Option<(usize, Losses)> {
        self.seats.first()?.behaviour()?;
        let mut all = Losses::default();
        for it in self.attics.iter().map(FileAttic::losses) {
            all.refused += it.refused;
            all.failed += it.failed;
            all.first = all.first.or(it.first);
        }
        Some((self.attics.iter().map(FileAttic::len).sum(), all))
    }

    /// What became of the events that were no bad lines.
    pub(super) fn counts(&self) -> Counts {
        self.seats.iter().map(Seat::counts).fold(Counts::default(), |sum, it| Counts {
            scored: sum.scored + it.scored,
            late: sum.late + it.late,
            duplicates: sum.duplicates + it.duplicates,
            windows: sum.windows + it.windows,
            behaviour: sum.behaviour + it.behaviour,
            targets: sum.targets + it.targets,
        })
    }

    /// Scores the whole input, or until somebody says stop. Returns what made it end before its end.
    pub(super) fn run(&mut self, mut input: Input, output: &mut Output, stop: &AtomicBool) -> Result<Option<String>> {
        let mut blocks: Vec<Block> = (0..blocks_of_round(self.workers.len())).map(|_| Block::new()).collect();
        let mut ending = None;
        loop {
            self.round(&mut input, &mut blocks, &mut ending, output)?;
            output.progress(input.reader.offset(), self.watermark.latest());
            match ending {
                None if stop.load(Ordering::Relaxed) => {
                    self.finish(output)?;
                    return Ok(Some(format!("stopped by a signal at byte {} of what it holds unpacked", input.reader.offset())));
                }
                None => {}
                Some(Ending::Over) => {
                    self.finish(output)?;
                    return Ok(None);
                }
                Some(Ending::Broken(error)) => {
                    self.finish(output)?;
                    output.broken(&error)?;
                    return Ok(Some(error.to_string()));
                }
            }
        }
    }

    fn round(&mut self, input: &mut Input, blocks: &mut [Block], ending: &mut Option<Ending>, output: &mut Output) -> Result<()> {
        let mut decoded = self.decode(input, blocks, ending);
        self.put_in_order(&mut decoded);
        for rows in &decoded {
            output.bad_lines(rows)?;
        }
        self.score(&decoded);
        self.correlate();
        if let Some(watch) = &mut self.watch {
            watch.round(&decoded, &self.ticks, &mut self.seats);
        }
        output.scores(&self.seats)?;
        self.desk.take(&mut self.seats);
        self.desk.write(self.workers.len());
        output.records(&self.desk)?;
        self.spares.extend(decoded.into_iter().map(Rows::into_spare));
        Ok(())
    }

    /// What triage has still to say.
    fn finish(&mut self, output: &mut Output) -> Result<()> {
        self.desk.finish(self.is_continued);
        self.desk.write(1);
        output.records(&self.desk)
    }

    /// How the pulse of the source stands.
    pub(super) fn pulse_stats(&self) -> Option<PulseStats> {
        self.watch.as_ref().map(Watch::stats)
    }

    /// How triage stands.
    pub(super) fn triage_stats(&self) -> Option<engine::triage::Stats> {
        self.desk.stats()
    }

    /// Phase 1, by block: most of the work, and all of it without state.
    fn decode<'b>(&mut self, input: &mut Input, blocks: &'b mut [Block], ending: &mut Option<Ending>) -> Vec<Rows<'b>> {
        let feed = Feed::new(input, blocks, &mut self.spares, ending);
        let program = &self.book.programs[0];
        let done = Mutex::new(Vec::new());
        parallel::each(&mut self.workers, |it| decode(it, program, &feed, &done));
        let mut decoded: Vec<Rows<'b>> = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        decoded.sort_by_key(|it| it.index);
        decoded
    }

    /// The serial step: the watermark is one for the whole input, and what is late depends on the order of all events.
    fn put_in_order(&mut self, decoded: &mut [Rows<'_>]) {
        self.ticks.clear();
        self.refreshes.clear();
        let is_watched = self.book.watches(0);
        let mut highest = self.watermark.reached();
        for rows in decoded {
            for row in &mut rows.events {
                if let Matched::Later { is_timeless: true, .. } = row.matched {
                    row.head.time = self.last;
                }
                self.last = row.head.time;
                self.desk.note(rows.block.first_line + row.number as u64, row.head.time);
                row.watermark = self.watermark.time();
                row.is_late = self.watermark.observe(row.head.time);
                row.reached = self.watermark.reached();
                if row.reached > highest {
                    highest = row.reached;
                    let position = rows.block.first_line + row.number as u64;
                    self.ticks.push(Tick { position, reached: highest });
                    if self.hours.pass(highest) && is_watched {
                        self.refreshes.push(Tick { position, reached: highest });
                    }
                }
            }
        }
    }

    /// Phase 2, by actor.
    fn score(&mut self, decoded: &[Rows<'_>]) {
        let mut jobs: Vec<(&mut Worker, Vec<&mut Seat>)> = self.workers.iter_mut().map(|it| (it, Vec::new())).collect();
        deal(&mut self.seats, decoded, jobs.len());
        self.seats.iter_mut().for_each(|it| jobs[it.thread].1.push(it));
        let ticks = &self.ticks;
        jobs.iter_mut().flat_map(|(_, seats)| seats).for_each(|it| it.begin());
        let mut refreshes = self.refreshes.iter();
        loop {
            let refresh = refreshes.next();
            let until = refresh.map_or(u64::MAX, |it| it.position);
            parallel::each(&mut jobs, |(worker, seats)| {
                seats.iter_mut().for_each(|it| it.score(&mut worker.lane, decoded, ticks, until));
            });
            let Some(refresh) = refresh else { break };
            let seats = jobs.iter_mut().flat_map(|(_, seats)| seats);
            let mut seats: Vec<&mut Seat> = seats.map(|it| &mut **it).collect();
            seats.sort_by_key(|it| it.number);
            if self.desk.takes_census() {
                let since = Census::since_s(refresh.reached);
                self.desk.census(*refresh, seats.iter().map(|it| it.active_since(since)).sum());
            }
            behaviour::refresh(seats.into_iter().filter_map(|it| it.behaviour_mut()), refresh.reached);
        }
    }

    /// Phase 3, by group: hits of other groups than the actor go to the shard that keeps their group, level by level, since the alerts
    /// of one level are hits of the next.
    fn correlate(&mut self) {
        if !self.needs_exchange {
            return;
        }
        self.see_targets();
        let mut routed: Vec<Routed> = self.seats.iter_mut().flat_map(Seat::drain_routed).collect();
        let has_timers = self.seats.iter().any(Seat::has_timers);
        if routed.is_empty() && (self.ticks.is_empty() || !has_timers) {
            return;
        }
        for level in 0..=self.book.top_level() {
            let mut of_level: Vec<Routed> = routed.extract_if(.., |it| self.book.level_of(it) == level).collect();
            order_hits(&mut of_level);
            let mut by_seat: [Vec<&Routed>; SHARDS] = Default::default();
            of_level.iter().for_each(|it| by_seat[it.shard(SHARDS)].push(it));
            let (book, ticks) = (&self.book, &self.ticks);
            let threads = if of_level.len() < WORTH_A_THREAD { 1 } else { self.workers.len() };
            let jobs = Mutex::new(self.seats.iter_mut().zip(&by_seat));
            parallel::each(&mut self.workers[..threads], |_| {
                while let Some((seat, hits)) = next(&jobs) {
                    seat.accept(book, level, hits, ticks);
                }
            });
            routed.extend(self.seats.iter_mut().flat_map(Seat::drain_routed));
        }
    }
}

impl Pipeline {
    /// The first part of phase 3, by target: rules that ask what others did to it are decided, and become alerts and hits. Between two
    /// hours of the watermark the classes of all targets are looked at together.
    fn see_targets(&mut self) {
        let mut by_seat: [Vec<Touched>; SHARDS] = Default::default();
        let (mut hours, mut latest) = (BTreeSet::new(), None);
        for it in self.seats.iter_mut().flat_map(Seat::drain_touched) {
            let hour = Some(it.hour());
            if hour != latest {
                hours.extend(hour);
                latest = hour;
            }
            by_seat[it.shard(SHARDS)].push(it);
        }
        let all: usize = by_seat.iter().map(Vec::len).sum();
        let threads = if all < WORTH_A_THREAD { 1 } else { self.workers.len() };
        by_seat.iter_mut().for_each(|it| it.sort_by_key(Touched::position));
        let mut rest = by_seat.each_ref().map(Vec::as_slice);
        for hour in hours {
            if hour > self.targets_hour {
                self.targets_hour = hour;
                targets::refresh(self.seats.iter_mut().map(Seat::exchange_mut), hour);
            }
            let book = &self.book;
            let jobs = Mutex::new(self.seats.iter_mut().zip(&mut rest));
            parallel::each(&mut self.workers[..threads], |_| {
                while let Some((seat, rest)) = next(&jobs) {
                    let of_hour;
                    (of_hour, *rest) = rest.split_at(rest.partition_point(|it| it.hour() <= hour));
                    seat.see(book, of_hour);
                }
            });
        }
    }
}

/// Gives each seat of a round to a thread so that all have about the same to do: some actors, services above all, do a hundred times as
/// much as others. A seat stays with its thread where it can, because that core's cache holds its windows.
fn deal(seats: &mut [Seat], decoded: &[Rows<'_>], threads: usize) {
    let load_of = |seat: &Seat| decoded.iter().map(|it| it.by_shard[seat.number].len()).sum::<usize>();
    let mut by_load: Vec<(usize, &mut Seat)> = seats.iter_mut().map(|it| (load_of(it), it)).collect();
    by_load.sort_by_key(|(load, seat)| (Reverse(*load), seat.number));
    let total: usize = by_load.iter().map(|(load, _)| load).sum();
    let fair = total / threads + total / threads / 16;
    let mut loads = vec![0; threads];
    for (load, seat) in by_load {
        if loads[seat.thread] + load > fair {
            seat.thread = (0..threads).min_by_key(|&it| loads[it]).unwrap_or(0);
        }
        loads[seat.thread] += load;
    }
}

fn next<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    items.lock().unwrap_or_else(PoisonError::into_inner).next()
}
