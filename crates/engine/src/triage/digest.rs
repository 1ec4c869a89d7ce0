//! The digest: what a day held beside what was told, so that nothing is ever only dropped.

use super::budget::Budget;
use super::waiting::List;
use super::{Counts, MS_PER_DAY, Settings};
use model::{Alert, EventTime};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Most actors that a digest names: those with the highest risk, of what was beyond the budget first. The others are counted.
const ENTRIES_MAX: usize = 1_000;

/// Most actors who still wait that a digest names.
const WAITING_MAX: usize = 100;

/// Why somebody stands in the digest and was not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Below the threshold.
    Below,
    /// Habits are still being learnt.
    Learning,
    /// Above the threshold, but the budget was used up.
    OverBudget,
}

impl Outcome {
    /// The word for it in digests and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Learning => "learning",
            Self::OverBudget => "over_budget",
        }
    }
}

/// What a day held.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The UTC day, `2026-03-02`.
    pub day: String,
    /// Whether the day was over; not at the end of an input.
    pub is_complete: bool,
    /// The threshold at its end.
    pub threshold: f64,
    /// How many alerts a day the team can read.
    pub per_day: f64,
    /// People active on a day of late.
    pub people: u64,
    /// What became of the day's candidates.
    pub counts: Counts,
    /// Who was not told, the most urgent first.
    pub entries: Vec<Entry>,
    /// Actors who do not stand there because there were too many.
    pub unlisted: u64,
    /// Who still waits at its end to be told of, the most urgent first, at most 100.
    pub waiting: Vec<StillWaits>,
    /// How many wait.
    pub waiting_total: usize,
}

/// An actor above the threshold for whom there was no token yet.
#[derive(Debug, Clone, PartialEq)]
pub struct StillWaits {
    /// The actor.
    pub actor: String,
    /// What is left of the risk.
    pub risk: f64,
    /// The strongest event so far.
    pub event: String,
    /// Its time, in milliseconds since the epoch.
    pub time_ms: i64,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
}

/// An actor who was not told, with the strongest of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The actor.
    pub actor: String,
    /// Why nobody was told.
    pub outcome: Outcome,
    /// The highest risk of the day.
    pub risk: f64,
    /// The score of the event that had it.
    pub score: f64,
    /// Its identifier.
    pub event: String,
    /// Its time, in milliseconds since the epoch.
    pub time_ms: i64,
    /// How many events raised the risk.
    pub candidates: u64,
    /// What was out of the ordinary, in a sentence.
    pub message: String,
}

impl Digest {
    /// What the threshold comes to.
    pub fn meaning(&self) -> String {
        model::behaviour::meaning(self.threshold, self.per_day, self.people)
    }

    /// Appends the digest as one line of JSON without the line end: `{"record":"digest","day":…}`. Keys have a fixed order.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let it = &self.counts;
        let time = |ms: i64| EventTime::from_ms(ms).to_string();
        let waits = |it: &StillWaits| {
            serde_json::json!({
                "actor": it.actor, "risk": rounded(it.risk), "time": time(it.time_ms), "event": it.event, "since": time(it.since_ms),
            })
        };
        let entry = |it: &Entry| {
            serde_json::json!({
                "actor": it.actor, "outcome": it.outcome.as_str(), "risk": rounded(it.risk), "score": rounded(it.score),
                "time": time(it.time_ms), "event": it.event, "candidates": it.candidates, "message": it.message,
            })
        };
        let record = serde_json::json!({
            "record": "digest", "day": self.day, "is_complete": self.is_complete, "threshold": rounded(self.threshold),
            "alerts_per_day": self.per_day, "people": self.people, "meaning": self.meaning(), "candidates": it.candidates,
            "pages": it.pages, "updates": it.updates, "appended": it.appended, "over_budget": it.over_budget,
            "learning": it.learning, "below": it.below, "late": it.late, "spare": it.spare, "samples": it.samples,
            "borrowed": it.borrowed, "rule_alerts": it.rule_alerts, "incidents": it.incidents,
            "entries": self.entries.iter().map(entry).collect::<Vec<_>>(), "unlisted": self.unlisted,
            "waiting": self.waiting.iter().map(waits).collect::<Vec<_>>(), "waiting_total": self.waiting_total,
        });
        serde_json::to_writer(out, &record).expect("texts and numbers can be written, and memory takes any bytes");
    }
}

fn rounded(it: f64) -> f64 {
    (it * 1_000.0).round() / 1_000.0
}

/// The day so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Today {
    /// UTC days since the epoch, once something has been seen.
    day: Option<i64>,
    counts: Counts,
    entries: BTreeMap<String, Entry>,
    unlisted: u64,
}

impl Today {
    /// Something happens; the first tells the day.
    pub(super) fn begin(&mut self, ms: i64) {
        self.day.get_or_insert(ms.div_euclid(MS_PER_DAY));
    }

    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    pub(super) fn is_over(&self, ms: i64) -> bool {
        self.day.is_some_and(|it| ms.div_euclid(MS_PER_DAY) > it)
    }

    /// Notes somebody who is not told.
    pub(super) fn keep(&mut self, alert: &Alert, risk: f64, outcome: Outcome) {
        if let Some(known) = self.entries.get_mut(&alert.actor.id) {
            known.candidates += 1;
            if (outcome, risk) > (known.outcome, known.risk) {
                *known = Entry { candidates: known.candidates, ..entry(alert, risk, outcome) };
            }
            return;
        }
        if self.entries.len() == ENTRIES_MAX {
            self.unlisted += 1;
            let order = |left: &Entry, right: &Entry| urgency(left).partial_cmp(&urgency(right)).unwrap_or(Ordering::Equal);
            let least = self.entries.values().min_by(|left, right| order(left, right));
            let Some(least) = least.filter(|it| urgency(it) < (outcome, risk)).map(|it| it.actor.clone()) else { return };
            self.entries.remove(&least);
        }
        self.entries.insert(alert.actor.id.clone(), entry(alert, risk, outcome));
    }

    /// Somebody is told of after all.
    pub(super) fn told(&mut self, actor: &str) {
        self.entries.remove(actor);
    }

    /// The digest of the day so far, as of `now`; nothing, if nothing happened.
    pub(super) fn digest(
        &self,
        budget: &Budget,
        settings: &Settings,
        waiting: &List,
        (now, is_complete): (i64, bool),
    ) -> Option<Digest> {
        let ms = self.day?.saturating_mul(MS_PER_DAY);
        if self.counts.candidates + self.counts.rule_alerts + self.counts.told() == 0 {
            return None;
        }
        let still = waiting.in_order().into_iter().map(|it| StillWaits {
            actor: it.alert.actor.id.clone(),
            risk: it.risk_at(now),
            event: it.alert.events.last().cloned().unwrap_or_default(),
            time_ms: it.alert.time.ms(),
            since_ms: it.since_ms,
        });
        let still: Vec<StillWaits> = still.filter(|it| it.risk >= budget.threshold()).collect();
        let mut entries: Vec<Entry> = self.entries.values().cloned().collect();
        entries.sort_by(|left, right| urgency(right).partial_cmp(&urgency(left)).unwrap_or(Ordering::Equal));
        Some(Digest {
            day: EventTime::from_ms(ms).to_string().get(..10).unwrap_or_default().to_owned(),
            is_complete,
            threshold: budget.threshold(),
            per_day: settings.per_day.get(),
            people: budget.people(),
            counts: self.counts,
            entries,
            unlisted: self.unlisted,
            waiting_total: still.len(),
            waiting: still.into_iter().take(WAITING_MAX).collect(),
        })
    }

    /// The day of `ms` begins. Which one has ended, and how many with those after it in which nothing happened.
    pub(super) fn restart(&mut self, ms: i64) -> (i64, usize) {
        let day = ms.div_euclid(MS_PER_DAY);
        let of = self.day.unwrap_or(day);
        *self = Self { day: Some(day), ..Self::default() };
        (of, usize::try_from(day.saturating_sub(of)).unwrap_or(1))
    }
}

fn urgency(it: &Entry) -> (Outcome, f64) {
    (it.outcome, it.risk)
}

fn entry(alert: &Alert, risk: f64, outcome: Outcome) -> Entry {
    Entry {
        actor: alert.actor.id.clone(),
        outcome,
        risk,
        score: alert.deviation.as_ref().map_or(0.0, |it| it.score),
        event: alert.events.last().cloned().unwrap_or_default(),
        time_ms: alert.time.ms(),
        candidates: 1,
        message: alert.message.clone(),
    }
}
