//! Texts without regard to case: each character by itself, so that a part of a text is folded as it is inside the whole.
//!
//! The specification says that values are compared without regard to case and leaves open what that means beyond ASCII. We take
//! Unicode's simple case folding, which the regular expressions of `|re|i` use as well: `Σ`, `σ` and `ς` are one letter, `ß` is
//! not `ss`, and `İ` and `ı` are not `i`. Lower-casing whole texts would make the verdict depend on the neighbours: `Σ` at the end of a
//! word becomes another letter than inside it, and `İ` becomes two characters.

/// Puts `text`, folded, into `into`, which is replaced; allocates only when it has to grow.
pub(crate) fn fold_case(text: &str, into: &mut String) {
    into.clear();
    if text.is_ascii() {
        into.push_str(text);
        into.make_ascii_lowercase();
    } else {
        into.extend(text.chars().map(folded_char));
    }
}

/// `text`, folded.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_case(text, &mut folded);
    folded
}

/// The letter that stands for all that differ from `char` in case alone.
fn folded_char(char: char) -> char {
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    // By way of the capital, for letters with several small forms: `ς` and `ſ` have those of `σ` and `s`.
    if char == 'ı' {
        return char;
    }
    let small = single(char.to_lowercase(), char);
    let capital = single(small.to_uppercase(), small);
    single(capital.to_lowercase(), capital)
}

/// The one character of a mapping; `otherwise` for a mapping to several, which is none of the simple ones.
fn single(mut mapping: impl ExactSizeIterator<Item = char>, otherwise: char) -> char {
    if mapping.len() == 1 { mapping.next().unwrap_or(otherwise) } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[track_caller]
    fn check(one: &str, other: &str, is_same: bool) {
        assert_eq!(folded(one) == folded(other), is_same, "{one} and {other}");
    }

    #[test]
    fn letters_that_differ_in_case_alone_are_the_same() {
        for (one, other) in
            [("ÄDMIN", "ädmin"), ("ΟΔΟΣ", "οδος"), ("οδοσ", "οδος"), ("\u{212A}", "k"), ("ſ", "S"), ("ẞ", "ß"), ("ǅ", "ǆ")]
        {
            check(one, other, true);
        }
    }

    #[test]
    fn letters_that_are_others_in_some_language_stay_different() {
        for (one, other) in [("ß", "ss"), ("İ", "i"), ("ı", "i"), ("ä", "a")] {
            check(one, other, false);
        }
    }

    #[test]
    fn a_part_is_folded_as_it_is_inside_the_whole() {
        for (part, rest) in [("ΟΔΟΣ", "A"), ("İ", "stanbul"), ("Σ", "")] {
            assert_eq!(format!("{}{}", folded(part), folded(rest)), folded(&format!("{part}{rest}")));
            assert_eq!(folded(part).chars().count(), part.chars().count());
        }
    }

    /// The letters up to Latin Extended, Greek and Cyrillic, against the folding of regular expressions.
    #[test]
    fn folding_agrees_with_that_of_regular_expressions() {
        // Two Greek pairs are the same by canonical equivalence only, which the standard library's mappings don't know.
        let is_exempt = |it: char| matches!(it, '\u{390}' | '\u{3b0}');
        for char in ('\u{80}'..'\u{590}').filter(|it| it.is_alphabetic() && !is_exempt(*it)) {
            let pattern = Regex::new(&format!("^(?i:{char})$")).unwrap();
            let same = folded_char(char);
            assert!(pattern.is_match(&same.to_string()), "{char} is not {same}");
            for other in char.to_lowercase().chain(char.to_uppercase()).map(|it| it.to_string()) {
                let is_single = char.to_lowercase().len() == 1 && char.to_uppercase().len() == 1;
                assert!(!is_single || pattern.is_match(&other) == (folded(&other) == same.to_string()), "{char} and {other}");
            }
        }
    }
}
