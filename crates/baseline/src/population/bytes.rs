//! Persons and populations as bytes, with the version of their layout, and back to the bit.

use super::Population;
use crate::person::{Person, VERSION};

/// A person or population that can't be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonError {
    /// Another version of the layout.
    Version(u16),
    /// Cut off or damaged.
    Damaged(String),
}

impl std::fmt::Display for PersonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(found) => {
                write!(f, "a profile of version {found}, but only version {VERSION} is known: learn it anew from the archive")
            }
            Self::Damaged(why) => write!(f, "the profile is damaged: {why}"),
        }
    }
}

impl std::error::Error for PersonError {}

/// A person as bytes.
pub fn to_bytes(person: &Person) -> Vec<u8> {
    let version = VERSION.to_le_bytes().to_vec();
    postcard::to_extend(person, version).expect("writing to memory fails for no value of this type")
}

/// The person that [`to_bytes`] was given, to the bit.
///
/// # Errors
///
/// Bytes of another version, cut off or damaged.
pub fn from_bytes(bytes: &[u8]) -> Result<Person, PersonError> {
    body(bytes).and_then(|body| postcard::from_bytes(body).map_err(|it| PersonError::Damaged(it.to_string())))
}

fn body(bytes: &[u8]) -> Result<&[u8], PersonError> {
    let (version, body) = bytes.split_first_chunk().ok_or_else(|| PersonError::Damaged("cut off".to_owned()))?;
    let version = u16::from_le_bytes(*version);
    if version == VERSION { Ok(body) } else { Err(PersonError::Version(version)) }
}

impl Population {
    /// Everybody, seat by seat.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        let write = |value: (usize, usize, u64, usize), bytes| postcard::to_extend(&value, bytes);
        let expected = "writing to memory fails for no value of these types";
        bytes = write((self.people_max, self.hand, self.evicted, self.len()), bytes).expect(expected);
        for person in self.people() {
            bytes = postcard::to_extend(&person, bytes).expect(expected);
        }
        bytes
    }

    /// What [`Self::to_bytes`] wrote: everybody in the same seat, to the bit.
    ///
    /// # Errors
    ///
    /// Bytes of another version, cut off or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PersonError> {
        let damaged = |it: postcard::Error| PersonError::Damaged(it.to_string());
        let ((people_max, hand, evicted, people), mut rest): ((usize, usize, u64, usize), &[u8]) =
            postcard::take_from_bytes(body(bytes)?).map_err(damaged)?;
        let mut restored = Self::new(people_max);
        for _ in 0..people {
            let ((id, person), after): ((u128, Person), &[u8]) = postcard::take_from_bytes(rest).map_err(damaged)?;
            if restored.len() == restored.people_max || restored.find(id).is_some() {
                return Err(PersonError::Damaged("more people than there is room for, or one of them twice".to_owned()));
            }
            restored.admit(id, Some(person));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(PersonError::Damaged(format!("{} bytes too many", rest.len())));
        }
        (restored.hand, restored.evicted) = (hand % people.max(1), evicted);
        Ok(restored)
    }
}
