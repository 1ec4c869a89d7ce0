//! Which rules match an event: each value is looked up as a class of values that no rule tells apart, each class has a row of bits with
//! the terms it allows, and the rows are intersected until nothing is left.

mod cache;
mod computed;
mod values;

pub use computed::Clock;

use crate::compile::{Field, FieldIndex, FieldSource, Program, RuleIndex};
use cache::ValueCache;
use hashbrown::HashMap;
use model::{Event, Value};
use values::Scratch;

/// Most classes of values that a field keeps rows for. A value of a further class is worked out each time.
pub const CLASSES_PER_FIELD_MAX: usize = 4_096;

/// The mutable side of a [`Program`] in one shard: caches and scratch, nothing that changes a verdict.
#[derive(Debug)]
pub struct Matcher {
    fields: Vec<FieldState>,
    live: Vec<u64>,
    active: Vec<u32>,
    scratch: Scratch,
    clock: Clock,
    /// How often a value's class had no room for a row of its own.
    pub class_overflows: u64,
}

#[derive(Debug, Default)]
struct FieldState {
    cache: ValueCache,
    class_of_set: HashMap<Box<[u64]>, u32>,
    /// `words` words per class: the terms which that class allows.
    rows: Vec<u64>,
    /// The classes of missing, null, false, true and object, once known.
    simple: [Option<u32>; 5],
}

impl Matcher {
    /// A matcher for `program`; `clock` tells the local time for time modifiers.
    pub fn new(program: &Program, clock: Clock) -> Self {
        let fields = program.fields.iter().map(|_| FieldState::default()).collect();
        Self {
            fields,
            live: vec![0; program.words()],
            active: Vec::with_capacity(program.words()),
            scratch: Scratch::default(),
            clock,
            class_overflows: 0,
        }
    }

    /// Puts the rules that match `event` into `matched`, in ascending order. Allocates nothing once the caches are warm.
    pub fn matches(&mut self, program: &Program, event: &Event<'_>, matched: &mut Vec<RuleIndex>) {
        matched.clear();
        let words = program.words();
        if words == 0 {
            return;
        }
        self.start(program);
        for (at, field) in program.fields.iter().enumerate() {
            if !self.active.iter().any(|&word| self.live[word as usize] & field.mentions[word as usize] != 0) {
                continue;
            }
            let class = self.class(program, at, field, event);
            let rows = &self.fields[at].rows;
            let row = &rows[class as usize * words..][..words];
            let live = &mut self.live;
            self.active.retain(|&word| {
                live[word as usize] &= row[word as usize];
                live[word as usize] != 0
            });
            if self.active.is_empty() {
                return;
            }
        }
        self.collect(program, event, matched);
    }

    /// Every term is live before the first field is looked at.
    fn start(&mut self, program: &Program) {
        let words = program.words();
        self.live.fill(u64::MAX);
        let rest = program.terms.len() % 64;
        if rest != 0 {
            self.live[words - 1] = (1 << rest) - 1;
        }
        self.active.clear();
        self.active.extend(0..u32::try_from(words).expect("terms are far fewer than 2^32"));
    }

    /// The rules of the terms that are left; partial terms are confirmed by the whole condition.
    fn collect(&mut self, program: &Program, event: &Event<'_>, matched: &mut Vec<RuleIndex>) {
        for at in 0..self.active.len() {
            let word = self.active[at] as usize;
            let mut bits = self.live[word];
            while bits != 0 {
                let term = &program.terms[word * 64 + bits.trailing_zeros() as usize];
                bits &= bits - 1;
                if matched.last() == Some(&term.rule) {
                    continue;
                }
                if !term.is_partial || self.condition_holds(program, term.rule, event) {
                    matched.push(term.rule);
                }
            }
        }
    }

    /// Walks the whole condition of a rule, without classes, rows or caches: the slow twin of [`Self::matches`].
    pub fn condition_holds(&mut self, program: &Program, rule: RuleIndex, event: &Event<'_>) -> bool {
        let Some(tree) = &program.trees[rule.0 as usize] else { return false };
        let (scratch, clock) = (&mut self.scratch, &mut self.clock);
        tree.holds(&mut |literal| {
            let field = &program.fields[usize::from(literal.field.0)];
            scratch.atoms_that_hold(program, field, event, clock);
            literal.holds(&scratch.set)
        })
    }

    /// The class of the event's value of `field`. Its row stands in [`FieldState::rows`] when this returns.
    fn class(&mut self, program: &Program, at: usize, field: &Field, event: &Event<'_>) -> u32 {
        let FieldSource::Slot(slot) = field.source else {
            self.scratch.atoms_that_hold(program, field, event, &mut self.clock);
            return self.class_of_scratch(program, at);
        };
        let value = event.value(slot);
        let (kind, text) = match value {
            Value::Missing => return self.simple_class(program, at, field, event, 0),
            Value::Null => return self.simple_class(program, at, field, event, 1),
            Value::Bool(is_true) => return self.simple_class(program, at, field, event, 2 + usize::from(is_true)),
            Value::Object(_) => return self.simple_class(program, at, field, event, 4),
            Value::Text(text) => (0, text),
            Value::Number(text) => (1, text),
            Value::Escaped(text) => (2, text),
            Value::Array(text) => (3, text),
            Value::Within { array, depth } => (4 + depth, array),
        };
        if let Some(class) = self.fields[at].cache.get(kind, text) {
            return class;
        }
        self.scratch.atoms_that_hold(program, field, event, &mut self.clock);
        let class = self.class_of_scratch(program, at);
        if class as usize != CLASSES_PER_FIELD_MAX {
            self.fields[at].cache.put(kind, text, class);
        }
        class
    }

    fn simple_class(&mut self, program: &Program, at: usize, field: &Field, event: &Event<'_>, kind: usize) -> u32 {
        if let Some(class) = self.fields[at].simple[kind] {
            return class;
        }
        self.scratch.atoms_that_hold(program, field, event, &mut self.clock);
        let class = self.class_of_scratch(program, at);
        if class as usize != CLASSES_PER_FIELD_MAX {
            self.fields[at].simple[kind] = Some(class);
        }
        class
    }

    /// The class of values for which exactly the atoms in the scratch set hold. Beyond [`CLASSES_PER_FIELD_MAX`], the last row is
    /// worked out anew and lent to it.
    fn class_of_scratch(&mut self, program: &Program, at: usize) -> u32 {
        let state = &mut self.fields[at];
        if let Some(&class) = state.class_of_set.get(self.scratch.set.as_slice()) {
            return class;
        }
        let words = program.words();
        let class = state.class_of_set.len().min(CLASSES_PER_FIELD_MAX);
        state.rows.resize(state.rows.len().max((class + 1) * words), 0);
        let row = &mut state.rows[class * words..][..words];
        fill_row(program, FieldIndex(u16::try_from(at).expect("fields are numbered by u16")), &self.scratch.set, row);
        let number = u32::try_from(class).expect("classes are limited");
        if class < CLASSES_PER_FIELD_MAX {
            state.class_of_set.insert(self.scratch.set.as_slice().into(), number);
        } else {
            self.class_overflows += 1;
        }
        number
    }

    /// Bytes held by the caches, about.
    pub fn cache_bytes(&self) -> usize {
        self.fields.iter().map(|it| it.cache.bytes() + it.rows.len() * 8).sum()
    }
}

/// The terms that a value allows for which exactly the atoms in `set` hold: all that don't mention the field, and those whose literal holds.
fn fill_row(program: &Program, field: FieldIndex, set: &[u64], row: &mut [u64]) {
    let mentions = &program.fields[usize::from(field.0)].mentions;
    for (word, (row, mentions)) in row.iter_mut().zip(mentions).enumerate() {
        *row = !mentions;
        let mut bits = *mentions;
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            let literals = &program.terms[word * 64 + bit as usize].literals;
            if literals.iter().any(|it| it.field == field && it.holds(set)) {
                *row |= 1 << bit;
            }
        }
    }
}
