//! Numbers that emitters give their events, one after another: which of them never came.
//!
//! A number that is passed over is waited for until the watermark is where it was missed: what is late by then is lost. Up to there events
//! may come in any order, as they do of partitions that are read at different speeds. Numbers that begin anew are recognised by time: what was
//! sent again is as old as it was, and what is new is not.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most emitters of a source; beyond, the one heard of longest ago is forgotten, and counted.
pub const EMITTERS_MAX: usize = 4_096;
/// Most ranges of a source that are waited for; beyond, two of the emitter at hand become one, and are counted.
pub const RANGES_MAX: usize = 65_536;
/// Longest name of an emitter that is kept, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 128;
/// A jump further than this is no loss.
const JUMP_MAX: u64 = 1_000_000_000;
/// Counters begin at 0 or 1. One that was not met before its second number or a later one up to here has lost those before.
const BEGIN_MAX: u64 = 1_000;
/// A loss is told again when it is so many times what was told.
const GROWN: u64 = 10;
/// An event may be as much newer than one with a higher number, as where several threads number theirs. What is newer still has the same
/// number in another life.
const JITTER_MS: i64 = 10_000;
/// An episode of an emitter is over when nothing more was lost for an hour.
const CALM_MS: i64 = 3_600_000;

/// Numbers that are missing, all or some of those from the one it is known by to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Range {
    last: u64,
    missing: u64,
    /// The time of the earliest event after them.
    noticed_ms: i64,
}

/// Numbers that are lost, as they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loss {
    /// The least and the largest number that is lost, and how many are.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) missing: u64,
    /// When the first and the last loss was noticed.
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
    /// How many came after they were told to be lost.
    pub(super) came_late: u64,
    /// What was told before.
    pub(super) told: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Emitter {
    /// The numbers of its present life that came.
    came: Option<Came>,
    /// The time of its latest event.
    latest_ms: i64,
    /// The time of the earliest event of its present life; what is older is of before.
    begun_ms: i64,
    /// The time of the latest event before it began anew.
    before_ms: i64,
    /// A number much too high that came once.
    jumped: Option<u64>,
    /// How often it began anew.
    life: u32,
    /// By life and first number.
    waiting: BTreeMap<(u32, u64), Range>,
    loss: Option<Loss>,
}

/// The least number that came, its time, and the highest.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Came {
    lowest: u64,
    lowest_ms: i64,
    highest: u64,
}

/// How it stands with the numbers of a source, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceStats {
    /// Emitters that are known.
    pub emitters: usize,
    /// Gaps that were found, since the beginning.
    pub gaps: u64,
    /// Numbers that were lost.
    pub missing: u64,
    /// Of them, those that came after all.
    pub came_late: u64,
    /// Numbers that are waited for.
    pub waiting: u64,
    /// How often an emitter began to count anew.
    pub restarts: u64,
    /// Emitters forgotten because there were too many.
    pub emitters_evicted: u64,
    /// Ranges that became one with another because there were too many: which of their numbers are missing is not known.
    pub ranges_merged: u64,
}

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sequences {
    emitters: BTreeMap<Box<str>, Emitter>,
    stats: SequenceStats,
    /// Before this nothing is lost, and no loss is over.
    due_ms: i64,
    /// The watermark.
    reached_ms: i64,
    /// What is missed up to here is not waited for.
    from_ms: i64,
    /// Ranges that are waited for.
    ranges: usize,
}

impl Default for Sequences {
    fn default() -> Self {
        let (emitters, stats) = (BTreeMap::new(), SequenceStats::default());
        Self { emitters, stats, due_ms: i64::MAX, reached_ms: i64::MIN, from_ms: i64::MIN, ranges: 0 }
    }
}

impl Sequences {
    /// An event of `emitter` has this number.
    pub(super) fn note(&mut self, emitter: &str, number: u64, time_ms: i64) {
        let name = cut(emitter);
        if !self.emitters.contains_key(name) {
            self.make_room();
            self.emitters.insert(name.into(), Emitter::new());
        }
        let Some(it) = self.emitters.get_mut(name) else { return };
        let before = it.waiting.len();
        let came = it.came;
        match came {
            // Where it began is not known.
            None => it.begin_at(number, time_ms),
            Some(came) if number > came.highest && time_ms >= it.begun_ms => {
                let skipped = number - came.highest - 1;
                if skipped > JUMP_MAX {
                    // Once is nonsense that somebody wrote, twice is another way of counting.
                    if it.jumped.replace(number).is_some_and(|it| it.abs_diff(number) <= JUMP_MAX) {
                        self.stats.restarts += 1;
                        it.begin_anew(number, time_ms, self.from_ms);
                    }
                } else {
                    if skipped > 0 {
                        it.wait_for(came.highest + 1, number - 1, time_ms, self.from_ms);
                    }
                    it.came = Some(Came { highest: number, ..came });
                }
            }
            Some(_) if it.fill(number, time_ms, self.from_ms) => {}
            // What comes after it in a partition that is read faster was here first.
            Some(came) if number < came.lowest && it.is_of_this_life(time_ms, came) && time_ms >= self.reached_ms => {
                if came.lowest - number > 1 && came.lowest - number <= JUMP_MAX {
                    it.wait_for(number + 1, came.lowest - 1, came.lowest_ms, self.from_ms);
                }
                it.begun_ms = it.begun_ms.min(time_ms);
                it.came = Some(Came { lowest: number, lowest_ms: time_ms, ..came });
            }
            Some(_) if it.is_lost(number) => self.stats.came_late += 1,
            Some(_) if time_ms > it.latest_ms => {
                self.stats.restarts += 1;
                it.begin_anew(number, time_ms, self.from_ms);
            }
            // Sent again, or a straggler from before it began anew.
            Some(_) => {}
        }
        it.latest_ms = it.latest_ms.max(time_ms);
        self.ranges = self.ranges + it.waiting.len() - before;
        while self.ranges > RANGES_MAX && it.merge() {
            self.ranges -= 1;
            self.stats.ranges_merged += 1;
        }
        if !it.waiting.is_empty() {
            // No range was noticed earlier than it is looked for, or by this very event.
            self.due_ms = self.due_ms.min(time_ms.max(self.reached_ms));
        }
    }

    /// What is waited for and noticed before the watermark is lost. `tell` gets each loss that is new, and, with `true`, each that has
    /// become ten times what was told, or has grown or shrunk since it was told and is over.
    pub(super) fn advance(&mut self, reached_ms: i64, mut tell: impl FnMut(&str, &Loss, bool)) {
        self.reached_ms = self.reached_ms.max(reached_ms);
        if reached_ms < self.due_ms {
            return;
        }
        self.due_ms = i64::MAX;
        for (name, it) in &mut self.emitters {
            let due = it.waiting.extract_if(.., |_, it| it.noticed_ms <= reached_ms);
            let mut lost: Vec<(u64, Range)> = due.map(|((_, first), it)| (first, it)).collect();
            self.ranges -= lost.len();
            // As if the watermark had come by each of them: how far it goes at once must not show.
            lost.sort_by_key(|(first, it)| (it.noticed_ms, *first));
            for together in lost.chunk_by(|one, other| one.1.noticed_ms == other.1.noticed_ms) {
                it.calm_down(together[0].1.noticed_ms, |loss| tell(name, loss, true));
                for (first, range) in together {
                    self.stats.gaps += 1;
                    self.stats.missing += range.missing;
                    it.lose(*first, range);
                }
                if let Some(loss) = it.loss.as_mut().filter(|loss| loss.missing >= loss.told.saturating_mul(GROWN)) {
                    let is_amended = loss.told > 0;
                    loss.told = loss.missing;
                    tell(name, loss, is_amended);
                }
            }
            it.calm_down(reached_ms, |loss| tell(name, loss, true));
            let dues = it.waiting.values().map(|it| it.noticed_ms).chain(it.loss.iter().map(|it| it.until_ms + CALM_MS));
            self.due_ms = dues.fold(self.due_ms, i64::min);
        }
    }

    /// Nothing is waited for any more: numbers that are missing may have gone elsewhere.
    pub(super) fn forgive(&mut self) {
        for it in self.emitters.values_mut() {
            it.waiting.clear();
            it.came = None;
        }
        self.ranges = 0;
    }

    /// What is missed up to then is not waited for: not all of it could have come.
    pub(super) fn follow_from(&mut self, ms: i64) {
        self.from_ms = ms;
        self.emitters.values_mut().for_each(|it| it.waiting.retain(|_, it| it.noticed_ms > ms));
        self.ranges = self.emitters.values().map(|it| it.waiting.len()).sum();
    }

    pub(super) fn stats(&self) -> SequenceStats {
        let waiting = self.emitters.values().flat_map(|it| it.waiting.values()).map(|it| it.missing).sum();
        SequenceStats { emitters: self.emitters.len(), waiting, ..self.stats }
    }

    fn make_room(&mut self) {
        if self.emitters.len() < EMITTERS_MAX {
            return;
        }
        let oldest = self.emitters.iter().min_by_key(|(name, it)| (it.latest_ms, (*name).clone())).map(|it| it.0.clone());
        if let Some(gone) = oldest.and_then(|it| self.emitters.remove(&it)) {
            self.ranges -= gone.waiting.len();
            self.stats.emitters_evicted += 1;
        }
    }
}

impl Emitter {
    fn new() -> Self {
        let (latest_ms, begun_ms, before_ms) = (i64::MIN, i64::MIN, i64::MIN);
        let (came, jumped, loss) = (None, None, None);
        Self { came, latest_ms, begun_ms, before_ms, jumped, life: 0, waiting: BTreeMap::new(), loss }
    }

    fn begin_at(&mut self, number: u64, time_ms: i64) {
        self.came = Some(Came { lowest: number, lowest_ms: time_ms, highest: number });
    }

    fn begin_anew(&mut self, number: u64, time_ms: i64, from_ms: i64) {
        (self.before_ms, self.begun_ms, self.jumped) = (self.latest_ms, time_ms, None);
        self.life = self.life.wrapping_add(1);
        self.begin_at(number, time_ms);
        if (2..=BEGIN_MAX).contains(&number) {
            self.came = Some(Came { lowest: 1, lowest_ms: time_ms, highest: number });
            self.wait_for(1, number - 1, time_ms, from_ms);
        }
    }

    /// Whether an event with a number below all that came is of the present life.
    fn is_of_this_life(&self, time_ms: i64, came: Came) -> bool {
        time_ms <= came.lowest_ms && time_ms > self.before_ms
    }

    fn wait_for(&mut self, first: u64, last: u64, noticed_ms: i64, from_ms: i64) {
        self.put(self.life, first, Range { last, missing: last - first + 1, noticed_ms }, from_ms);
    }

    fn put(&mut self, life: u32, first: u64, range: Range, from_ms: i64) {
        if range.noticed_ms > from_ms {
            self.waiting.insert((life, first), range);
        }
    }

    /// Two ranges become one; false if there are no two of one life.
    fn merge(&mut self) -> bool {
        let two = |(one, other): (&(u32, u64), &(u32, u64))| (one.0 == other.0).then_some((*one, *other));
        let Some((one, other)) = self.waiting.keys().zip(self.waiting.keys().skip(1)).find_map(two) else { return false };
        let Some((next, both)) = self.waiting.remove(&other).zip(self.waiting.get_mut(&one)) else { return false };
        both.last = both.last.max(next.last);
        both.missing += next.missing;
        both.noticed_ms = both.noticed_ms.max(next.noticed_ms);
        true
    }

    /// Whether a number was waited for; now it is here.
    fn fill(&mut self, number: u64, time_ms: i64, from_ms: i64) -> bool {
        let mut life = Some(self.life).filter(|_| time_ms > self.before_ms).or_else(|| self.life_before(self.life));
        while let Some(of) = life {
            let is_it = |it: &Range| number <= it.last && time_ms <= it.noticed_ms.saturating_add(JITTER_MS);
            let found = self.waiting.range((of, 0)..=(of, number)).next_back().filter(|(_, it)| is_it(it));
            if let Some((&(_, first), _)) = found {
                self.fill_in(of, first, (number, time_ms), from_ms);
                return true;
            }
            life = Some(of).filter(|_| time_ms < self.begun_ms).and_then(|it| self.life_before(it));
        }
        false
    }

    /// The one of before `life` of which something is waited for.
    fn life_before(&self, life: u32) -> Option<u32> {
        self.waiting.range(..(life, 0)).next_back().map(|(it, _)| it.0)
    }

    fn fill_in(&mut self, life: u32, first: u64, (number, time_ms): (u64, i64), from_ms: i64) {
        let Some(Range { last, missing, noticed_ms }) = self.waiting.remove(&(life, first)) else { return };
        if missing < last - first + 1 {
            // Two ranges that became one: which of the numbers in it are missing is not known any more.
            if missing > 1 {
                self.waiting.insert((life, first), Range { last, missing: missing - 1, noticed_ms });
            }
            return;
        }
        if first < number {
            // Those before it could have been missed earlier.
            let earlier = Range { last: number - 1, missing: number - first, noticed_ms: noticed_ms.min(time_ms) };
            self.put(life, first, earlier, from_ms);
        }
        if number < last {
            self.put(life, number + 1, Range { last, missing: last - number, noticed_ms }, from_ms);
        }
    }

    fn lose(&mut self, first: u64, range: &Range) {
        let Range { last, missing, noticed_ms } = *range;
        let none = Loss { first, last, missing: 0, from_ms: noticed_ms, until_ms: noticed_ms, came_late: 0, told: 0 };
        let all = self.loss.get_or_insert(none);
        all.first = all.first.min(first);
        all.last = all.last.max(last);
        all.missing += missing;
        all.until_ms = all.until_ms.max(noticed_ms);
    }

    /// An episode is over if nothing was lost for long enough by then; `tell` gets it if it is not what was told.
    fn calm_down(&mut self, ms: i64, tell: impl FnOnce(&Loss)) {
        if let Some(loss) = self.loss.take_if(|loss| ms - loss.until_ms >= CALM_MS)
            && (loss.missing != loss.told || loss.came_late > 0)
        {
            tell(&loss);
        }
    }

    /// Whether a number that comes now is one of those that were told to be lost.
    fn is_lost(&mut self, number: u64) -> bool {
        let Some(loss) = self.loss.as_mut().filter(|it| (it.first..=it.last).contains(&number)) else { return false };
        loss.came_late += 1;
        true
    }
}

/// At most [`NAME_BYTES_MAX`] bytes of a name.
pub(super) fn cut(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
