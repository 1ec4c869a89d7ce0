//! All persons of a shard: bounded, found by 128 bits, and never forgotten in silence. Whoever has to make way leaves as bytes, which the
//! caller keeps and brings back.

mod bytes;
#[cfg(test)]
mod tests;

pub use bytes::{PersonError, from_bytes, to_bytes};

use crate::peers::GroupId;
use crate::person::Person;
use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Persons are allocated so many at a time, 2 MiB: growing never moves anybody.
const CHUNK: usize = 1_024;
/// When somebody has to make way, the idlest of as many neighbours does.
const NEIGHBOURS: usize = 64;

/// Where a person sits, until somebody is admitted in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(u32);

/// Somebody who had to make way, as bytes for [`from_bytes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evicted {
    /// Who.
    pub id: u128,
    /// The group of the person.
    pub group: GroupId,
    /// The person, with the version of the layout.
    pub bytes: Vec<u8>,
}

/// Identities are hashes already.
#[derive(Debug, Clone, Copy, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for it in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*it);
        }
    }

    #[inline]
    fn write_u128(&mut self, id: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "half of the hash is hash enough")]
        let low = id as u64;
        self.0 = low;
    }
}

/// A bounded store of persons.
#[derive(Debug, Clone, Default)]
pub struct Population {
    seats: HashMap<u128, u32, BuildHasherDefault<AsItIs>>,
    ids: Vec<u128>,
    chunks: Vec<Box<[Person]>>,
    people_max: usize,
    /// Where the search for the idlest goes on.
    hand: usize,
    evicted: u64,
}

impl Population {
    /// Room for `people_max` persons, at least one.
    pub fn new(people_max: usize) -> Self {
        Self { people_max: people_max.clamp(1, u32::MAX as usize), ..Self::default() }
    }

    /// Where `id` sits.
    #[inline]
    pub fn find(&self, id: u128) -> Option<Seat> {
        self.seats.get(&id).map(|it| Seat(*it))
    }

    /// Finds everybody of a batch, in `seats` (emptied first), and touches what scoring is going to read of them, so that the waits for
    /// memory overlap. The sum that is returned means nothing; it only keeps the reads from being left out.
    pub fn warm(&self, ids: &[u128], seats: &mut Vec<Option<Seat>>) -> u32 {
        seats.clear();
        seats.extend(ids.iter().map(|it| self.find(*it)));
        seats.iter().flatten().fold(0, |sum, it| sum.wrapping_add(self.get(*it).touch()))
    }

    /// Who sits there.
    #[inline]
    pub fn get(&self, Seat(at): Seat) -> &Person {
        let at = at as usize;
        &self.chunks[at / CHUNK][at % CHUNK]
    }

    /// The same, to be advanced and taught.
    #[inline]
    pub fn get_mut(&mut self, Seat(at): Seat) -> &mut Person {
        let at = at as usize;
        &mut self.chunks[at / CHUNK][at % CHUNK]
    }

    /// Gives `id` a seat: as nobody is known yet, or as `person`, who was brought back. Where there is no room, somebody who was idle for
    /// long makes way. Whoever has a seat already keeps it, and what was known of them if `person` is nobody's.
    pub fn admit(&mut self, id: u128, person: Option<Person>) -> (Seat, Option<Evicted>) {
        if let Some(seat) = self.find(id) {
            if let Some(person) = person {
                *self.get_mut(seat) = person;
            }
            return (seat, None);
        }
        let (seat, evicted) = if self.ids.len() < self.people_max { (self.new_seat(id), None) } else { self.make_way(id) };
        *self.get_mut(seat) = person.unwrap_or_default();
        self.seats.insert(id, seat.0);
        (seat, evicted)
    }

    fn new_seat(&mut self, id: u128) -> Seat {
        let at = self.ids.len();
        if at / CHUNK == self.chunks.len() {
            self.chunks.push(vec![Person::default(); CHUNK].into_boxed_slice());
        }
        self.ids.push(id);
        Seat(u32::try_from(at).expect("people_max is no larger"))
    }

    /// A hand goes round; of the next few whoever was seen longest ago makes way (the lower seat among equals).
    fn make_way(&mut self, id: u128) -> (Seat, Option<Evicted>) {
        let all = self.ids.len();
        let near = (0..NEIGHBOURS.min(all)).map(|step| (self.hand + step) % all);
        let last_seen = |at: usize| self.chunks[at / CHUNK][at % CHUNK].last_seen();
        let idlest = near.min_by_key(|at| (last_seen(*at), *at)).unwrap_or(0);
        self.hand = (self.hand + NEIGHBOURS) % all;
        let seat = Seat(u32::try_from(idlest).expect("people_max is no larger"));
        let leaving = std::mem::replace(&mut self.ids[idlest], id);
        self.seats.remove(&leaving);
        self.evicted += 1;
        (seat, Some(Evicted { id: leaving, group: self.get(seat).group(), bytes: to_bytes(self.get(seat)) }))
    }

    /// Has room for `people_max` persons from now on, at least one. If there are more, the idlest make way, the higher seats among equals;
    /// the others keep their order, but not their seats.
    pub fn set_room(&mut self, people_max: usize) -> Vec<Evicted> {
        let people_max = people_max.clamp(1, u32::MAX as usize);
        if self.len() <= people_max {
            self.people_max = people_max;
            return Vec::new();
        }
        let mut seats: Vec<(u32, usize)> = self.people().map(|(_, it)| it.last_seen()).zip(0..).collect();
        seats.sort_by_key(|(last_seen, at)| (std::cmp::Reverse(*last_seen), *at));
        let mut stays = vec![false; self.len()];
        seats[..people_max].iter().for_each(|(_, at)| stays[*at] = true);
        let mut smaller = Self::new(people_max);
        let mut evicted = Vec::new();
        for ((id, person), stays) in self.people().zip(stays) {
            if stays {
                smaller.admit(id, Some(person.clone()));
            } else {
                evicted.push(Evicted { id, group: person.group(), bytes: to_bytes(person) });
            }
        }
        smaller.evicted = self.evicted + evicted.len() as u64;
        *self = smaller;
        evicted
    }

    /// Everybody, in the order of their seats: the order in which a [`crate::peers::Tally`] has to be made.
    pub fn people(&self) -> impl Iterator<Item = (u128, &Person)> {
        self.ids.iter().zip(self.chunks.iter().flatten()).map(|(id, it)| (*id, it))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How often somebody had to make way.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Bytes that it holds, index and free seats of begun chunks included.
    pub fn bytes(&self) -> usize {
        let index = self.seats.allocation_size() + self.ids.capacity() * size_of::<u128>();
        index + self.chunks.len() * CHUNK * size_of::<Person>()
    }
}
