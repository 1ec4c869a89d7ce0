//! What is told: which stream or emitter, from when to when, and the figures.

use super::MINUTE_MS;
use super::canary::Missing;
use super::rhythm::{At, Change, Episode, Kind, Measure};
use super::sequence::Loss;

/// One thing that is wrong with a source, or was.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub what: What,
    /// The stream or the emitter; empty: the source as a whole.
    pub of: Box<str>,
    /// Where it begins, in milliseconds since the epoch; with `of` and the kind of `what`, what it is known by.
    pub from_ms: i64,
    /// Up to where it is known.
    pub until_ms: i64,
    /// It is over, or a gap has become much larger: this amends what was told before.
    pub is_end: bool,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Nothing comes.
    Silent(Quiet),
    /// Next to nothing comes.
    Dropped(Quiet),
    /// Numbers are missing.
    Gap {
        /// The least number that is lost.
        first: u64,
        /// The largest.
        last: u64,
        /// How many are.
        missing: u64,
        /// How many of them came after they were told to be lost.
        came_late: u64,
    },
    /// The canary did not come out.
    Canary {
        /// How often it should.
        every_ms: i64,
        /// Whether any ever did; else `from_ms` is when it was first expected.
        has_come: bool,
    },
}

/// Why a quiet is no chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quiet {
    /// Events that came.
    pub actual: f64,
    /// Events that were to be expected at least.
    pub missed: f64,
    /// ln of the chance that so few come.
    pub ln_chance: f64,
    /// For how long the stream was silent at most while nothing was wrong, in milliseconds.
    pub longest_ms: i64,
    /// Only one silence in a thousand is longer than this at such an hour, in milliseconds.
    pub rarely_ms: i64,
    /// Events an hour that are usual at such an hour.
    pub per_hour: f64,
    /// Events of the time that came after it was told.
    pub came_late: u64,
}

/// A silence or a drop in the minute `at`.
pub(super) fn quiet(stream: &str, change: Change, at: At) -> Finding {
    let (Episode { kind, since, told, back, came_late }, measure) = match change {
        Change::Began(episode, measure) => (episode, Some(measure)),
        Change::Ended(episode) => (episode, None),
    };
    let none = Measure { actual: 0.0, missed: 0.0, ln_chance: 0.0, record: 0.0, longest: 0.0, rarely: 0.0, per_hour: 0.0 };
    let Measure { actual, missed, ln_chance, longest, rarely, per_hour, .. } = measure.unwrap_or(none);
    let (longest_ms, rarely_ms) = (in_ms(longest), in_ms(rarely));
    let quiet = Quiet { actual, missed, ln_chance, longest_ms, rarely_ms, per_hour, came_late };
    let is_end = measure.is_none();
    Finding {
        what: match kind {
            Kind::Silent => What::Silent(quiet),
            Kind::Dropped => What::Dropped(quiet),
        },
        of: stream.into(),
        from_ms: since * MINUTE_MS,
        until_ms: if is_end { back.unwrap_or(at.minute).max(told) * MINUTE_MS } else { (told + 1) * MINUTE_MS },
        is_end,
    }
}

fn in_ms(minutes: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "held within a year")]
    let ms = (minutes.clamp(0.0, 525_600.0) * 60_000.0) as i64;
    ms
}

/// Numbers of `emitter` that are lost.
pub(super) fn gap(emitter: &str, loss: &Loss, is_end: bool) -> Finding {
    let Loss { first, last, missing, from_ms, until_ms, came_late, .. } = *loss;
    Finding { what: What::Gap { first, last, missing, came_late }, of: emitter.into(), from_ms, until_ms, is_end }
}

/// A canary that is missing, or out again.
pub(super) fn canary(missing: Missing, every_ms: i64) -> Finding {
    let Missing { last_ms, has_come, back_ms } = missing;
    Finding {
        what: What::Canary { every_ms, has_come },
        of: Box::default(),
        from_ms: last_ms,
        until_ms: back_ms.unwrap_or_else(|| missing.due_ms(every_ms)),
        is_end: back_ms.is_some(),
    }
}
