//! Time of week on the person's own clock: how unusual an hour is, and whether the whole schedule has moved.
//!
//! Which bin an instant falls into is worked out elsewhere: it takes the roster's time zone, or the hours since a shift began.

mod lag;
#[cfg(test)]
mod tests;

pub use lag::Moved;

use crate::{LogP, Rarity, Share};
use serde::{Deserialize, Serialize};

/// Hours of a working day and of a day off.
pub const BINS: usize = 48;
const HOURS: usize = 24;

/// An hour of a working day or of a day off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin(u8);

impl Bin {
    /// The bin of `hour`, taken modulo 24.
    pub const fn new(hour: u8, is_day_off: bool) -> Self {
        Self(hour % 24 + if is_day_off { 24 } else { 0 })
    }

    #[inline]
    const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its place: hours of working days, then of days off.
    #[inline]
    pub(crate) const fn place(self) -> u8 {
        self.0
    }

    #[inline]
    const fn hour(self) -> usize {
        self.index() % HOURS
    }
}

/// The von Mises kernel e^(κ cos(2πj/24)) with κ = 8 at j = 0, ±1, ±2 hours, normalised over the five (K. V. Mardia, P. E. Jupp,
/// "Directional Statistics", 2000, section 3.5.4): what is usual at nine is about usual at ten.
const TAPS: [f64; 3] = [0.311_760_526_987_395_4, 0.237_375_188_136_749_9, 0.106_744_548_369_552_4];
/// How many hours the peers' week is worth: about two days.
const PEER_HOURS: f64 = 20.0;
/// Units in which an active hour is learnt, slow and fast: at one a day they stay below what the counters hold.
const SLOW_UNITS: f64 = 256.0;
const FAST_UNITS: f64 = 48.0;
/// Kept of the slow memory per active day in 65,536ths: 2^(-1/60).
const SLOW_KEPT: u32 = 64_783;
/// Kept of the fast memory: 2^(-1/3). With a half-life of 7 days, a move by 6 hours never wins by 1.3 while the slow memory learns too.
const FAST_KEPT: u32 = 52_016;
/// Two likelihoods nearer than this are the same.
const TIE: f64 = 1e-11;

/// When somebody is active. Learnt once for each active hour, so that a busy hour is still one hour. 122 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct WeekClock {
    /// Active hours by bin, half-life 60 active days, in 256ths.
    #[serde(with = "crate::array")]
    slow: [u16; BINS],
    /// Active hours by hour of day, half-life 3 active days, in 48ths; only for telling that the schedule has moved.
    fast: [u8; HOURS],
    /// The lag that has lately fitted better than none, and on how many active days in a row.
    lag: i8,
    lag_days: u8,
}

const _: () = assert!(size_of::<WeekClock>() == 122);

impl Default for WeekClock {
    fn default() -> Self {
        Self { slow: [0; BINS], fast: [0; HOURS], lag: 0, lag_days: 0 }
    }
}

/// When peers are active: a density over the bins. 384 bytes a group, derived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerClock(#[serde(with = "crate::array")] [f64; BINS]);

/// Weeks of the members of a group, as sums that can be merged. Each member counts alike.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupHours {
    sum: [f64; BINS],
    members: f64,
}

impl Default for GroupHours {
    fn default() -> Self {
        Self { sum: [0.0; BINS], members: 0.0 }
    }
}

impl GroupHours {
    /// Adds a member, if anything is known of when they are active.
    pub fn add(&mut self, member: &WeekClock) {
        let all = member.hours();
        if all > 0.0 {
            self.members += 1.0;
            self.sum.iter_mut().zip(member.smoothed()).for_each(|(sum, it)| *sum += it / all);
        }
    }

    /// Adds all members of another group.
    pub fn merge(&mut self, other: &Self) {
        self.members += other.members;
        self.sum.iter_mut().zip(other.sum).for_each(|(sum, it)| *sum += it);
    }

    /// The mean week, where the broader group's is worth as many members.
    pub fn clock(&self, broader: &PeerClock, worth: f64) -> PeerClock {
        let all = self.members + worth;
        PeerClock(std::array::from_fn(|bin| (self.sum[bin] + worth * broader.0[bin]) / all))
    }
}

impl Default for PeerClock {
    /// Nothing known: every hour alike.
    fn default() -> Self {
        Self([1.0 / crate::pareto::float(BINS); BINS])
    }
}

impl PeerClock {
    /// The mean week of the members, each counting alike; one more member is active at any hour, so that none is impossible.
    pub fn of_members<'a>(members: impl Iterator<Item = &'a WeekClock>) -> Self {
        let mut hours = GroupHours::default();
        members.for_each(|it| hours.add(it));
        hours.clock(&Self::default(), 1.0)
    }
}

impl WeekClock {
    /// How unusual activity in `bin` is: f(b) = (Σ K(b-j) n_j + c f_g(b))/(N + c), and the mass of all bins that are no likelier (highest
    /// density region, R. J. Hyndman 1996). Allocates nothing.
    pub fn rarity(&self, bin: Bin, peers: &PeerClock) -> Rarity {
        let density = self.density(peers);
        let here = density[bin.index()];
        let limits = [here * (1.0 + TIE), here * (1.0 - TIE)];
        let mut at_most = [0.0; 2];
        for likelihood in density {
            for (sum, limit) in at_most.iter_mut().zip(limits) {
                *sum += if likelihood <= limit { likelihood } else { 0.0 };
            }
        }
        let [p, rarer] = at_most.map(LogP::of);
        Rarity { p, rarer }
    }

    /// f, the density of the person's activity over the bins.
    pub fn density(&self, peers: &PeerClock) -> [f64; BINS] {
        let mut density = self.smoothed();
        let all = self.hours() + PEER_HOURS;
        density.iter_mut().zip(peers.0).for_each(|(it, peer)| *it = (*it + PEER_HOURS * peer) / all);
        density
    }

    /// Learns an active hour, once.
    pub fn learn(&mut self, bin: Bin, learnt: Share) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0…256")]
        let (slow, fast) = ((SLOW_UNITS * learnt.get()) as u16, FAST_UNITS as u8);
        let (slow_bin, fast_bin) = (&mut self.slow[bin.index()], &mut self.fast[bin.hour()]);
        *slow_bin = slow_bin.saturating_add(slow);
        *fast_bin = fast_bin.saturating_add(fast);
    }

    /// Ends an active day: forgets a little, and says whether the schedule has moved as a whole.
    pub fn close_day(&mut self) -> Option<Moved> {
        let kept = |value: u32, of_65536: u32| value * of_65536 / 65_536;
        #[expect(clippy::cast_possible_truncation, reason = "it only shrinks")]
        self.slow.iter_mut().for_each(|it| *it = kept(u32::from(*it), SLOW_KEPT) as u16);
        #[expect(clippy::cast_possible_truncation, reason = "it only shrinks")]
        self.fast.iter_mut().for_each(|it| *it = kept(u32::from(*it), FAST_KEPT) as u8);
        self.watch_lag()
    }

    /// N, active hours learnt and not forgotten.
    pub fn hours(&self) -> f64 {
        f64::from(self.slow.iter().map(|&it| u32::from(it)).sum::<u32>()) / SLOW_UNITS
    }

    /// The same by bin: hours of working days, then of days off.
    pub fn hours_by_bin(&self) -> [f64; BINS] {
        self.slow.map(|it| f64::from(it) / SLOW_UNITS)
    }

    fn smoothed(&self) -> [f64; BINS] {
        let mut smoothed = [0.0; BINS];
        for (day, smoothed) in self.slow.chunks_exact(HOURS).zip(smoothed.chunks_exact_mut(HOURS)) {
            // The two hours before midnight come once more before the first, and the first two after it behind the last.
            let mut hours = [0.0; HOURS + 4];
            hours[2..].iter_mut().zip(day).for_each(|(it, units)| *it = f64::from(*units));
            [hours[0], hours[1]] = [hours[HOURS], hours[HOURS + 1]];
            [hours[HOURS + 2], hours[HOURS + 3]] = [hours[2], hours[3]];
            for (hour, it) in smoothed.iter_mut().enumerate().take(HOURS) {
                let beside = TAPS[1] * (hours[hour + 3] + hours[hour + 1]) + TAPS[2] * (hours[hour + 4] + hours[hour]);
                *it = (TAPS[0] * hours[hour + 2] + beside) / SLOW_UNITS;
            }
        }
        smoothed
    }
}
