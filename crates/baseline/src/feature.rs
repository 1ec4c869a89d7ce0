//! What is measured of an event, and which of it moves together.

use crate::observation::{DIMENSIONS, Dimension, ERRANDS, Errand, FAMILIES, Family, SPANS, Span, WINDOWS, Window};

/// How many [`Feature`]s there are.
pub const FEATURES: usize = 48;
/// How many [`Channel`]s there are.
pub const CHANNELS: usize = 8;

/// One measured thing with a p-value of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Actions of a family in a window.
    Count(Family, Window),
    /// Distinct targets in a span.
    Distinct(Span),
    /// The share of the day's actions that were sensitive.
    SensitiveShare,
    /// The share of the day's actions whose target is watched.
    WatchedShare,
    /// The hour of the week.
    Hour,
    /// An action, tool, network, device … that is rare for the person.
    Novelty(Dimension),
    /// How fast the person would have had to travel.
    Travel,
    /// The share of the day's errands without a ticket.
    NoTicket(Errand),
    /// Completed takeover chains of the day, apart by whether a ticket explains them.
    Takeover {
        /// Whether it does.
        with_ticket: bool,
    },
    /// Evidence for a small rise of the daily distinct targets that adds up over weeks.
    SlowTargets,
    /// The same for daily private reads.
    SlowPrivateReads,
    /// All together: only to learn what the combination of the others is worth.
    All,
}

const DISTINCT: usize = FAMILIES * WINDOWS;
const SENSITIVE: usize = DISTINCT + SPANS;
const NOVELTY: usize = SENSITIVE + 3;
const NO_TICKET: usize = NOVELTY + DIMENSIONS + 1;
const TAKEOVER: usize = NO_TICKET + ERRANDS;

const _: () = assert!(TAKEOVER + 5 == FEATURES);

impl Feature {
    /// Its place, below [`FEATURES`].
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::Count(family, window) => family.index() * WINDOWS + window.index(),
            Self::Distinct(span) => DISTINCT + span.index(),
            Self::SensitiveShare => SENSITIVE,
            Self::WatchedShare => SENSITIVE + 1,
            Self::Hour => SENSITIVE + 2,
            Self::Novelty(dimension) => NOVELTY + dimension.index(),
            Self::Travel => NOVELTY + DIMENSIONS,
            Self::NoTicket(errand) => NO_TICKET + errand.index(),
            Self::Takeover { with_ticket } => TAKEOVER + with_ticket as usize,
            Self::SlowTargets => TAKEOVER + 2,
            Self::SlowPrivateReads => TAKEOVER + 3,
            Self::All => TAKEOVER + 4,
        }
    }

    /// All of them, in the order of [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        let counts = Family::ALL.into_iter().flat_map(|family| Window::ALL.map(|window| Self::Count(family, window)));
        counts
            .chain(Span::ALL.map(Self::Distinct))
            .chain([Self::SensitiveShare, Self::WatchedShare, Self::Hour])
            .chain(Dimension::ALL.map(Self::Novelty))
            .chain([Self::Travel])
            .chain(Errand::ALL.map(Self::NoTicket))
            .chain([Self::Takeover { with_ticket: false }, Self::Takeover { with_ticket: true }])
            .chain([Self::SlowTargets, Self::SlowPrivateReads, Self::All])
    }

    /// The channel in which it speaks.
    #[inline]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Count(..) | Self::Distinct(Span::TenMinutes | Span::Day) | Self::All => Channel::Volume,
            Self::Distinct(_) | Self::SlowTargets | Self::SlowPrivateReads => Channel::Slow,
            Self::SensitiveShare | Self::WatchedShare => Channel::Targets,
            Self::Hour => Channel::Hour,
            Self::Novelty(Dimension::Action | Dimension::Tool) => Channel::Means,
            Self::Novelty(_) | Self::Travel => Channel::Origin,
            Self::NoTicket(_) => Channel::Ticket,
            Self::Takeover { .. } => Channel::Takeover,
        }
    }
}

/// Features that move together: the smallest p-value speaks for all of them, times how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
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
}

impl Channel {
    /// All of them, in the order of [`Self::index`].
    pub const ALL: [Self; CHANNELS] =
        [Self::Volume, Self::Slow, Self::Targets, Self::Hour, Self::Means, Self::Origin, Self::Ticket, Self::Takeover];

    /// Its place.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// How many of its features one event can make speak: what the smallest p-value is multiplied by.
    #[inline]
    pub const fn features(self) -> f64 {
        match self {
            // Three windows of one family, two spans.
            Self::Volume | Self::Slow | Self::Origin => 5.0,
            Self::Targets | Self::Means => 2.0,
            Self::Hour | Self::Ticket | Self::Takeover => 1.0,
        }
    }
}
