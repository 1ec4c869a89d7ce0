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
        Role::SupportT1 => (200.0, 90.0),
        Role::SupportT2 => (260.0, 110.0),
        Role::TrustSafety => (170.0, 90.0),
        Role::Sre => (600.0, 120.0),
        Role::Engineer => (900.0, 60.0),
        Role::DataAnalyst | Role::AdsAnalyst => (700.0, 120.0),
        Role::Security => (600.0, 90.0),
        Role::ItAdmin => (540.0, 90.0),
        Role::Manager | Role::Service => (1_500.0, 60.0),
    }
}
