//! The state of a shard as bytes, and back: what is restored goes on exactly as what was saved would have.

use crate::exchange::Exchange;
use crate::seen::Seen;
use crate::shard::Shard;
use crate::windows::Windows;
use sigma::compile::RuleSet;

/// Written first, so that other files are recognised.
const MAGIC: [u8; 4] = *b"NJS1";

/// A snapshot that can't be restored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// The bytes do not begin as a snapshot does.
    #[error("not a snapshot: it begins with {0:02x?}")]
    Foreign(Vec<u8>),
    /// Taken with other rules; its windows mean something else.
    #[error("the snapshot was taken with rule set {theirs}, but {ours} is loaded")]
    OtherRules {
        /// The rule set of the snapshot.
        theirs: String,
        /// The rule set that is loaded.
        ours: String,
    },
    /// Cut off or damaged.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

type Saved = (String, Windows, Option<Seen>);

fn save(set: &RuleSet, windows: &Windows, seen: Option<&Seen>) -> Vec<u8> {
    let body = postcard::to_extend(&(&*set.hash, windows, seen), MAGIC.to_vec());
    body.expect("writing to memory fails for no value of these types")
}

fn load(set: &RuleSet, bytes: &[u8]) -> Result<(Windows, Option<Seen>), SnapshotError> {
    let Some(body) = bytes.strip_prefix(&MAGIC) else {
        return Err(SnapshotError::Foreign(bytes.iter().copied().take(MAGIC.len()).collect()));
    };
    let damaged = |it: postcard::Error| SnapshotError::Damaged(it.to_string());
    let (theirs, _) = postcard::take_from_bytes::<String>(body).map_err(damaged)?;
    if *theirs != *set.hash {
        return Err(SnapshotError::OtherRules { theirs, ours: set.hash.to_string() });
    }
    let (_, mut windows, mut seen): Saved = postcard::from_bytes(body).map_err(damaged)?;
    if windows.len() != set.correlations.len() {
        return Err(SnapshotError::Damaged(format!("{} windows for {} correlations", windows.len(), set.correlations.len())));
    }
    windows.reindex();
    if let Some(seen) = &mut seen {
        seen.reindex();
    }
    Ok((windows, seen))
}

impl Shard {
    /// Everything that its next verdicts depend on.
    pub fn snapshot(&self, set: &RuleSet) -> Vec<u8> {
        save(set, &self.windows, Some(&self.seen))
    }

    /// The shard that [`Self::snapshot`] was taken of.
    pub fn restore(set: &RuleSet, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (windows, seen) = load(set, bytes)?;
        Ok(Self { windows, seen: seen.ok_or_else(|| SnapshotError::Damaged("it is of an exchange".to_owned()))? })
    }
}

impl Exchange {
    /// Everything that its next verdicts depend on.
    pub fn snapshot(&self, set: &RuleSet) -> Vec<u8> {
        save(set, &self.windows, None)
    }

    /// The exchange that [`Self::snapshot`] was taken of.
    pub fn restore(set: &RuleSet, bytes: &[u8]) -> Result<Self, SnapshotError> {
        Ok(Self { windows: load(set, bytes)?.0 })
    }
}
