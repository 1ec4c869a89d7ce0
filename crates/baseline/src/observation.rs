//! What a profile is told of an event: when, what kind of thing, to whom, from where. Names are 64-bit identities; nothing here knows
//! what an event is.

use crate::clock::Bin;
use crate::travel::Place;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// A hash of a name. Two names of one dimension collide with a probability of 2⁻³², since a profile keeps half of it.
pub type Identity = NonZeroU64;

/// Families of actions, as in the taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Family {
    /// Looks at one account or record.
    View,
    /// Looks for accounts or records.
    Search,
    /// Takes many rows or an archive away.
    Export,
    /// Changes a setting that is no credential.
    Edit,
    /// Changes who can get into an account.
    CredentialChange,
    /// Reads what the owner keeps in private.
    PrivateRead,
    /// Changes rights or logging, or runs something in production.
    Admin,
    /// Everything else.
    Other,
}

/// How many [`Family`]s there are.
pub const FAMILIES: usize = 8;

impl Family {
    /// All of them, in the order of [`Self::index`].
    pub const ALL: [Self; FAMILIES] =
        [Self::View, Self::Search, Self::Export, Self::Edit, Self::CredentialChange, Self::PrivateRead, Self::Admin, Self::Other];

    /// Its place.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether a new normal of it needs somebody's word: see [`crate::learn::Quarantine`].
    pub const fn is_sensitive(self) -> bool {
        matches!(self, Self::Export | Self::CredentialChange | Self::PrivateRead | Self::Admin)
    }
}

/// The windows in which actions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Window {
    /// Ten minutes, sliding.
    TenMinutes,
    /// An hour, sliding.
    Hour,
    /// A day on the person's own clock.
    Day,
}

/// How many [`Window`]s there are.
pub const WINDOWS: usize = 3;

impl Window {
    /// All of them, in the order of [`Self::index`].
    pub const ALL: [Self; WINDOWS] = [Self::TenMinutes, Self::Hour, Self::Day];

    /// Its place.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// In how long distinct targets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Span {
    /// Ten minutes, sliding.
    TenMinutes,
    /// A day on the person's own clock.
    Day,
    /// A week.
    Week,
    /// Thirty days.
    Month,
    /// Ninety days.
    Quarter,
}

/// How many [`Span`]s there are.
pub const SPANS: usize = 5;

impl Span {
    /// All of them, in the order of [`Self::index`].
    pub const ALL: [Self; SPANS] = [Self::TenMinutes, Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// Its place.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What may be new about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Dimension {
    /// The action.
    Action,
    /// The tool.
    Tool,
    /// The network that the address is of.
    Network,
    /// The device.
    Device,
    /// The autonomous system.
    Asn,
    /// The country.
    Country,
}

/// How many [`Dimension`]s there are.
pub const DIMENSIONS: usize = 6;

impl Dimension {
    /// All of them, in the order of [`Self::index`].
    pub const ALL: [Self; DIMENSIONS] = [Self::Action, Self::Tool, Self::Network, Self::Device, Self::Asn, Self::Country];

    /// Its place.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A step of a takeover: contact change or second factor off, then a reset, on one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Step {
    /// The address or telephone number of an account was changed.
    ContactChange = 1,
    /// Its second factor was switched off.
    FactorOff = 2,
    /// Its password was reset.
    Reset = 4,
}

/// Which habit of working with or without tickets an action belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Errand {
    /// Looking at or for accounts.
    Lookup,
    /// Reading what is private.
    PrivateRead,
    /// Changing credentials.
    CredentialChange,
    /// Everything else.
    Other,
}

/// How many [`Errand`]s there are.
pub const ERRANDS: usize = 4;

impl Errand {
    /// All of them, in the order of [`Self::index`].
    pub const ALL: [Self; ERRANDS] = [Self::Lookup, Self::PrivateRead, Self::CredentialChange, Self::Other];

    /// The errand of a family.
    #[inline]
    pub const fn of(family: Family) -> Self {
        match family {
            Family::View | Family::Search => Self::Lookup,
            Family::PrivateRead => Self::PrivateRead,
            Family::CredentialChange => Self::CredentialChange,
            Family::Export | Family::Edit | Family::Admin | Family::Other => Self::Other,
        }
    }

    /// Its place.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Whose habits may be compared: what a service account does says nothing about people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// People.
    Human,
    /// Service accounts: no hours, and no priors shared with people.
    Service,
}

/// One event, as far as habits go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// When, in seconds since the epoch.
    pub second: u32,
    /// The day on the person's own clock, in days since the epoch; from 100 on.
    pub day: u16,
    /// The hour of such a day on the person's own clock.
    pub bin: Bin,
    /// The family of the action.
    pub family: Family,
    /// Whether one such action can harm by itself.
    pub is_sensitive: bool,
    /// Whether the target is on a watchlist.
    pub is_vip: bool,
    /// Whether a ticket explains it; nothing where tickets aren't expected.
    pub has_ticket: Option<bool>,
    /// Which step of a takeover it is, if any.
    pub step: Option<Step>,
    /// Action, tool, network, device, ASN, country, in the order of [`Dimension`]; what is unknown says nothing.
    pub kinds: [Option<Identity>; DIMENSIONS],
    /// Whom or what it was done to.
    pub target: Option<Identity>,
    /// Where the source address is, unless it is an exit of the company.
    pub place: Option<Place>,
    /// How far that may be wrong, in kilometres.
    pub accuracy_km: f32,
    /// Whether it was the person. Of a sign-in that did not succeed nobody knows: it is scored and counted like any event, and says nothing
    /// about which devices, networks, places and hours are the person's, nor that the person was there.
    pub is_proven: bool,
}

/// The bits of an identity, mixed once more (the finaliser of SplitMix64, S. Vigna 2015), so that no sketch depends on how good a hash the
/// caller has.
#[inline]
pub(crate) const fn mixed(identity: u64) -> u64 {
    let mut it = identity.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// The half of an identity that profiles remember a category by.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "half of it is what is wanted")]
pub(crate) const fn key_of(identity: Identity) -> u32 {
    mixed(identity.get()) as u32
}
