//! Kafka in and out: a consumer group whose partitions are worked on by one thread each, and an idempotent producer.
//!
//! [`start`] runs a group member on threads of its own:
//!
//! - the *dispatcher* thread polls. It never blocks on anybody: messages are packed into [`Batch`]es per partition and
//!   offered to that partition's worker through a bounded channel; when the channel and the batch being packed are
//!   full, the partition is paused until the worker has caught up, so the member keeps its place in the group;
//! - a few *loader* threads find out where an assigned partition begins, and have its handler load what it has kept ([`PartitionHandler::resume`]);
//! - a *worker* thread per assigned partition calls the caller's [`PartitionHandler`] with batch after batch and hands
//!   on the records it wrote into its [`Outbox`] as one step;
//! - the *committer* thread puts the records and the end offsets of the batches of all partitions into one transaction after another, fenced by
//!   the group's metadata. So a reader of committed records sees what a batch caused exactly once, whatever crashes.
//!
//! With [`Delivery::AtLeastOnce`] there is no committer: the producer acknowledges records, the ledger of a partition knows up to which offset
//! *everything* that the input caused is acknowledged, and only that is ever committed; after a crash the messages behind it are read again.

mod batch;
mod config;
mod context;
mod dispatch;
mod embedded;
mod error;
mod layout;
mod ledger;
mod letters;
mod loading;
mod membership;
mod observe;
mod opening;
mod outbox;
mod paced;
mod publish;
mod rebalance;
mod runtime;
mod tail;
mod worker;

pub use batch::{Batch, MessageMeta};
pub use config::{BatchLimits, Delivery, KafkaConfig, Properties, Secret, Security, SecurityProtocol, Start, TransactionLimits};
pub use embedded::EmbeddedKafka;
pub use error::KafkaError;
pub use layout::partitions;
pub use letters::LetterBox;
pub use observe::{Loss, LossKind, Observation, Observer, PartitionId, RecordKind, silent};
pub use outbox::{OutRecord, Outbox};
pub use paced::{PacedProducer, Pacing, Progress};
pub use runtime::{KafkaHandle, PartitionHandler, RunSummary, Stopper, start};
pub use tail::{TailMessage, TailReader, check_topics};
