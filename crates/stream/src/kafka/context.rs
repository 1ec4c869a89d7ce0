//! The consumer's callbacks: they write down what happened, and the dispatcher acts on it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError as ClientError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::opening::metadata_of;
use super::runtime::Signals;
use super::{KafkaError, Observation, Observer, PartitionId};

/// A change of the assignment that the dispatcher has to carry out.
pub(super) enum Change {
    /// These partitions are ours now.
    Assign(TopicPartitionList),
    /// These partitions go.
    Revoke(TopicPartitionList),
}

/// Callbacks of the group member.
///
/// A rebalance is *queued*: stopping workers needs the dispatcher's own state, and librdkafka does not mind that the
/// answer (`assign`, `unassign`) comes after the callback has returned.
pub(super) struct MemberContext {
    observer: Observer,
    signals: Arc<Signals>,
    changes: Mutex<Vec<Change>>,
    has_changes: AtomicBool,
    /// Where each partition of ours stands in the group, as far as is known here.
    committed: Mutex<BTreeMap<PartitionId, Option<i64>>>,
    /// Of which partitions everything was fetched, and when that was found out.
    ends: Mutex<BTreeMap<PartitionId, Instant>>,
    /// How long the group has not let us in.
    outside: Mutex<Outside>,
    /// The id of the member that our partitions were given to (see [`membership`](super::membership)).
    member: Mutex<Option<String>>,
    /// What the group began with.
    pub(super) begun: Begun,
    /// The consumer is being closed: answer revocations at once, since nobody takes them from the queue any more.
    is_closing: AtomicBool,
}

impl MemberContext {
    pub(super) fn new(observer: Observer, signals: Arc<Signals>) -> Self {
        Self {
            observer,
            signals,
            changes: Mutex::default(),
            has_changes: AtomicBool::new(false),
            committed: Mutex::default(),
            ends: Mutex::default(),
            outside: Mutex::default(),
            member: Mutex::default(),
            begun: Begun::default(),
            is_closing: AtomicBool::new(false),
        }
    }

    /// There is something for [`MemberContext::take_changes`].
    pub(super) fn has_changes(&self) -> bool {
        self.has_changes.load(Ordering::Acquire)
    }

    /// The queued changes, oldest first.
    pub(super) fn take_changes(&self) -> Vec<Change> {
        self.has_changes.store(false, Ordering::Release);
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on revocations are answered without the dispatcher.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    /// Partitions are given to this member, or what it was given is not to be committed any more.
    pub(super) fn set_member(&self, id: Option<String>) {
        *self.member.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }

    /// Our partitions were given to the member that has this id.
    pub(super) fn is_member(&self, id: &str) -> bool {
        self.member.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(id)
    }

    /// A partition is ours.
    pub(super) fn own(&self, id: &PartitionId) {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), None);
    }

    /// An offset was committed, by whatever way. What is told of a partition that is another's by now is of no interest.
    pub(super) fn committed(&self, id: &PartitionId, offset: i64) {
        match self.committed.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            Some(known) => *known = Some(offset),
            None => return,
        }
        (self.observer)(Observation::Committed { topic: &id.topic, partition: id.partition, offset });
    }

    /// After `since` there was nothing in the partition that was not fetched, as of the latest statistics.
    pub(super) fn is_at_end(&self, id: &PartitionId, since: Instant) -> bool {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(id).is_some_and(|it| *it > since)
    }

    /// A partition is another's: what was known of it is of no interest any more.
    pub(super) fn forget(&self, id: &PartitionId) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Takes note of how far a partition was fetched.
    fn fetched(&self, topic: &str, partition: i32, is_at_end: bool) {
        let id = PartitionId::new(topic, partition);
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if is_at_end {
            ends.insert(id, Instant::now());
        } else {
            ends.remove(&id);
        }
    }

    /// A list of offsets to commit.
    pub(super) fn to_commit<'a>(&self, offsets: impl Iterator<Item = (&'a PartitionId, i64)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (id, offset) in offsets {
            let mut element = list.add_partition(&id.topic, id.partition);
            element.set_offset(Offset::Offset(offset)).expect("the offset after a message is a valid offset");
            if let Some(begun) = self.begun.of(&id.topic) {
                element.set_metadata(metadata_of(begun));
            }
        }
        list
    }

    fn queue(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
        self.has_changes.store(true, Ordering::Release);
    }
}

/// Joining that takes longer is told: the client goes on for ever, and has nothing to say about it.
const OUTSIDE_MAX: Duration = Duration::from_secs(30);

/// Since when a member is not settled in its group.
#[derive(Debug, Default)]
struct Outside {
    since: Option<Instant>,
    told: Option<Instant>,
}

impl Outside {
    /// Takes note of the client's state of joining; how long it has not been settled, if that is to be told now.
    fn note(&mut self, join_state: &str, now: Instant) -> Option<Duration> {
        if join_state == "steady" {
            *self = Self::default();
            return None;
        }
        let lasts = now - *self.since.get_or_insert(now);
        let is_due = lasts >= OUTSIDE_MAX && self.told.is_none_or(|it| now - it >= OUTSIDE_MAX);
        is_due.then(|| {
            self.told = Some(now);
            lasts
        })
    }
}

/// With how many partitions of each topic the group began.
#[derive(Debug, Default)]
pub(super) struct Begun {
    counts: Mutex<BTreeMap<String, i32>>,
    turn: Mutex<()>,
}

impl Begun {
    /// Whoever wants to find it out waits here for those who do already.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, topic: &str) -> Option<i32> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }

    pub(super) fn set(&self, topic: &str, count: i32) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned(), count);
    }
}

/// Those of `partitions` that the client was told to read: those that are still being loaded it does not know.
pub(super) fn read_of(consumer: &BaseConsumer<MemberContext>, partitions: &TopicPartitionList) -> TopicPartitionList {
    let assigned = consumer.assignment().unwrap_or_default();
    let mut list = TopicPartitionList::new();
    for it in partitions.elements() {
        if assigned.find_partition(it.topic(), it.partition()).is_some() {
            list.add_partition(it.topic(), it.partition());
        }
    }
    list
}

impl ConsumerContext for MemberContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let is_assignment = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if !self.is_closing.load(Ordering::Acquire) {
            self.queue(if is_assignment { Change::Assign(partitions.clone()) } else { Change::Revoke(partitions.clone()) });
            return;
        }
        // A group that has ended wants no answer to what it said before, and would let us wait for its own.
        if consumer.closed() {
            return;
        }
        // Nothing is begun any more.
        let answered = if is_assignment {
            consumer.incremental_assign(&TopicPartitionList::new())
        } else {
            consumer.incremental_unassign(&read_of(consumer, partitions))
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "unassign while closing");
        }
    }

    /// Result of a background commit. One that failed needs nothing of us: the client tries again as long as the stored
    /// offset is not the committed one.
    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        match result {
            Ok(()) | Err(ClientError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => return (self.observer)(Observation::CommitFailed { reason: &error.to_string() }),
        }
        for element in offsets.elements() {
            match (element.error(), element.offset()) {
                (Ok(()), Offset::Offset(offset)) => {
                    self.committed(&PartitionId::new(element.topic(), element.partition()), offset);
                }
                (Ok(()), _) => {}
                (Err(error), _) => (self.observer)(Observation::CommitFailed { reason: &error.to_string() }),
            }
        }
    }
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_of_client("consumer", level, facility, message);
    }

    #[expect(clippy::iter_over_hash_type, reason = "every entry is a report of its own: their order reaches nothing")]
    fn stats(&self, statistics: Statistics) {
        // The coordinator is listed once more, without a number.
        let up = statistics.brokers.values().filter(|it| it.nodeid >= 0 && it.state == "UP").count();
        (self.observer)(Observation::Brokers { up });
        // What the client knows of the ends of partitions is of before.
        if up == 0 {
            return;
        }
        if let Some(group) = &statistics.cgrp
            && let Some(lasts) = self.outside.lock().unwrap_or_else(PoisonError::into_inner).note(&group.join_state, Instant::now())
        {
            let (seconds, state, joining) = (lasts.as_secs(), &group.state, &group.join_state);
            let reason = format!(
                "the group has not let us in for {seconds} s ({state}, {joining}); if it lasts, the broker that coordinates the group is \
                 not there, or says in its log why it can't"
            );
            (self.observer)(Observation::Trouble { client: "consumer", reason: &reason });
        }
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, topic) in &statistics.topics {
            for (number, partition) in &topic.partitions {
                // Before the first commit it is where reading goes on. The client's own lag doesn't know of offsets in transactions.
                let known = committed.get(&PartitionId::new(name, *number)).copied().flatten();
                let (done, high_watermark) = (known.unwrap_or(partition.next_offset), partition.hi_offset);
                let is_at_end = high_watermark >= 0 && partition.next_offset >= high_watermark && partition.fetchq_cnt == 0;
                self.fetched(name, *number, is_at_end);
                // Partition -1 is librdkafka's place for what has no partition; offsets that are not known are negative.
                if *number >= 0 && partition.desired && done >= 0 && high_watermark >= 0 {
                    let lag = high_watermark.saturating_sub(done).max(0);
                    (self.observer)(Observation::Lag { topic: name, partition: *number, lag, high_watermark });
                }
            }
        }
    }

    fn error(&self, error: ClientError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.signals.fail(KafkaError::Fatal(reason.to_owned()));
        } else {
            (self.observer)(Observation::Trouble { client: "consumer", reason });
        }
    }
}

/// The client's log lines become ours.
pub(super) fn log_of_client(client: &'static str, level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", client, facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", client, facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", client, facility, "{message}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", client, facility, "{message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_lets_nobody_in_is_told_of_after_half_a_minute_and_every_half_minute() {
        let begin = Instant::now();
        let mut outside = Outside::default();
        let mut told = |state: &str, second: u64| outside.note(state, begin + Duration::from_secs(second)).map(|it| it.as_secs());
        assert_eq!((told("init", 0), told("wait-join", 29), told("init", 30)), (None, None, Some(30)));
        assert_eq!((told("init", 59), told("wait-join", 61), told("init", 62)), (None, Some(61), None));
        assert_eq!((told("steady", 70), told("wait-sync", 71), told("wait-join", 100)), (None, None, None));
        assert_eq!(told("wait-join", 101), Some(30));
    }
}
