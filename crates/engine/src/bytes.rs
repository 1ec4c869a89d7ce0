//! Bytes within what is saved, written and read in one piece: serde takes a slice of bytes for a list, and goes from each to the next.
//! The form is the same.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Bytes<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = &'de [u8];

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes that stand in the input")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_bytes(Borrowed).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_form_of_a_list_and_are_read_where_they_stand() {
        let list: Vec<u8> = (0..=255).collect();
        let written = postcard::to_allocvec(&(Bytes(&list), 7_u32)).unwrap();
        assert_eq!(written, postcard::to_allocvec(&(&list, 7_u32)).unwrap());
        assert_eq!(postcard::from_bytes(&written), Ok((Bytes(&list), 7_u32)));
        assert!(postcard::from_bytes::<Bytes<'_>>(&written[..100]).is_err(), "cut off");
    }
}
