//! Computed fields that are read from a profile: worked out when a rule that would match otherwise asks for them, which is seldom.

use super::habit::Habit;
use super::{Field, Plan, Texts};
use crate::behaviour::View;
use crate::reader::recycled;
use model::{SlotId, Value};
use sigma::compile::RuleIndex;

/// Scratch for the fields of one event.
#[derive(Debug, Default)]
pub(crate) struct Late {
    values: Vec<Value<'static>>,
    texts: Texts,
    wanted: Vec<(SlotId, Field)>,
}

impl Late {
    /// Shows the event's values with those that the condition of `rule` reads from the profile.
    pub(crate) fn asked_by<T>(
        &mut self,
        plan: &Plan,
        rule: RuleIndex,
        (values, view): (&[Value<'_>], &View<'_>),
        show: impl FnOnce(&[Value<'_>]) -> T,
    ) -> T {
        let Self { values: kept, texts, .. } = self;
        with(kept, texts, plan.asks(rule).iter().copied(), (values, view), show)
    }

    /// Shows the event's values with those that anything may read again of an event that the rules `matched`, and which fields these are.
    pub(crate) fn shown_by<T>(
        &mut self,
        plan: &Plan,
        matched: &[RuleIndex],
        (values, view): (&[Value<'_>], Option<&View<'_>>),
        show: impl FnOnce(&[Value<'_>], &[(SlotId, Field)]) -> T,
    ) -> T {
        let Self { values: kept, texts, wanted } = self;
        wanted.clear();
        for it in matched.iter().flat_map(|rule| plan.shows(*rule)) {
            if !wanted.contains(it) {
                wanted.push(*it);
            }
        }
        let of_profile = |&(slot, field): &(SlotId, Field)| if let Field::Habit(it) = field { Some((slot, it)) } else { None };
        match view {
            Some(view) if wanted.iter().any(|(_, it)| it.is_habit()) => {
                with(kept, texts, wanted.iter().filter_map(of_profile), (values, view), |values| show(values, wanted))
            }
            _ => show(values, wanted),
        }
    }
}

fn with<T>(
    kept: &mut Vec<Value<'static>>,
    texts: &mut Texts,
    fields: impl Iterator<Item = (SlotId, Habit)>,
    (values, view): (&[Value<'_>], &View<'_>),
    show: impl FnOnce(&[Value<'_>]) -> T,
) -> T {
    let mut filled = recycled(std::mem::take(kept));
    filled.extend_from_slice(values);
    texts.clear();
    for (slot, habit) in fields {
        texts.put(slot, habit.value(view), &mut filled);
    }
    texts.show(&mut filled);
    let shown = show(&filled);
    *kept = recycled(filled);
    shown
}
