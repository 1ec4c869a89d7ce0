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
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Missing)
    }

    /// The text of a scalar: strings unescaped, numbers as written, booleans as `true` and `false`; `None` for everything else.
    /// Allocates only for strings with escapes.
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
                serde_json::from_str(raw).unwrap_or_else(|_| Json::String(raw.to_owned()))
            }
        }
    }
}

/// Resolves the escapes of a JSON string body (RFC 8259, section 7). What the decoder let through is legal; anything else is kept as it is.
pub fn unescape(raw: &str) -> String {
    let mut quoted = String::with_capacity(raw.len() + 2);
    quoted.push('"');
    quoted.push_str(raw);
    quoted.push('"');
    serde_json::from_str(&quoted).unwrap_or_else(|_| raw.to_owned())
}
