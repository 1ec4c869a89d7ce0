//! Scoring with behaviour: bytes in to alerts, profiles kept, beside the same without profiles and beside the typed parse that the figures
//! are compared with.
//!
//! `cargo bench -p benches --bench behaviour [-- CASE]`: the last week of the tabletop's first four, after everybody's habits were learnt in the
//! three before. Contestants take turns; CPU time of one thread.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

#[path = "peers/measure.rs"]
mod measure;
#[path = "peers/ours.rs"]
#[allow(dead_code, reason = "not every bench wants all of it")]
mod ours;
#[path = "reference.rs"]
mod reference;
#[path = "rules.rs"]
mod rules;

use engine::Rulebook;
use measure::{median, spread, timed};
use ours::{Blocks, blocks, pipeline, score};
use sigma::lists::Lists;
use sigma::parse::parse_all;
use sim::{Batch, Tabletop, TabletopConfig};

const PEOPLE: u32 = 500;
const DAYS: u32 = 28;
const LEARNT_DAYS: usize = 21;
const ROUNDS: usize = 5;
/// What is to be reached with a hundred rules and profiles, as a multiple of the reference.
const TARGET: f64 = 0.8;

/// A set of rules, and the state in which three weeks have left the pipeline.
struct Case {
    name: &'static str,
    book: Rulebook,
    learnt: Vec<u8>,
    seconds: Vec<f64>,
    alerts: usize,
}

impl Case {
    fn new(name: &'static str, book: Rulebook, before: &Blocks) -> Self {
        let mut learning = pipeline(&book);
        score(&mut learning, before);
        Self { name, learnt: learning.snapshot(), book, seconds: Vec::new(), alerts: 0 }
    }

    fn round(&mut self, week: &Blocks) {
        let mut pipeline = pipeline(&self.book);
        pipeline.restore(&self.learnt).expect("it was written by such a pipeline");
        let (seconds, alerts) = timed(|| score(&mut pipeline, week));
        self.seconds.push(seconds);
        self.alerts = alerts.len();
    }
}

fn main() {
    let (before, week) = weeks();
    let events = reference::parse_all(&week);
    let (before, blocks) = (blocks(&before), blocks(&week));
    let watching = {
        let loaded = parse_all(rules::generated_files(100), &Lists::default());
        Rulebook::compile_watching(loaded.documents, &[rules::native()], &mut Vec::new())
    };
    let wanted = std::env::args().skip(1).find(|it| !it.starts_with("--"));
    let mut cases: Vec<Case> =
        [("rules_100", rules::generated(100)), ("rules_100 with profiles", watching), ("pack with profiles", rules::pack())]
            .into_iter()
            .filter(|(name, _)| wanted.as_deref().is_none_or(|it| it == *name))
            .map(|(name, book)| Case::new(name, book, &before))
            .collect();
    let mut of_reference = Vec::new();
    for _ in 0..ROUNDS {
        of_reference.push(timed(|| assert_eq!(reference::parse_all(&week), events)).0);
        cases.iter_mut().for_each(|it| it.round(&blocks));
    }
    #[expect(clippy::cast_precision_loss, reason = "a hundred thousand")]
    let each = |seconds: &[f64]| median(seconds.to_vec()) * 1e9 / events as f64;
    println!("{events} events of {PEOPLE} people, medians (and extremes) of {ROUNDS} rounds, CPU time of one thread");
    println!("sonic-rs typed parse: {:.0} ns an event", each(&of_reference));
    for Case { name, seconds, alerts, .. } in &cases {
        let ratios: Vec<f64> = of_reference.iter().zip(seconds).map(|(reference, ours)| reference / ours).collect();
        println!(
            "{name}: {:.0} ns an event, {} × sonic-rs (target with a hundred rules {TARGET}), {alerts} alerts",
            each(seconds),
            spread(&ratios)
        );
    }
}

/// The lines of the days that are learnt, and of those that are measured.
fn weeks() -> (Vec<u8>, Vec<u8>) {
    let mut tabletop = Tabletop::new(&TabletopConfig { people: PEOPLE, days: DAYS, seed: 7 });
    let (writer, mut batch, mut lines) = (tabletop.lines(), Batch::default(), Vec::new());
    while tabletop.next_batch(&mut batch, 32 * 1_024) {
        writer.write(&batch, 0..batch.len(), &mut lines);
    }
    // Days are told by the beginning of a line, which is its time.
    let day_of = |line: &[u8]| line.get(..b"{\"time\":\"2026-03-02".len()).map(<[u8]>::to_vec);
    let (mut at, mut days, mut latest) = (0, 0, None);
    for line in lines.split_inclusive(|it| *it == b'\n') {
        let day = day_of(line);
        if day > latest {
            (latest, days) = (day, days + 1);
            if days > LEARNT_DAYS {
                break;
            }
        }
        at += line.len();
    }
    let week = lines.split_off(at);
    (lines, week)
}
