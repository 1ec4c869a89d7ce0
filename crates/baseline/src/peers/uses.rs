//! Which categories the members of groups use: actions, tools, networks and the like.

use super::GroupId;
use super::level::Level;
use crate::observation::{DIMENSIONS, Dimension};
use crate::person::Person;
use std::borrow::Cow;

/// In which dimensions something has changed.
pub(super) type Changed = [bool; DIMENSIONS];

/// By dimension, how many members of one group use each category: once [`Self::close`]d, ascending by key, each key once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Uses(pub(super) [Vec<(u32, u32)>; DIMENSIONS]);

impl Uses {
    pub(super) fn add(&mut self, person: &Person) {
        for dimension in Dimension::ALL {
            person.each_kind(dimension, |key, _| self.0[dimension.index()].push((key, 1)));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(it, other)| it.extend_from_slice(other));
    }

    /// Counts each category once, after members or groups were added.
    pub(super) fn close(&mut self) {
        for kinds in &mut self.0 {
            // Stable, because that finds the runs of the groups that were put behind each other.
            kinds.sort_by_key(|it| it.0);
            kinds.dedup_by(|next, it| {
                let is_same = next.0 == it.0;
                it.1 += if is_same { next.1 } else { 0 };
                is_same
            });
        }
    }

    /// Of nobody, with the memory of before.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }
}

/// By group and dimension, whether its members, or those of a group within it, may use something else than `levels` know from the latest
/// look.
pub(super) fn changed(direct: &[Uses], is_open: &[bool], levels: &[Level]) -> Vec<Changed> {
    let mut is_inner = vec![false; levels.len()];
    levels.iter().filter_map(Level::parent).for_each(|it| is_inner[it.index()] = true);
    // Of a group with others in it the level doesn't know its own members apart.
    let own = |at: usize| match (is_open[at], is_inner[at]) {
        (false, _) => [false; DIMENSIONS],
        (true, true) => [true; DIMENSIONS],
        (true, false) => levels[at].differs(&direct[at]),
    };
    let mut changed: Vec<Changed> = (0..levels.len()).map(own).collect();
    for at in (0..levels.len()).rev() {
        let Some(parent) = levels[at].parent() else { continue };
        let (before, from) = changed.split_at_mut(at);
        before[parent.index()].iter_mut().zip(from[0]).for_each(|(it, within)| *it |= within);
    }
    changed
}

/// By group, what its members and those of all groups within it use, in the dimensions in which that has `changed`.
pub(super) fn summed<'d>(direct: &'d [Uses], levels: &[Level], changed: &[Changed]) -> Vec<Cow<'d, Uses>> {
    let mut sums: Vec<Cow<'d, Uses>> = direct.iter().map(Cow::Borrowed).collect();
    for at in (0..sums.len()).rev() {
        let (before, from) = sums.split_at_mut(at);
        if let Cow::Owned(it) = &mut from[0] {
            it.close();
        }
        let Some(parent) = levels[at].parent().map(GroupId::index) else { continue };
        if changed[parent] == [false; DIMENSIONS] {
            continue;
        }
        let above = before[parent].to_mut();
        for dimension in (0..DIMENSIONS).filter(|it| changed[parent][*it]) {
            let within = if changed[at][dimension] { &from[0].0[dimension][..] } else { levels[at].uses(dimension) };
            above.0[dimension].extend_from_slice(within);
        }
    }
    sums
}
