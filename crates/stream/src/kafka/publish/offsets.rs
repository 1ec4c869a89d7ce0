//! Having offsets in a transaction, without waiting for ever.
//!
//! `send_offsets_to_transaction` of librdkafka 2.12 ends in time as long as it talks to the coordinator of transactions. While it looks for the
//! coordinator of the group, nothing ends it: `rd_kafka_coord_req` keeps its timeout and never looks at it, and an answer that is neither the
//! coordinator nor worth a repetition has it wait until a connection of the producer comes or goes, which can take many minutes. So the call is
//! made on a thread of its own. When it is overdue, that thread is left to itself with its producer, and another producer takes up the
//! transactional id: offsets of the old one are refused from then on, and its transaction is aborted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::producer::Producer;

use super::FULL_WAIT;
use super::committer::{CALL, Committer};
use super::fault::Fault;
use crate::kafka::config::TransactionLimits;

/// How long the group's coordinator may take at first; after each time in vain it is twice that, up to a transaction's timeout, so that few
/// producers are left behind however long an outage lasts. By default 10 s.
pub(super) fn patience_min(limits: TransactionLimits) -> Duration {
    Duration::from_millis(limits.timeout_ms.into()) / 6
}

impl Committer {
    /// Has the offsets in the open transaction, for the member of the group that `group` tells of.
    pub(super) fn send_offsets(&mut self, offsets: TopicPartitionList, group: ConsumerGroupMetadata) -> Result<(), Fault> {
        let asked = Arc::new((offsets, group));
        let deadline = Instant::now() + self.patience;
        let sent = self.repeat(|| self.send_offsets_until(deadline, &asked));
        self.patience = match &sent {
            Ok(()) => patience_min(self.limits),
            Err(_) if Instant::now() >= deadline => (self.patience * 2).min(patience_min(self.limits) * 6),
            Err(_) => self.patience,
        };
        sent
    }

    fn send_offsets_until(&self, deadline: Instant, asked: &Arc<(TopicPartitionList, ConsumerGroupMetadata)>) -> Result<(), Fault> {
        let (answer, answered) = bounded(1);
        let (producer, asked) = (Arc::clone(&self.producer), Arc::clone(asked));
        let call = move || answer.send(producer.send_offsets_to_transaction(&asked.0, &asked.1, CALL));
        let made = std::thread::Builder::new().name("kafka-offsets".to_owned()).spawn(call);
        made.map_err(|error| Fault::Again(format!("no thread for sending offsets: {error}")))?;
        loop {
            match answered.recv_timeout(FULL_WAIT) {
                Ok(sent) => return sent.map_err(|error| Fault::of(&error)),
                Err(_) if self.is_over() => return Err(Fault::Ended),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => {
                    let reason = format!("the group's coordinator has not taken offsets for {:?}", self.patience);
                    return Err(Fault::Fatal { reason, is_fenced: false });
                }
            }
        }
    }
}
