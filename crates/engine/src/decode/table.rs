//! The keys known in one object: usually one probe finds the key or shows that it is new.

use super::raw::PADDING;

/// A key as it is compared: its first bytes in a register, the rest where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'k> {
    text: &'k str,
    head: u128,
}

/// Bytes of a key in [`Key::head`].
const HEAD_BYTES: usize = 16;

impl<'k> Key<'k> {
    /// Any key.
    pub(super) fn new(text: &'k str) -> Self {
        let mut head = [0; HEAD_BYTES];
        let length = text.len().min(HEAD_BYTES);
        head[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { text, head: u128::from_le_bytes(head) }
    }

    /// The key with which `window` begins.
    #[inline(always)]
    pub(super) fn at(window: &[u8; PADDING], text: &'k str) -> Self {
        let bytes = *window.first_chunk::<HEAD_BYTES>().expect("a window is longer");
        let mask = if text.len() < HEAD_BYTES { (1 << (8 * text.len())) - 1 } else { u128::MAX };
        Self { text, head: u128::from_le_bytes(bytes) & mask }
    }

    /// The key's text.
    pub(super) fn text(&self) -> &'k str {
        self.text
    }
}

#[derive(Debug, Clone)]
struct Entry {
    head: u128,
    bytes: u32,
    node: u32,
}

impl Entry {
    #[expect(clippy::cast_possible_truncation, reason = "a hash")]
    #[inline(always)]
    fn hash(head: u128, bytes: u32) -> usize {
        let folded = (head as u64) ^ ((head >> 64) as u64).rotate_left(31) ^ u64::from(bytes);
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
    }
}

/// Marks an entry that is free. No node has this number: a decoder has far fewer.
const FREE: u32 = u32::MAX;

/// The children of one object, by key. Open addressing, at most half full.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    entries: Box<[Entry]>,
    len: usize,
}

impl Table {
    /// The node of `key`. `text_of` tells a node's key; it is asked only about keys that are longer than a register.
    #[inline(always)]
    pub(super) fn get<'n>(&self, key: Key<'_>, text_of: impl Fn(u32) -> &'n str) -> Option<u32> {
        let last = self.entries.len().checked_sub(1)?;
        let bytes = u32::try_from(key.text.len()).ok()?;
        let mut at = Entry::hash(key.head, bytes) & last;
        loop {
            let entry = &self.entries[at];
            if entry.node == FREE {
                return None;
            }
            let is_alike = entry.head == key.head && entry.bytes == bytes;
            if is_alike && (key.text.len() <= HEAD_BYTES || text_of(entry.node) == key.text) {
                return Some(entry.node);
            }
            at = (at + 1) & last;
        }
    }

    /// Adds a key that is not in the table.
    pub(super) fn insert(&mut self, key: Key<'_>, node: u32) {
        if self.entries.len() < 2 * (self.len + 1) {
            self.grow();
        }
        let bytes = u32::try_from(key.text.len()).expect("keys are shorter than 4 GiB");
        self.place(Entry { head: key.head, bytes, node });
        self.len += 1;
    }

    fn grow(&mut self) {
        let capacity = (2 * self.entries.len()).max(ENTRIES_MIN);
        let free = Entry { head: 0, bytes: 0, node: FREE };
        let old = std::mem::replace(&mut self.entries, vec![free; capacity].into());
        old.into_iter().filter(|it| it.node != FREE).for_each(|it| self.place(it));
    }

    fn place(&mut self, entry: Entry) {
        let last = self.entries.len() - 1;
        let mut at = Entry::hash(entry.head, entry.bytes) & last;
        while self.entries[at].node != FREE {
            at = (at + 1) & last;
        }
        self.entries[at] = entry;
    }
}

/// Entries of the smallest table; a power of two, as all are.
const ENTRIES_MIN: usize = 4;
