//! One pass over the events and their scores, side by side: first uses, calibration, and the days of people by their highest score.

use super::alerts::Alerts;
use super::budget::{DAY_MS, Look};
use super::calibration::{Calibration, Circumstance, Table};
use super::labels::Labels;
use super::lines::Lines;
use super::measure::{Verdict, is_cause};
use super::scores::{Score, Scores};
use anyhow::{Result, bail};
use model::EventTime;
use serde::{Deserialize, Serialize};
use sim::StressKind;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Newer than this is new.
const NEW_DAYS: i64 = 7;
/// A first use at or above this p was no surprise.
const UNSURPRISING: f64 = 0.05;

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Pass {
    pub(super) events: Option<u64>,
    pub(super) active_user_days: Option<u64>,
    pub(super) first_uses: Vec<FirstUses>,
    pub(super) calibration: Option<Table>,
    /// People's days as looks, where events have scores and times.
    pub(super) looks: Option<Vec<Look>>,
    /// Attacks with scores, and those whose highest score is explained by an injected cause.
    pub(super) explained: Option<(usize, usize)>,
}

/// The first time that somebody benign uses something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FirstUses {
    pub(super) of: &'static str,
    pub(super) uses: u64,
    /// Those that a false alert names.
    pub(super) alerted: u64,
    pub(super) alerted_per_1000: f64,
    /// Those whose p is at or above 0.05, of those that have one.
    pub(super) unsurprising: Option<f64>,
}

/// What is read of an event.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    actor: Actor<'a>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    tool: Cow<'a, str>,
    #[serde(borrow, default)]
    source: Source<'a>,
}

#[derive(Debug, Deserialize)]
struct Actor<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    role: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
struct Source<'a> {
    #[serde(borrow, default)]
    ip: Cow<'a, str>,
    #[serde(borrow, default)]
    device_id: Cow<'a, str>,
    #[serde(borrow, default)]
    country: Cow<'a, str>,
}

impl Event<'_> {
    /// What can be used for the first time.
    fn uses(&self) -> [(&'static str, &str); 5] {
        [
            ("tool", &self.tool),
            ("action", &self.action),
            ("device", &self.source.device_id),
            ("address", &self.source.ip),
            ("country", &self.source.country),
        ]
    }
}

/// Counts of first uses of one kind.
#[derive(Debug, Default)]
struct Count {
    uses: u64,
    alerted: u64,
    scored: u64,
    unsurprising: u64,
}

struct Walk<'a> {
    labels: &'a Labels,
    /// Events that false alerts name.
    noisy: HashSet<&'a str>,
    /// When new colleagues came.
    joined_ms: BTreeMap<&'a str, i64>,
    known: HashSet<u64>,
    days: HashSet<u64>,
    first_uses: BTreeMap<&'static str, Count>,
    calibration: Calibration,
    looks: BTreeMap<String, BTreeMap<i64, Look>>,
    /// The highest score of each attack, and whether its strongest contribution is a cause.
    best: Vec<Option<(f64, bool)>>,
    events: u64,
}

/// Reads what is given; nothing is not an error.
pub(super) fn run(
    labels: &Labels,
    alerts: &Alerts,
    verdicts: &[Verdict],
    events: Option<&Path>,
    scores: Option<&Path>,
) -> Result<Pass> {
    let noise = alerts.all.iter().zip(verdicts).filter(|(alert, verdict)| alert.is_page && !verdict.is_true());
    let joiners = labels.stress.iter().filter(|it| it.kind == StressKind::Joiner);
    let mut walk = Walk {
        labels,
        noisy: noise.flat_map(|(alert, _)| &alert.events).map(String::as_str).collect(),
        joined_ms: joiners.filter_map(|it| Some((it.actors.first()?.as_str(), it.from_ms))).collect(),
        known: HashSet::new(),
        days: HashSet::new(),
        first_uses: BTreeMap::new(),
        calibration: Calibration::default(),
        looks: BTreeMap::new(),
        best: vec![None; labels.attacks.len()],
        events: 0,
    };
    let mut scores = scores.map(Scores::open).transpose()?;
    if let Some(path) = events {
        let mut lines = Lines::open(path)?;
        while let Some((number, event)) = lines.record::<Event<'_>>("event of an exercise")? {
            let Some(time) = EventTime::read(&event.time) else {
                bail!("{}:{number}: `{}` is no time", path.display(), event.time)
            };
            let score = scores.as_mut().map(|it| it.of(&event.id)).transpose()?.flatten();
            walk.event(&event, time.ms(), score.as_ref());
        }
    } else if let Some(scores) = &mut scores {
        while let Some(score) = scores.next()? {
            walk.score(&score, None);
        }
    }
    let has_scores = scores.is_some();
    if let Some(scores) = scores {
        scores.finish()?;
    }
    Ok(walk.finish(events.is_some(), has_scores))
}

impl Walk<'_> {
    fn event(&mut self, event: &Event<'_>, at_ms: i64, score: Option<&Score<'_>>) {
        self.events += 1;
        self.days.insert(hash(&(&*event.actor.id, at_ms.div_euclid(DAY_MS))));
        if !self.labels.by_event.contains_key(&*event.id) {
            self.first_uses_of(event, at_ms, score);
        }
        if let Some(score) = score {
            self.score(score, Some((&event.actor.role, at_ms)));
            self.look(score, at_ms);
        }
    }

    fn first_uses_of(&mut self, event: &Event<'_>, at_ms: i64, score: Option<&Score<'_>>) {
        for (of, name) in event.uses() {
            let is_first = !name.is_empty() && self.known.insert(hash(&(&*event.actor.id, of, name)));
            // Before that everything is new.
            if !is_first || at_ms < self.labels.run.attacks_from_ms {
                continue;
            }
            let count = self.first_uses.entry(of).or_default();
            count.uses += 1;
            count.alerted += u64::from(self.noisy.contains(&*event.id));
            count.scored += u64::from(score.is_some());
            count.unsurprising += u64::from(score.is_some_and(|it| it.p >= UNSURPRISING));
        }
    }

    /// Where events are not given, only the score is known.
    fn score(&mut self, score: &Score<'_>, of_event: Option<(&str, i64)>) {
        if let Some(&(attack, _)) = self.labels.by_event.get(&*score.id) {
            let top = score.contributions.first();
            let is_right = top.is_some_and(|it| is_cause(&self.labels.attacks[attack], &it.feature));
            let best = &mut self.best[attack];
            if best.is_none_or(|(highest, _)| score.surprise > highest) {
                *best = Some((score.surprise, is_right));
            }
            return;
        }
        let joined_ms = self.joined_ms.get(&*score.actor).copied();
        let circumstance = of_event.map(|(role, at_ms)| Circumstance {
            role,
            hour: at_ms.rem_euclid(DAY_MS) / 3_600_000,
            is_new: joined_ms.is_some_and(|it| at_ms < it + NEW_DAYS * DAY_MS),
        });
        self.calibration.add(&score.actor, score.p, circumstance);
    }

    fn look(&mut self, score: &Score<'_>, at_ms: i64) {
        if !self.looks.contains_key(&*score.actor) {
            self.looks.insert(score.actor.clone().into_owned(), BTreeMap::new());
        }
        let Some(days) = self.looks.get_mut(&*score.actor) else { return };
        let day = at_ms.div_euclid(DAY_MS);
        let look =
            days.entry(day).or_insert_with(|| Look { day, rank: f64::NEG_INFINITY, time_ms: at_ms, attacks: BTreeSet::new() });
        if score.surprise > look.rank {
            (look.rank, look.time_ms) = (score.surprise, at_ms);
        }
        look.attacks.extend(self.labels.by_event.get(&*score.id).map(|(attack, _)| *attack));
    }

    fn finish(self, has_events: bool, has_scores: bool) -> Pass {
        let first_uses = self.first_uses.into_iter().map(|(of, it)| FirstUses {
            of,
            uses: it.uses,
            alerted: it.alerted,
            alerted_per_1000: it.alerted as f64 * 1_000.0 / it.uses as f64,
            unsurprising: (it.scored > 0).then(|| it.unsurprising as f64 / it.scored as f64),
        });
        let scored: Vec<bool> = self.best.iter().flatten().map(|(_, is_right)| *is_right).collect();
        Pass {
            events: has_events.then_some(self.events),
            active_user_days: has_events.then_some(self.days.len() as u64),
            first_uses: first_uses.collect(),
            calibration: self.calibration.table(),
            looks: (has_events && has_scores).then(|| self.looks.into_values().flat_map(BTreeMap::into_values).collect()),
            explained: has_scores.then(|| (scored.len(), scored.iter().filter(|it| **it).count())),
        }
    }
}

/// Two of the some hundred thousand things that are remembered are the same with a probability below one in a million.
fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
