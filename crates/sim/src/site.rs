//! The four sites: where they are, their networks, and how local time there becomes UTC.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};

use crate::vocabulary::{Role, Shift};

/// An office of the company.
#[derive(Debug, Clone)]
pub struct Site {
    /// City.
    pub name: &'static str,
    /// IANA time zone.
    pub tz: &'static str,
    /// ISO 3166 country code.
    pub country: &'static str,
    /// Corporate network, CIDR.
    pub network: &'static str,
    pub(crate) code: &'static str,
    /// Second octet of the corporate network `10.x.0.0/16`.
    pub(crate) octet: u8,
    /// The provider that people at home use.
    pub(crate) home_asn: u32,
    /// Share of the company's people, percent.
    pub(crate) share: u32,
    pub(crate) roles: &'static [(Role, u32)],
    /// Shares of day, evening and night among those who work in shifts.
    pub(crate) shifts: [(Shift, u32); 3],
    zone: TimeZone,
}

/// The company's own autonomous system; 64496-64511 are set aside for documentation (RFC 5398).
pub(crate) const CORPORATE_ASN: u32 = 64_500;

impl Site {
    /// All sites, with time zone rules from the bundled database: the same on every machine.
    pub(crate) fn all() -> Vec<Self> {
        let zones = TimeZoneDatabase::bundled();
        let zone = |name| zones.get(name).expect("the bundled database has the zones of all sites");
        vec![
            Self {
                name: "San Francisco",
                tz: "America/Los_Angeles",
                country: "US",
                network: "10.1.0.0/16",
                code: "sfo",
                octet: 1,
                home_asn: 64_601,
                share: 34,
                roles: SAN_FRANCISCO,
                shifts: [(Shift::Day, 75), (Shift::Evening, 25), (Shift::Night, 0)],
                zone: zone("America/Los_Angeles"),
            },
            Self {
                name: "Dublin",
                tz: "Europe/Dublin",
                country: "IE",
                network: "10.2.0.0/16",
                code: "dub",
                octet: 2,
                home_asn: 64_602,
                share: 20,
                roles: DUBLIN,
                shifts: [(Shift::Day, 75), (Shift::Evening, 25), (Shift::Night, 0)],
                zone: zone("Europe/Dublin"),
            },
            Self {
                name: "Manila",
                tz: "Asia/Manila",
                country: "PH",
                network: "10.3.0.0/16",
                code: "mnl",
                octet: 3,
                home_asn: 64_603,
                share: 24,
                roles: MANILA,
                shifts: [(Shift::Day, 58), (Shift::Evening, 27), (Shift::Night, 15)],
                zone: zone("Asia/Manila"),
            },
            Self {
                name: "Bengaluru",
                tz: "Asia/Kolkata",
                country: "IN",
                network: "10.4.0.0/16",
                code: "blr",
                octet: 4,
                home_asn: 64_604,
                share: 22,
                roles: BENGALURU,
                shifts: [(Shift::Day, 60), (Shift::Evening, 26), (Shift::Night, 14)],
                zone: zone("Asia/Kolkata"),
            },
        ]
    }

    /// The instant, in epoch milliseconds, at which clocks here show `minutes` after midnight of the `day`-th day after `first`.
    /// `minutes` may lie beyond midnight; a time that daylight saving skips is moved forward.
    pub(crate) fn local_ms(&self, first: Date, day: i32, minutes: i32) -> i64 {
        let wall = first
            .checked_add(day.days())
            .expect("the configuration keeps dates far from the calendar's end")
            .at(0, 0, 0, 0)
            .checked_add(i64::from(minutes).minutes())
            .expect("the configuration keeps dates far from the calendar's end");
        self.zone.to_ambiguous_zoned(wall).compatible().map_or(0, |it| it.timestamp().as_millisecond())
    }

    /// Local hour of the day, `0..24`, at the instant `at_ms` (epoch milliseconds).
    pub fn local_hour(&self, at_ms: i64) -> u32 {
        let Ok(at) = Timestamp::from_millisecond(at_ms) else { return 0 };
        u32::from(self.zone.to_datetime(at).hour().unsigned_abs())
    }
}

const SAN_FRANCISCO: &[(Role, u32)] = &[
    (Role::SupportT1, 14),
    (Role::SupportT2, 12),
    (Role::TrustSafety, 10),
    (Role::Sre, 9),
    (Role::Engineer, 24),
    (Role::DataAnalyst, 6),
    (Role::AdsAnalyst, 6),
    (Role::Security, 5),
    (Role::ItAdmin, 4),
    (Role::Manager, 10),
];

const DUBLIN: &[(Role, u32)] = &[
    (Role::SupportT1, 22),
    (Role::SupportT2, 16),
    (Role::TrustSafety, 14),
    (Role::Sre, 8),
    (Role::Engineer, 16),
    (Role::DataAnalyst, 5),
    (Role::AdsAnalyst, 4),
    (Role::Security, 4),
    (Role::ItAdmin, 4),
    (Role::Manager, 7),
];

const MANILA: &[(Role, u32)] =
    &[(Role::SupportT1, 66), (Role::SupportT2, 14), (Role::TrustSafety, 12), (Role::ItAdmin, 2), (Role::Manager, 6)];

const BENGALURU: &[(Role, u32)] = &[
    (Role::SupportT1, 34),
    (Role::SupportT2, 10),
    (Role::TrustSafety, 10),
    (Role::Sre, 10),
    (Role::Engineer, 24),
    (Role::DataAnalyst, 4),
    (Role::ItAdmin, 3),
    (Role::Manager, 5),
];
