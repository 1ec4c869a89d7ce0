//! What peers do: organisation, role, team. Priors for everybody who has no history yet, likelihoods of what somebody never used, and
//! what p-values have turned out to be worth.
//!
//! Looked at anew now and then, from a [`Tally`] of all profiles, and never in between: so every shard judges by the same, and a replay
//! does again. What is read while scoring is one [`Group`].

mod group;
mod level;
mod present;
mod sums;
mod tally;
#[cfg(test)]
mod tests;
mod today;
mod touched;
mod uses;

pub use group::{Group, Pace};
pub use tally::Tally;
pub use touched::Touched;

use crate::calibrate::{Calibration, Curves, KINDS, Kind};
use crate::feature::FEATURES;
use crate::novelty;
use crate::observation::{Class, DIMENSIONS};
use group::{Known, Model};
use level::Level;
use present::Present;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use sums::{Rises, Sums};
use today::Factors;
use uses::{Changed, Uses};

/// There are no more groups; a further role or team is the group above it, and is counted.
pub const GROUPS_MAX: usize = 4_096;
/// The first byte pair of what [`Peers::to_bytes`] writes.
const VERSION: u16 = 2;

/// What is written, besides the version.
type Saved = (Vec<Level>, Vec<Model>, Vec<([Curves; KINDS], Curves, Vec<f32>)>, u64);
type CellRef<'c> = ([&'c Curves; KINDS], &'c Curves, &'c [f32]);

/// A group, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub(crate) u16);

impl GroupId {
    /// All people, of whom neither role nor team is known.
    pub const PEOPLE: Self = Self(0);
    /// All service accounts.
    pub const SERVICES: Self = Self(1);

    /// Everybody of a class.
    pub const fn all(class: Class) -> Self {
        match class {
            Class::Human => Self::PEOPLE,
            Class::Service => Self::SERVICES,
        }
    }

    #[inline]
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Peers that can't be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeersError {
    /// Another version wrote them.
    Version(u16),
    /// Cut off or damaged.
    Damaged(String),
}

impl std::fmt::Display for PeersError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(found) => write!(f, "peers of version {found}, but only version {VERSION} is known: learn them anew"),
            Self::Damaged(why) => write!(f, "the peers are damaged: {why}"),
        }
    }
}

impl std::error::Error for PeersError {}

/// Curves of each kind of member.
type KindCurves = [Arc<Curves>; KINDS];

/// What p-values are worth in a calibrated group.
#[derive(Debug, Clone)]
struct Cell {
    curves: KindCurves,
    /// Those of members of any kind.
    pooled: Arc<Curves>,
    today: Factors,
}

impl Default for Cell {
    fn default() -> Self {
        Self { curves: KindCurves::default(), pooled: Arc::default(), today: [1.0; FEATURES] }
    }
}

/// All groups of an organisation. 6 KiB a group, 375 KiB a role, and the categories that are known.
#[derive(Debug, Clone)]
pub struct Peers {
    levels: Vec<Level>,
    groups: Vec<Group>,
    cells: Vec<Cell>,
    refused: u64,
    /// By group, what is usual among its own members and what they use, as of the latest look; empty before, and never written.
    habits: Vec<Sums>,
    uses: Vec<Uses>,
}

impl Default for Peers {
    /// Nothing is known of anybody.
    fn default() -> Self {
        let levels = vec![Level::organisation(Class::Human, 0), Level::organisation(Class::Service, 1)];
        Self::derived(levels, vec![Model::default(); 2], vec![Cell::default(); 2])
    }
}

impl Peers {
    /// Of how many groups and kinds of names a member has done something new since the latest look: then their table is made.
    pub fn tables_made(&self) -> usize {
        self.groups.iter().flat_map(Group::all_kinds).filter(|it| it.has_tables()).count()
    }

    /// The group of a role and a team, which is made if there is none yet: it begins with what is known of the group above it. Without
    /// either it is everybody of the class.
    pub fn group(&mut self, class: Class, role: Option<u64>, team: Option<u64>) -> GroupId {
        let mut at = GroupId::all(class);
        if let Some(role) = role {
            at = self.child(at, role, true);
        }
        if let Some(team) = team {
            at = self.child(at, team, false);
        }
        at
    }

    fn child(&mut self, parent: GroupId, name: u64, is_role: bool) -> GroupId {
        let found = self.levels.iter().position(|it| it.is(parent, name, is_role));
        if let Some(at) = found {
            return id(at);
        }
        if self.levels.len() >= GROUPS_MAX {
            self.refused += 1;
            return parent;
        }
        let cell = if is_role { self.cells.len() } else { self.levels[parent.index()].cell() };
        if is_role {
            self.cells.push(self.cells[self.levels[parent.index()].cell()].clone());
        }
        let at = id(self.levels.len());
        self.levels.push(self.levels[parent.index()].child(parent, name, is_role, cell));
        self.groups.push(self.groups[parent.index()].clone().renamed(at, cell));
        at
    }

    /// What is expected of a member of `id`; of everybody, if there is no such group.
    #[inline]
    pub fn of(&self, id: GroupId) -> &Group {
        self.groups.get(id.index()).unwrap_or(&self.groups[0])
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Never: there are always people and service accounts.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many groups are calibrated: the roles, people, and service accounts.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// How often a role or team was taken for the group above it, for want of room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Looks at everybody anew: priors and likelihoods from `tally`, which was made over these groups, and how much peers surprise today.
    /// Priors stay where it looked only at what may be new.
    pub fn refresh(&mut self, tally: Tally) {
        let (habits, uses, present) = tally.closed(self.levels.len());
        let latest = self.begin_day(present);
        match &habits {
            Some(habits) => self.renew_models(&tally::summed(habits, &self.levels), &latest),
            None => self.renew_day(&latest),
        }
        if let Some(habits) = habits {
            self.habits = habits;
        }
        self.renew_kinds(&uses.own, &uses.is_open);
        self.uses = uses.own;
    }

    /// Makes models of what members do.
    fn renew_models(&mut self, sums: &[Cow<'_, Sums>], latest: &[Rises]) {
        let mut known: Vec<Known> = Vec::with_capacity(self.levels.len());
        for (at, level) in self.levels.iter().enumerate() {
            let (before, rest) = self.groups.split_at_mut(at);
            let above = level.parent().map(GroupId::index).map(|it| (before[it].model(), &known[it]));
            let (model, own) = Model::of(level.class(), &sums[at], &latest[at], above);
            let cell = &self.cells[level.cell()];
            rest[0].renew(model, &cell.curves, cell.today);
            known.push(own);
        }
    }

    /// What is usual stays, but the day is another.
    fn renew_day(&mut self, latest: &[Rises]) {
        for (at, level) in self.levels.iter().enumerate() {
            let (before, rest) = self.groups.split_at_mut(at);
            let above = level.parent().map(|it| before[it.index()].model());
            rest[0].renew_day(&latest[at], above, self.cells[level.cell()].today);
        }
    }

    /// Takes over what members use, where that may be something else than at the latest look.
    fn renew_kinds(&mut self, own: &[Uses], is_open: &[bool]) {
        let changed = uses::changed(own, is_open, &self.levels);
        let sums = uses::summed(own, &self.levels, &changed);
        let mut is_renewed: Vec<Changed> = Vec::with_capacity(self.levels.len());
        for (at, level) in self.levels.iter_mut().enumerate() {
            let (before, rest) = self.groups.split_at_mut(at);
            let parent = level.parent().map(GroupId::index);
            let mut renewed = level.learn(&sums[at], changed[at]);
            for (dimension, is_renewed_here) in renewed.iter_mut().enumerate() {
                // Where neither the members nor the group above have changed, what is made of them is the same.
                *is_renewed_here |= parent.is_some_and(|it| is_renewed[it][dimension]);
                if *is_renewed_here {
                    let above = parent.map(|it| &before[it].all_kinds()[dimension]);
                    let kinds = level.kinds_of(dimension, above, rest[0].model());
                    rest[0].renew_kinds(dimension, kinds);
                }
            }
            is_renewed.push(renewed);
        }
    }

    /// Takes over how much peers surprise today; by group, how far members are above their habits.
    fn begin_day(&mut self, present: Present) -> Vec<Rises> {
        let (latest, today) = present.closed(&self.levels);
        for (cell, today) in self.cells.iter_mut().zip(&today) {
            cell.today = today.factors(&cell.pooled);
        }
        latest
    }

    /// Finds out anew what p-values are worth, from `calibration`: in force from the next [`Self::refresh`] on.
    pub fn recalibrate(&mut self, calibration: Calibration) {
        let calibration = Arc::new(calibration);
        let mut cells: Vec<Cell> = Vec::with_capacity(self.cells.len());
        for level in self.levels.iter().filter(|it| it.has_own_cell()) {
            let at = level.cell();
            let broader = level.parent().map(|it| &cells[self.levels[it.index()].cell()].curves);
            let pooled = Curves::pooled(&calibration, at);
            let curves = Kind::ALL.map(|kind| {
                let broader = broader.map_or(&pooled, |it| &it[kind.index()]);
                Curves::of(&calibration, at, kind, Some(broader))
            });
            cells.push(Cell { curves, pooled, today: self.cells[at].today });
        }
        self.cells = cells;
    }

    fn derived(levels: Vec<Level>, models: Vec<Model>, cells: Vec<Cell>) -> Self {
        let mut kinds: Vec<[Arc<novelty::Peers>; DIMENSIONS]> = Vec::with_capacity(levels.len());
        for (level, model) in levels.iter().zip(&models) {
            let parent = level.parent().map(|it| kinds[it.index()].clone());
            kinds.push(level.kinds(parent.as_ref(), model));
        }
        let groups = levels.iter().zip(models).zip(kinds).enumerate();
        let groups = groups
            .map(|(at, ((level, model), kinds))| {
                let Cell { curves, today, .. } = cells[level.cell()].clone();
                Group::new(id(at), level, model, kinds, curves, today)
            })
            .collect();
        Self { levels, groups, cells, refused: 0, habits: Vec::new(), uses: Vec::new() }
    }

    /// Everything, with its version.
    pub fn to_bytes(&self) -> Vec<u8> {
        let models: Vec<&Model> = self.groups.iter().map(Group::model).collect();
        let cells: Vec<CellRef<'_>> =
            self.cells.iter().map(|it| (it.curves.each_ref().map(AsRef::as_ref), &*it.pooled, &it.today[..])).collect();
        let saved = (&self.levels, models, cells, self.refused);
        postcard::to_extend(&saved, VERSION.to_le_bytes().to_vec()).expect("writing to memory fails for no value of these types")
    }

    /// What [`Self::to_bytes`] wrote, to the bit.
    ///
    /// # Errors
    ///
    /// Bytes of another version, cut off or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeersError> {
        let damaged = |why: &str| PeersError::Damaged(why.to_owned());
        let (version, body) = bytes.split_first_chunk().ok_or_else(|| damaged("cut off"))?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(PeersError::Version(version));
        }
        let (levels, models, cells, refused): Saved = postcard::from_bytes(body).map_err(|it| damaged(&it.to_string()))?;
        let is_whole = levels.len() >= 2
            && levels.len() <= GROUPS_MAX
            && models.len() == levels.len()
            && cells.iter().all(|(curves, pooled, _)| curves.iter().all(Curves::is_whole) && pooled.is_whole())
            && levels.iter().enumerate().all(|(at, it)| it.fits(at, cells.len()))
            && levels.iter().filter(|it| it.has_own_cell()).count() == cells.len();
        let cells = cells.into_iter().map(|(curves, pooled, today)| {
            let today = today.try_into().ok()?;
            Some(Cell { curves: curves.map(Arc::new), pooled: Arc::new(pooled), today })
        });
        let cells = cells.collect::<Option<Vec<Cell>>>().filter(|_| is_whole);
        let cells = cells.ok_or_else(|| damaged("groups, models and curves don't fit together"))?;
        Ok(Self { refused, ..Self::derived(levels, models, cells) })
    }
}

fn id(at: usize) -> GroupId {
    GroupId(u16::try_from(at).expect("there are at most GROUPS_MAX"))
}
