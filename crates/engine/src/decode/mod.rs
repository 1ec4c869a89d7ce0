//! Bytes to projected values: one pass over a block of lines that validates every byte and keeps only what somebody reads.
//!
//! A line is walked in three ways, the quickest first, that take turns from value to value: along an edge that was learned from
//! earlier lines (`learned`), by looking up the next key (`fast`), and by the grammar (`walk`, `skip`), which alone rejects. Each
//! gives what the next would have given; the tests compare all of them with `serde_json`.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into the loop is not compiled for its instruction set; measured by benches/decode.rs"
)]

mod fast;
mod keys;
mod learned;
mod raw;
mod skip;
mod table;
#[cfg(test)]
mod tests;
mod walk;

use fast::{Fast, Outcome};
use keys::Keys;
use learned::Learned;
use model::{Projection, Reject, RejectCode, Value};
use raw::{Cursor, LineStart, Processor};
pub use raw::{Lines, PADDING, pad};
use walk::{Stamps, Walk};

/// Limits of decoding. A line beyond one of them is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest line, in bytes, without its `\n`.
    pub line_bytes_max: usize,
    /// Most objects and arrays that may be open at once, the line's own object included. More than 127 is read as 127.
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes_max: 1 << 20, depth_max: skip::DEPTH_CEILING }
    }
}

/// One line of a block that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'b> {
    /// Byte offset of the line in its block.
    pub offset: usize,
    /// Number of the line in its block, from 0, blank lines counted.
    pub number: usize,
    /// The line without its `\n`.
    pub bytes: &'b [u8],
    /// The JSON text of the line's object, without space around it, or why the line is no event.
    pub outcome: Result<&'b str, Reject>,
}

/// When so many keys and ways between them were met for which there was no room, all that was learned is forgotten, and the lines
/// of now are learned instead of those of the beginning. Rare enough to cost nothing where no room would ever suffice.
const REFUSED_MAX: usize = 100_000;

/// Decodes lines into the fields of one projection. One per source and thread: it remembers the keys it met.
///
/// What it remembers changes how fast it is, never what it returns.
#[derive(Debug)]
pub struct Decoder {
    keys: Keys,
    learned: Learned,
    stamps: Stamps,
    limits: Limits,
    processor: Processor,
}

impl Decoder {
    /// A decoder that has learned nothing yet.
    pub fn new(projection: &Projection, limits: Limits) -> Self {
        let keys = Keys::new(projection);
        let stamps = Stamps::new(keys.tracked());
        let depth_max = limits.depth_max.min(skip::DEPTH_CEILING);
        let limits = Limits { depth_max, ..limits };
        Self { keys, learned: Learned::default(), stamps, limits, processor: Processor::detect() }
    }

    /// Decodes the next line that is not blank. `values`, one for each field of the projection, are its fields' values; after a
    /// rejected line they mean nothing. `None` at the end of the block.
    ///
    /// # Panics
    /// If `values` is shorter than the projection.
    pub fn next<'b>(&mut self, lines: &mut Lines<'b>, values: &mut [Value<'b>]) -> Option<Line<'b>> {
        values.fill(Value::Missing);
        self.next_into(lines, values)
    }

    /// The same with `values` that are all missing.
    pub(crate) fn next_into<'b>(&mut self, lines: &mut Lines<'b>, values: &mut [Value<'b>]) -> Option<Line<'b>> {
        loop {
            let (line_bytes, outcome) = match lines.start()? {
                LineStart::Text(mut cursor) => {
                    cursor.skip_space();
                    if cursor.peek() == b'\n' {
                        lines.pass(cursor.offset());
                        continue;
                    }
                    match self.object(&mut cursor, values) {
                        Ok(text) => (cursor.offset(), Ok(text)),
                        Err(reject) => (lines.line_bytes(), Err(reject)),
                    }
                }
                LineStart::NotUtf8(at) => {
                    (lines.line_bytes(), Err(Reject::new(RejectCode::NotUtf8, at, "the bytes from here on are not UTF-8")))
                }
            };
            let (offset, number, bytes) = lines.pass(line_bytes);
            let outcome = if line_bytes > self.limits.line_bytes_max { Err(self.too_long(line_bytes)) } else { outcome };
            return Some(Line { offset, number, bytes, outcome });
        }
    }

    fn object<'b>(&mut self, cursor: &mut Cursor<'b>, values: &mut [Value<'b>]) -> Result<&'b str, Reject> {
        if self.keys.refused + self.learned.refused > REFUSED_MAX {
            self.keys.forget();
            self.learned = Learned::default();
        }
        let start = *cursor;
        let Self { keys, learned, stamps, limits, processor } = self;
        let line = stamps.next_line();
        let mut walk = Walk { keys, stamps, values, depth_max: limits.depth_max, line };
        match processor.run(Fast { walk: &mut walk, learned, cursor })? {
            Outcome::Text(text) => Ok(text),
            Outcome::Twice => {
                *cursor = start;
                walk.line = walk.stamps.next_line();
                walk.line(cursor)
            }
        }
    }

    #[cold]
    fn too_long(&self, line_bytes: usize) -> Reject {
        let reason = format!("the line has {line_bytes} bytes, more than {}", self.limits.line_bytes_max);
        Reject::new(RejectCode::TooLong, self.limits.line_bytes_max, reason)
    }
}
