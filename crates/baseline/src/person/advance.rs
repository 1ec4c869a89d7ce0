//! First phase of an event: what time has passed is closed and learnt, before the event itself is looked at.

use super::surprise::WINDOWS_WITHOUT_PEERS;
use super::{HOUR, Person, TEN_MINUTES, VERSION};
use crate::calibrate::Calibration;
use crate::clock::Bin;
use crate::counts::{Gate, Habit, Prior};
use crate::learn::{KEPT_IN_NEW_ROLE, capped, learnt};
use crate::observation::{Family, Observation, Span, Window};
use crate::peers::{Group, GroupId, Pace};
use crate::{LogP, Share};

/// Of a window below a day at least this is learnt, capped: work comes in bursts, and a habit that only knows the quiet windows takes
/// every tenth for an alarm (11 % of events were below 1 % with a fiftieth). What a day may add up to is guarded by the day.
const SHORT_LEAST: f64 = 0.25;
/// Daily habits that one event settles.
const SETTLED_AN_EVENT: u32 = 3;
/// After a change of role a habit is worth at most as many windows, and a share as many trials: learning is open again.
const WEIGHT_IN_NEW_ROLE: f64 = 5.0;

impl Person {
    /// Closes the windows that have ended before `it`, and learns them. `group` is the person's group as of the event; another one than
    /// before re-anchors all habits and shares. `calibration` takes what the closed day held.
    pub fn advance(&mut self, group: &Group, calibration: &mut Calibration, it: &Observation) {
        self.join(group);
        if self.is_new() {
            self.begin(it);
        }
        if self.header.pending > 0 {
            self.settle_pending(group, SETTLED_AN_EVENT);
        }
        let (ten, hour) = (it.second / TEN_MINUTES, it.second / HOUR);
        if ten > self.header.ten {
            self.close_ten(group, ten - self.header.ten);
            self.header.ten = ten;
        }
        let is_new_hour = hour > self.header.hour;
        if is_new_hour {
            self.close_hour(group, hour - self.header.hour);
            self.header.hour = hour;
        }
        if it.day > self.header.day {
            self.close_day(group, calibration);
            self.header.day = it.day;
            self.begin_horizons(group, it.day);
        }
        if is_new_hour || self.header.events_today == 0 {
            self.look_at_clock(group, it.bin);
        }
        if it.is_proven {
            self.header.second = self.header.second.max(it.second);
        }
    }

    fn begin(&mut self, it: &Observation) {
        self.header.version = VERSION;
        self.header.day = it.day;
        self.header.first_day = it.day;
        self.header.ten = it.second / TEN_MINUTES;
        self.header.hour = it.second / HOUR;
        self.header.tens_today = 1;
        self.header.hours_today = 1;
        self.week.roll(it.day);
        self.month.roll(it.day);
        self.quarter.roll(it.day);
    }

    /// Another role or team: the memory keeps a fifth of its weight, and the new peers decide at first. From "unknown" to a group is no
    /// change of role.
    fn join(&mut self, group: &Group) {
        let before = self.group();
        if before == group.id() {
            return;
        }
        self.header.group = group.id().0;
        if self.is_new() || before == GroupId::PEOPLE || before == GroupId::SERVICES {
            return;
        }
        for habit in self.habits.iter_mut().flatten().chain(&mut self.distinct_habits).chain(&mut self.takeover_habits) {
            reanchor(habit);
        }
        // A day is worth many trials: the last one in the old role would outweigh what is kept.
        self.today = super::Today::default();
        for ratio in [&mut self.sensitive, &mut self.watched].into_iter().chain(&mut self.no_ticket) {
            ratio.reanchor(kept_of(ratio.trials()));
        }
        self.drifts.iter_mut().for_each(crate::learn::Drift::reset);
        self.quarantines = Default::default();
        self.slow_targets.reset();
        self.slow_private_reads.reset();
        self.header.slow_p = [0.0; 2];
        // Gates are of the habits before: open until the next windows close.
        (self.gates, self.distinct_gates) = Default::default();
    }

    fn close_ten(&mut self, group: &Group, steps: u32) {
        self.close_counts(group, Window::TenMinutes, steps);
        let at = Span::TenMinutes.index();
        let targets = self.tens[0].estimate();
        if targets > 0.0 {
            self.distinct_gates[at] = settle_short(&mut self.distinct_habits[at], group.distinct(Span::TenMinutes), targets - 1.0);
        }
        self.tens[1] = if steps == 1 { self.tens[0] } else { crate::distinct::LinearCounting::default() };
        self.tens[0].clear();
        self.header.tens_today = self.header.tens_today.saturating_add(1);
    }

    fn close_hour(&mut self, group: &Group, steps: u32) {
        self.close_counts(group, Window::Hour, steps);
        self.header.hours_today = self.header.hours_today.saturating_add(1);
        self.header.is_hour_learnt = false;
    }

    fn close_counts(&mut self, group: &Group, window: Window, steps: u32) {
        for family in Family::ALL {
            let (f, w) = (family.index(), window.index());
            let closed = self.counts[f][w].roll(steps);
            if closed > 0 {
                let prior = group.count(family, window);
                self.gates[f][w] = settle_short(&mut self.habits[f][w], prior, f64::from(closed - 1));
            }
        }
    }

    /// How unusual it is to be active in this hour: once for all events of the hour.
    fn look_at_clock(&mut self, group: &Group, bin: Bin) {
        self.header.bin = bin.place();
        let rarity = self.clock.rarity(bin, group.clock());
        self.header.hour_p = [rarity.p, rarity.rarer].map(|it| crate::counts::narrow(it.ln_p()));
    }

    /// Chances a day has, of this person.
    pub(super) fn chances(&self, group: &Group) -> Pace {
        self.pace(group.pace())
    }
}

pub(super) fn reanchor(habit: &mut Habit) {
    habit.reanchor(kept_of(habit.windows()));
}

/// How much is kept of what rests on so many windows, or trials of a share.
fn kept_of(weight: f64) -> Share {
    let few = if weight > 0.0 { WEIGHT_IN_NEW_ROLE / weight } else { 1.0 };
    Share::clamped(KEPT_IN_NEW_ROLE.get().min(few))
}

/// Learns a closed window of less than a day by how ordinary it was, and makes the next gate.
fn settle_short(habit: &mut Habit, prior: &Prior, count: f64) -> Gate {
    let predicted = habit.predict(prior);
    // Targets were whole, whatever the sketch says; and of a whole number the tail is added up.
    let gamma = learnt(predicted.smaller_tail(count.round()), LogP::ONE, habit.windows(), false).get().max(SHORT_LEAST);
    learn_capped(habit, prior, count, predicted.mean(), gamma);
    Gate::beneath(habit.predict(prior))
}

fn learn_capped(habit: &mut Habit, prior: &Prior, count: f64, mean: f64, gamma: f64) {
    // Where nobody has a history there is no usual that a window could teach too much of.
    let is_cap = *prior != Prior::UNKNOWN || habit.windows() >= WINDOWS_WITHOUT_PEERS;
    // The first windows are learnt as they are, so that nothing is hidden of their spread.
    if is_cap {
        habit.learn_gated(capped(count, mean), mean, Share::clamped(gamma));
    } else {
        habit.learn(count, Share::clamped(gamma));
    }
}

/// How a closed window looked, and what is kept for the next.
pub(super) struct Settled {
    pub(super) gate: Gate,
    /// P(X >= x) before it was learnt.
    pub(super) upper: LogP,
    /// What was expected, with its dispersion.
    pub(super) mean: f64,
    pub(super) dispersion: f64,
    /// How many windows that was based on.
    pub(super) windows: f64,
}

/// Judges a closed window, learns it by how ordinary it was, and makes the next gate.
pub(super) fn settle(habit: &mut Habit, prior: &Prior, count: f64, is_suspect: bool) -> Settled {
    let predicted = habit.predict(prior);
    let [upper, or_fewer] = predicted.both(count);
    let gamma = learnt(upper, or_fewer, habit.windows(), is_suspect);
    let dispersion = prior.dispersion(predicted.mean()).max(habit.dispersion());
    let windows = habit.windows();
    learn_capped(habit, prior, count, predicted.mean(), gamma.get());
    Settled { gate: Gate::beneath(habit.predict(prior)), upper, mean: predicted.mean(), dispersion, windows }
}
