//! What the decoder asks of the processor: looking at [`PADDING`] bytes at once.

use super::PADDING;

/// Half of what is looked at.
pub(super) const HALF: usize = PADDING / 2;

/// An instruction set. A value of the type is the proof that this processor has it.
///
/// # Safety
/// The answers are right: where a cursor goes depends on them.
pub(in crate::decode) unsafe trait Isa: Copy {
    /// A bit for each byte that ends a run of plain string text: quote, backslash and the control characters below 0x20.
    fn special_of_half(self, half: &[u8; HALF]) -> u64;

    /// The same for the first half of a window, in which most strings end.
    #[inline(always)]
    fn special_of_first_half(self, window: &[u8; PADDING]) -> u64 {
        self.special_of_half(&window.as_chunks::<HALF>().0[0])
    }

    /// The same for a whole window.
    #[inline(always)]
    fn special(self, window: &[u8; PADDING]) -> u64 {
        let (halves, _) = window.as_chunks::<HALF>();
        self.special_of_half(&halves[0]) | self.special_of_half(&halves[1]) << HALF
    }

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

/// Eight bytes at a time in ordinary registers, for processors without a module of their own.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
pub(in crate::decode) struct Portable;

#[cfg(any(test, not(target_arch = "x86_64")))]
// SAFETY: the tests compare it with a naive twin.
unsafe impl Isa for Portable {
    #[inline(always)]
    fn special_of_half(self, half: &[u8; HALF]) -> u64 {
        const fn repeat(byte: u8) -> u64 {
            u64::from_ne_bytes([byte; 8])
        }
        /// 0x80 in each byte that is zero in `bytes`, 0 in the others. Exact: no carry crosses a byte.
        const fn zero_bytes(bytes: u64) -> u64 {
            !(((bytes & repeat(0x7f)) + repeat(0x7f)) | bytes | repeat(0x7f))
        }
        let mut mask = 0;
        for (index, chunk) in half.as_chunks::<8>().0.iter().enumerate() {
            let bytes = u64::from_le_bytes(*chunk);
            let special = zero_bytes(bytes ^ repeat(b'"')) | zero_bytes(bytes ^ repeat(b'\\')) | zero_bytes(bytes & repeat(0xe0));
            // The highest bits of the eight bytes, side by side.
            mask |= ((special >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * index);
        }
        mask
    }

    #[inline(always)]
    fn is_equal(self, window: &[u8; PADDING], wanted: &[u8; PADDING], relevant: u64) -> bool {
        let count = relevant.trailing_ones() as usize;
        window[..count] == wanted[..count]
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod widest {
    pub(in crate::decode) use super::Portable as Baseline;
    use super::Task;

    /// What this processor can do.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::decode) struct Processor;

    impl Processor {
        /// There is only one.
        pub(in crate::decode) fn detect() -> Self {
            Self
        }

        #[cfg(test)]
        pub(in crate::decode) fn least() -> Self {
            Self
        }

        /// Does `task`.

        #[inline(always)]
        pub(in crate::decode) fn run<T: Task>(self, task: T) -> T::Output {
            task.run(Baseline)
        }
    }
}

#[cfg(target_arch = "x86_64")]
use super::x86 as widest;
pub(in crate::decode) use widest::{Baseline, Processor};

#[cfg(test)]
mod tests {
    use super::{Baseline, Isa, PADDING, Portable, Processor, Task};

    struct Ask<'w>(&'w [u8; PADDING], &'w [u8; PADDING], u64);

    impl Task for Ask<'_> {
        type Output = (u64, bool);

        #[inline(always)]
        fn run<I: Isa>(self, isa: I) -> Self::Output {
            (isa.special(self.0), isa.is_equal(self.0, self.1, self.2))
        }
    }

    #[track_caller]
    fn check(window: &[u8; PADDING], other: &[u8; PADDING], count: usize) {
        let is_special = |it: u8| it == b'"' || it == b'\\' || it < 0x20;
        let special = (0..PADDING).filter(|&at| is_special(window[at])).fold(0, |mask, at| mask | 1 << at);
        let expected = (special, window[..count] == other[..count]);
        let relevant = u64::MAX >> (PADDING - count);
        assert_eq!(Portable.special(window), special);
        assert_eq!(Portable.special_of_first_half(window), special & u64::from(u32::MAX));
        assert_eq!(Portable.is_equal(window, other, relevant), expected.1);
        assert_eq!((Baseline.special(window), Baseline.is_equal(window, other, relevant)), expected);
        assert_eq!(Processor::detect().run(Ask(window, other, relevant)), expected);
    }

    #[test]
    fn every_byte_in_every_place_is_seen_alike_by_all_instruction_sets() {
        for byte in 0..=u8::MAX {
            for at in 0..PADDING {
                let mut window = [b'x'; PADDING];
                window[at] = byte;
                check(&window, &[b'x'; PADDING], 1 + (usize::from(byte) + at) % PADDING);
                check(&[byte; PADDING], &window, at + 1);
            }
        }
    }
}
