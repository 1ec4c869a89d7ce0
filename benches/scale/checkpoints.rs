//! What checkpoints cost of the throughput: the same topic drained without, with those of the default interval, and with many.

use crate::events::Feed;
use crate::instance::Role;
use crate::options::Options;
use crate::stage::Stage;
use crate::throughput::{Drained, drain};

const EVENTS: usize = 3_000_000;
const PEOPLE: u32 = 100_000;
const ROUNDS: usize = 3;

/// Takes turns, since other work on the machine comes and goes.
pub(crate) fn run(options: &Options) {
    let stage = Stage::new(options);
    let people = options.people.unwrap_or(PEOPLE);
    stage.input("load");
    let events = stage.fill("load", Feed::busy(people), options.events.unwrap_or(EVENTS)).iter().sum();
    println!("checkpoints: {events} events of {people} people, one instance");
    for round in 0..ROUNDS {
        for (what, checkpoints_ms) in [("none", None), ("every 30 s", Some(30_000)), ("every 5 s", Some(5_000))] {
            let group = format!("cost-{round}-{}", checkpoints_ms.unwrap_or(0));
            let role = Role { group: &group, topic: "load", name: "", checkpoints_ms, session_ms: 10_000, standby: false };
            let Drained { per_s, cpu_us, pause_s, checkpoints, seconds, .. } = drain(&stage, &role, 1, events);
            println!(
                "{what}: {:.1} k events/s, {cpu_us:.2} us of processor an event; {checkpoints} copies, partitions waited {:.0} ms for them, {:.2} % of {seconds:.0} s",
                per_s / 1e3,
                pause_s * 1e3,
                pause_s / seconds * 100.0,
            );
        }
    }
}
