//! Which atoms of a field hold for the value in an event: the one place where predicates meet values.

use super::computed::{Clock, related};
use crate::compile::{Field, FieldAtoms, FieldSource, Program};
use model::{Event, FieldPath, Value};
use serde_json::Value as Json;
use std::fmt::Write;

/// Buffers that are reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The atoms that hold.
    pub(super) set: Vec<u64>,
    lower: String,
    text: String,
}

impl Scratch {
    /// Works out the set of atoms of `field` that hold in `event`.
    pub(super) fn atoms_that_hold(&mut self, program: &Program, field: &Field, event: &Event<'_>, clock: &mut Clock) {
        let atoms = &field.atoms;
        self.set.clear();
        self.set.resize(atoms.words(), 0);
        match &field.source {
            FieldSource::Slot(slot) => self.value(atoms, event.value(*slot), program.schema.projection.path(*slot)),
            FieldSource::TimePart(slot, part) => {
                if let Some(number) = clock.part(program, event, *slot, *part) {
                    self.text.clear();
                    let _ = write!(self.text, "{number}");
                    atoms.hold_for_text(&self.text, &mut self.lower, &mut self.set);
                }
            }
            FieldSource::Related(left, right, relation, cased) => {
                let holds = related(event.value(*left), event.value(*right), *relation, *cased);
                atoms.hold_for_text(if holds { "true" } else { "false" }, &mut self.lower, &mut self.set);
            }
            FieldSource::Keywords => self.keywords(atoms, event.line),
        }
    }

    fn value(&mut self, atoms: &FieldAtoms, value: Value<'_>, path: &FieldPath) {
        match value {
            Value::Missing => return atoms.hold_for_null(&mut self.set),
            Value::Null => atoms.hold_for_null(&mut self.set),
            Value::Text(text) | Value::Number(text) => self.text(atoms, text),
            Value::Bool(is_true) => self.text(atoms, if is_true { "true" } else { "false" }),
            Value::Escaped(raw) => self.text(atoms, &model::value::unescape(raw)),
            Value::Object(_) => {}
            Value::Array(raw) => {
                // The slow path: arrays are rare among the fields that rules test, and their classes are cached.
                if let Ok(json) = serde_json::from_str::<Json>(raw) {
                    self.json(atoms, &json);
                }
            }
            Value::Within { array, depth } => {
                let Ok(json) = serde_json::from_str::<Json>(array) else { return };
                let rest: Vec<&str> = path.segments().skip(usize::from(depth)).collect();
                let mut found = Vec::new();
                descend(&json, &rest, &mut found);
                if found.is_empty() {
                    return atoms.hold_for_null(&mut self.set);
                }
                found.into_iter().for_each(|it| self.json(atoms, it));
            }
        }
        atoms.hold_for_presence(&mut self.set);
    }

    fn text(&mut self, atoms: &FieldAtoms, text: &str) {
        atoms.hold_for_text(text, &mut self.lower, &mut self.set);
    }

    /// An array holds what any of its elements holds.
    fn json(&mut self, atoms: &FieldAtoms, json: &Json) {
        match json {
            Json::Null => atoms.hold_for_null(&mut self.set),
            Json::Bool(is_true) => self.text(atoms, if *is_true { "true" } else { "false" }),
            Json::Number(number) => self.text(atoms, &number.to_string()),
            Json::String(text) => self.text(atoms, text),
            Json::Array(elements) => elements.iter().for_each(|it| self.json(atoms, it)),
            Json::Object(_) => {}
        }
    }

    /// Keywords are looked for in every string, number and boolean of the event, whatever its field.
    fn keywords(&mut self, atoms: &FieldAtoms, line: &str) {
        let Ok(json) = serde_json::from_str::<Json>(line) else { return };
        let mut pending = vec![&json];
        while let Some(json) = pending.pop() {
            match json {
                Json::Object(fields) => pending.extend(fields.values()),
                Json::Array(elements) => pending.extend(elements),
                scalar => self.json(atoms, scalar),
            }
        }
        atoms.hold_for_presence(&mut self.set);
    }
}

/// Every value at the rest of a path below `json`, arrays walked through.
fn descend<'j>(json: &'j Json, rest: &[&str], found: &mut Vec<&'j Json>) {
    match (json, rest) {
        (Json::Array(elements), [_, ..]) => elements.iter().for_each(|it| descend(it, rest, found)),
        (_, []) => found.push(json),
        (Json::Object(fields), [key, below @ ..]) => {
            if let Some(inner) = fields.get(*key) {
                descend(inner, below, found);
            }
            // A flattened key: the rest of the path as one literal key.
            if !below.is_empty()
                && let Some(inner) = fields.get(rest.join(".").as_str())
            {
                found.push(inner);
            }
        }
        _ => {}
    }
}
