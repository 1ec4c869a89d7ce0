//! Values of rules as texts: wildcards and escapes, placeholders, dashes, encodings.

use std::collections::BTreeMap;

/// A character of a value, or what stands for some.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Symbol {
    Char(char),
    One,
    Many,
}

/// Where in a text a value stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
}

impl Place {
    pub(crate) fn of(modifiers: &[&str]) -> Self {
        let places = [("startswith", Self::Start), ("endswith", Self::End), ("contains", Self::Anywhere)];
        places.into_iter().find(|(word, _)| modifiers.contains(word)).map_or(Self::Whole, |(_, it)| it)
    }

    pub(crate) fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::Whole => text == part,
            Self::Start => text.starts_with(part),
            Self::End => text.ends_with(part),
            Self::Anywhere => text.contains(part),
        }
    }
}

/// "Escaping": a backslash takes the meaning from `*`, `?` and a backslash; before anything else it is itself.
pub(crate) fn symbols(value: &str) -> Vec<Symbol> {
    let chars: Vec<char> = value.chars().collect();
    let (mut symbols, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let is_escape = chars[at] == '\\' && matches!(chars.get(at + 1), Some('*' | '?' | '\\'));
        at += usize::from(is_escape);
        symbols.push(match chars[at] {
            '*' if !is_escape => Symbol::Many,
            '?' if !is_escape => Symbol::One,
            other => Symbol::Char(other),
        });
        at += 1;
    }
    symbols
}

/// The regular expression that says the same.
pub(crate) fn expression(symbols: &[Symbol]) -> String {
    let each = |it: &Symbol| match it {
        Symbol::Char(it) => regex::escape(&it.to_string()),
        Symbol::One => ".".to_owned(),
        Symbol::Many => ".*".to_owned(),
    };
    symbols.iter().map(each).collect()
}

/// A text with its wildcards escaped: what an entry of a list is in a value.
pub(crate) fn escaped(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?")
}

/// The values that `%name%` makes with `|expand`: one for every entry. Without lists, the value itself.
pub(crate) fn expanded(value: &str, lists: Option<&BTreeMap<String, Vec<String>>>, quote: fn(&str) -> String) -> Vec<String> {
    let mut values = vec![value.to_owned()];
    for (name, entries) in lists.into_iter().flatten() {
        let placeholder = format!("%{name}%");
        while values.iter().any(|it| it.contains(&placeholder)) {
            let each = |value: &String| entries.iter().map(|it| value.replacen(&placeholder, &quote(it), 1)).collect::<Vec<_>>();
            values = values.iter().flat_map(each).collect();
        }
    }
    values
}

const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// `windash`: every way to write the dashes that begin a parameter: no word before, a word after. In the peer's reading, every hyphen.
pub(crate) fn dashed(symbols: &[Symbol], is_for_hyphens: bool) -> Vec<Vec<Symbol>> {
    let is_word = |at: Option<&Symbol>| matches!(at, Some(Symbol::Char(it)) if it.is_alphanumeric() || *it == '_');
    let mut variants = vec![Vec::new()];
    for (at, symbol) in symbols.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|it| symbols.get(it));
        let is_dash = match symbol {
            Symbol::Char('-') if is_for_hyphens => true,
            Symbol::Char(it) if !is_for_hyphens => DASHES.contains(it) && !is_word(before) && is_word(symbols.get(at + 1)),
            _ => false,
        };
        let choices: Vec<Symbol> = if is_dash { DASHES.into_iter().map(Symbol::Char).collect() } else { vec![*symbol] };
        variants = choices.iter().flat_map(|it| variants.iter().map(|before| [before.as_slice(), &[*it]].concat())).collect();
    }
    variants
}

/// The value in Base64, if the modifiers ask for it, and where it then stands.
pub(crate) fn encoded(
    symbols: Vec<Symbol>,
    modifiers: &[&str],
    place: Place,
    keeps_tail: bool,
) -> Option<(Vec<Vec<Symbol>>, Place)> {
    let has = |word: &str| modifiers.contains(&word);
    if !has("base64") && !has("base64offset") {
        return None;
    }
    let char = |it: Symbol| if let Symbol::Char(it) = it { it } else { panic!("a wildcard can't be encoded") };
    let text: String = symbols.into_iter().map(char).collect();
    let bytes: Vec<u8> = if has("utf16") {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    } else if has("utf16le") || has("wide") {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else if has("utf16be") {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    } else {
        text.into_bytes()
    };
    let symbols = |text: String| text.chars().map(Symbol::Char).collect::<Vec<_>>();
    if has("base64") {
        return Some((vec![symbols(base64(&bytes, 0, bytes.len() * 8, true))], place));
    }
    let place = if place == Place::Whole { Place::Anywhere } else { place };
    Some((
        (0..3).map(|it| symbols(base64(&bytes, it, bytes.len() * 8, keeps_tail).trim_end_matches('=').to_owned())).collect(),
        place,
    ))
}

/// Six bits make a character (RFC 4648), `shift` bytes of something else before. A character that the bytes alone don't decide is
/// left out, but at the end with zeros for what is missing if `keeps_tail`.
fn base64(bytes: &[u8], shift: usize, bits: usize, keeps_tail: bool) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| usize::from(bytes.get(at / 8).is_some_and(|it| it >> (7 - at % 8) & 1 == 1));
    let first = (6 - shift * 8 % 6) % 6;
    let mut text: String = (first..bits)
        .step_by(6)
        .filter(|start| keeps_tail || start + 6 <= bits)
        .map(|start| char::from(ALPHABET[(start..start + 6).fold(0, |sum, it| sum << 1 | bit(it))]))
        .collect();
    while shift == 0 && keeps_tail && !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}
