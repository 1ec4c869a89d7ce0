//! Reads events again that made something fire, this time with all that alerts show of them: off the hot path, which reads what rules need.

use crate::computed::split;
use crate::decode::{Decoder, Limits, Lines, pad};
use crate::reader::recycled;
use hashbrown::HashMap;
use model::extract::{Extracted, extract, extract_decoded, lookup, shown};
use model::path::COMPUTED_PREFIX;
use model::source::{RolePaths, SourceMapping};
use model::{Event, EventTime, FieldPath, SlotId, Value};
use serde_json::Value as Json;
use sigma::compile::Program;
use std::cell::OnceCell;
use std::sync::Arc;

/// Reads events of any source. What it learns changes how fast it is, never what it finds.
#[derive(Debug, Default)]
pub(crate) struct Rereader {
    /// By the number of the source; made when the first of its events fires something.
    views: Vec<Option<View>>,
}

/// How the events of one source are read again.
#[derive(Debug)]
struct View {
    decoder: Decoder,
    /// What reads the program's fields alone, once that was needed.
    own: Option<Decoder>,
    /// The fields: those of the program in their order, then those of the roles and those that rules want to be shown.
    slots: HashMap<Box<str>, SlotId>,
    roles: RolePaths<Option<SlotId>>,
    /// The name of the source's mapping.
    source: Arc<str>,
    bytes: Vec<u8>,
    values: Vec<Value<'static>>,
}

impl Rereader {
    /// Reads `line`, behind which may stand what was computed of it, and shows it to `then`.
    pub(crate) fn read(&mut self, program: &Program, source: u16, line: &str, then: impl FnOnce(&Reread<'_>)) {
        let (line, computed) = split(line);
        let at = usize::from(source);
        if self.views.len() <= at {
            self.views.resize_with(at + 1, || None);
        }
        let View { decoder, own, slots, roles, source: name, bytes, values: kept } =
            self.views[at].get_or_insert_with(|| View::new(program));
        bytes.clear();
        bytes.extend_from_slice(line.as_bytes());
        let payload = pad(bytes);
        let mut values = recycled(std::mem::take(kept));
        values.resize(slots.len(), Value::Missing);
        let mut lines = Lines::new(bytes, payload);
        let read = lines.as_mut().and_then(|it| decoder.next(it, &mut values));
        let is_read = read.is_some_and(|it| it.outcome.is_ok());
        // Where only alerts read what makes a line no event, the correlations above still have to see it.
        let projection = &program.schema.projection;
        let is_decoded = is_read || {
            values.fill(Value::Missing);
            let decoder = own.get_or_insert_with(|| Decoder::new(projection, limits()));
            let mut lines = Lines::new(bytes, payload);
            lines.as_mut().and_then(|it| decoder.next(it, &mut values)).is_some_and(|it| it.outcome.is_ok())
        };
        for note in computed.clone() {
            if let Some(slot) = slots.get(note.name) {
                values[slot.index()] = note.value;
            }
        }
        let computed: Vec<(&str, Value<'_>)> = computed.map(|it| (it.name, it.value)).collect();
        let decoded = is_decoded.then(|| &values[..projection.len()]);
        let values_read = is_read.then_some(values.as_slice());
        let mapping = &program.schema.mapping;
        then(&Reread { mapping, source: name, line, slots, roles, decoded, values: values_read, computed, json: OnceCell::new() });
        *kept = recycled(values);
    }
}

impl View {
    fn new(program: &Program) -> Self {
        let mut projection = program.schema.projection.clone();
        let mut slots: HashMap<Box<str>, SlotId> =
            (0..).zip(projection.paths()).map(|(at, path)| (path.as_str().into(), SlotId(at))).collect();
        let mut slot = |path: &str| {
            let known = slots.get(path).copied();
            let slot = known.or_else(|| projection.intern(&FieldPath::new(path)))?;
            slots.insert(path.into(), slot);
            Some(slot)
        };
        let roles = program.schema.mapping.roles.map(|it| slot(it));
        let set = &program.rules;
        let fed = set.rules.iter().zip(&program.trees).filter(|(_, tree)| tree.is_some()).map(|(rule, _)| &rule.info);
        let infos = fed.chain(set.correlations.iter().map(|it| &it.info));
        for field in infos.flat_map(|it| &it.fields) {
            slot(field);
        }
        let (decoder, source) = (Decoder::new(&projection, limits()), program.schema.mapping.name.as_str().into());
        Self { decoder, own: None, slots, roles, source, bytes: Vec::new(), values: Vec::new() }
    }
}

/// A line was not too long when it was read first.
fn limits() -> Limits {
    Limits { line_bytes_max: usize::MAX, ..Limits::default() }
}

/// An event that was read again.
pub(crate) struct Reread<'r> {
    mapping: &'r SourceMapping,
    /// The name of the source's mapping.
    pub(crate) source: &'r Arc<str>,
    pub(crate) line: &'r str,
    slots: &'r HashMap<Box<str>, SlotId>,
    roles: &'r RolePaths<Option<SlotId>>,
    /// The values of the program's fields.
    decoded: Option<&'r [Value<'r>]>,
    /// `None` for an event with a key twice that only alerts read: then of two values the last one counts.
    values: Option<&'r [Value<'r>]>,
    /// What was computed of it.
    computed: Vec<(&'r str, Value<'r>)>,
    /// The whole event, for what the values don't tell.
    json: OnceCell<Json>,
}

impl Reread<'_> {
    /// The event with the values of the program's fields, and no time.
    pub(crate) fn decoded(&self) -> Option<Event<'_>> {
        Some(Event { time: EventTime::default(), values: self.decoded?, line: self.line })
    }

    /// Who did what to what.
    pub(crate) fn roles(&self) -> Extracted {
        let decoded = self.values.and_then(|it| extract_decoded(self.mapping, self.roles, it));
        decoded.unwrap_or_else(|| extract(self.mapping, self.json()))
    }

    /// A field of the event, in its envelope if it has one.
    pub(crate) fn lookup(&self, path: &str) -> Option<Json> {
        if path.starts_with(COMPUTED_PREFIX) {
            return self.computed.iter().find(|(name, _)| *name == path).map(|(_, value)| value.to_json());
        }
        let value = self.values.and_then(|it| Some(it[self.slots.get(path)?.index()]));
        match value {
            Some(Value::Missing) => None,
            None | Some(Value::Within { .. }) => {
                let envelopes = &self.mapping.envelopes;
                let json = self.json();
                shown(json, path).or_else(|| envelopes.iter().find_map(|it| shown(lookup(json, it)?, path)))
            }
            Some(value) => Some(value.to_json()),
        }
    }

    /// The decoder has accepted the line, so that it parses; should the two ever disagree, the alert comes out poorer, not later.
    fn json(&self) -> &Json {
        self.json.get_or_init(|| model::value::parse(self.line).unwrap_or(Json::Null))
    }
}

#[cfg(test)]
mod tests;
