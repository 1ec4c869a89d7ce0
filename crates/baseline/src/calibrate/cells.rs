//! The histograms of all features for each calibrated group, in units of active user-days, and the curves made of them.
//!
//! The unit is a day of activity, because that is what a score promises: how many days of such a person have something as surprising.
//! Of each day and feature only the most surprising p-value counts, times how many chances the person's day has; so the busy and the
//! quiet fill one histogram, and what is correlated within a day is counted once.

use super::{Curve, HALF_LIFE_DAYS, Histogram, nominal};
use crate::feature::{FEATURES, Feature};
use crate::travel::{Hop, Speeds};
use crate::{LogP, Share};
use serde::{Deserialize, Serialize};

/// What user-days of one calibrated group held. 25 KiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Active user-days, decayed like the histograms.
    days: f64,
    /// Of each feature, the days on which it spoke.
    histograms: Vec<Histogram>,
    speeds: Speeds,
}

impl Default for Cell {
    fn default() -> Self {
        Self { days: 0.0, histograms: vec![Histogram::default(); FEATURES], speeds: Speeds::default() }
    }
}

impl Cell {
    /// Counts an active day of one person, by the bin of the rarest of each feature; 0 where nothing was rare.
    pub fn learn_day(&mut self, rarest: &[u8; FEATURES]) {
        self.days += 1.0;
        for (histogram, &bin) in self.histograms.iter_mut().zip(rarest) {
            if bin > 0 {
                histogram.learn_bin(bin);
            }
        }
    }

    /// Counts a way that somebody went.
    pub fn learn_hop(&mut self, hop: Hop, learnt: Share) {
        self.speeds.learn(hop, learnt);
    }

    fn merge(&mut self, other: &Self) {
        self.days += other.days;
        self.histograms.iter_mut().zip(&other.histograms).for_each(|(it, other)| it.merge(other));
        self.speeds.merge(&other.speeds);
    }

    fn decay(&mut self, kept: Share) {
        self.days *= kept.get();
        self.histograms.iter_mut().for_each(|it| it.decay(kept));
        self.speeds.decay(kept);
    }

    fn curves(&self, broader: Option<&Curves>) -> Curves {
        let model = nominal();
        let of = |(at, histogram): (usize, &Histogram)| {
            histogram.curve_within((self.days - histogram.total()).max(0.0), broader.map_or(&model, |it| &it.curves[at]))
        };
        Curves { curves: self.histograms.iter().enumerate().map(of).collect(), speeds: self.speeds }
    }
}

/// The cells of a shard: it counts apart, and is merged with the other shards' when the peers are looked at anew.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Calibration {
    cells: Vec<Cell>,
}

impl Calibration {
    /// Makes room for as many cells, so that scoring never has to.
    pub fn make_room(&mut self, cells: usize) {
        if self.cells.len() < cells {
            self.cells.resize_with(cells, Cell::default);
        }
    }

    /// The cell at `at`, if there is room for it.
    pub fn cell(&mut self, at: usize) -> Option<&mut Cell> {
        self.cells.get_mut(at)
    }

    /// Adds what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        self.make_room(other.cells.len());
        self.cells.iter_mut().zip(&other.cells).for_each(|(it, other)| it.merge(other));
    }

    /// Forgets as `days` days do: half in a fortnight.
    pub fn decay(&mut self, days: f64) {
        let kept = Share::clamped(libm::exp2(-days.max(0.0) / HALF_LIFE_DAYS));
        self.cells.iter_mut().for_each(|it| it.decay(kept));
    }

    /// The curves of the cell at `at` within those of a broader group: the organisation's speak where a role has few days.
    pub fn curves(&self, at: usize, broader: Option<&Curves>) -> Curves {
        self.cells.get(at).map_or_else(|| broader.cloned().unwrap_or_default(), |it| it.curves(broader))
    }

    /// How many active user-days the cell at `at` has seen and not forgotten.
    pub fn days(&self, at: usize) -> f64 {
        self.cells.get(at).map_or(0.0, |it| it.days)
    }
}

/// What the p-values of a calibrated group are worth. 25 KiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    curves: Vec<Curve>,
    speeds: Speeds,
}

impl Default for Curves {
    /// Every p-value is worth what it says.
    fn default() -> Self {
        Self { curves: vec![nominal(); FEATURES], speeds: Speeds::default() }
    }
}

impl Curves {
    /// What `p`, per active day, of `feature` has turned out to be worth.
    pub fn recalibrated(&self, feature: Feature, p: LogP) -> LogP {
        self.curves[feature.index()].recalibrated(p)
    }

    /// How fast members travel.
    pub const fn speeds(&self) -> &Speeds {
        &self.speeds
    }

    /// Whether it has a curve for each feature: what was restored may not.
    pub(crate) fn is_whole(&self) -> bool {
        self.curves.len() == FEATURES
    }
}
