//! Takeover chains: what was done to the latest targets whose credentials were touched.

use crate::observation::{Identity, Step, key_of};
use serde::{Deserialize, Serialize};

/// As many targets of a person are followed at a time; the one that was touched longest ago makes way.
pub const TAKEOVERS_MAX: usize = 8;
const SLOTS: usize = TAKEOVERS_MAX;
/// Steps further apart are no chain: a day, in minutes.
const CHAIN_MINUTES: u32 = 1_440;
/// Minutes are kept in 24 bits, which last until 2001 plus 31 years, and then begin again.
const MINUTES: u32 = (1 << 24) - 1;
const RESET: u32 = Step::Reset as u32;

/// A target and what was done to it. 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(C)]
struct Slot {
    target: u32,
    /// Minute of the latest step in the upper 24 bits, steps in the lower 8.
    state: u32,
}

impl Slot {
    const fn steps(self) -> u32 {
        self.state & 0xff
    }

    const fn age(self, minute: u32) -> u32 {
        (minute & MINUTES).wrapping_sub(self.state >> 8) & MINUTES
    }
}

/// The latest targets whose credentials somebody touched. 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Chains {
    slots: [Slot; SLOTS],
}

const _: () = assert!(size_of::<Chains>() == 64);

impl Chains {
    /// Whether `step` on `target` at `minute` completes a takeover: a reset after (or before) a change of contact or the loss of the
    /// second factor, within a day. Of each chain only one step does.
    pub fn completes(&self, target: Identity, step: Step, minute: u32) -> bool {
        let before =
            self.slots.iter().find(|it| it.target == key_of(target) && it.age(minute) <= CHAIN_MINUTES).map_or(0, |it| it.steps());
        !is_takeover(before) && is_takeover(before | step as u32)
    }

    /// On how many targets there were at least two steps in the day up to `minute`, the step of `now` included: one alone is everyday work.
    pub fn begun(&self, now: Option<(Identity, Step)>, minute: u32) -> u32 {
        let now = now.map(|(target, step)| (key_of(target), step as u32));
        let steps = |it: &Slot| {
            let more = now.filter(|(target, _)| *target == it.target).map_or(0, |it| it.1);
            if it.age(minute) <= CHAIN_MINUTES { (it.steps() | more).count_ones() } else { 0 }
        };
        self.slots.iter().map(|it| u32::from(steps(it) >= 2)).sum()
    }

    /// Reads a word of the last line.
    pub(super) const fn touch(&self) -> u32 {
        self.slots[SLOTS - 1].target
    }

    /// Remembers the step.
    pub fn learn(&mut self, target: Identity, step: Step, minute: u32) {
        let target = key_of(target);
        let mine = self.slots.iter().position(|it| it.target == target && it.steps() > 0);
        let at = mine.unwrap_or_else(|| {
            // An empty slot is older than any.
            let age = |it: &Slot| if it.steps() == 0 { u32::MAX } else { it.age(minute) };
            let ages = self.slots.iter().map(age);
            ages.enumerate().max_by_key(|it| (it.1, SLOTS - it.0)).map_or(0, |it| it.0)
        });
        let slot = &mut self.slots[at];
        let kept = if slot.target == target && slot.age(minute) <= CHAIN_MINUTES { slot.steps() } else { 0 };
        *slot = Slot { target, state: (minute & MINUTES) << 8 | kept | step as u32 };
    }
}

const fn is_takeover(steps: u32) -> bool {
    steps & RESET != 0 && steps & !RESET != 0
}
