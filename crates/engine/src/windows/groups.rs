//! The groups of one correlation: a bounded table that forgets idle groups little by little.

use super::{Identity, lean};
use crate::places::Places;
use crate::prefetch::prefetch;
use model::EventTime;
use serde::{Deserialize, Serialize};

/// How many groups are looked at for idleness whenever one is added: more than one, so that the table can't outgrow what is alive for long.
const SWEEP: usize = 2;
/// How many are looked at for the idlest one when the table is full.
const SWEEP_FULL: usize = 16;

/// A group and its state, in as few lines of the cache as there can be.
#[derive(Debug, Serialize, Deserialize)]
#[repr(align(64))]
struct Slot<G> {
    key: Identity,
    last_ms: i64,
    group: G,
}

/// Groups by the 128-bit identity of their key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Groups<G> {
    slots: Vec<Option<Slot<G>>>,
    free: Vec<u32>,
    hand: u32,
    limit: u32,
    /// Groups that had to go although they were alive.
    pub(super) evicted: u64,
    #[serde(skip)]
    index: Places,
}

/// The number of no group.
pub(crate) const NOBODY: u32 = u32::MAX;

/// An identity is a hash already.
fn hash(key: Identity) -> u64 {
    key.0[0]
}

impl<G: Default> Groups<G> {
    pub(super) fn new(limit: u32) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), hand: 0, limit: limit.max(1), evicted: 0, index: Places::default() }
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many there may be.
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Makes the index anew after the table was read back.
    pub(super) fn reindex(&mut self) {
        self.index.clear();
        for at in 0..self.slots.len() {
            if let Some(slot) = &self.slots[at] {
                let number = u32::try_from(at).expect("the table is limited to 2^32 groups");
                self.index.insert(hash(slot.key), number);
            }
        }
    }

    /// Shows the number and state of every group.
    pub(super) fn each(&mut self, mut show: impl FnMut(u32, &mut G)) {
        for (number, slot) in (0_u32..).zip(&mut self.slots) {
            if let Some(slot) = slot {
                show(number, &mut slot.group);
            }
        }
    }

    /// Has brought near what tells where the slot of `key` is.
    pub(super) fn expect(&self, key: Identity) {
        self.index.fetch(hash(key));
    }

    /// Has the slot brought near that is probably that of `key`, and tells its number.
    pub(super) fn fetch(&self, key: Identity) -> Option<u32> {
        let number = self.index.find(hash(key), |_| true)?;
        prefetch(&self.slots[number as usize]);
        Some(number)
    }

    /// The state of a group, only to be looked at.
    pub(super) fn look(&self, number: u32) -> Option<&G> {
        self.slots.get(number as usize)?.as_ref().map(|it| &it.group)
    }

    /// The state of a group.
    pub(super) fn at(&mut self, number: u32) -> &mut G {
        let slot = self.slots[number as usize].as_mut().expect("numbers of groups are handed out for groups that exist");
        &mut slot.group
    }

    /// The group of `key`, touched at `time`; a new one if there is none. Groups whose last event is before `idle_before` may be
    /// forgotten on the way, and so may the idlest of a few when the table is full; `forget` gets the number and state of each. Its
    /// number is perhaps `guess`.
    pub(super) fn touch(
        &mut self,
        (key, guess): (Identity, u32),
        time: EventTime,
        idle_before: EventTime,
        mut forget: impl FnMut(u32, &mut G),
    ) -> u32 {
        if let Some(Some(slot)) = self.slots.get_mut(guess as usize)
            && slot.key == key
        {
            slot.last_ms = slot.last_ms.max(time.ms());
            return guess;
        }
        let slots = &self.slots;
        if let Some(number) = self.index.find(hash(key), |it| key_at(slots, it) == key) {
            let slot = self.slots[number as usize].as_mut().expect("the index names groups that exist");
            slot.last_ms = slot.last_ms.max(time.ms());
            return number;
        }
        self.sweep(SWEEP, idle_before, &mut forget);
        if self.len() >= self.limit() {
            self.sweep(SWEEP_FULL, idle_before, &mut forget);
            if self.len() >= self.limit() {
                self.evict_idlest(&mut forget);
            }
        }
        self.add(key, time)
    }

    fn add(&mut self, key: Identity, time: EventTime) -> u32 {
        let slot = Some(Slot { key, last_ms: time.ms(), group: G::default() });
        let number = if let Some(number) = self.free.pop() {
            self.slots[number as usize] = slot;
            number
        } else {
            lean::push(&mut self.slots, slot);
            u32::try_from(self.slots.len() - 1).expect("the table is limited to 2^32 groups")
        };
        self.index.insert(hash(key), number);
        number
    }

    fn sweep(&mut self, count: usize, idle_before: EventTime, forget: &mut impl FnMut(u32, &mut G)) {
        for _ in 0..count.min(self.slots.len()) {
            let at = self.advance();
            if self.slots[at as usize].as_ref().is_some_and(|it| it.last_ms < idle_before.ms()) {
                self.remove(at, forget);
            }
        }
    }

    fn evict_idlest(&mut self, forget: &mut impl FnMut(u32, &mut G)) {
        let mut idlest: Option<(i64, u32)> = None;
        for _ in 0..SWEEP_FULL.min(self.slots.len()) {
            let at = self.advance();
            if let Some(slot) = &self.slots[at as usize] {
                idlest = Some(idlest.map_or((slot.last_ms, at), |it| it.min((slot.last_ms, at))));
            }
        }
        // Every slot of a full table is taken, so that one was found.
        if let Some((_, at)) = idlest {
            self.evicted += 1;
            self.remove(at, forget);
        }
    }

    fn advance(&mut self) -> u32 {
        let at = if self.hand as usize >= self.slots.len() { 0 } else { self.hand };
        self.hand = at + 1;
        at
    }

    fn remove(&mut self, number: u32, forget: &mut impl FnMut(u32, &mut G)) {
        let Some(mut slot) = self.slots[number as usize].take() else { return };
        forget(number, &mut slot.group);
        self.index.remove(hash(slot.key), number);
        self.free.push(number);
    }
}

#[cfg(test)]
const _: () = {
    assert!(size_of::<Option<Slot<super::kept::Group>>>() == 64, "one line of the cache");
    assert!(size_of::<Option<Slot<super::chain::Group>>>() == 128, "two lines of the cache");
};

fn key_at<G>(slots: &[Option<Slot<G>>], number: u32) -> Identity {
    slots[number as usize].as_ref().map_or(Identity::default(), |it| it.key)
}
