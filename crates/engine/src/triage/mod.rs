//! From alerts to what people read: rule alerts pass, behaviour is told once an episode and within a budget, alerts of one actor become
//! an incident, and what is not told stands in the day's digest.
//!
//! Between the engine's ordered alerts and the sink. Pure: what goes out depends on the alerts, the watermark at each, and what was told
//! by [`Triage::active`] and [`Triage::report`]. Everything of an actor is kept for 72 hours after the latest that happened.
//!
//! | module | what it decides |
//! |---|---|
//! | `case` | what is open about one actor: risk of rules, episode, incident |
//! | `timed` | what it is told of an event, and how time goes on |
//! | `decide` | what becomes of a candidate, at once and later |
//! | `budget` | the threshold, the tokens, the pace |
//! | `waiting` | who is told of when tokens come back |
//! | `sample` | the random sample of what is below the threshold |
//! | `reports` | whether colleagues have reported calls |
//! | `digest` | what a day held beside what was told |

mod budget;
mod case;
mod decide;
mod digest;
mod episode;
mod incident;
mod kept;
mod reports;
mod sample;
mod snapshot;
#[cfg(test)]
mod tests;
mod timed;
mod waiting;

pub use budget::RISK_MIN;
pub use digest::{Digest, Entry, Outcome, StillWaits};
pub use reports::Report;
pub(crate) use reports::{REPORTS, is_sign_in};
pub use timed::{Census, Step, Timed};

use crate::shard::Emitted;
use baseline::Weight;
use budget::Budget;
use case::{Case, Cases};
use digest::Today;
use model::{Alert, EventTime, Incident};
use reports::Reports;
use sample::Draw;
use serde::{Deserialize, Serialize};
use waiting::List;

const MS_PER_DAY: i64 = 86_400_000;
const MS_PER_MINUTE: i64 = 60_000;
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

/// How many candidates became what. `candidates` is the sum of all others up to and including `below`. Of those that were not told at
/// once (`over_budget`, `below`) some are told afterwards: `late`, `spare` and `samples` count these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events that have raised an actor's risk.
    pub candidates: u64,
    /// Told at once: the first of an episode.
    pub pages: u64,
    /// Told again at once, because the risk has doubled or something else as strong came up.
    pub updates: u64,
    /// Part of an episode or incident that is open.
    pub appended: u64,
    /// Above the threshold and beyond the budget.
    pub over_budget: u64,
    /// Before the end of learning.
    pub learning: u64,
    /// Below the threshold.
    pub below: u64,
    /// Told when tokens had come back, of those beyond the budget.
    pub late: u64,
    /// Told at the end of a day, because some of the budget was left: the day's most urgent below the threshold.
    pub spare: u64,
    /// Told at the end of a day, as one of a random sample of what is below the threshold.
    pub samples: u64,
    /// Told with tokens of tomorrow, because they couldn't wait. They are among the others.
    pub borrowed: u64,
    /// Actors who waited until too little of their risk was left.
    pub given_up: u64,
    /// Actors who don't wait because too many more urgent ones do.
    pub crowded_out: u64,
    /// Candidates that page nobody whatever their risk: an exception covers them, or they are in shadow.
    pub unpaged: u64,
    /// Alerts of rules that page, about somebody; they are no candidates.
    pub rule_alerts: u64,
    /// Incidents that began.
    pub incidents: u64,
    /// Actors forgotten because too many had something open.
    pub cases_evicted: u64,
    /// Actors whose risk did not enter a day's threshold because there were too many.
    pub uncounted: u64,
}

impl Counts {
    /// Alerts about behaviour that went out.
    pub fn told(&self) -> u64 {
        self.pages + self.updates + self.late + self.spare + self.samples
    }
}

/// How it stands, for metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// The risk from which on an actor is shown.
    pub threshold: f64,
    /// How many alerts a day the team can read.
    pub per_day: f64,
    /// The risk from which on somebody can't wait, because the fortnight held nothing as rare.
    pub rare: f64,
    /// How many more could be told now; below zero what was borrowed from tomorrow.
    pub tokens: f64,
    /// Actors above the threshold who wait for tokens.
    pub waiting: usize,
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
    /// Who is above the threshold and could not be told of.
    waiting: List,
    /// The day's most urgent below the threshold.
    below: List,
    draw: Draw,
    today: Today,
    counts: Counts,
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
            waiting: List::default(),
            below: List::default(),
            draw: Draw::default(),
            today: Today::default(),
            counts: Counts::default(),
        };
        Self { settings, state }
    }

    /// Takes the next alert of the ordered output, at which the highest watermark was `reached`; `out` gets what follows from it. Alerts
    /// of rules go out at once, as they are.
    pub fn take(&mut self, emitted: Emitted, reached: EventTime, out: &mut Vec<Outgoing>) {
        self.advance(reached, out);
        let step = Step::of(&emitted.alert);
        if !step.as_ref().is_some_and(Step::is_candidate) {
            out.push(Outgoing::Alert(Box::new(emitted.alert)));
        }
        if let Some(step) = step {
            self.step(step, reached, out);
        }
    }

    /// Takes what an event has led to, at which the highest watermark was `reached`.
    fn step(&mut self, step: Step, reached: EventTime, out: &mut Vec<Outgoing>) {
        self.advance(reached, out);
        match step {
            Step::Begun => {}
            Step::People(day, people) => self.state.budget.active(day, people),
            Step::Reported(ms, team, tool) => {
                self.state.reports.add(&Report { position: 0, time: EventTime::from_ms(ms), team, tool });
            }
            Step::Unpaged => {
                self.note_time(reached);
                self.count(|it| &mut it.unpaged);
            }
            Step::Alerted(alert, is_of_habits) => {
                self.note_time(alert.time);
                self.count(|it| &mut it.rule_alerts);
                self.rule_alert(&alert, is_of_habits, out);
            }
            Step::Candidate(alert) => {
                let at_ms = self.note_time(alert.time);
                self.count(|it| &mut it.candidates);
                self.heed_learning(at_ms);
                self.candidate(alert, at_ms, out);
            }
        }
    }

    /// What time it is when something happens: that of `time` if nothing else tells.
    fn note_time(&mut self, time: EventTime) -> i64 {
        let at_ms = self.state.reached_ms.unwrap_or(time.ms());
        self.state.first_ms = Some(self.state.first_ms.map_or(at_ms, |it| it.min(at_ms)));
        self.state.today.begin(at_ms);
        self.state.budget.clock(at_ms, &self.settings);
        at_ms
    }

    /// The watermark has reached `reached`: days that are over are closed, and who waits is told of as far as there are tokens.
    pub fn advance(&mut self, reached: EventTime, out: &mut Vec<Outgoing>) {
        let ms = reached.ms();
        if reached == EventTime::MIN || self.state.reached_ms.is_some_and(|it| it >= ms) {
            return;
        }
        let minute = |ms: i64| ms.div_euclid(MS_PER_MINUTE);
        let is_next_minute = self.state.reached_ms.is_none_or(|it| minute(ms) > minute(it));
        self.state.reached_ms = Some(ms);
        self.state.first_ms = Some(self.state.first_ms.map_or(ms, |it| it.min(ms)));
        self.state.today.begin(ms);
        self.heed_learning(ms);
        self.state.budget.clock(ms, &self.settings);
        if self.state.today.is_over(ms) {
            self.close_day(ms, out);
        }
        // Often enough for people, and who waits need not be looked at for every event.
        if is_next_minute {
            self.tell_waiting(ms, out);
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
        self.digest(self.state.reached_ms.unwrap_or(0), false, out);
    }

    /// How it stands.
    pub fn stats(&self) -> Stats {
        let State { budget, cases, counts, is_learning, waiting, .. } = &self.state;
        Stats {
            threshold: budget.threshold(),
            per_day: self.settings.per_day.get(),
            rare: budget.rare(),
            tokens: budget.tokens(),
            waiting: waiting.with(self.state.reached_ms.unwrap_or(0), budget.threshold()),
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
        self.spend_what_is_left(ms, out);
        self.state.cases.tell_changed(Some(ms), out);
        // A day more, for events that come late.
        self.state.cases.forget_before(ms.saturating_sub(TOGETHER_MS + MS_PER_DAY));
        self.digest(ms, true, out);
        let (day, days) = self.state.today.restart(ms);
        self.state.budget.close(day, days);
        if !self.state.is_learning {
            self.state.budget.refit(&self.settings);
            self.wait_where_the_threshold_has_sunk(ms);
        }
    }

    fn digest(&self, ms: i64, is_complete: bool, out: &mut Vec<Outgoing>) {
        let State { today, waiting, budget, .. } = &self.state;
        let digest = today.digest(budget, &self.settings, waiting, (ms, is_complete));
        out.extend(digest.map(|it| Outgoing::Digest(Box::new(it))));
    }

    /// What an alert of a rule, which is out by now, does to the incident of its actor.
    fn rule_alert(&mut self, alert: &Alert, is_of_habits: bool, out: &mut Vec<Outgoing>) {
        let case = self.case(alert, out);
        let is_first = !case.has_incident();
        let told = case.rule_alert(alert, is_of_habits);
        if is_first && told.is_some() {
            self.count(|it| &mut it.incidents);
        }
        out.extend(told.map(|it| Outgoing::Incident(Box::new(it))));
    }

    /// The case of the alert's actor: the open one, or another.
    fn case(&mut self, alert: &Alert, out: &mut Vec<Outgoing>) -> &mut Case {
        let evicted = self.state.cases.make_room(&alert.actor.id, self.state.reached_ms, out);
        self.state.counts.cases_evicted += evicted;
        self.state.today.counts().cases_evicted += evicted;
        self.state.cases.of(alert, self.state.reached_ms, out)
    }
}
