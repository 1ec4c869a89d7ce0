//! The attack of July 2020: its figures, its order, and that the truth agrees with the events.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, live, small};
use crate::{AttackStep, AttackTruth, CompanyConfig, Scenario};

fn attack(config: &CompanyConfig) -> (Vec<Event>, AttackTruth) {
    let mut events = Vec::new();
    let simulation = live(config, Scenario::Twitter2020, |it| {
        if it.label.is_some() {
            events.push(it);
        }
    });
    (events, simulation.truth().clone())
}

/// Little happens besides the attack.
fn sleepy() -> CompanyConfig {
    CompanyConfig { activity: 0.02, ..small(3) }
}

fn targets_of(events: &[Event], action: &str) -> BTreeSet<String> {
    let of_action = events.iter().filter(|it| it.action == action && it.outcome == "success");
    of_action.filter_map(|it| it.account().map(|it| it.id.clone())).collect()
}

#[test]
fn the_figures_are_those_of_the_reports() {
    for (people, seed) in [(12, 1), (120, 2), (600, 2020)] {
        let config = CompanyConfig { people, seed, activity: 0.02, ..CompanyConfig::default() };
        let (events, truth) = attack(&config);
        let [changed, unprotected, reset] =
            ["account.contact_change", "account.mfa_disable", "password.reset"].map(|it| targets_of(&events, it));
        let touched: BTreeSet<String> = events.iter().filter_map(|it| it.account().map(|it| it.id.clone())).collect();
        assert_eq!(touched.len(), 130);
        assert_eq!(targets_of(&events, "account.lookup"), touched);
        assert_eq!(changed.len(), 45);
        assert!(changed == unprotected && unprotected == reset);
        assert_eq!(targets_of(&events, "dm.read").len(), 36);
        assert_eq!(targets_of(&events, "archive.download").len(), 8);
        let actors: BTreeSet<String> = events
            .iter()
            .filter(|it| it.label.is_some_and(crate::AttackLabel::is_intrusion))
            .map(|it| it.actor.id.clone())
            .collect();
        assert_eq!(actors.len(), 4);
        assert_eq!(actors, truth.actors.iter().cloned().collect());
    }
}

#[test]
fn the_truth_is_what_the_events_say() {
    let (events, truth) = attack(&sleepy());
    assert_eq!(truth.events as usize, events.len());
    assert_eq!(truth.targets.len(), 130);
    assert_eq!(truth.takeovers.len(), 45);
    assert_eq!(truth.inboxes.len(), 36);
    assert_eq!(truth.archives.len(), 8);
    assert_eq!(truth.ended_ms, events.last().map(|it| it.at_ms));
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    for event in &events {
        let Some(account) = event.account() else { continue };
        first.entry(&account.id).or_insert(event.at_ms);
        let label = event.label.expect("only labelled events were kept");
        let index = usize::from(label.target.expect("an event about an account names it"));
        assert_eq!(truth.targets[index].target, account.id);
    }
    assert!(truth.targets.iter().all(|it| first[it.target.as_str()] == it.time_ms));
    assert!(truth.targets.is_sorted_by_key(|it| it.time_ms));
    assert!(truth.takeovers.is_sorted_by_key(|it| it.time_ms));
    assert!(truth.takeovers.iter().all(|it| it.begun_ms < it.time_ms && it.time_ms - it.begun_ms < 3_600_000));
}

#[test]
fn reconnaissance_comes_well_before_the_first_takeover() {
    let (events, truth) = attack(&sleepy());
    let first = |step| events.iter().find(|it| it.label.is_some_and(|it| it.step == step)).map(|it| it.at_ms);
    let takeover_ms = truth.takeovers[0].begun_ms;
    let half_an_hour_before = Some(takeover_ms - 1_800_000);
    assert!(first(AttackStep::Report) < first(AttackStep::Probe));
    assert!(first(AttackStep::Login) == truth.started_ms && truth.started_ms < half_an_hour_before);
    assert!(first(AttackStep::Probe) < half_an_hour_before);
    assert!(first(AttackStep::Lookup) < half_an_hour_before);
    let early = events.iter().filter(|it| it.at_ms < takeover_ms);
    let denied = early.clone().filter(|it| it.outcome == "denied").count();
    let looks = early.filter(|it| it.action == "account.lookup" && it.justification.ticket.is_none()).count();
    assert!(denied >= 40 && looks >= 25, "{denied} {looks}");
}

#[test]
fn one_identity_looks_through_twenty_five_accounts_in_ten_minutes_before_the_first_takeover() {
    let (events, truth) = attack(&sleepy());
    let looks: Vec<&Event> = events
        .iter()
        .filter(|it| it.action == "account.lookup" && it.actor.id == truth.actors[1])
        .take_while(|it| it.at_ms < truth.takeovers[0].begun_ms)
        .collect();
    let burst = looks.windows(25).any(|it| it[24].at_ms - it[0].at_ms < 600_000);
    assert!(burst, "{}", looks.len());
}

#[test]
fn intruders_come_from_new_computers_and_networks_with_weak_factors() {
    let (events, _) = attack(&sleepy());
    for event in events.iter().filter(|it| it.label.is_some_and(crate::AttackLabel::is_intrusion)) {
        assert!(!event.source.device_managed);
        assert!(["GB", "NL"].contains(&event.source.country.as_str()));
        assert!(["sms", "totp"].contains(&event.session.auth_method.as_str()));
    }
    let guesses = events.iter().filter(|it| it.action == "login" && it.outcome == "failure").count();
    assert!((4..=20).contains(&guesses), "{guesses}");
}

#[test]
fn short_handles_fall_first_then_exchanges_then_the_famous() {
    let (events, _) = attack(&sleepy());
    let reset_ms = |tag| {
        let of_tag: Vec<i64> =
            events.iter().filter(|it| it.action == "password.reset" && it.has_tag(tag)).map(|it| it.at_ms).collect();
        (of_tag[0], of_tag[of_tag.len() - 1])
    };
    let (short, exchange, celebrity) = (reset_ms("short_handle"), reset_ms("exchange"), reset_ms("celebrity"));
    assert!(short.1 < exchange.0 && exchange.1 < celebrity.0);
}

#[test]
fn some_takeovers_are_relayed_between_two_identities() {
    let (events, _) = attack(&sleepy());
    let mut hands: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in &events {
        if let ("account.contact_change" | "password.reset", Some(account)) = (event.action.as_str(), event.account()) {
            hands.entry(&account.id).or_default().insert(&event.actor.id);
        }
    }
    let relayed = hands.values().filter(|it| it.len() == 2).count();
    assert!((5..=20).contains(&relayed), "{relayed}");
}

#[test]
fn a_simulation_that_starts_at_noon_still_holds_the_whole_attack() {
    let config = CompanyConfig { days: 1, ..sleepy() };
    let config = CompanyConfig { start_ms: config.start_ms + 15 * 3_600_000, ..config };
    let (events, truth) = attack(&config);
    assert_eq!(truth.events as usize, events.len());
    assert_eq!(targets_of(&events, "password.reset").len(), 45);
}

#[test]
fn a_quiet_company_has_no_truth_to_tell() {
    let config = CompanyConfig { people: 60, days: 1, ..CompanyConfig::default() };
    let mut labelled = 0;
    let simulation = live(&config, Scenario::Quiet, |it| labelled += usize::from(it.label.is_some()));
    assert_eq!(labelled, 0);
    assert_eq!(simulation.truth(), &AttackTruth::default());
}
