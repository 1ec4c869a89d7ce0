//! Atoms: the distinct tests of one field, and which of them hold for a value.

use super::glob::Glob;
use super::index::{Index, TextScratch};
use super::ranges::Ranges;
use super::{FieldIndex, Literal};
use crate::ast::{Compare, Pattern, Predicate};
use crate::fold::folded;
use crate::number::{Decimal, Number};
use crate::pcre;
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use ipnet::IpNet;
use regex::Regex;
use std::hash::{BuildHasher, Hash, Hasher};
use std::mem::discriminant;
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
    Number(Compare, Number),
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
    pub fn number(compare: Compare, with: Number) -> Self {
        Self::Number(compare, with)
    }

    /// The same for equal atoms.
    fn hash(&self) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        discriminant(self).hash(&mut hasher);
        match self {
            Self::Equal(text, how) | Self::Prefix(text, how) | Self::Suffix(text, how) | Self::Contains(text, how) => {
                (text, how).hash(&mut hasher);
            }
            Self::Like(glob, how) => (glob, how).hash(&mut hasher),
            Self::Regex(source) => source.hash(&mut hasher),
            Self::Cidr(net) => net.hash(&mut hasher),
            Self::Number(compare, with) => (compare, with).hash(&mut hasher),
            Self::Bool(is_true) => is_true.hash(&mut hasher),
            Self::AnyText | Self::Exists | Self::Null => {}
        }
        hasher.finish()
    }
}

/// A set of atoms of one field, as bits.
pub type AtomSet = [u64];

/// The atoms of one field and the machinery that finds those which hold for a value.
#[derive(Debug, Default)]
pub struct FieldAtoms {
    atoms: Vec<Atom>,
    places: HashTable<u32>,
    regexes: HashMap<u32, Regex>,
    index: OnceLock<Index>,
    ranges: OnceLock<Option<Ranges>>,
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
        if let Some(known) = self.place(&atom) {
            return known;
        }
        let at = u32::try_from(self.atoms.len()).expect("atoms are far fewer than 2^32");
        let hash = atom.hash();
        self.atoms.push(atom);
        let Self { places, atoms, .. } = self;
        places.insert_unique(hash, at, |&it| atoms[it as usize].hash());
        at
    }

    fn place(&self, atom: &Atom) -> Option<u32> {
        self.places.find(atom.hash(), |&it| self.atoms[it as usize] == *atom).copied()
    }

    /// The literal that a predicate on this field is.
    pub(super) fn literal(&mut self, field: FieldIndex, predicate: &Predicate) -> Result<Literal, String> {
        let atom = match predicate {
            Predicate::Text { pattern, cased } => text_atom(pattern, *cased),
            Predicate::Regex(source) => return self.regex(field, source),
            Predicate::Cidr(net) => Atom::Cidr(*net),
            Predicate::Number { compare: Compare::NotEqual, with } => {
                let equal = self.intern(Atom::number(Compare::Equal, with.clone()));
                let exists = self.intern(Atom::Exists);
                return Ok(Literal::atom(field, equal).not().and(Literal::atom(field, exists)));
            }
            Predicate::Number { compare, with } => Atom::number(*compare, with.clone()),
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

    /// The literal of a regular expression, which is compiled the first time it is met.
    fn regex(&mut self, field: FieldIndex, source: &str) -> Result<Literal, String> {
        let unusable = |reason: String| format!("regular expression can't be used: {reason}");
        let translated = pcre::exact(source).map_err(|it| unusable(it.to_string()))?;
        let atom = Atom::Regex(translated.clone());
        if let Some(known) = self.place(&atom) {
            return Ok(Literal::atom(field, known));
        }
        let regex = Regex::new(&translated).map_err(|it| unusable(it.to_string()))?;
        let at = self.intern(atom);
        self.regexes.insert(at, regex);
        Ok(Literal::atom(field, at))
    }

    /// Bytes held, about, regular expressions not counted.
    pub(super) fn bytes(&self) -> usize {
        let text = |it: &Atom| match it {
            Atom::Equal(text, _) | Atom::Prefix(text, _) | Atom::Suffix(text, _) | Atom::Contains(text, _) => text.len(),
            Atom::Regex(source) => source.len(),
            Atom::Like(glob, _) => glob.bytes(),
            _ => 0,
        };
        // A literal stands in the list and once more where it is looked for.
        let atoms: usize = self.atoms.iter().map(|it| 2 * text(it) + size_of::<Atom>()).sum();
        atoms + self.index.get().map_or(0, Index::bytes)
    }

    pub(super) fn prepare(&self) {
        self.index();
        self.ranges();
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.atoms, &self.regexes))
    }

    /// The ranges of values that the atoms tell apart, for a field of which only networks or only numbers are asked.
    pub(crate) fn ranges(&self) -> Option<&Ranges> {
        self.ranges.get_or_init(|| Ranges::of(&self.atoms)).as_ref()
    }

    /// Adds to `set` the atoms that hold for `text`.
    pub(crate) fn hold_for_text(&self, text: &str, scratch: &mut TextScratch, set: &mut AtomSet) {
        self.index().text(text, scratch, set);
    }

    /// Adds to `set` the atoms that hold because the field is there, whatever its value.
    pub(crate) fn hold_for_presence(&self, set: &mut AtomSet) {
        self.index().presence(set);
    }

    /// Adds to `set` the atoms that hold for `null` and, if it is not there at all, for a missing field.
    pub(crate) fn hold_for_null(&self, set: &mut AtomSet) {
        self.index().null(set);
    }

    /// Makes `set` the atoms that may hold for a text in this JSON line; the others don't.
    pub(crate) fn may_hold_in_line(&self, line: &str, scratch: &mut TextScratch, set: &mut AtomSet) {
        self.index().may_hold_in_line(&self.atoms, line, scratch, set);
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

/// The float nearest to the number that a text is, if it is one. Words such as `inf` and `nan` are not, nor is what is beyond the largest.
pub fn number(text: &str) -> Option<f64> {
    Decimal::read(text).map(Decimal::nearest).filter(|it| it.is_finite())
}
