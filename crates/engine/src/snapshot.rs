//! The state of a shard as bytes, and back: what is restored goes on exactly as what was saved would have. Under other rules than it
//! was saved with, those correlations go on that are the same, by the hash of all that they look for.

use crate::behaviour::{Behaviour, BehaviourSettings, Society};
use crate::bytes::Bytes;
use crate::carry::{Carried, WindowKey, fitted, window_keys};
use crate::computed::State;
use crate::exchange::Exchange;
use crate::seen::Seen;
use crate::shard::Shard;
use crate::targets::Keeper;
use crate::windows::{WindowLimits, Windows};
use baseline::targets::Targets;
use sigma::compile::RuleSet;
use std::sync::Arc;

/// Written first, so that other files, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJSD";

/// A snapshot that can't be restored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// The bytes do not begin as a snapshot does.
    #[error("not a snapshot: it begins with {0:02x?}")]
    Foreign(Vec<u8>),
    /// Cut off or damaged.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

/// The profiles in the snapshot of a shard ([`Behaviour::to_bytes`]), for who wants nothing else of it; `None` if it keeps none.
pub fn profiles(bytes: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
    let (_, own, _) = load(&RuleSet::default(), WindowLimits::default(), bytes)?;
    let (_, _, profiles) = own.ok_or_else(|| SnapshotError::Damaged("it is of an exchange".to_owned()))?;
    Ok(profiles.map(|it| it.0.to_vec()))
}

/// How the windows in a snapshot stand to the rules of `set`.
pub fn carried(set: &RuleSet, bytes: &[u8]) -> Result<Carried, SnapshotError> {
    let (theirs, _) = keys(bytes)?;
    Ok(Carried::of(&theirs, &window_keys(set)))
}

fn keys(bytes: &[u8]) -> Result<(Vec<WindowKey>, &[u8]), SnapshotError> {
    let Some(body) = bytes.strip_prefix(&MAGIC) else {
        return Err(SnapshotError::Foreign(bytes.iter().copied().take(MAGIC.len()).collect()));
    };
    postcard::take_from_bytes(body).map_err(|it| SnapshotError::Damaged(it.to_string()))
}

/// What a shard knows of events and actors beside its windows.
type Own<S, T, B> = Option<(S, T, Option<B>)>;
type Restored<'b> = Own<Seen, State, Bytes<'b>>;
/// The targets of an exchange, and the hour that their classes were looked at for.
type Kept<'b> = Option<(Bytes<'b>, i64)>;
/// What follows the keys.
type Saved<'b> = (Windows, Restored<'b>, Kept<'b>);

fn save(set: &RuleSet, windows: &Windows, own: Own<&Seen, &State, Bytes<'_>>, kept: Kept<'_>) -> Vec<u8> {
    let body = postcard::to_extend(&(window_keys(set), windows, own, kept), MAGIC.to_vec());
    body.expect("writing to memory fails for no value of these types")
}

fn load<'b>(set: &RuleSet, limits: WindowLimits, bytes: &'b [u8]) -> Result<Saved<'b>, SnapshotError> {
    let (keys, body) = keys(bytes)?;
    let (windows, mut own, kept): Saved<'_> = postcard::from_bytes(body).map_err(|it| SnapshotError::Damaged(it.to_string()))?;
    if windows.len() != keys.len() {
        return Err(SnapshotError::Damaged(format!("{} windows for {} correlations", windows.len(), keys.len())));
    }
    let mut windows = fitted(windows, &keys, set, limits);
    windows.reindex();
    if let Some((seen, state, _)) = &mut own {
        seen.reindex();
        state.reindex();
    }
    Ok((windows, own, kept))
}

impl Shard {
    /// Everything that its next verdicts depend on, but what profiles have in common ([`Behaviour::society`]).
    pub fn snapshot(&self, set: &RuleSet) -> Vec<u8> {
        let behaviour = self.behaviour().map(Behaviour::to_bytes);
        save(set, &self.windows, Some((&self.seen, &self.state, behaviour.as_deref().map(Bytes))), None)
    }

    /// The shard that [`Self::snapshot`] was taken of, under the rules of `set`; correlations that are new or not the same any more
    /// begin with empty windows of these limits. Without `society`, profiles are left out.
    pub fn restore(
        set: &RuleSet,
        limits: WindowLimits,
        society: Option<(&BehaviourSettings, Arc<Society>)>,
        bytes: &[u8],
    ) -> Result<Self, SnapshotError> {
        let (windows, own, _) = load(set, limits, bytes)?;
        let (seen, state, behaviour) = own.ok_or_else(|| SnapshotError::Damaged("it is of an exchange".to_owned()))?;
        let mut shard = Self::with(windows, seen, state);
        if let Some((bytes, (settings, society))) = behaviour.zip(society) {
            shard.watch(Behaviour::from_bytes(settings, society, bytes.0).map_err(SnapshotError::Damaged)?);
        }
        Ok(shard)
    }
}

impl Exchange {
    /// Everything that its next verdicts depend on.
    pub fn snapshot(&self, set: &RuleSet) -> Vec<u8> {
        let kept = self.keeper.as_ref().map(|it| (it.targets.to_bytes(), it.hour));
        save(set, &self.windows, None, kept.as_ref().map(|(targets, hour)| (Bytes(targets), *hour)))
    }

    /// The exchange that [`Self::snapshot`] was taken of, as [`Shard::restore`] does it.
    pub fn restore(set: &RuleSet, limits: WindowLimits, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (windows, _, kept) = load(set, limits, bytes)?;
        let mut exchange = Self::with(windows);
        if let Some((targets, hour)) = kept {
            let targets = Targets::from_bytes(targets.0).map_err(|it| SnapshotError::Damaged(it.to_string()))?;
            exchange.keeper = Some(Box::new(Keeper::with(targets, hour)));
        }
        Ok(exchange)
    }
}
