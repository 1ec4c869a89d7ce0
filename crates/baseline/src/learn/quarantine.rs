//! Quarantine: days that were too unusual to learn are learnt apart, and take over if they turn out to be a new normal.

use super::is_rejected;
use crate::LogP;
use crate::counts::{Habit, decayed, forgotten};
use serde::{Deserialize, Serialize};

/// A day below this opens an episode: p = 1e-3.
const LN_OPENS: f64 = -6.907_755_278_982_137;
/// A day is plausible for a peer above this: p = 1 %.
const LN_PLAUSIBLE: f64 = -4.605_170_185_988_091;
/// After as many days apart the new normal takes over …
pub const PROMOTED_AFTER_DAYS: u8 = 10;
/// … unless more than one day in as many was implausible for peers as well.
const IMPLAUSIBLE_ONE_IN: u8 = 5;
/// As many ordinary days in a row end an episode.
const QUIET_DAYS: u8 = 3;
/// A shadow forgets with this half-life in windows.
const HALF_LIFE: f64 = 10.0;

/// A closed active day (or window) of one family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// What was counted.
    pub count: f64,
    /// Its p-value against the own slow habit.
    pub p_self: LogP,
    /// Its p-value against the peers.
    pub p_peer: LogP,
    /// A family that is never promoted without somebody's word.
    pub is_sensitive: bool,
}

/// What a day did to the quarantine. One episode is one alert: only [`Self::Opened`] may raise one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Nothing to do with it.
    Ordinary,
    /// An episode begins.
    Opened,
    /// Another day of the episode that has been alerted on.
    Continued,
    /// The new normal took the place of the habit.
    Promoted,
    /// Ordinary days ended the episode, and what was learnt apart is gone.
    Closed,
}

/// What is learnt apart of the habit. 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Quarantine {
    /// Decayed sum, sum of squares and number of the rejected days, as in [`Habit`].
    sum: f32,
    squares: f32,
    windows: f32,
    /// Days in the episode; 0 is no episode.
    days: u8,
    implausible: u8,
    quiet: u8,
    is_sensitive: bool,
}

const _: () = assert!(size_of::<Quarantine>() == 16);

impl Quarantine {
    /// Takes in a day, after it was scored and learnt. A rejected day (p <= 1 %) of an episode is learnt apart, in full; after
    /// [`PROMOTED_AFTER_DAYS`] of them the shadow replaces the habit, if peers do such things too and the family isn't sensitive.
    pub fn observe(&mut self, day: Day, habit: &mut Habit) -> Transition {
        let is_rejected = is_rejected(day.p_self);
        match (self.is_open(), is_rejected) {
            (false, true) if day.p_self.ln_p() < LN_OPENS => {
                self.learn(day);
                Transition::Opened
            }
            (false, _) => Transition::Ordinary,
            (true, true) => {
                self.quiet = 0;
                self.learn(day);
                if self.is_promotable() { self.promote(habit) } else { Transition::Continued }
            }
            (true, false) => {
                self.quiet += 1;
                if self.quiet < QUIET_DAYS {
                    return Transition::Continued;
                }
                *self = Self::default();
                Transition::Closed
            }
        }
    }

    /// The new normal takes over: by itself, or by an analyst's word, which needs no conditions. Nothing happens without an episode.
    pub fn promote(&mut self, habit: &mut Habit) -> Transition {
        if !self.is_open() {
            return Transition::Ordinary;
        }
        habit.replace(self.sum, self.squares, self.windows);
        *self = Self::default();
        Transition::Promoted
    }

    /// Whether an episode is under way.
    pub const fn is_open(&self) -> bool {
        self.days > 0
    }

    /// How many rejected days the episode has.
    pub const fn days(&self) -> u8 {
        self.days
    }

    const fn is_promotable(&self) -> bool {
        self.days >= PROMOTED_AFTER_DAYS && !self.is_sensitive && self.implausible <= self.days / IMPLAUSIBLE_ONE_IN
    }

    fn learn(&mut self, day: Day) {
        let keep = 1.0 - forgotten(HALF_LIFE);
        self.sum = decayed(self.sum, keep, day.count);
        self.squares = decayed(self.squares, keep, day.count * day.count);
        self.windows = decayed(self.windows, keep, 1.0);
        self.days = self.days.saturating_add(1);
        self.implausible = self.implausible.saturating_add(u8::from(day.p_peer.ln_p() <= LN_PLAUSIBLE));
        self.is_sensitive |= day.is_sensitive;
    }
}
