//! A seeded organisation, its habits and its attackers.
//!
//! [`Company`] is generated from a [`CompanyConfig`]: people on four sites with roles, shifts, rest days, travel, devices, and customers with tickets.
//! [`Simulation`] lets it live through a [`Scenario`] and writes what its internal tools log, one native audit event per line, in event-time order.
//! People and programs are streams that plan one piece of work at a time; a heap merges them. So memory grows with the people and not with the events,
//! and the same seed gives the same bytes. What the attackers do is known in advance as [`AttackTruth`].
//!
//! Nobody and nothing here is real: networks and domains are those set aside for documentation and private use.

// Random draws become counts, indices and milliseconds far within the range of every integer type used here.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod accounts;
mod act;
mod attack;
mod company;
mod config;
mod context;
mod habits;
mod json;
mod names;
mod sample;
mod scenario;
mod seed;
mod service;
mod shared;
mod simulation;
mod site;
mod tabletop;
#[cfg(test)]
mod tests;
mod truth;
mod vocabulary;
mod worker;

pub use company::{Company, Person, Service};
pub use config::CompanyConfig;
pub use sample::sample_lines;
pub use scenario::{Scenario, UnknownScenario};
pub use simulation::{EventId, EventMeta, Simulation};
pub use site::Site;
pub use tabletop::{
    AttackEvent, AttackGroup, AttackRecord, Batch, LabelRecord, Lines, RunRecord, StressKind, StressRecord, Tabletop,
    TabletopConfig,
};
pub use truth::{AttackLabel, AttackStep, AttackTruth, Takeover, Touch};
pub use vocabulary::{ActorKind, Role, Shift};
