//! How far a partition is in its topic, and what is kept of it at which offset: the same for those with events and for those of the exchange.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stream::kafka::{Batch, PartitionId};
use stream::store::Loaded;

use super::checkpoints::{Checkpoints, Last, Taken};
use super::pipeline::Setup;
use crate::metrics::Metrics;

/// See the module. What is to be kept is copied by whoever has the state: `take` is given the offset.
#[derive(Debug)]
pub(super) struct Course {
    id: PartitionId,
    checkpoints: Option<Arc<Checkpoints>>,
    /// The offset of the first message that it has not seen.
    next_offset: Option<i64>,
    /// What messages before it cause was written by whoever had the partition before.
    live_from: Option<i64>,
    pace: Pace,
    metrics: Arc<Metrics>,
}

/// Of so many messages it is remembered how long they took; of more, what was lately counts more.
const RECENT: u32 = 100_000;

/// How long it takes to work through a message.
#[derive(Debug, Default)]
struct Pace {
    begun: Option<Instant>,
    took: Duration,
    messages: u32,
}

impl Pace {
    fn passed(&mut self, messages: usize) {
        self.took += self.begun.take().map_or(Duration::ZERO, |it| it.elapsed());
        self.messages = self.messages.saturating_add(u32::try_from(messages).unwrap_or(u32::MAX));
        if self.messages >= RECENT {
            (self.took, self.messages) = (self.took / 2, self.messages / 2);
        }
    }

    fn each(&self) -> Duration {
        self.took / self.messages.max(1)
    }
}

impl Course {
    /// Of a partition that is owned from now on, and of which nothing was read.
    pub(super) fn new(id: &PartitionId, setup: &Setup, metrics: &Arc<Metrics>) -> Self {
        let checkpoints = setup.checkpoints.clone();
        if let Some(checkpoints) = &checkpoints {
            checkpoints.join(id);
        }
        Self {
            id: id.clone(),
            checkpoints,
            next_offset: None,
            live_from: None,
            pace: Pace::default(),
            metrics: Arc::clone(metrics),
        }
    }

    /// The offset of the first message that it has not seen.
    pub(super) fn next_offset(&self) -> Option<i64> {
        self.next_offset
    }

    /// Whether what is read now was published before.
    pub(super) fn is_replay(&self) -> bool {
        self.live_from.is_some()
    }

    /// There is nothing more to read that was published before.
    pub(super) fn go_live(&mut self) {
        self.live_from = None;
    }

    /// Has the state written before the first batch, unless it was taken up from a checkpoint.
    pub(super) fn begin(&self, batch: &Batch, take: impl FnOnce(i64) -> Taken) {
        if let Some(first) = batch.messages().first().filter(|_| self.next_offset.is_none()) {
            self.begin_at(first.offset, take);
        }
    }

    /// Has the state written as that in which the partition begins.
    pub(super) fn begin_at(&self, offset: i64, take: impl FnOnce(i64) -> Taken) {
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.begin(&self.id, offset, || take(offset));
        }
    }

    /// Before the messages of a batch are looked at. Batches end where what was published ends.
    pub(super) fn enter(&mut self, batch: &Batch) {
        self.pace.begun = Some(Instant::now());
        self.live_from = self.live_from.filter(|it| batch.end_offset().is_some_and(|end| end <= *it));
    }

    /// All messages of the batch were looked at. Whether what they cause is to be written.
    pub(super) fn pass(&mut self, batch: &Batch) -> bool {
        self.next_offset = batch.end_offset().or(self.next_offset);
        self.pace.passed(batch.len());
        if self.is_replay() {
            self.metrics.checkpoints.replayed(batch.len());
            return false;
        }
        if let Some((checkpoints, offset)) = self.checkpoints.as_ref().zip(self.next_offset) {
            checkpoints.handling(&self.id, offset);
        }
        true
    }

    /// Hands over a copy of the state when one is due.
    pub(super) fn keep(&self, take: impl FnOnce(i64) -> Taken) {
        let Some((checkpoints, offset)) = self.checkpoints.as_ref().zip(self.next_offset) else { return };
        let permit = if self.is_replay() { None } else { checkpoints.due(&self.id) };
        if let Some(permit) = permit {
            let begun = Instant::now();
            let taken = take(offset);
            checkpoints.offer(&self.id, taken, permit, begun.elapsed());
        }
    }

    /// Goes back to the newest checkpoint that `take_up` can use, if there is one: what it gives, and the offset.
    ///
    /// # Errors
    ///
    /// As [`Checkpoints::newest`].
    pub(super) fn resume<T>(
        &mut self,
        committed: Option<i64>,
        take_up: impl FnMut(&Loaded) -> Result<T, String>,
    ) -> Result<Option<(i64, T)>, String> {
        let Some((checkpoints, committed)) = self.checkpoints.as_ref().zip(committed) else { return Ok(None) };
        let found = checkpoints.newest(&self.id, committed, take_up)?;
        self.metrics.checkpoints.resumed(found.is_some());
        if let Some((offset, _)) = &found {
            self.next_offset = Some(*offset);
            self.live_from = Some(committed).filter(|it| offset < it);
        } else {
            tracing::info!(partition = %self.id, committed, "no checkpoint: the partition begins anew");
        }
        Ok(found)
    }

    /// Goes on at an offset that is not the next one. What is kept so far goes further than anything of this topic: [`Self::begin_at`]
    /// has to follow.
    pub(super) fn set_back(&mut self, offset: i64) {
        (self.live_from, self.next_offset) = (None, Some(offset));
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.committed(&self.id, offset);
        }
    }

    /// Has the last copy of the state written.
    pub(super) fn close(&self, take: impl FnOnce(i64) -> Taken) {
        let Some(checkpoints) = &self.checkpoints else { return };
        // Not before what was published: the state would be one that the next owner may not use.
        let offset = self.next_offset.filter(|_| !self.is_replay());
        let each = self.pace.each();
        checkpoints.leave(&self.id, offset.map(|offset| (Last { offset, each }, move || take(offset))));
    }
}
