//! Sums over profiles, by group: what the peers are made of. They can be added up over shards.

use super::level::Level;
use super::today::Today;
use super::{GroupId, Pace, Peers};
use crate::clock::GroupHours;
use crate::counts::{GroupRates, narrow};
use crate::observation::{DIMENSIONS, Dimension, ERRANDS, Errand, FAMILIES, Family, SPANS, Span, WINDOWS, Window};
use crate::person::Person;
use crate::ratio::GroupRatios;
use std::collections::BTreeMap;

/// A day.
const SECONDS_PER_DAY: u32 = 86_400;
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
    /// How many members use each category.
    pub(super) kinds: [BTreeMap<u32, u32>; DIMENSIONS],
    /// Categories that a member used once, and twice.
    pub(super) once_and_twice: [[f64; 2]; DIMENSIONS],
    pub(super) members: f64,
    days: f64,
    paces: [f64; 3],
    rises: [[f32; RISE_BINS]; DAILY],
    /// The same of the latest day beside the habit.
    latest: [[f32; RISE_BINS]; DAILY],
    /// Members who were active within a day, and the bins of the rarest that each had of a feature.
    pub(super) today: Today,
}

const _: () = assert!(COUNTS + SPANS + 2 == 31);

impl Sums {
    fn add(&mut self, person: &Person, since: u32) {
        if person.last_seen() >= since {
            self.today.add(person);
            for daily in 0..DAILY {
                if let Some(rise) = person.latest_rise(daily) {
                    self.latest[daily][rise_bin(rise)] += 1.0;
                }
            }
        }
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
            let at = dimension.index();
            person.each_kind(dimension, |key, _| *self.kinds[at].entry(key).or_insert(0) += 1);
            let [once, twice] = person.once_and_twice(dimension);
            self.once_and_twice[at][0] += once;
            self.once_and_twice[at][1] += twice;
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
        for (at, bins) in self.rises.iter_mut().enumerate() {
            if let Some(rise) = person.rise(at) {
                bins[rise_bin(rise)] += 1.0;
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.rates.iter_mut().zip(&other.rates).for_each(|(it, other)| it.merge(other));
        self.ratios.iter_mut().zip(&other.ratios).for_each(|(it, other)| it.merge(other));
        self.hours.merge(&other.hours);
        for (it, other) in self.kinds.iter_mut().zip(&other.kinds) {
            for (&key, &members) in other {
                *it.entry(key).or_insert(0) += members;
            }
        }
        for (it, other) in self.once_and_twice.iter_mut().flatten().zip(other.once_and_twice.iter().flatten()) {
            *it += other;
        }
        self.members += other.members;
        self.days += other.days;
        self.paces.iter_mut().zip(other.paces).for_each(|(it, other)| *it += other);
        self.today.merge(&other.today);
        self.latest.iter_mut().flatten().zip(other.latest.iter().flatten()).for_each(|(it, other)| *it += other);
        self.rises.iter_mut().flatten().zip(other.rises.iter().flatten()).for_each(|(it, other)| *it += other);
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
        median(&self.rises[daily])
    }

    /// The median of the latest day beside the habit; nothing where too few members have both.
    pub(super) fn latest_rise(&self, daily: usize) -> Option<f32> {
        median(&self.latest[daily])
    }
}

fn rise_bin(rise: f64) -> usize {
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

/// Sums over all profiles of a shard, by group. Sums of floats depend on their order: add people in a fixed one, and shards in theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    groups: Vec<Sums>,
    /// Whoever was active since this second is active today.
    since: u32,
}

impl Tally {
    /// Of nobody, for the groups of `peers`, whatever day it is.
    pub fn of(peers: &Peers) -> Self {
        Self { groups: vec![Sums::default(); peers.len()], since: u32::MAX }
    }

    /// Of nobody, for the groups of `peers`, at `second`: what many surprise with within a day of it says something about the day.
    pub fn at(peers: &Peers, second: u32) -> Self {
        Self { since: second.saturating_sub(SECONDS_PER_DAY), ..Self::of(peers) }
    }

    /// Adds a person to their group.
    pub fn add(&mut self, person: &Person) {
        let GroupId(at) = person.group();
        if let Some(sums) = self.groups.get_mut(usize::from(at)) {
            sums.add(person, self.since);
        }
    }

    /// Adds what another shard's people do.
    pub fn merge(&mut self, other: &Self) {
        self.groups.iter_mut().zip(&other.groups).for_each(|(it, other)| it.merge(other));
    }

    /// By group, what its members and those of all groups within it do.
    pub(super) fn summed(self, levels: &[Level]) -> Vec<Sums> {
        let mut sums = self.groups;
        sums.resize_with(levels.len(), Sums::default);
        // A group stands behind the one it is in.
        for at in (0..sums.len()).rev() {
            if let Some(parent) = levels[at].parent() {
                let (before, from) = sums.split_at_mut(at);
                before[parent.index()].merge(&from[0]);
            }
        }
        sums
    }
}

/// The sums of a group and of those above it, broadest first.
pub(super) fn chain<'a>(sums: &'a [Sums], level: &Level, at: usize) -> Vec<&'a Sums> {
    let mut chain = vec![&sums[at]];
    if let Some(parent) = level.parent() {
        chain.insert(0, &sums[parent.index()]);
        // A team's role; the organisation stands above both.
        if parent.index() > 1 {
            let organisation = match level.class() {
                crate::observation::Class::Human => GroupId::PEOPLE,
                crate::observation::Class::Service => GroupId::SERVICES,
            };
            chain.insert(0, &sums[organisation.index()]);
        }
    }
    chain
}
