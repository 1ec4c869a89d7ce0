//! Sums over profiles, by group: what the peers are made of. They can be added up over shards.

use super::level::Level;
use super::sums::{Rises, Sums};
use super::today::Today;
use super::touched::Touched;
use super::{GroupId, Peers};
use crate::observation::DIMENSIONS;
use crate::person::Person;
use std::borrow::Cow;

/// A day.
const SECONDS_PER_DAY: u32 = 86_400;

/// Sums over all profiles of a shard, by group. Sums of floats depend on their order: add people in a fixed one, and shards in theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    groups: Vec<Sums>,
    /// Whether the members of a group are to be added: those of others were the last time, and are as they were.
    is_open: Vec<bool>,
    /// The calibrated group of each.
    cells: Vec<u16>,
    /// By group, how far the latest day of members is above their habit.
    latest: Vec<Rises>,
    /// By calibrated group, members who were active within a day, and the bins of the rarest that each had of a feature.
    today: Vec<Today>,
    /// Whoever was active since this second is active today.
    since: u32,
}

/// In which dimensions something has changed.
pub(super) type Changed = [bool; DIMENSIONS];

/// What is only of the present day, by group and by calibrated group.
pub(super) struct Present {
    pub(super) latest: Vec<Rises>,
    pub(super) today: Vec<Today>,
}

impl Tally {
    /// Of nobody, for the groups of `peers`, whatever day it is.
    pub fn of(peers: &Peers) -> Self {
        let all = peers.groups.len();
        Self::with(peers, (vec![Sums::default(); all], vec![true; all]), u32::MAX)
    }

    fn with(peers: &Peers, (groups, is_open): (Vec<Sums>, Vec<bool>), since: u32) -> Self {
        let cells: Vec<u16> = peers.groups.iter().map(|it| u16::try_from(it.cell()).expect("it came from one")).collect();
        let (latest, today) = (vec![Rises::default(); cells.len()], vec![Today::default(); peers.cells()]);
        Self { groups, is_open, cells, latest, today, since }
    }

    /// Of nobody, for the groups of `peers`, at `second`: what many surprise with within a day of it says something about the day.
    pub fn at(peers: &Peers, second: u32) -> Self {
        Self { since: since(second), ..Self::of(peers) }
    }

    /// The same where of groups that weren't `touched` since the latest [`Peers::refresh`] the sums of then are taken, to the bit: the same
    /// people have to be added as then, in the same order, but for those of groups that were.
    pub fn again(peers: &mut Peers, second: u32, touched: &Touched) -> Self {
        let mut groups = std::mem::take(&mut peers.direct);
        let (kept, all) = (groups.len(), peers.groups.len());
        groups.resize_with(all, Sums::default);
        let is_open: Vec<bool> = (0..all).map(|at| at >= kept || touched.has(super::id(at))).collect();
        groups.iter_mut().zip(&is_open).filter(|(_, is_open)| **is_open).for_each(|(it, _)| it.clear());
        Self::with(peers, (groups, is_open), since(second))
    }

    /// Adds a person to their group.
    pub fn add(&mut self, person: &Person) {
        let at = usize::from(person.group().0);
        if self.is_open.get(at) == Some(&true) {
            self.groups[at].add(person);
        }
        if person.last_seen() >= self.since && at < self.cells.len() {
            self.today[usize::from(self.cells[at])].add(person);
            self.latest[at].add(|daily| person.latest_rise(daily));
        }
    }

    /// Adds what another shard's people do.
    pub fn merge(&mut self, other: &Self) {
        self.groups.iter_mut().zip(&other.groups).for_each(|(it, other)| it.merge(other));
        self.today.iter_mut().zip(&other.today).for_each(|(it, other)| it.merge(other));
        self.latest.iter_mut().zip(&other.latest).for_each(|(it, other)| it.merge(other));
    }

    /// By group, what its own members do, whether that was summed anew, and what is of the present day of all within it.
    pub(super) fn closed(self, levels: &[Level]) -> (Vec<Sums>, Vec<bool>, Present) {
        let Self { mut groups, mut is_open, mut latest, mut today, .. } = self;
        groups.iter_mut().zip(&is_open).filter(|(_, is_open)| **is_open).for_each(|(it, _)| it.close());
        groups.resize_with(levels.len(), Sums::default);
        is_open.resize(levels.len(), true);
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
        (groups, is_open, Present { latest, today })
    }
}

/// By group and dimension, whether its members, or those of a group within it, may use something else than `levels` know from the latest
/// look.
pub(super) fn changed(direct: &[Sums], is_open: &[bool], levels: &[Level]) -> Vec<Changed> {
    let mut is_inner = vec![false; levels.len()];
    levels.iter().filter_map(Level::parent).for_each(|it| is_inner[it.index()] = true);
    // Of a group with others in it the level doesn't know its own members apart.
    let own = |at: usize| if is_inner[at] { [is_open[at]; DIMENSIONS] } else { levels[at].differs(&direct[at]) };
    let mut changed: Vec<Changed> = (0..levels.len()).map(own).collect();
    for at in (0..levels.len()).rev() {
        let Some(parent) = levels[at].parent() else { continue };
        let (before, from) = changed.split_at_mut(at);
        before[parent.index()].iter_mut().zip(from[0]).for_each(|(it, within)| *it |= within);
    }
    changed
}

/// By group, what its members and those of all groups within it do; what they use, in the dimensions in which that has `changed`.
pub(super) fn summed<'d>(direct: &'d [Sums], levels: &[Level], changed: &[Changed]) -> Vec<Cow<'d, Sums>> {
    let mut sums: Vec<Cow<'d, Sums>> = direct.iter().map(Cow::Borrowed).collect();
    for at in (0..sums.len()).rev() {
        let (before, from) = sums.split_at_mut(at);
        if let Cow::Owned(it) = &mut from[0] {
            it.close();
        }
        let Some(parent) = levels[at].parent().map(GroupId::index) else { continue };
        let above = before[parent].to_mut();
        above.merge_but_kinds(&from[0]);
        for dimension in (0..DIMENSIONS).filter(|it| changed[parent][*it]) {
            let within = if changed[at][dimension] { &from[0].kinds[dimension][..] } else { levels[at].uses(dimension) };
            above.kinds[dimension].extend_from_slice(within);
        }
    }
    sums
}

/// Whoever was active since then is active today.
const fn since(second: u32) -> u32 {
    second.saturating_sub(SECONDS_PER_DAY)
}
