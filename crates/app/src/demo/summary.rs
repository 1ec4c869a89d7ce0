//! How the demo ended: what was read, what was raised, and what it would have been worth on the day of the attack.

use std::collections::BTreeMap;
use std::fmt::Write;

use model::EventTime;
use serde::Serialize;
use sim::AttackTruth;

use super::company::Produced;
use super::watch::Seen;
use crate::metrics::InputCounts;
use crate::score::{grouped, peak_rss_bytes};

/// The keys of `score --stats`, and the attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    events: u64,
    scored: u64,
    bad: u64,
    duplicates: u64,
    late: u64,
    alerts: u64,
    alerts_by_rule: BTreeMap<String, u64>,
    bytes: u64,
    seconds: f64,
    events_per_s: f64,
    threads: usize,
    peak_rss_bytes: u64,
    /// Alerts to which nothing of the attack has contributed.
    false_alerts: u64,
    false_alerts_per_day: f64,
    attack: Attack,
}

/// The attack, as far as it went before the demo ended. Times are RFC 3339.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Attack {
    /// The first attempt to sign in with stolen credentials.
    started: Option<String>,
    /// The first alert to which something that the attackers did has contributed.
    first_alert: Option<String>,
    first_alert_rule: Option<String>,
    first_takeover: Option<String>,
    targets: usize,
    targets_before_first_alert: usize,
    takeovers: usize,
    takeovers_before_first_alert: usize,
    inboxes: usize,
    archives: usize,
    /// Alerts to which something of the attack has contributed.
    alerts: u64,
    /// Takeovers that came more than [`RESPONSE_MS`] after the first alert.
    takeovers_avoidable: usize,
}

/// How long people may take from the first alert to locking somebody out: 15 minutes.
const RESPONSE_MS: i64 = 15 * 60_000;
const DAY_MS: i64 = 86_400_000;

impl Summary {
    /// How things stand when `seen` has arrived and `counts` were read.
    pub(super) fn of(produced: &Produced, seen: &[Seen], truth: &AttackTruth, counts: InputCounts, seconds: f64) -> Self {
        let InputCounts { scored, late, duplicates, bad, bytes } = counts;
        let mut alerts_by_rule = BTreeMap::new();
        for alert in seen {
            *alerts_by_rule.entry(alert.rule.clone()).or_insert(0) += 1;
        }
        let is_false = |it: &&Seen| !it.events.iter().any(|id| produced.intrusion.contains(id) || produced.reports.contains(id));
        let false_alerts = seen.iter().filter(is_false).count() as u64;
        let events = scored + duplicates + bad;
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let (events_per_s, false_alerts_per_day) = (
            events as f64 / seconds.max(0.001),
            false_alerts as f64 * DAY_MS as f64 / (produced.last_ms - produced.first_ms).max(1) as f64,
        );
        Self {
            events,
            scored,
            bad,
            duplicates,
            late,
            alerts: seen.len() as u64,
            alerts_by_rule,
            bytes,
            seconds,
            events_per_s,
            threads: super::partitions(),
            peak_rss_bytes: peak_rss_bytes(),
            false_alerts,
            false_alerts_per_day,
            attack: Attack::of(produced, seen, truth),
        }
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |it: String| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{it}");
        };
        line(format!(
            "{} events in {:.1} s ({}/s), {:.0} MB; {} bad, {} duplicates, {} late",
            grouped(self.events),
            self.seconds,
            grouped(rounded(self.events_per_s)),
            rounded_mb(self.bytes),
            self.bad,
            self.duplicates,
            self.late
        ));
        line(format!(
            "{} alerts, {} of them part of the attack; {} others, {:.1} a day",
            self.alerts, self.attack.alerts, self.false_alerts, self.false_alerts_per_day
        ));
        let mut rules: Vec<_> = self.alerts_by_rule.iter().collect();
        rules.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        rules.into_iter().for_each(|(rule, count)| line(format!("{count:>7}  {rule}")));
        self.attack.tell(&mut line);
        text.truncate(text.trim_end().len());
        text
    }
}

impl Attack {
    fn of(produced: &Produced, seen: &[Seen], truth: &AttackTruth) -> Self {
        let is_intrusion = |it: &&Seen| it.events.iter().any(|id| produced.intrusion.contains(id));
        let first = seen.iter().filter(is_intrusion).min_by_key(|it| it.time_ms);
        let has_part = |it: &&Seen| is_intrusion(it) || it.events.iter().any(|id| produced.reports.contains(id));
        // What has not happened yet when somebody stops the demo does not count.
        let before = |limit_ms: i64, times: &mut dyn Iterator<Item = i64>| times.filter(|it| *it < limit_ms).count();
        let end_ms = produced.last_ms.saturating_add(1);
        let alert_ms = first.map_or(end_ms, |it| it.time_ms.min(end_ms));
        let targets = || truth.targets.iter().map(|it| it.time_ms);
        let takeovers = || truth.takeovers.iter().map(|it| it.time_ms);
        let all = before(end_ms, &mut takeovers());
        let response_ms = alert_ms.saturating_add(RESPONSE_MS).min(end_ms);
        Self {
            started: truth.started_ms.filter(|it| *it < end_ms).map(time),
            first_alert: first.map(|it| time(it.time_ms)),
            first_alert_rule: first.map(|it| it.rule.clone()),
            first_takeover: takeovers().min().filter(|it| *it < end_ms).map(time),
            targets: before(end_ms, &mut targets()),
            targets_before_first_alert: before(alert_ms, &mut targets()),
            takeovers: all,
            takeovers_before_first_alert: before(alert_ms, &mut takeovers()),
            inboxes: before(end_ms, &mut truth.inboxes.iter().map(|it| it.time_ms)),
            archives: before(end_ms, &mut truth.archives.iter().map(|it| it.time_ms)),
            alerts: seen.iter().filter(has_part).count() as u64,
            takeovers_avoidable: if first.is_some() { all - before(response_ms, &mut takeovers()) } else { 0 },
        }
    }

    fn tell(&self, line: &mut impl FnMut(String)) {
        let Some(started) = &self.started else { return line("The attack had not begun.".to_owned()) };
        line(format!("The attack began at          {started}"));
        let Some(first_alert) = &self.first_alert else {
            return line(format!("Nobody noticed: {} accounts touched, {} taken over.", self.targets, self.takeovers));
        };
        let rule = self.first_alert_rule.as_deref().unwrap_or_default();
        line(format!("The first alert came at      {first_alert}  ({rule})"));
        if let Some(first_takeover) = &self.first_takeover {
            line(format!("The first account fell at    {first_takeover}"));
        }
        line(format!(
            "By the first alert {} of {} accounts had been touched and {} of {} taken over.",
            self.targets_before_first_alert, self.targets, self.takeovers_before_first_alert, self.takeovers
        ));
        line(format!(
            "Acting on it within 15 minutes would have saved {} accounts. {} inboxes were read, {} archives downloaded.",
            self.takeovers_avoidable, self.inboxes, self.archives
        ));
    }
}

fn time(ms: i64) -> String {
    EventTime::from_ms(ms).to_string()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and small")]
fn rounded(rate: f64) -> u64 {
    rate.round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn rounded_mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::{Takeover, Touch};

    fn truth() -> AttackTruth {
        let touch = |time_ms| Touch { time_ms, target: time_ms.to_string() };
        let takeover = |time_ms| Takeover { begun_ms: time_ms - 1, time_ms, target: time_ms.to_string() };
        AttackTruth {
            started_ms: Some(1_000),
            targets: vec![touch(2_000), touch(3_000), touch(9_000)],
            takeovers: vec![takeover(4_000), takeover(3_000 + RESPONSE_MS)],
            inboxes: vec![touch(5_000)],
            ..AttackTruth::default()
        }
    }

    fn produced(last_ms: i64) -> Produced {
        Produced { last_ms, intrusion: ["bad".to_owned()].into(), reports: ["call".to_owned()].into(), ..Produced::default() }
    }

    fn seen(time_ms: i64, rule: &str, event: &str) -> Seen {
        Seen { time_ms, rule: rule.to_owned(), level: model::Level::High, events: vec![event.to_owned()] }
    }

    const COUNTS: InputCounts = InputCounts { scored: 10, late: 3, duplicates: 2, bad: 1, bytes: 7_000 };

    fn summary(last_ms: i64, alerts: &[Seen]) -> Summary {
        Summary::of(&produced(last_ms), alerts, &truth(), COUNTS, 2.0)
    }

    #[test]
    fn the_first_alert_is_the_first_to_which_the_attackers_contributed() {
        let alerts =
            [seen(1_500, "noise", "x"), seen(1_600, "calls", "call"), seen(3_000, "chain", "bad"), seen(2_500, "probe", "bad")];
        let attack = summary(DAY_MS, &alerts).attack;
        assert_eq!(attack.first_alert_rule.as_deref(), Some("probe"));
        assert_eq!((attack.targets, attack.targets_before_first_alert), (3, 1));
        assert_eq!((attack.takeovers, attack.takeovers_before_first_alert, attack.takeovers_avoidable), (2, 0, 1));
        assert_eq!((attack.alerts, attack.inboxes), (3, 1));
    }

    #[test]
    fn alerts_without_a_part_of_the_attack_are_counted_per_day() {
        let summary = summary(DAY_MS / 2, &[seen(1, "noise", "x"), seen(2, "noise", "y"), seen(3, "calls", "call")]);
        assert_eq!((summary.false_alerts, summary.alerts), (2, 3));
        assert!((summary.false_alerts_per_day - 4.0).abs() < 1e-9);
        assert_eq!(summary.alerts_by_rule["noise"], 2);
    }

    #[test]
    fn every_event_is_scored_bad_or_a_duplicate() {
        let summary = summary(DAY_MS, &[]);
        assert_eq!((summary.events, summary.scored, summary.bad, summary.duplicates), (13, 10, 1, 2));
    }

    #[test]
    fn an_interrupted_demo_tells_only_what_has_happened() {
        let attack = summary(2_500, &[]).attack;
        assert_eq!((attack.targets, attack.targets_before_first_alert, attack.takeovers), (1, 1, 0));
        assert_eq!(summary(500, &[]).attack.started, None);
        assert!(summary(500, &[]).to_text().contains("had not begun"));
    }

    #[test]
    fn without_an_alert_everything_came_before_it() {
        let summary = summary(DAY_MS, &[]);
        assert_eq!((summary.attack.takeovers_before_first_alert, summary.attack.takeovers_avoidable), (2, 0));
        assert!(summary.to_text().contains("Nobody noticed"));
    }
}
