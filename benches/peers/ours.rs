//! Nightjar's side: a whole pipeline, as `nightjar score` runs it.

use engine::decode::{Limits, Lines, pad};
use engine::{Emitted, Pipeline, Plausible, Reader, Rulebook, Settings, WindowLimits};
use model::{Event, EventTime, Value};
use sigma::matcher::{Clock, Matcher};
use std::sync::Arc;

/// Blocks of whole lines, as readers hand them over, each with its payload.
pub(crate) type Blocks = Vec<(Vec<u8>, usize)>;

/// Cuts lines into blocks of about 256 KiB.
pub(crate) fn blocks(lines: &[u8]) -> Blocks {
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    for line in lines.split_inclusive(|&it| it == b'\n') {
        block.extend_from_slice(line);
        if block.len() >= 256 << 10 {
            let mut full = std::mem::take(&mut block);
            let payload = pad(&mut full);
            blocks.push((full, payload));
        }
    }
    if !block.is_empty() {
        let payload = pad(&mut block);
        blocks.push((block, payload));
    }
    blocks
}

fn plausible() -> Plausible {
    Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").expect("a time"))
}

/// A fresh pipeline.
pub(crate) fn pipeline(book: &Rulebook) -> Pipeline {
    let windows = WindowLimits { entries_max: 4_000_000, ..WindowLimits::default() };
    Pipeline::new(book.clone(), 0, &Settings { windows, ..Settings::new(plausible()) })
}

/// The first half of a pipeline: from bytes to the rules that match, as the peer's engine gives them.
pub(crate) struct Verdicts {
    reader: Reader,
    matcher: Matcher,
}

impl Verdicts {
    pub(crate) fn new(book: &Rulebook) -> Self {
        let program = &book.programs[0];
        let reader = Reader::new(Arc::clone(program), Limits::default(), plausible());
        Self { reader, matcher: Matcher::new(program, Clock::default()) }
    }

    /// How many rules match, over all events.
    pub(crate) fn count(&mut self, book: &Rulebook, blocks: &Blocks) -> usize {
        let (mut count, mut matched) = (0, Vec::new());
        for (block, payload) in blocks {
            let mut values: Vec<Value<'_>> = Vec::new();
            let mut lines = Lines::new(block, *payload).expect("the block is padded");
            while let Some(record) = self.reader.next(&mut lines, &mut values) {
                let head = record.outcome.expect("simulated events are sound");
                let event = Event { time: head.time, values: &values, line: head.line };
                self.matcher.matches(&book.programs[0], &event, &mut matched);
                count += std::hint::black_box(&matched).len();
                values.clear();
            }
        }
        count
    }
}

/// Scores all blocks; every event has to be scored.
pub(crate) fn score(pipeline: &mut Pipeline, blocks: &Blocks) -> Vec<Emitted> {
    let mut alerts = Vec::new();
    for (block, payload) in blocks {
        let mut lines = Lines::new(block, *payload).expect("the block is padded");
        pipeline.score(&mut lines, &mut alerts, |record| panic!("{:?}", record.outcome));
    }
    alerts
}
