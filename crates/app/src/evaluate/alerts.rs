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
    pub(super) events_total: u64,
    /// The feature that weighs most in it.
    pub(super) top: Option<String>,
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
        known.events.extend(alert.events);
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
        events,
        top: top(finding),
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
