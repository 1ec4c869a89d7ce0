//! The rhythm of one stream of events: what is usual at an hour, how much was missed by it, and whether that can be chance.
//!
//! What is missed is what *should* have come, and that needs a reason: that the stream itself was in full swing a moment ago, that other
//! streams of the source go on as usual, or that it was never quiet for nearly so long. On a holiday none of these holds: the stream did
//! not begin its day, and neither did the others.

use super::week::Week;
use baseline::tails::NegativeBinomial;
use serde::{Deserialize, Serialize};

/// Nobody is called because of a stream that is known for less than this: two weeks, in minutes.
pub const LEARN_MINUTES: i64 = 14 * 1_440;
/// ln of the chance below which something is no chance: one in a million.
pub(super) const LN_CHANCE: f64 = -13.815_510_557_964_274;
/// How many times as much must be missing as ever was when nothing was wrong.
pub(super) const MARGIN: f64 = 2.0;
/// A silence must be longer than this, in minutes.
pub(super) const SILENT_MINUTES: i64 = 2;
/// Fewest events that must be missing.
const MISSED_MIN: f64 = 10.0;
/// A drop is judged after so many minutes …
const DROP_MINUTES: i64 = 30;
/// … in which at least so many events were usual …
const DROP_MISSED_MIN: f64 = 100.0;
/// … of which at most this share came.
const DROP_SHARE: f64 = 0.05;
/// How a drop is weighed: the logarithm of the likelihood ratio of a twentieth of the usual rate to the usual one is so much for an event
/// that was usual (1 − 1/20), and so much less for each that came (ln 20).
const DROP_GAIN: f64 = 0.95;
const DROP_LOSS: f64 = 2.995_732_273_553_991;
/// What an episode can weigh at most once it was told, so that it is over soon after the stream is back: three events more than are due.
const TOLD_MAX: f64 = 3.0 * DROP_LOSS;
/// For so many minutes a stream can be expected to go on as it was.
const SWING_MINUTES: i64 = 180;
/// A stream with nobody beside it must be quiet for so many times the longest quiet of before, if it did not fall silent in full swing.
const LONGEST_FACTOR: f64 = 1.5;
const WEEK_MINUTES: i64 = 7 * 1_440;
/// What happened an hour ago weighs half: 0.5^(1/60).
const RECENT_DECAY: f64 = 0.988_514_020_352_896_2;
/// The minutes that those of late come to: 1/(1 − 0.5^(1/60)).
const RECENT_MINUTES: f64 = 87.062_868;
/// Streams of which fewer events were usual of late say nothing about others.
const COMPANY_MIN: f64 = 5.0;
/// Records fade by this a week.
const RECORD_DECAY: f32 = 0.95;
/// Sizes of the negative binomial: at most as even as this, at least as uneven.
const SIZE_MAX: f64 = 50.0;
const SIZE_MIN: f64 = 0.25;
/// Hours after which the unevenness is known; before, it is taken to be as large as can be.
const SPREAD_HOURS: u32 = 100;
/// What an hour weighs in the unevenness, after one more.
const SPREAD_DECAY: f64 = 0.999;

/// What happens to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Nothing comes.
    Silent,
    /// Next to nothing comes.
    Dropped,
}

/// A time in which less came than usual.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Dearth {
    /// Its first minute.
    pub(super) since: i64,
    /// What came.
    pub(super) actual: f64,
    /// What should have come.
    pub(super) missed: f64,
    /// The most that should have come in a minute of it.
    peak: f64,
    /// Events a minute before it.
    swing: f64,
    /// What is held against the stream, by the weights of a drop, and the most that ever was.
    score: f64,
    top: f64,
}

/// A dearth that is no chance, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Episode {
    pub(super) kind: Kind,
    /// Its first minute.
    pub(super) since: i64,
    /// The minute after which it was told.
    pub(super) told: i64,
    /// The minute since which events come again, if they do.
    pub(super) back: Option<i64>,
    /// Events of its time that came after it was told, too late to count.
    pub(super) came_late: u64,
}

/// What a minute brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// An episode began.
    Began(Episode, Measure),
    /// It is over: so much came, and so much was missed in all of it.
    Ended(Episode),
}

/// The figures of an episode when it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measure {
    pub(super) actual: f64,
    pub(super) missed: f64,
    /// ln of the chance.
    pub(super) ln_chance: f64,
    /// The most that was ever missed while nothing was wrong.
    pub(super) record: f64,
    /// The longest that the stream was ever quiet while nothing was wrong, in minutes.
    pub(super) longest: f64,
    /// How long a quiet has a chance of one in a thousand at this hour, in minutes.
    pub(super) rarely: f64,
    /// Events an hour that are usual at this hour.
    pub(super) per_hour: f64,
}

/// What was missed at most while nothing was wrong, and how long the longest quiet was.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Record {
    missed: f32,
    score: f32,
    minutes: f32,
    week: i64,
}

/// Events of late, what came and what is usual, by which an hour ago weighs half.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Recent {
    actual: f64,
    usual: f64,
}

/// How uneven the hours are: Σ((x−μ)²−μ) and Σμ².
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Spread {
    excess: f64,
    square: f64,
    hours: u32,
}

/// The rhythm of one stream. Minutes are passed one after another, with how many events each had; nothing here knows what time it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Rhythm {
    /// The first minute.
    begun: i64,
    week: Week,
    spread: Spread,
    recent: Recent,
    /// Events of the present hour so far, and in how many minutes.
    hour: (f64, u8),
    quiet: Dearth,
    thin: Dearth,
    record: Record,
    episode: Option<Episode>,
    /// The latest minute with an event.
    last: i64,
}

/// Where a minute stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    /// Minutes since the epoch.
    pub(super) minute: i64,
    /// The hour of the week.
    pub(super) slot: usize,
}

impl Rhythm {
    /// A stream whose first event is in `minute`.
    pub(super) fn begin(minute: i64) -> Self {
        let quiet = Dearth { since: minute, ..Dearth::default() };
        Self { begun: minute, last: minute, quiet, thin: quiet, ..Self::default() }
    }

    /// The latest minute with an event.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Whether it is known well enough to be missed at `minute`.
    pub(super) fn is_known(&self, minute: i64) -> bool {
        minute - self.begun >= LEARN_MINUTES
    }

    /// What is told of it at present.
    pub(super) fn episode(&self) -> Option<&Episode> {
        self.episode.as_ref()
    }

    /// The same, for what comes late.
    pub(super) fn episode_mut(&mut self) -> Option<&mut Episode> {
        self.episode.as_mut()
    }

    /// How much of what is usual came of late, as far as that says anything about others.
    pub(super) fn share_of_late(&self) -> Option<f64> {
        const PRIOR: f64 = 2.0;
        let Recent { actual, usual } = self.recent;
        (usual >= COMPANY_MIN && self.episode.is_none()).then(|| ((actual + PRIOR) / (usual + PRIOR)).min(1.0))
    }

    /// How likely its present quiet is; ln.
    pub(super) fn ln_chance_of_quiet(&self) -> f64 {
        self.ln_chance(&self.quiet)
    }

    /// A minute is over that had `count` events. `company` is how much of what is usual came of the other streams, if there are any.
    /// With `is_judged`, it may be told of.
    pub(super) fn pass(&mut self, at: At, count: u64, company: Option<f64>, is_judged: bool) -> Option<Change> {
        #[expect(clippy::cast_precision_loss, reason = "no minute has 2^52 events")]
        let count = count as f64;
        self.fade(at.minute);
        let due = self.week.least(at.slot);
        let change = if count > 0.0 {
            self.come(at);
            None
        } else {
            self.miss(at, due, company, is_judged)
        };
        let change = change.or_else(|| self.thin_out(at, count, due, company, is_judged && count > 0.0));
        let usual = self.week.usual(at.slot).unwrap_or(0.0);
        self.recent.actual = self.recent.actual * RECENT_DECAY + count;
        self.recent.usual = self.recent.usual * RECENT_DECAY + usual;
        self.hour.0 += count;
        self.hour.1 += 1;
        if at.minute.rem_euclid(60) == 59 {
            self.end_hour(at.slot);
        }
        change
    }

    /// Minutes of which nothing is known: nothing came of the source at all.
    pub(super) fn skip(&mut self, minutes: i64) {
        if minutes > 0 {
            self.quiet.since += minutes;
            self.thin.since += minutes;
            // An hour with a hole has too few minutes to be learnt.
            self.hour = (0.0, 0);
        }
    }

    /// So many times as many events are to be expected from now on.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.week.rescale(factor);
        self.recent.usual *= factor;
        self.recent.actual *= factor;
        self.hour = (0.0, 0);
    }

    /// A minute with events ends a quiet, which is worth remembering unless something was wrong.
    fn come(&mut self, at: At) {
        self.last = at.minute;
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "records need few digits")]
        if self.episode.is_none() {
            self.record.missed = self.record.missed.max(self.quiet.missed as f32);
            self.record.minutes = self.record.minutes.max((at.minute - self.quiet.since) as f32);
        }
        self.quiet = Dearth { since: at.minute + 1, ..Dearth::default() };
    }

    /// A minute without events.
    fn miss(&mut self, at: At, due: f64, company: Option<f64>, is_judged: bool) -> Option<Change> {
        let minutes = at.minute + 1 - self.quiet.since;
        if minutes == 1 {
            self.quiet.swing = self.recent.actual / RECENT_MINUTES;
        }
        let weight = self.owed(&self.quiet, minutes, due, company);
        self.quiet.add(0.0, weight);
        let is_long = minutes > SILENT_MINUTES && self.quiet.missed >= MISSED_MIN.max(MARGIN * f64::from(self.record.missed));
        if !is_long || !is_judged || self.episode.is_some() || !self.is_known(at.minute) {
            return None;
        }
        let ln_chance = self.ln_chance(&self.quiet);
        (ln_chance <= LN_CHANCE).then(|| self.tell(Kind::Silent, at, self.quiet, ln_chance))
    }

    /// Weighs whether next to nothing comes, over however long a time that says most.
    fn thin_out(&mut self, at: At, count: f64, due: f64, company: Option<f64>, is_judged: bool) -> Option<Change> {
        if self.thin.score <= 0.0 {
            let swing = self.recent.actual / RECENT_MINUTES;
            self.thin = Dearth { since: at.minute, swing, ..Dearth::default() };
        }
        let minutes = at.minute + 1 - self.thin.since;
        let owed = self.owed(&self.thin, minutes, due, company);
        self.thin.add(count, owed);
        self.thin.score = (self.thin.score + DROP_GAIN * owed - DROP_LOSS * count).max(0.0);
        self.thin.top = self.thin.top.max(self.thin.score);
        if let Some(episode) = &mut self.episode {
            self.thin.score = self.thin.score.min(TOLD_MAX);
            if self.thin.score >= TOLD_MAX {
                episode.back = None;
            } else if count > 0.0 {
                episode.back.get_or_insert(at.minute);
            }
        }
        if self.thin.score <= 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "records need few digits")]
            let top = self.thin.top as f32;
            if self.episode.is_none() {
                self.record.score = self.record.score.max(top);
            }
            return self.episode.take().map(Change::Ended);
        }
        let is_low = minutes >= DROP_MINUTES
            && self.thin.missed >= DROP_MISSED_MIN
            && self.thin.actual <= DROP_SHARE * self.thin.missed
            && self.thin.score >= MARGIN * f64::from(self.record.score);
        if !is_low || !is_judged || self.episode.is_some() || !self.is_known(at.minute) {
            return None;
        }
        let ln_chance = self.ln_chance(&self.thin);
        (ln_chance <= LN_CHANCE).then(|| self.tell(Kind::Dropped, at, self.thin, ln_chance))
    }

    /// How many of the events that are due in a minute can be held against the stream: what it had just before, for some hours; what the
    /// others have; or all, if it was never quiet for so long.
    fn owed(&self, dearth: &Dearth, minutes: i64, due: f64, company: Option<f64>) -> f64 {
        if self.episode.is_some() {
            // It is over when the usual comes again.
            return due * company.unwrap_or(1.0);
        }
        let own = if minutes <= SWING_MINUTES { due.min(dearth.swing) } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        let minutes = minutes as f64;
        let longest = f64::from(self.record.minutes);
        let alone = if longest > 0.0 && minutes > LONGEST_FACTOR * longest { due } else { 0.0 };
        own.max(due * company.unwrap_or(0.0)).max(alone)
    }

    fn tell(&mut self, kind: Kind, at: At, dearth: Dearth, ln_chance: f64) -> Change {
        let episode = Episode { kind, since: dearth.since, told: at.minute, back: None, came_late: 0 };
        self.episode = Some(episode);
        let size = self.size();
        let due = self.week.least(at.slot).max(1e-9);
        // (1 + m/k)^-k = 1/1000
        let rarely = size * (libm::pow(1_000.0, 1.0 / size) - 1.0) / due;
        let record = match kind {
            Kind::Silent => self.record.missed,
            Kind::Dropped => self.record.score,
        };
        let Dearth { actual, missed, .. } = dearth;
        let longest = f64::from(self.record.minutes);
        let per_hour = 60.0 * self.week.usual(at.slot).unwrap_or(0.0);
        Change::Began(episode, Measure { actual, missed, ln_chance, record: f64::from(record), longest, rarely, per_hour })
    }

    /// ln of the chance that so little comes: hours vary by themselves, each for itself, as they have varied so far.
    fn ln_chance(&self, dearth: &Dearth) -> f64 {
        if dearth.missed <= 0.0 {
            return 0.0;
        }
        let hours = (dearth.missed / (60.0 * dearth.peak)).max(1.0);
        NegativeBinomial::new(dearth.missed, self.size() * hours).tails(dearth.actual + 1.0).lower.ln_p()
    }

    fn size(&self) -> f64 {
        let Spread { excess, square, hours } = self.spread;
        if hours < SPREAD_HOURS || square <= 0.0 {
            return SIZE_MIN;
        }
        (square / excess.max(square / SIZE_MAX)).clamp(SIZE_MIN, SIZE_MAX)
    }

    /// Learns an hour; one in which something is wrong hardly or, while that is not sure, not at all.
    fn end_hour(&mut self, slot: usize) {
        // One in a thousand.
        const DOUBT: f64 = -6.907_755_278_982_137;
        let (count, minutes) = std::mem::take(&mut self.hour);
        if minutes < 60 {
            return;
        }
        if self.episode.is_some() {
            return self.week.heed(slot, count);
        }
        if self.ln_chance(&self.quiet) < DOUBT {
            return;
        }
        if let Some(usual) = self.week.usual(slot) {
            let usual = 60.0 * usual;
            // A surge says little about how little may come.
            let off = (count - usual).clamp(-usual, 2.0 * usual);
            self.spread.excess = self.spread.excess * SPREAD_DECAY + off * off - usual;
            self.spread.square = self.spread.square * SPREAD_DECAY + usual * usual;
            self.spread.hours = self.spread.hours.saturating_add(1);
        }
        self.week.learn(slot, count);
    }

    fn fade(&mut self, minute: i64) {
        let week = minute.div_euclid(WEEK_MINUTES);
        if week > self.record.week {
            if self.record.week != 0 {
                self.record.missed *= RECORD_DECAY;
                self.record.score *= RECORD_DECAY;
                self.record.minutes *= RECORD_DECAY;
            }
            self.record.week = week;
        }
    }
}

impl Dearth {
    fn add(&mut self, actual: f64, owed: f64) {
        self.actual += actual;
        self.missed += owed;
        self.peak = self.peak.max(owed);
    }
}
