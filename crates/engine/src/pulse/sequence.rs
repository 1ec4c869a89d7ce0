//! Numbers that emitters give their events, one after another: which of them never came.
//!
//! A number that is passed over is waited for until the watermark is where it was missed: what is late by then is lost. Numbers that
//! begin anew are recognised by time: what was sent again is as old as it was, and what is new is not.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most emitters of a source; beyond, the one heard of longest ago is forgotten, and counted.
pub const EMITTERS_MAX: usize = 4_096;
/// Most ranges of an emitter that are waited for; beyond, the first two become one.
pub const RANGES_MAX: usize = 64;
/// Longest name of an emitter that is kept, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 128;
/// A jump further than this is no loss but another way of counting.
const JUMP_MAX: u64 = 1_000_000_000;
/// Counters begin at 0 or 1. One that was not met before its second number or a later one up to here has lost those before.
const BEGIN_MAX: u64 = 1_000;
/// An episode of an emitter is over when nothing more was lost for an hour.
const CALM_MS: i64 = 3_600_000;

/// Numbers that are missing, all or some of those from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Range {
    first: u64,
    last: u64,
    missing: u64,
    /// The time of the event by which it was noticed.
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

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Emitter {
    highest: Option<u64>,
    /// The time of its latest event.
    latest_ms: i64,
    /// The time of the event with which it began anew; what is older is of before.
    begun_ms: i64,
    waiting: Vec<Range>,
    loss: Option<Loss>,
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
}

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sequences {
    emitters: BTreeMap<Box<str>, Emitter>,
    stats: SequenceStats,
    /// Before this nothing is lost, and no loss is over.
    due_ms: i64,
}

impl Default for Sequences {
    fn default() -> Self {
        Self { emitters: BTreeMap::new(), stats: SequenceStats::default(), due_ms: i64::MAX }
    }
}

impl Sequences {
    /// An event of `emitter` has this number.
    pub(super) fn note(&mut self, emitter: &str, number: u64, time_ms: i64) {
        let name = cut(emitter);
        if !self.emitters.contains_key(name) {
            self.make_room();
            self.emitters.insert(name.into(), Emitter { latest_ms: i64::MIN, begun_ms: i64::MIN, ..Emitter::default() });
        }
        let Some(it) = self.emitters.get_mut(name) else { return };
        let highest = it.highest;
        match highest {
            // Where it began is not known.
            None => it.highest = Some(number),
            Some(highest) if number > highest && time_ms >= it.begun_ms => {
                let skipped = number - highest - 1;
                if skipped > JUMP_MAX {
                    self.stats.restarts += 1;
                } else if skipped > 0 {
                    it.wait_for(highest + 1, number - 1, time_ms);
                }
                it.highest = Some(number);
            }
            Some(_) if it.fill(number, time_ms) => {}
            Some(_) if it.is_lost(number) => self.stats.came_late += 1,
            Some(_) if time_ms > it.latest_ms => {
                self.stats.restarts += 1;
                it.begun_ms = time_ms;
                if (2..=BEGIN_MAX).contains(&number) {
                    it.wait_for(1, number - 1, time_ms);
                }
                it.highest = Some(number);
            }
            // Sent again, or a straggler from before it began anew.
            Some(_) => {}
        }
        it.latest_ms = it.latest_ms.max(time_ms);
        if let Some(noticed_ms) = it.waiting.last().map(|it| it.noticed_ms) {
            self.due_ms = self.due_ms.min(noticed_ms);
        }
    }

    /// What is waited for and noticed before the watermark is lost. `tell` gets each loss that is new, and, with `true`, each that has
    /// grown or shrunk since it was told and is over.
    pub(super) fn advance(&mut self, reached_ms: i64, mut tell: impl FnMut(&str, &Loss, bool)) {
        if reached_ms < self.due_ms {
            return;
        }
        self.due_ms = i64::MAX;
        for (name, it) in &mut self.emitters {
            let (mut has_more, stats) = (false, &mut self.stats);
            for range in it.waiting.extract_if(.., |it| it.noticed_ms <= reached_ms) {
                stats.gaps += 1;
                stats.missing += range.missing;
                let all = it.loss.get_or_insert(Loss {
                    first: range.first,
                    last: range.last,
                    missing: 0,
                    from_ms: range.noticed_ms,
                    until_ms: range.noticed_ms,
                    came_late: 0,
                    told: 0,
                });
                all.first = all.first.min(range.first);
                all.last = all.last.max(range.last);
                all.missing += range.missing;
                all.until_ms = all.until_ms.max(range.noticed_ms);
                has_more = true;
            }
            if let Some(loss) = it.loss.as_mut().filter(|loss| has_more && loss.told == 0) {
                loss.told = loss.missing;
                tell(name, loss, false);
            }
            if let Some(loss) = it.loss.take_if(|loss| reached_ms - loss.until_ms >= CALM_MS)
                && (loss.missing != loss.told || loss.came_late > 0)
            {
                tell(name, &loss, true);
            }
            let dues = it.waiting.iter().map(|it| it.noticed_ms).chain(it.loss.iter().map(|it| it.until_ms + CALM_MS));
            self.due_ms = dues.fold(self.due_ms, i64::min);
        }
    }

    /// Nothing is waited for any more: numbers that are missing may have gone elsewhere.
    pub(super) fn forgive(&mut self) {
        for it in self.emitters.values_mut() {
            it.waiting.clear();
            it.highest = None;
        }
    }

    pub(super) fn stats(&self) -> SequenceStats {
        let waiting = self.emitters.values().flat_map(|it| &it.waiting).map(|it| it.missing).sum();
        SequenceStats { emitters: self.emitters.len(), waiting, ..self.stats }
    }

    fn make_room(&mut self) {
        if self.emitters.len() < EMITTERS_MAX {
            return;
        }
        let oldest = self.emitters.iter().min_by_key(|(name, it)| (it.latest_ms, (*name).clone())).map(|it| it.0.clone());
        if let Some(oldest) = oldest {
            self.emitters.remove(&oldest);
            self.stats.emitters_evicted += 1;
        }
    }
}

impl Emitter {
    fn wait_for(&mut self, first: u64, last: u64, noticed_ms: i64) {
        self.waiting.push(Range { first, last, missing: last - first + 1, noticed_ms });
        self.bound();
    }

    fn bound(&mut self) {
        while self.waiting.len() > RANGES_MAX {
            let next = self.waiting.remove(1);
            let both = &mut self.waiting[0];
            both.first = both.first.min(next.first);
            both.last = both.last.max(next.last);
            both.missing += next.missing;
            both.noticed_ms = both.noticed_ms.max(next.noticed_ms);
        }
    }

    /// Whether a number was waited for; now it is here.
    fn fill(&mut self, number: u64, time_ms: i64) -> bool {
        let is_old = time_ms < self.begun_ms;
        let has = |it: &Range| (it.first..=it.last).contains(&number) && is_old == (it.noticed_ms < self.begun_ms);
        let Some(at) = self.waiting.iter().position(has) else { return false };
        let Range { first, last, missing, noticed_ms } = self.waiting[at];
        if missing < last - first + 1 {
            // Two ranges that became one: which of the numbers in it are missing is not known any more.
            self.waiting[at].missing -= 1;
        } else {
            let before = (first < number).then(|| Range { first, last: number - 1, missing: number - first, noticed_ms });
            let after = (number < last).then(|| Range { first: number + 1, last, missing: last - number, noticed_ms });
            self.waiting.splice(at..=at, before.into_iter().chain(after));
            self.bound();
            return true;
        }
        if self.waiting[at].missing == 0 {
            self.waiting.remove(at);
        }
        true
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
