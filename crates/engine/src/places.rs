//! Where what is known by a hash stands: a table of which a look-up needs one line of the cache, which can be asked for ahead.

use crate::prefetch::prefetch;

/// No place.
const NONE: u32 = u32::MAX;
/// Places of one line.
const WIDTH: usize = 7;
/// As many of them are taken on average when the table grows.
const FULL: usize = 5;

/// Places by the upper half of a hash. Whatever finds its line full goes to the next that is not, and every line that it passed knows that
/// there is one more beyond it: so a line that nothing passed answers alone, without a branch for each place in it.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// A power of two of them.
    lines: Vec<Line>,
    used: usize,
}

/// One line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    hashes: [u32; WIDTH],
    places: [u32; WIDTH],
    /// How many were put into later lines because this one was full.
    beyond: u32,
}

const _: () = assert!(size_of::<Line>() == 64);

const FREE: Line = Line { hashes: [0; WIDTH], places: [NONE; WIDTH], beyond: 0 };

impl Line {
    /// A bit for each place with this hash, and perhaps for some that are free.
    #[inline]
    fn with_hash(&self, hash: u32) -> u32 {
        bits(&self.hashes, hash)
    }

    /// Where in the line a place is, or with [`NONE`] where one is free.
    #[inline]
    fn slot(&self, place: u32) -> Option<usize> {
        let found = bits(&self.places, place);
        (found != 0).then_some(found.trailing_zeros() as usize)
    }
}

/// A bit for each of seven numbers that is the wanted one.
#[inline]
fn bits(all: &[u32; WIDTH], wanted: u32) -> u32 {
    (0_u32..).zip(all).fold(0, |bits, (at, it)| bits | u32::from(*it == wanted) << at)
}

fn upper(hash: u64) -> u32 {
    u32::try_from(hash >> u32::BITS).unwrap_or(0)
}

impl Places {
    /// The place with this hash that is the right one.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.slot_of(hash, is_it).map(|(line, slot)| self.lines[line].places[slot])
    }

    /// Puts `place` where the right one with this hash is, and tells that one.
    #[inline]
    pub(crate) fn replace(&mut self, hash: u64, is_it: impl Fn(u32) -> bool, place: u32) -> Option<u32> {
        let (line, slot) = self.slot_of(hash, is_it)?;
        Some(std::mem::replace(&mut self.lines[line].places[slot], place))
    }

    /// In which line, and where in it, the place with this hash is that is the right one.
    #[inline]
    fn slot_of(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let (mask, upper) = (self.lines.len().checked_sub(1)?, upper(hash));
        let mut at = upper as usize & mask;
        for _ in 0..self.lines.len() {
            let line = &self.lines[at];
            let mut found = line.with_hash(upper);
            while found != 0 {
                let slot = found.trailing_zeros() as usize;
                if line.places[slot] != NONE && is_it(line.places[slot]) {
                    return Some((at, slot));
                }
                found &= found - 1;
            }
            if line.beyond == 0 {
                break;
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Has brought near what [`Self::find`] looks at first.
    #[inline]
    pub(crate) fn fetch(&self, hash: u64) {
        if let Some(mask) = self.lines.len().checked_sub(1) {
            self.lines.get(upper(hash) as usize & mask).inspect(|it| prefetch(*it));
        }
    }

    /// Puts in a place that is not there.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, place: u32) {
        if self.used >= self.lines.len() * FULL {
            self.grow();
        }
        self.used += 1;
        self.put(upper(hash), place);
    }

    #[inline]
    fn put(&mut self, hash: u32, place: u32) {
        let mask = self.lines.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let line = &mut self.lines[at];
            if let Some(slot) = line.slot(NONE) {
                (line.hashes[slot], line.places[slot]) = (hash, place);
                return;
            }
            line.beyond += 1;
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let twice = vec![FREE; (2 * self.lines.len()).max(1)];
        for line in std::mem::replace(&mut self.lines, twice) {
            for (hash, place) in line.hashes.into_iter().zip(line.places).filter(|(_, place)| *place != NONE) {
                self.put(hash, place);
            }
        }
    }

    /// Takes out a place, if it is there.
    #[inline]
    pub(crate) fn remove(&mut self, hash: u64, place: u32) {
        let Some(mask) = self.lines.len().checked_sub(1) else { return };
        let home = upper(hash) as usize & mask;
        for steps in 0..self.lines.len() {
            let line = &mut self.lines[(home + steps) & mask];
            if let Some(slot) = line.slot(place) {
                line.places[slot] = NONE;
                self.used -= 1;
                (0..steps).for_each(|it| self.lines[(home + it) & mask].beyond -= 1);
                return;
            }
            if line.beyond == 0 {
                return;
            }
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_place_gives_way_to_another_with_its_hash() {
        let mut places = Places::default();
        (0..20).for_each(|it| places.insert(7 << 32, it));
        assert_eq!(places.replace(7 << 32, |it| it == 13, 99), Some(13));
        assert_eq!(places.replace(7 << 32, |it| it == 13, 98), None);
        assert_eq!(places.replace(8 << 32, |it| it == 12, 98), None);
        assert!(places.find(7 << 32, |it| it == 99).is_some() && places.find(7 << 32, |it| it == 13).is_none());
        places.remove(7 << 32, 99);
        assert!(places.find(7 << 32, |it| it == 99).is_none() && places.used == 19);
    }

    proptest! {
        #[test]
        fn what_was_put_in_and_not_taken_out_is_found(steps in prop::collection::vec((any::<bool>(), 0_u32..200), 0..600)) {
            // Hashes crowd together, at the end of the table, too.
            let hash = |it: u32| u64::from((it % 23).wrapping_sub(3)) << 32 | u64::from(it);
            let (mut places, mut known) = (Places::default(), BTreeSet::new());
            for (is_in, it) in steps {
                if !is_in {
                    places.remove(hash(it), it);
                    known.remove(&it);
                } else if known.insert(it) {
                    places.insert(hash(it), it);
                }
                for it in 0..200 {
                    prop_assert_eq!(places.find(hash(it), |place| place == it).is_some(), known.contains(&it));
                }
            }
            prop_assert_eq!(places.used, known.len());
        }
    }
}
