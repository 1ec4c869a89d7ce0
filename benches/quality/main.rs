//! How good the baselines are, beside others on the same stream.
//!
//! `cargo bench -p benches --bench quality [-- PART [PEOPLE]]`, where PART is `calibration`, `frog` or `attacks`.
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
mod world;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let wants = |part: &str| arguments.first().is_none_or(|it| it == part);
    let people: Option<usize> = arguments.get(1).and_then(|it| it.parse().ok());
    if wants("calibration") {
        calibration::run(people.unwrap_or(4_000), 40, 60, 2_026);
    }
    if wants("frog") {
        frog::run(people.unwrap_or(3_000));
    }
    if wants("attacks") {
        attacks::run(people.unwrap_or(3_000), 7);
    }
}
