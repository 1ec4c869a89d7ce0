//! What brokers keep, whatever happens to instances: messages, parcels, what is committed, and who may commit.

use super::OWNERS;
use super::rules::Wave;
use std::collections::{BTreeMap, BTreeSet};

/// A partition with events, or one of the exchange topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Partition {
    Events(usize),
    Owner(usize),
}

/// Something that a batch caused.
#[derive(Debug, Clone)]
pub(super) enum Record {
    /// An alert, with whom it is about, or a dead letter.
    Out(Option<String>, String),
    Parcel(usize, Vec<u8>),
}

/// A batch that was handled.
pub(super) struct Step {
    pub(super) partition: Partition,
    /// When the partition was given to who handled it.
    pub(super) tenancy: usize,
    /// Nothing was read for it, if it has none.
    pub(super) end: Option<usize>,
    pub(super) records: Vec<Record>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Log {
    pub(super) events: Vec<Vec<String>>,
    pub(super) parcels: Vec<Vec<Vec<u8>>>,
    committed: BTreeMap<Partition, usize>,
    /// What readers of committed records see.
    pub(super) out: Vec<String>,
    /// Of each group of each rule the partition that alerts about it.
    spoken_for: BTreeMap<String, Partition>,
    /// Since when each partition is whose: nobody else may commit.
    tenancies: BTreeMap<Partition, usize>,
    /// Partitions that have said that there is nothing more.
    ended: BTreeSet<usize>,
    pub(super) ends_idle: bool,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { parcels: vec![Vec::new(); OWNERS], ..Self::default() }
    }

    pub(super) fn append(&mut self, wave: Wave) {
        self.events.resize(wave.messages.len(), Vec::new());
        self.events.iter_mut().zip(wave.messages).for_each(|(known, new)| known.extend(new));
        self.ended.clear();
        self.ends_idle = wave.ends_idle;
    }

    pub(super) fn all(&self) -> Vec<Partition> {
        (0..self.events.len()).map(Partition::Events).chain((0..OWNERS).map(Partition::Owner)).collect()
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

    pub(super) fn give(&mut self, partition: Partition, tenancy: usize) {
        self.tenancies.insert(partition, tenancy);
    }

    pub(super) fn is_tenant(&self, partition: Partition, tenancy: usize) -> bool {
        self.tenancies.get(&partition) == Some(&tenancy)
    }

    pub(super) fn is_quiet(&self) -> bool {
        (!self.ends_idle || self.ended.len() == self.events.len())
            && self.all().into_iter().all(|it| self.committed(it) == self.len(it))
    }

    /// All of it, or none.
    pub(super) fn commit(&mut self, steps: impl IntoIterator<Item = Step>) {
        for Step { partition, end, records, tenancy } in steps {
            assert!(self.is_tenant(partition, tenancy), "somebody else has {partition:?} by now");
            for record in records {
                match record {
                    Record::Out(about, text) => {
                        let speaker = about.map_or(partition, |it| *self.spoken_for.entry(it).or_insert(partition));
                        assert!(speaker == partition, "invariant 4: {speaker:?} and {partition:?} have the same key: {text}");
                        self.out.push(text);
                    }
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
