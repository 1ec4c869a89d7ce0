//! The pulses of the sources: whether each `[[sources]]` is still heard of. Where there is an exchange topic, the partitions tell whoever
//! keeps its first partition, which has one pulse for each source of the whole group. Where there is none, this process has one for those
//! of the source's partitions that are owned here.
//!
//! A partition comes here once per batch, with counts and not with events. Time is the watermark of the slowest partition that has
//! something to read; a partition that has nothing to read follows the clock, as far behind it as its source's events usually come.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use engine::pulse::{Beat, Finding, PulseSettings, Standing, Voice, Watch};
use engine::repartition::{self, Origin};
use engine::{Emitted, Pulse, Rulebook};
use model::source::CanaryEvent;
use stream::kafka::PartitionId;

use super::pipeline::{Meeting, origin_of};
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
pub(crate) struct Pulses {
    feeds: Vec<Option<Arc<SourcePulse>>>,
    /// They are kept with the first partition of the exchange topic.
    is_of_group: bool,
    /// What processes kept before there was an exchange topic, for whoever takes up that partition without a state of its own.
    before: OnceLock<Vec<u8>>,
}

/// What is kept of one source: its key, how many partitions the rates are of, and the snapshot.
type Saved = Vec<(String, u32, Vec<u8>)>;

/// To whom a partition says what it reads.
#[derive(Debug, Clone)]
pub(super) enum Listener {
    /// The pulse of this process.
    Here(Arc<SourcePulse>),
    /// Whoever keeps the group's, by the key of the source.
    Group(Arc<str>),
}

impl Pulses {
    /// Those of all sources whose mappings have one.
    pub(super) fn new(sources: &Sources, book: &Rulebook, lateness_ms: i64, is_of_group: bool, metrics: &Arc<Metrics>) -> Self {
        let feeds = sources.feeds().map(|feed| SourcePulse::new(feed, book, lateness_ms, metrics).map(Arc::new)).collect();
        Self { feeds, is_of_group, before: OnceLock::new() }
    }

    /// Who listens to partitions of a source.
    pub(super) fn of(&self, feed: usize) -> Option<Listener> {
        let it = self.feeds.get(feed)?.as_ref()?;
        Some(if self.is_of_group { Listener::Group(Arc::clone(&it.key)) } else { Listener::Here(Arc::clone(it)) })
    }

    /// The pulses of the group, for whoever keeps them and has no state of its own. They wait for all partitions.
    pub(super) fn of_group(&self, meeting: &Meeting) -> Option<repartition::Pulses> {
        if !self.is_of_group || self.is_empty() {
            return None;
        }
        let mut all = repartition::Pulses::default();
        for (feed, it) in self.feeds.iter().enumerate() {
            let Some(it) = it else { continue };
            let mut watch = Watch::new(it.settings.clone(), it.lateness_ms);
            meeting.partitions_of(feed).for_each(|id| watch.join(&origin_of(id)));
            if let Some((pulse, scale)) = self.before.get().and_then(|bytes| it.find_in(bytes).ok()?) {
                watch.learnt(pulse);
                let partitions = of_partitions(watch.partitions());
                if scale > 0 {
                    watch.pulse_mut().rescale(partitions / f64::from(scale));
                }
            }
            all.watch(&it.key, it.program, (it.settings.clone(), it.lateness_ms), watch);
        }
        Some(all)
    }

    /// Of sources whose events are numbered: whether an owner of so many partitions of it would have all, as `count` says.
    pub(super) fn counted(&self, mut count: impl FnMut(usize) -> Option<usize>) {
        for (feed, pulse) in self.feeds.iter().enumerate() {
            if let Some(pulse) = pulse.as_ref().filter(|it| it.has_numbers) {
                pulse.lock().of_topics = count(feed);
            }
        }
    }

    /// Whether no source has any.
    pub(super) fn is_empty(&self) -> bool {
        self.feeds.iter().all(Option::is_none)
    }

    /// Whether processes keep them: what they know is kept with what partitions share.
    pub(super) fn are_shared(&self) -> bool {
        !self.is_empty() && (!self.is_of_group || self.before.get().is_some())
    }

    /// Whether processes keep them, and some source numbers its events.
    pub(super) fn have_numbers(&self) -> bool {
        !self.is_of_group && self.feeds.iter().flatten().any(|it| it.has_numbers)
    }

    /// What another process goes on with.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        if let Some(before) = self.before.get() {
            return before.clone();
        }
        let saved = self.feeds.iter().flatten().map(|it| {
            let mut state = it.lock();
            (it.key.to_string(), state.scale, state.watch.pulse_mut().snapshot())
        });
        let saved: Saved = saved.collect();
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// Goes on with what another process has left, as far as the sources are the same.
    pub(super) fn restore(&self, bytes: &[u8]) -> Result<(), String> {
        for it in self.feeds.iter().flatten() {
            let Some((pulse, scale)) = it.find_in(bytes)? else { continue };
            if !self.is_of_group {
                let mut state = it.lock();
                state.watch.learnt(pulse);
                state.scale = scale;
            }
        }
        if self.is_of_group {
            // Read once, when the process starts.
            drop(self.before.set(bytes.to_owned()));
        }
        Ok(())
    }
}

/// The pulse of one source.
#[derive(Debug)]
pub(super) struct SourcePulse {
    /// The mapping and the topics: what tells it from others.
    key: Arc<str>,
    /// The name of the mapping.
    name: String,
    /// The rulebook's program for it.
    program: u16,
    settings: PulseSettings,
    lateness_ms: i64,
    has_numbers: bool,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watch: Watch,
    book: Arc<Rulebook>,
    voice: Voice,
    /// Of how many partitions the rates are.
    scale: u32,
    /// How many partitions the source has, if it is known.
    of_topics: Option<usize>,
    findings: Vec<Finding>,
}

impl SourcePulse {
    fn new(feed: &super::sources::Feed, book: &Rulebook, lateness_ms: i64, metrics: &Arc<Metrics>) -> Option<Self> {
        let mapping = &book.programs[usize::from(feed.program)].schema.mapping;
        let paths = mapping.watched_pulse()?;
        let settings = PulseSettings::new(&feed.zone, paths.canary.as_ref().map(CanaryEvent::every_ms))?;
        let state = State {
            watch: Watch::new(settings.clone(), lateness_ms),
            book: Arc::new(book.clone()),
            voice: Voice::of(book, feed.program),
            scale: 0,
            of_topics: None,
            findings: Vec::new(),
        };
        Some(Self {
            key: format!("{} {}", mapping.name, feed.topics_text()).into(),
            name: mapping.name.clone(),
            program: feed.program,
            settings,
            lateness_ms,
            has_numbers: !paths.number.is_empty(),
            metrics: Arc::clone(metrics),
            state: Mutex::new(state),
        })
    }

    /// Its pulse in what was kept, and of how many partitions the rates are.
    fn find_in(&self, bytes: &[u8]) -> Result<Option<(Pulse, u32)>, String> {
        let saved: Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let Some((_, scale, bytes)) = saved.into_iter().find(|it| *it.0 == *self.key) else { return Ok(None) };
        Ok(Some((Pulse::restore(self.settings.clone(), &bytes)?, scale)))
    }

    /// A partition is owned here from now on.
    pub(super) fn join(&self, id: &PartitionId) {
        let mut state = self.lock();
        state.watch.join(&origin_of(id));
        state.owned();
    }

    /// It is another's.
    pub(super) fn leave(&self, id: &PartitionId) {
        let mut state = self.lock();
        let gone = origin_of(id);
        state.watch.retain(|it| *it != gone);
        state.owned();
    }

    /// Takes what a partition says: how far it is, and what its batch had. Forgets the batch.
    pub(super) fn take(
        &self,
        origin: &Origin,
        standing: &Standing,
        beat: &mut Beat,
        (book, program): (&Arc<Rulebook>, u16),
    ) -> Vec<Emitted> {
        let mut state = self.lock();
        let state = &mut *state;
        if !Arc::ptr_eq(&state.book, book) {
            (state.book, state.voice) = (Arc::clone(book), Voice::of(book, program));
        }
        if !state.has_all() {
            beat.drop_numbers();
        }
        state.watch.take(origin, standing, beat, &mut state.findings);
        beat.clear();
        self.metrics.pulse.set(&self.name, &state.watch.pulse().stats());
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
        let owned = u32::try_from(self.watch.partitions()).unwrap_or(u32::MAX);
        if owned == 0 || owned == self.scale {
            return;
        }
        if self.scale > 0 {
            self.watch.pulse_mut().rescale(f64::from(owned) / f64::from(self.scale));
        }
        self.scale = owned;
        if !self.has_all() {
            self.watch.pulse_mut().forgive_numbers();
        }
    }

    /// Whether all partitions of the source are here: else numbers that are missing may be elsewhere.
    fn has_all(&self) -> bool {
        self.of_topics.is_some_and(|it| self.watch.partitions() >= it)
    }
}

fn of_partitions(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use engine::pulse::Sighting;
    use model::{EventTime, Value};

    const MINUTE: i64 = 60_000;
    /// Monday 2026-01-05.
    const START: i64 = 1_767_571_200_000;

    fn stage() -> (Arc<SourcePulse>, Arc<Rulebook>, Arc<Metrics>, Pulses) {
        let sources = Sources::from_config(&[Source::default()]).unwrap();
        let book = Rulebook::compile(Vec::new(), sources.mappings(), &mut Vec::new());
        let metrics = Arc::new(Metrics::new());
        let pulses = Pulses::new(&sources, &book, 5 * MINUTE, false, &metrics);
        let Some(Listener::Here(pulse)) = pulses.of(0) else { panic!("it is of the group") };
        (pulse, Arc::new(book), metrics, pulses)
    }

    fn origin(partition: i32) -> Origin {
        Origin::new("t", partition)
    }

    fn standing(watermark: i64, latest: i64, clock: i64) -> Standing {
        Standing { watermark_ms: watermark, latest_ms: Some(latest), clock_ms: clock, is_idle: false }
    }

    fn idle(pulse: &SourcePulse, book: &Arc<Rulebook>, partition: i32, clock: EventTime) -> Vec<Emitted> {
        let standing = Standing { watermark_ms: i64::MIN, latest_ms: None, clock_ms: clock.ms(), is_idle: true };
        pulse.take(&origin(partition), &standing, &mut Beat::default(), (book, 0))
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
                let end = from + 60 * MINUTE;
                let mut beat = beat((0..600).map(|it| from + it * MINUTE / 10));
                let standing = standing(end - 5 * MINUTE, end, end + 2_000);
                told.extend(pulse.take(&origin(partition), &standing, &mut beat, (book, 0)));
            }
        }
        told
    }

    #[test]
    fn a_source_of_which_nothing_comes_at_all_is_missed_by_the_clock() {
        let (pulse, book, metrics, _) = stage();
        assert!(live(&pulse, &book, 2).is_empty());
        let end = EventTime::from_ms(START + 20 * 1_440 * MINUTE);
        assert!(idle(&pulse, &book, 0, end.plus_ms(20 * MINUTE)).is_empty(), "the other may still be reading");
        assert!(idle(&pulse, &book, 1, end.plus_ms(6 * MINUTE)).is_empty());
        let told = idle(&pulse, &book, 1, end.plus_ms(9 * MINUTE));
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
            let end = START + (minute + 1) * MINUTE;
            let mut beat = beat((0..10).map(|it| START + minute * MINUTE + it * 6_000));
            told.extend(pulse.take(&origin(0), &standing(end - 5 * MINUTE, end, end), &mut beat, (book, 0)));
        }
        told
    }

    #[test]
    fn what_a_process_has_learnt_is_gone_on_with_by_the_group() {
        let (pulse, book, metrics, pulses) = stage();
        live(&pulse, &book, 2);
        let saved = pulses.snapshot();
        let sources = Sources::from_config(&[Source::default()]).unwrap();
        let of_group = Pulses::new(&sources, &book, 5 * MINUTE, true, &metrics);
        assert!(of_group.restore(b"of something else").is_err() && !of_group.are_shared());
        of_group.restore(&saved).unwrap();
        assert_eq!(of_group.snapshot(), saved, "whoever keeps them may start later");
        let meeting = Meeting::with(&Arc::new(sources), "audit-events", 4);
        let kept = of_group.of_group(&meeting).unwrap();
        let stats = kept.stats().next().unwrap().1;
        assert!(stats.streams.iter().any(|it| it.name == "crm" && it.is_known), "{stats:?}");
        assert!(of_group.of(0).is_some_and(|it| matches!(it, Listener::Group(_))));
        assert!(pulses.of_group(&meeting).is_none(), "processes keep them");
    }
}
