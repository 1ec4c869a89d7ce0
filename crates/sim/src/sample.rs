//! Lines for benches.

use crate::config::CompanyConfig;
use crate::scenario::Scenario;
use crate::simulation::Simulation;

/// Events per actor on a Monday (where every sample begins) at `activity` 1, programs and absent people included; measured, rounded up.
const PER_ACTOR_DAY: f64 = 260.0;

/// `count` events of about `actors` people and programs, each line ending in `\n`, in time order.
///
/// The pace is chosen so that the lines span about one day (as far as the limits of `activity` allow): every site, every shift and nearly every actor appears.
pub fn sample_lines(seed: u64, actors: u32, count: usize) -> Vec<u8> {
    // Of a hundred and one actors one is a program, besides the first eight.
    let people = actors.saturating_sub(8) / 101 * 100 + actors.saturating_sub(8) % 101;
    let activity = (count as f64 / (f64::from(actors.max(1)) * PER_ACTOR_DAY)).clamp(0.02, 1.0);
    let config = CompanyConfig { people, seed, activity, days: 3_000, ..CompanyConfig::default() };
    let mut simulation = Simulation::new(&config, Scenario::Quiet);
    let mut lines = Vec::with_capacity(count * 720);
    let mut line = Vec::with_capacity(1_024);
    for _ in 0..count {
        // Eight years of events: only an absurd count runs dry.
        if simulation.next_into(&mut line).is_none() {
            break;
        }
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    lines
}
