//! Sums over profiles, by group: what the peers are made of. They can be added up over shards.

use super::level::Level;
use super::present::Present;
use super::sums::Sums;
use super::touched::Touched;
use super::uses::Uses;
use super::{GroupId, Peers};
use crate::person::Person;
use std::borrow::Cow;

/// Sums over all profiles of a shard, by group. Sums of floats depend on their order: add people in a fixed one, and shards in theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// What is usual; nothing in a look at what may be new since the latest one at everything.
    habits: Option<ByGroup<Sums>>,
    uses: ByGroup<Uses>,
    present: Present,
}

/// Something of the members of each group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ByGroup<T> {
    pub(super) own: Vec<T>,
    /// Whether the members of a group are to be added: those of others were the last time, and are as they were.
    pub(super) is_open: Vec<bool>,
}

impl<T: Default> ByGroup<T> {
    /// Of nobody, in all of so many groups.
    fn of(groups: usize) -> Self {
        Self { own: (0..groups).map(|_| T::default()).collect(), is_open: vec![true; groups] }
    }

    /// What is `known` of so many groups; of those that were touched, nobody, as `clear` says.
    fn again(known: &mut Vec<T>, groups: usize, touched: &Touched, clear: impl Fn(&mut T)) -> Self {
        let mut own = std::mem::take(known);
        let kept = own.len();
        own.resize_with(groups, T::default);
        let is_open: Vec<bool> = (0..groups).map(|at| at >= kept || touched.has(super::id(at))).collect();
        own.iter_mut().zip(&is_open).filter(|(_, is_open)| **is_open).for_each(|(it, _)| clear(it));
        Self { own, is_open }
    }

    /// The same of some more groups, of which nobody was added.
    fn grown(mut self, groups: usize) -> Self {
        self.own.resize_with(groups, T::default);
        self.is_open.resize(groups, true);
        self
    }

    /// Where the members of that group are to be added.
    fn open(&mut self, at: usize) -> Option<&mut T> {
        self.own.get_mut(at).filter(|_| self.is_open[at])
    }
}

impl Tally {
    /// Of nobody, for the groups of `peers`, whatever day it is.
    pub fn of(peers: &Peers) -> Self {
        let all = peers.groups.len();
        Self { habits: Some(ByGroup::of(all)), uses: ByGroup::of(all), present: Present::of(peers) }
    }

    /// Of nobody, for the groups of `peers`, at `second`: what many surprise with within a day of it says something about the day.
    pub fn at(peers: &Peers, second: u32) -> Self {
        Self { present: Present::at(peers, second), ..Self::of(peers) }
    }

    /// The same where of groups that weren't `touched` since the latest [`Peers::refresh`] the sums of then are taken, to the bit: the same
    /// people have to be added as then, in the same order, but for those of groups that were. What members use is taken from then where that hasn't
    /// `changed`.
    pub fn again(peers: &mut Peers, second: u32, touched: &Touched, changed: &Touched) -> Self {
        let all = peers.groups.len();
        let habits = ByGroup::again(&mut peers.habits, all, touched, |it| *it = Sums::default());
        Self { habits: Some(habits), ..Self::between(peers, second, changed) }
    }

    /// For a look at what may be new only: what members use, and their present day. What is usual stays as it is.
    pub fn between(peers: &mut Peers, second: u32, changed: &Touched) -> Self {
        let uses = ByGroup::again(&mut peers.uses, peers.groups.len(), changed, Uses::clear);
        Self { habits: None, uses, present: Present::at(peers, second) }
    }

    /// Adds a person to their group.
    pub fn add(&mut self, person: &Person) {
        let at = usize::from(person.group().0);
        if let Some(habits) = self.habits.as_mut().and_then(|it| it.open(at)) {
            habits.add(person);
        }
        if let Some(uses) = self.uses.open(at) {
            uses.add(person);
        }
        self.present.add(person);
    }

    /// Adds what another shard's people do.
    pub fn merge(&mut self, other: &Self) {
        if let (Some(habits), Some(others)) = (&mut self.habits, &other.habits) {
            habits.own.iter_mut().zip(&others.own).for_each(|(it, other)| it.merge(other));
        }
        self.uses.own.iter_mut().zip(&other.uses.own).for_each(|(it, other)| it.merge(other));
        self.present.merge(&other.present);
    }

    /// By group, what is usual among its own members, if that was looked at, and what they use; and what is of the present day.
    pub(super) fn closed(self, groups: usize) -> (Option<Vec<Sums>>, ByGroup<Uses>, Present) {
        let mut uses = self.uses.grown(groups);
        uses.own.iter_mut().zip(&uses.is_open).filter(|(_, is_open)| **is_open).for_each(|(it, _)| it.close());
        (self.habits.map(|it| it.grown(groups).own), uses, self.present)
    }
}

/// By group, what its members and those of all groups within it do.
pub(super) fn summed<'d>(direct: &'d [Sums], levels: &[Level]) -> Vec<Cow<'d, Sums>> {
    let mut sums: Vec<Cow<'d, Sums>> = direct.iter().map(Cow::Borrowed).collect();
    for at in (0..sums.len()).rev() {
        let (before, from) = sums.split_at_mut(at);
        if let Some(parent) = levels[at].parent().map(GroupId::index) {
            before[parent].to_mut().merge(&from[0]);
        }
    }
    sums
}
