//! Events that were already scored, within a bounded horizon.

use crate::places::Places;
use crate::windows::Identity;
use serde::{Deserialize, Serialize};

/// Most events that one shard remembers, unless it is told otherwise: the latest ones. Each takes about 32 bytes, 16 of them in a snapshot.
pub const SEEN_MAX: usize = 16_384;

/// So many events before its turn to go comes, what that needs is asked for.
const SOON: usize = 8;

/// The latest events, as a ring.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    ring: Vec<Identity>,
    next: usize,
    #[serde(skip)]
    index: Places,
    #[serde(skip, default = "seen_max")]
    max: usize,
}

fn seen_max() -> usize {
    SEEN_MAX
}

impl Default for Seen {
    fn default() -> Self {
        Self { ring: Vec::new(), next: 0, index: Places::default(), max: SEEN_MAX }
    }
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

    /// Has brought near what [`Self::is_repeated`] will look at first.
    pub fn look_ahead(&self, identity: Identity) {
        self.index.fetch(hash(identity));
    }

    /// Remembers the latest `max` events from now on, one at least; of those that are known the latest stay.
    pub fn set_max(&mut self, max: usize) {
        let max = max.clamp(1, u32::MAX as usize);
        if max == self.max && self.ring.len() <= max {
            return;
        }
        // The oldest first, wherever the ring was cut.
        let next = self.next.min(self.ring.len());
        self.ring.rotate_left(next);
        self.ring.drain(..self.ring.len().saturating_sub(max));
        (self.max, self.next) = (max, self.ring.len() % max);
        self.reindex();
    }

    /// Whether this very line is among the latest [`SEEN_MAX`], or as many as [`Self::set_max`] says; from now on it is. The whole line counts and not only its identifier:
    /// a source that uses an identifier twice must not lose an event by it.
    pub fn is_repeated(&mut self, identity: Identity) -> bool {
        let Self { ring, next, index, max } = self;
        if index.find(hash(identity), |it| ring.get(it as usize) == Some(&identity)).is_some() {
            return true;
        }
        let at = *next;
        if ring.len() < *max {
            ring.push(identity);
        } else {
            index.remove(hash(ring[at]), place(at));
            ring[at] = identity;
        }
        *next = if at + 1 < *max { at + 1 } else { 0 };
        index.insert(hash(identity), place(at));
        // Their turn to go comes soon.
        ring.get(at + SOON).inspect(|it| index.fetch(hash(**it)));
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
        for (at, &identity) in self.ring.iter().enumerate() {
            self.index.insert(hash(identity), place(at));
        }
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("the ring is limited to SEEN_MAX")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashSet, VecDeque};

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
    fn the_horizon_can_be_changed_and_the_latest_stay_known() {
        for (first, before, then) in [(8, 5, 3), (8, 8, 3), (8, 11, 3), (8, 13, 20), (4, 3, 9), (4, 4, 9), (5, 5, 5)] {
            let mut seen = Seen::default();
            seen.set_max(first);
            (0..before).for_each(|it: usize| assert!(!seen.is_repeated(Seen::identity(&it.to_string()))));
            let mut seen: Seen = postcard::from_bytes(&postcard::to_allocvec(&seen).unwrap()).unwrap();
            seen.reindex();
            seen.set_max(then);
            let known = before.min(first).min(then);
            assert_eq!(seen.len(), known);
            let is_known = |it: usize| seen.index.find(hash(Seen::identity(&it.to_string())), |_| true).is_some();
            assert!((0..before).all(|it| is_known(it) == (it >= before - known)), "{first} {before} {then}");
            (before..before + then).for_each(|it| assert!(!seen.is_repeated(Seen::identity(&it.to_string()))));
            assert!(seen.is_repeated(Seen::identity(&before.to_string())) && seen.len() == then);
            assert!(!seen.is_repeated(Seen::identity("one more")) && !seen.is_repeated(Seen::identity(&before.to_string())));
        }
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

    #[test]
    fn what_is_repeated_is_what_a_list_of_the_latest_has() {
        let mut state = 7_u64;
        let mut roll = |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let max = 1_000;
        let (mut seen, mut latest, mut known) = (Seen::default(), VecDeque::new(), HashSet::new());
        seen.set_max(max);
        for step in 0..20_000 {
            if step % 5_000 == 4_999 {
                seen = postcard::from_bytes(&postcard::to_allocvec(&seen).unwrap()).unwrap();
                seen.reindex();
                seen.set_max(max);
            }
            // Many hashes are the same.
            let number = roll(2_500);
            let identity = Identity([(number % 97) << 40, number]);
            let is_new = known.insert(identity);
            assert_eq!(seen.is_repeated(identity), !is_new, "{number}");
            if is_new {
                latest.push_back(identity);
            }
            if latest.len() > max {
                known.remove(&latest.pop_front().unwrap());
            }
        }
        assert_eq!(latest.len(), max);
    }
}
