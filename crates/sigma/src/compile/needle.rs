//! Needles: a piece of ASCII text, in lower case, that every text contains for which a test holds. Finding the needles of all tests in
//! one pass spares most texts the tests themselves. The needle of a regular expression promises nothing about texts that are not ASCII:
//! one that ignores case matches `ſ` for `s`.

use super::Atom;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A needle of one character would be found nearly everywhere.
const BYTES_MIN: usize = 2;

/// The longest needle of `atom` within `allowed` bytes; `None` when there is none, and when the test is not of a text's characters.
pub(crate) fn of_atom(atom: &Atom, allowed: fn(u8) -> bool) -> Option<String> {
    let mut runs = Runs { longest: String::new(), current: String::new(), allowed };
    match atom {
        Atom::Equal(text, _) | Atom::Prefix(text, _) | Atom::Suffix(text, _) | Atom::Contains(text, _) => {
            text.chars().for_each(|it| runs.put(Some(it)));
        }
        Atom::Like(glob, _) => glob.literals().for_each(|it| runs.put(it)),
        Atom::Regex(source) => runs.walk(&regex_syntax::parse(source).ok()?),
        Atom::Bool(is_true) => return Some(if *is_true { "true" } else { "false" }.to_owned()),
        Atom::AnyText | Atom::Cidr(_) | Atom::Number(..) | Atom::Exists | Atom::Null => {}
    }
    runs.put(None);
    Some(runs.longest).filter(|it| it.len() >= BYTES_MIN)
}

/// Collects runs of characters that stand side by side in whatever matches.
struct Runs {
    longest: String,
    current: String,
    allowed: fn(u8) -> bool,
}

impl Runs {
    /// The next character, or the end of the run.
    fn put(&mut self, next: Option<char>) {
        match next {
            Some(it) if u8::try_from(it).is_ok_and(|it| it.is_ascii() && (self.allowed)(it)) => {
                self.current.push(it.to_ascii_lowercase());
            }
            _ => {
                if self.current.len() > self.longest.len() {
                    std::mem::swap(&mut self.longest, &mut self.current);
                }
                self.current.clear();
            }
        }
    }

    fn walk(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => literal.0.iter().for_each(|&it| self.put(it.is_ascii().then_some(char::from(it)))),
            HirKind::Class(class) => self.put(one_letter(class)),
            HirKind::Capture(capture) => self.walk(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|it| self.walk(it)),
            HirKind::Repetition(repetition) => {
                self.put(None);
                if repetition.min > 0 {
                    self.walk(&repetition.sub);
                }
                self.put(None);
            }
            HirKind::Alternation(_) => self.put(None),
        }
    }
}

/// The letter that a class such as `[Aa]` stands for in an ASCII text.
fn one_letter(class: &Class) -> Option<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|it| (u32::from(it.start()), u32::from(it.end()))).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|it| (u32::from(it.start()), u32::from(it.end()))).collect(),
    };
    let mut letter = None;
    for (start, end) in ranges {
        for code in start..=end.min(0x7f) {
            let it = char::from_u32(code)?.to_ascii_lowercase();
            if letter.is_some_and(|known| known != it) {
                return None;
            }
            letter = Some(it);
        }
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::atoms::Cased;

    #[track_caller]
    fn check(regex: &str, needle: Option<&str>) {
        assert_eq!(of_atom(&Atom::Regex(regex.to_owned()), |_| true).as_deref(), needle, "{regex}");
    }

    #[test]
    fn the_longest_literal_of_a_concatenation_is_the_needle() {
        check(r"^foo.*barbar\d+$", Some("barbar"));
        check(r"(?i)Invoke-(Mimi)katz", Some("invoke-mimikatz"));
    }

    #[test]
    fn whatever_case_is_ignored_the_needle_is_in_lower_case() {
        check("(?i)AbcD", Some("abcd"));
        check("AbcD", Some("abcd"));
    }

    #[test]
    fn what_may_be_absent_is_no_needle() {
        check("(abc)?", None);
        check("(abc)*x", None);
        check("abc|def", None);
        check("[ab][cd]", None);
    }

    #[test]
    fn a_repeated_part_does_not_join_its_neighbours() {
        check("ab(cd)+ef", Some("ab"));
        check("a(bcd){2}e", Some("bcd"));
    }

    #[test]
    fn bytes_that_are_not_allowed_end_a_run() {
        assert_eq!(of_atom(&Atom::Contains("a\\users".to_owned(), Cased::No), |it| it != b'\\').as_deref(), Some("users"));
    }
}
