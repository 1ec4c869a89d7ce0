//! Which computed fields there are, and what each needs to know of the event.

use super::habit::{self, Habit};
use super::target::OfTarget;

/// Declares the fields that the engine computes: each with its name and the roles that it needs.
macro_rules! fields {
    ($($field:ident $name:literal [$($input:ident)*])*) => {
        /// A field that the engine computes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)*
            /// One that is read from the actor's profile.
            Habit(Habit),
            /// One that only the keeper of the target knows.
            OfTarget(OfTarget),
        }

        impl Field {
            const FACTS: &'static [Self] = &[$(Self::$field,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* Self::Habit(it) => it.name(), Self::OfTarget(it) => it.name() }
            }

            /// What has to be decoded for it.
            pub(super) fn inputs(self) -> &'static [Input] {
                match self { $(Self::$field => &[$(Input::$input,)*],)* Self::Habit(_) => &Input::OF_PROFILES, Self::OfTarget(_) => &[] }
            }
        }
    };
}

fields! {
    Family "nj.family" [Action]
    Sensitive "nj.sensitive" [Action]
    Sensitivity "nj.sensitivity" [Action]
    ActorKnown "nj.actor.known" [Actor]
    ActorRole "nj.actor.role" [Actor]
    ActorTeam "nj.actor.team" [Actor]
    ActorManager "nj.actor.manager" [Actor]
    ActorEmployment "nj.actor.employment" [Actor]
    ActorService "nj.actor.service" [Actor ActorType]
    ActorOnNotice "nj.actor.on_notice" [Actor]
    ActorLastDay "nj.actor.last_day" [Actor]
    ActorLeft "nj.actor.left" [Actor]
    ActorTenureDays "nj.actor.tenure_days" [Actor]
    ShiftOnDuty "nj.shift.on_duty" [Actor ActorType Zone]
    ShiftReason "nj.shift.reason" [Actor ActorType Zone]
    TicketNeeded "nj.ticket.needed" [Action Actor ActorType ActorRole Tool]
    TicketVerdict "nj.ticket.verdict" [Action Actor ActorType ActorRole Tool Ticket Target TargetLabel]
    TicketTargets "nj.ticket.targets" [Actor Ticket Target]
    EntitlementOk "nj.entitlement.ok" [Action Actor ActorRole Tool]
    PurposeOk "nj.purpose.ok" [Action Actor ActorRole Tool Dataset]
    TargetWatchlist "nj.target.watchlist" [Target TargetLabel]
    TargetTier "nj.target.tier" [Target TargetLabel]
    TargetRelation "nj.target.relation" [Actor Target]
    DeviceKnown "nj.device.known" [Device]
    DeviceOwn "nj.device.own" [Device Actor]
    DeviceManaged "nj.device.managed" [Device]
    DeviceEncrypted "nj.device.encrypted" [Device]
    DevicePatched "nj.device.patched" [Device]
    NetworkCorporate "nj.network.corporate" [Ip]
    NetworkName "nj.network.name" [Ip]
}

impl Field {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let habits = habit::names().iter().map(|(_, it)| Self::Habit(*it));
        let of_targets = OfTarget::ALL.iter().map(|it| Self::OfTarget(*it));
        Self::FACTS.iter().copied().chain(habits).chain(of_targets)
    }

    /// The field of that name.
    pub fn named(name: &str) -> Option<Self> {
        let fact = Self::FACTS.iter().copied().find(|it| it.name() == name);
        let of_target = || OfTarget::ALL.iter().copied().find(|it| it.name() == name).map(Self::OfTarget);
        fact.or_else(|| Habit::named(name).map(Self::Habit)).or_else(of_target)
    }

    /// Whether it is read from the actor's profile.
    pub fn is_habit(self) -> bool {
        matches!(self, Self::Habit(_))
    }

    /// Whether it depends on what came before the event.
    pub(super) fn needs_state(self) -> bool {
        matches!(self, Self::TicketVerdict | Self::TicketTargets | Self::Habit(_))
    }
}

/// A role of the event that computed fields need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Action,
    Actor,
    ActorType,
    ActorRole,
    ActorTeam,
    Zone,
    Tool,
    Ticket,
    Target,
    TargetLabel,
    Dataset,
    Device,
    Ip,
    Asn,
    Country,
    Latitude,
    Longitude,
    TargetType,
    Outcome,
}

impl Input {
    pub(super) const COUNT: usize = Self::Outcome as usize + 1;
    /// What the keeper of a target is told.
    pub(super) const OF_TARGETS: [Self; 10] = [
        Self::Action,
        Self::Actor,
        Self::ActorType,
        Self::ActorRole,
        Self::Tool,
        Self::Ticket,
        Self::Target,
        Self::TargetLabel,
        Self::TargetType,
        Self::Outcome,
    ];
    /// What a profile is told.
    pub(super) const OF_PROFILES: [Self; 18] = [
        Self::Action,
        Self::Actor,
        Self::ActorType,
        Self::ActorRole,
        Self::ActorTeam,
        Self::Zone,
        Self::Tool,
        Self::Ticket,
        Self::Target,
        Self::TargetLabel,
        Self::Dataset,
        Self::Device,
        Self::Ip,
        Self::Asn,
        Self::Country,
        Self::Latitude,
        Self::Longitude,
        Self::Outcome,
    ];
}
