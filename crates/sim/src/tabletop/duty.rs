//! Who works on which day, from when to when, from where: a pure function of seed, person and day, so that what an insider does at work can
//! be planned without living through the weeks before.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal, StandardNormal};

use super::World;
use crate::act::{ActorIndex, Device, Place, Session};
use crate::company::Person;
use crate::seed::{self, mix};
use crate::site::CORPORATE_ASN;
use crate::vocabulary::{Role, Shift};

/// One working day of one person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Duty {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) lunch_ms: (i64, i64),
    pub(super) session: Session,
    /// Work in relation to an ordinary person's ordinary day.
    pub(super) load: f64,
}

const MINUTE_MS: i64 = 60_000;
/// How much there is to do on each day of the week, Monday first.
const DEMAND: [f64; 7] = [1.2, 1.1, 1.0, 1.0, 0.95, 0.7, 0.6];
/// Share of scheduled days on which somebody is ill.
const ILL: f64 = 0.025;
/// More work than this in relation to others is done by asking for help.
const LOAD_MAX: f64 = 5.0;

/// Start of a shift in minutes after local midnight, and its length.
pub(super) fn hours(shift: Shift) -> (i32, i32) {
    match shift {
        Shift::Office | Shift::Always => (9 * 60, 510),
        Shift::Day => (8 * 60, 500),
        Shift::Evening => (13 * 60 + 30, 485),
        Shift::Night => (21 * 60 + 45, 500),
    }
}

/// Whether the person is in a team that works while the site has a holiday.
fn works_on_holidays(person: &Person, draw: u64) -> bool {
    let in_shifts = matches!(person.role, Role::SupportT1 | Role::SupportT2 | Role::TrustSafety);
    draw % 100 < if in_shifts { 40 } else { 3 }
}

impl World {
    /// Whether the schedule has the person on that day; illness and extra hours are not in it.
    pub(super) fn is_scheduled(&self, index: usize, day: i32) -> bool {
        let usual = &self.company.people[index];
        let ways = &self.ways[index];
        let person = ways.person_on(usual, day);
        if day < person.joins_day || person.leaves_day.is_some_and(|last| last < day) || ways.leave_on(day).is_some() {
            return false;
        }
        let is_rest_day = person.rest_days & (1 << self.calendar.weekday(day)) != 0;
        let draw = mix(self.company.config.seed ^ 0x401, (index as u64) << 16 | (day + 2) as u64);
        let is_holiday = self.calendar.is_holiday(usize::from(person.site), day);
        !is_rest_day && (!is_holiday || works_on_holidays(person, draw))
    }

    /// The person's day, if there is one.
    pub(super) fn duty(&self, index: usize, day: i32) -> Option<Duty> {
        let usual = &self.company.people[index];
        let ways = &self.ways[index];
        let person = ways.person_on(usual, day);
        let mut rng = seed::stream(self.company.config.seed ^ 0xd017, (index as u64) << 16 | (day + 2) as u64);
        if !self.is_scheduled(index, day) {
            let is_employed = person.joins_day <= day && person.leaves_day.is_none_or(|last| day <= last);
            let helps_out = rng.random_bool(if self.calendar.surge.contains(&day) { 0.12 } else { 0.015 });
            if !is_employed || !helps_out || ways.leave_on(day).is_some() {
                return None;
            }
        }
        // Nobody misses the first day.
        if rng.random_bool(ILL) && day != person.joins_day {
            return None;
        }
        Some(self.day_at_work(index, day, person, &mut rng))
    }

    fn day_at_work(&self, index: usize, day: i32, person: &Person, rng: &mut ChaCha8Rng) -> Duty {
        let (start_minutes, long_minutes) = hours(person.shift);
        let jitter: f64 = StandardNormal.sample(rng);
        let start_ms = self.company.site_of(person).local_ms(
            self.calendar.first_date,
            day,
            start_minutes + person.habit_minutes + (jitter * 7.0) as i32,
        ) + rng.random_range(0..MINUTE_MS);
        let demand = self.calendar.demand(person.role, day);
        let overtime = match person.shift {
            Shift::Office | Shift::Day if demand > 1.0 => rng.random_range(60..240),
            Shift::Office | Shift::Day if rng.random_bool(0.12) => rng.random_range(20..150),
            _ => rng.random_range(-5..10),
        };
        let end_ms = start_ms + (i64::from(long_minutes) + overtime) * MINUTE_MS;
        let lunch_start_ms = start_ms + rng.random_range(195..270) * MINUTE_MS;
        let lunch_end_ms = lunch_start_ms + rng.random_range(28..62) * MINUTE_MS;
        let of_day = LogNormal::new(-0.03, 0.25).expect("a finite spread").sample(rng);
        let load = self.ways[index].pace * of_day * demand * DEMAND[self.calendar.weekday(day) as usize];
        Duty {
            start_ms,
            end_ms,
            lunch_ms: (lunch_start_ms, lunch_end_ms),
            session: Session {
                id: self.session_id(index, day),
                auth: person.auth,
                place: self.place(index, day, rng.random_bool(self.ways[index].home)),
            },
            load: load.min(LOAD_MAX),
        }
    }

    /// The session that the identity provider gives somebody on that day.
    pub(super) fn session_id(&self, index: usize, day: i32) -> u32 {
        mix(self.company.config.seed ^ 0x5e55, (index as u64) << 16 | (day + 2) as u64) as u32 | 1 << 31
    }

    /// Where somebody works: abroad, at home, or in the office.
    pub(super) fn place(&self, index: usize, day: i32, is_at_home: bool) -> Place {
        let person = &self.company.people[index];
        let site = self.company.site_of(person);
        let device = Device::Laptop(self.ways[index].laptop(person, day));
        let [.., high, low] = ActorIndex(index as u32).0.to_be_bytes();
        if let Some(travel) = person.travel.filter(|it| (it.from_day..it.from_day + it.days).contains(&day)) {
            return Place { ip: travel.ip, country: travel.country, asn: travel.asn, device };
        }
        if !is_at_home {
            return Place { ip: [10, site.octet, high, low.max(1)], country: site.country, asn: CORPORATE_ASN, device };
        }
        // Providers give out a new address now and then: shared address space (RFC 6598) stands for their customers.
        let lease = mix(index as u64, (day.max(0) / 18) as u64) as u8;
        let ip = [100, 64 + site.octet, high ^ (lease >> 4), low.max(1)];
        Place { ip, country: site.country, asn: site.home_asn, device }
    }

    /// Who may be called at night in the week of that day.
    pub(super) fn is_on_call(&self, index: usize, day: i32) -> bool {
        let person = self.ways[index].person_on(&self.company.people[index], day);
        let is_employed = person.joins_day <= day && person.leaves_day.is_none_or(|last| day <= last);
        is_employed && person.role == Role::Sre && (index as i32 + self.calendar.week(day)).rem_euclid(6) == 0
    }
}
