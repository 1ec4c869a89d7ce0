//! The windows of groups that events of several partitions belong to: one engine exchange, shared by all partitions of this process.
//!
//! A partition comes here once per batch and only with what matched such a rule, so the lock is not on the path of an event. Hits are
//! taken in the order of event time over all partitions that are at work: who is ahead waits a moment for who is behind, since a step
//! of an ordered rule that comes before the step it should follow is lost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::carry::CarryOver;
use engine::shard::Outbox;
use engine::targets::TargetStats;
use engine::{Emitted, Exchange, Routed, Rulebook, Tick, Touched, WindowLimits};
use model::EventTime;
use sigma::matcher::Clock;
use stream::kafka::PartitionId;

use crate::metrics::{Evictions, Metrics};

/// A partition whose last batch ended so long ago has nothing to read: nobody waits for it.
const IDLE_AFTER: Duration = Duration::from_millis(100);
/// Longest wait for slower partitions, per batch. Then the hits are taken out of order, and that is counted.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// How often a waiting partition looks whether another has become idle.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A partition without messages for so long does not hold back the watermark of the others.
const QUIET_AFTER: Duration = Duration::from_mins(1);

/// The snapshot of the engine's exchange, and the highest watermark.
type Saved = (Vec<u8>, i64);

/// The exchange with its lock.
#[derive(Debug)]
pub(super) struct SharedExchange {
    limits: WindowLimits,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    /// A partition has advanced.
    advanced: Condvar,
}

#[derive(Debug)]
struct State {
    /// The rules that the windows and the pending hits are of.
    book: Arc<Rulebook>,
    exchange: Exchange,
    seats: BTreeMap<PartitionId, Seat>,
    /// Hits that wait for their turn, by event time, owner and place in the owner's batch.
    pending: BTreeMap<(EventTime, PartitionId, usize), Routed>,
    /// How many hits came of events whose targets are kept here.
    decided: usize,
    /// The highest watermark so far: what waited for it is decided.
    reached: EventTime,
    evictions: Evictions,
    /// What was told of the targets last.
    targets_told: TargetStats,
}

/// What is known of an owned partition.
#[derive(Debug)]
struct Seat {
    /// The latest event time of the batches it has finished reading.
    time: EventTime,
    watermark: EventTime,
    /// It works on a batch right now.
    is_busy: bool,
    /// When it last finished one, or joined.
    since: Instant,
    /// Its events for those who keep their targets, in its order, each with the event time that it waits for.
    touched: VecDeque<(EventTime, Touched)>,
    /// Alerts of its hits, whoever took them: they have to go out with its own batch.
    alerts: Vec<Emitted>,
}

/// Where a partition stands after a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    /// Its latest event time.
    pub(super) time: EventTime,
    /// Its watermark.
    pub(super) watermark: EventTime,
}

impl SharedExchange {
    /// An empty one.
    pub(super) fn new(book: Arc<Rulebook>, limits: WindowLimits, metrics: Arc<Metrics>) -> Self {
        let exchange = Exchange::new(&book, limits);
        let evictions = metrics.state.evicted();
        let (seats, pending, reached) = (BTreeMap::new(), BTreeMap::new(), EventTime::MIN);
        let state = State { book, exchange, seats, pending, decided: 0, reached, evictions, targets_told: TargetStats::default() };
        Self { limits, metrics, state: Mutex::new(state), advanced: Condvar::new() }
    }

    /// What goes on after this process: windows, targets and the watermark. What waits for its turn at this moment is not in it.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let state = self.lock();
        let saved: Saved = (state.exchange.snapshot(&state.book.set), state.reached.ms());
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// Goes on with what another process has left, before any partition has joined; an error says what is wrong with it.
    pub(super) fn restore(&self, bytes: &[u8]) -> Result<(), String> {
        let (exchange, reached): Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let mut state = self.lock();
        state.exchange = Exchange::restore(&state.book.set, self.limits, &exchange).map_err(|it| it.to_string())?;
        state.reached = EventTime::from_ms(reached);
        Ok(())
    }

    /// A partition is owned from now on; nothing is known of its time yet. Events of its source, `program`, that name no zone have the
    /// time of `clock`.
    pub(super) fn join(&self, id: &PartitionId, program: u16, clock: &Clock) {
        let mut state = self.lock();
        state.seats.insert(id.clone(), Seat::new(Instant::now()));
        state.exchange.set_clock(program, clock.clone());
    }

    /// A partition is owned no more.
    pub(super) fn leave(&self, id: &PartitionId) {
        let mut state = self.lock();
        state.seats.remove(id);
        state.pending.retain(|(_, owner, _), _| owner != id);
        self.advanced.notify_all();
    }

    /// Goes on with the rules of `book`, between two hits. What waits for its turn becomes a hit of these; hits of correlations that
    /// are not the same any more go with their windows.
    pub(super) fn adopt(&self, book: &Arc<Rulebook>) {
        let mut state = self.lock();
        let State { book: before, exchange, pending, seats, .. } = &mut *state;
        if !Arc::ptr_eq(&before.set, &book.set) {
            let over = CarryOver::between(&before.set, &book.set);
            exchange.adopt(&over, &book.set, self.limits);
            let translated = std::mem::take(pending).into_iter();
            pending.extend(translated.filter_map(|(key, hit)| Some((key, over.translate(hit)?))));
            for seat in seats.values_mut() {
                let touched = std::mem::take(&mut seat.touched).into_iter();
                seat.touched = touched.map(|(at, it)| (at, over.translate_touched(it))).collect();
            }
        }
        state.book = Arc::clone(book);
    }

    /// A partition begins with a batch.
    pub(super) fn begin(&self, id: &PartitionId) {
        if let Some(seat) = self.lock().seats.get_mut(id) {
            seat.is_busy = true;
        }
    }

    /// Takes what the batch that partition `id` has just read by the rules of `book` left for others; its alerts get what that completes.
    pub(super) fn accept(
        &self,
        id: &PartitionId,
        stand: Stand,
        book: &Rulebook,
        Outbox { alerts, routed: hits, touched, .. }: &mut Outbox,
    ) {
        let begun = Instant::now();
        let mut state = self.lock();
        // Read by the rules of before: a partition adopts others only before its next batch.
        let is_anything = !hits.is_empty() || !touched.is_empty();
        if is_anything && !Arc::ptr_eq(&state.book.set, &book.set) {
            let over = CarryOver::between(&book.set, &state.book.set);
            *touched = std::mem::take(touched).into_iter().map(|it| over.translate_touched(it)).collect();
            *hits = std::mem::take(hits).into_iter().filter_map(|it| over.translate(it)).collect();
        }
        state.publish(id, stand, hits, touched);
        self.advanced.notify_all();
        loop {
            let now = Instant::now();
            let horizon = state.horizon(now);
            state.take_until(horizon, now);
            let Some(last) = state.last_of(id) else { break };
            if now.duration_since(begun) > WAIT_MAX {
                self.metrics.state.hurried();
                state.take_until(last, now);
                break;
            }
            let waited = self.advanced.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.decide(alerts, begun);
        state.finish(id, alerts);
        let State { exchange, evictions, targets_told, .. } = &mut *state;
        self.metrics.state.shared(exchange.window_stats(), evictions);
        self.metrics.state.targets(exchange.target_stats(), targets_told);
        self.advanced.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes how far `id` has read, and queues its hits.
    fn publish(&mut self, id: &PartitionId, stand: Stand, hits: &mut Vec<Routed>, touched: &mut Vec<Touched>) {
        let seat = self.seats.entry(id.clone()).or_insert_with(|| Seat::new(Instant::now()));
        seat.is_busy = true;
        seat.time = seat.time.max(stand.time);
        seat.watermark = stand.watermark;
        for it in touched.drain(..) {
            let time = it.time.min(stand.time);
            let at = seat.touched.back().map_or(time, |(before, _)| time.max(*before));
            seat.touched.push_back((at, it));
        }
        for (number, hit) in hits.drain(..).enumerate() {
            // An event from the future waits no longer than the others of its batch.
            self.pending.insert((hit.hit.time.min(stand.time), id.clone(), number), hit);
        }
    }

    /// Up to which event time everybody who is at work has read.
    fn horizon(&self, now: Instant) -> EventTime {
        let at_work = self.seats.values().filter(|it| it.is_busy || now.duration_since(it.since) < IDLE_AFTER);
        at_work.map(|it| it.time).min().unwrap_or(EventTime::MIN)
    }

    /// Has those who keep targets see what was done to them up to `horizon`, and puts the pending hits into their windows, in order.
    fn take_until(&mut self, horizon: EventTime, now: Instant) {
        self.see_until(horizon);
        let watermark = slowest(&self.seats, now);
        while let Some(entry) = self.pending.first_entry().filter(|it| it.key().0 <= horizon) {
            let ((_, owner, _), mut hit) = entry.remove_entry();
            (hit.watermark, hit.reached) = (watermark, self.reached);
            // The owner is there: its hits go with it.
            if let Some(seat) = self.seats.get_mut(&owner) {
                self.exchange.work(&self.book, &mut vec![hit], &[], &mut seat.alerts);
            }
        }
    }

    /// The events of all partitions in the order of their time, each partition's in its own; hits that come of them wait for their turn.
    fn see_until(&mut self, horizon: EventTime) {
        let front = |seat: &Seat| seat.touched.front().map(|it| it.0).filter(|it| *it <= horizon);
        let mut out = Outbox::default();
        while let Some((_, id)) = self.seats.iter().filter_map(|(id, it)| Some((front(it)?, id))).min() {
            let id = id.clone();
            let Some(seat) = self.seats.get_mut(&id) else { return };
            let mut touched: Vec<Touched> = seat.touched.pop_front().into_iter().map(|it| it.1).collect();
            self.exchange.see_alone(&self.book, &mut touched, &mut out);
            seat.alerts.append(&mut out.alerts);
            for hit in out.routed.drain(..) {
                self.decided += 1;
                // Behind the hits of the batch.
                self.pending.insert((hit.hit.time, id.clone(), usize::MAX / 2 + self.decided), hit);
            }
        }
    }

    /// Decides what waits for the watermark. The alerts go out with whatever batch is at hand: what they are about came with others,
    /// perhaps of partitions that have long gone elsewhere.
    fn decide(&mut self, alerts: &mut Vec<Emitted>, now: Instant) {
        self.reached = self.reached.max(slowest(&self.seats, now));
        let tick = Tick { position: u64::MAX - 1, reached: self.reached };
        self.exchange.work(&self.book, &mut Vec::new(), &[tick], alerts);
    }

    /// The time of the last thing of `id` that is pending.
    fn last_of(&self, id: &PartitionId) -> Option<EventTime> {
        let touched = self.seats.get(id).and_then(|it| it.touched.back()).map(|it| it.0);
        touched.max(self.pending.keys().rev().find(|(_, owner, _)| owner == id).map(|it| it.0))
    }

    fn finish(&mut self, id: &PartitionId, alerts: &mut Vec<Emitted>) {
        if let Some(seat) = self.seats.get_mut(id) {
            alerts.append(&mut seat.alerts);
            seat.is_busy = false;
            seat.since = Instant::now();
        }
    }
}

impl Seat {
    fn new(since: Instant) -> Self {
        Self {
            time: EventTime::MIN,
            watermark: EventTime::MIN,
            is_busy: false,
            since,
            touched: VecDeque::new(),
            alerts: Vec::new(),
        }
    }
}

/// The watermark of the slowest partition that is not quiet.
fn slowest(seats: &BTreeMap<PartitionId, Seat>, now: Instant) -> EventTime {
    let awake = seats.values().filter(|it| now.duration_since(it.since) <= QUIET_AFTER);
    awake.map(|it| it.watermark).min().unwrap_or(EventTime::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(ms: i64, is_busy: bool, since: Instant) -> Seat {
        let time = EventTime::from_ms(ms);
        Seat { time, watermark: time, is_busy, ..Seat::new(since) }
    }

    fn state(seats: Vec<Seat>) -> State {
        let seats = seats.into_iter().enumerate().map(|(at, it)| (PartitionId::new("t", i32::try_from(at).unwrap()), it));
        let book = Rulebook::compile(Vec::new(), &[], &mut Vec::new());
        let evictions = Metrics::new().state.evicted();
        State {
            exchange: Exchange::new(&book, WindowLimits::default()),
            book: Arc::new(book),
            seats: seats.collect(),
            pending: BTreeMap::new(),
            decided: 0,
            reached: EventTime::MIN,
            evictions,
            targets_told: TargetStats::default(),
        }
    }

    #[test]
    fn hits_wait_for_partitions_at_work_and_not_for_idle_ones() {
        let start = Instant::now();
        let now = start + IDLE_AFTER;
        let horizon = |seats| state(seats).horizon(now);
        assert_eq!(horizon(vec![seat(9, true, now), seat(5, true, start)]), EventTime::from_ms(5));
        assert_eq!(horizon(vec![seat(9, true, now), seat(5, false, now)]), EventTime::from_ms(5));
        assert_eq!(horizon(vec![seat(9, true, now), seat(5, false, start)]), EventTime::from_ms(9));
    }

    #[test]
    fn the_slowest_partition_has_the_watermark_unless_it_is_quiet() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let seats = state(vec![seat(5, false, at(0)), seat(9, false, at(50))]).seats;
        assert_eq!(slowest(&seats, at(60)), EventTime::from_ms(5));
        assert_eq!(slowest(&seats, at(61)), EventTime::from_ms(9));
        assert_eq!(slowest(&BTreeMap::new(), start), EventTime::MIN);
    }
}
