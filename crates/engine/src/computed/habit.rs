//! The computed fields that tell how usual an event is for its actor: each is read from the profile when a rule asks for it.

use super::Computed;
use crate::behaviour::View;
use baseline::LogP;
use baseline::feature::Feature;
use baseline::observation::{Dimension, Errand, Family, Span, Window};
use baseline::person::Reading;
use baseline::risk::HALF_LIVES_DAYS;
use sigma::computed::FAMILIES;
use std::sync::LazyLock;

/// A field that is read from a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Habit {
    /// `nj.actor.active_days`
    ActiveDays,
    /// `nj.actor.idle_days`
    IdleDays,
    /// `nj.shift.p`
    Hour,
    /// `nj.rate.<family>.<window>.…`
    Rate(Family, Window, Stat),
    /// `nj.distinct.<span>.…`
    Distinct(Span, Stat),
    /// `nj.novelty.<dimension>.…`
    Novelty(Dimension, Newness),
    /// `nj.share.<…>.p`
    Share(Part),
    /// `nj.slow.targets.p`
    SlowTargets,
    /// `nj.slow.private_reads.p`
    SlowPrivateReads,
    /// `nj.p`
    P,
    /// `nj.score`
    Score,
    /// `nj.evidence`
    Evidence,
    /// `nj.chain.targets`
    ChainTargets,
    /// `nj.risk.<…>`, by the place in [`HALF_LIVES_DAYS`]
    Risk(usize),
}

/// What is asked of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stat {
    /// How many there are.
    Count,
    /// How usual that is for the actor.
    Own,
    /// How usual that is for peers.
    Peers,
    /// What the actor usually stays within.
    UsualP99,
}

/// What is asked of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Newness {
    /// How likely it was, for the actor.
    Own,
    /// How likely it is among peers.
    Peers,
    /// Whether the actor isn't known to have had it.
    FirstForActor,
    /// Whether no peer is known to have had it.
    FirstForPeers,
}

/// What part of the day's actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Those that are sensitive.
    Sensitive,
    /// Those about watched targets.
    Watched,
    /// Those without the ticket they need.
    NoTicket,
}

const STATS: [(&str, Stat); 4] =
    [("count", Stat::Count), ("p_self", Stat::Own), ("p_peer", Stat::Peers), ("usual_p99", Stat::UsualP99)];
const NEWNESS: [(&str, Newness); 4] = [
    ("p", Newness::Own),
    ("p_peer", Newness::Peers),
    ("first_for_actor", Newness::FirstForActor),
    ("first_for_peers", Newness::FirstForPeers),
];
const PARTS: [(&str, Part); 3] = [("sensitive", Part::Sensitive), ("watched", Part::Watched), ("no_ticket", Part::NoTicket)];

/// All names, with what they mean.
pub(super) fn names() -> &'static [(String, Habit)] {
    static NAMES: LazyLock<Vec<(String, Habit)>> = LazyLock::new(|| {
        use crate::behaviour::words::{distinct_name, novelty_name, rate_name};
        let plain = [
            ("nj.actor.active_days", Habit::ActiveDays),
            ("nj.actor.idle_days", Habit::IdleDays),
            ("nj.shift.p", Habit::Hour),
            ("nj.chain.targets", Habit::ChainTargets),
            ("nj.slow.targets.p", Habit::SlowTargets),
            ("nj.slow.private_reads.p", Habit::SlowPrivateReads),
            ("nj.p", Habit::P),
            ("nj.score", Habit::Score),
            ("nj.evidence", Habit::Evidence),
        ];
        let mut names: Vec<(String, Habit)> = plain.map(|(name, it)| (name.to_owned(), it)).into();
        debug_assert_eq!(FAMILIES.len(), Family::ALL.len());
        for (family, window) in Family::ALL.into_iter().flat_map(|it| Window::ALL.map(|window| (it, window))) {
            names
                .extend(STATS.map(|(word, it)| (format!("{}.{word}", rate_name(family, window)), Habit::Rate(family, window, it))));
        }
        for span in Span::ALL {
            names.extend(STATS.map(|(word, it)| (format!("{}.{word}", distinct_name(span)), Habit::Distinct(span, it))));
        }
        for dimension in Dimension::ALL {
            names.extend(NEWNESS.map(|(word, it)| (format!("{}.{word}", novelty_name(dimension)), Habit::Novelty(dimension, it))));
        }
        names.extend(PARTS.map(|(word, it)| (format!("nj.share.{word}.p"), Habit::Share(it))));
        names.extend((0..).zip(HALF_LIVES_DAYS).map(|(at, days)| (format!("nj.risk.{days}d"), Habit::Risk(at))));
        names
    });
    &NAMES
}

impl Habit {
    /// The field of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        names().iter().find(|(it, _)| it == name).map(|(_, it)| *it)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        names().iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }

    /// Its value for an event that was compared and not learnt yet.
    pub(super) fn value(self, view: &View<'_>) -> Computed<'static> {
        let View { person, group, observation, surprise, .. } = *view;
        match self {
            Self::ActiveDays => Computed::Count(person.active_days().into()),
            Self::IdleDays => view.idle_days.map_or(Computed::Absent, |it| Computed::Count(it.into())),
            Self::Hour => person.hour_p(group, observation).into(),
            Self::Rate(family, window, stat) => stat.of(&person.rate(group, observation, family, window)),
            Self::Distinct(span, stat) => stat.of(&person.targets(group, observation, span)),
            Self::Novelty(dimension, what) => {
                let Some(identity) = observation.kinds[dimension.index()] else { return Computed::Absent };
                let novelty = person.novelty(group, dimension, identity);
                match what {
                    Newness::Own => novelty.p.into(),
                    Newness::Peers => novelty.p_peer.into(),
                    Newness::FirstForActor => novelty.is_first_for_actor.into(),
                    Newness::FirstForPeers => novelty.is_first_for_peers.into(),
                }
            }
            Self::ChainTargets => Computed::Count(person.takeovers_begun(observation).into()),
            Self::Share(part) => found(view, part.feature(observation.family)),
            Self::SlowTargets => person.slow_p(Feature::SlowTargets).into(),
            Self::SlowPrivateReads => person.slow_p(Feature::SlowPrivateReads).into(),
            Self::P => surprise.p.into(),
            Self::Score => Computed::Number(surprise.score.get()),
            Self::Evidence => Computed::Number(surprise.evidence.get()),
            Self::Risk(at) => Computed::Number(person.risk().at(observation.second / 60)[at]),
        }
    }
}

/// The p-value of a feature; 1 unless it is out of the ordinary.
fn found(view: &View<'_>, feature: Feature) -> Computed<'static> {
    view.surprise.finding(feature).map_or(LogP::ONE, |it| it.p_self).into()
}

impl Part {
    fn feature(self, family: Family) -> Feature {
        match self {
            Self::Sensitive => Feature::SensitiveShare,
            Self::Watched => Feature::WatchedShare,
            Self::NoTicket => Feature::NoTicket(Errand::of(family)),
        }
    }
}

impl Stat {
    fn of(self, reading: &Reading<'_>) -> Computed<'static> {
        match self {
            Self::Count => whole(reading.count()),
            Self::Own => reading.p_self().into(),
            Self::Peers => reading.p_peer().into(),
            Self::UsualP99 => whole(reading.usual_p99()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and estimates of counts, rounded")]
fn whole(count: f64) -> Computed<'static> {
    Computed::Count(libm::round(count.max(0.0)) as u64)
}
