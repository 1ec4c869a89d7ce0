//! A random sample of those who were below the threshold on a day: without it nobody knows what the threshold misses.
//!
//! Drawn when the day is over, a tenth of the budget of all actors of the day who were never above, each with the same chance, and each
//! with the strongest that there was. What is left over from the fraction of a sample is kept for the next day.

use super::waiting::Waiting;
use baseline::budget::SAMPLED;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most that are kept to draw from, a bound on a day's samples.
const DRAWN_MAX: usize = 1_000;
/// So many more are kept than are needed, for those who are told before the day is over.
const SPARE: usize = 16;

/// Who may be drawn: those whose random numbers are the smallest of the day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Draw {
    kept: BTreeMap<u64, Waiting>,
    /// Actors below the threshold, each once.
    below: u64,
    /// Samples that are owed, with what was left over.
    owed: f64,
}

impl Draw {
    /// An actor is below the threshold; `is_first` of that day.
    pub(super) fn add(&mut self, day: i64, it: Waiting, is_first: bool, per_day: f64) {
        self.below += u64::from(is_first);
        let number = number_of(&it.alert.actor.id, day);
        if let Some(known) = self.kept.get_mut(&number) {
            if it.weighed.risk > known.weighed.risk {
                *known = it;
            }
            return;
        }
        self.kept.insert(number, it);
        if self.kept.len() > Self::room(per_day) {
            self.kept.pop_last();
        }
    }

    fn room(per_day: f64) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let owed = (2.0 * SAMPLED * per_day + 1.0).min(1e6) as usize;
        (2 * owed + SPARE).min(DRAWN_MAX)
    }

    /// The day is over: who is shown of those who can still be, each with the share of all that is shown.
    pub(super) fn close(&mut self, per_day: f64, can_be: impl Fn(&Waiting) -> bool) -> Vec<(Waiting, f64)> {
        let of_day = SAMPLED * per_day;
        // At most a day's worth is made up for.
        self.owed = (self.owed + of_day).min(2.0 * of_day.max(1.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let owed = (self.owed + 1e-9) as usize;
        let kept = std::mem::take(&mut self.kept);
        let drawn: Vec<Waiting> = kept.into_values().filter(can_be).take(owed).collect();
        #[expect(clippy::cast_precision_loss, reason = "counts of a day")]
        let (shown, below) = (drawn.len() as f64, std::mem::take(&mut self.below).max(1) as f64);
        self.owed -= shown;
        drawn.into_iter().map(|it| (it, (shown / below).min(1.0))).collect()
    }

    /// A day on which nobody is called is over.
    pub(super) fn forget(&mut self) {
        (self.kept, self.below) = (BTreeMap::new(), 0);
    }
}

/// A number that is random as far as samples go, and the same in every replay.
fn number_of(actor: &str, day: i64) -> u64 {
    let text = [actor.as_bytes(), &day.to_le_bytes()].concat();
    (twox_hash::XxHash3_128::oneshot_with_seed(0x6e6a_7361_6d70_6c65, &text) >> 64) as u64
}
