//! Entries of all windows of one correlation in event-time order: lists of chunks of six, in one arena.
//!
//! Waiting for memory is most of what a hit costs. The times of a chunk, its links and its marks are one line of the cache; what is
//! counted and what only alerts show stand apart. What has gone leaves a mark, so that places stay; only an entry that comes late moves
//! those of its chunk that are later. Most windows never have more than two entries: those stand in a pair, which is given back when
//! the third one comes and all move to a chunk.

use super::chunks::{Beside, Chunk, Marks, PAIR, Pair, WIDTH, bits_below};
use super::{Hit, Sign, lean};
use crate::prefetch::prefetch;
use crate::small_text::SmallText;
use serde::{Deserialize, Serialize};

/// Bits of a place that say where in its chunk it is.
const SLOT_BITS: u32 = 3;
/// The bit of a chunk's number that says that it is a pair.
const PAIR_BIT: u32 = 1 << (u32::BITS - SLOT_BITS - 1);
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
    of_chunks: Beside<V>,
    free: Vec<u32>,
    /// A list has one, and nothing else, or none.
    pairs: Vec<Pair>,
    of_pairs: Beside<V>,
    free_pairs: Vec<u32>,
    used: usize,
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

fn chunk_of(at: u32) -> u32 {
    at >> SLOT_BITS
}

fn slot_of(at: u32) -> u8 {
    u8::try_from(at & ((1 << SLOT_BITS) - 1)).unwrap_or(0)
}

fn is_pair(chunk: u32) -> bool {
    chunk & PAIR_BIT != 0
}

/// How many entries a chunk or a pair can have.
fn width(chunk: u32) -> usize {
    if is_pair(chunk) { PAIR } else { WIDTH }
}

/// Where a chunk stands among all, or a pair.
fn index(chunk: u32) -> usize {
    (chunk & !PAIR_BIT) as usize
}

/// Where an entry stands among those of all chunks, or of all pairs.
fn beside(at: u32) -> usize {
    let chunk = chunk_of(at);
    index(chunk) * width(chunk) + usize::from(slot_of(at))
}

/// How many of some times are before another.
fn count_before(times: &[i64], time_ms: i64) -> usize {
    times.iter().take_while(|it| **it < time_ms).count()
}

impl<V: Copy + Default> Timeline<V> {
    /// An empty one; without values nothing can be told apart.
    pub(super) fn new(has_values: bool) -> Self {
        Self { of_chunks: Beside::new(has_values), of_pairs: Beside::new(has_values), ..Self::default() }
    }

    fn marks(&self, chunk: u32) -> &Marks {
        if is_pair(chunk) { &self.pairs[index(chunk)].marks } else { &self.chunks[chunk as usize].marks }
    }

    fn marks_mut(&mut self, chunk: u32) -> &mut Marks {
        if is_pair(chunk) { &mut self.pairs[index(chunk)].marks } else { &mut self.chunks[chunk as usize].marks }
    }

    /// The times of all that a chunk can hold.
    fn times(&self, chunk: u32) -> &[i64] {
        if is_pair(chunk) { &self.pairs[index(chunk)].times_ms } else { &self.chunks[chunk as usize].times_ms }
    }

    /// The times of what a chunk holds or held, in order.
    fn filled(&self, chunk: u32) -> &[i64] {
        &self.times(chunk)[..usize::from(self.marks(chunk).len)]
    }

    fn set_time(&mut self, at: u32, time_ms: i64) {
        let (chunk, slot) = (chunk_of(at), usize::from(slot_of(at)));
        if is_pair(chunk) {
            self.pairs[index(chunk)].times_ms[slot] = time_ms;
        } else {
            self.chunks[chunk as usize].times_ms[slot] = time_ms;
        }
    }

    fn previous(&self, chunk: u32) -> Option<u32> {
        if is_pair(chunk) { None } else { Some(self.chunks[chunk as usize].previous).filter(|it| *it != NONE) }
    }

    fn next(&self, chunk: u32) -> Option<u32> {
        if is_pair(chunk) { None } else { Some(self.chunks[chunk as usize].next).filter(|it| *it != NONE) }
    }

    fn of(&self, chunk: u32) -> &Beside<V> {
        if is_pair(chunk) { &self.of_pairs } else { &self.of_chunks }
    }

    fn of_mut(&mut self, chunk: u32) -> &mut Beside<V> {
        if is_pair(chunk) { &mut self.of_pairs } else { &mut self.of_chunks }
    }

    /// When the event was, in milliseconds since the epoch.
    pub(super) fn time(&self, at: u32) -> i64 {
        self.times(chunk_of(at))[usize::from(slot_of(at))]
    }

    /// What is counted.
    pub(super) fn value(&self, at: u32) -> V {
        self.of(chunk_of(at)).value(beside(at))
    }

    /// What an alert shows of it.
    pub(super) fn sign(&self, at: u32) -> Sign<'_> {
        let (of, beside) = (self.of(chunk_of(at)), beside(at));
        Sign { time_ms: self.time(at), event: of.event(beside), actor: of.actor(beside) }
    }

    /// The event's identifier.
    pub(super) fn event(&self, at: u32) -> &SmallText {
        self.of(chunk_of(at)).event(beside(at))
    }

    /// How many entries there are.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Whether the next entry needs no new chunk.
    pub(super) fn has_room(&self, list: &List) -> bool {
        list.last_chunk().is_some_and(|it| usize::from(self.marks(it).len) < width(it))
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
        place(chunk, self.marks(chunk).there().trailing_zeros())
    }

    fn last_of(&self, chunk: u32) -> u32 {
        place(chunk, u8::BITS - 1 - self.marks(chunk).there().leading_zeros())
    }

    /// The entry after `at` in its list.
    pub(super) fn after(&self, at: u32) -> Option<u32> {
        let chunk = chunk_of(at);
        let later = self.marks(chunk).there() & !bits_below(slot_of(at) + 1);
        if later != 0 {
            return Some(at & !bits_of_slots() | later.trailing_zeros());
        }
        self.next(chunk).map(|it| self.first_of(it))
    }

    /// The entry before `at` in its list.
    pub(super) fn before(&self, at: u32) -> Option<u32> {
        let chunk = chunk_of(at);
        let earlier = self.marks(chunk).there() & bits_below(slot_of(at));
        if earlier != 0 {
            return Some(at & !bits_of_slots() | (u8::BITS - 1 - earlier.leading_zeros()));
        }
        self.previous(chunk).map(|it| self.last_of(it))
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
        self.marks(chunk_of(at)).stale >> slot_of(at) & 1 == 1
    }

    /// Marks an entry of whose value there is a later one, of `since_ms`.
    pub(super) fn make_stale(&mut self, at: u32, since_ms: i64) {
        let marks = self.marks_mut(chunk_of(at));
        marks.stale |= 1 << slot_of(at);
        let seconds = since_ms.saturating_add(999).div_euclid(1_000).max(0);
        marks.stale_since_s = marks.stale_since_s.max(u32::try_from(seconds).unwrap_or(u32::MAX));
    }

    /// How many entries there are from `start_ms` to `at` that are not stale; not many more than `enough`. `None` where one is stale and
    /// was not yet when `at` was, as far as `was_stale` can tell.
    pub(super) fn count_until(&self, at: u32, start_ms: i64, enough: u32, was_stale: impl Fn(u32) -> bool) -> Option<u32> {
        let (end_ms, mut count, mut wanted) = (self.time(at), 0, bits_below(slot_of(at) + 1));
        let mut chunk = Some(chunk_of(at));
        while let Some(it) = chunk.filter(|_| count < enough) {
            let marks = self.marks(it);
            let before = count_before(self.filled(it), start_ms);
            let inside = marks.there() & wanted & !bits_below(u8::try_from(before).unwrap_or(0));
            count += (inside & !marks.stale).count_ones();
            let mut stale = (0..u8::BITS).filter(|slot| (inside & marks.stale) >> slot & 1 == 1);
            if i64::from(marks.stale_since_s) * 1_000 > end_ms && !stale.all(|slot| was_stale(place(it, slot))) {
                return None;
            }
            if before > 0 {
                break;
            }
            (chunk, wanted) = (self.previous(it), u8::MAX);
        }
        Some(count)
    }

    /// Puts an entry into a list where its time belongs, and tells its place; `moved` is shown the value of each entry that has to make
    /// room, where it was and where it is. Almost always its place is the end, and none has to.
    pub(super) fn insert(&mut self, list: &mut List, entry: &Entry<'_, V>, moved: impl FnMut(V, u32, u32)) -> u32 {
        match self.append(list, entry) {
            Some(at) => at,
            None => self.insert_between(list, entry, moved),
        }
    }

    /// Puts an entry at the end of a list, if it belongs there and the last chunk, which is no pair, has room.
    fn append(&mut self, list: &mut List, entry: &Entry<'_, V>) -> Option<u32> {
        let number = list.last_chunk().filter(|it| !is_pair(*it))?;
        let chunk = &mut self.chunks[number as usize];
        let slot = usize::from(chunk.marks.len);
        let last_ms = *chunk.times_ms.get(slot.checked_sub(1)?)?;
        if last_ms > entry.time_ms {
            return None;
        }
        *chunk.times_ms.get_mut(slot)? = entry.time_ms;
        chunk.marks.len += 1;
        let at = place(number, u32::from(chunk.marks.len) - 1);
        list.tail = at + 1;
        list.len += 1;
        self.used += 1;
        self.of_chunks.put(number as usize * WIDTH + slot, (entry.value, entry.event.clone(), entry.actor.clone()));
        Some(at)
    }

    fn insert_between(&mut self, list: &mut List, entry: &Entry<'_, V>, mut moved: impl FnMut(V, u32, u32)) -> u32 {
        let mut chunk = self.last_with_room(list, &mut moved);
        while self.times(chunk)[0] > entry.time_ms
            && let Some(previous) = self.previous(chunk)
        {
            chunk = previous;
        }
        let after_ms = entry.time_ms.saturating_add(1);
        let mut slot = count_before(self.filled(chunk), after_ms);
        let Marks { len, gone, .. } = *self.marks(chunk);
        if gone != 0 && slot < usize::from(len) {
            self.close_up(chunk, &mut moved);
            slot = count_before(self.filled(chunk), after_ms);
        }
        if usize::from(self.marks(chunk).len) == width(chunk) {
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
            list.tail = place(last, self.marks(last).len.into());
        }
        let at = place(chunk, u32::try_from(slot).unwrap_or(0));
        self.set_time(at, entry.time_ms);
        self.of_mut(chunk).put(beside(at), (entry.value, entry.event.clone(), entry.actor.clone()));
        at
    }

    /// The last chunk of a list, or its pair if that has room: a new one where there was nothing.
    fn last_with_room(&mut self, list: &mut List, moved: &mut impl FnMut(V, u32, u32)) -> u32 {
        let Some(chunk) = list.last_chunk() else { return self.add_pair(list) };
        let Marks { len, gone, .. } = *self.marks(chunk);
        if !is_pair(chunk) || usize::from(len) < PAIR {
            return chunk;
        }
        if gone == 0 {
            return self.widen(list, chunk, moved);
        }
        self.close_up(chunk, moved);
        chunk
    }

    /// Moves the entries of a full pair, of which nothing has gone, to a chunk.
    fn widen(&mut self, list: &mut List, pair: u32, moved: &mut impl FnMut(V, u32, u32)) -> u32 {
        let chunk = self.add_chunk(list, NONE);
        for slot in 0..PAIR {
            self.relocate((pair, slot), (chunk, slot), moved);
        }
        *self.marks_mut(chunk) = *self.marks(pair);
        self.free_chunk(pair);
        chunk
    }

    /// Moves the later half of a full chunk, of which nothing has gone, to a new one.
    fn split(&mut self, from: u32, to: u32, moved: &mut impl FnMut(V, u32, u32)) {
        const HALF: usize = WIDTH / 2;
        for slot in HALF..WIDTH {
            self.relocate((from, slot), (to, slot - HALF), moved);
        }
        let (half, Marks { len, stale, stale_since_s, .. }) = (u8::try_from(HALF).unwrap_or(0), *self.marks(from));
        let second = self.marks_mut(to);
        (second.len, second.stale, second.stale_since_s) = (len - half, stale >> half, stale_since_s);
        let first = self.marks_mut(from);
        (first.len, first.stale) = (half, stale & bits_below(half));
    }

    /// Moves the entries of a chunk to where others have gone.
    fn close_up(&mut self, chunk: u32, moved: &mut impl FnMut(V, u32, u32)) {
        let Marks { len, gone, stale, .. } = *self.marks(chunk);
        let (mut to, mut still_stale) = (0_u8, 0_u8);
        for from in (0..len).filter(|it| gone >> it & 1 == 0) {
            if from != to {
                self.relocate((chunk, from.into()), (chunk, to.into()), moved);
            }
            still_stale |= (stale >> from & 1) << to;
            to += 1;
        }
        let it = self.marks_mut(chunk);
        (it.len, it.gone, it.stale) = (to, 0, still_stale);
    }

    /// Moves the entries of a chunk from `slot` on, to make a place.
    fn make_place(&mut self, chunk: u32, slot: usize, moved: &mut impl FnMut(V, u32, u32)) {
        let len = usize::from(self.marks(chunk).len);
        for at in (slot..len).rev() {
            self.relocate((chunk, at), (chunk, at + 1), moved);
        }
        self.marks_mut(chunk).make_place(u8::try_from(slot).unwrap_or(0));
    }

    fn relocate(&mut self, from: (u32, usize), to: (u32, usize), moved: &mut impl FnMut(V, u32, u32)) {
        let at = |(chunk, slot): (u32, usize)| place(chunk, u32::try_from(slot).unwrap_or(0));
        let (from, to) = (at(from), at(to));
        self.set_time(to, self.time(from));
        let it = self.of_mut(chunk_of(from)).take(beside(from));
        let value = it.0;
        self.of_mut(chunk_of(to)).put(beside(to), it);
        moved(value, from, to);
    }

    /// A pair for a list that has nothing.
    fn add_pair(&mut self, list: &mut List) -> u32 {
        let pair = self.free_pairs.pop().unwrap_or_else(|| {
            lean::push(&mut self.pairs, Pair::default());
            self.of_pairs.add(PAIR);
            u32::try_from(self.pairs.len() - 1).expect("entries are limited far below 2^28") | PAIR_BIT
        });
        self.relink(list, NONE, NONE, (pair, pair));
        pair
    }

    /// A chunk after `previous`; in place of all others if there is none.
    fn add_chunk(&mut self, list: &mut List, previous: u32) -> u32 {
        let next = if previous == NONE { NONE } else { self.chunks[previous as usize].next };
        let new = Chunk::new(previous, next);
        let at = if let Some(at) = self.free.pop() {
            self.chunks[at as usize] = new;
            self.fetch_free();
            at
        } else {
            lean::push(&mut self.chunks, new);
            self.of_chunks.add(WIDTH);
            u32::try_from(self.chunks.len() - 1).expect("entries are limited far below 2^28")
        };
        self.relink(list, previous, next, (at, at));
        at
    }

    /// Has the chunk brought near that is used next.
    fn fetch_free(&self) {
        let Some(next) = self.free.last().map(|it| *it as usize) else { return };
        prefetch(&self.chunks[next]);
        self.of_chunks.fetch_chunk(next * WIDTH);
    }

    fn free_chunk(&mut self, chunk: u32) {
        *self.marks_mut(chunk) = Marks::default();
        if is_pair(chunk) { &mut self.free_pairs } else { &mut self.free }.push(chunk);
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
        list.len -= 1;
        self.used -= 1;
        let marks = self.marks_mut(chunk_of(at));
        marks.gone |= 1 << slot_of(at);
        if marks.there() == 0 {
            self.unlink(list, chunk_of(at));
        }
    }

    /// Takes a chunk out of a list with all its entries.
    pub(super) fn remove_chunk(&mut self, list: &mut List, chunk: u32) {
        let count = self.marks(chunk).there().count_ones();
        list.len -= count;
        self.used -= count as usize;
        self.unlink(list, chunk);
    }

    fn unlink(&mut self, list: &mut List, chunk: u32) {
        let (previous, next) = (self.previous(chunk).unwrap_or(NONE), self.next(chunk).unwrap_or(NONE));
        self.relink(list, previous, next, (next, previous));
        self.free_chunk(chunk);
    }

    /// The oldest chunk of a list.
    pub(super) fn first_chunk(&self, list: &List) -> Option<Contents> {
        (list.head != NONE).then(|| self.contents(list.head))
    }

    /// The chunk after another.
    pub(super) fn next_chunk(&self, chunk: u32) -> Option<Contents> {
        self.next(chunk).map(|it| self.contents(it))
    }

    /// What a chunk holds.
    fn contents(&self, chunk: u32) -> Contents {
        let it = self.marks(chunk);
        let last_ms = self.times(chunk)[usize::from(it.len.saturating_sub(1))];
        let (len, live) = (it.there().count_ones(), it.live().count_ones());
        Contents { chunk, last_ms, len, live, stale_since_ms: i64::from(it.stale_since_s) * 1_000 }
    }

    /// The places of the entries of a chunk.
    pub(super) fn places_of(&self, chunk: u32) -> impl Iterator<Item = u32> + use<V> {
        let there = self.marks(chunk).there();
        (0..u8::BITS).filter(move |it| there >> it & 1 == 1).map(move |it| place(chunk, it))
    }

    /// Has the times of an entry's chunk brought near.
    pub(super) fn fetch(&self, at: u32) {
        self.fetch_chunk(chunk_of(at));
    }

    fn fetch_chunk(&self, chunk: u32) {
        if is_pair(chunk) {
            self.pairs.get(index(chunk)).inspect(|it| prefetch(*it));
        } else {
            self.chunks.get(chunk as usize).inspect(|it| prefetch(*it));
        }
    }

    /// Has the value of an entry brought near.
    pub(super) fn fetch_value(&self, at: u32) {
        self.of(chunk_of(at)).fetch_value(beside(at));
    }

    /// Has brought near what alerts show of an entry.
    pub(super) fn fetch_sign(&self, at: u32) {
        self.of(chunk_of(at)).fetch_sign(beside(at));
    }

    /// Has brought near what is read and written when an entry is put at the end of a list.
    pub(super) fn fetch_end(&self, list: &List) {
        let chunk = chunk_of(list.tail);
        self.fetch_chunk(chunk);
        if usize::from(slot_of(list.tail)) < width(chunk) {
            self.of(chunk).fetch(beside(list.tail));
        } else {
            // The next entry needs a new chunk, and then it is looked whether the oldest may go, which is the new one then.
            self.fetch_chunk(list.head);
            if !is_pair(list.head) {
                self.of_chunks.fetch_chunk(list.head as usize * WIDTH);
            }
        }
    }

    /// Has the chunk after an entry's brought near if the entry is the last of its own. That one has to be near already.
    pub(super) fn fetch_after(&self, at: u32) {
        if let Some(it) = self.chunks.get(chunk_of(at) as usize).filter(|it| slot_of(at) + 1 >= it.marks.len) {
            self.fetch_chunk(it.next);
        }
    }

    /// Has what follows the first chunk brought near where that will go, since the next entry needs a new one.
    pub(super) fn fetch_second(&self, list: &List) {
        if usize::from(slot_of(list.tail)) >= WIDTH
            && let Some(head) = self.chunks.get(list.head as usize)
        {
            self.fetch_chunk(head.next);
        }
    }

    /// The values of the first chunk that are not stale, where that will perhaps go, since the next entry needs a new one.
    pub(super) fn leaving(&self, list: &List) -> impl Iterator<Item = V> {
        let goes = list.head != NONE && !is_pair(list.head) && usize::from(slot_of(list.tail)) >= WIDTH;
        let live = if goes { self.marks(list.head).live() } else { 0 };
        (0..u8::BITS).filter(move |it| live >> it & 1 == 1).map(|it| self.value(place(list.head, it)))
    }

    /// The chunk that an entry is in.
    pub(super) fn chunk(at: u32) -> u32 {
        chunk_of(at)
    }
}

fn bits_of_slots() -> u32 {
    (1 << SLOT_BITS) - 1
}

#[cfg(test)]
mod tests;
