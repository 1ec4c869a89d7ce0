//! What was counted, for people and for machines.

use super::args::Options;
use super::attic::Losses;
use super::seat::Counts;
use crate::load::Rules;
use crate::show::escaped;
use anyhow::{Context, Result};
use engine::BehaviourStats;
use engine::targets::TargetStats;
use engine::windows::WindowStats;
use model::{Delivery, RuleInfo};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// What the outputs counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) alerts_by_rule: BTreeMap<String, u64>,
    /// What rules in shadow found.
    pub(crate) shadow_by_rule: BTreeMap<String, u64>,
    /// What exceptions have kept from paging.
    pub(crate) excepted_by_rule: BTreeMap<String, u64>,
    /// By exception, and by rule; of an exception that nothing has used, nothing.
    pub(crate) excepted_by_exception: BTreeMap<String, BTreeMap<String, u64>>,
    pub(crate) bad_by_reason: BTreeMap<&'static str, u64>,
    /// Decompressed.
    pub(crate) bytes: u64,
}

impl Tally {
    /// The same with every exception there is, used or not: `all` has their ids.
    pub(crate) fn with_exceptions(mut self, mut all: BTreeMap<String, BTreeMap<String, u64>>) -> Self {
        all.append(&mut self.excepted_by_exception);
        Self { excepted_by_exception: all, ..self }
    }

    /// Counts an alert of `rule`, paging or not.
    pub(crate) fn alert(&mut self, rule: &Arc<RuleInfo>, delivery: &Delivery) {
        match delivery {
            Delivery::Page => count(&mut self.alerts_by_rule, &rule.name),
            Delivery::Shadow => count(&mut self.shadow_by_rule, &rule.name),
            Delivery::Excepted(exception) => {
                count(&mut self.excepted_by_rule, &rule.name);
                count(self.excepted_by_exception.entry(exception.id.clone()).or_default(), &rule.name);
            }
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => _ = counts.insert(name.to_owned(), 1),
    }
}

/// How many rules there are.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct RuleCounts {
    /// Detection rules and correlations that can be used.
    pub(crate) loaded: usize,
    /// Of the detection rules, those that are for this source.
    pub(crate) active: usize,
    /// Problems that kept a document from loading.
    pub(crate) errors: usize,
    /// Other problems.
    pub(crate) warnings: usize,
}

impl RuleCounts {
    pub(crate) fn of(rules: &Rules) -> Self {
        let errors = rules.errors();
        let active = rules.book.programs.iter().map(|it| it.rules_active()).sum();
        Self { loaded: rules.len(), active, errors, warnings: rules.problems.len() - errors }
    }
}

/// The statistics of a run; `events = scored + bad + duplicates`.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics {
    events: u64,
    scored: u64,
    bad: u64,
    duplicates: u64,
    late: u64,
    alerts: u64,
    alerts_by_rule: BTreeMap<String, u64>,
    shadow: u64,
    shadow_by_rule: BTreeMap<String, u64>,
    excepted: u64,
    excepted_by_rule: BTreeMap<String, u64>,
    excepted_by_exception: BTreeMap<String, BTreeMap<String, u64>>,
    bytes: u64,
    seconds: f64,
    events_per_s: f64,
    threads: usize,
    peak_rss_bytes: u64,
    mb_per_s: f64,
    bad_by_reason: BTreeMap<&'static str, u64>,
    rules: RuleCounts,
    windows: Windows,
    #[serde(skip_serializing_if = "Option::is_none")]
    triage: Option<engine::triage::Stats>,
    targets: Targets,
    #[serde(skip_serializing_if = "Option::is_none")]
    pulse: Option<engine::pulse::PulseStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behaviour: Option<Profiles>,
    /// The length of the state that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    state_bytes: Option<u64>,
}

/// How many targets are remembered at the end, and what a limit has made their memory lose. All 0 where no rule asks for them.
#[derive(Debug, Clone, Copy, Serialize)]
struct Targets {
    remembered: u64,
    evicted: u64,
    narrowed: u64,
    unlisted: u64,
    unwatched: u64,
    unclassed: u64,
}

impl From<TargetStats> for Targets {
    fn from(it: TargetStats) -> Self {
        let TargetStats { targets: remembered, evicted, narrowed, unlisted, unwatched, unclassed } = it;
        Self { remembered, evicted, narrowed, unlisted, unwatched, unclassed }
    }
}

/// How it stands with the profiles of people; counts are since learning began, in all runs with the same state.
#[derive(Debug, Clone, Serialize)]
struct Profiles {
    people: usize,
    bytes: usize,
    people_on_disk: usize,
    evicted: u64,
    brought_back: u64,
    forgotten: u64,
    unmodelled: u64,
    too_late: u64,
    /// In this run, profiles that could not be written to the disk or read from it.
    failed: u64,
    #[serde(skip)]
    why: Option<String>,
}

/// How full the windows of correlations are at the end, and what a limit has made them lose.
#[derive(Debug, Clone, Copy, Serialize)]
struct Windows {
    groups: usize,
    entries: usize,
    groups_evicted: u64,
    entries_evicted: u64,
    entries_thinned: u64,
    unmeasured: u64,
    values_cut: u64,
}

impl From<WindowStats> for Windows {
    fn from(it: WindowStats) -> Self {
        let WindowStats { groups, entries, groups_evicted, entries_evicted, entries_thinned, unmeasured, values_cut } = it;
        Self { groups, entries, groups_evicted, entries_evicted, entries_thinned, unmeasured, values_cut }
    }
}

impl Statistics {
    pub(crate) fn new(counts: Counts, tally: Tally, taken: Duration, threads: usize, rules: RuleCounts) -> Self {
        let bad = tally.bad_by_reason.values().sum();
        let events = counts.scored + bad + counts.duplicates;
        // A file may be done faster than the clock can tell.
        let seconds = taken.as_secs_f64().max(1e-6);
        Self {
            events,
            scored: counts.scored,
            bad,
            duplicates: counts.duplicates,
            late: counts.late,
            alerts: tally.alerts_by_rule.values().sum(),
            alerts_by_rule: tally.alerts_by_rule,
            shadow: tally.shadow_by_rule.values().sum(),
            shadow_by_rule: tally.shadow_by_rule,
            excepted: tally.excepted_by_rule.values().sum(),
            excepted_by_rule: tally.excepted_by_rule,
            excepted_by_exception: tally.excepted_by_exception,
            bytes: tally.bytes,
            seconds: rounded(seconds, 1e6),
            events_per_s: rounded(approximate(events) / seconds, 1.0),
            threads,
            peak_rss_bytes: peak_rss_bytes(),
            mb_per_s: rounded(approximate(tally.bytes) / 1e6 / seconds, 10.0),
            bad_by_reason: tally.bad_by_reason,
            rules,
            windows: counts.windows.into(),
            triage: None,
            pulse: None,
            targets: counts.targets.into(),
            behaviour: None,
            state_bytes: None,
        }
    }

    /// The same with how it stands with the profiles, where any are kept, in memory and on the disk.
    pub(crate) fn with_profiles(self, stats: BehaviourStats, attic: Option<(usize, Losses)>, state_bytes: Option<u64>) -> Self {
        let BehaviourStats { people, bytes, evicted, brought_back, forgotten, unmodelled, too_late, .. } = stats;
        let behaviour = attic.map(|(people_on_disk, Losses { failed, first: why, .. })| Profiles {
            people,
            bytes,
            people_on_disk,
            evicted,
            brought_back,
            forgotten,
            unmodelled,
            too_late,
            failed,
            why,
        });
        Self { behaviour, state_bytes, ..self }
    }

    /// Whether profiles were lost to the disk.
    pub(crate) fn has_lost_profiles(&self) -> bool {
        self.behaviour.as_ref().is_some_and(|it| it.failed > 0)
    }

    /// The same with how triage stands.
    pub(crate) fn with_triage(self, triage: Option<engine::triage::Stats>) -> Self {
        Self { triage, ..self }
    }

    /// The same with how the pulse of the source stands.
    pub(crate) fn with_pulse(self, pulse: Option<engine::pulse::PulseStats>) -> Self {
        Self { pulse, ..self }
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut events = grouped(self.events);
        for (count, what) in [(self.bad, "bad"), (self.duplicates, "duplicates"), (self.late, "late")] {
            if count > 0 {
                let _ = write!(events, ", {} {what}", grouped(count));
            }
        }
        let speed = format!(
            "{:.2} s on {} thread{}, {} events/s, {:.1} MB/s",
            self.seconds,
            self.threads,
            if self.threads == 1 { "" } else { "s" },
            grouped_f64(self.events_per_s),
            self.mb_per_s
        );
        let mut lines = vec![("events", events), ("time", speed)];
        if self.peak_rss_bytes > 0 {
            lines.push(("memory", format!("{:.1} MB at most", approximate(self.peak_rss_bytes) / 1e6)));
        }
        lines.push(("rules", self.rules_line()));
        if let Some(lost) = self.windows_line() {
            lines.push(("windows", lost));
        }
        if let Some(lost) = self.targets_line() {
            lines.push(("targets", lost));
        }
        lines.extend(self.pulse.as_ref().and_then(blind_line).map(|it| ("blind", it)));
        lines.extend(self.behaviour.as_ref().map(|it| ("people", it.line())));
        lines.extend(self.state_bytes.map(|it| ("state", format!("saved, {:.1} MB", approximate(it) / 1e6))));
        lines.push(("alerts", grouped(self.alerts)));
        lines.extend(self.triage.as_ref().map(|it| ("told", told_line(it, self.state_bytes.is_some()))));
        lines
    }

    /// What a limit has kept correlations from seeing.
    fn windows_line(&self) -> Option<String> {
        let it = &self.windows;
        let lost = [
            (it.groups_evicted, "groups forgotten"),
            (it.entries_evicted, "events forgotten"),
            (it.entries_thinned, "events forgotten that only late ones could need"),
            (it.values_cut, "events with more values than are looked at"),
        ];
        let lost: Vec<String> =
            lost.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
        (!lost.is_empty()).then(|| format!("full: {}; correlations may have missed something", lost.join(", ")))
    }

    /// What a limit has made the memory of targets lose.
    fn targets_line(&self) -> Option<String> {
        let it = &self.targets;
        let lost = [
            (it.evicted, "targets forgotten"),
            (it.narrowed, "large targets of which the latest people were kept"),
            (it.unlisted, "people on watched targets forgotten"),
            (it.unwatched, "events of watched targets counted as of others"),
            (it.unclassed, "events of classes beyond the most that are told apart"),
        ];
        let lost: Vec<String> =
            lost.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
        (!lost.is_empty()).then(|| format!("full: {}; rules about targets may have missed something", lost.join(", ")))
    }

    fn rules_line(&self) -> String {
        let mut text = format!(
            "{} loaded, {} detections for this source",
            grouped(self.rules.loaded as u64),
            grouped(self.rules.active as u64)
        );
        for (count, what) in [(self.rules.errors, "errors"), (self.rules.warnings, "warnings")] {
            if count > 0 {
                let _ = write!(text, ", {} {what}", grouped(count as u64));
            }
        }
        text
    }
}

impl Profiles {
    fn line(&self) -> String {
        let mut text = format!("{} known", grouped((self.people + self.people_on_disk) as u64));
        let counts = [
            (self.people_on_disk as u64, "of them on the disk"),
            (self.forgotten, "forgotten for want of room"),
            (self.unmodelled, "events of nobody, or at impossible times"),
            (self.too_late, "events a day or more after a later one of the same actor, which were not learnt"),
        ];
        for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {} {what}", grouped(*count));
        }
        text
    }
}

/// What is missing of the source: `2 silences, 1 gap with 12 numbers missing; silent now: crm`
fn blind_line(it: &engine::pulse::PulseStats) -> Option<String> {
    let counts = [
        (it.silences, "silences"),
        (it.drops, "drops"),
        (it.sequence.gaps, "gaps in numbers"),
        (it.sequence.missing, "numbers missing"),
        (it.sequence.came_late, "of them came later"),
        (it.canary.missed, "canaries missing"),
        (it.unstreamed, "events of more streams than are told apart"),
        (it.ahead, "events too far ahead to be counted"),
        (it.sequence.emitters_evicted, "emitters forgotten"),
    ];
    let mut parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
    let blind: Vec<&str> = it.streams.iter().filter(|it| it.is_blind).map(|it| &*it.name).collect();
    if !blind.is_empty() {
        parts.push(format!(
            "blind at the end: {}",
            blind.iter().map(|it| if it.is_empty() { "all" } else { it }).collect::<Vec<_>>().join(", ")
        ));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What became of candidates: `12 of 340 events that raised a risk, 2 of them samples, 300 in open incidents, … ; risk ≥ 7.2: …`
fn told_line(it: &engine::triage::Stats, has_state: bool) -> String {
    let counts = &it.counts;
    let since = if has_state { " in all runs with this state" } else { "" };
    let mut text = format!("{} of {} events that raised a risk{since}", grouped(counts.told()), grouped(counts.candidates));
    let others = [
        (counts.late, "of them late for want of budget"),
        (counts.borrowed, "of them with tomorrow's budget"),
        (counts.spare, "of them with budget to spare"),
        (counts.samples, "of them samples"),
        (counts.appended, "in open incidents"),
        (counts.over_budget, "beyond the budget"),
        (counts.learning, "while learning"),
        (counts.below, "below the threshold"),
    ];
    for (count, what) in others.iter().filter(|(count, _)| *count > 0) {
        let _ = write!(text, ", {} {what}", grouped(*count));
    }
    let _ = write!(text, "; {}", it.meaning());
    text
}

/// The statistics and what people have to know besides.
pub(crate) struct Report {
    pub(crate) statistics: Statistics,
    /// Why the input was not read to its end.
    pub(crate) trouble: Option<String>,
    /// So much of the input came in no order of time that hardly anything was learnt of it.
    pub(crate) is_out_of_order: bool,
}

impl Report {
    /// What was found and pages nobody, and where it is.
    fn write_unpaged(&self, err: &mut impl Write, options: &Options) -> Result<()> {
        let it = &self.statistics;
        if it.shadow > 0 {
            let hint =
                if options.shadow.is_some() { "" } else { "; --shadow FILE keeps them, --include-shadow makes alerts of them" };
            writeln!(err, "{:>8}  {} (status test or experimental: they page nobody{hint})", "shadow", grouped(it.shadow))?;
            write_counts(err, &it.shadow_by_rule)?;
        }
        if it.excepted > 0 {
            let hint = if options.shadow.is_some() { "" } else { "; --shadow FILE keeps them" };
            writeln!(err, "{:>8}  {} (covered by an exception: they page nobody{hint})", "excepted", grouped(it.excepted))?;
            write_counts(err, &it.excepted_by_rule)?;
        }
        Ok(())
    }

    /// Writes the statistics where the options want them.
    pub(crate) fn write(&self, options: &Options) -> Result<()> {
        if let Some(path) = &options.stats {
            let mut json = serde_json::to_vec_pretty(&self.statistics).context("cannot write statistics")?;
            json.push(b'\n');
            std::fs::write(path, json).with_context(|| format!("cannot write statistics to {}", path.display()))?;
        }
        let mut err = anstream::stderr().lock();
        if !options.is_quiet {
            for (name, text) in self.statistics.lines() {
                writeln!(err, "{name:>8}  {text}")?;
            }
            write_counts(&mut err, &self.statistics.alerts_by_rule)?;
            self.write_unpaged(&mut err, options)?;
        }
        if let Some(Profiles { failed, why: Some(why), .. }) = &self.statistics.behaviour {
            writeln!(err, "error: {}; {} profiles were lost, their people begin anew", escaped(why), grouped(*failed))?;
        }
        if self.is_out_of_order {
            let hint = "give events in the order of their time, and each once to the same --state";
            writeln!(
                err,
                "warning: most events came a day or more after a later one of the same actor: behaviour was not compared; {hint}"
            )?;
        }
        if let Some(trouble) = &self.trouble {
            writeln!(
                err,
                "error: {}; everything before that is scored",
                escaped(&format!("{}: {trouble}", options.input.display()))
            )?;
        }
        Ok(())
    }
}

fn write_counts(err: &mut impl Write, counts: &BTreeMap<String, u64>) -> Result<()> {
    for (rule, count) in by_count(counts) {
        writeln!(err, "{:>8}  {}", grouped(count), escaped(rule))?;
    }
    Ok(())
}

/// The largest counts first.
fn by_count(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut counts: Vec<_> = counts.iter().map(|(name, &count)| (name.as_str(), count)).collect();
    counts.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    counts
}

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and far below 2^64")]
fn grouped_f64(number: f64) -> String {
    grouped(number as u64)
}

#[expect(clippy::cast_precision_loss, reason = "for rates, which are not exact anyway")]
fn approximate(count: u64) -> f64 {
    count as f64
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

/// The most memory that this process ever held; 0 where the system does not tell (it is Linux's `/proc` that does).
pub(crate) fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|it| it.trim().strip_suffix("kB")).and_then(|it| it.trim().parse::<u64>().ok());
    kilobytes.map_or(0, |it| it * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped_by_thousands() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn rules_with_most_alerts_come_first() {
        let counts = BTreeMap::from([("b".to_owned(), 2), ("a".to_owned(), 2), ("c".to_owned(), 3)]);
        assert_eq!(by_count(&counts), [("c", 3), ("a", 2), ("b", 2)]);
    }
}
