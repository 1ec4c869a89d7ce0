//! UltraLogLog with a martingale estimate: a quarter less error than HyperLogLog in the same bytes.

use serde::{Deserialize, Serialize};

/// A sketch of `REGISTERS` bytes (a power of two from 8 to 256) and its running estimate: 36 bytes for 32 registers, 68 for 64, 20 for 16.
///
/// A register holds the largest update value k of its elements and whether k-1 and k-2 occurred (O. Ertl, "UltraLogLog", 2023, arXiv
/// 2308.16862, section 2). Sketches are never merged here, so the estimate is the martingale one: each change of state adds
/// 1/μ, where μ was the probability of a change (A. Helmi et al. 2012; D. Ting 2014); it is unbiased, with a relative standard error of
/// 0.658/sqrt(m): 11.6 % for 32 registers, 8.2 % for 64. μ is summed over the registers anew at a change, which is rare, instead of
/// being kept: four bytes less, and no rounding adds up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Ultra<const REGISTERS: usize> {
    #[serde(with = "crate::array")]
    registers: [u8; REGISTERS],
    estimate: f32,
}

const _: () = assert!(size_of::<Ultra<32>>() == 36 && size_of::<Ultra<64>>() == 68);

impl<const REGISTERS: usize> Default for Ultra<REGISTERS> {
    fn default() -> Self {
        const { assert!(REGISTERS.is_power_of_two() && REGISTERS >= 8 && REGISTERS <= 256) };
        Self { registers: [0; REGISTERS], estimate: 0.0 }
    }
}

impl<const REGISTERS: usize> Ultra<REGISTERS> {
    const INDEX_BITS: u32 = REGISTERS.trailing_zeros();

    /// Whether a target would change the state: most new ones do as long as there are fewer than registers.
    #[inline]
    pub fn would_change(&self, hash: u64) -> bool {
        let (_, before, after) = self.place(hash);
        after != before
    }

    /// The register of a hash, what is in it, and what will be.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u8, u8) {
        let index = usize::try_from(hash >> (64 - Self::INDEX_BITS)).expect("a few bits");
        let value = ((hash << Self::INDEX_BITS) | (1 << (Self::INDEX_BITS - 1))).leading_zeros() + 1;
        let before = self.registers[index];
        (index, before, packed(unpacked(before) | 1 << (value + 1)))
    }

    /// Takes in a target by 64 bits of its hash; says whether the state changed.
    #[inline]
    pub fn insert(&mut self, hash: u64) -> bool {
        let (index, before, after) = self.place(hash);
        if after == before {
            return false;
        }
        self.estimate += crate::counts::narrow(1.0 / self.change_probability());
        self.registers[index] = after;
        true
    }

    /// About how many distinct targets there were.
    #[inline]
    pub fn estimate(&self) -> f64 {
        f64::from(self.estimate)
    }

    /// Reads a word of the last line.
    #[inline]
    pub(crate) fn touch(&self) -> u32 {
        self.estimate.to_bits()
    }

    /// The standard error of the estimate over the estimate.
    pub fn relative_error() -> f64 {
        0.658 / crate::pareto::float(REGISTERS).sqrt()
    }

    /// μ: that the next new target changes the state.
    pub(super) fn change_probability(&self) -> f64 {
        // Four sums side by side; all are of powers of two, so that their order makes no difference.
        let mut sums = [0.0; 4];
        for &[a, b, c, d] in self.registers.as_chunks::<4>().0 {
            sums[0] += CHANGES[usize::from(a)];
            sums[1] += CHANGES[usize::from(b)];
            sums[2] += CHANGES[usize::from(c)];
            sums[3] += CHANGES[usize::from(d)];
        }
        (sums[0] + sums[1] + sums[2] + sums[3]) / crate::pareto::float(REGISTERS)
    }
}

/// By register, that a new target of it changes it. The largest value can't be exceeded; that its register counts 2⁻⁵⁸ too much is less
/// than rounding.
const CHANGES: [f64; 256] = {
    let mut changes = [0.0; 256];
    let mut register = 0;
    while register < 256 {
        changes[register] = register_changes(register);
        register += 1;
    }
    changes
};

/// It has a value above k, or one of the two below that didn't occur yet.
const fn register_changes(register: usize) -> f64 {
    if register < 8 {
        return 1.0;
    }
    // The highest bit stands at k + 1.
    let largest = (register >> 2) as u64 - 1;
    let mut chance = half_to(largest);
    if largest > 1 && register & 2 == 0 {
        chance += half_to(largest - 1);
    }
    if largest > 2 && register & 1 == 0 {
        chance += half_to(largest - 2);
    }
    chance
}

/// 2^-n, exactly.
const fn half_to(n: u64) -> f64 {
    f64::from_bits((1023 - n) << 52)
}

/// The bits that a register stands for: the highest, and the two below it.
#[inline]
fn unpacked(register: u8) -> u64 {
    if register < 8 { 0 } else { (4 + u64::from(register & 3)) << ((register >> 2) - 2) }
}

/// The position of the highest bit, and the two below it.
#[inline]
fn packed(bits: u64) -> u8 {
    let highest = bits.ilog2();
    u8::try_from(u64::from(highest) << 2 | (bits >> (highest - 2)) & 3).expect("6 bits and 2")
}
