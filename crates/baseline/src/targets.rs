//! What is normal for a target: by how many different people it is touched, who of them was there before, and what is done to it by
//! whom. A shard keeps the targets that belong to it; of an event's [`Touch`] it is asked first ([`Targets::view`]) and taught then
//! ([`Targets::learn`]), so that a crowd is not excused by itself.
//!
//! | a target | how its people are counted | bytes |
//! |---|---|---|
//! | on a watch list | exactly, everybody of 24 hours and of 7 days, up to [`ACTORS_MAX`] | 128 and 16 a person |
//! | of up to 3 people in 24 hours | exactly | 128 |
//! | of up to [`EXACT_MAX`] | exactly | 128 and 1 KiB |
//! | of more | by a linear counter of 256 cells that forgets (standard error 5 % up to 150, 6.5 % at 500) | the same |
//!
//! And some 5 bytes each in the index. The day is the latest 24 hours of the target, up to its latest event: a late one counts in the
//! window that it belongs to, whatever came before it.
//!
//! How usual so many are is a negative binomial of the target's own days within its class (kind, and tier of the watch list), of those
//! who come after the first: see [`classes`].

mod bytes;
mod chain;
pub mod classes;
mod crowd;
mod sketch;
mod target;
#[cfg(test)]
mod tests;

pub use bytes::TargetsError;
pub use chain::Chain;
pub use classes::{ClassSums, Priors, TargetClass};
pub use crowd::{ACTORS_MAX, EXACT_MAX};

use crate::LogP;
use crate::observation::{Family, Identity, Step, mixed};
use classes::Classes;
use crowd::Crowds;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use target::Target;

/// Within as many seconds people count together: 24 hours.
pub const DAY: u32 = 86_400;
/// So long people on a watched target are remembered, and nobody is said to be known for longer: 7 days.
pub const WEEK: u32 = 7 * DAY;
/// When a target has to make way, the idlest of as many neighbours does.
const NEIGHBOURS: usize = 64;

/// Somebody does something to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// To which.
    pub target: Identity,
    /// What is compared with it.
    pub class: TargetClass,
    /// Whether it is on a watch list.
    pub is_watched: bool,
    /// Who.
    pub actor: Identity,
    /// When, in seconds since the epoch.
    pub second: u32,
    /// What kind of action.
    pub family: Family,
    /// Which step of a takeover, if any.
    pub step: Option<Step>,
    /// Whether a ticket explains it; nothing where none is expected.
    pub has_ticket: Option<bool>,
}

impl Touch {
    const fn is_look(&self) -> bool {
        matches!(self.family, Family::View | Family::Search)
    }

    /// Whether it is what somebody else may have looked the target up for.
    const fn is_harvest(&self) -> bool {
        self.step.is_some() || matches!(self.family, Family::CredentialChange | Family::Export)
    }

    fn is_unticketed(&self) -> bool {
        self.has_ticket == Some(false)
    }
}

/// What a target's past says of an event, the event itself counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetView {
    /// How many people touched the target within 24 hours.
    pub actors_24h: u32,
    /// How many of them at least once without the ticket that was needed.
    pub unticketed_24h: u32,
    /// How many within 7 days; only of watched targets.
    pub actors_7d: Option<u32>,
    /// Whether these numbers are exact.
    pub is_exact: bool,
    /// How many are usual on a day on which there is anybody.
    pub expected: f64,
    /// How usual as many as there are within 24 hours, or more, are for this target in its class.
    pub p: LogP,
    /// Whether the actor is not remembered here: of a watched target the latest week is, of others at least everybody of 24 hours, unless
    /// they are so many that they are sketched.
    pub is_first_actor: bool,
    /// How many seconds ago somebody else looked the target up, if this is a change of credentials or an export; at most a day.
    pub relay: Option<u32>,
    /// What was done of a takeover within 24 hours.
    pub chain: Chain,
}

/// How much a shard remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetLimits {
    /// Most targets; the idlest makes way.
    pub targets_max: u32,
    /// Most targets of more than 3 people in 24 hours that are not watched; of the idlest the latest 3 people are kept.
    pub wide_max: u32,
    /// Most targets on watch lists; further ones are counted as others are.
    pub watched_max: u32,
}

impl Default for TargetLimits {
    /// 17 MiB of targets, 4 MiB of large ones.
    fn default() -> Self {
        Self { targets_max: 131_072, wide_max: 4_096, watched_max: 16_384 }
    }
}

/// How full the memory of targets is, and what it has lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStats {
    /// Targets that are remembered.
    pub targets: u64,
    /// Targets that made way for others.
    pub evicted: u64,
    /// Large targets of which only the latest people were kept.
    pub narrowed: u64,
    /// People on a watched target who made way for others there.
    pub unlisted: u64,
    /// Watched targets that were counted as others are, for want of room: how often that was so.
    pub unwatched: u64,
    /// Events of a class that was taken for any other, for want of room.
    pub unclassed: u64,
}

impl std::ops::Add for TargetStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            targets: self.targets + other.targets,
            evicted: self.evicted + other.evicted,
            narrowed: self.narrowed + other.narrowed,
            unlisted: self.unlisted + other.unlisted,
            unwatched: self.unwatched + other.unwatched,
            unclassed: self.unclassed + other.unclassed,
        }
    }
}

/// The targets of one shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Targets {
    limits: TargetLimits,
    places: Vec<Target>,
    crowds: Crowds,
    classes: Classes,
    /// Where the search for the idlest goes on.
    hand: usize,
    evicted: u64,
    #[serde(skip)]
    index: HashTable<u32>,
}

impl Default for Targets {
    fn default() -> Self {
        Self::new(TargetLimits::default())
    }
}

impl Targets {
    /// Room for so much, for one target at least.
    pub fn new(limits: TargetLimits) -> Self {
        let limits = TargetLimits { targets_max: limits.targets_max.max(1), ..limits };
        let (places, classes, index) = (Vec::new(), Classes::default(), HashTable::new());
        let crowds = Crowds::new(limits.wide_max, limits.watched_max);
        Self { limits, places, crowds, classes, hand: 0, evicted: 0, index }
    }

    /// What the past says of `touch`, which is not learnt yet.
    pub fn view(&self, touch: &Touch) -> TargetView {
        let known = self.find(touch.target).map(|at| &self.places[at]);
        let unknown = Target::default();
        let target = known.unwrap_or(&unknown);
        let end = target.latest.max(touch.second);
        let crowd = self.crowds.crowd(target, end, touch);
        let prior = self.classes.prior(touch.class);
        let predicted = target.habit().predict(&prior);
        let beyond = f64::from(crowd.actors - 1);
        let of_estimate = |error| crate::distinct::predicted_estimate(predicted, beyond, error);
        let of_count = crowd.error.map_or(predicted, of_estimate);
        TargetView {
            actors_24h: crowd.actors,
            unticketed_24h: crowd.unticketed,
            actors_7d: crowd.week,
            is_exact: crowd.error.is_none(),
            expected: 1.0 + predicted.mean(),
            p: of_count.upper(beyond),
            is_first_actor: !crowd.is_known,
            relay: if touch.is_harvest() { target.looks.before(touch) } else { None },
            chain: target.steps.with(touch, end),
        }
    }

    /// Takes note of `touch`. What is older than a day on its target is no news and changes nothing.
    pub fn learn(&mut self, touch: &Touch) {
        let at = self.find(touch.target).unwrap_or_else(|| self.admit(touch));
        let Self { places: targets, crowds, classes, .. } = self;
        let target = &mut targets[at];
        if touch.second.saturating_add(DAY) <= target.latest {
            return;
        }
        let end = target.latest.max(touch.second);
        target.move_to(touch.class, end, classes);
        if !crowds.add(target, at, end, touch) {
            let idlest = crowds.next_owners().min_by_key(|&owner| (targets[owner].latest, owner));
            match idlest {
                Some(idlest) => {
                    crowds.narrow(&mut targets[idlest]);
                    crowds.add(&mut targets[at], at, end, touch);
                }
                None => crowds.squeeze(&mut targets[at], touch),
            }
        }
        let target = &mut targets[at];
        target.looks.add(touch);
        target.steps.add(touch);
        target.latest = end;
        target.first = target.first.min(touch.second);
        target.grew_to(crowds.actors(target, end), classes);
    }

    /// When a target was first and last touched, in seconds since the epoch, as far as it is remembered.
    pub fn span(&self, target: Identity) -> Option<[u32; 2]> {
        self.find(target).map(|at| [self.places[at].first, self.places[at].latest])
    }

    /// What classes have shown here. Sums of several shards make [`Priors`].
    pub const fn sums(&self) -> &ClassSums {
        self.classes.sums()
    }

    /// Judges by `priors` from now on.
    pub fn adopt(&mut self, priors: &Arc<Priors>) {
        self.classes.adopt(priors);
    }

    /// Looks at the classes anew by what has been seen here alone.
    pub fn refresh(&mut self) {
        let priors = Arc::new(Priors::of([self.sums()]));
        self.adopt(&priors);
    }

    /// How full it is, and what it has lost.
    pub fn stats(&self) -> TargetStats {
        let [narrowed, unlisted, unwatched] = self.crowds.lost();
        let (targets, unclassed) = (self.places.len() as u64, self.classes.refused());
        TargetStats { targets, evicted: self.evicted, narrowed, unlisted, unwatched, unclassed }
    }

    /// Bytes that it holds, about.
    pub fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<Target>() + self.crowds.bytes() + self.index.allocation_size()
    }

    fn find(&self, target: Identity) -> Option<usize> {
        let key = target.get();
        self.index.find(mixed(key), |&it| self.places[it as usize].key == key).map(|&it| it as usize)
    }

    fn admit(&mut self, touch: &Touch) -> usize {
        let at = if self.places.len() < self.limits.targets_max as usize {
            self.places.push(Target::default());
            self.places.len() - 1
        } else {
            self.make_way()
        };
        self.places[at] = Target::new(touch.target.get(), touch.second);
        let targets = &self.places;
        let place = u32::try_from(at).expect("targets_max is no larger");
        self.index.insert_unique(mixed(touch.target.get()), place, |&it| mixed(targets[it as usize].key));
        at
    }

    /// A hand goes round; of the next few whichever was touched longest ago makes way: of those that are watched only if all are.
    fn make_way(&mut self) -> usize {
        let all = self.places.len();
        let near = (0..NEIGHBOURS.min(all)).map(|step| (self.hand + step) % all);
        let idlest = near.min_by_key(|&at| (self.places[at].is_watched(), self.places[at].latest, at)).unwrap_or(0);
        self.hand = (self.hand + NEIGHBOURS) % all;
        let Self { places: targets, crowds, classes, index, .. } = self;
        let leaving = &mut targets[idlest];
        if let Ok(entry) = index.find_entry(mixed(leaving.key), |&it| it as usize == idlest) {
            entry.remove();
        }
        leaving.leave(classes);
        crowds.free(leaving);
        self.evicted += 1;
        idlest
    }

    fn reindex(&mut self) {
        self.index.clear();
        let targets = &self.places;
        for (at, target) in (0..).zip(targets) {
            self.index.insert_unique(mixed(target.key), at, |&it| mixed(targets[it as usize].key));
        }
    }
}
