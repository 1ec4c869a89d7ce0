//! Dead letters: input that could not be used, written down with its position and the reason, so that nothing is lost.

mod base64;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

/// How many bytes of the bad input a dead letter carries unless told otherwise.
pub const RAW_BYTES_MAX: usize = 4096;

/// Where a piece of input came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// A file's path, `-` for stdin, or the name of a topic.
    pub source: &'a str,
    /// The partition, when the source is a topic.
    pub partition: Option<i32>,
    /// Where in the source.
    pub position: Position,
}

/// A place in a file (line and byte offset) or in a partition (offset).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Position {
    /// Line number, from 1. Absent for messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Bytes from the start of the decompressed stream, or the offset of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Position {
    /// A line of a file.
    pub fn line(line: u64, offset: u64) -> Self {
        Self { line: Some(line), offset: Some(offset) }
    }

    /// A message of a partition. A negative offset (there is none in practice) becomes 0.
    pub fn message(offset: i64) -> Self {
        Self { line: None, offset: Some(u64::try_from(offset).unwrap_or(0)) }
    }
}

/// Why a piece of input is a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause<'a> {
    /// A stable word for machines: `not_json`, `not_utf8`, `missing_field`, `wrong_type`, `too_long`, `too_deep`,
    /// `time_out_of_range`, `duplicate_key`, `truncated_input`, …
    pub code: &'a str,
    /// A sentence for people, with the value that was wrong.
    pub reason: &'a str,
}

/// One dead letter. The same JSON object goes to the topic and to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter<'a> {
    /// When it was noticed (processing time, given by the caller), in milliseconds since the epoch.
    pub time: i64,
    /// A file's path, `-` for stdin, or the name of a topic.
    pub source: &'a str,
    /// The partition, when the source is a topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// Where in the source.
    pub position: Position,
    /// See [`Cause::code`].
    pub code: &'a str,
    /// See [`Cause::reason`].
    pub reason: &'a str,
    /// The input as text, cut at the limit; what is not UTF-8 is replaced by U+FFFD.
    pub raw: Cow<'a, str>,
    /// The same bytes in base64 (standard alphabet, padded), only when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// `raw` is shorter than the input was.
    pub truncated: bool,
    /// Length of the whole input in bytes.
    pub length: u64,
}

impl<'a> DeadLetter<'a> {
    /// A dead letter about `raw`, of which at most `raw_bytes_max` bytes are kept.
    pub fn new(time_ms: i64, origin: Origin<'a>, cause: Cause<'a>, raw: &'a [u8], raw_bytes_max: usize) -> Self {
        Self::of_part(time_ms, origin, cause, raw, raw.len() as u64, raw_bytes_max)
    }

    /// The same when only the `head` of the input is at hand, which was `length` bytes long (an oversize line).
    pub fn of_part(time_ms: i64, origin: Origin<'a>, cause: Cause<'a>, head: &'a [u8], length: u64, raw_bytes_max: usize) -> Self {
        let kept = cut(head, raw_bytes_max, length);
        let raw = String::from_utf8_lossy(kept);
        let raw_base64 = matches!(raw, Cow::Owned(_)).then(|| base64::encode(kept));
        Self {
            time: time_ms,
            source: origin.source,
            partition: origin.partition,
            position: origin.position,
            code: cause.code,
            reason: cause.reason,
            raw,
            raw_base64,
            truncated: (kept.len() as u64) < length,
            length,
        }
    }

    /// The JSON object, without a line end.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers always serialise")
    }
}

/// At most `max` bytes of `head`; if that cuts (or `head` is itself a cut of something longer), a UTF-8 character is
/// not cut in its middle, so that good text does not look like bad text.
fn cut(head: &[u8], max: usize, length: u64) -> &[u8] {
    let kept = &head[..head.len().min(max)];
    if kept.len() as u64 == length {
        return kept;
    }
    match std::str::from_utf8(kept) {
        Err(error) if error.error_len().is_none() => &kept[..error.valid_up_to()],
        _ => kept,
    }
}

/// Writes dead letters as NDJSON and counts them by code.
#[derive(Debug)]
pub struct DeadLetterWriter<W: Write> {
    out: W,
    counts: BTreeMap<String, u64>,
    total: u64,
}

impl DeadLetterWriter<BufWriter<File>> {
    /// Creates (or empties) the file at `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::new(BufWriter::new(File::create(path)?)))
    }
}

impl<W: Write> DeadLetterWriter<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self { out, counts: BTreeMap::new(), total: 0 }
    }

    /// Writes one dead letter as one line.
    pub fn write(&mut self, letter: &DeadLetter<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, letter)?;
        self.out.write_all(b"\n")?;
        self.total += 1;
        if let Some(count) = self.counts.get_mut(letter.code) {
            *count += 1;
        } else {
            self.counts.insert(letter.code.to_owned(), 1);
        }
        Ok(())
    }

    /// How many were written.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many were written, by code.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Flushes what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Flushes and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}
