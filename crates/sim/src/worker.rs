//! A person's days: when the shift starts, lunch, overtime, home or travel, the night page; habits fill in the work.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use crate::act::{Act, ActorIndex, Device, Extra, Place, Session, Subject};
use crate::company::{Company, Person, Travel};
use crate::habits::{Work, answer_page, next_case, rhythm_s};
use crate::seed;
use crate::shared::Shared;
use crate::site::CORPORATE_ASN;
use crate::vocabulary::{Action, Role, Shift, Tool};

const MINUTE_MS: i64 = 60_000;
/// How much there is to do on each day of the week, Monday first.
const DEMAND: [f64; 7] = [1.25, 1.10, 1.00, 1.00, 0.95, 0.75, 0.65];
/// Shortest pause between two pieces of work.
const GAP_MIN_MS: i64 = 15_000;
/// Days in which a new colleague still lacks rights.
const NEW_DAYS: i32 = 3;
/// One in so many engineers of a site is on call in a given week.
const ON_CALL_TURNS: i32 = 6;

/// The stream of one person.
#[derive(Debug)]
pub(crate) struct Worker {
    actor: ActorIndex,
    rng: ChaCha8Rng,
    /// Local date, counted from the first day of the simulation.
    day: i32,
    /// The time of the previous event.
    last_ms: i64,
    stint: Option<Stint>,
    page_ms: Option<i64>,
}

/// What is left of one shift.
#[derive(Debug)]
struct Stint {
    now_ms: i64,
    end_ms: i64,
    /// Start and end, until taken.
    lunch_ms: Option<(i64, i64)>,
    session: Session,
    /// Mean pause between two pieces of work.
    gap_ms: f64,
    is_new: bool,
}

impl Worker {
    pub(crate) fn new(company: &Company, index: usize) -> Self {
        let rng = seed::stream(company.config.seed, index as u64);
        // The evening and night before the first day belong to the simulation's first hours east and west of Greenwich.
        Self { actor: ActorIndex(index as u32), rng, day: -2, last_ms: i64::MIN, stint: None, page_ms: None }
    }

    /// Appends the next events, in time order; nothing when all days are over.
    pub(crate) fn refill(&mut self, company: &Company, shared: &mut Shared, out: &mut Vec<Act>) {
        let person = &company.people[self.actor.0 as usize];
        while out.is_empty() {
            if let Some(stint) = self.stint.take() {
                self.stint = self.work_on(stint, company, person, shared, out);
            } else if let Some(page_ms) = self.page_ms.take() {
                self.answer_page(page_ms, company, person, shared, out);
            } else if self.day <= company.config.days as i32 {
                self.day += 1;
                self.start_day(company, person, shared, out);
            } else {
                return;
            }
        }
        out.sort_by_key(|it| it.at_ms);
        self.last_ms = out.last().map_or(self.last_ms, |it| it.at_ms);
    }

    fn start_day(&mut self, company: &Company, person: &Person, shared: &mut Shared, out: &mut Vec<Act>) {
        if self.day < person.joins_day || person.leaves_day.is_some_and(|last| last < self.day) {
            return;
        }
        let monday_based = i32::from(company.first_date.weekday().to_monday_zero_offset());
        let weekday = (monday_based + self.day).rem_euclid(7);
        let local_ms = |minutes| company.site_of(person).local_ms(company.first_date, self.day, minutes);
        let week = (monday_based + self.day).div_euclid(7);
        let is_on_call = person.role == Role::Sre && (self.actor.0 as i32 + week).rem_euclid(ON_CALL_TURNS) == 0;
        if is_on_call && self.rng.random_bool(0.3) {
            self.page_ms = Some(local_ms(self.rng.random_range(22 * 60..28 * 60)));
        }
        let is_rest_day = person.rest_days & (1 << weekday) != 0;
        let comes = if is_rest_day { 0.02 } else { 0.96 };
        // Nobody misses the first day.
        if !self.rng.random_bool(comes) && self.day != person.joins_day {
            return;
        }
        let (start_minutes, long_minutes) = hours(person.shift);
        let jitter: f64 = StandardNormal.sample(&mut self.rng);
        let start_ms =
            local_ms(start_minutes + person.habit_minutes + (jitter * 7.0) as i32).max(self.last_ms.saturating_add(MINUTE_MS));
        let start_ms = start_ms + self.rng.random_range(0..MINUTE_MS);
        let end_ms = start_ms + (i64::from(long_minutes) + self.overtime_minutes(person.shift)) * MINUTE_MS;
        let lunch_start_ms = start_ms + self.rng.random_range(195..270) * MINUTE_MS;
        let lunch_ms = (lunch_start_ms, lunch_start_ms + self.rng.random_range(28..62) * MINUTE_MS);
        let demand = DEMAND[weekday as usize] * company.config.activity;
        let (pause_s, length_s) = rhythm_s(person.role);
        let mut stint = Stint {
            now_ms: start_ms,
            end_ms,
            lunch_ms: Some(lunch_ms),
            session: self.session(company, person, shared),
            gap_ms: ((pause_s + length_s) / demand - length_s).max(10.0) * 1_000.0,
            is_new: person.joins_day > 0 && self.day < person.joins_day + NEW_DAYS,
        };
        let is_first_day = self.day == person.joins_day && person.joins_day > 0;
        let mut work = self.work(&stint, company, person, shared, out);
        work.sign_in();
        arrive(&mut work, is_first_day);
        stint.now_ms = work.at_ms;
        self.stint = Some(stint);
    }

    fn overtime_minutes(&mut self, shift: Shift) -> i64 {
        // Only those whose evening is free; and never into the night.
        match shift {
            Shift::Office | Shift::Day if self.rng.random_bool(0.12) => self.rng.random_range(20..150),
            _ => self.rng.random_range(-5..10),
        }
    }

    /// One piece of work, or lunch. Gives back what is left of the shift.
    fn work_on(
        &mut self,
        mut stint: Stint,
        company: &Company,
        person: &Person,
        shared: &mut Shared,
        out: &mut Vec<Act>,
    ) -> Option<Stint> {
        let unit: f64 = rand_distr::Exp1.sample(&mut self.rng);
        stint.now_ms += GAP_MIN_MS + (unit.min(6.0) * stint.gap_ms) as i64;
        if let Some((_, lunch_end_ms)) = stint.lunch_ms.take_if(|it| it.0 <= stint.now_ms) {
            stint.now_ms = stint.now_ms.max(lunch_end_ms);
            if self.rng.random_bool(0.35) {
                stint.session = Session { id: shared.session_id(), ..stint.session };
                let mut work = self.work(&stint, company, person, shared, out);
                work.sign_in();
                stint.now_ms = work.at_ms;
                return Some(stint);
            }
        }
        if stint.now_ms >= stint.end_ms {
            return None;
        }
        let mut work = self.work(&stint, company, person, shared, out);
        next_case(&mut work);
        stint.now_ms = work.at_ms;
        Some(stint)
    }

    fn answer_page(&mut self, page_ms: i64, company: &Company, person: &Person, shared: &mut Shared, out: &mut Vec<Act>) {
        let place = self.home(company, person);
        let stint = Stint {
            now_ms: page_ms.max(self.last_ms.saturating_add(10 * MINUTE_MS)),
            end_ms: page_ms,
            lunch_ms: None,
            session: Session { id: shared.session_id(), auth: person.auth, place },
            gap_ms: 0.0,
            is_new: false,
        };
        // The incident was noticed in the ten minutes before.
        self.last_ms = self.last_ms.max(stint.now_ms - 10 * MINUTE_MS);
        answer_page(&mut self.work(&stint, company, person, shared, out));
    }

    fn work<'a>(
        &'a mut self,
        stint: &Stint,
        company: &'a Company,
        person: &'a Person,
        shared: &'a mut Shared,
        out: &'a mut Vec<Act>,
    ) -> Work<'a> {
        Work {
            company,
            shared,
            rng: &mut self.rng,
            out,
            actor: self.actor,
            person,
            session: stint.session,
            free_from_ms: self.last_ms.max(stint.now_ms - 60 * MINUTE_MS),
            at_ms: stint.now_ms,
            is_new: stint.is_new,
        }
    }

    fn session(&mut self, company: &Company, person: &Person, shared: &mut Shared) -> Session {
        let travels = person.travel.filter(|it| (it.from_day..it.from_day + it.days).contains(&self.day));
        let works_from_home = self.rng.random_bool(0.25);
        let place = match travels {
            Some(travel) => hotel(travel, person),
            None if works_from_home => self.home(company, person),
            None => office(company, person, self.actor),
        };
        Session { id: shared.session_id(), auth: person.auth, place }
    }

    fn home(&self, company: &Company, person: &Person) -> Place {
        let site = company.site_of(person);
        let [.., high, low] = self.actor.0.to_be_bytes();
        // Shared address space (RFC 6598) stands for the customers of home providers.
        let ip = [100, 64 + site.octet, high, low.max(1)];
        Place { ip, country: site.country, asn: site.home_asn, device: Device::Laptop(person.device) }
    }
}

/// Start of the shift in minutes after local midnight, and its length.
fn hours(shift: Shift) -> (i32, i32) {
    match shift {
        Shift::Office | Shift::Always => (9 * 60, 510),
        Shift::Day => (8 * 60, 500),
        Shift::Evening => (13 * 60 + 30, 485),
        Shift::Night => (21 * 60 + 45, 500),
    }
}

fn office(company: &Company, person: &Person, actor: ActorIndex) -> Place {
    let site = company.site_of(person);
    let [.., high, low] = actor.0.to_be_bytes();
    Place {
        ip: [10, site.octet, high, low.max(1)],
        country: site.country,
        asn: CORPORATE_ASN,
        device: Device::Laptop(person.device),
    }
}

fn hotel(travel: Travel, person: &Person) -> Place {
    Place { ip: travel.ip, country: travel.country, asn: travel.asn, device: Device::Laptop(person.device) }
}

/// What may happen at the start of a day besides work.
fn arrive(work: &mut Work<'_>, is_first_day: bool) {
    if is_first_day || work.chance(0.001) {
        work.act(Action::MfaEnroll, Tool::Idp, Subject::Nothing, None, Extra::Nothing);
    }
    if work.chance(0.005) {
        work.act(Action::SecurityReport, Tool::Idp, Subject::Nothing, None, Extra::Report("phishing_mail"));
    }
    // Somebody looks for a handle on their own phone before the laptop is open.
    let is_support = matches!(work.person.role, Role::SupportT1 | Role::SupportT2);
    if is_support && work.chance(0.004) {
        let laptop = work.session;
        let device = Device::Phone(work.person.device);
        work.session = Session { id: work.shared.session_id(), place: Place { device, ..laptop.place }, ..laptop };
        work.act(Action::Login, Tool::Idp, Subject::Nothing, None, Extra::Nothing);
        work.act(Action::AccountSearch, Tool::AgentConsole, Subject::Nothing, None, Extra::Nothing);
        work.session = laptop;
    }
}
