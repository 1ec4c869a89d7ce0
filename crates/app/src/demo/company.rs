//! The company's events, into Kafka, at the right time, keyed by who acted.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use model::EventTime;
use sim::Simulation;
use stream::kafka::PacedProducer;

use super::pace::Pace;
use super::screen::Screen;

/// How long one attempt waits: for the readers, or for the time to come. Also the delay with which an interruption is noticed.
const PATIENCE: Duration = Duration::from_millis(50);
/// The last messages are with the broker after so long, or something is wrong.
const FLUSH: Duration = Duration::from_secs(30);
/// Events between two looks at the screen.
const SCREEN_EVERY: u64 = 512;

/// What was produced.
#[derive(Debug, Default)]
pub(super) struct Produced {
    /// Messages.
    pub(super) events: u64,
    /// Time of the first event, epoch milliseconds.
    pub(super) first_ms: i64,
    /// Time of the last event, epoch milliseconds.
    pub(super) last_ms: i64,
    /// Identifiers of the attackers' events.
    pub(super) intrusion: HashSet<String>,
    /// Identifiers of what else belongs to the story: people who report the calls.
    pub(super) reports: HashSet<String>,
    /// The offset after the last message of each partition.
    pub(super) ends: Vec<i64>,
}

/// Produces until the simulation ends, or until `goes_on` says otherwise.
pub(super) fn produce(
    mut simulation: Simulation,
    pace: &Pace,
    out: &mut PacedProducer,
    screen: &Screen,
    goes_on: impl Fn() -> bool,
) -> Result<Produced> {
    let begun = Instant::now();
    let mut produced = Produced { first_ms: simulation.company().config().start_ms, ..Produced::default() };
    let mut line = Vec::new();
    'events: while let Some(event) = simulation.next_into(&mut line) {
        let due = begun + pace.due(event.time_ms);
        while !wait_until(due) || !out.send(event.actor_key.as_bytes(), &line, None, PATIENCE)? {
            if !goes_on() {
                break 'events;
            }
        }
        if let Some(label) = event.label {
            let ids = if label.is_intrusion() { &mut produced.intrusion } else { &mut produced.reports };
            ids.insert(event.id.to_string());
        }
        produced.events += 1;
        produced.last_ms = event.time_ms;
        if produced.events.is_multiple_of(SCREEN_EVERY) {
            screen.progress(EventTime::from_ms(event.time_ms), produced.events, begun.elapsed());
            if !goes_on() {
                break;
            }
        }
    }
    out.flush(FLUSH)?;
    produced.ends = out.ends();
    Ok(produced)
}

/// Waits for `due`, but not for long. True when it has come.
fn wait_until(due: Instant) -> bool {
    let left = due.saturating_duration_since(Instant::now());
    // What is due in a moment is due now: a sleep is no shorter than that.
    if left > Duration::from_millis(2) {
        std::thread::sleep(left.min(PATIENCE));
    }
    left <= PATIENCE
}
