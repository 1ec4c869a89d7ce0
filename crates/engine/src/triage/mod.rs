//! From alerts to what people read: rule alerts pass, behaviour is told once an episode and within a budget, alerts of one actor become
//! an incident, and what is not told stands in the day's digest.
//!
//! Between the engine's ordered alerts and the sink. Pure: what goes out depends on the alerts, the watermark at each, and what was told
//! by [`Triage::active`] and [`Triage::report`]. Everything of an actor is kept for 72 hours after the latest that happened.
//!
//! | module | what it decides |
//! |---|---|
//! | `case` | what is open about one actor: risk of rules, episode, incident |
//! | `budget` | the threshold, the tokens, the random sample |
//! | `reports` | whether colleagues have reported calls |
//! | `digest` | what a day held beside what was told |

mod budget;
mod case;
mod digest;
mod episode;
mod incident;
mod reports;
mod snapshot;
#[cfg(test)]
mod tests;

pub use budget::RISK_MIN;
pub use digest::{Digest, Entry, Outcome};
pub use reports::Report;
pub(crate) use reports::{REPORTS, is_sign_in};

use crate::shard::Emitted;
use baseline::{Share, Weight};
use budget::Budget;
use case::{Case, Cases};
use digest::Today;
use model::{Alert, Delivery, EventTime, Incident, RuleInfo, RuleKind, Standing, Status, Triaged};
use reports::Reports;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const MS_PER_DAY: i64 = 86_400_000;
/// What happens within 72 hours of each other belongs together.
const TOGETHER_MS: i64 = 3 * MS_PER_DAY;
/// How long habits are learnt before anybody is called because of them, where nothing else was said.
const LEARNING_MS: i64 = 14 * MS_PER_DAY;

/// What the operator has decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many alerts about behaviour the team can read a day, samples and repetitions included.
    pub per_day: Weight,
    /// The risk from which on an actor is shown, until enough is known to fit it to the budget.
    pub threshold: Weight,
    /// Until when behaviour is learnt and nobody is called; if it isn't said, 14 days from the first event on.
    pub learn_until: Option<EventTime>,
}

impl Default for Settings {
    /// Five alerts a day. The threshold is risk 6: one kind of surprise that is expected once in 10⁷ days, or several rarer than 10³.
    fn default() -> Self {
        Self { per_day: Weight::clamped(5.0), threshold: Weight::clamped(6.0), learn_until: None }
    }
}

impl Settings {
    /// So many alerts a day, and until when behaviour is only learnt.
    pub fn new(alerts_per_day: f64, learn_until: Option<EventTime>) -> Self {
        Self { per_day: Weight::clamped(alerts_per_day), learn_until, ..Self::default() }
    }
}

/// What goes out, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    /// An alert for the sink that its delivery names.
    Alert(Box<Alert>),
    /// An incident that is new, or of which something is new.
    Incident(Box<Incident>),
    /// A day that is over.
    Digest(Box<Digest>),
}

/// How many candidates became what. `candidates` is the sum of all others up to and including `below`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events that have raised an actor's risk.
    pub candidates: u64,
    /// Told: the first of an episode.
    pub pages: u64,
    /// Told again, because the risk has doubled or something else as strong came up.
    pub updates: u64,
    /// Told as one of a random sample of what is below the threshold.
    pub samples: u64,
    /// Part of an episode or incident that is open.
    pub appended: u64,
    /// Above the threshold and beyond the budget.
    pub over_budget: u64,
    /// Before the end of learning.
    pub learning: u64,
    /// Below the threshold.
    pub below: u64,
    /// Candidates that page nobody whatever their risk: an exception covers them, or they are in shadow.
    pub unpaged: u64,
    /// Alerts of rules; they are no candidates.
    pub rule_alerts: u64,
    /// Incidents that began.
    pub incidents: u64,
    /// Actors forgotten because too many had something open.
    pub cases_evicted: u64,
    /// Actors whose risk did not enter a day's threshold because there were too many.
    pub uncounted: u64,
}

/// How it stands, for metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// The risk from which on an actor is shown.
    pub threshold: f64,
    /// How many alerts a day the team can read.
    pub per_day: f64,
    /// How many more could be told now.
    pub tokens: f64,
    /// People active on a day of late.
    pub people: u64,
    /// Whether habits are still being learnt.
    pub is_learning: bool,
    /// Actors with something open.
    pub cases: usize,
    /// Since the beginning.
    pub counts: Counts,
}

impl Stats {
    /// What the threshold comes to: `risk ≥ 7.2: about 5 alerts a day for 2,000 active people`.
    pub fn meaning(&self) -> String {
        model::behaviour::meaning(self.threshold, self.per_day, self.people)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Triage {
    settings: Settings,
    state: State,
}

/// All that the next decisions depend on, beside the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    /// The highest watermark, once there is one.
    reached_ms: Option<i64>,
    /// The earliest time at which anything was seen.
    first_ms: Option<i64>,
    /// Whether the threshold still waits for the end of learning.
    is_learning: bool,
    budget: Budget,
    cases: Cases,
    reports: Reports,
    today: Today,
    counts: Counts,
}

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Page,
    Update,
    Sample,
    Append,
    Digest(Outcome),
}

/// A candidate with what was found out about it.
struct Weighed {
    at_ms: i64,
    factor: f64,
    risk: f64,
    risk_of_rules: f64,
}

impl Triage {
    /// Begins with nothing known.
    pub fn new(settings: Settings) -> Self {
        let state = State {
            reached_ms: None,
            first_ms: None,
            is_learning: true,
            budget: Budget::new(&settings),
            cases: Cases::default(),
            reports: Reports::default(),
            today: Today::default(),
            counts: Counts::default(),
        };
        Self { settings, state }
    }

    /// Takes the next alert of the ordered output, at which the highest watermark was `reached`; `out` gets what follows from it. Alerts
    /// of rules go out at once, with nothing changed but the incident that they are part of.
    pub fn take(&mut self, emitted: Emitted, reached: EventTime, out: &mut Vec<Outgoing>) {
        self.advance(reached, out);
        let alert = Box::new(emitted.alert);
        let at_ms = self.state.reached_ms.unwrap_or(alert.time.ms());
        self.state.first_ms = Some(self.state.first_ms.map_or(at_ms, |it| it.min(at_ms)));
        self.state.today.begin(at_ms);
        if alert.rule.kind != RuleKind::Behaviour {
            self.count(|it| &mut it.rule_alerts);
            return self.rule_alert(alert, out);
        }
        if alert.deviation.is_none() || matches!(alert.delivery, Delivery::Excepted(_)) {
            self.count(|it| &mut it.unpaged);
            return out.push(Outgoing::Alert(alert));
        }
        self.count(|it| &mut it.candidates);
        self.heed_learning(at_ms);
        self.candidate(alert, at_ms, out);
    }

    /// The watermark has reached `reached`: days that are over are closed.
    pub fn advance(&mut self, reached: EventTime, out: &mut Vec<Outgoing>) {
        let ms = reached.ms();
        if reached == EventTime::MIN || self.state.reached_ms.is_some_and(|it| it >= ms) {
            return;
        }
        self.state.reached_ms = Some(ms);
        self.state.first_ms = Some(self.state.first_ms.map_or(ms, |it| it.min(ms)));
        self.state.today.begin(ms);
        self.heed_learning(ms);
        if self.state.today.is_over(ms) {
            self.close_day(ms, out);
        }
    }

    /// On UTC day number `day` since the epoch `people` more were active: what a budget is for. May be told in any parts and order.
    pub fn active(&mut self, day: i64, people: u64) {
        self.state.budget.active(day, people);
    }

    /// An employee has reported a suspicious call or message.
    pub fn report(&mut self, report: &Report) {
        self.state.reports.add(report);
    }

    /// The end of the input: incidents are told as they stand, and so is the day so far.
    pub fn finish(&mut self, out: &mut Vec<Outgoing>) {
        self.state.cases.tell_changed(self.state.reached_ms, out);
        if let Some(digest) = self.state.today.digest(&self.state.budget, &self.settings, false) {
            out.push(Outgoing::Digest(Box::new(digest)));
        }
    }

    /// How it stands.
    pub fn stats(&self) -> Stats {
        let State { budget, cases, counts, is_learning, .. } = &self.state;
        Stats {
            threshold: budget.threshold(),
            per_day: self.settings.per_day.get(),
            tokens: budget.tokens(),
            people: budget.people(),
            is_learning: *is_learning,
            cases: cases.len(),
            counts: *counts,
        }
    }

    /// Ends learning when its time has come: only then there is something to fit the threshold to.
    fn heed_learning(&mut self, ms: i64) {
        if self.state.is_learning && self.learn_until_ms().is_some_and(|it| it <= ms) {
            self.state.is_learning = false;
            self.state.budget.refit(&self.settings);
        }
    }

    fn learn_until_ms(&self) -> Option<i64> {
        let of_settings = self.settings.learn_until.map(EventTime::ms);
        of_settings.or_else(|| Some(self.state.first_ms?.saturating_add(LEARNING_MS)))
    }

    /// Counts once since the beginning and once today.
    fn count(&mut self, which: impl Fn(&mut Counts) -> &mut u64) {
        *which(&mut self.state.counts) += 1;
        *which(self.state.today.counts()) += 1;
    }

    fn close_day(&mut self, ms: i64, out: &mut Vec<Outgoing>) {
        let State { cases, today, budget, .. } = &mut self.state;
        cases.tell_changed(Some(ms), out);
        // A day more, for events that come late.
        cases.forget_before(ms.saturating_sub(TOGETHER_MS + MS_PER_DAY));
        if let Some(digest) = today.digest(budget, &self.settings, true) {
            out.push(Outgoing::Digest(Box::new(digest)));
        }
        let days = today.restart(ms);
        budget.close(days);
        if !self.state.is_learning {
            self.state.budget.refit(&self.settings);
        }
    }

    fn rule_alert(&mut self, mut alert: Box<Alert>, out: &mut Vec<Outgoing>) {
        if !alert.delivery.is_page() || alert.actor.id.is_empty() {
            return out.push(Outgoing::Alert(alert));
        }
        let case = self.case(&alert, out);
        let is_first = !case.has_incident();
        let told = case.rule_alert(&alert);
        if let Some(uid) = case.incident_uid() {
            alert.triaged.get_or_insert_default().incident = Some(uid.to_owned());
        }
        if is_first && told.is_some() {
            self.count(|it| &mut it.incidents);
        }
        out.push(Outgoing::Alert(alert));
        out.extend(told.map(|it| Outgoing::Incident(Box::new(it))));
    }

    /// The case of the alert's actor: the open one, or another.
    fn case(&mut self, alert: &Alert, out: &mut Vec<Outgoing>) -> &mut Case {
        let evicted = self.state.cases.make_room(&alert.actor.id, self.state.reached_ms, out);
        self.state.counts.cases_evicted += evicted;
        self.state.today.counts().cases_evicted += evicted;
        self.state.cases.of(alert, self.state.reached_ms, out)
    }

    fn candidate(&mut self, mut alert: Box<Alert>, at_ms: i64, out: &mut Vec<Outgoing>) {
        let report = self.state.reports.touching(&alert);
        let factor = if report.is_some() { reports::FACTOR } else { 1.0 };
        explain(&mut alert, report);
        let case = self.case(&alert, out);
        case.increment(&alert);
        let (risk, risk_of_rules) = case.risks(alert.time.ms());
        let standing = case.standing(&alert);
        let weighed = Weighed { at_ms, factor, risk: risk * factor, risk_of_rules };
        let fate = self.fate(&alert, &weighed, standing);
        self.settle(alert, &weighed, fate, out);
    }

    /// What becomes of a candidate. Takes from the budget what it needs.
    fn fate(&mut self, alert: &Alert, weighed: &Weighed, standing: case::Known) -> Fate {
        let case::Known { is_told, is_news, has_incident } = standing;
        let State { budget, counts, today, is_learning, .. } = &mut self.state;
        if !is_told && !budget.note(&alert.actor.id, weighed.risk / weighed.factor) {
            counts.uncounted += 1;
            today.counts().uncounted += 1;
        }
        // Where nothing by itself is unusual, it was a rule that raised the risk, and it has said so.
        let deviation = alert.deviation.as_deref();
        let speaks = deviation.is_some_and(|it| !it.contributions.is_empty());
        let is_above = speaks && weighed.risk >= budget.threshold();
        let is_small = !is_told && !is_above;
        if is_small && !has_incident {
            budget.note_below();
        }
        if *is_learning {
            return Fate::Digest(Outcome::Learning);
        }
        if is_told && !(is_news && speaks) || is_small && has_incident {
            return Fate::Append;
        }
        if !is_small {
            let is_admitted = budget.admit(weighed.at_ms, weighed.risk * deviation.map_or(1.0, |it| it.weight), &self.settings);
            return match (is_admitted, is_told) {
                (true, true) => Fate::Update,
                (true, false) => Fate::Page,
                (false, _) => Fate::Digest(Outcome::OverBudget),
            };
        }
        let random = alert.events.last().map_or(Share::ONE, |event| sample_of(event));
        if budget.samples(random, &self.settings) && budget.admit_sample(weighed.at_ms, &self.settings) {
            return Fate::Sample;
        }
        Fate::Digest(Outcome::Below)
    }

    fn settle(&mut self, alert: Box<Alert>, weighed: &Weighed, fate: Fate, out: &mut Vec<Outgoing>) {
        match fate {
            Fate::Append => self.count(|it| &mut it.appended),
            Fate::Digest(outcome) => {
                self.count(|it| match outcome {
                    Outcome::OverBudget => &mut it.over_budget,
                    Outcome::Learning => &mut it.learning,
                    Outcome::Below => &mut it.below,
                });
                self.state.today.keep(&alert, weighed.risk, outcome);
            }
            Fate::Page | Fate::Update | Fate::Sample => self.tell(alert, weighed, fate, out),
        }
    }

    fn tell(&mut self, mut alert: Box<Alert>, weighed: &Weighed, fate: Fate, out: &mut Vec<Outgoing>) {
        self.count(|it| match fate {
            Fate::Update => &mut it.updates,
            Fate::Sample => &mut it.samples,
            _ => &mut it.pages,
        });
        let (threshold, people) = (self.state.budget.threshold(), self.state.budget.people());
        let per_day = self.settings.per_day.get();
        let case = self.case(&alert, out);
        let is_first = !case.has_incident();
        let told = if fate == Fate::Sample { None } else { case.behaviour_alert(&mut alert) };
        let standing = Standing {
            risk: weighed.risk,
            risk_of_rules: weighed.risk_of_rules,
            factor: weighed.factor,
            threshold,
            per_day,
            people,
            is_sample: fate == Fate::Sample,
            increments: case.increments(),
        };
        let incident = case.incident_uid().map(str::to_owned);
        // Before, its rule was in shadow: without a budget, behaviour calls nobody.
        alert.delivery = Delivery::Page;
        alert.rule = Arc::new(RuleInfo { status: Status::Stable, ..RuleInfo::clone(&alert.rule) });
        alert.triaged = Some(Box::new(Triaged { incident, is_update: fate == Fate::Update, standing: Some(standing) }));
        if is_first && told.is_some() {
            self.count(|it| &mut it.incidents);
        }
        out.push(Outgoing::Alert(alert));
        out.extend(told.map(|it| Outgoing::Incident(Box::new(it))));
    }
}

/// Puts in words what is unusual, after what was done; and what has made it count for more.
fn explain(alert: &mut Alert, report: Option<String>) {
    let Some(deviation) = &mut alert.deviation else { return };
    let is_said = alert.message.is_empty() || alert.message == deviation.sentence();
    deviation.context.extend(report);
    let sentence = deviation.sentence();
    alert.message = if is_said { sentence } else { format!("{}: {sentence}", alert.message) };
}

/// A number that is random as far as samples go, and the same in every replay.
fn sample_of(event: &str) -> Share {
    let bits = twox_hash::XxHash3_128::oneshot_with_seed(0x6e6a_7361_6d70_6c65, event.as_bytes()) >> 75;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let share = bits as f64 / (1_u64 << 53) as f64;
    Share::clamped(share)
}
