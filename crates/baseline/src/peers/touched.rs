//! Which groups somebody has done anything in.

use super::GroupId;

/// Groups whose members are not as they were when the peers were looked at last: somebody acted, came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// A bit each.
    words: Vec<u64>,
    is_all: bool,
}

impl Default for Touched {
    /// All of them: nobody was ever looked at.
    fn default() -> Self {
        Self { words: Vec::new(), is_all: true }
    }
}

impl Touched {
    /// None.
    pub const fn none() -> Self {
        Self { words: Vec::new(), is_all: false }
    }

    /// Somebody of the group acted, came or went.
    pub fn mark(&mut self, GroupId(at): GroupId) {
        let (word, bit) = (usize::from(at / 64), 1 << (at % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Adds another shard's.
    pub fn merge(&mut self, other: &Self) {
        self.is_all |= other.is_all;
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(it, other)| *it |= other);
    }

    /// Whether that group is among them.
    pub fn has(&self, GroupId(at): GroupId) -> bool {
        self.is_all || self.words.get(usize::from(at / 64)).is_some_and(|it| it & 1 << (at % 64) != 0)
    }

    /// None any more.
    pub fn clear(&mut self) {
        self.is_all = false;
        self.words.fill(0);
    }
}
