//! Placeholders (specification 2.1, "Placeholders"): `%name%` in a value with `|expand` stands for every entry of a list.

use super::pattern;
use super::report::Report;
use super::values::VARIANTS_MAX;
use super::yaml::Position;
use crate::ast::Wild;
use crate::lists::{Lists, Reading};
use crate::problem::Code;

/// Most names of lists that a hint tells.
const NAMES_TOLD_MAX: usize = 10;

enum Part<'a> {
    Text(String),
    Name(&'a str),
}

/// The values that `text` stands for. What is around the placeholders is read by `around`, entries by `entry`. `None` if a problem was
/// reported.
pub(super) fn expand(
    text: &str,
    lists: &Lists,
    around: impl Fn(&str) -> Vec<Wild>,
    entry: impl Fn(&str, Reading) -> Vec<Wild>,
    at: Position,
    report: &mut Report,
) -> Option<Vec<Vec<Wild>>> {
    let parts = split(text);
    let mut values = vec![Vec::new()];
    for part in parts {
        let choices: Vec<Vec<Wild>> = match part {
            Part::Text(text) => vec![around(&text)],
            Part::Name(name) => {
                let Some(entries) = lists.get(name) else {
                    report_unknown(name, lists, at, report);
                    return None;
                };
                let reading = lists.reading(name);
                entries.iter().map(|it| entry(it, reading)).collect()
            }
        };
        if values.len().saturating_mul(choices.len()) > VARIANTS_MAX {
            report.error(Code::TooLarge, at, format!("`{text}` stands for more than {VARIANTS_MAX} values"));
            return None;
        }
        values = values.iter().flat_map(|before| choices.iter().map(|it| [before.as_slice(), it].concat())).collect();
    }
    Some(values)
}

/// The names of the lists in `text`.
pub(super) fn names(text: &str) -> Vec<&str> {
    split(text).into_iter().filter_map(|it| if let Part::Name(name) = it { Some(name) } else { None }).collect()
}

/// An entry as a text in which wildcards mean what its list says.
pub(super) fn pattern_of(entry: &str, reading: Reading) -> Vec<Wild> {
    match reading {
        Reading::Patterns => pattern::pieces(entry),
        Reading::Literal => vec![Wild::Literal(entry.to_owned())],
    }
}

/// Whether `text` has a placeholder.
pub(super) fn is_in(text: &str) -> bool {
    split(text).iter().any(|it| matches!(it, Part::Name(_)))
}

fn report_unknown(name: &str, lists: &Lists, at: Position, report: &mut Report) {
    let message = format!("there is no list `{name}`");
    let near = super::nearest::nearest(name, lists.names());
    let hint = match (near, lists.names().count()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, 0) => "there are no lists at all; one is a text file with an entry per line in the context directory".to_owned(),
        (None, count) => {
            let names = lists.names().take(NAMES_TOLD_MAX).collect::<Vec<_>>().join(", ");
            let more = if count > NAMES_TOLD_MAX { ", …" } else { "" };
            format!("there are {names}{more}")
        }
    };
    report.error_with_hint(Code::UndefinedPlaceholder, at, message, hint);
}

/// Splits at `%name%`. A `%` that is escaped, or that no name follows, is text.
fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            literal.push_str(&before[..at - 1]);
            literal.push('%');
            rest = after;
            continue;
        }
        literal.push_str(before);
        let end = after.find(|it: char| !(it.is_alphanumeric() || matches!(it, '_' | '-' | '.'))).unwrap_or(after.len());
        match after[end..].strip_prefix('%') {
            Some(following) if end > 0 => {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Name(&after[..end]));
                rest = following;
            }
            _ => {
                literal.push('%');
                rest = after;
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    parts
}
