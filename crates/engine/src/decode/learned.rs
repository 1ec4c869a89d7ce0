//! What usually comes next: the bytes between two values, as the grammar passed them before.
//!
//! An edge leads from a [`State`] over literal bytes to the next value. It is sound because the state and these bytes are all that
//! the grammar's way depends on, but for keys that stand twice: so an edge names the tracked keys that it passes.

use super::keys::{Keep, Keys, NodeId};
use super::raw::{Cursor, Guess, Isa, Literal};
use super::walk::State;
use std::cell::Cell;

/// Most edges from one state. More would cost more to try than they save.
const ALTERNATIVES_MAX: usize = 4;

/// Most edges of a decoder, which bounds its memory.
const EDGES_MAX: usize = 8_192;

/// Most tracked keys that one edge passes.
const PASSED_MAX: usize = 3;

/// The edges of a state are left alone when all of them missed so many times more often than in one of [`FORGIVING_LINES`] lines.
const MISSES_MAX: u64 = 16;

/// A miss is forgiven after so many lines. Where edges miss more often, looking up keys is faster.
const FORGIVING_LINES: u64 = 8;

/// For so many lines the edges of such a state are left alone.
const REST_LINES: u64 = 1_024;

type EdgeId = u32;

/// No edge has this number.
const NONE: EdgeId = u32::MAX;

/// The way over literal bytes to the next value.
#[derive(Debug)]
pub(super) struct Edge {
    literal: Literal,
    pub(super) guess: Guess,
    pub(super) to: To,
    pub(super) keep: Keep,
    passed: [NodeId; PASSED_MAX],
    passed_len: u8,
    /// The next edge to try from the same state.
    next: EdgeId,
    /// The edge that was followed last from behind a simple value of this one: it begins at the state that this one then leads to, as
    /// whatever may come to stand in its place does.
    then: Cell<EdgeId>,
}

/// Where an edge ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    /// Behind the opening quote of the node's value.
    Text(NodeId),
    /// Before the node's value.
    Value(NodeId),
    /// Behind the line's object.
    End,
}

impl Edge {
    /// The tracked keys that the edge passes.
    #[inline(always)]
    pub(super) fn passed(&self) -> &[NodeId] {
        &self.passed[..usize::from(self.passed_len)]
    }
}

/// The tracked keys on the way so far.
#[derive(Debug, Default)]
pub(super) struct Passed {
    keys: [NodeId; PASSED_MAX],
    len: usize,
}

impl Passed {
    pub(super) fn push(&mut self, node: NodeId) {
        if let Some(key) = self.keys.get_mut(self.len) {
            *key = node;
        }
        self.len += 1;
    }
}

/// What is known of one state.
#[derive(Debug, Clone)]
struct Place {
    first: EdgeId,
    /// The first edge, while it is left alone.
    resting: EdgeId,
    /// Misses that are not forgiven yet.
    misses: u64,
    last_miss: u64,
}

/// All edges, by the state that they begin at.
#[derive(Debug, Default)]
pub(super) struct Learned {
    edges: Vec<Edge>,
    places: Vec<Place>,
    /// Edges that were met and not learned, because a limit was reached.
    pub(super) refused: usize,
}

fn place(state: State) -> usize {
    let (node, kind) = match state {
        State::Entered(node) => (node, 0),
        State::After(node) => (node, 1),
        State::AfterUnknown(node) => (node, 2),
    };
    3 * node as usize + kind
}

impl Learned {
    /// Nothing, and nothing will be learned, so that every key is looked up.
    #[cfg(test)]
    pub(super) fn nothing_ever() -> Self {
        let resting = Place { first: NONE, resting: 0, misses: 0, last_miss: u64::MAX / 2 };
        Self { places: vec![resting; 30_000], ..Self::default() }
    }

    /// Passes the bytes up to the next value, if they are as they were once. `before` is the edge that led to the state, if what
    /// came behind it was a simple value.
    #[inline(always)]
    pub(super) fn follow<I: Isa>(&self, cursor: &mut Cursor<'_>, state: State, before: Option<&Edge>, isa: I) -> Option<&Edge> {
        if let Some(usual) = before.and_then(|it| self.edges.get(it.then.get() as usize))
            && cursor.eat_literal(isa, &usual.literal)
        {
            return Some(usual);
        }
        let mut id = self.places.get(place(state))?.first;
        loop {
            let edge = self.edges.get(id as usize)?;
            if cursor.eat_literal(isa, &edge.literal) {
                before.inspect(|it| it.then.set(id));
                return Some(edge);
            }
            id = edge.next;
        }
    }

    /// Notes that no edge from `state` led on in `line`. False if there is no use in learning one.
    pub(super) fn miss(&mut self, state: State, line: u64) -> bool {
        let Some(place) = self.places.get_mut(place(state)) else { return true };
        if place.resting != NONE {
            if line < place.last_miss + REST_LINES {
                return false;
            }
            place.first = std::mem::replace(&mut place.resting, NONE);
            place.misses = 0;
        }
        place.misses = place.misses.saturating_sub((line - place.last_miss) / FORGIVING_LINES) + 1;
        place.last_miss = line;
        if place.misses >= MISSES_MAX {
            place.resting = std::mem::replace(&mut place.first, NONE);
        }
        true
    }

    /// Learns that `text` leads from `state` to `to`.
    pub(super) fn learn(&mut self, state: State, text: &str, to: To, passed: &Passed, keys: &Keys) {
        let Some(literal) = Literal::new(text) else { return };
        let Some(passed_len) = u8::try_from(passed.len).ok().filter(|&it| usize::from(it) <= PASSED_MAX) else { return };
        let place = place(state);
        if place >= self.places.len() {
            self.places.resize(place + 1, Place { first: NONE, resting: NONE, misses: 0, last_miss: 0 });
        }
        if self.places[place].resting != NONE {
            return;
        }
        let keep = match to {
            To::End => Keep::Nowhere,
            To::Text(node) | To::Value(node) => keys.node(node).keep,
        };
        let edge =
            Edge { literal, guess: Guess::default(), to, keep, passed: passed.keys, passed_len, next: NONE, then: Cell::new(NONE) };
        self.insert(place, edge);
    }

    /// Puts `edge` behind the others of its state; if there are too many, in place of the last one.
    fn insert(&mut self, place: usize, edge: Edge) {
        let mut last = NONE;
        let mut id = self.places[place].first;
        let mut count = 0;
        while let Some(other) = self.edges.get(id as usize) {
            (last, id) = (id, other.next);
            count += 1;
        }
        if count == ALTERNATIVES_MAX {
            self.edges[last as usize] = edge;
            return;
        }
        if self.edges.len() == EDGES_MAX {
            self.refused += 1;
            return;
        }
        let new = EdgeId::try_from(self.edges.len()).expect("EDGES_MAX is smaller");
        self.edges.push(edge);
        match self.edges.get_mut(last as usize) {
            Some(last) => last.next = new,
            None => self.places[place].first = new,
        }
    }
}
