//! Much at once: stolen sessions, programs let loose.

use rand::RngExt as _;

use super::Planned;
use super::planner::{Draft, HOUR_MS, MINUTE_MS, Planner, is_second_line};
use crate::act::{Extra, Subject};
use crate::service::{ServiceKind, session_of};
use crate::tabletop::labels::AttackGroup;
use crate::vocabulary::{Action, Outcome, Reason, Role, Tool};

/// Twitter, July 2020, Mailchimp: with a stolen session through dozens of protected accounts, and many of them taken over.
pub(super) fn takeover_burst(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let who = planner.cast(is_second_line)?;
    let day = planner.recorded_day();
    let session = planner.stranger(who);
    // Every other thief comes while the owner works, when nobody wonders.
    let start_ms = match planner.world.duty(who, day) {
        Some(duty) if number.is_multiple_of(2) => duty.start_ms + planner.rng.random_range(HOUR_MS..4 * HOUR_MS),
        _ => planner.world.local_ms(who, day, planner.rng.random_range(60..1_200)),
    };
    let mut draft = Draft::new();
    let wrong = planner.rng.random_range(0..4);
    let mut at_ms = draft.sign_in(planner, start_ms, who, session, wrong, Tool::AgentConsole);
    // In July 2020 several employees had reported the calls hours before.
    if number % 3 == 1 {
        report_calls(planner, &mut draft, who, day, start_ms);
    }
    let count = planner.rng.random_range(28..60);
    for account in planner.protected_ones(count) {
        draft.look(planner, at_ms, who, session, account, None);
        at_ms += planner.rng.random_range(20_000..70_000);
        if planner.rng.random_bool(0.35) {
            for action in [Action::ContactChange, Action::MfaDisable, Action::PasswordReset] {
                draft.on(at_ms, who, session, action, account);
                at_ms += planner.rng.random_range(15_000..50_000);
            }
            if planner.rng.random_bool(0.5) {
                draft.on(at_ms, who, session, Action::DmRead, account);
                at_ms += planner.rng.random_range(30_000..120_000);
            }
        }
    }
    draft.finish(
        "takeover_burst",
        AttackGroup::Loud,
        "a stolen session looks through protected accounts and takes many of them over within two hours",
        &["nj.rate", "nj.distinct", "nj.chain", "nj.ticket", "nj.target", "nj.watched", "nj.novelty", "nj.shift"],
    )
}

/// Colleagues at the same site, at work that day, report suspicious calls before the theft.
fn report_calls(planner: &mut Planner<'_>, draft: &mut Draft, victim: usize, day: i32, theft_ms: i64) {
    let site = planner.person(victim).site;
    let people = 0..planner.world.company.people.len();
    let called: Vec<usize> = people.filter(|it| *it != victim && planner.person(*it).site == site).collect();
    for _ in 0..planner.rng.random_range(2..5) {
        let Some(&who) = called.get(planner.rng.random_range(0..called.len().max(1))) else { break };
        let Some(duty) = planner.world.duty(who, day) else { continue };
        let at_ms = theft_ms - planner.rng.random_range(20 * MINUTE_MS..5 * HOUR_MS);
        let mut told = Draft::new();
        told.add(at_ms, who, duty.session, Action::SecurityReport, Tool::Idp, Subject::Nothing).extra =
            Extra::Report("vishing_call");
        draft.witnesses.extend(told.acts);
    }
}

/// Okta/Sitel, January 2022: a new factor from a new place, and within 25 minutes the rights are used.
pub(super) fn new_device_then_tool(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(|it| matches!(it.role, Role::ItAdmin | Role::Sre | Role::Security))?;
    let day = planner.recorded_day();
    let session = planner.stranger(who);
    let start_ms = planner.world.local_ms(who, day, planner.rng.random_range(17 * 60..26 * 60));
    let mut draft = Draft::new();
    let mut at_ms = start_ms;
    draft.add(at_ms, who, session, Action::Login, Tool::Idp, Subject::Nothing);
    at_ms += planner.rng.random_range(MINUTE_MS..3 * MINUTE_MS);
    draft.add(at_ms, who, session, Action::MfaEnroll, Tool::Idp, Subject::Nothing);
    at_ms += planner.rng.random_range(4 * MINUTE_MS..14 * MINUTE_MS);
    draft.add(at_ms, who, session, Action::Login, Tool::AdminPanel, Subject::Nothing);
    for _ in 0..planner.rng.random_range(4..9) {
        at_ms += planner.rng.random_range(20_000..80_000);
        let victim = planner.rng.random_range(0..planner.world.company.people.len()) as u32;
        let subject = Subject::Actor(crate::act::ActorIndex(victim));
        let action = if planner.rng.random_bool(0.6) { Action::PasswordReset } else { Action::SessionRevoke };
        draft.add(at_ms, who, session, action, Tool::AdminPanel, subject);
    }
    draft.finish(
        "new_device_then_tool",
        AttackGroup::Loud,
        "a factor is enrolled from a new computer abroad, and within 25 minutes colleagues' passwords are reset",
        &["nj.novelty", "nj.travel", "nj.shift", "nj.rate", "nj.ticket", "nj.distinct"],
    )
}

/// AT&T, T-Mobile: a script in an agent's session, requests milliseconds apart.
pub(super) fn machine_speed(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(|it| matches!(it.role, Role::SupportT1 | Role::SupportT2) && !it.is_vip_desk)?;
    let duty = planner.duty(who)?;
    let mut at_ms = planner.moments(&duty, 1)[0];
    let mut draft = Draft::new();
    for _ in 0..planner.rng.random_range(120..300) {
        let account = planner.ordinary();
        draft.on(at_ms, who, duty.session, Action::AccountLookup, account);
        at_ms += planner.rng.random_range(18..140);
    }
    draft.finish(
        "machine_speed",
        AttackGroup::Loud,
        "a script in an agent's own session looks up hundreds of accounts within seconds",
        &["nj.rate", "nj.distinct", "nj.ticket"],
    )
}

/// Okta support, autumn 2023; Robinhood: a program that never did so takes customers' records out.
pub(super) fn service_bulk_report(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let kind = [ServiceKind::Monitor, ServiceKind::Deploy, ServiceKind::Media][number % 3];
    let (actor, place) = planner.world.company.service_of(kind, number as u32);
    let day = planner.recorded_day();
    let mut at_ms = planner.world.calendar.day_ms(day) + planner.rng.random_range(HOUR_MS..20 * HOUR_MS);
    let session = session_of(actor, place);
    let mut draft = Draft::new();
    for _ in 0..planner.rng.random_range(110..180) {
        let account = planner.ordinary();
        let act = draft.on(at_ms, actor.0 as usize, session, Action::CustomerExport, account);
        act.extra = Extra::Rows(20 + (at_ms % 900) as u32);
        (act.reason, act.outcome) = (Some(Reason::Analysis), Outcome::Success);
        at_ms += planner.rng.random_range(4_000..30_000);
    }
    draft.finish(
        "service_bulk_report",
        AttackGroup::Loud,
        "a service account that never touched customers exports the records of more than a hundred",
        &["nj.novelty", "nj.rate", "nj.distinct", "nj.entitlement", "nj.ticket"],
    )
}
