//! From a value to its class: a bounded cache that compares in full, so that a hit is never wrong.

use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};

/// Values up to this many bytes are kept in the table for short ones.
const SHORT_BYTES: usize = 48;
/// Longer ones up to this many bytes in the other; anything longer is worked out each time.
const LONG_BYTES: usize = 256;
/// A table begins with so many entries and doubles as long as values push each other out, up to so many: 1 MiB per field and table.
const ENTRIES_MIN: usize = 256;
const SHORT_ENTRIES_MAX: usize = 16_384;
const LONG_ENTRIES_MAX: usize = 4_096;

/// Two-way, the older of the two is replaced.
#[derive(Debug, Default)]
pub(super) struct ValueCache {
    short: Table,
    long: Table,
}

#[derive(Debug, Default)]
struct Table {
    heads: Vec<Head>,
    texts: Vec<u8>,
    /// Values that were pushed out since the table has this size.
    pushed_out: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Head {
    hash: u32,
    class: u32,
    len: u16,
    /// 0 for an empty entry, else the kind of value plus 1.
    kind: u8,
}

impl ValueCache {
    pub(super) fn get(&mut self, kind: u8, text: &str) -> Option<u32> {
        let hash = hash(text);
        if text.len() <= SHORT_BYTES {
            self.short.get::<SHORT_BYTES>(hash, kind + 1, text)
        } else if text.len() <= LONG_BYTES {
            self.long.get::<LONG_BYTES>(hash, kind + 1, text)
        } else {
            None
        }
    }

    pub(super) fn put(&mut self, kind: u8, text: &str, class: u32) {
        let hash = hash(text);
        if text.len() <= SHORT_BYTES {
            self.short.put::<SHORT_BYTES>(SHORT_ENTRIES_MAX, hash, kind + 1, text, class);
        } else if text.len() <= LONG_BYTES {
            self.long.put::<LONG_BYTES>(LONG_ENTRIES_MAX, hash, kind + 1, text, class);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        [&self.short, &self.long].into_iter().map(|it| it.texts.len() + it.heads.len() * size_of::<Head>()).sum()
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = FixedState::with_seed(0x6e69_6768_746a_6172).build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// Whether two texts of one length are the same. Most are so short that calling a function which compares memory would take longer.
#[inline]
fn is_same(left: &[u8], right: &[u8]) -> bool {
    if let (Some(left_end), Some(right_end)) = (left.last_chunk::<8>(), right.last_chunk::<8>()) {
        let (left, right) = (left.as_chunks::<8>().0, right.as_chunks::<8>().0);
        return left_end == right_end && left.iter().zip(right).all(|(left, right)| left == right);
    }
    if let (Some(left_end), Some(right_end)) = (left.last_chunk::<4>(), right.last_chunk::<4>()) {
        return left_end == right_end && left.first_chunk::<4>() == right.first_chunk::<4>();
    }
    left.iter().zip(right).all(|(left, right)| left == right)
}

impl Table {
    /// The even place of the pair that `hash` belongs to, and the part of the hash that entries keep.
    fn pair(&self, hash: u64) -> (usize, u32) {
        #[expect(clippy::cast_possible_truncation, reason = "two independent parts of the hash")]
        let (place, kept) = (hash as usize, (hash >> 32) as u32);
        ((place & (self.heads.len() - 1)) & !1, kept)
    }

    fn get<const STRIDE: usize>(&mut self, hash: u64, kind: u8, text: &str) -> Option<u32> {
        if self.heads.is_empty() {
            return None;
        }
        let (pair, kept) = self.pair(hash);
        if self.is_at::<STRIDE>(pair, kept, kind, text) {
            return Some(self.heads[pair].class);
        }
        if self.is_at::<STRIDE>(pair + 1, kept, kind, text) {
            return Some(self.heads[pair + 1].class);
        }
        None
    }

    fn is_at<const STRIDE: usize>(&self, at: usize, hash: u32, kind: u8, text: &str) -> bool {
        let head = &self.heads[at];
        head.hash == hash
            && head.kind == kind
            && usize::from(head.len) == text.len()
            && is_same(&self.texts[at * STRIDE..][..text.len()], text.as_bytes())
    }

    fn put<const STRIDE: usize>(&mut self, entries_max: usize, hash: u64, kind: u8, text: &str, class: u32) {
        // As many values as there are places were pushed out: they come again and again, or never. Twice the room tells which.
        if self.heads.is_empty() || (self.pushed_out > self.heads.len() && self.heads.len() < entries_max) {
            let entries = (self.heads.len() * 2).max(ENTRIES_MIN);
            *self = Self { heads: vec![Head::default(); entries], texts: vec![0; entries * STRIDE], pushed_out: 0 };
        }
        let (pair, kept) = self.pair(hash);
        self.pushed_out += usize::from(self.heads[pair + 1].kind != 0);
        // The newer of the two stands first; the older one makes room.
        self.heads[pair + 1] = self.heads[pair];
        self.texts.copy_within(pair * STRIDE..(pair + 1) * STRIDE, (pair + 1) * STRIDE);
        let len = u16::try_from(text.len()).expect("longer texts are not cached");
        self.heads[pair] = Head { hash: kept, class, len, kind };
        self.texts[pair * STRIDE..][..text.len()].copy_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_grows_until_the_values_that_come_again_have_room() {
        let mut cache = ValueCache::default();
        let value = |at: u32| format!("u{at:05}");
        for round in 0..20 {
            let mut known = 0;
            for at in 0..2_000 {
                match cache.get(0, &value(at)) {
                    Some(class) => {
                        assert_eq!(class, at);
                        known += 1;
                    }
                    None => cache.put(0, &value(at), at),
                }
            }
            if round == 19 {
                assert!(known > 1_500, "{known} of 2,000 values are known");
            }
        }
    }

    #[test]
    fn a_table_has_an_end_however_many_values_come() {
        let mut cache = ValueCache::default();
        (0..200_000).for_each(|at| cache.put(0, &format!("{at} {}", "x".repeat(40 + at as usize % 3 * 20)), at));
        assert!(cache.bytes() < 3 << 20, "{} bytes", cache.bytes());
    }

    #[test]
    fn texts_of_one_length_are_compared_to_the_last_byte() {
        for len in 0..=40 {
            let text = vec![b'a'; len];
            assert!(is_same(&text, &text.clone()));
            for at in 0..len {
                let mut other = text.clone();
                other[at] = b'b';
                assert!(!is_same(&text, &other) && !is_same(&other, &text), "{at} of {len}");
            }
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let mut cache = ValueCache::default();
        cache.put(0, "5", 1);
        assert_eq!((cache.get(0, "5"), cache.get(1, "5")), (Some(1), None));
    }
}
