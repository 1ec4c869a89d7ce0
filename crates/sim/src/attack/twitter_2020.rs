//! Twitter, 15 July 2020: calls from "IT", four stolen identities, short handles in the American morning, then exchanges, then the famous.
//!
//! 130 accounts targeted, 45 taken over, 36 inboxes read, 8 archives downloaded (the figures of the public reports).
//! Times are UTC; New York is four hours behind. Several employees report the calls, nobody puts the reports together.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::Attack;
use super::plot::{Plot, act};
use crate::accounts::{AccountIndex, Accounts};
use crate::act::{Act, ActorIndex, Device, Extra, Place, Session, Subject};
use crate::company::Company;
use crate::config::DAY_MS;
use crate::seed;
use crate::truth::AttackStep;
use crate::vocabulary::{Action, Auth, LOG_SINK, Outcome, Role, SETTINGS, Shift, Tool, datasets_for};

/// One group of accounts: how many are looked at and taken over, when, and by which identities.
struct Wave {
    targets: usize,
    takeovers: usize,
    looks: (i64, i64),
    thefts: (i64, i64),
    identities: &'static [usize],
    /// Who looks through the group: one identity in a hurry, or all of them.
    lookers: &'static [usize],
}

const SHORT_HANDLES: Wave = Wave {
    targets: 30,
    takeovers: 12,
    looks: (clock(13, 43), clock(13, 52)),
    thefts: (clock(14, 42), clock(16, 20)),
    identities: &[0, 1],
    lookers: &[1],
};
const EXCHANGES: Wave = Wave {
    targets: 25,
    takeovers: 9,
    looks: (clock(17, 5), clock(18, 50)),
    thefts: (clock(18, 20), clock(19, 40)),
    identities: &[1, 2],
    lookers: &[1, 2, 0],
};
const CELEBRITIES: Wave = Wave {
    targets: 75,
    takeovers: 24,
    looks: (clock(19, 25), clock(21, 5)),
    thefts: (clock(20, 6), clock(21, 50)),
    identities: &[0, 1, 2, 3],
    lookers: &[3, 2, 1, 0],
};
const INBOXES: usize = 36;
const ARCHIVES: usize = 8;

/// The four credentials: when the stolen one is first used, how many guesses it takes, and the factor that the caller talks out of the victim.
const THEFTS: [(i64, u32, Auth); 4] =
    [(clock(12, 48), 6, Auth::Totp), (clock(13, 32), 2, Auth::Sms), (clock(15, 10), 1, Auth::Totp), (clock(17, 40), 3, Auth::Sms)];
/// Rights that the first identity turns out not to have.
const PROBES: usize = 46;
const REPORTS: usize = 9;

/// Milliseconds after midnight.
const fn clock(hour: i64, minute: i64) -> i64 {
    (hour * 60 + minute) * 60_000
}

/// A stolen identity.
#[derive(Clone, Copy)]
struct Identity {
    actor: ActorIndex,
    session: Session,
}

pub(super) fn plan(company: &Company) -> Attack {
    let mut rng = seed::stream(company.config.seed, seed::ATTACK);
    let start_ms = company.config.start_ms;
    let midnight_ms = start_ms - start_ms.rem_euclid(DAY_MS) + i64::from(company.config.attack_day) * DAY_MS;
    // A simulation that starts in the middle of a day sees the whole attack, only later.
    let midnight_ms = midnight_ms.max(start_ms);
    let mut plot = Plot::new(company);
    let victims = victims(company, &mut rng);
    report_calls(&mut plot, company, &victims, midnight_ms, &mut rng);
    let identities: Vec<Identity> = victims
        .iter()
        .zip(THEFTS)
        .enumerate()
        .map(|(number, (&actor, theft))| break_in(&mut plot, number, actor, theft, midnight_ms, &mut rng))
        .collect();
    probe(&mut plot, identities[0], midnight_ms, &mut rng);
    let mut stolen = Vec::new();
    for (wave, group) in [
        (SHORT_HANDLES, Accounts::short_handles().collect()),
        (EXCHANGES, Accounts::exchanges().collect()),
        (CELEBRITIES, Accounts::celebrities().collect()),
    ] {
        stolen.extend(take(&mut plot, &wave, group, &identities, midnight_ms, &mut rng));
    }
    loot(&mut plot, &stolen, &mut rng);
    plot.finish(&victims)
}

/// Four people with access to the agents' console, at different sites if the company is large enough.
fn victims(company: &Company, rng: &mut ChaCha8Rng) -> Vec<ActorIndex> {
    let wanted = [(Role::SupportT1, "sfo"), (Role::SupportT2, "sfo"), (Role::SupportT2, "dub"), (Role::TrustSafety, "mnl")];
    let day = company.config.attack_day as i32;
    let people = &company.people;
    let first = rng.random_range(0..people.len());
    let mut chosen: Vec<ActorIndex> = Vec::new();
    for (role, code) in wanted {
        let candidates = || {
            (0..people.len()).map(|it| (it + first) % people.len()).filter(|&it| {
                let person = &people[it];
                let is_employed = person.joins_day <= day && person.leaves_day.is_none();
                is_employed && person.shift != Shift::Night && !chosen.contains(&ActorIndex(it as u32))
            })
        };
        let suits = |it: &usize| people[*it].role == role && company.site_of(&people[*it]).code == code && !people[*it].is_vip_desk;
        let victim = candidates()
            .find(suits)
            .or_else(|| candidates().find(|&it| people[it].role == role))
            .or_else(|| candidates().next())
            // A company of a dozen people may have nobody left who is employed that day: then anybody.
            .or_else(|| (0..people.len()).find(|&it| !chosen.contains(&ActorIndex(it as u32))));
        chosen.extend(victim.map(|it| ActorIndex(it as u32)));
    }
    chosen
}

/// Colleagues who did not fall for the call report it, one by one.
fn report_calls(plot: &mut Plot<'_>, company: &Company, victims: &[ActorIndex], midnight_ms: i64, rng: &mut ChaCha8Rng) {
    let people = company.people.len() as u32;
    let first = rng.random_range(0..people);
    let day = company.config.attack_day as i32;
    let at_site = |code: &'static str| {
        (0..people).map(move |it| ActorIndex((first + it) % people)).filter(|it| !victims.contains(it)).filter(move |it| {
            let person = &company.people[it.0 as usize];
            person.joins_day <= day && person.leaves_day.is_none() && company.site_of(person).code == code
        })
    };
    // The calls reach Europe before California gets up.
    let reporters = at_site("dub").take(REPORTS / 2).chain(at_site("sfo").take(REPORTS - REPORTS / 2));
    for (number, actor) in reporters.enumerate() {
        let person = &company.people[actor.0 as usize];
        let site = company.site_of(person);
        let place = Place {
            ip: [100, 64 + site.octet, (actor.0 >> 8) as u8, (actor.0 as u8).max(1)],
            country: site.country,
            asn: site.home_asn,
            device: Device::Laptop(person.device),
        };
        let session = Session { id: u32::MAX - 100 - number as u32, auth: person.auth, place };
        let at_ms = midnight_ms + clock(12, 20) + clock(0, 22) * number as i64 + rng.random_range(0..clock(0, 15));
        let report = act(at_ms, actor, session, Action::SecurityReport, Tool::Idp, Subject::Nothing);
        plot.add(AttackStep::Report, Act { extra: Extra::Report("vishing_call"), ..report });
    }
}

/// A few wrong passwords, then in: from a computer and a network that nobody has seen before.
fn break_in(
    plot: &mut Plot<'_>,
    number: usize,
    actor: ActorIndex,
    (first_ms, guesses, auth): (i64, u32, Auth),
    midnight_ms: i64,
    rng: &mut ChaCha8Rng,
) -> Identity {
    let (country, asn) = [("GB", 65_010), ("NL", 65_020)][number % 2];
    // Addresses set aside for documentation (RFC 5737).
    let ip = [[203, 0, 113, 40 + number as u8], [198, 51, 100, 70 + number as u8]][number % 2];
    let device = Device::Foreign(880_417 + 1_013 * number as u32);
    let session = Session { id: u32::MAX - number as u32, auth, place: Place { ip, country, asn, device } };
    let mut at_ms = midnight_ms + first_ms;
    let mut login = |at_ms, action, tool, outcome| {
        plot.add(AttackStep::Login, Act { outcome, ..act(at_ms, actor, session, action, tool, Subject::Nothing) });
    };
    for _ in 0..guesses {
        login(at_ms, Action::Login, Tool::Idp, Outcome::Failure);
        at_ms += rng.random_range(9_000..24_000);
    }
    login(at_ms, Action::Login, Tool::Idp, Outcome::Success);
    if number % 2 == 1 {
        at_ms += rng.random_range(30_000..60_000);
        login(at_ms, Action::MfaEnroll, Tool::Idp, Outcome::Success);
    }
    at_ms += rng.random_range(25_000..70_000);
    login(at_ms, Action::Login, Tool::AgentConsole, Outcome::Success);
    Identity { actor, session }
}

/// The first identity reads internal pages, tries its rights and is refused, again and again.
fn probe(plot: &mut Plot<'_>, thief: Identity, midnight_ms: i64, rng: &mut ChaCha8Rng) {
    let Identity { actor, session } = thief;
    let mut at_ms = midnight_ms + clock(12, 54);
    for path in ["/internal/wiki/agent-console", "/internal/wiki/account-recovery", "/internal/directory", "/internal/wiki/tools"] {
        let call = act(at_ms, actor, session, Action::ApiCall, Tool::AdminPanel, Subject::Nothing);
        plot.add(AttackStep::Probe, Act { extra: Extra::Path(path), ..call });
        at_ms += rng.random_range(20_000..90_000);
    }
    at_ms = midnight_ms + clock(13, 3);
    for number in 0..PROBES {
        let (action, tool, subject, extra) = match number % 6 {
            0 => (Action::ApiCall, Tool::AdminPanel, Subject::Nothing, Extra::Path("/internal/admin/accounts")),
            1 => {
                let grant = Extra::Grant { role: Role::SupportT2, grantee: actor };
                (Action::RoleGrant, Tool::AdminPanel, Subject::Actor(actor), grant)
            }
            2 => (Action::DataQuery, Tool::DataWarehouse, Subject::Dataset(datasets_for("security").start), Extra::Nothing),
            3 => (Action::ProdLogin, Tool::ProdAccess, Subject::Host(rng.random_range(0..400)), Extra::Nothing),
            4 if number == 4 => (Action::AuditLogDelete, Tool::AdminPanel, Subject::Setting(LOG_SINK), Extra::Nothing),
            4 => (Action::AuditLogDisable, Tool::AdminPanel, Subject::Setting(LOG_SINK), Extra::Nothing),
            _ => {
                let setting = Subject::Setting((number % SETTINGS.len()) as u8);
                (Action::ConfigChange, Tool::AdminPanel, setting, Extra::Nothing)
            }
        };
        let denied = act(at_ms, actor, session, action, tool, subject);
        plot.add(AttackStep::Probe, Act { outcome: Outcome::Denied, extra, ..denied });
        // All within nine and a half minutes.
        at_ms += rng.random_range(7_000..12_000);
    }
    for _ in 0..6 {
        at_ms += rng.random_range(30_000..80_000);
        plot.add(AttackStep::Probe, act(at_ms, actor, session, Action::AccountSearch, Tool::AgentConsole, Subject::Nothing));
    }
}

/// A stolen account: who has it, and since when.
struct Stolen {
    account: AccountIndex,
    thief: Identity,
    at_ms: i64,
}

/// Looks through a group of accounts, then takes some of them over.
fn take(
    plot: &mut Plot<'_>,
    wave: &Wave,
    mut group: Vec<AccountIndex>,
    identities: &[Identity],
    midnight_ms: i64,
    rng: &mut ChaCha8Rng,
) -> Vec<Stolen> {
    group.shuffle(rng);
    group.truncate(wave.targets);
    for (number, &account) in group.iter().enumerate() {
        let mut at_ms = midnight_ms + spread(wave.looks, number, wave.targets, rng);
        let looker = available(identities, wave.lookers, number, at_ms - midnight_ms);
        let looker = later_network(looker, at_ms - midnight_ms);
        plot.on(at_ms, looker.actor, looker.session, Action::AccountLookup, account);
        if rng.random_bool(0.4) {
            at_ms += rng.random_range(3_000..9_000);
            plot.on(at_ms, looker.actor, looker.session, Action::ViewEmail, account);
        }
    }
    // Early finds are taken over early; a second look comes right before.
    let stride = wave.targets / wave.takeovers;
    let mut stolen = Vec::with_capacity(wave.takeovers);
    for number in 0..wave.takeovers {
        let account = group[number * stride];
        let mut at_ms = midnight_ms + spread(wave.thefts, number, wave.takeovers, rng);
        let thief = available(identities, wave.identities, number, at_ms - midnight_ms);
        // One in four is relayed: another identity finishes what the first began.
        let helper = if number % 4 == 1 { available(identities, wave.identities, number + 1, at_ms - midnight_ms) } else { thief };
        let [thief, helper] = [thief, helper].map(|it| later_network(it, at_ms - midnight_ms));
        for (identity, action) in [
            (thief, Action::AccountLookup),
            (thief, Action::ContactChange),
            (thief, Action::MfaDisable),
            (helper, Action::PasswordReset),
        ] {
            plot.on(at_ms, identity.actor, identity.session, action, account);
            at_ms += rng.random_range(22_000..75_000);
        }
        stolen.push(Stolen { account, thief: helper, at_ms });
    }
    stolen
}

/// The `number`-th of `count` times in `window`, somewhere within its share.
fn spread(window: (i64, i64), number: usize, count: usize, rng: &mut ChaCha8Rng) -> i64 {
    let share_ms = (window.1 - window.0) / count as i64;
    window.0 + share_ms * number as i64 + rng.random_range(0..share_ms)
}

/// The `number`-th of those `wanted` identities, or one before it whose credentials are already stolen at `clock_ms`.
fn available(identities: &[Identity], wanted: &[usize], number: usize, clock_ms: i64) -> Identity {
    let settled_ms = clock(0, 10);
    let preferred = wanted[number % wanted.len()];
    let is_stolen = |at: usize| THEFTS[at].0 + settled_ms <= clock_ms;
    let index = (0..=preferred).rev().find(|&it| is_stolen(it)).unwrap_or(0);
    identities[index.min(identities.len() - 1)]
}

/// From the evening on one identity comes through another exit of its VPN, in the same session.
fn later_network(identity: Identity, clock_ms: i64) -> Identity {
    if identity.session.place.country != "GB" || clock_ms < clock(20, 30) {
        return identity;
    }
    let place = Place { ip: [198, 51, 100, 201], country: "NL", asn: 65_020, ..identity.session.place };
    Identity { session: Session { place, ..identity.session }, ..identity }
}

/// Reads inboxes and downloads archives of stolen accounts, each by who stole it.
fn loot(plot: &mut Plot<'_>, stolen: &[Stolen], rng: &mut ChaCha8Rng) {
    let mut order: Vec<&Stolen> = stolen.iter().collect();
    order.shuffle(rng);
    for (number, it) in order.into_iter().enumerate() {
        let mut at_ms = it.at_ms + rng.random_range(20_000..240_000);
        if number < INBOXES {
            plot.on(at_ms, it.thief.actor, it.thief.session, Action::DmRead, it.account);
            at_ms += rng.random_range(60_000..300_000);
        }
        // Archives come from accounts whose inbox was left alone as well as from others.
        if number >= stolen.len() - ARCHIVES {
            plot.on(at_ms, it.thief.actor, it.thief.session, Action::ArchiveDownload, it.account);
        }
    }
}
