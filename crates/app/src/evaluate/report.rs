//! The outcome as one JSON object, or as tables for people.

use super::alerts::{Alert, Alerts, by_rule};
use super::budget::{BUDGETS, Recall, Stress, of_alerts, recall_at, stress};
use super::calibration::{ALPHAS, Table};
use super::labels::Labels;
use super::measure::{Outcome, Together, Verdict, outcomes, together};
use super::pass::{FirstUses, Pass};
use crate::score::grouped;
use serde::Serialize;
use sim::RunRecord;
use std::collections::BTreeMap;
use std::fmt;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    run: RunRecord,
    events: Option<u64>,
    active_user_days: Option<u64>,
    attacks: Vec<Outcome>,
    patterns: Vec<Together>,
    groups: Vec<Together>,
    all: Option<Together>,
    alerts: Counts,
    recall_at: Vec<RecallAt>,
    stress: Vec<Stress>,
    explanation: Explanation,
    first_uses: Vec<FirstUses>,
    calibration: Option<Table>,
}

/// What alerts were worth, from the day on which attacks may begin.
#[derive(Debug, PartialEq, Serialize)]
struct Counts {
    /// Those that page.
    pages: u64,
    /// Of these, about an attack.
    about_attacks: u64,
    /// Of these, about nothing.
    false_alerts: u64,
    /// Of the false ones, those about somebody who attacked at the time with other events.
    false_near_attacks: u64,
    precision: Option<f64>,
    false_per_day: f64,
    false_per_day_per_1000: f64,
    false_per_day_per_10000: f64,
    false_behaviour_per_day_per_10000: f64,
    /// What pages nobody.
    shadow: u64,
    shadow_about_attacks: u64,
    /// Pages before attacks may begin, all of them false.
    while_learning: u64,
    /// Alerts that were written again under their identifier.
    amendments: u64,
    false_by_rule: BTreeMap<String, u64>,
}

/// Recall where only so many looks a day are possible.
#[derive(Debug, Serialize)]
struct RecallAt {
    /// Alerts by their risk.
    alerts: Recall,
    /// Days of people by their highest score.
    scores: Option<Recall>,
}

/// How often the strongest contribution is an injected cause.
#[derive(Debug, PartialEq, Serialize)]
struct Explanation {
    alerts: u64,
    alerts_right: u64,
    alerts_rate: Option<f64>,
    scores: Option<u64>,
    scores_right: Option<u64>,
    scores_rate: Option<f64>,
}

impl Report {
    pub(super) fn new(labels: &Labels, alerts: &Alerts, verdicts: &[Verdict], pass: &Pass, budget: Option<f64>) -> Self {
        let attacks = outcomes(labels, alerts, verdicts);
        let looks = of_alerts(alerts, verdicts);
        let recall = |it: f64| RecallAt {
            alerts: recall_at(labels, &looks, it),
            scores: pass.looks.as_ref().map(|looks| recall_at(labels, looks, it)),
        };
        Self {
            run: labels.run.clone(),
            events: pass.events,
            active_user_days: pass.active_user_days,
            patterns: together(&attacks, |it| it.pattern.clone()),
            groups: together(&attacks, |it| it.group.as_str().to_owned()),
            all: together(&attacks, |_| "all".to_owned()).pop(),
            alerts: counts(labels, alerts, verdicts),
            recall_at: BUDGETS.into_iter().map(recall).collect(),
            stress: stress(labels, alerts, verdicts, budget),
            explanation: explanation(&attacks, pass),
            first_uses: pass.first_uses.clone(),
            calibration: pass.calibration.clone(),
            attacks,
        }
    }
}

fn counts(labels: &Labels, alerts: &Alerts, verdicts: &[Verdict]) -> Counts {
    let all: Vec<(&Alert, &Verdict)> = alerts.all.iter().zip(verdicts).collect();
    let is_late = |it: &Alert| it.time_ms >= labels.run.attacks_from_ms;
    let pages: Vec<&(&Alert, &Verdict)> = all.iter().filter(|(alert, _)| alert.is_page && is_late(alert)).collect();
    let noise: Vec<&Alert> = pages.iter().filter(|(_, verdict)| !verdict.is_true()).map(|(alert, _)| *alert).collect();
    let shadow = || all.iter().filter(|(alert, _)| !alert.is_page);
    let per_day = noise.len() as f64 / labels.days();
    let per_person = per_day / f64::from(labels.run.people);
    let behaviour = noise.iter().filter(|it| it.is_behaviour).count() as f64;
    let count = |it: usize| it as u64;
    Counts {
        pages: count(pages.len()),
        about_attacks: count(pages.len() - noise.len()),
        false_alerts: count(noise.len()),
        false_near_attacks: count(pages.iter().filter(|(_, it)| *it == &Verdict::False { is_near: true }).count()),
        precision: (!pages.is_empty()).then(|| (pages.len() - noise.len()) as f64 / pages.len() as f64),
        false_per_day: per_day,
        false_per_day_per_1000: per_person * 1_000.0,
        false_per_day_per_10000: per_person * 10_000.0,
        false_behaviour_per_day_per_10000: behaviour / labels.days() / f64::from(labels.run.people) * 10_000.0,
        shadow: count(shadow().count()),
        shadow_about_attacks: count(shadow().filter(|(_, it)| it.is_true()).count()),
        while_learning: count(all.iter().filter(|(alert, _)| alert.is_page && !is_late(alert)).count()),
        amendments: alerts.amendments,
        false_by_rule: by_rule(noise.into_iter()),
    }
}

fn explanation(attacks: &[Outcome], pass: &Pass) -> Explanation {
    let explained: Vec<bool> = attacks.iter().filter_map(|it| it.explained).collect();
    let right = explained.iter().filter(|it| **it).count();
    let rate = |right: usize, of: usize| (of > 0).then(|| right as f64 / of as f64);
    Explanation {
        alerts: explained.len() as u64,
        alerts_right: right as u64,
        alerts_rate: rate(right, explained.len()),
        scores: pass.explained.map(|(of, _)| of as u64),
        scores_right: pass.explained.map(|(_, right)| right as u64),
        scores_rate: pass.explained.and_then(|(of, right)| rate(right, of)),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_run(f)?;
        self.write_attacks(f)?;
        write_together(f, "pattern", &self.patterns)?;
        write_together(f, "group", &self.groups)?;
        self.write_counts(f)?;
        self.write_recall(f)?;
        self.write_stress(f)?;
        self.write_rest(f)
    }
}

impl Report {
    fn write_run(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = &self.run;
        let people = grouped(u64::from(run.people));
        write!(f, "seed {}: {people} people, {} days, {} attacks", run.seed, run.days, self.attacks.len())?;
        match self.events {
            Some(events) => writeln!(f, ", {} events\n", grouped(events)),
            None => writeln!(f, "\n"),
        }
    }

    fn write_attacks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<34} {:>9} {:>12} {:>12}  first alert", "attack", "minutes", "events", "accounts")?;
        for it in &self.attacks {
            let name = it.variant.as_ref().map_or_else(|| it.id.clone(), |variant| format!("{} ({variant})", it.id));
            let of = |part: Option<usize>, total: usize| part.map_or_else(|| format!("-/{total}"), |it| format!("{it}/{total}"));
            let rule = match (&it.first_rule, it.caught_in_shadow) {
                (Some(rule), _) => rule.as_str(),
                (None, true) => "missed (in shadow only)",
                (None, false) => "missed",
            };
            writeln!(
                f,
                "{name:<34} {:>9} {:>12} {:>12}  {rule}",
                number(it.minutes),
                of(it.events, it.events_total),
                of(it.accounts, it.accounts_total)
            )?;
        }
        writeln!(f)
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.alerts;
        if let Some(all) = &self.all {
            writeln!(f, "caught {} of {} attacks ({:.1} %)", all.caught, all.attacks, all.rate * 100.0)?;
        }
        writeln!(
            f,
            "alerts {}: {} about attacks, {} false ({} of these about attackers); precision {}",
            it.pages,
            it.about_attacks,
            it.false_alerts,
            it.false_near_attacks,
            share(it.precision)
        )?;
        writeln!(
            f,
            "false a day: {:.2}; per 1,000 people {:.2}, per 10,000 people {:.2} (behaviour {:.2})",
            it.false_per_day, it.false_per_day_per_1000, it.false_per_day_per_10000, it.false_behaviour_per_day_per_10000
        )?;
        writeln!(
            f,
            "in shadow {} ({} about attacks); {} before attacks may begin",
            it.shadow, it.shadow_about_attacks, it.while_learning
        )?;
        let mut rules: Vec<(&String, &u64)> = it.false_by_rule.iter().collect();
        rules.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (rule, count) in rules {
            writeln!(f, "  {count:>6}  {rule}")?;
        }
        writeln!(f)
    }

    fn write_recall(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<28} {:>7} {:>7} {:>8} {:>10} {:>8}",
            "looks a day/10,000 people", "looks", "found", "recall", "precision", "ceiling"
        )?;
        for it in &self.recall_at {
            for (of, recall) in [("alerts", Some(&it.alerts)), ("scores", it.scores.as_ref())] {
                let Some(it) = recall else { continue };
                let name = format!("{} ({of})", it.per_day_per_10000);
                let (recall, ceiling) = (share(Some(it.rate)), share(Some(it.ceiling)));
                writeln!(f, "{name:<28} {:>7} {:>7} {recall:>8} {:>10} {ceiling:>8}", it.looks, it.found, share(it.precision))?;
            }
        }
        writeln!(f)
    }

    fn write_stress(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24} {:>6} {:>7} {:>9} {:>12} {:>10}", "stress", "times", "false", "a day", "by ordinary", "by budget")?;
        for it in &self.stress {
            writeln!(
                f,
                "{:<24} {:>6} {:>7} {:>9.2} {:>12} {:>10}",
                it.kind.as_str(),
                it.times,
                it.false_alerts,
                it.rate,
                number(it.ratio),
                number(it.of_budget)
            )?;
        }
        writeln!(f)
    }

    fn write_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.explanation;
        if it.alerts > 0 {
            writeln!(f, "strongest contribution is an injected cause: {} of {} explained attacks", it.alerts_right, it.alerts)?;
        }
        if let (Some(of), Some(right)) = (it.scores, it.scores_right) {
            writeln!(f, "the highest score of an attack is explained by an injected cause: {right} of {of}")?;
        }
        if !self.first_uses.is_empty() {
            writeln!(f, "{:<12} {:>10} {:>9} {:>10} {:>12}", "first use", "uses", "alerted", "per 1,000", "p >= 0.05")?;
        }
        for it in &self.first_uses {
            let (uses, unsurprising) = (grouped(it.uses), share(it.unsurprising));
            writeln!(f, "{:<12} {uses:>10} {:>9} {:>10.2} {unsurprising:>12}", it.of, it.alerted, it.alerted_per_1000)?;
        }
        let Some(table) = &self.calibration else { return Ok(()) };
        write!(f, "\n{:<24} {:>12}", "observed by nominal", "events")?;
        ALPHAS.iter().try_for_each(|it| write!(f, " {it:>9.0e}"))?;
        for row in &table.rows {
            write!(f, "\n{:<24} {:>12}", row.name, grouped(row.events))?;
            row.observed_by_nominal.iter().try_for_each(|it| write!(f, " {:>9}", number(*it)))?;
        }
        writeln!(f)
    }
}

fn write_together(f: &mut fmt::Formatter<'_>, what: &str, rows: &[Together]) -> fmt::Result {
    writeln!(f, "{what:<22} {:>9} {:>7} {:>9} {:>9} {:>9}  first alerts by", "caught", "rate", "minutes", "events", "accounts")?;
    for it in rows {
        let caught = format!("{}/{}", it.caught, it.attacks);
        let rules: Vec<String> = it.first_rules.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
        writeln!(
            f,
            "{:<22} {caught:>9} {:>7} {:>9} {:>9} {:>9}  {}",
            it.name,
            share(Some(it.rate)),
            number(it.minutes),
            number(it.events),
            number(it.accounts),
            rules.join(", ")
        )?;
    }
    writeln!(f)
}

/// `12.3 %`
fn share(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |it| format!("{:.1} %", it * 100.0))
}

fn number(it: Option<f64>) -> String {
    it.map_or_else(|| "-".to_owned(), |it| format!("{it:.1}"))
}
