//! How much: actions of a family, distinct targets, and what adds up over weeks.

use super::surprise::{Judged, LN_SPEAKS, Surprise};
use super::{DAILY_TARGETS, HOUR, Person, TEN_MINUTES};
use crate::distinct::Ultra;
use crate::feature::Feature;
use crate::observation::{Family, Observation, Span, Window, mixed};
use crate::peers::{Group, Pace};
use crate::{LogP, Share};

impl Person {
    pub(super) fn judge_counts(&self, group: &Group, it: &Observation, chances: Pace, surprise: &mut Surprise) {
        let at = it.family.index();
        for (window, chances) in Window::ALL.into_iter().zip([chances.tens, chances.hours, 1.0]) {
            let Some(count) = self.count(it, it.family, window) else { continue };
            let beyond = beyond(window, count);
            let is_crossed = self.gates[at][window.index()].is_crossed(beyond)
                || self.is_young() && group.count_gate(it.family, window).is_crossed(beyond);
            if !is_crossed {
                continue;
            }
            let feature = Feature::Count(it.family, window);
            let habit = &self.habits[at][window.index()];
            let judged = self.judge(habit, group.count(it.family, window), f64::from(beyond), 0.0, surprise.random(feature));
            if let Some(mut judged) = judged {
                judged.observed = f64::from(count);
                judged.expected += f64::from(count - beyond);
                surprise.add(group, feature, &judged, f64::from(chances), LN_SPEAKS);
            }
        }
    }

    /// How many there are of `family` in the window up to `it`, with itself if it is one; nothing if it comes too late to be counted.
    #[inline]
    pub(super) fn count(&self, it: &Observation, family: Family, window: Window) -> Option<u32> {
        let sliding = self.counts[family.index()][window.index()];
        let own = u32::from(family == it.family);
        let (length, latest) = match window {
            Window::TenMinutes => (TEN_MINUTES, self.header.ten),
            Window::Hour => (HOUR, self.header.hour),
            // A day is the person's own, and has no part of the day before.
            Window::Day => return (it.day == self.header.day).then(|| u32::from(sliding.current()) + own),
        };
        match latest.saturating_sub(it.second / length) {
            0 => Some(sliding.count(Self::passed(it, length)) + own),
            1 => Some(u32::from(sliding.previous()) + own),
            _ => None,
        }
    }

    pub(super) fn judge_targets(&self, group: &Group, it: &Observation, chances: Pace, surprise: &mut Surprise) {
        let Some(target) = it.target else { return };
        let hash = mixed(target.get());
        self.judge_ten_minutes(group, it, hash, chances, surprise);
        if it.day == self.header.day && self.targets_today.would_change(hash) {
            // One more: by how much exactly the estimate rises is known once it is learnt.
            let estimate = self.targets_today.estimate() + 1.0;
            self.judge_span(group, Span::Day, estimate, Ultra::<64>::relative_error(), 1.0, surprise);
        }
        let long =
            [(Span::Week, self.week.estimate()), (Span::Month, self.month.estimate()), (Span::Quarter, self.quarter.estimate())];
        for (span, estimate) in long {
            self.judge_span(group, span, estimate, Ultra::<32>::relative_error(), 1.0, surprise);
        }
    }

    fn judge_ten_minutes(&self, group: &Group, it: &Observation, hash: u64, chances: Pace, surprise: &mut Surprise) {
        let [mut current, before] = self.tens;
        if it.second / TEN_MINUTES != self.header.ten || !current.insert(hash) {
            return;
        }
        // What slides is at most all of both buckets, which decides for most events.
        if !self.is_span_crossed(group, Span::TenMinutes, current.union(&before).estimate() - 1.0) {
            return;
        }
        let beyond = self.ten_minutes(&current, Self::passed(it, TEN_MINUTES)) - 1.0;
        if self.is_span_crossed(group, Span::TenMinutes, beyond) {
            self.judge_span(group, Span::TenMinutes, beyond, current.relative_error(), f64::from(chances.tens), surprise);
        }
    }

    /// Distinct targets of the sliding ten minutes whose current bucket is `current`.
    pub(super) fn ten_minutes(&self, current: &crate::distinct::LinearCounting, passed: Share) -> f64 {
        let (now, both) = (current.estimate(), current.union(&self.tens[1]).estimate());
        now + (1.0 - passed.get()) * (both - now)
    }

    #[inline]
    fn is_span_crossed(&self, group: &Group, span: Span, estimate: f64) -> bool {
        self.distinct_gates[span.index()].is_crossed_by(estimate)
            || self.is_young() && group.distinct_gate(span).is_crossed_by(estimate)
    }

    fn judge_span(&self, group: &Group, span: Span, estimate: f64, error: f64, chances: f64, surprise: &mut Surprise) {
        if estimate <= 0.0 || !self.is_span_crossed(group, span, estimate) {
            return;
        }
        let (habit, prior) = (&self.distinct_habits[span.index()], group.distinct(span));
        // Most have no such window of a week and more to look back on.
        if Self::is_unknown(habit, prior) {
            return;
        }
        let feature = Feature::Distinct(span);
        if let Some(judged) = self.judge(habit, prior, estimate, error, surprise.random(feature)) {
            surprise.add(group, feature, &judged, chances, LN_SPEAKS);
        }
    }

    /// Evidence of weeks, as of the latest closed day.
    pub(super) fn judge_slow(&self, group: &Group, it: &Observation, surprise: &mut Surprise) {
        let is_read = it.family == Family::PrivateRead;
        let asked = [(Feature::SlowTargets, it.target.is_some()), (Feature::SlowPrivateReads, is_read)];
        for ((feature, is_asked), ln_p) in asked.into_iter().zip(self.header.slow_p) {
            // Before the models are looked at, which stand far behind the header.
            if !is_asked || f64::from(ln_p) > LN_SLOW_SPEAKS {
                continue;
            }
            let Some((rising, p)) = self.rising(feature) else { continue };
            let judged = Judged {
                observed: rising.usual * rising.factor,
                expected: rising.usual,
                p_self: p,
                p_peer: LogP::ONE,
                p,
                mid: p,
                evidence: Share::ONE,
            };
            surprise.add(group, feature, &judged, 1.0, LN_SLOW_SPEAKS);
        }
    }

    /// 1/M of a slow detector as of the latest closed day: at most a p-value as long as nothing changes. 1 of what isn't one, or is so
    /// rare that there is no volume to rise.
    pub fn slow_p(&self, feature: Feature) -> LogP {
        self.rising(feature).map_or(LogP::ONE, |it| it.1)
    }

    fn rising(&self, feature: Feature) -> Option<(Rising, LogP)> {
        let (ln_p, slow, daily) = match feature {
            Feature::SlowTargets => (self.header.slow_p[0], &self.slow_targets, DAILY_TARGETS),
            Feature::SlowPrivateReads => (self.header.slow_p[1], &self.slow_private_reads, Family::PrivateRead.index()),
            _ => return None,
        };
        if ln_p >= 0.0 {
            return None;
        }
        let rising = Rising { usual: self.daily_habit(daily).rate(), factor: slow.rise() };
        (rising.usual * rising.factor >= SLOW_A_DAY).then(|| (rising, LogP::clamped(f64::from(ln_p))))
    }
}

/// What is usual a day, and how many times as much it seems to be now.
struct Rising {
    usual: f64,
    factor: f64,
}

/// ln 1e-3: evidence of weeks stays for days, and where days vary more than any model says a tenth of all people has some.
const LN_SLOW_SPEAKS: f64 = -6.907_755_278_982_137;

/// Less than one in ten days is no volume; that it happens at all is what novelty tells.
const SLOW_A_DAY: f64 = 0.1;

/// What is modelled of a count: of short windows what follows the first, since such windows are known only where there is one.
#[inline]
pub(super) const fn beyond(window: Window, count: u32) -> u32 {
    match window {
        Window::TenMinutes | Window::Hour => count.saturating_sub(1),
        Window::Day => count,
    }
}
