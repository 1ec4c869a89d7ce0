//! Partitions come and go: starting workers, stopping them, and the end of everything.
//!
//! Whoever loses a partition finishes the batch in hand, waits for its acknowledgements and commits, *before* the
//! group hears that the partition is free. So the next owner starts exactly where this one ended.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::context::Change;
use super::dispatch::{Dispatcher, offsets_of};
use super::worker::Worker;
use super::{KafkaError, Observation, PartitionHandler, PartitionId, RunSummary, Start};

/// A synchronous commit that fails for a passing reason is tried this often.
const COMMIT_TRIES: usize = 3;
/// Before the group is asked again what it has committed.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);

impl<H, F> Dispatcher<F>
where
    H: PartitionHandler,
    F: FnMut(&PartitionId) -> Result<H, String>,
{
    /// Carries out what the group has decided since the last call.
    pub(super) fn carry_out_changes(&mut self) {
        if !self.consumer.context().has_changes() {
            return;
        }
        for change in self.consumer.context().take_changes() {
            let done = match change {
                Change::Assign(partitions) => self.start_workers(&partitions).map(Change::Assign),
                Change::Revoke(partitions) => {
                    self.give_up(&partitions);
                    Ok(Change::Revoke(partitions))
                }
            };
            if let Err(error) = done.and_then(|change| self.answer(&change)) {
                self.surroundings.signals.fail(error);
            }
        }
        self.summary.rebalances += 1;
        (self.surroundings.observer)(Observation::Rebalanced { owned: self.workers.all.len() });
    }

    /// Starts a worker for each of `partitions`, and gives these with the offsets that their handlers want to begin at.
    fn start_workers(&mut self, partitions: &TopicPartitionList) -> Result<TopicPartitionList, KafkaError> {
        let mut begin = TopicPartitionList::new();
        for element in partitions.elements() {
            let id = PartitionId::new(element.topic(), element.partition());
            let mut handler = (self.factory)(&id).map_err(|reason| KafkaError::NoHandler { partition: id.clone(), reason })?;
            let is_asked = handler.is_durable() || self.config.start != Start::Earliest;
            let committed = if is_asked { self.committed(&id)? } else { None };
            let from = handler.resume(committed).map_err(|reason| KafkaError::NoHandler { partition: id.clone(), reason })?;
            let offset = match (from, committed) {
                (Some(from), _) => Offset::Offset(from),
                (None, None) => self.first(&id, element.offset())?,
                (None, Some(_)) => element.offset(),
            };
            begin
                .add_partition_offset(&id.topic, id.partition, offset)
                .map_err(|it| KafkaError::client("begin at an offset", &it))?;
            let live_from = committed.filter(|committed| from.is_some_and(|from| from < *committed));
            let is_exchange = *id.topic == *self.config.exchange_topic;
            let worker = Worker::start(id, handler, live_from, is_exchange, self.surroundings.clone())?;
            (self.surroundings.observer)(Observation::Assigned { partition: &worker.id });
            self.workers.all.push(worker);
        }
        Ok(begin)
    }

    /// Where a partition begins of which nothing is committed; `stored` lets the client decide, which begins at the earliest message.
    fn first(&self, id: &PartitionId, stored: Offset) -> Result<Offset, KafkaError> {
        if *id.topic == *self.config.exchange_topic {
            // What was sent and not handled is not for the taking.
            return Ok(stored);
        }
        let time_ms = match self.config.start {
            Start::Earliest => return Ok(stored),
            Start::Latest => return Ok(Offset::End),
            Start::AtMs(time_ms) => time_ms,
        };
        let asked = offsets_of(std::iter::once((id, time_ms)));
        let found = self.consumer.offsets_for_times(asked, self.config.startup_timeout());
        let found = found.map_err(|error| KafkaError::client("ask for the offset of a time", &error))?;
        // Nothing is that late: with the next message.
        Ok(found.find_partition(&id.topic, id.partition).map_or(Offset::End, |it| it.offset()))
    }

    /// What the group has committed of a partition.
    fn committed(&self, id: &PartitionId) -> Result<Option<i64>, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&id.topic, id.partition);
        let deadline = Instant::now() + self.config.startup_timeout();
        loop {
            match self.consumer.committed_offsets(list.clone(), self.config.startup_timeout()) {
                Ok(found) => {
                    let found = found.find_partition(&id.topic, id.partition).map(|it| it.offset());
                    return Ok(if let Some(Offset::Offset(offset)) = found { Some(offset) } else { None });
                }
                // Somebody's transaction may be open still, or the coordinator moving.
                Err(error) if Instant::now() >= deadline => return Err(KafkaError::client("ask for the committed offset", &error)),
                Err(error) => {
                    let reason = error.to_string();
                    (self.surroundings.observer)(Observation::Trouble { client: "consumer", reason: &reason });
                    std::thread::sleep(ASK_AGAIN_AFTER);
                }
            }
        }
    }

    /// Stops the workers of `partitions` and commits what they finished.
    fn give_up(&mut self, partitions: &TopicPartitionList) {
        let is_lost = self.consumer.assignment_lost();
        let goes = |it: &Worker| partitions.find_partition(&it.id.topic, it.id.partition).is_some();
        let mut going: Vec<Worker> = self.workers.all.extract_if(.., |it| goes(it)).collect();
        if is_lost {
            going.iter().for_each(Worker::forget);
        }
        let drained = self.drain(&mut going, true);
        // Whatever is still on its way belongs to the next owner, from the answer to the group on.
        going.iter().for_each(Worker::forget);
        // Of a lost partition nothing can be committed: somebody else owns it already, and reads it from the last commit.
        let committed = if is_lost { Ok(()) } else { self.commit_now(&going) };
        for result in [drained, committed] {
            if let Err(error) = result {
                tracing::warn!(%error, "partitions given up; their last messages will be read again");
            }
        }
        for worker in &mut going {
            if worker.is_paused {
                // The client remembers a pause beyond the assignment.
                self.surroundings.set_paused(&self.consumer, worker, false);
            }
            self.consumer.context().forget(&worker.id);
            (self.surroundings.observer)(Observation::Revoked { partition: &worker.id, is_lost });
        }
    }

    /// Tells the group that a change is carried out.
    fn answer(&self, change: &Change) -> Result<(), KafkaError> {
        let is_cooperative = matches!(self.consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let answered = match change {
            Change::Assign(partitions) if is_cooperative => self.consumer.incremental_assign(partitions),
            Change::Assign(partitions) => self.consumer.assign(partitions),
            Change::Revoke(partitions) if is_cooperative => self.consumer.incremental_unassign(partitions),
            Change::Revoke(_) => self.consumer.unassign(),
        };
        answered.map_err(|error| KafkaError::client("answer a rebalance", &error))
    }

    /// Ends everything in order: finish what was handed over, have it acknowledged, commit, leave the group.
    pub(super) fn shut_down(mut self) -> Result<RunSummary, KafkaError> {
        let mut workers = std::mem::take(&mut self.workers.all);
        let is_failed = self.surroundings.signals.is_failed();
        let drained = self.drain(&mut workers, is_failed);
        let committed = self.commit_now(&workers);
        self.surroundings.publisher.end();
        self.leave();
        self.summary.records = self.surroundings.publisher.delivered();
        if let Some(error) = self.surroundings.signals.take_failure() {
            return Err(error);
        }
        drained.and(committed).map(|()| self.summary)
    }

    /// Stops all `workers` at once and waits for them together.
    fn drain(&self, workers: &mut [Worker], discards: bool) -> Result<(), KafkaError> {
        let deadline = Instant::now() + self.config.drain_timeout();
        self.surroundings.publisher.set_urgent(true);
        for worker in &mut *workers {
            worker.stop(discards);
        }
        let mut result = Ok(());
        for worker in workers {
            if !worker.wait_until_done(deadline) && result.is_ok() {
                result = Err(KafkaError::NotDrained(worker.id.clone()));
            }
        }
        self.surroundings.publisher.set_urgent(false);
        result
    }

    /// Commits what `workers` have acknowledged, and waits for the coordinator's answer.
    fn commit_now(&self, workers: &[Worker]) -> Result<(), KafkaError> {
        // Offsets that were sent asynchronously are sent again: nobody waits for their answers any more.
        let offsets = offsets_of(workers.iter().filter_map(|it| Some((&it.id, it.committable()?))));
        if offsets.count() == 0 || self.surroundings.publisher.commits_offsets() {
            return Ok(());
        }
        // The client commits what is stored once more when it lets the partitions go: it must not be older than this commit.
        if let Err(error) = self.consumer.store_offsets(&offsets) {
            tracing::debug!(%error, "while storing the last offsets");
        }
        let deadline = Instant::now() + self.config.drain_timeout();
        let mut last = None;
        for _ in 0..COMMIT_TRIES {
            if Instant::now() >= deadline {
                break;
            }
            match self.consumer.commit(&offsets, CommitMode::Sync) {
                Ok(()) => {
                    self.report_committed(&offsets);
                    return Ok(());
                }
                Err(ClientError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => return Ok(()),
                Err(error) => {
                    let reason = error.to_string();
                    (self.surroundings.observer)(Observation::CommitFailed { reason: &reason });
                    last = Some(reason);
                }
            }
        }
        Err(KafkaError::NotCommitted(last.unwrap_or_default()))
    }

    fn report_committed(&self, offsets: &TopicPartitionList) {
        for element in offsets.elements() {
            if let Offset::Offset(offset) = element.offset() {
                self.consumer.context().committed(&PartitionId::new(element.topic(), element.partition()), offset);
            }
        }
    }

    /// Leaves the group. Changes that came in the meantime are answered, or the client would wait for the answer.
    fn leave(&self) {
        self.consumer.context().close();
        for change in self.consumer.context().take_changes() {
            if let Err(error) = self.answer(&change) {
                tracing::debug!(%error, "while leaving the group");
            }
        }
    }
}
