//! Alerts as they were written: OCSF Detection Findings.

use super::lines::Lines;
use anyhow::{Result, bail};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What is asked of an alert.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alert {
    /// Event time of the triggering event.
    pub(super) time_ms: i64,
    /// When it was told: later than the event where it had to wait for its turn.
    pub(super) told_ms: i64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    /// Name of the rule or detector.
    pub(super) rule: String,
    /// It reaches somebody: not in shadow, not excepted.
    pub(super) is_page: bool,
    /// It speaks of habits, not of a rule alone.
    pub(super) is_behaviour: bool,
    pub(super) risk: f64,
    pub(super) actors: Vec<String>,
    /// Events that are named; there may be more.
    pub(super) events: Vec<String>,
    /// So many of them were named when it was first told; the others by amendments.
    pub(super) named_at_first: usize,
    pub(super) events_total: u64,
    /// The feature that weighs most in it.
    pub(super) top: Option<String>,
    /// How it was amended.
    pub(super) amended: Vec<Amendment>,
}

/// What was written again under an identifier.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Amendment {
    pub(super) told_ms: i64,
    pub(super) events: Vec<String>,
    pub(super) top: Option<String>,
}

impl Alert {
    /// When it was first told of any of these events, and what weighed most then: the alert itself or one of its amendments, which may be
    /// about something that began later. If none of them is named, the alert itself.
    pub(super) fn told_of(&self, is_one: impl Fn(&str) -> bool) -> (i64, Option<&str>) {
        let names = |events: &[String]| events.iter().any(|it| is_one(it));
        let amended = self.amended.iter().find(|it| names(&it.events));
        match amended {
            Some(it) if !names(&self.events[..self.named_at_first]) => (it.told_ms, it.top.as_deref()),
            _ => (self.told_ms, self.top.as_deref()),
        }
    }
}

/// All alerts, each once; an alert that is written again under the same identifier is an amendment.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    pub(super) all: Vec<Alert>,
    places: HashMap<String, usize>,
    pub(super) amendments: u64,
}

impl Alerts {
    pub(super) fn read(&mut self, path: &Path) -> Result<()> {
        let mut lines = Lines::open(path)?;
        while let Some((number, finding)) = lines.record::<Json>("JSON")? {
            let Some((uid, alert)) = read(&finding) else {
                bail!(
                    "{}:{number}: no Detection Finding (class_uid 2004 with a time and finding_info.uid); give alerts as `score` writes them",
                    path.display()
                );
            };
            self.add(uid, alert);
        }
        Ok(())
    }

    pub(super) fn add(&mut self, uid: String, alert: Alert) {
        let Some(&place) = self.places.get(&uid) else {
            self.places.insert(uid, self.all.len());
            self.all.push(alert);
            return;
        };
        self.amendments += 1;
        let known = &mut self.all[place];
        known.last_ms = known.last_ms.max(alert.last_ms);
        known.events_total = known.events_total.max(alert.events_total);
        known.events.extend(alert.events.iter().cloned());
        known.amended.push(Amendment { told_ms: alert.told_ms, events: alert.events, top: alert.top });
    }
}

fn read(finding: &Json) -> Option<(String, Alert)> {
    if finding.get("class_uid")?.as_u64()? != 2004 {
        return None;
    }
    let text = |pointer: &str| finding.pointer(pointer).and_then(Json::as_str);
    let number = |pointer: &str| finding.pointer(pointer).and_then(Json::as_i64);
    let time_ms = number("/time")?;
    let uid = text("/finding_info/uid")?.to_owned();
    let list = |pointer: &str| finding.pointer(pointer).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let mut actors: Vec<String> = list("/unmapped/actors").iter().filter_map(Json::as_str).map(str::to_owned).collect();
    if actors.is_empty() {
        actors.extend(text("/actor/user/uid").map(str::to_owned));
    }
    let named = list("/finding_info/related_events").iter().filter_map(|it| it.get("uid")?.as_str().map(str::to_owned));
    let events: Vec<String> = named.collect();
    let types = list("/finding_info/types").iter().filter_map(Json::as_str);
    let is_behaviour = types.into_iter().any(|it| it.eq_ignore_ascii_case("behavior") || it.eq_ignore_ascii_case("behaviour"))
        || !list("/anomaly_analyses").is_empty();
    let alert = Alert {
        time_ms,
        told_ms: number("/finding_info/created_time").map_or(time_ms, |it| it.max(time_ms)),
        first_ms: number("/finding_info/first_seen_time").unwrap_or(time_ms),
        last_ms: number("/finding_info/last_seen_time").unwrap_or(time_ms),
        rule: text("/finding_info/analytic/name").or_else(|| text("/finding_info/title")).unwrap_or("unnamed").to_owned(),
        is_page: finding.get("is_alert").and_then(Json::as_bool).unwrap_or(true),
        is_behaviour,
        risk: finding.get("risk_score").and_then(Json::as_f64).unwrap_or(0.0),
        actors,
        events_total: number("/finding_info/related_events_count").map_or(events.len() as u64, i64::unsigned_abs),
        named_at_first: events.len(),
        events,
        top: top(finding),
        amended: Vec::new(),
    };
    Some((uid, alert))
}

/// The feature of the first broken habit, where behaviour is explained: what is analysed, or else the parameter that was observed.
fn top(finding: &Json) -> Option<String> {
    let first = finding.pointer("/anomaly_analyses/0")?;
    let name = first.pointer("/analysis_targets/0/name").or_else(|| first.pointer("/anomalies/0/observation_parameter"))?;
    Some(name.as_str()?.to_owned())
}

/// How many there are of each rule.
pub(super) fn by_rule<'a>(alerts: impl Iterator<Item = &'a Alert>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for alert in alerts {
        *counts.entry(alert.rule.clone()).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::{Alerts, read};
    use serde_json::json;

    #[test]
    fn an_attack_is_told_by_the_amendment_that_names_it_and_not_by_what_was_told_before() {
        let mut alerts = Alerts::default();
        for (time, event, top) in [(1_000, "harmless", "nj.shift"), (9_000, "attack", "nj.novelty.device")] {
            let finding = json!({"class_uid": 2004, "time": time, "finding_info": {"uid": "a", "related_events": [{"uid": event}]},
                "anomaly_analyses": [{"analysis_targets": [{"name": top}]}]});
            let (uid, alert) = read(&finding).unwrap();
            alerts.add(uid, alert);
        }
        let [alert] = &alerts.all[..] else { panic!("{alerts:?}") };
        assert_eq!(alert.told_of(|it| it == "attack"), (9_000, Some("nj.novelty.device")));
        assert_eq!(alert.told_of(|it| it == "harmless"), (1_000, Some("nj.shift")));
        assert_eq!(alert.told_of(|_| false), (1_000, Some("nj.shift")));
    }
}
