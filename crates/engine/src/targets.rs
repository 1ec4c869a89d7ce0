//! Events on their way to the shard of the exchange that keeps their target. What others did to a target is known only there, and so are
//! rules that ask for it decided there: where an event is read it is only said that they may match ([`sigma::compile::Program::deferred`]).
//!
//! Of every event that has a target a short record comes here, without its line; one that a rule asks about brings its line, and what was
//! computed of it. First it is said what is known of the target, then the rules are asked, and then the event is learnt.
//!
//! What classes of targets have in common is looked at anew when an hour of the watermark is over, from all shards together, before the
//! first event after it: the same in whatever shards and rounds the events come.

use crate::alerting::{Trigger, detection_alert};
use crate::book::Rulebook;
use crate::computed::{Sighted, note_view};
use crate::exchange::{Exchange, Routed};
use crate::reader::Head;
use crate::shard::{Emitted, Outbox, Pending, Place, pending};
pub use baseline::targets::TargetStats;
use baseline::targets::{Priors, TargetView, Targets};
use model::event::first;
use model::{Event, EventTime, Value};
use sigma::compile::{Program, RuleIndex};
use sigma::matcher::{Clock, Matcher};
use std::sync::Arc;

/// How often classes are looked at anew.
const HOUR_MS: i64 = 3_600_000;

/// An event on its way to the shard that keeps its target.
#[derive(Debug, Clone)]
pub struct Touched {
    /// Where it stands among the others.
    pub(crate) at: Place,
    /// When it happened.
    pub time: EventTime,
    pub(crate) sighted: Sighted,
    /// What rules ask about it.
    pub(crate) asked: Option<Box<Asked>>,
}

/// What some rules ask about an event.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Which of the rulebook's programs read it.
    pub(crate) source: u16,
    /// The rules that may match.
    pub(crate) rules: Box<[RuleIndex]>,
    /// Its line, behind which stands what was computed of it.
    pub(crate) line: String,
}

impl Touched {
    /// Which of `shards` keeps its target.
    pub fn shard(&self, shards: usize) -> usize {
        usize::try_from(self.sighted.touch.target.get() % shards as u64).unwrap_or(0)
    }

    /// Its number in the input.
    pub const fn position(&self) -> u64 {
        self.at.position
    }

    /// The hour that the watermark has reached by it: within one, classes are judged by what was known before.
    pub const fn hour(&self) -> i64 {
        self.at.reached.ms().div_euclid(HOUR_MS)
    }

    /// Whether anybody asks about it.
    pub const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }
}

/// The targets of a shard of the exchange, and what deciding about them needs.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    pub(crate) targets: Targets,
    /// The hour that the classes were looked at last for.
    pub(crate) hour: i64,
    /// One a source, with the program that it is for; made when the first rule asks.
    matchers: Vec<Option<(Arc<Program>, Matcher)>>,
}

impl Keeper {
    pub(crate) fn with(targets: Targets, hour: i64) -> Self {
        Self { targets, hour, matchers: Vec::new() }
    }
}

impl Exchange {
    /// Tells time for the events of a source that name no zone by `clock`, where rules are decided here.
    pub fn set_clock(&mut self, source: u16, clock: Clock) {
        let at = usize::from(source);
        if self.clocks.len() <= at {
            self.clocks.resize_with(at + 1, Clock::default);
        }
        self.clocks[at] = clock;
    }

    /// Takes in events in the order of the input, those of all targets that there are: this is the only shard.
    pub fn see_alone(&mut self, book: &Rulebook, touched: &mut Vec<Touched>, out: &mut Outbox) {
        for it in touched.drain(..) {
            if it.hour() > self.keeper().hour {
                refresh(std::iter::once(&mut *self), it.hour());
            }
            self.see(book, &it, out);
        }
    }

    /// Takes in the next event of a target that belongs here: rules are decided, and then it is learnt.
    pub fn see(&mut self, book: &Rulebook, it: &Touched, out: &mut Outbox) {
        if let Some(asked) = &it.asked {
            let view = self.keeper().targets.view(&it.sighted.touch);
            self.decide(book, it, asked, &view, out);
        }
        if it.sighted.is_counted && !it.at.is_late {
            self.keeper().targets.learn(&it.sighted.touch);
        }
    }

    /// How full the memory of targets is, and what it has lost.
    pub fn target_stats(&self) -> TargetStats {
        self.keeper.as_ref().map(|it| it.targets.stats()).unwrap_or_default()
    }

    fn keeper(&mut self) -> &mut Keeper {
        self.keeper.get_or_insert_default()
    }

    fn decide(&mut self, book: &Rulebook, it: &Touched, asked: &Asked, view: &TargetView, out: &mut Outbox) {
        let source = usize::from(asked.source);
        let (program, policy) = (&book.programs[source], &book.policy);
        let mut line = asked.line.clone();
        note_view(book.computed[source].of_target(), view, &mut line);
        let clock = self.clocks.get(source).cloned();
        let keeper = self.keeper.get_or_insert_default();
        if keeper.matchers.len() <= source {
            keeper.matchers.resize_with(source + 1, || None);
        }
        let known = &mut keeper.matchers[source];
        if known.as_ref().is_none_or(|(of, _)| !Arc::ptr_eq(of, program)) {
            *known = Some((Arc::clone(program), Matcher::new(program, clock.unwrap_or_default())));
        }
        let Some((_, matcher)) = known else { return };
        let mut hits = Vec::new();
        self.rereader.read(program, asked.source, &line, |event| {
            let Some(decoded) = event.decoded() else { return };
            let decoded = Event { time: it.time, ..decoded };
            let head = head_of(program, &decoded, event.line);
            for &rule in &asked.rules {
                if !matcher.condition_holds(program, rule, &decoded) {
                    continue;
                }
                if program.rules.alerts_itself[rule.0 as usize] {
                    let trigger = Trigger { program, policy, rule, event, time: it.time };
                    out.alerts.push(Emitted { position: it.at.position, order: rule.0, alert: detection_alert(&trigger) });
                }
                for binding in &program.bindings[rule.0 as usize] {
                    pending(program, rule, binding, &head, &decoded, &mut hits, 0);
                }
            }
        });
        if it.at.is_late || hits.is_empty() {
            return;
        }
        let line: Arc<str> = line.into();
        out.routed.extend(hits.into_iter().map(|Pending { hit, rule, .. }| {
            let Place { position, watermark, reached, .. } = it.at;
            let line = Arc::clone(&line);
            Routed { position, source: asked.source, rule, below: Box::default(), hit, watermark, reached, line }
        }));
    }
}

fn head_of<'e>(program: &Program, event: &Event<'e>, line: &'e str) -> Head<'e> {
    let roles = &program.schema.roles;
    let id = match first(event.values, &roles.id) {
        Value::Bool(_) => Value::Missing,
        id => id,
    };
    Head { time: event.time, actor: first(event.values, &roles.actor), id, line, is_canary: false }
}

/// Looks at the classes anew, from what all shards have seen up to now, for events from `hour` on.
pub fn refresh<'e>(shards: impl Iterator<Item = &'e mut Exchange>, hour: i64) {
    let mut keepers: Vec<&mut Keeper> = shards.map(Exchange::keeper).collect();
    let priors = Arc::new(Priors::of(keepers.iter().map(|it| it.targets.sums())));
    for it in &mut keepers {
        it.targets.adopt(&priors);
        it.hour = hour;
    }
}

#[cfg(test)]
mod tests;
