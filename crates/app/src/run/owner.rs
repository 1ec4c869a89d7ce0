//! One partition of the exchange topic: what all partitions with events leave for the groups that are kept here.

use std::sync::Arc;
use std::time::Instant;

use engine::carry::CarryOver;
use engine::repartition::{Origin, Owner, group_of};
use engine::{Rulebook, WindowLimits};
use model::EventTime;
use serde_json::json;
use stream::dead_letters::{Cause, DeadLetter, Origin as Whence, Position, RAW_BYTES_MAX};
use stream::kafka::{Batch, Loss, Outbox, PartitionHandler, PartitionId};
use stream::store::{Loaded, Part};

use super::checkpoints::{Checkpoints, Taken};
use super::clock;
use super::live::LiveRules;
use super::losses;
use super::outgoing::Writer;
use super::pipeline::{Meeting, Setup};
use super::sources::Sources;
use crate::metrics::{ExchangeState, Metrics, PartitionState};
use crate::state::{EXCHANGE, rules_hash};

/// The state of one partition of the exchange topic, from assignment to revocation.
#[derive(Debug)]
pub(super) struct OwnerPartition {
    id: PartitionId,
    group: u64,
    owner: Owner,
    meeting: Arc<Meeting>,
    sources: Arc<Sources>,
    live: Arc<LiveRules>,
    /// The rules that the present batch is taken by.
    book: Arc<Rulebook>,
    limits: WindowLimits,
    writer: Writer,
    checkpoints: Option<Arc<Checkpoints>>,
    /// The offset of the first message that it has not seen.
    next_offset: Option<i64>,
    /// What messages before it cause was written by whoever had the partition before.
    live_from: Option<i64>,
    metrics: Arc<Metrics>,
    of_state: PartitionState,
    of_exchange: ExchangeState,
}

impl OwnerPartition {
    /// One without state, that waits for all partitions with events.
    pub(super) fn new(id: &PartitionId, setup: &Setup, meeting: &Arc<Meeting>, metrics: &Arc<Metrics>) -> Self {
        let (live, book, limits) = (Arc::clone(&setup.live), setup.live.book(), setup.limits.windows());
        let group = group_of(&setup.kafka.group_id);
        let mut it = Self {
            id: id.clone(),
            group,
            owner: Owner::new(group, &book, limits, meeting.origins()),
            meeting: Arc::clone(meeting),
            sources: Arc::clone(&setup.sources),
            live,
            book,
            limits,
            writer: Writer::new(id, setup, metrics),
            checkpoints: setup.checkpoints.clone(),
            next_offset: None,
            live_from: None,
            metrics: Arc::clone(metrics),
            of_state: metrics.state.partition(id),
            of_exchange: metrics.exchange.partition(id),
        };
        it.set_clocks();
        if let Some(checkpoints) = &it.checkpoints {
            checkpoints.join(id);
        }
        it
    }

    fn set_clocks(&mut self) {
        for (program, clock) in self.sources.clocks() {
            self.owner.set_clock(program, clock.clone());
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
            self.owner.adopt(&over, &book.set, self.limits);
        }
        self.book = book;
    }

    fn refuse(&self, reason: &str, offset: i64, raw: &[u8], now: EventTime, out: &mut Outbox) {
        if self.live_from.is_some() {
            return;
        }
        tracing::error!(partition = %self.id, offset, reason, "a record of the exchange topic is none of ours");
        self.metrics.exchange.refused();
        let origin = Whence { source: &self.id.topic, partition: Some(self.id.partition), position: Position::message(offset) };
        let cause = Cause { code: "not_a_parcel", reason };
        out.dead_letter(&DeadLetter::of_part(now.ms(), origin, cause, raw, raw.len() as u64, RAW_BYTES_MAX));
    }

    fn take(&self, offset: i64) -> Taken {
        let stats = self.owner.stats();
        let about = json!({
            "nightjar": env!("CARGO_PKG_VERSION"),
            "source": "exchange",
            "rules_hash": rules_hash(&self.book),
            "groups": stats.windows.groups,
            "waiting": stats.merge.pending,
        });
        let parts = vec![Part { name: EXCHANGE.to_owned(), bytes: self.owner.snapshot(&self.book) }];
        Taken { offset, about, parts }
    }

    /// Hands over a copy of the state when one is due.
    fn keep(&self) {
        let Some((checkpoints, offset)) = self.checkpoints.as_ref().zip(self.next_offset) else { return };
        let permit = if self.live_from.is_none() { checkpoints.due(&self.id) } else { None };
        if let Some(permit) = permit {
            let begun = Instant::now();
            let taken = self.take(offset);
            checkpoints.offer(&self.id, taken, permit, begun.elapsed());
        }
    }
}

fn owner_in(loaded: &Loaded, book: &Rulebook, limits: WindowLimits) -> Result<Owner, String> {
    let part = loaded.parts.iter().find(|it| it.name == EXCHANGE).ok_or("it is of a partition with events")?;
    Owner::restore(book, limits, &part.bytes).map_err(|it| it.to_string())
}

impl PartitionHandler for OwnerPartition {
    fn handle(&mut self, batch: &Batch, out: &mut Outbox) {
        let now = clock::now();
        self.keep_up();
        if let Some((checkpoints, first)) = self.checkpoints.as_ref().zip(batch.messages().first())
            && self.next_offset.is_none()
        {
            checkpoints.begin(&self.id, first.offset, || self.take(first.offset));
        }
        // Batches end where what was published ends.
        self.live_from = self.live_from.filter(|it| batch.end_offset().is_some_and(|end| end <= *it));
        let mut alerts = Vec::new();
        for message in batch.messages() {
            let raw = batch.payload_of(message);
            if message.is_oversize {
                self.refuse("it is too long", message.offset, raw, now, out);
            } else if let Err(error) = self.owner.accept(&self.book, raw, &mut alerts) {
                self.refuse(&error.to_string(), message.offset, raw, now, out);
            }
        }
        self.next_offset = batch.end_offset().or(self.next_offset);
        if self.live_from.is_some() {
            self.metrics.checkpoints.replayed(batch.len());
        } else {
            if let Some((checkpoints, offset)) = self.checkpoints.as_ref().zip(self.next_offset) {
                checkpoints.handling(&self.id, offset);
            }
            self.metrics.exchange.received(batch.len());
            self.writer.write(self.owner.reached(), None, &mut Vec::new(), &mut alerts, now, out);
        }
        let stats = self.owner.stats();
        self.of_state.set_windows(stats.windows);
        self.of_exchange.set(&stats);
        self.keep();
    }

    fn resume(&mut self, committed: Option<i64>) -> Result<Option<i64>, String> {
        let Some((checkpoints, committed)) = self.checkpoints.as_ref().zip(committed) else { return Ok(None) };
        let (book, limits) = (Arc::clone(&self.book), self.limits);
        let found = checkpoints.newest(&self.id, committed, |it| owner_in(it, &book, limits))?;
        self.metrics.checkpoints.resumed(found.is_some());
        let Some((offset, mut owner)) = found else {
            tracing::info!(partition = %self.id, committed, "no checkpoint: the partition begins anew");
            return Ok(None);
        };
        owner.reshape(self.group, |it: &Origin| self.meeting.has(it), self.meeting.origins());
        self.owner = owner;
        self.set_clocks();
        self.next_offset = Some(offset);
        self.live_from = Some(committed).filter(|it| offset < *it);
        tracing::info!(partition = %self.id, offset, committed, "goes on from a checkpoint");
        Ok(Some(offset))
    }

    fn close(&mut self) {
        let Some(checkpoints) = self.checkpoints.clone() else { return };
        // Not before what was published: the state would be one that the next owner may not use.
        let offset = self.next_offset.filter(|_| self.live_from.is_none());
        let partition = &*self;
        checkpoints.leave(&self.id, offset.map(|it| move || partition.take(it)));
    }

    fn set_back(&mut self, offset: i64) {
        (self.live_from, self.next_offset) = (None, Some(offset));
        if let Some(checkpoints) = &self.checkpoints {
            // What is kept so far goes further than anything of this topic.
            checkpoints.committed(&self.id, offset);
            checkpoints.begin(&self.id, offset, || self.take(offset));
        }
    }

    fn lost(&mut self, loss: &Loss, out: &mut Outbox) {
        let now = clock::now();
        let alert = losses::alert(&self.id, loss, ("exchange", &self.book.set.hash), now);
        self.writer.alert(&alert, now, out);
    }
}

impl Drop for OwnerPartition {
    fn drop(&mut self) {
        self.metrics.state.forget(&self.of_state);
        self.metrics.exchange.forget(&self.of_exchange);
    }
}
