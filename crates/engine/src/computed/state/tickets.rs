//! For how many targets each actor has used each ticket: a ticket that names no target may justify anything, so that it is counted what it
//! was taken to justify.

use crate::windows::Identity;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;

/// Most pairs of actor and ticket that one shard remembers: the latest ones.
pub const TICKETS_MAX: usize = 65_536;
/// Most targets that are told apart for one of them.
pub const TARGETS_MAX: usize = 64;
/// How long a use is remembered, from the first.
const HORIZON_MS: i64 = 30 * 86_400_000;

/// What one actor has used one ticket for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Use {
    key: Identity,
    first_ms: i64,
    /// Half of the identity of each target: of 64 targets two share it with a probability of 10⁻¹⁶. Most tickets have one, for which no
    /// memory is asked.
    first: [u64; FIRST],
    count: u8,
    more: Vec<u64>,
}

/// How many targets stand in a [`Use`] itself.
const FIRST: usize = 2;

impl Use {
    fn new(key: Identity, first_ms: i64) -> Self {
        Self { key, first_ms, first: [0; FIRST], count: 0, more: Vec::new() }
    }

    /// Takes note of a target, and says how many there are.
    fn add(&mut self, target: u64) -> u8 {
        let count = usize::from(self.count);
        let is_known = self.first[..count.min(FIRST)].contains(&target) || self.more.contains(&target);
        if !is_known && count < TARGETS_MAX {
            match self.first.get_mut(count) {
                Some(place) => *place = target,
                None => self.more.push(target),
            }
            self.count += 1;
        }
        self.count
    }
}

/// What the actors of a shard have used tickets for, as a ring.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TicketUses {
    ring: Vec<Use>,
    next: usize,
    /// How many were forgotten for want of room.
    evicted: u64,
    #[serde(skip)]
    index: HashTable<u32>,
}

impl PartialEq for TicketUses {
    fn eq(&self, other: &Self) -> bool {
        (&self.ring, self.next, self.evicted) == (&other.ring, other.next, other.evicted)
    }
}

impl Eq for TicketUses {}

fn hash(identity: Identity) -> u64 {
    FixedState::with_seed(0x7469_636b_6574_7321).hash_one(identity)
}

impl TicketUses {
    /// Takes note that `key`, an actor and a ticket, was used for `target`, and says for how many it was by now, up to [`TARGETS_MAX`].
    pub(crate) fn used(&mut self, key: Identity, target: Identity, at_ms: i64) -> u8 {
        let at = match self.index.find(hash(key), |&it| self.ring[it as usize].key == key) {
            Some(&at) => at as usize,
            None => self.begin(key, at_ms),
        };
        let used = &mut self.ring[at];
        if at_ms.saturating_sub(used.first_ms) > HORIZON_MS {
            *used = Use::new(key, at_ms);
        }
        let [half, _] = target.0;
        used.add(half)
    }

    /// Room for another pair: the oldest one's, if there is no other.
    fn begin(&mut self, key: Identity, at_ms: i64) -> usize {
        let at = self.next;
        if self.ring.len() < TICKETS_MAX {
            self.ring.push(Use::new(key, at_ms));
        } else {
            if let Ok(oldest) = self.index.find_entry(hash(self.ring[at].key), |&it| it as usize == at) {
                oldest.remove();
            }
            self.evicted += 1;
            self.ring[at] = Use::new(key, at_ms);
        }
        self.next = (at + 1) % TICKETS_MAX;
        let ring = &self.ring;
        self.index.insert_unique(hash(key), place(at), |&it| hash(ring[it as usize].key));
        at
    }

    /// How many pairs of actor and ticket are remembered.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether nothing is remembered yet.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many pairs were forgotten for want of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Makes the index anew after the ring was read back.
    pub(crate) fn reindex(&mut self) {
        self.index.clear();
        let ring = &self.ring;
        for at in 0..ring.len() {
            self.index.insert_unique(hash(ring[at].key), place(at), |&it| hash(ring[it as usize].key));
        }
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("the ring is limited to TICKETS_MAX")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: usize) -> Identity {
        Identity::of([number.to_string()])
    }

    #[test]
    fn a_target_counts_once_and_as_long_as_the_horizon() {
        let mut uses = TicketUses::default();
        let mut count = |target, at_ms| uses.used(of(0), of(target), at_ms);
        assert_eq!([count(1, 0), count(2, 5), count(1, 9), count(3, HORIZON_MS)], [1, 2, 2, 3]);
        assert_eq!(count(4, HORIZON_MS + 1), 1);
    }

    #[test]
    fn more_targets_than_are_told_apart_stay_at_the_limit() {
        let mut uses = TicketUses::default();
        let last = (0..TARGETS_MAX + 9).map(|it| uses.used(of(0), of(it), 0)).last();
        assert_eq!(last.map(usize::from), Some(TARGETS_MAX));
    }

    #[test]
    fn a_full_ring_forgets_the_oldest_counts_it_and_goes_on_after_a_restart() {
        let mut uses = TicketUses::default();
        for it in 0..=TICKETS_MAX {
            uses.used(of(it), of(0), 0);
        }
        assert_eq!((uses.len(), uses.evicted()), (TICKETS_MAX, 1));
        let mut restored: TicketUses = postcard::from_bytes(&postcard::to_allocvec(&uses).unwrap()).unwrap();
        restored.reindex();
        for uses in [&mut uses, &mut restored] {
            assert_eq!(uses.used(of(TICKETS_MAX), of(1), 0), 2);
            assert_eq!(uses.used(of(0), of(1), 0), 1, "it was forgotten");
        }
        assert_eq!(uses, restored);
    }
}
