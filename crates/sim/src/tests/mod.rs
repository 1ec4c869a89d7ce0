//! Sentences about the simulated company, each checked on the events it writes.

mod attack;
mod calm;
mod company;
mod stream;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{AttackLabel, CompanyConfig, Scenario, Simulation};

/// An event as somebody else would read it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Event {
    pub(super) time: String,
    pub(super) id: String,
    pub(super) actor: Actor,
    pub(super) action: String,
    pub(super) outcome: String,
    pub(super) tool: String,
    pub(super) target: Option<Target>,
    pub(super) source: Source,
    pub(super) session: Session,
    #[serde(default)]
    pub(super) justification: Justification,
    pub(super) detail: BTreeMap<String, serde_json::Value>,
    /// From the simulation, not from the line.
    #[serde(skip)]
    pub(super) at_ms: i64,
    #[serde(skip)]
    pub(super) label: Option<AttackLabel>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Actor {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) r#type: String,
    pub(super) role: String,
    pub(super) team: String,
    pub(super) tz: String,
    pub(super) shift: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Target {
    pub(super) r#type: String,
    pub(super) id: String,
    pub(super) label: String,
    pub(super) tags: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Source {
    pub(super) ip: std::net::Ipv4Addr,
    pub(super) country: String,
    pub(super) asn: u32,
    pub(super) device_id: String,
    pub(super) device_managed: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) auth_method: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Justification {
    pub(super) ticket: Option<String>,
}

impl Event {
    pub(super) fn is_human(&self) -> bool {
        self.actor.r#type != "service"
    }

    pub(super) fn account(&self) -> Option<&Target> {
        self.target.as_ref().filter(|it| it.r#type == "account")
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.target.as_ref().is_some_and(|it| it.tags.iter().any(|of| of == tag))
    }
}

/// Hands every event of the simulation to `visit`, parsed, and gives back the simulation.
pub(super) fn live(config: &CompanyConfig, scenario: Scenario, mut visit: impl FnMut(Event)) -> Simulation {
    let mut simulation = Simulation::new(config, scenario);
    let mut line = Vec::new();
    while let Some(meta) = simulation.next_into(&mut line) {
        let mut event: Event =
            serde_json::from_slice(&line).unwrap_or_else(|problem| panic!("{problem} in {}", String::from_utf8_lossy(&line)));
        assert_eq!(meta.actor_key, event.actor.id);
        assert_eq!(meta.id.to_string(), event.id);
        (event.at_ms, event.label) = (meta.time_ms, meta.label);
        visit(event);
    }
    simulation
}

/// A company small enough for tests that read every event.
pub(super) fn small(days: u32) -> CompanyConfig {
    CompanyConfig { people: 120, days, ..CompanyConfig::default() }
}
