//! Nightjar beside `rsigma-eval`, another Sigma engine in Rust, in one run: the same events, the same rules, the same verdicts (asserted),
//! bytes in to verdict out, one core, CPU time, contestants taking turns.
//!
//! `cargo bench -p benches --bench peers [-- NAME]` runs what has NAME in its name: `rules_100 rules_1000 rules_3000 sigmahq event_count
//! value_count temporal_ordered distinct_values`; with `--alone` they run without the peer, for profiles.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

mod correlation;
mod detection;
mod measure;
mod ours;
#[path = "../reference.rs"]
mod reference;
#[path = "../rules.rs"]
mod rules;
mod theirs;

fn main() {
    let filter = std::env::args().skip(1).find(|it| !it.starts_with('-')).unwrap_or_default();
    let is_wanted = |name: &str| name.contains(filter.as_str());
    let is_alone = std::env::args().any(|it| it == "--alone");
    detection::run(is_wanted, is_alone);
    correlation::run(is_wanted, is_alone);
}
