//! What kind of input it is, decompressed, with a count of what was consumed.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// Read-ahead of the decompressors, in bytes.
const COMPRESSED_BUFFER: usize = 128 * 1024;

/// How much is decompressed at once, in bytes. A decompressor that meets corrupt data withholds what it made in the
/// same call, so this bounds how much of the good data before the damage can be lost.
const DECOMPRESSED_AT_ONCE: usize = 16 * 1024;

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Gzip (RFC 1952), any number of members.
    Gzip,
    /// Zstandard (RFC 8878), any number of frames.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// How far a reader is in its input, in bytes as they are on disk (compressed, if they are). Cheap to clone and to
/// look at from another thread.
#[derive(Debug, Clone)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        Self { read: Arc::new(AtomicU64::new(0)), total }
    }

    /// Bytes consumed so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Size of the input, if it is a file.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// Recognises the compression by the first bytes and returns the decompressed input.
pub(super) fn decompressed<R>(reader: R, progress: &Progress) -> io::Result<(Compression, Box<dyn Read + Send>)>
where
    R: Read + Send + 'static,
{
    let mut reader = Counted { reader, count: Arc::clone(&progress.read) };
    let mut magic = Vec::with_capacity(4);
    (&mut reader).take(4).read_to_end(&mut magic)?;
    let compression = compression_of(&magic);
    let whole = Cursor::new(magic).chain(reader);
    let buffered = |whole| BufReader::with_capacity(COMPRESSED_BUFFER, whole);
    let input: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(AtOnce { reader: MultiGzDecoder::new(buffered(whole)) }),
        Compression::Zstd => Box::new(AtOnce { reader: zstd::Decoder::with_buffer(buffered(whole))? }),
    };
    Ok((compression, input))
}

fn compression_of(magic: &[u8]) -> Compression {
    match magic {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A frame, or a skippable frame, with which parallel compressors begin.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
        _ => Compression::None,
    }
}

struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Reads at most [`DECOMPRESSED_AT_ONCE`] bytes in a call.
struct AtOnce<R> {
    reader: R,
}

impl<R: Read> Read for AtOnce<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len().min(DECOMPRESSED_AT_ONCE);
        self.reader.read(&mut buffer[..size])
    }
}
