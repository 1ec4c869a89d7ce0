//! Sources that rest, that fall silent, and that only look like it; and that nothing depends on order, batches or restarts.

mod order;
mod quiet;
mod sequence;

use super::*;
use crate::Rulebook;
use model::SourceMapping;
use rand::{Rng, RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) const DAY: i64 = 1_440;
/// Monday 2026-01-05T00:00:00Z, in minutes.
pub(super) const MONDAY: i64 = 29_459_520;

pub(super) fn settings() -> PulseSettings {
    PulseSettings::new("UTC", None).unwrap()
}

pub(super) fn voice() -> Voice {
    Voice::of(&Rulebook::compile(Vec::new(), &[SourceMapping::built_in("native").unwrap()], &mut Vec::new()), 0)
}

/// So many events as come when `mean` are usual.
pub(super) fn poisson(mean: f64, rng: &mut impl Rng) -> u64 {
    let (mut left, mut count) = (1.0, 0);
    let least = (-mean).exp();
    loop {
        left *= rng.random::<f64>();
        if left <= least {
            return count;
        }
        count += 1;
    }
}

/// Events a minute of people who come at eight and go at six on working days, minutes since Monday 2026-01-05.
pub(super) fn office(minute: i64, rate: f64) -> f64 {
    let (day, of_day) = (minute.div_euclid(DAY), minute.rem_euclid(DAY));
    let is_open = day.rem_euclid(7) < 5 && (8 * 60..18 * 60).contains(&of_day);
    if is_open { rate } else { 0.0 }
}

/// What a source tells in `days`, if `rate` says how many events a minute each of `streams` has, in minutes since Monday 2026-01-05.
pub(super) fn told_with(
    settings: PulseSettings,
    days: i64,
    streams: &[&str],
    rate: impl Fn(&str, i64) -> f64,
) -> (Vec<Finding>, Pulse) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut pulse, mut out) = (Pulse::new(settings), Vec::new());
    for minute in 0..days * DAY {
        for stream in streams {
            let count = poisson(rate(stream, minute), &mut rng);
            if count > 0 {
                pulse.count(stream, MONDAY + minute, count);
            }
        }
        pulse.advance(EventTime::from_ms((MONDAY + minute - 4) * MINUTE_MS), &mut out);
    }
    (out, pulse)
}

pub(super) fn told(days: i64, streams: &[&str], rate: impl Fn(&str, i64) -> f64) -> Vec<Finding> {
    told_with(settings(), days, streams, rate).0
}

/// Day, hour and minute, since Monday 2026-01-05, of a time in milliseconds.
pub(super) fn place(ms: i64) -> (i64, i64, i64) {
    let minute = ms.div_euclid(MINUTE_MS) - MONDAY;
    (minute.div_euclid(DAY), minute.rem_euclid(DAY) / 60, minute.rem_euclid(60))
}
