//! Arrays of any length in serde, as tuples: it has them up to 32 itself.

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

pub(crate) fn serialize<T: Serialize, S: Serializer, const N: usize>(array: &[T; N], to: S) -> Result<S::Ok, S::Error> {
    let mut tuple = to.serialize_tuple(N)?;
    for it in array {
        tuple.serialize_element(it)?;
    }
    tuple.end()
}

pub(crate) fn deserialize<'de, T: Deserialize<'de> + Copy + Default, D: Deserializer<'de>, const N: usize>(
    from: D,
) -> Result<[T; N], D::Error> {
    from.deserialize_tuple(N, Array(PhantomData))
}

struct Array<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Copy + Default, const N: usize> Visitor<'de> for Array<T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<[T; N], A::Error> {
        let mut array = [T::default(); N];
        for (at, place) in array.iter_mut().enumerate() {
            *place = values.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        Ok(array)
    }
}
