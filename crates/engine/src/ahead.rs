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
            shard.expect(&head, known_by);
            self.values.extend_from_slice(values);
            Row::Waiting(known_by, start..self.values.len())
        } else {
            Row::Examined(lane.examine(&head, values, &mut self.sheet))
        };
        self.rows[self.count] = Some((head, row, tag));
        self.count += 1;
    }

    /// Examines those that wait, shows all to `settle`, which has [`Shard::settle`] settle each, and forgets them.
    pub fn settle<O>(
        &mut self,
        owner: &mut O,
        parts: impl Fn(&mut O) -> (&mut Shard, &mut Lane),
        mut settle: impl FnMut(&mut O, &Head<'b>, (&Sheet, &Findings), &T),
    ) {
        let (shard, lane) = parts(owner);
        let Self { rows, count, sheet, values } = self;
        let rows = &mut rows[..*count];
        for (head, row, _) in rows.iter_mut().flatten() {
            if let Row::Waiting(known_by, of_row) = row {
                *row = Row::Examined(shard.examine(lane, head, *known_by, &values[of_row.clone()], sheet));
            }
        }
        let examined = || {
            rows.iter().flatten().filter_map(|(head, row, tag)| match row {
                Row::Examined(findings) => Some((head, findings, tag)),
                Row::Waiting(..) => None,
            })
        };
        shard.look_ahead(sheet, examined().map(|it| it.1));
        for (head, findings, tag) in examined() {
            settle(owner, head, (sheet, findings), tag);
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
