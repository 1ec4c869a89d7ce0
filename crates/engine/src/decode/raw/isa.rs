//! What the decoder asks of the processor: looking at [`PADDING`] bytes at once.

use super::PADDING;

/// An instruction set. A value of the type is the proof that this processor has it.
pub(in crate::decode) trait Isa: Copy {
    /// A bit for each byte that ends a run of plain string text: quote, backslash and the control characters below 0x20.
    fn special(self, window: &[u8; PADDING]) -> u64;

    /// Whether the bytes are equal wherever `relevant` has a bit; that has all its bits below the zeros.
    fn is_equal(self, window: &[u8; PADDING], wanted: &[u8; PADDING], relevant: u64) -> bool;
}

/// Something to do with the widest instruction set there is. `run` has to be `#[inline(always)]`, and so has everything in it that
/// asks the instruction set something: only then is it compiled for that set.
pub(in crate::decode) trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// Eight bytes at a time in ordinary registers.
#[derive(Clone, Copy)]
pub(in crate::decode) struct Portable;

impl Isa for Portable {
    #[inline(always)]
    fn special(self, window: &[u8; PADDING]) -> u64 {
        let mut mask = 0;
        for (index, chunk) in window.chunks_exact(8).enumerate() {
            let bytes = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
            let special = zero_bytes(bytes ^ repeat(b'"')) | zero_bytes(bytes ^ repeat(b'\\')) | zero_bytes(bytes & repeat(0xe0));
            mask |= gather(special) << (8 * index);
        }
        mask
    }

    #[inline(always)]
    fn is_equal(self, window: &[u8; PADDING], wanted: &[u8; PADDING], relevant: u64) -> bool {
        let count = relevant.trailing_ones() as usize;
        window[..count] == wanted[..count]
    }
}

const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// 0x80 in each byte that is zero in `bytes`, 0 in the others. Exact: no carry crosses a byte.
const fn zero_bytes(bytes: u64) -> u64 {
    !(((bytes & repeat(0x7f)) + repeat(0x7f)) | bytes | repeat(0x7f))
}

/// The highest bits of the eight bytes, side by side.
const fn gather(high_bits: u64) -> u64 {
    (high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(not(target_arch = "x86_64"))]
mod widest {
    pub(in crate::decode) use super::Portable as Baseline;
    use super::Task;

    /// What this processor can do.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::decode) struct Processor;

    impl Processor {
        pub(in crate::decode) fn detect() -> Self {
            Self
        }

        #[inline(always)]
        pub(in crate::decode) fn run<T: Task>(self, task: T) -> T::Output {
            task.run(Baseline)
        }
    }
}

#[cfg(target_arch = "x86_64")]
use super::x86 as widest;
pub(in crate::decode) use widest::{Baseline, Processor};
