//! How fast simulated time passes.

use std::str::FromStr;
use std::time::Duration;

use sim::AttackTruth;

/// `--speed`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Speed {
    /// As fast as events can be read.
    Max,
    /// Simulated seconds per second.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => Ok(Self::Max),
            _ => match text.parse() {
                Ok(times) if times > 0.0 && f64::is_finite(times) => Ok(Self::Times(times)),
                _ => Err("expected `max` or a number above 0, such as 600".to_owned()),
            },
        }
    }
}

/// Simulated seconds per second when nothing but ordinary work happens.
const QUIET: f64 = 7_200.0;
/// And while the attack goes on.
const ATTACK: f64 = 600.0;
/// The attack's pace begins so much before the attack.
const LEAD_MS: i64 = 30 * 60_000;

/// When, counted from the start, an event of some simulated time is due.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pace {
    /// From a simulated time on, so many simulated seconds per second; in the order of the times. Empty: no waiting.
    legs: Vec<(i64, f64)>,
}

impl Pace {
    pub(super) fn new(speed: Option<Speed>, start_ms: i64, truth: &AttackTruth) -> Self {
        let legs = match (speed, truth.started_ms, truth.ended_ms) {
            (Some(Speed::Max), ..) => Vec::new(),
            (Some(Speed::Times(times)), ..) => vec![(start_ms, times)],
            (None, Some(started_ms), Some(ended_ms)) => {
                vec![(start_ms, QUIET), ((started_ms - LEAD_MS).max(start_ms), ATTACK), (ended_ms, QUIET)]
            }
            (None, ..) => vec![(start_ms, QUIET)],
        };
        Self { legs }
    }

    /// The real time from the start to an event of `time_ms`.
    pub(super) fn due(&self, time_ms: i64) -> Duration {
        let ends = self.legs.iter().skip(1).map(|it| it.0).chain([i64::MAX]);
        let seconds = self.legs.iter().zip(ends).map(|(&(from_ms, times), until_ms)| {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of at most some years")]
            let simulated_ms = (time_ms.min(until_ms) - from_ms).max(0) as f64;
            simulated_ms / 1_000.0 / times
        });
        Duration::try_from_secs_f64(seconds.sum()).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_speed_is_max_or_a_positive_number() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("1.5".parse(), Ok(Speed::Times(1.5)));
        for text in ["", "0", "-1", "NaN", "inf", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fixed_speed_divides_time() {
        let pace = Pace::new(Some(Speed::Times(3_600.0)), HOUR, &AttackTruth::default());
        assert_eq!(pace.due(HOUR), Duration::ZERO);
        assert_eq!(pace.due(3 * HOUR), Duration::from_secs(2));
        assert_eq!(Pace::new(Some(Speed::Max), 0, &AttackTruth::default()).due(3 * HOUR), Duration::ZERO);
    }

    #[test]
    fn the_attack_passes_more_slowly_than_the_days_around_it() {
        let truth = AttackTruth { started_ms: Some(20 * HOUR + LEAD_MS), ended_ms: Some(22 * HOUR), ..AttackTruth::default() };
        let pace = Pace::new(None, 0, &truth);
        assert_eq!(pace.due(20 * HOUR), Duration::from_secs(10));
        assert_eq!(pace.due(22 * HOUR), Duration::from_secs(10 + 12));
        assert_eq!(pace.due(24 * HOUR), Duration::from_secs(10 + 12 + 1));
    }
}
