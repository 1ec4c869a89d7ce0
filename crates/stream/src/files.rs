//! Files and stdin as blocks of whole lines: plain, gzip or Zstandard, recognised by their first bytes.

mod input;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::path::Path;

use crate::block::{Block, OVERSIZE_HEAD_MAX, Oversize, count_lines};
pub use input::{Compression, Progress};

/// Sizes of blocks and lines, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOptions {
    /// How much is read into a block. A single line may be longer than that, up to `line_bytes_max`.
    pub block_bytes: usize,
    /// Longest line (without its end) that is handed out; longer ones are reported as [`Oversize`] and skipped. A
    /// block is never larger than this, so a small limit means small blocks.
    pub line_bytes_max: usize,
    /// Hand out what is there instead of waiting for a full block. For input that grows while it is read.
    pub is_live: bool,
}

impl Default for BlockOptions {
    fn default() -> Self {
        Self { block_bytes: 512 * 1024, line_bytes_max: 1024 * 1024, is_live: false }
    }
}

/// Input that cannot be read further. Everything before the damage was handed out.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The path as given.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The compressed stream ends too early or is corrupt.
    #[error("{compression} stream is damaged after {offset} decompressed bytes (in line {line}): {source}")]
    Damaged {
        /// What the input is compressed with.
        compression: Compression,
        /// Decompressed bytes that were handed out before the damage.
        offset: u64,
        /// The line (from 1) in which the damage is.
        line: u64,
        /// What the decompressor said.
        source: io::Error,
    },
    /// The operating system failed to read.
    #[error("cannot read on after {offset} bytes (in line {line}): {source}")]
    Io {
        /// Bytes that were handed out before.
        offset: u64,
        /// The line (from 1) in which the reading ended.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    /// Offset (decompressed bytes) and line of the place where reading ended; `None` if it never began.
    pub fn position(&self) -> Option<(u64, u64)> {
        match self {
            Self::Open { .. } => None,
            Self::Damaged { offset, line, .. } | Self::Io { offset, line, .. } => Some((*offset, *line)),
        }
    }

    /// The word for dead letters and statistics: `cannot_open`, `truncated_input` or `read_error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "cannot_open",
            Self::Damaged { .. } => "truncated_input",
            Self::Io { .. } => "read_error",
        }
    }
}

/// Reads input as blocks of whole lines, into buffers that the caller uses again.
pub struct BlockReader {
    input: Box<dyn Read + Send>,
    compression: Compression,
    progress: Progress,
    options: BlockOptions,
    /// The beginning of a line whose end was not in the last block.
    carry: Vec<u8>,
    /// Number of the line that `carry` begins, from 1.
    line: u64,
    /// Where `carry` begins in the decompressed stream.
    offset: u64,
    state: State,
}

/// How the input stands.
#[derive(Debug)]
enum State {
    Reading,
    /// The input is over, by its end or by this error, which is still to be told.
    Ended(Option<io::Error>),
}

/// What filling the buffer came to.
enum Filled {
    /// This many bytes at the start of the buffer are whole lines.
    Lines(usize),
    /// The buffer is full, and no line ends in it.
    NoEnd,
    /// The input is over.
    End,
}

impl BlockReader {
    /// Opens a file, or stdin for `-`. Stdin is read live, whatever `options` says.
    pub fn open(path: &Path, options: BlockOptions) -> Result<Self, ReadError> {
        let fail = |source| ReadError::Open { path: path.display().to_string(), source };
        if path == Path::new("-") {
            let options = BlockOptions { is_live: true, ..options };
            return Self::from_reader(io::stdin(), None, options).map_err(fail);
        }
        let file = std::fs::File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let total = metadata.is_file().then_some(metadata.len());
        Self::from_reader(file, total, options).map_err(fail)
    }

    /// Reads from anything; `total` is its size in (compressed) bytes if known. Reads the first bytes at once.
    pub fn from_reader<R>(reader: R, total: Option<u64>, options: BlockOptions) -> io::Result<Self>
    where
        R: Read + Send + 'static,
    {
        let progress = Progress::new(total);
        let (compression, input) = input::decompressed(reader, &progress)?;
        let line_bytes_max = options.line_bytes_max.max(1);
        // A line of the limit and its end must fit, and with blocks no larger than that no longer line can hide in one.
        let block_bytes = options.block_bytes.clamp(1, line_bytes_max + 1);
        let options = BlockOptions { block_bytes, line_bytes_max, ..options };
        let state = State::Reading;
        Ok(Self { input, compression, progress, options, carry: Vec::new(), line: 1, offset: 0, state })
    }

    /// How far the reader is in the input; can be looked at from another thread.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// What the input turned out to be compressed with.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Decompressed bytes handed out or reported as oversize so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Fills `block` with the next lines. `Ok(false)`: the input is over, and `block` is empty.
    ///
    /// A block has a payload, or reports one oversize line, never both. When the input is damaged, what came before
    /// the damage is handed out first (its last line flagged by [`Block::is_cut`]), then the error is returned once.
    pub fn next_block(&mut self, block: &mut Block) -> Result<bool, ReadError> {
        block.reset();
        block.first_line = self.line;
        block.offset = self.offset;
        if let State::Ended(error) = &mut self.state {
            block.seal(0);
            return error.take().map_or(Ok(false), |source| Err(self.failure(source)));
        }
        let mut size = self.begin(block);
        let mut filled = self.carry.len();
        loop {
            match self.fill(&mut block.bytes[..size], &mut filled) {
                Filled::Lines(end) => {
                    self.carry.clear();
                    self.carry.extend_from_slice(&block.bytes[end..filled]);
                    self.hand_out(block, end);
                    return Ok(true);
                }
                Filled::NoEnd if size > self.options.line_bytes_max => {
                    self.skip_line(block, size);
                    return Ok(true);
                }
                Filled::NoEnd => {
                    size = (size * 2).min(self.options.line_bytes_max + 1);
                    grow(&mut block.bytes, size);
                }
                Filled::End if filled == 0 => return self.next_block(block),
                Filled::End => {
                    self.hand_out_rest(block, filled);
                    return Ok(true);
                }
            }
        }
    }

    /// Puts what was carried over at the start of the buffer. Returns the size to fill the buffer to, which is more
    /// than was carried over: that is at most one line within the limit.
    fn begin(&mut self, block: &mut Block) -> usize {
        let carried = self.carry.len();
        let size = if carried < self.options.block_bytes {
            self.options.block_bytes
        } else {
            (carried * 2).min(self.options.line_bytes_max + 1)
        };
        grow(&mut block.bytes, size);
        block.bytes[..carried].copy_from_slice(&self.carry);
        size
    }

    /// Reads behind `filled` until the buffer is full, the input is over, or (live) a line has ended.
    fn fill(&mut self, buffer: &mut [u8], filled: &mut usize) -> Filled {
        while *filled < buffer.len() {
            if self.options.is_live
                && let Some(end) = memchr::memrchr(b'\n', &buffer[..*filled])
            {
                return Filled::Lines(end + 1);
            }
            let Some(read) = self.read(&mut buffer[*filled..]) else { return Filled::End };
            *filled += read;
        }
        memchr::memrchr(b'\n', buffer).map_or(Filled::NoEnd, |end| Filled::Lines(end + 1))
    }

    /// Reads once. `None` when the input is over.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match self.input.read(buffer) {
                Ok(0) => self.state = State::Ended(None),
                Ok(read) => return Some(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.state = State::Ended(Some(error)),
            }
            return None;
        }
    }

    /// Makes the first `end` bytes of the buffer, which are whole lines, the payload.
    fn hand_out(&mut self, block: &mut Block, end: usize) {
        let end = self.drop_byte_order_mark(block, end);
        block.lines = count_lines(&block.bytes[..end]);
        block.seal(end);
        self.line += block.lines;
        self.offset += end as u64;
    }

    /// The same for what is left at the end of the input, whose last line may lack its end.
    fn hand_out_rest(&mut self, block: &mut Block, filled: usize) {
        self.carry.clear();
        if block.bytes[filled - 1] == b'\n' {
            return self.hand_out(block, filled);
        }
        grow(&mut block.bytes, filled + 1);
        block.bytes[filled] = b'\n';
        block.is_cut = matches!(self.state, State::Ended(Some(_)));
        self.hand_out(block, filled + 1);
        // The end is ours: the input stands in the last line still.
        self.line -= 1;
        self.offset -= 1;
    }

    /// A UTF-8 byte order mark at the start belongs to the file, not to its first line.
    fn drop_byte_order_mark(&mut self, block: &mut Block, end: usize) -> usize {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if self.offset > 0 || !block.bytes[..end].starts_with(MARK) {
            return end;
        }
        block.bytes.copy_within(MARK.len()..end, 0);
        self.offset = MARK.len() as u64;
        block.offset = self.offset;
        end - MARK.len()
    }

    /// Reports the line whose first `filled` bytes are in the buffer as oversize, and reads on behind its end. The
    /// buffer is read into over and over: the length of the line costs no memory.
    fn skip_line(&mut self, block: &mut Block, filled: usize) {
        self.carry.clear();
        let head = block.bytes[..filled.min(OVERSIZE_HEAD_MAX)].to_vec();
        let mut length = filled as u64;
        let mut end = 0;
        while let Some(read) = self.read(&mut block.bytes[..self.options.block_bytes]) {
            if let Some(at) = memchr::memchr(b'\n', &block.bytes[..read]) {
                self.carry.extend_from_slice(&block.bytes[at + 1..read]);
                length += at as u64;
                end = 1;
                break;
            }
            length += read as u64;
        }
        block.oversize.push(Oversize { line: self.line, offset: self.offset, length, head });
        block.seal(0);
        self.line += end;
        self.offset += length + end;
    }

    fn failure(&self, source: io::Error) -> ReadError {
        let (compression, offset, line) = (self.compression, self.offset, self.line);
        // What the system says comes with a number; everything else is the decompressor's opinion of the bytes.
        if compression == Compression::None || source.raw_os_error().is_some() {
            ReadError::Io { offset, line, source }
        } else {
            ReadError::Damaged { compression, offset, line, source }
        }
    }
}

/// Makes `buffer` at least `size` long. Once it is, this costs nothing: old bytes are not cleared.
fn grow(buffer: &mut Vec<u8>, size: usize) {
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
}
