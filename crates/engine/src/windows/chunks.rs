//! What timelines are made of: chunks of six entries, pairs for windows that have no more, and what belongs to entries besides times.

use super::lean;
use crate::prefetch::prefetch;
use crate::small_text::SmallText;
use serde::{Deserialize, Serialize};

/// Entries of a chunk.
pub(super) const WIDTH: usize = 6;
/// Entries of a pair.
pub(super) const PAIR: usize = 2;

/// How far a chunk is filled and what became of its entries.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Marks {
    /// When the latest of its stale entries became so, in seconds, rounded up.
    pub(super) stale_since_s: u32,
    pub(super) len: u8,
    /// A bit for each entry that has gone.
    pub(super) gone: u8,
    /// A bit for each entry of whose value there is a later one.
    pub(super) stale: u8,
}

impl Marks {
    /// A bit for each entry that is there.
    pub(super) fn there(self) -> u8 {
        bits_below(self.len) & !self.gone
    }

    /// A bit for each entry that is there and not stale.
    pub(super) fn live(self) -> u8 {
        self.there() & !self.stale
    }

    /// Makes a place at `slot`.
    pub(super) fn make_place(&mut self, slot: u8) {
        (self.len, self.gone, self.stale) = (self.len + 1, shifted(self.gone, slot), shifted(self.stale, slot));
    }
}

pub(super) fn bits_below(slot: u8) -> u8 {
    (1_u8 << slot) - 1
}

/// Makes room for a bit.
fn shifted(bits: u8, slot: u8) -> u8 {
    let low = bits & bits_below(slot);
    ((bits & !bits_below(slot)) << 1) | low
}

/// One of a list of chunks, in one line of the cache.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[repr(C, align(64))]
pub(super) struct Chunk {
    /// In order, also of what has gone.
    pub(super) times_ms: [i64; WIDTH],
    pub(super) previous: u32,
    pub(super) next: u32,
    pub(super) marks: Marks,
}

impl Chunk {
    pub(super) fn new(previous: u32, next: u32) -> Self {
        Self { times_ms: [0; WIDTH], previous, next, marks: Marks::default() }
    }
}

/// All that a window has.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Pair {
    /// In order, also of what has gone.
    pub(super) times_ms: [i64; PAIR],
    pub(super) marks: Marks,
}

const _: () = assert!(size_of::<Chunk>() == 64 && size_of::<Pair>() == 24);

/// What is counted, and what only alerts show, of the entries of all chunks of one width.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Beside<V> {
    /// Empty where nothing is told apart.
    values: Vec<V>,
    events: Vec<SmallText>,
    /// Empty until an entry has one: where the group is the actor, the alert knows it.
    actors: Vec<SmallText>,
    has_values: bool,
}

impl<V: Copy + Default> Beside<V> {
    pub(super) fn new(has_values: bool) -> Self {
        Self { has_values, ..Self::default() }
    }

    /// What is counted.
    pub(super) fn value(&self, at: usize) -> V {
        self.values.get(at).copied().unwrap_or_default()
    }

    pub(super) fn event(&self, at: usize) -> &SmallText {
        &self.events[at]
    }

    pub(super) fn actor(&self, at: usize) -> Option<&SmallText> {
        self.actors.get(at)
    }

    /// Makes places for the entries of a new chunk.
    pub(super) fn add(&mut self, width: usize) {
        let len = self.events.len() + width;
        lean::make_room(&mut self.events, width);
        self.events.resize_with(len, SmallText::default);
        if self.has_values {
            lean::make_room(&mut self.values, width);
            self.values.resize(len, V::default());
        }
        if !self.actors.is_empty() {
            lean::make_room(&mut self.actors, width);
            self.actors.resize_with(len, SmallText::default);
        }
    }

    pub(super) fn put(&mut self, at: usize, (value, event, actor): (V, SmallText, SmallText)) {
        if self.has_values {
            self.values[at] = value;
        }
        self.events[at] = event;
        if !actor.is_empty() && self.actors.is_empty() {
            self.actors.resize_with(self.events.len(), SmallText::default);
        }
        if let Some(place) = self.actors.get_mut(at) {
            *place = actor;
        }
    }

    /// Takes out what is to be put elsewhere.
    pub(super) fn take(&mut self, at: usize) -> (V, SmallText, SmallText) {
        let actor = self.actors.get_mut(at).map(std::mem::take).unwrap_or_default();
        (self.value(at), std::mem::take(&mut self.events[at]), actor)
    }

    /// Has the value of an entry brought near.
    pub(super) fn fetch_value(&self, at: usize) {
        self.values.get(at).inspect(|it| prefetch(*it));
    }

    /// Has brought near what is written when an entry is put in.
    pub(super) fn fetch(&self, at: usize) {
        self.fetch_value(at);
        self.events.get(at).inspect(|it| prefetch(*it));
        self.actors.get(at).inspect(|it| prefetch(*it));
    }

    /// Has brought near what alerts show of an entry.
    pub(super) fn fetch_sign(&self, at: usize) {
        self.events.get(at).inspect(|it| prefetch(*it));
        self.actors.get(at).inspect(|it| prefetch(*it));
    }

    /// Has brought near what belongs to a chunk of six.
    pub(super) fn fetch_chunk(&self, at: usize) {
        self.events.get(at..).and_then(|it| it.first_chunk::<WIDTH>()).inspect(|it| prefetch(*it));
        self.values.get(at..).and_then(|it| it.first_chunk::<WIDTH>()).inspect(|it| prefetch(*it));
    }
}
