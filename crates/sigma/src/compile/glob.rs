//! Wildcard patterns, anchored at both ends.

use crate::ast::Wild;
use crate::fold::folded;

/// A wildcard pattern, character by character.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob(Box<[Piece]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Piece {
    Char(char),
    One,
    Many,
}

impl Glob {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    pub(super) fn of(pieces: &[Wild], cased: bool) -> Self {
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

    /// The characters between wildcards; `None` stands for a wildcard.
    pub(super) fn literals(&self) -> impl Iterator<Item = Option<char>> {
        self.0.iter().map(|it| match it {
            Piece::Char(it) => Some(*it),
            Piece::One | Piece::Many => None,
        })
    }

    /// Whether the whole text is like the pattern. Goes back only to the last `*`: in the worst case text times pattern, and no allocation.
    pub(super) fn matches(&self, text: &str) -> bool {
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
