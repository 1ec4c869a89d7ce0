//! A partition with events, as an instance has it.

use super::OWNERS;
use super::candidates;
use super::log::Record;
use super::rules::Books;
use super::store::Societies;
use super::task::written;
use engine::behaviour::{Hours, refresh};
use engine::decode::{Limits, Lines, pad};
use engine::repartition::{Origin, Parcel, Progress, Sender};
use engine::shard::{Place, line_of};
use engine::triage::{Census, Report, Step};
use engine::{
    Behaviour, BehaviourSettings, Lane, Outbox, Plausible, Reader, Rulebook, Shard, Tick, Verdict, Watermark, WindowLimits,
};
use model::EventTime;
use sigma::matcher::Clock;
use std::sync::Arc;

/// Events from as far ahead are believed.
const FUTURE_SKEW_MS: i64 = 10 * 60_000;

/// See the module.
pub(super) struct Scoring {
    number: usize,
    reader: Reader,
    lane: Lane,
    shard: Shard,
    watermark: Watermark,
    hours: Hours,
    sender: Sender,
    pub(super) is_idle: bool,
    /// All owners have been told how far it is.
    has_told: bool,
    census: Census,
}

type Time = (Watermark, Hours, Sender, Census);

impl Scoring {
    pub(super) fn new(book: &Rulebook, number: usize, now_ms: i64) -> Self {
        let mut shard = Shard::new(&book.programs[0], WindowLimits::default());
        shard.watch(Behaviour::new(&BehaviourSettings::default(), 1));
        Self::with(book, number, shard, (Watermark::default(), Hours::default(), Sender::new(1, now_ms), Census::default()))
    }

    fn with(book: &Rulebook, number: usize, shard: Shard, (watermark, hours, sender, census): Time) -> Self {
        Self {
            number,
            reader: Reader::new(Arc::clone(&book.programs[0]), Limits::default(), Plausible::until(EventTime::MIN)),
            lane: Lane::new(book, 0, Clock::default()),
            shard,
            watermark,
            hours,
            sender,
            is_idle: false,
            has_told: false,
            census,
        }
    }

    pub(super) fn save(&self, book: &Rulebook, societies: &mut Societies) -> Vec<Arc<[u8]>> {
        let time = postcard::to_allocvec(&(&self.watermark, &self.hours, &self.sender, &self.census)).unwrap();
        let society = societies.write(self.shard.behaviour().unwrap().society());
        vec![time.into(), self.shard.snapshot(&book.set).into(), society]
    }

    pub(super) fn restore(book: &Rulebook, number: usize, parts: &[Arc<[u8]>], societies: &mut Societies) -> Result<Self, String> {
        let [time, shard, society] = parts else { return Err("a part is missing".to_owned()) };
        let time: Time = postcard::from_bytes(time).map_err(|it| it.to_string())?;
        let settings = BehaviourSettings::default();
        let society = societies.read(society)?;
        let shard =
            Shard::restore(&book.set, WindowLimits::default(), Some((&settings, society)), shard).map_err(|it| it.to_string())?;
        Ok(Self::with(book, number, shard, time))
    }

    pub(super) fn adopt(&mut self, books: &Books, from: usize, to: usize) {
        let book = books.of(to);
        self.shard.adopt(books.over_from(from), &book.set, WindowLimits::default());
        self.reader.adopt(&book.programs[0]);
        self.lane.adopt(book);
    }

    /// Handles the lines from `start` on. What they cause goes nowhere if they are read again.
    pub(super) fn handle(&mut self, book: &Rulebook, lines: &[String], start: usize, now_ms: i64, is_live: bool) -> Vec<Record> {
        let mut bytes = lines.join("\n").into_bytes();
        let payload = pad(&mut bytes);
        let mut block = Lines::new(&bytes, payload).unwrap();
        let (mut values, mut out, mut records) = (Vec::new(), Outbox::default(), Vec::new());
        let (mut accounted, mut steps) = (0, Vec::new());
        self.reader.set_latest(EventTime::from_ms(now_ms + FUTURE_SKEW_MS));
        while let Some(record) = self.reader.next(&mut block, &mut values) {
            let offset = start + record.number;
            accounted += 1;
            match record.outcome {
                Ok(head) => {
                    let (before, watermark) = (self.watermark.reached(), self.watermark.time());
                    let is_late = self.watermark.observe(head.time);
                    let reached = self.watermark.reached();
                    if reached > before && self.hours.pass(reached) {
                        let people = self.shard.behaviour().unwrap().active_since(Census::since_s(reached));
                        steps.push((offset as u64, self.census.count(reached, people)));
                        refresh(self.shard.behaviour_mut(), reached);
                    }
                    self.sender.note(i64::try_from(offset).unwrap(), head.time);
                    let place = Place { position: offset as u64, watermark, reached, is_late };
                    let verdict = self.shard.score(&mut self.lane, (&head, line_of(&head)), &values, place, &mut out);
                    assert!(verdict != Verdict::Late, "nothing is later than what is allowed");
                    let candidate = candidates::of(&head).filter(|_| verdict == Verdict::Scored);
                    steps.extend(candidate.map(|it| (place.position, it)));
                    if reached > before {
                        let tick = Tick { position: place.position, reached };
                        self.shard.catch_up(&self.lane, &[tick], u64::MAX, &mut out);
                    }
                }
                Err(reject) => records.push(self.dead_letter(offset, reject.code.as_str())),
            }
            values.clear();
        }
        // Whoever reads for the decoder passes blank lines by, and gives them to the dead letters by their number.
        let blank = lines.iter().enumerate().filter(|it| it.1.is_empty());
        records.extend(blank.map(|it| self.dead_letter(start + it.0, "empty")));
        let read = accounted + lines.iter().filter(|it| it.is_empty()).count();
        assert_eq!(read, lines.len(), "every message is an event or a dead letter");
        let stats = self.shard.window_stats();
        let lost = (stats.groups_evicted, stats.entries_evicted, stats.entries_thinned);
        assert_eq!(lost, (0, 0, 0), "invariant 5: {stats:?}");
        if !is_live {
            self.sender.pass();
            return Vec::new();
        }
        let reported = |it: Report| (it.position, Step::Reported(it.time.ms(), it.team, it.tool));
        steps.extend(out.reports.drain(..).map(reported));
        let mut alerts = std::mem::take(&mut out.alerts);
        steps.extend(alerts.iter().filter_map(|it| Some((it.position, Step::of(&it.alert)?))));
        alerts.retain(|it| !Step::of(&it.alert).is_some_and(|it| it.is_candidate()));
        records.extend(written(alerts, |it| Some(it.actor.id.clone())));
        records.extend(self.send(book, start + lines.len(), (&mut out, steps), false));
        records
    }

    fn dead_letter(&self, offset: usize, code: &str) -> Record {
        Record::Out(None, format!("dead letter {}[{offset}] {code}", self.number))
    }

    pub(super) fn idle(&mut self, book: &Rulebook, end: usize) -> Vec<Record> {
        self.send(book, end, (&mut Outbox::default(), Vec::new()), true).collect()
    }

    fn send(
        &mut self,
        book: &Rulebook,
        end: usize,
        (out, steps): (&mut Outbox, Vec<(u64, Step)>),
        is_idle: bool,
    ) -> impl Iterator<Item = Record> + use<> {
        let (watermark, reached) = (self.watermark.time(), self.watermark.reached());
        let progress = Progress { end_offset: i64::try_from(end).unwrap(), watermark, reached, is_idle };
        let origin = Origin::new("events", i32::try_from(self.number).unwrap());
        // Not told at each batch: from what is told less often nothing may follow.
        let was_idle = std::mem::replace(&mut self.is_idle, is_idle);
        let tells_all = is_idle || was_idle || !std::mem::replace(&mut self.has_told, true) || end.is_multiple_of(3);
        let is_told = tells_all || !steps.is_empty();
        let (told, unsaid) = if is_told { self.sender.tell(&origin, progress, steps) } else { (Vec::new(), 0) };
        let (parcels, too_long) = self.sender.pack(book, &origin, OWNERS, progress, tells_all, out);
        assert_eq!((unsaid, too_long), (0, 0));
        told.into_iter().chain(parcels).map(|Parcel { owner, bytes }| Record::Parcel(owner, bytes))
    }
}
