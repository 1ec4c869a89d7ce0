//! Computed fields: what the engine adds to an event before rules look at it. [`sigma::computed`] lists them; here they get their values.
//!
//! They are fields of the projection like any other, whose slots the decoder leaves empty and [`Computer::fill`] fills. A field that no rule reads
//! has no slot and costs nothing. What needs nothing but the event and the context is computed wherever the event is; what needs to know
//! what came before is computed where the state of the actor is, in the order of the actor's events ([`Plan::needs_state`]).

mod facts;
mod field;
mod habit;
mod late;
mod note;
mod plan;
pub mod state;
mod target;
mod watched;
mod words;

#[cfg(test)]
mod tests;

pub use field::Field;
pub use plan::Plan;
pub use state::State;

pub(crate) use facts::Sighted;
pub(crate) use late::Late;
pub(crate) use note::{join, noted, split, with_notes};
pub(crate) use target::note_view;
pub(crate) use watched::{Told, Watched};

use crate::behaviour::Behaviour;
use crate::context::Context;
use crate::reader::{Head, recycled};
use crate::windows::Identity;
use baseline::LogP;
use facts::Facts;
use model::{SlotId, Value};
use std::fmt::Write;
use std::sync::Arc;
use words::Words;

/// The value of a computed field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Computed<'c> {
    /// Nobody can tell.
    Absent,
    Flag(bool),
    Text(&'c str),
    Count(u64),
    /// A p-value.
    P(LogP),
    Number(f64),
}

impl From<LogP> for Computed<'_> {
    fn from(p: LogP) -> Self {
        Self::P(p)
    }
}

/// What computed fields know of what came before an event; both are absent where it is not known.
#[derive(Debug, Default)]
pub(crate) struct Memory<'m> {
    pub(crate) state: Option<&'m mut State>,
    pub(crate) behaviour: Option<&'m mut Behaviour>,
}

impl From<bool> for Computed<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'c> From<&'c str> for Computed<'c> {
    fn from(text: &'c str) -> Self {
        Self::Text(text)
    }
}

impl<'c, T: Into<Computed<'c>>> From<Option<T>> for Computed<'c> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Fills the computed fields of the events of one source in one thread.
#[derive(Debug)]
pub(crate) struct Computer {
    plan: Arc<Plan>,
    context: Arc<Context>,
    values: Vec<Value<'static>>,
    texts: Texts,
    words: Words,
}

/// The values of computed fields that are numbers.
#[derive(Debug, Default)]
struct Texts {
    digits: String,
    /// Slots whose value is a number, and where it ends in `digits`.
    numbers: Vec<(SlotId, usize)>,
}

impl Texts {
    fn clear(&mut self) {
        self.digits.clear();
        self.numbers.clear();
    }

    /// Puts a value into its slot of `filled`; one that is a number stands there after [`Self::show`].
    fn put<'v>(&mut self, slot: SlotId, value: Computed<'v>, filled: &mut [Value<'v>]) {
        let Self { digits, numbers } = self;
        let is_number = matches!(value, Computed::Count(_) | Computed::P(_) | Computed::Number(_));
        filled[slot.index()] = match value {
            Computed::Flag(flag) => Value::Bool(flag),
            Computed::Text(text) => Value::Text(text),
            _ => Value::Missing,
        };
        let _ = match value {
            Computed::Count(count) => write!(digits, "{count}"),
            Computed::Number(number) => write!(digits, "{number:.2}"),
            Computed::P(p) => {
                write_p(p.p(), digits);
                Ok(())
            }
            _ => Ok(()),
        };
        if is_number {
            numbers.push((slot, digits.len()));
        }
    }

    fn show<'v>(&'v self, filled: &mut [Value<'v>]) {
        let mut start = 0;
        for &(slot, end) in &self.numbers {
            filled[slot.index()] = Value::Number(&self.digits[start..end]);
            start = end;
        }
    }
}

impl Computer {
    pub(crate) fn new(plan: &Arc<Plan>, context: &Arc<Context>) -> Self {
        let (plan, context) = (Arc::clone(plan), Arc::clone(context));
        Self { plan, context, values: Vec::new(), texts: Texts::default(), words: Words::default() }
    }

    /// Goes on with the fields that other rules read, and with what is known now.
    pub(crate) fn adopt(&mut self, plan: &Arc<Plan>, context: &Arc<Context>) {
        // What was known under another context is known no more.
        *self = Self::new(plan, context);
    }

    /// What a text is known by that comes again and again.
    pub(crate) fn identity(&mut self, text: &str) -> Identity {
        self.words.word(text, &self.context).identity
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Shows the event's values with the computed ones among them but those that are read from a profile ([`Late`]), what that says of
    /// the event, and what the keeper of its target is to be told, if there is one. Without `memory`, fields that need it stay empty.
    pub(crate) fn fill<T>(
        &mut self,
        head: &Head<'_>,
        values: &[Value<'_>],
        memory: Memory<'_>,
        show: impl FnOnce(&Plan, &[Value<'_>], Option<Sighted>, Option<Watched<'_, '_>>) -> T,
    ) -> T {
        let Self { plan, context, values: kept, texts, words } = self;
        let mut facts = Facts::new(plan, context, words, head, values, memory.state);
        let mut behaviour = memory.behaviour.filter(|_| plan.watches());
        let observed = if behaviour.is_some() { facts.observed() } else { None };
        let judged = behaviour.as_mut().and_then(|it| it.judge(observed.as_ref()));
        texts.clear();
        let mut filled = recycled(std::mem::take(kept));
        if !plan.at_once.is_empty() {
            filled.extend_from_slice(values);
            for &(slot, field) in &plan.at_once {
                texts.put(slot, facts.value(field), &mut filled);
            }
            texts.show(&mut filled);
        }
        let sighted = if plan.sees_targets() { facts.sighted() } else { None };
        let known = behaviour.zip(judged);
        let watched = known.map(|(behaviour, judged)| Watched { behaviour, judged, facts: &mut facts });
        // Without computed fields the event is as it came.
        let shown = show(plan, if plan.at_once.is_empty() { values } else { &filled }, sighted, watched);
        *kept = recycled(filled);
        shown
    }
}

/// A p-value as a JSON number, as long as it has to be.
fn write_p(p: f64, out: &mut String) {
    let _ = match p {
        _ if p >= 1.0 => write!(out, "1"),
        _ if p >= 1e-3 => write!(out, "{p:.4}"),
        _ => write!(out, "{p:.2e}"),
    };
}
