//! What [`Triage`] is told, event by event, and when: the same steps for one input and for a group of processes that share many.
//!
//! Time is that of the events ([`crate::frontier::Frontier`]) and goes on minute by minute, each before the first event that is not before it:
//! so what is decided depends on the events and their order, and not on how often somebody looks.

use super::case::speaks_of_habits;
use super::kept;
use super::{MS_PER_DAY, MS_PER_MINUTE, Outgoing, Settings, Stats, Triage};
use crate::snapshot::SnapshotError;
use model::{Alert, Delivery, EventTime, RuleInfo, RuleKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Of a longer time without any event only as much is gone through, minute by minute: nobody waits for as long.
const GAP_MAX_MS: i64 = 400 * MS_PER_DAY;

/// See the module.
#[derive(Debug, Clone)]
pub struct Timed {
    triage: Triage,
    /// Up to when time has gone on, once something was taken.
    clock_ms: Option<i64>,
}

/// Something that an event has led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// There are events from now on.
    Begun,
    /// So many more people have been active on that day, in days since the epoch.
    People(i64, u64),
    /// An employee has reported a suspicious call or message: when, in which team, with which tool.
    Reported(i64, Option<String>, Option<String>),
    /// An alert about behaviour has paged nobody, and would not have with any budget.
    Unpaged,
    /// An alert of a rule is out; what an incident needs of it, and whether the rule reads what habits say.
    Alerted(#[serde(with = "kept")] Box<Alert>, bool),
    /// An alert about behaviour, to be told or not.
    Candidate(#[serde(with = "kept")] Box<Alert>),
}

impl Step {
    /// What triage has to do with an alert: nothing with those that page nobody, or are about nobody.
    pub fn of(alert: &Alert) -> Option<Self> {
        if alert.rule.kind == RuleKind::Behaviour {
            let is_candidate = alert.deviation.is_some() && !matches!(alert.delivery, Delivery::Excepted(_));
            return Some(if is_candidate { Self::Candidate(Box::new(alert.clone())) } else { Self::Unpaged });
        }
        let is_of_incident = alert.delivery.is_page() && !alert.actor.id.is_empty();
        is_of_incident.then(|| Self::Alerted(Box::new(named(alert)), speaks_of_habits(alert)))
    }

    /// Whether the alert is told, if at all, when triage says so.
    pub fn is_candidate(&self) -> bool {
        matches!(self, Self::Candidate(_))
    }

    /// Where it stands among those of one event. Sets of rules may number their rules differently, so identifiers decide.
    fn order(&self) -> (u8, &str, i64, &str) {
        match self {
            Self::Begun => (0, "", 0, ""),
            Self::People(day, _) => (1, "", *day, ""),
            Self::Reported(ms, ..) => (2, "", *ms, ""),
            Self::Unpaged => (3, "", 0, ""),
            Self::Alerted(it, _) | Self::Candidate(it) => (4 + it.rule.kind as u8, &it.rule.id, it.time.ms(), &it.uid),
        }
    }
}

/// How many people of a part of the input were active on a day, as far as it was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    day: i64,
    people: u64,
}

impl Census {
    /// Since which second the people are to be counted, where an hour is over when the watermark has reached `reached`.
    pub fn since_s(reached: EventTime) -> u32 {
        u32::try_from(day_of(reached).saturating_mul(MS_PER_DAY / 1_000)).unwrap_or(0)
    }

    /// So many people were active since then; what is new of it.
    pub fn count(&mut self, reached: EventTime, people: usize) -> Step {
        let day = day_of(reached);
        if self.day != day {
            *self = Self { day, people: 0 };
        }
        let more = (people as u64).saturating_sub(self.people);
        self.people += more;
        Step::People(day, more)
    }
}

/// The day that has just ended, if one has.
fn day_of(reached: EventTime) -> i64 {
    reached.ms().saturating_sub(1).div_euclid(MS_PER_DAY)
}

/// What an incident says of an alert, and nothing else.
fn named(alert: &Alert) -> Alert {
    let rule = RuleInfo {
        description: String::new(),
        tags: Vec::new(),
        false_positives: Vec::new(),
        references: Vec::new(),
        fields: Vec::new(),
        author: String::new(),
        ..RuleInfo::clone(&alert.rule)
    };
    Alert {
        uid: alert.uid.clone(),
        time: alert.time,
        rule: Arc::new(rule),
        // As it is when it comes by a topic.
        delivery: Delivery::Shadow,
        rule_set: "".into(),
        source: "".into(),
        actor: alert.actor.clone(),
        actors: alert.actors.clone(),
        action: String::new(),
        tool: None,
        outcome: alert.outcome,
        target: None,
        origin: model::alert::OriginRef::default(),
        window: None,
        events: Vec::new(),
        events_total: 0,
        evidence: Vec::new(),
        deviation: None,
        triaged: None,
        message: String::new(),
    }
}

impl Timed {
    /// Begins with nothing known.
    pub fn new(settings: Settings) -> Self {
        Self { triage: Triage::new(settings), clock_ms: None }
    }

    /// Time has come to `until_ms`, in milliseconds: minutes that are over by then are, with all that follows.
    pub fn advance(&mut self, until_ms: i64, out: &mut Vec<Outgoing>) {
        let Some(clock_ms) = &mut self.clock_ms else { return };
        *clock_ms = until_ms.saturating_sub(GAP_MAX_MS).max(*clock_ms);
        loop {
            let next_ms = clock_ms.div_euclid(MS_PER_MINUTE).saturating_add(1).saturating_mul(MS_PER_MINUTE);
            if next_ms > until_ms || next_ms <= *clock_ms {
                return;
            }
            *clock_ms = next_ms;
            self.triage.advance(EventTime::from_ms(next_ms), out);
        }
    }

    /// Takes all that an event has led to, which is taken as of `time_ms`. Events have to come in their order; one that comes late is taken
    /// as of now.
    pub fn take(&mut self, time_ms: i64, mut steps: Vec<Step>, out: &mut Vec<Outgoing>) {
        self.advance(time_ms, out);
        let now_ms = self.clock_ms.map_or(time_ms, |it| it.max(time_ms));
        self.clock_ms = Some(now_ms);
        steps.sort_by(|left, right| left.order().cmp(&right.order()));
        steps.into_iter().for_each(|it| self.triage.step(it, EventTime::from_ms(now_ms), out));
    }

    /// The end of the input.
    pub fn finish(&mut self, out: &mut Vec<Outgoing>) {
        self.triage.finish(out);
    }

    /// How triage stands.
    pub fn stats(&self) -> Stats {
        self.triage.stats()
    }

    /// Everything that the next decisions depend on, beside the settings.
    pub fn snapshot(&self) -> Vec<u8> {
        let saved = (self.triage.snapshot(), self.clock_ms);
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// The one that [`Self::snapshot`] was taken of, with these settings.
    ///
    /// # Errors
    ///
    /// Says why it can't be used.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let saved: Result<(Vec<u8>, Option<i64>), _> = postcard::from_bytes(bytes);
        let (triage, clock_ms) = saved.map_err(|it| SnapshotError::Damaged(it.to_string()))?;
        Ok(Self { triage: Triage::restore(settings, &triage)?, clock_ms })
    }

    /// Goes on with what triage was told otherwise, up to its own time.
    ///
    /// # Errors
    ///
    /// Says why it can't be used.
    pub fn of_triage(settings: Settings, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let triage = Triage::restore(settings, bytes)?;
        Ok(Self { clock_ms: triage.state.reached_ms, triage })
    }
}
