//! Whether a source is still heard of: its rhythm, the numbers of its events, its canary. Access that nobody logs is an incident too.
//!
//! A source is one pulse, however many partitions it has. Its events are counted by minute, as a whole and by *stream* (by default the
//! tool they are about), and a minute is over when the watermark has passed it: so the order in which events come does not matter, nor how
//! they were cut into batches. What is wrong is told as a [`Finding`], once for each episode, and amended when that is over.

mod alerts;
mod beat;
mod canary;
mod finding;
mod minutes;
mod rhythm;
mod sequence;
mod sighting;
mod stats;
mod watch;
mod week;

#[cfg(test)]
mod tests;

pub use alerts::{RULES, Voice};
pub use beat::Beat;
pub use canary::CanaryStats;
pub use finding::{Finding, What};
pub use minutes::OPEN_MAX;
pub use rhythm::LEARN_MINUTES;
pub use sequence::{EMITTERS_MAX, RANGES_MAX, SequenceStats};
pub use sighting::Sighting;
pub use stats::{PulseStats, StreamStats};
pub use watch::{Standing, Watch};

use canary::Canary;
use hashbrown::HashMap;
use jiff::tz::TimeZone;
use minutes::Minutes;
use model::EventTime;
use rhythm::{At, Change, Kind, Rhythm};
use sequence::{Sequences, cut};
use serde::{Deserialize, Serialize};
use week::slot_of;

pub(crate) const MINUTE_MS: i64 = 60_000;
/// Most streams of a source; events of others count for the source as a whole, and are counted. A stream takes 2 KiB.
pub const STREAMS_MAX: usize = 64;
/// After so many minutes without an event a stream is forgotten: eight weeks. After a longer gap in the events of a source everything
/// begins anew.
pub const FORGOTTEN_AFTER: i64 = 8 * 7 * 1_440;
/// ln of the chance of a quiet of the whole source below which its streams are not blamed for it: one in a thousand.
const LN_DOUBT: f64 = -6.907_755_278_982_137;

/// How a source is watched.
#[derive(Debug, Clone)]
pub struct PulseSettings {
    /// The zone of whose clocks the hours of the week are.
    pub zone: TimeZone,
    /// How often a canary is to come out.
    pub canary_every_ms: Option<i64>,
}

impl PulseSettings {
    /// On the clocks of the zone of that name (IANA). `None` if there is no such zone.
    pub fn new(zone: &str, canary_every_ms: Option<i64>) -> Option<Self> {
        let zone =
            if zone.trim() == "UTC" { TimeZone::UTC } else { jiff::tz::TimeZoneDatabase::bundled().get(zone.trim()).ok()? };
        Some(Self { zone, canary_every_ms })
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Counters {
    silences: u64,
    drops: u64,
    late: u64,
    unstreamed: u64,
    ahead: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stream {
    name: Box<str>,
    rhythm: Option<Rhythm>,
    /// What was counted of one minute and not put down yet.
    #[serde(skip)]
    pending: (i64, u64),
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Pulse {
    settings: PulseSettings,
    state: State,
    /// The numbers of streams by their names.
    numbers: HashMap<Box<str>, u16, foldhash::fast::FixedState>,
    /// What a minute has of each stream.
    counts: Vec<u64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// The first minute that is not over.
    next: Option<i64>,
    minutes: Minutes,
    whole: Option<Rhythm>,
    streams: Vec<Option<Stream>>,
    /// Minutes without any event before `next`, which the streams do not know of yet.
    held: i64,
    sequences: Sequences,
    canary: Canary,
    counters: Counters,
}

impl Pulse {
    /// Nothing is known yet.
    pub fn new(settings: PulseSettings) -> Self {
        Self { settings, state: State::default(), numbers: HashMap::default(), counts: Vec::new() }
    }

    /// All that the next findings depend on.
    pub fn snapshot(&mut self) -> Vec<u8> {
        self.put_down();
        postcard::to_allocvec(&self.state).expect("writing to memory fails for no value of these types")
    }

    /// Goes on with a snapshot; an error says what is wrong with it.
    pub fn restore(settings: PulseSettings, bytes: &[u8]) -> Result<Self, String> {
        let state: State = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let streams = (0..).zip(&state.streams).filter_map(|(at, it)| Some((it.as_ref()?.name.clone(), at)));
        let numbers = streams.collect();
        Ok(Self { settings, state, numbers, counts: Vec::new() })
    }

    /// Takes note of an event.
    #[inline]
    pub fn note(&mut self, sighting: &Sighting<'_>, time: EventTime) {
        if sighting.is_canary {
            return;
        }
        self.count(&sighting.stream(), time.ms().div_euclid(MINUTE_MS), 1);
        if let Some((emitter, number)) = sighting.number() {
            self.state.sequences.note(&emitter, number, time.ms());
        }
    }

    /// A canary came out.
    pub fn canary(&mut self, time: EventTime, out: &mut Vec<Finding>) {
        let every_ms = self.every_ms();
        let mut told = Vec::new();
        self.state.canary.note(time.ms(), every_ms, &mut told);
        out.extend(told.into_iter().map(|it| finding::canary(it, every_ms)));
    }

    fn every_ms(&self) -> i64 {
        self.settings.canary_every_ms.unwrap_or(i64::MAX / 2)
    }

    /// Takes note of a batch of some partition.
    pub fn take(&mut self, beat: &Beat, out: &mut Vec<Finding>) {
        for (minute, streams) in &beat.counts {
            streams.iter().for_each(|(stream, count)| self.count(stream, *minute, *count));
        }
        for (emitter, runs) in &beat.numbers {
            for run in runs {
                for number in run.first..=run.last {
                    let time_ms = if number == run.last { run.last_ms } else { run.first_ms };
                    self.state.sequences.note(emitter, number, time_ms);
                }
            }
        }
        beat.canaries.iter().for_each(|it| self.canary(EventTime::from_ms(*it), out));
    }

    /// The watermark is at `reached`: minutes before it are over.
    pub fn advance(&mut self, reached: EventTime, out: &mut Vec<Finding>) {
        if reached == EventTime::MIN {
            return;
        }
        let end = reached.ms().div_euclid(MINUTE_MS);
        if self.state.next.is_none_or(|it| it < end) {
            self.pass_until(end, out);
        }
        self.state.sequences.advance(reached.ms(), |emitter, loss, is_end| out.push(finding::gap(emitter, loss, is_end)));
        let every_ms = self.every_ms();
        let mut told = Vec::new();
        self.state.canary.advance(reached.ms(), every_ms, &mut told);
        out.extend(told.into_iter().map(|it| finding::canary(it, every_ms)));
    }

    /// How it stands.
    pub fn stats(&self) -> PulseStats {
        let state = &self.state;
        let next = state.next.unwrap_or(0);
        let standing = |name: &str, it: &Rhythm| StreamStats {
            name: name.to_owned(),
            silent_s: u64::try_from((next - it.last() - 1).max(0) * 60).unwrap_or(0),
            is_blind: it.episode().is_some(),
            is_known: it.is_known(next),
        };
        let streams = state.streams.iter().flatten().filter_map(|it| Some(standing(&it.name, it.rhythm.as_ref()?)));
        let Counters { silences, drops, late, unstreamed, ahead } = state.counters;
        PulseStats {
            streams: state.whole.iter().map(|it| standing("", it)).chain(streams).collect(),
            silences,
            drops,
            sequence: state.sequences.stats(),
            canary: state.canary.stats(),
            late,
            unstreamed,
            ahead,
        }
    }

    /// So many times as many events are to be expected from now on: partitions of the source have come here, or have gone.
    pub fn rescale(&mut self, factor: f64) {
        self.state.whole.iter_mut().for_each(|it| it.rescale(factor));
        self.state.streams.iter_mut().flatten().filter_map(|it| it.rhythm.as_mut()).for_each(|it| it.rescale(factor));
    }

    /// Numbers that are missed up to then are not waited for: not all partitions had begun.
    pub fn follow_numbers_from(&mut self, ms: i64) {
        self.state.sequences.follow_from(ms);
    }

    /// Numbers that are missing may have gone elsewhere, and are not waited for.
    pub fn forgive_numbers(&mut self) {
        self.state.sequences.forgive();
    }
}

impl Pulse {
    fn count(&mut self, stream: &str, minute: i64, count: u64) {
        let state = &mut self.state;
        if state.next.is_some_and(|it| minute < it) {
            state.counters.late += count;
            self.came_late(stream, minute, count);
            return;
        }
        let Some(number) = self.number_of(stream) else {
            self.state.counters.unstreamed += count;
            return self.add(u16::MAX, minute, count);
        };
        let Some(it) = self.state.streams.get_mut(usize::from(number)).and_then(Option::as_mut) else { return };
        if it.pending.0 == minute || it.pending.1 == 0 {
            it.pending = (minute, it.pending.1 + count);
            return;
        }
        let (before, pending) = std::mem::replace(&mut it.pending, (minute, count));
        self.add(number, before, pending);
    }

    fn add(&mut self, number: u16, minute: i64, count: u64) {
        self.state.counters.ahead += self.state.minutes.add(minute, number, count);
    }

    /// What is told of a time is amended by what comes of it.
    fn came_late(&mut self, stream: &str, minute: i64, count: u64) {
        let of_stream = self.numbers.get(cut(stream)).and_then(|it| self.state.streams[usize::from(*it)].as_mut()?.rhythm.as_mut());
        for rhythm in of_stream.into_iter().chain(self.state.whole.as_mut()) {
            if let Some(episode) = rhythm.episode_mut().filter(|it| it.since <= minute) {
                episode.came_late += count;
            }
        }
    }

    /// The number of a stream, which may be new; `None` if there is no room.
    fn number_of(&mut self, stream: &str) -> Option<u16> {
        let name = cut(stream);
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        if name.is_empty() {
            return None;
        }
        let streams = &mut self.state.streams;
        let free = streams.iter().position(Option::is_none);
        let at = match free {
            Some(at) => at,
            None if streams.len() < STREAMS_MAX => {
                streams.push(None);
                streams.len() - 1
            }
            None => self.evicted()?,
        };
        let number = u16::try_from(at).ok()?;
        self.state.streams[at] = Some(Stream { name: name.into(), rhythm: None, pending: (0, 0) });
        self.numbers.insert(name.into(), number);
        Some(number)
    }

    /// The place of the stream that makes room: of those that are not known yet, the one heard of longest ago.
    fn evicted(&mut self) -> Option<usize> {
        let next = self.state.next?;
        let streams =
            self.state.streams.iter().enumerate().filter_map(|(at, it)| Some((at, it.as_ref()?, it.as_ref()?.rhythm.as_ref()?)));
        let oldest = streams.filter(|it| !it.2.is_known(next)).min_by_key(|(_, it, rhythm)| (rhythm.last(), &it.name))?.0;
        self.forget(oldest);
        Some(oldest)
    }

    fn forget(&mut self, at: usize) {
        let Some(stream) = self.state.streams[at].take() else { return };
        self.numbers.remove(&stream.name);
        let forgotten = stream.pending.1 + self.state.minutes.forget(u16::try_from(at).unwrap_or(u16::MAX));
        self.state.counters.unstreamed += forgotten;
    }

    /// Puts down what is pending.
    fn put_down(&mut self) {
        let State { streams, minutes, counters, .. } = &mut self.state;
        for (number, stream) in (0..).zip(streams) {
            let Some(stream) = stream.as_mut().filter(|it| it.pending.1 > 0) else { continue };
            let (minute, count) = std::mem::take(&mut stream.pending);
            counters.ahead += minutes.add(minute, number, count);
        }
    }

    fn pass_until(&mut self, end: i64, out: &mut Vec<Finding>) {
        self.put_down();
        let Some(first) = self.state.next.or(self.state.minutes.first()) else { return };
        // Its first event may be anywhere in that minute.
        self.state.canary.expect_from((first + 1) * MINUTE_MS);
        let mut slot = (i64::MIN, 0);
        for minute in first..end {
            let hour = minute.div_euclid(60);
            if slot.0 != hour {
                slot = (hour, slot_of(hour, &self.settings.zone));
            }
            if self.state.whole.as_ref().is_some_and(|it| minute - it.last() > FORGOTTEN_AFTER) {
                self.begin_anew();
            }
            if self.state.whole.is_none() && self.state.minutes.first().is_none_or(|it| it >= end) {
                break;
            }
            self.pass(At { minute, slot: slot.1 }, out);
        }
        self.state.next = Some(end);
    }

    /// Everything is so long ago that it says nothing any more.
    fn begin_anew(&mut self) {
        self.state.whole = None;
        self.state.held = 0;
        self.state.streams.iter_mut().flatten().for_each(|it| it.rhythm = None);
    }

    /// A minute is over.
    fn pass(&mut self, at: At, out: &mut Vec<Finding>) {
        self.counts.clear();
        self.counts.resize(self.state.streams.len(), 0);
        let mut total = 0;
        for (number, count) in self.state.minutes.take(at.minute) {
            total += count;
            if let Some(it) = self.counts.get_mut(usize::from(number)) {
                *it += count;
            }
        }
        if self.state.whole.is_none() && total == 0 {
            return;
        }
        let whole = self.state.whole.get_or_insert_with(|| Rhythm::begin(at.minute));
        let is_ordinary = whole.episode().is_none() && whole.ln_chance_of_quiet() >= LN_DOUBT;
        if let Some(change) = whole.pass(at, total, None, true) {
            self.state.tell("", change, at, out);
        }
        if total == 0 {
            self.state.held += 1;
            return;
        }
        self.release(at, is_ordinary, out);
        let counts = std::mem::take(&mut self.counts);
        self.state.pass_streams(at, &counts, out);
        self.counts = counts;
        if at.minute.rem_euclid(1_440) == 0 {
            self.forget_old(at.minute);
        }
    }

    /// Minutes in which nothing came of the whole source: nothing came of its streams either, but they are not to blame for it if that was
    /// out of the ordinary.
    fn release(&mut self, at: At, is_ordinary: bool, out: &mut Vec<Finding>) {
        let held = std::mem::take(&mut self.state.held);
        if !is_ordinary {
            let rhythms = self.state.streams.iter_mut().flatten().filter_map(|it| it.rhythm.as_mut());
            rhythms.for_each(|it| it.skip(held));
            return;
        }
        let counts = vec![0; self.state.streams.len()];
        for minute in at.minute - held..at.minute {
            let slot = slot_of(minute.div_euclid(60), &self.settings.zone);
            self.state.pass_streams(At { minute, slot }, &counts, out);
        }
    }

    fn forget_old(&mut self, minute: i64) {
        for at in 0..self.state.streams.len() {
            let rhythm = self.state.streams[at].as_ref().and_then(|it| it.rhythm.as_ref());
            if rhythm.is_some_and(|it| minute - it.last() > FORGOTTEN_AFTER) {
                self.forget(at);
            }
        }
    }
}

impl State {
    fn pass_streams(&mut self, at: At, counts: &[u64], out: &mut Vec<Finding>) {
        let shares: Vec<Option<f64>> = self.streams.iter().map(|it| it.as_ref()?.rhythm.as_ref()?.share_of_late()).collect();
        let mut sorted: Vec<f64> = shares.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let is_judged = self.streams.iter().flatten().count() > 1;
        let told = out.len();
        for (number, &count) in counts.iter().enumerate() {
            let Some(stream) = self.streams.get_mut(number).and_then(Option::as_mut) else { continue };
            if stream.rhythm.is_none() && count == 0 {
                continue;
            }
            let rhythm = stream.rhythm.get_or_insert_with(|| Rhythm::begin(at.minute));
            let company = company(&sorted, shares[number]);
            if let Some(change) = rhythm.pass(at, count, company, is_judged) {
                let name = stream.name.clone();
                self.tell(&name, change, at, out);
            }
        }
        // Their numbers depend on which came first.
        out[told..].sort_by(|one, other| one.of.cmp(&other.of));
    }

    fn tell(&mut self, stream: &str, change: Change, at: At, out: &mut Vec<Finding>) {
        if let Change::Began(episode, _) = &change {
            match episode.kind {
                Kind::Silent => self.counters.silences += 1,
                Kind::Dropped => self.counters.drops += 1,
            }
        }
        out.push(finding::quiet(stream, change, at));
    }
}

/// How much of what is usual came of late of the others: the median over those that say something, two at least. `own` is among `sorted`.
fn company(sorted: &[f64], own: Option<f64>) -> Option<f64> {
    let skipped = own.and_then(|own| sorted.iter().position(|it| it.total_cmp(&own).is_eq()));
    let others = sorted.len() - usize::from(skipped.is_some());
    if others < 2 {
        return None;
    }
    let nth = |n: usize| sorted[n + usize::from(skipped.is_some_and(|it| n >= it))];
    Some(f64::midpoint(nth((others - 1) / 2), nth(others / 2)))
}
