//! One person's habits: a flat struct of fixed size that is advanced, asked and taught, in this order, by each of their events.
//!
//! What every event reads stands first; the models, which are read when a gate is crossed or a window closes, stand behind it.

mod advance;
mod day;
mod learn;
mod novel;
mod reading;
mod shares;
mod surprise;
mod takeover;
#[cfg(test)]
pub(crate) mod tests;
mod volume;

pub use reading::{Novelty, Reading, Usual};
pub use surprise::{Finding, Surprise};
pub use takeover::{Chains, TAKEOVERS_MAX};

use crate::calibrate::Kind;
use crate::clock::{Bin, WeekClock};
use crate::counts::{Gate, Habit, Recent, Sliding};
use crate::distinct::{Horizon, LinearCounting, Ultra};
use crate::feature::FEATURES;
use crate::learn::{Drift, Quarantine};
use crate::novelty::Kinds;
use crate::observation::{Dimension, ERRANDS, Errand, FAMILIES, Family, Observation, SPANS, Span, WINDOWS, Window};
use crate::peers::{GroupId, Pace};
use crate::ratio::Ratio;
use crate::risk::Risk;
use crate::slow::Slow;
use crate::travel::Travel;
use serde::{Deserialize, Serialize};

/// The layout of a [`Person`]: written with each snapshot, and refused where it differs.
pub const VERSION: u16 = 1;

/// Habits of days that drift and are put in quarantine: families, then distinct targets.
const DAILY: usize = FAMILIES + 1;
/// The place of distinct targets among them.
const DAILY_TARGETS: usize = FAMILIES;

/// What every event looks at. 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
struct Header {
    /// [`VERSION`]; 0 is somebody of whom nothing is known.
    version: u16,
    group: u16,
    /// The person's current day, and the first one.
    day: u16,
    first_day: u16,
    /// Closed active days, saturating.
    active_days: u16,
    tens_today: u16,
    hours_today: u16,
    /// Takeovers completed today, without and with a ticket.
    takeovers_today: [u8; 2],
    /// The latest event, and the buckets of ten minutes and of an hour it lies in.
    second: u32,
    ten: u32,
    hour: u32,
    events_today: u32,
    /// ln p of being active in [`Self::bin`], and that of anything rarer; of the current hour.
    hour_p: [f32; 2],
    /// ln p of the slow detectors, as of the latest closed day.
    slow_p: [f32; 2],
    pace: Pace,
    bin: u8,
    is_hour_learnt: bool,
    /// Which daily habits the latest closed day is still to teach, and whether the clock: a bit each.
    pending: u16,
}

/// Sensitive and watched actions of the day, and errands with and without tickets. 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(C)]
struct Today {
    actions: u16,
    sensitive: u16,
    watched: u16,
    reserved: u16,
    errands: [u16; ERRANDS],
    without_ticket: [u16; ERRANDS],
}

/// Everything that is known of how one person works. 2,048 bytes, 32 lines of a cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[repr(C, align(64))]
pub struct Person {
    header: Header,
    counts: [[Sliding; WINDOWS]; FAMILIES],
    gates: [[Gate; WINDOWS]; FAMILIES],
    distinct_gates: [Gate; SPANS],
    reserved: u16,
    /// Targets of the current ten minutes and of those before.
    tens: [LinearCounting; 2],
    today: Today,
    targets_today: Ultra<64>,
    targets_yesterday: f32,
    week: Horizon<32, 7>,
    month: Horizon<32, 30>,
    quarter: Horizon<32, 90>,
    actions: Kinds<16>,
    tools: Kinds<8>,
    networks: Kinds<8>,
    devices: Kinds<6>,
    asns: Kinds<6>,
    countries: Kinds<4>,
    /// By feature, the bin of the rarest of the day; 0 where nothing was rare.
    #[serde(with = "crate::array")]
    rarest: [u8; FEATURES],
    travel: Travel,
    chains: Chains,
    // From here on: models.
    habits: [[Habit; WINDOWS]; FAMILIES],
    distinct_habits: [Habit; SPANS],
    takeover_habits: [Habit; 2],
    recents: [Recent; DAILY],
    drifts: [Drift; DAILY],
    quarantines: [Quarantine; DAILY],
    sensitive: Ratio,
    watched: Ratio,
    no_ticket: [Ratio; ERRANDS],
    slow_targets: Slow,
    slow_private_reads: Slow,
    clock: WeekClock,
    clock_reserved: u16,
    risk: Risk,
}

const _: () = assert!(size_of::<Header>() == 64);
const _: () = assert!(size_of::<Person>() <= 2_048, "a person is at most 2 KiB");

impl Default for Person {
    /// Somebody of whom nothing is known.
    fn default() -> Self {
        Self {
            header: Header {
                version: 0,
                group: GroupId::PEOPLE.0,
                day: 0,
                first_day: 0,
                active_days: 0,
                tens_today: 0,
                hours_today: 0,
                takeovers_today: [0; 2],
                second: 0,
                ten: 0,
                hour: 0,
                events_today: 0,
                hour_p: [0.0; 2],
                slow_p: [0.0; 2],
                pace: Pace::UNKNOWN,
                bin: 0,
                is_hour_learnt: false,
                pending: 0,
            },
            counts: Default::default(),
            gates: Default::default(),
            distinct_gates: Default::default(),
            reserved: 0,
            tens: Default::default(),
            today: Today::default(),
            targets_today: Ultra::default(),
            targets_yesterday: 0.0,
            week: Horizon::default(),
            month: Horizon::default(),
            quarter: Horizon::default(),
            actions: Kinds::default(),
            tools: Kinds::default(),
            networks: Kinds::default(),
            devices: Kinds::default(),
            asns: Kinds::default(),
            countries: Kinds::default(),
            rarest: [0; FEATURES],
            travel: Travel::default(),
            chains: Chains::default(),
            habits: Default::default(),
            distinct_habits: Default::default(),
            takeover_habits: Default::default(),
            recents: Default::default(),
            drifts: Default::default(),
            quarantines: Default::default(),
            sensitive: Ratio::default(),
            watched: Ratio::default(),
            no_ticket: Default::default(),
            slow_targets: Slow::default(),
            slow_private_reads: Slow::default(),
            clock: WeekClock::default(),
            clock_reserved: 0,
            risk: Risk::default(),
        }
    }
}

/// What is shown of a profile, and what the peers are made of.
impl Person {
    /// So many bytes at the beginning are what ordinary events read: behind them stand the models.
    pub const HOT_BYTES: usize = core::mem::offset_of!(Person, habits);

    /// Whether nothing was ever learnt.
    #[inline]
    pub const fn is_new(&self) -> bool {
        self.header.version == 0
    }

    /// The group it was last advanced in.
    #[inline]
    pub const fn group(&self) -> GroupId {
        GroupId(self.header.group)
    }

    /// How many days with any activity are over.
    #[inline]
    pub const fn active_days(&self) -> u16 {
        self.header.active_days
    }

    /// The first day, in days since the epoch; 0 before.
    pub const fn first_day(&self) -> u16 {
        self.header.first_day
    }

    /// The latest event that was the person's, in seconds since the epoch; 0 if there was none.
    #[inline]
    pub const fn last_seen(&self) -> u32 {
        self.header.second
    }

    /// What is usual of a family in a window. Of ten minutes and an hour, of what follows the first in a window that has any: how often
    /// there is any is what days and novelty know.
    pub const fn habit(&self, family: Family, window: Window) -> &Habit {
        &self.habits[family.index()][window.index()]
    }

    /// What is usual of distinct targets; of ten minutes, of what follows the first.
    pub const fn distinct_habit(&self, span: Span) -> &Habit {
        &self.distinct_habits[span.index()]
    }

    /// On how many targets the person has done at least two steps of a takeover within the latest day, with those of `it`; at most
    /// [`TAKEOVERS_MAX`].
    pub fn takeovers_begun(&self, it: &Observation) -> u32 {
        self.chains.begun(it.target.zip(it.step), it.second / 60)
    }

    /// Takeover chains a day.
    pub const fn takeover_habit(&self, with_ticket: bool) -> &Habit {
        &self.takeover_habits[with_ticket as usize]
    }

    /// What a day of the family held lately.
    pub fn recent(&self, family: Family) -> f64 {
        self.recents[family.index()].mean()
    }

    /// The share of sensitive actions.
    pub const fn sensitive(&self) -> &Ratio {
        &self.sensitive
    }

    /// The share of watched targets.
    pub const fn watched(&self) -> &Ratio {
        &self.watched
    }

    /// The share of errands without a ticket.
    pub const fn no_ticket(&self, errand: Errand) -> &Ratio {
        &self.no_ticket[errand.index()]
    }

    /// When the person is active.
    pub const fn clock(&self) -> &WeekClock {
        &self.clock
    }

    /// What a day of activity holds, by the person's own days.
    pub const fn own_pace(&self) -> Pace {
        self.header.pace
    }

    /// By feature, the bin of the rarest of the day; 0 where nothing was rare.
    pub(crate) const fn rarest(&self) -> &[u8; FEATURES] {
        &self.rarest
    }

    /// The actor's risk, which the profile only carries.
    #[inline]
    pub const fn risk(&self) -> &Risk {
        &self.risk
    }

    /// The same, to be raised.
    #[inline]
    pub const fn risk_mut(&mut self) -> &mut Risk {
        &mut self.risk
    }

    /// Evidence for a small rise of the daily distinct targets.
    pub const fn slow_targets(&self) -> &Slow {
        &self.slow_targets
    }

    /// The same of daily private reads.
    pub const fn slow_private_reads(&self) -> &Slow {
        &self.slow_private_reads
    }

    /// On how many days an episode has gone on that is learnt apart: of a family, or of distinct targets, without one. 0: there is none.
    pub fn quarantine_days(&self, family: Option<Family>) -> u8 {
        self.quarantines[family.map_or(DAILY_TARGETS, Family::index)].days()
    }

    /// Whether days of the family (or of distinct targets, without one) are learnt apart for now: an episode that has been told.
    pub fn is_in_quarantine(&self, family: Option<Family>) -> bool {
        self.quarantines[family.map_or(DAILY_TARGETS, Family::index)].is_open()
    }

    /// Calls `each` with the keys of what the person is known to use, and how often. Keys are the identities' as [`Self::key`] makes them.
    pub fn each_kind(&self, dimension: Dimension, mut each: impl FnMut(u32, f64)) {
        let each = |(key, count)| each(key, count);
        match dimension {
            Dimension::Action => self.actions.remembered().for_each(each),
            Dimension::Tool => self.tools.remembered().for_each(each),
            Dimension::Network => self.networks.remembered().for_each(each),
            Dimension::Device => self.devices.remembered().for_each(each),
            Dimension::Asn => self.asns.remembered().for_each(each),
            Dimension::Country => self.countries.remembered().for_each(each),
        }
    }

    /// What a profile remembers an identity by.
    pub const fn key(identity: crate::observation::Identity) -> u32 {
        crate::observation::key_of(identity)
    }

    pub(crate) fn once_and_twice(&self, dimension: Dimension) -> [f64; 2] {
        match dimension {
            Dimension::Action => self.actions.once_and_twice(),
            Dimension::Tool => self.tools.once_and_twice(),
            Dimension::Network => self.networks.once_and_twice(),
            Dimension::Device => self.devices.once_and_twice(),
            Dimension::Asn => self.asns.once_and_twice(),
            Dimension::Country => self.countries.once_and_twice(),
        }
    }

    /// Reads a word of each line that an ordinary event reads: [`Self::HOT_BYTES`].
    pub(crate) fn touch(&self) -> u32 {
        let lines = [
            self.header.second,
            u32::from(self.counts[0][0].current()),
            u32::from(self.counts[FAMILIES - 1][WINDOWS - 1].current()),
            u32::from(self.gates[FAMILIES - 1][WINDOWS - 1].first()),
            u32::from(self.today.actions),
            self.targets_today.touch(),
            self.week.touch(),
            self.month.touch(),
            self.quarter.touch(),
            self.actions.touch(),
            self.tools.touch(),
            self.networks.touch(),
            self.devices.touch(),
            self.asns.touch(),
            self.countries.touch(),
            self.chains.touch(),
        ];
        lines.into_iter().fold(0, u32::wrapping_add)
    }

    /// By which factor a daily rate has risen lately, if it is known: families, then distinct targets.
    pub(crate) fn rise(&self, daily: usize) -> Option<f64> {
        let habit = self.daily_habit(daily);
        let is_known = habit.windows() >= 10.0 && habit.rate() >= 0.5;
        is_known.then(|| (self.recents[daily].mean() / habit.rate()).clamp(0.5, 2.0))
    }

    /// How far the latest day is above the habit, if that is known: families, then distinct targets.
    pub(crate) fn latest_rise(&self, daily: usize) -> Option<f64> {
        let habit = self.daily_habit(daily);
        let count = match self.counts.get(daily) {
            Some(windows) => f64::from(windows[Window::Day.index()].current()),
            None => self.targets_today.estimate(),
        };
        let is_known = habit.windows() >= 10.0 && habit.rate() >= 0.5;
        is_known.then(|| (count / habit.rate()).clamp(0.5, 2.0))
    }

    #[inline]
    const fn daily_habit(&self, daily: usize) -> &Habit {
        if daily == DAILY_TARGETS { &self.distinct_habits[Span::Day.index()] } else { &self.habits[daily][Window::Day.index()] }
    }

    /// What a day of this person's activity holds, with the peers' where little is known.
    #[inline]
    fn pace(&self, peers: Pace) -> Pace {
        let days = f64::from(self.header.active_days.min(PACE_DAYS));
        peers.towards(self.header.pace, days / (days + PACE_PEER_DAYS))
    }

    /// Which curves calibrate this person: it changes only when a day closes.
    #[inline]
    pub fn kind(&self) -> Kind {
        Kind::of(self.header.active_days, self.header.pace.events)
    }

    #[inline]
    const fn bin_of_hour(&self) -> Bin {
        Bin::new(self.header.bin % 24, self.header.bin >= 24)
    }

    /// The part of the current bucket of `seconds` that has passed at the event.
    #[inline]
    fn passed(it: &Observation, seconds: u32) -> crate::Share {
        crate::Share::clamped(f64::from(it.second % seconds) / f64::from(seconds))
    }
}

/// The own pace is a mean over about as many active days.
const PACE_DAYS: u16 = 14;
/// What the peers' is worth.
const PACE_PEER_DAYS: f64 = 3.0;
const TEN_MINUTES: u32 = 600;
const HOUR: u32 = 3_600;
