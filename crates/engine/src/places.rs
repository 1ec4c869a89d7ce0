//! Where what is known by a hash stands: a table of which a look-up needs one line of the cache, which can be asked for ahead.

use crate::prefetch::prefetch;

/// No place.
const NONE: u32 = u32::MAX;
const CELLS_MIN: usize = 16;

/// Places by the upper half of a hash. Whatever finds its cell taken goes to the next that is free, and is moved up when one goes.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// A power of two of them, of which a quarter at least is free.
    cells: Vec<Cell>,
    used: usize,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    hash: u32,
    place: u32,
}

const FREE: Cell = Cell { hash: 0, place: NONE };

fn upper(hash: u64) -> u32 {
    u32::try_from(hash >> u32::BITS).unwrap_or(0)
}

impl Places {
    /// The place with this hash that is the right one.
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (mask, upper) = (self.cells.len().checked_sub(1)?, upper(hash));
        let mut at = upper as usize & mask;
        loop {
            let cell = self.cells[at];
            if cell.place == NONE {
                return None;
            }
            if cell.hash == upper && is_it(cell.place) {
                return Some(cell.place);
            }
            at = (at + 1) & mask;
        }
    }

    /// Has brought near what [`Self::find`] looks at first.
    pub(crate) fn fetch(&self, hash: u64) {
        if let Some(mask) = self.cells.len().checked_sub(1) {
            self.cells.get(upper(hash) as usize & mask).inspect(|it| prefetch(*it));
        }
    }

    /// Puts in a place that is not there.
    pub(crate) fn insert(&mut self, hash: u64, place: u32) {
        if self.used >= self.cells.len() / 4 * 3 {
            self.grow();
        }
        self.used += 1;
        self.put(Cell { hash: upper(hash), place });
    }

    fn put(&mut self, cell: Cell) {
        let mask = self.cells.len() - 1;
        let mut at = cell.hash as usize & mask;
        while self.cells[at].place != NONE {
            at = (at + 1) & mask;
        }
        self.cells[at] = cell;
    }

    fn grow(&mut self) {
        let twice = vec![FREE; (2 * self.cells.len()).max(CELLS_MIN)];
        for cell in std::mem::replace(&mut self.cells, twice) {
            if cell.place != NONE {
                self.put(cell);
            }
        }
    }

    /// Takes out a place, if it is there.
    pub(crate) fn remove(&mut self, hash: u64, place: u32) {
        let Some(mask) = self.cells.len().checked_sub(1) else { return };
        let mut gap = upper(hash) as usize & mask;
        while self.cells[gap].place != place {
            if self.cells[gap].place == NONE {
                return;
            }
            gap = (gap + 1) & mask;
        }
        let mut at = (gap + 1) & mask;
        while self.cells[at].place != NONE {
            let from_home = at.wrapping_sub(self.cells[at].hash as usize) & mask;
            if from_home >= at.wrapping_sub(gap) & mask {
                self.cells[gap] = self.cells[at];
                gap = at;
            }
            at = (at + 1) & mask;
        }
        self.cells[gap] = FREE;
        self.used -= 1;
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
