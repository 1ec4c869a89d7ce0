//! Names of fields and the set of them that somebody needs.

use std::fmt;

/// How the names of the fields begin that the engine computes. No event has them: what stands under such a name in its bytes is not read.
pub const COMPUTED_PREFIX: &str = "nj.";

/// A dotted path to a field, such as `actor.id`. Each segment is a key of a nested object; arrays on the way are walked through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Box<str>);

impl FieldPath {
    /// The path as written in rules.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the name of a field that the engine computes.
    pub fn is_computed(&self) -> bool {
        self.0.starts_with(COMPUTED_PREFIX)
    }

    /// The keys from the outside in. A path without a dot has one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a field's value stands in an event: an index into [`crate::Event::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u16);

impl SlotId {
    /// The index into the values of an event.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The fields that loaded rules and roles need, each with its slot; known at load time, so that decoding touches nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    paths: Vec<FieldPath>,
    envelopes: Vec<FieldPath>,
}

impl Projection {
    /// Most fields that a projection may hold.
    pub const FIELDS_MAX: usize = u16::MAX as usize;

    /// An empty projection over events that may come wrapped under one of `envelopes` (`event` in `{"label":0,"event":{…}}`).
    pub fn with_envelopes(envelopes: Vec<FieldPath>) -> Self {
        Self { paths: Vec::new(), envelopes }
    }

    /// The slot of `path`, which is added when it is new. `None` when [`Self::FIELDS_MAX`] is reached.
    pub fn intern(&mut self, path: &FieldPath) -> Option<SlotId> {
        if let Some(slot) = self.slot(path) {
            return Some(slot);
        }
        let slot = u16::try_from(self.paths.len()).ok().filter(|&it| usize::from(it) < Self::FIELDS_MAX)?;
        self.paths.push(path.clone());
        Some(SlotId(slot))
    }

    /// The slot of `path`, if it is projected.
    pub fn slot(&self, path: &FieldPath) -> Option<SlotId> {
        let at = self.paths.iter().position(|it| it == path)?;
        u16::try_from(at).ok().map(SlotId)
    }

    /// The path behind a slot.
    pub fn path(&self, slot: SlotId) -> &FieldPath {
        &self.paths[slot.index()]
    }

    /// All projected paths in slot order.
    pub fn paths(&self) -> &[FieldPath] {
        &self.paths
    }

    /// Keys under which the whole event may be wrapped. A field is found at the root or under any of them.
    pub fn envelopes(&self) -> &[FieldPath] {
        &self.envelopes
    }

    /// How many slots an event has.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether nothing is projected.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}
