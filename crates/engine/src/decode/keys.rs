//! The keys a decoder knows: those on the way to a projected field, and others that it met, which tend to come again.

use super::table::{Key, Table};
use model::{FieldPath, Projection, SlotId};

/// A key of one object: an index into [`Keys`].
pub(super) type NodeId = u32;

/// The node that stands for the whole line.
pub(super) const ROOT: NodeId = 0;

/// Most keys learned beyond the projected ones; keys beyond that are validated and skipped.
const LEARNED_MAX: usize = 4_096;

/// Most keys learned in one object, so that objects used as maps do not use up [`LEARNED_MAX`].
const LEARNED_PER_OBJECT_MAX: usize = 128;

/// Longest key that is learned.
const LEARNED_KEY_BYTES_MAX: usize = 128;

/// Most segments of a path whose dots may stand in keys in any combination. In longer ones only what is left of the path after nested
/// objects may be one key.
const DOTTED_SEGMENTS_MAX: usize = 6;

/// A key in its object.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The key, unescaped.
    key: Box<str>,
    /// The node of the object that has the key.
    pub(super) parent: NodeId,
    /// How many containers are open around the value.
    pub(super) depth: usize,
    /// The fields whose value this is.
    pub(super) targets: Vec<Target>,
    /// Where `targets` say that the value goes, said briefly.
    pub(super) keep: Keep,
    /// The fields that lie deeper, should the value be an array.
    pub(super) within: Vec<Within>,
    children: Table,
    tracked_children: usize,
    learned_children: usize,
}

impl Node {
    /// The key, unescaped.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// Where the value of a key goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Keep {
    #[default]
    Nowhere,
    In(SlotId),
    /// Into several fields, or into one that may have a better value.
    ByTargets,
}

/// A field and when it may be written.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) slot: SlotId,
    /// What has precedence if it is in the same event: places outside of an envelope, or in one that comes before.
    pub(super) better: Vec<NodeId>,
    /// Other places beside this one that must not be in the same event: the field would have two values.
    pub(super) rivals: Vec<NodeId>,
}

/// A field whose path leads through an array.
#[derive(Debug, Clone)]
pub(super) struct Within {
    pub(super) slot: SlotId,
    pub(super) better: Vec<NodeId>,
    /// Where in the elements the field may stand.
    pub(super) places: Vec<NodeId>,
    /// How many segments of the path lead to the array.
    pub(super) depth: u8,
}

/// A tree of keys: projected ones first, in the order of the projection, then learned ones.
#[derive(Debug)]
pub(super) struct Keys {
    nodes: Vec<Node>,
    /// Nodes below this are on the way to a projected field.
    tracked: NodeId,
    /// Keys that were met and not learned, because a limit was reached.
    pub(super) refused: usize,
}

impl Keys {
    /// The keys on the way to the fields of `projection`: at the root, then below each envelope. In each of these places, a dot of a path
    /// goes into an object or is part of a key.
    pub(super) fn new(projection: &Projection) -> Self {
        let mut keys = Self { nodes: vec![Node::default()], tracked: 0, refused: 0 };
        let envelopes: Vec<_> = projection.envelopes().iter().map(|it| keys.add_nested(ROOT, it)).collect();
        for (index, path) in projection.paths().iter().enumerate() {
            // Nobody vouches for himself: what the engine computes is not taken from the event.
            if path.is_computed() {
                continue;
            }
            let slot = SlotId(u16::try_from(index).expect("a projection has at most FIELDS_MAX fields"));
            let mut better = Vec::new();
            keys.add_field(ROOT, path, slot, &mut better);
            for &base in &envelopes {
                keys.add_field(base, path, slot, &mut better);
            }
        }
        for node in &mut keys.nodes {
            node.keep = match &node.targets[..] {
                [] => Keep::Nowhere,
                [target] if target.better.is_empty() && target.rivals.is_empty() => Keep::In(target.slot),
                _ => Keep::ByTargets,
            };
        }
        keys.tracked = keys.next_id();
        keys
    }

    /// Forgets what was learned.
    pub(super) fn forget(&mut self) {
        self.refused = 0;
        self.nodes.truncate(self.tracked as usize);
        for node in &mut self.nodes {
            node.children = Table::default();
            node.learned_children = 0;
        }
        for id in 1..self.tracked {
            let (parent, key) = (self.node(id).parent, self.node(id).key.clone());
            self.nodes[parent as usize].children.insert(Key::new(&key), id);
        }
    }

    #[inline(always)]
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// How many nodes are on the way to a projected field; they have the lowest numbers.
    pub(super) fn tracked(&self) -> NodeId {
        self.tracked
    }

    /// Whether a projected field may lie below `id`.
    pub(super) fn has_tracked_children(&self, id: NodeId) -> bool {
        self.node(id).tracked_children > 0
    }

    /// The node of a key in an object.
    #[inline(always)]
    pub(super) fn find(&self, object: NodeId, key: Key<'_>) -> Option<NodeId> {
        self.node(object).children.get(key, |it| &self.node(it).key)
    }

    /// A node for a key that the object does not have yet, unless a limit is reached.
    pub(super) fn learn(&mut self, object: NodeId, key: Key<'_>) -> Option<NodeId> {
        let is_full = self.nodes.len() >= self.tracked as usize + LEARNED_MAX
            || self.node(object).learned_children >= LEARNED_PER_OBJECT_MAX
            || key.text().len() > LEARNED_KEY_BYTES_MAX;
        if is_full {
            self.refused += 1;
            return None;
        }
        self.nodes[object as usize].learned_children += 1;
        Some(self.add(object, key.text()))
    }

    fn next_id(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).expect("a projection has at most FIELDS_MAX paths, and what is learned has a limit")
    }

    fn add(&mut self, object: NodeId, key: &str) -> NodeId {
        let id = self.next_id();
        let depth = self.node(object).depth + 1;
        self.nodes.push(Node { key: key.into(), parent: object, depth, ..Node::default() });
        self.nodes[object as usize].children.insert(Key::new(key), id);
        id
    }

    fn add_tracked(&mut self, object: NodeId, key: &str) -> NodeId {
        self.find(object, Key::new(key)).unwrap_or_else(|| {
            self.nodes[object as usize].tracked_children += 1;
            self.add(object, key)
        })
    }

    fn add_nested(&mut self, base: NodeId, path: &FieldPath) -> NodeId {
        path.segments().fold(base, |object, segment| self.add_tracked(object, segment))
    }

    /// Adds the places below `base` at which the field may stand. `better` are those with precedence over them, and grows by them.
    fn add_field(&mut self, base: NodeId, path: &FieldPath, slot: SlotId, better: &mut Vec<NodeId>) {
        let mut form = Form { slot, better, is_long: path.segments().count() > DOTTED_SEGMENTS_MAX, places: Vec::new() };
        self.add_places(base, path.as_str(), 0, &mut form);
        let Form { places, .. } = form;
        for (at, &node) in places.iter().enumerate() {
            let (better, rivals) = (better.clone(), places[..at].to_vec());
            self.nodes[node as usize].targets.push(Target { slot, better, rivals });
        }
        better.extend(places);
    }

    /// Adds the places below `object` at which the rest of a path may stand, the nested form first; `depth` segments lead to `object`.
    fn add_places(&mut self, object: NodeId, rest: &str, depth: u8, form: &mut Form<'_>) {
        for (taken, (end, _)) in (1_u8..).zip(rest.match_indices('.')) {
            if form.is_long && taken > 1 {
                break;
            }
            let node = self.add_tracked(object, &rest[..end]);
            let (depth, before) = (depth.saturating_add(taken), form.places.len());
            self.add_places(node, &rest[end + 1..], depth, form);
            let (better, places) = (form.better.to_vec(), form.places[before..].to_vec());
            self.nodes[node as usize].within.push(Within { slot: form.slot, better, places, depth });
        }
        form.places.push(self.add_tracked(object, rest));
    }
}

/// A field on its way into the tree.
struct Form<'f> {
    slot: SlotId,
    better: &'f [NodeId],
    is_long: bool,
    /// Where it may stand, so far.
    places: Vec<NodeId>,
}
