//! The desk: what partitions and owners tell, brought into the order of event time, and triaged. One for a whole group of processes, kept
//! by the first owner; and one for an input that one process reads.

use super::merge::{Key, MergeStats, Merger, Origin, PENDING_MAX, Stand};
use super::owner::SavedKey;
use crate::snapshot::SnapshotError;
use crate::triage::{Outgoing, Settings, Stats, Step, Timed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// See the module.
#[derive(Debug)]
pub struct Desk {
    timed: Timed,
    /// What each event has led to, as far as not all have come up to it.
    merger: Merger<Vec<Step>>,
    /// The topic whose partitions are owners.
    owners: Arc<str>,
}

/// Something that an event has led to, and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The offset up to which the teller has read: what it says again is known by that.
    pub offset: i64,
    /// The event.
    pub key: Key,
    /// What it has led to.
    pub step: Step,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    timed: Vec<u8>,
    stands: Vec<((String, i32), Stand)>,
    pending: Vec<(SavedKey, Vec<Step>)>,
    last: Option<SavedKey>,
    stats: MergeStats,
}

impl Desk {
    /// One that knows nothing, and waits for all of `origins`; partitions of the topic `owners` are owners.
    pub fn new(settings: Settings, owners: &str, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self::of(Timed::new(settings), owners, origins)
    }

    /// The same that goes on with what triage was told otherwise.
    pub fn of(timed: Timed, owners: &str, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self { timed, merger: Merger::new(origins, PENDING_MAX), owners: owners.into() }
    }

    /// Takes what `origin` tells, in order, and how far it has come with that.
    pub fn hear(&mut self, origin: &Origin, stand: &Stand, items: impl IntoIterator<Item = Told>) {
        let sent_to = self.merger.hear(origin, stand);
        for Told { offset, key, step } in items {
            if offset < sent_to {
                self.merger.note_repeated();
            } else {
                self.merger.put(key, |it| it.push(step));
            }
        }
    }

    /// Triages what is due. `out` gets what follows from that.
    pub fn work(&mut self, out: &mut Vec<Outgoing>) {
        let bound = self.bound();
        let until_ms = bound.as_ref().map_or_else(|| self.merger.latest_ms(), |it| it.time_ms);
        // Where nobody is waited for, one wrong clock would be ahead of all.
        let latest_ms = if until_ms == i64::MIN { i64::MAX } else { until_ms };
        for (key, steps) in self.merger.take_before(bound.as_ref()) {
            self.timed.take(key.time_ms.min(latest_ms), steps, out);
        }
        self.timed.advance(until_ms, out);
    }

    /// Nothing that comes will be before it; nothing, if nobody is waited for. An owner has come as far as its partitions have, which it may
    /// not have said yet: while any of these is at work, so is every owner.
    fn bound(&self) -> Option<Key> {
        let is_at_work = self.merger.origins().any(|(origin, it)| !self.is_owner(origin) && !it.is_idle);
        self.merger.bound_of(|origin, it| !it.is_idle || is_at_work && self.is_owner(origin))
    }

    fn is_owner(&self, origin: &Origin) -> bool {
        origin.topic == self.owners
    }

    /// Partitions that `is_there` does not know are waited for no more. Says whether there were any.
    pub fn retain(&mut self, is_there: impl Fn(&Origin) -> bool) -> bool {
        let owners = Arc::clone(&self.owners);
        self.merger.retain(|it| it.topic == owners || is_there(it))
    }

    /// The end of the input: nothing is waited for.
    pub fn finish(&mut self, out: &mut Vec<Outgoing>) {
        self.work(out);
        self.timed.finish(out);
    }

    /// How triage stands.
    pub fn stats(&self) -> Stats {
        self.timed.stats()
    }

    /// What was brought into order, and what waits.
    pub fn merge_stats(&self) -> MergeStats {
        self.merger.stats()
    }

    /// Everything that the next decisions depend on, beside the settings.
    pub fn snapshot(&self) -> Vec<u8> {
        let (stands, pending, last, stats) = self.merger.parts();
        let saved = Saved {
            timed: self.timed.snapshot(),
            stands: stands.iter().map(|(it, stand)| (it.to_saved(), stand.clone())).collect(),
            pending: pending.iter().map(|(key, it)| (key.to_saved(), it.clone())).collect(),
            last: last.map(Key::to_saved),
            stats,
        };
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// The one that [`Self::snapshot`] was taken of, with these settings.
    ///
    /// # Errors
    ///
    /// Says why it can't be used.
    pub fn restore(settings: Settings, owners: &str, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let saved: Saved = postcard::from_bytes(bytes).map_err(|it| SnapshotError::Damaged(it.to_string()))?;
        let stands = saved.stands.into_iter().map(|(it, stand)| (Origin::of_saved(it), stand));
        let pending = saved.pending.into_iter().map(|(key, it)| (Key::of_saved(key), it));
        Ok(Self {
            timed: Timed::restore(settings, &saved.timed)?,
            merger: Merger::of_parts(stands, pending, saved.last.map(Key::of_saved), saved.stats),
            owners: owners.into(),
        })
    }
}
