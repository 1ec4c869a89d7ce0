//! What a partition with events tells the desk of the group: of each batch what triage needs to know.

use engine::shard::Place;
use engine::triage::{Census, Report, Step};
use engine::{Behaviour, Outbox};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// What is told of the present batch, by offset.
    steps: Vec<(u64, Step)>,
    /// How many of its people the desk was told of.
    pub(super) census: Census,
}

impl Telling {
    /// An hour is over with the event at `at`.
    pub(super) fn count_people(&mut self, at: Place, behaviour: &Behaviour) {
        let people = behaviour.active_since(Census::since_s(at.reached));
        self.steps.push((at.position, self.census.count(at.reached, people)));
    }

    /// Takes what the desk is to know out of what a batch found. Alerts of rules stay in it: those about behaviour are told by the desk
    /// alone.
    pub(super) fn report(&mut self, found: &mut Outbox) {
        let reported = |Report { position, time, team, tool }: Report| (position, Step::Reported(time.ms(), team, tool));
        self.steps.extend(found.reports.drain(..).map(reported));
        found.alerts.retain(|it| {
            let step = Step::of(&it.alert);
            let is_candidate = step.as_ref().is_some_and(Step::is_candidate);
            self.steps.extend(step.map(|step| (it.position, step)));
            !is_candidate
        });
    }

    /// What is to be told.
    pub(super) fn take(&mut self) -> Vec<(u64, Step)> {
        std::mem::take(&mut self.steps)
    }
}
