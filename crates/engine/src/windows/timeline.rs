//! Entries of all windows of one correlation in event-time order: lists of chunks of six, in one arena.
//!
//! Waiting for memory is most of what a hit costs. The times of a chunk, its links and its marks are one line of the cache; what is
//! counted and what only alerts show stand apart. What has gone leaves a mark, so that places stay; only an entry that comes late moves
//! those of its chunk that are later.

use super::{Hit, Sign};
use crate::prefetch::prefetch;
use crate::small_text::SmallText;
use serde::{Deserialize, Serialize};

/// Entries of a chunk.
const WIDTH: usize = 6;
/// Bits of a place that say where in its chunk it is.
const SLOT_BITS: u32 = 3;
/// No chunk, and no place.
const NONE: u32 = u32::MAX;

/// One event that enters a window.
#[derive(Debug)]
pub(super) struct Entry<'h, V> {
    /// Milliseconds since the epoch.
    pub(super) time_ms: i64,
    /// What is counted, or as which step it counts.
    pub(super) value: V,
    pub(super) event: &'h SmallText,
    pub(super) actor: &'h SmallText,
}

impl<'h, V> Entry<'h, V> {
    pub(super) fn new(hit: &'h Hit, value: V) -> Self {
        Self { time_ms: hit.time.ms(), value, event: &hit.event, actor: &hit.actor }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[repr(C, align(64))]
struct Chunk {
    /// In order, also of what has gone.
    times_ms: [i64; WIDTH],
    previous: u32,
    next: u32,
    /// When the latest of its stale entries became so, in seconds, rounded up.
    stale_since_s: u32,
    len: u8,
    /// A bit for each entry that has gone.
    gone: u8,
    /// A bit for each entry of whose value there is a later one.
    stale: u8,
}

impl Chunk {
    fn new(previous: u32, next: u32) -> Self {
        Self { times_ms: [0; WIDTH], previous, next, stale_since_s: 0, len: 0, gone: 0, stale: 0 }
    }

    /// A bit for each entry that is there.
    fn there(&self) -> u8 {
        bits_below(self.len) & !self.gone
    }

    /// A bit for each entry that is there and not stale.
    fn live(&self) -> u8 {
        self.there() & !self.stale
    }

    fn last_ms(&self) -> i64 {
        self.times_ms[usize::from(self.len.saturating_sub(1))]
    }

    /// How many of its entries are before a time.
    fn count_before(&self, time_ms: i64) -> usize {
        self.times_ms[..usize::from(self.len)].iter().take_while(|it| **it < time_ms).count()
    }
}

fn bits_below(slot: u8) -> u8 {
    (1_u8 << slot) - 1
}

/// Makes room for a bit.
fn shifted(bits: u8, slot: u8) -> u8 {
    let low = bits & bits_below(slot);
    ((bits & !bits_below(slot)) << 1) | low
}

/// A window: entries in event-time order, those of equal time in order of arrival.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct List {
    /// The first chunk.
    head: u32,
    /// A place in the last chunk: after the entry that was put in last, so that the next one can be looked ahead for.
    tail: u32,
    /// How many entries there are, stale ones included.
    pub(super) len: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }
}

impl List {
    /// The last chunk.
    fn last_chunk(&self) -> Option<u32> {
        (self.tail != NONE).then_some(self.tail >> SLOT_BITS)
    }
}

/// The arena.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Timeline<V> {
    chunks: Vec<Chunk>,
    /// Empty where nothing is told apart.
    values: Vec<[V; WIDTH]>,
    events: Vec<[SmallText; WIDTH]>,
    /// Empty until an entry has one: where the group is the actor, the alert knows it.
    actors: Vec<[SmallText; WIDTH]>,
    free: Vec<u32>,
    used: usize,
    has_values: bool,
}

/// What a chunk holds, for those who decide whether it may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents {
    /// Its number.
    pub(super) chunk: u32,
    /// Time of its last entry.
    pub(super) last_ms: i64,
    /// Entries.
    pub(super) len: u32,
    /// Entries that are not stale.
    pub(super) live: u32,
    /// Since when the stale ones are all stale.
    pub(super) stale_since_ms: i64,
}

fn place(chunk: u32, slot: u32) -> u32 {
    chunk << SLOT_BITS | slot
}

fn chunk_of(at: u32) -> usize {
    (at >> SLOT_BITS) as usize
}

fn slot_of(at: u32) -> u8 {
    u8::try_from(at & ((1 << SLOT_BITS) - 1)).unwrap_or(0)
}

impl<V: Copy + Default> Timeline<V> {
    /// An empty one; without values nothing can be told apart.
    pub(super) fn new(has_values: bool) -> Self {
        Self { has_values, ..Self::default() }
    }

    /// When the event was, in milliseconds since the epoch.
    pub(super) fn time(&self, at: u32) -> i64 {
        self.chunks[chunk_of(at)].times_ms[usize::from(slot_of(at))]
    }

    /// What is counted.
    pub(super) fn value(&self, at: u32) -> V {
        self.values.get(chunk_of(at)).map_or_else(V::default, |it| it[usize::from(slot_of(at))])
    }

    /// What an alert shows of it.
    pub(super) fn sign(&self, at: u32) -> Sign<'_> {
        let (chunk, slot) = (chunk_of(at), usize::from(slot_of(at)));
        let actor = self.actors.get(chunk).map(|it| &it[slot]);
        Sign { time_ms: self.time(at), event: &self.events[chunk][slot], actor }
    }

    /// How many entries there are.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Whether the next entry needs no new chunk.
    pub(super) fn has_room(&self, list: &List) -> bool {
        list.last_chunk().is_some_and(|it| usize::from(self.chunks[it as usize].len) < WIDTH)
    }

    /// The oldest entry.
    pub(super) fn oldest(&self, list: &List) -> Option<u32> {
        (list.head != NONE).then(|| self.first_of(list.head))
    }

    /// The latest entry.
    pub(super) fn latest(&self, list: &List) -> Option<u32> {
        list.last_chunk().map(|it| self.last_of(it))
    }

    // A chunk that is in a list has an entry that is there.
    fn first_of(&self, chunk: u32) -> u32 {
        place(chunk, self.chunks[chunk as usize].there().trailing_zeros())
    }

    fn last_of(&self, chunk: u32) -> u32 {
        place(chunk, u8::BITS - 1 - self.chunks[chunk as usize].there().leading_zeros())
    }

    /// The entry after `at` in its list.
    pub(super) fn after(&self, at: u32) -> Option<u32> {
        let chunk = &self.chunks[chunk_of(at)];
        let later = chunk.there() & !bits_below(slot_of(at) + 1);
        if later != 0 {
            return Some(at & !bits_of_slots() | later.trailing_zeros());
        }
        (chunk.next != NONE).then(|| self.first_of(chunk.next))
    }

    /// The entry before `at` in its list.
    pub(super) fn before(&self, at: u32) -> Option<u32> {
        let chunk = &self.chunks[chunk_of(at)];
        let earlier = chunk.there() & bits_below(slot_of(at));
        if earlier != 0 {
            return Some(at & !bits_of_slots() | (u8::BITS - 1 - earlier.leading_zeros()));
        }
        (chunk.previous != NONE).then(|| self.last_of(chunk.previous))
    }

    /// The places of a list from its oldest entry on.
    pub(super) fn places(&self, list: &List) -> impl Iterator<Item = u32> {
        std::iter::successors(self.oldest(list), |&it| self.after(it))
    }

    /// The places of a list from `at` on, going back in time.
    pub(super) fn back_from(&self, at: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(at), |&it| self.before(it))
    }

    /// Whether there is a later entry of the same value.
    pub(super) fn is_stale(&self, at: u32) -> bool {
        self.chunks[chunk_of(at)].stale >> slot_of(at) & 1 == 1
    }

    /// Marks an entry of whose value there is a later one, of `since_ms`.
    pub(super) fn make_stale(&mut self, at: u32, since_ms: i64) {
        let chunk = &mut self.chunks[chunk_of(at)];
        chunk.stale |= 1 << slot_of(at);
        let seconds = since_ms.saturating_add(999).div_euclid(1_000).max(0);
        chunk.stale_since_s = chunk.stale_since_s.max(u32::try_from(seconds).unwrap_or(u32::MAX));
    }

    /// How many entries there are from `start_ms` to `at` that are not stale; not many more than `enough`. `None` where one is stale and
    /// was not yet when `at` was, as far as `was_stale` can tell.
    pub(super) fn count_until(&self, at: u32, start_ms: i64, enough: u32, was_stale: impl Fn(u32) -> bool) -> Option<u32> {
        let (end_ms, mut count, mut chunk, mut wanted) = (self.time(at), 0, at >> SLOT_BITS, bits_below(slot_of(at) + 1));
        while chunk != NONE && count < enough {
            let it = &self.chunks[chunk as usize];
            let before = it.count_before(start_ms);
            let inside = it.there() & wanted & !bits_below(u8::try_from(before).unwrap_or(0));
            count += (inside & !it.stale).count_ones();
            let mut stale = (0..u8::BITS).filter(|slot| (inside & it.stale) >> slot & 1 == 1);
            if i64::from(it.stale_since_s) * 1_000 > end_ms && !stale.all(|slot| was_stale(place(chunk, slot))) {
                return None;
            }
            if before > 0 {
                break;
            }
            (chunk, wanted) = (it.previous, u8::MAX);
        }
        Some(count)
    }

    /// Puts an entry into a list where its time belongs, and tells its place; `moved` is shown the value of each entry that has to make
    /// room, where it was and where it is. Almost always its place is the end, and none has to.
    pub(super) fn insert(&mut self, list: &mut List, entry: &Entry<'_, V>, mut moved: impl FnMut(V, u32, u32)) -> u32 {
        let mut chunk = list.last_chunk().unwrap_or(NONE);
        while chunk != NONE && self.chunks[chunk as usize].times_ms[0] > entry.time_ms {
            match self.chunks[chunk as usize].previous {
                NONE => break,
                previous => chunk = previous,
            }
        }
        if chunk == NONE {
            chunk = self.add_chunk(list, NONE);
        }
        let after_ms = entry.time_ms.saturating_add(1);
        let is_middle = |it: &Chunk| it.count_before(after_ms) < usize::from(it.len);
        if self.chunks[chunk as usize].gone != 0 && is_middle(&self.chunks[chunk as usize]) {
            self.close_up(chunk, &mut moved);
        }
        let it = &self.chunks[chunk as usize];
        let mut slot = it.count_before(after_ms);
        if usize::from(it.len) == WIDTH {
            let next = self.add_chunk(list, chunk);
            if slot == WIDTH {
                (chunk, slot) = (next, 0);
            } else {
                self.split(chunk, next, &mut moved);
                if slot > WIDTH / 2 {
                    (chunk, slot) = (next, slot - WIDTH / 2);
                }
            }
        }
        self.make_place(chunk, slot, &mut moved);
        list.len += 1;
        self.used += 1;
        if let Some(last) = list.last_chunk() {
            list.tail = place(last, self.chunks[last as usize].len.into());
        }
        let at = place(chunk, u32::try_from(slot).unwrap_or(0));
        self.write(at, entry);
        at
    }

    fn write(&mut self, at: u32, entry: &Entry<'_, V>) {
        let (chunk, slot) = (chunk_of(at), usize::from(slot_of(at)));
        self.chunks[chunk].times_ms[slot] = entry.time_ms;
        if self.has_values {
            self.values[chunk][slot] = entry.value;
        }
        self.events[chunk][slot] = entry.event.clone();
        if !entry.actor.is_empty() && self.actors.is_empty() {
            self.actors.resize_with(self.chunks.len(), Default::default);
        }
        if let Some(actors) = self.actors.get_mut(chunk) {
            actors[slot] = entry.actor.clone();
        }
    }

    /// Moves the later half of a full chunk, of which nothing has gone, to a new one.
    fn split(&mut self, from: u32, to: u32, moved: &mut impl FnMut(V, u32, u32)) {
        const HALF: usize = WIDTH / 2;
        for slot in HALF..WIDTH {
            self.relocate((from, slot), (to, slot - HALF), moved);
        }
        let (half, Chunk { len, stale, stale_since_s, .. }) = (u8::try_from(HALF).unwrap_or(0), self.chunks[from as usize]);
        let second = &mut self.chunks[to as usize];
        (second.len, second.stale, second.stale_since_s) = (len - half, stale >> half, stale_since_s);
        let first = &mut self.chunks[from as usize];
        (first.len, first.stale) = (half, stale & bits_below(half));
    }

    /// Moves the entries of a chunk to where others have gone.
    fn close_up(&mut self, chunk: u32, moved: &mut impl FnMut(V, u32, u32)) {
        let Chunk { len, gone, stale, .. } = self.chunks[chunk as usize];
        let (mut to, mut still_stale) = (0_u8, 0_u8);
        for from in (0..len).filter(|it| gone >> it & 1 == 0) {
            if from != to {
                self.relocate((chunk, from.into()), (chunk, to.into()), moved);
            }
            still_stale |= (stale >> from & 1) << to;
            to += 1;
        }
        let it = &mut self.chunks[chunk as usize];
        (it.len, it.gone, it.stale) = (to, 0, still_stale);
    }

    /// Moves the entries of a chunk from `slot` on, to make a place.
    fn make_place(&mut self, chunk: u32, slot: usize, moved: &mut impl FnMut(V, u32, u32)) {
        let len = usize::from(self.chunks[chunk as usize].len);
        for at in (slot..len).rev() {
            self.relocate((chunk, at), (chunk, at + 1), moved);
        }
        let (it, slot) = (&mut self.chunks[chunk as usize], u8::try_from(slot).unwrap_or(0));
        (it.len, it.gone, it.stale) = (it.len + 1, shifted(it.gone, slot), shifted(it.stale, slot));
    }

    fn relocate(&mut self, from: (u32, usize), to: (u32, usize), moved: &mut impl FnMut(V, u32, u32)) {
        let ((from_chunk, from_slot), (to_chunk, to_slot)) = ((from.0 as usize, from.1), (to.0 as usize, to.1));
        self.chunks[to_chunk].times_ms[to_slot] = self.chunks[from_chunk].times_ms[from_slot];
        if self.has_values {
            self.values[to_chunk][to_slot] = self.values[from_chunk][from_slot];
        }
        self.events[to_chunk][to_slot] = std::mem::take(&mut self.events[from_chunk][from_slot]);
        if !self.actors.is_empty() {
            self.actors[to_chunk][to_slot] = std::mem::take(&mut self.actors[from_chunk][from_slot]);
        }
        let at = |(chunk, slot): (u32, usize)| place(chunk, u32::try_from(slot).unwrap_or(0));
        moved(self.value(at(to)), at(from), at(to));
    }

    /// A chunk after `previous`; after all others if there is none.
    fn add_chunk(&mut self, list: &mut List, previous: u32) -> u32 {
        let next = if previous == NONE { NONE } else { self.chunks[previous as usize].next };
        let new = Chunk::new(previous, next);
        let at = if let Some(at) = self.free.pop() {
            self.chunks[at as usize] = new;
            self.fetch_free();
            at
        } else {
            self.chunks.push(new);
            self.events.push(Default::default());
            if self.has_values {
                self.values.push([V::default(); WIDTH]);
            }
            if !self.actors.is_empty() {
                self.actors.push(Default::default());
            }
            u32::try_from(self.chunks.len() - 1).expect("entries are limited far below 2^29")
        };
        self.relink(list, previous, next, (at, at));
        at
    }

    /// Has the chunk brought near that is used next.
    fn fetch_free(&self) {
        let Some(next) = self.free.last().map(|it| *it as usize) else { return };
        prefetch(&self.chunks[next]);
        self.events.get(next).inspect(|it| prefetch(*it));
        self.values.get(next).inspect(|it| prefetch(*it));
    }

    /// Makes `between.0` what follows `previous`, and `between.1` what precedes `next`.
    fn relink(&mut self, list: &mut List, previous: u32, next: u32, between: (u32, u32)) {
        match previous {
            NONE => list.head = between.0,
            previous => self.chunks[previous as usize].next = between.0,
        }
        match next {
            NONE if between.1 == NONE => list.tail = NONE,
            NONE => list.tail = place(between.1, 0),
            next => self.chunks[next as usize].previous = between.1,
        }
    }

    /// Takes an entry out of a list.
    pub(super) fn remove(&mut self, list: &mut List, at: u32) {
        let chunk = &mut self.chunks[chunk_of(at)];
        chunk.gone |= 1 << slot_of(at);
        list.len -= 1;
        self.used -= 1;
        if chunk.there() == 0 {
            self.unlink(list, at >> SLOT_BITS);
        }
    }

    /// Takes a chunk out of a list with all its entries.
    pub(super) fn remove_chunk(&mut self, list: &mut List, chunk: u32) {
        let count = self.chunks[chunk as usize].there().count_ones();
        list.len -= count;
        self.used -= count as usize;
        self.unlink(list, chunk);
    }

    fn unlink(&mut self, list: &mut List, chunk: u32) {
        let Chunk { previous, next, .. } = self.chunks[chunk as usize];
        self.relink(list, previous, next, (next, previous));
        self.chunks[chunk as usize].len = 0;
        self.free.push(chunk);
    }

    /// The oldest chunk of a list.
    pub(super) fn first_chunk(&self, list: &List) -> Option<Contents> {
        (list.head != NONE).then(|| self.contents(list.head))
    }

    /// The chunk after another.
    pub(super) fn next_chunk(&self, chunk: u32) -> Option<Contents> {
        let next = self.chunks[chunk as usize].next;
        (next != NONE).then(|| self.contents(next))
    }

    /// What a chunk holds.
    fn contents(&self, chunk: u32) -> Contents {
        let it = &self.chunks[chunk as usize];
        let (len, live) = (it.there().count_ones(), it.live().count_ones());
        Contents { chunk, last_ms: it.last_ms(), len, live, stale_since_ms: i64::from(it.stale_since_s) * 1_000 }
    }

    /// The places of the entries of a chunk.
    pub(super) fn places_of(&self, chunk: u32) -> impl Iterator<Item = u32> + use<V> {
        let there = self.chunks[chunk as usize].there();
        (0..u8::BITS).filter(move |it| there >> it & 1 == 1).map(move |it| place(chunk, it))
    }

    /// Has the times of an entry's chunk brought near.
    pub(super) fn fetch(&self, at: u32) {
        self.chunks.get(chunk_of(at)).inspect(|it| prefetch(*it));
    }

    /// Has the value of an entry brought near.
    pub(super) fn fetch_value(&self, at: u32) {
        self.values.get(chunk_of(at)).inspect(|it| prefetch(&it[usize::from(slot_of(at))]));
    }

    /// Has brought near what is read and written when an entry is put at the end of a list.
    pub(super) fn fetch_end(&self, list: &List) {
        let (chunk, slot) = (chunk_of(list.tail), usize::from(slot_of(list.tail)));
        self.chunks.get(chunk).inspect(|it| prefetch(*it));
        if slot >= WIDTH {
            // The next entry needs a new chunk, and then it is looked whether the oldest may go.
            self.chunks.get(list.head as usize).inspect(|it| prefetch(*it));
            return;
        }
        self.values.get(chunk).inspect(|it| prefetch(&it[slot]));
        self.events.get(chunk).inspect(|it| prefetch(&it[slot]));
        self.actors.get(chunk).inspect(|it| prefetch(&it[slot]));
    }

    /// Has the chunk after an entry's brought near if the entry is the last of its own. That one has to be near already.
    pub(super) fn fetch_after(&self, at: u32) {
        if let Some(it) = self.chunks.get(chunk_of(at)).filter(|it| slot_of(at) + 1 >= it.len) {
            self.chunks.get(it.next as usize).inspect(|it| prefetch(*it));
        }
    }

    /// Has what follows the first chunk brought near where that will go, since the next entry needs a new one.
    pub(super) fn fetch_second(&self, list: &List) {
        if usize::from(slot_of(list.tail)) >= WIDTH
            && let Some(head) = self.chunks.get(list.head as usize)
        {
            self.chunks.get(head.next as usize).inspect(|it| prefetch(*it));
        }
    }

    /// The chunk that an entry is in.
    pub(super) fn chunk(at: u32) -> u32 {
        at >> SLOT_BITS
    }
}

fn bits_of_slots() -> u32 {
    (1 << SLOT_BITS) - 1
}
