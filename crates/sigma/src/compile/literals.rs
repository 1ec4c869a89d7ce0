//! Many literals in one pass over a text: those that stand in it, wherever that is.
//!
//! A literal is found by its first three letters, of which a table knows whether any literal begins so. An automaton waits for the memory
//! at every letter, and building one takes longer than everything else about loading rules; here no letter waits for the one before, and
//! there is little to build. Which literals stand at a place is a binary search in their order: the last one that is not greater than the
//! text from there on either stands there, or one of those that it begins with does, or none.

use hashbrown::HashMap;
use memchr::memmem::Finder;
use std::ops::Range;

/// Size of the largest table of beginnings in bits: 8 KiB stay in the nearest cache.
const BEGINNINGS_MAX: usize = 1 << 16;
/// Bits of the table for each literal, so that one in so many places is looked at for nothing.
const BITS_PER_LITERAL: usize = 32;

/// A set of literals, none of them empty.
#[derive(Debug)]
pub(super) struct Literals {
    /// A bit for each hash of three letters with which a literal begins.
    begins: Box<[u64]>,
    /// How far a hash of 32 bits is shifted to be a place in `begins`.
    shift: u32,
    /// Where the literals are in `sorted` that begin so.
    ranges: HashMap<[u8; 3], (u32, u32)>,
    sorted: Box<[Literal]>,
    /// Literals of one or two bytes, which are looked for one by one.
    short: Box<[(Finder<'static>, u32)]>,
}

#[derive(Debug)]
struct Literal {
    text: Box<[u8]>,
    number: u32,
    /// The longest other one that this one begins with.
    stem: Option<u32>,
}

impl Literals {
    /// Each literal counts by its number, that is its place; no two of them are equal.
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let (mut sorted, mut short) = (Vec::new(), Vec::new());
        for (number, text) in (0_u32..).zip(texts) {
            if text.len() < 3 {
                short.push((Finder::new(text).into_owned(), number));
            } else {
                sorted.push(Literal { text: text.into(), number, stem: None });
            }
        }
        sorted.sort_unstable_by(|left, right| left.text.cmp(&right.text));
        let bits = (sorted.len() * BITS_PER_LITERAL).next_power_of_two().clamp(64, BEGINNINGS_MAX);
        let mut literals = Self {
            begins: vec![0; bits / 64].into(),
            shift: 32 - bits.trailing_zeros(),
            ranges: HashMap::new(),
            sorted: sorted.into(),
            short: short.into(),
        };
        literals.arrange();
        literals
    }

    /// Finds the stems and the beginnings of the sorted literals.
    fn arrange(&mut self) {
        for at in 0..self.sorted.len() {
            let text = &self.sorted[at].text;
            let begin = *text.first_chunk::<3>().expect("shorter ones are kept apart");
            let mut stem = at.checked_sub(1).and_then(|it| u32::try_from(it).ok());
            while let Some(it) = stem
                && !text.starts_with(&self.sorted[it as usize].text)
            {
                stem = self.sorted[it as usize].stem;
            }
            self.sorted[at].stem = stem;
            let at = u32::try_from(at).expect("literals are far fewer than 2^32");
            self.ranges.entry(begin).or_insert((at, at)).1 = at + 1;
            let place = self.place(begin);
            self.begins[place / 64] |= 1 << (place % 64);
        }
    }

    /// Where three letters stand in the table of beginnings.
    fn place(&self, [first, second, third]: [u8; 3]) -> usize {
        let letters = u32::from_le_bytes([first, second, third, 0]);
        (letters.wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }

    /// Shows the number of each literal in `text` and where it stands.
    pub(super) fn find(&self, text: &[u8], mut show: impl FnMut(u32, Range<usize>)) {
        if !self.sorted.is_empty() {
            for (at, begin) in text.array_windows::<3>().enumerate() {
                let place = self.place(*begin);
                if self.begins[place / 64] >> (place % 64) & 1 == 1 {
                    self.each_at(*begin, &text[at..], |it| show(it.number, at..at + it.text.len()));
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

    /// Shows the literals that `text` begins with.
    fn each_at(&self, begin: [u8; 3], text: &[u8], mut show: impl FnMut(&Literal)) {
        let Some(&(start, end)) = self.ranges.get(&begin) else { return };
        let greater = self.sorted[start as usize..end as usize].partition_point(|it| *it.text <= *text);
        let mut last = (start as usize + greater).checked_sub(1);
        let mut is_certain = false;
        while let Some(it) = last.map(|it| &self.sorted[it]) {
            // What a literal begins with that stands there stands there too.
            is_certain = is_certain || text.starts_with(&it.text);
            if is_certain {
                show(it);
            }
            last = it.stem.map(|it| it as usize);
        }
    }

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.sorted.iter().map(|it| size_of::<Literal>() + it.text.len()).sum();
        texts + self.begins.len() * 8 + self.ranges.capacity() * 12 + self.short.len() * size_of::<(Finder<'static>, u32)>()
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
