//! What is produced: the events of a simulated company, as many times as are needed, and events that surely alert.

use std::time::{SystemTime, UNIX_EPOCH};

use sim::{CompanyConfig, Scenario, Simulation};

use crate::stage::PARTITIONS;

/// So many people are simulated; of more, each is several that do the same.
const SIMULATED: u32 = 20_000;

/// The events of a company in their order, each of so many copies of it.
pub(crate) struct Feed {
    simulation: Simulation,
    line: Vec<u8>,
    copies: u32,
}

impl Feed {
    /// People who work a full day, from a Monday in July 2020 on.
    pub(crate) fn busy(people: u32) -> Self {
        Self::of(people, 1.0, 3_000)
    }

    /// People of whom each does about five things on one day.
    pub(crate) fn sparse(people: u32) -> Self {
        Self::of(people, 0.03, 1)
    }

    fn of(people: u32, activity: f64, days: u32) -> Self {
        let copies = people.div_ceil(SIMULATED);
        let config = CompanyConfig { people: people / copies, days, activity, ..CompanyConfig::default() };
        Self { simulation: Simulation::new(&config, Scenario::Quiet), line: Vec::new(), copies }
    }

    /// Shows the partition, key and line of the next event for each copy; false if there is none.
    pub(crate) fn next(&mut self, mut show: impl FnMut(i32, &str, &[u8])) -> bool {
        let Self { simulation, line, copies } = self;
        let Some(meta) = simulation.next_into(line) else { return false };
        let key = meta.actor_key.to_owned();
        show(partition(&key), &key, line);
        for copy in 1..*copies {
            let suffix = format!("-{copy}");
            let mut other = line.clone();
            for marker in ["\"id\":\"", "\"actor\":{\"id\":\"", "\"target\":{\"type\":\"account\",\"id\":\""] {
                append(&mut other, marker, &suffix);
            }
            let key = format!("{key}{suffix}");
            show(partition(&key), &key, &other);
        }
        true
    }
}

/// Where the time stands in a line of the simulation.
pub(crate) const TIME: std::ops::Range<usize> = 9..33;

/// Adds `suffix` to the string that follows `marker`.
fn append(line: &mut Vec<u8>, marker: &str, suffix: &str) {
    let Some(at) = line.windows(marker.len()).position(|it| it == marker.as_bytes()) else { return };
    let from = at + marker.len();
    let Some(end) = line[from..].iter().position(|it| *it == b'"') else { return };
    line.splice(from + end..from + end, suffix.bytes());
}

/// The partition of a key: FNV-1a.
pub(crate) fn partition(key: &str) -> i32 {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i32::try_from(hash % PARTITIONS.unsigned_abs()).unwrap()
}

/// An event that the rule [`PROBE_RULE`] alerts of; its identifier is all that there is to know.
pub(crate) fn probe(id: &str, time: &str, actor: &str) -> String {
    format!(r#"{{"time":"{time}","id":"{id}","actor":{{"id":"{actor}"}},"action":"scale.probe"}}"#)
}

/// Alerts of every probe.
pub(crate) const PROBE_RULE: &str = "\
title: Probe of the bench
name: scale_probe
id: 6b1f0c1e-2d0b-4a56-9d35-0d3f9a1f4b11
status: stable
logsource:
  product: nightjar
detection:
  probe:
    action: scale.probe
  condition: probe
level: high
";

/// Now, as the simulation writes times.
pub(crate) fn timestamp() -> String {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    model::EventTime::from_ms(i64::try_from(ms).unwrap()).to_string()
}
