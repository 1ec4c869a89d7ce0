//! The histograms of all features for each calibrated group, in units of active user-days, and the curves made of them.
//!
//! The unit is a day of activity, because that is what a score promises: how many days of such a person have something as surprising.
//! Of each day and feature only the most surprising p-value counts, times how many chances the person's day has; so the busy and the
//! quiet fill one histogram, and what is correlated within a day is counted once.

use super::{Curve, HALF_LIFE_DAYS, Histogram, nominal};
use crate::feature::{FEATURES, Feature};
use crate::travel::{Hop, Speeds};
use crate::{LogP, Share};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The busy and the quiet err in different ways, and so do newcomers: each has curves of their own in each group (Mondrian conformal
/// prediction; V. Vovk et al., "Algorithmic Learning in a Random World", 2005, section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Active for fewer than ten days.
    New,
    /// Fewer than 12 events on an active day.
    Quiet,
    /// Fewer than 24.
    Calm,
    /// Fewer than 48.
    Steady,
    /// Fewer than 96.
    Busy,
    /// Fewer than 1,000.
    Intense,
    /// More than anybody does by hand.
    Machine,
}

/// How many [`Kind`]s there are.
pub const KINDS: usize = 7;

impl Kind {
    /// All of them, in their order.
    pub const ALL: [Self; KINDS] = [Self::New, Self::Quiet, Self::Calm, Self::Steady, Self::Busy, Self::Intense, Self::Machine];

    /// Of somebody with so many active days and events on such a day.
    pub fn of(active_days: u16, events: f32) -> Self {
        match events {
            _ if active_days < 10 => Self::New,
            it if it < 12.0 => Self::Quiet,
            it if it < 24.0 => Self::Calm,
            it if it < 48.0 => Self::Steady,
            it if it < 96.0 => Self::Busy,
            it if it < 1_000.0 => Self::Intense,
            _ => Self::Machine,
        }
    }

    /// Its place.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What user-days of one kind in one calibrated group held. 25 KiB.
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
}

/// The cells of a shard: it counts apart, and is merged with the other shards' when the peers are looked at anew. A cell is made for the
/// first day that falls into it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Calibration {
    /// By group and kind.
    cells: Vec<Option<Box<Cell>>>,
}

impl Calibration {
    /// The cell of a kind in the calibrated group at `at`.
    pub fn cell(&mut self, at: usize, kind: Kind) -> &mut Cell {
        let place = at * KINDS + kind.index();
        if self.cells.len() <= place {
            self.cells.resize_with(place + 1, || None);
        }
        self.cells[place].get_or_insert_default()
    }

    fn known(&self, at: usize, kind: Kind) -> Option<&Cell> {
        self.cells.get(at * KINDS + kind.index()).and_then(|it| it.as_deref())
    }

    /// Adds what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        if self.cells.len() < other.cells.len() {
            self.cells.resize_with(other.cells.len(), || None);
        }
        for (it, other) in self.cells.iter_mut().zip(&other.cells) {
            match (it.as_mut(), other) {
                (Some(it), Some(other)) => it.merge(other),
                (None, Some(other)) => *it = Some(other.clone()),
                (_, None) => {}
            }
        }
    }

    /// Forgets as `days` days do: half in a fortnight.
    pub fn decay(&mut self, days: f64) {
        let kept = Share::clamped(libm::exp2(-days.max(0.0) / HALF_LIFE_DAYS));
        self.cells.iter_mut().flatten().for_each(|it| it.decay(kept));
    }

    /// How many active user-days a cell has seen and not forgotten.
    pub fn days(&self, at: usize, kind: Kind) -> f64 {
        self.known(at, kind).map_or(0.0, |it| it.days)
    }
}

/// What the p-values of a calibrated group are worth. 25 KiB.
///
/// A curve is made of its histogram when it is asked for the first time: of those of a role nine in ten never are.
#[derive(Debug, Clone)]
pub struct Curves {
    of_features: Box<[OnceLock<Curve>]>,
    speeds: Speeds,
    origin: Origin,
    /// Those of a broader group, which speak where there are few days; without one, the model does.
    broader: Option<Arc<Self>>,
}

/// What curves are made of.
#[derive(Debug, Clone)]
enum Origin {
    /// They were all there from the beginning.
    Made,
    /// The cells at some places, added up.
    Cells(Arc<Calibration>, Range<usize>),
}

impl Default for Curves {
    /// Every p-value is worth what it says.
    fn default() -> Self {
        Self::made(vec![nominal().clone(); FEATURES], Speeds::default())
    }
}

impl PartialEq for Curves {
    fn eq(&self, other: &Self) -> bool {
        self.speeds == other.speeds && self.all().eq(other.all())
    }
}

impl Curves {
    fn made(curves: Vec<Curve>, speeds: Speeds) -> Self {
        Self { of_features: curves.into_iter().map(OnceLock::from).collect(), speeds, origin: Origin::Made, broader: None }
    }

    fn from_origin(origin: Origin, broader: Option<Arc<Self>>) -> Self {
        // One by one, since copies of one would copy what isn't there yet.
        let of_features = (0..FEATURES).map(|_| OnceLock::new()).collect();
        let mut it = Self { of_features, speeds: Speeds::default(), origin, broader };
        let mut speeds = Speeds::default();
        it.cells().for_each(|cell| speeds.merge(&cell.speeds));
        it.speeds = speeds;
        it
    }

    /// Those of a kind in the calibrated group at `at`, within those of a broader group: the organisation's speak where a role has few days.
    pub fn of(calibration: &Arc<Calibration>, at: usize, kind: Kind, broader: Option<&Arc<Self>>) -> Arc<Self> {
        if calibration.known(at, kind).is_none() {
            return broader.cloned().unwrap_or_default();
        }
        let place = at * KINDS + kind.index();
        let origin = Origin::Cells(Arc::clone(calibration), place..place + 1);
        Arc::new(Self::from_origin(origin, broader.cloned()))
    }

    /// Those of everybody in the calibrated group at `at`, whatever their kind: what is known of a kind that is rare, such as newcomers.
    pub fn pooled(calibration: &Arc<Calibration>, at: usize) -> Arc<Self> {
        Arc::new(Self::from_origin(Origin::Cells(Arc::clone(calibration), at * KINDS..(at + 1) * KINDS), None))
    }

    /// What `p`, per active day, of `feature` has turned out to be worth.
    pub fn recalibrated(&self, feature: Feature, p: LogP) -> LogP {
        self.curve(feature.index()).recalibrated(p)
    }

    /// What the edge of a bin of `feature`, below [`super::BINS`], has turned out to be worth, as a share.
    pub(crate) fn at_edge(&self, feature: Feature, bin: usize) -> f64 {
        self.curve(feature.index()).at_edge(bin)
    }

    /// How fast members travel.
    pub const fn speeds(&self) -> &Speeds {
        &self.speeds
    }

    /// Whether it has a curve for each feature: what was restored may not.
    pub(crate) fn is_whole(&self) -> bool {
        self.of_features.len() == FEATURES
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> + Clone {
        let known = match &self.origin {
            Origin::Made => &[][..],
            Origin::Cells(calibration, places) => {
                let all = &calibration.cells;
                &all[places.start.min(all.len())..places.end.min(all.len())]
            }
        };
        known.iter().flatten().map(AsRef::as_ref)
    }

    fn curve(&self, at: usize) -> &Curve {
        self.of_features[at].get_or_init(|| {
            let broader = self.broader.as_ref().map_or_else(|| nominal(), |it| it.curve(at));
            let (mut days, mut histogram) = (0.0, Histogram::default());
            for cell in self.cells() {
                days += cell.days;
                histogram.merge(&cell.histograms[at]);
            }
            histogram.curve_within((days - histogram.total()).max(0.0), broader)
        })
    }

    fn all(&self) -> impl Iterator<Item = &Curve> {
        (0..self.of_features.len()).map(|at| self.curve(at))
    }
}

impl Serialize for Curves {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.all().collect::<Vec<&Curve>>(), &self.speeds).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Curves {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (curves, speeds) = Deserialize::deserialize(from)?;
        Ok(Self::made(curves, speeds))
    }
}
