//! Nightjar as it runs in production, measured from outside: processes of `nightjar run` beside a real Apache Kafka on this machine.
//!
//! `cargo build --release -p app && cargo bench -p benches --bench scale -- CASE [OPTION VALUE]...`
//!
//! | case | what |
//! |---|---|
//! | `throughput` | events a second from a topic that is full, with one, two and three instances |
//! | `delay` | from an event being produced to readers of committed records seeing its alert, at a steady rate |
//! | `state` | how long a killed instance's successor takes until it goes on, how long partitions are silent when instances come and go, and how large their checkpoints are |
//! | `checkpoints` | what checkpoints cost of the throughput |
//! | `soak` | full speed with faults, memory every minute; exit code 1 if an alert is missing or comes twice |
//!
//! The broker is that of the tests (`tests/kafka/cluster fetch` brings it). Options: `--nightjar FILE` (the binary; else the one that cargo
//! built in the same directory), `--people N`, `--events N`, `--rate N` (events a second), `--seconds N`, `--share PERCENT` (of one
//! core for each instance, by a control group, so that several instances show what more machines would), `--seed N` (of the
//! faults), `--brokers N` (1, or 3, which keep three copies: of those the soak kills one at a time), `--standby 1` (in `state`, the
//! instance that joins keeps what the others know in memory).
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]
#![expect(clippy::unwrap_used, reason = "a driver: what fails is to be seen at once")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod checkpoints;
#[path = "../../tests/kafka/cluster.rs"]
mod cluster;
mod delay;
mod events;
mod instance;
mod options;
mod probe;
mod soak;
mod stage;
mod state;
mod throughput;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match options::Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    if let Some(why) = cluster::missing() {
        eprintln!("skipped: {why}");
        return ExitCode::SUCCESS;
    }
    if !options.nightjar.exists() {
        eprintln!("{} is not there: `cargo build --release -p app` makes it", options.nightjar.display());
        return ExitCode::from(2);
    }
    match options.case.as_str() {
        "throughput" => throughput::run(&options),
        "delay" => delay::run(&options),
        "state" => state::run(&options),
        "checkpoints" => checkpoints::run(&options),
        "soak" => return soak::run(&options),
        other => {
            eprintln!("no case `{other}`: throughput, delay, state, checkpoints or soak is expected");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
