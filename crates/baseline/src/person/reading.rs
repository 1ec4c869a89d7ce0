//! Readings for rules and explanations: any feature, whether it spoke or not, computed when somebody asks.

use super::novel::of_peers;
use super::volume::beyond;
use super::{Person, TEN_MINUTES};
use crate::counts::{Habit, Prior};
use crate::distinct::Ultra;
use crate::observation::{Dimension, Family, Identity, Observation, Span, Window, key_of, mixed};
use crate::peers::Group;
use crate::tails::NegativeBinomial;
use crate::{LogP, Share};

/// The p-value beyond which is what "usual" no longer covers.
const P99: f64 = 0.01;

/// One count beside what is usual. A rule that reads one of its numbers pays for that one only.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'p> {
    habit: &'p Habit,
    prior: &'p Prior,
    /// What is compared: without what makes a window one.
    x: f64,
    /// The relative error of an estimate.
    error: f64,
    /// What any window has.
    first: f64,
    /// Whether it is of a week or more: what is expected where nothing is known is made for hours and days.
    is_long: bool,
}

impl Reading<'_> {
    /// What is in the window, with the event.
    pub fn count(&self) -> f64 {
        self.x + self.first
    }

    /// What is expected.
    pub fn expected(&self) -> f64 {
        self.own().mean() + self.first
    }

    /// Against the own habit, with the peers' where little is known. Of a week and more nothing, as long as no such window of the person or
    /// of peers is over: there is nothing to compare with.
    pub fn p_self(&self) -> Option<LogP> {
        (self.has_peers() || self.habit.windows() > 0.0).then(|| self.upper(self.own()))
    }

    /// Against the peers alone; in the same way.
    pub fn p_peer(&self) -> Option<LogP> {
        self.has_peers().then(|| self.upper(self.peers()))
    }

    fn has_peers(&self) -> bool {
        !self.is_long || *self.prior != Prior::UNKNOWN
    }

    /// The most that 99 in 100 such windows hold.
    pub fn usual_p99(&self) -> f64 {
        f64::from(self.own().first_below(P99) - 1) + self.first
    }

    /// The most that 999 in 1,000 such windows of peers hold.
    pub fn peer_p999(&self) -> f64 {
        f64::from(self.peers().first_below(0.1 * P99) - 1) + self.first
    }

    fn own(&self) -> NegativeBinomial {
        self.habit.predict(self.prior)
    }

    fn peers(&self) -> NegativeBinomial {
        Habit::default().predict(self.prior)
    }

    fn upper(&self, predicted: NegativeBinomial) -> LogP {
        let with_error = self.error > 0.0;
        let it = if with_error { crate::distinct::predicted_estimate(predicted, self.x, self.error) } else { predicted };
        it.upper(self.x)
    }
}

/// What is usual of a count, whatever there is at present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// What is expected, on average.
    pub mean: f64,
    /// The most that 99 in 100 windows hold.
    pub p99: f64,
    /// What is expected of peers.
    pub peer_mean: f64,
    /// The most that 999 in 1,000 windows of peers hold.
    pub peer_p999: f64,
    /// How much of the expectation is the person's own.
    pub evidence: Share,
}

/// How new something is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Novelty {
    /// The mass of everything no likelier for the person.
    pub p: LogP,
    /// The same among peers.
    pub p_peer: LogP,
    /// Whether the person isn't known to have used it.
    pub is_first_for_actor: bool,
    /// Whether nobody of the group, the role or the organisation is.
    pub is_first_for_peers: bool,
}

impl Person {
    /// Actions of a family in a window, with the event if it is one of them.
    pub fn rate<'p>(&'p self, group: &'p Group, it: &Observation, family: Family, window: Window) -> Reading<'p> {
        let count = self.count(it, family, window).unwrap_or(0);
        let (x, habit) = (beyond(window, count), self.habit(family, window));
        let first = f64::from(count - x);
        Reading { habit, prior: group.count(family, window), x: f64::from(x), error: 0.0, first, is_long: false }
    }

    /// Distinct targets in a span. Of a week and more, up to the event before.
    pub fn targets<'p>(&'p self, group: &'p Group, it: &Observation, span: Span) -> Reading<'p> {
        let hash = it.target.map(|it| mixed(it.get()));
        let (estimate, error) = match span {
            Span::TenMinutes => {
                let mut current = self.tens[0];
                hash.map(|it| current.insert(it));
                (self.ten_minutes(&current, Self::passed(it, TEN_MINUTES)), current.relative_error())
            }
            Span::Day => {
                let one_more = hash.is_some_and(|it| self.targets_today.would_change(it));
                (self.targets_today.estimate() + f64::from(u8::from(one_more)), Ultra::<64>::relative_error())
            }
            Span::Week => (self.week.estimate(), Ultra::<32>::relative_error()),
            Span::Month => (self.month.estimate(), Ultra::<32>::relative_error()),
            Span::Quarter => (self.quarter.estimate(), Ultra::<32>::relative_error()),
        };
        let first = if span == Span::TenMinutes { estimate.min(1.0) } else { 0.0 };
        let (habit, prior, is_long) = (self.distinct_habit(span), group.distinct(span), span >= Span::Week);
        Reading { habit, prior, x: estimate - first, error, first, is_long }
    }

    /// What is usual of a family in a window; of ten minutes and an hour, in such that have any.
    pub fn usual_rate(&self, group: &Group, family: Family, window: Window) -> Usual {
        let first = if window == Window::Day { 0.0 } else { 1.0 };
        usual(self.habit(family, window), group.count(family, window), first)
    }

    /// What is usual of distinct targets in a span; of ten minutes, in such that have any.
    pub fn usual_targets(&self, group: &Group, span: Span) -> Usual {
        let first = if span == Span::TenMinutes { 1.0 } else { 0.0 };
        usual(self.distinct_habit(span), group.distinct(span), first)
    }

    /// How many distinct targets there were in the span that ended with the person's latest event.
    pub fn distinct(&self, span: Span) -> f64 {
        match span {
            Span::TenMinutes => self.ten_minutes(&self.tens[0], Share::ONE),
            Span::Day => self.targets_today.estimate(),
            Span::Week => self.week.estimate(),
            Span::Month => self.month.estimate(),
            Span::Quarter => self.quarter.estimate(),
        }
    }

    /// How new `identity` is in its dimension.
    pub fn novelty(&self, group: &Group, dimension: Dimension, identity: Identity) -> Novelty {
        let key = key_of(identity);
        Novelty {
            p: self.rarity(group, dimension, key).p,
            p_peer: of_peers(group, dimension, key),
            is_first_for_actor: !self.knows(dimension, key),
            is_first_for_peers: !group.kinds(dimension).knows(key),
        }
    }

    /// How unusual the hour of the event is for the person.
    pub fn hour_p(&self, group: &Group, it: &Observation) -> LogP {
        self.hour(group, it).p
    }
}

fn usual(habit: &Habit, prior: &Prior, first: f64) -> Usual {
    let (own, peers) = (habit.predict(prior), Habit::default().predict(prior));
    Usual {
        mean: own.mean() + first,
        p99: f64::from(own.first_below(P99) - 1) + first,
        peer_mean: peers.mean() + first,
        peer_p999: f64::from(peers.first_below(0.1 * P99) - 1) + first,
        evidence: habit.evidence(prior),
    }
}
