//! The first phase: each thread takes the next block, decodes its lines into rows, and matches them against the rules.

use super::input::Input;
use super::seat::SHARDS;
use engine::decode::Lines;
use engine::pulse::Sighting;
use engine::reader::recycled;
use engine::shard::line_of;
use engine::windows::Identity;
use engine::{Findings, Head, Lane, Reader, Sheet};
use model::event::first;
use model::source::Required;
use model::{EventTime, Reject, Value};
use sigma::compile::Program;
use std::slice::IterMut;
use std::sync::{Mutex, PoisonError};
use stream::Block;
use stream::files::ReadError;

/// One event of a block.
pub(super) struct Row<'b> {
    pub(super) head: Head<'b>,
    /// 0-based number of its line in the block.
    pub(super) number: usize,
    pub(super) matched: Matched,
    /// What the serial step finds out.
    pub(super) is_late: bool,
    /// Likewise.
    pub(super) watermark: EventTime,
    /// Likewise: the highest watermark so far.
    pub(super) reached: EventTime,
}

/// What the rules make of an event.
pub(super) enum Matched {
    /// It stands on the sheet of the block.
    Now(Findings),
    /// It is matched where the state of its actor is, because rules read what depends on earlier events of the actor, or because it
    /// has no time of its own.
    Later {
        /// Its values begin here.
        start: usize,
        /// What its line is known by.
        line: Option<Identity>,
        /// It takes the time of the event before it, which another thread may be reading.
        is_timeless: bool,
    },
}

impl Matched {
    /// What was found, if it was looked for yet.
    pub(super) fn findings(&self) -> Option<&Findings> {
        match self {
            Self::Now(findings) => Some(findings),
            Self::Later { .. } => None,
        }
    }
}

/// One line that is no event.
pub(super) struct BadLine<'b> {
    /// 0-based number of the line in the block.
    pub(super) number: usize,
    /// Where it begins in the block.
    pub(super) offset: usize,
    pub(super) bytes: &'b [u8],
    pub(super) reject: Reject,
}

/// A decoded block.
pub(super) struct Rows<'b> {
    /// Its number in the round.
    pub(super) index: usize,
    pub(super) block: &'b Block,
    pub(super) events: Vec<Row<'b>>,
    /// The projected values of rows that are matched later. Those of all others were needed only for a moment.
    values: Vec<Value<'b>>,
    /// What the rules make of the other rows.
    pub(super) sheet: Sheet,
    /// How many values a row has.
    width: usize,
    /// Indexes of the rows of each shard, in order.
    pub(super) by_shard: [Vec<u32>; SHARDS],
    pub(super) bad: Vec<BadLine<'b>>,
    /// What the pulse of the source looks at, of each of the events; nothing if it has none.
    pub(super) sightings: Vec<Sighting<'b>>,
}

/// The memory of the rows of a block that is done with: giving it back and asking for it again costs more than one would think.
#[derive(Default)]
pub(super) struct Spare {
    events: Vec<Row<'static>>,
    values: Vec<Value<'static>>,
    sheet: Sheet,
    by_shard: [Vec<u32>; SHARDS],
    sightings: Vec<Sighting<'static>>,
}

impl<'b> Rows<'b> {
    fn new(index: usize, block: &'b Block, width: usize, spare: Spare) -> Self {
        let Spare { events, values, sheet, by_shard, sightings } = spare;
        Self { index, block, events, values, sheet, width, by_shard, bad: Vec::new(), sightings }
    }

    /// The values that begin at `start`.
    pub(super) fn values_from(&self, start: usize) -> &[Value<'b>] {
        &self.values[start..][..self.width]
    }

    /// What can be used again.
    pub(super) fn into_spare(mut self) -> Spare {
        self.events.clear();
        self.sheet.clear();
        self.by_shard.iter_mut().for_each(Vec::clear);
        self.sightings.clear();
        // Collecting an emptied vector of the same layout keeps its allocation.
        let events = self.events.into_iter().map_while(|_| None).collect();
        let sightings = self.sightings.into_iter().map_while(|_| None).collect();
        Spare { events, values: recycled(self.values), sheet: self.sheet, by_shard: self.by_shard, sightings }
    }
}

/// Where the threads take their blocks from.
pub(super) struct Feed<'r, 'b> {
    input: &'r mut Input,
    free: IterMut<'b, Block>,
    /// One for every block, so that it does not matter who decodes it.
    spares: &'r mut Vec<Spare>,
    taken: usize,
    ending: &'r mut Option<Ending>,
}

/// A block to decode, and the memory for it.
struct Taken<'b> {
    /// Its number in the round.
    index: usize,
    block: &'b Block,
    spare: Spare,
}

/// How the input ended.
pub(super) enum Ending {
    Over,
    Broken(ReadError),
}

impl<'r, 'b> Feed<'r, 'b> {
    /// The next blocks of `input`, as many as there are `blocks`, or as are here.
    pub(super) fn new(
        input: &'r mut Input,
        blocks: &'b mut [Block],
        spares: &'r mut Vec<Spare>,
        ending: &'r mut Option<Ending>,
    ) -> Mutex<Self> {
        Mutex::new(Self { input, free: blocks.iter_mut(), spares, taken: 0, ending })
    }

    /// Reads and decompresses the next block.
    fn take(&mut self) -> Option<Taken<'b>> {
        // The first block is worth any wait; for the others, the first would have to wait.
        if self.ending.is_some() || (self.taken > 0 && !self.input.has_more_at_once()) {
            return None;
        }
        let block = self.free.next()?;
        match self.input.reader.next_block(block) {
            Ok(true) => {
                self.taken += 1;
                Some(Taken { index: self.taken - 1, block, spare: self.spares.pop().unwrap_or_default() })
            }
            Ok(false) => {
                *self.ending = Some(Ending::Over);
                None
            }
            Err(error) => {
                *self.ending = Some(Ending::Broken(error));
                None
            }
        }
    }
}

/// What belongs to a thread: caches and scratch, nothing that changes a verdict.
pub(super) struct Worker {
    pub(super) reader: Reader,
    pub(super) lane: Lane,
}

/// Decodes blocks, and matches their events, until there are no more in this round.
pub(super) fn decode<'b>(worker: &mut Worker, program: &Program, feed: &Mutex<Feed<'_, 'b>>, done: &Mutex<Vec<Rows<'b>>>) {
    loop {
        let next = feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(taken) = next else { return };
        let rows = decode_block(worker, program, taken);
        done.lock().unwrap_or_else(PoisonError::into_inner).push(rows);
    }
}

fn decode_block<'b>(worker: &mut Worker, program: &Program, taken: Taken<'b>) -> Rows<'b> {
    let Worker { reader, lane } = worker;
    let Taken { index, block, spare } = taken;
    let width = reader.width();
    let mut rows = Rows::new(index, block, width, spare);
    let mut lines = Lines::new(block.padded(), block.payload_len()).expect("a block is whole lines and padding");
    let needs_state = lane.needs_state();
    let has_pulse = program.schema.mapping.watched_pulse().is_some();
    let may_lack_time = !program.schema.mapping.requires(Required::Time);
    loop {
        let start = rows.values.len();
        let Some(record) = reader.next(&mut lines, &mut rows.values) else { return rows };
        let (number, offset) = (record.number, record.offset);
        let head = match record.outcome {
            Ok(head) => head,
            Err(reject) => {
                rows.bad.push(BadLine { number, offset, bytes: record.bytes, reject });
                continue;
            }
        };
        let values = &rows.values[start..];
        let at = u32::try_from(rows.events.len()).expect("a block has fewer lines than that");
        rows.by_shard[shard_of(program, &head, values)].push(at);
        if has_pulse {
            rows.sightings.push(Sighting::of(&program.schema.pulse, values));
        }
        let is_timeless = may_lack_time && first(values, &program.schema.roles.time) == Value::Missing;
        let matched = if is_timeless || needs_state {
            Matched::Later { start, line: line_of(&head), is_timeless }
        } else {
            let findings = lane.examine(&head, values, &mut rows.sheet);
            rows.values.truncate(start);
            Matched::Now(findings)
        };
        rows.events.push(Row { head, number, matched, is_late: false, watermark: EventTime::MIN, reached: EventTime::MIN });
    }
}

/// The shard that an event belongs to. Windows that are kept by actor are grouped by the first place in which a source has the actor,
/// so that this place decides where it has a value; events of nobody are spread by their bytes.
fn shard_of(program: &Program, head: &Head<'_>, values: &[Value<'_>]) -> usize {
    let place = program.schema.roles.actor.first().map_or(Value::Missing, |it| values[it.index()]);
    let identity = match place {
        Value::Array(raw) | Value::Object(raw) | Value::Within { array: raw, .. } => Identity::of([raw]),
        Value::Missing | Value::Null => Identity::of([&*head.actor.text().unwrap_or_else(|| head.line.into())]),
        scalar => Identity::of([&*scalar.text().unwrap_or_default()]),
    };
    identity.shard(SHARDS)
}
