//! How likely each category is among peers, and how much is no likelier: the table behind every unseen category.

use super::Openness;
use crate::pareto::float;
use std::sync::{Arc, OnceLock};

/// A level remembers as many categories; the least used beyond them become mass of its back-off.
pub const KINDS_MAX: usize = 65_536;

/// One level of the hierarchy (organisation, role, team), rebuilt now and then from its counts; its likelihoods are interpolated with
/// those of the level above, and at the top with the uniform over all known categories and one for everything else.
///
/// Counts are best the number of *members* that use a category, which is what one table a dish means; events would let one busy person
/// make a tool common.
///
/// Its tables are made when it is asked for the first time: of most teams nobody does anything new before the next are due.
#[derive(Debug)]
pub struct Peers {
    /// Needn't be sorted.
    counts: Box<[(u32, f64)]>,
    openness: Openness,
    parent: Option<Arc<Self>>,
    tables: OnceLock<Tables>,
}

#[derive(Debug)]
struct Tables {
    /// Categories of this level by key, with their likelihood.
    by_key: Vec<(u32, f64)>,
    /// Likelihoods ascending, with their running sum.
    by_mass: Vec<[f64; 2]>,
    /// What the level above thinks of the same categories, ascending, with the running sum.
    by_parent: Vec<[f64; 2]>,
    /// The weight of the level above.
    back: f64,
    /// Of the broadest level, which has none above it: the likelihood of any one category.
    uniform: f64,
}

impl Peers {
    /// The broadest level: it has to know every category that the levels below know. `counts` needn't be sorted; a key that stands twice
    /// counts once, as the larger.
    pub fn root(counts: Vec<(u32, f64)>, openness: Openness) -> Self {
        Self { counts: counts.into_boxed_slice(), openness, parent: None, tables: OnceLock::new() }
    }

    /// A narrower level.
    pub fn within(parent: Arc<Self>, counts: Vec<(u32, f64)>, openness: Openness) -> Self {
        Self { parent: Some(parent), ..Self::root(counts, openness) }
    }

    /// Whether somebody has asked.
    pub fn has_tables(&self) -> bool {
        self.tables.get().is_some()
    }

    #[inline]
    fn tables(&self) -> &Tables {
        self.tables.get_or_init(|| Tables::of(&cleaned(&self.counts), self.openness, self.parent.as_deref()))
    }

    /// P_g(c), also of a category that nobody ever used.
    pub fn mass(&self, key: u32) -> f64 {
        self.look_up(key).0
    }

    /// The same, and whether anybody of this level or one above it uses the category: if not, it shares its mass with all the others that
    /// nobody uses.
    pub(super) fn look_up(&self, key: u32) -> (f64, bool) {
        let Tables { by_key, back, uniform, .. } = self.tables();
        match (by_key.binary_search_by_key(&key, |it| it.0), &self.parent) {
            (Ok(at), _) => (by_key[at].1, true),
            (Err(_), Some(parent)) => {
                let (mass, is_known) = parent.look_up(key);
                (back * mass, is_known)
            }
            (Err(_), None) => (back * uniform, false),
        }
    }

    /// F_g: the mass of all categories whose likelihood is at most `limit`: this level's own, and of the level above what isn't among
    /// them. O(log n) a level.
    pub fn mass_at_most(&self, limit: f64) -> f64 {
        let Tables { by_mass, by_parent, back, uniform, .. } = self.tables();
        let above = limit / back;
        let rest = match &self.parent {
            Some(parent) => (parent.mass_at_most(above) - sum_to(by_parent, above)).max(0.0),
            // Of the uniform only "everything else" isn't in the table.
            None if *uniform <= above => *uniform,
            None => 0.0,
        };
        sum_to(by_mass, limit) + back * rest
    }

    /// How many categories this level itself remembers.
    pub fn len(&self) -> usize {
        self.tables().by_key.len()
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.tables().by_key.is_empty()
    }

    /// Whether anybody of this level or one above it uses the category.
    pub fn knows(&self, key: u32) -> bool {
        self.look_up(key).1
    }
}

impl Tables {
    /// Of counts that are [`cleaned`].
    fn of(counts: &[(u32, f64)], openness: Openness, parent: Option<&Peers>) -> Self {
        let uniform = 1.0 / float(counts.len().min(KINDS_MAX) + 1);
        let total: f64 = counts.iter().map(|it| it.1).sum();
        let remembered = &counts[..counts.len().min(KINDS_MAX)];
        let kept: f64 = remembered.iter().map(|it| openness.kept(it.1)).sum();
        let whole = openness.strength + total;
        let back = (openness.strength + total - kept) / whole;
        let mut by_key = Vec::with_capacity(remembered.len());
        let mut by_parent = Vec::with_capacity(remembered.len());
        for &(key, count) in remembered {
            let above = parent.map_or(uniform, |it| it.mass(key));
            by_key.push((key, openness.kept(count) / whole + back * above));
            by_parent.push(above);
        }
        by_key.sort_unstable_by_key(|it| it.0);
        let by_mass = summed(by_key.iter().map(|it| it.1).collect());
        Self { by_key, by_mass, by_parent: summed(by_parent), back, uniform }
    }
}

/// Positive counts, one a key: in the order of the keys or, if there are more than [`KINDS_MAX`], most used first, so that the first are the
/// ones to keep.
fn cleaned(counts: &[(u32, f64)]) -> Vec<(u32, f64)> {
    let mut counts: Vec<(u32, f64)> = counts.iter().copied().filter(|it| it.1 > 0.0 && it.1.is_finite()).collect();
    counts.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    counts.dedup_by_key(|it| it.0);
    if counts.len() > KINDS_MAX {
        counts.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    }
    counts
}

fn summed(mut masses: Vec<f64>) -> Vec<[f64; 2]> {
    masses.sort_unstable_by(f64::total_cmp);
    let mut sum = 0.0;
    masses
        .into_iter()
        .map(|it| {
            sum += it;
            [it, sum]
        })
        .collect()
}

fn sum_to(ascending: &[[f64; 2]], limit: f64) -> f64 {
    let upto = ascending.partition_point(|it| it[0] <= limit);
    upto.checked_sub(1).map_or(0.0, |at| ascending[at][1])
}
