//! Values that are computed from others: parts of a time on somebody's clock, and the relation of two fields.

use super::values::each_value;
use crate::ast::{Relation, TimePart};
use crate::compile::Program;
use crate::fold::folded;
use crate::number::Decimal;
use hashbrown::HashMap;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use model::{Event, EventTime, SlotId, Value};

/// Most time zones that are kept; there are about 600 names.
const ZONES_MAX: usize = 1_024;

/// Tells local time: in the actor's zone where the event names one, else in the zone of the source.
#[derive(Debug, Clone)]
pub struct Clock {
    database: TimeZoneDatabase,
    default: TimeZone,
    zones: HashMap<Box<str>, TimeZone>,
}

impl Default for Clock {
    /// UTC where the event names no zone.
    fn default() -> Self {
        Self { database: TimeZoneDatabase::bundled(), default: TimeZone::UTC, zones: HashMap::new() }
    }
}

impl Clock {
    /// A clock that uses `zone` (an IANA name, or an offset like `+02:30`) where the event names none. `None` if there is no such zone.
    pub fn with_default(zone: &str) -> Option<Self> {
        let mut clock = Self::default();
        clock.default = clock.known(zone.trim())?;
        Some(clock)
    }

    /// A part of `time` on the clock of the zone of that name, else on this one's, and the name of the zone that was taken.
    pub fn part(&mut self, time: EventTime, zone: Option<&str>, part: TimePart) -> Option<(i64, String)> {
        let zone = match zone {
            Some(name) => self.zone(name),
            None => self.default.clone(),
        };
        let name = match zone.to_fixed_offset() {
            Ok(offset) if zone.iana_name().is_none() => format!("UTC{offset}"),
            _ => zone.iana_name().unwrap_or("UTC").to_owned(),
        };
        Some((part_of(time, &zone, part)?, name))
    }

    /// A part of each time in `slot`: one, or as many as an array has.
    pub(super) fn parts(&mut self, program: &Program, event: &Event<'_>, slot: SlotId, part: TimePart) -> Vec<i64> {
        let schema = &program.schema;
        let mut times = Vec::new();
        if schema.roles.time.first() == Some(&slot) {
            times.push(event.time);
        } else {
            let mut read = |it: Value<'_>| times.extend(it.text().and_then(|it| EventTime::read(&it)));
            each_value(event.value(slot), schema.projection.path(slot), &mut read);
        }
        let zone = match event.first(&schema.roles.zone) {
            Value::Text(name) => self.zone(name),
            Value::Escaped(raw) => self.zone(&model::value::unescape(raw)),
            _ => self.default.clone(),
        };
        times.into_iter().filter_map(|it| part_of(it, &zone, part)).collect()
    }

    /// The zone of that name; the default one for a name that there is not.
    fn zone(&mut self, name: &str) -> TimeZone {
        let name = name.trim();
        if let Some(zone) = self.zones.get(name) {
            return zone.clone();
        }
        let zone = self.known(name).unwrap_or_else(|| self.default.clone());
        if self.zones.len() < ZONES_MAX {
            self.zones.insert(name.into(), zone.clone());
        }
        zone
    }

    fn known(&self, name: &str) -> Option<TimeZone> {
        self.database.get(name).ok().or_else(|| offset(name).map(TimeZone::fixed))
    }
}

/// The offset from UTC that a name is, plus being east as in ISO 8601: `Z`, `+02:30`, `-0500`, `+2`, `UTC+1`, `GMT-03:00`.
fn offset(name: &str) -> Option<Offset> {
    if name.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let is_prefixed = name.get(..3).is_some_and(|it| it.eq_ignore_ascii_case("utc") || it.eq_ignore_ascii_case("gmt"));
    let signed = if is_prefixed { &name[3..] } else { name };
    let (sign, digits) = match (signed.strip_prefix('+'), signed.strip_prefix('-')) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let is_short = matches!(hours.len(), 1 | 2) && minutes.len() == 2;
    if !is_short || !hours.bytes().chain(minutes.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let is_of_a_day = hours < 24 && minutes < 60;
    is_of_a_day.then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()).flatten()
}

fn part_of(time: EventTime, zone: &TimeZone, part: TimePart) -> Option<i64> {
    let local = Timestamp::from_millisecond(time.ms()).ok()?.to_zoned(zone.clone()).datetime();
    Some(match part {
        TimePart::Minute => i64::from(local.minute()),
        TimePart::Hour => i64::from(local.hour()),
        TimePart::Day => i64::from(local.day()),
        TimePart::Week => i64::from(local.date().iso_week_date().week()),
        TimePart::Month => i64::from(local.month()),
        TimePart::Year => i64::from(local.year()),
    })
}

/// Whether a text of one field, or of one of its elements, is in `relation` to one of the other. Two numbers are equal by their value.
pub(super) fn related(
    program: &Program,
    event: &Event<'_>,
    (left, right): (SlotId, SlotId),
    relation: Relation,
    cased: bool,
) -> bool {
    let scalars = |slot: SlotId| {
        let mut scalars = Vec::new();
        each_value(event.value(slot), program.schema.projection.path(slot), &mut |it| {
            let number = if let Value::Number(text) = it { Decimal::read(text) } else { None };
            scalars.extend(it.text().map(|it| (number, if cased { it.into_owned() } else { folded(&it) })));
        });
        scalars
    };
    let right = scalars(right);
    scalars(left).iter().any(|(left_number, left)| {
        right.iter().any(|(right_number, right)| match relation {
            Relation::Equal => left == right || (left_number.is_some() && left_number == right_number),
            Relation::StartsWith => left.starts_with(right.as_str()),
            Relation::EndsWith => left.ends_with(right.as_str()),
            Relation::Contains => left.contains(right.as_str()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hour at noon of UTC, and the zone that was taken, of a source in New York.
    #[track_caller]
    fn check(zone: &str, expected: &str) {
        let noon = EventTime::parse("2026-01-15T12:00:00Z").unwrap();
        let mut clock = Clock::with_default("America/New_York").unwrap();
        let [(hour, name), (minute, _)] = [TimePart::Hour, TimePart::Minute].map(|it| clock.part(noon, Some(zone), it).unwrap());
        assert_eq!(format!("{hour}:{minute:02} {name}"), expected, "{zone}");
    }

    #[test]
    fn an_offset_is_a_zone() {
        check("+02:30", "14:30 UTC+02:30");
        check("-0500", "7:00 UTC-05");
        check("+2", "14:00 UTC+02");
        check("UTC+1", "13:00 UTC+01");
        check("gmt-03:00", "9:00 UTC-03");
        check("Z", "12:00 UTC");
        check("+00:00", "12:00 UTC");
        check("Etc/GMT-3", "15:00 Etc/GMT-3");
    }

    #[test]
    fn white_space_around_a_zone_is_none_of_it() {
        check(" Europe/Dublin\t", "12:00 Europe/Dublin");
        check(" +01:00 ", "13:00 UTC+01");
    }

    #[test]
    fn what_is_no_zone_leaves_that_of_the_source() {
        for zone in
            ["", " ", "No/Such", "+", "+24:00", "+01:60", "+1:5", "+001", "02:30", "+é1", "UT", "UTCé", "é", "++1", "+-1", "+1:-1"]
        {
            check(zone, "7:00 America/New_York");
        }
    }

    #[test]
    fn a_source_may_have_an_offset() {
        let noon = EventTime::parse("2026-01-15T12:00:00Z").unwrap();
        let hour = |zone| Clock::with_default(zone)?.part(noon, None, TimePart::Hour).map(|it| it.0);
        assert_eq!(["+02:00", "UTC-1", "Dublin", "+99"].map(hour), [Some(14), Some(11), None, None]);
    }
}
