//! What the keeper of an event's target is told of the event.

use super::{Facts, Input};
use crate::context::purpose::TicketVerdict;
use crate::windows::Identity as Hash;
use baseline::observation::{Family, Identity, Step};
use baseline::targets::{TargetClass, Touch};
use model::source::Outcome;
use serde::{Deserialize, Serialize};

/// An event that has a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighted {
    pub(crate) touch: Touch,
    /// Whether it counts: people do something to the target, and they are let. Of anything else it is only said what is known.
    pub(crate) is_counted: bool,
}

impl Facts<'_> {
    /// What is told of the event to whoever keeps its target. `None` without a target or an actor.
    pub(in crate::computed) fn sighted(&mut self) -> Option<Sighted> {
        let (target, actor) = (self.known(Input::Target)?, self.known(Input::Actor)?);
        let second = u32::try_from(self.at_ms.div_euclid(1_000)).ok()?;
        let class = self.class();
        let family = Family::ALL[class.family_index()];
        let watched = self.context.things.watched(self.target(), self.at_ms);
        let tier = watched.and_then(|it| self.context.names.text(it.tier)).and_then(hash);
        let kind = self.known(Input::TargetType);
        let is_watched = watched.is_some();
        let step = class.step.map(|it| [Step::ContactChange, Step::FactorOff, Step::Reset][usize::from(it)]);
        let is_counted = family != Family::Other && self.outcome() == Outcome::Success && !self.actor().is_service;
        let touch = Touch {
            target,
            class: TargetClass {
                kind: kind.map_or(0, Identity::get),
                // One that is on a list without tiers is of a class of its own as well.
                tier: tier.map_or(u64::from(is_watched), Identity::get),
            },
            is_watched,
            actor,
            second,
            family,
            step: step.filter(|_| is_counted),
            has_ticket: self.is_ticketed(),
        };
        Some(Sighted { touch, is_counted })
    }

    /// Whether a ticket that fits is named; nothing where none is expected. For how many targets it was used is not asked: that is known
    /// only where the actor's events are.
    fn is_ticketed(&mut self) -> Option<bool> {
        if !self.needs_ticket() {
            return None;
        }
        let is_named = !self.text(Input::Ticket).trim().is_empty();
        let fits = |it| matches!(it, TicketVerdict::Ok | TicketVerdict::Reused);
        Some(is_named && self.ticket_verdict().is_none_or(fits))
    }
}

fn hash(text: &str) -> Option<Identity> {
    if text.is_empty() { None } else { Identity::new(Hash::of([text]).0[0].max(1)) }
}
