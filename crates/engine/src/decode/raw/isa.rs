//! What the decoder asks of the processor: looking at [`PADDING`] bytes at once.

use super::PADDING;

/// An instruction set. A value of the type is the proof that this processor has it.
pub(in crate::decode) trait Isa: Copy {
    /// A bit for each byte that ends a run of plain string text: quote, backslash and the control characters below 0x20.
    fn special(self, window: &[u8; PADDING]) -> u64;
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

#[cfg(target_arch = "x86_64")]
pub(in crate::decode) use x86::Sse2 as Baseline;

#[cfg(not(target_arch = "x86_64"))]
pub(in crate::decode) use Portable as Baseline;

impl Baseline {
    /// What every processor of the target has.
    pub(in crate::decode) const THIS: Self = Self;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Isa, PADDING};
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    /// Part of every x86-64.
    #[derive(Clone, Copy)]
    pub(in crate::decode) struct Sse2;

    impl Isa for Sse2 {
        #[inline(always)]
        fn special(self, window: &[u8; PADDING]) -> u64 {
            let mut mask = 0;
            for index in 0..4 {
                // SAFETY: SSE2 is part of x86-64; the load is unaligned and within the window.
                let found = unsafe {
                    let bytes = _mm_loadu_si128(window.as_ptr().add(16 * index).cast::<__m128i>());
                    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x22));
                    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x5c));
                    let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
                    _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control))
                };
                mask |= u64::from(found.cast_unsigned()) << (16 * index);
            }
            mask
        }
    }
}
