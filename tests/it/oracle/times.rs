//! Parts of times on somebody's clock.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The modifiers that name a part.
pub(crate) const PARTS: [&str; 6] = ["minute", "hour", "day", "week", "month", "year"];

/// A part of the time that `text` is, in `zone`, or in `otherwise` if there is no such zone.
pub(crate) fn part(text: &str, part: &str, zone: &str, otherwise: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok().or_else(|| from_unix(text))?;
    let zones = TimeZoneDatabase::bundled();
    let zone = zones.get(zone).or_else(|_| zones.get(otherwise)).unwrap_or(TimeZone::UTC);
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
