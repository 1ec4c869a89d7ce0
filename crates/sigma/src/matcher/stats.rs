//! What matching costs and keeps, for people.

use super::field::Bench;
use super::{Matcher, look};
use crate::compile::{Program, RuleIndex};
use model::Event;
use std::collections::BTreeSet;

/// What a matcher has done and holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatcherStats {
    /// For each field of the program, in its order.
    pub fields: Vec<FieldStats>,
    /// Shapes of events that are kept.
    pub shapes: usize,
    /// How often all shapes were forgotten because there were too many.
    pub shape_overflows: u64,
    /// Bytes of caches, rows and shapes, about.
    pub bytes: usize,
}

/// One field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldStats {
    /// How often the class of a value was asked for.
    pub asked: u64,
    /// How often it had to be worked out from the value.
    pub missed: u64,
    /// Classes of values met.
    pub classes: usize,
    /// How often a class had no room for a row of its own.
    pub overflows: u64,
    /// Bytes of its cache and rows, about.
    pub bytes: usize,
}

/// How far an event gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance {
    /// Rules that are live after the first stage: those which need no field that the event has not.
    pub candidates: usize,
    /// Rules that are live when every field is looked at; partial ones are still to be confirmed.
    pub live: usize,
    /// Fields whose value was looked up.
    pub fields: usize,
}

impl Matcher {
    /// What was done so far, and what is held.
    pub fn stats(&self) -> MatcherStats {
        let fields: Vec<FieldStats> = (self.fields.iter())
            .map(|it| FieldStats {
                asked: it.asked,
                missed: it.missed,
                classes: it.classes(),
                overflows: it.overflows,
                bytes: it.bytes(),
            })
            .collect();
        let bytes = fields.iter().map(|it| it.bytes).sum::<usize>() + self.shapes.bytes();
        MatcherStats { fields, shapes: self.shapes.len(), shape_overflows: self.shapes.overflows, bytes }
    }

    /// How often a class of values had no room for a row of its own.
    pub fn class_overflows(&self) -> u64 {
        self.fields.iter().map(|it| it.overflows).sum()
    }

    /// Follows an event through the stages of [`Self::matches`]. What it looks up is not counted in [`Self::stats`].
    pub fn glance(&mut self, program: &Program, event: &Event<'_>) -> Glance {
        if program.words() == 0 {
            return Glance::default();
        }
        let counted: Vec<_> = self.fields.iter().map(|it| (it.asked, it.missed)).collect();
        let shape = self.shape(program, event);
        let Self { fields, shapes, live, scratch, clock, .. } = self;
        let mut bench = Bench { program, scratch, clock };
        live.start(shapes.row(shape, program));
        let rules = |live: &super::Live| {
            let mut rules = BTreeSet::<RuleIndex>::new();
            live.each(|at| {
                rules.insert(program.terms[at].rule);
            });
            rules.len()
        };
        let mut glance = Glance { candidates: rules(live), ..Glance::default() };
        for &at in shapes.fields(shape) {
            let at = usize::from(at);
            if live.mentions(&program.fields[at]) {
                glance.fields += 1;
                look(live, &mut fields[at], at, event, &mut bench);
            }
        }
        glance.live = rules(live);
        fields.iter_mut().zip(counted).for_each(|(field, counted)| (field.asked, field.missed) = counted);
        glance
    }
}
