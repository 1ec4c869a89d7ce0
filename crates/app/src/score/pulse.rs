//! Whether the source is still heard of: after each round, its events once more in their order, as the pulse sees them.

use super::decode::Rows;
use super::seat::Seat;
use engine::pulse::{Finding, PulseSettings, PulseStats, Voice};
use engine::{Emitted, Pulse, Rulebook, Tick};
use model::EventTime;

/// What is told of a source comes after what rules say of the event at which it is told.
const ORDER: u32 = u32::MAX;

/// The pulse of the file, and in whose name it is told of.
pub(super) struct Watch {
    pulse: Pulse,
    voice: Voice,
    settings: PulseSettings,
    findings: Vec<Finding>,
}

impl Watch {
    /// Of a source whose mapping has a `[pulse]`, on the clocks of `timezone`.
    pub(super) fn new(book: &Rulebook, timezone: &str) -> Option<Self> {
        let paths = book.programs[0].schema.mapping.watched_pulse()?;
        let every_ms = paths.canary.as_ref().map(model::source::CanaryEvent::every_ms);
        let settings = PulseSettings::new(timezone, every_ms)?;
        let (pulse, voice) = (Pulse::new(settings.clone()), Voice::of(book, 0));
        Some(Self { pulse, voice, settings, findings: Vec::new() })
    }

    /// Takes what a round has had, in order: its events, the canaries that came through the shards, and where time went on.
    pub(super) fn round(&mut self, decoded: &[Rows<'_>], ticks: &[Tick], seats: &mut [Seat]) {
        let mut canaries: Vec<(u64, EventTime)> = seats.iter_mut().flat_map(Seat::drain_canaries).collect();
        canaries.sort_unstable_by_key(|it| it.0);
        let (mut canaries, mut ticks) = (canaries.into_iter().peekable(), ticks.iter().peekable());
        let mut told = Vec::new();
        for rows in decoded {
            for (row, sighting) in rows.events.iter().zip(&rows.sightings) {
                let position = rows.block.first_line + row.number as u64;
                self.pulse.note(sighting, row.head.time);
                if let Some((_, time)) = canaries.next_if(|it| it.0 == position) {
                    self.pulse.canary(time, &mut self.findings);
                }
                if let Some(tick) = ticks.next_if(|it| it.position == position) {
                    self.pulse.advance(tick.reached, &mut self.findings);
                }
                for finding in self.findings.drain(..) {
                    told.push(Emitted { position, order: ORDER, alert: self.voice.alert(&finding) });
                }
            }
        }
        if let Some(seat) = seats.first_mut() {
            seat.emitted.append(&mut told);
        }
    }

    /// What another run goes on with.
    pub(super) fn snapshot(&mut self) -> Vec<u8> {
        self.pulse.snapshot()
    }

    /// Goes on with what another run has left; an error says what is wrong with it.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.pulse = Pulse::restore(self.settings.clone(), bytes)?;
        Ok(())
    }

    /// How it stands.
    pub(super) fn stats(&self) -> PulseStats {
        self.pulse.stats()
    }
}
