//! The tables that a company has anyway, and that a detector may know: CSV with a header, times in UTC, empty where there is nothing.

use std::fmt::Write as _;

use super::World;
use super::calendar::instant;
use super::duty::hours;
use crate::accounts::Accounts;
use crate::company::Person;
use crate::seed::mix;
use crate::vocabulary::{ActorKind, DATASETS, Role};

/// Which role may do what with which tool, and for which purposes. No action is any action, and a `*` at the end stands for anything.
const ENTITLEMENTS: [(&str, &str, &str, &str); 21] = [
    (
        "support_t1",
        "agent-console",
        "login;account.lookup;account.view_*;account.search;account.suspend;password.reset;ticket.*",
        "",
    ),
    ("support_t2", "agent-console", "login;account.*;password.reset;session.revoke;customer.export;archive.download;ticket.*", ""),
    (
        "trust_safety",
        "agent-console",
        "login;account.lookup;account.view_*;account.search;account.suspend;session.revoke;dm.read;ticket.*",
        "",
    ),
    ("security", "agent-console", "login;account.lookup;account.search;session.revoke", ""),
    ("sre", "prod-access", "", ""),
    ("engineer", "prod-access", "", ""),
    ("security", "prod-access", "login;api.call", ""),
    ("service", "prod-access", "api.call;config.change", ""),
    ("engineer", "data-warehouse", "login;data.query", "product"),
    ("sre", "data-warehouse", "login;data.query", "product"),
    ("data_analyst", "data-warehouse", "login;data.*", "product;billing"),
    ("ads_analyst", "data-warehouse", "login;data.*", "ads"),
    ("security", "data-warehouse", "login;data.*", "security"),
    ("manager", "data-warehouse", "login;data.query", "product"),
    ("service", "data-warehouse", "data.*", "product;ads;billing"),
    ("it_admin", "admin-panel", "", ""),
    ("it_admin", "idp", "", ""),
    ("service", "admin-panel", "account.suspend", ""),
    ("service", "idp", "role.*", ""),
    ("service", "helpdesk", "ticket.open", ""),
    ("security", "idp", "session.revoke", ""),
];

/// What everybody may do.
const ENTITLEMENTS_OF_ALL: [(&str, &str); 2] = [("idp", "login*;security.report"), ("assistant", "assistant.*")];

const ROLES: [&str; 10] = [
    "support_t1",
    "support_t2",
    "trust_safety",
    "sre",
    "engineer",
    "data_analyst",
    "ads_analyst",
    "security",
    "it_admin",
    "manager",
];

/// Days between notice and the last day.
const NOTICE_DAYS: i32 = 14;

/// All tables but the tickets, and the lists that rules ask for.
pub(super) fn of(world: &World) -> Vec<(&'static str, String)> {
    let mut files = vec![
        ("roster.csv", roster(world)),
        ("shifts.csv", shifts(world)),
        ("on_call.csv", on_call(world)),
        ("leave.csv", leave(world)),
        ("holidays.csv", holidays(world)),
        ("entitlements.csv", entitlements()),
        ("resources.csv", resources()),
        ("watchlists.csv", watchlists(world)),
        ("devices.csv", devices(world)),
        ("networks.csv", networks(world)),
    ];
    files.extend(world.company.context_files());
    files
}

macro_rules! line {
    ($out:expr, $($part:tt)*) => { writeln!($out, $($part)*).expect("writing to a string cannot fail") };
}

fn entitlements() -> String {
    let mut out = "role,tool,actions,purposes\n".to_owned();
    for (role, tool, actions, purposes) in ENTITLEMENTS {
        line!(out, "{role},{tool},{actions},{purposes}");
    }
    for role in ROLES {
        for (tool, actions) in ENTITLEMENTS_OF_ALL {
            line!(out, "{role},{tool},{actions},");
        }
    }
    out
}

/// What the data in the warehouse was collected for.
fn resources() -> String {
    let mut out = "kind,id,purposes\n".to_owned();
    for (name, purpose) in DATASETS {
        line!(out, "dataset,{name},{purpose}");
    }
    out
}

/// One line for each time in which somebody had a role: `from` is empty for what was so before the exercise, `until` for what stays.
fn roster(world: &World) -> String {
    let mut out = "id,email,type,role,team,manager,site,tz,start,last_day,notice,from,until,accounts\n".to_owned();
    let company = &world.company;
    let managers: Vec<usize> = (0..company.people.len()).filter(|it| company.people[*it].role == Role::Manager).collect();
    for (index, person) in company.people.iter().enumerate() {
        let at_site: Vec<usize> = managers.iter().copied().filter(|it| company.people[*it].site == person.site).collect();
        // A team has one manager.
        let team = person.team.bytes().fold(0_u64, |sum, it| mix(sum, u64::from(it)));
        let manager = at_site.get(team as usize % at_site.len().max(1)).filter(|it| **it != index);
        let manager = manager.map_or("", |it| &company.people[*it].id);
        let change = world.ways[index].change.as_ref().filter(|it| it.is_recorded);
        let changes = change.map_or_else(String::new, |it| instant(world.calendar.day_ms(it.day)));
        person_line(&mut out, world, index, person, manager, ("", &changes));
        if let Some(change) = change {
            person_line(&mut out, world, index, &change.person, manager, (&changes, ""));
        }
    }
    for service in &company.services {
        line!(out, "{},,service,service,platform,,,UTC,,,,,,", service.id);
    }
    out
}

fn person_line(out: &mut String, world: &World, index: usize, person: &Person, manager: &str, (from, until): (&str, &str)) {
    let calendar = &world.calendar;
    let start = match person.joins_day {
        // Long enough ago, and different for everybody.
        ..=0 => calendar.date(-40 - (mix(7, index as u64) % 2_000) as i32),
        day => calendar.date(day),
    };
    let last = person.leaves_day.map_or_else(String::new, |it| calendar.date(it).to_string());
    let notice = person.leaves_day.map_or_else(String::new, |it| calendar.date(it - NOTICE_DAYS).to_string());
    let (site, kind) = (world.company.site_of(person), person.kind.as_str());
    let (id, email, role, team) = (&person.id, &person.email, person.role.as_str(), &person.team);
    let accounts = &world.company.accounts;
    let own = Accounts::of_employees().find(|(_, owner)| *owner == index).map(|(account, _)| accounts.id(account).to_string());
    let own = own.unwrap_or_default();
    line!(
        out,
        "{id},{email},{kind},{role},{team},{manager},{},{},{start},{last},{notice},{from},{until},{own}",
        site.name,
        site.tz
    );
}

/// What the schedule says, not what people make of it.
fn shifts(world: &World) -> String {
    let mut out = "actor,start,end\n".to_owned();
    for (index, person) in world.company.people.iter().enumerate() {
        for day in -1..world.calendar.days {
            if !world.is_scheduled(index, day) {
                continue;
            }
            // A change that the roster does not know, the schedule does not know either.
            let change = world.ways[index].change.as_ref().filter(|it| it.is_recorded && it.day <= day);
            let (minutes, long) = hours(change.map_or(person, |it| &it.person).shift);
            let (start, end) = (world.local_ms(index, day, minutes), world.local_ms(index, day, minutes + long));
            line!(out, "{},{},{}", person.id, instant(start), instant(end));
        }
    }
    out
}

/// Weeks from Monday to Monday, on the clock of the site.
fn on_call(world: &World) -> String {
    let mut out = "actor,start,end\n".to_owned();
    for (index, person) in world.company.people.iter().enumerate() {
        for monday in (0..world.calendar.days).filter(|it| world.calendar.weekday(*it) == 0) {
            let last = (monday + 6).min(world.calendar.days);
            if let Some(first) = (monday..=last).find(|it| world.is_on_call(index, *it)) {
                let (start, end) = (world.local_ms(index, first, 0), world.local_ms(index, monday + 7, 6 * 60));
                line!(out, "{},{},{}", person.id, instant(start), instant(end));
            }
        }
    }
    out
}

fn leave(world: &World) -> String {
    let mut out = "actor,start,end\n".to_owned();
    for (person, ways) in world.company.people.iter().zip(&world.ways) {
        for leave in &ways.leaves {
            let (first, last) = (world.calendar.date(leave.days.start), world.calendar.date(leave.days.end - 1));
            line!(out, "{},{first},{last}", person.id);
        }
    }
    out
}

fn holidays(world: &World) -> String {
    let mut out = "date,site,name\n".to_owned();
    for it in &world.calendar.holidays {
        line!(out, "{},{},{}", world.calendar.date(it.day), world.company.sites[it.site].name, it.name);
    }
    out
}

/// Tier 1 are the few whose every look-up has to have a reason, tier 2 the other protected customers.
fn watchlists(world: &World) -> String {
    let mut out = "target,tier\n".to_owned();
    for account in Accounts::watchlist() {
        let tier = if Accounts::exchanges().any(|it| it == account) { 1 } else { 2 };
        line!(out, "{},{tier}", world.company.accounts.id(account));
    }
    out
}

/// Company laptops, with the new ones that some get.
fn devices(world: &World) -> String {
    let mut out = "id,owner,managed,encrypted,patched,from\n".to_owned();
    for (person, ways) in world.company.people.iter().zip(&world.ways) {
        let is_patched = !mix(11, u64::from(person.device)).is_multiple_of(20);
        line!(out, "d-{},{},true,true,{is_patched},", person.device, person.id);
        if let Some(day) = ways.new_laptop_day {
            let number = ways.laptop(person, day);
            line!(out, "d-{number},{},true,true,true,{}", person.id, world.calendar.date(day));
        }
        if person.kind == ActorKind::Employee {
            line!(out, "p-{},{},false,true,true,", person.device, person.id);
        }
    }
    out
}

fn networks(world: &World) -> String {
    let mut out = "network,name\n".to_owned();
    for site in &world.company.sites {
        line!(out, "{},{}", site.network, site.name);
    }
    line!(out, "{},data centre", crate::context::DATA_CENTRE);
    out
}
