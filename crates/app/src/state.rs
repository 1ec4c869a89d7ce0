//! The state of `score` in a folder: what is in the file, and what may be wrong with it.

use crate::exit::Usage;
use anyhow::{Context, Result};
use engine::Rulebook;
use model::SourceMapping;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use stream::checkpoint::{self, CheckpointError};

/// What the file in the folder is called.
const FILE: &str = "state.njs";

/// Parts of the file, in their order. Each shard has one of its own for shard, exchange and profiles that had to make way.
pub(crate) const MANIFEST: &str = "manifest";
/// Watermark, hour, latest event time.
pub(crate) const CLOCK: &str = "clock";
/// Groups of peers.
pub(crate) const SOCIETY: &str = "society";
/// Budget, open incidents and episodes, if alerts about behaviour are triaged.
pub(crate) const TRIAGE: &str = "triage";
/// [`engine::Pulse::snapshot`], if the source has a pulse.
pub(crate) const PULSE: &str = "pulse";
/// [`engine::Shard::snapshot`]
pub(crate) const SHARD: &str = "shard";
/// [`engine::Exchange::snapshot`]
pub(crate) const EXCHANGE: &str = "exchange";
/// The part of a checkpoint with how far a partition has told others that it is.
pub(crate) const SENDER: &str = "sender";
/// The part of a checkpoint with how many of a partition's people the desk was told of.
pub(crate) const CENSUS: &str = "census";
/// Some profiles that had to make way: [`Kept`].
pub(crate) const ATTIC: &str = "attic";

/// Profiles of a shard for which there was no room, and who they are of.
pub(crate) type Kept = (usize, Vec<(u128, Vec<u8>)>);

/// What the state is of, for people and to see whether it fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The version of Nightjar that wrote it.
    pub(crate) nightjar: String,
    /// The name of the source mapping, and the hash of what it says.
    pub(crate) source: String,
    pub(crate) source_hash: String,
    /// The hash of the rules.
    pub(crate) rules_hash: String,
    /// How many shards the actors are spread over.
    pub(crate) shards: usize,
    /// Events that were scored, in all runs.
    pub(crate) events: u64,
    /// The time of the last of them, as RFC 3339, and in milliseconds.
    pub(crate) last_event: String,
    pub(crate) last_event_ms: i64,
    /// Profiles in memory, and those for which there was no room.
    pub(crate) people: usize,
    pub(crate) people_on_disk: usize,
}

/// The file in `folder`.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Gives `each` the parts of the state in `folder`. `false` if there is none.
pub(crate) fn read(folder: &Path, mut each: impl FnMut(&str, Vec<u8>) -> Result<()>) -> Result<bool> {
    let path = file(folder);
    let read = checkpoint::read(&path, |name, bytes| each(name, bytes).map_err(Failure::Other));
    read.map_err(|it| match it {
        Failure::Checkpoint(error) if error.is_of_content() => Usage::because(error),
        Failure::Checkpoint(error) => error.into(),
        Failure::Other(error) => error,
    })
}

/// Says that a part of the state in `folder` makes no sense, although the file is whole.
pub(crate) fn damaged(folder: &Path, why: impl std::fmt::Display) -> anyhow::Error {
    Usage::because(CheckpointError::damaged(&file(folder), why))
}

/// Reads the manifest.
pub(crate) fn manifest(folder: &Path, bytes: &[u8]) -> Result<Manifest> {
    serde_json::from_slice(bytes).map_err(|it| damaged(folder, format_args!("its manifest: {it}")))
}

/// Writes the state into `folder`: what stood there before stays until the new one is whole.
pub(crate) fn write(folder: &Path, parts: impl FnOnce(&mut checkpoint::Writer) -> Result<()>) -> Result<u64> {
    let mut writer = checkpoint::Writer::create(&file(folder))?;
    parts(&mut writer)?;
    writer.finish().context("the state was not saved")
}

/// Errors on both sides of reading.
enum Failure {
    Checkpoint(CheckpointError),
    Other(anyhow::Error),
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

/// FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo) in hexadecimal: tells apart what is not meant to be taken for something else.
pub(crate) fn hash_of(text: &str) -> String {
    format!("{:016x}", fnv(text.as_bytes()))
}

/// The same as a number.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, it| (hash ^ u64::from(*it)).wrapping_mul(0x0100_0000_01b3))
}

/// Two mappings with the same hash read the same from an event. Whether it is watched for missing ones is another matter, and states of
/// before there was such a thing go on.
pub(crate) fn source_hash(mapping: &SourceMapping) -> String {
    let text = format!("{:?}", SourceMapping { pulse: None, ..mapping.clone() });
    hash_of(&text.replace(", pulse: None }", " }"))
}

/// Which rules there are, and what correlations look for.
pub(crate) fn rules_hash(book: &Rulebook) -> String {
    let set = &book.set;
    let ids: Vec<_> = set.rules.iter().map(|it| &it.info).chain(set.correlations.iter().map(|it| &it.info)).collect();
    let ids: Vec<_> = ids.into_iter().map(|it| (&it.id, &it.name, &it.version)).collect();
    hash_of(&format!("{:?}", (ids, &set.contents)))
}
