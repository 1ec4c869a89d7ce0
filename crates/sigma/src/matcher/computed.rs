//! Values that are computed from others: parts of a time on somebody's clock, and the relation of two fields.

use crate::ast::{Relation, TimePart};
use crate::compile::Program;
use crate::fold::folded;
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

    /// A part of the time in `slot`. `None` if there is none.
    pub(super) fn part(&mut self, program: &Program, event: &Event<'_>, slot: SlotId, part: TimePart) -> Option<i64> {
        let roles = &program.schema.roles;
        let time = match event.value(slot) {
            _ if roles.time.first() == Some(&slot) => event.time,
            Value::Text(_) | Value::Escaped(_) | Value::Number(_) => EventTime::read(&event.value(slot).text()?)?,
            _ => return None,
        };
        let zone = match event.first(&roles.zone) {
            name @ (Value::Text(_) | Value::Escaped(_)) => self.zone(&name.text()?),
            _ => self.default.clone(),
        };
        let local = Timestamp::from_millisecond(time.ms()).ok()?.to_zoned(zone).datetime();
        Some(match part {
            TimePart::Minute => i64::from(local.minute()),
            TimePart::Hour => i64::from(local.hour()),
            TimePart::Day => i64::from(local.day()),
            TimePart::Week => i64::from(local.date().iso_week_date().week()),
            TimePart::Month => i64::from(local.month()),
            TimePart::Year => i64::from(local.year()),
        })
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

/// Whether two scalar values are in `relation`. A missing or compound value is in none.
pub(super) fn related(left: Value<'_>, right: Value<'_>, relation: Relation, cased: bool) -> bool {
    let (Some(left), Some(right)) = (left.text(), right.text()) else { return false };
    let fold = |text: &str| if cased { text.to_owned() } else { folded(text) };
    match relation {
        Relation::Equal if cased => left == right,
        Relation::Equal => left.eq_ignore_ascii_case(&right) || folded(&left) == folded(&right),
        Relation::StartsWith => fold(&left).starts_with(&fold(&right)),
        Relation::EndsWith => fold(&left).ends_with(&fold(&right)),
        Relation::Contains => fold(&left).contains(&fold(&right)),
    }
}
