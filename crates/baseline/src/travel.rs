//! Travel: how fast somebody would have had to go from where they were seen last.
//!
//! Corporate exits and VPNs have no place and are left out by the caller; an unlikely speed counts together with the novelty of the
//! network and the country, in one family.

#[cfg(test)]
mod tests;

use crate::counts::narrow;
use crate::pareto::float;
use crate::{LogP, Share};
use serde::{Deserialize, Serialize};

const EARTH_RADIUS_KM: f64 = 6_371.008_8;
/// Two sightings are at least as far apart in time, in hours: clocks of two tools differ.
const HOURS_MIN: f64 = 1.0 / 60.0;
/// Nearer than twice the accuracy of either place is the same place.
const ACCURACIES: f64 = 2.0;

/// A place on Earth, in degrees. 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Place {
    latitude: f32,
    longitude: f32,
}

impl Place {
    /// Nothing if latitude or longitude is out of range or NaN.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_valid = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_valid.then(|| Self { latitude: narrow(latitude), longitude: narrow(longitude) })
    }

    /// Kilometres along the great circle (haversine formula, R. W. Sinnott, "Virtues of the haversine", 1984; mean radius of WGS 84).
    pub fn distance_km(self, other: Self) -> f64 {
        let radians = |degrees: f32| f64::from(degrees).to_radians();
        let half_chord = |a: f32, b: f32| {
            let sine = libm::sin((radians(b) - radians(a)) / 2.0);
            sine * sine
        };
        let cosines = libm::cos(radians(self.latitude)) * libm::cos(radians(other.latitude));
        let square = half_chord(self.latitude, other.latitude) + cosines * half_chord(self.longitude, other.longitude);
        2.0 * EARTH_RADIUS_KM * libm::asin(square.clamp(0.0, 1.0).sqrt())
    }
}

/// Where and when, in minutes since the epoch. 12 bytes; minute 0 is nowhere yet.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Fix {
    /// Where.
    pub place: Place,
    /// When.
    pub minute: u32,
}

/// The latest two places somebody was seen at. 24 bytes.
///
/// Two, because a telephone and a laptop may leave through different cities: going back and forth between two known places is no travel.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Travel {
    latest: Fix,
    before: Fix,
}

const _: () = assert!(size_of::<Travel>() == 24);

/// A way that somebody seems to have gone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hop {
    /// How far.
    pub km: f64,
    /// In how long.
    pub hours: f64,
}

impl Hop {
    /// km/h.
    pub fn speed(self) -> f64 {
        self.km / self.hours
    }
}

impl Travel {
    /// The slower of the ways from the two known places to `to`; nothing if it is one of them, or if none is known. `accuracy_km` is the
    /// worse of the accuracies of the places. Order of arrival doesn't matter: times may lie either way.
    pub fn hop(&self, to: Fix, accuracy_km: f64) -> Option<Hop> {
        let mut slowest: Option<Hop> = None;
        for from in [self.latest, self.before].into_iter().filter(|it| it.minute > 0) {
            let hop = Hop {
                km: from.place.distance_km(to.place),
                hours: (f64::from(to.minute.abs_diff(from.minute)) / 60.0).max(HOURS_MIN),
            };
            if hop.km < ACCURACIES * accuracy_km {
                return None;
            }
            slowest = Some(slowest.filter(|it| it.speed() <= hop.speed()).unwrap_or(hop));
        }
        slowest
    }

    /// Whether the latest place is exactly this one, so that there is nothing to compute.
    pub fn is_at(&self, place: Place) -> bool {
        self.latest.minute > 0 && self.latest.place == place
    }

    /// Remembers `to`, in the place of the same place or of the one that wasn't seen for longer.
    pub fn learn(&mut self, to: Fix, accuracy_km: f64) {
        let is_near = |fix: Fix| fix.place.distance_km(to.place) < ACCURACIES * accuracy_km;
        // Exactly the same place is at no distance, which needs no trigonometry.
        let is_same = |fix: Fix| fix.minute > 0 && (fix.place == to.place && accuracy_km > 0.0 || is_near(fix));
        if is_same(self.latest) {
            self.latest.minute = self.latest.minute.max(to.minute);
        } else {
            self.before = self.latest;
            self.latest = to;
        }
    }
}

/// Bins of log2 of km/h, half an octave each from 1 km/h on.
const BINS: usize = 34;
/// Before anything was learnt: as many hops …
const MODEL_HOPS: f64 = 20.0;
/// … of which this share is faster than v km/h: (30/v)^1.5, one in 160 faster than an airliner.
const MODEL_SPEED: f64 = 30.0;

/// How fast the members of a group travel. 136 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Speeds {
    #[serde(with = "crate::array")]
    bins: [f32; BINS],
}

const _: () = assert!(size_of::<Speeds>() == 136);

impl Default for Speeds {
    fn default() -> Self {
        Self { bins: [0.0; BINS] }
    }
}

impl Speeds {
    /// Learns a hop, as far as `learnt` says.
    pub fn learn(&mut self, hop: Hop, learnt: Share) {
        self.bins[bin(hop.speed())] += narrow(learnt.get());
    }

    /// Counts what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        self.bins.iter_mut().zip(other.bins).for_each(|(it, other)| *it += other);
    }

    /// Keeps a share of everything.
    pub fn decay(&mut self, kept: Share) {
        self.bins.iter_mut().for_each(|it| *it *= narrow(kept.get()));
    }

    /// The share of hops that were as fast: those of the same bin count in full.
    pub fn as_fast(&self, hop: Hop) -> LogP {
        let total: f64 = self.bins.iter().map(|&it| f64::from(it)).sum();
        let above: f64 = self.bins[bin(hop.speed())..].iter().map(|&it| f64::from(it)).sum();
        let ratio = MODEL_SPEED / hop.speed().max(MODEL_SPEED);
        LogP::of((above + MODEL_HOPS * ratio * ratio.sqrt()) / (total + MODEL_HOPS))
    }
}

fn bin(speed: f64) -> usize {
    let place = 2.0 * libm::log2(speed.max(1.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bins")]
    let bin = place.min(float(BINS - 1)) as usize;
    bin
}
