//! A block of whole lines.

use super::Cursor;

/// How many zero bytes must follow the last line of a block, so that the decoder can look ahead without asking where the end is.
pub const PADDING: usize = 64;

/// Makes a block of `bytes`: ends the last line if it is open and appends the padding. Returns the payload for [`Lines::new`].
pub fn pad(bytes: &mut Vec<u8>) -> usize {
    if bytes.last().is_some_and(|&it| it != b'\n') {
        bytes.push(b'\n');
    }
    let payload = bytes.len();
    bytes.resize(payload + PADDING, 0);
    payload
}

/// A block of whole lines, each ended by `\n`, and the place in it up to which it was read.
#[derive(Debug)]
pub struct Lines<'b> {
    /// Payload and padding.
    block: &'b [u8],
    /// Bytes of lines. The last of them is `\n`, and at least [`PADDING`] bytes follow.
    payload: usize,
    /// Where the next line begins.
    at: usize,
    /// Lines read so far.
    number: usize,
    /// Whether the whole payload is UTF-8. Otherwise each line is checked on its own.
    is_utf8: bool,
}

/// What a line begins as.
pub(in crate::decode) enum LineStart<'b> {
    /// Valid UTF-8 to decode.
    Text(Cursor<'b>),
    /// Not UTF-8 from this byte of the line on.
    NotUtf8(usize),
}

impl<'b> Lines<'b> {
    /// The lines in the first `payload` bytes of `padded`. `None` unless they are none or end in `\n`, and [`PADDING`] zero bytes
    /// follow them.
    pub fn new(padded: &'b [u8], payload: usize) -> Option<Self> {
        let (lines, padding) = padded.split_at_checked(payload)?;
        let is_padded = padding.len() >= PADDING && padding[..PADDING].iter().all(|&it| it == 0);
        let is_whole = lines.last().is_none_or(|&it| it == b'\n');
        let is_utf8 = simdutf8::basic::from_utf8(lines).is_ok();
        (is_padded && is_whole).then_some(Self { block: padded, payload, at: 0, number: 0, is_utf8 })
    }

    /// Bytes of lines that are not read yet.
    pub fn remaining(&self) -> usize {
        self.payload - self.at
    }

    /// Byte offset in the block at which the next line begins.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// How many lines were read, blank ones included.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next line, which stays the next one until [`Self::pass`].
    pub(in crate::decode) fn start(&self) -> Option<LineStart<'b>> {
        if self.at == self.payload {
            return None;
        }
        if !self.is_utf8
            && let Err(error) = simdutf8::compat::from_utf8(&self.block[self.at..self.at + self.line_bytes()])
        {
            return Some(LineStart::NotUtf8(error.valid_up_to()));
        }
        // SAFETY: `at` begins a line, since it is 0 or one past a `\n`, and is below `payload`, whose last byte is `\n` with the
        // padding behind it. The line is UTF-8: either the payload is, and a cut at an ASCII byte keeps it so, or it was checked.
        Some(LineStart::Text(unsafe { Cursor::new(&self.block[self.at..]) }))
    }

    /// Length of the next line without its `\n`.
    pub(in crate::decode) fn line_bytes(&self) -> usize {
        let rest = &self.block[self.at..self.payload];
        memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }

    /// Goes to the line after the next one, which is `line_bytes` long without its `\n`. Returns where that line was in the block,
    /// its number, and its bytes.
    pub(in crate::decode) fn pass(&mut self, line_bytes: usize) -> (usize, usize, &'b [u8]) {
        let (offset, number) = (self.at, self.number);
        let end = offset + line_bytes;
        // One compare for each line, so that whoever reads this file can see that a line begins at `at`.
        assert!(end < self.payload && self.block[end] == b'\n', "a line ends at its `\\n`");
        self.at = end + 1;
        self.number += 1;
        (offset, number, &self.block[offset..end])
    }
}
