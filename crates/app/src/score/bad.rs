//! Lines that are no events: counted by reason, written to the dead letters, and the first few shown to people.

use super::args::Options;
use super::decode::Rows;
use crate::show::escaped;
use anyhow::{Context, Result};
use model::RejectCode;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use stream::dead_letters::{Cause, DeadLetter, DeadLetterWriter, Origin, Position, RAW_BYTES_MAX};
use stream::files::ReadError;

/// How many bad lines are shown on stderr.
const SHOWN_MAX: u64 = 5;

/// Where bad lines go.
pub(super) struct BadLines {
    letters: Option<DeadLetterWriter<BufWriter<File>>>,
    source: String,
    now_ms: i64,
    is_quiet: bool,
    total: u64,
    by_reason: BTreeMap<&'static str, u64>,
    /// The last line of the input was cut by damage, and is counted.
    is_cut_counted: bool,
}

/// One of them.
struct Bad<'a> {
    position: Position,
    code: RejectCode,
    reason: String,
    /// The line, or its beginning.
    head: &'a [u8],
    /// Length of the whole line in bytes.
    length: u64,
}

impl BadLines {
    pub(super) fn new(options: &Options) -> Result<Self> {
        let create =
            |path| DeadLetterWriter::create(path).with_context(|| format!("cannot write dead letters to {}", path.display()));
        Ok(Self {
            letters: options.dead_letters.as_deref().map(create).transpose()?,
            source: options.input.display().to_string(),
            now_ms: options.now.ms(),
            is_quiet: options.is_quiet,
            total: 0,
            by_reason: BTreeMap::new(),
            is_cut_counted: false,
        })
    }

    /// The bad lines of a block, in order.
    pub(super) fn block(&mut self, rows: &Rows<'_>) -> Result<()> {
        let block = rows.block;
        for line in &block.oversize {
            self.one(&Bad {
                position: Position::line(line.line, line.offset),
                code: RejectCode::TooLong,
                reason: format!("the line has {} bytes", line.length),
                head: &line.head,
                length: line.length,
            })?;
        }
        for line in &rows.bad {
            let number = line.number as u64;
            let is_cut = block.is_cut && number + 1 == block.lines;
            self.is_cut_counted |= is_cut;
            let reason = match (is_cut, line.reject.offset) {
                (true, _) => format!("the input is damaged in this line; what there is of it: {}", line.reject.reason),
                (false, 0) => line.reject.reason.clone(),
                (false, at) => format!("{} (at byte {at} of the line)", line.reject.reason),
            };
            self.one(&Bad {
                position: Position::line(block.first_line + number, block.offset + line.offset as u64),
                code: if is_cut { RejectCode::Truncated } else { line.reject.code },
                reason,
                head: line.bytes,
                length: line.bytes.len() as u64,
            })?;
        }
        Ok(())
    }

    /// The input broke off. Where it did not cut a line, what is lost behind the break counts as one bad line.
    pub(super) fn broken(&mut self, error: &ReadError) -> Result<()> {
        if self.is_cut_counted {
            return Ok(());
        }
        let position = error.position().map_or(Position::default(), |(offset, line)| Position::line(line, offset));
        self.one(&Bad { position, code: RejectCode::Truncated, reason: error.to_string(), head: b"", length: 0 })
    }

    fn one(&mut self, bad: &Bad<'_>) -> Result<()> {
        self.total += 1;
        *self.by_reason.entry(bad.code.as_str()).or_default() += 1;
        if self.total <= SHOWN_MAX && !self.is_quiet {
            let line = bad.position.line.unwrap_or_default();
            writeln!(anstream::stderr(), "{}:{line}: {}: {}", escaped(&self.source), bad.code.as_str(), escaped(&bad.reason))?;
        }
        let Some(letters) = &mut self.letters else { return Ok(()) };
        let origin = Origin { source: &self.source, partition: None, position: bad.position };
        let cause = Cause { code: bad.code.as_str(), reason: &bad.reason };
        let letter = DeadLetter::of_part(self.now_ms, origin, cause, bad.head, bad.length, RAW_BYTES_MAX);
        letters.write(&letter).context("cannot write dead letters")
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.letters.as_mut().map_or(Ok(()), DeadLetterWriter::flush).context("cannot write dead letters")
    }

    /// Writes what is left. Returns how many bad lines there were, by reason.
    pub(super) fn finish(mut self) -> Result<BTreeMap<&'static str, u64>> {
        self.flush()?;
        if self.total > SHOWN_MAX && !self.is_quiet {
            let rest = self.total - SHOWN_MAX;
            let hint = if self.letters.is_some() { "" } else { " (--dead-letters FILE keeps them all)" };
            writeln!(anstream::stderr(), "… and {rest} more bad lines{hint}")?;
        }
        Ok(self.by_reason)
    }
}
