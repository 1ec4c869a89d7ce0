//! The targets of a shard as bytes, with the version of their layout, and back to the bit.

use super::Targets;

/// The version of the layout: the first two bytes.
const VERSION: u16 = 1;

/// Targets that can't be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetsError {
    /// Another version of the layout.
    Version(u16),
    /// Cut off or damaged.
    Damaged(String),
}

impl std::fmt::Display for TargetsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(found) => write!(f, "targets of version {found}, but only version {VERSION} is known: learn them anew"),
            Self::Damaged(why) => write!(f, "the targets are damaged: {why}"),
        }
    }
}

impl std::error::Error for TargetsError {}

impl Targets {
    /// Everything that the next views depend on.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, VERSION.to_le_bytes().to_vec()).expect("writing to memory fails for no value of this type")
    }

    /// What [`Self::to_bytes`] wrote, to the bit.
    ///
    /// # Errors
    ///
    /// Bytes of another version, cut off or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TargetsError> {
        let damaged = |why: &str| TargetsError::Damaged(why.to_owned());
        let (version, body) = bytes.split_first_chunk().ok_or_else(|| damaged("cut off"))?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(TargetsError::Version(version));
        }
        let (mut it, rest): (Self, &[u8]) = postcard::take_from_bytes(body).map_err(|it| damaged(&it.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged("bytes too many"));
        }
        if !it.fits() {
            return Err(damaged("its parts don't fit together"));
        }
        it.reindex();
        Ok(it)
    }

    /// Whether every place that something refers to is there, so that nothing that was read back can lead astray.
    fn fits(&self) -> bool {
        let Some(classes) = self.classes.checked_len() else { return false };
        let is_room = self.limits.targets_max > 0 && self.places.len() <= self.limits.targets_max as usize;
        let is_hand = self.hand < self.places.len().max(1);
        is_room && is_hand && self.places.iter().all(|it| it.is_of(classes)) && self.crowds.fits(&self.places)
    }
}
