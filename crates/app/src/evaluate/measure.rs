//! Which alerts belong to which attacks, and what that means for each attack, pattern and group.

use super::alerts::{Alert, Alerts};
use super::labels::Labels;
use serde::Serialize;
use sim::{AttackGroup, AttackRecord};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const MINUTE_MS: f64 = 60_000.0;

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// These attacks.
    True(BTreeSet<usize>),
    /// Nothing that happened. `is_near`: its actor was attacking at the time, with other events.
    False { is_near: bool },
}

impl Verdict {
    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::True(_))
    }
}

/// A verdict for each alert, in their order.
pub(super) fn matched(labels: &Labels, alerts: &Alerts) -> Vec<Verdict> {
    let mut attacks_of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, attack) in labels.attacks.iter().enumerate() {
        attack.actors.iter().for_each(|it| attacks_of.entry(it).or_default().push(index));
    }
    alerts.all.iter().map(|alert| verdict(labels, &attacks_of, alert)).collect()
}

fn verdict(labels: &Labels, attacks_of: &HashMap<&str, Vec<usize>>, alert: &Alert) -> Verdict {
    let mut attacks: BTreeSet<usize> =
        alert.events.iter().filter_map(|it| labels.by_event.get(it.as_str())).map(|(attack, _)| *attack).collect();
    if !attacks.is_empty() {
        return Verdict::True(attacks);
    }
    let overlaps = |it: &&usize| {
        let attack = &labels.attacks[**it];
        alert.first_ms <= attack.last_ms && attack.first_ms <= alert.last_ms
    };
    let near = alert.actors.iter().filter_map(|it| attacks_of.get(it.as_str())).flatten();
    let near: Vec<usize> = near.filter(overlaps).copied().collect();
    // What an alert doesn't name nobody can look up: then its actor and its time have to do.
    if alert.events_total > alert.events.len() as u64 || alert.events.is_empty() {
        attacks.extend(&near);
        if !attacks.is_empty() {
            return Verdict::True(attacks);
        }
    }
    Verdict::False { is_near: !near.is_empty() }
}

/// How one attack went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(super) id: String,
    pub(super) pattern: String,
    pub(super) group: AttackGroup,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    pub(super) caught: bool,
    /// Only by what pages nobody.
    pub(super) caught_in_shadow: bool,
    /// From the first event of the attack to the first alert.
    pub(super) minutes: Option<f64>,
    /// Events of the attack up to the first alert, the one that raised it included.
    pub(super) events: Option<usize>,
    /// Distinct targets of those events.
    pub(super) accounts: Option<usize>,
    pub(super) events_total: usize,
    pub(super) accounts_total: usize,
    /// What raised the first alert.
    pub(super) first_rule: Option<String>,
    /// Everything that raised an alert about it.
    pub(super) rules: BTreeSet<String>,
    /// Whether the strongest contribution to the first explained alert is an injected cause.
    pub(super) explained: Option<bool>,
}

/// How each attack went, in the order of the labels.
pub(super) fn outcomes(labels: &Labels, alerts: &Alerts, verdicts: &[Verdict]) -> Vec<Outcome> {
    let mut of_attack: Vec<Vec<&Alert>> = vec![Vec::new(); labels.attacks.len()];
    for (alert, verdict) in alerts.all.iter().zip(verdicts) {
        if let Verdict::True(attacks) = verdict {
            attacks.iter().for_each(|it| of_attack[*it].push(alert));
        }
    }
    labels.attacks.iter().zip(of_attack).map(|(attack, alerts)| outcome(attack, alerts)).collect()
}

fn outcome(attack: &AttackRecord, alerts: Vec<&Alert>) -> Outcome {
    let of_attack: HashSet<&str> = attack.events.iter().map(|it| it.id.as_str()).collect();
    let mut alerts: Vec<(i64, Option<&str>, &Alert)> = alerts
        .into_iter()
        .map(|it| {
            let (told_ms, top) = it.told_of(|event| of_attack.contains(event));
            (told_ms, top, it)
        })
        .collect();
    alerts.sort_by_key(|it| it.0);
    let pages = || alerts.iter().filter(|it| it.2.is_page);
    let first = pages().next();
    let so_far = first.map(|(told_ms, ..)| attack.events.iter().take_while(|it| it.time_ms <= *told_ms).collect::<Vec<_>>());
    let distinct = |events: &[&sim::AttackEvent]| events.iter().filter_map(|it| it.target).collect::<BTreeSet<u32>>().len();
    let all: Vec<&sim::AttackEvent> = attack.events.iter().collect();
    let explained = pages().find_map(|it| it.1);
    Outcome {
        id: attack.id.clone(),
        pattern: attack.pattern.clone(),
        group: attack.group,
        variant: attack.variant.clone(),
        caught: first.is_some(),
        caught_in_shadow: first.is_none() && !alerts.is_empty(),
        minutes: first.map(|it| (it.0 - attack.first_ms) as f64 / MINUTE_MS),
        events: so_far.as_ref().map(Vec::len),
        accounts: so_far.as_deref().map(distinct),
        events_total: all.len(),
        accounts_total: distinct(&all),
        first_rule: first.map(|it| it.2.rule.clone()),
        rules: pages().map(|it| it.2.rule.clone()).collect(),
        explained: explained.map(|it| is_cause(attack, it)),
    }
}

/// Whether a contribution is one of the attack's injected causes: `nj.rate` covers `nj.rate.view.10m.p_self`.
pub(super) fn is_cause(attack: &AttackRecord, feature: &str) -> bool {
    let plain = |text: &str| text.strip_prefix("nj.").unwrap_or(text).to_owned();
    let feature = plain(feature);
    attack
        .causes
        .iter()
        .map(|it| plain(it))
        .any(|cause| feature.strip_prefix(&cause).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Several attacks together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Together {
    pub(super) name: String,
    pub(super) attacks: usize,
    pub(super) caught: usize,
    pub(super) rate: f64,
    pub(super) caught_in_shadow: usize,
    /// Medians over those that were caught.
    pub(super) minutes: Option<f64>,
    pub(super) events: Option<f64>,
    pub(super) accounts: Option<f64>,
    /// What raised first alerts, most often first.
    pub(super) first_rules: Vec<(String, usize)>,
}

/// Attacks by a name of theirs, in the order of the names.
pub(super) fn together(outcomes: &[Outcome], name: impl Fn(&Outcome) -> String) -> Vec<Together> {
    let mut by_name: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    outcomes.iter().for_each(|it| by_name.entry(name(it)).or_default().push(it));
    by_name.into_iter().map(|(name, of_name)| sum(name, &of_name)).collect()
}

fn sum(name: String, outcomes: &[&Outcome]) -> Together {
    let caught = outcomes.iter().filter(|it| it.caught).count();
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    outcomes.iter().filter_map(|it| it.first_rule.as_deref()).for_each(|it| *rules.entry(it).or_default() += 1);
    let mut first_rules: Vec<(String, usize)> = rules.into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
    first_rules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Together {
        name,
        attacks: outcomes.len(),
        caught,
        rate: caught as f64 / outcomes.len() as f64,
        caught_in_shadow: outcomes.iter().filter(|it| it.caught_in_shadow).count(),
        minutes: median(outcomes.iter().filter_map(|it| it.minutes).collect()),
        events: median(outcomes.iter().filter_map(|it| it.events).map(|it| it as f64).collect()),
        accounts: median(outcomes.iter().filter_map(|it| it.accounts).map(|it| it as f64).collect()),
        first_rules,
    }
}

/// The middle, or the mean of the two in the middle.
pub(super) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let upper = *numbers.get(numbers.len() / 2)?;
    Some(if numbers.len() % 2 == 1 { upper } else { f64::midpoint(numbers[numbers.len() / 2 - 1], upper) })
}
