//! An incident that is open: which alerts it has, and what of it has been told.

use model::{ActorRef, Alert, EventTime, Incident, IncidentFinding, Level, RuleKind};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Titles that its sentence names.
const TITLES_MAX: usize = 5;

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Open {
    uid: String,
    first_ms: i64,
    last_ms: i64,
    level: Level,
    findings: Vec<IncidentFinding>,
    findings_total: u64,
    increments: u64,
    is_told: bool,
    is_changed: bool,
}

impl Open {
    /// The incident that `alert` begins, still without it.
    pub(super) fn of(alert: &Alert) -> Self {
        let ms = alert.time.ms();
        Self {
            uid: model::ocsf::uid("incident", &[&alert.actor.id, &ms.to_string()]),
            first_ms: ms,
            last_ms: ms,
            level: Level::Informational,
            findings: Vec::new(),
            findings_total: 0,
            increments: 0,
            is_told: false,
            is_changed: false,
        }
    }

    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Whether there is something to tell that could wait.
    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Adds an alert. Whether that is news: the first alert of a rule, or a worse one. The tenth of a rule can wait for the day's end.
    pub(super) fn add(&mut self, alert: &Alert) -> bool {
        self.extend_to(alert.time.ms());
        self.is_changed = true;
        self.findings_total += 1;
        let (is_worse, rule) = (alert.rule.level > self.level, &alert.rule.id);
        self.level = self.level.max(alert.rule.level);
        if self.findings.iter().any(|it| it.uid == alert.uid) {
            // The same alert again: an episode that is told once more.
            self.findings_total -= 1;
            return true;
        }
        let is_known = self.findings.iter().any(|it| it.rule_id == *rule);
        if self.findings.len() == Incident::FINDINGS_MAX {
            if is_known {
                return is_worse;
            }
            // Of each rule one is worth more than the second of another.
            let is_second = |at: &usize| self.findings[..*at].iter().any(|it| it.rule_id == self.findings[*at].rule_id);
            let Some(second) = (0..self.findings.len()).rev().find(is_second) else { return is_worse };
            self.findings.remove(second);
        }
        self.findings.push(IncidentFinding {
            uid: alert.uid.clone(),
            time_ms: alert.time.ms(),
            rule_id: rule.clone(),
            rule_name: alert.rule.name.clone(),
            title: alert.rule.title.clone(),
            kind: alert.rule.kind,
            level: alert.rule.level,
            events: Vec::new(),
            events_total: 0,
        });
        is_worse || !is_known
    }

    /// Something has raised the risk, without an alert of its own.
    pub(super) fn increment(&mut self, ms: i64) {
        self.extend_to(ms);
        self.increments += 1;
        self.is_changed = true;
    }

    fn extend_to(&mut self, ms: i64) {
        (self.first_ms, self.last_ms) = (self.first_ms.min(ms), self.last_ms.max(ms));
    }

    /// As it stands, from now on told. `events` are those that raised the risk of behaviour, and how many they were in all.
    pub(super) fn record(&mut self, actor: &ActorRef, (events, events_total): (&[String], u64)) -> Incident {
        for it in self.findings.iter_mut().filter(|it| it.kind == RuleKind::Behaviour) {
            (it.events, it.events_total) = (events.to_vec(), events_total);
        }
        let is_new = !std::mem::replace(&mut self.is_told, true);
        self.is_changed = false;
        Incident {
            uid: self.uid.clone(),
            is_new,
            time: EventTime::from_ms(self.last_ms),
            first: EventTime::from_ms(self.first_ms),
            last: EventTime::from_ms(self.last_ms),
            actor: actor.clone(),
            level: self.level,
            risk: 0.0,
            risk_of_rules: 0.0,
            findings: self.findings.clone(),
            findings_total: self.findings_total,
            increments: self.increments,
            message: self.sentence(&actor.id),
        }
    }

    /// `u1042: 9 alerts since 2026-03-02T09:12: Mass look-ups; Password reset without a ticket; and 12 more events out of the ordinary`
    fn sentence(&self, actor: &str) -> String {
        let since = EventTime::from_ms(self.first_ms).to_string();
        let since = since.get(..16).unwrap_or(&since);
        let alerts = if self.findings_total == 1 { "1 alert".to_owned() } else { format!("{} alerts", self.findings_total) };
        let mut text = format!("{actor}: {alerts} since {since}");
        let mut titles: Vec<&str> = Vec::new();
        for it in &self.findings {
            if !titles.contains(&it.title.as_str()) {
                titles.push(&it.title);
            }
        }
        for (at, title) in titles.iter().take(TITLES_MAX).enumerate() {
            let _ = write!(text, "{} {title}", if at == 0 { ":" } else { ";" });
        }
        if titles.len() > TITLES_MAX {
            let _ = write!(text, "; and {} others", titles.len() - TITLES_MAX);
        }
        if self.increments > 0 {
            let events = if self.increments == 1 { "event" } else { "events" };
            let _ = write!(text, "; and {} more {events} out of the ordinary", self.increments);
        }
        text
    }
}
