//! The rules of all sources, compiled together: what a process loads once and every shard shares.

use crate::computed::Plan;
use crate::context::Context;
use crate::exchange::Routed;
use crate::policy::Policy;
use crate::repartition::Placement;
use model::{Schema, SourceMapping};
use sigma::ast::{Document, Rule};
use sigma::compile::{Program, RuleSet, keep_with_what_is_below};
use sigma::problem::Problem;
use std::sync::Arc;

/// A rule set compiled for every source that the process reads.
#[derive(Debug, Clone)]
pub struct Rulebook {
    /// The rules.
    pub set: Arc<RuleSet>,
    /// One program per source, in the order of the mappings given.
    pub programs: Vec<Arc<Program>>,
    /// For each program, the computed fields that its rules read.
    pub computed: Vec<Arc<Plan>>,
    /// What decides which alerts page.
    pub policy: Arc<Policy>,
    /// What is known besides the events.
    pub context: Arc<Context>,
    /// Who keeps what is not the actor's.
    pub placement: Arc<Placement>,
}

impl Rulebook {
    /// Compiles `documents` for the sources `mappings`. What can't be compiled is left out and reported in `problems`.
    /// Profiles are kept only if rules read them.
    pub fn compile(documents: Vec<Document>, mappings: &[SourceMapping], problems: &mut Vec<Problem>) -> Self {
        Self::compile_with(documents, mappings, problems, false)
    }

    /// The same, with profiles of the actors of every source that has any, whether or not rules read them.
    pub fn compile_watching(documents: Vec<Document>, mappings: &[SourceMapping], problems: &mut Vec<Problem>) -> Self {
        Self::compile_with(documents, mappings, problems, true)
    }

    fn compile_with(documents: Vec<Document>, mappings: &[SourceMapping], problems: &mut Vec<Problem>, watches: bool) -> Self {
        let set = Arc::new(RuleSet::new(documents));
        let mut programs: Vec<Program> =
            mappings.iter().map(|it| Program::compile(&set, Schema::of(it.clone()), problems)).collect();
        // One shard sees all events of an actor of one source: a correlation over several sources has to be exchanged.
        for correlation in 0..set.correlations.len() {
            if programs.iter().filter(|it| it.plans[correlation].is_fed).count() > 1 {
                programs.iter_mut().for_each(|it| it.plans[correlation].is_local = false);
            }
        }
        programs.iter_mut().for_each(|it| keep_with_what_is_below(&set, &mut it.plans));
        let mut computed: Vec<Plan> = programs.iter_mut().map(|it| Plan::of(it, watches)).collect();
        // Whoever keeps a target has to know of what is done to it through any source.
        if computed.iter().any(|it| it.of_target().next().is_some()) {
            computed.iter_mut().zip(&mut programs).for_each(|(plan, program)| plan.see_targets(program));
        }
        let placement = Arc::new(Placement::of(&set, &programs));
        let computed = computed.into_iter().map(Arc::new).collect();
        let programs = programs.into_iter().map(Arc::new).collect();
        Self { set, programs, computed, policy: Arc::default(), context: Arc::default(), placement }
    }

    /// The same rules with other knowledge.
    #[must_use]
    pub fn with_context(self, context: Arc<Context>) -> Self {
        Self { context, ..self }
    }

    /// The same rules under another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    /// The rules that no source of this book feeds, because none is of their log source: they can't ever match.
    pub fn unfed(&self) -> impl Iterator<Item = &Rule> {
        let is_fed = |rule: &Rule| self.programs.iter().any(|it| it.schema.mapping.feeds(&rule.logsource));
        self.set.rules.iter().filter(move |it| !is_fed(it))
    }

    /// Whether profiles are kept of the actors of the source at `source`.
    pub fn watches(&self, source: u16) -> bool {
        self.computed[usize::from(source)].watches()
    }

    /// Whether any rule asks what others did to an event's target: then the keepers of targets see every event that has one.
    pub fn sees_targets(&self) -> bool {
        self.computed.iter().any(|it| it.sees_targets())
    }

    /// Whether any rule needs events of several actors or sources, and so the exchange.
    pub fn needs_exchange(&self) -> bool {
        self.sees_targets() || self.programs.iter().flat_map(|it| &it.plans).any(|it| it.is_fed && !it.is_local)
    }

    /// The level of the correlations that most others are below.
    pub fn top_level(&self) -> u8 {
        self.set.levels.iter().copied().max().unwrap_or(0)
    }

    /// The level of the correlation that a hit is for.
    pub fn level_of(&self, hit: &Routed) -> u8 {
        self.set.levels[hit.hit.correlation.0 as usize]
    }
}
