//! An actor's risk: a decaying sum of what was new in each day's surprises, so that volume alone can't raise it.

#[cfg(test)]
mod tests;

use crate::combine::Score;
use crate::counts::narrow;
use serde::{Deserialize, Serialize};

/// Families of surprise that are told apart.
pub const FAMILIES: usize = 12;
/// Half-lives at which rules see the risk, in days. The second is the one that the budget works with.
pub const HALF_LIVES_DAYS: [f64; 4] = [1.0, 3.0, 7.0, 30.0];
/// What happens on more than one day in a hundred is nothing …
const ORDINARY: f64 = 2.0;
/// … and a family's strength is at most this: 10⁻⁸ a day counts in full.
const STRENGTH_MAX: f64 = 6.0;
/// The family of what lasts for weeks: its best is not of the day but fades over [`LASTING_DAYS`], so that what went on yesterday raises
/// nothing today.
pub const LASTING: usize = FAMILIES - 1;
const LASTING_DAYS: u16 = 30;
/// A strength is remembered in 40ths.
const STEPS: f64 = 40.0;
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "8")]
const FADES: u8 = (STRENGTH_MAX * STEPS) as u8 / LASTING_DAYS as u8;
const MINUTES_PER_DAY: f64 = 1_440.0;

/// How sensitive what was touched is, and how much the actor could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitivity {
    /// Ordinary targets: 1.
    Ordinary,
    /// Sensitive targets or far-reaching rights: 1.5.
    Sensitive,
    /// Watched targets or rights over production: 2.
    Critical,
}

impl Sensitivity {
    /// The factor on the increment.
    pub const fn weight(self) -> f64 {
        match self {
            Self::Ordinary => 1.0,
            Self::Sensitive => 1.5,
            Self::Critical => 2.0,
        }
    }
}

/// Risk at four half-lives and each family's best of the day. 36 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Risk {
    risks: [f32; HALF_LIVES_DAYS.len()],
    /// Minutes since the epoch of the latest increment or reading that was kept.
    minute: u32,
    /// The actor's day that [`Self::best`] is of, as the caller counts days.
    day: u16,
    /// Largest strength of the day per family, in 40ths.
    best: [u8; FAMILIES],
    reserved: [u8; 2],
}

const _: () = assert!(size_of::<Risk>() == 36);

impl Risk {
    /// Takes in the score that family `family` alone gives an event: with s = max(0, -log10 E - 2), at most 6, the increment is how far
    /// s exceeds the family's best of the day, times the sensitivity; before it, R ← R·2^(-Δt/h). Gives the increment.
    ///
    /// `minute` counts minutes since the epoch, `day` the actor's own days; time that goes back decays nothing. A family beyond
    /// [`FAMILIES`] counts with the last.
    pub fn add(&mut self, minute: u32, day: u16, family: usize, score: Score, sensitivity: Sensitivity) -> f64 {
        self.decay(minute);
        if day > self.day {
            let faded = u16::from(FADES).saturating_mul(day - self.day);
            let lasting = self.best[LASTING].saturating_sub(u8::try_from(faded).unwrap_or(u8::MAX));
            (self.day, self.best) = (day, [0; FAMILIES]);
            self.best[LASTING] = lasting;
        }
        let best = &mut self.best[family.min(FAMILIES - 1)];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 240")]
        let strength = (strength(score) * STEPS) as u8;
        let raised = strength.saturating_sub(*best);
        *best = (*best).max(strength);
        let increment = sensitivity.weight() * f64::from(raised) / STEPS;
        self.risks.iter_mut().for_each(|it| *it += narrow(increment));
        increment
    }

    /// The risks at `minute`, at [`HALF_LIVES_DAYS`].
    pub fn at(&self, minute: u32) -> [f64; HALF_LIVES_DAYS.len()] {
        let mut later = *self;
        later.decay(minute);
        later.risks.map(f64::from)
    }

    fn decay(&mut self, minute: u32) {
        let days = f64::from(minute.saturating_sub(self.minute)) / MINUTES_PER_DAY;
        if days > 0.0 {
            for (it, half_life) in self.risks.iter_mut().zip(HALF_LIVES_DAYS) {
                *it = narrow(f64::from(*it) * libm::exp2(-days / half_life));
            }
            self.minute = minute;
        }
    }
}

/// max(0, -log10 E - 2), at most 6.
fn strength(score: Score) -> f64 {
    (0.1 * score.get() - ORDINARY).clamp(0.0, STRENGTH_MAX)
}
