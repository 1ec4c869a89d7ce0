//! Several people, each of whom does little.

use rand::RngExt as _;

use super::Planned;
use super::planner::{Draft, Planner, is_agent, is_second_line};
use crate::tabletop::labels::AttackGroup;
use crate::vocabulary::Action;

/// A celebrity is in the news, and half a dozen agents look.
pub(super) fn crowd(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let (account, day, agents) = (planner.protected(), planner.recorded_day(), planner.rng.random_range(5..10));
    let mut draft = Draft::new();
    for _ in 0..agents {
        let who = planner.cast(is_agent)?;
        let Some((_, duty)) = planner.duties(who, day, 1).pop() else { continue };
        let looks = planner.rng.random_range(1..3);
        for at_ms in planner.moments(&duty, looks) {
            draft.look(planner, at_ms, who, duty.session, account, None);
        }
    }
    draft.finish(
        "crowd",
        AttackGroup::Collusion,
        "several agents look at the same protected account on one day, none of them with a ticket",
        &["nj.target", "nj.watched", "nj.ticket"],
    )
}

/// Twitter, July 2020: one looks the account up, another changes the contact, a third resets the password.
pub(super) fn relay(planner: &mut Planner<'_>, _number: usize) -> Option<Planned> {
    let first = planner.cast(is_second_line)?;
    let duty = planner.duty(first)?;
    let second = planner.cast(is_second_line)?;
    let third = planner.cast(is_second_line)?;
    let helpers = [second, third].map(|it| planner.stranger(it));
    let mut draft = Draft::new();
    let mut at_ms = planner.moments(&duty, 1)[0];
    for _ in 0..planner.rng.random_range(4..9) {
        let account = planner.protected();
        draft.look(planner, at_ms, first, duty.session, account, None);
        for (who, session, action) in [
            (second, helpers[0], Action::ContactChange),
            (second, helpers[0], Action::MfaDisable),
            (third, helpers[1], Action::PasswordReset),
        ] {
            at_ms += planner.rng.random_range(25_000..100_000);
            draft.on(at_ms, who, session, action, account);
        }
        at_ms += planner.rng.random_range(60_000..300_000);
    }
    draft.finish(
        "relay",
        AttackGroup::Collusion,
        "one agent finds accounts, a second identity changes contact and factor, a third resets the password",
        &["nj.chain", "nj.target", "nj.watched", "nj.ticket", "nj.novelty", "nj.rate.credential_change", "nj.travel"],
    )
}
