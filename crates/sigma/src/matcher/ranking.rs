//! In which order the fields of an event are looked at: first those that rule out the most terms per unit of cost, measured on events.
//! The order changes what an event costs, never its verdict.

use super::field::FieldState;
use crate::compile::{FieldSource, Program};

/// Until here one event in sixteen is a sample, then one in [`LATER`].
const EARLY_EVENTS: u64 = 4_096;
const EARLY: u64 = 16;
const LATER: u64 = 1_024;

/// What was measured, and the order that follows from it.
#[derive(Debug)]
pub(super) struct Ranking {
    /// The fields, best first.
    pub(super) order: Box<[u16]>,
    /// How many terms each field has ruled out, over all samples.
    ruled_out: Box<[u64]>,
    events: u64,
}

impl Ranking {
    /// The order of the program, which knows nothing of events.
    pub(super) fn new(program: &Program) -> Self {
        let fields = u16::try_from(program.fields.len()).expect("fields are numbered by u16");
        Self { order: (0..fields).collect(), ruled_out: vec![0; program.fields.len()].into(), events: 0 }
    }

    /// Counts an event; whether it is to be a sample.
    pub(super) fn wants_sample(&mut self) -> bool {
        self.events += 1;
        self.events.is_multiple_of(if self.events <= EARLY_EVENTS { EARLY } else { LATER })
    }

    /// Takes note of what a field has ruled out by itself.
    pub(super) fn note(&mut self, field: usize, terms: u64) {
        self.ruled_out[field] += terms;
    }

    /// At 1,024 events, 4,096, 16,384 and so on: puts the fields into the order of what they were seen to do.
    pub(super) fn is_due(&self) -> bool {
        self.events >= 1_024 && self.events.is_power_of_two() && self.events.trailing_zeros().is_multiple_of(2)
    }

    pub(super) fn rank(&mut self, program: &Program, states: &[FieldState]) {
        let value = |at: u16| {
            let at = usize::from(at);
            #[expect(clippy::cast_precision_loss, reason = "only compared")]
            let (ruled_out, missed) = (self.ruled_out[at] as f64, states[at].missed as f64 / states[at].asked.max(1) as f64);
            // Weights by estimate: a known value costs a look-up, an unknown one all the searches; a computed one is never known.
            let cost = match program.fields[at].source {
                FieldSource::Slot(_) => 1.0 + 10.0 * missed,
                FieldSource::TimePart(..) | FieldSource::Related(..) => 8.0,
                FieldSource::Keywords => 60.0,
            };
            ruled_out / cost
        };
        self.order.sort_by(|&left, &right| value(right).total_cmp(&value(left)).then(left.cmp(&right)));
        // What came long ago counts half each time.
        self.ruled_out.iter_mut().for_each(|it| *it /= 2);
    }
}
