//! A profile as a person would want to see it: names, dates and rates instead of hashes and sums.

use super::words::{DIMENSIONS, ERRANDS, SPANS, WINDOWS};
use super::{Behaviour, Names, id_of};
use baseline::observation::{Class, Dimension, Errand, Family, Span, Window};
use baseline::peers::Group;
use baseline::person::{Person, Usual};
use baseline::ratio::{Ratio, RatioPrior};
use baseline::risk::HALF_LIVES_DAYS;
use baseline::slow;
use model::EventTime;
use serde::Serialize;
use sigma::computed::FAMILIES;

/// What is known of how one person works. Counts and rates are of what was learnt: nothing in it can be used to find single events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Portrait {
    /// The actor, as events name it.
    pub actor: String,
    /// `person` or `service`.
    pub class: &'static str,
    /// The role whose members are the peers.
    pub role: Option<String>,
    /// The team, likewise.
    pub team: Option<String>,
    /// The first day, on the actor's own clock: `2026-01-05`.
    pub first_day: String,
    /// The latest event, as RFC 3339.
    pub last_seen: String,
    /// Days with any activity that are over.
    pub active_days: u16,
    /// Events, ten minutes and hours with any, on a usual active day.
    pub day: Pace,
    /// The same of peers.
    pub peer_day: Pace,
    /// Active hours that were learnt and not forgotten, by hour of day on the actor's own clock: of working days …
    pub working_days: Vec<f64>,
    /// … and of Saturdays and Sundays.
    pub days_off: Vec<f64>,
    /// What is usual of actions, of those families that the actor has ever used.
    pub rates: Vec<Rate>,
    /// What is usual of distinct targets.
    pub targets: Vec<Rate>,
    /// Which part of actions is sensitive, about watched targets, or without a ticket.
    pub shares: Vec<Share>,
    /// What the actor is known to use, by dimension, most used first.
    pub known: Vec<Known>,
    /// Decaying risk at the time that was asked for, by half-life.
    pub risk: Vec<Peak>,
    /// Episodes that are learnt apart for now: the family, or `targets`, and on how many days.
    pub episodes: Vec<Peak>,
    /// Evidence for a small rise that adds up over weeks.
    pub slow: Vec<Slow>,
}

/// How much there is on a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Events.
    pub events: f64,
    /// Ten minutes with any activity.
    pub tens: f64,
    /// Hours with any activity.
    pub hours: f64,
}

/// What is usual of a count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// The family of actions; `targets` of targets.
    pub what: &'static str,
    /// `10m`, `1h`, `1d` …
    pub window: &'static str,
    /// The mean that is expected; of ten minutes and an hour, where there is any.
    pub mean: f64,
    /// The most that 99 in 100 such windows hold.
    pub p99: f64,
    /// What is expected of a peer.
    pub peer_mean: f64,
    /// The most that 999 in 1,000 of peers' hold.
    pub peer_p999: f64,
    /// How much of the expectation is the actor's own, 0 … 1.
    pub evidence: f64,
    /// Of targets, how many there have been in the span up to the latest event.
    pub now: Option<f64>,
}

/// A part of what is done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// `sensitive`, `watched`, or `no_ticket.` and the errand.
    pub what: String,
    /// The actor's own.
    pub share: f64,
    /// On how many actions that is based, old ones counting less.
    pub of: f64,
    /// The peers'.
    pub peer_share: f64,
}

/// Something that the actor uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known {
    /// `action`, `tool`, `ip`, `device`, `asn` or `country`.
    pub dimension: &'static str,
    /// Its name; where none is remembered, `#` and the hash.
    pub name: String,
    /// How often, old uses counting less.
    pub count: f64,
}

/// Something that is elevated, and by how much.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Peak {
    /// What: `3d`, `view`, `targets`.
    pub what: String,
    /// How much.
    pub value: f64,
}

/// A slow detector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slow {
    /// `targets` or `private_reads`, of a day.
    pub what: &'static str,
    /// Days that it has added up.
    pub days: u16,
    /// Evidence for a rise as a natural logarithm: without one, e to it or more takes as many days on average.
    pub evidence: f64,
    /// The rise that has most evidence, as a factor.
    pub rise: f64,
}

const MS_PER_DAY: i64 = 86_400_000;

impl Portrait {
    /// The actor of that name as of `at`; `None` where nobody of that name has a profile in memory.
    pub fn of(behaviour: &Behaviour, actor: &str, at: EventTime) -> Option<Self> {
        let (person, group) = behaviour.person(actor)?;
        Some(Self::drawn(person, group, behaviour.names(), actor, at))
    }

    /// Somebody whose profile is elsewhere, as bytes.
    ///
    /// # Errors
    ///
    /// Says what is wrong with bytes of another version, cut off or damaged.
    pub fn of_bytes(behaviour: &Behaviour, profile: &[u8], actor: &str, at: EventTime) -> Result<Self, String> {
        let person = baseline::population::from_bytes(profile).map_err(|it| it.to_string())?;
        let group = behaviour.society().of(person.group());
        Ok(Self::drawn(&person, group, behaviour.names(), actor, at))
    }

    fn drawn(person: &Person, group: &Group, names: &Names, actor: &str, at: EventTime) -> Self {
        let known = names.actor(id_of(actor)).cloned().unwrap_or_default();
        let hours = person.clock().hours_by_bin();
        let (working_days, days_off) = hours.split_at(24);
        let minute = u32::try_from(at.ms().div_euclid(60_000)).unwrap_or(0).max(person.last_seen() / 60);
        let risks = HALF_LIVES_DAYS.into_iter().zip(person.risk().at(minute));
        Self {
            actor: actor.to_owned(),
            class: if group.class() == Class::Service { "service" } else { "person" },
            role: known.role,
            team: known.team,
            first_day: day(person.first_day()),
            last_seen: EventTime::from_ms(i64::from(person.last_seen()) * 1_000).to_string(),
            active_days: person.active_days(),
            day: pace(person.own_pace()),
            peer_day: pace(group.pace()),
            working_days: working_days.to_vec(),
            days_off: days_off.to_vec(),
            rates: rates(person, group),
            targets: targets(person, group),
            shares: shares(person, group),
            known: Dimension::ALL.into_iter().flat_map(|it| kinds(person, names, it)).collect(),
            risk: risks.map(|(days, value)| Peak { what: format!("{days}d"), value }).collect(),
            episodes: episodes(person),
            slow: vec![slow("targets", person.slow_targets()), slow("private_reads", person.slow_private_reads())],
        }
    }
}

/// The date of a day since the epoch.
fn day(day: u16) -> String {
    let mut date = EventTime::from_ms(i64::from(day) * MS_PER_DAY).to_string();
    date.truncate("2026-01-05".len());
    date
}

fn pace(it: baseline::peers::Pace) -> Pace {
    Pace { events: it.events.into(), tens: it.tens.into(), hours: it.hours.into() }
}

fn rates(person: &Person, group: &Group) -> Vec<Rate> {
    let used = Family::ALL.into_iter().filter(|it| Window::ALL.iter().any(|window| person.habit(*it, *window).rate() > 0.0));
    let windows = used.flat_map(|family| Window::ALL.map(|window| (family, window)));
    windows
        .map(|(family, window)| {
            let usual = person.usual_rate(group, family, window);
            rate(FAMILIES[family.index()], WINDOWS[window.index()], usual, None)
        })
        .collect()
}

fn targets(person: &Person, group: &Group) -> Vec<Rate> {
    let of = |span| rate("targets", SPANS[Span::index(span)], person.usual_targets(group, span), Some(person.distinct(span)));
    Span::ALL.into_iter().map(of).collect()
}

fn rate(what: &'static str, window: &'static str, usual: Usual, now: Option<f64>) -> Rate {
    let Usual { mean, p99, peer_mean, peer_p999, evidence } = usual;
    Rate { what, window, mean, p99, peer_mean, peer_p999, evidence: evidence.get(), now }
}

fn shares(person: &Person, group: &Group) -> Vec<Share> {
    let of = |what: String, own: &Ratio, peers: &RatioPrior| Share {
        what,
        share: own.share(),
        of: own.trials(),
        peer_share: peers.share(),
    };
    let mut shares = vec![
        of("sensitive".to_owned(), person.sensitive(), group.sensitive_share()),
        of("watched".to_owned(), person.watched(), group.watched_share()),
    ];
    let no_ticket = |it: Errand| of(format!("no_ticket.{}", ERRANDS[it.index()]), person.no_ticket(it), group.no_ticket(it));
    shares.extend(Errand::ALL.map(no_ticket));
    shares.retain(|it| it.of > 0.0);
    shares
}

fn kinds(person: &Person, names: &Names, dimension: Dimension) -> Vec<Known> {
    let mut known = Vec::new();
    person.each_kind(dimension, |key, count| {
        let name = names.kind(dimension, key).map_or_else(|| format!("#{key:08x}"), str::to_owned);
        known.push(Known { dimension: DIMENSIONS[dimension.index()], name, count });
    });
    known.sort_by(|one, other| other.count.total_cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
    known
}

fn episodes(person: &Person) -> Vec<Peak> {
    let all = Family::ALL.into_iter().map(Some).chain([None]);
    let of = |family: Option<Family>| {
        let what = family.map_or("targets", |it| FAMILIES[it.index()]).to_owned();
        Peak { what, value: person.quarantine_days(family).into() }
    };
    all.map(of).filter(|it| it.value > 0.0).collect()
}

fn slow(what: &'static str, it: &slow::Slow) -> Slow {
    Slow { what, days: it.days(), evidence: it.evidence(), rise: it.rise() }
}
