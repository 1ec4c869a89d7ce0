//! The comments of a YAML text.

use crate::parse::yaml::quoted_chars;
use saphyr_parser::{Event, Parser, ScalarStyle};

/// Every comment, from its `#` to the end of its line, in order. Where a text is no YAML, what looks like a comment is one.
pub(super) fn of(text: &str) -> Vec<String> {
    if !text.contains('#') {
        return Vec::new();
    }
    let chars: Vec<char> = text.strip_prefix('\u{feff}').unwrap_or(text).chars().collect();
    let is_value = values(&chars);
    let mut comments = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let is_comment = chars[at] == '#' && !is_value[at] && (at == 0 || chars[at - 1].is_whitespace());
        if is_comment {
            let comment: String = chars[at..].iter().take_while(|it| **it != '\n').collect();
            at += comment.chars().count();
            comments.push(comment.trim_end().to_owned());
        }
        at += 1;
    }
    comments
}

/// Which characters belong to scalars.
fn values(chars: &[char]) -> Vec<bool> {
    let mut is_value = vec![false; chars.len()];
    let text: String = chars.iter().collect();
    // A parser that has met an error meets it for ever.
    for (event, span) in Parser::new_from_str(&text).map_while(Result::ok) {
        let Event::Scalar(_, style, ..) = event else { continue };
        let (start, mut end) = (span.start.index(), span.end.index().min(chars.len()));
        if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) {
            // The parser counts the comment after a quoted scalar as a part of it.
            let Some(count) = quoted_chars(chars.iter().skip(start).copied(), style) else { continue };
            end = start + count;
        }
        if let Some(those) = is_value.get_mut(start..end) {
            those.fill(true);
        }
    }
    is_value
}
