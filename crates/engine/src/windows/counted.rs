//! `event_count`, `value_count` and `temporal`: how many events, distinct values or different steps lie within the timespan.
//!
//! A hit is judged in the windows that contain it: the one that ends with it and, when it comes late, those that end with later hits.
//! Entries stay until the watermark has left them behind, so that the order of arrival does not matter within the allowed lateness, and
//! a hit from the future neither expires the present nor is counted with it. Of what the watermark has passed, the latest k suffice to
//! know whether there are k in a window; of a distinct value the latest occurrence counts, and earlier ones, which are stale, stay for
//! windows that end before it. See [`super::kept`] for what goes when.

use super::groups::Groups;
use super::kept::{Group, Store};
use super::timeline::Entry;
use super::told::Review;
use super::{COMPARES, CompareCode, Entering, Fired, Hit, Identity, Sign, Span, WindowLimits, WindowStats, code, fired};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::ast::Compare;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    span: Span,
    condition: Vec<(CompareCode, u64)>,
    groups: Groups<Group>,
    store: Store,
}

impl Counted {
    pub(super) fn new(span: Span, condition: Vec<(Compare, u64)>, is_distinct: bool, limits: WindowLimits) -> Self {
        let keep_max = condition.iter().map(|&(compare, with)| with.saturating_add(u64::from(compare != Compare::GreaterOrEqual)));
        let keep_max = u32::try_from(keep_max.max().unwrap_or(1).max(1)).unwrap_or(u32::MAX);
        Self {
            span,
            condition: condition.into_iter().map(|(compare, with)| (code(compare), with)).collect(),
            groups: Groups::new(limits.groups_max),
            store: Store::new(is_distinct, keep_max, limits.entries_max),
        }
    }

    pub(super) fn hit(&mut self, hit: &Hit, entering: Entering, watermark: EventTime, fired: &mut Vec<Fired>) {
        let Self { store, groups, span, .. } = self;
        let idle_before = span.horizon(watermark);
        let number = groups.touch((hit.group, entering.guess), hit.time, idle_before, |_, group| store.clear(group));
        let group = groups.at(number);
        store.tend(group, idle_before.ms(), span.settled(watermark).ms());
        if !store.has_room(group) {
            return;
        }
        let place = store.put(group, &Entry::new(hit, value_in(hit.value, hit.group)), span.timespan_ms);
        if entering.goes_on {
            return;
        }
        if store.timeline.after(place).is_none() {
            fired.extend(self.judge_latest(number, place, hit.time.ms(), idle_before.ms()));
        } else {
            self.judge_late(number, place, hit.time.ms(), idle_before.ms(), fired);
        }
    }

    /// Has brought near what tells where the group of a hit is.
    pub(super) fn expect(&self, hit: &Hit) {
        if self.store.is_distinct {
            self.store.expect_value(value_in(hit.value, hit.group));
        }
        self.groups.expect(hit.group);
    }

    /// Has brought near what leads to the window of a hit, and tells the number of the group.
    pub(super) fn fetch(&self, hit: &Hit) -> Option<u32> {
        if self.store.is_distinct {
            self.store.fetch_value(value_in(hit.value, hit.group));
        }
        self.groups.fetch(hit.group)
    }

    /// Has the window of a group brought near.
    pub(super) fn fetch_window(&self, number: u32) {
        self.groups.look(number).inspect(|it| self.store.fetch(it));
    }

    /// Has brought near what the window of a group goes on with.
    pub(super) fn fetch_next(&self, number: u32) {
        self.groups.look(number).inspect(|it| {
            self.store.fetch_next(it);
            it.told.fetch();
        });
    }

    /// Judges the window that ends with the latest hit.
    fn judge_latest(&mut self, number: u32, place: u32, time_ms: i64, keep_ms: i64) -> Option<Fired> {
        let Self { store, condition, span, groups } = self;
        let (group, timespan_ms) = (groups.at(number), span.timespan_ms);
        let count = group.inside.min(store.keep_max);
        if !holds(condition, count) {
            group.told.end(time_ms, timespan_ms);
            return None;
        }
        if group.told.is_told(time_ms, timespan_ms) {
            return None;
        }
        group.told.fetch();
        let told = told(store, place, count);
        store.thinned += group.told.tell(time_ms, timespan_ms, keep_ms);
        Some(told)
    }

    /// Judges the windows that contain a hit that is not the latest.
    fn judge_late(&mut self, number: u32, place: u32, time_ms: i64, keep_ms: i64, fired: &mut Vec<Fired>) {
        let Self { store, condition, span, groups } = self;
        let (timespan_ms, keep_max) = (span.timespan_ms, store.keep_max);
        let time = |it: u32| store.timeline.time(it);
        let is_of_one =
            |left: u32, right: u32| time(left) == time(right) && store.timeline.event(left) == store.timeline.event(right);
        let mut twins = store.timeline.back_from(place).take_while(|it| time(*it) == time_ms);
        let has_twin = twins.any(|it| !is_of_one(it, place));
        let mut review = Review::new(&mut groups.at(number).told, time_ms, has_twin, timespan_ms, keep_ms);
        let mut ready = Vec::new();
        // What follows may all be from the future: then no other window contains the hit.
        let is_alone = store.timeline.after(place).is_none_or(|it| !review.wants(time(it)));
        let start_ms = time_ms.saturating_sub(timespan_ms);
        if let Some(count) = is_alone.then(|| store.count_until(place, start_ms, keep_max)).flatten() {
            ready.extend(review.see(time_ms, holds(condition, count.min(keep_max)), || (place, count.min(keep_max))));
        } else {
            let mut window = Sliding::new(store, place, timespan_ms, keep_max);
            while review.wants(time(window.end)) {
                let seen = (window.end, window.count.min(keep_max));
                let next = store.timeline.after(window.end);
                if next.is_none_or(|it| !is_of_one(window.end, it)) {
                    ready.extend(review.see(time(window.end), holds(condition, seen.1), || seen));
                }
                let Some(next) = next else { break };
                window.advance(store, next, timespan_ms);
            }
        }
        let forgotten = review.forgotten;
        drop(review);
        store.thinned += forgotten;
        fired.extend(ready.into_iter().map(|(end, count)| told(store, end, count)));
    }

    pub(super) fn stats(&self) -> WindowStats {
        let Store { evicted, thinned, timeline, .. } = &self.store;
        WindowStats {
            groups: self.groups.len(),
            entries: timeline.used(),
            groups_evicted: self.groups.evicted,
            entries_evicted: *evicted,
            entries_thinned: *thinned,
            ..WindowStats::default()
        }
    }

    pub(super) fn reindex(&mut self) {
        self.groups.reindex();
        let store = &mut self.store;
        self.groups.each(|_, group| store.reindex(group));
    }
}

fn holds(condition: &[(CompareCode, u64)], count: u32) -> bool {
    condition.iter().all(|&(compare, with)| COMPARES[usize::from(compare)].holds(u64::from(count), with))
}

/// What a value is known by among those of all groups: the exclusive or of two hashes is one. The group's halves change places, since
/// `a` among the values of `b` is not `b` among those of `a`.
fn value_in(value: Identity, group: Identity) -> Identity {
    let ([first, second], [low, high]) = (value.0, group.0);
    Identity([first ^ high, second ^ low.rotate_left(32)])
}

/// What an alert says of the window that ends with `end`: the latest `count` events, or the latest of each of so many values.
fn told(store: &Store, end: u32, count: u32) -> Fired {
    let timeline = &store.timeline;
    let mut known = HashSet::with_hasher(FixedState::default());
    let is_new = |it: &u32| !store.is_distinct || known.insert(timeline.value(*it));
    // While the next chunk comes, what alerts show of this one comes as well.
    let places = timeline.back_from(end).filter(is_new).take(count as usize).inspect(|it| timeline.fetch_sign(*it));
    let places: Vec<u32> = places.collect();
    let signs: Vec<Sign<'_>> = places.iter().rev().map(|it| timeline.sign(*it)).collect();
    fired(u64::from(count), &signs)
}

/// A window that ends earlier than the latest, and moves on from entry to entry: what late hits are judged in.
struct Sliding {
    first: u32,
    end: u32,
    /// What is inside, stale or not.
    count: u32,
    /// How often each value is inside, where values are counted.
    values: HashMap<Identity, u32, FixedState>,
    /// No more need to be inside: of a window that has more, the latest stretch that has so many.
    enough: u32,
}

impl Sliding {
    fn new(store: &Store, end: u32, timespan_ms: i64, enough: u32) -> Self {
        let timeline = &store.timeline;
        let start_ms = timeline.time(end).saturating_sub(timespan_ms);
        let mut window = Self { first: end, end, count: 0, values: HashMap::default(), enough };
        for at in timeline.back_from(end).take_while(|it| timeline.time(*it) >= start_ms) {
            window.first = at;
            window.enter(store, at);
            if window.count >= enough {
                break;
            }
        }
        window
    }

    /// Lets it end with the next entry.
    fn advance(&mut self, store: &Store, next: u32, timespan_ms: i64) {
        let timeline = &store.timeline;
        self.end = next;
        self.enter(store, next);
        let start_ms = timeline.time(next).saturating_sub(timespan_ms);
        while (timeline.time(self.first) < start_ms || self.count > self.enough)
            && let Some(after) = timeline.after(self.first)
        {
            self.leave(store, self.first);
            self.first = after;
        }
    }

    fn enter(&mut self, store: &Store, at: u32) {
        if !store.is_distinct {
            self.count += 1;
            return;
        }
        let times = self.values.entry(store.timeline.value(at)).or_insert(0);
        *times += 1;
        self.count += u32::from(*times == 1);
    }

    fn leave(&mut self, store: &Store, at: u32) {
        if !store.is_distinct {
            self.count -= 1;
            return;
        }
        if let Some(times) = self.values.get_mut(&store.timeline.value(at)) {
            *times -= 1;
            self.count -= u32::from(*times == 0);
        }
    }
}
