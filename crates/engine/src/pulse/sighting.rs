//! What the pulse looks at of an event.

use model::event::{PulseSlots, first};
use model::{SlotId, Value};
use std::borrow::Cow;

/// Of one event: its stream, its number and who gave it, and whether it is a canary.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'b> {
    stream: Value<'b>,
    number: Option<u64>,
    emitter: Value<'b>,
    /// Whether it is a canary: then nothing else of it counts.
    pub is_canary: bool,
}

impl<'b> Sighting<'b> {
    /// What the values of an event say.
    #[inline]
    pub fn of(slots: &PulseSlots, values: &[Value<'b>]) -> Self {
        let value = |slots: &[SlotId]| if slots.is_empty() { Value::Missing } else { first(values, slots) };
        Self {
            stream: value(&slots.stream),
            number: number(value(&slots.number)),
            emitter: value(&slots.emitter),
            is_canary: slots.is_canary(values),
        }
    }

    /// The name of its stream; empty if it has none.
    #[inline]
    pub fn stream(&self) -> Cow<'b, str> {
        self.stream.text().unwrap_or_default()
    }

    /// Its number, and the name of whoever gave it.
    pub fn number(&self) -> Option<(Cow<'b, str>, u64)> {
        Some((self.emitter.text().unwrap_or_default(), self.number?))
    }
}

fn number(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Number(text) | Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}
