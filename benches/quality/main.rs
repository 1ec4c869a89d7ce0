//! How good the baselines are, beside others on the same stream.
//!
//! `cargo bench -p benches --bench quality [-- PART [PEOPLE [SEED]]] [--json]`, where PART is `calibration`, `frog` or `attacks`. Ends with 1
//! if a slice of the calibration lies outside of its bounds; `--json` writes that table as one object.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::similar_names,
    clippy::type_complexity,
    clippy::unwrap_used,
    missing_docs,
    reason = "a generator and tables, not a product"
)]

mod attacks;
mod calibration;
mod frog;
mod ours;
mod rates;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let wants = |part: &str| arguments.first().is_none_or(|it| it == part);
    let people: Option<usize> = arguments.get(1).and_then(|it| it.parse().ok());
    let seed: Option<u64> = arguments.get(2).and_then(|it| it.parse().ok());
    let is_json = std::env::args().any(|it| it == "--json");
    let is_calibrated = !wants("calibration") || calibration::run(people.unwrap_or(4_000), 40, 60, seed.unwrap_or(2_026), is_json);
    if wants("frog") {
        frog::run(people.unwrap_or(3_000));
    }
    if wants("attacks") {
        attacks::run(people.unwrap_or(3_000), seed.unwrap_or(7));
    }
    if is_calibrated { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
