//! The budget: a threshold that follows how many alerts a day people can read, and tokens.

use super::Settings;
use baseline::budget::{Bucket, SAMPLED, Threshold};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A risk that is not worth a candidate: one kind of surprise that is expected once in a hundred days. The threshold is never lower.
pub const RISK_MIN: f64 = 1.0;
/// The threshold looks back over a fortnight.
const DAYS: usize = 14;
/// Fewer days than this say little about the next; the first of them is not even whole.
const DAYS_MIN: usize = 3;
/// From so many days on, the fullest and the emptiest are left out: a holiday or a surge is no measure for the days after it.
const DAYS_TRIMMED: usize = 7;
/// Actors whose daily maximum is known. More are counted, and the threshold goes without them.
const ACTORS_MAX: usize = 100_000;
/// So many of a day's maxima, the largest, are kept: many times any budget.
const MAXIMA_MAX: usize = 4_096;
/// Days whose active people are known.
const ACTIVE_MAX: usize = DAYS + 2;
/// As few maxima as this can't be fitted; the rest is taken to be just not worth a candidate.
const FITTED_MIN: usize = 40;
/// The share of the budget that the threshold leaves, besides samples, to be spent at the end of each day on the day's most urgent: so
/// that low days are made up for by what they had and not by what the next day would need.
const SPARE: f64 = 0.1;
/// Updates of what is known cost tokens too; however many there are, the threshold is for as large a share of the budget as this.
const PAGES_MIN: f64 = 0.4;
/// Within 24 hours at most so many times a day's budget are told, but for what can't wait: tokens of quiet weeks are not for one surge.
const PACE: f64 = 1.1;
const HOURS: usize = 24;
const MS_PER_HOUR: i64 = 3_600_000;

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Budget {
    threshold: Threshold,
    /// Filled when the clock starts.
    bucket: Option<Bucket>,
    pace: Pace,
    /// Each actor's highest risk of the day so far, of those who have not been as high before in the same episode.
    today: BTreeMap<String, f64>,
    updates_today: u64,
    /// Closed days, the oldest first.
    days: VecDeque<Day>,
    /// People by UTC day.
    active: BTreeMap<i64, u64>,
}

/// What a closed day has left.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Day {
    /// UTC days since the epoch.
    number: i64,
    /// The highest risk of actors in descending order, at most [`MAXIMA_MAX`] of the largest.
    maxima: Vec<f64>,
    /// How often something was told again.
    updates: u64,
}

/// What was told in each of the latest 24 hours.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pace {
    told: [u32; HOURS],
    hour: i64,
}

/// What an alert may be told with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// A token of today.
    Token,
    /// A token of tomorrow, or beyond the day's pace.
    Borrowed,
}

impl Budget {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            threshold: Threshold::starting_at(settings.threshold),
            bucket: None,
            pace: Pace::default(),
            today: BTreeMap::new(),
            updates_today: 0,
            days: VecDeque::new(),
            active: BTreeMap::new(),
        }
    }

    pub(super) fn threshold(&self) -> f64 {
        self.threshold.risk()
    }

    /// The risk from which on somebody can't wait.
    pub(super) fn rare(&self) -> f64 {
        self.threshold.rare()
    }

    pub(super) fn tokens(&self) -> f64 {
        self.bucket.map_or(0.0, |it| it.left())
    }

    /// People who were active on a day, in the mean of the days that are known whole.
    pub(super) fn people(&self) -> u64 {
        let whole = self.active.len().saturating_sub(1).max(1);
        let (sum, days) =
            self.active.values().take(whole).fold((0_u64, 0_u64), |(sum, days), it| (sum.saturating_add(*it), days + 1));
        sum.checked_div(days).unwrap_or(0)
    }

    pub(super) fn active(&mut self, day: i64, people: u64) {
        let known = self.active.entry(day).or_default();
        *known = known.saturating_add(people);
        while self.active.len() > ACTIVE_MAX {
            self.active.pop_first();
        }
    }

    /// It is `ms`.
    pub(super) fn clock(&mut self, ms: i64, settings: &Settings) {
        self.bucket.get_or_insert_with(|| Bucket::new(ms, settings.per_day)).refill(ms, settings.per_day);
        self.pace.clock(ms.div_euclid(MS_PER_HOUR));
    }

    /// An actor who was not told of has this risk, higher than before in the same episode: there the highest was `before`, on that day.
    /// An episode is one observation, of the day of its maximum: what only decays, or comes again weaker, is none of the next day.
    /// Whether there was room for it.
    pub(super) fn observe(&mut self, actor: &str, risk: f64, before: Option<(i64, f64)>) -> bool {
        if let Some((day, known)) = before {
            self.retract(day, known);
        }
        if let Some(known) = self.today.get_mut(actor) {
            *known = known.max(risk);
            return true;
        }
        if self.today.len() == ACTORS_MAX {
            return false;
        }
        self.today.insert(actor.to_owned(), risk);
        true
    }

    fn retract(&mut self, day: i64, risk: f64) {
        let Some(day) = self.days.iter_mut().find(|it| it.number == day) else { return };
        if let Ok(at) = day.maxima.binary_search_by(|it| risk.total_cmp(it)) {
            day.maxima.remove(at);
        }
    }

    /// What the threshold is fitted to, of closed days.
    #[cfg(test)]
    pub(super) fn observations(&self) -> Vec<f64> {
        self.days.iter().flat_map(|it| it.maxima.iter().copied()).collect()
    }

    /// What is known has been told again.
    pub(super) fn note_update(&mut self) {
        self.updates_today += 1;
    }

    /// Whether somebody may be told now: with a token of today within the day's pace, or, if it can't wait, with one of tomorrow.
    pub(super) fn grant(&mut self, cant_wait: bool, settings: &Settings) -> Option<Permit> {
        let is_in_pace = self.pace.told() < pace_of(settings);
        let bucket = self.bucket.as_mut()?;
        let permit = if is_in_pace && bucket.take(0.0) {
            Permit::Token
        } else if cant_wait && bucket.take(-debt_of(settings)) {
            Permit::Borrowed
        } else {
            return None;
        };
        self.pace.add();
        Some(permit)
    }

    /// Whether [`Self::grant`] would say yes.
    pub(super) fn would_grant(&self, cant_wait: bool, settings: &Settings) -> bool {
        let is_in_pace = self.pace.told() < pace_of(settings);
        let has = |left: f64| self.bucket.is_some_and(|it| it.has(left));
        is_in_pace && has(0.0) || cant_wait && has(-debt_of(settings))
    }

    /// At the end of a day: whether one more may be told who is below the threshold. What can't be spent tomorrow is spare.
    pub(super) fn has_spare(&self, settings: &Settings) -> bool {
        self.bucket.is_some_and(|it| it.has(settings.per_day.get()))
    }

    /// A sample or something spare is told: they have their own part of the budget, and no pace.
    pub(super) fn charge(&mut self) {
        if let Some(bucket) = &mut self.bucket {
            bucket.take(f64::NEG_INFINITY);
        }
    }

    /// Day `day` is over, and after it perhaps some without any candidate: `days` in all.
    pub(super) fn close(&mut self, day: i64, days: usize) {
        let mut maxima: Vec<f64> = std::mem::take(&mut self.today).into_values().collect();
        maxima.sort_unstable_by(|left, right| right.total_cmp(left));
        maxima.truncate(MAXIMA_MAX);
        self.days.push_back(Day { number: day, maxima, updates: std::mem::take(&mut self.updates_today) });
        for number in (day + 1..).take(days.clamp(1, DAYS) - 1) {
            self.days.push_back(Day { number, ..Day::default() });
        }
        while self.days.len() > DAYS {
            self.days.pop_front();
        }
    }

    /// Fits the threshold to the closed days: so that so many actors a day exceed it as the budget has room for, besides samples,
    /// updates and what is spare.
    ///
    /// Actors below [`RISK_MIN`], most of all, are no candidates, and it is the same quantile whether they count as zeros or not at all:
    /// B of N actors are B of those K who have a maximum.
    pub(super) fn refit(&mut self, settings: &Settings) {
        if self.days.len() < DAYS_MIN {
            return;
        }
        let mut days: Vec<&Day> = self.days.iter().collect();
        if days.len() >= DAYS_TRIMMED {
            days.sort_by_key(|it| it.maxima.len());
            days.pop();
            days.remove(0);
        }
        let mut maxima: Vec<f64> = days.iter().flat_map(|it| &it.maxima).copied().collect();
        if maxima.len() < FITTED_MIN {
            maxima.resize(FITTED_MIN, RISK_MIN);
        }
        let updates: u64 = self.days.iter().map(|it| it.updates).sum();
        #[expect(clippy::cast_precision_loss, reason = "counts of a fortnight")]
        let (a_day, updates) = (maxima.len() as f64 / days.len() as f64, updates as f64 / self.days.len() as f64);
        let per_day = settings.per_day.get();
        let pages = ((1.0 - SAMPLED - SPARE) * per_day - updates).max(PAGES_MIN * per_day);
        self.threshold.refit(&mut maxima, pages, a_day);
    }
}

impl Pace {
    fn clock(&mut self, hour: i64) {
        if hour <= self.hour {
            return;
        }
        let gone = usize::try_from(hour - self.hour).map_or(HOURS, |it| it.min(HOURS));
        for it in 0..gone {
            self.told[slot(hour - i64::try_from(it).unwrap_or(0))] = 0;
        }
        self.hour = hour;
    }

    fn add(&mut self) {
        let now = &mut self.told[slot(self.hour)];
        *now = now.saturating_add(1);
    }

    fn told(&self) -> f64 {
        f64::from(self.told.iter().fold(0_u32, |sum, it| sum.saturating_add(*it)))
    }
}

fn slot(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(24)).map_or(0, |it| it % HOURS)
}

fn pace_of(settings: &Settings) -> f64 {
    (PACE * settings.per_day.get()).floor().max(1.0)
}

/// How much may be borrowed: what tomorrow brings, at least one alert.
fn debt_of(settings: &Settings) -> f64 {
    let per_day = settings.per_day.get();
    if per_day > 0.0 { per_day.max(1.0) } else { 0.0 }
}
