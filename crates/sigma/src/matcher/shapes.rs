//! The first stage of matching: which fields an event has. Events of one kind have the same fields, and most terms need one that it
//! has not; what is left of them is worked out once per shape.

use super::field::{Bench, FieldState, summarise};
use crate::compile::{Field, FieldSource, Program};
use hashbrown::HashMap;
use model::{Event, SlotId, Value};

/// Most shapes that are kept. When there are more, all are forgotten, so that those of now find room.
pub const SHAPES_MAX: usize = 1_024;

/// The shapes met so far, and what is left of the terms for each.
#[derive(Debug)]
pub(super) struct Shapes {
    /// The slots that rules test or compare, as bits: whether another one is filled makes no shape.
    tested: Box<[u64]>,
    by_key: HashMap<Box<[u64]>, u32>,
    rows: Vec<u64>,
    /// For each shape, the fields that are there and that a term mentions which is left, in the order of the ranking.
    fields: Vec<Box<[u16]>>,
    key: Vec<u64>,
    /// The key and the shape of the event before, which most often is that of the next.
    latest: (Vec<u64>, Option<u32>),
    /// How often all were forgotten because there were too many.
    pub(super) overflows: u64,
}

/// The number of a shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape(u32);

impl Shapes {
    pub(super) fn new(program: &Program) -> Self {
        let mut tested = vec![0; program.schema.projection.len().div_ceil(64)];
        for slot in program.fields.iter().flat_map(needed).flatten() {
            tested[slot.index() / 64] |= 1 << (slot.index() % 64);
        }
        let (by_key, rows, fields, key) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        Self { tested: tested.into(), by_key, rows, fields, key, latest: (Vec::new(), None), overflows: 0 }
    }

    /// The shape of `event` if it was met before. The key is a bit per slot, not per field: the values lie side by side.
    pub(super) fn known(&mut self, event: &Event<'_>) -> Option<Shape> {
        self.key.clear();
        for (values, tested) in event.values.chunks(64).zip(&self.tested) {
            let filled = |word: u64, value: &Value<'_>| word << 1 | u64::from(!matches!(value, Value::Missing));
            self.key.push(values.iter().rev().fold(0, filled) & tested);
        }
        if let (key, Some(shape)) = &self.latest
            && key.iter().eq(&self.key)
        {
            return Some(Shape(*shape));
        }
        let shape = self.by_key.get(self.key.as_slice()).copied();
        self.latest.0.clone_from(&self.key);
        self.latest.1 = shape;
        shape.map(Shape)
    }

    /// Adds the shape that [`Self::known`] has just not found.
    pub(super) fn add(&mut self, states: &mut [FieldState], ranked: &[u16], event: &Event<'_>, bench: &mut Bench<'_>) -> Shape {
        if self.by_key.len() == SHAPES_MAX {
            self.forget();
            self.overflows += 1;
        }
        let program = bench.program;
        let (stride, summary_words) = (program.row_words(), program.summary_words());
        let start = self.rows.len();
        self.rows.resize(start + stride, 0);
        let (summary, words) = self.rows[start..].split_at_mut(summary_words);
        program.fill_with_all_terms(words);
        let is_there = |at: usize| needed(&program.fields[at]).into_iter().flatten().all(|it| event.value(it).is_present());
        for at in (0..program.fields.len()).filter(|&it| !is_there(it)) {
            let row = states[at].row(at, event, bench);
            words.iter_mut().zip(&row[summary_words..]).for_each(|(mine, row)| *mine &= row);
        }
        summarise(words, summary);
        let is_asked = |at: usize| program.fields[at].mentions.iter().zip(&*words).any(|(mentions, live)| mentions & live != 0);
        self.fields.push(ranked.iter().copied().filter(|&it| is_there(usize::from(it)) && is_asked(usize::from(it))).collect());
        let number = u32::try_from(self.by_key.len()).expect("shapes are limited");
        self.by_key.insert(self.key.as_slice().into(), number);
        Shape(number)
    }

    /// Forgets everything, because the ranking has changed or the table is full.
    pub(super) fn forget(&mut self) {
        self.latest.1 = None;
        self.by_key.clear();
        self.rows.clear();
        self.fields.clear();
    }

    /// The terms that are left when the fields are missing which this shape has not.
    pub(super) fn row(&self, shape: Shape, program: &Program) -> &[u64] {
        let stride = program.row_words();
        &self.rows[shape.0 as usize * stride..][..stride]
    }

    /// The fields to look at.
    pub(super) fn fields(&self, shape: Shape) -> &[u16] {
        &self.fields[shape.0 as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|it| it.len() * 2 + 16).sum();
        self.rows.capacity() * 8 + self.tested.len() * 8 + fields + self.by_key.len() * (self.key.len() * 8 + 24)
    }
}

/// The slots that have to be filled for a field to be there. The time of an event is always there, whatever slot it stands in.
fn needed(field: &Field) -> [Option<SlotId>; 2] {
    match field.source {
        FieldSource::Slot(slot) => [Some(slot), None],
        FieldSource::Related(left, right, ..) => [Some(left), Some(right)],
        FieldSource::TimePart(..) | FieldSource::Keywords => [None, None],
    }
}
