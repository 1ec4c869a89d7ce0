//! The days of a tabletop exercise: public holidays of every site, and the times that are hard on a detector although nobody does wrong.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::TabletopConfig;
use crate::act::Act;
use crate::config::DAY_MS;
use crate::seed::mix;
use crate::site::Site;
use crate::vocabulary::{Role, Tool};

/// What kind of ordinary thing looks extraordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StressKind {
    /// A public holiday at one site: offices are empty, support runs with few.
    Holiday,
    /// An incident: two days of far more work than usual for support and operations, late into the evening.
    Surge,
    /// Clocks change at one site, so that everybody there comes an hour earlier or later in UTC.
    DstChange,
    /// Somebody gets another role and works differently; the roster knows.
    RoleChange,
    /// Somebody works in another role, and the roster does not know.
    RoleChangeUnrecorded,
    /// Somebody is new.
    Joiner,
    /// A new tool that nobody has used before and everybody uses from then on.
    NewTool,
    /// One tool's events are missing for two days.
    MissingSource,
    /// No events at all for 24 hours.
    Outage,
}

impl StressKind {
    /// The word for it in labels and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holiday => "holiday",
            Self::Surge => "surge",
            Self::DstChange => "dst_change",
            Self::RoleChange => "role_change",
            Self::RoleChangeUnrecorded => "role_change_unrecorded",
            Self::Joiner => "joiner",
            Self::NewTool => "new_tool",
            Self::MissingSource => "missing_source",
            Self::Outage => "outage",
        }
    }
}

/// A time in which no event of a tool (or none at all) is recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) tool: Option<Tool>,
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
}

impl Gap {
    pub(super) fn swallows(&self, act: &Act) -> bool {
        (self.from_ms..self.until_ms).contains(&act.at_ms) && self.tool.is_none_or(|it| it == act.tool)
    }
}

/// A day off for a whole site.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holiday {
    pub(super) site: usize,
    pub(super) day: i32,
    pub(super) name: &'static str,
}

/// When what happens, in days since the first.
#[derive(Debug)]
pub(super) struct Calendar {
    pub(super) first_date: Date,
    pub(super) start_ms: i64,
    pub(super) days: i32,
    pub(super) holidays: Vec<Holiday>,
    pub(super) surge: std::ops::Range<i32>,
    pub(super) new_tool_day: i32,
    pub(super) missing_source: std::ops::Range<i32>,
    pub(super) outage_day: i32,
    /// Before this day nobody does wrong, so that habits exist.
    pub(super) attacks_from_day: i32,
}

/// (site code, month, day, name), for every year: a calendar that is right for 2026 and near enough for others.
const HOLIDAYS: [(&str, i8, i8, &str); 30] = [
    ("sfo", 1, 1, "New Year"),
    ("sfo", 2, 16, "Presidents' Day"),
    ("sfo", 5, 25, "Memorial Day"),
    ("sfo", 7, 3, "Independence Day"),
    ("sfo", 9, 7, "Labor Day"),
    ("sfo", 11, 26, "Thanksgiving"),
    ("sfo", 12, 25, "Christmas"),
    ("dub", 1, 1, "New Year"),
    ("dub", 3, 17, "Saint Patrick's Day"),
    ("dub", 4, 6, "Easter Monday"),
    ("dub", 5, 4, "May Day"),
    ("dub", 6, 1, "June Holiday"),
    ("dub", 8, 3, "August Holiday"),
    ("dub", 10, 26, "October Holiday"),
    ("dub", 12, 25, "Christmas"),
    ("mnl", 1, 1, "New Year"),
    ("mnl", 2, 17, "Lunar New Year"),
    ("mnl", 4, 2, "Maundy Thursday"),
    ("mnl", 4, 3, "Good Friday"),
    ("mnl", 4, 9, "Day of Valor"),
    ("mnl", 5, 1, "Labor Day"),
    ("mnl", 6, 12, "Independence Day"),
    ("mnl", 8, 31, "National Heroes Day"),
    ("mnl", 12, 25, "Christmas"),
    ("blr", 1, 26, "Republic Day"),
    ("blr", 3, 4, "Holi"),
    ("blr", 4, 3, "Good Friday"),
    ("blr", 8, 15, "Independence Day"),
    ("blr", 10, 2, "Gandhi Jayanti"),
    ("blr", 12, 25, "Christmas"),
];

impl Calendar {
    pub(super) fn new(config: &TabletopConfig, first_date: Date, start_ms: i64, sites: &[Site]) -> Self {
        let days = config.days as i32;
        let share = |of: f64, salt: u64| (f64::from(days) * of) as i32 + (mix(config.seed, 0x57e5_5000 + salt) % 3) as i32 - 1;
        let monday = |day: i32| day - (i32::from(first_date.weekday().to_monday_zero_offset()) + day).rem_euclid(7);
        // The middle of a week, where there is work to be surprised by.
        let surge = monday(share(0.55, 1)) + 1;
        let missing = monday(share(0.74, 2)) + 1;
        let outage_day = share(0.85, 3).clamp(missing + 3, days - 2);
        let mut calendar = Self {
            first_date,
            start_ms,
            days,
            holidays: Vec::new(),
            surge: surge..surge + 2,
            new_tool_day: monday(share(0.65, 4)).max(surge + 2),
            missing_source: missing..missing + 2,
            outage_day,
            attacks_from_day: days * 35 / 100,
        };
        for day in 0..days {
            let date = calendar.date(day);
            for (code, month, of_month, name) in HOLIDAYS {
                if let Some(site) = sites.iter().position(|it| it.code == code)
                    && (date.month(), date.day()) == (month, of_month)
                {
                    calendar.holidays.push(Holiday { site, day, name });
                }
            }
        }
        calendar
    }

    pub(super) fn date(&self, day: i32) -> Date {
        self.first_date.saturating_add(day.days())
    }

    /// Monday is 0.
    pub(super) fn weekday(&self, day: i32) -> i32 {
        (i32::from(self.first_date.weekday().to_monday_zero_offset()) + day).rem_euclid(7)
    }

    pub(super) fn week(&self, day: i32) -> i32 {
        (i32::from(self.first_date.weekday().to_monday_zero_offset()) + day).div_euclid(7)
    }

    pub(super) fn is_holiday(&self, site: usize, day: i32) -> bool {
        self.holidays.iter().any(|it| it.site == site && it.day == day)
    }

    /// How much more there is to do than on other days.
    pub(super) fn demand(&self, role: Role, day: i32) -> f64 {
        let is_hit = matches!(role, Role::SupportT1 | Role::SupportT2 | Role::TrustSafety | Role::Sre);
        if is_hit && self.surge.contains(&day) { 2.5 } else { 1.0 }
    }

    /// First instant (UTC) of a day.
    pub(super) fn day_ms(&self, day: i32) -> i64 {
        self.start_ms + i64::from(day) * DAY_MS
    }

    /// What is never recorded.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        vec![
            Gap {
                tool: Some(Tool::DataWarehouse),
                from_ms: self.day_ms(self.missing_source.start),
                until_ms: self.day_ms(self.missing_source.end),
            },
            Gap { tool: None, from_ms: self.day_ms(self.outage_day), until_ms: self.day_ms(self.outage_day + 1) },
        ]
    }

    /// Days on which clocks of a site change, with the change in hours.
    pub(super) fn clock_changes(&self, sites: &[Site]) -> Vec<(usize, i32)> {
        let mut changes = Vec::new();
        for (index, site) in sites.iter().enumerate() {
            for day in 0..self.days {
                let length_ms = site.local_ms(self.first_date, day + 1, 12 * 60) - site.local_ms(self.first_date, day, 12 * 60);
                if length_ms != DAY_MS {
                    changes.push((index, day + 1));
                }
            }
        }
        changes
    }
}

/// `2026-02-09T08:00:00Z`
pub(super) fn instant(at_ms: i64) -> String {
    let seconds = Timestamp::from_second(at_ms.div_euclid(1_000)).unwrap_or_default();
    seconds.to_string()
}
