//! One partition: its messages are read, scored by a shard of its own, and become alerts and dead letters of the same batch.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::behaviour::{self, Hours};
use engine::carry::CarryOver;
use engine::decode::Lines;
use engine::pulse::{Beat, Sighting, Standing};
use engine::repartition::{Progress, Sender, group_of};
use engine::shard::Place;
use engine::{
    Ahead, Behaviour, BehaviourSettings, Emitted, Findings, Head, Lane, Outbox as Found, Plausible, Reader, Rulebook, Shard, Sheet,
    Spare, Tick, Watermark, WindowLimits,
};
use model::{EventTime, Reject, RejectCode};
use stream::dead_letters::{Cause, DeadLetter, Origin, Position, RAW_BYTES_MAX};
use stream::kafka::{Batch, Loss, MessageMeta, Outbox, PartitionHandler, PartitionId};

use super::checkpoints::Taken;
use super::clock;
use super::course::Course;
use super::keep::{self, Keeping, Kept};
use super::live::LiveRules;
use super::outgoing::Writer;
use super::pipeline::{Meeting, Setup, origin_of};
use super::pulses::{self, Listener};
use super::sources::Feed;
use super::telling::Telling;
use crate::metrics::{Metrics, PartitionState, SourceMetrics};

/// One in so many rounds of events that are settled together is measured.
const MEASURE_EVERY: u64 = 4;

/// Who has nothing to read says so as often.
const TELL_IDLE_EVERY: Duration = Duration::from_secs(10);
/// Owners for whom there is nothing are told how far the partition is at most so often, and when there is nothing to read.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// The state of one partition, from assignment to revocation.
#[derive(Debug)]
pub(super) struct Partition {
    id: PartitionId,
    reader: Reader,
    lane: Lane,
    shard: Shard,
    watermark: Watermark,
    hours: Hours,
    outbox: Found,
    spare: Spare,
    live: Arc<LiveRules>,
    /// The rules that the present batch is scored by.
    book: Arc<Rulebook>,
    /// Which of their programs.
    program: u16,
    window_limits: WindowLimits,
    duplicates_max: usize,
    writer: Writer,
    sender: Sender,
    /// Who keeps what is not the actor's.
    owners: usize,
    /// Some of the rules need them.
    has_exchanged: bool,
    /// What one of them is told, if it triages.
    telling: Option<Telling>,
    idle_after: Option<Duration>,
    /// When all of them were last told how far it is.
    told: Instant,
    is_idle: bool,
    /// Nothing was there to read when it was looked last.
    is_quiet: bool,
    /// Whether its source is still heard of, and what the present batch says of that.
    pulse: Option<Listener>,
    beat: Beat,
    course: Course,
    lateness_ms: i64,
    /// Messages of the present batch that were judged or rejected.
    accounted: usize,
    future_skew_ms: i64,
    /// Batches of events that were settled together.
    rounds: u64,
    metrics: Arc<Metrics>,
    of_source: SourceMetrics,
    of_state: PartitionState,
}

impl Partition {
    /// A partition without state, whose events come from `feed`.
    pub(super) fn new(id: &PartitionId, setup: &Setup, feed: &Feed, meeting: Option<&Meeting>, metrics: Arc<Metrics>) -> Self {
        let (live, book) = (Arc::clone(&setup.live), setup.live.book());
        let program = &book.programs[usize::from(feed.program)];
        let mut partition = Self {
            id: id.clone(),
            reader: Reader::new(Arc::clone(program), setup.limits.decode(), Plausible::until(clock::now())),
            lane: Lane::new(&book, feed.program, feed.clock.clone()),
            shard: Shard::new(program, setup.limits.windows()),
            watermark: Watermark::new(setup.limits.lateness_ms),
            hours: Hours::default(),
            outbox: Found::default(),
            spare: Spare::default(),
            writer: Writer::new(id, setup, &metrics),
            sender: Sender::new(group_of(&setup.kafka.group_id), clock::now().ms()),
            owners: meeting.map_or(0, |it| it.owners),
            has_exchanged: book.needs_exchange(),
            telling: setup.desk.as_ref().and(meeting).map(|_| Telling::default()),
            idle_after: meeting.map(|_| setup.idle_after),
            told: Instant::now(),
            is_idle: false,
            is_quiet: false,
            pulse: setup.pulses.of(feed.number),
            beat: Beat::default(),
            course: Course::new(id, setup, &metrics),
            lateness_ms: setup.limits.lateness_ms,
            accounted: 0,
            future_skew_ms: setup.limits.future_skew_ms,
            rounds: 0,
            of_source: metrics.input.source(&program.schema.mapping.name),
            of_state: metrics.state.partition(id),
            metrics,
            program: feed.program,
            window_limits: setup.limits.windows(),
            duplicates_max: setup.limits.duplicates_max,
            book,
            live,
        };
        partition.watch();
        if let Some(Listener::Here(pulse)) = &partition.pulse {
            pulse.join(id);
        }
        partition
    }

    /// Holds the shard to its limits, and begins to keep profiles, if they are to be kept and are not yet. Peers are those of the same partition: what it knows moves with it.
    fn watch(&mut self) {
        self.shard.set_duplicates_max(self.duplicates_max);
        if self.book.watches(self.program) && self.shard.behaviour().is_none() {
            self.shard.watch(Behaviour::new(&BehaviourSettings::default(), 1));
        }
    }

    /// Takes the rules that are in force now. Windows of correlations that are the same go on.
    fn keep_up(&mut self) {
        let book = self.live.book();
        if Arc::ptr_eq(&book, &self.book) {
            return;
        }
        if !Arc::ptr_eq(&book.set, &self.book.set) {
            let over = CarryOver::between(&self.book.set, &book.set);
            self.shard.adopt(&over, &book.set, self.window_limits);
            self.reader.adopt(&book.programs[usize::from(self.program)]);
        }
        self.lane.adopt(&book);
        self.has_exchanged = book.needs_exchange();
        self.book = book;
        self.watch();
    }

    /// Moves the watermark by an event; says where the event stands, and whether time went on with it.
    fn stand(&mut self, head: &Head<'_>, message: &MessageMeta) -> (Place, bool) {
        let before = self.watermark.reached();
        let watermark = self.watermark.time();
        let is_late = self.watermark.observe(head.time);
        let (position, reached) = (u64::try_from(message.offset).unwrap_or(0), self.watermark.reached());
        self.sender.note(message.offset, head.time);
        (Place { position, watermark, reached, is_late }, reached > before)
    }

    fn judge_all(&mut self, ahead: &mut Ahead<'_, (Place, bool)>) {
        ahead.settle(
            self,
            |it| (&mut it.shard, &mut it.lane),
            |it, head, found, (at, is_tick)| it.judge(head, found, *at, *is_tick),
        );
    }

    fn judge(&mut self, head: &Head<'_>, found: (&Sheet, &Findings), at: Place, is_tick: bool) {
        let verdict = self.shard.settle(&self.lane, head, found, at, &mut self.outbox);
        if !self.course.is_replay() {
            self.of_source.judged(verdict);
        }
        self.accounted += 1;
        if is_tick {
            let tick = Tick { position: at.position, reached: at.reached };
            self.shard.catch_up(&self.lane, &[tick], u64::MAX, &mut self.outbox);
        }
    }

    /// Messages that have no line for the decoder: too long, empty, or nothing but blanks.
    fn reject_unread(&mut self, batch: &Batch, numbers: Range<usize>, now: EventTime, out: &mut Outbox) {
        for message in &batch.messages()[numbers] {
            let offset = u64::try_from(message.offset).unwrap_or(0);
            let oversize = batch.block().oversize.iter().find(|it| message.is_oversize && it.offset == offset);
            if let Some(it) = oversize {
                let reject = Reject::new(RejectCode::TooLong, 0, format!("the message has {} bytes", it.length));
                self.reject(&reject, message, (&it.head, it.length), now, out);
            } else {
                let raw = batch.payload_of(message);
                let reject = Reject::new(RejectCode::NotJson, 0, "the message is empty");
                self.reject(&reject, message, (raw, raw.len() as u64), now, out);
            }
        }
    }

    fn reject(&mut self, reject: &Reject, message: &MessageMeta, raw: (&[u8], u64), now: EventTime, out: &mut Outbox) {
        self.accounted += 1;
        if self.course.is_replay() {
            return;
        }
        self.of_source.rejected(reject.code);
        let position = Position::message(message.offset);
        let origin = Origin { source: &self.id.topic, partition: Some(self.id.partition), position };
        let cause = Cause { code: reject.code.as_str(), reason: &reject.reason };
        out.dead_letter(&DeadLetter::of_part(now.ms(), origin, cause, raw.0, raw.1, RAW_BYTES_MAX));
    }

    /// The alerts of the batch, those of shared windows included, in the order of their events.
    fn hand_out(&mut self, now: EventTime, out: &mut Outbox) {
        if let Some(telling) = &mut self.telling {
            telling.report(&mut self.outbox);
        }
        self.send(false, out);
        self.feel(now, out);
        let Found { alerts, reports, .. } = &mut self.outbox;
        self.writer.write(self.watermark.reached(), self.shard.behaviour(), reports, alerts, now, out);
    }

    /// Hands over what the batch says of its source; canaries in it are through.
    fn feel(&mut self, now: EventTime, out: &mut Outbox) {
        for (_, time) in self.outbox.canaries.drain(..) {
            if self.pulse.is_some() {
                self.beat.canary(time.ms());
                let took = u64::try_from(now.ms().saturating_sub(time.ms())).unwrap_or(0);
                self.metrics.pulse.canary(Duration::from_millis(took));
            }
        }
        let alerts = self.say(false, now, out);
        self.outbox.alerts.extend(alerts);
    }

    /// Tells whoever listens to the source what the batch says of it, and how far the partition is. Gives what follows from it here.
    fn say(&mut self, is_idle: bool, now: EventTime, out: &mut Outbox) -> Vec<Emitted> {
        let (watermark, reached, latest) = (self.watermark.time(), self.watermark.reached(), self.watermark.latest());
        let latest_ms = latest.map(EventTime::ms);
        let standing = Standing { watermark_ms: watermark.ms(), latest_ms, clock_ms: now.ms(), is_idle };
        let origin = origin_of(&self.id);
        match &self.pulse {
            None => Vec::new(),
            Some(Listener::Here(pulse)) => pulse.take(&origin, &standing, &mut self.beat, (&self.book, self.program)),
            Some(Listener::Group(source)) => {
                let end_offset = self.course.next_offset().unwrap_or(0);
                let progress = Progress { end_offset, watermark, reached, is_idle };
                let records = self.sender.beat(&origin, progress, source, standing, std::mem::take(&mut self.beat));
                records.iter().for_each(|it| out.exchange(i32::try_from(it.owner).unwrap_or(0), &it.bytes));
                self.metrics.exchange.sent(records.len(), 0);
                Vec::new()
            }
        }
    }

    /// Sends what others keep to those who do, and tells how far it is.
    fn send(&mut self, is_idle: bool, out: &mut Outbox) {
        let steps = self.telling.as_mut().map(Telling::take);
        if self.owners == 0 || !(self.has_exchanged || steps.is_some()) {
            return self.sender.pass();
        }
        let Some(end_offset) = self.course.next_offset().or(is_idle.then_some(0)) else { return self.sender.pass() };
        let (watermark, reached) = (self.watermark.time(), self.watermark.reached());
        let progress = Progress { end_offset, watermark, reached, is_idle };
        let tells_all = is_idle || self.is_idle || self.told.elapsed() >= TELL_EVERY;
        if tells_all {
            self.told = Instant::now();
        }
        let origin = origin_of(&self.id);
        let (mut parcels, mut too_long) = (Vec::new(), 0);
        if let Some(steps) = steps.filter(|it| tells_all || !it.is_empty()) {
            (parcels, too_long) = self.sender.tell(&origin, progress, steps);
        }
        let (exchanged, left_out) = self.sender.pack(&self.book, &origin, self.owners, progress, tells_all, &mut self.outbox);
        parcels.extend(exchanged);
        too_long += left_out;
        for it in &parcels {
            out.exchange(i32::try_from(it.owner).unwrap_or(0), &it.bytes);
        }
        self.metrics.exchange.sent(parcels.len(), too_long);
        if is_idle != std::mem::replace(&mut self.is_idle, is_idle) {
            self.metrics.exchange.idle(if is_idle { 1 } else { -1 });
        }
    }
}

impl Partition {
    /// What was read is scored, late, a duplicate or a dead letter: nothing is passed over in silence.
    fn account_for(&self, batch: &Batch) {
        let (messages, accounted) = (batch.len(), self.accounted);
        if !self.of_source.read(messages, batch.bytes(), accounted) {
            tracing::error!(partition = %self.id, messages, accounted, "not every message of a batch is accounted for: this is an error of Nightjar");
        }
    }

    fn take(&self, offset: i64) -> Taken {
        let Self { book, program, shard, watermark, hours, sender, telling, .. } = self;
        let census = telling.as_ref().map(|it| &it.census);
        Keeping { book, program: *program, shard, watermark, hours, sender, census }.take(offset)
    }
}

impl PartitionHandler for Partition {
    fn handle(&mut self, batch: &Batch, out: &mut Outbox) {
        let now = clock::now();
        self.accounted = 0;
        self.is_quiet = false;
        self.keep_up();
        self.reader.set_latest(now.plus_ms(self.future_skew_ms));
        self.course.begin(batch, |it| self.take(it));
        self.course.enter(batch);
        let block = batch.block();
        let mut lines = Lines::new(block.padded(), block.payload_len()).expect("a batch is whole lines and padding");
        let mut values = Vec::with_capacity(self.reader.width());
        let mut ahead = Ahead::new(std::mem::take(&mut self.spare));
        let (mut unread, mut begun) = (0, None);
        loop {
            if ahead.is_empty() {
                begun = self.rounds.is_multiple_of(MEASURE_EVERY).then(Instant::now);
                self.rounds += 1;
            }
            values.clear();
            let record = self.reader.next(&mut lines, &mut values);
            if !ahead.is_empty() && (record.is_none() || ahead.is_full()) {
                let events = u32::try_from(ahead.len()).unwrap_or(1);
                self.judge_all(&mut ahead);
                if let Some(begun) = begun.take() {
                    self.of_source.took(begun.elapsed() / events);
                }
            }
            let Some(record) = record else { break };
            self.reject_unread(batch, unread..record.number, now, out);
            unread = record.number + 1;
            let message = &batch.messages()[record.number];
            match record.outcome {
                Ok(head) => {
                    if self.pulse.is_some() && !self.course.is_replay() {
                        let slots = &self.book.programs[usize::from(self.program)].schema.pulse;
                        self.beat.note(&Sighting::of(slots, &values), head.time.ms());
                    }
                    let (at, is_tick) = self.stand(&head, message);
                    if is_tick && self.hours.pass(at.reached) && self.shard.behaviour().is_some() {
                        self.judge_all(&mut ahead);
                        if let Some((telling, behaviour)) = self.telling.as_mut().zip(self.shard.behaviour()) {
                            telling.count_people(at, behaviour);
                        }
                        behaviour::refresh(self.shard.behaviour_mut(), at.reached);
                    }
                    ahead.examine(&self.shard, &mut self.lane, head, &values, (at, is_tick));
                }
                Err(reject) => self.reject(&reject, message, (record.bytes, record.bytes.len() as u64), now, out),
            }
        }
        self.spare = ahead.into_spare();
        self.reject_unread(batch, unread..batch.len(), now, out);
        if self.course.pass(batch) {
            self.hand_out(now, out);
            self.account_for(batch);
        } else {
            self.outbox = Found::default();
            drop(self.telling.as_mut().map(Telling::take));
            self.sender.pass();
        }
        self.of_state.set(&self.shard, &self.lane, &self.watermark);
        self.course.keep(|it| self.take(it));
    }

    fn resume(&mut self, committed: Option<i64>) -> Result<Option<i64>, String> {
        let (book, program) = (Arc::clone(&self.book), self.program);
        let (limits, lateness_ms) = (self.window_limits, self.lateness_ms);
        let found = self.course.resume(committed, |it| keep::take_up(it, &book, program, limits, lateness_ms))?;
        let Some((offset, Kept { shard, watermark, hours, sender, census })) = found else { return Ok(None) };
        (self.shard, self.watermark, self.hours) = (shard, watermark, hours);
        if let Some(telling) = &mut self.telling {
            telling.census = census;
        }
        if let Some(sender) = sender {
            self.sender = sender;
        }
        self.watch();
        let people = self.shard.behaviour().map_or(0, |it| it.stats().people);
        tracing::info!(partition = %self.id, offset, committed, people, "goes on from a checkpoint");
        Ok(Some(offset))
    }

    fn idle_after(&self) -> Option<Duration> {
        self.idle_after.or(self.pulse.is_some().then_some(pulses::IDLE_AFTER))
    }

    fn idle_again(&self) -> Option<Duration> {
        let looks = self.pulse.is_some().then_some(pulses::LOOK_EVERY);
        looks.into_iter().chain((self.owners > 0).then_some(TELL_IDLE_EVERY)).min()
    }

    fn idle(&mut self, out: &mut Outbox) {
        let had_exchanged = self.has_exchanged;
        self.keep_up();
        let is_new = !std::mem::replace(&mut self.is_quiet, true);
        // Again and again: an owner that begins anew, or rules that did not need any before, wait for everybody who has not spoken.
        if is_new || self.has_exchanged != had_exchanged || self.told.elapsed() >= TELL_IDLE_EVERY {
            self.course.go_live();
            self.send(true, out);
        }
        if self.pulse.is_some() && !self.course.is_replay() {
            // Only the clock tells that a source has fallen silent of which nothing comes at all.
            let now = clock::now();
            let mut alerts = self.say(true, now, out);
            if !alerts.is_empty() {
                self.writer.write(self.watermark.reached(), self.shard.behaviour(), &mut Vec::new(), &mut alerts, now, out);
            }
        }
    }

    fn set_back(&mut self, offset: i64) {
        self.course.set_back(offset);
        self.sender.begin_anew(clock::now().ms());
        self.course.begin_at(offset, |it| self.take(it));
    }

    fn lost(&mut self, loss: &Loss, out: &mut Outbox) {
        let source = &self.book.programs[usize::from(self.program)].schema.mapping.name;
        self.writer.lost(loss, (source, &self.book.set.hash), out);
    }

    fn close(&mut self) {
        self.course.close(|it| self.take(it));
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        self.metrics.state.forget(&self.of_state);
        if let Some(Listener::Here(pulse)) = &self.pulse {
            pulse.leave(&self.id);
        }
        if self.is_idle {
            self.metrics.exchange.idle(-1);
        }
    }
}
