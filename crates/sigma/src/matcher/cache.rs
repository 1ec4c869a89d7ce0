//! From a value to its class: a bounded cache that compares in full, so that a hit is never wrong.

use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// Values up to this many bytes are kept in the table for short ones.
const SHORT_BYTES: usize = 48;
/// Longer ones up to this many bytes in the other; anything longer is worked out each time.
const LONG_BYTES: usize = 512;
const SHORT_ENTRIES: usize = 1_024;
const LONG_ENTRIES: usize = 64;

/// Two-way, least recently used of the two is replaced. Allocates each table once, when the first value comes.
#[derive(Debug, Default)]
pub(super) struct ValueCache {
    short: Table,
    long: Table,
}

#[derive(Debug, Default)]
struct Table {
    heads: Vec<Head>,
    texts: Vec<u8>,
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
            self.short.put::<SHORT_BYTES>(SHORT_ENTRIES, hash, kind + 1, text, class);
        } else if text.len() <= LONG_BYTES {
            self.long.put::<LONG_BYTES>(LONG_ENTRIES, hash, kind + 1, text, class);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        [&self.short, &self.long].into_iter().map(|it| it.texts.len() + it.heads.len() * size_of::<Head>()).sum()
    }
}

fn hash(text: &str) -> u64 {
    FixedState::with_seed(0x6e69_6768_746a_6172).hash_one(text)
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
            && self.texts[at * STRIDE..][..text.len()] == *text.as_bytes()
    }

    fn put<const STRIDE: usize>(&mut self, entries: usize, hash: u64, kind: u8, text: &str, class: u32) {
        if self.heads.is_empty() {
            self.heads = vec![Head::default(); entries];
            self.texts = vec![0; entries * STRIDE];
        }
        let (pair, kept) = self.pair(hash);
        // The newer of the two stands first; the older one makes room.
        self.heads[pair + 1] = self.heads[pair];
        self.texts.copy_within(pair * STRIDE..(pair + 1) * STRIDE, (pair + 1) * STRIDE);
        let len = u16::try_from(text.len()).expect("longer texts are not cached");
        self.heads[pair] = Head { hash: kept, class, len, kind };
        self.texts[pair * STRIDE..][..text.len()].copy_from_slice(text.as_bytes());
    }
}
