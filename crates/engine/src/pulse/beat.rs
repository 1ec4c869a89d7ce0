//! What a batch of events says of its source, as a small record that can travel: counts by stream and minute, runs of numbers, canaries.

use super::Sighting;
use super::sequence::cut;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The pulse of a batch. Beats of any partitions of a source can be taken in any order, as long as the watermark waits for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Events by minute since the epoch, and in it by stream.
    pub(super) counts: BTreeMap<i64, Vec<(Box<str>, u64)>>,
    /// The numbers of each emitter, as runs.
    pub(super) numbers: BTreeMap<Box<str>, Vec<Run>>,
    /// The times of canaries that came out.
    pub(super) canaries: Vec<i64>,
    /// The time of the earliest event.
    pub(super) first_ms: Option<i64>,
}

/// Numbers that follow one another, with the times of the first and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl Beat {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.numbers.is_empty() && self.canaries.is_empty()
    }

    /// Takes note of an event.
    pub fn note(&mut self, sighting: &Sighting<'_>, time_ms: i64) {
        if sighting.is_canary {
            return;
        }
        let minute = time_ms.div_euclid(super::MINUTE_MS);
        self.first_ms = Some(self.first_ms.map_or(time_ms, |it| it.min(time_ms)));
        self.count(cut(&sighting.stream()), minute, 1);
        let Some((emitter, number)) = sighting.number() else { return };
        let emitter = cut(&emitter);
        if !self.numbers.contains_key(emitter) {
            self.numbers.insert(emitter.into(), Vec::new());
        }
        let Some(runs) = self.numbers.get_mut(emitter) else { return };
        match runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(number) && time_ms >= run.last_ms => {
                (run.last, run.last_ms) = (number, time_ms);
            }
            _ => runs.push(Run { first: number, last: number, first_ms: time_ms, last_ms: time_ms }),
        }
    }

    /// Counts events of a stream; of one that is there already nothing is allocated.
    pub(super) fn count(&mut self, stream: &str, minute: i64, count: u64) {
        let streams = self.counts.entry(minute).or_default();
        match streams.iter_mut().find(|it| *it.0 == *stream) {
            Some((_, known)) => *known += count,
            None => streams.push((stream.into(), count)),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.clear();
        self.numbers.clear();
        self.canaries.clear();
        self.first_ms = None;
    }

    /// Forgets all numbers: those of other partitions go elsewhere.
    pub fn drop_numbers(&mut self) {
        self.numbers.clear();
    }

    /// The same in parts of at most so many streams by minute, emitters and canaries each; at least one.
    pub fn into_parts(self, entries_max: usize) -> Vec<Self> {
        let Self { counts, numbers, canaries, first_ms } = self;
        let none = || Self { first_ms, ..Self::default() };
        let (mut parts, mut open, mut entries) = (Vec::new(), none(), 0);
        let mut make_room = |open: &mut Self| {
            if entries == entries_max {
                parts.push(std::mem::replace(open, none()));
                entries = 0;
            }
            entries += 1;
        };
        for (minute, streams) in counts {
            for it in streams {
                make_room(&mut open);
                open.counts.entry(minute).or_default().push(it);
            }
        }
        for (emitter, runs) in numbers {
            for it in runs {
                make_room(&mut open);
                open.numbers.entry(emitter.clone()).or_default().push(it);
            }
        }
        for it in canaries {
            make_room(&mut open);
            open.canaries.push(it);
        }
        parts.push(open);
        parts
    }

    /// Takes note of a canary that came out.
    pub fn canary(&mut self, time_ms: i64) {
        self.canaries.push(time_ms);
    }
}
