//! A place in a line.

use super::{Isa, PADDING};
use std::marker::PhantomData;

/// A place in a line of a block.
///
/// Invariants: `line` and `at` point into one line of a [`super::Lines`] that lives for `'b`, `line` at its first byte, and `at`
/// between that and its `\n`, both included; the line is valid UTF-8; at rest, `at` is at the start of a character.
#[derive(Clone, Copy)]
pub(in crate::decode) struct Cursor<'b> {
    line: *const u8,
    at: *const u8,
    block: PhantomData<&'b [u8]>,
}

impl<'b> Cursor<'b> {
    /// A cursor at the start of the line with which `lines` begins.
    ///
    /// # Safety
    /// `lines` begins with a line of valid UTF-8 that is ended by `\n`, and [`PADDING`] bytes follow that `\n`.
    pub(super) unsafe fn new(lines: &'b [u8]) -> Self {
        Self { line: lines.as_ptr(), at: lines.as_ptr(), block: PhantomData }
    }

    /// Bytes between the start of the line and here.
    #[inline(always)]
    pub(in crate::decode) fn offset(self) -> usize {
        self.at as usize - self.line as usize
    }

    /// The byte here; `\n` at the end of the line.
    #[inline(always)]
    pub(in crate::decode) fn peek(self) -> u8 {
        // SAFETY: `at` is at or before the `\n` of the line.
        unsafe { *self.at }
    }

    /// The bytes from here on, past the end of the line if need be.
    #[inline(always)]
    pub(in crate::decode) fn window(self) -> &'b [u8; PADDING] {
        // SAFETY: `at` is at or before a `\n` behind which there are `PADDING` bytes, all of them initialised and borrowed for `'b`.
        unsafe { &*self.at.cast::<[u8; PADDING]>() }
    }

    /// Passes `count` bytes.
    ///
    /// # Safety
    /// None of them is `\n`, and a character ends with the last of them (or the caller moves on until one does).
    #[inline(always)]
    unsafe fn advance(&mut self, count: usize) {
        // SAFETY: none of the bytes is the `\n` of this line, so that is still at or after the place reached.
        self.at = unsafe { self.at.add(count) };
    }

    /// Passes `BYTE` if it is here.
    #[inline(always)]
    pub(in crate::decode) fn eat<const BYTE: u8>(&mut self) -> bool {
        const { assert!(BYTE.is_ascii() && BYTE != b'\n') };
        let is_here = self.peek() == BYTE;
        if is_here {
            // SAFETY: the byte is ASCII and not `\n`.
            unsafe { self.advance(1) };
        }
        is_here
    }

    /// Passes the digit here, if there is one.
    #[inline(always)]
    pub(in crate::decode) fn eat_digit(&mut self) -> bool {
        let is_here = self.peek().is_ascii_digit();
        if is_here {
            // SAFETY: the byte is a digit.
            unsafe { self.advance(1) };
        }
        is_here
    }

    /// Passes the hexadecimal digit here and returns its value.
    pub(in crate::decode) fn eat_hex_digit(&mut self) -> Option<u32> {
        let value = char::from(self.peek()).to_digit(16)?;
        // SAFETY: the byte is a hexadecimal digit.
        unsafe { self.advance(1) };
        Some(value)
    }

    /// Passes the white space of JSON, except for the `\n` that ends the line.
    #[inline(always)]
    pub(in crate::decode) fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r') {
            // SAFETY: the byte is ASCII and not `\n`.
            unsafe { self.advance(1) };
        }
    }

    /// Passes what may stand in a string as it is, up to the next quote, backslash or control character, and returns it.
    #[inline(always)]
    pub(in crate::decode) fn plain<I: Isa>(&mut self, isa: I) -> &'b str {
        let start = *self;
        loop {
            let special = isa.special(self.window());
            if special != 0 {
                // SAFETY: no special byte, so no `\n`, is among those before the first; that one is ASCII, so a character ends there.
                unsafe { self.advance(special.trailing_zeros() as usize) };
                // SAFETY: `start` is where this cursor was when the loop began.
                return unsafe { self.since_unchecked(start) };
            }
            // SAFETY: no special byte, so no `\n`, is in the window. A character may be cut, but the loop goes on.
            unsafe { self.advance(PADDING) };
        }
    }

    /// What stands between `start`, a former place of this cursor, and here. Empty if it is not one.
    #[inline(always)]
    pub(in crate::decode) fn since(self, start: Self) -> &'b str {
        if start.line != self.line || start.at > self.at {
            return "";
        }
        // SAFETY: checked just now.
        unsafe { self.since_unchecked(start) }
    }

    /// What stands between `start` and here.
    ///
    /// # Safety
    /// `start` is in the same line and not behind this cursor.
    #[inline(always)]
    unsafe fn since_unchecked(self, start: Self) -> &'b str {
        let length = self.at as usize - start.at as usize;
        // SAFETY: both ends are in one line, which lives for `'b` and is valid UTF-8, at starts of characters and in order.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(start.at, length)) }
    }
}
