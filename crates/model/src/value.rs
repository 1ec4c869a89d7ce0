//! One decoded field of an event, borrowed from the bytes it came in.

use std::borrow::Cow;

/// The value of one projected field, borrowed from the line it was decoded from.
///
/// Every span was validated by the decoder: a `Number` is a JSON number, an `Escaped` text has legal escapes, an `Array` or
/// `Object` is one whole, well-formed JSON container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Value<'a> {
    /// The event has no such field.
    #[default]
    Missing,
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string without escapes: what stands between the quotes is the text.
    Text(&'a str),
    /// A string with at least one escape, as it stands between the quotes; [`Value::text`] unescapes it.
    Escaped(&'a str),
    /// A whole array, brackets included.
    Array(&'a str),
    /// A whole object, braces included.
    Object(&'a str),
    /// The path leads into an array of objects: `array` is that whole array and `depth` counts the path segments that led to it.
    /// The field has one value per element that has the rest of the path.
    Within {
        /// The array, brackets included.
        array: &'a str,
        /// How many segments of the field's path are already walked.
        depth: u8,
    },
}

impl<'a> Value<'a> {
    /// Whether the field is in the event, `null` included.
    #[inline]
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Missing)
    }

    /// The text of a scalar: strings unescaped, numbers as written, booleans as `true` and `false`; `None` for everything else.
    /// Allocates only for strings with escapes.
    #[inline]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::Text(text) | Self::Number(text) => Some(Cow::Borrowed(text)),
            Self::Escaped(raw) => Some(Cow::Owned(unescape(raw))),
            Self::Bool(is_true) => Some(Cow::Borrowed(if is_true { "true" } else { "false" })),
            _ => None,
        }
    }

    /// The value as compact JSON text, for alerts and explanations. `Missing` is `null`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match *self {
            Self::Missing | Self::Null => Json::Null,
            Self::Bool(is_true) => Json::Bool(is_true),
            Self::Text(text) => Json::String(text.to_owned()),
            Self::Escaped(raw) => Json::String(unescape(raw)),
            Self::Number(raw) | Self::Array(raw) | Self::Object(raw) | Self::Within { array: raw, .. } => {
                parse(raw).unwrap_or_else(|_| Json::String(raw.to_owned()))
            }
        }
    }
}

/// Resolves the escapes of a JSON string body (RFC 8259, section 7). What the decoder let through is legal; anything else is kept as it is.
/// Half a surrogate pair is U+FFFD, as in [`parse`].
pub fn unescape(raw: &str) -> String {
    let mut quoted = String::with_capacity(raw.len() + 2);
    quoted.push('"');
    quoted.push_str(raw);
    quoted.push('"');
    let read = serde_json::from_str(&quoted).or_else(|_| serde_json::from_str(&with_whole_pairs(&quoted)));
    read.unwrap_or_else(|_| raw.to_owned())
}

/// Reads JSON in which half a surrogate pair may stand alone, as the decoder does: it is U+FFFD. The grammar has it (RFC 8259, section
/// 8.2), Windows and Java write it for odd names, and nobody may keep an event from being read by how he names things.
///
/// # Errors
/// If it is no JSON for another reason.
pub fn parse(json: &str) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::from_str(json).or_else(|_| serde_json::from_str(&with_whole_pairs(json)))
}

/// JSON with `\ufffd` in the place of each escape that is half a surrogate pair without the other half.
#[cold]
fn with_whole_pairs(json: &str) -> String {
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let length = match unit(escape) {
            Some(0xd800..0xdc00) if matches!(escape.get(6..).and_then(unit), Some(0xdc00..0xe000)) => 12,
            Some(0xd800..0xe000) => {
                whole.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            // The backslash and the character that it escapes.
            _ => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        let (kept, after) = escape.split_at(length);
        whole.push_str(kept);
        rest = after;
    }
    whole.push_str(rest);
    whole
}

/// The UTF-16 unit of the escape `\uXXXX` that a text begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|it| it.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(unescape(raw), expected);
        assert_eq!(Value::Escaped(raw).to_json(), expected);
        let [array, key] = [format!(r#"["{raw}"]"#), format!(r#"{{"{raw}":1}}"#)];
        assert_eq!(Value::Array(&array).to_json(), serde_json::json!([expected]));
        assert_eq!(Value::Object(&key).to_json(), serde_json::json!({expected: 1}));
    }

    #[test]
    fn half_a_surrogate_pair_is_a_replacement_character() {
        check(r"a\ud83d", "a\u{fffd}");
        check(r"\ude00z\n", "\u{fffd}z\n");
        check(r"\uD83Dx\uDE00", "\u{fffd}x\u{fffd}");
        check(r"\ude00\ud83d", "\u{fffd}\u{fffd}");
        check(r"\ud83d\n\ude00", "\u{fffd}\n\u{fffd}");
        check(r"\ud83d\u0041", "\u{fffd}A");
        check(r"\ud83dé\u00e9", "\u{fffd}éé");
    }

    #[test]
    fn whole_pairs_stay_what_they_are() {
        check(r"\ud83d\ude00", "😀");
        check(r"\ud83d\ud83d\ude00\ude00", "\u{fffd}😀\u{fffd}");
        check(r"\\ud83d\ud83d\\", "\\ud83d\u{fffd}\\");
    }

    #[test]
    fn what_is_no_json_is_kept_or_refused() {
        assert_eq!(unescape(r"\x\ud83d"), r"\x\ud83d");
        assert_eq!(unescape("\\"), "\\");
        for text in [r#"{"a":"\ud83d"#, r#"{"a":"\ud83"}"#, r#"{"a":"\u"}"#, "\\", "\\u", "\"\\ud83\u{e9}\""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
