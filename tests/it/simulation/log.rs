//! What brokers and the object store keep, whatever happens to instances.

use super::{OWNERS, PARTITIONS};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};

/// A partition with events, or one of the exchange topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Partition {
    Events(usize),
    Owner(usize),
}

/// Something that a batch caused.
#[derive(Debug, Clone)]
pub(super) enum Record {
    /// An alert or a dead letter.
    Out(String),
    Parcel(usize, Vec<u8>),
}

/// A batch that was handled.
pub(super) struct Step {
    pub(super) partition: Partition,
    /// Nothing was read for it, if it has none.
    pub(super) end: Option<usize>,
    pub(super) records: Vec<Record>,
}

/// What brokers and the object store keep.
pub(super) struct Log {
    pub(super) events: Vec<Vec<String>>,
    pub(super) parcels: Vec<Vec<Vec<u8>>>,
    pub(super) committed: BTreeMap<Partition, usize>,
    pub(super) out: Vec<String>,
    /// States, each with its offset and checksum; some are damaged.
    pub(super) kept: BTreeMap<Partition, Vec<(usize, u64, Vec<u8>)>>,
    /// Whose a partition is, by the number of the instance's life.
    pub(super) owned: BTreeMap<Partition, usize>,
    /// Partitions that have said that there is nothing more, for good.
    pub(super) ended: BTreeSet<usize>,
}

impl Log {
    pub(super) fn all() -> impl Iterator<Item = Partition> {
        (0..PARTITIONS).map(Partition::Events).chain((0..OWNERS).map(Partition::Owner))
    }

    pub(super) fn len(&self, partition: Partition) -> usize {
        match partition {
            Partition::Events(at) => self.events[at].len(),
            Partition::Owner(at) => self.parcels[at].len(),
        }
    }

    pub(super) fn committed(&self, partition: Partition) -> usize {
        self.committed.get(&partition).copied().unwrap_or(0)
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended.len() == PARTITIONS && Self::all().all(|it| self.committed(it) == self.len(it))
    }

    /// All of it, or none.
    pub(super) fn commit(&mut self, steps: Vec<Step>) {
        for Step { partition, end, records } in steps {
            for record in records {
                match record {
                    Record::Out(text) => self.out.push(text),
                    Record::Parcel(owner, bytes) => self.parcels[owner].push(bytes),
                }
            }
            match (end, partition) {
                (Some(end), _) => {
                    assert!(end >= self.committed(partition), "offsets of {partition:?} go back");
                    self.committed.insert(partition, end);
                }
                (None, Partition::Events(at)) => _ = self.ended.insert(at),
                (None, Partition::Owner(_)) => {}
            }
        }
    }
}

pub(super) fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
