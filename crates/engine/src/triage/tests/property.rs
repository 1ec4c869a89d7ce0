//! Random streams of rules and candidates: what must hold of all of them.

use super::super::*;
use super::{DAY, START, alerts, by_rule, candidate, digests, feed, incidents, settings};
use model::{Delivery, Level, RuleKind};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, Copy)]
struct Step {
    actor: u8,
    gap_ms: i64,
    kind: u8,
    risk: f64,
    feature: usize,
}

const FEATURES: [&str; 6] = ["nj.distinct.10m", "nj.novelty.device", "nj.shift", "nj.ticket.share.lookup", "nj.chain", ""];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..6_u8, prop_oneof![0..HOUR, 0..DAY, -HOUR..HOUR], 0..8_u8, 0.5..40.0_f64, 0..FEATURES.len());
    let step = step.prop_map(|(actor, gap_ms, kind, risk, feature)| Step { actor, gap_ms, kind, risk, feature });
    prop::collection::vec(step, 1..150)
}

const HOUR: i64 = 3_600_000;

fn emitted(steps: &[Step]) -> Vec<Emitted> {
    let mut ms = START + DAY;
    let mut all = Vec::new();
    for it in steps {
        ms += it.gap_ms;
        let actor = format!("u{}", it.actor);
        all.push(match it.kind {
            0..=1 => by_rule(["a", "b"][it.kind as usize], Level::ALL[it.feature % 5], &actor, ms),
            2 => {
                let mut covered = candidate(&actor, ms, it.risk, FEATURES[it.feature]);
                covered.alert.delivery = Delivery::Excepted(Arc::new(exception()));
                covered
            }
            _ => candidate(&actor, ms, it.risk, FEATURES[it.feature]),
        });
    }
    all
}

fn exception() -> model::Exception {
    model::Exception {
        id: "EX-1".into(),
        actor: Some("u1".into()),
        target: None,
        rule: None,
        from: EventTime::MIN,
        until: EventTime::from_ms(i64::MAX),
        reason: String::new(),
        author: String::new(),
    }
}

fn is_rule(alert: &Alert) -> bool {
    alert.rule.kind != RuleKind::Behaviour
}

fn total(it: &Counts) -> u64 {
    it.pages + it.updates + it.appended + it.over_budget + it.learning + it.below
}

fn tight() -> Settings {
    Settings { per_day: Weight::clamped(3.0), learn_until: Some(EventTime::from_ms(START + 3 * DAY)), ..settings() }
}

proptest! {
    #[test]
    fn alerts_of_rules_never_change_and_never_vanish(steps in steps()) {
        let all = emitted(&steps);
        let before: Vec<Alert> = all.iter().map(|it| it.alert.clone()).filter(is_rule).collect();
        let out = feed(&mut Triage::new(tight()), all);
        let after: Vec<Alert> = alerts(&out).into_iter().filter(|it| is_rule(it)).cloned().collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn nothing_vanishes(steps in steps()) {
        let (mut triage, all) = (Triage::new(tight()), emitted(&steps));
        let candidates = all.iter().filter(|it| !is_rule(&it.alert) && it.alert.delivery == Delivery::Shadow).count() as u64;
        let mut out = feed(&mut triage, all);
        triage.finish(&mut out);
        let counts = triage.stats().counts;
        prop_assert_eq!((counts.candidates, total(&counts)), (candidates, candidates));
        let told = alerts(&out).into_iter().filter(|it| it.triaged.as_ref().is_some_and(|it| it.standing.is_some())).count() as u64;
        prop_assert_eq!(told, counts.told());
        // The digests of the days say the same as the sum, and name whoever was not told.
        let by_day: u64 = digests(&out).iter().map(|it| total(&it.counts)).sum();
        prop_assert_eq!(by_day, candidates);
        let named: u64 = digests(&out).iter().flat_map(|it| &it.entries).map(|it| it.candidates).sum();
        let not_at_once = counts.over_budget + counts.learning + counts.below;
        let told_after_all = counts.pages + counts.updates + counts.late + counts.spare + counts.samples;
        prop_assert!(named <= not_at_once && (named == not_at_once || told_after_all > 0));
    }

    #[test]
    fn an_actor_is_told_of_once_in_72_hours_unless_the_risk_has_doubled_or_something_new_speaks(steps in steps()) {
        // Of what comes in order: an event that is late may find its episode closed.
        let steps: Vec<Step> = steps.into_iter().map(|it| Step { gap_ms: it.gap_ms.abs(), ..it }).collect();
        let out = feed(&mut Triage::new(Settings { per_day: Weight::clamped(1e6), ..settings() }), emitted(&steps));
        let mut latest: BTreeMap<&str, (i64, f64, Vec<&str>)> = BTreeMap::new();
        for it in alerts(&out) {
            let Some(standing) = it.triaged.as_ref().and_then(|it| it.standing.as_ref()).filter(|it| it.sampled.is_none()) else { continue };
            let deviation = it.deviation.as_ref().unwrap();
            let feature = deviation.contributions[0].feature.as_str();
            let (ms, risk, known) = latest.entry(&it.actor.id).or_insert((i64::MIN, 0.0, vec![]));
            let is_soon = it.time.ms().saturating_sub(*ms) <= TOGETHER_MS;
            prop_assert!(!is_soon || deviation.risk >= 2.0 * *risk || !known.contains(&feature), "{} {:?}", it.actor.id, standing);
            if !is_soon {
                known.clear();
            }
            known.push(feature);
            (*ms, *risk) = (it.time.ms(), deviation.risk);
        }
    }

    #[test]
    fn incidents_begin_once_and_have_what_their_alerts_say(steps in steps()) {
        let mut triage = Triage::new(tight());
        let mut out = feed(&mut triage, emitted(&steps));
        triage.finish(&mut out);
        let mut known: BTreeMap<&str, &Incident> = BTreeMap::new();
        for it in incidents(&out) {
            prop_assert_eq!(it.is_new, known.insert(&it.uid, it).is_none());
            prop_assert!(it.first <= it.last && !it.findings.is_empty() && it.findings.len() <= Incident::FINDINGS_MAX);
        }
        let mut alerts_of: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
        for it in alerts(&out) {
            alerts_of.entry(&it.actor.id).or_default().insert(&it.uid);
            if let Some(uid) = it.triaged.as_ref().and_then(|it| it.incident.as_deref()) {
                let incident = known.get(uid).unwrap();
                prop_assert!(incident.level >= it.rule.level);
                prop_assert_eq!(&incident.actor.id, &it.actor.id);
            }
        }
        for it in known.values() {
            for finding in &it.findings {
                prop_assert!(alerts_of[it.actor.id.as_str()].contains(finding.uid.as_str()));
            }
        }
    }

    #[test]
    fn stopped_anywhere_and_restored_triage_goes_on_the_same(steps in steps(), part in 0.0..1.0_f64) {
        let mut whole = Triage::new(tight());
        let mut expected = feed(&mut whole, emitted(&steps));
        whole.finish(&mut expected);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part of a length")]
        let cut = (part * steps.len() as f64) as usize;
        let mut all = emitted(&steps);
        let rest = all.split_off(cut);
        let mut first = Triage::new(tight());
        let mut out = feed(&mut first, all);
        let mut second = Triage::restore(tight(), &first.snapshot()).unwrap();
        out.extend(feed(&mut second, rest));
        second.finish(&mut out);
        prop_assert_eq!(out, expected);
        prop_assert_eq!(second.stats(), whole.stats());
    }
}
