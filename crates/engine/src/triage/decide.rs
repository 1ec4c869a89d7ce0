//! What becomes of a candidate: told at once if there is a token, part of what is known, or left to wait; and who is told of later.

use super::budget::Permit;
use super::case::{Cases, Known};
use super::digest::Outcome;
use super::reports::FACTOR;
use super::waiting::List;
use super::waiting::{Waiting, Weighed};
use super::{MS_PER_DAY, MS_PER_MINUTE, Outgoing, State, Triage};
use model::{Alert, Delivery, EventTime, RuleInfo, Standing, Status, Triaged};
use std::sync::Arc;

/// What becomes of a candidate, apart from the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Told, if there is a token: now or later.
    Ask,
    Append,
    Learn,
    /// Below the threshold; shown only if it speaks.
    Below,
}

/// How an alert comes to be told.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    AtOnce,
    Late,
    Spare,
    /// With the share of those below the threshold that is shown.
    Sample(f64),
}

impl Triage {
    pub(super) fn candidate(&mut self, mut alert: Box<Alert>, at_ms: i64, out: &mut Vec<Outgoing>) {
        let report = self.state.reports.touching(&alert);
        let factor = if report.is_some() { FACTOR } else { 1.0 };
        explain(&mut alert, report);
        let case = self.case(&alert, out);
        case.increment(&alert);
        let (risk, risk_of_rules) = case.risks(alert.time.ms());
        let standing = case.standing(&alert);
        let day = at_ms.div_euclid(MS_PER_DAY);
        if !standing.is_told && case.is_highest(risk) {
            let before = case.rises_to(day, risk);
            if !self.state.budget.observe(&alert.actor.id, risk, before) {
                self.count(|it| &mut it.uncounted);
            }
        }
        let weighed = Weighed { risk: risk * factor, risk_of_rules, factor };
        match self.fate(&alert, weighed, standing) {
            Fate::Append => self.count(|it| &mut it.appended),
            Fate::Learn => {
                self.count(|it| &mut it.learning);
                self.state.today.keep(&alert, weighed.risk, Outcome::Learning);
            }
            Fate::Ask => self.ask(alert, weighed, standing, at_ms, out),
            Fate::Below => self.below(alert, weighed, at_ms, out),
        }
    }

    fn fate(&self, alert: &Alert, weighed: Weighed, standing: Known) -> Fate {
        // Where nothing by itself is unusual, it was a rule that raised the risk, and it has said so.
        let is_above = speaks(alert) && weighed.risk >= self.state.budget.threshold();
        match standing {
            _ if self.state.is_learning => Fate::Learn,
            Known { is_told: true, is_news, .. } => {
                if is_news && is_above {
                    Fate::Ask
                } else {
                    Fate::Append
                }
            }
            _ if is_above => Fate::Ask,
            Known { has_incident: true, .. } => Fate::Append,
            Known { .. } => Fate::Below,
        }
    }

    /// Told at once if there is a token; else the actor waits.
    fn ask(&mut self, alert: Box<Alert>, weighed: Weighed, standing: Known, at_ms: i64, out: &mut Vec<Outgoing>) {
        // Tokens that have come back since are for those who wait, as far as they are more urgent.
        self.tell_waiting(at_ms, out);
        let cant_wait = !standing.is_told && weighed.risk >= self.state.budget.rare();
        if let Some(permit) = self.state.budget.grant(cant_wait, &self.settings) {
            self.note_permit(permit);
            if standing.is_told {
                self.count(|it| &mut it.updates);
            } else {
                self.count(|it| &mut it.pages);
            }
            return self.tell(alert, weighed, How::AtOnce, at_ms, out);
        }
        self.count(|it| &mut it.over_budget);
        self.state.today.keep(&alert, weighed.risk, Outcome::OverBudget);
        self.state.below.remove(&alert.actor.id);
        if self.state.waiting.add(Waiting::new(alert, weighed, at_ms)) {
            self.count(|it| &mut it.crowded_out);
        }
    }

    fn below(&mut self, alert: Box<Alert>, weighed: Weighed, at_ms: i64, out: &mut Vec<Outgoing>) {
        self.count(|it| &mut it.below);
        self.state.today.keep(&alert, weighed.risk, Outcome::Below);
        if !speaks(&alert) {
            return;
        }
        let day = at_ms.div_euclid(MS_PER_DAY);
        let is_first = self.case(&alert, out).sinks(day);
        let waiting = Waiting::new(alert, weighed, at_ms);
        self.state.draw.add(day, waiting.clone(), is_first, self.settings.per_day.get());
        self.state.below.add(waiting);
    }

    /// Tells of those who wait, the most urgent first, as long as there are tokens and the risk that is left is above the threshold.
    pub(super) fn tell_waiting(&mut self, ms: i64, out: &mut Vec<Outgoing>) {
        if self.state.waiting.is_empty() {
            return;
        }
        loop {
            let State { budget, waiting, cases, .. } = &mut self.state;
            let has_token = budget.would_grant(false, &self.settings);
            if !has_token && !budget.would_grant(true, &self.settings) {
                return;
            }
            // What is told again can't borrow: the team knows of it.
            let is_told = |it: &Waiting| cases.standing(&it.alert).is_some_and(|it| it.is_told);
            let cant_wait = |it: &Waiting| it.risk_at(ms) >= budget.rare() && !is_told(it);
            let threshold = budget.threshold();
            let fits = |it: &Waiting| if has_token { it.risk_at(ms) >= threshold } else { cant_wait(it) };
            let Some(it) = waiting.take(fits) else { break };
            if cases.standing(&it.alert).is_some_and(|it| it.is_told && !it.is_news) {
                continue;
            }
            let Some(permit) = budget.grant(!has_token, &self.settings) else { break };
            self.note_permit(permit);
            self.count(|it| &mut it.late);
            self.tell(it.alert, it.weighed, How::Late, ms, out);
        }
        let threshold = self.state.budget.threshold();
        let given_up = self.state.waiting.give_up(ms, threshold) as u64;
        self.state.counts.given_up += given_up;
        self.state.today.counts().given_up += given_up;
    }

    /// At the end of a day: random samples of those who were below the threshold, and the most urgent of them as far as there are tokens
    /// that tomorrow can't need.
    pub(super) fn spend_what_is_left(&mut self, ms: i64, out: &mut Vec<Outgoing>) {
        if self.state.is_learning {
            self.state.draw.forget();
            self.state.below = List::default();
            return;
        }
        let State { draw, cases, .. } = &mut self.state;
        let samples = draw.close(self.settings.per_day.get(), |it| is_unknown(cases, it));
        for (it, share) in samples {
            self.state.budget.charge();
            self.count(|it| &mut it.samples);
            self.tell(it.alert, it.weighed, How::Sample(share), ms, out);
        }
        while self.state.budget.has_spare(&self.settings) {
            let State { below, cases, budget, .. } = &mut self.state;
            let Some(it) = below.take(|it| is_unknown(cases, it)) else { break };
            budget.charge();
            self.count(|it| &mut it.spare);
            self.tell(it.alert, it.weighed, How::Spare, ms, out);
        }
    }

    /// A day is over and the threshold another: who was below it and is now above it waits.
    pub(super) fn wait_where_the_threshold_has_sunk(&mut self, ms: i64) {
        let State { below, waiting, budget, cases, .. } = &mut self.state;
        let threshold = budget.threshold();
        for it in below.drain().filter(|it| it.risk_at(ms) >= threshold) {
            if is_unknown(cases, &it) {
                waiting.add(it);
            }
        }
    }

    fn note_permit(&mut self, permit: Permit) {
        if permit == Permit::Borrowed {
            self.count(|it| &mut it.borrowed);
        }
    }

    fn tell(&mut self, mut alert: Box<Alert>, weighed: Weighed, how: How, ms: i64, out: &mut Vec<Outgoing>) {
        let (threshold, people) = (self.state.budget.threshold(), self.state.budget.people());
        let per_day = self.settings.per_day.get();
        let case = self.case(&alert, out);
        if case.increments() == 0 {
            // It waited for so long that its case was forgotten.
            case.increment(&alert);
        }
        let (is_first, is_update) = (!case.has_incident(), case.standing(&alert).is_told);
        let told = if matches!(how, How::Sample(_)) { None } else { case.behaviour_alert(&mut alert) };
        let standing = Standing {
            risk: weighed.risk,
            risk_of_rules: weighed.risk_of_rules,
            factor: weighed.factor,
            threshold,
            per_day,
            people,
            sampled: if let How::Sample(share) = how { Some(share) } else { None },
            is_spare: how == How::Spare,
            waited_ms: if how == How::AtOnce { 0 } else { ms.saturating_sub(alert.time.ms()).max(0) },
            increments: case.increments(),
        };
        let incident = case.incident_uid().map(str::to_owned);
        alert.message.extend(waited(alert.time, how, standing.waited_ms));
        // Before, its rule was in shadow: without a budget, behaviour calls nobody.
        alert.delivery = Delivery::Page;
        alert.rule = Arc::new(RuleInfo { status: Status::Stable, ..RuleInfo::clone(&alert.rule) });
        alert.triaged = Some(Box::new(Triaged { incident, is_update, standing: Some(standing) }));
        if is_update {
            self.state.budget.note_update();
        }
        if is_first && told.is_some() {
            self.count(|it| &mut it.incidents);
        }
        self.state.waiting.remove(&alert.actor.id);
        self.state.below.remove(&alert.actor.id);
        self.state.today.told(&alert.actor.id);
        out.push(Outgoing::Alert(alert));
        out.extend(told.map(|it| Outgoing::Incident(Box::new(it))));
    }
}

/// Whether the team knows nothing of the actor yet, neither of behaviour nor by a rule.
fn is_unknown(cases: &Cases, it: &Waiting) -> bool {
    !cases.standing(&it.alert).is_some_and(|it| it.is_told || it.has_incident)
}

/// Why an alert comes later than what it tells of: ` It was at 2026-03-02T09:12 UTC and waited for 7 h, because the budget was used up.`
fn waited(time: EventTime, how: How, waited_ms: i64) -> Option<String> {
    let reason = match how {
        How::AtOnce => return None,
        How::Late if waited_ms < MS_PER_MINUTE => return None,
        How::Late => "because the budget was used up",
        How::Spare => "being below the threshold, until the day had room for it",
        How::Sample(_) => "being below the threshold, until the day's samples were drawn",
    };
    let at = time.to_string();
    let at = at.get(..16).unwrap_or(&at);
    let minutes = waited_ms / MS_PER_MINUTE;
    let waited = if minutes < 120 { format!("{minutes} min") } else { format!("{} h", minutes / 60) };
    Some(format!(" It was at {at} UTC and waited for {waited}, {reason}."))
}

/// Whether something about the event is unusual by itself.
fn speaks(alert: &Alert) -> bool {
    alert.deviation.as_deref().is_some_and(|it| !it.contributions.is_empty())
}

/// Puts in words what is unusual, after what was done; and what has made it count for more.
fn explain(alert: &mut Alert, report: Option<String>) {
    let Some(deviation) = &mut alert.deviation else { return };
    let is_said = alert.message.is_empty() || alert.message == deviation.sentence();
    if let Some(report) = report {
        deviation.context.insert(0, report);
    }
    let sentence = deviation.sentence();
    alert.message = if is_said { sentence } else { format!("{}: {sentence}", alert.message) };
}
