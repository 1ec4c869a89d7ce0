//! When somebody is on duty: shifts, on-call, leave, holidays and the hours of the week, as of the time of an event.

use super::Builder;
use super::names::{ByName, Name};
use super::roster::Person;
use super::rows::Row;
use super::spans::Spans;
use super::zones::{ZoneId, local};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

/// Work begins a little earlier than the shift, and ends a little later.
pub const GRACE_MS: i64 = 30 * 60_000;
/// Longer than any change of clocks and the grace together, in minutes.
const CLOCKS_MINUTES: i64 = 240;
/// Somebody with a shift so near is one whose shifts are written down, so that there is none where none is.
const NEAR_MS: i64 = 7 * 86_400_000;
/// No shift goes on for longer after the midnight that ends somebody's last day.
const LAST_SHIFT_MS: i64 = 12 * 3_600_000;

/// Whether somebody is on duty, and why; the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Before the first day.
    NotStarted,
    /// After the last day.
    Left,
    /// On call.
    OnCall,
    /// Away.
    Leave,
    /// Within a shift that is written down.
    Shift,
    /// Nobody works, and no shift is written down.
    Holiday,
    /// Within the hours of the week.
    Schedule,
    /// Outside of all hours that are known.
    OffShift,
    /// No hours are known.
    NoSchedule,
}

impl Duty {
    /// Whether that is on duty; `None` if nobody can tell.
    pub fn is_on(self) -> Option<bool> {
        match self {
            Self::OnCall | Self::Shift | Self::Schedule => Some(true),
            Self::NotStarted | Self::Left | Self::Leave | Self::Holiday | Self::OffShift => Some(false),
            Self::NoSchedule => None,
        }
    }

    /// The word for it, one of [`sigma::computed::DUTY_REASONS`].
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Left => "left",
            Self::OnCall => "on_call",
            Self::Leave => "leave",
            Self::Shift => "shift",
            Self::Holiday => "holiday",
            Self::Schedule => "schedule",
            Self::OffShift => "off_shift",
            Self::NoSchedule => "no_schedule",
        }
    }
}

/// Hours on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hours {
    /// A bit for each day, Monday first.
    days: u8,
    /// Minutes after midnight.
    begin: i64,
    /// The same; not after `begin` means on the next day.
    finish: i64,
    /// The zone whose clocks count; without one those of the person.
    zone: Option<ZoneId>,
    from_ms: i64,
    until_ms: i64,
}

/// Everything about working hours.
#[derive(Debug, Default)]
pub struct Calendar {
    /// Single shifts.
    pub shifts: Spans,
    /// On-call.
    pub on_call: Spans,
    /// Leave.
    pub leave: Spans,
    /// Hours of the week by actor, team, role and site.
    hours: [ByName<Hours>; 4],
    /// Days on which nobody works, by site; [`Name::NONE`] is everywhere.
    holidays: ByName<Date>,
}

impl Calendar {
    /// Whether nothing is known about anybody's hours.
    pub fn is_empty(&self) -> bool {
        self.shifts.is_empty() && self.on_call.is_empty() && self.hours.iter().all(ByName::is_empty)
    }

    /// How many rows of weekly hours and of holidays there are.
    pub fn sizes(&self) -> (usize, usize) {
        (self.hours.iter().map(ByName::len).sum(), self.holidays.len())
    }

    /// Whether `actor`, who is `person` in the roster, is on duty at `at_ms`. `zone` is that of the clocks where the actor is.
    pub fn duty(
        &self,
        actor: Name,
        person: Option<&Person>,
        at_ms: i64,
        zone: &TimeZone,
        zone_of: impl Fn(ZoneId) -> TimeZone,
    ) -> Duty {
        if let Some(person) = person {
            if at_ms < person.start_ms {
                return Duty::NotStarted;
            }
            if at_ms >= person.last_day_ms.1 && !self.is_last_shift(actor, person, at_ms, zone, &zone_of) {
                return Duty::Left;
            }
        }
        self.scheduled(actor, person, at_ms, zone, &zone_of)
    }

    /// Whether a moment after the last day is in a shift that began on it: nights go on past midnight.
    fn is_last_shift(
        &self,
        actor: Name,
        person: &Person,
        at_ms: i64,
        zone: &TimeZone,
        zone_of: &impl Fn(ZoneId) -> TimeZone,
    ) -> bool {
        let end_ms = person.last_day_ms.1;
        let is_on_shift = |ms| self.scheduled(actor, Some(person), ms, zone, zone_of) == Duty::Shift;
        at_ms - end_ms < LAST_SHIFT_MS && is_on_shift(end_ms - 1) && is_on_shift(at_ms)
    }

    /// What the schedules say, whoever is employed.
    fn scheduled(
        &self,
        actor: Name,
        person: Option<&Person>,
        at_ms: i64,
        zone: &TimeZone,
        zone_of: &impl Fn(ZoneId) -> TimeZone,
    ) -> Duty {
        if self.on_call.cover(actor, at_ms, 0) {
            return Duty::OnCall;
        }
        if self.leave.cover(actor, at_ms, 0) {
            return Duty::Leave;
        }
        if self.shifts.cover(actor, at_ms, GRACE_MS) {
            return Duty::Shift;
        }
        if self.shifts.near(actor, at_ms, NEAR_MS) {
            return Duty::OffShift;
        }
        let hours = self.hours_of(actor, person);
        if hours.is_empty() {
            return Duty::NoSchedule;
        }
        let site = person.map_or(Name::NONE, |it| it.site);
        let today = local(at_ms, zone).map(jiff::civil::DateTime::date);
        if today.is_some_and(|it| self.is_holiday(it, site)) {
            return Duty::Holiday;
        }
        let is_within = |it: &Hours| match it.zone {
            Some(id) => it.cover(at_ms, &zone_of(id)),
            None => it.cover(at_ms, zone),
        };
        if hours.iter().any(is_within) { Duty::Schedule } else { Duty::OffShift }
    }

    /// The hours of a person: their own, else those of the team, else of the role, else of the site.
    fn hours_of(&self, actor: Name, person: Option<&Person>) -> &[Hours] {
        let names = [actor, person.map_or(Name::NONE, |it| it.team), person.map_or(Name::NONE, |it| it.role)];
        let site = person.map_or(Name::NONE, |it| it.site);
        let mut each = names.into_iter().chain([site]).zip(&self.hours).filter(|(name, _)| name.is_some());
        each.find_map(|(name, of)| Some(of.of(name)).filter(|it| !it.is_empty())).unwrap_or(&[])
    }

    fn is_holiday(&self, day: Date, site: Name) -> bool {
        self.holidays.of(Name::NONE).binary_search(&day).is_ok()
            || site.is_some() && self.holidays.of(site).binary_search(&day).is_ok()
    }
}

impl Hours {
    /// Whether they cover an instant on the clocks of `zone`. A shift belongs to the day on which it begins.
    fn cover(&self, at_ms: i64, zone: &TimeZone) -> bool {
        if at_ms < self.from_ms || at_ms >= self.until_ms {
            return false;
        }
        let Some(now) = local(at_ms, zone) else { return false };
        let minute = i64::from(now.hour()) * 60 + i64::from(now.minute());
        let length_days = i64::from(self.finish <= self.begin);
        // With grace, a shift of tomorrow may have begun, and one of the day before yesterday may not be over.
        (-2..=1).any(|away: i64| {
            let Ok(day) = now.date().checked_add(away.days()) else { return false };
            let bit = 1 << day.weekday().to_monday_zero_offset();
            // By what the clocks show, which are never changed by as much as that, most days are out of the question.
            let since_day = minute - away * 1_440;
            let (first, last) = (self.begin - CLOCKS_MINUTES, self.finish + length_days * 1_440 + CLOCKS_MINUTES);
            if self.days & bit == 0 || !(first..=last).contains(&since_day) {
                return false;
            }
            let ends = (instant(day, 0, self.begin, zone), instant(day, length_days, self.finish, zone));
            let (Some(start_ms), Some(end_ms)) = ends else { return false };
            start_ms - GRACE_MS <= at_ms && at_ms < end_ms + GRACE_MS
        })
    }
}

/// When the clocks of `zone` show so many minutes after the midnight of a day: 09:00 is 09:00 on days with a change of clocks, too.
fn instant(day: Date, days: i64, minutes: i64, zone: &TimeZone) -> Option<i64> {
    let day = day.checked_add((days + minutes / 1_440).days()).ok()?;
    let (hour, minute) = (i8::try_from(minutes % 1_440 / 60).ok()?, i8::try_from(minutes % 60).ok()?);
    Some(day.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// Rows that are collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) shifts: Vec<(Name, i64, i64)>,
    pub(super) on_call: Vec<(Name, i64, i64)>,
    pub(super) leave: Vec<(Name, i64, i64)>,
    hours: [Vec<(Name, Hours)>; 4],
    holidays: Vec<(Name, Date)>,
}

impl Collected {
    /// A row with `actor`, `start` and `end`. Days are those of `zone_of` the actor, the last one included.
    pub(super) fn span(
        row: &mut Row<'_, '_>,
        builder: &mut Builder,
        zone_of: impl Fn(&Builder, Name) -> TimeZone,
    ) -> Option<(Name, i64, i64)> {
        let actor = row.required("actor");
        let actor = builder.name(actor, row);
        let (start, end) = (row.required_moment("start"), row.required_moment("end"));
        let zone = zone_of(builder, actor);
        let (start_ms, end_ms) = (start?.start_ms(&zone), end?.end_ms(&zone));
        if end_ms <= start_ms {
            row.bad("`end` is not after `start`", "the row would hold at no time");
        }
        (!row.is_bad).then_some((actor, start_ms, end_ms))
    }

    pub(super) fn schedule(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let days = row.required("days");
        let mask = days_of(days);
        if mask.is_none() && !days.is_empty() {
            row.bad(format!("`days`: `{days}` are no days"), "write `mon-fri`, `sat;sun` or `daily`");
        }
        let (begin, finish) = (row.clock("begin"), row.clock("finish"));
        let who = ["actor", "team", "role", "site"].map(|it| row.text(it));
        let [zone_name] = ["tz"].map(|it| row.text(it));
        let zone = builder.zones.add(zone_name);
        if zone.is_none() && !zone_name.is_empty() {
            row.bad(format!("`tz`: no time zone is called `{zone_name}`"), "write an IANA name such as Europe/Dublin");
        }
        if who.iter().filter(|it| !it.is_empty()).count() != 1 {
            row.bad("whose hours these are is not said once", "fill one of `actor`, `team`, `role` and `site`");
        }
        let (from, until) = (row.moment("from"), row.moment("until"));
        let clock = zone.map_or(TimeZone::UTC, |it| builder.zones.get(it).clone());
        let (Some(days), Some(begin), Some(finish), false) = (mask, begin, finish, row.is_bad) else { return };
        let hours = Hours {
            days,
            begin,
            finish,
            zone: zone.filter(|_| !zone_name.is_empty()),
            from_ms: from.map_or(i64::MIN, |it| it.start_ms(&clock)),
            until_ms: until.map_or(i64::MAX, |it| it.end_ms(&clock)),
        };
        for (text, into) in who.into_iter().zip(&mut self.hours).filter(|(text, _)| !text.is_empty()) {
            into.push((builder.name(text, row), hours));
        }
    }

    pub(super) fn holiday(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let text = row.required("date");
        let site = row.text("site");
        match text.parse::<Date>() {
            Ok(day) if text.len() == 10 => self.holidays.push((builder.name(site, row), day)),
            _ if text.is_empty() => {}
            _ => row.bad(format!("`date`: `{text}` is no day"), "write 2026-12-25"),
        }
    }

    pub(super) fn finish(self) -> Calendar {
        Calendar {
            shifts: Spans::new(self.shifts),
            on_call: Spans::new(self.on_call),
            leave: Spans::new(self.leave),
            hours: self.hours.map(|it| ByName::new(it, |hours| (hours.begin, hours.days))),
            holidays: ByName::new(self.holidays, |it| *it),
        }
    }
}

/// The days that `mon-fri`, `sat;sun`, `sun-thu` or `daily` are, a bit for each.
fn days_of(text: &str) -> Option<u8> {
    if matches!(text.to_ascii_lowercase().as_str(), "daily" | "all" | "*") {
        return Some(0b111_1111);
    }
    let day = |it: &str| {
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let word = it.trim().to_ascii_lowercase();
        let at = DAYS.iter().position(|it| word.len() >= 3 && word.starts_with(it))?;
        let full = format!("{:?}", Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()?).to_ascii_lowercase();
        full.starts_with(&word).then_some(at)
    };
    let mut mask = 0_u8;
    for part in text.split([';', '|', ' ', '\x1f']).filter(|it| !it.is_empty()) {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let mut at = first;
        mask |= 1 << at;
        while at != last {
            at = (at + 1) % 7;
            mask |= 1 << at;
        }
    }
    (mask != 0).then_some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_words_lists_and_ranges() {
        for (text, expected) in [
            ("mon-fri", Some(0b001_1111)),
            ("sat;sun", Some(0b110_0000)),
            ("Sunday-Tuesday", Some(0b100_0011)),
            ("daily", Some(0b111_1111)),
            ("mon", Some(1)),
            ("", None),
            ("mo", None),
            ("monkey", None),
            ("mon-", None),
        ] {
            assert_eq!(days_of(text), expected, "{text}");
        }
    }
}
