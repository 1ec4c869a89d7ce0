//! Events on their way from matching to settling: some at a time, so that what their windows need is asked for all of them together.

use crate::reader::Head;
use crate::shard::{AHEAD, Findings, Lane, Shard, Sheet};
use model::Value;

/// Up to [`AHEAD`] events of one shard, in their order, each with something that its owner knows it by.
#[derive(Debug)]
pub struct Ahead<'b, T> {
    rows: [Option<(Head<'b>, Findings, T)>; AHEAD],
    count: usize,
    sheet: Sheet,
}

impl<'b, T> Ahead<'b, T> {
    /// None yet. `sheet` is an earlier one's memory.
    pub fn new(mut sheet: Sheet) -> Self {
        sheet.clear();
        Self { rows: [const { None }; AHEAD], count: 0, sheet }
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

    /// Examines the next event.
    pub fn examine(&mut self, shard: &mut Shard, lane: &mut Lane, head: Head<'b>, values: &[Value<'_>], tag: T) {
        let findings = shard.examine(lane, &head, values, &mut self.sheet);
        self.rows[self.count] = Some((head, findings, tag));
        self.count += 1;
    }

    /// Shows them to `settle`, which has [`Shard::settle`] settle each, and forgets them.
    pub fn settle<O>(
        &mut self,
        owner: &mut O,
        shard: impl Fn(&O) -> &Shard,
        mut settle: impl FnMut(&mut O, &Head<'b>, (&Sheet, &Findings), &T),
    ) {
        let rows = || self.rows[..self.count].iter().flatten();
        shard(owner).look_ahead(&self.sheet, rows().map(|it| &it.1));
        for (head, findings, tag) in rows() {
            settle(owner, head, (&self.sheet, findings), tag);
        }
        self.count = 0;
        self.sheet.clear();
    }

    /// The memory of the sheet.
    pub fn into_sheet(self) -> Sheet {
        self.sheet
    }
}
