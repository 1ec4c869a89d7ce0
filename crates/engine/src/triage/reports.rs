//! Employees who report suspicious calls or messages: for a day, sign-ins and new devices in their team and tool count for more.

use super::MS_PER_DAY;
use model::behaviour::Measure;
use model::{Alert, EventTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much more.
pub(super) const FACTOR: f64 = 2.0;
/// Most teams, and most tools, of which reports are remembered; then the one with the oldest report goes.
const PLACES_MAX: usize = 1_000;
/// How actions begin that are sign-ins, in small letters: of the taxonomy, Okta, AWS, GitHub and of protocols.
const SIGN_INS: [&str; 9] = [
    "login",
    "logon",
    "signin",
    "sign_in",
    "sign-in",
    "user.session.start",
    "user.authentication",
    "consolelogin",
    "session.start",
];

/// What an employee does who reports a suspicious call or message.
pub(crate) const REPORTS: &str = "security.report";

/// An employee has reported a suspicious call or message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The position of the event in the input.
    pub position: u64,
    /// When.
    pub time: EventTime,
    /// In which team, as far as the event says.
    pub team: Option<String>,
    /// With which tool.
    pub tool: Option<String>,
}

/// The latest report of each team and tool, in milliseconds since the epoch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Reports {
    by_team: BTreeMap<String, i64>,
    by_tool: BTreeMap<String, i64>,
}

impl Reports {
    pub(super) fn add(&mut self, report: &Report) {
        let ms = report.time.ms();
        for (places, name) in [(&mut self.by_team, &report.team), (&mut self.by_tool, &report.tool)] {
            let Some(name) = name.as_ref().filter(|it| !it.is_empty()) else { continue };
            let known = places.entry(name.clone()).or_insert(ms);
            *known = ms.max(*known);
            if places.len() > PLACES_MAX {
                let oldest = places.iter().min_by_key(|it| it.1).map(|it| it.0.clone());
                oldest.and_then(|it| places.remove(&it));
            }
        }
    }

    /// In words, the report that makes `alert` count for more: it is a sign-in, or came from somewhere new, in the team or on the tool.
    pub(super) fn touching(&self, alert: &Alert) -> Option<String> {
        if self.by_team.is_empty() && self.by_tool.is_empty() || !is_entry(alert) {
            return None;
        }
        let reported = |places: &BTreeMap<String, i64>, name: Option<&str>| {
            let (name, ms) = places.get_key_value(name?)?;
            (0..MS_PER_DAY).contains(&alert.time.ms().saturating_sub(*ms)).then(|| words(name, *ms, alert.time))
        };
        reported(&self.by_team, alert.actor.team.as_deref()).or_else(|| reported(&self.by_tool, alert.tool.as_deref()))
    }
}

/// Whether somebody signs in by that action.
pub(crate) fn is_sign_in(action: &str) -> bool {
    let begins = |it: &&str| action.get(..it.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(it));
    SIGN_INS.iter().any(begins)
}

/// Whether it is somebody coming in, as somebody with stolen credentials would.
fn is_entry(alert: &Alert) -> bool {
    let is_of_origin = |feature: &str| Measure::of(feature).is_of_origin();
    is_sign_in(&alert.action) || alert.deviation.iter().flat_map(|it| &it.contributions).any(|it| is_of_origin(&it.feature))
}

/// `suspicious calls or messages were reported in support-t2 at 09:12 UTC`, with the day if it was another.
fn words(place: &str, ms: i64, at: EventTime) -> String {
    let (text, now) = (EventTime::from_ms(ms).to_string(), at.to_string());
    let (day, clock) = (text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default());
    let day = if now.starts_with(day) { String::new() } else { format!(" on {day}") };
    format!("suspicious calls or messages were reported in {place} at {clock} UTC{day}")
}
