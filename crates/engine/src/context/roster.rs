//! People and service accounts, with what they were at a time.

use super::Builder;
use super::names::{ByName, Name};
use super::rows::Row;
use super::zones::{ZoneId, Zones};

/// What somebody was for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// From when on this holds.
    pub from_ms: i64,
    /// Until when.
    pub until_ms: i64,
    /// The job.
    pub role: Name,
    /// The team.
    pub team: Name,
    /// Whose report it is.
    pub manager: Name,
    /// Where the work is done.
    pub site: Name,
    /// `employee`, `contractor`, `service`, or the organisation's word.
    pub employment: Name,
    /// The home time zone.
    pub zone: ZoneId,
    /// When the first day begins.
    pub start_ms: i64,
    /// When the last day begins, and when it is over.
    pub last_day_ms: (i64, i64),
    /// When notice was given.
    pub notice_ms: i64,
    /// Own accounts as a customer, in [`Roster::accounts`].
    accounts: (u32, u32),
}

/// Everybody, by identifier.
#[derive(Debug, Default)]
pub struct Roster {
    people: ByName<Person>,
    /// Other names of a person: mail addresses.
    aliases: ByName<Name>,
    accounts: Vec<Name>,
    /// Whose account it is.
    owners: ByName<Name>,
}

impl Roster {
    /// What `actor` was at `at_ms`, by identifier or mail address; of rows that overlap the one that begins last.
    pub fn person(&self, actor: Name, at_ms: i64) -> Option<(Name, &Person)> {
        let find = |name: Name| {
            let rows = self.people.of(name);
            let begun = rows.partition_point(|it| it.from_ms <= at_ms);
            rows[..begun].iter().rev().find(|it| at_ms < it.until_ms).map(|it| (name, it))
        };
        find(actor).or_else(|| self.aliases.of(actor).iter().find_map(|it| find(*it)))
    }

    /// Whose accounts as customers this one is among; there may be several.
    pub fn owners(&self, account: Name) -> &[Name] {
        self.owners.of(account)
    }

    /// Whether any account of anybody is known.
    pub fn knows_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// The accounts that somebody has as a customer.
    pub fn accounts(&self, person: &Person) -> &[Name] {
        &self.accounts[person.accounts.0 as usize..person.accounts.1 as usize]
    }

    /// All rows.
    pub fn rows(&self) -> &ByName<Person> {
        &self.people
    }
}

/// Rows that are collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    people: Vec<(Name, Person)>,
    aliases: Vec<(Name, Name)>,
    accounts: Vec<Name>,
    owners: Vec<(Name, Name)>,
}

impl Collected {
    pub(super) fn read(&mut self, row: &mut Row<'_, '_>, builder: &mut Builder) {
        let id = row.required("id");
        let id = builder.name(id, row);
        let zone = row.text("tz");
        let zone = if zone.is_empty() { Some(Zones::UTC) } else { builder.zones.add(zone) };
        let Some(zone) = zone else {
            let zone = row.text("tz").to_owned();
            return row.bad(format!("`tz`: no time zone is called `{zone}`"), "write an IANA name such as Europe/Dublin");
        };
        let clock = builder.zones.get(zone).clone();
        let [start, last_day, notice, from, until] = ["start", "last_day", "notice", "from", "until"].map(|it| row.moment(it));
        let start_of = |it: Option<super::rows::Moment>, otherwise| it.map_or(otherwise, |it| it.start_ms(&clock));
        let last_day_ms = last_day.map_or((i64::MAX, i64::MAX), |it| (it.start_ms(&clock), it.end_ms(&clock)));
        let accounts: Vec<Name> = row.list("accounts").into_iter().map(|it| builder.name(it, row)).collect();
        let [role, team, manager, site, employment] = ["role", "team", "manager", "site", "type"].map(|it| {
            let text = row.text(it);
            builder.name(text, row)
        });
        let mut person = Person {
            from_ms: start_of(from, i64::MIN),
            until_ms: until.map_or(i64::MAX, |it| it.start_ms(&clock)),
            role,
            team,
            manager,
            site,
            employment,
            zone,
            start_ms: start_of(start, i64::MIN),
            last_day_ms,
            notice_ms: start_of(notice, i64::MAX),
            accounts: (0, 0),
        };
        if person.until_ms <= person.from_ms {
            row.bad("`until` is not after `from`", "the row would hold at no time");
        }
        if person.last_day_ms.1 <= person.start_ms {
            row.odd("`last_day` is before `start`", "this person never works");
        }
        if row.is_bad {
            return;
        }
        let first = self.accounts.len();
        self.owners.extend(accounts.iter().map(|it| (*it, id)));
        self.accounts.extend(accounts);
        // More accounts than that don't fit the limit of rows and lists.
        let place = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        person.accounts = (place(first), place(self.accounts.len()));
        let email = row.text("email");
        if !email.is_empty() {
            self.aliases.push((builder.name(email, row), id));
        }
        self.people.push((id, person));
    }

    pub(super) fn finish(mut self) -> Roster {
        self.aliases.sort_unstable();
        self.aliases.dedup();
        self.owners.sort_unstable();
        self.owners.dedup();
        Roster {
            people: ByName::new(self.people, |it| it.from_ms),
            aliases: ByName::new(self.aliases, |it| *it),
            accounts: self.accounts,
            owners: ByName::new(self.owners, |it| *it),
        }
    }
}
