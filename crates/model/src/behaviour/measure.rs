//! What is measured of behaviour, read from the names under which rules read it.

use serde::{Deserialize, Serialize};

/// A measured thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure<'f> {
    /// `nj.rate.<family>.<window>`: actions of a family in a window.
    Rate {
        /// The family of actions, as in the taxonomy.
        family: &'f str,
        /// `10m`, `1h` or `1d`.
        window: &'f str,
    },
    /// `nj.distinct.<span>`: distinct targets in `10m`, `1d`, `7d`, `30d` or `90d`.
    Distinct(&'f str),
    /// `nj.shift`: the hour of the week.
    Hour,
    /// `nj.novelty.<dimension>`: an action, tool, network, device, … that is rare for the actor.
    Novelty(&'f str),
    /// `nj.travel`: how fast the actor would have had to travel, in km/h.
    Travel,
    /// `nj.ticket.share.<errand>`: errands of the day without a ticket.
    NoTicket(&'f str),
    /// `nj.sensitive.share`: sensitive actions of the day.
    Sensitive,
    /// `nj.watched.share`: actions of the day on watched targets.
    Watched,
    /// `nj.chain`: completed takeovers of the day.
    Takeover,
    /// `nj.slow.<what>`: a small rise that has lasted for weeks, of `targets` or `private_reads`.
    Slow(&'f str),
    /// `nj.target`: how many people were at one target.
    Target,
    /// Something that this version knows no words for.
    Other,
}

/// Measures that move together: several of one channel are one piece of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// So much, so soon.
    Volume,
    /// A little more for weeks.
    Slow,
    /// Such targets.
    Targets,
    /// At such an hour.
    Hour,
    /// By such means: actions and tools.
    Means,
    /// From such a place: network, device, ASN, country, travel.
    Origin,
    /// Without a ticket.
    Ticket,
    /// Chains that take an account over.
    Takeover,
    /// So many at one target.
    Crowd,
    /// Something else.
    Other,
}

impl<'f> Measure<'f> {
    /// What a feature's name stands for.
    pub fn of(feature: &'f str) -> Self {
        let words: Vec<&str> = feature.strip_prefix("nj.").unwrap_or(feature).split('.').collect();
        match *words.as_slice() {
            ["rate", family, window, ..] => Self::Rate { family, window },
            ["distinct", span, ..] => Self::Distinct(span),
            ["shift", ..] => Self::Hour,
            ["novelty", dimension, ..] => Self::Novelty(dimension),
            ["travel", ..] => Self::Travel,
            ["ticket", "share", errand, ..] => Self::NoTicket(errand),
            ["sensitive", ..] => Self::Sensitive,
            ["watched", ..] => Self::Watched,
            ["chain", ..] => Self::Takeover,
            ["slow", what, ..] => Self::Slow(what),
            ["target", ..] => Self::Target,
            _ => Self::Other,
        }
    }

    /// With what it moves together.
    pub fn channel(self) -> Channel {
        match self {
            Self::Rate { .. } | Self::Distinct("10m" | "1d") => Channel::Volume,
            Self::Distinct(_) | Self::Slow(_) => Channel::Slow,
            Self::Sensitive | Self::Watched => Channel::Targets,
            Self::Hour => Channel::Hour,
            Self::Novelty("action" | "tool") => Channel::Means,
            Self::Novelty(_) | Self::Travel => Channel::Origin,
            Self::NoTicket(_) => Channel::Ticket,
            Self::Takeover => Channel::Takeover,
            Self::Target => Channel::Crowd,
            Self::Other => Channel::Other,
        }
    }

    /// The window that it is counted in, in words and in milliseconds.
    pub(crate) fn window(self) -> Option<(&'static str, i64)> {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 1_440 * MINUTE;
        let (Self::Rate { window, .. } | Self::Distinct(window)) = self else { return None };
        Some(match window {
            "10m" => ("10 min", 10 * MINUTE),
            "1h" => ("1 h", 60 * MINUTE),
            "1d" => ("a day", DAY),
            "7d" => ("7 days", 7 * DAY),
            "30d" => ("30 days", 30 * DAY),
            "90d" => ("90 days", 90 * DAY),
            _ => return None,
        })
    }

    /// Whether the actor came from somewhere new: what a stolen session or a called employee's credentials look like.
    pub fn is_of_origin(self) -> bool {
        self.channel() == Channel::Origin
    }

    /// Whether what is expected of it is a likelihood, and not so many.
    pub(crate) fn is_likelihood(self) -> bool {
        matches!(self, Self::Hour | Self::Novelty(_))
    }
}
