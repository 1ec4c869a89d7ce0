//! Novelty: how surprising a category (tool, network, device …) is for a person, by a hierarchical Pitman-Yor process. A first for the
//! person that is common among peers is no surprise; a first among peers is.
//!
//! Y. W. Teh, "A hierarchical Bayesian language model based on Pitman-Yor processes" (2006), with one table a dish, which is
//! interpolated Kneser-Ney smoothing; p-values as in F. Sanna Passino, N. Heard, "Modelling dynamic network evolution as a Pitman-Yor
//! process" (2019): the mass of everything that is no likelier, seen or not.

mod peers;
#[cfg(test)]
mod tests;

pub use peers::{KINDS_MAX, Peers};

use crate::counts::narrow;

use crate::{LogP, Rarity, Share};
use serde::{Deserialize, Serialize};

/// Two likelihoods nearer than this are the same: they came by different roundings.
const TIE: f64 = 1e-11;

/// How readily a level admits something new: discount d in 0…1 and strength θ > 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Openness {
    discount: f64,
    strength: f64,
}

impl Openness {
    /// When nothing is known: d = 1/2, θ = 1.
    pub const UNKNOWN: Self = Self { discount: 0.5, strength: 1.0 };

    /// Both clamped: d to 0.01…0.99, θ to 0.01…1000; if either is NaN nothing is known.
    pub const fn new(discount: f64, strength: f64) -> Self {
        if discount.is_nan() || strength.is_nan() {
            return Self::UNKNOWN;
        }
        Self { discount: discount.clamp(0.01, 0.99), strength: strength.clamp(0.01, 1_000.0) }
    }

    /// d = n1/(n1 + 2 n2), from how many categories occurred once and twice (H. Ney, U. Essen, R. Kneser, "On structuring probabilistic
    /// dependences in stochastic language modelling", 1994); 1/2 if there are none.
    pub fn estimated(once: f64, twice: f64, strength: f64) -> Self {
        let discount = if once + twice > 0.0 { once / (once + 2.0 * twice) } else { 0.5 };
        Self::new(discount, strength)
    }

    /// What is left of a count; the rest goes to the back-off, also of a count that has decayed below d.
    #[inline]
    fn kept(self, count: f64) -> f64 {
        (count - self.discount).max(0.0)
    }
}

/// A remembered category. 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
struct Slot {
    /// 32 bits of a hash of the category.
    key: u32,
    /// How often, decayed; 0 is an empty slot.
    count: f32,
}

/// What a person is known to use, in one dimension: the `SLOTS` most used categories. 8 `SLOTS` + 4 bytes: 132 for 16 (actions and
/// tools), 68 for 8 (networks), 52 for 6 (devices, ASNs), 36 for 4 (countries).
///
/// The least used slot makes way for a newcomer, as in Space-Saving (A. Metwally et al. 2005); but the newcomer begins at its own count
/// instead of inheriting, since an inherited count would be a habit that never was. What the evicted had becomes mass of the back-off:
/// somebody who uses more than can be remembered is known to do so, and the new is less of a surprise. So a remembered count is never
/// too high, and every likelihood is within `evicted/(θ + N)` of the one from all counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Kinds<const SLOTS: usize> {
    #[serde(with = "crate::array")]
    slots: [Slot; SLOTS],
    /// N, all that was learnt, remembered or not, decayed.
    total: f32,
}

const _: () = assert!(size_of::<Kinds<16>>() == 132 && size_of::<Kinds<8>>() == 68 && size_of::<Kinds<4>>() == 36);

impl<const SLOTS: usize> Default for Kinds<SLOTS> {
    fn default() -> Self {
        Self { slots: [Slot::default(); SLOTS], total: 0.0 }
    }
}

impl<const SLOTS: usize> Kinds<SLOTS> {
    /// How surprising `key` is before it is learnt: P_u(c) = (max(n - d, 0) + (θ + Σ min(n, d) + evicted) P_g(c))/(θ + N), and the mass
    /// of all categories that are no likelier. The sum runs over the seen and, through the peers' table, over the unseen, so that
    /// something done once is never more surprising than something never done. Somebody without a history has the peers' p-value.
    /// Allocates nothing.
    pub fn rarity(&self, key: u32, peers: &Peers, openness: Openness) -> Rarity {
        let back = self.back(openness);
        let likelihood = self.at_least(key, openness).get() + back * peers.mass(key);
        let limits = [likelihood * (1.0 + TIE), likelihood * (1.0 - TIE)];
        let (mut seen, mut known_to_peers) = ([0.0; 2], [0.0; 2]);
        for it in self.occupied() {
            let (mass, is_known) = peers.look_up(it.key);
            let likelihood = self.own(*it, openness) + back * mass;
            for (at, limit) in limits.into_iter().enumerate() {
                seen[at] += if likelihood <= limit { likelihood } else { 0.0 };
                // What only this person uses is not in the peers' tables: nothing is to be taken from them.
                known_to_peers[at] += if is_known && mass <= limit / back { mass } else { 0.0 };
            }
        }
        let at_most = |at: usize| seen[at] + back * (peers.mass_at_most(limits[at] / back) - known_to_peers[at]).max(0.0);
        // The category itself is no likelier than itself, whatever was rounded.
        let p = at_most(0).max(likelihood);
        let rarer = at_most(1).min(p);
        Rarity { p: LogP::of(p), rarer: LogP::of(rarer) }
    }

    /// A nearer bound for the price of one look at the peers: the likelihood itself.
    pub fn likelihood(&self, key: u32, peers: &Peers, openness: Openness) -> Share {
        Share::clamped(self.at_least(key, openness).get() + self.back(openness) * peers.mass(key))
    }

    /// A p-value is at least this, for the price of looking through the slots: the person's own part of the likelihood. What is above
    /// 1 % needs no [`Self::rarity`].
    #[inline]
    pub fn at_least(&self, key: u32, openness: Openness) -> Share {
        self.at_least_in(self.place(key), openness)
    }

    /// The place of the slot of a category, as many as there are slots without one.
    #[inline]
    pub(crate) fn place(&self, key: u32) -> usize {
        self.slots.iter().position(|it| it.key == key && it.count > 0.0).unwrap_or(SLOTS)
    }

    /// What [`Self::at_least`] says of the category in a [`Self::place`].
    #[inline]
    pub(crate) fn at_least_in(&self, place: usize, openness: Openness) -> Share {
        Share::clamped(self.slots.get(place).map_or(0.0, |it| self.own(*it, openness)))
    }

    /// Learns that `key` was used, as far as `learnt` says.
    pub fn learn(&mut self, key: u32, learnt: Share) {
        self.learn_in(self.place(key), key, learnt);
    }

    /// The same of a category whose [`Self::place`] is known. Whether it wasn't remembered before.
    #[inline]
    pub(crate) fn learn_in(&mut self, place: usize, key: u32, learnt: Share) -> bool {
        let gamma = narrow(learnt.get());
        if gamma <= 0.0 {
            return false;
        }
        self.total += gamma;
        if let Some(slot) = self.slots.get_mut(place) {
            debug_assert!(slot.key == key && slot.count > 0.0, "nothing has come or gone since");
            slot.count += gamma;
        } else if let Some(least) = self.slots.iter_mut().min_by(|a, b| a.count.total_cmp(&b.count)) {
            *least = Slot { key, count: gamma };
            return true;
        }
        false
    }

    /// Keeps a share of everything, at the end of an active day.
    pub fn decay(&mut self, kept: Share) {
        let kept = narrow(kept.get());
        self.slots.iter_mut().for_each(|it| it.count *= kept);
        self.total *= kept;
    }

    /// Reads a word of each line.
    #[inline]
    pub(crate) fn touch(&self) -> u32 {
        self.slots[SLOTS / 2].key ^ self.total.to_bits()
    }

    /// Whether the person is known to have used it.
    pub fn knows(&self, key: u32) -> bool {
        self.occupied().any(|it| it.key == key)
    }

    /// N.
    #[inline]
    pub fn total(&self) -> f64 {
        f64::from(self.total)
    }

    /// What was learnt and is remembered in no slot.
    pub fn evicted(&self) -> f64 {
        (self.total() - self.occupied().map(|it| f64::from(it.count)).sum::<f64>()).max(0.0)
    }

    /// How many categories were used about once and about twice: what a group's discount is estimated from.
    pub fn once_and_twice(&self) -> [f64; 2] {
        let between = |low: f32, high: f32| self.slots.iter().map(|it| u32::from(it.count > low && it.count <= high)).sum::<u32>();
        [between(0.5, 1.5), between(1.5, 2.5)].map(f64::from)
    }

    /// The remembered categories and their counts, for a profile that is shown.
    pub fn remembered(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.occupied().map(|it| (it.key, f64::from(it.count)))
    }

    #[inline]
    fn occupied(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|it| it.count > 0.0)
    }

    #[inline]
    fn own(&self, slot: Slot, openness: Openness) -> f64 {
        openness.kept(f64::from(slot.count)) / (openness.strength + self.total())
    }

    fn back(&self, openness: Openness) -> f64 {
        let kept: f64 = self.occupied().map(|it| openness.kept(f64::from(it.count))).sum();
        (openness.strength + (self.total() - kept).max(0.0)) / (openness.strength + self.total())
    }
}
