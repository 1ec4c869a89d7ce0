//! The rules of all sources, compiled together: what a process loads once and every shard shares.

use model::{Schema, SourceMapping};
use sigma::ast::{CorrelationKind, Document};
use sigma::compile::{Program, RuleSet};
use sigma::problem::{Code, Problem};
use std::sync::Arc;

use crate::policy::Policy;
use crate::windows::STEPS_MAX;

/// A rule set compiled for every source that the process reads.
#[derive(Debug, Clone)]
pub struct Rulebook {
    /// The rules.
    pub set: Arc<RuleSet>,
    /// One program per source, in the order of the mappings given.
    pub programs: Vec<Arc<Program>>,
    /// What decides which alerts page.
    pub policy: Arc<Policy>,
}

impl Rulebook {
    /// Compiles `documents` for the sources `mappings`. What can't be compiled is left out and reported in `problems`.
    pub fn compile(mut documents: Vec<Document>, mappings: &[SourceMapping], problems: &mut Vec<Problem>) -> Self {
        documents.retain(|it| runs(it, problems));
        let set = Arc::new(RuleSet::new(documents));
        let mut programs: Vec<Program> =
            mappings.iter().map(|it| Program::compile(&set, Schema::of(it.clone()), problems)).collect();
        // One shard sees all events of an actor of one source: a correlation over several sources has to be exchanged.
        for correlation in 0..set.correlations.len() {
            if programs.iter().filter(|it| it.plans[correlation].is_fed).count() > 1 {
                programs.iter_mut().for_each(|it| it.plans[correlation].is_local = false);
            }
        }
        Self { set, programs: programs.into_iter().map(Arc::new).collect(), policy: Arc::default() }
    }

    /// The same rules under another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    /// Whether any correlation needs events of several actors or sources, and so the exchange.
    pub fn needs_exchange(&self) -> bool {
        self.programs.iter().flat_map(|it| &it.plans).any(|it| it.is_fed && !it.is_local)
    }
}

/// Whether the windows can run this document.
fn runs(document: &Document, problems: &mut Vec<Problem>) -> bool {
    let Document::Correlation(it) = document else { return true };
    if !it.info.status.runs() {
        return false;
    }
    let is_too_long = it.kind == CorrelationKind::TemporalOrdered && it.rules.len() > STEPS_MAX;
    if is_too_long {
        let message = format!("{} ordered steps, but at most {STEPS_MAX} are kept", it.rules.len());
        problems.push(Problem::error(Code::NotCompiled, &it.place.file, it.place.line, 1, message));
    }
    !is_too_long
}
