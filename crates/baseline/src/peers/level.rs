//! One node of the hierarchy: who is above it, and which categories its members use.

use super::GroupId;
use super::group::Model;
use super::uses::{Changed, Uses};
use crate::novelty;
use crate::observation::{Class, DIMENSIONS};
use crate::pareto::float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An organisation, a role or a team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Level {
    class: Class,
    parent: Option<GroupId>,
    name: u64,
    is_role: bool,
    /// The calibrated group it belongs to.
    cell: u16,
    has_own_cell: bool,
    /// By dimension, how many members use each category, ascending by key.
    kinds: [Vec<(u32, u32)>; DIMENSIONS],
}

impl Level {
    pub(super) fn organisation(class: Class, cell: u16) -> Self {
        Self { class, parent: None, name: 0, is_role: false, cell, has_own_cell: true, kinds: Default::default() }
    }

    pub(super) fn child(&self, parent: GroupId, name: u64, is_role: bool, cell: usize) -> Self {
        let cell = u16::try_from(cell).expect("there are at most as many as groups");
        Self { class: self.class, parent: Some(parent), name, is_role, cell, has_own_cell: is_role, kinds: Default::default() }
    }

    pub(super) fn is(&self, parent: GroupId, name: u64, is_role: bool) -> bool {
        self.parent == Some(parent) && self.name == name && self.is_role == is_role
    }

    /// Whether it can stand at `at` among others: parents come before their children, cells exist.
    pub(super) fn fits(&self, at: usize, cells: usize) -> bool {
        let is_root = at < 2;
        self.parent.is_none() == is_root && self.parent.is_none_or(|it| it.index() < at) && self.cell() < cells
    }

    pub(super) const fn class(&self) -> Class {
        self.class
    }

    pub(super) const fn parent(&self) -> Option<GroupId> {
        self.parent
    }

    pub(super) const fn cell(&self) -> usize {
        self.cell as usize
    }

    pub(super) const fn has_own_cell(&self) -> bool {
        self.has_own_cell
    }

    /// How many members use each category of a dimension, ascending by key.
    pub(super) fn uses(&self, dimension: usize) -> &[(u32, u32)] {
        &self.kinds[dimension]
    }

    /// In which dimensions members use something else than is known.
    pub(super) fn differs(&self, uses: &Uses) -> Changed {
        std::array::from_fn(|at| self.kinds[at] != uses.0[at])
    }

    /// Takes over which categories members use, in the dimensions in which that may have `changed`; says in which of them it has.
    pub(super) fn learn(&mut self, uses: &Uses, changed: Changed) -> Changed {
        std::array::from_fn(|at| {
            let is_other = changed[at] && self.kinds[at] != uses.0[at];
            if is_other {
                self.kinds[at].clone_from(&uses.0[at]);
            }
            is_other
        })
    }

    /// Likelihoods of what members use, interpolated with those of the group above.
    pub(super) fn kinds(
        &self,
        parent: Option<&[Arc<novelty::Peers>; DIMENSIONS]>,
        model: &Model,
    ) -> [Arc<novelty::Peers>; DIMENSIONS] {
        std::array::from_fn(|at| self.kinds_of(at, parent.map(|it| &it[at]), model))
    }

    /// The same of one dimension, by its place.
    pub(super) fn kinds_of(&self, at: usize, parent: Option<&Arc<novelty::Peers>>, model: &Model) -> Arc<novelty::Peers> {
        let kinds = &self.kinds[at];
        // A group of which nothing is known is the one above it.
        if let Some(parent) = parent.filter(|_| kinds.is_empty()) {
            return Arc::clone(parent);
        }
        let counts: Vec<(u32, f64)> = kinds.iter().map(|&(key, members)| (key, f64::from(members))).collect();
        let once = float(kinds.iter().filter(|it| it.1 == 1).count());
        let twice = float(kinds.iter().filter(|it| it.1 == 2).count());
        let openness = novelty::Openness::estimated(once, twice, model.strength());
        Arc::new(match parent {
            None => novelty::Peers::root(counts, openness),
            Some(parent) => novelty::Peers::within(Arc::clone(parent), counts, openness),
        })
    }
}
