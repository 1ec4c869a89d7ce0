//! What is kept of one target.

use super::DAY;
use super::chain::{Looks, Steps};
use super::classes::{Classes, Sums, TargetClass};
use super::crowd::{FEW, More, Sight};
use crate::Share;
use crate::counts::Habit;
use crate::learn::capped;
use serde::{Deserialize, Serialize};

/// One target. 128 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub(super) struct Target {
    pub(super) key: u64,
    /// Its first and its latest second.
    pub(super) first: u32,
    pub(super) latest: u32,
    /// How many come after the first, on days with anybody.
    habit: Habit,
    /// The day that is not over, since the epoch; 0 before the first.
    day: u16,
    /// How many came after the first on it, at most.
    peak: u16,
    /// As which number that stands in the sums of the class.
    counted: u16,
    class: u16,
    /// Where people stand who have no room in `few`.
    pub(super) more: More,
    pub(super) few: [Sight; FEW],
    pub(super) looks: Looks,
    pub(super) steps: Steps,
}

const _: () = assert!(size_of::<Target>() == 128);

impl Default for Target {
    fn default() -> Self {
        Self {
            key: 0,
            first: u32::MAX,
            latest: 0,
            habit: Habit::default(),
            day: 0,
            peak: 0,
            counted: 0,
            class: 0,
            more: More::NONE,
            few: [Sight::default(); FEW],
            looks: Looks::default(),
            steps: Steps::default(),
        }
    }
}

fn day_of(second: u32) -> u16 {
    u16::try_from(second / DAY).expect("there are 49,711 days in 2^32 seconds")
}

impl Target {
    /// A target of that key whose first event is at `first`.
    pub(super) fn new(key: u64, first: u32) -> Self {
        Self { key, first, ..Self::default() }
    }

    pub(super) const fn is_watched(&self) -> bool {
        self.more.is_list()
    }

    /// What was learnt of the days that are settled: the latest one is by the event after it.
    pub(super) const fn habit(&self) -> &Habit {
        &self.habit
    }

    /// Settles the day before, if the target's latest second is now of another, and compares the target with `class` from now on.
    pub(super) fn move_to(&mut self, class: TargetClass, end: u32, classes: &mut Classes) {
        let (class, day) = (classes.place(class), day_of(end));
        if self.day > 0 && (self.class, self.day) == (class, day) {
            return;
        }
        let before = self.shown();
        if self.day > 0 && self.day != day {
            self.settle(classes);
        }
        if self.day != day {
            (self.day, self.peak, self.counted) = (day, 0, 0);
        }
        classes.replace(self.class, before.as_ref(), None);
        self.class = class;
        classes.replace(self.class, None, self.shown().as_ref());
    }

    /// A day teaches no more than twice the usual and three. It is not weighed by how ordinary it was, as a person's is: nobody steers it
    /// alone, and what is weighed so looks wider than it is (p-values of 1 % were worth 0.15 %).
    fn settle(&mut self, classes: &Classes) {
        let mean = self.habit.predict(&classes.prior_at(self.class)).mean();
        self.habit.learn(capped(f64::from(self.peak), mean), Share::ONE);
    }

    /// There are as many people within 24 hours now.
    pub(super) fn grew_to(&mut self, actors: u32, classes: &mut Classes) {
        let beyond = u16::try_from(actors.saturating_sub(1)).unwrap_or(u16::MAX);
        if beyond <= self.peak {
            return;
        }
        self.peak = beyond;
        let most = capped(f64::from(beyond), classes.prior_at(self.class).mean());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than a u16")]
        let counted = most as u16;
        if counted > self.counted {
            let before = self.shown();
            self.counted = counted;
            classes.replace(self.class, before.as_ref(), self.shown().as_ref());
        }
    }

    /// Its class forgets it.
    pub(super) fn leave(&mut self, classes: &mut Classes) {
        classes.replace(self.class, self.shown().as_ref(), None);
    }

    /// What it adds to the sums of its class.
    fn shown(&self) -> Option<Sums> {
        (self.day > 0).then(|| Sums::of(&self.habit, self.counted))
    }

    /// Whether it can belong to `classes` classes, after it was read back.
    pub(super) fn is_of(&self, classes: usize) -> bool {
        usize::from(self.class) < classes
    }
}
