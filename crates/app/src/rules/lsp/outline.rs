//! What a rule file looks like by its indentation alone. A text that is being typed is broken YAML most of the time, and its outline
//! is what an editor needs all the same: which key this is, and what it stands under.

use std::ops::Range;

/// A `key:` of a block map, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// From 0.
    pub(super) line: usize,
    /// The column where the key begins, in bytes.
    pub(super) indent: usize,
    /// The key without quotes.
    pub(super) text: String,
    /// Where it stands in the line, without quotes.
    pub(super) bytes: Range<usize>,
    /// The rest of the line after the colon, without comment and quotes.
    pub(super) value: String,
    /// Where the value stands in the line, without quotes.
    pub(super) value_bytes: Range<usize>,
    /// The document of the file, from 0.
    pub(super) document: usize,
    /// The keys that it stands under, the outermost first.
    pub(super) path: Vec<String>,
    /// The last line of what stands under it.
    pub(super) end: usize,
}

/// Where a place in a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The keys that it stands under, the outermost first.
    pub(super) path: Vec<String>,
    pub(super) what: What,
    pub(super) document: usize,
}

/// What stands, or would stand, at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A key, as far as it goes.
    Key { text: String, bytes: Range<usize> },
    /// The value of the last key of the path.
    Value { text: String, bytes: Range<usize> },
    /// An item of a list, which may become a key.
    Item { text: String, bytes: Range<usize> },
}

/// One line, taken apart.
struct Line {
    /// Where the first `-` is, if the line begins an item.
    dash: Option<usize>,
    /// Where what follows the dashes and blanks begins.
    indent: usize,
    key: Option<(String, Range<usize>)>,
    value: (String, Range<usize>),
}

/// All keys of a file, in order.
pub(super) fn keys(text: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    // Indices of the keys that are still open.
    let mut open: Vec<usize> = Vec::new();
    let mut document = 0;
    // The indentation of the key whose value is a text over several lines.
    let mut block: Option<usize> = None;
    for (number, raw) in text.lines().enumerate() {
        if is_separator(raw) {
            document += 1;
            block = None;
            open.clear();
            continue;
        }
        let Some(line) = take_apart(raw) else { continue };
        if block.is_some_and(|it| line.indent > it) {
            open.iter().for_each(|&it| keys[it].end = number);
            continue;
        }
        block = None;
        // An item may begin in the column of the key that it stands under, another key may not.
        let bound = line.dash.map_or(line.indent, |it| it + 1);
        while open.last().is_some_and(|&it| keys[it].indent >= bound) {
            open.pop();
        }
        open.iter().for_each(|&it| keys[it].end = number);
        let Some((key, bytes)) = line.key else { continue };
        if line.value.0.starts_with(['|', '>']) {
            block = Some(line.indent);
        }
        let path = open.iter().map(|&it| keys[it].text.clone()).collect();
        let (value, value_bytes) = line.value;
        keys.push(Key { line: number, indent: line.indent, text: key, bytes, value, value_bytes, document, path, end: number });
        open.push(keys.len() - 1);
    }
    keys
}

/// What stands at byte `at` of line `number`.
pub(super) fn place(text: &str, number: usize, at: usize) -> Place {
    let lines: Vec<&str> = text.lines().take(number + 1).collect();
    let document = lines.iter().take(number).filter(|it| is_separator(it)).count();
    let raw = lines.get(number).copied().unwrap_or_default();
    let at = at.min(raw.len());
    let line = take_apart(raw);
    let indent = line.as_ref().map_or(at, |it| it.indent);
    let dash = line.as_ref().and_then(|it| it.dash);
    let mut path = ancestors(&lines[..number.min(lines.len())], dash.map_or(indent, |it| it + 1));
    let what = match line {
        None => What::Key { text: String::new(), bytes: at..at },
        Some(Line { key: Some((key, bytes)), value, .. }) => {
            if at > bytes.end + 1 || (at == bytes.end + 1 && !raw[bytes.end..].starts_with(['"', '\''])) {
                path.push(key);
                // Before the value there is nothing yet.
                let (text, bytes) = if at < value.1.start { (String::new(), at..at) } else { value };
                What::Value { text, bytes }
            } else {
                What::Key { text: key, bytes }
            }
        }
        Some(Line { dash, indent, value: (text, bytes), .. }) => match dash {
            Some(_) => What::Item { text, bytes },
            None if at < indent => What::Key { text: String::new(), bytes: at..at },
            None => What::Key { text, bytes },
        },
    };
    Place { path, what, document }
}

/// The keys above that have less than `bound` blanks before them, each less than the one below it; the outermost first.
fn ancestors(above: &[&str], mut bound: usize) -> Vec<String> {
    let mut path = Vec::new();
    for raw in above.iter().rev() {
        if is_separator(raw) || bound == 0 {
            break;
        }
        let Some(line) = take_apart(raw) else { continue };
        let Some((key, _)) = line.key else { continue };
        if line.indent < bound {
            path.push(key);
            bound = line.dash.map_or(line.indent, |it| it + 1);
        }
    }
    path.reverse();
    path
}

fn is_separator(line: &str) -> bool {
    line.trim_end() == "---" || line.starts_with("--- ") || line.trim_end() == "..."
}

/// `None` for an empty line and for a comment.
fn take_apart(raw: &str) -> Option<Line> {
    let mut indent = raw.len() - raw.trim_start_matches([' ', '\t']).len();
    let mut dash = None;
    while raw[indent..].starts_with("- ") || &raw[indent..] == "-" {
        dash.get_or_insert(indent);
        let rest = &raw[indent + 1..];
        indent += 1 + rest.len() - rest.trim_start_matches(' ').len();
    }
    let text = &raw[indent..];
    if (text.is_empty() && dash.is_none()) || text.starts_with('#') {
        return None;
    }
    let key = key_of(text).map(|(key, bytes)| (key, bytes.start + indent..bytes.end + indent));
    let from = key.as_ref().map_or(indent, |(_, it)| it.end);
    // Behind the key come a quote, perhaps, and the colon.
    let from = if key.is_some() { from + raw[from..].find(':').map_or(0, |it| it + 1) } else { from };
    let value = value_of(raw, from);
    Some(Line { dash, indent, key, value })
}

/// The key at the beginning of `text`, which ends with a colon before a blank or the end of the line.
fn key_of(text: &str) -> Option<(String, Range<usize>)> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let end = rest.find(quote)?;
            let after = rest[end + 1..].trim_start().strip_prefix(':')?;
            let is_key = after.is_empty() || after.starts_with([' ', '\t']);
            return is_key.then(|| (rest[..end].to_owned(), 1..end + 1));
        }
    }
    // A leading `|` is a keyword search with modifiers, which is no YAML without quotes, but what is meant is clear.
    if text.starts_with(['{', '[', '*', '&', '!', '>', '@', '%']) {
        return None;
    }
    let end = text
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|&it| text[it + 1..].is_empty() || text[it + 1..].starts_with([' ', '\t']))?;
    let key = text[..end].trim_end();
    (!key.contains(" #")).then(|| (key.to_owned(), 0..key.len()))
}

/// The value in `raw` from byte `from` on, without comment and quotes.
fn value_of(raw: &str, from: usize) -> (String, Range<usize>) {
    let rest = &raw[from..];
    let start = from + rest.len() - rest.trim_start().len();
    let text = raw[start..].trim_end();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let end = inner.find(quote).unwrap_or(inner.len());
            return (inner[..end].to_owned(), start + 1..start + 1 + end);
        }
    }
    let text = if text.starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default().trim_end() };
    (text.to_owned(), start..start + text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "\
title: T  # one
description: >-
  a: b
  c
detection:
  sel:
    'actor.id|re': \"x\"
    - not: yaml
  list:
  - a: 1
    b: 2
  - plain
  condition: sel and
tags:
- attack.t1098
---
title: Second
correlation:
  rules:
    - one
";

    #[test]
    fn keys_know_their_values_and_what_they_stand_under() {
        let shown: Vec<String> =
            keys(RULE).iter().map(|it| format!("{}/{}={}@{}", it.path.join("/"), it.text, it.value, it.document)).collect();
        let wanted = [
            "/title=T@0",
            "/description=>-@0",
            "/detection=@0",
            "detection/sel=@0",
            "detection/sel/actor.id|re=x@0",
            "detection/sel/actor.id|re/not=yaml@0",
            "detection/list=@0",
            "detection/list/a=1@0",
            "detection/list/b=2@0",
            "detection/condition=sel and@0",
            "/tags=@0",
            "/title=Second@1",
            "/correlation=@1",
            "correlation/rules=@1",
        ];
        assert_eq!(shown, wanted);
        assert_eq!(keys(RULE)[2].end, 12);
    }

    #[track_caller]
    fn check(line: usize, at: usize, path: &str, what: &What) {
        let place = place(RULE, line, at);
        assert_eq!((place.path.join("/").as_str(), &place.what), (path, what));
    }

    #[test]
    fn a_place_is_a_key_a_value_or_an_item() {
        check(6, 8, "detection/sel", &What::Key { text: "actor.id|re".to_owned(), bytes: 5..16 });
        check(6, 20, "detection/sel/actor.id|re", &What::Value { text: "x".to_owned(), bytes: 20..21 });
        check(10, 5, "detection/list", &What::Key { text: "b".to_owned(), bytes: 4..5 });
        check(11, 6, "detection/list", &What::Item { text: "plain".to_owned(), bytes: 4..9 });
        check(14, 5, "tags", &What::Item { text: "attack.t1098".to_owned(), bytes: 2..14 });
        check(19, 8, "correlation/rules", &What::Item { text: "one".to_owned(), bytes: 6..9 });
    }

    #[test]
    fn what_is_being_typed_has_a_place() {
        let text = "detection:\n  sel:\n    act\n    \n  condition: \nlevel:";
        let found = place(text, 2, 7);
        assert_eq!(
            (found.path.join("/").as_str(), found.what),
            ("detection/sel", What::Key { text: "act".to_owned(), bytes: 4..7 })
        );
        assert_eq!(place(text, 3, 4).path.join("/"), "detection/sel");
        assert_eq!(place(text, 3, 2).path.join("/"), "detection");
        assert_eq!(place(text, 4, 13).path.join("/"), "detection/condition");
        assert_eq!(place(text, 5, 6).path.join("/"), "level");
        assert_eq!(place(text, 99, 4).path.len(), 0);
    }

    #[test]
    fn no_text_is_too_broken() {
        for text in ["'", "\"a", "- - -", "-", "? x", ": :", "é: é:\n é", "a:\u{a0}b", "\t- \t:", "{a: [", "---\n---"] {
            let _ = keys(text);
            for line in 0..3 {
                for at in 0..8 {
                    let _ = place(text, line, at);
                }
            }
        }
    }
}
