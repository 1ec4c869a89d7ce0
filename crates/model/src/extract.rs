//! The roles of one event, read from its JSON or its decoded values through a source mapping. Off the hot path: for alerts and explanations.

use crate::alert::{ActorRef, OriginRef, TargetRef};
use crate::source::{Outcome, RolePaths, SourceMapping};
use crate::{EventTime, SlotId, Value};
use serde_json::Value as Json;
use std::cell::Cell;
use uuid::Uuid;

/// What a mapping finds in an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extracted {
    /// When it happened; `None` when there is no time or it can't be read.
    pub time: Option<EventTime>,
    /// The event's own identifier; see [`derived_id`] for events without one.
    pub id: Option<String>,
    /// Who acted. The identifier is empty when the event names nobody.
    pub actor: ActorRef,
    /// The actor's IANA time zone.
    pub zone: Option<String>,
    /// What was done, or empty.
    pub action: String,
    /// The tool it was done with.
    pub tool: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// What it was done to.
    pub target: Option<TargetRef>,
    /// Where it came from.
    pub origin: OriginRef,
}

/// Reads every role of `mapping` from an event.
pub fn extract(mapping: &SourceMapping, json: &Json) -> Extracted {
    let event = Wrapped { root: json, envelopes: &mapping.envelopes };
    extracted(mapping, &mapping.roles, |paths| event.text(paths), target(&event, &mapping.roles))
}

/// The same from decoded values. `None` where only the whole event tells: a role may have a better value in another place than the
/// decoder's, which knows of presence and not of `null` and empty texts, and in lists kind and name must be those of one target.
pub fn extract_decoded(mapping: &SourceMapping, roles: &RolePaths<Option<SlotId>>, values: &[Value<'_>]) -> Option<Extracted> {
    let is_certain = Cell::new(true);
    let value = |slot: &Option<SlotId>| slot.map_or(Value::Null, |it| values[it.index()]);
    let text = |slots: &[Option<SlotId>]| {
        slots.iter().map(value).find_map(|it| match it {
            Value::Missing => None,
            Value::Text(text) if !text.is_empty() => Some(text.to_owned()),
            Value::Escaped(_) | Value::Number(_) | Value::Bool(_) => Some(text_of(&it.to_json())),
            _ => {
                is_certain.set(false);
                None
            }
        })
    };
    let target = text(&roles.target).map(|id| {
        let tags = roles.target_tags.iter().map(value).find(Value::is_present).unwrap_or_default();
        if matches!(tags, Value::Null | Value::Within { .. }) {
            is_certain.set(false);
        }
        TargetRef { id, kind: text(&roles.target_type), label: text(&roles.target_label), tags: texts_of(&tags.to_json()) }
    });
    Some(extracted(mapping, roles, text, target)).filter(|_| is_certain.get())
}

fn extracted<P>(
    mapping: &SourceMapping,
    roles: &RolePaths<P>,
    text: impl Fn(&[P]) -> Option<String>,
    target: Option<TargetRef>,
) -> Extracted {
    Extracted {
        time: text(&roles.time).and_then(|it| EventTime::read(&it)),
        id: text(&roles.id),
        actor: ActorRef {
            id: text(&roles.actor).unwrap_or_default(),
            // Some sources put a login there that may or may not be an address.
            email: text(&roles.actor_email).filter(|it| it.contains('@')),
            kind: text(&roles.actor_type),
            role: text(&roles.actor_role),
            team: text(&roles.actor_team),
        },
        zone: text(&roles.zone),
        action: text(&roles.action).unwrap_or_default(),
        tool: text(&roles.tool),
        outcome: mapping.outcome(text(&roles.outcome).as_deref()),
        target,
        origin: OriginRef {
            ip: text(&roles.source_ip),
            country: text(&roles.source_country),
            device: text(&roles.device),
            session: text(&roles.session),
        },
    }
}

/// The identifier of an event that brings none: a version 5 UUID of its bytes without the white space around them, so that the same
/// event has the same identifier from a file, with either line ending, and from Kafka.
pub fn derived_id(line: &str) -> String {
    const EVENTS: Uuid = Uuid::from_u128(0x2f0c_5a6e_93b1_4d57_8c1d_7be4_60a9_f312);
    Uuid::new_v5(&EVENTS, line.trim_ascii().as_bytes()).to_string()
}

/// The value at a dotted path: nested objects, arrays on the way (the first element that has the rest of the path), and keys that are
/// themselves dotted (several segments of the path as one key).
pub fn lookup<'j>(json: &'j Json, path: &str) -> Option<&'j Json> {
    let mut search = Search { path, pinned: &[], taken: Vec::new(), accept: |it| Some(it) };
    search.descend(json, Some(0))
}

/// Most different values of one field that are shown.
const SHOWN_MAX: usize = 20;

/// What is at `path` of an event, for people: in lists the different values of all elements, the first [`SHOWN_MAX`] of them.
pub fn shown(json: &Json, path: &str) -> Option<Json> {
    let mut found = Vec::new();
    collect(json, Some(path), &mut found);
    match found.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        several => Some(several.iter().copied().cloned().collect()),
    }
}

/// Finds the values that matching finds too: a key that is the whole rest of the path where nothing is below its first part.
fn collect<'j>(json: &'j Json, rest: Option<&str>, found: &mut Vec<&'j Json>) {
    let Some(rest) = rest else {
        if found.len() < SHOWN_MAX && !found.contains(&json) {
            found.push(json);
        }
        return;
    };
    match json {
        Json::Array(elements) => elements.iter().for_each(|it| collect(it, Some(rest), found)),
        Json::Object(fields) => {
            let before = found.len();
            if let Some((key, below)) = rest.split_once('.')
                && let Some(nested) = fields.get(key)
            {
                collect(nested, Some(below), found);
            }
            if found.len() == before
                && let Some(value) = fields.get(rest)
            {
                collect(value, None, found);
            }
        }
        _ => {}
    }
}

fn target(event: &Wrapped<'_>, roles: &RolePaths) -> Option<TargetRef> {
    let id = event.first(&roles.target, &[])?;
    // Where targets are a list, kind and name must be those of the target that was taken.
    let beside = |paths: &[String]| event.first(paths, &id.taken).map(|it| text_of(it.value));
    let tags = roles.target_tags.iter().find_map(|path| event.find(path, &id.taken, |it| Some(it))).map(|it| texts_of(it.value));
    Some(TargetRef {
        kind: beside(&roles.target_type),
        label: beside(&roles.target_label),
        tags: tags.unwrap_or_default(),
        id: text_of(id.value),
    })
}

/// An event that may be wrapped under one of some keys.
struct Wrapped<'j> {
    root: &'j Json,
    envelopes: &'j [String],
}

/// A value that was found, and the array elements it was found in.
struct Found<'j, 'p> {
    value: &'j Json,
    taken: Vec<Element<'p>>,
}

/// Element number `at` of the array at `path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Element<'p> {
    path: &'p str,
    at: usize,
}

impl<'j> Wrapped<'j> {
    fn find<'p>(&self, path: &'p str, pinned: &[Element<'p>], accept: Accept) -> Option<Found<'j, 'p>> {
        let inner = self.envelopes.iter().filter_map(|it| self.root.get(it)).filter(|it| it.is_object());
        std::iter::once(self.root).chain(inner).find_map(|json| {
            let mut search = Search { path, pinned, taken: Vec::new(), accept };
            let value = search.descend(json, Some(0))?;
            Some(Found { value, taken: search.taken })
        })
    }

    /// The first path with a scalar that is neither `null` nor the empty text.
    fn first<'p>(&self, paths: &'p [String], pinned: &[Element<'p>]) -> Option<Found<'j, 'p>> {
        paths.iter().find_map(|path| self.find(path, pinned, filled))
    }

    fn text(&self, paths: &[String]) -> Option<String> {
        self.first(paths, &[]).map(|it| text_of(it.value))
    }
}

/// Picks what counts as a value at the end of a path.
type Accept = for<'j> fn(&'j Json) -> Option<&'j Json>;

/// The scalar itself, or the first one of an array.
fn filled(json: &Json) -> Option<&Json> {
    match json {
        Json::Null | Json::Object(_) => None,
        Json::String(text) if text.is_empty() => None,
        Json::Array(elements) => elements.iter().find_map(filled),
        scalar => Some(scalar),
    }
}

/// One walk down a path, remembering which array elements it went through.
struct Search<'p, 'c> {
    path: &'p str,
    pinned: &'c [Element<'p>],
    taken: Vec<Element<'p>>,
    accept: Accept,
}

impl Search<'_, '_> {
    /// Goes on below `json` with the part of the path that begins at byte `at`; `None` is the end of the path.
    fn descend<'j>(&mut self, json: &'j Json, at: Option<usize>) -> Option<&'j Json> {
        let Some(at) = at else { return (self.accept)(json) };
        match json {
            Json::Array(elements) => self.descend_array(elements, at),
            Json::Object(fields) => {
                let rest = &self.path[at..];
                let mut ends = rest.match_indices('.').map(|(it, _)| it);
                let found = ends.find_map(|end| self.descend(fields.get(&rest[..end])?, Some(at + end + 1)));
                found.or_else(|| self.descend(fields.get(rest)?, None))
            }
            _ => None,
        }
    }

    fn descend_array<'j>(&mut self, elements: &'j [Json], at: usize) -> Option<&'j Json> {
        let path = &self.path[..at];
        let is_other = |it: usize| self.pinned.iter().any(|pin| pin.path == path && pin.at != it);
        for (number, element) in elements.iter().enumerate().filter(|(it, _)| !is_other(*it)).collect::<Vec<_>>() {
            self.taken.push(Element { path, at: number });
            if let Some(value) = self.descend(element, Some(at)) {
                return Some(value);
            }
            self.taken.pop();
        }
        None
    }
}

fn text_of(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn texts_of(json: &Json) -> Vec<String> {
    match json {
        Json::Array(elements) => elements.iter().filter_map(filled).map(text_of).collect(),
        other => filled(other).map(text_of).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
