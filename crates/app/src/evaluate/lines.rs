//! Files of lines, plain or compressed, each line with its number.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use stream::block::Block;
use stream::files::{BlockOptions, BlockReader};

/// The record of an attack of half a year names thousands of events in one line.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Lines one after the other.
pub(super) struct Lines {
    path: PathBuf,
    reader: BlockReader,
    block: Block,
    /// Ends of the lines of the block that are still to come.
    ends: VecDeque<usize>,
    at: usize,
    number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let options = BlockOptions { line_bytes_max: LINE_BYTES_MAX, ..BlockOptions::default() };
        let reader = BlockReader::open(path, options)?;
        Ok(Self { path: path.to_owned(), reader, block: Block::new(), ends: VecDeque::new(), at: 0, number: 0 })
    }

    /// The next line that is not empty, and its number.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        loop {
            if let Some(end) = self.ends.pop_front() {
                let start = std::mem::replace(&mut self.at, end + 1);
                self.number += 1;
                if !self.block.payload()[start..end].trim_ascii().is_empty() {
                    return Ok(Some((self.number, &self.block.payload()[start..end])));
                }
                continue;
            }
            let failed = || format!("cannot read {}", self.path.display());
            if !self.reader.next_block(&mut self.block).with_context(failed)? {
                return Ok(None);
            }
            if let Some(long) = self.block.oversize.first() {
                bail!("{}:{}: longer than {LINE_BYTES_MAX} bytes", self.path.display(), long.line);
            }
            self.at = 0;
            self.number = self.block.first_line - 1;
            let bytes = self.block.payload().iter().enumerate();
            self.ends = bytes.filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
        }
    }

    /// The next line as a record of `what`.
    pub(super) fn record<'a, T: Deserialize<'a>>(&'a mut self, what: &str) -> Result<Option<(u64, T)>> {
        let path = self.path.clone();
        let Some((number, line)) = self.next()? else { return Ok(None) };
        let record = serde_json::from_slice(line).with_context(|| format!("{}:{number}: no {what}", path.display()))?;
        Ok(Some((number, record)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
