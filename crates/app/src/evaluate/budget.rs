//! How far a budget of alerts goes, and what hard days make of it.

use super::alerts::{Alert, Alerts};
use super::labels::Labels;
use super::measure::Verdict;
use serde::Serialize;
use sim::StressKind;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const DAY_MS: i64 = 86_400_000;
/// Alerts a day for 10,000 people that somebody may read.
pub(super) const BUDGETS: [f64; 3] = [5.0, 10.0, 20.0];

/// Something that costs an analyst one look: an alert, or a person's day.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) day: i64,
    pub(super) rank: f64,
    pub(super) time_ms: i64,
    pub(super) attacks: BTreeSet<usize>,
}

/// What a budget finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Recall {
    pub(super) per_day_per_10000: f64,
    pub(super) per_day: f64,
    /// Looks that were taken: never more than the budget, and fewer where there is less to look at.
    pub(super) looks: usize,
    pub(super) found: usize,
    #[serde(rename = "recall")]
    pub(super) rate: f64,
    /// Share of the looks at an attack.
    pub(super) precision: Option<f64>,
    /// What could be found if no look were in vain.
    pub(super) ceiling: f64,
}

/// Each day the highest ranks are looked at, as many as the budget allows; what is left over from the fraction of a look is kept.
pub(super) fn recall_at(labels: &Labels, looks: &[Look], per_day_per_10000: f64) -> Recall {
    let per_day = per_day_per_10000 * f64::from(labels.run.people) / 10_000.0;
    let first_day = labels.run.attacks_from_ms.div_euclid(DAY_MS);
    let last_day = (labels.run.end_ms - 1).div_euclid(DAY_MS);
    let mut by_day: BTreeMap<i64, Vec<&Look>> = BTreeMap::new();
    looks.iter().filter(|it| (first_day..=last_day).contains(&it.day)).for_each(|it| by_day.entry(it.day).or_default().push(it));
    let (mut taken, mut in_vain, mut allowed) = (0, 0, 0);
    let mut found: BTreeSet<usize> = BTreeSet::new();
    for day in first_day..=last_day {
        // A quarter of a look a day is one look every fourth day.
        let until_now = whole(per_day * (day - first_day + 1) as f64 + 1e-9);
        let of_day = until_now - allowed;
        allowed = until_now;
        let mut looks = by_day.remove(&day).unwrap_or_default();
        looks.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.time_ms.cmp(&b.time_ms)));
        for look in looks.into_iter().take(of_day) {
            taken += 1;
            in_vain += usize::from(look.attacks.is_empty());
            found.extend(&look.attacks);
        }
    }
    let attacks = labels.attacks.len();
    Recall {
        per_day_per_10000,
        per_day,
        looks: taken,
        found: found.len(),
        rate: found.len() as f64 / attacks as f64,
        precision: (taken > 0).then(|| (taken - in_vain) as f64 / taken as f64),
        ceiling: allowed.min(attacks) as f64 / attacks as f64,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of looks, far below 2^32")]
fn whole(looks: f64) -> usize {
    looks as usize
}

/// Alerts that page, as looks.
pub(super) fn of_alerts(alerts: &Alerts, verdicts: &[Verdict]) -> Vec<Look> {
    let pages = alerts.all.iter().zip(verdicts).filter(|(alert, _)| alert.is_page);
    pages
        .map(|(alert, verdict)| Look {
            day: alert.time_ms.div_euclid(DAY_MS),
            rank: alert.risk,
            time_ms: alert.time_ms,
            attacks: match verdict {
                Verdict::True(attacks) => attacks.clone(),
                Verdict::False { .. } => BTreeSet::new(),
            },
        })
        .collect()
}

/// What hard but harmless times make of false alerts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Stress {
    pub(super) kind: StressKind,
    /// How often it happens.
    pub(super) times: usize,
    pub(super) false_alerts: usize,
    /// False alerts a day; of what concerns single people, for each of them and the whole time.
    pub(super) rate: f64,
    /// The rate by that on ordinary days; of what concerns single people, by that of everybody in the same time.
    pub(super) ratio: Option<f64>,
    /// Behaviour alerts and their updates told on these days, whatever they are about, by the budget that was asked for.
    pub(super) of_budget: Option<f64>,
}

/// One row for each kind of stress, after attacks may begin.
pub(super) fn stress(labels: &Labels, alerts: &Alerts, verdicts: &[Verdict], budget: Option<f64>) -> Vec<Stress> {
    let noise: Vec<&Alert> = alerts
        .all
        .iter()
        .zip(verdicts)
        .filter(|(alert, verdict)| alert.is_page && !verdict.is_true())
        .map(|(alert, _)| alert)
        .collect();
    let mut kinds: BTreeMap<StressKind, Vec<&sim::StressRecord>> = BTreeMap::new();
    labels
        .stress
        .iter()
        .filter(|it| it.until_ms > labels.run.attacks_from_ms)
        .for_each(|it| kinds.entry(it.kind).or_default().push(it));
    let is_told = |it: &&Alert| it.is_page && it.is_behaviour;
    // An update of an alert takes from the budget as the alert did.
    let times = |it: &Alert| std::iter::once(it.told_ms).chain(it.amended.iter().map(|it| it.told_ms)).collect::<Vec<_>>();
    let told: Vec<i64> = alerts.all.iter().filter(is_told).flat_map(times).map(|it| it.div_euclid(DAY_MS)).collect();
    kinds.into_iter().map(|(kind, records)| row(labels, &noise, kind, &records, budget.map(|it| (it, &*told)))).collect()
}

/// `budget` is what was asked for a day, and the days on which it was spent.
fn row(
    labels: &Labels,
    noise: &[&Alert],
    kind: StressKind,
    records: &[&sim::StressRecord],
    budget: Option<(f64, &[i64])>,
) -> Stress {
    let from_ms = |it: &sim::StressRecord| it.from_ms.max(labels.run.attacks_from_ms);
    let within = |it: &sim::StressRecord, alert: &Alert| (from_ms(it)..it.until_ms).contains(&alert.time_ms);
    let is_general = records.iter().all(|it| it.actors.len() != 1);
    let is_whole_day = |alert: &&&Alert| records.iter().any(|it| within(it, alert));
    if is_general {
        // Periods that overlap (Easter at two sites) are one time.
        let days: BTreeSet<i64> =
            records.iter().flat_map(|it| from_ms(it).div_euclid(DAY_MS)..(it.until_ms - 1).div_euclid(DAY_MS) + 1).collect();
        let hit: Vec<&&Alert> = noise.iter().filter(is_whole_day).collect();
        let rate = hit.len() as f64 / days.len() as f64;
        let other_days = labels.days() - days.len() as f64;
        let later = noise.iter().filter(|it| it.time_ms >= labels.run.attacks_from_ms).count();
        let ordinary = (later - hit.len()) as f64 / other_days.max(1.0);
        let told = |on: &[i64]| on.iter().filter(|it| days.contains(it)).count() as f64 / days.len() as f64;
        return Stress {
            kind,
            times: records.len(),
            false_alerts: hit.len(),
            rate,
            ratio: (ordinary > 0.0).then(|| rate / ordinary),
            of_budget: budget.map(|(budget, on)| told(on) / budget),
        };
    }
    let about = |record: &sim::StressRecord, alert: &Alert| within(record, alert) && alert.actors.contains(&record.actors[0]);
    let hits: usize = records.iter().map(|record| noise.iter().filter(|it| about(record, it)).count()).sum();
    let person_days: f64 = records.iter().map(|it| (it.until_ms - from_ms(it)) as f64 / DAY_MS as f64).sum();
    let later = noise.iter().filter(|it| it.time_ms >= labels.run.attacks_from_ms).count() as f64;
    let usual = later / (f64::from(labels.run.people) * labels.days());
    Stress {
        kind,
        times: records.len(),
        false_alerts: hits,
        rate: hits as f64 / records.len() as f64,
        ratio: (usual > 0.0).then(|| hits as f64 / person_days / usual),
        of_budget: None,
    }
}
