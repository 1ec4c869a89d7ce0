//! The stream of lines: order, determinism, shape.

use std::collections::BTreeSet;

use super::{live, small};
use crate::{CompanyConfig, Scenario, Simulation, sample_lines};

fn bytes(config: &CompanyConfig, scenario: Scenario) -> Vec<u8> {
    let mut simulation = Simulation::new(config, scenario);
    let (mut all, mut line) = (Vec::new(), Vec::new());
    while simulation.next_into(&mut line).is_some() {
        all.extend_from_slice(&line);
        all.push(b'\n');
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let config = CompanyConfig { people: 60, days: 1, ..CompanyConfig::default() };
    let once = bytes(&config, Scenario::Twitter2020);
    assert!(once == bytes(&config, Scenario::Twitter2020));
    assert!(once != bytes(&CompanyConfig { seed: 2021, ..config }, Scenario::Twitter2020));
}

#[test]
fn an_attack_changes_nothing_about_the_company_around_it() {
    let config = CompanyConfig { people: 60, days: 1, ..CompanyConfig::default() };
    let told = |scenario| {
        let mut events = Vec::new();
        live(&config, scenario, |it| {
            if it.label.is_none() {
                events.push((it.time, it.actor.id, it.action, it.target.map(|it| it.id), it.session.id));
            }
        });
        events
    };
    assert!(told(Scenario::Quiet) == told(Scenario::Twitter2020));
}

#[test]
fn every_line_is_a_complete_event_in_time_order_with_an_id_of_its_own() {
    let config = CompanyConfig { activity: 0.5, ..small(3) };
    let (mut last_ms, mut ids, mut events) = (config.start_ms, BTreeSet::new(), 0_usize);
    live(&config, Scenario::Twitter2020, |it| {
        assert!(last_ms <= it.at_ms && it.at_ms < config.end_ms());
        last_ms = it.at_ms;
        let time: jiff::Timestamp = it.time.parse().expect("RFC 3339");
        assert_eq!(time.as_millisecond(), it.at_ms);
        assert!(!it.tool.is_empty() && !it.actor.role.is_empty() && !it.actor.team.is_empty());
        assert!(it.actor.email.ends_with("@tern.example") && (it.actor.tz.contains('/') || !it.is_human()));
        assert!(["success", "failure", "denied"].contains(&it.outcome.as_str()));
        assert!(["webauthn", "totp", "sms", "mtls"].contains(&it.session.auth_method.as_str()));
        assert_eq!(it.source.country.len(), 2);
        assert!(it.source.asn > 0 && !it.source.ip.is_unspecified() && it.source.device_id.contains('-'));
        assert!(it.detail.contains_key("user_agent"));
        if let Some(target) = it.account() {
            assert!(target.label.starts_with('@') && target.id.bytes().all(|it| it.is_ascii_digit()));
        }
        ids.insert(it.id);
        events += 1;
    });
    assert!(events > 10_000, "{events}");
    assert_eq!(ids.len(), events);
}

#[test]
fn lines_are_about_seven_hundred_bytes_long() {
    let lines = sample_lines(7, 600, 20_000);
    let count = lines.split_inclusive(|it| *it == b'\n').count();
    assert_eq!(count, 20_000);
    let average = lines.len() / count;
    assert!((600..=800).contains(&average), "{average}");
}

#[test]
fn a_sample_shows_nearly_all_actors_asked_for() {
    let lines = sample_lines(7, 500, 30_000);
    let actors: BTreeSet<String> = lines
        .split(|it| *it == b'\n')
        .filter(|it| !it.is_empty())
        .map(|it| serde_json::from_slice::<super::Event>(it).expect("an event").actor.id)
        .collect();
    assert!((425..=500).contains(&actors.len()), "{}", actors.len());
}

#[test]
fn values_out_of_range_are_held_within_their_limits() {
    let absurd = CompanyConfig {
        people: 0,
        start_ms: i64::MIN,
        days: 0,
        activity: f64::NAN,
        attack_day: u32::MAX,
        ..CompanyConfig::default()
    };
    let mut events = 0;
    let simulation = live(&absurd, Scenario::Twitter2020, |_| events += 1);
    assert_eq!(simulation.company().people().len(), 12);
    assert_eq!(simulation.company().config().attack_day, 0);
    assert!(events > 1_000, "{events}");
}

#[test]
fn scenarios_are_known_by_their_names() {
    for scenario in Scenario::ALL {
        assert_eq!(scenario.to_string().parse(), Ok(scenario));
    }
    let problem = "twiter".parse::<Scenario>().expect_err("no such scenario").to_string();
    assert_eq!(problem, "unknown scenario `twiter`, known are: quiet twitter-2020");
}
