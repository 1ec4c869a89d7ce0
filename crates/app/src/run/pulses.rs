//! The pulses of the sources that this process reads: one for each `[[sources]]`, shared by those of its partitions that are owned here.
//!
//! A partition comes here once per batch, with counts and not with events. Time is the watermark of the slowest partition that has
//! something to read; a partition that has nothing to read follows the clock, as far behind it as its source's events usually come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::pulse::{Beat, Finding, PulseSettings, Voice};
use engine::{Emitted, Pulse, Rulebook};
use model::EventTime;
use model::source::CanaryEvent;
use stream::kafka::PartitionId;

use super::sources::Sources;
use crate::metrics::Metrics;

/// A partition with nothing to read for so long follows the clock …
pub(super) const IDLE_AFTER: Duration = Duration::from_secs(1);
/// … and looks at it so often.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where the source's alerts stand among those of a batch: behind them, since they are about what did not come.
const POSITION: u64 = u64::MAX - 1;

/// The pulses by the number of their feed.
#[derive(Debug, Default)]
pub(crate) struct Pulses(Vec<Option<Arc<SourcePulse>>>);

/// What is kept of one source: its key, how many partitions the rates are of, and the snapshot.
type Saved = Vec<(String, u32, Vec<u8>)>;

impl Pulses {
    /// Those of all sources whose mappings have one.
    pub(super) fn new(sources: &Sources, book: &Rulebook, lateness_ms: i64, metrics: &Arc<Metrics>) -> Self {
        Self(sources.feeds().map(|feed| SourcePulse::new(feed, book, lateness_ms, metrics).map(Arc::new)).collect())
    }

    /// That of a source.
    pub(super) fn of(&self, feed: usize) -> Option<Arc<SourcePulse>> {
        self.0.get(feed)?.clone()
    }

    /// Of sources whose events are numbered: whether an owner of so many partitions of it would have all, as `count` says.
    pub(super) fn counted(&self, mut count: impl FnMut(usize) -> Option<usize>) {
        for (feed, pulse) in self.0.iter().enumerate() {
            if let Some(pulse) = pulse.as_ref().filter(|it| it.has_numbers) {
                pulse.lock().of_topics = count(feed);
            }
        }
    }

    /// Whether no source has any.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether any source numbers its events.
    pub(super) fn have_numbers(&self) -> bool {
        self.0.iter().flatten().any(|it| it.has_numbers)
    }

    /// What another process goes on with.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let saved = self.0.iter().flatten().map(|it| {
            let mut state = it.lock();
            (it.key.clone(), state.scale, state.pulse.snapshot())
        });
        let saved: Saved = saved.collect();
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// Goes on with what another process has left, as far as the sources are the same.
    pub(super) fn restore(&self, bytes: &[u8]) -> Result<(), String> {
        let saved: Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        for (key, scale, bytes) in saved {
            if let Some(it) = self.0.iter().flatten().find(|it| it.key == key) {
                let pulse = Pulse::restore(it.settings.clone(), &bytes)?;
                let mut state = it.lock();
                (state.pulse, state.scale) = (pulse, scale);
            }
        }
        Ok(())
    }
}

/// The pulse of one source.
#[derive(Debug)]
pub(super) struct SourcePulse {
    /// The mapping and the topics: what tells it from others.
    key: String,
    /// The name of the mapping.
    name: String,
    settings: PulseSettings,
    lateness_ms: i64,
    has_numbers: bool,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pulse: Pulse,
    book: Arc<Rulebook>,
    voice: Voice,
    seats: BTreeMap<PartitionId, Seat>,
    /// Of how many partitions the rates are.
    scale: u32,
    /// How many partitions the source has, if it is known.
    of_topics: Option<usize>,
    delay: Delay,
    findings: Vec<Finding>,
}

/// What is known of an owned partition.
#[derive(Debug, Clone, Copy)]
struct Seat {
    watermark: EventTime,
    is_idle: bool,
}

impl SourcePulse {
    fn new(feed: &super::sources::Feed, book: &Rulebook, lateness_ms: i64, metrics: &Arc<Metrics>) -> Option<Self> {
        let mapping = &book.programs[usize::from(feed.program)].schema.mapping;
        let paths = mapping.watched_pulse()?;
        let settings = PulseSettings::new(&feed.zone, paths.canary.as_ref().map(CanaryEvent::every_ms))?;
        let state = State {
            pulse: Pulse::new(settings.clone()),
            book: Arc::new(book.clone()),
            voice: Voice::of(book, feed.program),
            seats: BTreeMap::new(),
            scale: 0,
            of_topics: None,
            delay: Delay::default(),
            findings: Vec::new(),
        };
        Some(Self {
            key: format!("{} {}", mapping.name, feed.topics_text()),
            name: mapping.name.clone(),
            settings,
            lateness_ms,
            has_numbers: !paths.number.is_empty(),
            metrics: Arc::clone(metrics),
            state: Mutex::new(state),
        })
    }

    /// A partition is owned here from now on.
    pub(super) fn join(&self, id: &PartitionId) {
        let mut state = self.lock();
        state.seats.insert(id.clone(), Seat { watermark: EventTime::MIN, is_idle: false });
        state.owned();
    }

    /// It is another's.
    pub(super) fn leave(&self, id: &PartitionId) {
        let mut state = self.lock();
        state.seats.remove(id);
        state.owned();
    }

    /// Takes what a batch of `id` says, up to its `watermark`, at `now`; the canaries in it came through.
    pub(super) fn take(
        &self,
        id: &PartitionId,
        (watermark, latest): (EventTime, Option<EventTime>),
        beat: &mut Beat,
        (book, program): (&Arc<Rulebook>, u16),
        now: EventTime,
    ) -> Vec<Emitted> {
        let mut state = self.lock();
        let state = &mut *state;
        if !Arc::ptr_eq(&state.book, book) {
            (state.book, state.voice) = (Arc::clone(book), Voice::of(book, program));
        }
        if let Some(latest) = latest {
            state.delay.observe(now.ms() - latest.ms());
        }
        if !state.has_all() {
            beat.drop_numbers();
        }
        state.pulse.take(beat, &mut state.findings);
        beat.clear();
        state.seats.insert(id.clone(), Seat { watermark, is_idle: false });
        self.advance(state, now)
    }

    /// There is nothing to read in `id`.
    pub(super) fn idle(&self, id: &PartitionId, now: EventTime) -> Vec<Emitted> {
        let mut state = self.lock();
        if let Some(seat) = state.seats.get_mut(id) {
            seat.is_idle = true;
        }
        self.advance(&mut state, now)
    }

    fn advance(&self, state: &mut State, now: EventTime) -> Vec<Emitted> {
        let by_clock = now.plus_ms(-self.lateness_ms.saturating_add(state.delay.ms()));
        let time = |it: &Seat| if it.is_idle { it.watermark.max(by_clock) } else { it.watermark };
        let reached = state.seats.values().map(time).min().unwrap_or(EventTime::MIN);
        state.pulse.advance(reached, &mut state.findings);
        self.metrics.pulse.set(&self.name, &state.pulse.stats());
        let State { findings, voice, .. } = state;
        findings.drain(..).map(|it| Emitted { position: POSITION, order: u32::MAX, alert: voice.alert(&it) }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// As many events are to be expected as the partitions have that are here.
    fn owned(&mut self) {
        let owned = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        if owned == 0 || owned == self.scale {
            return;
        }
        if self.scale > 0 {
            self.pulse.rescale(f64::from(owned) / f64::from(self.scale));
        }
        self.scale = owned;
        if !self.has_all() {
            self.pulse.forgive_numbers();
        }
    }

    /// Whether all partitions of the source are here: else numbers that are missing may be elsewhere.
    fn has_all(&self) -> bool {
        self.of_topics.is_some_and(|it| self.seats.len() >= it)
    }
}

/// How far behind the clock events come, but for one in a hundred batches: a source that delivers every quarter of an hour is not silent
/// in between.
#[derive(Debug, Clone, Copy, Default)]
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
    use crate::config::Source;
    use engine::pulse::Sighting;
    use model::Value;

    const MINUTE: i64 = 60_000;
    /// Monday 2026-01-05.
    const START: i64 = 1_767_571_200_000;

    fn stage() -> (Arc<SourcePulse>, Arc<Rulebook>, Arc<Metrics>, Pulses) {
        let sources = Sources::from_config(&[Source::default()]).unwrap();
        let book = Rulebook::compile(Vec::new(), sources.mappings(), &mut Vec::new());
        let metrics = Arc::new(Metrics::new());
        let pulses = Pulses::new(&sources, &book, 5 * MINUTE, &metrics);
        (pulses.of(0).unwrap(), Arc::new(book), metrics, pulses)
    }

    fn beat(times: impl Iterator<Item = i64>) -> Beat {
        let schema = model::Schema::of(model::SourceMapping::built_in("native").unwrap());
        let mut values = vec![Value::Missing; schema.projection.len()];
        values[schema.pulse.stream[0].index()] = Value::Text("crm");
        let mut beat = Beat::default();
        times.for_each(|it| beat.note(&Sighting::of(&schema.pulse, &values), it));
        beat
    }

    /// Twenty days with ten events a minute and partition, handed over by the hour.
    fn live(pulse: &SourcePulse, book: &Arc<Rulebook>, partitions: i32) -> Vec<Emitted> {
        let mut told = Vec::new();
        (0..partitions).for_each(|it| pulse.join(&PartitionId::new("t", it)));
        for hour in 0..20 * 24 {
            for partition in 0..partitions {
                let from = START + hour * 60 * MINUTE;
                let end = EventTime::from_ms(from + 60 * MINUTE);
                let mut beat = beat((0..600).map(|it| from + it * MINUTE / 10));
                let times = (end.plus_ms(-5 * MINUTE), Some(end));
                told.extend(pulse.take(&PartitionId::new("t", partition), times, &mut beat, (book, 0), end.plus_ms(2_000)));
            }
        }
        told
    }

    #[test]
    fn a_source_of_which_nothing_comes_at_all_is_missed_by_the_clock() {
        let (pulse, book, metrics, _) = stage();
        assert!(live(&pulse, &book, 2).is_empty());
        let end = EventTime::from_ms(START + 20 * 1_440 * MINUTE);
        assert!(pulse.idle(&PartitionId::new("t", 0), end.plus_ms(20 * MINUTE)).is_empty(), "the other may still be reading");
        assert!(pulse.idle(&PartitionId::new("t", 1), end.plus_ms(6 * MINUTE)).is_empty());
        let told = pulse.idle(&PartitionId::new("t", 1), end.plus_ms(9 * MINUTE));
        assert_eq!(told.len(), 1);
        assert!(told[0].alert.message.starts_with("the source native has been silent for 3 min"), "{}", told[0].alert.message);
        let text = metrics.to_text();
        assert!(text.contains("nightjar_source_blind{source=\"native\",stream=\"\"} 1"), "{text}");
        assert!(text.contains("nightjar_source_silent_seconds{source=\"native\",stream=\"crm\"}"), "{text}");
    }

    #[test]
    fn a_partition_that_goes_elsewhere_takes_its_events_along_and_is_not_missed() {
        let (pulse, book, _, pulses) = stage();
        live(&pulse, &book, 4);
        (1..4).for_each(|it| pulse.leave(&PartitionId::new("t", it)));
        let saved = pulses.snapshot();
        let mut told = live_on(&pulse, &book);
        // The same after a restart.
        let (again, book, _, pulses) = stage();
        pulses.restore(&saved).unwrap();
        again.join(&PartitionId::new("t", 0));
        told.extend(live_on(&again, &book));
        assert!(told.is_empty(), "{told:?}");
    }

    fn live_on(pulse: &SourcePulse, book: &Arc<Rulebook>) -> Vec<Emitted> {
        let mut told = Vec::new();
        for minute in 20 * 1_440..21 * 1_440 {
            let end = EventTime::from_ms(START + (minute + 1) * MINUTE);
            let mut beat = beat((0..10).map(|it| START + minute * MINUTE + it * 6_000));
            let times = (end.plus_ms(-5 * MINUTE), Some(end));
            told.extend(pulse.take(&PartitionId::new("t", 0), times, &mut beat, (book, 0), end));
        }
        told
    }

    #[test]
    fn a_source_that_delivers_every_quarter_of_an_hour_is_not_silent_in_between() {
        let mut delay = Delay::default();
        (0..2_000).for_each(|it| delay.observe(if it % 4 == 0 { 900_000 } else { 2_000 }));
        assert!((600_000..1_000_000).contains(&delay.ms()), "{}", delay.ms());
        (0..20_000).for_each(|_| delay.observe(2_000));
        assert!(delay.ms() < 4_000, "{}", delay.ms());
    }
}
