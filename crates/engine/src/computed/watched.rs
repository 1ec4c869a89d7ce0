//! An event between the comparison with its actor's profile and the learning of it: rules are matched in between.

use super::facts::Facts;
use crate::behaviour::{Behaviour, Judged, Scored, View, deviation};
use crate::reader::Head;
use crate::triage::REPORTS;
use model::{Deviation, Level};

/// An event that was compared with its actor's profile, and is still to be learnt.
pub(crate) struct Watched<'w, 'f> {
    pub(super) behaviour: &'w mut Behaviour,
    pub(super) judged: Judged<'w>,
    pub(super) facts: &'w mut Facts<'f>,
}

/// What is told of an event's behaviour.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What is out of the ordinary, if it may be worth an alert.
    pub(crate) deviation: Option<Deviation>,
    /// Somebody reports a suspicious call or message.
    pub(crate) is_report: bool,
    /// Its score, if the score of each event is wanted.
    pub(crate) scored: Option<Scored>,
}

impl Watched<'_, '_> {
    /// What is known of the actor.
    pub(crate) fn view(&self) -> View<'_> {
        self.behaviour.view(&self.judged)
    }

    /// A detection of that level alerts about it.
    pub(crate) fn alerted(&mut self, level: Level) {
        self.behaviour.alerted(&mut self.judged, level);
    }

    /// Learns it, and tells what is to be told.
    pub(crate) fn learn(self, head: &Head<'_>) -> Told {
        let Self { behaviour, judged, facts } = self;
        behaviour.note(&judged, |it| facts.said(it));
        let view = behaviour.view(&judged);
        let is_candidate = behaviour.is_candidate(&judged);
        let told = Told {
            deviation: is_candidate.then(|| deviation(&view, &judged, facts.remarks(), |it| facts.category(it))),
            is_report: facts.is_action(REPORTS),
            scored: behaviour.tells_scores().then(|| Scored::of(head, &view)),
        };
        behaviour.learn(&judged);
        told
    }
}
