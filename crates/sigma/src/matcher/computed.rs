//! Values that are computed from others: parts of a time on somebody's clock, and the relation of two fields.

use super::values::each_value;
use crate::ast::{Relation, TimePart};
use crate::compile::Program;
use crate::fold::folded;
use crate::number::Decimal;
use hashbrown::HashMap;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
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
    /// A clock that uses `zone` (an IANA name) where the event names none. `None` if there is no such zone.
    pub fn with_default(zone: &str) -> Option<Self> {
        let mut clock = Self::default();
        clock.default = clock.database.get(zone).ok()?;
        Some(clock)
    }

    /// A part of `time` on the clock of the zone of that name, else on this one's, and the name of the zone that was taken.
    pub fn part(&mut self, time: EventTime, zone: Option<&str>, part: TimePart) -> Option<(i64, String)> {
        let zone = match zone {
            Some(name) => self.zone(name),
            None => self.default.clone(),
        };
        Some((part_of(time, &zone, part)?, zone.iana_name().unwrap_or("UTC").to_owned()))
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
        if let Some(zone) = self.zones.get(name) {
            return zone.clone();
        }
        let zone = self.database.get(name).unwrap_or_else(|_| self.default.clone());
        if self.zones.len() < ZONES_MAX {
            self.zones.insert(name.into(), zone.clone());
        }
        zone
    }
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
