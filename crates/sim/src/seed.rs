//! Independent random streams from one seed, so that a change in one person's day leaves everybody else's alone.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// Mixes two numbers into one whose bits all depend on both (the finaliser of `SplitMix64`).
pub(crate) fn mix(seed: u64, stream: u64) -> u64 {
    let mut z = seed ^ stream.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The random stream number `stream` of `seed`.
pub(crate) fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(mix(seed, stream))
}

/// Streams that belong to no actor.
pub(crate) const COMPANY: u64 = 1 << 40;
/// The attackers' stream.
pub(crate) const ATTACK: u64 = (1 << 40) + 1;
/// What distinguishes the people of a tabletop exercise.
pub(crate) const TABLETOP: u64 = (1 << 40) + 2;
/// Who attacks in a tabletop exercise, when, and how.
pub(crate) const TABLETOP_ATTACKS: u64 = (1 << 40) + 3;
