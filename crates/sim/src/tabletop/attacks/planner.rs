//! Casts people, finds times, makes sessions and tickets: what every pattern needs.

use std::collections::BTreeSet;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::Planned;
use crate::accounts::AccountIndex;
use crate::act::{Act, ActorIndex, Device, Extra, Place, Queue, Session, Subject, Ticket};
use crate::company::Person;
use crate::config::DAY_MS;
use crate::seed;
use crate::service::ServiceKind;
use crate::tabletop::World;
use crate::tabletop::duty::Duty;
use crate::tabletop::labels::AttackGroup;
use crate::tabletop::ledger::Row;
use crate::vocabulary::{Action, Auth, Outcome, Reason, Role, Tool};

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 3_600_000;

/// Where strangers come from: country and network; addresses are those set aside for documentation (RFC 5737).
const ABROAD: [(&str, u32, [u8; 3]); 6] = [
    ("NL", 65_020, [203, 0, 113]),
    ("RO", 65_021, [198, 51, 100]),
    ("VN", 65_022, [192, 0, 2]),
    ("NG", 65_023, [203, 0, 113]),
    ("US", 65_024, [198, 51, 100]),
    ("GB", 65_010, [192, 0, 2]),
];

pub(super) struct Planner<'a> {
    pub(super) world: &'a World,
    pub(super) rng: ChaCha8Rng,
    cast: BTreeSet<usize>,
    numbers: BTreeSet<u32>,
    strangers: u32,
}

/// An attack that is being put together.
pub(super) struct Draft {
    pub(super) acts: Vec<Act>,
    pub(super) tickets: Vec<Row>,
    pub(super) witnesses: Vec<Act>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let rng = seed::stream(world.company.config.seed, seed::TABLETOP_ATTACKS);
        Self { world, rng, cast: BTreeSet::new(), numbers: BTreeSet::new(), strangers: 0 }
    }

    /// Somebody who has played no part yet, has been there from the first day, stays, and keeps role and habits.
    pub(super) fn cast(&mut self, fits: impl Fn(&Person) -> bool) -> Option<usize> {
        self.cast_any(|world, index| {
            let (person, ways) = (&world.company.people[index], &world.ways[index]);
            person.leaves_day.is_none() && ways.change.is_none() && !ways.is_dormant() && fits(person)
        })
    }

    /// Somebody who has played no part yet and has been there from the first day.
    pub(super) fn cast_any(&mut self, fits: impl Fn(&World, usize) -> bool) -> Option<usize> {
        let world = self.world;
        let is_free = |it: usize| world.company.people[it].joins_day <= 0 && !self.cast.contains(&it) && fits(world, it);
        let free: Vec<usize> = (0..world.company.people.len()).filter(|it| is_free(*it)).collect();
        let chosen = *free.get(self.rng.random_range(0..free.len().max(1)))?;
        self.cast.insert(chosen);
        Some(chosen)
    }

    pub(super) fn person(&self, who: usize) -> &'a Person {
        &self.world.company.people[who]
    }

    /// A day from which on `long` days are left; spread over the exercise after the free weeks.
    pub(super) fn day(&mut self, long: i32) -> i32 {
        let first = self.world.calendar.attacks_from_day;
        let last = (self.world.calendar.days - long).max(first + 1);
        self.rng.random_range(first..last)
    }

    /// A day of full records.
    pub(super) fn recorded_day(&mut self) -> i32 {
        loop {
            let day = self.day(1);
            if self.is_recorded(day) {
                return day;
            }
        }
    }

    pub(super) fn is_recorded(&self, day: i32) -> bool {
        let calendar = &self.world.calendar;
        // Nights belong to two days in UTC.
        let touches = |it: i32| (day - 1..=day + 1).contains(&it);
        !touches(calendar.outage_day) && !calendar.missing_source.clone().any(touches) && day < calendar.days
    }

    /// The next `count` days from `from` on that `who` works and that are recorded.
    pub(super) fn duties(&self, who: usize, from: i32, count: usize) -> Vec<(i32, Duty)> {
        let days = (from..self.world.calendar.days).filter(|it| self.is_recorded(*it));
        let end_ms = self.world.company.config.end_ms();
        days.filter_map(|day| Some((day, self.world.duty(who, day)?))).filter(|(_, it)| it.end_ms < end_ms).take(count).collect()
    }

    /// One working day, somewhere after the free weeks.
    pub(super) fn duty(&mut self, who: usize) -> Option<Duty> {
        let from = self.recorded_day();
        let after = self.duties(who, from, 1);
        let any = if after.is_empty() { self.duties(who, self.world.calendar.attacks_from_day, 1) } else { after };
        any.first().map(|(_, it)| *it)
    }

    /// `count` times within a working day, in order, lunch left out.
    pub(super) fn moments(&mut self, duty: &Duty, count: usize) -> Vec<i64> {
        let lunch_ms = duty.lunch_ms.1 - duty.lunch_ms.0;
        let (first, last) = (duty.start_ms + 12 * MINUTE_MS, duty.end_ms - 12 * MINUTE_MS - lunch_ms);
        let mut moments: Vec<i64> = (0..count).map(|_| self.rng.random_range(first..last)).collect();
        moments.sort_unstable();
        moments.into_iter().map(|it| if it < duty.lunch_ms.0 { it } else { it + lunch_ms }).collect()
    }

    /// A customer like millions of others.
    pub(super) fn ordinary(&mut self) -> AccountIndex {
        self.world.company.accounts.any_untagged(&mut self.rng)
    }

    /// Somebody protected.
    pub(super) fn protected(&mut self) -> AccountIndex {
        self.world.company.accounts.any_watchlisted(&mut self.rng)
    }

    /// `count` different protected customers.
    pub(super) fn protected_ones(&mut self, count: usize) -> Vec<AccountIndex> {
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count {
            let one = self.protected();
            if !chosen.contains(&one) {
                chosen.push(one);
            }
        }
        chosen
    }

    /// The session of somebody who has stolen an identity: another computer, another network, another country.
    pub(super) fn stranger(&mut self, who: usize) -> Session {
        self.strangers += 1;
        let at_home = self.world.company.site_of(self.person(who)).country;
        let (country, asn, [a, b, c]) = loop {
            let drawn = ABROAD[self.rng.random_range(0..ABROAD.len())];
            if drawn.0 != at_home {
                break drawn;
            }
        };
        Session {
            id: u32::MAX - self.strangers,
            auth: if self.rng.random_bool(0.7) { Auth::Totp } else { Auth::Sms },
            place: Place {
                ip: [a, b, c, self.rng.random_range(2..250)],
                country,
                asn,
                device: Device::Foreign(880_000 + self.strangers * 17),
            },
        }
    }

    /// A number that no ticket of the help desk has, of about the size that numbers have then.
    pub(super) fn number(&mut self, at_ms: i64) -> Ticket {
        let company = &self.world.company;
        let days = (at_ms - company.config.start_ms).max(0) as f64 / DAY_MS as f64;
        let about = 184_200 + (days * f64::from(company.config.people) * TICKETS_PER_PERSON_DAY) as u32;
        let mut number = (about + self.rng.random_range(0..about / 50)) | 1;
        while !self.numbers.insert(number) {
            number += 2;
        }
        Ticket { queue: Queue::Customer, number }
    }

    /// A ticket as the help desk would write it: opened by a customer two hours before, assigned to `who`.
    pub(super) fn sound_ticket(&mut self, who: usize, account: AccountIndex, at_ms: i64) -> Row {
        let Ticket { queue, number } = self.number(at_ms);
        let (intake, _) = self.world.company.service_of(ServiceKind::Intake, number);
        Row {
            queue,
            number,
            targets: vec![Subject::Account(account)],
            assignee: ActorIndex(who as u32),
            opened_by: intake,
            opened_ms: at_ms - self.rng.random_range(20 * MINUTE_MS..4 * HOUR_MS),
            closed_ms: Some(at_ms + self.rng.random_range(5 * MINUTE_MS..HOUR_MS)),
        }
    }
}

/// Numbers that the help desk gives out (every second one), per person and day; only so that made-up ones look alike.
const TICKETS_PER_PERSON_DAY: f64 = 17.0;

impl Draft {
    pub(super) fn new() -> Self {
        Self { acts: Vec::new(), tickets: Vec::new(), witnesses: Vec::new() }
    }

    /// Something without a reason.
    pub(super) fn add(
        &mut self,
        at_ms: i64,
        who: usize,
        session: Session,
        action: Action,
        tool: Tool,
        subject: Subject,
    ) -> &mut Act {
        let extra = match action {
            Action::ContactChange => Extra::Contact("email"),
            Action::DmRead => Extra::Rows(20 + (at_ms % 160) as u32),
            Action::ArchiveDownload => Extra::Rows(800 + (at_ms % 8_200) as u32),
            Action::CustomerExport => Extra::Rows(1 + (at_ms % 40) as u32),
            _ => Extra::Nothing,
        };
        self.acts.push(Act {
            at_ms,
            actor: ActorIndex(who as u32),
            action,
            outcome: Outcome::Success,
            tool,
            subject,
            ticket: None,
            reason: None,
            session,
            extra,
            label: None,
        });
        self.acts.last_mut().expect("one was just added")
    }

    /// Something done to a customer, without a reason.
    pub(super) fn on(&mut self, at_ms: i64, who: usize, session: Session, action: Action, account: AccountIndex) -> &mut Act {
        self.add(at_ms, who, session, action, Tool::AgentConsole, Subject::Account(account))
    }

    /// A look at a customer, now and then at the contact data too, under a ticket if there is one.
    pub(super) fn look(
        &mut self,
        planner: &mut Planner<'_>,
        at_ms: i64,
        who: usize,
        session: Session,
        account: AccountIndex,
        ticket: Option<Ticket>,
    ) {
        let reason = ticket.map(|_| Reason::GeneralHelp);
        let act = self.on(at_ms, who, session, Action::AccountLookup, account);
        (act.ticket, act.reason) = (ticket, reason);
        if planner.rng.random_bool(0.35) {
            let later_ms = at_ms + planner.rng.random_range(4_000..25_000);
            let act = self.on(later_ms, who, session, Action::ViewEmail, account);
            (act.ticket, act.reason) = (ticket, reason);
        }
    }

    /// Signs in, with `wrong` wrong passwords first; gives the time afterwards.
    pub(super) fn sign_in(
        &mut self,
        planner: &mut Planner<'_>,
        at_ms: i64,
        who: usize,
        session: Session,
        wrong: u32,
        tool: Tool,
    ) -> i64 {
        let mut at_ms = at_ms;
        for _ in 0..wrong {
            self.add(at_ms, who, session, Action::Login, Tool::Idp, Subject::Nothing).outcome = Outcome::Failure;
            at_ms += planner.rng.random_range(8_000..30_000);
        }
        for tool in [Tool::Idp, tool] {
            self.add(at_ms, who, session, Action::Login, tool, Subject::Nothing);
            at_ms += planner.rng.random_range(15_000..60_000);
        }
        at_ms
    }

    /// The finished attack, unless nothing of it happens.
    pub(super) fn finish(
        mut self,
        pattern: &'static str,
        group: AttackGroup,
        story: &'static str,
        causes: &'static [&'static str],
    ) -> Option<Planned> {
        self.acts.sort_by_key(|it| it.at_ms);
        self.witnesses.sort_by_key(|it| it.at_ms);
        let Self { acts, tickets, witnesses } = self;
        let gaps = Vec::new();
        (!acts.is_empty()).then_some(Planned { pattern, group, variant: None, story, causes, acts, witnesses, tickets, gaps })
    }
}

/// Works in customer support or trust and safety.
pub(super) fn is_agent(person: &Person) -> bool {
    matches!(person.role, Role::SupportT1 | Role::SupportT2 | Role::TrustSafety) && !person.is_vip_desk
}

/// May change credentials of customers.
pub(super) fn is_second_line(person: &Person) -> bool {
    person.role == Role::SupportT2 && !person.is_vip_desk
}
