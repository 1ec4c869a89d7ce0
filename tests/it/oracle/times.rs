//! Parts of times on somebody's clock.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use regex::Regex;

/// The modifiers that name a part.
pub(crate) const PARTS: [&str; 6] = ["minute", "hour", "day", "week", "month", "year"];

/// A part of the time that `text` is, in `zone`, or in `otherwise` if there is no such zone.
pub(crate) fn part(text: &str, part: &str, zone: &str, otherwise: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok().or_else(|| from_unix(text))?;
    let zones = TimeZoneDatabase::bundled();
    let zone = match (zone.trim(), from_utc(zone.trim())) {
        (_, Some(seconds)) => TimeZone::fixed(Offset::from_seconds(seconds).expect("less than a day")),
        (name, None) => zones.get(name).or_else(|_| zones.get(otherwise)).unwrap_or(TimeZone::UTC),
    };
    let local = time.to_zoned(zone);
    Some(match part {
        "minute" => i64::from(local.minute()),
        "hour" => i64::from(local.hour()),
        "day" => i64::from(local.day()),
        "week" => i64::from(local.date().iso_week_date().week()),
        "month" => i64::from(local.month()),
        _ => i64::from(local.year()),
    })
}

/// The seconds of an offset from UTC.
fn from_utc(zone: &str) -> Option<i32> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let form = Regex::new("(?i)^(?:UTC|GMT)?([+-])([01]?[0-9]|2[0-3])(?::?([0-5][0-9]))?$").expect("an expression");
    let found = form.captures(zone).filter(|it| it.get(3).is_none() || it[2].len() == 2 || zone.contains(':'))?;
    let of = |at: usize| found.get(at).map_or(0, |it| it.as_str().parse::<i32>().expect("two digits"));
    let seconds = 3_600 * of(2) + 60 * of(3);
    Some(if &found[1] == "-" { -seconds } else { seconds })
}

/// A number is a Unix time in seconds, milliseconds, microseconds or nanoseconds: the unit that puts it nearest to now. A fraction
/// is of seconds.
fn from_unix(text: &str) -> Option<Timestamp> {
    if let Ok(whole) = text.parse::<i64>() {
        return match whole.unsigned_abs() {
            0..100_000_000_000 => Timestamp::from_second(whole),
            100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(whole),
            100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(whole),
            _ => Timestamp::from_nanosecond(whole.into()),
        }
        .ok();
    }
    let number = text.parse::<f64>().ok().filter(|it| it.abs() < 9e18)?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
    if number.abs() < 1e11 {
        Timestamp::from_millisecond((number * 1_000.0).round() as i64).ok()
    } else {
        from_unix(&(number as i64).to_string())
    }
}
