//! What goes wrong in a tabletop exercise: every pattern that real incidents have shown, several times, on different people.
//!
//! Attacks are planned before the first event. Insiders act in their own shifts, from their own places and in their own sessions of that day;
//! strangers come with what they stole. No attack knows how anybody tries to find it.

mod collusion;
mod loud;
mod planner;
mod rare;
mod slow;
mod tickets;

use super::World;
use super::calendar::Gap;
use super::labels::AttackGroup;
use super::ledger::Row;
use crate::act::Act;
use planner::Planner;

/// A planned attack.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) pattern: &'static str,
    pub(super) group: AttackGroup,
    pub(super) variant: Option<&'static str>,
    pub(super) story: &'static str,
    pub(super) causes: &'static [&'static str],
    /// In time order.
    pub(super) acts: Vec<Act>,
    /// What others do because of it, in time order: no part of it.
    pub(super) witnesses: Vec<Act>,
    /// Tickets that belong to it.
    pub(super) tickets: Vec<Row>,
    /// What it keeps from being recorded.
    pub(super) gaps: Vec<Gap>,
}

/// A pattern: plans the instance of that number, or nothing where nobody fits.
type Plan = fn(&mut Planner<'_>, usize) -> Option<Planned>;

const PATTERNS: [Plan; 24] = [
    loud::takeover_burst,
    loud::new_device_then_tool,
    loud::machine_speed,
    loud::service_bulk_report,
    tickets::vip_peek,
    tickets::ticketless_breadth,
    tickets::repeated_looks,
    tickets::bogus_tickets,
    slow::slow_breadth,
    slow::slow_exports,
    slow::drift,
    slow::more_for_months,
    rare::protected_action,
    rare::deleted_access,
    rare::wrong_purpose,
    rare::silent_source,
    rare::self_privilege,
    rare::service_by_hand,
    rare::off_shift,
    rare::dormant_account,
    rare::leaver_export,
    rare::self_dealing,
    collusion::crowd,
    collusion::relay,
];

/// So many people for one instance of each pattern.
const PEOPLE_PER_INSTANCE: usize = 650;
const INSTANCES: (usize, usize) = (2, 12);

/// Plans all attacks.
pub(super) fn plan(world: &World) -> Vec<Planned> {
    let instances = (world.company.people.len() / PEOPLE_PER_INSTANCE).clamp(INSTANCES.0, INSTANCES.1);
    let mut planner = Planner::new(world);
    let mut attacks = Vec::new();
    for number in 0..instances {
        for plan in PATTERNS {
            attacks.extend(plan(&mut planner, number));
        }
    }
    attacks
}
