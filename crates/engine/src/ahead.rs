//! Events on their way from matching to settling: some at a time, so that what their profiles and windows need is asked for all of them
//! together.

use crate::reader::{Head, recycled};
use crate::shard::{AHEAD, Findings, Lane, Shard, Sheet, line_of};
use crate::windows::Identity;
use model::Value;
use std::ops::Range;

/// Up to [`AHEAD`] events of one shard, in their order, each with something that its owner knows it by.
#[derive(Debug)]
pub struct Ahead<'b, T> {
    rows: [Option<(Head<'b>, Row, T)>; AHEAD],
    count: usize,
    sheet: Sheet,
    /// Of the events that are to be examined when their turn comes.
    values: Vec<Value<'b>>,
}

/// Between two steps of looking ahead there are so many events: enough for what was asked for to come, and those that are asked for together
/// are no more than the processor can wait for.
const STEP: usize = 8;

/// What is known of an event.
#[derive(Debug)]
enum Row {
    Examined(Findings),
    /// What its line is known by, and its values.
    Waiting(Option<Identity>, Range<usize>),
}

impl<'b, T> Ahead<'b, T> {
    /// None yet. `spare` is an earlier one's memory.
    pub fn new(spare: Spare) -> Self {
        let Spare { mut sheet, values } = spare;
        sheet.clear();
        Self { rows: [const { None }; AHEAD], count: 0, sheet, values: recycled(values) }
    }

    /// Whether they have to be settled before the next one.
    pub fn is_full(&self) -> bool {
        self.count == AHEAD
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Examines the next event, or has brought near what that needs if it depends on the events before.
    pub fn examine(&mut self, shard: &Shard, lane: &mut Lane, head: Head<'b>, values: &[Value<'b>], tag: T) {
        let row = if lane.needs_state() {
            let (known_by, start) = (line_of(&head), self.values.len());
            shard.expect_of(lane.actor_of(&head), known_by);
            self.values.extend_from_slice(values);
            Row::Waiting(known_by, start..self.values.len())
        } else {
            let findings = lane.examine(&head, values, &mut self.sheet);
            shard.expect_groups(&self.sheet, &findings);
            Row::Examined(findings)
        };
        self.rows[self.count] = Some((head, row, tag));
        self.count += 1;
        self.fetch(shard, self.count);
    }

    /// Takes the next steps of looking ahead once so many events are there, or were settled beyond those that are there.
    fn fetch(&mut self, shard: &Shard, count: usize) {
        let Self { rows, sheet, .. } = self;
        let examined = |at: Option<usize>| match rows[..self.count].get(at?) {
            Some(Some((_, Row::Examined(findings), _))) => Some(findings),
            _ => None,
        };
        examined(count.checked_sub(STEP + 1)).inspect(|it| shard.fetch_groups(sheet, it));
        examined(count.checked_sub(2 * STEP + 1)).inspect(|it| shard.fetch_windows(sheet, it));
        examined(count.checked_sub(3 * STEP + 1)).inspect(|it| shard.fetch_next(sheet, it));
    }

    /// Examines those that wait, shows all to `settle`, which has [`Shard::settle`] settle each, and forgets them.
    pub fn settle<O>(
        &mut self,
        owner: &mut O,
        parts: impl Fn(&mut O) -> (&mut Shard, &mut Lane),
        mut settle: impl FnMut(&mut O, &Head<'b>, (&Sheet, &Findings), &T),
    ) {
        let (shard, lane) = parts(owner);
        for at in 0..self.count {
            let Self { rows, sheet, values, .. } = self;
            if let Some((head, row, _)) = &mut rows[at]
                && let Row::Waiting(known_by, of_row) = row
            {
                let findings = shard.examine(lane, head, *known_by, &values[of_row.clone()], sheet);
                shard.expect_groups(sheet, &findings);
                *row = Row::Examined(findings);
                self.fetch(shard, at + 1);
            }
        }
        // What is not there yet of the last ones is asked for while the first ones are settled, so that no two wait for one another.
        let lead = (3 * STEP).saturating_sub(self.count);
        (1..=lead).for_each(|it| self.fetch(parts(owner).0, self.count + it));
        for at in 0..self.count {
            self.fetch(parts(owner).0, self.count + lead + at + 1);
            if let Some((head, Row::Examined(findings), tag)) = &self.rows[at] {
                settle(owner, head, (&self.sheet, findings), tag);
            }
        }
        self.count = 0;
        self.sheet.clear();
        self.values.clear();
    }

    /// Its memory, for the next one.
    pub fn into_spare(self) -> Spare {
        Spare { sheet: self.sheet, values: recycled(self.values) }
    }
}

/// Memory that is used again.
#[derive(Debug, Default)]
pub struct Spare {
    sheet: Sheet,
    values: Vec<Value<'static>>,
}
