//! On duty or not, on days with a change of clocks, over midnight, away from home.

use super::{ms, sound};
use crate::context::Context;
use jiff::tz::{TimeZone, TimeZoneDatabase};

const ROSTER: &str = "id,role,team,site,tz,start,last_day\n\
    ana,support,emea,dub,Europe/Dublin,2020-01-06,\n\
    ben,support,emea,dub,Europe/Dublin,2026-03-02,2026-03-31\n\
    cho,sre,core,nyc,America/New_York,,\n\
    dee,night,core,nyc,America/New_York,,\n";
const SCHEDULES: &str =
    "team,role,days,begin,finish\nemea,,mon-fri,09:00,17:30\n,sre,mon-fri,09:00,18:00\n,night,daily,22:00,06:00\n";

fn context() -> Context {
    sound(&[
        ("roster.csv", ROSTER),
        ("schedules.csv", SCHEDULES),
        ("on_call.csv", "actor,start,end\ncho,2026-03-07T00:00:00Z,2026-03-09T00:00:00Z\n"),
        ("leave.csv", "actor,start,end\nana,2026-07-13,2026-07-17\ncho,2026-03-08,2026-03-08\n"),
        ("holidays.csv", "date,site,name\n2026-12-25,,Christmas\n2026-03-17,dub,St Patrick\n"),
        ("shifts.csv", "actor,start,end\ndee,2026-05-04T08:00:00-04:00,2026-05-04T16:00:00-04:00\n"),
    ])
}

/// Whether somebody is on duty, and why; `zone` is that of the event, if it has one.
#[track_caller]
fn check_in(zone: Option<&str>, actor: &str, at: &str, expected: &str) {
    let context = context();
    let name = context.names.find(actor).unwrap();
    let person = context.roster.person(name, ms(at)).map(|it| it.1);
    let home = person.map(|it| context.zones.get(it.zone).clone()).unwrap();
    let zone = zone.map_or(home, |it| TimeZoneDatabase::bundled().get(it).unwrap());
    let duty = context.calendar.duty(name, person, ms(at), &zone, |it| context.zones.get(it).clone());
    let is_on = duty.is_on().map_or("unknown".to_owned(), |it| it.to_string());
    assert_eq!(format!("{is_on} {}", duty.reason()), expected, "{actor} at {at}");
}

#[track_caller]
fn check(actor: &str, at: &str, expected: &str) {
    check_in(None, actor, at, expected);
}

#[test]
fn hours_of_the_team_are_on_the_clocks_of_the_person() {
    // Winter: Dublin is UTC.
    check("ana", "2026-02-02T09:00:00Z", "true schedule");
    check("ana", "2026-02-02T08:29:59Z", "false off_shift");
    check("ana", "2026-02-02T08:30:00Z", "true schedule");
    check("ana", "2026-02-02T17:59:59Z", "true schedule");
    check("ana", "2026-02-02T18:00:00Z", "false off_shift");
    check("ana", "2026-02-01T10:00:00Z", "false off_shift");
    // Summer: an hour earlier.
    check("ana", "2026-06-01T07:30:00Z", "true schedule");
    check("ana", "2026-06-01T17:00:00Z", "false off_shift");
}

#[test]
fn nine_is_nine_on_the_days_around_a_change_of_clocks() {
    // Europe changed on Sunday 29 March 2026 at 01:00 UTC.
    check("ana", "2026-03-27T08:29:00Z", "false off_shift");
    check("ana", "2026-03-30T07:31:00Z", "true schedule");
    // America changed on Sunday 8 March 2026: New York is UTC-5 on Friday and UTC-4 on Monday.
    check("cho", "2026-03-06T13:31:00Z", "true schedule");
    check("cho", "2026-03-06T13:29:00Z", "false off_shift");
    check("cho", "2026-03-09T12:31:00Z", "true schedule");
    check("cho", "2026-11-02T13:31:00Z", "true schedule");
    check("cho", "2026-10-30T12:31:00Z", "true schedule");
}

#[test]
fn a_night_shift_over_a_change_of_clocks_has_an_hour_less_or_more() {
    // From 22:00 EST on 7 March (03:00Z) to 06:00 EDT (10:00Z): seven hours.
    check("dee", "2026-03-08T02:31:00Z", "true schedule");
    check("dee", "2026-03-08T10:29:00Z", "true schedule");
    check("dee", "2026-03-08T10:31:00Z", "false off_shift");
    // From 22:00 EDT on 31 October (02:00Z) to 06:00 EST (11:00Z): nine hours.
    check("dee", "2026-11-01T01:31:00Z", "true schedule");
    check("dee", "2026-11-01T11:29:00Z", "true schedule");
    check("dee", "2026-11-01T11:31:00Z", "false off_shift");
}

#[test]
fn who_travels_works_by_the_clocks_there() {
    // 09:30 in Tokyo is 00:30 in Dublin.
    check("ana", "2026-02-03T00:30:00Z", "false off_shift");
    check_in(Some("Asia/Tokyo"), "ana", "2026-02-03T00:30:00Z", "true schedule");
    check_in(Some("Asia/Tokyo"), "ana", "2026-02-03T12:00:00Z", "false off_shift");
}

#[test]
fn the_first_and_the_last_day_are_whole_days_at_home() {
    check("ben", "2026-03-01T23:59:59Z", "false not_started");
    check("ben", "2026-03-02T09:00:00Z", "true schedule");
    // Summer time by then: the 31st ends at 23:00Z.
    check("ben", "2026-03-31T22:59:59Z", "false off_shift");
    check("ben", "2026-03-31T23:00:00Z", "false left");
}

#[test]
fn on_call_comes_before_leave_and_leave_before_the_hours() {
    check("cho", "2026-03-08T15:00:00Z", "true on_call");
    check("ana", "2026-07-15T10:00:00Z", "false leave");
    // The last day of leave is whole, on the clocks at home.
    check("ana", "2026-07-17T22:59:59Z", "false leave");
    check("ana", "2026-07-20T10:00:00Z", "true schedule");
}

#[test]
fn nobody_works_on_holidays_of_the_site_or_of_all() {
    check("ana", "2026-03-17T10:00:00Z", "false holiday");
    check("cho", "2026-03-17T15:00:00Z", "true schedule");
    check("cho", "2026-12-25T15:00:00Z", "false holiday");
}

#[test]
fn single_shifts_count_instead_of_the_hours_around_them() {
    check("dee", "2026-05-04T12:00:00Z", "true shift");
    // The usual night, three days after a single shift: what is written down counts.
    check("dee", "2026-05-07T03:00:00Z", "false off_shift");
    check("dee", "2026-05-20T03:00:00Z", "true schedule");
}

/// Whether 09:00-17:30 or 22:00-06:00 on some days covers a time, by going through the minutes of the days around it on the clocks.
fn naive(days: &[i8], (begin, finish): (i64, i64), at_ms: i64, zone: &TimeZone) -> bool {
    use jiff::{Timestamp, ToSpan};
    let today = zone.to_datetime(Timestamp::from_millisecond(at_ms).unwrap()).date();
    (-3..=3).any(|away| {
        let day = today.checked_add(i64::from(away).days()).unwrap();
        let at = |day: jiff::civil::Date, minute: i64| {
            let time = jiff::civil::time(i8::try_from(minute / 60).unwrap(), i8::try_from(minute % 60).unwrap(), 0, 0);
            zone.to_timestamp(day.to_datetime(time)).unwrap().as_millisecond()
        };
        let end_day = if finish <= begin { day.tomorrow().unwrap() } else { day };
        let is_worked = days.contains(&day.weekday().to_monday_zero_offset());
        is_worked && (at(day, begin) - 1_800_000..at(end_day, finish) + 1_800_000).contains(&at_ms)
    })
}

proptest::proptest! {
    #[test]
    fn hours_of_the_week_are_those_of_a_twin_around_every_change_of_clocks(
        zone in proptest::sample::select(vec!["Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"]),
        (begin, finish) in (0_i64..1_440, 0_i64..1_440),
        first in 0_usize..7, count in 1_usize..8,
        // Five days around the changes of March, April, October and November 2026. A shift of a day that a country left out (Samoa, 30
        // December 2011) is nobody's.
        around in proptest::sample::select(vec!["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01", "2026-04-05"]),
        minute in -3_600_i64..3_600,
    ) {
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days: Vec<usize> = (0..count).map(|it| (first + it) % 7).collect();
        let names: Vec<&str> = days.iter().map(|it| DAYS[*it]).collect();
        let clock = |it: i64| format!("{:02}:{:02}", it / 60, it % 60);
        let schedules = format!("actor,days,begin,finish\nana,{},{},{}\n", names.join(";"), clock(begin), clock(finish));
        let context = sound(&[("roster.csv", &format!("id,tz\nana,{zone}\n")), ("schedules.csv", &schedules)]);
        let name = context.names.find("ana").unwrap();
        let at_ms = ms(&format!("{around}T12:00:00Z")) + minute * 60_000;
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        let duty = context.calendar.duty(name, context.roster.person(name, at_ms).map(|it| it.1), at_ms, &zone, |it| context.zones.get(it).clone());
        let days: Vec<i8> = days.iter().map(|it| i8::try_from(*it).unwrap()).collect();
        proptest::prop_assert_eq!(duty.is_on(), Some(naive(&days, (begin, finish), at_ms, &zone)));
    }
}
