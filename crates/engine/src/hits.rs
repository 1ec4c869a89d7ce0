//! From an event to its hits: the group it belongs to and the values that are counted or measured.

use crate::small_text::SmallText;
use crate::windows::{Hit, Identity};
use model::{Event, EventTime, SlotId, Value};
use sigma::ast::CorrelationKind;
use sigma::compile::{CorrelationIndex, Program};
use sigma::matcher::{each_text, number};

/// Most groups of one event, most of its values, and most of both together, all combinations of several arrays counted. That there
/// were more is counted.
const VALUES_MAX: usize = 1_000;

/// What a correlation wants of an event.
pub(crate) struct Wanted<'w> {
    pub(crate) correlation: CorrelationIndex,
    /// As which of its rules the event comes in.
    pub(crate) step: u16,
    pub(crate) group: &'w [SlotId],
    pub(crate) values: &'w [SlotId],
    /// The texts of fields of which only one element is meant: what the alert of a correlation below is about.
    pub(crate) pinned: &'w [Share],
}

/// A field of a group, and the text that the events of the group share in it.
pub(crate) type Share = (SlotId, String);

/// What a hit says of its event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signature {
    pub(crate) event: SmallText,
    /// Empty where the group is the actor: the triggering event names it.
    pub(crate) actor: SmallText,
}

/// Shows every hit that an event is: one for each of its groups, or one for each of its values in each of them. None when it lacks a
/// field of the group or what is counted.
pub(crate) fn each_hit(
    program: &Program,
    wanted: &Wanted<'_>,
    event: &Event<'_>,
    time: EventTime,
    sign: impl FnOnce() -> Signature,
    mut show: impl FnMut(Hit),
) {
    let Groups { first: Some(group), others, is_cut } = Groups::of(program, wanted, event) else { return };
    let Signature { event: id, actor } = sign();
    let value = Identity::default();
    let hit = Hit { correlation: wanted.correlation, step: wanted.step, time, group, value, event: id, actor };
    let mut values = Values { program, wanted, event, left: VALUES_MAX, is_cut };
    if is_cut {
        show(Hit { value: Identity::of_the_rest(), ..hit.clone() });
    }
    for group in others {
        values.each(Hit { group, ..hit.clone() }, false, &mut show);
    }
    values.each(hit, true, &mut show);
}

/// The values of an event that a correlation counts or measures.
struct Values<'v, 'e> {
    program: &'v Program,
    wanted: &'v Wanted<'v>,
    event: &'v Event<'e>,
    /// How many more are looked at.
    left: usize,
    /// Whether there were more groups or values.
    is_cut: bool,
}

impl Values<'_, '_> {
    /// Shows the hits of the event in the group of `hit`.
    fn each(&mut self, hit: Hit, is_last: bool, show: &mut impl FnMut(Hit)) {
        let (program, wanted, event) = (self.program, self.wanted, self.event);
        let was_cut = self.is_cut;
        match &program.rules.correlations[wanted.correlation.0 as usize].kind {
            CorrelationKind::EventCount | CorrelationKind::TemporalOrdered => return show(hit),
            CorrelationKind::Temporal => return show(hit.with_step_as_value()),
            CorrelationKind::ValueCount(_) => {
                if let Some(text) = one_text(wanted.values, event)
                    && self.take()
                {
                    return show(Hit { value: Identity::default().then(text), ..hit });
                }
                combine(program, event, wanted.values, &[], Identity::default(), &mut |value| {
                    let is_shown = self.take();
                    if is_shown {
                        show(Hit { value, ..hit.clone() });
                    }
                    is_shown
                });
            }
            _ => {
                let [slot] = wanted.values else { return };
                each_text(event.value(*slot), program.schema.projection.path(*slot), &mut |text| {
                    if let Some(number) = number(text).filter(|_| self.take()) {
                        show(Hit { value: Identity::of_number(Some(number)), ..hit.clone() });
                    }
                });
                // The last of its groups says it for all.
                if is_last && self.left == VALUES_MAX {
                    show(Hit { value: Identity::of_number(None), ..hit.clone() });
                }
            }
        }
        if self.is_cut && !was_cut {
            show(Hit { value: Identity::of_the_rest(), ..hit });
        }
    }

    fn take(&mut self) -> bool {
        let is_room = self.left > 0;
        self.is_cut |= !is_room;
        self.left = self.left.saturating_sub(1);
        is_room
    }
}

/// The groups that an event belongs to: one for each combination of one value per field.
struct Groups {
    first: Option<Identity>,
    /// Different from each other and from the first.
    others: Vec<Identity>,
    /// Whether there were more.
    is_cut: bool,
}

impl Groups {
    #[inline]
    fn of(program: &Program, wanted: &Wanted<'_>, event: &Event<'_>) -> Self {
        match one_text(wanted.group, event).filter(|_| wanted.pinned.is_empty()) {
            Some(text) => Self { first: Some(Identity::default().then(text)), others: Vec::new(), is_cut: false },
            None => Self::combined(program, wanted, event),
        }
    }

    fn combined(program: &Program, wanted: &Wanted<'_>, event: &Event<'_>) -> Self {
        let mut groups = Self { first: None, others: Vec::new(), is_cut: false };
        // Windows of an actor are where its events are, and a list names no actor.
        let actor = program.schema.roles.actor.first().filter(|it| wanted.group.contains(it));
        if actor.is_some_and(|it| event.value(*it).text().is_none()) {
            return groups;
        }
        combine(program, event, wanted.group, wanted.pinned, Identity::default(), &mut |group| {
            groups.is_cut = groups.others.len() + 1 >= VALUES_MAX;
            match groups.first {
                _ if groups.is_cut => {}
                None => groups.first = Some(group),
                Some(_) => groups.others.push(group),
            }
            !groups.is_cut
        });
        groups.others.sort_unstable();
        groups.others.dedup();
        groups.others.retain(|it| Some(*it) != groups.first);
        groups
    }
}

/// The text of the only one of `slots`, if it has just one: nearly always it is so.
#[inline]
fn one_text<'e>(slots: &[SlotId], event: &Event<'e>) -> Option<&'e str> {
    match *slots {
        [slot] if let Value::Text(text) = event.value(slot) => Some(text),
        _ => None,
    }
}

/// Most combinations that are tried to find out which of an event's groups one is.
const TRIED_MAX: usize = 100_000;

/// What the events of `group` share in the fields `slots`, as `event`, which belongs to it, has it. Off the hot path: for what fires.
pub(crate) fn shares(program: &Program, event: &Event<'_>, slots: &[SlotId], group: Identity) -> Vec<Share> {
    let texts = |slot: &SlotId| {
        let mut texts = Vec::new();
        each_text(event.value(*slot), program.schema.projection.path(*slot), &mut |it| texts.push(it.to_owned()));
        texts.truncate(VALUES_MAX);
        texts
    };
    let texts: Vec<Vec<String>> = slots.iter().map(texts).collect();
    let mut taken = vec![0; slots.len()];
    let is_known = texts.iter().all(|it| it.len() == 1);
    for _ in 0..TRIED_MAX {
        let Some(chosen) = taken.iter().zip(&texts).map(|(at, of)| of.get(*at)).collect::<Option<Vec<_>>>() else { break };
        if is_known || Identity::of(&chosen) == group {
            return slots.iter().copied().zip(chosen.into_iter().cloned()).collect();
        }
        // The next combination, in the order of `combine`.
        let Some(next) = (0..slots.len()).rev().find(|&at| taken[at] + 1 < texts[at].len()) else { break };
        taken[next] += 1;
        taken[next + 1..].fill(0);
    }
    slots.iter().copied().zip(texts.into_iter().map(|it| it.into_iter().next().unwrap_or_default())).collect()
}

/// Shows the identity of each combination of one value per field, while `show` wants more. Allocates for arrays only.
fn combine(
    program: &Program,
    event: &Event<'_>,
    slots: &[SlotId],
    pinned: &[Share],
    before: Identity,
    show: &mut dyn FnMut(Identity) -> bool,
) -> bool {
    let Some((&slot, rest)) = slots.split_first() else { return show(before) };
    if let Some((_, text)) = pinned.iter().find(|(it, _)| *it == slot) {
        return combine(program, event, rest, pinned, before.then(text), show);
    }
    let mut goes_on = true;
    each_text(event.value(slot), program.schema.projection.path(slot), &mut |text| {
        goes_on = goes_on && combine(program, event, rest, pinned, before.then(text), show);
    });
    goes_on
}
