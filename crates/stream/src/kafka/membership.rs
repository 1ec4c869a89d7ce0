//! Whether the group still knows us as the member to whom it has given the partitions.
//!
//! A member that is not heard of for a session is put out of its group, and its partitions go to others. It hears of that with its next request.
//! If that is a heartbeat, the client tells of lost partitions. But if it is a request to join again, and the member has a name of its own
//! (`group.instance.id`), then the client (librdkafka 2.12, `rd_kafka_cgrp_handle_JoinGroup`) joins as a new member *without a word*, and claims the
//! partitions that it has; the coordinator may leave them to it, although others have worked on them meanwhile and have committed more. So we look
//! ourselves: the coordinator gives each membership an id of its own.
//!
//! Where it is not the one under which partitions were given to us, nothing is committed any more ([`MemberContext::is_member`] is asked by the
//! committer before each transaction). The dispatcher forgets what it has of the partitions, leaves the group, and joins it without any.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use rdkafka::bindings::{rd_kafka_mem_free, rd_kafka_memberid};
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::context::MemberContext;
use super::dispatch::Dispatcher;
use super::worker::Worker;
use super::{KafkaError, Observation, PartitionHandler, PartitionId};

/// How often it is looked: the client's main thread is asked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The id under which the group knows us at this moment. Empty: it doesn't (yet, or any more).
#[expect(unsafe_code, reason = "the client library's wrapper has no such call")]
pub(super) fn member_id(consumer: &BaseConsumer<MemberContext>) -> String {
    let client = consumer.client().native_ptr();
    // SAFETY: the consumer outlives the call, which is made from any thread.
    let id = unsafe { rd_kafka_memberid(client) };
    if id.is_null() {
        return String::new();
    }
    // SAFETY: it is a string that ends with a zero, and ours until it is freed, once, by the library's own function.
    unsafe {
        let text = CStr::from_ptr(id).to_string_lossy().into_owned();
        rd_kafka_mem_free(client, id.cast());
        text
    }
}

/// What the dispatcher knows of its membership.
#[derive(Debug)]
pub(super) struct Membership {
    looked: Instant,
    /// The group is being left, to be joined anew.
    is_leaving: bool,
}

impl Membership {
    pub(super) fn new() -> Self {
        Self { looked: Instant::now(), is_leaving: false }
    }
}

impl<H, F> Dispatcher<H, F>
where
    H: PartitionHandler,
    F: FnMut(&PartitionId) -> Result<H, String>,
{
    /// Partitions come: if there were none, this is who they are given to.
    pub(super) fn note_membership(&self) {
        if !self.has_partitions() {
            self.consumer.context().set_member(Some(member_id(&self.consumer)));
        }
    }

    /// The partitions may be somebody else's, whatever the client says.
    pub(super) fn is_put_out(&self) -> bool {
        self.membership.is_leaving || !self.consumer.context().is_member(&member_id(&self.consumer))
    }

    /// Looks now and then whether the group still knows us, and begins anew if it doesn't.
    pub(super) fn heed_membership(&mut self) {
        // What is lost as it should be is told by a change: it comes first.
        if self.membership.looked.elapsed() < LOOK_EVERY || self.consumer.context().has_changes() {
            return;
        }
        self.membership.looked = Instant::now();
        if !self.membership.is_leaving {
            self.leave_if_put_out();
        } else if let Err(error) = self.join_anew() {
            self.surroundings.signals.fail(error);
        }
    }

    fn leave_if_put_out(&mut self) {
        if !self.has_partitions() {
            return;
        }
        let id = member_id(&self.consumer);
        // Without an id the client has just heard that it is out: either it tells of that, or it is let in again.
        if id.is_empty() || self.consumer.context().is_member(&id) {
            return;
        }
        let reason = "the group has put this member out and let it in again: others may have worked on its partitions, so it lets go of them";
        (self.surroundings.observer)(Observation::Trouble { client: "consumer", reason });
        self.workers.all.iter().for_each(Worker::forget);
        self.consumer.context().set_member(None);
        self.membership.is_leaving = true;
        // If a rebalance is under way, the client does it afterwards.
        self.consumer.unsubscribe();
    }

    /// Subscribes again when the client has let go of everything: before that it would take the one for an end of the other.
    fn join_anew(&mut self) -> Result<(), KafkaError> {
        let is_subscribed = self.consumer.subscription().is_ok_and(|it| it.count() > 0);
        if is_subscribed || self.has_partitions() {
            return Ok(());
        }
        self.membership.is_leaving = false;
        self.subscribe()
    }

    fn has_partitions(&self) -> bool {
        !self.workers.all.is_empty() || self.loaders.count() > 0
    }
}
