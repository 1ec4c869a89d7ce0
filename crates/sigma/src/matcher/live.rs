//! The terms that are still possible for an event.

use super::field::ones;
use crate::compile::{Field, Program};

/// A bit per term, and a bit per word that is not zero; words without such a bit mean nothing.
#[derive(Debug, Clone)]
pub(super) struct Live {
    summary: Box<[u64]>,
    words: Box<[u64]>,
}

impl Live {
    pub(super) fn new(program: &Program) -> Self {
        Self { summary: vec![0; program.summary_words()].into(), words: vec![0; program.words()].into() }
    }

    /// Begins with the terms of `row`.
    pub(super) fn start(&mut self, row: &[u64]) {
        let (summary, words) = row.split_at(self.summary.len());
        self.summary.copy_from_slice(summary);
        for (at, &summary) in summary.iter().enumerate() {
            for bit in ones(summary) {
                self.words[at * 64 + bit] = words[at * 64 + bit];
            }
        }
    }

    /// Keeps what `row` allows.
    pub(super) fn keep(&mut self, row: &[u64]) {
        let (summary, words) = row.split_at(self.summary.len());
        for (at, (mine, summary)) in self.summary.iter_mut().zip(summary).enumerate() {
            *mine &= summary;
            for bit in ones(*mine) {
                let word = &mut self.words[at * 64 + bit];
                *word &= words[at * 64 + bit];
                if *word == 0 {
                    *mine &= !(1 << bit);
                }
            }
        }
    }

    /// Whether any of them mentions `field`.
    pub(super) fn mentions(&self, field: &Field) -> bool {
        self.any_word(|at, word| word & field.mentions[at] != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.summary.iter().all(|it| *it == 0)
    }

    /// How many of them there are for which `mask` has a bit.
    pub(super) fn count(&self, mask: impl Fn(usize) -> u64) -> u64 {
        let mut count = 0;
        self.any_word(|at, word| {
            count += u64::from((word & mask(at)).count_ones());
            false
        });
        count
    }

    /// Calls `visit` with the number of each of them.
    pub(super) fn each(&self, mut visit: impl FnMut(usize)) {
        self.any_word(|at, word| {
            ones(word).for_each(|bit| visit(at * 64 + bit));
            false
        });
    }

    fn any_word(&self, mut is_it: impl FnMut(usize, u64) -> bool) -> bool {
        for (at, &summary) in self.summary.iter().enumerate() {
            for bit in ones(summary) {
                let word = at * 64 + bit;
                if is_it(word, self.words[word]) {
                    return true;
                }
            }
        }
        false
    }
}
