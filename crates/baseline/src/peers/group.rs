//! What is expected of a member of one group: everything of the peers that scoring reads, in one place.

use super::GroupId;
use super::KindCurves;
use super::level::Level;
use super::sums::{COUNTS, DAILY, Rises, Sums};
use super::today::Factors;
use crate::LogP;
use crate::calibrate::{Curves, Kind};
use crate::clock::PeerClock;
use crate::counts::{self, Gate, Habit, Prior, narrow};
use crate::feature::Feature;
use crate::novelty::{self, Openness};
use crate::observation::{Class, DIMENSIONS, Dimension, ERRANDS, Errand, Family, SPANS, Span, WINDOWS, Window};
use crate::ratio::{self, RatioPrior};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock, OnceLock};

/// How many chances to be surprising a day of activity has: what turns a p-value of one into one per day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Pace {
    /// Events.
    pub events: f32,
    /// Ten minutes with any activity.
    pub tens: f32,
    /// Hours with any activity.
    pub hours: f32,
}

impl Pace {
    /// When nothing is known.
    pub const UNKNOWN: Self = Self { events: 30.0, tens: 10.0, hours: 5.0 };

    /// Moves by `share` towards `other`.
    #[inline]
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        let mix = |own: f32, other: f32| narrow(f64::from(own) + share * (f64::from(other) - f64::from(own)));
        Self { events: mix(self.events, other.events), tens: mix(self.tens, other.tens), hours: mix(self.hours, other.hours) }
    }
}

/// What is derived of a group's members. 1 KiB, stored with the peers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    /// Families × windows, spans, takeovers: as in [`Sums::rates`].
    rates: [Prior; 31],
    /// Sensitive, watched, errands: as in [`Sums::ratios`].
    ratios: [RatioPrior; 2 + ERRANDS],
    clock: PeerClock,
    openness: [Openness; DIMENSIONS],
    pace: Pace,
    /// By which factor members' daily rates have lately risen, at the median: families, targets.
    rises: [f32; DAILY],
    /// By which factor their latest days are above their habits, at the median.
    latest: [f32; DAILY],
    strength: f32,
    /// Active days of a member, on average, of the first thirty.
    days: f32,
}

/// What is expected where nobody is above.
static UNKNOWN: LazyLock<(Model, Known)> = LazyLock::new(Default::default);

/// What is known of rates and shares along the groups above one and its own, while models are made.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    rates: [Option<counts::Level>; 31],
    ratios: [Option<ratio::Level>; 2 + ERRANDS],
}

impl Default for Model {
    fn default() -> Self {
        Self {
            rates: [Prior::UNKNOWN; 31],
            ratios: [RatioPrior::UNKNOWN; 2 + ERRANDS],
            clock: PeerClock::default(),
            openness: [Openness::UNKNOWN; DIMENSIONS],
            pace: Pace::UNKNOWN,
            rises: [1.0; DAILY],
            latest: [1.0; DAILY],
            strength: STRENGTH[0],
            days: 0.0,
        }
    }
}

/// Active days of the average member from which on a group's surprises are worth counting.
const SETTLED_DAYS: f32 = 5.0;
/// θ of people and of service accounts, of whom something new is less expected.
const STRENGTH: [f32; 2] = [2.0, 0.5];
/// How many members a broader group's week, pace and openness are worth.
const BROADER_MEMBERS: f64 = 4.0;

impl Model {
    /// Of a group's members, with what is known of their rates and shares; `above` is the same of the group above it.
    pub(super) fn of(class: Class, own: &Sums, latest: &Rises, above: Option<(&Self, &Known)>) -> (Self, Known) {
        let is_within = above.is_some();
        // Above the organisation is nobody: one more member, who is active at any hour.
        let hours_above = if is_within { BROADER_MEMBERS } else { 1.0 };
        let (broader, above) = above.unwrap_or((&UNKNOWN.0, &UNKNOWN.1));
        let strength = STRENGTH[usize::from(class == Class::Service)];
        let members = own.members / (own.members + BROADER_MEMBERS);
        let known = Known {
            rates: std::array::from_fn(|at| own.rates[at].within(above.rates[at])),
            ratios: std::array::from_fn(|at| own.ratios[at].within(above.ratios[at])),
        };
        let model = Self {
            // Where the members add nothing, it is what is expected of the group above.
            rates: std::array::from_fn(|at| match known.rates[at] {
                it if it == above.rates[at] && is_within => broader.rates[at],
                it => Prior::of_level(it),
            }),
            ratios: known.ratios.map(RatioPrior::of_level),
            clock: own.hours.clock(&broader.clock, hours_above),
            openness: std::array::from_fn(|at| {
                let [once, twice] = own.once_and_twice[at];
                if own.members > 0.0 { Openness::estimated(once, twice, f64::from(strength)) } else { broader.openness[at] }
            }),
            pace: own.pace().map_or(broader.pace, |it| broader.pace.towards(it, members)),
            rises: std::array::from_fn(|at| own.rise(at).unwrap_or(broader.rises[at])),
            latest: Self::latest_of(latest, broader),
            strength,
            days: own.days().map_or(broader.days, |it| it.max(broader.days)),
        };
        (model, known)
    }

    /// How far members are above their habits; where too few have any, those of the group above.
    fn latest_of(latest: &Rises, broader: &Self) -> [f32; DAILY] {
        std::array::from_fn(|at| latest.median(at).unwrap_or(broader.latest[at]))
    }

    pub(super) fn strength(&self) -> f64 {
        f64::from(self.strength)
    }
}

/// One group, as scoring reads it.
#[derive(Debug, Clone)]
pub struct Group {
    id: GroupId,
    class: Class,
    cell: u16,
    model: Model,
    /// Of each rate, once a member was young enough to be asked about.
    gates: [OnceLock<Gate>; 31],
    kinds: [Arc<novelty::Peers>; DIMENSIONS],
    curves: KindCurves,
    today: Factors,
}

impl Group {
    pub(super) fn new(
        id: GroupId,
        level: &Level,
        model: Model,
        kinds: [Arc<novelty::Peers>; DIMENSIONS],
        curves: KindCurves,
        today: Factors,
    ) -> Self {
        let gates = [const { OnceLock::new() }; 31];
        let cell = u16::try_from(level.cell()).expect("it came from one");
        Self { id, class: level.class(), cell, model, gates, kinds, curves, today }
    }

    /// What is expected of members from now on.
    pub(super) fn renew(&mut self, model: Model, curves: &KindCurves, today: Factors) {
        for (gate, (before, now)) in self.gates.iter_mut().zip(self.model.rates.iter().zip(&model.rates)) {
            if before != now {
                *gate = OnceLock::new();
            }
        }
        for (it, now) in self.curves.iter_mut().zip(curves).filter(|(it, now)| !Arc::ptr_eq(it, now)) {
            *it = Arc::clone(now);
        }
        (self.model, self.today) = (model, today);
    }

    /// What members use of a dimension, by its place, from now on.
    pub(super) fn renew_kinds(&mut self, dimension: usize, kinds: Arc<novelty::Peers>) {
        self.kinds[dimension] = kinds;
    }

    /// What the present day of members is like from now on.
    pub(super) fn renew_day(&mut self, latest: &Rises, above: Option<&Model>, today: Factors) {
        self.model.latest = Model::latest_of(latest, above.unwrap_or(&UNKNOWN.0));
        self.today = today;
    }

    pub(super) const fn all_kinds(&self) -> &[Arc<novelty::Peers>; DIMENSIONS] {
        &self.kinds
    }

    pub(super) fn renamed(self, id: GroupId, cell: usize) -> Self {
        Self { id, cell: u16::try_from(cell).expect("there are at most as many as groups"), ..self }
    }

    pub(super) const fn model(&self) -> &Model {
        &self.model
    }

    /// Which group it is.
    #[inline]
    pub const fn id(&self) -> GroupId {
        self.id
    }

    /// People or service accounts.
    #[inline]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Its place in a [`crate::calibrate::Calibration`].
    #[inline]
    pub const fn cell(&self) -> usize {
        self.cell as usize
    }

    /// Counts of a family in a window. Of ten minutes and an hour, of what follows the first in a window that has any.
    #[inline]
    pub fn count(&self, family: Family, window: Window) -> &Prior {
        &self.model.rates[family.index() * WINDOWS + window.index()]
    }

    #[inline]
    pub(crate) fn count_gate(&self, family: Family, window: Window) -> Gate {
        self.gate(family.index() * WINDOWS + window.index())
    }

    /// Distinct targets.
    #[inline]
    pub fn distinct(&self, span: Span) -> &Prior {
        &self.model.rates[COUNTS + span.index()]
    }

    #[inline]
    pub(crate) fn distinct_gate(&self, span: Span) -> Gate {
        self.gate(COUNTS + span.index())
    }

    /// The gate of peers, whose habits are those of nobody in particular.
    fn gate(&self, at: usize) -> Gate {
        *self.gates[at].get_or_init(|| Gate::beneath(Habit::default().predict(&self.model.rates[at])))
    }

    /// Takeover chains a day.
    #[inline]
    pub fn takeovers(&self, with_ticket: bool) -> &Prior {
        &self.model.rates[COUNTS + SPANS + usize::from(with_ticket)]
    }

    /// The share of sensitive actions.
    #[inline]
    pub const fn sensitive_share(&self) -> &RatioPrior {
        &self.model.ratios[0]
    }

    /// The share of watched targets.
    #[inline]
    pub const fn watched_share(&self) -> &RatioPrior {
        &self.model.ratios[1]
    }

    /// The share of errands without a ticket.
    #[inline]
    pub const fn no_ticket(&self, errand: Errand) -> &RatioPrior {
        &self.model.ratios[2 + errand.index()]
    }

    /// When members are active.
    #[inline]
    pub const fn clock(&self) -> &PeerClock {
        &self.model.clock
    }

    /// What members use.
    #[inline]
    pub fn kinds(&self, dimension: Dimension) -> &novelty::Peers {
        &self.kinds[dimension.index()]
    }

    /// How readily a member uses something new.
    #[inline]
    pub const fn openness(&self, dimension: Dimension) -> Openness {
        self.model.openness[dimension.index()]
    }

    /// How much members do a day.
    #[inline]
    pub const fn pace(&self) -> Pace {
        self.model.pace
    }

    /// By which factor members' daily rates have risen lately, at the median: of a family, or of distinct targets (the last).
    pub(crate) fn rise(&self, daily: usize) -> f64 {
        f64::from(self.model.rises[daily])
    }

    /// By which factor members' latest days were above their habits, at the median, at least 1: what everybody does more of is no rise of
    /// anybody's own.
    pub(crate) fn common_rise(&self, daily: usize) -> f64 {
        f64::from(self.model.latest[daily]).max(1.0)
    }

    /// Whether so much is known of its members, or of the whole organisation, that what surprises says something about calibration. In an
    /// organisation's first week everybody surprises.
    pub fn is_settled(&self) -> bool {
        self.model.days >= SETTLED_DAYS
    }

    /// What `p`, per active day, of `feature` is worth of such a member on such a day as today.
    pub fn recalibrated(&self, kind: Kind, feature: Feature, p: LogP) -> LogP {
        self.curves(kind).recalibrated(feature, p).times(self.today[feature.index()].into())
    }

    /// What p-values are worth here on a day like any other.
    #[inline]
    pub fn curves(&self, kind: Kind) -> &Curves {
        &self.curves[kind.index()]
    }
}
