//! Event time: milliseconds since the Unix epoch, and the forms in which audit logs write it.

use std::fmt;

/// When an event happened, by its own account, in milliseconds since 1970-01-01T00:00:00Z. Leap seconds are folded as in Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventTime(i64);

const MS_PER_DAY: i64 = 86_400_000;

impl EventTime {
    /// The earliest time there is.
    pub const MIN: Self = Self(i64::MIN);

    /// The time `ms` milliseconds after the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// This time moved by `ms`, stopping at the ends of the range.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Reads RFC 3339 and its relatives in audit logs: `T` or a space between date and time, any number of fraction digits (cut to
    /// milliseconds), a zone of `Z`, `±hh:mm`, `±hhmm` or none, which means UTC. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        LatestMinute::default().parse(text)
    }

    /// Reads a time in either form: [`Self::parse`], then [`Self::from_unix`].
    pub fn read(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Self::from_unix(text))
    }

    /// Reads a Unix time that may be in seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude (the ranges do
    /// not meet between 1973 and 2286). A fraction counts for seconds and is cut off the finer units, which some exporters write as
    /// floating point numbers.
    pub fn from_unix(number: &str) -> Option<Self> {
        if let Ok(whole) = number.parse::<i64>() {
            return Some(Self::from_whole_unix(whole));
        }
        let number = number.parse::<f64>().ok().filter(|it| it.abs() < 9e18)?;
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        let time = if number.abs() < 1e11 { Self((number * 1_000.0).round() as i64) } else { Self::from_whole_unix(number as i64) };
        Some(time)
    }

    fn from_whole_unix(whole: i64) -> Self {
        Self(match whole.unsigned_abs() {
            0..100_000_000_000 => whole * 1_000,
            100_000_000_000..100_000_000_000_000 => whole,
            100_000_000_000_000..100_000_000_000_000_000 => whole.div_euclid(1_000),
            _ => whole.div_euclid(1_000_000),
        })
    }
}

/// Reads times as [`EventTime::parse`] does, and what they have in common with the one before only once: up to the minute they mostly are
/// the same.
#[derive(Debug, Clone, Copy)]
pub struct LatestMinute {
    /// `2026-03-02T14:03:` as it was written.
    text: [u8; MINUTE_BYTES],
    ms: i64,
}

const MINUTE_BYTES: usize = 17;

impl Default for LatestMinute {
    fn default() -> Self {
        Self { text: *b"1970-01-01T00:00:", ms: 0 }
    }
}

impl LatestMinute {
    /// The time that `text` says.
    pub fn parse(&mut self, text: &str) -> Option<EventTime> {
        let (minute, rest) = text.as_bytes().split_first_chunk::<MINUTE_BYTES>()?;
        if self.text != *minute {
            *self = Self { text: *minute, ms: minute_ms(minute)? };
        }
        let (&[tens, ones], rest) = rest.split_first_chunk::<2>()?;
        let second = two(tens, ones)?;
        if second > 60 {
            return None;
        }
        let (fraction_ms, zone) = fraction(rest)?;
        let offset_ms = zone_offset_ms(zone)?;
        Some(EventTime(self.ms + second.min(59) * 1_000 + fraction_ms - offset_ms))
    }
}

/// When the minute began that is written as `2026-03-02T14:03:`.
fn minute_ms(text: &[u8; MINUTE_BYTES]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':'] = *text else { return None };
    let (year, month, day) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?);
    let (hour, minute) = (two(h1, h2)?, two(n1, n2)?);
    if month == 0 || month > 12 || day == 0 || day > days_in_month(year, month) || hour > 23 || minute > 59 {
        return None;
    }
    Some(days_from_civil(year, month, day) * MS_PER_DAY + (hour * 60 + minute) * 60_000)
}

impl fmt::Display for EventTime {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(MS_PER_DAY), self.0.rem_euclid(MS_PER_DAY));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
    }
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// The milliseconds of an optional `.fraction` and what follows it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) else {
        return Some((0, rest));
    };
    let count = digits.iter().take_while(|it| it.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let mut ms = 0;
    for at in 0..3 {
        ms = ms * 10 + digits[..count].get(at).map_or(Some(0), |&it| digit(it))?;
    }
    Some((ms, &digits[count..]))
}

fn zone_offset_ms(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ms = (hours * 60 + minutes) * 60_000;
    match sign {
        b'+' => Some(ms),
        b'-' => Some(-ms),
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the epoch of a proleptic Gregorian date. Years begin in March, so that the leap day is the last of its year
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(EventTime::parse(text).map(|it| it.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_forms_of_real_audit_logs_are_read() {
        check("2026-03-02T14:03:11.482Z", Some("2026-03-02T14:03:11.482Z"));
        check("2022-03-22 14:21:53.225", Some("2022-03-22T14:21:53.225Z"));
        check("2020-11-25 21:27:03.496000000", Some("2020-11-25T21:27:03.496Z"));
        check("2019-01-01T00:00:00Z", Some("2019-01-01T00:00:00.000Z"));
        check("2026-03-02T14:03:11.4829+02:00", Some("2026-03-02T12:03:11.482Z"));
        check("2026-03-02T14:03:11-0330", Some("2026-03-02T17:33:11.000Z"));
        check("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59.000Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00X",
            "2026-01-01",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn either_form_is_read() {
        assert_eq!(EventTime::read("1970-01-01T00:00:01Z"), EventTime::read("1"));
        assert_eq!(EventTime::read("redacted"), None);
    }

    #[test]
    fn unix_times_are_told_apart_by_magnitude() {
        for text in [
            "1671111111",
            "1671111111000",
            "1671111111000000",
            "1671111111000000000",
            "1671111111.0004",
            "1671111111000.0",
            "1.671111111e12",
        ] {
            assert_eq!(EventTime::from_unix(text).map(EventTime::ms), Some(1_671_111_111_000), "{text}");
        }
        assert_eq!(EventTime::from_unix("1e400"), None);
        assert_eq!(EventTime::from_unix("NaN"), None);
        assert_eq!(EventTime::from_unix("-9223372036854775808").map(EventTime::ms), Some(-9_223_372_036_855));
    }

    proptest! {
        #[test]
        fn parsing_agrees_with_jiff(ms in -62_000_000_000_000_i64..253_000_000_000_000) {
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            let text = format!("{theirs:.3}");
            prop_assert_eq!(EventTime::parse(&text).map(EventTime::ms), Some(ms));
            prop_assert_eq!(EventTime::from_ms(ms).to_string(), text);
        }

        #[test]
        fn what_is_known_of_the_minute_before_changes_no_time(texts in prop::collection::vec(
            "2026-0[23]-(02|30)[T ](14|25):0[0-2]:[0-6][0-9](\\.[0-9]{3})?(Z|\\+02:00)?", 1..20)) {
            let mut latest = LatestMinute::default();
            for text in texts {
                prop_assert_eq!(latest.parse(&text), EventTime::parse(&text));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (EventTime::parse(&text), EventTime::from_unix(&text));
        }
    }
}
