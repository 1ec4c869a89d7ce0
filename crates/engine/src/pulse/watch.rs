//! A source that several partitions have a part of: each says in batches what it read, and how far it is.

use super::{Beat, Finding, Pulse, PulseSettings};
use crate::repartition::Origin;
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its watermark, in milliseconds.
    pub watermark_ms: i64,
    /// The time of its latest event, in milliseconds.
    pub latest_ms: Option<i64>,
    /// What the clock of whoever reads it says, in milliseconds.
    pub clock_ms: i64,
    /// There is nothing to read.
    pub is_idle: bool,
}

/// A [`Pulse`] whose time is that of the slowest partition with something to read. One with nothing to read follows the clock, as far
/// behind it as the source's events usually come.
#[derive(Debug, Clone)]
pub struct Watch {
    pulse: Pulse,
    lateness_ms: i64,
    state: State,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    seats: BTreeMap<(String, i32), Seat>,
    delay: Delay,
    /// All partitions have spoken, so that numbers are followed from the time on at which the last of them begins.
    is_covered: bool,
    covered_ms: Option<i64>,
}

/// What is known of a partition.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seat {
    watermark_ms: i64,
    /// The clock when there was nothing to read; none: there is.
    idle_at_ms: Option<i64>,
    has_spoken: bool,
}

impl Seat {
    const UNKNOWN: Self = Self { watermark_ms: i64::MIN, idle_at_ms: None, has_spoken: false };
}

impl Watch {
    /// Nothing is known yet. Minutes are over when the watermarks have passed them, which are `lateness_ms` behind events.
    pub fn new(settings: PulseSettings, lateness_ms: i64) -> Self {
        Self { pulse: Pulse::new(settings), lateness_ms, state: State::default() }
    }

    /// Waits for `origin` until it says how far it is.
    pub fn join(&mut self, origin: &Origin) {
        self.state.seats.insert(key(origin), Seat::UNKNOWN);
    }

    /// Waits no more for partitions that `is_there` does not know. Says whether there were any.
    pub fn retain(&mut self, is_there: impl Fn(&Origin) -> bool) -> bool {
        let before = self.state.seats.len();
        self.state.seats.retain(|(topic, partition), _| is_there(&Origin::new(topic, *partition)));
        self.state.seats.len() < before
    }

    /// How many partitions it waits for.
    pub fn partitions(&self) -> usize {
        self.state.seats.len()
    }

    /// Takes what a partition says. `out` gets what is wrong with the source by now.
    pub fn take(&mut self, origin: &Origin, standing: &Standing, beat: &Beat, out: &mut Vec<Finding>) {
        let Standing { watermark_ms, latest_ms, clock_ms, is_idle } = *standing;
        if let Some(latest_ms) = latest_ms.filter(|_| !is_idle) {
            self.state.delay.observe(clock_ms.saturating_sub(latest_ms));
        }
        self.pulse.take(beat, out);
        let seat = self.state.seats.entry(key(origin)).or_insert(Seat::UNKNOWN);
        let is_first = !seat.has_spoken;
        let (watermark_ms, idle_at_ms) = (seat.watermark_ms.max(watermark_ms), is_idle.then_some(clock_ms));
        *seat = Seat { watermark_ms, idle_at_ms, has_spoken: true };
        if is_first && !self.state.is_covered {
            self.cover(beat.first_ms);
        }
        self.pulse.advance(self.reached(), out);
    }

    /// One more partition has spoken, whose events begin there. Retention takes more of one partition than of another, so numbers from before
    /// all have begun are missing for no reason.
    fn cover(&mut self, first_ms: Option<i64>) {
        let State { seats, is_covered, covered_ms, .. } = &mut self.state;
        *covered_ms = (*covered_ms).max(first_ms);
        *is_covered = seats.values().all(|it| it.has_spoken);
        if let Some(ms) = covered_ms.filter(|_| *is_covered && seats.len() > 1) {
            self.pulse.follow_numbers_from(ms);
        }
    }

    fn reached(&self) -> EventTime {
        let behind_ms = self.lateness_ms.saturating_add(self.state.delay.ms());
        let time_ms = |it: &Seat| it.idle_at_ms.map_or(it.watermark_ms, |at| it.watermark_ms.max(at.saturating_sub(behind_ms)));
        self.state.seats.values().map(time_ms).min().map_or(EventTime::MIN, EventTime::from_ms)
    }

    /// What it knows of the source.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// The same, to change it.
    pub fn pulse_mut(&mut self) -> &mut Pulse {
        &mut self.pulse
    }

    /// Goes on with what another has learnt, for the partitions that it waits for itself.
    pub fn learnt(&mut self, pulse: Pulse) {
        self.pulse = pulse;
    }

    /// All that the next findings depend on.
    pub fn snapshot(&self) -> Vec<u8> {
        let saved = (self.pulse.clone().snapshot(), &self.state);
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// The one that [`Self::snapshot`] was taken of; an error says what is wrong with it.
    pub fn restore(settings: PulseSettings, lateness_ms: i64, bytes: &[u8]) -> Result<Self, String> {
        let (pulse, state): (Vec<u8>, State) = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        Ok(Self { pulse: Pulse::restore(settings, &pulse)?, lateness_ms, state })
    }
}

fn key(origin: &Origin) -> (String, i32) {
    ((*origin.topic).to_owned(), origin.partition)
}

/// How far behind the clock events come, but for one in a hundred batches: a source that delivers every quarter of an hour is not silent
/// in between.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Delay(f64);

impl Delay {
    /// A batch came that far behind.
    fn observe(&mut self, ms: i64) {
        const LEAST_MS: f64 = 1_000.0;
        const STEP: f64 = 0.05;
        const RANK: f64 = 0.99;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of some years")]
        let ms = ms.max(0) as f64;
        let step = self.0.max(LEAST_MS) * STEP;
        self.0 = (self.0 + if ms > self.0 { step * RANK } else { -step * (1.0 - RANK) }).max(0.0);
    }

    fn ms(self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "some years at most")]
        let ms = self.0 as i64;
        ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_delivers_every_quarter_of_an_hour_is_not_silent_in_between() {
        let mut delay = Delay::default();
        (0..2_000).for_each(|it| delay.observe(if it % 4 == 0 { 900_000 } else { 2_000 }));
        assert!((600_000..1_000_000).contains(&delay.ms()), "{}", delay.ms());
        (0..20_000).for_each(|_| delay.observe(2_000));
        assert!(delay.ms() < 4_000, "{}", delay.ms());
    }
}
