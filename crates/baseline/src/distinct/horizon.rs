//! Distinct targets of the latest week, month and quarter: two sketches that take turns.

use super::Ultra;
use serde::{Deserialize, Serialize};

/// Two sketches, each of a window of `DAYS` days, begun half a window apart: the older one always covers half a window to a whole one.
/// Each day's targets go into both, so that neither has to be merged (which would cost the martingale estimate its precision). 80 bytes
/// for 32 registers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Horizon<const REGISTERS: usize, const DAYS: u16> {
    sketches: [Ultra<REGISTERS>; 2],
    /// First day of each window, in days since the epoch.
    begun: [u16; 2],
    /// The first day of all; 0 before. A window that began earlier is not a whole one.
    since: u16,
}

const _: () = assert!(size_of::<Horizon<32, 90>>() == 80);

impl<const REGISTERS: usize, const DAYS: u16> Horizon<REGISTERS, DAYS> {
    /// Moves on to `day` (since the epoch, from 100 on). Gives the estimate of a window that has ended, if it was a whole one: what is
    /// learnt. Days that go back change nothing.
    pub fn roll(&mut self, day: u16) -> Option<f64> {
        const { assert!(DAYS >= 2) };
        if self.since == 0 {
            self.since = day;
            self.begun = [day, day.saturating_sub(DAYS / 2)];
        }
        let mut closed = None;
        for (sketch, begun) in self.sketches.iter_mut().zip(&mut self.begun) {
            let windows = day.saturating_sub(*begun) / DAYS;
            if windows > 0 {
                if *begun >= self.since {
                    closed = Some(sketch.estimate());
                }
                *sketch = Ultra::default();
                *begun += windows * DAYS;
            }
        }
        closed
    }

    /// Takes in a target of the day that was rolled to; says whether an estimate changed.
    #[inline]
    pub fn insert(&mut self, hash: u64) -> bool {
        let [a, b] = &mut self.sketches;
        let (a, b) = (a.insert(hash), b.insert(hash));
        a || b
    }

    /// About how many distinct targets there were in the older window, up to now.
    #[inline]
    pub fn estimate(&self) -> f64 {
        self.sketches[self.older()].estimate()
    }

    /// Reads a word of each line.
    #[inline]
    pub(crate) fn touch(&self) -> u32 {
        self.sketches[0].touch() ^ self.sketches[1].touch()
    }

    /// How many days of the window that stands for have passed, the current one included.
    pub fn days_covered(&self, day: u16) -> u16 {
        day.saturating_sub(self.begun[self.older()].max(self.since)).saturating_add(1).min(DAYS)
    }

    #[inline]
    fn older(&self) -> usize {
        usize::from(self.begun[1] < self.begun[0])
    }
}
