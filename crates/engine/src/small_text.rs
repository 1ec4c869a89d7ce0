//! Identifiers that windows remember by the million: a UUID or a short text takes no allocation.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use uuid::Uuid;

const INLINE_BYTES: usize = 22;

/// A text in 24 bytes: UUIDs in their usual form and texts up to 22 bytes stand inside, longer ones on the heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallText(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Uuid([u8; 16]),
    Inline(u8, [u8; INLINE_BYTES]),
    Heap(Box<str>),
}

impl Default for SmallText {
    fn default() -> Self {
        Self(Form::Inline(0, [0; INLINE_BYTES]))
    }
}

impl SmallText {
    /// Whether it is the empty text.
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Form::Inline(0, _))
    }
}

impl From<&str> for SmallText {
    fn from(text: &str) -> Self {
        if text.len() <= INLINE_BYTES {
            let mut bytes = [0; INLINE_BYTES];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            return Self(Form::Inline(u8::try_from(text.len()).expect("at most 22"), bytes));
        }
        // Only the form that comes out again the same: lower case with hyphens.
        if text.len() == 36
            && let Ok(uuid) = Uuid::try_parse(text)
            && *uuid.hyphenated().encode_lower(&mut [0; 36]) == *text
        {
            return Self(Form::Uuid(uuid.into_bytes()));
        }
        Self(Form::Heap(text.into()))
    }
}

impl From<&SmallText> for String {
    fn from(text: &SmallText) -> Self {
        match &text.0 {
            Form::Uuid(bytes) => Self::from(Uuid::from_bytes(*bytes).hyphenated().encode_lower(&mut [0; 36])),
            Form::Inline(len, bytes) => Self::from(std::str::from_utf8(&bytes[..usize::from(*len)]).unwrap_or_default()),
            Form::Heap(text) => Self::from(&**text),
        }
    }
}

impl fmt::Display for SmallText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Uuid(bytes) => Uuid::from_bytes(*bytes).hyphenated().fmt(f),
            Form::Inline(len, bytes) => f.write_str(std::str::from_utf8(&bytes[..usize::from(*len)]).unwrap_or_default()),
            Form::Heap(text) => f.write_str(text),
        }
    }
}

impl Serialize for SmallText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SmallText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(&*String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_identifier_takes_24_bytes() {
        assert_eq!(size_of::<SmallText>(), 24);
    }

    #[test]
    fn only_the_usual_form_of_a_uuid_is_packed() {
        for text in
            ["a1b2c3d4-0000-4000-8000-0123456789ab", "A1B2C3D4-0000-4000-8000-0123456789AB", "{1b2c3d4-0000-4000-8000-0123456789ab"]
        {
            assert_eq!(SmallText::from(text).to_string(), text);
            assert_eq!(String::from(&SmallText::from(text)), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_out_as_it_went_in(text in "\\PC{0,60}") {
            prop_assert_eq!(SmallText::from(text.as_str()).to_string(), text.as_str());
            prop_assert_eq!(String::from(&SmallText::from(text.as_str())), text);
        }
    }
}
