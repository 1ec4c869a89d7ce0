//! Events in: what became of them, and how long that took.

use std::time::Duration;

use engine::Verdict;
use model::RejectCode;
use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::catalogue::Catalogue;

/// From 250 ns to 10 ms.
const SCORING_SECONDS: [f64; 15] =
    [250e-9, 500e-9, 1e-6, 2e-6, 3e-6, 5e-6, 7.5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 250e-6, 1e-3, 2.5e-3, 10e-3];

/// Metrics of events in.
#[derive(Debug)]
pub(crate) struct InputMetrics {
    messages: IntCounterVec,
    unaccounted: IntCounterVec,
    events: IntCounterVec,
    bad_events: IntCounterVec,
    event_bytes: IntCounterVec,
    scoring: Histogram,
}

impl InputMetrics {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            messages: catalogue.counters(
                "nightjar_messages_total",
                "Messages read, by source mapping: as many as all outcomes of nightjar_events_total together.",
                &["source"],
            ),
            unaccounted: catalogue.counters(
                "nightjar_events_unaccounted_total",
                "By how many the outcomes of a batch's messages were too few or too many, by source mapping: anything but 0 is an error of Nightjar.",
                &["source"],
            ),
            events: catalogue.counters(
                "nightjar_events_total",
                "Events read, by source mapping and by what became of them: scored, late (scored, but too old for windows), duplicate, bad.",
                &["source", "outcome"],
            ),
            bad_events: catalogue.counters(
                "nightjar_bad_events_total",
                "Events that went to the dead letters, by source mapping and reason.",
                &["source", "reason"],
            ),
            event_bytes: catalogue.counters(
                "nightjar_event_bytes_total",
                "Bytes of events read, line ends included, by source mapping.",
                &["source"],
            ),
            scoring: catalogue.histogram(
                "nightjar_scoring_seconds",
                "Time to decode and score one event, rules and windows included: the mean of up to 32 that are settled together, one such round in four.",
                &SCORING_SECONDS,
            ),
        }
    }

    /// The counters of one source, looked up once.
    pub(crate) fn source(&self, name: &str) -> SourceMetrics {
        let of = |outcome| self.events.with_label_values(&[name, outcome]);
        SourceMetrics {
            messages: self.messages.with_label_values(&[name]),
            unaccounted: self.unaccounted.with_label_values(&[name]),
            scored: of("scored"),
            late: of("late"),
            duplicate: of("duplicate"),
            bad: of("bad"),
            reasons: RejectCode::ALL.map(|code| self.bad_events.with_label_values(&[name, code.as_str()])),
            bytes: self.event_bytes.with_label_values(&[name]),
            scoring: self.scoring.clone(),
        }
    }
}

/// The counters of one source.
#[derive(Debug, Clone)]
pub(crate) struct SourceMetrics {
    messages: IntCounter,
    unaccounted: IntCounter,
    scored: IntCounter,
    late: IntCounter,
    duplicate: IntCounter,
    bad: IntCounter,
    reasons: [IntCounter; RejectCode::ALL.len()],
    bytes: IntCounter,
    scoring: Histogram,
}

impl SourceMetrics {
    /// An event was scored, or not.
    pub(crate) fn judged(&self, verdict: Verdict) {
        match verdict {
            Verdict::Scored => self.scored.inc(),
            Verdict::Late => self.late.inc(),
            Verdict::Duplicate => self.duplicate.inc(),
        }
    }

    /// An event became a dead letter.
    pub(crate) fn rejected(&self, code: RejectCode) {
        self.bad.inc();
        if let Some(at) = RejectCode::ALL.iter().position(|it| *it == code) {
            self.reasons[at].inc();
        }
    }

    /// So many messages with so many bytes were read, and so many of them were judged or rejected. Says whether that is all of them.
    pub(crate) fn read(&self, messages: usize, bytes: usize, accounted: usize) -> bool {
        self.messages.inc_by(messages as u64);
        self.bytes.inc_by(bytes as u64);
        self.unaccounted.inc_by(messages.abs_diff(accounted) as u64);
        messages == accounted
    }

    /// A measured event took so long.
    pub(crate) fn took(&self, time: Duration) {
        self.scoring.observe(time.as_secs_f64());
    }

    /// What was read so far.
    pub(crate) fn counts(&self) -> InputCounts {
        InputCounts {
            scored: self.scored.get() + self.late.get(),
            late: self.late.get(),
            duplicates: self.duplicate.get(),
            bad: self.bad.get(),
            bytes: self.bytes.get(),
        }
    }
}

/// What was read of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InputCounts {
    /// Scored, late ones included.
    pub(crate) scored: u64,
    /// Scored, but too old for windows.
    pub(crate) late: u64,
    /// Seen before.
    pub(crate) duplicates: u64,
    /// Gone to the dead letters.
    pub(crate) bad: u64,
    /// Line ends included.
    pub(crate) bytes: u64,
}
