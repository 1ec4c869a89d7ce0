//! Time zones by name, from the database that comes with Nightjar.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Zones that a context names.
#[derive(Debug)]
pub struct Zones {
    database: TimeZoneDatabase,
    known: Vec<(Box<str>, TimeZone)>,
}

/// The number of a zone in [`Zones`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZoneId(u16);

impl Default for Zones {
    fn default() -> Self {
        Self { database: TimeZoneDatabase::bundled(), known: vec![("UTC".into(), TimeZone::UTC)] }
    }
}

impl Zones {
    /// UTC.
    pub const UTC: ZoneId = ZoneId(0);

    /// The number of the zone of that name (IANA); `None` if there is none.
    pub fn add(&mut self, name: &str) -> Option<ZoneId> {
        let known = self.known.iter().position(|(it, _)| **it == *name);
        let at = known.unwrap_or(self.known.len());
        if known.is_none() {
            self.known.push((name.into(), self.database.get(name).ok()?));
        }
        u16::try_from(at).ok().map(ZoneId)
    }

    /// The zone of a number.
    pub fn get(&self, id: ZoneId) -> &TimeZone {
        &self.known[usize::from(id.0)].1
    }

    /// The zone of that name, whether or not the context has it.
    pub fn find(&self, name: &str) -> Option<TimeZone> {
        let known = self.known.iter().find(|(it, _)| **it == *name).map(|(_, zone)| zone.clone());
        known.or_else(|| self.database.get(name).ok())
    }
}

/// What the clocks of `zone` show.
pub fn local(ms: i64, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_millisecond(ms).ok()?))
}
