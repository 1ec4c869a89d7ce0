//! Which windows of a group were told, so that an episode is told once however its hits arrive.
//!
//! A window in which the condition holds belongs to the episode of one that was told within a timespan of it, before or after, unless
//! the condition was false in a window between them. So the order in which windows are judged makes no difference to what they belong
//! to: a late hit that brings an older episode to light leaves the newer one told, and the other way round. Windows that end at the same
//! moment are one here.

use crate::prefetch::prefetch;
use serde::{Deserialize, Serialize};

/// Episodes of a group that are remembered for late hits. There are more only where a condition becomes true and false many times
/// within the allowed lateness; then the oldest goes, and is counted.
const EPISODES_MAX: usize = 256;
/// Almost always there is one, or two.
const EPISODES_USUAL: usize = 2;
/// No window.
const NEVER: i64 = i64::MIN;

/// A window that was told, and what belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    /// When the window ended that was told.
    told_ms: i64,
    /// The first end after it that does not belong to it: a timespan later, or where the condition was false.
    until_ms: i64,
}

impl Episode {
    fn new(told_ms: i64, timespan_ms: i64) -> Self {
        Self { told_ms, until_ms: told_ms.saturating_add(timespan_ms).saturating_add(1) }
    }

    fn contains(&self, end_ms: i64) -> bool {
        self.told_ms <= end_ms && end_ms < self.until_ms
    }
}

/// Episodes in order: as many as there usually are stand here, more of them elsewhere.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Episode>", into = "Vec<Episode>")]
struct Episodes {
    few: [Episode; EPISODES_USUAL],
    /// How many of those there are.
    count: usize,
    /// All, where there are more.
    many: Vec<Episode>,
}

impl Episodes {
    fn as_slice(&self) -> &[Episode] {
        if self.many.is_empty() { &self.few[..self.count] } else { &self.many }
    }

    fn as_mut_slice(&mut self) -> &mut [Episode] {
        if self.many.is_empty() { &mut self.few[..self.count] } else { &mut self.many }
    }

    /// Forgets those that were told before `keep_ms`.
    fn forget_before(&mut self, keep_ms: i64) {
        let gone = self.as_slice().partition_point(|it| it.told_ms < keep_ms);
        if self.many.is_empty() {
            self.few.copy_within(gone..self.count, 0);
            self.count -= gone;
        } else {
            self.many.drain(..gone);
            self.shrink();
        }
    }

    /// Puts one where it belongs in time, after those of the same moment.
    fn insert(&mut self, it: Episode) {
        let place = self.as_slice().partition_point(|other| other.told_ms <= it.told_ms);
        if self.many.is_empty() && self.count < EPISODES_USUAL {
            self.few.copy_within(place..self.count, place + 1);
            self.few[place] = it;
            self.count += 1;
            return;
        }
        if self.many.is_empty() {
            self.many.extend_from_slice(&self.few);
        }
        self.many.insert(place, it);
    }

    fn shrink(&mut self) {
        if self.many.len() <= EPISODES_USUAL {
            *self = std::mem::take(&mut self.many).into();
        }
    }
}

impl From<Vec<Episode>> for Episodes {
    fn from(all: Vec<Episode>) -> Self {
        let mut few = [Episode::default(); EPISODES_USUAL];
        if all.len() > EPISODES_USUAL {
            return Self { few, count: 0, many: all };
        }
        few[..all.len()].copy_from_slice(&all);
        Self { few, count: all.len(), many: Vec::new() }
    }
}

impl From<Episodes> for Vec<Episode> {
    fn from(all: Episodes) -> Self {
        if all.many.is_empty() { all.few[..all.count].to_vec() } else { all.many }
    }
}

/// The episodes of a group that a hit could still belong to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    /// The latest one that was told, unless it was seen to end. Hits that come in order need no other.
    open_ms: i64,
    /// In order. Boxed, since most groups have none; in one block, since whoever asks for them waits for memory.
    episodes: Option<Box<Episodes>>,
}

impl Default for Told {
    fn default() -> Self {
        Self { open_ms: NEVER, episodes: None }
    }
}

impl Told {
    /// Whether the latest window of a group, which ends at `end_ms` and in which the condition holds, was told with another one.
    pub(super) fn is_told(&self, end_ms: i64, timespan_ms: i64) -> bool {
        if self.open_ms <= end_ms {
            // What ended the latest episode ended the earlier ones, too.
            return self.open_ms != NEVER && end_ms.saturating_sub(self.open_ms) <= timespan_ms;
        }
        self.is_in_earlier(end_ms) || self.next_after(end_ms, timespan_ms).is_some()
    }

    /// Whether an end within a timespan of `end_ms` was told, whatever is between them.
    pub(super) fn is_near(&self, end_ms: i64, timespan_ms: i64) -> bool {
        self.all().iter().any(|it| it.told_ms.abs_diff(end_ms) <= timespan_ms.unsigned_abs())
    }

    /// Has brought near what [`Self::tell`] will need.
    pub(super) fn fetch(&self) {
        self.episodes.as_deref().inspect(|it| prefetch(*it));
    }

    fn all(&self) -> &[Episode] {
        self.episodes.as_ref().map_or(&[], |it| it.as_slice())
    }

    /// Whether a window belongs to one that was told before it or with it: what ends the nearest ends all before that.
    fn is_in_earlier(&self, end_ms: i64) -> bool {
        let nearest = self.all().partition_point(|it| it.told_ms <= end_ms).checked_sub(1);
        nearest.is_some_and(|it| self.all()[it].contains(end_ms))
    }

    /// Those before `end_ms`, the latest first, that could reach so far.
    fn before(&mut self, end_ms: i64, timespan_ms: i64) -> impl Iterator<Item = &mut Episode> {
        let all = self.episodes.as_mut().map_or(&mut [][..], |it| it.as_mut_slice());
        let count = all.partition_point(|it| it.told_ms < end_ms);
        all[..count].iter_mut().rev().take_while(move |it| end_ms.saturating_sub(it.told_ms) <= timespan_ms)
    }

    /// The next end after `end_ms` that was told, if that is within a timespan.
    fn next_after(&self, end_ms: i64, timespan_ms: i64) -> Option<i64> {
        let next = self.all().get(self.all().partition_point(|it| it.told_ms <= end_ms)).map(|it| it.told_ms);
        next.filter(|it| it.saturating_sub(end_ms) <= timespan_ms)
    }

    /// Takes note of a window that is told. What was told before `keep_ms` no later one can belong to. How many episodes had to be
    /// forgotten although one could.
    pub(super) fn tell(&mut self, end_ms: i64, timespan_ms: i64, keep_ms: i64) -> u64 {
        let episodes = self.episodes.get_or_insert_default();
        episodes.forget_before(keep_ms);
        episodes.insert(Episode::new(end_ms, timespan_ms));
        let is_too_many = episodes.as_slice().len() > EPISODES_MAX;
        if is_too_many {
            episodes.many.remove(0);
        }
        self.look(timespan_ms);
        u64::from(is_too_many)
    }

    /// Takes note of a window in which the condition is false: episodes of before go no further.
    pub(super) fn end(&mut self, end_ms: i64, timespan_ms: i64) {
        if self.open_ms == NEVER {
            return;
        }
        if end_ms.saturating_sub(self.open_ms) <= timespan_ms {
            self.cut(end_ms, timespan_ms);
        }
        if self.open_ms < end_ms {
            self.open_ms = NEVER;
        }
    }

    fn cut(&mut self, end_ms: i64, timespan_ms: i64) {
        self.before(end_ms, timespan_ms).for_each(|it| it.until_ms = it.until_ms.min(end_ms));
    }

    /// Takes note that the condition is not false any more where it was: what ended there goes on. The last moment at which one of those
    /// that go on could end.
    fn resume(&mut self, end_ms: i64, timespan_ms: i64) -> Option<i64> {
        let mut until_ms = None;
        for it in self.before(end_ms, timespan_ms).filter(|it| it.until_ms == end_ms) {
            *it = Episode::new(it.told_ms, timespan_ms);
            until_ms = until_ms.max(Some(it.until_ms));
        }
        until_ms
    }

    /// Looks whether the latest episode is open.
    fn look(&mut self, timespan_ms: i64) {
        let last = self.all().last();
        self.open_ms = last.filter(|it| **it == Episode::new(it.told_ms, timespan_ms)).map_or(NEVER, |it| it.told_ms);
    }
}

/// Which of the windows that a late hit changes are to be told. They are shown in order, from the one that ends with the hit on; `W` is
/// what it takes to tell one.
pub(super) struct Review<'t, W> {
    told: &'t mut Told,
    timespan_ms: i64,
    keep_ms: i64,
    /// Later windows do not contain the hit.
    changed_ms: i64,
    /// Until then it matters all the same where the condition is false.
    until_ms: i64,
    /// When a window ended last in which the condition is false.
    false_ms: i64,
    /// A window before one that was told: it is to be told if the condition is false between them.
    waiting: Option<Waiting<W>>,
    /// Episodes that had to be forgotten.
    pub(super) forgotten: u64,
}

struct Waiting<W> {
    end_ms: i64,
    window: W,
    /// When the other one ends.
    next_ms: i64,
}

impl<'t, W> Review<'t, W> {
    /// Begins with the window that ends at `time_ms` with the hit; `has_twin` where there is an earlier entry of the same moment. What
    /// was told before `keep_ms` no later hit can belong to.
    pub(super) fn new(told: &'t mut Told, time_ms: i64, has_twin: bool, timespan_ms: i64, keep_ms: i64) -> Self {
        let changed_ms = time_ms.saturating_add(timespan_ms);
        // The window of the twin does not contain the hit: what ended with it has ended.
        let false_ms = if has_twin { time_ms } else { NEVER };
        Self { told, timespan_ms, keep_ms, changed_ms, until_ms: NEVER, false_ms, waiting: None, forgotten: 0 }
    }

    /// Whether a window matters that ends then.
    pub(super) fn wants(&self, end_ms: i64) -> bool {
        end_ms <= self.changed_ms.max(self.until_ms)
    }

    /// The last window that contains the hit has been shown.
    pub(super) fn pass(&mut self) {
        self.changed_ms = NEVER;
    }

    /// Shows the next window, and whether the condition holds in it. What is to be told now, this one or an earlier one.
    pub(super) fn see(&mut self, end_ms: i64, holds: bool, window: impl FnOnce() -> W) -> Option<W> {
        self.waiting.take_if(|it| it.next_ms < end_ms);
        if !holds {
            self.false_ms = end_ms;
            let parted = self.waiting.take().map(|it| {
                self.tell(it.end_ms);
                it.window
            });
            self.told.cut(end_ms, self.timespan_ms);
            return parted;
        }
        if end_ms != self.false_ms
            && let Some(until_ms) = self.told.resume(end_ms, self.timespan_ms)
        {
            self.until_ms = self.until_ms.max(until_ms);
        }
        if end_ms > self.changed_ms || self.waiting.is_some() || self.told.is_in_earlier(end_ms) {
            return None;
        }
        if let Some(next_ms) = self.told.next_after(end_ms, self.timespan_ms) {
            self.until_ms = self.until_ms.max(next_ms);
            self.waiting = Some(Waiting { end_ms, window: window(), next_ms });
            return None;
        }
        self.until_ms = self.until_ms.max(end_ms.saturating_add(self.timespan_ms));
        self.tell(end_ms);
        Some(window())
    }

    fn tell(&mut self, end_ms: i64) {
        self.forgotten += self.told.tell(end_ms, self.timespan_ms, self.keep_ms);
    }
}

impl<W> Drop for Review<'_, W> {
    fn drop(&mut self) {
        self.told.look(self.timespan_ms);
    }
}
