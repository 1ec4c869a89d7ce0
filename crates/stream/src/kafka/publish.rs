//! Producing: one step = the records of a batch and the input offset that they stand for.
//!
//! There are two ways, by [`Delivery`]: [`Transactional`] commits records and offsets in one transaction, [`Idempotent`] has the offset
//! committed after the records are acknowledged.

mod committer;
mod fault;
mod idempotent;
mod offsets;
mod revive;
mod transactional;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::BaseConsumer;

use super::config::Delivery;
use super::context::MemberContext;
use super::ledger::SharedLedger;
use super::outbox::Outbox;
use super::runtime::Signals;
use super::{KafkaConfig, KafkaError, Observer, PartitionId, RecordKind};
use idempotent::Idempotent;
use transactional::Transactional;

/// How long a worker waits for room before it looks again whether everything has ended.
const FULL_WAIT: Duration = Duration::from_millis(20);

/// What a batch came to: its records, and the offset that may be committed with them.
pub(super) struct Step<'a> {
    pub(super) id: &'a PartitionId,
    pub(super) ledger: &'a Arc<SharedLedger>,
    /// `None`: there was no message, and there is nothing to commit.
    pub(super) end_offset: Option<i64>,
    /// May be taken away.
    pub(super) outbox: &'a mut Outbox,
    /// It says where the partition begins: it is not to wait.
    pub(super) is_opening: bool,
}

/// Returned when an error has ended everything, or the partition is no longer ours; an error itself is with the [`Signals`].
#[derive(Debug)]
pub(super) struct Ended;

/// The output of a group member, shared by its workers.
pub(super) enum Publisher {
    /// Offsets follow acknowledgements.
    AtLeastOnce(Idempotent),
    /// Offsets and records are one transaction.
    ExactlyOnce(Transactional),
}

impl Publisher {
    pub(super) fn new(
        config: &KafkaConfig,
        observer: Observer,
        signals: Arc<Signals>,
        consumer: &Arc<BaseConsumer<MemberContext>>,
    ) -> Result<Self, KafkaError> {
        Ok(match config.delivery {
            Delivery::AtLeastOnce => Self::AtLeastOnce(Idempotent::new(config, observer, signals)?),
            Delivery::ExactlyOnce => Self::ExactlyOnce(Transactional::new(config, observer, signals, Arc::clone(consumer))?),
        })
    }

    /// Hands over what a batch came to. Waits while too many steps are not done: that is the back-pressure of a slow output.
    pub(super) fn publish(&self, step: &mut Step<'_>) -> Result<(), Ended> {
        match self {
            Self::AtLeastOnce(it) => it.publish(step),
            Self::ExactlyOnce(it) => it.publish(step),
        }
    }

    /// Records that readers may see so far.
    pub(super) fn delivered(&self) -> u64 {
        match self {
            Self::AtLeastOnce(it) => it.delivered(),
            Self::ExactlyOnce(it) => it.delivered(),
        }
    }

    /// Offsets are committed here, and by nobody else.
    pub(super) fn commits_offsets(&self) -> bool {
        matches!(self, Self::ExactlyOnce(_))
    }

    /// Somebody waits, or no longer, for what was handed over: it is committed at once.
    pub(super) fn set_urgent(&self, is_urgent: bool) {
        if let Self::ExactlyOnce(it) = self {
            it.set_urgent(is_urgent);
        }
    }

    /// Ends it. What was not committed by now is not going to be.
    pub(super) fn end(&self) {
        if let Self::ExactlyOnce(it) = self {
            it.end();
        }
    }
}

/// Which records go where.
#[derive(Debug)]
struct Topics {
    alerts: String,
    shadow: String,
    incidents: String,
    digest: String,
    dead_letters: String,
    exchange: String,
}

impl Topics {
    fn of(config: &KafkaConfig) -> Self {
        Self {
            alerts: config.alerts_topic.clone(),
            shadow: config.shadow_topic.clone(),
            incidents: config.incidents_topic.clone(),
            digest: config.digest_topic.clone(),
            dead_letters: config.dead_letters_topic.clone(),
            exchange: config.exchange_topic.clone(),
        }
    }

    fn of_kind(&self, kind: RecordKind) -> &str {
        match kind {
            RecordKind::Alert => &self.alerts,
            RecordKind::Shadow => &self.shadow,
            RecordKind::Incident => &self.incidents,
            RecordKind::Digest => &self.digest,
            RecordKind::DeadLetter => &self.dead_letters,
            RecordKind::Exchange => &self.exchange,
        }
    }
}
