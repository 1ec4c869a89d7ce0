//! What is normal for the actors of a shard: each event is compared with the habits of its actor and the peers, rules may read what comes out,
//! and then, as far as it was ordinary, it is learnt.

mod attic;
mod deviation;
mod hours;
mod names;
mod portrait;
mod scored;
mod society;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub use attic::{Attic, Brought};
pub use hours::Hours;
pub use names::{Actor, Names};
pub use portrait::{Known, Pace, Peak, Portrait, Rate, Share, Slow};
pub use scored::Scored;
pub use society::{Society, refresh};

pub(crate) use deviation::{deviation, rule_info};
pub(crate) use names::Asked;
pub(crate) use society::GroupKey;

use crate::prefetch::prefetch_start;
use crate::windows::Identity;
use baseline::calibrate::Calibration;
use baseline::combine::Score;
use baseline::feature::{CHANNELS, Channel};
use baseline::observation::Observation;
use baseline::peers::{Group, GroupId, Touched};
use baseline::person::{Person, Surprise};
use baseline::population::{Evicted, Population, Seat};
use baseline::risk::{LASTING, Sensitivity};
use baseline::{LogP, population};
use hashbrown::HashSet;
use model::Level;
use std::sync::Arc;

/// How behaviour is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct BehaviourSettings {
    /// How many people all shards of the process keep in memory together, at most. Whoever has to make way is kept as bytes.
    pub people_max: usize,
    /// The risk from which on an event that raises it is a candidate for an alert.
    pub risk_floor: f64,
    /// Whether the score of each event is wanted ([`crate::Outbox::scores`]).
    pub tells_scores: bool,
}

impl Default for BehaviourSettings {
    /// A million people, 2 GiB; candidates from a risk of 2 on.
    fn default() -> Self {
        Self { people_max: 1_000_000, risk_floor: 2.0, tells_scores: false }
    }
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BehaviourStats {
    /// Profiles in memory.
    pub people: usize,
    /// Bytes of all of them.
    pub bytes: usize,
    /// How often a profile had to make way so far.
    pub evicted: u64,
    /// How often one that had made way came back.
    pub brought_back: u64,
    /// Profiles that made way and could not be kept, or were kept and could not be read: their people begin anew.
    pub forgotten: u64,
    /// Events of somebody or at some time that no profile can be kept of.
    pub unmodelled: u64,
    /// Events that came [`TOO_LATE_SECONDS`] or more after a later one of the same actor: rules saw them, profiles did not.
    pub too_late: u64,
}

impl std::ops::Add for BehaviourStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            people: self.people + other.people,
            bytes: self.bytes + other.bytes,
            evicted: self.evicted + other.evicted,
            brought_back: self.brought_back + other.brought_back,
            forgotten: self.forgotten + other.forgotten,
            unmodelled: self.unmodelled + other.unmodelled,
            too_late: self.too_late + other.too_late,
        }
    }
}

/// The profiles of one shard's actors.
#[derive(Debug)]
pub struct Behaviour {
    settings: BehaviourSettings,
    population: Population,
    calibration: Calibration,
    society: Arc<Society>,
    /// Groups that are to be made when the peers are looked at anew, in the order in which they were met.
    wanted: Vec<GroupKey>,
    wanted_known: HashSet<GroupKey>,
    /// In which groups anybody has acted, come or gone since what is usual there was looked at.
    touched: Touched,
    /// In which groups anybody has come, gone or used something else since it was looked at what members use.
    used: Touched,
    surprise: Surprise,
    names: Names,
    attic: Option<Box<dyn Attic>>,
    brought_back: u64,
    forgotten: u64,
    unmodelled: u64,
    too_late: u64,
}

/// What a profile is told of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    /// Who acted.
    pub(crate) id: u128,
    /// Whose peer that is.
    pub(crate) group: GroupKey,
    /// What was done.
    pub(crate) observation: Observation,
    /// How much harm it can do.
    pub(crate) sensitivity: Sensitivity,
}

/// An event that was compared and not learnt yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'o> {
    seat: Seat,
    group: GroupId,
    observed: &'o Observed,
    /// By how much it has raised the risk.
    raised: f64,
    idle_days: Option<u32>,
    /// Whether nothing, or another group, was known of the actor.
    is_met: bool,
}

/// What is known of the actor of an event, for computed fields and explanations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'b> {
    pub(crate) person: &'b Person,
    pub(crate) group: &'b Group,
    pub(crate) observation: &'b Observation,
    pub(crate) surprise: &'b Surprise,
    pub(crate) idle_days: Option<u32>,
}

/// Rules of a level count among the families of risk after the channels of behaviour.
const fn family_of(level: Level) -> Option<(usize, f64)> {
    // How many such alerts a person has on an active day, by what the levels promise: a medium one in a hundred days of ordinary work,
    // a high one in a thousand, a critical one in ten thousand.
    match level {
        Level::Informational | Level::Low => None,
        Level::Medium => Some((CHANNELS, 1e-2)),
        Level::High => Some((CHANNELS + 1, 1e-3)),
        Level::Critical => Some((CHANNELS + 2, 1e-4)),
    }
}

const SECONDS_PER_DAY: u32 = 86_400;

/// An event so long before the latest of its actor is history that was told already, or told backwards: to learn it would be to learn
/// it twice, and no day of the profile is left that it could be compared with.
pub const TOO_LATE_SECONDS: u32 = SECONDS_PER_DAY;

impl Behaviour {
    /// Nobody is known yet. `shards` are as many as share the room for people.
    pub fn new(settings: &BehaviourSettings, shards: usize) -> Self {
        let population = Population::new(settings.people_max.div_ceil(shards.max(1)));
        Self::with(settings.clone(), population, Calibration::default(), Arc::default())
    }

    fn with(settings: BehaviourSettings, population: Population, calibration: Calibration, society: Arc<Society>) -> Self {
        Self {
            settings,
            population,
            calibration,
            society,
            wanted: Vec::new(),
            wanted_known: HashSet::new(),
            touched: Touched::default(),
            used: Touched::default(),
            surprise: Surprise::default(),
            names: Names::default(),
            attic: None,
            brought_back: 0,
            forgotten: 0,
            unmodelled: 0,
            too_late: 0,
        }
    }

    /// Where profiles go that have to make way, and come from when their people act again.
    pub fn set_attic(&mut self, attic: Box<dyn Attic>) {
        self.attic = Some(attic);
    }

    /// Has room for as many people as the settings say, `shards` of which share it; the idlest make way if there were more.
    pub fn make_room(&mut self, shards: usize) {
        let evicted = self.population.set_room(self.settings.people_max.div_ceil(shards.max(1)));
        if !evicted.is_empty() {
            (self.touched, self.used) = Default::default();
        }
        evicted.into_iter().for_each(|it| self.keep(it));
    }

    /// What is remembered of the words in events.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The groups of peers.
    pub fn society(&self) -> &Arc<Society> {
        &self.society
    }

    /// How it stands.
    pub fn stats(&self) -> BehaviourStats {
        BehaviourStats {
            people: self.population.len(),
            bytes: self.population.bytes(),
            evicted: self.population.evicted(),
            brought_back: self.brought_back,
            forgotten: self.forgotten,
            unmodelled: self.unmodelled,
            too_late: self.too_late,
        }
    }

    /// Compares an event with the habits of its actor and the peers, and raises the actor's risk. `None` for an event that no profile can
    /// be kept of.
    pub(crate) fn judge<'o>(&mut self, observed: Option<&'o Observed>) -> Option<Judged<'o>> {
        let Some(observed) = observed else {
            self.unmodelled += 1;
            return None;
        };
        let group = self.group(observed.group);
        let seat = self.seat(observed.id);
        let Self { population, calibration, society, touched, used, surprise, .. } = self;
        let (person, peers) = (population.get_mut(seat), society.of(group));
        let it = &observed.observation;
        if person.last_seen() >= it.second.saturating_add(TOO_LATE_SECONDS) {
            self.too_late += 1;
            return None;
        }
        touched.mark(group);
        if person.group() != group {
            touched.mark(person.group());
            [person.group(), group].into_iter().for_each(|it| used.mark(it));
        }
        let idle_days = (person.last_seen() > 0).then(|| it.second.saturating_sub(person.last_seen()) / SECONDS_PER_DAY);
        let is_met = person.is_new() || person.group() != group;
        person.advance(peers, calibration, it);
        person.surprise(peers, it, surprise);
        let minute = it.second / 60;
        let mut raised = 0.0;
        for channel in Channel::ALL {
            let p = surprise.channel(channel);
            if p < LogP::HALF {
                let score = Score::of(p, 1.0);
                let family = if channel == Channel::Slow { LASTING } else { channel.index() };
                raised += person.risk_mut().add(minute, it.day, family, score, observed.sensitivity);
            }
        }
        Some(Judged { seat, group, observed, raised, idle_days, is_met })
    }

    /// Has brought near what is read of an actor's profile, by what the identifier is known by.
    pub(crate) fn look_ahead(&self, actor: Identity) {
        if let Some(seat) = self.population.find(id_by(actor)) {
            prefetch_start(self.population.get(seat), Person::HOT_BYTES);
        }
    }

    /// The group of that key; until it is made, everybody of the class.
    fn group(&mut self, key: GroupKey) -> GroupId {
        if key.role.is_none() && key.team.is_none() {
            return GroupId::all(key.class);
        }
        if let Some(known) = self.society.find(&key) {
            return known;
        }
        if self.wanted.len() < baseline::peers::GROUPS_MAX && self.wanted_known.insert(key) {
            self.wanted.push(key);
        }
        GroupId::all(key.class)
    }

    /// Where the actor sits, who may have to be brought back first.
    fn seat(&mut self, id: u128) -> Seat {
        if let Some(seat) = self.population.find(id) {
            return seat;
        }
        let person = match self.attic.as_mut().map_or(Brought::Nothing, |it| it.bring(id)) {
            Brought::Nothing => None,
            Brought::Profile(bytes) => population::from_bytes(&bytes).ok().or_else(|| self.forget()),
            Brought::Lost => self.forget(),
        };
        self.brought_back += u64::from(person.is_some());
        let come = person.as_ref().map(Person::group);
        let (seat, evicted) = self.population.admit(id, person);
        for group in come.into_iter().chain(evicted.as_ref().map(|it| it.group)) {
            self.touched.mark(group);
            self.used.mark(group);
        }
        evicted.into_iter().for_each(|it| self.keep(it));
        seat
    }

    fn keep(&mut self, evicted: Evicted) {
        if !self.attic.as_mut().is_some_and(|it| it.keep(evicted.id, evicted.bytes)) {
            self.forget();
        }
    }

    fn forget(&mut self) -> Option<Person> {
        self.forgotten += 1;
        None
    }

    /// Remembers the words of an event that was judged, for profiles that are shown.
    pub(crate) fn note(&mut self, judged: &Judged<'_>, say: impl Fn(Asked) -> Option<String>) {
        self.names.note(judged.observed, judged.is_met, say);
    }

    /// What is known of the event's actor.
    pub(crate) fn view<'v>(&'v self, judged: &Judged<'v>) -> View<'v> {
        View {
            person: self.population.get(judged.seat),
            group: self.society.of(judged.group),
            observation: &judged.observed.observation,
            surprise: &self.surprise,
            idle_days: judged.idle_days,
        }
    }

    /// Raises the risk by a detection of that level; once a day and level.
    pub(crate) fn alerted(&mut self, judged: &mut Judged<'_>, level: Level) {
        let Some((family, expected)) = family_of(level) else { return };
        let it = &judged.observed.observation;
        let score = Score::of(LogP::of(expected), 1.0);
        let risk = self.population.get_mut(judged.seat).risk_mut();
        judged.raised += risk.add(it.second / 60, it.day, family, score, judged.observed.sensitivity);
    }

    /// Learns the event, as far as it was ordinary.
    pub(crate) fn learn(&mut self, judged: &Judged<'_>) {
        let Self { population, calibration, society, used, surprise, .. } = self;
        let person = population.get_mut(judged.seat);
        if person.learn(society.of(judged.group), calibration, &judged.observed.observation, surprise) {
            used.mark(judged.group);
        }
    }

    /// Whether the event is a candidate for an alert.
    pub(crate) fn is_candidate(&self, judged: &Judged<'_>) -> bool {
        let minute = judged.observed.observation.second / 60;
        judged.raised > 0.0 && self.population.get(judged.seat).risk().at(minute)[RISK_THAT_COUNTS] >= self.settings.risk_floor
    }

    /// Whether the score of each event is wanted.
    pub(crate) fn tells_scores(&self) -> bool {
        self.settings.tells_scores
    }

    /// How many people were active on the day (of their own clocks) that `second` is in, or since.
    pub fn active_since(&self, second: u32) -> usize {
        self.population.people().filter(|(_, it)| it.last_seen() >= second).count()
    }

    /// Looks somebody up by the hash of the identifier.
    pub fn person(&self, actor: &str) -> Option<(&Person, &Group)> {
        let person = self.population.get(self.population.find(id_of(actor))?);
        Some((person, self.society.of(person.group())))
    }
}

/// The place in [`baseline::risk::HALF_LIVES_DAYS`] of the half-life that alerts go by.
pub(crate) const RISK_THAT_COUNTS: usize = 1;

/// What a person is known by.
pub fn id_of(actor: &str) -> u128 {
    id_by(Identity::of([actor]))
}

/// What a person is known by whose identifier is known by that.
pub(crate) fn id_by(Identity([low, high]): Identity) -> u128 {
    u128::from(low) | u128::from(high) << 64
}
