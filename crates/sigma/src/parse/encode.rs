//! Encodings of values: UTF-16, Base64 at three offsets, and the dashes of Windows command lines.

use crate::ast::Wild;

/// The dashes that Windows command lines take for each other (specification 2.1, modifier `windash`).
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// A form of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    /// `utf16`: a byte order mark, then little endian.
    Marked,
    /// `utf16le` and `wide`.
    Little,
    /// `utf16be`.
    Big,
}

/// A form of Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base64 {
    /// `base64`: the value is encoded from its beginning.
    Whole,
    /// `base64offset`: the value stands somewhere in what was encoded.
    Offset,
}

/// The bytes of `text` in a form of UTF-16.
pub(super) fn utf16(text: &str, form: Utf16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 2 + 2);
    if form == Utf16::Marked {
        bytes.extend([0xFF, 0xFE]);
    }
    for unit in text.encode_utf16() {
        bytes.extend(if form == Utf16::Big { unit.to_be_bytes() } else { unit.to_le_bytes() });
    }
    bytes
}

/// `pieces` as a text in which each byte of their UTF-16 form is a character; `None` where a byte is no ASCII.
pub(super) fn utf16_text(pieces: &[Wild], form: Utf16) -> Option<Vec<Wild>> {
    let mut encoded = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Wild::Literal(text) => {
                let bytes = utf16(text, form);
                let text = bytes.is_ascii().then(|| bytes.iter().copied().map(char::from).collect())?;
                encoded.push(Wild::Literal(text));
            }
            // One character is two bytes.
            Wild::One => encoded.extend([Wild::One, Wild::One]),
            Wild::Many => encoded.push(Wild::Many),
        }
    }
    Some(encoded)
}

/// Standard Base64 with padding (RFC 4648, 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (group >> (18 - 6 * digit)) & 0x3F;
            text.push(if digit > chunk.len() { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    text
}

/// What of `bytes` is certain to be seen in Base64, for each of the three ways in which the bytes before them can fall. Characters
/// that also depend on the neighbours are left out. `None` if nothing is certain, because the value is too short.
pub(super) fn base64_offsets(bytes: &[u8]) -> Option<[String; 3]> {
    let variant = |offset: usize| {
        let mut shifted = vec![0; offset];
        shifted.extend_from_slice(bytes);
        let encoded = base64(&shifted);
        // A character holds 6 bits: those with bits of the `offset` bytes before, or of the bytes after, are not ours alone.
        let first = (offset * 8).div_ceil(6);
        let end = shifted.len() * 8 / 6;
        encoded.get(first..end).filter(|it| !it.is_empty()).map(str::to_owned)
    };
    Some([variant(0)?, variant(1)?, variant(2)?])
}

/// Every way to write `text` with other dashes, the written one first. Only dashes that begin a parameter count: no letter or digit
/// before, one after. `None` if there are more than `most`.
pub(super) fn windash(text: &str, most: usize) -> Option<Vec<String>> {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let mut variants = vec![String::with_capacity(text.len())];
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        let begins = DASHES.contains(&next) && !before.is_some_and(is_word) && chars.peek().copied().is_some_and(is_word);
        before = Some(next);
        if !begins {
            for variant in &mut variants {
                variant.push(next);
            }
            continue;
        }
        if variants.len() * DASHES.len() > most {
            return None;
        }
        let dashes = std::iter::once(next).chain(DASHES.into_iter().filter(|&it| it != next));
        variants = dashes.flat_map(|dash| variants.iter().map(move |it| format!("{it}{dash}"))).collect();
    }
    Some(variants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_examples_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn one_of_the_three_offsets_is_found_wherever_the_value_stands() {
        for value in ["foo", "http://", "whoami", "/bin/sh"] {
            let offsets = base64_offsets(value.as_bytes()).unwrap();
            for before in ["", "x", "xy", "xyz", "\u{7f}~"] {
                for after in ["", "z", "~~", "\u{7f}\u{7f}\u{7f}"] {
                    let encoded = base64(format!("{before}{value}{after}").as_bytes());
                    assert!(encoded.contains(&offsets[before.len() % 3]), "{before}{value}{after}");
                }
            }
        }
    }

    #[test]
    fn the_offsets_hold_as_much_as_is_certain() {
        assert_eq!(base64_offsets(b"foobar").unwrap(), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
    }

    #[test]
    fn a_value_of_which_nothing_is_certain_has_no_offsets() {
        assert_eq!(base64_offsets(b""), None);
        assert_eq!(base64_offsets(b"a"), None);
    }

    #[test]
    fn utf16_comes_in_three_forms() {
        assert_eq!(utf16("cmd", Utf16::Little), b"c\0m\0d\0");
        assert_eq!(utf16("cmd", Utf16::Big), b"\0c\0m\0d");
        assert_eq!(utf16("cmd", Utf16::Marked), b"\xFF\xFEc\0m\0d\0");
        assert_eq!(utf16("\u{1F600}", Utf16::Big), [0xD8, 0x3D, 0xDE, 0x00]);
    }

    #[test]
    fn a_parameter_is_written_with_every_dash() {
        assert_eq!(windash(" -f x", 100).unwrap(), [" -f x", " /f x", " –f x", " —f x", " ―f x"]);
        assert_eq!(windash("/f", 100).unwrap().len(), 5);
        assert_eq!(windash("-a -b", 100).unwrap().len(), 25);
    }

    #[test]
    fn dashes_inside_words_and_before_spaces_stay() {
        assert_eq!(windash("a-b - c", 100).unwrap(), ["a-b - c"]);
        assert_eq!(windash("--x", 100).unwrap()[1], "-/x");
    }

    #[test]
    fn too_many_variants_are_refused() {
        assert_eq!(windash("-a -b -c", 100), None);
    }
}
