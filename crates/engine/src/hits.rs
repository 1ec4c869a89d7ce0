//! From an event to its hits: the group it belongs to and the values that are counted or measured.

use crate::small_text::SmallText;
use crate::windows::{Hit, Identity};
use model::{Event, EventTime, SlotId, Value};
use sigma::ast::CorrelationKind;
use sigma::compile::{CorrelationIndex, Program};
use sigma::matcher::{each_text, number};

/// Most values of one event that are looked at, all combinations of several arrays counted. That there were more is counted.
const VALUES_MAX: usize = 1_000;

/// What a correlation wants of an event.
pub(crate) struct Wanted<'w> {
    pub(crate) correlation: CorrelationIndex,
    /// As which of its rules the event comes in.
    pub(crate) step: u16,
    pub(crate) group: &'w [SlotId],
    pub(crate) values: &'w [SlotId],
}

/// What a hit says of its event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signature {
    pub(crate) event: SmallText,
    /// Empty where the group is the actor: the triggering event names it.
    pub(crate) actor: SmallText,
}

/// Shows every hit that an event is: one, or one for each value. None when it lacks a field of the group or what is counted.
pub(crate) fn each_hit(
    program: &Program,
    wanted: &Wanted<'_>,
    event: &Event<'_>,
    time: EventTime,
    sign: impl FnOnce() -> Signature,
    mut show: impl FnMut(Hit),
) {
    let Some(group) = group_of(event, wanted.group) else { return };
    let kind = &program.rules.correlations[wanted.correlation.0 as usize].kind;
    let Signature { event: id, actor } = sign();
    let mut hit =
        Hit { correlation: wanted.correlation, step: wanted.step, time, group, value: Identity::default(), event: id, actor };
    match kind {
        CorrelationKind::EventCount | CorrelationKind::TemporalOrdered => show(hit),
        CorrelationKind::Temporal => show(hit.with_step_as_value()),
        CorrelationKind::ValueCount(_) => {
            let mut count = 0;
            combine(program, event, wanted.values, Identity::default(), &mut |value| {
                count += 1;
                if count <= VALUES_MAX {
                    show(Hit { value, ..hit.clone() });
                }
                count <= VALUES_MAX
            });
            if count > VALUES_MAX {
                show(Hit { value: Identity::of_the_rest(), ..hit });
            }
        }
        _ => {
            let (mut count, mut numbers) = (0, 0);
            if let [slot] = wanted.values {
                each_text(event.value(*slot), program.schema.projection.path(*slot), &mut |text| {
                    count += 1;
                    if let Some(number) = number(text).filter(|_| count <= VALUES_MAX) {
                        numbers += 1;
                        show(Hit { value: Identity::of_number(Some(number)), ..hit.clone() });
                    }
                });
            }
            if count > VALUES_MAX {
                show(Hit { value: Identity::of_the_rest(), ..hit });
            } else if numbers == 0 {
                hit.value = Identity::of_number(None);
                show(hit);
            }
        }
    }
}

/// The identity of the values of some fields; `None` if one has no value.
fn group_of(event: &Event<'_>, slots: &[SlotId]) -> Option<Identity> {
    let mut identity = Identity::default();
    for &slot in slots {
        let value = event.value(slot);
        identity = match value {
            Value::Missing | Value::Null => return None,
            Value::Array(raw) | Value::Object(raw) | Value::Within { array: raw, .. } => identity.then(raw),
            scalar => identity.then(&scalar.text()?),
        };
    }
    Some(identity)
}

/// Shows the identity of each combination of one value per field, while `show` wants more. Allocates for arrays only.
fn combine(
    program: &Program,
    event: &Event<'_>,
    slots: &[SlotId],
    before: Identity,
    show: &mut dyn FnMut(Identity) -> bool,
) -> bool {
    let Some((&slot, rest)) = slots.split_first() else { return show(before) };
    let mut goes_on = true;
    each_text(event.value(slot), program.schema.projection.path(slot), &mut |text| {
        goes_on = goes_on && combine(program, event, rest, before.then(text), show);
    });
    goes_on
}
