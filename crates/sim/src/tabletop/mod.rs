//! The tabletop exercise: an organisation over weeks, everything that has really gone wrong, and everything that only looks like it, labelled.
//!
//! [`Tabletop`] plans who attacks whom before the first event, merges everybody's stream, and hands out batches of events; [`Lines`] writes
//! them as JSON, in any number of threads, with the same bytes. The tables that a detector may know (roster, shifts, tickets, …) come
//! from the same plan. Nothing here knows how a detector works.

mod attacks;
mod calendar;
mod duty;
mod labels;
mod ledger;
mod life;
mod people;
mod tables;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;
use std::sync::Arc;

pub use calendar::StressKind;
pub use labels::{AttackEvent, AttackGroup, AttackRecord, LabelRecord, RunRecord, StressRecord};

use crate::act::{Act, ActorIndex};
use crate::company::{Company, Person};
use crate::config::{CompanyConfig, DAY_MS};
use crate::json::LineWriter;
use crate::service::{ServiceKind, ServiceStream};
use crate::shared::Shared;
use crate::simulation::EventId;
use attacks::Planned;
use calendar::{Calendar, Gap};
use ledger::Ledger;
use life::Life;
use people::Ways;

/// The size and seed of an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TabletopConfig {
    /// People; held within `200..=100_000`, so that there is somebody for every part.
    pub people: u32,
    /// Days, the first of them Monday 2026-02-09; held within `21..=730`, so that there is time for habits.
    pub days: u32,
    /// Everything random follows from this number.
    pub seed: u64,
}

impl TabletopConfig {
    /// Fewest people.
    pub const PEOPLE_MIN: u32 = 200;
    /// Most people; keeps stream numbers within the key of the merge.
    pub const PEOPLE_MAX: u32 = 100_000;
    /// Fewest days.
    pub const DAYS_MIN: u32 = 21;
    /// Most days.
    pub const DAYS_MAX: u32 = 730;
}

/// 2026-02-09 00:00 UTC, a Monday: within sixty days clocks change in the United States and in Europe, and Easter comes.
const START_MS: i64 = 1_770_595_200_000;
/// How unevenly customers write: of the accounts that agents meet in a week, a tenth of a percent are met again and again.
const POPULARITY: f64 = 1.8;
/// Low bits of an agenda entry: the stream.
const STREAM_BITS: u32 = 20;
/// How long a new colleague counts as one.
const JOINER_DAYS: i32 = 14;

/// What is fixed before the first event.
#[derive(Debug)]
pub(crate) struct World {
    company: Company,
    calendar: Calendar,
    ways: Vec<Ways>,
}

impl World {
    fn new(config: &TabletopConfig) -> Self {
        let config = TabletopConfig {
            people: config.people.clamp(TabletopConfig::PEOPLE_MIN, TabletopConfig::PEOPLE_MAX),
            days: config.days.clamp(TabletopConfig::DAYS_MIN, TabletopConfig::DAYS_MAX),
            ..*config
        };
        let of_company = CompanyConfig {
            people: config.people,
            days: config.days,
            seed: config.seed,
            start_ms: START_MS,
            ..CompanyConfig::default()
        };
        let mut company = Company::generate(&of_company);
        company.accounts = company.accounts.with_skew(POPULARITY);
        let calendar = Calendar::new(&config, company.first_date, START_MS, &company.sites);
        let ways = people::draw(&mut company, &calendar);
        Self { company, calendar, ways }
    }

    /// The person as working on that day.
    fn person_on(&self, index: usize, day: i32) -> &Person {
        self.ways[index].person_on(&self.company.people[index], day)
    }

    /// The instant at which the person's clock shows `minutes` after midnight of `day`.
    fn local_ms(&self, index: usize, day: i32, minutes: i32) -> i64 {
        self.company.site_of(&self.company.people[index]).local_ms(self.calendar.first_date, day, minutes)
    }
}

/// An exercise that is running.
#[derive(Debug)]
pub struct Tabletop {
    world: Arc<World>,
    shared: Shared,
    ledger: Ledger,
    streams: Vec<Stream>,
    /// Next event of every stream that has one: (time since the start, stream).
    agenda: BinaryHeap<Reverse<u64>>,
    gaps: Vec<Gap>,
    attacks: Vec<Played>,
    written: u64,
}

/// An attack and what was recorded of it: the number of the event, and which of the planned acts it is.
#[derive(Debug)]
struct Played {
    planned: Planned,
    recorded: Vec<(u64, u32)>,
}

#[derive(Debug)]
struct Stream {
    source: Source,
    acts: Vec<Act>,
    next: usize,
}

#[derive(Debug)]
enum Source {
    Person(Life),
    Service(ServiceStream, ActorIndex),
    /// Planned in advance; nothing follows. The number of the attack, if it is one.
    Planned(Option<usize>),
}

/// Events in time order that are not written yet.
#[derive(Debug, Default)]
pub struct Batch {
    first: u64,
    acts: Vec<Act>,
}

impl Batch {
    /// How many events it has.
    pub fn len(&self) -> usize {
        self.acts.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }
}

/// Writes events as lines; cheap to clone, so that every thread may have its own.
#[derive(Debug, Clone)]
pub struct Lines {
    world: Arc<World>,
}

impl Lines {
    /// Appends the events of `range` in `batch`, one JSON object a line.
    pub fn write(&self, batch: &Batch, range: Range<usize>, out: &mut Vec<u8>) {
        let company = &self.world.company;
        let (mut writer, mut line) = (LineWriter::new(), Vec::with_capacity(1_024));
        for (at, act) in batch.acts.iter().enumerate().skip(range.start).take(range.len()) {
            writer.write(&mut line, company, act, EventId::nth(company.config.seed, batch.first + at as u64));
            out.extend_from_slice(&line);
            out.push(b'\n');
        }
    }
}

impl Tabletop {
    /// Generates the organisation and plans everything that goes wrong. Values out of range are held within their limits.
    pub fn new(config: &TabletopConfig) -> Self {
        let world = World::new(config);
        let attacks = attacks::plan(&world);
        let company = &world.company;
        let people = (0..company.people.len()).map(|index| Source::Person(Life::new(&world, index)));
        let services = (0..company.services.len())
            .map(|index| Source::Service(ServiceStream::new(company, index), ActorIndex((company.people.len() + index) as u32)));
        let mut streams: Vec<Stream> = people.chain(services).map(|source| Stream { source, acts: Vec::new(), next: 0 }).collect();
        let mut ledger = Ledger::default();
        let mut gaps = world.calendar.gaps();
        for (number, attack) in attacks.iter().enumerate() {
            for (source, acts) in [(Some(number), &attack.acts), (None, &attack.witnesses)] {
                streams.push(Stream { source: Source::Planned(source), acts: acts.clone(), next: 0 });
            }
            attack.tickets.iter().for_each(|row| ledger.add(company, row));
            gaps.extend(attack.gaps.iter().copied());
        }
        let mut tabletop = Self {
            shared: Shared::new(company.config.people, company.actor_count()).with_book(),
            agenda: BinaryHeap::with_capacity(streams.len()),
            attacks: attacks.into_iter().map(|planned| Played { planned, recorded: Vec::new() }).collect(),
            world: Arc::new(world),
            ledger,
            streams,
            gaps,
            written: 0,
        };
        for index in 0..tabletop.streams.len() {
            if let Some(at_ms) = tabletop.peek(index) {
                tabletop.agenda.push(entry(at_ms, index));
            }
        }
        tabletop
    }

    /// What writes the events.
    pub fn lines(&self) -> Lines {
        Lines { world: Arc::clone(&self.world) }
    }

    /// Replaces `batch` by the next events, at most `count`. False when the last day is over.
    pub fn next_batch(&mut self, batch: &mut Batch, count: usize) -> bool {
        batch.acts.clear();
        batch.first = self.written;
        while batch.acts.len() < count {
            let Some(Reverse(first)) = self.agenda.peek() else { break };
            let index = (first & ((1 << STREAM_BITS) - 1)) as usize;
            let stream = &mut self.streams[index];
            let (act, place) = (stream.acts[stream.next], stream.next);
            stream.next += 1;
            let next_ms = self.peek(index);
            if let Some(mut first) = self.agenda.peek_mut() {
                match next_ms {
                    Some(at_ms) => *first = entry(at_ms, index),
                    None => {
                        PeekMut::pop(first);
                    }
                }
            }
            if self.gaps.iter().any(|it| it.swallows(&act)) {
                continue;
            }
            if let Source::Planned(Some(number)) = self.streams[index].source {
                self.attacks[number].recorded.push((self.written, place as u32));
            }
            self.written += 1;
            batch.acts.push(act);
        }
        !batch.is_empty()
    }

    /// The rows of the ticket table since the last call, as CSV without a header. A ticket is written when work on it ends.
    pub fn take_tickets(&mut self) -> String {
        self.ledger.take()
    }

    /// Header of the ticket table.
    pub const TICKETS_HEADER: &str = ledger::HEADER;

    /// The tables that a detector may know, besides the tickets: (file name, content).
    pub fn tables(&self) -> Vec<(&'static str, String)> {
        tables::of(&self.world)
    }

    /// Events written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The record of the run, and one of each stress, in time order: known before the first event.
    pub fn plan(&self) -> Vec<LabelRecord> {
        let World { company, calendar, .. } = &*self.world;
        let run = RunRecord {
            seed: company.config.seed,
            people: company.config.people,
            days: company.config.days,
            start_ms: company.config.start_ms,
            end_ms: company.config.end_ms(),
            attacks_from_ms: calendar.day_ms(calendar.attacks_from_day),
        };
        let mut stress = self.stress();
        stress.sort_by_key(|it| (it.from_ms, it.kind));
        std::iter::once(LabelRecord::Run(run)).chain(stress.into_iter().map(LabelRecord::Stress)).collect()
    }

    /// One record for each attack of which something was recorded so far, in the order of their first events.
    pub fn attacks(&self) -> Vec<AttackRecord> {
        let mut numbers = std::collections::BTreeMap::<&str, u32>::new();
        let mut records: Vec<AttackRecord> = Vec::new();
        for played in self.attacks.iter().filter(|it| !it.recorded.is_empty()) {
            let number = numbers.entry(played.planned.pattern).or_default();
            *number += 1;
            records.push(record(&self.world.company, played, *number));
        }
        records.sort_by(|a, b| (a.first_ms, &a.id).cmp(&(b.first_ms, &b.id)));
        records
    }

    fn stress(&self) -> Vec<StressRecord> {
        let World { company, calendar, ways } = &*self.world;
        let period = |kind, name: &str, from: i32, until: i32| StressRecord {
            kind,
            name: name.to_owned(),
            from_ms: calendar.day_ms(from),
            until_ms: calendar.day_ms(until),
            actors: Vec::new(),
        };
        let at_site = |site: usize| -> Vec<String> {
            company.people.iter().filter(|it| usize::from(it.site) == site).map(|it| it.id.clone()).collect()
        };
        let mut all = vec![
            period(StressKind::Surge, "two days of incident", calendar.surge.start, calendar.surge.end),
            period(StressKind::NewTool, "assistant for everybody", calendar.new_tool_day, calendar.new_tool_day + 7),
            period(
                StressKind::MissingSource,
                "no events of data-warehouse",
                calendar.missing_source.start,
                calendar.missing_source.end,
            ),
            period(StressKind::Outage, "no events at all", calendar.outage_day, calendar.outage_day + 1),
        ];
        for holiday in &calendar.holidays {
            let name = format!("{}, {}", holiday.name, company.sites[holiday.site].name);
            let one = period(StressKind::Holiday, &name, holiday.day, holiday.day + 1);
            all.push(StressRecord { actors: at_site(holiday.site), ..one });
        }
        for (site, day) in calendar.clock_changes(&company.sites) {
            let one = period(StressKind::DstChange, company.sites[site].name, day, day + 5);
            all.push(StressRecord { actors: at_site(site), ..one });
        }
        for (person, ways) in company.people.iter().zip(ways) {
            let of_person = |one| StressRecord { actors: vec![person.id.clone()], ..one };
            if let Some(change) = &ways.change {
                let kind = if change.is_recorded { StressKind::RoleChange } else { StressKind::RoleChangeUnrecorded };
                let name = format!("{} becomes {}", person.role.as_str(), change.person.role.as_str());
                all.push(of_person(period(kind, &name, change.day, calendar.days)));
            }
            if person.joins_day > 0 {
                let until = (person.joins_day + JOINER_DAYS).min(calendar.days);
                all.push(of_person(period(StressKind::Joiner, person.role.as_str(), person.joins_day, until)));
            }
        }
        all
    }

    /// Time of the next event of a stream within the exercise; afterwards `acts[next]` of it is that event.
    fn peek(&mut self, index: usize) -> Option<i64> {
        let Self { world, shared, ledger, streams, .. } = self;
        let config = &world.company.config;
        let stream = &mut streams[index];
        loop {
            // People arrive in the middle of a shift: what was before the start is skipped.
            while let Some(act) = stream.acts.get(stream.next) {
                if act.at_ms >= config.end_ms() {
                    return None;
                }
                if act.at_ms >= config.start_ms {
                    return Some(act.at_ms);
                }
                stream.next += 1;
            }
            if matches!(stream.source, Source::Planned(_)) {
                return None;
            }
            stream.acts.clear();
            stream.next = 0;
            match &mut stream.source {
                Source::Person(life) => life.refill(world, shared, ledger, &mut stream.acts),
                Source::Service(service, actor) => {
                    service.refill(&world.company, shared, &mut stream.acts);
                    note_tickets_of_service(world, shared, ledger, *actor, &stream.acts);
                }
                Source::Planned(_) => {}
            }
            if stream.acts.is_empty() {
                return None;
            }
        }
    }
}

/// Tickets under which a program works come in with customers' tickets.
fn note_tickets_of_service(world: &World, shared: &mut Shared, ledger: &mut Ledger, actor: ActorIndex, acts: &[Act]) {
    for act in acts {
        if let Some(ticket) = act.ticket {
            let (intake, _) = world.company.service_of(ServiceKind::Intake, ticket.number);
            shared.opened(ticket, act.at_ms - DAY_MS / 2, intake);
        }
    }
    ledger.add_work(&world.company, shared, actor, acts);
}

fn record(company: &Company, played: &Played, number: u32) -> AttackRecord {
    let planned = &played.planned;
    let mut record = AttackRecord {
        id: format!("{}-{number}", planned.pattern),
        pattern: planned.pattern.to_owned(),
        group: planned.group,
        variant: planned.variant.map(str::to_owned),
        story: planned.story.to_owned(),
        actors: Vec::new(),
        targets: Vec::new(),
        first_ms: 0,
        last_ms: 0,
        causes: planned.causes.iter().map(|&it| it.to_owned()).collect(),
        events: Vec::with_capacity(played.recorded.len()),
    };
    let place = |list: &mut Vec<String>, name: String| {
        let found = list.iter().position(|it| *it == name);
        found.unwrap_or_else(|| {
            list.push(name);
            list.len() - 1
        }) as u32
    };
    for &(number, act) in &played.recorded {
        let act = &planned.acts[act as usize];
        let target = ledger::subject_id(company, act.subject);
        record.events.push(AttackEvent {
            id: EventId::nth(company.config.seed, number).to_string(),
            time_ms: act.at_ms,
            actor: place(&mut record.actors, company.actor_id(act.actor).to_owned()),
            target: (!target.is_empty()).then(|| place(&mut record.targets, target)),
        });
    }
    (record.first_ms, record.last_ms) = match (record.events.first(), record.events.last()) {
        (Some(first), Some(last)) => (first.time_ms, last.time_ms),
        _ => (0, 0),
    };
    record
}

/// Times compare first, then streams: equal times have a fixed order.
fn entry(at_ms: i64, stream: usize) -> Reverse<u64> {
    Reverse(((at_ms - START_MS) as u64) << STREAM_BITS | stream as u64)
}
