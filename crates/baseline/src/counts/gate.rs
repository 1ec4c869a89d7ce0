//! The cheap gate in front of the exact tail, and the sliding count that is held against it.

use crate::Share;
use crate::tails::NegativeBinomial;
use serde::{Deserialize, Serialize};

/// Only counts less likely than this are looked at exactly.
pub(crate) const GATE_ALPHA: f64 = 0.01;
/// The 1 % point of a negative binomial lies at least as many standard deviations above its mean …
const DEVIATIONS: f64 = 2.2;

/// The smallest count with p below 1 %, cached when a window closes: an integer compare decides for most events that nothing is to be
/// computed. 2 bytes.
///
/// A count that does not fit is kept as the largest that does: then more is computed exactly than necessary, and nothing is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gate(u16);

const _: () = assert!(size_of::<Gate>() == 2);

impl Default for Gate {
    /// Open: everything is looked at.
    fn default() -> Self {
        Self(0)
    }
}

impl Gate {
    /// The gate of a prediction.
    pub fn of(predicted: NegativeBinomial) -> Self {
        Self(u16::try_from(predicted.first_below(GATE_ALPHA)).unwrap_or(u16::MAX))
    }

    /// A gate at or a little below [`Self::of`], for the price of a square root: what a profile keeps, since it makes one whenever a window
    /// closes. One count in fifty is then looked at exactly where one in a hundred would do.
    pub fn beneath(predicted: NegativeBinomial) -> Self {
        let least = (predicted.mean() + DEVIATIONS * predicted.variance().sqrt()).ceil().min(f64::from(u16::MAX));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 65,535")]
        Self(least as u16)
    }

    /// The first count that crosses it.
    pub const fn first(self) -> u16 {
        self.0
    }

    /// Whether `count` has p below 1 %, or might have.
    #[inline]
    pub fn is_crossed(self, count: u32) -> bool {
        count >= u32::from(self.0)
    }

    /// The same of an estimate, rounded up.
    #[inline]
    pub fn is_crossed_by(self, estimate: f64) -> bool {
        estimate > f64::from(self.0) - 1.0
    }
}

/// Two buckets that slide: what was counted in this one and the one before. 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Sliding {
    current: u16,
    previous: u16,
}

const _: () = assert!(size_of::<Sliding>() == 4);

impl Sliding {
    /// Counts one more; a full counter stays full.
    #[inline]
    pub fn add(&mut self) {
        self.current = self.current.saturating_add(1);
    }

    /// Counts one more in the bucket before this one: an event that comes late.
    pub fn add_late(&mut self) {
        self.previous = self.previous.saturating_add(1);
    }

    /// What the current bucket holds.
    #[inline]
    pub const fn current(self) -> u16 {
        self.current
    }

    /// What the bucket before it holds.
    #[inline]
    pub const fn previous(self) -> u16 {
        self.previous
    }

    /// Closes `steps` buckets, of which one is the current, and gives what it held.
    #[inline]
    pub fn roll(&mut self, steps: u32) -> u16 {
        let closed = self.current;
        match steps {
            0 => return 0,
            1 => self.previous = closed,
            _ => self.previous = 0,
        }
        self.current = 0;
        closed
    }

    /// cur + (1 - f)·prev, where f is the part of the current bucket that has passed: the count of the latest window's length if the
    /// previous bucket's events were spread evenly, rounded down.
    #[inline]
    pub fn count(self, passed: Share) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 65,535")]
        let before = (f64::from(self.previous) * (1.0 - passed.get())) as u32;
        u32::from(self.current) + before
    }
}
