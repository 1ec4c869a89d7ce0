//! Days on which everybody surprises: an incident, a holiday, a new tool, a log that changed. What many peers have today is no sign of
//! misuse, however rare it is on other days, so p-values are worth as many times more as peers surprise more often.

use crate::calibrate::{BINS, Curves};
use crate::counts::narrow;
use crate::feature::{FEATURES, Feature};
use crate::person::Person;

/// Fewer members than this with something so rare say nothing about the day.
const MEMBERS_MIN: f64 = 4.0;
/// What occurs on more than one day in ten is not counted.
const P_COUNTED: f64 = 0.1;
/// A day explains no more.
const FACTOR_MAX: f64 = 1_000.0;
const _: () = assert!(FEATURES.is_multiple_of(8), "they are looked at eight at a time");

/// By feature, how many times as often as usual members surprise today.
pub(super) type Factors = [f32; FEATURES];

/// By feature, how many members have a rarest of the day in each bin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Today {
    members: f64,
    bins: Vec<[u16; BINS]>,
}

impl Default for Today {
    fn default() -> Self {
        Self { members: 0.0, bins: Vec::new() }
    }
}

impl Today {
    /// Counts the present, or latest, day of a member.
    pub(super) fn add(&mut self, person: &Person) {
        if self.bins.is_empty() {
            self.bins = vec![[0; BINS]; FEATURES];
        }
        self.members += 1.0;
        // Of most features nothing was rare: eight at a time are looked at, and of those the ones that say something.
        let (together, []) = person.rarest().as_chunks::<8>() else { unreachable!("a multiple of eight") };
        for (at, rarest) in together.iter().enumerate() {
            let mut rarest = u64::from_le_bytes(*rarest);
            while rarest > 0 {
                let place = rarest.trailing_zeros() / 8;
                let bin = usize::try_from(rarest >> (8 * place) & 0xff).expect("a byte");
                rarest &= !(0xff << (8 * place));
                let bin = &mut self.bins[8 * at + place as usize][bin.min(BINS - 1)];
                *bin = bin.saturating_add(1);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.members += other.members;
        if self.bins.is_empty() {
            self.bins.clone_from(&other.bins);
            return;
        }
        let (own, other) = (self.bins.as_flattened_mut(), other.bins.as_flattened());
        own.iter_mut().zip(other).for_each(|(it, other)| *it = it.saturating_add(*other));
    }

    /// By feature, how many times as often as usual members surprise today, at least once: the largest ratio, at any rarity, of how many
    /// there are (less what chance may add) to how many `usual` expects.
    pub(super) fn factors(&self, usual: &Curves) -> Factors {
        let mut factors = [1.0; FEATURES];
        for (feature, bins) in Feature::all().zip(&self.bins) {
            let members: u32 = bins[1..].iter().map(|&it| u32::from(it)).sum();
            if f64::from(members) < MEMBERS_MIN {
                continue;
            }
            let mut above = 0.0;
            let mut factor = 1.0_f64;
            for at in (1..BINS).rev() {
                above += f64::from(bins[at]);
                if above < MEMBERS_MIN || bins[at] == 0 {
                    continue;
                }
                let p = usual.at_edge(feature, at);
                if p <= P_COUNTED {
                    factor = factor.max((above - above.sqrt()) / (self.members * p + 1.0));
                }
            }
            factors[feature.index()] = narrow(factor.min(FACTOR_MAX));
        }
        factors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(members: u16, surprised: u16, bin: usize) -> [f32; FEATURES] {
        let mut bins = vec![[0; BINS]; FEATURES];
        bins[Feature::Hour.index()][bin] = surprised;
        Today { members: members.into(), bins }.factors(&Curves::default())
    }

    #[test]
    fn what_many_have_today_is_worth_less() {
        // One in 1,000 usually; 100 of 300 today.
        let factor = day(300, 100, 30)[Feature::Hour.index()];
        assert!((60.0..100.0).contains(&factor), "{factor}");
        assert!((day(300, 100, 30)[Feature::Travel.index()] - 1.0).abs() < f32::EPSILON);
    }

    #[test]
    fn a_few_who_work_together_are_no_day_like_that() {
        assert!((day(300, 3, 90)[Feature::Hour.index()] - 1.0).abs() < f32::EPSILON);
        assert!(day(300, 5, 90)[Feature::Hour.index()] < 3.0);
    }

    #[test]
    fn ordinary_days_change_nothing() {
        // One in ten, of 300: 30 on average.
        assert!((day(300, 33, 10)[Feature::Hour.index()] - 1.0).abs() < 0.01);
    }
}
