//! Events that were already scored, by identifier, within a bounded horizon.

use crate::windows::Identity;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;

/// Most identifiers that one shard remembers: the latest ones.
pub const SEEN_MAX: usize = 16_384;

/// The latest identifiers, as a ring.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    ring: Vec<Identity>,
    next: usize,
    #[serde(skip)]
    index: HashTable<u32>,
}

fn hash(identity: Identity) -> u64 {
    FixedState::with_seed(0x7365_656e_2121_2121).hash_one(identity)
}

impl Seen {
    /// Whether this event, of identifier `id`, is among the latest [`SEEN_MAX`]; from now on it is. Time and length have to agree too:
    /// a source that uses an identifier twice must not lose an event by it.
    pub fn is_repeated(&mut self, id: &str, time: EventTime, line_bytes: usize) -> bool {
        let identity = Identity([time.ms().cast_unsigned(), line_bytes as u64]).then(id);
        if self.index.find(hash(identity), |&it| self.ring[it as usize] == identity).is_some() {
            return true;
        }
        let at = self.next;
        if self.ring.len() < SEEN_MAX {
            self.ring.push(identity);
        } else {
            if let Ok(oldest) = self.index.find_entry(hash(self.ring[at]), |&it| it as usize == at) {
                oldest.remove();
            }
            self.ring[at] = identity;
        }
        self.next = (at + 1) % SEEN_MAX;
        let ring = &self.ring;
        self.index.insert_unique(hash(identity), place(at), |&it| hash(ring[it as usize]));
        false
    }

    /// How many identifiers are remembered.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether nothing is remembered yet.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Makes the index anew after the ring was read back.
    pub(crate) fn reindex(&mut self) {
        self.index.clear();
        let ring = &self.ring;
        for at in 0..ring.len() {
            self.index.insert_unique(hash(ring[at]), place(at), |&it| hash(ring[it as usize]));
        }
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("the ring is limited to SEEN_MAX")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_repeated(seen: &mut Seen, id: &str) -> bool {
        seen.is_repeated(id, EventTime::from_ms(7), 700)
    }

    #[test]
    fn an_event_is_repeated_until_enough_others_came() {
        let mut seen = Seen::default();
        assert!(!is_repeated(&mut seen, "a"));
        assert!(is_repeated(&mut seen, "a"));
        for at in 0..SEEN_MAX - 1 {
            assert!(!is_repeated(&mut seen, &at.to_string()));
        }
        assert!(is_repeated(&mut seen, "a"));
        assert!(!is_repeated(&mut seen, "one more"));
        assert!(!is_repeated(&mut seen, "a"), "the oldest makes room for the newest");
    }

    #[test]
    fn an_identifier_used_for_two_events_loses_neither() {
        let mut seen = Seen::default();
        assert!(!seen.is_repeated("1", EventTime::from_ms(7), 700));
        assert!(!seen.is_repeated("1", EventTime::from_ms(8), 700));
        assert!(!seen.is_repeated("1", EventTime::from_ms(7), 701));
        assert!(seen.is_repeated("1", EventTime::from_ms(7), 700));
    }

    #[test]
    fn what_was_seen_is_remembered_after_reading_back() {
        let mut seen = Seen::default();
        is_repeated(&mut seen, "a");
        let bytes = postcard::to_allocvec(&seen).unwrap();
        let mut back: Seen = postcard::from_bytes(&bytes).unwrap();
        back.reindex();
        assert!(is_repeated(&mut back, "a"));
        assert!(!is_repeated(&mut back, "b"));
    }
}
