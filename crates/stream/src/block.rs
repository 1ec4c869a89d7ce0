//! A block: whole lines of input, followed by padding that a decoder may read but not interpret.

/// Initialised bytes (zero) after the payload of every block, so that a decoder may load wide words at its end.
pub const PADDING: usize = 64;

/// How much of an oversize line is kept for the dead letter, in bytes.
pub const OVERSIZE_HEAD_MAX: usize = 1024;

/// A line or message that is longer than the configured limit. Its bytes are not in the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversize {
    /// Line number, from 1. For a Kafka message 0: a message is found by its offset.
    pub line: u64,
    /// Files: bytes from the start of the decompressed stream. Kafka: the offset of the message in its partition.
    pub offset: u64,
    /// Length in bytes, without the line end.
    pub length: u64,
    /// The first bytes, at most [`OVERSIZE_HEAD_MAX`].
    pub head: Vec<u8>,
}

/// Whole lines, ready for a decoder: the payload is empty or ends with `\n`, and [`PADDING`] zero bytes follow it.
///
/// Blocks are made to be used again: the same buffer is filled over and over, and grows only to the configured size.
#[derive(Debug, Default)]
pub struct Block {
    /// Payload, padding, and possibly room that was used by a longer block before.
    pub(crate) bytes: Vec<u8>,
    /// Length of the payload in bytes.
    pub(crate) payload: usize,
    /// Number of the first payload line, from 1. For Kafka batches 1.
    pub first_line: u64,
    /// Number of payload lines.
    pub lines: u64,
    /// Where the payload starts, in bytes from the start of the decompressed stream. For Kafka batches 0.
    pub offset: u64,
    /// Lines that were left out because they are too long. In a file block they come *before* the payload; in a Kafka
    /// batch they are found by their offsets.
    pub oversize: Vec<Oversize>,
    /// The last line has no end in the input because the input is damaged there (the `\n` was added).
    pub is_cut: bool,
}

impl Block {
    /// An empty block without a buffer yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A block over `payload`, for tests and for callers that have the bytes already. A missing last `\n` is added.
    pub fn from_payload(payload: &[u8]) -> Self {
        let mut block = Self::new();
        block.clear();
        block.bytes.extend_from_slice(payload);
        if !payload.is_empty() && !payload.ends_with(b"\n") {
            block.bytes.push(b'\n');
        }
        block.lines = count_lines(&block.bytes);
        block.seal(block.bytes.len());
        block
    }

    /// The lines: empty, or ending with `\n`. Empty also when the block only reports an oversize line.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[..self.payload]
    }

    /// The lines and the [`PADDING`] zero bytes after them.
    pub fn padded(&self) -> &[u8] {
        &self.bytes[..(self.payload + PADDING).min(self.bytes.len())]
    }

    /// Length of the payload in bytes.
    pub fn payload_len(&self) -> usize {
        self.payload
    }

    /// Forgets everything but the buffer. The buffer is empty afterwards (capacity is kept).
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.reset();
    }

    /// Forgets everything but the buffer, and leaves the old bytes in it to be overwritten.
    pub(crate) fn reset(&mut self) {
        self.payload = 0;
        self.first_line = 1;
        self.lines = 0;
        self.offset = 0;
        self.oversize.clear();
        self.is_cut = false;
    }

    /// Fixes the payload at the first `payload` bytes of the buffer and writes the padding after them.
    pub(crate) fn seal(&mut self, payload: usize) {
        let end = payload + PADDING;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[payload..end].fill(0);
        self.payload = payload;
    }
}

/// The number of `\n` in `bytes`.
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
