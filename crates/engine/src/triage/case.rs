//! What is open about one actor: the risk of rules, the episode of behaviour, the incident.

use super::episode::Episode;
use super::incident::Open;
use super::{MS_PER_DAY, Outgoing, TOGETHER_MS};
use model::{ActorRef, Alert, EventTime, Incident, Level, RuleKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most actors with something open.
const CASES_MAX: usize = 100_000;
/// When there are more, so many of them go, those for whom nothing has happened for longest.
const MAKE_ROOM: usize = CASES_MAX / 16;
/// Events that raised the risk, as far as they are named.
const EVENTS_MAX: usize = 20;
/// Rules that raise an actor's risk on one day: after so many there is nothing to add.
const RULES_A_DAY_MAX: usize = 64;
/// Risk halves in so many days, as that of behaviour does.
pub(super) const HALF_LIFE_DAYS: f64 = 3.0;
/// By how much a rule raises the risk, by its level. The unit is that of behaviour: a power of ten by which something is rarer than
/// what an innocent person has now and then. A level promises just that: a medium alert is what such a person has once in a hundred days,
/// a high one in a thousand, a critical one in ten thousand; the others are too common to say anything. Profiles count
/// from one in a hundred days on, a power of ten less, as they count many channels.
const STRENGTHS: [f64; 5] = [0.0, 0.0, 1.0, 2.0, 3.0];
/// Fields that tell how usual something is. A rule that reads one says again what has raised the risk already.
const OF_HABITS: [&str; 12] = [
    "nj.p",
    "nj.score",
    "nj.evidence",
    "nj.risk.",
    "nj.rate.",
    "nj.distinct.",
    "nj.novelty.",
    "nj.shift.p",
    "nj.ticket.share.",
    "nj.chain.",
    "nj.travel.",
    "nj.slow.",
];

/// All open cases.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Cases(BTreeMap<String, Case>);

/// The case of one actor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Case {
    actor: ActorRef,
    /// When the latest alert or increment was.
    last_ms: i64,
    /// What detections add. The risk of the profile has it already.
    detections: RuleRisk,
    /// What correlations add, which profiles know nothing of.
    correlations: RuleRisk,
    /// The profile's risk, as the latest candidate had it.
    profile: f64,
    profile_ms: i64,
    /// The latest events that raised it.
    events: Vec<String>,
    increments: u64,
    /// The highest risk of the episode so far, as long as nobody was told, and its UTC day.
    peak: Option<(i64, f64)>,
    /// The latest UTC day on which it was below the threshold.
    below: Option<i64>,
    episode: Option<Episode>,
    incident: Option<Open>,
}

/// How a case stands to a candidate of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// The team knows of the episode.
    pub(super) is_told: bool,
    /// What the team knows of has become another story.
    pub(super) is_news: bool,
    /// There is an incident that the candidate can be part of.
    pub(super) has_incident: bool,
}

/// The part of an actor's risk that comes from rules of one kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct RuleRisk {
    risk: f64,
    at_ms: i64,
    /// The UTC day that [`Self::told`] is of.
    day: i64,
    /// Rules that have been counted that day.
    told: Vec<u128>,
}

impl Cases {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How the open case of the alert's actor stands, if there is one.
    pub(super) fn standing(&self, alert: &Alert) -> Option<Known> {
        Some(self.0.get(&alert.actor.id)?.standing(alert))
    }

    /// The case of the alert's actor; the one of before is over if nothing has happened for 72 hours.
    pub(super) fn of(&mut self, alert: &Alert, reached_ms: Option<i64>, out: &mut Vec<Outgoing>) -> &mut Case {
        let begun = || Case { actor: alert.actor.clone(), last_ms: alert.time.ms(), ..Case::default() };
        let case = self.0.entry(alert.actor.id.clone()).or_insert_with(begun);
        if alert.time.ms().saturating_sub(case.last_ms) > TOGETHER_MS {
            out.extend(case.changed(reached_ms));
            let (detections, correlations) = (std::mem::take(&mut case.detections), std::mem::take(&mut case.correlations));
            *case = Case { detections, correlations, ..begun() };
        }
        case
    }

    /// If `actor` is one too many, some cases go; how many.
    pub(super) fn make_room(&mut self, actor: &str, reached_ms: Option<i64>, out: &mut Vec<Outgoing>) -> u64 {
        if self.0.len() < CASES_MAX || self.0.contains_key(actor) {
            return 0;
        }
        let mut by_age: Vec<i64> = self.0.values().map(|it| it.last_ms).collect();
        let (_, oldest, _) = by_age.select_nth_unstable(MAKE_ROOM);
        let oldest = *oldest;
        let before = self.0.len();
        self.forget(oldest, reached_ms, out);
        (before - self.0.len()) as u64
    }

    /// Cases in which nothing has happened since `ms`, that instant included, are over.
    fn forget(&mut self, ms: i64, reached_ms: Option<i64>, out: &mut Vec<Outgoing>) {
        self.0.retain(|_, case| {
            let stays = case.last_ms > ms;
            if !stays {
                out.extend(case.changed(reached_ms));
            }
            stays
        });
    }

    /// The same where everything has been told.
    pub(super) fn forget_before(&mut self, ms: i64) {
        self.0.retain(|_, case| case.last_ms >= ms);
    }

    /// Incidents of which something is not told yet.
    pub(super) fn tell_changed(&mut self, reached_ms: Option<i64>, out: &mut Vec<Outgoing>) {
        self.0.values_mut().for_each(|it| out.extend(it.changed(reached_ms)));
    }
}

impl Case {
    pub(super) fn has_incident(&self) -> bool {
        self.incident.is_some()
    }

    pub(super) fn incident_uid(&self) -> Option<&str> {
        self.incident.as_ref().map(Open::uid)
    }

    /// Events that have raised the risk since the case began.
    pub(super) fn increments(&self) -> u64 {
        self.increments
    }

    /// How the case stands to a candidate of it.
    pub(super) fn standing(&self, alert: &Alert) -> Known {
        Known {
            is_told: self.episode.is_some(),
            is_news: self.episode.as_ref().is_some_and(|it| it.is_news(alert)),
            has_incident: self.incident.is_some(),
        }
    }

    /// Whether the risk was never so high in this episode.
    pub(super) fn is_highest(&self, risk: f64) -> bool {
        self.peak.is_none_or(|(_, known)| risk > known)
    }

    /// On `day` it is the highest so far; gives that of before, with its day.
    pub(super) fn rises_to(&mut self, day: i64, risk: f64) -> Option<(i64, f64)> {
        self.peak.replace((day, risk))
    }

    /// On `day` it is below the threshold. Whether for the first time that day.
    pub(super) fn sinks(&mut self, day: i64) -> bool {
        self.below.replace(day) != Some(day)
    }

    /// The risk of behaviour and rules together, and the part of it that is known to come from rules.
    ///
    /// Profiles take detections in as they match; where the profile tells nothing, because it never came to a candidate, they stand for
    /// themselves.
    pub(super) fn risks(&self, ms: i64) -> (f64, f64) {
        let (detections, correlations) = (self.detections.at(ms), self.correlations.at(ms));
        (decayed(self.profile, self.profile_ms, ms).max(detections) + correlations, detections + correlations)
    }

    /// A rule has found something: it raises the risk and belongs to the incident. Gives what is new about the incident.
    ///
    /// Alerts that only inform begin no incident: employees who report a call are no suspects. No more does what several people did
    /// together, nor does it raise a risk: the alert's actor is who came last, which makes nobody the suspect.
    pub(super) fn rule_alert(&mut self, alert: &Alert, is_of_habits: bool) -> Option<Incident> {
        self.last_ms = self.last_ms.max(alert.time.ms());
        let is_of_several = alert.actors.len() > 1;
        let risk = if alert.rule.kind == RuleKind::Correlation { &mut self.correlations } else { &mut self.detections };
        if !is_of_habits && !is_of_several {
            risk.add(alert);
        }
        if self.incident.is_none() && (is_of_several || alert.rule.level == Level::Informational) {
            return None;
        }
        let incident = self.incident.get_or_insert_with(|| Open::of(alert));
        let is_news = incident.add(alert);
        is_news.then(|| self.record(alert.time.ms()))?
    }

    /// An event has raised the risk of behaviour.
    pub(super) fn increment(&mut self, alert: &Alert) {
        self.last_ms = self.last_ms.max(alert.time.ms());
        (self.profile, self.profile_ms) = (alert.deviation.as_ref().map_or(0.0, |it| it.risk), alert.time.ms());
        self.increments += 1;
        self.events.extend(alert.events.last().cloned());
        if self.events.len() > EVENTS_MAX {
            self.events.remove(0);
        }
        if let Some(incident) = &mut self.incident {
            incident.increment(alert.time.ms());
        }
    }

    /// The team is told of the behaviour, for the first time or again: the alert gets the identifier of its episode and the events that
    /// led to it. Gives the incident.
    pub(super) fn behaviour_alert(&mut self, alert: &mut Alert) -> Option<Incident> {
        let episode = self.episode.get_or_insert_with(|| Episode::of(alert));
        episode.told(alert);
        alert.uid.clone_from(&episode.uid);
        alert.events.clone_from(&self.events);
        alert.events_total = self.increments;
        self.incident.get_or_insert_with(|| Open::of(alert)).add(alert);
        self.record(alert.time.ms())
    }

    /// The incident, if something about it is not told yet.
    fn changed(&mut self, reached_ms: Option<i64>) -> Option<Outgoing> {
        let is_changed = self.incident.as_ref().is_some_and(Open::is_changed);
        let ms = reached_ms.unwrap_or(self.last_ms).max(self.last_ms);
        if is_changed { self.record(ms).map(|it| Outgoing::Incident(Box::new(it))) } else { None }
    }

    /// The incident as it stands, told.
    fn record(&mut self, ms: i64) -> Option<Incident> {
        let (risk, risk_of_rules) = self.risks(ms);
        let incident = self.incident.as_mut()?;
        let record = incident.record(&self.actor, (&self.events, self.increments));
        Some(Incident { time: EventTime::from_ms(ms), risk, risk_of_rules, ..record })
    }
}

impl RuleRisk {
    fn at(&self, ms: i64) -> f64 {
        decayed(self.risk, self.at_ms, ms)
    }

    /// Once per rule and day, however often it alerts: its tenth alert says nothing that the first did not.
    fn add(&mut self, alert: &Alert) {
        let strength = STRENGTHS[alert.rule.level as usize];
        if strength == 0.0 {
            return;
        }
        let (ms, rule) = (alert.time.ms(), twox_hash::XxHash3_128::oneshot(alert.rule.id.as_bytes()));
        let day = ms.div_euclid(MS_PER_DAY);
        if day > self.day {
            (self.day, self.told) = (day, Vec::new());
        }
        if self.told.contains(&rule) || self.told.len() == RULES_A_DAY_MAX {
            return;
        }
        self.told.push(rule);
        self.risk = decayed(self.risk, self.at_ms, ms) + strength;
        self.at_ms = self.at_ms.max(ms);
    }
}

/// What an alert about behaviour says must not raise the risk that made it, and no more must a rule that reads what habits say.
pub(super) fn speaks_of_habits(alert: &Alert) -> bool {
    let is_of_habits = |field: &str| OF_HABITS.iter().any(|it| field == *it || it.ends_with('.') && field.starts_with(it));
    alert.deviation.is_some() || alert.evidence.iter().any(|it| is_of_habits(&it.field))
}

/// Time that goes back decays nothing.
pub(super) fn decayed(risk: f64, from_ms: i64, to_ms: i64) -> f64 {
    if risk == 0.0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a time in milliseconds")]
    let days = to_ms.saturating_sub(from_ms).max(0) as f64 / MS_PER_DAY as f64;
    risk * libm::exp2(-days / HALF_LIFE_DAYS)
}
