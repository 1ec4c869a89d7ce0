//! Events that were already scored, within a bounded horizon.

use crate::windows::Identity;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// Most events that one shard remembers: the latest ones.
pub const SEEN_MAX: usize = 16_384;

/// The latest events, as a ring.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    ring: Vec<Identity>,
    next: usize,
    #[serde(skip)]
    index: HashTable<u32>,
}

/// An identity is a hash already.
fn hash(identity: Identity) -> u64 {
    identity.0[0]
}

impl Seen {
    /// What a line is known by.
    pub fn identity(line: &str) -> Identity {
        Identity::of([line])
    }

    /// Reads what [`Self::is_repeated`] will need, so that it is at hand then.
    pub fn look_ahead(&self, identity: Identity) -> bool {
        let is_known = self.index.find(hash(identity), |&it| self.ring[it as usize] == identity).is_some();
        self.ring.get(self.next).is_some_and(|oldest| self.index.find(hash(*oldest), |_| false).is_some()) || is_known
    }

    /// Whether this very line is among the latest [`SEEN_MAX`]; from now on it is. The whole line counts and not only its identifier:
    /// a source that uses an identifier twice must not lose an event by it.
    pub fn is_repeated(&mut self, identity: Identity) -> bool {
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

    /// How many events are remembered.
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

    #[test]
    fn an_event_is_repeated_until_enough_others_came() {
        let mut seen = Seen::default();
        assert!(!seen.is_repeated(Seen::identity("a")));
        assert!(seen.is_repeated(Seen::identity("a")));
        for at in 0..SEEN_MAX - 1 {
            assert!(!seen.is_repeated(Seen::identity(&at.to_string())));
        }
        assert!(seen.is_repeated(Seen::identity("a")));
        assert!(!seen.is_repeated(Seen::identity("one more")));
        assert!(!seen.is_repeated(Seen::identity("a")), "the oldest makes room for the newest");
    }

    #[test]
    fn an_identifier_used_for_two_events_loses_neither() {
        let mut seen = Seen::default();
        assert!(!seen.is_repeated(Seen::identity(r#"{"id":"1","action":"a"}"#)));
        assert!(!seen.is_repeated(Seen::identity(r#"{"id":"1","action":"b"}"#)));
        assert!(seen.is_repeated(Seen::identity(r#"{"id":"1","action":"a"}"#)));
    }

    #[test]
    fn what_was_seen_is_remembered_after_reading_back() {
        let mut seen = Seen::default();
        seen.is_repeated(Seen::identity("a"));
        let bytes = postcard::to_allocvec(&seen).unwrap();
        let mut back: Seen = postcard::from_bytes(&bytes).unwrap();
        back.reindex();
        assert!(back.is_repeated(Seen::identity("a")));
        assert!(!back.is_repeated(Seen::identity("b")));
    }
}
