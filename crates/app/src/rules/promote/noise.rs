//! The noise that a rule would have made, from recorded findings.

use model::{EventTime, Level};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;
/// A rule that was watched for less than this many days has not seen a weekend.
const DAYS_MIN: f64 = 7.0;
/// Alerts about one actor are a sign only when there are some.
const SHARE_FROM: u64 = 5;
/// The share of one actor from which a rule is mostly about him.
const SHARE_MAX: f64 = 0.5;
/// Actors that are named.
const TOP_ACTORS: usize = 5;

/// One finding, as far as noise goes.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    time: EventTime,
    actor: String,
    is_excepted: bool,
}

/// Recorded findings by the id of their rule.
#[derive(Debug, Default)]
pub(super) struct Findings {
    by_rule: BTreeMap<String, Vec<Finding>>,
    /// Delivery is at least once: what comes twice is one finding.
    seen: BTreeSet<String>,
    span: Option<(EventTime, EventTime)>,
}

impl Findings {
    /// Takes a line of OCSF. False if it is no finding.
    pub(super) fn add(&mut self, line: &[u8]) -> bool {
        let Ok(json) = serde_json::from_slice::<Json>(line) else { return false };
        let text = |pointer: &str| json.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let (Some(rule), Some(time)) = (text("/finding_info/analytic/uid"), json.get("time").and_then(Json::as_i64)) else {
            return false;
        };
        let time = EventTime::from_ms(time);
        if text("/finding_info/uid").is_some_and(|it| !self.seen.insert(it)) {
            return true;
        }
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
        let actor = text("/actor/user/uid").or_else(|| text("/actor/user/name")).unwrap_or_default();
        let is_excepted = json.pointer("/unmapped/exception").is_some();
        self.by_rule.entry(rule).or_default().push(Finding { time, actor, is_excepted });
        true
    }

    /// How many there are, of all rules.
    pub(super) fn len(&self) -> usize {
        self.by_rule.values().map(Vec::len).sum()
    }

    /// Those of a rule.
    pub(super) fn of_rule(&self, id: &str) -> &[Finding] {
        self.by_rule.get(id).map_or(&[], Vec::as_slice)
    }

    /// From the first to the last finding, in days.
    pub(super) fn days(&self) -> f64 {
        self.span.map_or(0.0, |(first, last)| days_between(first, last))
    }
}

#[expect(clippy::cast_precision_loss, reason = "days of some years")]
fn days_between(first: EventTime, last: EventTime) -> f64 {
    last.ms().saturating_sub(first.ms()) as f64 / DAY_MS as f64
}

/// What is to be done with a rule in shadow; those that can be promoted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It may page.
    Ready,
    /// It was not watched for long enough.
    TooShort,
    /// It found nothing: there is no noise, and no proof that it works but its page.
    Silent,
    /// It is mostly about one actor.
    OneActor,
    /// It would alert more often than its level allows.
    TooNoisy,
}

impl Verdict {
    /// The word for machines.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::TooShort => "too_short",
            Self::Silent => "silent",
            Self::OneActor => "one_actor",
            Self::TooNoisy => "too_noisy",
        }
    }
}

/// The noise of one rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Noise {
    /// Alerts that it would have made.
    pub(super) alerts: u64,
    /// Alerts that exceptions cover, not counted anywhere else.
    pub(super) excepted: u64,
    /// Alerts a day, on average.
    pub(super) per_day: f64,
    /// The day (UTC) with the most alerts, and how many it had.
    pub(super) busiest: Option<(String, u64)>,
    /// Actors and days with an alert: what would be left if somebody was looked into once a day.
    pub(super) actor_days: usize,
    /// Distinct actors.
    pub(super) actors: usize,
    /// Those with the most alerts.
    pub(super) top_actors: Vec<(String, u64)>,
    /// The share of the first of them in all alerts.
    pub(super) top_share: f64,
    pub(super) first: Option<EventTime>,
    pub(super) last: Option<EventTime>,
    pub(super) verdict: Verdict,
    days: f64,
    per_day_max: f64,
}

/// Alerts a day that a rule of a level may cost. A team has some hundred rules: a single one can't have more.
fn per_day_max(level: Level) -> f64 {
    match level {
        Level::Critical | Level::High => 1.0,
        Level::Medium => 5.0,
        Level::Low => 20.0,
        // Nobody is paged by it.
        Level::Informational => f64::INFINITY,
    }
}

impl Noise {
    /// Of the findings of one rule over `days`.
    #[expect(clippy::cast_precision_loss, reason = "counts of alerts that people could read")]
    pub(super) fn of(findings: &[Finding], level: Level, days: f64) -> Self {
        let counted = || findings.iter().filter(|it| !it.is_excepted);
        let (mut by_day, mut by_actor) = (BTreeMap::<i64, u64>::new(), BTreeMap::<&str, u64>::new());
        let mut actor_days = BTreeSet::new();
        for finding in counted() {
            let day = finding.time.ms().div_euclid(DAY_MS);
            *by_day.entry(day).or_default() += 1;
            *by_actor.entry(&finding.actor).or_default() += 1;
            actor_days.insert((day, &finding.actor));
        }
        let alerts = counted().count() as u64;
        // Less than a day is no basis for a rate that is higher than what was seen.
        let watched = days.max(1.0);
        let mut top: Vec<(String, u64)> = by_actor.iter().map(|(actor, count)| ((*actor).to_owned(), *count)).collect();
        top.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        let top_share = top.first().map_or(0.0, |(_, count)| *count as f64 / alerts.max(1) as f64);
        top.truncate(TOP_ACTORS);
        let busiest = by_day.iter().max_by_key(|(day, count)| (**count, std::cmp::Reverse(**day)));
        let mut noise = Self {
            alerts,
            excepted: findings.len() as u64 - alerts,
            per_day: alerts as f64 / watched,
            busiest: busiest.map(|(day, count)| (day_of(*day), *count)),
            actor_days: actor_days.len(),
            actors: by_actor.len(),
            top_actors: top,
            top_share,
            first: counted().map(|it| it.time).min(),
            last: counted().map(|it| it.time).max(),
            verdict: Verdict::Ready,
            days,
            per_day_max: per_day_max(level),
        };
        noise.verdict = noise.judge();
        noise
    }

    fn judge(&self) -> Verdict {
        if self.alerts >= SHARE_FROM && self.top_share > SHARE_MAX {
            Verdict::OneActor
        } else if self.per_day > self.per_day_max {
            Verdict::TooNoisy
        } else if self.days < DAYS_MIN {
            Verdict::TooShort
        } else if self.alerts == 0 {
            Verdict::Silent
        } else {
            Verdict::Ready
        }
    }

    /// The verdict in a sentence.
    pub(super) fn reason(&self) -> String {
        let (alerts, max) = (self.per_day * 7.0, self.per_day_max * 7.0);
        match self.verdict {
            Verdict::Ready if max.is_infinite() => format!("{alerts:.1} alerts a week, and its level pages nobody"),
            Verdict::Ready => format!("about {alerts:.1} alerts a week, where its level allows {max:.0}"),
            Verdict::TooShort => format!("only {:.1} days were watched; a week has different days", self.days),
            Verdict::Silent => "it found nothing; promote it if its page is proof enough".to_owned(),
            Verdict::OneActor => {
                let actor = self.top_actors.first().map_or("", |(actor, _)| actor.as_str());
                let share = self.top_share * 100.0;
                format!(
                    "{share:.0} % of its alerts are about {}: name what sets them apart in the rule, or make an exception",
                    crate::show::escaped(actor)
                )
            }
            Verdict::TooNoisy => {
                format!("about {alerts:.0} alerts a week, where its level allows {max:.0}: narrow it, or lower its level")
            }
        }
    }
}

/// `2026-03-02`
fn day_of(day: i64) -> String {
    EventTime::from_ms(day.saturating_mul(DAY_MS)).to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Findings of one rule: (hour since the beginning, actor).
    fn noise(level: Level, days: f64, findings: &[(i64, &str)]) -> Noise {
        let finding = |&(hour, actor): &(i64, &str)| Finding {
            time: EventTime::from_ms(hour * 3_600_000),
            actor: actor.trim_start_matches('!').to_owned(),
            is_excepted: actor.starts_with('!'),
        };
        Noise::of(&findings.iter().map(finding).collect::<Vec<_>>(), level, days)
    }

    #[track_caller]
    fn check(level: Level, days: f64, findings: &[(i64, &str)], expected: Verdict) {
        let noise = noise(level, days, findings);
        assert_eq!(noise.verdict, expected, "{noise:?}");
    }

    #[test]
    fn a_rule_is_ready_when_it_was_watched_for_a_week_and_pages_as_often_as_its_level_allows() {
        let daily: Vec<(i64, String)> =
            (0..14).flat_map(|day| [(day * 24, format!("a{day}")), (day * 24 + 1, format!("b{day}"))]).collect();
        let daily: Vec<(i64, &str)> = daily.iter().map(|(hour, actor)| (*hour, actor.as_str())).collect();
        check(Level::Medium, 14.0, &daily, Verdict::Ready);
        check(Level::High, 14.0, &daily, Verdict::TooNoisy);
        check(Level::High, 14.0, &daily[..10], Verdict::Ready);
        check(Level::Informational, 14.0, &daily, Verdict::Ready);
        check(Level::Medium, 3.0, &daily[..6], Verdict::TooShort);
        check(Level::Medium, 14.0, &[], Verdict::Silent);
    }

    #[test]
    fn every_alert_counts_also_when_they_are_about_the_same_people() {
        let storm: Vec<(i64, String)> = (0..14 * 24 * 4).map(|it| (it / 4, format!("a{}", it % 3))).collect();
        let storm: Vec<(i64, &str)> = storm.iter().map(|(hour, actor)| (*hour, actor.as_str())).collect();
        check(Level::Medium, 14.0, &storm, Verdict::TooNoisy);
    }

    #[test]
    fn a_rule_that_is_mostly_about_one_actor_is_told_apart() {
        check(Level::Low, 14.0, &[(1, "svc"), (30, "svc"), (60, "svc"), (90, "svc"), (91, "ana")], Verdict::OneActor);
        check(Level::Low, 14.0, &[(1, "svc"), (30, "svc"), (60, "svc")], Verdict::Ready);
    }

    #[test]
    fn noise_is_counted_by_day_and_actor_without_what_exceptions_cover() {
        let noise = noise(Level::Low, 10.0, &[(1, "ana"), (2, "ana"), (25, "bo"), (26, "ana"), (27, "bo"), (28, "!svc")]);
        assert_eq!((noise.alerts, noise.excepted, noise.actors), (5, 1, 2));
        assert_eq!(noise.busiest, Some(("1970-01-02".to_owned(), 3)));
        assert_eq!(noise.top_actors, [("ana".to_owned(), 3), ("bo".to_owned(), 2)]);
        // Ana on the first day, both on the second.
        assert_eq!(noise.actor_days, 3);
        assert!((noise.per_day - 0.5).abs() < 1e-9, "{noise:?}");
        assert_eq!(noise.first, Some(EventTime::from_ms(3_600_000)));
    }

    #[test]
    fn a_finding_that_was_delivered_twice_counts_once_and_what_is_none_is_refused() {
        let mut findings = Findings::default();
        let line = br#"{"time":1000,"finding_info":{"uid":"f","analytic":{"uid":"r"}},"actor":{"user":{"uid":"ana"}}}"#;
        assert!(findings.add(line) && findings.add(line));
        assert!(!findings.add(b"{}") && !findings.add(b"oops"));
        assert_eq!((findings.len(), findings.of_rule("r").len()), (1, 1));
    }
}
