//! Asking for memory before it is needed.
#![allow(unsafe_code, reason = "the instruction takes an address; it changes nothing that the program sees and faults at none")]

/// Bytes that come together.
const LINE: usize = 64;

/// Has a value brought near, without waiting for it. Where the processor can't be asked, nothing happens.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    prefetch_start(value, size_of::<T>());
}

/// The same of the first `bytes` of a value.
#[inline]
pub(crate) fn prefetch_start<T>(value: &T, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = std::ptr::from_ref(value).cast::<i8>();
        let (mut offset, bytes) = (0, bytes.min(size_of::<T>()));
        while offset < bytes {
            // SAFETY: the offset is inside the value.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(offset)) };
            offset += LINE;
        }
        if align_of::<T>() < LINE && bytes > 0 {
            // SAFETY: the last byte is inside the value; it may be on one line more.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(bytes - 1)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (value, bytes, LINE);
}
