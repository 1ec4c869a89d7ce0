//! All tests of one field at once: which of them hold for a text.

use super::atoms::Cased;
use super::glob::Glob;
use super::literals::Literals;
use super::{Atom, AtomSet, needle};
use crate::ast::Compare;
use crate::fold::fold_case;
use crate::number::{Decimal, Number};
use hashbrown::HashMap;
use ipnet::IpNet;
use regex::Regex;
use std::net::IpAddr;
use std::sync::OnceLock;

/// Buffers of one search.
#[derive(Debug, Default)]
pub(crate) struct TextScratch {
    lower: String,
    /// The costly tests whose needle was found, as bits.
    candidates: Vec<u64>,
}

/// The atoms of one field, arranged by how they are found.
#[derive(Debug, Default)]
pub(super) struct Index {
    exact_folded: HashMap<String, Vec<u32>>,
    exact_cased: HashMap<String, Vec<u32>>,
    parts_folded: Option<Parts>,
    parts_cased: Option<Parts>,
    costly: Vec<Costly>,
    /// The costly tests that have no needle, as bits, and those whose needle says nothing about a text that is not ASCII.
    without_needle: Vec<u64>,
    beyond_ascii: Vec<u64>,
    networks: Vec<(IpNet, u32)>,
    numbers: Vec<(Compare, Number, u32)>,
    any_text: Vec<u32>,
    exists: Vec<u32>,
    null: Vec<u32>,
    in_line: OnceLock<InLine>,
}

/// Finds the needles of all atoms in a whole JSON line, read as it is.
#[derive(Debug)]
struct InLine {
    needles: Literals,
    /// For each needle, the atoms that can't hold without it.
    wanted: Vec<Vec<u32>>,
    /// The atoms that have no needle, as bits.
    without_needle: Vec<u64>,
}

/// A test that is only made when its needle is in the text.
#[derive(Debug)]
struct Costly {
    test: Test,
    atom: u32,
}

#[derive(Debug)]
enum Test {
    Like(Glob, Cased),
    Regex(Regex),
}

/// Literals found by one pass over the text.
#[derive(Debug)]
struct Parts {
    literals: Literals,
    /// For each literal, what it serves.
    wanted: Vec<Vec<Wanted>>,
    /// Atoms whose literal is empty, which every text contains.
    always: Vec<u32>,
}

/// What a literal in a text means, depending on where it is.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    AtStart(u32),
    AtEnd(u32),
    Anywhere(u32),
    /// The needle of that costly test.
    Needle(u32),
}

impl Index {
    pub(super) fn of(atoms: &[Atom], regexes: &HashMap<u32, Regex>) -> Self {
        let mut index = Self::default();
        let (mut folded, mut cased) = (Vec::new(), Vec::new());
        for (at, atom) in (0_u32..).zip(atoms) {
            let parts = |how: &Cased| usize::from(*how == Cased::Yes);
            match atom {
                Atom::Equal(text, Cased::No) => index.exact_folded.entry_ref(text.as_str()).or_default().push(at),
                Atom::Equal(text, Cased::Yes) => index.exact_cased.entry_ref(text.as_str()).or_default().push(at),
                Atom::Prefix(text, how) => [&mut folded, &mut cased][parts(how)].push((text.clone(), Wanted::AtStart(at))),
                Atom::Suffix(text, how) => [&mut folded, &mut cased][parts(how)].push((text.clone(), Wanted::AtEnd(at))),
                Atom::Contains(text, how) => [&mut folded, &mut cased][parts(how)].push((text.clone(), Wanted::Anywhere(at))),
                Atom::Like(glob, how) => index.costly.push(Costly { test: Test::Like(glob.clone(), *how), atom: at }),
                Atom::Regex(_) => {
                    let regex = regexes.get(&at).expect("it was compiled when it was interned").clone();
                    index.costly.push(Costly { test: Test::Regex(regex), atom: at });
                }
                Atom::Cidr(net) => index.networks.push((*net, at)),
                Atom::Number(compare, with) => index.numbers.push((*compare, with.clone(), at)),
                // The word of a boolean is its only text.
                Atom::Bool(is_true) => index.exact_folded.entry_ref(if *is_true { "true" } else { "false" }).or_default().push(at),
                Atom::AnyText => index.any_text.push(at),
                Atom::Exists => index.exists.push(at),
                Atom::Null => index.null.push(at),
            }
        }
        index.guard(atoms, &mut folded);
        index.parts_folded = Parts::of(folded);
        index.parts_cased = Parts::of(cased);
        index
    }

    /// Adds the needles of the costly tests to the literals that are looked for.
    fn guard(&mut self, atoms: &[Atom], literals: &mut Vec<(String, Wanted)>) {
        let words = self.costly.len().div_ceil(64);
        (self.without_needle, self.beyond_ascii) = (vec![0; words], vec![0; words]);
        for (at, costly) in (0_u32..).zip(&self.costly) {
            match needle::of_atom(&atoms[costly.atom as usize], |_| true) {
                Some(needle) => literals.push((needle, Wanted::Needle(at))),
                None => put(&mut self.without_needle, at),
            }
            if matches!(costly.test, Test::Regex(_)) {
                put(&mut self.beyond_ascii, at);
            }
        }
    }

    pub(super) fn text(&self, text: &str, scratch: &mut TextScratch, set: &mut AtomSet) {
        let TextScratch { lower, candidates } = scratch;
        put_all(set, &self.any_text);
        fold_case(text, lower);
        if let Some(found) = self.exact_folded.get(lower.as_str()) {
            put_all(set, found);
        }
        if let Some(found) = self.exact_cased.get(text) {
            put_all(set, found);
        }
        candidates.clear();
        candidates.extend_from_slice(&self.without_needle);
        if let Some(parts) = &self.parts_folded {
            parts.find(lower, set, candidates);
        }
        if let Some(parts) = &self.parts_cased {
            parts.find(text, set, candidates);
        }
        if !text.is_ascii() {
            candidates.iter_mut().zip(&self.beyond_ascii).for_each(|(it, more)| *it |= more);
        }
        self.make_tests(text, scratch, set);
        self.values(text, set);
    }

    /// The costly tests that are candidates.
    fn make_tests(&self, text: &str, scratch: &TextScratch, set: &mut AtomSet) {
        for (word, &candidates) in scratch.candidates.iter().enumerate() {
            let mut bits = candidates;
            while bits != 0 {
                let Costly { test, atom } = &self.costly[word * 64 + bits.trailing_zeros() as usize];
                bits &= bits - 1;
                let holds = match test {
                    Test::Like(glob, Cased::No) => glob.matches(&scratch.lower),
                    Test::Like(glob, Cased::Yes) => glob.matches(text),
                    Test::Regex(regex) => regex.is_match(text),
                };
                if holds {
                    put(set, *atom);
                }
            }
        }
    }

    /// What a text means as an address or a number.
    fn values(&self, text: &str, set: &mut AtomSet) {
        if !self.networks.is_empty()
            && let Ok(address) = text.parse::<IpAddr>()
        {
            let address = address.to_canonical();
            self.networks.iter().filter(|(net, _)| net.contains(&address)).for_each(|&(_, at)| put(set, at));
        }
        if !self.numbers.is_empty()
            && let Some(number) = Decimal::read(text)
        {
            let holding = self.numbers.iter().filter(|(compare, with, _)| compare.holds(number, with.as_decimal()));
            holding.for_each(|&(_, _, at)| put(set, at));
        }
    }

    /// Bytes of the literals.
    pub(super) fn bytes(&self) -> usize {
        let parts = [&self.parts_folded, &self.parts_cased].into_iter().flatten().map(|it| it.literals.bytes());
        parts.sum::<usize>() + self.in_line.get().map_or(0, |it| it.needles.bytes() + it.wanted.len() * 32)
    }

    pub(super) fn presence(&self, set: &mut AtomSet) {
        put_all(set, &self.exists);
    }

    pub(super) fn null(&self, set: &mut AtomSet) {
        put_all(set, &self.null);
    }

    /// Adds to `set` every atom that may hold for a text in the JSON line: those whose needle stands in it, be it in a key, and those
    /// without a needle. All of them for a line in which texts may stand otherwise than they read.
    pub(super) fn may_hold_in_line(&self, atoms: &[Atom], line: &str, scratch: &mut TextScratch, set: &mut AtomSet) {
        let lower = &mut scratch.lower;
        let in_line = self.in_line.get_or_init(|| InLine::of(atoms));
        if !line.is_ascii() || has_escaped_letters(line) {
            return set.fill(u64::MAX);
        }
        fold_case(line, lower);
        set.copy_from_slice(&in_line.without_needle);
        in_line.needles.find(lower.as_bytes(), |needle, _| put_all(set, &in_line.wanted[needle as usize]));
    }
}

impl InLine {
    fn of(atoms: &[Atom]) -> Self {
        // What JSON has to escape, or may escape by one letter, stands otherwise in the line than in the text.
        let is_itself = |it: u8| it >= b' ' && !matches!(it, b'"' | b'\\' | b'/' | 0x7f);
        let mut without_needle = vec![0; atoms.len().div_ceil(64)];
        let mut needles = Distinct::default();
        for (at, atom) in (0_u32..).zip(atoms) {
            match needle::of_atom(atom, is_itself) {
                // Shorter ones stand nearly everywhere.
                Some(needle) if needle.len() >= 3 => needles.add(needle, at),
                _ => put(&mut without_needle, at),
            }
        }
        let Distinct { literals, wanted, .. } = needles;
        Self { needles: Literals::new(literals.iter().map(String::as_bytes)), wanted, without_needle }
    }
}

/// Collects literals, each once, with what wants it.
struct Distinct<T> {
    literals: Vec<String>,
    wanted: Vec<Vec<T>>,
    places: HashMap<String, usize>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { literals: Vec::new(), wanted: Vec::new(), places: HashMap::new() }
    }
}

impl<T> Distinct<T> {
    fn add(&mut self, literal: String, wanted: T) {
        let next = self.literals.len();
        let place = *self.places.entry_ref(literal.as_str()).or_insert(next);
        if place == next {
            self.literals.push(literal);
            self.wanted.push(Vec::new());
        }
        self.wanted[place].push(wanted);
    }
}

/// Whether the line may have letters written as `\u0041`.
fn has_escaped_letters(line: &str) -> bool {
    line.contains("\\u")
}

impl Parts {
    fn of(parts: Vec<(String, Wanted)>) -> Option<Self> {
        if parts.is_empty() {
            return None;
        }
        let (mut distinct, mut always) = (Distinct::default(), Vec::new());
        for (text, what) in parts {
            match what {
                Wanted::AtStart(at) | Wanted::AtEnd(at) | Wanted::Anywhere(at) if text.is_empty() => always.push(at),
                _ => distinct.add(text, what),
            }
        }
        let Distinct { literals, wanted, .. } = distinct;
        Some(Self { literals: Literals::new(literals.iter().map(String::as_bytes)), wanted, always })
    }

    fn find(&self, text: &str, set: &mut AtomSet, candidates: &mut [u64]) {
        put_all(set, &self.always);
        self.literals.find(text.as_bytes(), |literal, place| {
            for wanted in &self.wanted[literal as usize] {
                match *wanted {
                    Wanted::AtStart(at) if place.start == 0 => put(set, at),
                    Wanted::AtEnd(at) if place.end == text.len() => put(set, at),
                    Wanted::Anywhere(at) => put(set, at),
                    Wanted::Needle(at) => put(candidates, at),
                    Wanted::AtStart(_) | Wanted::AtEnd(_) => {}
                }
            }
        });
    }
}

fn put(set: &mut [u64], at: u32) {
    set[at as usize / 64] |= 1 << (at % 64);
}

fn put_all(set: &mut AtomSet, atoms: &[u32]) {
    atoms.iter().for_each(|&it| put(set, it));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that may stand in a text of `line`.
    fn found(words: &[&str], line: &str) -> Vec<u32> {
        let atoms: Vec<Atom> = words.iter().map(|it| Atom::Contains((*it).to_owned(), Cased::No)).collect();
        let (mut scratch, mut set) = (TextScratch::default(), vec![0; atoms.len().div_ceil(64)]);
        Index::of(&atoms, &HashMap::new()).may_hold_in_line(&atoms, line, &mut scratch, &mut set);
        (0..).take(words.len()).filter(|&it| set[it as usize / 64] >> (it % 64) & 1 == 1).collect()
    }

    #[test]
    fn words_of_a_line_are_found_whatever_their_case_and_place() {
        let words = ["evil", "villa", "nothing", "end", "line"];
        assert_eq!(found(&words, r#"{"a":"EVILLA","b":["x","Line"]}"#), [0, 1, 4]);
        assert_eq!(found(&["abc", "abcd", "bcd", "bce"], "abcd"), [0, 1, 2]);
    }

    #[test]
    fn a_word_without_a_needle_may_always_stand_there() {
        assert_eq!(found(&["-s", "ä", "\\\\\\", "there"], "{}"), [0, 1, 2]);
    }

    #[test]
    fn every_word_may_stand_in_a_line_whose_letters_are_not_what_they_seem() {
        assert_eq!(found(&["evil"], r#"{"a":"\u0065vil"}"#), [0]);
        assert_eq!(found(&["kilo"], "{\"a\":\"\u{212A}ilo\"}"), [0]);
        assert_eq!(found(&["evil"], r#"{"a":"b"}"#), [0; 0]);
    }

    #[test]
    fn a_word_is_looked_for_by_the_part_that_json_does_not_escape() {
        assert_eq!(found(&["c:\\windows\\temp"], r#"{"a":"C:\\Windows\\Temp"}"#), [0]);
        assert_eq!(found(&["bin/bash"], r#"{"a":"\/BIN\/BASH"}"#), [0]);
    }
}
