//! Texts by number: each is kept once, in one block of memory, and tables hold numbers.

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

/// The number of a text in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

impl Name {
    /// The empty text: nothing is said.
    pub const NONE: Self = Self(0);

    /// Whether something is said.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// Texts and their numbers.
#[derive(Debug)]
pub struct Names {
    text: String,
    /// Where each ends in `text`; the first is the empty text.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: FixedState,
}

impl Default for Names {
    fn default() -> Self {
        Self { text: String::new(), ends: vec![0], table: HashTable::new(), hasher: FixedState::default() }
    }
}

impl Names {
    /// Most bytes of all texts together: what a number of 32 bits can point into.
    pub const BYTES_MAX: usize = u32::MAX as usize;

    /// The number of `text`, which is added if it is new. `None` when [`Self::BYTES_MAX`] would be exceeded.
    pub fn add(&mut self, text: &str) -> Option<Name> {
        if let Some(known) = self.find(text) {
            return Some(known);
        }
        let id = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + text.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
        let Self { text: all, ends, table, hasher } = self;
        table.insert_unique(hasher.hash_one(text), id, |&it| hasher.hash_one(text_of(all, ends, it)));
        Some(Name(id))
    }

    /// The number of `text`, if it has one.
    pub fn find(&self, text: &str) -> Option<Name> {
        if text.is_empty() {
            return Some(Name::NONE);
        }
        // Without tables there is nothing to look for.
        if self.table.is_empty() {
            return None;
        }
        self.table.find(self.hasher.hash_one(text), |&it| text_of(&self.text, &self.ends, it) == text).map(|&it| Name(it))
    }

    /// Whether there is none but the empty text.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The text of a number.
    pub fn get(&self, name: Name) -> &str {
        text_of(&self.text, &self.ends, name.0)
    }

    /// The text of a number, unless nothing is said.
    pub fn text(&self, name: Name) -> Option<&str> {
        name.is_some().then(|| self.get(name))
    }
}

fn text_of<'t>(text: &'t str, ends: &[u32], id: u32) -> &'t str {
    let at = id as usize;
    let start = at.checked_sub(1).map_or(0, |before| ends[before] as usize);
    &text[start..ends[at] as usize]
}

/// Rows by name: those of one name stand together, in the order in which they were put in.
#[derive(Debug)]
pub struct ByName<T> {
    /// Where the rows of each name begin, and how many there are: a search by halves would wait for memory at each step.
    index: HashMap<Name, (usize, usize), foldhash::fast::FixedState>,
    names: Vec<Name>,
    rows: Vec<T>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { index: HashMap::default(), names: Vec::new(), rows: Vec::new() }
    }
}

impl<T> ByName<T> {
    /// Arranges rows; those of one name by `key`.
    pub fn new<K: Ord>(mut rows: Vec<(Name, T)>, key: impl Fn(&T) -> K) -> Self {
        rows.sort_by_key(|(name, row)| (*name, key(row)));
        let (names, rows): (Vec<Name>, Vec<T>) = rows.into_iter().unzip();
        let mut index = HashMap::default();
        for (at, name) in names.iter().enumerate() {
            index.entry(*name).or_insert((at, 0)).1 += 1;
        }
        Self { index, names, rows }
    }

    /// The rows of `name`.
    pub fn of(&self, name: Name) -> &[T] {
        self.index.get(&name).map_or(&[], |(start, count)| &self.rows[*start..start + count])
    }

    /// All rows with their names.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &T)> {
        self.names.iter().copied().zip(&self.rows)
    }

    /// All rows with their names, to change what does not decide their order.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Name, &mut T)> {
        self.names.iter().copied().zip(&mut self.rows)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut names = Names::default();
        let ids: Vec<Name> = ["a", "bb", "a", "", "c"].iter().map(|it| names.add(it).unwrap()).collect();
        assert_eq!((ids[0], ids[3]), (ids[2], Name::NONE));
        assert_eq!(ids.iter().map(|it| names.get(*it)).collect::<Vec<_>>(), ["a", "bb", "a", "", "c"]);
        assert_eq!((names.find("bb"), names.find("b"), names.text(Name::NONE)), (Some(ids[1]), None, None));
    }

    #[test]
    fn rows_of_one_name_stand_together() {
        let mut names = Names::default();
        let [a, b, c] = ["a", "b", "c"].map(|it| names.add(it).unwrap());
        let rows = ByName::new(vec![(b, 3), (a, 9), (b, 1)], |it| *it);
        assert_eq!((rows.of(a), rows.of(b), rows.of(c)), ([9].as_slice(), [1, 3].as_slice(), [].as_slice()));
    }
}
