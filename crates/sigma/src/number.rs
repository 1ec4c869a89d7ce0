//! Numbers as they are written, compared exactly: identifiers are longer than a 64-bit float, and a tenth is none.
//!
//! A text is rounded to the nearest float once, and rounding keeps the order: where two floats differ, so do the numbers, the same way
//! round. Only where they are equal do the digits decide, so that ordinary comparisons cost what those of floats do.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Exponents count as this at most, and as its negative at least; nobody writes that many zeros.
const EXPONENT_MAX: i64 = 1 << 60;

/// A number of a rule, equal to others of the same value however they are written.
#[derive(Debug, Clone)]
pub struct Number {
    text: Box<str>,
    nearest: f64,
}

/// A number of an event, borrowed from the text it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'t> {
    text: &'t str,
    /// Infinite beyond the largest float, never NaN.
    nearest: f64,
}

impl Number {
    /// The number that a text is, if it is one.
    pub fn read(text: &str) -> Option<Self> {
        Decimal::read(text).map(|it| Self { text: it.text.into(), nearest: it.nearest })
    }

    /// The same number, to compare it with those of events.
    pub fn as_decimal(&self) -> Decimal<'_> {
        Decimal { text: &self.text, nearest: self.nearest }
    }

    /// The nearest 64-bit float, infinite beyond the largest.
    pub fn nearest(&self) -> f64 {
        self.nearest
    }
}

impl From<i64> for Number {
    #[expect(clippy::cast_precision_loss, reason = "rounded to the nearest, as texts are")]
    fn from(whole: i64) -> Self {
        Self { text: whole.to_string().into(), nearest: whole as f64 }
    }
}

/// As its author wrote it.
impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_decimal().cmp(&other.as_decimal())
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // Equal numbers have one nearest float; the two zeros are equal, and so are their sums with zero.
        (self.nearest + 0.0).to_bits().hash(hasher);
    }
}

impl<'t> Decimal<'t> {
    /// The number that a text is, white space around it aside. Words such as `inf` and `nan` are none.
    pub fn read(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let first = *text.as_bytes().first()?;
        if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
            return None;
        }
        let nearest = text.parse::<f64>().ok()?;
        // `-inf`, `+Infinity`, `-nan`: no number has an `n`.
        let is_word = !nearest.is_finite() && text.bytes().any(|it| it.eq_ignore_ascii_case(&b'n'));
        (!is_word).then_some(Self { text, nearest })
    }

    /// The nearest 64-bit float, infinite beyond the largest.
    pub fn nearest(self) -> f64 {
        self.nearest
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal<'_> {}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal<'_> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.nearest < other.nearest {
            Ordering::Less
        } else if self.nearest > other.nearest {
            Ordering::Greater
        } else if self.text == other.text {
            Ordering::Equal
        } else {
            Digits::of(self.text).cmp(&Digits::of(other.text))
        }
    }
}

/// The parts of a number that has been read as one: `0.` and the digits, times ten to the `magnitude`.
struct Digits<'t> {
    is_negative: bool,
    magnitude: i64,
    /// Before and behind the point. The first of them all is not 0; there are none if the number is 0.
    whole: &'t [u8],
    fraction: &'t [u8],
}

impl<'t> Digits<'t> {
    fn of(text: &'t str) -> Self {
        let is_negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let significant = |it: &'t str| it.trim_start_matches('0').as_bytes();
        let magnitude = exponent_of(exponent);
        let whole = significant(whole);
        if !whole.is_empty() {
            return Self { is_negative, magnitude: magnitude + length(whole), whole, fraction: fraction.as_bytes() };
        }
        let rest = significant(fraction);
        let zeros = length(fraction.as_bytes()) - length(rest);
        Self { is_negative, magnitude: magnitude - zeros, whole, fraction: rest }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// The digits from the first, and zeros up to `count` of them.
    fn padded(&self, count: usize) -> impl Iterator<Item = u8> {
        let zeros = std::iter::repeat(&b'0');
        self.whole.iter().chain(self.fraction).chain(zeros).take(count).copied()
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return if other.is_negative { Ordering::Greater } else { Ordering::Less },
            (false, true) => return if self.is_negative { Ordering::Less } else { Ordering::Greater },
            (false, false) => {}
        }
        if self.is_negative != other.is_negative {
            return if self.is_negative { Ordering::Less } else { Ordering::Greater };
        }
        let count = (self.whole.len() + self.fraction.len()).max(other.whole.len() + other.fraction.len());
        let by_size = self.magnitude.cmp(&other.magnitude).then_with(|| self.padded(count).cmp(other.padded(count)));
        if self.is_negative { by_size.reverse() } else { by_size }
    }
}

/// What is too long for 64 bits is as large as can be.
fn exponent_of(text: &str) -> i64 {
    let most = if text.starts_with('-') { -EXPONENT_MAX } else { EXPONENT_MAX };
    text.parse::<i64>().map_or(most, |it| it.clamp(-EXPONENT_MAX, EXPONENT_MAX))
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).expect("texts are shorter than 2^63 bytes")
}

#[cfg(test)]
mod tests;
