//! One partition of the exchange topic: what all partitions with events leave for the groups that are kept here.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::carry::CarryOver;
use engine::pulse::PulseStats;
use engine::repartition::{self, Decided, Owner, Station, group_of};
use engine::triage::Counts;
use engine::{Rulebook, WindowLimits};
use model::EventTime;
use serde_json::json;
use stream::dead_letters::{Cause, DeadLetter, Origin as Whence, Position, RAW_BYTES_MAX};
use stream::kafka::{Batch, Loss, Outbox, PartitionHandler, PartitionId};
use stream::store::{Loaded, Part};

use super::checkpoints::Taken;
use super::clock;
use super::course::Course;
use super::live::LiveRules;
use super::outgoing::Writer;
use super::pipeline::{Meeting, Setup, origin_of};
use super::pulses::Pulses;
use super::sources::Sources;
use super::triage::GroupTriage;
use crate::metrics::{ExchangeState, Metrics, PartitionState};
use crate::state::{EXCHANGE, rules_hash};

/// The state of one partition of the exchange topic, from assignment to revocation.
#[derive(Debug)]
pub(super) struct OwnerPartition {
    id: PartitionId,
    station: Station,
    group: u64,
    triage: Option<Arc<GroupTriage>>,
    pulses: Arc<Pulses>,
    meeting: Arc<Meeting>,
    sources: Arc<Sources>,
    live: Arc<LiveRules>,
    /// The rules that the present batch is taken by.
    book: Arc<Rulebook>,
    limits: WindowLimits,
    writer: Writer,
    course: Course,
    /// What the desk had counted when metrics were told last.
    counted: Counts,
    /// The partitions with events that there were when it was taken up, until it is live.
    there: Option<BTreeSet<PartitionId>>,
    metrics: Arc<Metrics>,
    of_state: PartitionState,
    of_exchange: ExchangeState,
}

impl OwnerPartition {
    /// One without state, that waits for all partitions with events.
    pub(super) fn new(id: &PartitionId, setup: &Setup, meeting: &Arc<Meeting>, metrics: &Arc<Metrics>) -> Self {
        let (live, book, limits) = (Arc::clone(&setup.live), setup.live.book(), setup.limits.windows());
        let group = group_of(&setup.kafka.group_id);
        let triage = setup.desk.clone();
        let mut it = Self {
            id: id.clone(),
            station: begun(id, (group, &book, limits), meeting, (triage.as_deref(), &setup.pulses)),
            group,
            triage,
            pulses: Arc::clone(&setup.pulses),
            meeting: Arc::clone(meeting),
            sources: Arc::clone(&setup.sources),
            live,
            book,
            limits,
            writer: Writer::new(id, setup, metrics),
            course: Course::new(id, setup, metrics),
            counted: Counts::default(),
            there: None,
            metrics: Arc::clone(metrics),
            of_state: metrics.state.partition(id),
            of_exchange: metrics.exchange.partition(id),
        };
        it.set_clocks();
        it
    }

    fn set_clocks(&mut self) {
        for (program, clock) in self.sources.clocks() {
            self.station.set_clock(program, clock.clone());
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
            self.station.adopt(&over, &book.set, self.limits);
        }
        self.book = book;
    }

    /// Partitions that are no more are waited for no longer. Not before it is live: up to there it has to do what was done before.
    fn let_go(&mut self) {
        let Some(there) = self.there.take_if(|_| !self.course.is_replay()) else { return };
        let is_changed = self.station.retain(|it| there.contains(&PartitionId::new(&it.topic, it.partition)));
        if let Some(offset) = self.course.next_offset().filter(|_| is_changed) {
            // Or whoever reads this again would wait for them.
            self.course.begin_at(offset, |it| self.take(it));
        }
    }

    fn refuse(&self, reason: &str, offset: i64, raw: &[u8], now: EventTime, out: &mut Outbox) {
        if self.course.is_replay() {
            return;
        }
        tracing::error!(partition = %self.id, offset, reason, "a record of the exchange topic is none of ours");
        self.metrics.exchange.refused();
        let origin = Whence { source: &self.id.topic, partition: Some(self.id.partition), position: Position::message(offset) };
        let cause = Cause { code: "not_a_parcel", reason };
        out.dead_letter(&DeadLetter::of_part(now.ms(), origin, cause, raw, raw.len() as u64, RAW_BYTES_MAX));
    }

    /// How each source is heard of, if that is kept here.
    fn pulses_by_source(&self) -> impl Iterator<Item = (&str, PulseStats)> {
        let name = |program: u16| &*self.book.programs[usize::from(program)].schema.mapping.name;
        self.station.pulses().into_iter().flat_map(repartition::Pulses::stats).map(move |(program, stats)| (name(program), stats))
    }

    fn take(&self, offset: i64) -> Taken {
        let stats = self.station.stats();
        let about = json!({
            "nightjar": env!("CARGO_PKG_VERSION"),
            "source": "exchange",
            "rules_hash": rules_hash(&self.book),
            "groups": stats.windows.groups,
            "waiting": stats.merge.pending,
        });
        let parts = vec![Part { name: EXCHANGE.to_owned(), bytes: self.station.snapshot(&self.book) }];
        Taken { offset, about, parts }
    }
}

/// A station without state. The first of the topic keeps the pulses, and the desk, if the group triages.
fn begun(
    id: &PartitionId,
    (group, book, limits): (u64, &Rulebook, WindowLimits),
    meeting: &Meeting,
    (triage, pulses): (Option<&GroupTriage>, &Pulses),
) -> Station {
    let mut station = Station::new(origin_of(id), clock::now().ms(), Owner::new(group, book, limits, meeting.origins()));
    if let Some(triage) = triage {
        station.set_triaged();
        if id.partition == 0 {
            station.set_desk(triage.desk(&id.topic, meeting.origins().chain(meeting.owners())));
        }
    }
    if let Some(pulses) = pulses.of_group(meeting).filter(|_| id.partition == 0) {
        station.set_pulses(pulses);
    }
    station
}

impl PartitionHandler for OwnerPartition {
    fn handle(&mut self, batch: &Batch, out: &mut Outbox) {
        let now = clock::now();
        self.keep_up();
        self.course.begin(batch, |it| self.take(it));
        self.course.enter(batch);
        self.let_go();
        let mut found = Decided::default();
        for message in batch.messages() {
            let raw = batch.payload_of(message);
            if message.is_oversize {
                self.refuse("it is too long", message.offset, raw, now, out);
            } else if let Err(error) = self.station.accept(&self.book, raw, message.offset, &mut found) {
                self.refuse(&error.to_string(), message.offset, raw, now, out);
            }
        }
        if self.course.pass(batch) {
            self.metrics.exchange.received(batch.len());
            self.writer.write(self.station.reached(), None, &mut Vec::new(), &mut found.alerts, now, out);
            self.writer.write_triaged(found.outgoing, now, out);
            found.told.iter().for_each(|it| out.exchange(0, it));
            self.metrics.exchange.sent(found.told.len(), found.too_long);
        }
        let stats = self.station.stats();
        self.of_state.set_windows(stats.windows);
        self.of_exchange.set(&stats);
        if let Some(desk) = self.station.desk() {
            let stats = desk.stats();
            if !self.course.is_replay() {
                self.metrics.triage.set_since(&stats, &self.counted);
            }
            self.counted = stats.counts;
        }
        for (source, stats) in self.pulses_by_source() {
            self.metrics.pulse.set(source, &stats);
        }
        self.course.keep(|it| self.take(it));
    }

    fn resume(&mut self, committed: Option<i64>) -> Result<Option<i64>, String> {
        let (book, limits) = (Arc::clone(&self.book), self.limits);
        let Self { id, group, meeting, triage, pulses, course, .. } = self;
        let station_in = |it: &Loaded| {
            let part = it.parts.iter().find(|it| it.name == EXCHANGE).ok_or("it is of a partition with events")?;
            let station = begun(id, (*group, &book, limits), meeting, (triage.as_deref(), pulses));
            let settings = triage.as_ref().map(|it| it.settings());
            station.restore(&book, limits, settings, &part.bytes).map_err(|it| it.to_string())
        };
        let Some((offset, station)) = course.resume(committed, station_in)? else { return Ok(None) };
        self.counted = station.desk().map_or_else(Counts::default, |it| it.stats().counts);
        self.station = station;
        self.there = self.meeting.now();
        self.set_clocks();
        tracing::info!(partition = %self.id, offset, committed, "goes on from a checkpoint");
        Ok(Some(offset))
    }

    fn close(&mut self) {
        self.course.close(|it| self.take(it));
    }

    fn set_back(&mut self, offset: i64) {
        self.course.set_back(offset);
        self.station.begin_anew(clock::now().ms());
        self.course.begin_at(offset, |it| self.take(it));
    }

    fn lost(&mut self, loss: &Loss, out: &mut Outbox) {
        self.writer.lost(loss, ("exchange", &self.book.set.hash), out);
    }
}

impl Drop for OwnerPartition {
    fn drop(&mut self) {
        self.metrics.state.forget(&self.of_state);
        self.metrics.exchange.forget(&self.of_exchange);
        if self.station.desk().is_some() {
            self.metrics.triage.leave();
        }
        self.pulses_by_source().for_each(|(source, stats)| self.metrics.pulse.forget(source, &stats));
    }
}
