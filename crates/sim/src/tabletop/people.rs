//! What distinguishes people beyond their roles: pace, where they work, leave, a new laptop, another role half-way. Drawn once.

use std::ops::Range;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};

use super::calendar::Calendar;
use crate::company::{Company, Person};
use crate::seed;
use crate::vocabulary::{Role, Shift};

/// One person's ways.
#[derive(Debug, Clone)]
pub(super) struct Ways {
    /// Pieces of work in relation to others of the same role: log-normal, so that a few do several times as much as most.
    pub(super) pace: f64,
    /// Share of days at home.
    pub(super) home: f64,
    /// Absences that the leave table knows, in days.
    pub(super) leaves: Vec<Leave>,
    /// From this day on the laptop is another one.
    pub(super) new_laptop_day: Option<i32>,
    pub(super) change: Option<Change>,
}

/// An absence.
#[derive(Debug, Clone)]
pub(super) struct Leave {
    pub(super) days: Range<i32>,
    pub(super) kind: &'static str,
}

/// Another role from some day on.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) day: i32,
    pub(super) person: Person,
    /// The roster (and with it the directory) knows.
    pub(super) is_recorded: bool,
}

/// Out of a thousand people.
const JOINERS: u32 = 100;
const LEAVERS: u32 = 20;
const CHANGES: u32 = 24;
const ABSENT_FOR_LONG: u32 = 12;
const NEW_LAPTOPS: u32 = 60;

/// Rearranges joining and leaving of `company`, and draws everybody's ways.
pub(super) fn draw(company: &mut Company, calendar: &Calendar) -> Vec<Ways> {
    let mut rng = seed::stream(company.config.seed, seed::TABLETOP);
    let days = calendar.days;
    for person in &mut company.people {
        (person.joins_day, person.leaves_day) = match rng.random_range(0..1_000) {
            it if it < JOINERS => (rng.random_range(3..days - 3), None),
            it if it < JOINERS + LEAVERS => (0, Some(rng.random_range(days * 2 / 5..days + 10))),
            _ => (0, None),
        };
    }
    let pace = LogNormal::new(0.0, 0.55).expect("a finite spread");
    let ways: Vec<Ways> = company.people.iter().map(|it| ways_of(it, calendar, pace, &mut rng)).collect();
    company.moved_json = ways
        .iter()
        .map(|it| {
            let change = it.change.as_ref().filter(|change| change.is_recorded)?;
            Some((calendar.day_ms(change.day), company.person_json(&change.person)))
        })
        .collect();
    ways
}

fn ways_of(person: &Person, calendar: &Calendar, pace: LogNormal<f64>, rng: &mut ChaCha8Rng) -> Ways {
    let days = calendar.days;
    let is_settled = person.joins_day <= 0 && person.leaves_day.is_none();
    let drawn = rng.random_range(0..1_000);
    let leaves = match drawn {
        it if it < ABSENT_FOR_LONG && is_settled => vec![Leave { days: rng.random_range(2..6)..days + 30, kind: "parental" }],
        it if it < 400 => {
            let from = rng.random_range(0..days);
            vec![Leave { days: from..from + rng.random_range(2..12), kind: "vacation" }]
        }
        _ => Vec::new(),
    };
    let is_away_for_long = leaves.iter().any(|it| it.kind == "parental");
    let changes = is_settled && !is_away_for_long && rng.random_range(0..1_000) < CHANGES;
    Ways {
        pace: pace.sample(rng).clamp(0.15, 6.0),
        home: [0.0, 0.15, 0.4, 0.9][rng.random_range(0..4)],
        new_laptop_day: (rng.random_range(0..1_000) < NEW_LAPTOPS).then(|| rng.random_range(1..days)),
        change: if changes { change_of(person, days, rng) } else { None },
        leaves,
    }
}

fn change_of(person: &Person, days: i32, rng: &mut ChaCha8Rng) -> Option<Change> {
    let role = match person.role {
        Role::SupportT1 => Role::SupportT2,
        Role::SupportT2 => Role::TrustSafety,
        Role::TrustSafety => Role::SupportT1,
        Role::Engineer => Role::Sre,
        Role::Sre => Role::Engineer,
        Role::DataAnalyst => Role::Security,
        _ => return None,
    };
    // Teams are named after what they do and where: `support-t1-mnl-b`.
    let place: Vec<&str> = person.team.rsplitn(3, '-').collect();
    let family = role.as_str().replace('_', "-");
    let in_office = !matches!(role, Role::SupportT1 | Role::SupportT2 | Role::TrustSafety);
    let team = match place.as_slice() {
        [letter, site, _] => format!("{family}-{site}-{letter}"),
        _ => family,
    };
    let shift = if in_office { Shift::Office } else { person.shift };
    let moved = Person { role, team, shift, is_vip_desk: false, ..person.clone() };
    Some(Change { day: rng.random_range(days / 4..days * 9 / 10), person: moved, is_recorded: rng.random_bool(0.5) })
}

impl Ways {
    /// The person as working on that day.
    pub(super) fn person_on<'a>(&'a self, usual: &'a Person, day: i32) -> &'a Person {
        match &self.change {
            Some(change) if change.day <= day => &change.person,
            _ => usual,
        }
    }

    pub(super) fn leave_on(&self, day: i32) -> Option<&Leave> {
        self.leaves.iter().find(|it| it.days.contains(&day))
    }

    /// Away for so long that nobody expects to hear of this identity.
    pub(super) fn is_dormant(&self) -> bool {
        self.leaves.iter().any(|it| it.kind == "parental")
    }

    /// The number of the laptop in use.
    pub(super) fn laptop(&self, person: &Person, day: i32) -> u32 {
        let is_new = self.new_laptop_day.is_some_and(|it| it <= day);
        person.device + if is_new { 500_000 } else { 0 }
    }
}
