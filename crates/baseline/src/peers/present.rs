//! What is only of the present day: how much members surprise, and how far they are above their habits. It is looked at more often than what
//! is usual, since a day on which everybody surprises has to be known while it lasts.

use super::level::Level;
use super::sums::Rises;
use super::today::Today;
use super::{GroupId, Peers};
use crate::person::Person;

/// A day.
const SECONDS_PER_DAY: u32 = 86_400;

/// The present day of all profiles of a shard, by group. Whole numbers: people can be added in any order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Present {
    /// The calibrated group of each.
    cells: Vec<u16>,
    /// By group, how far the latest day of members is above their habit.
    latest: Vec<Rises>,
    /// By calibrated group, members who were active within a day, and the bins of the rarest that each had of a feature.
    today: Vec<Today>,
    /// Whoever was active since this second is active today.
    since: u32,
}

impl Present {
    /// Of nobody, for the groups of `peers`, whatever day it is: nobody is active today.
    pub(super) fn of(peers: &Peers) -> Self {
        let cells: Vec<u16> = peers.groups.iter().map(|it| u16::try_from(it.cell()).expect("it came from one")).collect();
        let (latest, today) = (vec![Rises::default(); cells.len()], vec![Today::default(); peers.cells()]);
        Self { cells, latest, today, since: u32::MAX }
    }

    /// Of nobody, for the groups of `peers`, at `second`: what many surprise with within a day of it says something about the day.
    pub(super) fn at(peers: &Peers, second: u32) -> Self {
        Self { since: second.saturating_sub(SECONDS_PER_DAY), ..Self::of(peers) }
    }

    /// Adds a person's day to their group's, if it is today.
    pub(super) fn add(&mut self, person: &Person) {
        let at = usize::from(person.group().0);
        if person.last_seen() >= self.since && at < self.cells.len() {
            self.today[usize::from(self.cells[at])].add(person);
            self.latest[at].add(|daily| person.latest_rise(daily));
        }
    }

    /// Adds the day of another shard's people.
    pub(super) fn merge(&mut self, other: &Self) {
        self.today.iter_mut().zip(&other.today).for_each(|(it, other)| it.merge(other));
        self.latest.iter_mut().zip(&other.latest).for_each(|(it, other)| it.merge(other));
    }

    /// By group and by calibrated group, the day of all within it.
    pub(super) fn closed(self, levels: &[Level]) -> (Vec<Rises>, Vec<Today>) {
        let Self { mut latest, mut today, .. } = self;
        latest.resize_with(levels.len(), Rises::default);
        let cells = levels.iter().map(Level::cell).max().map_or(0, |it| it + 1);
        today.resize_with(cells, Today::default);
        // A group stands behind the one it is in, and so does its cell.
        for (at, level) in levels.iter().enumerate().rev() {
            let Some(parent) = level.parent().map(GroupId::index) else { continue };
            let (before, from) = latest.split_at_mut(at);
            before[parent].merge(&from[0]);
            if level.has_own_cell() {
                let (before, from) = today.split_at_mut(level.cell());
                before[levels[parent].cell()].merge(&from[0]);
            }
        }
        (latest, today)
    }
}
