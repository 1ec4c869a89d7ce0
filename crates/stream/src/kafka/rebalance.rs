//! Partitions come and go: starting workers, stopping them, and the end of everything.
//!
//! A partition that comes is loaded beside the dispatcher (see [`Loaders`](super::loading::Loaders)); the group has its answer at once, and the
//! client is told of the partition when it is ready. Whoever loses a partition finishes the batch in hand, waits for its acknowledgements and commits, *before* the
//! group hears that the partition is free. So the next owner starts exactly where this one ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::context::{Change, read_of};
use super::dispatch::Dispatcher;
use super::loading::Loaded;
use super::opening::Opening;
use super::worker::{Offer, Worker};
use super::{KafkaError, Observation, PartitionHandler, PartitionId, RunSummary};

/// A synchronous commit that fails for a passing reason is tried this often.
const COMMIT_TRIES: usize = 3;
/// Longest question about the ends of a partition whose next message is gone.
const LOOK: Duration = Duration::from_secs(1);
/// Before a worker that is behind is offered its last messages again.
const ROOM_WAIT: Duration = Duration::from_millis(5);

impl<H, F> Dispatcher<H, F>
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
            let done = match &change {
                Change::Assign(partitions) => self.take_over(partitions),
                Change::Revoke(partitions) => {
                    self.give_up(partitions);
                    Ok(())
                }
            };
            if let Err(error) = done.and_then(|()| self.answer(&change)) {
                self.surroundings.signals.fail(error);
            }
        }
        self.summary.rebalances += 1;
        (self.surroundings.observer)(Observation::Rebalanced { owned: self.workers.all.len() + self.loaders.count() });
    }

    /// Begins to load what was kept of `partitions`.
    fn take_over(&mut self, partitions: &TopicPartitionList) -> Result<(), KafkaError> {
        self.note_membership();
        for element in partitions.elements() {
            let id = PartitionId::new(element.topic(), element.partition());
            if !self.loaders.has_to_wait(&id) {
                self.load(&id)?;
            }
            (self.surroundings.observer)(Observation::Assigned { partition: &id });
        }
        Ok(())
    }

    fn load(&mut self, id: &PartitionId) -> Result<(), KafkaError> {
        let handler = (self.factory)(id).map_err(|reason| KafkaError::NoHandler { partition: id.clone(), reason })?;
        self.consumer.context().own(id);
        self.loaders.load(id, handler);
        Ok(())
    }

    /// Begins to read the partitions that are loaded.
    pub(super) fn go_live(&mut self) {
        // Between a change of the assignment and its answer the client takes no other.
        while !self.consumer.context().has_changes() && !self.surroundings.signals.should_end() {
            let Some(loaded) = self.loaders.next() else { return };
            let done = match loaded {
                Loaded::Ready(id, handler, opening, took) => self.begin(id, handler, opening, took),
                Loaded::Again(id) => self.load(&id),
                Loaded::Failed(error) => Err(error),
            };
            if let Err(error) = done {
                self.surroundings.signals.fail(error);
            }
        }
    }

    fn begin(&mut self, id: PartitionId, handler: H, opening: Opening, took: Duration) -> Result<(), KafkaError> {
        for loss in &opening.losses {
            (self.surroundings.observer)(Observation::Lost { partition: &id, loss: *loss });
        }
        let mut begin = TopicPartitionList::new();
        let told = begin.add_partition_offset(&id.topic, id.partition, Offset::Offset(opening.begin));
        told.and_then(|()| self.consumer.incremental_assign(&begin))
            .map_err(|error| KafkaError::client("begin with a partition", &error))?;
        let is_exchange = *id.topic == *self.config.exchange_topic;
        let worker = Worker::start(id, handler, opening, is_exchange, self.surroundings.clone())?;
        (self.surroundings.observer)(Observation::Opened { partition: &worker.id, took });
        self.workers.all.push(worker);
        Ok(())
    }

    /// What some partition was to go on with is gone: retention has overtaken us, or the topic was made anew. Those that it is are opened again,
    /// which tells what was lost.
    pub(super) fn reopen(&mut self) {
        let is_out = |it: &Worker| {
            let log = self.consumer.fetch_watermarks(&it.id.topic, it.id.partition, LOOK);
            log.is_ok_and(|(low, high)| it.position() < low || it.position() > high)
        };
        let out: Vec<bool> = self.workers.all.iter().map(is_out).collect();
        let mut out = out.into_iter();
        let mut going: Vec<Worker> = self.workers.all.extract_if(.., |_| out.next().unwrap_or(false)).collect();
        if let Err(error) = self.let_go(&mut going) {
            self.surroundings.signals.fail(error);
        }
    }

    /// Has workers finish what they were given, and loads their partitions again.
    fn let_go(&mut self, going: &mut [Worker]) -> Result<(), KafkaError> {
        let deadline = Instant::now() + self.config.drain_timeout();
        let mut list = TopicPartitionList::new();
        for worker in &mut *going {
            while worker.offer() != Offer::Taken && Instant::now() < deadline {
                std::thread::sleep(ROOM_WAIT);
            }
            list.add_partition(&worker.id.topic, worker.id.partition);
        }
        self.drain(going, false)?;
        self.commit_now(going)?;
        for worker in &mut *going {
            if worker.is_paused {
                self.surroundings.set_paused(&self.consumer, worker, false);
            }
        }
        self.consumer.incremental_unassign(&list).map_err(|error| KafkaError::client("begin anew with a partition", &error))?;
        going.iter().try_for_each(|it| self.load(&it.id))
    }

    /// Stops the workers of `partitions` and commits what they finished.
    fn give_up(&mut self, partitions: &TopicPartitionList) {
        let is_lost = self.consumer.assignment_lost() || self.is_put_out();
        let goes = |it: &Worker| partitions.find_partition(&it.id.topic, it.id.partition).is_some();
        let mut going: Vec<Worker> = self.workers.all.extract_if(.., |it| goes(it)).collect();
        for element in partitions.elements() {
            let id = PartitionId::new(element.topic(), element.partition());
            if self.loaders.give_up(&id) {
                self.consumer.context().forget(&id);
                (self.surroundings.observer)(Observation::Revoked { partition: &id, is_lost });
            }
        }
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
        let answered = match change {
            // They are added one by one when they are loaded.
            Change::Assign(_) => self.consumer.incremental_assign(&TopicPartitionList::new()),
            Change::Revoke(partitions) => self.consumer.incremental_unassign(&read_of(&self.consumer, partitions)),
        };
        answered.map_err(|error| KafkaError::client("answer a rebalance", &error))
    }

    /// Says why, if the client has failed because another process has our name.
    fn named(&self, error: KafkaError) -> KafkaError {
        match (error, self.consumer.client().fatal_error()) {
            (KafkaError::Fatal(_), Some((RDKafkaErrorCode::FencedInstanceId, reason))) => {
                KafkaError::Replaced { id: self.config.instance_id.clone(), reason }
            }
            (error, _) => error,
        }
    }

    /// Ends everything in order: finish what was handed over, have it acknowledged, commit, leave the group.
    pub(super) fn shut_down(mut self) -> Result<RunSummary, KafkaError> {
        let mut workers = std::mem::take(&mut self.workers.all);
        let is_failed = self.surroundings.signals.is_failed();
        // Then others have the partitions, and read again what is not committed.
        let is_put_out = !workers.is_empty() && self.is_put_out();
        if is_put_out {
            workers.iter().for_each(Worker::forget);
        }
        let deadline = Instant::now() + self.config.drain_timeout();
        let drained = self.drain(&mut workers, is_failed || is_put_out);
        let done = if is_put_out { Ok(()) } else { drained.and(self.commit_now(&workers)) };
        self.loaders.end(deadline);
        self.surroundings.publisher.end();
        self.answer_the_rest();
        self.summary.records = self.surroundings.publisher.delivered();
        let ended = match self.surroundings.signals.take_failure() {
            Some(error) => Err(self.named(error)),
            None => done.map(|()| self.summary),
        };
        let (consumer, limit) = (Arc::clone(&self.consumer), self.config.drain_timeout());
        drop(workers);
        drop(self);
        if !let_go(consumer, limit) {
            tracing::warn!(
                limit_s = limit.as_secs_f64(),
                "the client has not left its group in time, and is not waited for: the broker gives its partitions to others when its \
                 session ends"
            );
        }
        ended
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
        let offsets = self.consumer.context().to_commit(workers.iter().filter_map(|it| Some((&it.id, it.committable()?))));
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

    /// Changes that came in the meantime are answered, or the client would wait for the answer when it leaves the group.
    fn answer_the_rest(&self) {
        self.consumer.context().close();
        for change in self.consumer.context().take_changes() {
            if let Err(error) = self.answer(&change) {
                tracing::debug!(%error, "while leaving the group");
            }
        }
    }
}

/// Drops the last of a client, with which it leaves its group; false if that takes longer than `limit`, and goes on by itself. It may take for
/// ever: what is asked of librdkafka's group in the moment in which that ends has no answer (2.12.1, `rd_kafka_cgrp_op_serve`).
fn let_go<T: Send + 'static>(client: T, limit: Duration) -> bool {
    let (gone, is_gone) = bounded::<()>(1);
    let leaving = move || {
        drop(client);
        drop(gone);
    };
    // Without a thread it was dropped here.
    let Ok(_) = std::thread::Builder::new().name("kafka-leave".to_owned()).spawn(leaving) else { return true };
    // Nothing is ever sent: the end of the thread is its answer.
    is_gone.recv_timeout(limit) != Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that ends when it is told to.
    struct Slow(crossbeam_channel::Receiver<()>);

    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.recv().ok();
        }
    }

    #[test]
    fn a_client_that_never_ends_is_not_waited_for() {
        let (end, is_ended) = bounded(1);
        assert!(!let_go(Slow(is_ended.clone()), Duration::from_millis(10)));
        end.send(()).unwrap();
        end.send(()).unwrap();
        assert!(let_go(Slow(is_ended), Duration::from_mins(1)));
    }
}
