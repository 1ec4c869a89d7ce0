//! The bytes of a checkpoint: a head that says what stands where, and blocks.
//!
//! ```text
//!  0  8  `NJCHECK1`; the last byte is the version of this format
//!  8  4  length of the header as it is stored, little-endian
//! 12 16  the first half of BLAKE3 over these bytes of the header
//! 28  n  the header: postcard in one zstd frame
//! 28+n   blocks, each one zstd frame, at the places that the header names
//! ```

use super::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The format; its last byte is the version.
const MAGIC: [u8; 8] = *b"NJCHECK1";
/// What stands before the header.
const FIXED_BYTES: usize = 28;
/// A header lists 30 bytes for each block; nobody writes a longer one.
const HEADER_BYTES_MAX: usize = 1 << 30;
/// How long blocks are: least, usually, most. Where one ends is decided by the bytes before it, so that what moves is still the same
/// block.
pub const BLOCK_BYTES: [usize; 3] = [2 << 10, 8 << 10, 32 << 10];
/// Fast: most of it is numbers that don't compress well.
const LEVEL: i32 = 1;

/// The first half of BLAKE3 (J. O'Connor et al., 2020): tells blocks apart, also those that somebody chose.
pub(super) type Hash = [u8; 16];

/// What a checkpoint is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// The offset of the first message that is not in it.
    pub offset: i64,
    /// When it was taken, in milliseconds since the epoch.
    pub created_ms: i64,
    /// Whether it needs no other object.
    pub is_full: bool,
    /// What else its writer says of it: an object.
    pub about: Json,
}

/// The header.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// [`Info`] as JSON, so that later versions may add to it.
    info: String,
    /// Objects with blocks; the first is this one, with no name.
    pub(super) objects: Vec<String>,
    pub(super) parts: Vec<Listed>,
}

/// A part, block by block.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) blocks: Vec<Block>,
}

/// A block, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    pub(super) hash: Hash,
    /// Bytes in it, and as it is stored.
    pub(super) len: u32,
    pub(super) stored: u32,
    /// Which of [`Header::objects`], and the place behind its header.
    pub(super) object: u16,
    pub(super) at: u64,
}

impl Header {
    pub(super) fn new(info: &Info, objects: Vec<String>, parts: Vec<Listed>) -> Self {
        let info = serde_json::to_string(info).expect("an object of texts and numbers is always JSON");
        Self { info, objects, parts }
    }

    /// What is said of the checkpoint.
    pub(super) fn info(&self, path: &str) -> Result<Info, StoreError> {
        serde_json::from_str(&self.info).map_err(|it| StoreError::damaged(path, format_args!("its header says no sense: {it}")))
    }

    /// The object of this header and of its `blocks`.
    pub(super) fn object(&self, blocks: &[u8]) -> Vec<u8> {
        let header = postcard::to_allocvec(self).expect("writing to memory fails for no value of these types");
        let header = zstd::bulk::compress(&header, LEVEL).expect("memory for the header");
        let len = u32::try_from(header.len()).expect("a header is far below 4 GiB");
        [&MAGIC[..], &len.to_le_bytes(), &hash(&header), &header, blocks].concat()
    }

    /// The header of an object whose first bytes are these; an error with a length if it goes beyond them.
    pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Result<(Self, usize), u64>, StoreError> {
        let damaged = |why: &str| StoreError::damaged(path, why);
        let known = bytes.iter().zip(MAGIC).take_while(|(it, magic)| **it == *magic).count();
        if known < MAGIC.len() {
            return Err(match bytes.get(7) {
                Some(&version) if known == 7 && version > MAGIC[7] && version.is_ascii_graphic() => {
                    StoreError::Version { path: path.to_owned(), found: char::from(version), known: char::from(MAGIC[7]) }
                }
                None if known == bytes.len() => damaged("it is cut off"),
                _ => StoreError::Foreign { path: path.to_owned(), found: bytes.iter().copied().take(MAGIC.len()).collect() },
            });
        }
        let fixed = bytes.get(..FIXED_BYTES).ok_or_else(|| damaged("it is cut off"))?;
        let len = u32::from_le_bytes(fixed[8..12].try_into().expect("four bytes")) as usize;
        if len > HEADER_BYTES_MAX {
            return Err(damaged("its header has no end"));
        }
        let Some(header) = bytes.get(FIXED_BYTES..FIXED_BYTES + len) else { return Ok(Err((FIXED_BYTES + len) as u64)) };
        if hash(header)[..] != fixed[12..] {
            return Err(damaged("its header has another checksum"));
        }
        let header = zstd::bulk::Decompressor::new()
            .and_then(|mut it| {
                it.decompress(
                    header,
                    zstd::bulk::Decompressor::upper_bound(header).unwrap_or(HEADER_BYTES_MAX).min(HEADER_BYTES_MAX),
                )
            })
            .map_err(|it| damaged(&it.to_string()))?;
        let header: Self = postcard::from_bytes(&header).map_err(|it| damaged(&it.to_string()))?;
        Ok(Ok((header, FIXED_BYTES + len)))
    }
}

impl Block {
    /// Adds the bytes of it to `out`, of what stands behind the header of its object. On an error nothing is said of what `out` ends with.
    pub(super) fn read(
        &self,
        path: &str,
        blocks: &[u8],
        unpacker: &mut zstd::bulk::Decompressor<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        if self.len as usize > BLOCK_BYTES[2] {
            return Err(StoreError::damaged(path, format_args!("a block at {at} is longer than any is")));
        }
        let stored =
            blocks.get(at..at.saturating_add(self.stored as usize)).ok_or_else(|| StoreError::damaged(path, "it is cut off"))?;
        let start = out.len();
        out.resize(start + self.len as usize, 0);
        let block = &mut out[start..];
        let len = unpacker.decompress_to_buffer(stored, block);
        let len = len.map_err(|it| StoreError::damaged(path, format_args!("a block at {at}: {it}")))?;
        if len != block.len() || hash(block) != self.hash {
            return Err(StoreError::damaged(path, format_args!("a block at {at} has another checksum")));
        }
        Ok(())
    }
}

/// A block as it is stored.
pub(super) fn packed(block: &[u8], packer: &mut zstd::bulk::Compressor<'_>) -> Vec<u8> {
    packer.compress(block).expect("memory for a block")
}

pub(super) fn packer() -> zstd::bulk::Compressor<'static> {
    zstd::bulk::Compressor::new(LEVEL).expect("memory for a compressor")
}

/// Used for many blocks: to make one costs as much as to unpack a block.
pub(super) fn unpacker() -> zstd::bulk::Decompressor<'static> {
    zstd::bulk::Decompressor::new().expect("memory for a decompressor")
}

pub(super) fn hash(bytes: &[u8]) -> Hash {
    let hash = blake3::hash(bytes);
    std::array::from_fn(|it| hash.as_bytes()[it])
}
