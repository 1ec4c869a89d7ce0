//! A place in a line.

use super::{Isa, PADDING};
use model::Value;
use std::cell::Cell;
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

    /// Whether white space is here, the end of the line included.
    #[inline(always)]
    pub(in crate::decode) fn is_at_space(self) -> bool {
        self.peek() <= b' '
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

    /// Passes a hexadecimal digit if there is one here.
    pub(in crate::decode) fn eat_hex_digit(&mut self) -> bool {
        let is_digit = self.peek().is_ascii_hexdigit();
        if is_digit {
            // SAFETY: the byte is a hexadecimal digit.
            unsafe { self.advance(1) };
        }
        is_digit
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

    /// Passes `literal` if it is here.
    #[inline(always)]
    pub(in crate::decode) fn eat_literal<I: Isa>(&mut self, isa: I, literal: &Literal) -> bool {
        let is_here = isa.is_equal(self.window(), &literal.bytes, literal.relevant);
        if is_here {
            // SAFETY: these are the bytes of the literal, which are whole characters without a `\n`.
            unsafe { self.advance(usize::from(literal.length)) };
        }
        is_here
    }

    /// Passes the rest of a string and its closing quote, and returns what stands before that, if it has no escapes.
    #[inline(always)]
    pub(in crate::decode) fn eat_text<I: Isa>(&mut self, isa: I, guess: &Guess) -> Option<&'b str> {
        let window = self.window();
        let mut special = isa.special_of_first_half(window);
        if special == 0 {
            special = isa.special(window);
        }
        if guess.is_trusted() && guess.holds(special) {
            // SAFETY: the first special byte is the one behind that length.
            return unsafe { self.eat_text_of(window, guess.length.get()) };
        }
        if special == 0 {
            return self.eat_long_text(isa);
        }
        let length = special.trailing_zeros();
        guess.learn(length);
        // SAFETY: the first special byte is the one behind that length.
        unsafe { self.eat_text_of(window, length) }
    }

    /// Passes `length` bytes and the quote behind them, if it is one.
    ///
    /// # Safety
    /// `window` is what this cursor sees, and none of the `length` bytes in it is special.
    #[inline(always)]
    unsafe fn eat_text_of(&mut self, window: &[u8; PADDING], length: u32) -> Option<&'b str> {
        if window[length as usize] != b'"' {
            return None;
        }
        let start = *self;
        // SAFETY: none of the bytes is special, so none is `\n`, and a quote, which is ASCII, stands behind them.
        unsafe { self.advance(length as usize) };
        // SAFETY: `start` is where this cursor was before.
        let text = unsafe { self.since_unchecked(start) };
        // SAFETY: the byte is a quote.
        unsafe { self.advance(1) };
        Some(text)
    }

    /// The same for a text that is longer than a window.
    #[inline(always)]
    fn eat_long_text<I: Isa>(&mut self, isa: I) -> Option<&'b str> {
        let start = *self;
        let text = self.plain(isa);
        if self.eat::<b'"'>() {
            return Some(text);
        }
        *self = start;
        None
    }

    /// Passes a number without sign, fraction and exponent that has fewer than eight digits and after which a comma or brace stands.
    #[inline(always)]
    pub(in crate::decode) fn eat_short_number(&mut self) -> Option<&'b str> {
        let window = self.window();
        let nibbles = u64::from_le_bytes(*window.first_chunk().expect("a window is longer")) ^ 0x3030_3030_3030_3030;
        // The highest bit of each byte that is no digit: 9 and below stay below 0x80 when 0x76 is added.
        let others = (((nibbles & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676) | nibbles) & 0x8080_8080_8080_8080;
        let digits = others.trailing_zeros() as usize / 8;
        let is_plain = digits < 8 && matches!(window[digits], b',' | b'}') && (window[0] != b'0' || digits == 1);
        if digits == 0 || !is_plain {
            return None;
        }
        let start = *self;
        // SAFETY: the bytes are digits.
        unsafe { self.advance(digits) };
        // SAFETY: `start` is where this cursor was before.
        Some(unsafe { self.since_unchecked(start) })
    }

    /// Passes `true`, `false` or `null`, if one of them is here.
    #[inline(always)]
    pub(in crate::decode) fn eat_word(&mut self) -> Option<Value<'static>> {
        let window = self.window();
        let (length, value) = match window {
            [b't', b'r', b'u', b'e', ..] => (4, Value::Bool(true)),
            [b'f', b'a', b'l', b's', b'e', ..] => (5, Value::Bool(false)),
            [b'n', b'u', b'l', b'l', ..] => (4, Value::Null),
            _ => return None,
        };
        // SAFETY: the bytes are letters.
        unsafe { self.advance(length) };
        Some(value)
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

/// Bytes that a cursor can pass at once.
#[derive(Debug, Clone)]
pub(in crate::decode) struct Literal {
    bytes: [u8; PADDING],
    /// A bit for each byte.
    relevant: u64,
    length: u8,
}

impl Literal {
    /// `text`, if it is short and no end of a line.
    pub(in crate::decode) fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; PADDING];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).ok().filter(|&it| it > 0 && !text.contains('\n'))?;
        Some(Self { bytes, relevant: u64::MAX >> (PADDING - text.len()), length })
    }
}

/// The length that strings in one place usually have. When it holds, what follows need not wait for the search for the end of
/// the string: the processor goes on and has it confirmed meanwhile.
#[derive(Debug, Clone, Default)]
pub(in crate::decode) struct Guess {
    length: Cell<u32>,
    streak: Cell<u8>,
}

/// Strings in a row that must have one length before it is guessed.
const STREAK_MIN: u8 = 12;

impl Guess {
    #[inline(always)]
    fn is_trusted(&self) -> bool {
        self.streak.get() == STREAK_MIN
    }

    /// Whether the first special byte is the one behind the guessed length.
    #[inline(always)]
    fn holds(&self, special: u64) -> bool {
        // Shifting left by what is above the bit leaves only it.
        special << (63 - self.length.get()) == 1 << 63
    }

    #[inline(always)]
    fn learn(&self, length: u32) {
        let is_usual = self.length.replace(length) == length && self.streak.get() < STREAK_MIN;
        self.streak.set(if is_usual { self.streak.get() + 1 } else { 0 });
    }
}
