//! How many people targets of a class have on a day: a hierarchical Gamma-Poisson with overdispersion, as counts of people have it
//! ([`crate::counts`]), from all targets to the kind (account, host, data set) to the tier of the watch list.
//!
//! What counts is those who come after the first on a day on which there is anybody, and the day's highest number of the latest 24 hours:
//! what is judged is what was learnt. Days on which nobody comes say nothing.
//!
//! Sums are whole numbers, so that they don't depend on how targets are spread over shards: what each has shown is rounded before it is
//! added, and taken off again when it changes.

use crate::Share;
use crate::counts::{GroupRates, Habit, Prior};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A shard tells as many classes apart; a further one is like any target, and is counted.
pub const CLASSES_MAX: usize = 256;
/// Sums are in units of 2⁻²⁰.
const UNIT: f64 = 1_048_576.0;

/// What a target is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TargetClass {
    /// A hash of its kind; 0 for an unknown one.
    pub kind: u64,
    /// A hash of its tier on the watch list; 0 for one that is on none.
    pub tier: u64,
}

/// What the members of a class have shown: the sums of [`GroupRates`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sums([i128; GroupRates::SUMS]);

impl Sums {
    /// What a member has shown by `habit` and the highest count of a day that is not over.
    pub(super) fn of(habit: &Habit, today: u16) -> Self {
        let (mut member, mut rates) = (*habit, GroupRates::default());
        member.learn(f64::from(today), Share::ONE);
        rates.add(&member);
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and 2^127 is far beyond")]
        let rounded = rates.sums().map(|it| (it * UNIT).round() as i128);
        Self(rounded)
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(it, other)| *it = it.wrapping_add(other));
    }

    fn take_off(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(it, other)| *it = it.wrapping_sub(other));
    }

    #[expect(clippy::cast_precision_loss, reason = "24 bits of it are used")]
    fn rates(&self) -> GroupRates {
        GroupRates::from_sums(self.0.map(|it| it as f64 / UNIT))
    }
}

/// What the classes of a shard have shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassSums {
    classes: Vec<(TargetClass, Sums)>,
}

/// What is expected of the targets of each class.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Priors {
    all: Option<Prior>,
    kinds: BTreeMap<u64, Prior>,
    classes: BTreeMap<TargetClass, Prior>,
}

impl Priors {
    /// From what all shards have shown, in any order.
    pub fn of<'s>(shards: impl IntoIterator<Item = &'s ClassSums>) -> Self {
        let (mut all, mut kinds, mut classes) = (Sums::default(), BTreeMap::new(), BTreeMap::new());
        for (class, sums) in shards.into_iter().flat_map(|it| &it.classes) {
            all.add(sums);
            kinds.entry(class.kind).or_insert_with(Sums::default).add(sums);
            classes.entry(*class).or_insert_with(Sums::default).add(sums);
        }
        let all = all.rates();
        let kinds: BTreeMap<u64, GroupRates> = kinds.iter().map(|(it, sums)| (*it, sums.rates())).collect();
        let of_kind = |kind: &u64| Prior::of_chain(&[all, kinds[kind]]);
        let of_class = |it: &TargetClass, sums: &Sums| Prior::of_chain(&[all, kinds[&it.kind], sums.rates()]);
        Self {
            all: Some(Prior::of_chain(&[all])),
            kinds: kinds.keys().map(|it| (*it, of_kind(it))).collect(),
            classes: classes.iter().map(|(it, sums)| (*it, of_class(it, sums))).collect(),
        }
    }

    /// What is expected of a target of `class`: of its kind, if the class is not known, or of any.
    pub fn prior(&self, class: TargetClass) -> Prior {
        let known = self.classes.get(&class).or_else(|| self.kinds.get(&class.kind)).copied();
        known.or(self.all).unwrap_or(Prior::UNKNOWN)
    }
}

/// What is shared is written out.
mod by_value {
    use super::Priors;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(priors: &Arc<Priors>, to: S) -> Result<S::Ok, S::Error> {
        priors.as_ref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Priors>, D::Error> {
        Priors::deserialize(from).map(Arc::new)
    }
}

/// The classes of one shard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Classes {
    shown: ClassSums,
    /// What is expected of each, and of any other.
    priors: Vec<Prior>,
    #[serde(with = "by_value")]
    shared: Arc<Priors>,
    refused: u64,
}

impl Classes {
    /// The place of `class`. Beyond [`CLASSES_MAX`] that of the first one.
    pub(super) fn place(&mut self, class: TargetClass) -> u16 {
        let known = self.shown.classes.iter().position(|it| it.0 == class);
        let at = known.unwrap_or_else(|| {
            if self.shown.classes.len() == CLASSES_MAX {
                self.refused += 1;
                return 0;
            }
            self.shown.classes.push((class, Sums::default()));
            self.priors.push(self.shared.prior(class));
            self.priors.len() - 1
        });
        u16::try_from(at).expect("CLASSES_MAX is no larger")
    }

    /// What is expected of a target of `class`.
    pub(super) fn prior(&self, class: TargetClass) -> Prior {
        let known = self.shown.classes.iter().position(|it| it.0 == class);
        known.map_or_else(|| self.shared.prior(class), |at| self.priors[at])
    }

    pub(super) fn prior_at(&self, at: u16) -> Prior {
        self.priors[usize::from(at)]
    }

    /// A member has shown something else than before.
    pub(super) fn replace(&mut self, at: u16, before: Option<&Sums>, now: Option<&Sums>) {
        let sums = &mut self.shown.classes[usize::from(at)].1;
        before.into_iter().for_each(|it| sums.take_off(it));
        now.into_iter().for_each(|it| sums.add(it));
    }

    pub(super) const fn sums(&self) -> &ClassSums {
        &self.shown
    }

    pub(super) fn adopt(&mut self, priors: &Arc<Priors>) {
        self.shared = Arc::clone(priors);
        self.priors.clear();
        self.priors.extend(self.shown.classes.iter().map(|it| self.shared.prior(it.0)));
    }

    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// How many there are, or nothing if what was read back does not fit together.
    pub(super) fn checked_len(&self) -> Option<usize> {
        Some(self.priors.len()).filter(|it| *it == self.shown.classes.len() && *it <= CLASSES_MAX)
    }
}
