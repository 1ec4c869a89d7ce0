//! From the value of one field to its class, and from the class to the terms that it allows.

use super::cache::ValueCache;
use super::computed::{Clock, related};
use super::values::Scratch;
use crate::compile::{Field, FieldIndex, FieldSource, Literal, Program};
use hashbrown::HashMap;
use model::{Event, Value};

/// Most classes of values that a field keeps rows for. A value of a further class is worked out each time.
pub const CLASSES_PER_FIELD_MAX: usize = 4_096;

const NONE: u32 = u32::MAX;

/// What one field has learned. A row is a summary, a bit per word, and the words: a bit per term.
#[derive(Debug, Default)]
pub(super) struct FieldState {
    cache: ValueCache,
    class_of_set: HashMap<Box<[u64]>, u32>,
    /// Keywords only: the class of each set of atoms that may hold.
    class_of_possible_set: HashMap<Box<[u64]>, u32>,
    /// A row per class.
    rows: Vec<u64>,
    /// The classes of missing, null, false, true and object, once known.
    simple: [Option<u32>; 5],
    /// The class of each range of values, once known, where the field has ranges.
    by_range: Box<[u32]>,
    /// How often a class was asked for, and how often it had to be worked out from the value.
    pub(super) asked: u64,
    pub(super) missed: u64,
    /// How often a class had no room for a row of its own.
    pub(super) overflows: u64,
}

/// What is known of the atoms in a set: that they hold, or that no others do.
#[derive(Debug, Clone, Copy)]
enum Certainty {
    Certain,
    Possible,
}

/// The parts of a matcher that working out a class needs.
pub(super) struct Bench<'m> {
    pub(super) program: &'m Program,
    pub(super) scratch: &'m mut Scratch,
    pub(super) clock: &'m mut Clock,
}

impl FieldState {
    pub(super) fn new(field: &Field) -> Self {
        let ranges = match field.source {
            FieldSource::Slot(_) => field.atoms.ranges().map_or(0, crate::compile::Ranges::len),
            _ => 0,
        };
        Self { by_range: vec![NONE; ranges].into(), ..Self::default() }
    }

    /// The row of the event's value of `field`.
    pub(super) fn row(&mut self, at: usize, event: &Event<'_>, bench: &mut Bench<'_>) -> &[u64] {
        self.asked += 1;
        let class = self.class(at, event, bench) as usize;
        let stride = bench.program.row_words();
        &self.rows[class * stride..][..stride]
    }

    /// The row of the terms that the keywords in an event's line may allow, at the cost of one search. [`Self::row`] says which they do.
    pub(super) fn coarse_row(&mut self, at: usize, event: &Event<'_>, bench: &mut Bench<'_>) -> &[u64] {
        bench.scratch.atoms_that_may_hold(&bench.program.fields[at].atoms, event.line);
        let class = self.class_of_scratch(at, bench, Certainty::Possible) as usize;
        let stride = bench.program.row_words();
        &self.rows[class * stride..][..stride]
    }

    fn class(&mut self, at: usize, event: &Event<'_>, bench: &mut Bench<'_>) -> u32 {
        let field = &bench.program.fields[at];
        let slot = match &field.source {
            FieldSource::Slot(slot) => *slot,
            FieldSource::Related(left, right, relation, cased) => {
                let holds = related(bench.program, event, (*left, *right), *relation, *cased);
                return self.simple_class(at, event, bench, 2 + usize::from(holds));
            }
            FieldSource::TimePart(..) | FieldSource::Keywords => return self.work_out(at, event, bench),
        };
        let (kind, text) = match event.value(slot) {
            Value::Missing => return self.simple_class(at, event, bench, 0),
            Value::Null => return self.simple_class(at, event, bench, 1),
            Value::Bool(is_true) => return self.simple_class(at, event, bench, 2 + usize::from(is_true)),
            Value::Object(_) => return self.simple_class(at, event, bench, 4),
            Value::Text(text) | Value::Number(text) if !self.by_range.is_empty() => {
                return self.range_class(at, text, event, bench);
            }
            Value::Text(text) => (0, text),
            Value::Number(text) => (1, text),
            Value::Escaped(text) => (2, text),
            Value::Array(text) => (3, text),
            Value::Within { array, depth } => (4 + depth, array),
        };
        if let Some(class) = self.cache.get(kind, text) {
            return class;
        }
        let class = self.work_out(at, event, bench);
        if class as usize != CLASSES_PER_FIELD_MAX {
            self.cache.put(kind, text, class);
        }
        class
    }

    fn simple_class(&mut self, at: usize, event: &Event<'_>, bench: &mut Bench<'_>, kind: usize) -> u32 {
        if let Some(class) = self.simple[kind] {
            return class;
        }
        let class = self.work_out(at, event, bench);
        if class as usize != CLASSES_PER_FIELD_MAX {
            self.simple[kind] = Some(class);
        }
        class
    }

    fn range_class(&mut self, at: usize, text: &str, event: &Event<'_>, bench: &mut Bench<'_>) -> u32 {
        let Some(ranges) = bench.program.fields[at].atoms.ranges() else { return self.work_out(at, event, bench) };
        let range = ranges.position(text);
        if self.by_range[range] != NONE {
            return self.by_range[range];
        }
        let class = self.work_out(at, event, bench);
        if class as usize != CLASSES_PER_FIELD_MAX {
            self.by_range[range] = class;
        }
        class
    }

    /// Tests the value itself.
    fn work_out(&mut self, at: usize, event: &Event<'_>, bench: &mut Bench<'_>) -> u32 {
        self.missed += 1;
        bench.scratch.atoms_that_hold(bench.program, &bench.program.fields[at], event, bench.clock);
        self.class_of_scratch(at, bench, Certainty::Certain)
    }

    /// The class of the atoms in the scratch set. Beyond [`CLASSES_PER_FIELD_MAX`], the last row is made anew and lent to it.
    fn class_of_scratch(&mut self, at: usize, bench: &Bench<'_>, certainty: Certainty) -> u32 {
        let set = bench.scratch.set.as_slice();
        let known = match certainty {
            Certainty::Certain => &self.class_of_set,
            Certainty::Possible => &self.class_of_possible_set,
        };
        if let Some(&class) = known.get(set) {
            return class;
        }
        let stride = bench.program.row_words();
        let class = self.classes().min(CLASSES_PER_FIELD_MAX);
        self.rows.resize(self.rows.len().max((class + 1) * stride), 0);
        let field = FieldIndex(u16::try_from(at).expect("fields are numbered by u16"));
        let holds = |literal: &Literal| match certainty {
            Certainty::Certain => literal.holds(set),
            Certainty::Possible => literal.may_hold(set),
        };
        fill_row(bench.program, field, holds, &mut self.rows[class * stride..][..stride]);
        let number = u32::try_from(class).expect("classes are limited");
        if class == CLASSES_PER_FIELD_MAX {
            self.overflows += 1;
            return number;
        }
        match certainty {
            Certainty::Certain => self.class_of_set.insert(set.into(), number),
            Certainty::Possible => self.class_of_possible_set.insert(set.into(), number),
        };
        number
    }

    /// How many classes of values were met.
    pub(super) fn classes(&self) -> usize {
        self.class_of_set.len() + self.class_of_possible_set.len()
    }

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        let sets: usize = self.class_of_set.keys().chain(self.class_of_possible_set.keys()).map(|it| size_of_val(&**it) + 24).sum();
        self.cache.bytes() + self.rows.capacity() * 8 + self.by_range.len() * 4 + sets
    }
}

/// The terms that a value allows: all that don't mention the field, and those whose literal holds.
fn fill_row(program: &Program, field: FieldIndex, holds: impl Fn(&Literal) -> bool, row: &mut [u64]) {
    let mentions = &program.fields[usize::from(field.0)].mentions;
    let (summary, words) = row.split_at_mut(program.summary_words());
    for (at, (word, mentions)) in words.iter_mut().zip(mentions).enumerate() {
        *word = !mentions;
        for bit in ones(*mentions) {
            let literals = &program.terms[at * 64 + bit].literals;
            if literals.iter().any(|it| it.field == field && holds(it)) {
                *word |= 1 << bit;
            }
        }
    }
    summarise(words, summary);
}

/// Sets a bit in `summary` for each word that is not zero.
pub(super) fn summarise(words: &[u64], summary: &mut [u64]) {
    summary.fill(0);
    for (at, _) in words.iter().enumerate().filter(|(_, it)| **it != 0) {
        summary[at / 64] |= 1 << (at % 64);
    }
}

/// The places of the bits that are set, ascending.
pub(super) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            at
        })
    })
}
