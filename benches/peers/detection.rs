//! Detections: sets of rules of several sizes over the events of a simulated company.

use crate::measure::{median, spread, timed};
use crate::ours::{Verdicts, blocks, pipeline, score};
use crate::{reference, rules, theirs};
use model::LogSource;
use sigma::lists::Lists;

const EVENTS: usize = 20_000;
const ACTORS: u32 = 2_000;
const ROUNDS: usize = 5;
/// We and the reference are run so often in a round, so that a run takes long enough to be timed.
const REPEATS: usize = 5;

/// A set of rules and what is to be reached with it.
struct Case {
    name: &'static str,
    /// As multiples of the peer and of the reference.
    targets: (f64, Option<f64>),
    files: fn() -> Option<Vec<(String, String)>>,
    /// Whether rules see the events only of the source that they name.
    is_routed: bool,
}

const CASES: [Case; 4] = [
    Case { name: "rules_100", targets: (15.0, Some(1.2)), files: || Some(rules::generated_files(100)), is_routed: true },
    Case { name: "rules_1000", targets: (50.0, Some(1.0)), files: || Some(rules::generated_files(1_000)), is_routed: true },
    Case { name: "rules_3000", targets: (120.0, Some(0.8)), files: || Some(rules::generated_files(3_000)), is_routed: true },
    Case { name: "sigmahq", targets: (8.0, None), files: rules::sigmahq_files, is_routed: false },
];

/// Runs the cases that are wanted and prints a line for each; `is_alone` leaves the peer out.
pub(crate) fn run(is_wanted: impl Fn(&str) -> bool, is_alone: bool) {
    if !CASES.iter().any(|it| is_wanted(it.name)) {
        return;
    }
    // Caches are warmed by other events than the measured ones: the second half of one simulation.
    let text = sim::sample_lines(1, ACTORS, 2 * EVENTS);
    let lines: Vec<&[u8]> = text.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
    let (warm, measured) = lines.split_at(EVENTS);
    println!("{EVENTS} events, medians (and extremes) of {ROUNDS} rounds, CPU time of one thread");
    let mut per_event = Vec::new();
    for case in CASES.iter().filter(|it| is_wanted(it.name)) {
        if let Some(files) = (case.files)() {
            per_event.push((case.name, one(case, files, warm, measured, is_alone)));
        }
    }
    let of = |name: &str| per_event.iter().find(|it| it.0 == name).map(|it| it.1);
    if let (Some(few), Some(many)) = (of("rules_100"), of("rules_3000")) {
        println!("rules_3000 takes {:.2} times as long per event as rules_100 (target: at most 1.5)", many / few);
    }
}

/// One case; returns our seconds per event, in units of the reference's.
fn one(case: &Case, files: Vec<(String, String)>, warm: &[&[u8]], measured: &[&[u8]], is_alone: bool) -> f64 {
    let collection = (!is_alone).then(|| theirs::collection(&files));
    let peer = collection.as_ref().map(|it| theirs::fastest(it, &warm[..warm.len().min(500)]));
    let mut source = rules::native();
    if !case.is_routed {
        source.logsource = LogSource::default();
    }
    let (rules, book) = (files.len(), rules::compiled(files, &Lists::default(), &source));
    let bytes = measured.join(&b'\n');
    let (warm, block) = (blocks(&warm.join(&b'\n')), blocks(&bytes));
    let mut seconds = Seconds::default();
    let mut matches = 0;
    for _ in 0..ROUNDS {
        seconds.reference.push(timed(|| (0..REPEATS).for_each(|_| assert_eq!(reference::parse_all(&bytes), EVENTS))).0);
        let (mut to_verdicts, mut to_alerts) = (0.0, 0.0);
        for _ in 0..REPEATS {
            let mut verdicts = Verdicts::new(&book);
            verdicts.count(&book, &warm);
            let (seconds, count) = timed(|| verdicts.count(&book, &block));
            to_verdicts += seconds;
            matches = count;
            let mut pipeline = pipeline(&book);
            score(&mut pipeline, &warm);
            let (seconds, alerts) = timed(|| score(&mut pipeline, &block));
            to_alerts += seconds;
            assert_eq!(alerts.len(), matches, "{}: every match is an alert", case.name);
        }
        seconds.to_verdicts.push(to_verdicts);
        seconds.to_alerts.push(to_alerts);
        let (theirs, found) = peer.as_ref().map_or((0.0, matches), |(_, engine)| timed(|| theirs::evaluate(engine, measured)));
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        seconds.theirs.push(theirs * REPEATS as f64);
        assert_eq!(matches, found, "{}: both engines find the same number of matches", case.name);
    }
    let set_up = peer.map_or_else(|| "left out".to_owned(), |(set_up, _)| set_up);
    println!("{}: {rules} rules, {matches} matches; rsigma at its fastest: {set_up}", case.name);
    seconds.print(case);
    median(seconds.of_reference(&seconds.to_verdicts)).recip()
}

/// CPU seconds of each contestant, per round.
#[derive(Default)]
struct Seconds {
    reference: Vec<f64>,
    to_verdicts: Vec<f64>,
    to_alerts: Vec<f64>,
    theirs: Vec<f64>,
}

impl Seconds {
    fn of_reference(&self, ours: &[f64]) -> Vec<f64> {
        self.reference.iter().zip(ours).map(|(reference, ours)| reference / ours).collect()
    }

    fn print(&self, case: &Case) {
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let rate = |seconds: &[f64]| (EVENTS * REPEATS) as f64 / median(seconds.to_vec()) / 1e3;
        println!("    sonic-rs {:.0} k events/s, rsigma {:.1} k", rate(&self.reference), rate(&self.theirs));
        let (to_peer, to_reference) = case.targets;
        for (name, ours) in [("verdicts", &self.to_verdicts), ("alerts", &self.to_alerts)] {
            let of_peer: Vec<f64> = self.theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
            println!(
                "    to {name:8} {:.0} k: {} × rsigma (target {to_peer}), {} × sonic-rs{}",
                rate(ours),
                spread(&of_peer),
                spread(&self.of_reference(ours)),
                to_reference.map(|it| format!(" (target {it})")).unwrap_or_default(),
            );
        }
    }
}
