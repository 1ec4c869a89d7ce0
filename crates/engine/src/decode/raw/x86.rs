//! Vector instructions of x86-64: SSE2, which all have, and AVX2.
#![expect(clippy::cast_ptr_alignment, reason = "the loads need no alignment")]

use super::PADDING;
use super::isa::{HALF, Isa, Task};
use std::arch::x86_64::{
    __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

/// Part of every x86-64.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Baseline;

// SAFETY: the tests compare it with a naive twin.
unsafe impl Isa for Baseline {
    #[inline(always)]
    fn special_of_half(self, half: &[u8; HALF]) -> u64 {
        let mut mask = 0;
        for (index, chunk) in half.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: SSE2 is part of x86-64; the load reads the 16 bytes of the chunk and needs no alignment.
            let found = unsafe {
                let bytes = _mm_loadu_si128(chunk.as_ptr().cast::<__m128i>());
                let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x22));
                let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x5c));
                let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
                _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control))
            };
            mask |= u64::from(found.cast_unsigned()) << (16 * index);
        }
        mask
    }

    #[inline(always)]
    fn is_equal(self, window: &[u8; PADDING], wanted: &[u8; PADDING], mut relevant: u64) -> bool {
        for (left, right) in window.as_chunks::<16>().0.iter().zip(wanted.as_chunks::<16>().0) {
            // SAFETY: SSE2 is part of x86-64; the loads read the 16 bytes of each chunk and need no alignment.
            let equal = unsafe {
                let left = _mm_loadu_si128(left.as_ptr().cast::<__m128i>());
                let right = _mm_loadu_si128(right.as_ptr().cast::<__m128i>());
                _mm_movemask_epi8(_mm_cmpeq_epi8(left, right))
            };
            if !u64::from(equal.cast_unsigned()) & relevant & 0xffff != 0 {
                return false;
            }
            relevant >>= 16;
            if relevant == 0 {
                return true;
            }
        }
        true
    }
}

/// AVX2, and the bit instructions that come with it.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Avx2(());

// SAFETY: the tests compare it with a naive twin.
unsafe impl Isa for Avx2 {
    #[inline(always)]
    fn special_of_half(self, half: &[u8; HALF]) -> u64 {
        // SAFETY: `self` is the proof of AVX2; the load reads the 32 bytes of the half and needs no alignment.
        let found = unsafe {
            let bytes = _mm256_loadu_si256(half.as_ptr().cast::<__m256i>());
            let quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x22));
            let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x5c));
            let control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
            _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, backslash), control))
        };
        u64::from(found.cast_unsigned())
    }

    #[inline(always)]
    fn is_equal(self, window: &[u8; PADDING], wanted: &[u8; PADDING], relevant: u64) -> bool {
        let (left, right) = (window.as_chunks::<32>().0, wanted.as_chunks::<32>().0);
        let (low, high) = (relevant & u64::from(u32::MAX), relevant >> 32);
        self.unequal(&left[0], &right[0]) & low == 0 && (high == 0 || self.unequal(&left[1], &right[1]) & high == 0)
    }
}

// A function, not a closure: that would not be compiled for AVX2.
#[expect(clippy::unused_self, reason = "`self` is the proof that it may be called")]
impl Avx2 {
    #[inline(always)]
    fn unequal(self, left: &[u8; 32], right: &[u8; 32]) -> u64 {
        // SAFETY: `self` is the proof of AVX2; the loads read the 32 bytes of each side and need no alignment.
        let equal = unsafe {
            let left = _mm256_loadu_si256(left.as_ptr().cast::<__m256i>());
            let right = _mm256_loadu_si256(right.as_ptr().cast::<__m256i>());
            _mm256_movemask_epi8(_mm256_cmpeq_epi8(left, right))
        };
        u64::from(!equal.cast_unsigned())
    }
}

/// What this processor can do.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) enum Processor {
    /// What all can.
    Baseline,
    /// AVX2 as well.
    Avx2(Avx2),
}

impl Processor {
    /// Asks the processor.
    pub(in crate::decode) fn detect() -> Self {
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
        if has_avx2 { Self::Avx2(Avx2(())) } else { Self::Baseline }
    }

    /// What every processor can do.
    #[cfg(test)]
    pub(in crate::decode) fn least() -> Self {
        Self::Baseline
    }

    /// Does `task` with all that the processor can do.
    #[inline(always)]
    pub(in crate::decode) fn run<T: Task>(self, task: T) -> T::Output {
        match self {
            Self::Baseline => task.run(Baseline),
            // SAFETY: the value is the proof that `detect` found these features.
            Self::Avx2(isa) => unsafe { run_with_avx2(task, isa) },
        }
    }
}

/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx2,bmi1,bmi2")]
unsafe fn run_with_avx2<T: Task>(task: T, isa: Avx2) -> T::Output {
    task.run(isa)
}
