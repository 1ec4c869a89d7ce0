//! How people of each role work: one function per role, each appending the events of one piece of work.

mod admin;
mod analysis;
mod engineering;
mod safety;
mod support;
mod work;

pub(crate) use engineering::answer_page;
pub(crate) use work::Work;

use crate::vocabulary::Role;

/// Appends one piece of work that fits the person's role.
pub(crate) fn next_case(work: &mut Work<'_>) {
    match work.person.role {
        _ if work.person.is_vip_desk => support::vip(work),
        Role::SupportT1 => support::first_line(work),
        Role::SupportT2 => support::second_line(work),
        Role::TrustSafety => safety::review(work),
        Role::Sre => engineering::operate(work),
        Role::Engineer => engineering::develop(work),
        Role::DataAnalyst => analysis::product(work),
        Role::AdsAnalyst => analysis::ads(work),
        Role::Security => admin::defend(work),
        Role::ItAdmin => admin::administer(work),
        Role::Manager | Role::Service => analysis::manage(work),
    }
}

/// Mean pause between two pieces of work, and mean length of one, in seconds: at `activity` 1 on a middling day.
pub(crate) fn rhythm_s(role: Role) -> (f64, f64) {
    match role {
        Role::SupportT1 => (380.0, 90.0),
        Role::SupportT2 => (460.0, 110.0),
        Role::TrustSafety => (330.0, 90.0),
        Role::Sre => (800.0, 120.0),
        Role::Engineer => (1_100.0, 60.0),
        Role::DataAnalyst | Role::AdsAnalyst => (900.0, 120.0),
        Role::Security => (800.0, 90.0),
        Role::ItAdmin => (700.0, 90.0),
        Role::Manager | Role::Service => (1_800.0, 60.0),
    }
}
