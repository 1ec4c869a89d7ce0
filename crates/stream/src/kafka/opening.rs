//! Where a partition begins: what the group has committed of it, what its handler has kept, and what the brokers still have.
//!
//! All of that takes requests and can take long, so it happens on the threads of [`Loaders`](super::loading::Loaders), while the dispatcher goes on
//! polling. [`decide`] is the pure part.

use std::ops::Range;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as ClientError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Offset, TopicPartitionList};

use super::context::MemberContext;
use super::observe::{Loss, LossKind};
use super::{KafkaError, Observation, Observer, PartitionHandler, PartitionId, Start};

/// Longest question to a broker; then it is looked whether the partition is still ours, and it is asked again.
const ASK: Duration = Duration::from_secs(5);
/// Before it is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// What is committed beyond the end is believed after so many looks: a new leader may not know yet how far it is.
const LOOKS: usize = 3;
/// Between them.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(400);
/// With each offset the group commits how many partitions the topic had when it began: what has come since is read from its beginning.
const BEGUN: &str = "begun=";

/// Where a partition begins, and what has to be done first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Opening {
    /// The offset of the first message to read.
    pub(super) begin: i64,
    /// What messages before it cause was published already.
    pub(super) live_from: Option<i64>,
    /// The offset that the group commits before anything else, so that it is remembered where it began.
    pub(super) commit: Option<i64>,
    /// What nobody is going to read.
    pub(super) losses: Vec<Loss>,
}

/// Who asks.
pub(super) struct Asking<'a> {
    pub(super) consumer: &'a Weak<BaseConsumer<MemberContext>>,
    pub(super) observer: &'a Observer,
    pub(super) start: Start,
    /// The partition is still wanted.
    pub(super) is_wanted: &'a AtomicBool,
}

/// Nobody wants to know any more, or it can't be known.
#[derive(Debug)]
pub(super) enum Unopened {
    /// The partition is not ours any more, or everything ends.
    Unwanted,
    /// This ends everything.
    Failed(KafkaError),
}

impl Asking<'_> {
    /// Has `handler` take up what it has kept, and finds out where it begins.
    pub(super) fn open<H: PartitionHandler>(&self, id: &PartitionId, handler: &mut H) -> Result<Opening, Unopened> {
        let committed = self.committed(id)?;
        let refused = |reason| Unopened::Failed(KafkaError::NoHandler { partition: id.clone(), reason });
        let kept = handler.resume(committed).map_err(refused)?;
        let mut log = self.log(id)?;
        for _ in 1..LOOKS {
            if committed.is_none_or(|it| it <= log.end) {
                break;
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
            log = self.log(id)?;
        }
        let first = if committed.is_none() { self.first(id, &log)? } else { None };
        let opening = decide(committed, kept, first, log);
        if opening.losses.iter().any(|it| it.kind == LossKind::Recreated) {
            handler.set_back(opening.begin);
        }
        Ok(opening)
    }

    /// What the group has committed of a partition.
    fn committed(&self, id: &PartitionId) -> Result<Option<i64>, Unopened> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&id.topic, id.partition);
        let found = self.ask("ask for the committed offset", |it| it.committed_offsets(list.clone(), ASK))?;
        let (offset, begun) = found.find_partition(&id.topic, id.partition).map_or((None, None), |it| {
            let offset = if let Offset::Offset(offset) = it.offset() { Some(offset) } else { None };
            (offset, begun_in(it.metadata()))
        });
        // Before anything is committed: each commit says it again.
        self.begun(&id.topic, begun)?;
        Ok(offset)
    }

    /// How many partitions the topic had when the group began with it: `told` by a commit, by those of other partitions, or as many as it has now,
    /// if this is the beginning.
    fn begun(&self, topic: &str, told: Option<i32>) -> Result<i32, Unopened> {
        let consumer = self.consumer.upgrade().ok_or(Unopened::Unwanted)?;
        let begun = &consumer.context().begun;
        // One question for all partitions of a topic.
        let _turn = begun.turn();
        if let Some(known) = begun.of(topic) {
            return Ok(known);
        }
        let count = if let Some(told) = told { told } else { self.begun_by_others(topic)? };
        begun.set(topic, count);
        Ok(count)
    }

    fn begun_by_others(&self, topic: &str) -> Result<i32, Unopened> {
        let metadata = self.ask("ask for the partitions of a topic", |it| it.fetch_metadata(Some(topic), ASK))?;
        let partitions: usize = metadata.topics().iter().map(MetadataTopic::partitions).map(<[_]>::len).sum();
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        if count == 0 {
            return Ok(0);
        }
        let mut all = TopicPartitionList::new();
        all.add_partition_range(topic, 0, count - 1);
        // While others commit there is hardly a moment at which all offsets are settled, but there is one for each.
        let consumer = self.consumer.upgrade().ok_or(Unopened::Unwanted)?;
        let mut found = consumer.committed_offsets(all, ASK).map(|it| vec![it]).unwrap_or_default();
        drop(consumer);
        for partition in 0..if found.is_empty() { count } else { 0 } {
            let mut one = TopicPartitionList::new();
            one.add_partition(topic, partition);
            found.push(self.ask("ask for the committed offset", |it| it.committed_offsets(one.clone(), ASK))?);
            if found.iter().flat_map(TopicPartitionList::elements).any(|it| begun_in(it.metadata()).is_some()) {
                break;
            }
        }
        let elements: Vec<_> = found.iter().flat_map(TopicPartitionList::elements).collect();
        let has_committed = elements.iter().any(|it| matches!(it.offset(), Offset::Offset(_)));
        let told = elements.iter().filter_map(|it| begun_in(it.metadata())).min();
        // Commits that don't say it are of an earlier version: whatever has none is taken for new, since then nothing is passed over.
        Ok(told.unwrap_or(if has_committed { 0 } else { count }))
    }

    /// The first offset that the brokers still have, and the one after the last that may be read.
    fn log(&self, id: &PartitionId) -> Result<Range<i64>, Unopened> {
        let (low, high) = self.ask("ask for the ends of a partition", |it| it.fetch_watermarks(&id.topic, id.partition, ASK))?;
        Ok(low..high)
    }

    /// Where a partition begins of which nothing is committed, if not at its beginning.
    fn first(&self, id: &PartitionId, log: &Range<i64>) -> Result<Option<i64>, Unopened> {
        // A partition that was added since the group began has nothing that is too old.
        if self.start == Start::Earliest || id.partition >= self.begun(&id.topic, None)? {
            return Ok(None);
        }
        let Start::AtMs(time_ms) = self.start else { return Ok(Some(log.end)) };
        let mut asked = TopicPartitionList::new();
        asked
            .add_partition_offset(&id.topic, id.partition, Offset::Offset(time_ms))
            .map_err(|error| Unopened::Failed(KafkaError::client("ask for the offset of a time", &error)))?;
        let found = self.ask("ask for the offset of a time", |it| it.offsets_for_times(asked.clone(), ASK))?;
        let found = found.find_partition(&id.topic, id.partition).map(|it| it.offset());
        // Nothing is that late: with the next message.
        Ok(Some(if let Some(Offset::Offset(offset)) = found { offset } else { log.end }))
    }

    /// Asks until there is an answer: brokers may be away, a coordinator may move, somebody's transaction may be open still.
    fn ask<T>(
        &self,
        during: &'static str,
        question: impl Fn(&BaseConsumer<MemberContext>) -> KafkaResult<T>,
    ) -> Result<T, Unopened> {
        loop {
            if !self.is_wanted.load(Ordering::Acquire) {
                return Err(Unopened::Unwanted);
            }
            let consumer = self.consumer.upgrade().ok_or(Unopened::Unwanted)?;
            match question(&consumer) {
                Ok(it) => return Ok(it),
                Err(error) if is_refusal(&error) => return Err(Unopened::Failed(KafkaError::client(during, &error))),
                Err(error) => {
                    let reason = format!("{during}: {error}");
                    (self.observer)(Observation::Trouble { client: "consumer", reason: &reason });
                }
            }
            drop(consumer);
            std::thread::sleep(ASK_AGAIN_AFTER);
        }
    }
}

/// Asking again would not help.
fn is_refusal(error: &ClientError) -> bool {
    let refusals = [Code::GroupAuthorizationFailed, Code::TopicAuthorizationFailed, Code::ClusterAuthorizationFailed];
    error.rdkafka_error_code().is_some_and(|it| refusals.contains(&it))
}

/// What goes with each commit.
pub(super) fn metadata_of(begun: i32) -> String {
    format!("{BEGUN}{begun}")
}

fn begun_in(metadata: &str) -> Option<i32> {
    metadata.strip_prefix(BEGUN)?.parse().ok()
}

/// Where a partition begins: `first` is where it is told to when nothing is committed, nothing its beginning; `log` is what there is.
fn decide(committed: Option<i64>, kept: Option<i64>, first: Option<i64>, log: Range<i64>) -> Opening {
    let loss = |kind, expected, begin| Loss { kind, expected, begin };
    let Some(committed) = committed else {
        let begin = first.map_or(log.start, |it| it.clamp(log.start, log.end.max(log.start)));
        return Opening { begin, commit: first.map(|_| begin), ..Opening::default() };
    };
    if committed > log.end {
        let losses = vec![loss(LossKind::Recreated, committed, log.start)];
        return Opening { begin: log.start, live_from: None, commit: Some(log.start), losses };
    }
    let kept = kept.unwrap_or(committed).min(committed);
    let mut losses = Vec::new();
    let replayed_from = log.start.min(committed);
    if kept < replayed_from {
        losses.push(loss(LossKind::Replay, kept, replayed_from));
    }
    if committed < log.start {
        losses.push(loss(LossKind::Retention, committed, log.start));
        return Opening { begin: log.start, live_from: None, commit: Some(log.start), losses };
    }
    let begin = kept.max(log.start);
    Opening { begin, live_from: Some(committed).filter(|it| begin < *it), commit: None, losses }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        committed: Option<i64>,
        kept: Option<i64>,
        first: Option<i64>,
        log: Range<i64>,
        expected: (i64, Option<i64>, Option<i64>),
    ) {
        let Opening { begin, live_from, commit, .. } = decide(committed, kept, first, log);
        assert_eq!((begin, live_from, commit), expected);
    }

    #[track_caller]
    fn check_losses(committed: i64, kept: Option<i64>, log: Range<i64>, expected: &[(LossKind, Option<i64>)]) {
        let losses = decide(Some(committed), kept, None, log).losses;
        assert_eq!(losses.iter().map(|it| (it.kind, it.messages())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_new_group_begins_at_the_beginning_or_where_it_is_told_and_remembers_that() {
        check(None, None, None, 5..90, (5, None, None));
        check(None, None, Some(90), 5..90, (90, None, Some(90)));
        check(None, None, Some(40), 5..90, (40, None, Some(40)));
        check(None, None, Some(1), 5..90, (5, None, Some(5)));
    }

    #[test]
    fn what_was_published_is_read_again_from_where_the_state_ends() {
        check(Some(50), None, None, 5..90, (50, None, None));
        check(Some(50), Some(50), None, 5..90, (50, None, None));
        check(Some(50), Some(20), None, 5..90, (20, Some(50), None));
        check_losses(50, Some(20), 5..90, &[]);
        check(Some(90), Some(90), None, 5..90, (90, None, None));
        check(Some(90), None, None, 90..90, (90, None, None));
    }

    #[test]
    fn what_retention_has_taken_is_counted_and_what_is_there_is_live() {
        check(Some(50), None, None, 70..90, (70, None, Some(70)));
        check_losses(50, None, 70..90, &[(LossKind::Retention, Some(20))]);
        check(Some(50), Some(20), None, 70..90, (70, None, Some(70)));
        check_losses(50, Some(20), 70..90, &[(LossKind::Replay, Some(30)), (LossKind::Retention, Some(20))]);
        check(Some(50), Some(20), None, 30..90, (30, Some(50), None));
        check_losses(50, Some(20), 30..90, &[(LossKind::Replay, Some(10))]);
        check(Some(50), Some(20), None, 50..90, (50, None, None));
        check_losses(50, Some(20), 50..90, &[(LossKind::Replay, Some(30))]);
    }

    #[test]
    fn a_topic_that_was_made_anew_is_read_from_its_beginning_and_nothing_of_it_is_suppressed() {
        check(Some(1_000), Some(900), None, 0..90, (0, None, Some(0)));
        check(Some(1_000), None, None, 0..0, (0, None, Some(0)));
        check_losses(1_000, Some(900), 0..90, &[(LossKind::Recreated, None)]);
    }

    #[test]
    fn a_commit_says_with_how_many_partitions_the_group_began() {
        assert_eq!([begun_in(&metadata_of(12)), begun_in(""), begun_in("begun=x"), begun_in("else")], [Some(12), None, None, None]);
    }
}
