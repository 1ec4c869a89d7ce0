//! Computed values beside the line of their event, for those events that something follows from: they are read again for alerts, perhaps much
//! later and elsewhere, when what was computed can't be computed any more.
//!
//! Behind the line stands a byte that no line has, then `name=kind value` for each field, with such a byte between them.

use super::Field;
use model::{SlotId, Value};
use std::fmt::Write;

/// A control character, which JSON does not have as it stands (RFC 8259, section 7).
const MARK: char = '\x1e';
const BETWEEN: char = '\x1f';

/// A computed value that was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note<'n> {
    pub(crate) name: &'n str,
    pub(crate) value: Value<'n>,
}

/// Appends the values of these computed fields of an event to `out`. Nothing, if it has none.
pub(crate) fn noted(fields: &[(SlotId, Field)], values: &[Value<'_>], out: &mut String) {
    for &(slot, field) in fields {
        let (kind, text) = match values[slot.index()] {
            Value::Bool(true) => ('b', "true"),
            Value::Bool(false) => ('b', "false"),
            Value::Number(text) => ('n', text),
            Value::Text(text) => ('t', text),
            _ => continue,
        };
        begin(field.name(), kind, out);
        out.push_str(text);
    }
}

/// Begins with the note of a field; its value has to follow.
pub(super) fn begin(name: &str, kind: char, out: &mut String) {
    let _ = write!(out, "{BETWEEN}{name}={kind}");
}

/// A line behind which more can be noted, whether or not anything is.
pub(crate) fn with_notes(line: &str) -> String {
    let mut text = line.to_owned();
    if !line.contains(MARK) {
        text.push(MARK);
    }
    text
}

/// Puts `notes` behind a line.
pub(crate) fn join(line: &str, notes: &str, out: &mut String) {
    out.clear();
    out.push_str(line);
    out.push(MARK);
    out.push_str(notes);
}

/// The line, and what stands behind it.
pub(crate) fn split(line: &str) -> (&str, impl Iterator<Item = Note<'_>> + Clone) {
    // Only a noted line has the byte, and it has it after the line.
    let (line, notes) = line.rsplit_once(MARK).unwrap_or((line, ""));
    (line, notes.split(BETWEEN).filter_map(note))
}

fn note(text: &str) -> Option<Note<'_>> {
    let (name, rest) = text.split_once('=')?;
    let mut characters = rest.chars();
    let kind = characters.next()?;
    let text = characters.as_str();
    let value = match kind {
        'b' => Value::Bool(text == "true"),
        'n' => Value::Number(text),
        't' => Value::Text(text),
        _ => return None,
    };
    Some(Note { name, value })
}
