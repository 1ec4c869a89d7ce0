//! Texts by line, and the two ways of counting columns: characters here, UTF-16 units in the protocol.

use lsp_types::{Position, Range};

/// Line number `line`, from 0; empty beyond the end.
pub(super) fn line(text: &str, line: usize) -> &str {
    text.lines().nth(line).unwrap_or_default()
}

/// The byte of `line` at the protocol's column `character`; the end if it is beyond.
pub(super) fn byte_of(line: &str, character: u32) -> usize {
    let mut units = 0;
    for (at, it) in line.char_indices() {
        if units >= character as usize {
            return at;
        }
        units += it.len_utf16();
    }
    line.len()
}

/// The protocol's column of byte `byte` of `line`.
pub(super) fn character_of(line: &str, byte: usize) -> u32 {
    let units: usize = line.char_indices().take_while(|(at, _)| *at < byte).map(|(_, it)| it.len_utf16()).sum();
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The byte of `line` at a 1-based column in characters, as problems have it.
pub(super) fn byte_of_column(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}

/// A piece of one line, by bytes.
pub(super) fn range(text: &str, number: usize, bytes: std::ops::Range<usize>) -> Range {
    let line = line(text, number);
    let at = |byte: usize| Position { line: u32::try_from(number).unwrap_or(u32::MAX), character: character_of(line, byte) };
    Range { start: at(bytes.start), end: at(bytes.end) }
}

/// The place at a 1-based line and column in characters.
pub(super) fn position(text: &str, number: usize, column: usize) -> Position {
    let number = number.saturating_sub(1);
    let line = line(text, number);
    range(text, number, 0..byte_of_column(line, column)).end
}

/// The word of `line` that byte `at` stands in or behind: letters, digits and `_ - .` and what `more` adds.
pub(super) fn word_at<'t>(line: &'t str, at: usize, more: &str) -> (std::ops::Range<usize>, &'t str) {
    let is_part = |it: char| it.is_alphanumeric() || "_-.".contains(it) || more.contains(it);
    let at = (0..=at.min(line.len())).rev().find(|&it| line.is_char_boundary(it)).unwrap_or(0);
    let start = line[..at].char_indices().rev().take_while(|(_, it)| is_part(*it)).last().map_or(at, |(it, _)| it);
    let end = at + line[at..].chars().take_while(|it| is_part(*it)).map(char::len_utf8).sum::<usize>();
    (start..end, &line[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_utf_16_units() {
        let line = "é𝄞x";
        assert_eq!((byte_of(line, 0), byte_of(line, 1), byte_of(line, 3), byte_of(line, 9)), (0, 2, 6, 7));
        assert_eq!((character_of(line, 2), character_of(line, 6), character_of(line, 7)), (1, 3, 4));
        assert_eq!(byte_of_column(line, 3), 6);
    }

    #[test]
    fn a_word_is_found_from_within_and_from_behind() {
        assert_eq!(word_at("all of sel_1 or x", 9, "").1, "sel_1");
        assert_eq!(word_at("actor.id", 8, "").1, "actor.id");
        assert_eq!(word_at("a|b", 1, "").1, "a");
        assert_eq!(word_at("", 5, "").1, "");
    }
}
