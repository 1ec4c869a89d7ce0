//! Choices made by bytes: what a property test shrinks, a fuzzer mutates and a seed draws are the same generators fed differently.

/// A tape of bytes that decides. Where it ends, every choice is the first: the shorter and the smaller the bytes, the simpler what
/// they make.
pub(crate) struct Choices<'b> {
    tape: &'b [u8],
}

impl<'b> Choices<'b> {
    /// Choices made by `tape`.
    pub(crate) fn new(tape: &'b [u8]) -> Self {
        Self { tape }
    }

    fn byte(&mut self) -> usize {
        let Some((first, rest)) = self.tape.split_first() else { return 0 };
        self.tape = rest;
        usize::from(*first)
    }

    /// A number below `end`. Numbers above 65,535 are never chosen.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let drawn = if end > 256 { self.byte() << 8 | self.byte() } else { self.byte() };
        drawn % end.max(1)
    }

    /// Whether something happens that is to happen once in `times`. At the end of the tape it does not.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of `all`, which has to have some.
    pub(crate) fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A tape of `len` bytes drawn from `seed` (`SplitMix64`).
pub(crate) fn tape(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}
