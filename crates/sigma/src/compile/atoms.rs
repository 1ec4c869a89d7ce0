//! Atoms: the distinct tests of one field, and which of them hold for a value.

use super::{FieldIndex, Literal};
use crate::ast::{Compare, Pattern, Predicate, Wild};
use crate::fold::{fold_case, folded};
use aho_corasick::AhoCorasick;
use hashbrown::HashMap;
use ipnet::IpNet;
use regex::Regex;
use std::net::IpAddr;
use std::sync::OnceLock;

/// A distinct test of a value. Texts that are compared without regard to case are stored in lower case.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// The whole text.
    Equal(String, Cased),
    /// The text starts so.
    Prefix(String, Cased),
    /// The text ends so.
    Suffix(String, Cased),
    /// The text contains this.
    Contains(String, Cased),
    /// Any text, number or boolean.
    AnyText,
    /// The whole text is like this.
    Like(Glob, Cased),
    /// A regular expression found in the text as it is.
    Regex(String),
    /// An address in this network.
    Cidr(IpNet),
    /// A number; the comparison's right side.
    Number(Compare, f64),
    /// This boolean, or its word.
    Bool(bool),
    /// The field is there.
    Exists,
    /// The field is `null` or missing.
    Null,
}

/// Whether case matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cased {
    /// `A` is not `a`.
    Yes,
    /// `A` is `a`.
    No,
}

impl Atom {
    /// A comparison with a number.
    pub fn number(compare: Compare, with: f64) -> Self {
        Self::Number(compare, with)
    }

    /// A key that is equal exactly for equal atoms.
    fn key(&self) -> String {
        match self {
            // A float's own text is ambiguous for -0.0 alone, which compares equal to 0.0 anyway.
            Self::Number(compare, with) => format!("{compare:?} {with:?}"),
            other => format!("{other:?}"),
        }
    }
}

/// A set of atoms of one field, as bits.
pub type AtomSet = [u64];

/// The atoms of one field and the machinery that finds those which hold for a value.
#[derive(Debug, Default)]
pub struct FieldAtoms {
    atoms: Vec<Atom>,
    by_key: HashMap<String, u32>,
    index: OnceLock<Index>,
}

impl FieldAtoms {
    /// The atoms, by number.
    pub fn all(&self) -> &[Atom] {
        &self.atoms
    }

    /// How many 64-bit words an [`AtomSet`] of this field has.
    pub fn words(&self) -> usize {
        self.atoms.len().div_ceil(64)
    }

    /// The number of `atom`, which is added when it is new.
    pub(super) fn intern(&mut self, atom: Atom) -> u32 {
        let next = u32::try_from(self.atoms.len()).expect("atoms are far fewer than 2^32");
        let atoms = &mut self.atoms;
        *self.by_key.entry(atom.key()).or_insert_with(|| {
            atoms.push(atom);
            next
        })
    }

    /// The literal that a predicate on this field is.
    pub(super) fn literal(&mut self, field: FieldIndex, predicate: &Predicate) -> Result<Literal, String> {
        let atom = match predicate {
            Predicate::Text { pattern, cased } => text_atom(pattern, *cased),
            Predicate::Regex(source) => Atom::Regex(checked_regex(source)?),
            Predicate::Cidr(net) => Atom::Cidr(*net),
            Predicate::Number { compare: Compare::NotEqual, with } => {
                let equal = self.intern(Atom::number(Compare::Equal, *with));
                let exists = self.intern(Atom::Exists);
                return Ok(Literal::atom(field, equal).not().and(Literal::atom(field, exists)));
            }
            Predicate::Number { compare, with } => Atom::number(*compare, *with),
            Predicate::Bool(is_true) => Atom::Bool(*is_true),
            Predicate::Exists(true) => Atom::Exists,
            Predicate::Exists(false) => {
                let exists = self.intern(Atom::Exists);
                return Ok(Literal::atom(field, exists).not());
            }
            Predicate::Null => Atom::Null,
            Predicate::FieldRef { .. } | Predicate::TimePart { .. } => {
                return Err("`fieldref` and time modifiers need a field: they can't be keywords".to_owned());
            }
        };
        let atom = self.intern(atom);
        Ok(Literal::atom(field, atom))
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.atoms))
    }

    /// Adds to `set` the atoms that hold for `text`. `lower` is scratch. `is_string` tells a JSON string from a number or boolean.
    pub(crate) fn hold_for_text(&self, text: &str, lower: &mut String, set: &mut AtomSet) {
        self.index().text(text, lower, set);
    }

    /// Adds to `set` the atoms that hold because the field is there, whatever its value.
    pub(crate) fn hold_for_presence(&self, set: &mut AtomSet) {
        put_all(set, &self.index().exists);
    }

    /// Adds to `set` the atoms that hold for `null` and, if it is not there at all, for a missing field.
    pub(crate) fn hold_for_null(&self, set: &mut AtomSet) {
        put_all(set, &self.index().null);
    }
}

fn text_atom(pattern: &Pattern, cased: bool) -> Atom {
    let how = if cased { Cased::Yes } else { Cased::No };
    let fold = |text: &str| if cased { text.to_owned() } else { folded(text) };
    match pattern {
        Pattern::Equal(text) => Atom::Equal(fold(text), how),
        Pattern::Prefix(text) => Atom::Prefix(fold(text), how),
        Pattern::Suffix(text) => Atom::Suffix(fold(text), how),
        Pattern::Contains(text) => Atom::Contains(fold(text), how),
        Pattern::Any => Atom::AnyText,
        Pattern::Wildcard(pieces) => Atom::Like(Glob::of(pieces, cased), how),
    }
}

/// A wildcard pattern, character by character, anchored at both ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Glob(Box<[Piece]>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Char(char),
    One,
    Many,
}

impl Glob {
    fn of(pieces: &[Wild], cased: bool) -> Self {
        let mut all = Vec::new();
        for piece in pieces {
            match piece {
                Wild::Literal(text) if cased => all.extend(text.chars().map(Piece::Char)),
                Wild::Literal(text) => all.extend(folded(text).chars().map(Piece::Char)),
                Wild::One => all.push(Piece::One),
                Wild::Many => all.push(Piece::Many),
            }
        }
        Self(all.into())
    }

    /// Whether the whole text is like the pattern. Goes back only to the last `*`: in the worst case text times pattern, and no allocation.
    fn matches(&self, text: &str) -> bool {
        let pieces = &self.0;
        let (mut rest, mut at) = (text.chars(), 0);
        let mut retry: Option<(std::str::Chars<'_>, usize)> = None;
        loop {
            match pieces.get(at) {
                Some(Piece::Many) => {
                    at += 1;
                    retry = Some((rest.clone(), at));
                    continue;
                }
                Some(piece) => {
                    let mut ahead = rest.clone();
                    if ahead.next().is_some_and(|it| *piece == Piece::One || *piece == Piece::Char(it)) {
                        rest = ahead;
                        at += 1;
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            // The last `*` takes one character more.
            let Some((from, after)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (rest, at) = (from.clone(), *after);
        }
    }
}

fn checked_regex(source: &str) -> Result<String, String> {
    match Regex::new(source) {
        Ok(_) => Ok(source.to_owned()),
        Err(error) => Err(format!("regular expression can't be used: {error}")),
    }
}

/// The atoms of one field, arranged by how they are found.
#[derive(Debug, Default)]
struct Index {
    exact_folded: HashMap<String, Vec<u32>>,
    exact_cased: HashMap<String, Vec<u32>>,
    parts_folded: Option<Parts>,
    parts_cased: Option<Parts>,
    globs_folded: Vec<(Glob, u32)>,
    globs_cased: Vec<(Glob, u32)>,
    regexes: Vec<(Regex, u32)>,
    networks: Vec<(IpNet, u32)>,
    numbers: Vec<(Compare, f64, u32)>,
    any_text: Vec<u32>,
    exists: Vec<u32>,
    null: Vec<u32>,
}

/// Literals found by one pass over the text.
#[derive(Debug)]
struct Parts {
    automaton: AhoCorasick,
    /// For each pattern of the automaton, the atoms that it serves and where in the text each of them wants it.
    wanted: Vec<Vec<(Anchor, u32)>>,
    /// Atoms whose literal is empty, which every text contains.
    always: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Start,
    End,
    Anywhere,
}

impl Index {
    fn of(atoms: &[Atom]) -> Self {
        let mut index = Self::default();
        let (mut folded, mut cased) = (Vec::new(), Vec::new());
        for (at, atom) in (0_u32..).zip(atoms) {
            let parts = |how: &Cased| usize::from(*how == Cased::Yes);
            match atom {
                Atom::Equal(text, Cased::No) => index.exact_folded.entry_ref(text.as_str()).or_default().push(at),
                Atom::Equal(text, Cased::Yes) => index.exact_cased.entry_ref(text.as_str()).or_default().push(at),
                Atom::Prefix(text, how) => [&mut folded, &mut cased][parts(how)].push((text, Anchor::Start, at)),
                Atom::Suffix(text, how) => [&mut folded, &mut cased][parts(how)].push((text, Anchor::End, at)),
                Atom::Contains(text, how) => [&mut folded, &mut cased][parts(how)].push((text, Anchor::Anywhere, at)),
                Atom::Like(glob, Cased::No) => index.globs_folded.push((glob.clone(), at)),
                Atom::Like(glob, Cased::Yes) => index.globs_cased.push((glob.clone(), at)),
                Atom::Regex(source) => index.regexes.push((Regex::new(source).expect("it compiled when the rule was read"), at)),
                Atom::Cidr(net) => index.networks.push((*net, at)),
                Atom::Number(compare, with) => index.numbers.push((*compare, *with, at)),
                // The word of a boolean is its only text.
                Atom::Bool(is_true) => index.exact_folded.entry_ref(if *is_true { "true" } else { "false" }).or_default().push(at),
                Atom::AnyText => index.any_text.push(at),
                Atom::Exists => index.exists.push(at),
                Atom::Null => index.null.push(at),
            }
        }
        index.parts_folded = Parts::of(&folded);
        index.parts_cased = Parts::of(&cased);
        index
    }

    fn text(&self, text: &str, lower: &mut String, set: &mut AtomSet) {
        put_all(set, &self.any_text);
        fold_case(text, lower);
        if let Some(found) = self.exact_folded.get(lower.as_str()) {
            put_all(set, found);
        }
        if let Some(found) = self.exact_cased.get(text) {
            put_all(set, found);
        }
        if let Some(parts) = &self.parts_folded {
            parts.find(lower, set);
        }
        if let Some(parts) = &self.parts_cased {
            parts.find(text, set);
        }
        self.globs_folded.iter().filter(|(glob, _)| glob.matches(lower)).for_each(|&(_, at)| put(set, at));
        self.globs_cased.iter().filter(|(glob, _)| glob.matches(text)).for_each(|&(_, at)| put(set, at));
        self.regexes.iter().filter(|(regex, _)| regex.is_match(text)).for_each(|&(_, at)| put(set, at));
        if !self.networks.is_empty()
            && let Ok(address) = text.parse::<IpAddr>()
        {
            let address = address.to_canonical();
            self.networks.iter().filter(|(net, _)| net.contains(&address)).for_each(|&(_, at)| put(set, at));
        }
        if !self.numbers.is_empty()
            && let Some(number) = number(text)
        {
            self.numbers.iter().filter(|(compare, with, _)| compare.holds(number, *with)).for_each(|&(_, _, at)| put(set, at));
        }
    }
}

impl Parts {
    fn of(parts: &[(&String, Anchor, u32)]) -> Option<Self> {
        if parts.is_empty() {
            return None;
        }
        let (mut literals, mut wanted, mut always) = (Vec::<&str>::new(), Vec::<Vec<_>>::new(), Vec::new());
        for &(text, anchor, at) in parts {
            if text.is_empty() {
                always.push(at);
                continue;
            }
            let pattern = literals.iter().position(|it| it == text).unwrap_or_else(|| {
                literals.push(text);
                wanted.push(Vec::new());
                literals.len() - 1
            });
            wanted[pattern].push((anchor, at));
        }
        let automaton = AhoCorasick::new(&literals).expect("literals of rules are far below the automaton's limits");
        Some(Self { automaton, wanted, always })
    }

    fn find(&self, text: &str, set: &mut AtomSet) {
        put_all(set, &self.always);
        for found in self.automaton.find_overlapping_iter(text) {
            for &(anchor, at) in &self.wanted[found.pattern().as_usize()] {
                let is_there = match anchor {
                    Anchor::Start => found.start() == 0,
                    Anchor::End => found.end() == text.len(),
                    Anchor::Anywhere => true,
                };
                if is_there {
                    put(set, at);
                }
            }
        }
    }
}

impl Compare {
    /// Whether `left` compares so with `right`. Nothing compares with NaN.
    pub fn holds<T: PartialOrd + Copy>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::NotEqual => left != right,
        }
    }
}

/// The number that a text is, if it is one. Words such as `inf` and `nan` are not.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let first = *text.as_bytes().first()?;
    (first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.'))
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .filter(|it| it.is_finite())
}

fn put(set: &mut AtomSet, atom: u32) {
    set[atom as usize / 64] |= 1 << (atom % 64);
}

fn put_all(set: &mut AtomSet, atoms: &[u32]) {
    atoms.iter().for_each(|&it| put(set, it));
}
