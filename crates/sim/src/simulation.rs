//! Merges everybody's stream into one, in event-time order, and writes it line by line. Memory grows with the people, not with the events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fmt;

use crate::act::Act;
use crate::attack;
use crate::company::Company;
use crate::config::CompanyConfig;
use crate::json::{LineWriter, push_hex};
use crate::scenario::Scenario;
use crate::seed::mix;
use crate::service::ServiceStream;
use crate::shared::Shared;
use crate::truth::{AttackLabel, AttackTruth};
use crate::worker::Worker;

/// The `id` of an event, unique within a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId(u64);

impl EventId {
    pub(crate) fn nth(seed: u64, number: u64) -> Self {
        // The mixer is a bijection for a fixed seed: distinct numbers give distinct ids.
        Self(mix(seed, number))
    }

    /// Random-looking bits that belong to this event.
    pub(crate) fn noise(self) -> u64 {
        mix(self.0, 1)
    }

    /// Appends the id as it stands in the line: `e-` and 16 hexadecimal digits.
    pub(crate) fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"e-");
        push_hex(out, self.0, 16);
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e-{:016x}", self.0)
    }
}

/// What the caller needs to know about a line without parsing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMeta<'a> {
    /// Event time, epoch milliseconds; never less than the previous one's.
    pub time_ms: i64,
    /// The event's `id`.
    pub id: EventId,
    /// `actor.id`, the Kafka key.
    pub actor_key: &'a str,
    /// Set on events of an attack.
    pub label: Option<AttackLabel>,
}

/// A company living through its days: an endless-looking source of audit events.
///
/// The same configuration and scenario give the same bytes.
#[derive(Debug)]
pub struct Simulation {
    company: Company,
    shared: Shared,
    streams: Vec<Stream>,
    /// Next event of every stream that has one: (time since the start, stream).
    agenda: BinaryHeap<Reverse<u64>>,
    truth: AttackTruth,
    writer: LineWriter,
    written: u64,
}

#[derive(Debug)]
struct Stream {
    source: Source,
    acts: Vec<Act>,
    next: usize,
}

#[derive(Debug)]
enum Source {
    Person(Worker),
    Service(ServiceStream),
    /// Planned in advance; nothing follows.
    Attack,
}

/// Low bits of an agenda entry: the stream.
const STREAM_BITS: u32 = 20;

impl Simulation {
    /// Generates the company and plans the scenario. Out-of-range configuration is held within its limits.
    pub fn new(config: &CompanyConfig, scenario: Scenario) -> Self {
        Self::of(Company::generate(config), scenario)
    }

    /// Lets `company` live through `scenario`.
    pub fn of(company: Company, scenario: Scenario) -> Self {
        let attack = attack::plan(scenario, &company);
        let people = (0..company.people.len()).map(|index| Source::Person(Worker::new(&company, index)));
        let services = (0..company.services.len()).map(|index| Source::Service(ServiceStream::new(&company, index)));
        let mut streams: Vec<Stream> = people.chain(services).map(|source| Stream { source, acts: Vec::new(), next: 0 }).collect();
        streams.push(Stream { source: Source::Attack, acts: attack.acts, next: 0 });
        let mut simulation = Self {
            shared: Shared::new(company.config.people, company.actor_count()),
            agenda: BinaryHeap::with_capacity(streams.len()),
            streams,
            truth: attack.truth,
            writer: LineWriter::new(),
            written: 0,
            company,
        };
        for index in 0..simulation.streams.len() {
            if let Some(at_ms) = simulation.streams[index].peek(&simulation.company, &mut simulation.shared) {
                simulation.agenda.push(entry(&simulation.company, at_ms, index));
            }
        }
        simulation
    }

    /// Replaces `line` by the next event, without a line end. `None` when the last day is over.
    pub fn next_into(&mut self, line: &mut Vec<u8>) -> Option<EventMeta<'_>> {
        let mut first = self.agenda.peek_mut()?;
        let index = (first.0 & ((1 << STREAM_BITS) - 1)) as usize;
        let stream = &mut self.streams[index];
        let act = stream.acts[stream.next];
        stream.next += 1;
        match stream.peek(&self.company, &mut self.shared) {
            Some(at_ms) => *first = entry(&self.company, at_ms, index),
            None => {
                PeekMut::pop(first);
            }
        }
        let id = EventId::nth(self.company.config.seed, self.written);
        self.written += 1;
        self.writer.write(line, &self.company, &act, id);
        Some(EventMeta { time_ms: act.at_ms, id, actor_key: self.company.actor_id(act.actor), label: act.label })
    }

    /// What really happens: known before the first event.
    pub fn truth(&self) -> &AttackTruth {
        &self.truth
    }

    /// The company.
    pub fn company(&self) -> &Company {
        &self.company
    }
}

impl Stream {
    /// Time of the next event within the simulation; afterwards `acts[next]` is that event.
    fn peek(&mut self, company: &Company, shared: &mut Shared) -> Option<i64> {
        loop {
            // People arrive in the middle of a shift: what was before the start is skipped.
            while let Some(act) = self.acts.get(self.next) {
                if act.at_ms >= company.config.end_ms() {
                    return None;
                }
                if act.at_ms >= company.config.start_ms {
                    return Some(act.at_ms);
                }
                self.next += 1;
            }
            self.acts.clear();
            self.next = 0;
            match &mut self.source {
                Source::Person(worker) => worker.refill(company, shared, &mut self.acts),
                Source::Service(service) => service.refill(company, shared, &mut self.acts),
                Source::Attack => {}
            }
            if self.acts.is_empty() {
                return None;
            }
        }
    }
}

/// Times compare first, then streams: equal times have a fixed order.
fn entry(company: &Company, at_ms: i64, stream: usize) -> Reverse<u64> {
    let since_start_ms = (at_ms - company.config.start_ms) as u64;
    Reverse(since_start_ms << STREAM_BITS | stream as u64)
}
