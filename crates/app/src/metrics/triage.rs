//! What becomes of behaviour: the threshold and its meaning, the budget, and every candidate.

use engine::triage::{Counts, Stats};
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge};

use super::catalogue::Catalogue;

/// Metrics of triage.
#[derive(Debug)]
pub(crate) struct TriageMetrics {
    candidates: IntCounterVec,
    told: IntCounterVec,
    borrowed: IntCounter,
    waiting: IntGauge,
    threshold: Gauge,
    rare: Gauge,
    per_day: Gauge,
    tokens: Gauge,
    people: IntGauge,
    is_learning: IntGauge,
    cases: IntGauge,
    cases_evicted: IntCounter,
    incidents: IntCounter,
}

impl TriageMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            candidates: catalogue.counters(
                "nightjar_behaviour_candidates_total",
                "Events that raised an actor's risk, by what became of them.",
                &["outcome"],
            ),
            told: catalogue.counters(
                "nightjar_behaviour_told_total",
                "Alerts about behaviour, by how they came to be told.",
                &["how"],
            ),
            borrowed: catalogue
                .counter("nightjar_behaviour_borrowed_total", "Alerts about behaviour told with tokens of the day after."),
            waiting: catalogue.gauge("nightjar_behaviour_waiting", "Actors above the threshold who wait for tokens."),
            rare: catalogue.number("nightjar_behaviour_rare", "The risk from which on an actor can't wait for tokens."),
            threshold: catalogue.number("nightjar_behaviour_threshold", "The risk from which on an actor is shown."),
            per_day: catalogue.number("nightjar_behaviour_alerts_per_day", "How many alerts about behaviour a day can be read."),
            tokens: catalogue.number(
                "nightjar_behaviour_tokens",
                "How many more alerts about behaviour could be told now; below 0 what was borrowed.",
            ),
            people: catalogue.gauge("nightjar_behaviour_people", "People active on a day, in the mean of the days of late."),
            is_learning: catalogue.gauge("nightjar_behaviour_learning", "1 while habits are learnt and nobody is called for them."),
            cases: catalogue.gauge("nightjar_open_cases", "Actors of whom something happened in the latest 72 hours."),
            cases_evicted: catalogue
                .counter("nightjar_cases_evicted_total", "Actors forgotten because too many had something open."),
            incidents: catalogue.counter("nightjar_incidents_total", "Incidents that began."),
        }
    }

    /// How triage stands that this process has had from its beginning on, or has taken up.
    pub(crate) fn set(&self, stats: &Stats) {
        self.stand(stats);
        self.count(&stats.counts, raise);
    }

    /// How the desk of the group stands, that had counted `before` when it was looked at last, here or elsewhere.
    pub(crate) fn set_since(&self, stats: &Stats, before: &Counts) {
        self.stand(stats);
        let mut known = Vec::new();
        self.count(before, |_, count| known.push(count));
        let mut known = known.into_iter();
        self.count(&stats.counts, |counter, count| counter.inc_by(count.saturating_sub(known.next().unwrap_or(0))));
    }

    /// Another process keeps the desk.
    pub(crate) fn leave(&self) {
        [&self.rare, &self.threshold, &self.per_day, &self.tokens].into_iter().for_each(|it| it.set(0.0));
        [&self.waiting, &self.people, &self.is_learning, &self.cases].into_iter().for_each(|it| it.set(0));
    }

    fn count(&self, counts: &Counts, mut tell: impl FnMut(&IntCounter, u64)) {
        let Counts { pages, updates, appended, over_budget, learning, below, unpaged, late, spare, samples, .. } = *counts;
        let outcomes = [
            ("page", pages),
            ("update", updates),
            ("appended", appended),
            ("over_budget", over_budget),
            ("learning", learning),
            ("below", below),
            ("excepted", unpaged),
        ];
        for (outcome, count) in outcomes {
            tell(&self.candidates.with_label_values(&[outcome]), count);
        }
        for (how, count) in [("page", pages), ("update", updates), ("late", late), ("spare", spare), ("sample", samples)] {
            tell(&self.told.with_label_values(&[how]), count);
        }
        tell(&self.borrowed, counts.borrowed);
        tell(&self.cases_evicted, counts.cases_evicted);
        tell(&self.incidents, counts.incidents);
    }

    fn stand(&self, stats: &Stats) {
        self.waiting.set(i64::try_from(stats.waiting).unwrap_or(i64::MAX));
        self.rare.set(stats.rare);
        self.threshold.set(stats.threshold);
        self.per_day.set(stats.per_day);
        self.tokens.set(stats.tokens);
        self.people.set(i64::try_from(stats.people).unwrap_or(i64::MAX));
        self.is_learning.set(i64::from(stats.is_learning));
        self.cases.set(i64::try_from(stats.cases).unwrap_or(i64::MAX));
    }
}

/// A counter follows a count that only grows.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}
