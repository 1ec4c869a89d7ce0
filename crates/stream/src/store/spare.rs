//! A checkpoint in memory, unpacked and checked: whoever takes its partition up reads only what has changed since.

use super::format::{Hash, Header};
use super::{Loaded, Part};
use std::collections::HashMap;

/// What was read of a series, for the next time it is read.
#[derive(Debug)]
pub struct Spare {
    name: String,
    parts: Vec<Part>,
    /// Where a block is: in which part, from where on, and how long it is.
    blocks: HashMap<Hash, (u32, u64, u32)>,
}

impl Spare {
    pub(super) fn new(name: &str, header: &Header, loaded: Loaded) -> Self {
        let mut blocks = HashMap::new();
        for (number, listed) in (0..).zip(&header.parts) {
            let mut at = 0;
            for block in &listed.blocks {
                blocks.insert(block.hash, (number, at, block.len));
                at += u64::from(block.len);
            }
        }
        Self { name: name.to_owned(), parts: loaded.parts, blocks }
    }

    /// The name of the checkpoint that it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the state.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|it| it.bytes.len() as u64).sum()
    }

    /// The bytes that have this checksum.
    pub(super) fn block(&self, hash: &Hash) -> Option<&[u8]> {
        let &(part, at, len) = self.blocks.get(hash)?;
        let at = usize::try_from(at).ok()?;
        self.parts.get(part as usize)?.bytes.get(at..at + len as usize)
    }
}
