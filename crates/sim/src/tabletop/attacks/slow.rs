//! A little more than usual, for weeks.

use rand::RngExt as _;
use rand_distr::{Distribution as _, Poisson};

use super::Planned;
use super::planner::{Draft, Planner, is_second_line};
use crate::act::Ticket;
use crate::habits::rhythm_s;
use crate::tabletop::labels::AttackGroup;
use crate::vocabulary::{Action, Role};

/// Longest campaign in working days: the half year of 2014-15.
const DAYS_MAX: usize = 130;
/// What is called months, in days.
const MONTHS_DAYS: i32 = 75;
/// More than so many times the usual work on top of it nobody can do.
const GROWN_MAX: f64 = 3.0;

/// Twitter 2014-15, Yahoo: an engineer with no need for it reads 33 accounts a day in working hours.
pub(super) fn slow_breadth(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let who = planner.cast(|it| matches!(it.role, Role::Engineer | Role::Sre))?;
    // As early as can be: what is slow needs time.
    let from = planner.world.calendar.attacks_from_day + number as i32 % 5;
    let daily = Poisson::new(33.0).expect("a positive mean");
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, DAYS_MAX) {
        let looks = daily.sample(&mut planner.rng) as usize;
        for at_ms in planner.moments(&duty, looks) {
            let account = planner.ordinary();
            draft.on(at_ms, who, duty.session, Action::AccountLookup, account);
        }
    }
    draft.finish(
        "slow_breadth",
        AttackGroup::Slow,
        "an engineer with no need for it reads about 33 accounts a day in working hours",
        &["nj.distinct", "nj.slow", "nj.rate", "nj.novelty", "nj.entitlement", "nj.ticket"],
    )
}

/// Coinbase 2024-25: a bribed agent copies a few customers a day, under tickets about others.
pub(super) fn slow_exports(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let who = planner.cast(is_second_line)?;
    let from = planner.world.calendar.attacks_from_day + number as i32 % 5;
    let mut draft = Draft::new();
    for (_, duty) in planner.duties(who, from, DAYS_MAX) {
        let taken = planner.rng.random_range(2..7);
        for at_ms in planner.moments(&duty, taken) {
            let (account, other) = (planner.ordinary(), planner.ordinary());
            let row = planner.sound_ticket(who, other, at_ms);
            let ticket = Some(Ticket { queue: row.queue, number: row.number });
            draft.tickets.push(row);
            draft.look(planner, at_ms, who, duty.session, account, ticket);
            let later_ms = at_ms + planner.rng.random_range(30_000..90_000);
            draft.on(later_ms, who, duty.session, Action::CustomerExport, account).ticket = ticket;
        }
    }
    draft.finish(
        "slow_exports",
        AttackGroup::Slow,
        "an agent exports a few customers a day under tickets about other customers",
        &["nj.rate", "nj.distinct", "nj.slow", "nj.ticket"],
    )
}

/// The frog: an agent's own work grows, by 3 % a day or by half at once; every ticket is in order, since an accomplice opens them.
pub(super) fn drift(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let who = planner.cast(|it| it.role == Role::SupportT1)?;
    let from = planner.world.calendar.attacks_from_day + number as i32 % 5;
    let steps = number % 2 == 1;
    let draft = more_work(planner, who, from, |day, usual| {
        usual * if steps { 0.6 } else { (1.03_f64.powi(day - from) - 1.0).min(GROWN_MAX) }
    });
    let attack = draft.finish(
        "drift",
        AttackGroup::Slow,
        "an agent looks at more customers from day to day, each under a ticket that seems in order",
        &["nj.rate", "nj.distinct", "nj.slow"],
    )?;
    Some(Planned { variant: Some(if steps { "step_60_percent" } else { "3_percent_a_day" }), ..attack })
}

/// A little more for months: three tenths on top of an agent's own work, or 33 accounts a day, and every ticket is in order. Only where the
/// exercise leaves months for it.
pub(super) fn more_for_months(planner: &mut Planner<'_>, number: usize) -> Option<Planned> {
    let calendar = &planner.world.calendar;
    if calendar.days - calendar.attacks_from_day < MONTHS_DAYS {
        return None;
    }
    let from = calendar.attacks_from_day + number as i32 % 5;
    let who = planner.cast(|it| it.role == Role::SupportT1)?;
    let is_share = number.is_multiple_of(2);
    let draft = more_work(planner, who, from, |_, usual| if is_share { usual * 0.3 } else { 33.0 });
    let attack = draft.finish(
        "more_for_months",
        AttackGroup::Slow,
        "an agent looks at some more customers a day than before, for months, each under a ticket that seems in order",
        &["nj.rate", "nj.distinct", "nj.slow"],
    )?;
    Some(Planned { variant: Some(if is_share { "30_percent" } else { "33_accounts_a_day" }), ..attack })
}

/// An agent's own work and more of the same, from a day on and until the end; `extra` says how much more on average, of a day and of how much
/// is usual on it.
fn more_work(planner: &mut Planner<'_>, who: usize, from: i32, extra: impl Fn(i32, f64) -> f64) -> Draft {
    let (pause_s, length_s) = rhythm_s(Role::SupportT1);
    let mut draft = Draft::new();
    for (day, duty) in planner.duties(who, from, DAYS_MAX) {
        let hours_s = (duty.end_ms - duty.start_ms) as f64 / 1_000.0;
        let usual = hours_s / (pause_s + length_s) * duty.load * 0.3;
        let mean = extra(day, usual).max(0.01);
        let count = Poisson::new(mean).expect("a positive mean").sample(&mut planner.rng) as usize;
        for at_ms in planner.moments(&duty, count) {
            let account = planner.ordinary();
            let row = planner.sound_ticket(who, account, at_ms);
            let ticket = Some(Ticket { queue: row.queue, number: row.number });
            draft.tickets.push(row);
            draft.look(planner, at_ms, who, duty.session, account, ticket);
        }
    }
    draft
}
