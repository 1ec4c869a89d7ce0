//! The state of triage as bytes, and back: what is restored goes on exactly as what was saved would have.

use super::{Settings, Triage};
use crate::snapshot::SnapshotError;

/// Written first, so that other files, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJT1";

impl Triage {
    /// Everything that the next decisions depend on, beside the settings.
    pub fn snapshot(&self) -> Vec<u8> {
        postcard::to_extend(&self.state, MAGIC.to_vec()).expect("writing to memory fails for no value of these types")
    }

    /// Goes on from a snapshot, with these settings.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let Some(body) = bytes.strip_prefix(&MAGIC) else {
            return Err(SnapshotError::Foreign(bytes.iter().copied().take(MAGIC.len()).collect()));
        };
        let state = postcard::from_bytes(body).map_err(|it| SnapshotError::Damaged(it.to_string()))?;
        Ok(Self { settings, state })
    }
}
