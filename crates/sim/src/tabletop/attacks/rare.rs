//! A single thing, or a few, each of which could be right.

use rand::RngExt as _;

use super::Planned;
use super::planner::{Draft, HOUR_MS, MINUTE_MS, Planner, is_agent, is_second_line};
use crate::accounts::Accounts;
use crate::act::{ActorIndex, Extra, Session, Subject, Ticket};
use crate::service::{ServiceKind, session_of};
use crate::tabletop::calendar::Gap;
use crate::tabletop::labels::AttackGroup;
use crate::vocabulary::{Action, LOG_SINK, Reason, Role, Tool, datasets_for};

/// Twitter, 2 November 2017: on the last day at work a protected account is switched off.
pub(super) fn protected_action(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let first = planner.world.calendar.attacks_from_day;
    let leaver = planner.cast_any(|world, index| {
        let person = &world.company.people[index];
        let is_last_recorded =
            person.leaves_day.is_some_and(|last| (first..world.calendar.days).contains(&last) && world.duty(index, last).is_some());
        is_agent(person) && is_last_recorded
    });
    // In a small company it may be somebody who has not told yet.
    let who = leaver.or_else(|| planner.cast(is_agent))?;
    let duty = match planner.person(who).leaves_day.and_then(|last| planner.world.duty(who, last)) {
        Some(duty) => duty,
        None => planner.duty(who)?,
    };
    let at_ms = *planner.moments(&duty, 3).last()?;
    let account = planner.protected();
    let mut draft = Draft::new();
    draft.on(at_ms, who, duty.session, Action::AccountLookup, account);
    draft.on(at_ms + planner.rng.random_range(15_000..60_000), who, duty.session, Action::Deactivate, account);
    draft.finish(
        "protected_action",
        AttackGroup::Rare,
        "somebody on the last day at work switches a protected account off",
        &["nj.target", "nj.watched", "nj.novelty", "nj.ticket", "nj.rate.edit"],
    )
}

/// What was promised to be deleted is still looked at.
pub(super) fn deleted_access(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(is_agent)?;
    let duty = planner.duty(who)?;
    let mut draft = Draft::new();
    let looks = planner.rng.random_range(4..12);
    for at_ms in planner.moments(&duty, looks) {
        let account = planner.world.company.accounts.any_deleted(&mut planner.rng);
        draft.look(planner, at_ms, who, duty.session, account, None);
    }
    draft.finish(
        "deleted_access",
        AttackGroup::Rare,
        "an agent looks at accounts after their deletion",
        &["nj.target", "nj.ticket"],
    )
}

/// Twitter 2019: data given for security is used for advertising.
pub(super) fn wrong_purpose(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(|it| it.role == Role::AdsAnalyst)?;
    let from = planner.day(10);
    let days = planner.rng.random_range(2..5);
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, days) {
        let queries = planner.rng.random_range(2..6);
        for at_ms in planner.moments(&duty, queries) {
            let dataset = Subject::Dataset(datasets_for("security").start + 1);
            let action = if planner.rng.random_bool(0.3) { Action::DataExport } else { Action::DataQuery };
            let rows = Extra::Rows(planner.rng.random_range(2_000..9_000));
            draft.add(at_ms, who, duty.session, action, Tool::DataWarehouse, dataset).extra = rows;
        }
    }
    draft.finish(
        "wrong_purpose",
        AttackGroup::Rare,
        "an advertising analyst uses phone numbers that were given for two-factor authentication",
        &["nj.purpose", "nj.entitlement", "nj.target", "nj.novelty", "nj.rate"],
    )
}

/// A log is switched off, and for hours nothing is heard of production.
pub(super) fn silent_source(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(|it| matches!(it.role, Role::Sre | Role::Engineer))?;
    let duty = planner.duty(who)?;
    let at_ms = planner.moments(&duty, 1)[0];
    let mut draft = Draft::new();
    draft.add(at_ms, who, duty.session, Action::LogSinkDisable, Tool::ProdAccess, Subject::Setting(LOG_SINK));
    let until_ms = at_ms + planner.rng.random_range(3 * HOUR_MS..7 * HOUR_MS);
    let silence = Gap { tool: Some(Tool::ProdAccess), from_ms: at_ms + 1, until_ms };
    let attack = draft.finish(
        "silent_source",
        AttackGroup::Rare,
        "a log sink is switched off without a ticket, and production access falls silent for hours",
        &["nj.source", "nj.novelty", "nj.rate.admin", "nj.ticket"],
    )?;
    Some(Planned { gaps: vec![silence], ..attack })
}

/// An administrator gives himself a role and uses it.
pub(super) fn self_privilege(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(|it| it.role == Role::ItAdmin)?;
    let duty = planner.duty(who)?;
    let mut at_ms = planner.moments(&duty, 1)[0];
    let oneself = ActorIndex(who as u32);
    let mut draft = Draft::new();
    let grant = Extra::Grant { role: Role::TrustSafety, grantee: oneself };
    draft.add(at_ms, who, duty.session, Action::RoleGrant, Tool::AdminPanel, Subject::Actor(oneself)).extra = grant;
    for _ in 0..planner.rng.random_range(3..9) {
        at_ms += planner.rng.random_range(MINUTE_MS..6 * MINUTE_MS);
        let account = planner.ordinary();
        let action = if planner.rng.random_bool(0.4) { Action::DmRead } else { Action::AccountLookup };
        draft.on(at_ms, who, duty.session, action, account);
    }
    draft.finish(
        "self_privilege",
        AttackGroup::Rare,
        "an administrator grants himself a role and reads customers' messages with it",
        &["nj.novelty", "nj.entitlement", "nj.ticket", "nj.rate", "nj.target"],
    )
}

/// A program's credentials in a person's hands.
pub(super) fn service_by_hand(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let kind = [ServiceKind::Deploy, ServiceKind::Etl, ServiceKind::Fraud][number % 3];
    let (actor, place) = planner.world.company.service_of(kind, number as u32);
    let insider = planner.cast(|it| matches!(it.role, Role::Sre | Role::Engineer))?;
    let duty = planner.duty(insider)?;
    let is_remote = number.is_multiple_of(2);
    let hands = if is_remote { planner.stranger(insider).place } else { duty.session.place };
    let session = Session { place: hands, id: u32::MAX - 5_000 - number as u32, ..session_of(actor, place) };
    let mut at_ms = planner.moments(&duty, 1)[0];
    let host = Subject::Host(planner.rng.random_range(0..400));
    let who = actor.0 as usize;
    let mut draft = Draft::new();
    draft.add(at_ms, who, session, Action::ProdLogin, Tool::ProdAccess, host);
    for _ in 0..planner.rng.random_range(4..12) {
        at_ms += planner.rng.random_range(6_000..50_000);
        let command = Extra::Command(planner.rng.random_range(0..8));
        draft.add(at_ms, who, session, Action::ProdCommand, Tool::ProdAccess, host).extra = command;
    }
    draft.finish(
        "service_by_hand",
        AttackGroup::Rare,
        "a service account is used by hand, from a laptop",
        &["nj.novelty", "nj.travel", "nj.rate.admin", "nj.entitlement", "nj.ticket"],
    )
}

/// Work at night that looks like work by day: own laptop, sound tickets, but nobody is on duty.
pub(super) fn off_shift(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(|it| is_second_line(it) && it.shift == crate::Shift::Day)?;
    let day = planner.recorded_day();
    let place = planner.world.place(who, day, true);
    let session = Session { id: planner.world.session_id(who, day) ^ 1, auth: planner.person(who).auth, place };
    // In the small hours, on the person's own clock.
    let start_ms = planner.world.local_ms(who, day, 25 * 60 + planner.rng.random_range(0..150));
    let mut draft = Draft::new();
    let mut at_ms = draft.sign_in(planner, start_ms, who, session, 0, Tool::AgentConsole);
    for _ in 0..planner.rng.random_range(6..14) {
        let account = planner.ordinary();
        let row = planner.sound_ticket(who, account, at_ms);
        let ticket = Some(Ticket { queue: row.queue, number: row.number });
        draft.tickets.push(row);
        draft.look(planner, at_ms, who, session, account, ticket);
        at_ms += planner.rng.random_range(40_000..150_000);
        let act = draft.on(at_ms, who, session, Action::PasswordReset, account);
        (act.ticket, act.reason) = (ticket, Some(Reason::CompromisedAccount));
        at_ms += planner.rng.random_range(MINUTE_MS..5 * MINUTE_MS);
    }
    draft.finish(
        "off_shift",
        AttackGroup::Rare,
        "an agent of the day shift resets customers' passwords in the small hours",
        &["nj.shift", "nj.rate", "nj.distinct"],
    )
}

/// An identity whose owner has been on leave for weeks wakes up.
pub(super) fn dormant_account(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast_any(|world, index| world.ways[index].is_dormant())?;
    let day = planner.recorded_day();
    let session = planner.stranger(who);
    let start_ms = planner.world.local_ms(who, day, planner.rng.random_range(8 * 60..20 * 60));
    let mut draft = Draft::new();
    let mut at_ms = draft.sign_in(planner, start_ms, who, session, 1, Tool::AgentConsole);
    for _ in 0..planner.rng.random_range(6..15) {
        let account = planner.ordinary();
        draft.look(planner, at_ms, who, session, account, None);
        at_ms += planner.rng.random_range(30_000..150_000);
    }
    draft.finish(
        "dormant_account",
        AttackGroup::Rare,
        "the identity of somebody who has been on leave for weeks looks at customers from abroad",
        &["nj.shift", "nj.novelty", "nj.travel", "nj.ticket", "nj.rate", "nj.distinct"],
    )
}

/// Somebody who has given notice takes data along.
pub(super) fn leaver_export(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let first = planner.world.calendar.attacks_from_day;
    let leaver = planner.cast_any(|world, index| {
        let last = world.company.people[index].leaves_day;
        last.is_some_and(|last| (first + 3..world.calendar.days).contains(&last))
    });
    let who = leaver.or_else(|| planner.cast(|it| it.role == Role::DataAnalyst))?;
    let from = planner.person(who).leaves_day.map_or_else(|| planner.day(4), |last| (last - 5).max(first));
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, 3) {
        let exports = planner.rng.random_range(2..6);
        for at_ms in planner.moments(&duty, exports) {
            let dataset = Subject::Dataset(planner.rng.random_range(datasets_for("product")));
            let rows = Extra::Rows(planner.rng.random_range(4_000..40_000));
            draft.add(at_ms, who, duty.session, Action::DataExport, Tool::DataWarehouse, dataset).extra = rows;
        }
    }
    draft.finish(
        "leaver_export",
        AttackGroup::Rare,
        "somebody who leaves within days exports data sets",
        &["nj.rate.export", "nj.novelty", "nj.ticket", "nj.entitlement", "nj.roster"],
    )
}

/// An agent looks at a colleague's private account.
pub(super) fn self_dealing(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let who = planner.cast(is_agent)?;
    let site = planner.person(who).site;
    let people = &planner.world.company.people;
    let colleagues: Vec<_> = Accounts::of_employees()
        .filter(|(_, person)| people.get(*person).is_some_and(|it| it.site == site) && *person != who)
        .collect();
    let (account, _) = *colleagues.get(planner.rng.random_range(0..colleagues.len().max(1)))?;
    let from = planner.day(8);
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, 3) {
        let at_ms = planner.moments(&duty, 1)[0];
        draft.look(planner, at_ms, who, duty.session, account, None);
        draft.on(at_ms + 40_000, who, duty.session, Action::ViewPhone, account);
    }
    draft.finish(
        "self_dealing",
        AttackGroup::Rare,
        "an agent looks at the private account of a colleague",
        &["nj.target", "nj.ticket"],
    )
}
