//! Which rules match an event: each value is looked up as a class of values that no rule tells apart, each class has a row of bits with
//! the terms it allows, and the rows are intersected until nothing is left. The fields that an event has not are one look-up together.

mod cache;
mod computed;
mod field;
mod json;
mod live;
mod ranking;
mod shapes;
mod stats;
mod values;

pub use crate::compile::number;
pub use computed::Clock;
pub use field::CLASSES_PER_FIELD_MAX;
pub use shapes::SHAPES_MAX;
pub use stats::{FieldStats, Glance, MatcherStats};
pub use values::each_text;

use crate::compile::{FieldSource, Program, RuleIndex};
use field::{Bench, FieldState};
use live::Live;
use model::Event;
use ranking::Ranking;
use shapes::{Shape, Shapes};
use values::Scratch;

/// The mutable side of a [`Program`] in one shard: caches and scratch, nothing that changes a verdict.
#[derive(Debug)]
pub struct Matcher {
    fields: Vec<FieldState>,
    shapes: Shapes,
    ranking: Ranking,
    live: Live,
    scratch: Scratch,
    clock: Clock,
}

impl Matcher {
    /// A matcher for `program`; `clock` tells the local time for time modifiers.
    pub fn new(program: &Program, clock: Clock) -> Self {
        Self {
            fields: program.fields.iter().map(FieldState::new).collect(),
            shapes: Shapes::new(program),
            ranking: Ranking::new(program),
            live: Live::new(program),
            scratch: Scratch::default(),
            clock,
        }
    }

    /// Puts the rules that match `event` into `matched`, in ascending order. Allocates nothing once the caches are warm.
    pub fn matches(&mut self, program: &Program, event: &Event<'_>, matched: &mut Vec<RuleIndex>) {
        matched.clear();
        if program.words() == 0 {
            return;
        }
        let shape = self.shape(program, event);
        if self.ranking.wants_sample() {
            self.sample(program, event, shape);
        }
        self.narrow(program, event, shape);
        if !self.live.is_empty() {
            self.collect(program, event, matched);
        }
        if self.ranking.is_due() {
            self.ranking.rank(program, &self.fields);
            self.shapes.forget();
        }
    }

    /// The first stage: the terms that don't need a field which the event has not.
    fn shape(&mut self, program: &Program, event: &Event<'_>) -> Shape {
        if let Some(shape) = self.shapes.known(event) {
            return shape;
        }
        let mut bench = Bench { program, scratch: &mut self.scratch, clock: &mut self.clock };
        self.shapes.add(&mut self.fields, &self.ranking.order, event, &mut bench)
    }

    /// The second stage: field by field, as long as a term is live that mentions it.
    fn narrow(&mut self, program: &Program, event: &Event<'_>, shape: Shape) {
        let Self { fields, shapes, live, scratch, clock, .. } = self;
        let mut bench = Bench { program, scratch, clock };
        live.start(shapes.row(shape, program));
        for &at in shapes.fields(shape) {
            let at = usize::from(at);
            if live.mentions(&program.fields[at]) {
                look(live, &mut fields[at], at, event, &mut bench);
                if live.is_empty() {
                    return;
                }
            }
        }
    }

    /// Asks every field of the event by itself what it rules out.
    fn sample(&mut self, program: &Program, event: &Event<'_>, shape: Shape) {
        let Self { fields, shapes, ranking, live, scratch, clock } = self;
        let mut bench = Bench { program, scratch, clock };
        live.start(shapes.row(shape, program));
        for &at in shapes.fields(shape) {
            let at = usize::from(at);
            let words = &fields[at].row(at, event, &mut bench)[program.summary_words()..];
            ranking.note(at, live.count(|word| !words[word]));
        }
    }

    /// The rules of the terms that are left; partial terms are confirmed by the whole condition.
    fn collect(&mut self, program: &Program, event: &Event<'_>, matched: &mut Vec<RuleIndex>) {
        let Self { live, scratch, clock, .. } = self;
        live.each(|at| {
            let term = &program.terms[at];
            if !matched.contains(&term.rule) && (!term.is_partial || condition_holds(program, term.rule, event, scratch, clock)) {
                matched.push(term.rule);
            }
        });
        matched.sort_unstable();
    }

    /// Walks the whole condition of a rule, without classes, rows or caches: the slow twin of [`Self::matches`].
    pub fn condition_holds(&mut self, program: &Program, rule: RuleIndex, event: &Event<'_>) -> bool {
        condition_holds(program, rule, event, &mut self.scratch, &mut self.clock)
    }
}

/// Keeps the terms that one field allows. Keywords are searched for in the whole line first, and in its texts only if that leaves any.
fn look(live: &mut Live, state: &mut FieldState, at: usize, event: &Event<'_>, bench: &mut Bench<'_>) {
    let field = &bench.program.fields[at];
    if field.source == FieldSource::Keywords {
        live.keep(state.coarse_row(at, event, bench));
        if !live.mentions(field) {
            return;
        }
    }
    live.keep(state.row(at, event, bench));
}

fn condition_holds(program: &Program, rule: RuleIndex, event: &Event<'_>, scratch: &mut Scratch, clock: &mut Clock) -> bool {
    let Some(tree) = &program.trees[rule.0 as usize] else { return false };
    tree.holds(&mut |literal| {
        let field = &program.fields[usize::from(literal.field.0)];
        scratch.atoms_that_hold(program, field, event, clock);
        literal.holds(&scratch.set)
    })
}
