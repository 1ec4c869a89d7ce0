//! Numbers of events as whole billionths in 128 bits: sums are exact and the same in whatever order they were added, a tenth is a tenth,
//! and what is taken away leaves nothing behind.

use super::Identity;
use super::halves;

/// Billionths of one.
pub(super) const SCALE: i128 = 1_000_000_000;
/// Larger numbers count as this; so many of them as a window can hold still fit into 128 bits.
const LARGEST: f64 = 1e18;
/// Stands for an event that has no number where one was looked for.
const NO_NUMBER: i128 = i128::MIN;
/// Stands for the values of an event beyond the most that are looked at.
const CUT: i128 = i128::MIN + 1;

/// A finite number in billionths, rounded to the nearest.
#[expect(clippy::cast_possible_truncation, reason = "whole numbers within the bounds")]
pub(super) fn of(number: f64) -> i128 {
    let number = number.clamp(-LARGEST, LARGEST);
    let whole = number.trunc();
    let billionths = ((number - whole) * 1e9).round();
    whole as i128 * SCALE + billionths as i128
}

/// `numerator / denominator` billionths as a number for people.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn to_f64(numerator: i128, denominator: i128) -> f64 {
    let one = SCALE * denominator;
    if numerator % one == 0 { (numerator / one) as f64 } else { numerator as f64 / one as f64 }
}

impl Identity {
    /// A number to be measured; `None` for an event that has none.
    pub fn of_number(number: Option<f64>) -> Self {
        Self(halves(number.map_or(NO_NUMBER, of).cast_unsigned()))
    }

    /// More values of one event than are looked at.
    pub(crate) fn of_the_rest() -> Self {
        Self(halves(CUT.cast_unsigned()))
    }

    /// In billionths.
    pub(super) fn billionths(self) -> i128 {
        (u128::from(self.0[0]) | u128::from(self.0[1]) << 64).cast_signed()
    }

    pub(super) fn is_no_number(self) -> bool {
        self.billionths() == NO_NUMBER
    }

    pub(super) fn is_the_rest(self) -> bool {
        self.billionths() == CUT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_add_up_as_they_are_written() {
        assert_eq!((0..10).map(|_| of(0.1)).sum::<i128>(), SCALE);
        assert_eq!(of(0.1) + of(0.2), of(0.3));
        for number in [0.0, -1.5, 1234.1, 9_007_199_254_740_993.0, -4e15, 1e18, 120_000.0, 1e-9] {
            let there_and_back = to_f64(of(number), 1);
            assert!((there_and_back - number).abs() <= number.abs() * 1e-15, "{number} {there_and_back}");
        }
        assert_eq!(of(1e300), of(1e18));
    }
}
