//! An audit event as the engine sees it: its time and the values of the projected fields.

use crate::{EventTime, FieldPath, Projection, SlotId, SourceMapping, Value};

/// One decoded event. Everything is borrowed from the block of lines it was decoded from.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// When it happened, by its own account.
    pub time: EventTime,
    /// The value of each projected field, by [`SlotId`].
    pub values: &'a [Value<'a>],
    /// The event's whole JSON text.
    pub line: &'a str,
}

impl<'a> Event<'a> {
    /// The value of a projected field.
    pub fn value(&self, slot: SlotId) -> Value<'a> {
        self.values[slot.index()]
    }

    /// The first of `slots` that has a text, number or boolean other than the empty text.
    #[inline]
    pub fn first(&self, slots: &[SlotId]) -> Value<'a> {
        first(self.values, slots)
    }
}

/// The first of `slots` that has a text, number or boolean other than the empty text; `Missing` if none has.
#[inline]
pub fn first<'a>(values: &[Value<'a>], slots: &[SlotId]) -> Value<'a> {
    let is_filled = |it: &Value<'_>| match it {
        Value::Text(text) | Value::Escaped(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
        _ => false,
    };
    slots.iter().map(|&it| values[it.index()]).find(is_filled).unwrap_or(Value::Missing)
}

/// The slots of the roles that the engine itself reads; for each, candidates in order of preference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// When the event happened.
    pub time: Box<[SlotId]>,
    /// The event's own identifier.
    pub id: Box<[SlotId]>,
    /// Who acted.
    pub actor: Box<[SlotId]>,
    /// What was done.
    pub action: Box<[SlotId]>,
    /// The actor's time zone (an IANA name).
    pub zone: Box<[SlotId]>,
}

/// Where the pulse of a source is in its events ([`crate::source::PulsePaths`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulseSlots {
    /// Which stream an event is of.
    pub stream: Box<[SlotId]>,
    /// Its number among those of its emitter.
    pub number: Box<[SlotId]>,
    /// Who numbers.
    pub emitter: Box<[SlotId]>,
    /// What tells a canary.
    canary: Box<[SlotId]>,
    canary_value: Box<str>,
}

impl PulseSlots {
    /// Whether an event is a canary: nobody's doing, sent to see whether it arrives.
    #[inline]
    pub fn is_canary(&self, values: &[Value<'_>]) -> bool {
        !self.canary.is_empty() && first(values, &self.canary).text().is_some_and(|it| self.matches(&it))
    }

    fn matches(&self, text: &str) -> bool {
        match self.canary_value.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => *text == *self.canary_value,
        }
    }
}

/// How to decode the events of one source: the fields to keep and where the roles are among them.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The mapping that it was made from.
    pub mapping: SourceMapping,
    /// The fields to keep.
    pub projection: Projection,
    /// Where the roles are.
    pub roles: Roles,
    /// Where the pulse is.
    pub pulse: PulseSlots,
}

impl Schema {
    /// The roles of `mapping` and nothing else; rules add their fields to [`Schema::projection`].
    pub fn of(mapping: SourceMapping) -> Self {
        let envelopes = mapping.envelopes.iter().map(|it| FieldPath::new(it.as_str())).collect();
        let mut projection = Projection::with_envelopes(envelopes);
        let mut slots = |paths: &[String]| {
            paths.iter().filter_map(|it| projection.intern(&FieldPath::new(it.as_str()))).collect::<Box<[SlotId]>>()
        };
        let roles = Roles {
            time: slots(&mapping.roles.time),
            id: slots(&mapping.roles.id),
            actor: slots(&mapping.roles.actor),
            action: slots(&mapping.roles.action),
            zone: slots(&mapping.roles.zone),
        };
        let pulse = mapping.watched_pulse().map_or_else(PulseSlots::default, |it| PulseSlots {
            stream: slots(&it.stream),
            number: slots(&it.number),
            emitter: slots(&it.emitter),
            canary: it.canary.as_ref().map_or_else(Box::default, |it| slots(&it.field)),
            canary_value: it.canary.as_ref().map_or_else(Box::default, |it| it.value.as_str().into()),
        });
        Self { mapping, projection, roles, pulse }
    }
}
