//! Many literals in one pass over a text: those that stand in it, wherever that is.
//!
//! A literal is found by its anchor, three of its letters, of which a table of bits knows whether any literal has them: those three in a
//! row that the fewest literals of the set have, since what is common among them is common in texts. An automaton waits for the memory at
//! every letter, and building one takes longer than everything else about loading rules; here no letter waits for the one before, and
//! there is little to build.

use hashbrown::HashMap;
use memchr::memmem::Finder;
use std::ops::Range;

/// Size of the largest table of anchors in bits: 16 KiB stay in the nearest cache.
const BITS_MAX: usize = 1 << 17;
/// Bits of the table for each literal, so that one in so many places is looked at for nothing.
const BITS_PER_LITERAL: usize = 64;
/// So many places of a text are looked at together, so that the table decides one branch for all of them.
const PLACES: usize = 16;
/// The bytes of a text that tell about so many places: three letters at the last of them, read as four.
const BLOCK: usize = PLACES + 3;

/// A set of literals, none of them empty.
#[derive(Debug)]
pub(super) struct Literals {
    /// A bit for each hash of an anchor.
    bits: Box<[u64]>,
    /// How many bits are set before each word of `bits`.
    ranks: Box<[u32]>,
    /// How far a hash of 32 bits is shifted to be a place in `bits`.
    shift: u32,
    /// For each bit that is set, where its literals begin in `anchored`; and the end.
    starts: Box<[u32]>,
    anchored: Box<[Anchored]>,
    /// The letters of all `anchored`, in their order.
    letters: Box<[u8]>,
    /// Literals of one or two bytes, which are looked for one by one.
    short: Box<[(Finder<'static>, u32)]>,
}

/// A literal that is found by its anchor.
#[derive(Debug, Clone, Copy)]
struct Anchored {
    number: u32,
    /// Where it stands in [`Literals::letters`].
    start: u32,
    end: u32,
    /// How many of its letters come before the anchor.
    before: u32,
}

impl Literals {
    /// Each literal counts by its number, that is its place; no two of them are equal.
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let (short, long): (Vec<_>, Vec<_>) = (0_u32..).zip(texts).partition(|(_, text)| text.len() < 3);
        let bits = (long.len() * BITS_PER_LITERAL).next_power_of_two().clamp(64, BITS_MAX);
        let mut literals = Self {
            bits: vec![0; bits / 64].into(),
            ranks: Box::default(),
            shift: 32 - bits.trailing_zeros(),
            starts: Box::default(),
            anchored: Box::default(),
            letters: Box::default(),
            short: short.into_iter().map(|(number, text)| (Finder::new(text).into_owned(), number)).collect(),
        };
        literals.anchor(&long);
        literals
    }

    /// Chooses the anchors of the literals that are long enough to have one.
    fn anchor(&mut self, texts: &[(u32, &[u8])]) {
        let mut owners: HashMap<[u8; 3], u32> = HashMap::new();
        texts.iter().flat_map(|(_, text)| text.array_windows()).for_each(|it| *owners.entry(*it).or_default() += 1);
        let mut placed: Vec<(usize, usize, u32, &[u8])> = Vec::with_capacity(texts.len());
        for &(number, text) in texts {
            let rarest = text.array_windows().enumerate().min_by_key(|(_, three)| owners[*three]);
            let (before, [first, second, third]) = rarest.expect("it has three letters");
            placed.push((self.place([*first, *second, *third, 0]), before, number, text));
        }
        placed.sort_unstable_by_key(|it| (it.0, it.2));
        let small = |it: usize| u32::try_from(it).expect("all rules together are far shorter than 4 GiB");
        let (mut starts, mut anchored, mut letters) = (Vec::new(), Vec::with_capacity(texts.len()), Vec::new());
        for (place, before, number, text) in placed {
            if !self.has(place) {
                self.bits[place / 64] |= 1 << (place % 64);
                starts.push(small(anchored.len()));
            }
            let start = small(letters.len());
            letters.extend_from_slice(text);
            anchored.push(Anchored { number, start, end: small(letters.len()), before: small(before) });
        }
        starts.push(small(anchored.len()));
        let before = self.bits.iter().scan(0, |sum, word| Some(std::mem::replace(sum, *sum + word.count_ones())));
        self.ranks = before.collect();
        (self.starts, self.anchored, self.letters) = (starts.into(), anchored.into(), letters.into());
    }

    /// Where three letters stand in the table of bits; the fourth does not count.
    fn place(&self, letters: [u8; 4]) -> usize {
        (u32::from_le_bytes(letters).wrapping_mul(0x9e37_79b1 << 8) >> self.shift) as usize
    }

    fn has(&self, place: usize) -> bool {
        self.bits[place / 64] >> (place % 64) & 1 == 1
    }

    /// Shows the number of each literal in `text` and where it stands.
    pub(super) fn find(&self, text: &[u8], mut show: impl FnMut(u32, Range<usize>)) {
        let places = if self.anchored.is_empty() { 0 } else { text.len().saturating_sub(2) };
        for from in (0..places).step_by(PLACES) {
            let mut padded = [0; BLOCK];
            let block: &[u8; BLOCK] = text[from..].first_chunk().unwrap_or_else(|| {
                padded[..text.len() - from].copy_from_slice(&text[from..]);
                &padded
            });
            let mut hits = 0_u32;
            for (at, letters) in block.array_windows::<4>().enumerate() {
                hits |= u32::from(self.has(self.place(*letters))) << at;
            }
            while hits != 0 {
                let at = hits.trailing_zeros() as usize;
                hits &= hits - 1;
                let letters = *block[at..].first_chunk().expect("a block is longer than its places");
                if from + at < places {
                    self.each_at(text, from + at, self.place(letters), &mut show);
                }
            }
        }
        for (finder, number) in &self.short {
            // Not `find_iter`, which passes over places that overlap.
            let mut from = 0;
            while let Some(at) = finder.find(&text[from..]).map(|it| from + it) {
                show(*number, at..at + finder.needle().len());
                from = at + 1;
            }
        }
    }

    /// Shows the literals that stand in `text` with their anchor at `at`, which has that place in the table.
    fn each_at(&self, text: &[u8], at: usize, place: usize, show: &mut impl FnMut(u32, Range<usize>)) {
        let before = self.bits[place / 64] & ((1 << (place % 64)) - 1);
        let rank = (self.ranks[place / 64] + before.count_ones()) as usize;
        for it in &self.anchored[self.starts[rank] as usize..self.starts[rank + 1] as usize] {
            let letters = &self.letters[it.start as usize..it.end as usize];
            if let Some(start) = at.checked_sub(it.before as usize)
                && text[start..].starts_with(letters)
            {
                show(it.number, start..start + letters.len());
            }
        }
    }

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        let tables = self.bits.len() * 12 + self.starts.len() * 4 + self.anchored.len() * size_of::<Anchored>();
        tables + self.letters.len() + self.short.len() * size_of::<(Finder<'static>, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(literals: &[String], text: &str) {
        let mut found = Vec::new();
        Literals::new(literals.iter().map(String::as_bytes)).find(text.as_bytes(), |number, place| {
            assert_eq!(text[place.clone()], literals[number as usize]);
            found.push((number as usize, place.start));
        });
        found.sort_unstable();
        let places =
            |it: &String| (0..text.len()).filter(|&at| text.as_bytes()[at..].starts_with(it.as_bytes())).collect::<Vec<_>>();
        let expected: Vec<_> =
            literals.iter().enumerate().flat_map(|(number, it)| places(it).into_iter().map(move |at| (number, at))).collect();
        assert_eq!(found, expected, "{literals:?} in {text:?}");
    }

    #[test]
    fn literals_that_overlap_and_begin_with_each_other_are_all_found() {
        let literals = ["abc", "abcd", "abcdef", "bcd", "bce", "cde", "b", "de", "xyz"].map(str::to_owned);
        for text in ["", "ab", "abc", "abcd", "abcde", "abcdef", "abcdabcdefbce", "xabcx"] {
            check(&literals, text);
        }
    }

    #[test]
    fn a_text_that_repeats_itself_holds_a_literal_more_than_once() {
        check(&["aba".to_owned(), "abab".to_owned()], "abababab");
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_search_for_each_finds(
            literals in proptest::collection::btree_set("[ab]{1,6}", 0..20),
            text in "[abc]{0,60}",
        ) {
            check(&literals.into_iter().collect::<Vec<_>>(), &text);
        }
    }
}
