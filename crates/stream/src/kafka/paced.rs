//! A producer that does not run ahead of its readers, for the embedded Kafka, whose partitions keep only a few MiB.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::{KafkaConfig, KafkaError};

/// How far the readers of a topic are, per partition. The reading side advances it (from
/// [`Observation::Handled`](super::Observation::Handled) or [`Committed`](super::Observation::Committed)), the
/// [`PacedProducer`] waits on it.
#[derive(Debug)]
pub struct Progress {
    offsets: Mutex<Vec<i64>>,
    advanced: Condvar,
}

impl Progress {
    /// Nothing is read of any of `partitions`.
    pub fn new(partitions: usize) -> Self {
        Self { offsets: Mutex::new(vec![0; partitions]), advanced: Condvar::new() }
    }

    /// Everything before `end_offset` of `partition` is read. Going back, or an unknown partition, changes nothing.
    pub fn advance(&self, partition: i32, end_offset: i64) {
        let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = usize::try_from(partition).ok().and_then(|it| offsets.get_mut(it));
        if let Some(entry) = entry.filter(|it| **it < end_offset) {
            *entry = end_offset;
            self.advanced.notify_all();
        }
    }

    /// The offset up to which each partition is read.
    pub fn offsets(&self) -> Vec<i64> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until every partition is read up to `ends`, or `timeout` is over. True in the first case.
    pub fn wait_for(&self, ends: &[i64], timeout: Duration) -> bool {
        self.wait(timeout, |offsets| offsets.iter().zip(ends).all(|(offset, end)| offset >= end))
    }

    fn wait(&self, timeout: Duration, is_enough: impl Fn(&[i64]) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_enough(&offsets) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            offsets = self.advanced.wait_timeout(offsets, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn of(&self, partition: usize) -> i64 {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner).get(partition).copied().unwrap_or(0)
    }
}

/// How far a [`PacedProducer`] may run ahead of the readers, per partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Messages that are not read yet.
    pub messages_max: usize,
    /// Bytes (keys and values) that are not read yet. The embedded Kafka keeps 5 MiB.
    pub bytes_max: usize,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { messages_max: 20_000, bytes_max: 3 * 1024 * 1024 }
    }
}

/// Writes into a topic that nobody else writes to, and that was empty at the start.
pub struct PacedProducer {
    producer: ThreadedProducer<DefaultProducerContext>,
    topic: String,
    pacing: Pacing,
    progress: Arc<Progress>,
    lanes: Vec<Lane>,
}

/// One partition as the producer sees it.
#[derive(Debug, Default)]
struct Lane {
    /// Messages written.
    sent: i64,
    /// Sizes of the messages that were not read when last looked at, oldest first.
    unread: VecDeque<usize>,
    unread_bytes: usize,
}

impl Lane {
    /// Forgets what was read in the meantime.
    fn settle(&mut self, read: i64) {
        while self.sent - i64::try_from(self.unread.len()).unwrap_or(i64::MAX) < read {
            let Some(bytes) = self.unread.pop_front() else { return };
            self.unread_bytes -= bytes;
        }
    }

    fn has_room(&self, bytes: usize, pacing: Pacing) -> bool {
        // An empty lane takes anything, or a message over the limit would wait for ever.
        self.unread.is_empty() || (self.unread.len() < pacing.messages_max && self.unread_bytes + bytes <= pacing.bytes_max)
    }

    fn add(&mut self, bytes: usize) {
        self.sent += 1;
        self.unread.push_back(bytes);
        self.unread_bytes += bytes;
    }
}

impl PacedProducer {
    /// A producer for `topic`, which has `partitions` partitions, paced by `progress`.
    pub fn new(
        config: &KafkaConfig,
        topic: &str,
        partitions: usize,
        pacing: Pacing,
        progress: Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let producer = config.producer()?.create().map_err(|error| KafkaError::client("make the paced producer", &error))?;
        let lanes = (0..partitions.max(1)).map(|_| Lane::default()).collect();
        Ok(Self { producer, topic: topic.to_owned(), pacing, progress, lanes })
    }

    /// Writes one message; equal keys go to the same partition, in order. Waits up to `patience` while the readers are
    /// too far behind or the queue is full. `Ok(false)`: not written, try again (or stop).
    pub fn send(&mut self, key: &[u8], value: &[u8], timestamp_ms: Option<i64>, patience: Duration) -> Result<bool, KafkaError> {
        let index = lane_of(key, self.lanes.len());
        let bytes = key.len() + value.len();
        let deadline = Instant::now() + patience;
        while !self.make_room(index, bytes) {
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = self.progress.of(index);
            if left.is_zero() || !self.progress.wait(left, |offsets| offsets.get(index).is_none_or(|it| *it > seen)) {
                return Ok(false);
            }
        }
        let is_sent = self.enqueue(index, key, value, timestamp_ms, deadline)?;
        if is_sent {
            self.lanes[index].add(bytes);
        }
        Ok(is_sent)
    }

    /// The offsets after the last message of each partition, to compare with [`Progress::offsets`].
    pub fn ends(&self) -> Vec<i64> {
        self.lanes.iter().map(|it| it.sent).collect()
    }

    /// Delivers what is queued.
    pub fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        self.producer.flush(timeout).map_err(|error| KafkaError::client("deliver the last messages", &error))
    }

    fn make_room(&mut self, index: usize, bytes: usize) -> bool {
        let lane = &mut self.lanes[index];
        lane.has_room(bytes, self.pacing) || {
            lane.settle(self.progress.of(index));
            lane.has_room(bytes, self.pacing)
        }
    }

    fn enqueue(
        &self,
        index: usize,
        key: &[u8],
        value: &[u8],
        timestamp_ms: Option<i64>,
        deadline: Instant,
    ) -> Result<bool, KafkaError> {
        let partition = i32::try_from(index).expect("a topic has fewer partitions than i32 has numbers");
        let mut record = BaseRecord::to(&self.topic).partition(partition).key(key).payload(value);
        record.timestamp = timestamp_ms;
        loop {
            record = match self.producer.send(record) {
                Ok(()) => return Ok(true),
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), record)) => record,
                Err((error, _)) => return Err(KafkaError::client("write a message", &error)),
            };
            if Instant::now() >= deadline {
                return Ok(false);
            }
            self.producer.poll(Duration::from_millis(5));
        }
    }
}

/// FNV-1a over the key: the same key, the same partition, in every run.
fn lane_of(key: &[u8], lanes: usize) -> usize {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    usize::try_from((hash ^ (hash >> 32)) % lanes as u64).expect("smaller than `lanes`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_full_by_messages_or_by_bytes_and_has_room_again_when_they_are_read() {
        let pacing = Pacing { messages_max: 3, bytes_max: 100 };
        let mut lane = Lane::default();
        lane.add(60);
        assert!(lane.has_room(40, pacing));
        assert!(!lane.has_room(41, pacing));
        lane.add(1);
        lane.add(1);
        assert!(!lane.has_room(1, pacing));
        lane.settle(1);
        assert!(lane.has_room(98, pacing));
        assert_eq!((lane.unread.len(), lane.unread_bytes), (2, 2));
    }

    #[test]
    fn an_empty_lane_takes_a_message_of_any_size() {
        assert!(Lane::default().has_room(1_000, Pacing { messages_max: 1, bytes_max: 10 }));
    }

    #[test]
    fn progress_never_goes_back() {
        let progress = Progress::new(2);
        progress.advance(1, 10);
        progress.advance(1, 5);
        progress.advance(7, 5);
        progress.advance(-1, 5);
        assert_eq!(progress.offsets(), [0, 10]);
        assert!(progress.wait_for(&[0, 10], Duration::ZERO));
        assert!(!progress.wait_for(&[1, 10], Duration::ZERO));
    }

    #[test]
    fn a_key_keeps_its_partition() {
        let lanes: Vec<_> = (0..100).map(|it| lane_of(format!("u{it}").as_bytes(), 4)).collect();
        assert_eq!(lanes, (0..100).map(|it| lane_of(format!("u{it}").as_bytes(), 4)).collect::<Vec<_>>());
        assert!((0..4).all(|lane| lanes.iter().filter(|it| **it == lane).count() > 10), "{lanes:?}");
    }
}
