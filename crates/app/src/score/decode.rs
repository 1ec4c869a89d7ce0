//! The first phase: each thread takes the next block and decodes its lines into rows.

use super::input::Input;
use super::seat::SHARDS;
use engine::decode::Lines;
use engine::reader::recycled;
use engine::windows::Identity;
use engine::{Head, Reader};
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
    /// It has no time of its own and takes that of the event before it.
    pub(super) is_timeless: bool,
    /// What the serial step finds out.
    pub(super) is_late: bool,
    /// Likewise.
    pub(super) watermark: EventTime,
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
    /// The projected values of all rows, one row after the other.
    values: Vec<Value<'b>>,
    /// How many values a row has.
    width: usize,
    /// Indexes of the rows of each shard, in order.
    pub(super) by_shard: [Vec<u32>; SHARDS],
    pub(super) bad: Vec<BadLine<'b>>,
}

/// The memory of the rows of a block that is done with. It is a few times as large as the block, so that giving it back and asking for
/// it again would cost more than decoding.
#[derive(Default)]
pub(super) struct Spare {
    events: Vec<Row<'static>>,
    values: Vec<Value<'static>>,
    by_shard: [Vec<u32>; SHARDS],
}

impl<'b> Rows<'b> {
    fn new(index: usize, block: &'b Block, width: usize, spare: Spare) -> Self {
        let Spare { events, values, by_shard } = spare;
        Self { index, block, events, values, width, by_shard, bad: Vec::new() }
    }

    /// The values of row number `at`.
    pub(super) fn values_of(&self, at: usize) -> &[Value<'b>] {
        &self.values[at * self.width..][..self.width]
    }

    /// What can be used again.
    pub(super) fn into_spare(mut self) -> Spare {
        self.events.clear();
        self.by_shard.iter_mut().for_each(Vec::clear);
        // Collecting an emptied vector of the same layout keeps its allocation.
        let events = self.events.into_iter().map_while(|_| None).collect();
        Spare { events, values: recycled(self.values), by_shard: self.by_shard }
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

/// Decodes blocks until there are no more in this round.
pub(super) fn decode<'b>(reader: &mut Reader, program: &Program, feed: &Mutex<Feed<'_, 'b>>) -> Vec<Rows<'b>> {
    let mut done = Vec::new();
    loop {
        let next = feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(taken) = next else { return done };
        done.push(decode_block(reader, program, taken));
    }
}

fn decode_block<'b>(reader: &mut Reader, program: &Program, taken: Taken<'b>) -> Rows<'b> {
    let Taken { index, block, spare } = taken;
    let width = reader.width();
    let mut rows = Rows::new(index, block, width, spare);
    let mut lines = Lines::new(block.padded(), block.payload_len()).expect("a block is whole lines and padding");
    let may_lack_time = !program.schema.mapping.requires(Required::Time);
    while let Some(record) = reader.next(&mut lines, &mut rows.values) {
        let (number, offset) = (record.number, record.offset);
        match record.outcome {
            Ok(head) => {
                let at = rows.events.len();
                let values = &rows.values[at * width..];
                let is_timeless = may_lack_time && first(values, &program.schema.roles.time) == Value::Missing;
                rows.by_shard[shard_of(program, &head, values)].push(u32::try_from(at).expect("a block has fewer lines than that"));
                rows.events.push(Row { head, number, is_timeless, is_late: false, watermark: EventTime::MIN });
            }
            Err(reject) => rows.bad.push(BadLine { number, offset, bytes: record.bytes, reject }),
        }
    }
    rows
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
