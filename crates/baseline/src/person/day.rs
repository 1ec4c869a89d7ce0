//! The end of a person's day: daily habits, drift, quarantine, the slow detectors, and what the day was worth for calibration.

use super::advance::{Settled, reanchor, settle};
use super::{DAILY, DAILY_TARGETS, Header, PACE_DAYS, Person};
use crate::calibrate::Calibration;
use crate::counts::{Gate, Habit};
use crate::feature::FEATURES;
use crate::learn::{Day, Transition, learnt};
use crate::observation::{Errand, Family, Span, Window};
use crate::peers::{Group, Pace};
use crate::ratio::Ratio;
use crate::{LogP, Share};

/// Kept of what somebody uses, per active day: half in sixty.
const KINDS_KEPT: f64 = 0.988_514_020_352_896_2;
/// Trials of a day beyond these are scaled down: the share's own spread outweighs them, and the cost of a tail is linear in them.
pub(super) const TRIALS_MAX: u16 = 256;

/// Daily habits, and the clock.
const PENDING: u16 = (1 << (DAILY + 1)) - 1;
/// A habit of fewer days is still being found: what differs from the peers then is no rise.
const SLOW_FROM: f64 = 10.0;

impl Person {
    pub(super) fn close_day(&mut self, group: &Group, calibration: &mut Calibration) {
        self.settle_pending(group, u32::MAX);
        if group.is_settled() {
            calibration.cell(group.cell(), self.kind()).learn_day(&self.rarest);
        }
        self.rarest = [0; FEATURES];
        self.header.active_days = self.header.active_days.saturating_add(1);
        for windows in &mut self.counts {
            windows[Window::Day.index()].roll(1);
        }
        self.targets_yesterday = crate::counts::narrow(self.targets_today.estimate());
        self.targets_today = crate::distinct::Ultra::default();
        self.header.pending = PENDING;
        self.close_shares(group);
        self.fade_kinds();
        self.close_takeovers(group);
        self.close_pace();
    }

    /// Settles up to `most` of the habits that the latest closed day is still to teach. A few an event: all at once would make the first
    /// event of a day cost ten times as much as any other.
    pub(super) fn settle_pending(&mut self, group: &Group, most: u32) {
        for _ in 0..most.min(self.header.pending.count_ones()) {
            let at = self.header.pending.trailing_zeros() as usize;
            self.header.pending &= self.header.pending - 1;
            if at < DAILY {
                self.settle_daily(group, at);
            } else {
                self.clock.close_day();
            }
        }
    }

    fn settle_daily(&mut self, group: &Group, daily: usize) {
        let count = match self.counts.get(daily) {
            Some(windows) => f64::from(windows[Window::Day.index()].previous()),
            None => f64::from(self.targets_yesterday),
        };
        // The day that is settled lies before the current one.
        let week = self.header.day.saturating_sub(1) / 7;
        let place = match daily {
            DAILY_TARGETS => 0,
            it if it == Family::PrivateRead.index() => 1,
            _ => {
                self.close_daily(group, daily, count, false, week);
                return;
            }
        };
        let is_suspect = [self.slow_targets.is_suspect(), self.slow_private_reads.is_suspect()][place];
        let settled = self.close_daily(group, daily, count, is_suspect, week);
        let slow = if place == 0 { &mut self.slow_targets } else { &mut self.slow_private_reads };
        if settled.windows >= SLOW_FROM {
            slow.add(count / group.common_rise(daily), settled.mean, settled.dispersion);
        }
        self.header.slow_p[place] = crate::counts::narrow(-slow.evidence());
    }

    /// A daily habit: settled, held within the drift budget, and set beside its quarantine.
    fn close_daily(&mut self, group: &Group, daily: usize, count: f64, is_suspect: bool, week: u16) -> Settled {
        let (prior, is_sensitive) = match Family::ALL.get(daily) {
            Some(family) => (group.count(*family, Window::Day), family.is_sensitive()),
            None => (group.distinct(Span::Day), false),
        };
        let habit = match self.habits.get_mut(daily) {
            Some(windows) => &mut windows[Window::Day.index()],
            None => &mut self.distinct_habits[Span::Day.index()],
        };
        self.recents[daily].learn(count, self.header.active_days);
        let mut settled = settle(habit, prior, count, is_suspect);
        let mut is_replaced = self.drifts[daily].hold(habit, week, group.rise(daily));
        let quarantine = &mut self.quarantines[daily];
        if quarantine.is_open() || crate::learn::is_rejected(settled.upper) {
            let p_peer = Habit::default().predict(prior).upper(count);
            let day = Day { count, p_self: settled.upper, p_peer, is_sensitive };
            if quarantine.observe(day, habit) == Transition::Promoted {
                is_replaced = true;
                self.promoted(daily);
            }
        }
        if is_replaced {
            settled.gate = Gate::beneath(self.daily_habit(daily).predict(prior));
        }
        match self.gates.get_mut(daily) {
            Some(gates) => gates[Window::Day.index()] = settled.gate,
            None => self.distinct_gates[Span::Day.index()] = settled.gate,
        }
        settled
    }

    /// A new normal: its shorter windows are found anew, and nothing counts as a slow rise any more.
    fn promoted(&mut self, daily: usize) {
        self.drifts[daily].reset();
        if let Some(windows) = self.habits.get_mut(daily) {
            windows[..Window::Day.index()].iter_mut().for_each(reanchor);
            self.gates[daily] = Default::default();
            if daily == Family::PrivateRead.index() {
                self.slow_private_reads.reset();
            }
        } else {
            reanchor(&mut self.distinct_habits[Span::TenMinutes.index()]);
            self.distinct_gates = Default::default();
            self.slow_targets.reset();
        }
    }

    /// An analyst's word: what was learnt apart of the family (or of distinct targets) is the new normal. Says whether there was any.
    pub fn promote(&mut self, family: Option<Family>) -> bool {
        let daily = family.map_or(DAILY_TARGETS, Family::index);
        let habit = match self.habits.get_mut(daily) {
            Some(windows) => &mut windows[Window::Day.index()],
            None => &mut self.distinct_habits[Span::Day.index()],
        };
        let is_promoted = self.quarantines[daily].promote(habit) == Transition::Promoted;
        if is_promoted {
            self.promoted(daily);
        }
        is_promoted
    }

    fn close_shares(&mut self, group: &Group) {
        let today = std::mem::take(&mut self.today);
        learn_share(&mut self.sensitive, *group.sensitive_share(), today.sensitive, today.actions);
        learn_share(&mut self.watched, *group.watched_share(), today.watched, today.actions);
        for errand in Errand::ALL {
            let at = errand.index();
            learn_share(&mut self.no_ticket[at], *group.no_ticket(errand), today.without_ticket[at], today.errands[at]);
        }
    }

    fn close_takeovers(&mut self, group: &Group) {
        for with_ticket in [false, true] {
            let at = usize::from(with_ticket);
            let count = std::mem::take(&mut self.header.takeovers_today[at]);
            settle(&mut self.takeover_habits[at], group.takeovers(with_ticket), f64::from(count), false);
        }
    }

    fn fade_kinds(&mut self) {
        let kept = Share::clamped(KINDS_KEPT);
        self.actions.decay(kept);
        self.tools.decay(kept);
        self.networks.decay(kept);
        self.devices.decay(kept);
        self.asns.decay(kept);
        self.countries.decay(kept);
    }

    fn close_pace(&mut self) {
        let Header { events_today, tens_today, hours_today, active_days, .. } = self.header;
        // The windows that the next event lies in were counted when they began.
        let before = |it: u16| f32::from(it.saturating_sub(1).max(1));
        #[expect(clippy::cast_precision_loss, reason = "more than 16 million events a day are counted in steps of two")]
        let today = Pace { events: events_today as f32, tens: before(tens_today), hours: before(hours_today) };
        self.header.pace = self.header.pace.towards(today, 1.0 / f64::from(active_days.min(PACE_DAYS)));
        self.header.events_today = 0;
        self.header.tens_today = 1;
        self.header.hours_today = 1;
    }

    /// Long windows that end with the day are learnt.
    pub(super) fn begin_horizons(&mut self, group: &Group, day: u16) {
        let closed = [self.week.roll(day), self.month.roll(day), self.quarter.roll(day)];
        for (span, closed) in [Span::Week, Span::Month, Span::Quarter].into_iter().zip(closed) {
            if let Some(targets) = closed {
                let at = span.index();
                self.distinct_gates[at] = settle(&mut self.distinct_habits[at], group.distinct(span), targets, false).gate;
            }
        }
    }
}

const _: () = assert!(DAILY == DAILY_TARGETS + 1);

/// Learns a day's share by how ordinary it was.
fn learn_share(ratio: &mut Ratio, prior: crate::ratio::RatioPrior, yes: u16, trials: u16) {
    if trials == 0 {
        return;
    }
    let (yes, trials) = scaled(yes, trials);
    let predicted = ratio.predict(trials, &prior);
    // Up to the mean there is nothing to weigh down.
    let upper = if f64::from(yes) <= predicted.mean() { LogP::ONE } else { predicted.upper(yes) };
    let gamma = learnt(upper, LogP::ONE, ratio.trials(), false);
    ratio.learn(yes, trials, gamma);
}

/// At most [`TRIALS_MAX`] trials with the same share; one success stays one.
pub(super) fn scaled(yes: u16, trials: u16) -> (u32, u32) {
    let (yes, all) = (u32::from(yes.min(trials)), u32::from(trials));
    if trials <= TRIALS_MAX {
        return (yes, all);
    }
    let most = u32::from(TRIALS_MAX);
    ((yes * most / all).max(yes.min(1)), most)
}
