//! The organisation: who works where, as what, when, from which device. Generated once, then only read.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::accounts::Accounts;
use crate::act::{ActorIndex, Device, Place};
use crate::config::CompanyConfig;
use crate::names;
use crate::seed;
use crate::service::ServiceKind;
use crate::site::{CORPORATE_ASN, Site};
use crate::vocabulary::{ActorKind, Auth, Role, Shift};

/// A generated organisation.
#[derive(Debug, Clone)]
pub struct Company {
    pub(crate) config: CompanyConfig,
    pub(crate) sites: Vec<Site>,
    pub(crate) people: Vec<Person>,
    pub(crate) services: Vec<Service>,
    pub(crate) accounts: Accounts,
    /// UTC date of the start: day 0 of every calendar.
    pub(crate) first_date: Date,
    /// `"actor":{…},"action":"` of every actor, ready to be copied into a line.
    pub(crate) actor_json: Vec<Vec<u8>>,
    /// For those whose role changes: from when on (epoch milliseconds) they are written how. Empty where nobody's does.
    pub(crate) moved_json: Vec<Option<(i64, Vec<u8>)>>,
}

/// Somebody who works for the company.
#[derive(Debug, Clone)]
pub struct Person {
    /// `actor.id`.
    pub id: String,
    /// `actor.email`.
    pub email: String,
    /// `actor.type`.
    pub kind: ActorKind,
    /// `actor.role`.
    pub role: Role,
    /// `actor.team`.
    pub team: String,
    /// `actor.shift`.
    pub shift: Shift,
    /// Belongs to the desk for protected customers.
    pub is_vip_desk: bool,
    /// First day of work, counted from the first day of the simulation; 0 or less for those who were there before.
    pub joins_day: i32,
    /// Last day of work, counted likewise, for those who have given notice.
    pub leaves_day: Option<i32>,
    pub(crate) site: u8,
    pub(crate) auth: Auth,
    pub(crate) device: u32,
    /// Days off: bit 0 is Monday.
    pub(crate) rest_days: u8,
    /// Minutes after the shift's start at which this person usually comes.
    pub(crate) habit_minutes: i32,
    pub(crate) travel: Option<Travel>,
}

/// Some days abroad.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Travel {
    pub(crate) from_day: i32,
    pub(crate) days: i32,
    pub(crate) country: &'static str,
    pub(crate) asn: u32,
    pub(crate) ip: [u8; 4],
}

/// A program with an identity of its own.
#[derive(Debug, Clone)]
pub struct Service {
    /// `actor.id`.
    pub id: String,
    pub(crate) kind: ServiceKind,
    pub(crate) place: Place,
}

const DOMAIN: &str = "tern.example";
/// Service accounts of a company of any size; more come with more people.
const SERVICES_MIN: u32 = 8;
const PEOPLE_PER_SERVICE: u32 = 100;
const ABROAD: [(&str, u32); 8] = [
    ("DE", 64_701),
    ("JP", 64_702),
    ("FR", 64_703),
    ("SG", 64_704),
    ("BR", 64_705),
    ("ES", 64_706),
    ("CA", 64_707),
    ("AU", 64_708),
];

impl Company {
    /// Generates the organisation that `config` describes; out-of-range values are held within their limits.
    pub fn generate(config: &CompanyConfig) -> Self {
        let config = config.clone().within_limits();
        let mut rng = seed::stream(config.seed, seed::COMPANY);
        let sites = Site::all();
        let accounts = Accounts::generate(config.seed, config.people.saturating_mul(2_000), &mut rng);
        let people: Vec<Person> = (0..config.people).map(|index| person(index, &sites, &config, &mut rng)).collect();
        let services = (0..SERVICES_MIN + config.people / PEOPLE_PER_SERVICE).map(service).collect();
        let first_date = Timestamp::from_millisecond(config.start_ms)
            .map_or(Date::constant(2020, 7, 13), |at| TimeZone::UTC.to_datetime(at).date());
        let mut company =
            Self { config, sites, people, services, accounts, first_date, actor_json: Vec::new(), moved_json: Vec::new() };
        company.actor_json = (0..company.actor_count()).map(|it| company.actor_json_of(it)).collect();
        company
    }

    /// Everybody, in the order of their numbers.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Every service account.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Every site.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The configuration, within its limits.
    pub fn config(&self) -> &CompanyConfig {
        &self.config
    }

    /// The site where `person` works.
    pub fn site_of(&self, person: &Person) -> &Site {
        &self.sites[usize::from(person.site)]
    }

    /// People and services together.
    pub fn actor_count(&self) -> usize {
        self.people.len() + self.services.len()
    }

    /// The service account of that kind which serves stream `salt`.
    pub(crate) fn service_of(&self, kind: ServiceKind, salt: u32) -> (ActorIndex, Place) {
        // Kinds take turns, so that the copies of one kind are `SERVICES_MIN` apart.
        let first = kind as usize;
        let copies = (self.services.len() - first).div_ceil(SERVICES_MIN as usize);
        let index = first + salt as usize % copies * SERVICES_MIN as usize;
        (ActorIndex((self.people.len() + index) as u32), self.services[index].place)
    }

    pub(crate) fn actor_id(&self, actor: ActorIndex) -> &str {
        let index = actor.0 as usize;
        match self.people.get(index) {
            Some(person) => &person.id,
            None => &self.services[index - self.people.len()].id,
        }
    }

    /// The actor as written in a line at that time.
    pub(crate) fn actor_json_at(&self, actor: ActorIndex, at_ms: i64) -> &[u8] {
        let index = actor.0 as usize;
        match self.moved_json.get(index) {
            Some(Some((from_ms, json))) if *from_ms <= at_ms => json,
            _ => &self.actor_json[index],
        }
    }

    fn actor_json_of(&self, index: usize) -> Vec<u8> {
        match self.people.get(index) {
            Some(it) => self.person_json(it),
            None => format!(
                r#""actor":{{"id":"{0}","email":"{0}@{DOMAIN}","type":"service","role":"service","team":"platform","tz":"UTC","shift":"always"}},"action":""#,
                self.services[index - self.people.len()].id,
            )
            .into_bytes(),
        }
    }

    /// `"actor":{…},"action":"` of somebody.
    pub(crate) fn person_json(&self, it: &Person) -> Vec<u8> {
        // Ids, mail names and teams are made of letters, digits and `-._`: nothing to escape.
        format!(
            r#""actor":{{"id":"{}","email":"{}","type":"{}","role":"{}","team":"{}","tz":"{}","shift":"{}"}},"action":""#,
            it.id,
            it.email,
            it.kind.as_str(),
            it.role.as_str(),
            it.team,
            self.site_of(it).tz,
            it.shift.as_str(),
        )
        .into_bytes()
    }
}

fn person(index: u32, sites: &[Site], config: &CompanyConfig, rng: &mut ChaCha8Rng) -> Person {
    let by_share: Vec<(usize, u32)> = sites.iter().enumerate().map(|(at, site)| (at, site.share)).collect();
    let site_index = pick(&by_share, rng);
    let site = &sites[site_index];
    let role = pick(site.roles, rng);
    let in_shifts = matches!(role, Role::SupportT1 | Role::SupportT2 | Role::TrustSafety);
    let shift = if in_shifts { pick(&site.shifts, rng) } else { Shift::Office };
    let kind = if rng.random_bool(contractor_share(role, site.code)) { ActorKind::Contractor } else { ActorKind::Employee };
    // Protected customers are served in office hours, by employees only.
    let is_vip_desk = role == Role::SupportT2 && kind == ActorKind::Employee && shift == Shift::Day && rng.random_bool(0.3);
    let (joins_day, leaves_day) = tenure(config.days as i32, rng);
    Person {
        id: format!("u{}", 1_000 + index),
        email: format!("{}@{DOMAIN}", names::mail_name(index as usize)),
        kind,
        role,
        team: team_name(role, site.code, is_vip_desk, rng),
        shift,
        is_vip_desk,
        joins_day,
        leaves_day,
        site: site_index as u8,
        auth: factor(kind, role, rng),
        device: 10_000 + index * 3 + rng.random_range(0..3),
        rest_days: rest_days(in_shifts, rng),
        habit_minutes: if in_shifts { rng.random_range(-8..=2) } else { rng.random_range(-50..=50) },
        travel: travel(config.days as i32, rng),
    }
}

/// Draws one of `choices` by its weight.
pub(crate) fn pick<T: Copy>(choices: &[(T, u32)], rng: &mut ChaCha8Rng) -> T {
    let total: u32 = choices.iter().map(|(_, weight)| weight).sum();
    let mut drawn = rng.random_range(0..total);
    for &(choice, weight) in choices {
        if drawn < weight {
            return choice;
        }
        drawn -= weight;
    }
    choices[0].0
}

fn contractor_share(role: Role, site_code: &str) -> f64 {
    match (role, site_code) {
        (Role::SupportT1 | Role::SupportT2, "mnl") => 0.8,
        (Role::SupportT1, "blr") => 0.6,
        (Role::Security | Role::ItAdmin | Role::Manager, _) => 0.0,
        _ => 0.05,
    }
}

fn factor(kind: ActorKind, role: Role, rng: &mut ChaCha8Rng) -> Auth {
    let drawn: f64 = rng.random();
    match kind {
        // A few suppliers still send codes to phones; never to those with an admin's rights.
        ActorKind::Contractor if drawn < 0.02 => Auth::Sms,
        ActorKind::Contractor if drawn < 0.35 => Auth::Totp,
        ActorKind::Employee if drawn < 0.12 && role != Role::ItAdmin => Auth::Totp,
        _ => Auth::Webauthn,
    }
}

fn tenure(days: i32, rng: &mut ChaCha8Rng) -> (i32, Option<i32>) {
    match rng.random_range(0..1_000) {
        0..25 if days > 1 => (rng.random_range(1..days.min(20)), None),
        25..40 => (0, Some(rng.random_range(1..days.max(2) + 10))),
        _ => (0, None),
    }
}

fn rest_days(in_shifts: bool, rng: &mut ChaCha8Rng) -> u8 {
    const WEEKEND: u8 = 0b110_0000;
    if !in_shifts || rng.random_bool(0.55) {
        return WEEKEND;
    }
    let first = rng.random_range(0..7);
    1 << first | 1 << ((first + 1) % 7)
}

fn travel(days: i32, rng: &mut ChaCha8Rng) -> Option<Travel> {
    // Per person and week about one in forty is abroad.
    let weeks = f64::from(days) / 7.0;
    if !rng.random_bool((0.025 * weeks.max(1.0)).min(0.6)) {
        return None;
    }
    let (country, asn) = ABROAD[rng.random_range(0..ABROAD.len())];
    Some(Travel {
        from_day: rng.random_range(0..days),
        days: rng.random_range(2..=5),
        country,
        asn,
        // Shared address space (RFC 6598): nobody's real network.
        ip: [100, 100 + (asn % 10) as u8, rng.random(), rng.random_range(1..=254)],
    })
}

fn team_name(role: Role, site_code: &str, is_vip_desk: bool, rng: &mut ChaCha8Rng) -> String {
    let letter = char::from(b'a' + rng.random_range(0..4_u8));
    let family = match role {
        _ if is_vip_desk => return format!("vip-desk-{site_code}"),
        Role::SupportT1 => "support-t1",
        Role::SupportT2 => "support-t2",
        Role::TrustSafety => "trust-safety",
        Role::Sre => "reliability",
        Role::Engineer => "engineering",
        Role::DataAnalyst => "insights",
        Role::AdsAnalyst => "ads-insights",
        Role::Security => "security",
        Role::ItAdmin => "workplace-it",
        Role::Manager | Role::Service => "operations",
    };
    format!("{family}-{site_code}-{letter}")
}

fn service(index: u32) -> Service {
    let kind = ServiceKind::nth(index);
    let copies = index / SERVICES_MIN;
    let name = kind.name();
    Service {
        id: if copies == 0 { format!("svc-{name}") } else { format!("svc-{name}-{}", copies + 1) },
        kind,
        place: Place {
            ip: [10, 200, 1 + (index / 250) as u8, 1 + (index % 250) as u8],
            country: "US",
            asn: CORPORATE_ASN,
            device: Device::Server(500 + index),
        },
    }
}
