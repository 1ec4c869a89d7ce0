//! Who are each other's peers: the groups by class, role and team, shared by all shards and looked at anew for all of them at once.

use super::Behaviour;
use crate::bytes::Bytes;
use baseline::calibrate::Calibration;
use baseline::observation::Class;
use baseline::peers::{Group, GroupId, Peers, Tally, Touched};
use hashbrown::HashMap;
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// What p-values are worth is found out anew every quarter of a day: days are what it is made of.
const CALIBRATED_EVERY: u32 = 6 * 3_600;

/// What makes people peers. Role and team are hashes of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct GroupKey {
    pub(crate) class: Class,
    pub(crate) role: Option<u64>,
    pub(crate) team: Option<u64>,
}

/// The groups and what is known of them, the same in every shard until the next [`refresh`].
#[derive(Debug, Default)]
pub struct Society {
    peers: Peers,
    groups: HashMap<GroupKey, GroupId>,
    /// When it was found out what p-values are worth, in seconds since the epoch.
    calibrated: u32,
    /// How many shards were looked at the last time.
    shards: usize,
}

impl Society {
    /// Of how many groups and kinds of names a table was made since the latest look: the first member who does something new pays for it.
    pub fn tables_made(&self) -> usize {
        self.peers.tables_made()
    }

    /// The group of that key, if it is there yet.
    pub(super) fn find(&self, key: &GroupKey) -> Option<GroupId> {
        self.groups.get(key).copied()
    }

    pub(super) fn of(&self, id: GroupId) -> &Group {
        self.peers.of(id)
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Never: there are always people and service accounts.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// How often a role or team was taken for the group above it, for want of room.
    pub fn refused(&self) -> u64 {
        self.peers.refused()
    }

    /// Everything, with its version.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut groups: Vec<(GroupKey, GroupId)> = self.groups.iter().map(|(key, id)| (*key, *id)).collect();
        groups.sort_unstable();
        let peers = self.peers.to_bytes();
        let saved = (Bytes(&peers), groups, self.calibrated);
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// Says what is wrong with bytes of another version, cut off or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        type Saved<'b> = (Bytes<'b>, Vec<(GroupKey, GroupId)>, u32);
        let (peers, groups, calibrated): Saved<'_> = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let peers = Peers::from_bytes(peers.0).map_err(|it| it.to_string())?;
        Ok(Self { peers, groups: groups.into_iter().collect(), calibrated, shards: 0 })
    }
}

/// Looks at everybody of all shards anew, when the watermark has
/// `reached`: groups that somebody was found to be of, what is expected of their members, and
/// what p-values are worth. The shards have to be given in the same order each time.
pub fn refresh<'b>(shards: impl IntoIterator<Item = &'b mut Behaviour>, reached: EventTime) {
    let second = u32::try_from(reached.ms().div_euclid(1_000)).unwrap_or(0);
    let mut shards: Vec<&mut Behaviour> = shards.into_iter().collect();
    if shards.is_empty() {
        return;
    }
    let Society { mut peers, mut groups, mut calibrated, shards: before } = taken(&mut shards);
    shards.iter_mut().for_each(|it| it.wanted_known.clear());
    for key in shards.iter_mut().flat_map(|it| it.wanted.drain(..)) {
        groups.entry(key).or_insert_with(|| peers.group(key.class, key.role, key.team));
    }
    if calibrated == 0 || second >= calibrated.saturating_add(CALIBRATED_EVERY) {
        let days = if calibrated == 0 { 0.0 } else { f64::from(second - calibrated) / 86_400.0 };
        let mut calibration = Calibration::default();
        for shard in &mut shards {
            calibration.merge(&shard.calibration);
            shard.calibration.decay(days);
        }
        peers.recalibrate(calibration);
        calibrated = second;
    }
    // A shard that is new has touched everything; where one has gone, so has everybody in it.
    let mut touched = if before == shards.len() { Touched::none() } else { Touched::default() };
    for shard in &mut shards {
        touched.merge(&shard.touched);
        shard.touched.clear();
    }
    let mut tally = Tally::again(&mut peers, second, &touched);
    shards.iter().flat_map(|it| it.population.people()).for_each(|(_, it)| tally.add(it));
    peers.refresh(tally);
    let society = Arc::new(Society { peers, groups, calibrated, shards: shards.len() });
    shards.into_iter().for_each(|it| it.society = Arc::clone(&society));
}

/// What the shards share, taken out of all of them; a copy, if somebody else looks at it as well.
fn taken(shards: &mut [&mut Behaviour]) -> Society {
    static NOBODY: LazyLock<Arc<Society>> = LazyLock::new(Arc::default);
    let mut taken: Vec<Arc<Society>> =
        shards.iter_mut().map(|it| std::mem::replace(&mut it.society, Arc::clone(&NOBODY))).collect();
    taken.truncate(1);
    taken.pop().map_or_else(Society::default, |it| Arc::try_unwrap(it).unwrap_or_else(|it| it.copied()))
}

impl Society {
    fn copied(&self) -> Self {
        Self { peers: self.peers.clone(), groups: self.groups.clone(), ..*self }
    }
}
