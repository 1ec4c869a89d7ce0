//! Texts with wildcards (specification 2.1, "String Wildcard" and "Escaping") and the simplest pattern that says the same.

use crate::ast::{Pattern, Wild};

/// The pieces of a value as written in a rule. A backslash only escapes `*`, `?` and itself; before anything else it is a backslash.
pub(super) fn pieces(text: &str) -> Vec<Wild> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            '\\' => literal.push(chars.next_if(|it| matches!(it, '*' | '?' | '\\')).unwrap_or('\\')),
            '*' | '?' => {
                push_literal(&mut pieces, &mut literal);
                pieces.push(if next == '*' { Wild::Many } else { Wild::One });
            }
            _ => literal.push(next),
        }
    }
    push_literal(&mut pieces, &mut literal);
    pieces
}

fn push_literal(pieces: &mut Vec<Wild>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Wild::Literal(std::mem::take(literal)));
    }
}

/// The text of pieces without wildcards; `None` if there is a wildcard.
pub(super) fn literal(pieces: &[Wild]) -> Option<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Wild::Literal(part) => text.push_str(part),
            Wild::One | Wild::Many => return None,
        }
    }
    Some(text)
}

/// The simplest pattern for `pieces`: neighbouring literals are joined and repeated `*` count once.
pub(super) fn simplest(pieces: Vec<Wild>) -> Pattern {
    let mut joined: Vec<Wild> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Wild::Literal(before)), Wild::Literal(after)) => before.push_str(&after),
            (Some(Wild::Many), Wild::Many) => {}
            (_, piece) => joined.push(piece),
        }
    }
    match joined.as_mut_slice() {
        [] => Pattern::Equal(String::new()),
        [Wild::Many] => Pattern::Any,
        [Wild::Literal(text)] => Pattern::Equal(std::mem::take(text)),
        [Wild::Literal(text), Wild::Many] => Pattern::Prefix(std::mem::take(text)),
        [Wild::Many, Wild::Literal(text)] => Pattern::Suffix(std::mem::take(text)),
        [Wild::Many, Wild::Literal(text), Wild::Many] => Pattern::Contains(std::mem::take(text)),
        _ => Pattern::Wildcard(joined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Wild::{Many, One};

    fn lit(text: &str) -> Wild {
        Wild::Literal(text.to_owned())
    }

    #[track_caller]
    fn check(written: &str, expected: &Pattern) {
        assert_eq!(&simplest(pieces(written)), expected, "{written}");
    }

    #[test]
    fn a_text_without_wildcards_is_equality() {
        check("cmd.exe", &Pattern::Equal("cmd.exe".into()));
        check("", &Pattern::Equal(String::new()));
    }

    #[test]
    fn wildcards_at_the_ends_have_their_own_patterns() {
        check("a*", &Pattern::Prefix("a".into()));
        check("*a", &Pattern::Suffix("a".into()));
        check("*a*", &Pattern::Contains("a".into()));
        check("**a***", &Pattern::Contains("a".into()));
        check("*", &Pattern::Any);
        check("**", &Pattern::Any);
    }

    #[test]
    fn other_wildcards_are_kept_in_order() {
        check("a*b", &Pattern::Wildcard(vec![lit("a"), Many, lit("b")]));
        check("prog?.exe", &Pattern::Wildcard(vec![lit("prog"), One, lit(".exe")]));
        check("?*", &Pattern::Wildcard(vec![One, Many]));
        check("?", &Pattern::Wildcard(vec![One]));
    }

    // The table of the specification's "Escaping" section, and its corners.
    #[test]
    fn a_backslash_before_an_ordinary_character_is_a_backslash() {
        check(r"C:\Windows\cmd.exe", &Pattern::Equal(r"C:\Windows\cmd.exe".into()));
        check(r"\n", &Pattern::Equal(r"\n".into()));
        check(r"tail\", &Pattern::Equal(r"tail\".into()));
    }

    #[test]
    fn two_backslashes_are_one() {
        check(r"C:\\Windows", &Pattern::Equal(r"C:\Windows".into()));
        check(r"tail\\", &Pattern::Equal(r"tail\".into()));
    }

    #[test]
    fn three_and_four_backslashes_are_two() {
        check(r"\\\server", &Pattern::Equal(r"\\server".into()));
        check(r"\\\\server", &Pattern::Equal(r"\\server".into()));
    }

    #[test]
    fn an_escaped_wildcard_is_a_character() {
        check(r"a\*b", &Pattern::Equal("a*b".into()));
        check(r"what\?", &Pattern::Equal("what?".into()));
        check(r"*\*", &Pattern::Suffix("*".into()));
    }

    #[test]
    fn an_escaped_backslash_leaves_the_wildcard_alone() {
        check(r"C:\\*", &Pattern::Prefix(r"C:\".into()));
        check(r"\\*\\x", &Pattern::Wildcard(vec![lit(r"\"), Many, lit(r"\x")]));
    }

    #[test]
    fn three_backslashes_escape_the_backslash_and_the_wildcard() {
        check(r"C:\\\*", &Pattern::Equal(r"C:\*".into()));
        check(r"C:\\\\*", &Pattern::Prefix(r"C:\\".into()));
    }

    #[test]
    fn characters_are_not_bytes() {
        check("ä?*", &Pattern::Wildcard(vec![lit("ä"), One, Many]));
    }
}
