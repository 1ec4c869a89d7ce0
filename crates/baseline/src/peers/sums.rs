//! What the members of one group do, as sums.

use super::Pace;
use crate::clock::GroupHours;
use crate::counts::{GroupRates, narrow};
use crate::observation::{DIMENSIONS, Dimension, ERRANDS, Errand, FAMILIES, Family, SPANS, Span, WINDOWS, Window};
use crate::person::Person;
use crate::ratio::GroupRatios;
use std::sync::LazyLock;

/// How many habits of counts there are.
pub(super) const COUNTS: usize = FAMILIES * WINDOWS;
/// Daily habits that may drift: families, and distinct targets.
pub(crate) const DAILY: usize = FAMILIES + 1;

/// More active days than these of one member tell nothing about the others.
const DAYS_MAX: u16 = 30;
/// Bins of log2 of a rise, an eighth of an octave each, from a half to twice.
const RISE_BINS: usize = 17;
const RISE_STEPS: f64 = 8.0;
/// A median of fewer members is no movement of the group.
const RISE_MEMBERS_MIN: f64 = 8.0;

/// Sums over the members of one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sums {
    /// Families × windows, spans, takeovers without and with ticket.
    pub(super) rates: [GroupRates; 31],
    /// Sensitive, watched, errands.
    pub(super) ratios: [GroupRatios; 2 + ERRANDS],
    pub(super) hours: GroupHours,
    /// Categories that a member used once, and twice.
    pub(super) once_and_twice: [[f64; 2]; DIMENSIONS],
    pub(super) members: f64,
    days: f64,
    paces: [f64; 3],
    rises: Rises,
}

/// By daily habit, how many members' rates have risen by how much.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Rises([[f32; RISE_BINS]; DAILY]);

impl Rises {
    /// Counts a member by how much each daily habit has risen, where that is known.
    pub(super) fn add(&mut self, rise: impl Fn(usize) -> Option<f64>) {
        for (daily, bins) in self.0.iter_mut().enumerate() {
            if let Some(rise) = rise(daily) {
                bins[rise_bin(rise)] += 1.0;
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.as_flattened_mut().iter_mut().zip(other.0.as_flattened()).for_each(|(it, other)| *it += other);
    }

    /// The median; nothing where too few members have one.
    pub(super) fn median(&self, daily: usize) -> Option<f32> {
        median(&self.0[daily])
    }
}

const _: () = assert!(COUNTS + SPANS + 2 == 31);

impl Sums {
    pub(super) fn add(&mut self, person: &Person) {
        for family in Family::ALL {
            for window in Window::ALL {
                self.rates[family.index() * WINDOWS + window.index()].add(person.habit(family, window));
            }
        }
        for span in Span::ALL {
            self.rates[COUNTS + span.index()].add(person.distinct_habit(span));
        }
        for with_ticket in [false, true] {
            self.rates[COUNTS + SPANS + usize::from(with_ticket)].add(person.takeover_habit(with_ticket));
        }
        self.ratios[0].add(person.sensitive());
        self.ratios[1].add(person.watched());
        for errand in Errand::ALL {
            self.ratios[2 + errand.index()].add(person.no_ticket(errand));
        }
        self.hours.add(person.clock());
        for dimension in Dimension::ALL {
            let [once, twice] = person.once_and_twice(dimension);
            self.once_and_twice[dimension.index()][0] += once;
            self.once_and_twice[dimension.index()][1] += twice;
        }
        self.add_pace(person);
    }

    fn add_pace(&mut self, person: &Person) {
        if person.active_days() == 0 {
            return;
        }
        self.members += 1.0;
        self.days += f64::from(person.active_days().min(DAYS_MAX));
        let pace = person.own_pace();
        for (sum, it) in self.paces.iter_mut().zip([pace.events, pace.tens, pace.hours]) {
            *sum += f64::from(it);
        }
        self.rises.add(|daily| person.rise(daily));
    }

    /// Adds all members of another group.
    pub(super) fn merge(&mut self, other: &Self) {
        self.rates.iter_mut().zip(&other.rates).for_each(|(it, other)| it.merge(other));
        self.ratios.iter_mut().zip(&other.ratios).for_each(|(it, other)| it.merge(other));
        self.hours.merge(&other.hours);
        for (it, other) in self.once_and_twice.iter_mut().flatten().zip(other.once_and_twice.iter().flatten()) {
            *it += other;
        }
        self.members += other.members;
        self.days += other.days;
        self.paces.iter_mut().zip(other.paces).for_each(|(it, other)| *it += other);
        self.rises.merge(&other.rises);
    }

    /// How many active days its members have on average, of the first few.
    pub(super) fn days(&self) -> Option<f32> {
        (self.members > 0.0).then(|| narrow(self.days / self.members))
    }

    pub(super) fn pace(&self) -> Option<Pace> {
        let mean = |sum: f64| narrow(sum / self.members);
        (self.members > 0.0).then(|| Pace { events: mean(self.paces[0]), tens: mean(self.paces[1]), hours: mean(self.paces[2]) })
    }

    /// The median rise of a daily rate; nothing where too few members have one.
    pub(super) fn rise(&self, daily: usize) -> Option<f32> {
        self.rises.median(daily)
    }
}

fn rise_bin(rise: f64) -> usize {
    RISE_EDGES.iter().map(|edge| usize::from(rise >= *edge)).sum()
}

/// The least rise of each bin but the first: found by halving, since a logarithm for each member and habit takes as long as all the rest of
/// counting them.
static RISE_EDGES: LazyLock<[f64; RISE_BINS - 1]> = LazyLock::new(|| {
    std::array::from_fn(|below| {
        let (mut low, mut high) = (0.25_f64.to_bits(), 4.0_f64.to_bits());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if bin_by_logarithm(f64::from_bits(middle)) > below { high = middle } else { low = middle }
        }
        f64::from_bits(high)
    })
});

fn bin_by_logarithm(rise: f64) -> usize {
    let steps = (RISE_STEPS * (libm::log2(rise) + 1.0)).clamp(0.0, 16.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bins")]
    let bin = libm::round(steps) as usize;
    bin
}

fn median(bins: &[f32; RISE_BINS]) -> Option<f32> {
    let all: f64 = bins.iter().map(|&it| f64::from(it)).sum();
    if all < RISE_MEMBERS_MIN {
        return None;
    }
    let mut below = 0.0;
    let at = bins.iter().position(|&it| {
        below += f64::from(it);
        below >= 0.5 * all
    });
    at.map(|at| narrow(libm::exp2(crate::pareto::float(at) / RISE_STEPS - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_rise_is_in_the_bin_of_its_logarithm(rise in 0.5..=2.0, edge in 0_usize..16, off in -2_i64..=2) {
            let near = f64::from_bits(RISE_EDGES[edge].to_bits().wrapping_add_signed(off));
            for rise in [rise, near, 0.5, 2.0] {
                prop_assert_eq!(rise_bin(rise), bin_by_logarithm(rise), "{}", rise);
            }
        }
    }
}
