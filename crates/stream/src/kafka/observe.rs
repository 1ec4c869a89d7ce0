//! What the Kafka edge tells those who watch it: one closed enum, one callback.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl PartitionId {
    /// Partition `partition` of `topic`.
    pub fn new(topic: &str, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// What an outgoing record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// An alert, for the alerts topic.
    Alert,
    /// A finding that pages nobody, for the shadow topic.
    Shadow,
    /// An incident, for the topic of incidents.
    Incident,
    /// A day's digest, for the topic of digests.
    Digest,
    /// A dead letter, for the dead-letters topic.
    DeadLetter,
    /// Something for another handler, for a partition of the exchange topic.
    Exchange,
}

impl RecordKind {
    /// The word for labels of metrics: `alert`, `shadow`, `incident`, `digest`, `dead_letter` or `exchange`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Shadow => "shadow",
            Self::Incident => "incident",
            Self::Digest => "digest",
            Self::DeadLetter => "dead_letter",
            Self::Exchange => "exchange",
        }
    }
}

/// Why messages of a partition are never going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// Retention has taken them before they were read.
    Retention,
    /// What was committed lies beyond the partition's end: the topic was deleted and made anew, or brokers have lost its end. What was not read of it
    /// before is gone, and it is not known how much that was.
    Recreated,
    /// They were read, but the state that was kept does not have them, and they can't be read again.
    Replay,
}

impl LossKind {
    /// The word for labels of metrics: `retention`, `recreated` or `replay`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Recreated => "recreated",
            Self::Replay => "replay",
        }
    }
}

/// Messages that are never going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub kind: LossKind,
    /// The offset that was to be read next.
    pub expected: i64,
    /// The first offset that is not lost.
    pub begin: i64,
}

impl Loss {
    /// How many they are at most (offsets are also of markers of transactions, and of what was compacted), if that is known.
    pub fn messages(&self) -> Option<i64> {
        (self.kind != LossKind::Recreated).then(|| self.begin.saturating_sub(self.expected).max(0))
    }
}

/// Something that happened at the Kafka edge. Made for metrics and readiness: cheap, borrowed, without a clock.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// The dispatcher has polled once more: it is alive. Comes many times a second, whether there are messages or not.
    Polled,
    /// The partition is ours now; what was kept of it is being loaded.
    Assigned {
        /// The partition.
        partition: &'a PartitionId,
    },
    /// What was kept of the partition is loaded, and its messages are read from now on.
    Opened {
        /// The partition.
        partition: &'a PartitionId,
        /// From its assignment.
        took: Duration,
    },
    /// Messages of a partition are never going to be read, or not again.
    Lost {
        /// The partition.
        partition: &'a PartitionId,
        /// Which, and why.
        loss: Loss,
    },
    /// The partition is no longer ours; its worker has stopped, if it had one yet.
    Revoked {
        /// The partition.
        partition: &'a PartitionId,
        /// It was taken away (we were thought dead), so nothing could be committed.
        is_lost: bool,
    },
    /// A rebalance of the group was handled.
    Rebalanced {
        /// How many partitions this member owns now.
        owned: usize,
    },
    /// The partition was paused (its worker is behind) or resumed.
    Paused {
        /// The partition.
        partition: &'a PartitionId,
        /// Paused or resumed.
        is_paused: bool,
    },
    /// The handler worked through a batch, and its records are with the producer.
    Handled {
        /// The partition.
        partition: &'a PartitionId,
        /// Messages in the batch.
        messages: usize,
        /// Bytes in the batch.
        bytes: usize,
        /// Records that the handler wrote.
        records: usize,
        /// The offset after the batch's last message.
        end_offset: i64,
        /// The Kafka timestamp of that message in milliseconds since the epoch, if it has one.
        timestamp_ms: Option<i64>,
        /// Batches of this partition that wait for acknowledgements, this one included.
        in_flight: usize,
    },
    /// The offsets in a partition jump: messages were compacted, or are markers of transactions. What retention takes is [`Self::Lost`].
    Gap {
        /// The partition.
        partition: &'a PartitionId,
        /// The offset that would have followed.
        expected: i64,
        /// The offset that came.
        got: i64,
    },
    /// A record was acknowledged by the brokers, or the transaction that it is in was committed.
    Delivered {
        /// What it was.
        kind: RecordKind,
    },
    /// A record could not be delivered; the runtime stops.
    DeliveryFailed {
        /// What it was.
        kind: RecordKind,
        /// Why.
        reason: &'a str,
    },
    /// A transaction with records was committed: readers of committed records see them from now on.
    TransactionCommitted {
        /// How many.
        records: usize,
        /// From the handler's having written the first of them.
        took: Duration,
    },
    /// A transaction was aborted: nobody sees its records. They go into the next one.
    TransactionAborted {
        /// Why.
        reason: &'a str,
    },
    /// A step of a transaction has not succeeded yet, and is tried again.
    TransactionRetried {
        /// Why.
        reason: &'a str,
    },
    /// The producer of transactions was beyond repair, and another takes its place.
    ProducerReplaced {
        /// Why.
        reason: &'a str,
    },
    /// The producer's queue was full, and a worker waited.
    ProducerFull,
    /// An offset was committed (acknowledged by the coordinator).
    Committed {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// The offset of the next message to read.
        offset: i64,
    },
    /// A commit failed; it is tried again with the next one.
    CommitFailed {
        /// Why.
        reason: &'a str,
    },
    /// Where the partition stands, from the client's statistics (owned partitions only).
    Lag {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// Messages after the committed offset.
        lag: i64,
        /// The offset after the last message in the partition.
        high_watermark: i64,
    },
    /// How many brokers the consumer is connected to, from the client's statistics.
    Brokers {
        /// How many.
        up: usize,
    },
    /// The client reported a passing trouble (a broker is away, …) and goes on by itself.
    Trouble {
        /// Which client: `consumer` or `producer`.
        client: &'static str,
        /// What it said.
        reason: &'a str,
    },
}

/// Called from the dispatcher, the workers and the producer's thread: must be quick and must not block.
pub type Observer = Arc<dyn Fn(Observation<'_>) + Send + Sync>;

/// An observer that does nothing.
pub fn silent() -> Observer {
    Arc::new(|_| {})
}
