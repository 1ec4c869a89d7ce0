//! The known word that a wrong one was probably meant to be.

/// Words longer than this are not compared: hints are for typing errors, and the comparison costs the product of the lengths.
const CHARS_MAX: usize = 128;

/// The one of `known` that is nearest to `wrong`, if it is near enough to be worth a question: at most a third of its letters differ.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.to_lowercase().chars().take(CHARS_MAX + 1).collect();
    if wrong.len() > CHARS_MAX {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for word in known {
        let chars: Vec<char> = word.to_lowercase().chars().take(CHARS_MAX + 1).collect();
        let allowed = wrong.len().max(chars.len()).div_ceil(3);
        if chars.len() > CHARS_MAX || chars.len().abs_diff(wrong.len()) > allowed {
            continue;
        }
        let distance = distance(&wrong, &chars);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, word));
        }
    }
    best.map(|(_, word)| word)
}

/// Whether two words are not the same, but at most `most` letters apart, without regard to case.
pub fn within(left: &str, right: &str, most: usize) -> bool {
    let chars = |text: &str| text.to_lowercase().chars().take(CHARS_MAX + 1).collect::<Vec<char>>();
    let (a, b) = (chars(left), chars(right));
    left != right && a.len().abs_diff(b.len()) <= most && a.len().max(b.len()) <= CHARS_MAX && distance(&a, &b) <= most
}

/// How many letters must be added, dropped, changed or swapped with their neighbour (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let mut fewest = (last[column] + usize::from(a != b)).min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && a == right[column - 1] && left[row - 1] == b {
                fewest = fewest.min(before_last[column - 1] + 1);
            }
            current.push(fewest);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["contains", "startswith", "endswith", "re", "cidr"];

    #[track_caller]
    fn check(wrong: &str, expected: Option<&str>) {
        assert_eq!(nearest(wrong, KNOWN), expected);
    }

    #[test]
    fn a_missing_letter_is_found() {
        check("contain", Some("contains"));
    }

    #[test]
    fn swapped_letters_count_once() {
        check("er", Some("re"));
        check("cdir", Some("cidr"));
    }

    #[test]
    fn case_does_not_matter() {
        check("EndsWith", Some("endswith"));
    }

    #[test]
    fn a_quite_different_word_gets_no_hint() {
        check("lookahead", None);
        check(&"contains".repeat(100), None);
    }
}
