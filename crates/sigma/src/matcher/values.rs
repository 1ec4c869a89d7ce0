//! Which atoms of a field hold for the value in an event: the one place where predicates meet values.

use super::computed::{Clock, related};
use super::json::{Members, member, scalars};
use crate::compile::{Field, FieldAtoms, FieldSource, Program, TextScratch};
use model::{Event, FieldPath, Value};
use std::fmt::Write;

/// Buffers that are reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The atoms that hold.
    pub(super) set: Vec<u64>,
    search: TextScratch,
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
                for number in clock.parts(program, event, *slot, *part) {
                    self.text.clear();
                    let _ = write!(self.text, "{number}");
                    atoms.hold_for_text(&self.text, &mut self.search, &mut self.set);
                }
            }
            FieldSource::Related(left, right, relation, cased) => {
                let holds = related(program, event, (*left, *right), *relation, *cased);
                atoms.hold_for_text(if holds { "true" } else { "false" }, &mut self.search, &mut self.set);
            }
            FieldSource::Keywords => self.keywords(atoms, event.line),
        }
    }

    /// Makes the set that of the atoms of keywords which may hold in `line`.
    pub(super) fn atoms_that_may_hold(&mut self, atoms: &FieldAtoms, line: &str) {
        self.set.clear();
        self.set.resize(atoms.words(), 0);
        atoms.may_hold_in_line(line, &mut self.search, &mut self.set);
    }

    fn value(&mut self, atoms: &FieldAtoms, value: Value<'_>, path: &FieldPath) {
        match value {
            Value::Missing => return atoms.hold_for_null(&mut self.set),
            Value::Within { array, depth } => {
                let rest: Vec<&str> = path.segments().skip(usize::from(depth)).collect();
                let mut is_missing = true;
                descend(Value::Array(array), &rest, &mut |it| {
                    is_missing = false;
                    self.any(atoms, it);
                });
                if is_missing {
                    return atoms.hold_for_null(&mut self.set);
                }
            }
            other => self.any(atoms, other),
        }
        atoms.hold_for_presence(&mut self.set);
    }

    /// An array holds what any of its elements holds.
    fn any(&mut self, atoms: &FieldAtoms, value: Value<'_>) {
        match value {
            Value::Null => atoms.hold_for_null(&mut self.set),
            Value::Text(text) | Value::Number(text) => self.text(atoms, text),
            Value::Bool(is_true) => self.text(atoms, if is_true { "true" } else { "false" }),
            Value::Escaped(raw) => self.text(atoms, &model::value::unescape(raw)),
            Value::Array(raw) => Members::of(raw).for_each(|(_, it)| self.any(atoms, it)),
            Value::Missing | Value::Object(_) | Value::Within { .. } => {}
        }
    }

    fn text(&mut self, atoms: &FieldAtoms, text: &str) {
        atoms.hold_for_text(text, &mut self.search, &mut self.set);
    }

    /// Keywords are looked for in every string, number and boolean of the event, whatever its field.
    fn keywords(&mut self, atoms: &FieldAtoms, line: &str) {
        scalars(line, &mut |it| self.any(atoms, it));
        atoms.hold_for_presence(&mut self.set);
    }
}

/// Shows every value of a field as text: a scalar, each element of an array, the field of each object of an array on the way there.
/// What is missing, `null` or an object is none. Allocates only for paths into arrays and for strings with escapes.
pub fn each_text(value: Value<'_>, path: &FieldPath, show: &mut dyn FnMut(&str)) {
    each_value(value, path, &mut |it| it.text().iter().for_each(|it| show(it)));
}

/// Calls `visit` with every value of a field that is no array: those in arrays and at the end of paths through them instead.
pub(super) fn each_value<'v>(value: Value<'v>, path: &FieldPath, visit: &mut dyn FnMut(Value<'v>)) {
    match value {
        Value::Array(raw) => Members::of(raw).for_each(|(_, it)| each_value(it, path, visit)),
        Value::Within { array, depth } => {
            let rest: Vec<&str> = path.segments().skip(usize::from(depth)).collect();
            descend(Value::Array(array), &rest, &mut |it| each_value(it, path, visit));
        }
        other => visit(other),
    }
}

/// Calls `visit` with every value at the rest of a path below `value`, arrays walked through.
fn descend<'j>(value: Value<'j>, rest: &[&str], visit: &mut impl FnMut(Value<'j>)) {
    match (value, rest) {
        (Value::Array(raw), [_, ..]) => Members::of(raw).for_each(|(_, it)| descend(it, rest, visit)),
        (_, []) => visit(value),
        (Value::Object(raw), [key, below @ ..]) => {
            if let Some(inner) = member(raw, key) {
                descend(inner, below, visit);
            }
            // A flattened key: several segments as one literal key.
            for taken in 2..=rest.len() {
                if let Some(inner) = member(raw, &rest[..taken].join(".")) {
                    descend(inner, &rest[taken..], visit);
                }
            }
        }
        _ => {}
    }
}
