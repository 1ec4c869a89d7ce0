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

/// What p-values are worth, and once a week of habits is known what is usual, is found out anew every quarter of a day: days are what both are
/// made of, and what an hour adds to a week moves no expectation that anybody would notice.
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
    /// In how many shards everybody was looked at the last time.
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
/// `reached`: groups that somebody was found to be of, how their members' present day is, and, every hour until a week of habits is known and
/// every quarter of a day from then on, what is expected of members and what p-values are worth. The shards have to be given in the same
/// order each time.
pub fn refresh<'b>(shards: impl IntoIterator<Item = &'b mut Behaviour>, reached: EventTime) {
    let second = u32::try_from(reached.ms().div_euclid(1_000)).unwrap_or(0);
    let mut shards: Vec<&mut Behaviour> = shards.into_iter().collect();
    if shards.is_empty() {
        return;
    }
    let mut society = taken(&mut shards);
    society.make_groups(&mut shards);
    let is_due = society.calibrated == 0 || second >= society.calibrated.saturating_add(CALIBRATED_EVERY);
    if is_due {
        society.recalibrate(&mut shards, second);
    }
    let is_whole = is_due || !society.peers.of(GroupId::PEOPLE).is_settled();
    society.look(&mut shards, second, is_whole);
    let society = Arc::new(society);
    shards.into_iter().for_each(|it| it.society = Arc::clone(&society));
}

impl Society {
    /// Makes the groups that somebody was found to be of.
    fn make_groups(&mut self, shards: &mut [&mut Behaviour]) {
        let Self { peers, groups, .. } = self;
        shards.iter_mut().for_each(|it| it.wanted_known.clear());
        for key in shards.iter_mut().flat_map(|it| it.wanted.drain(..)) {
            groups.entry(key).or_insert_with(|| peers.group(key.class, key.role, key.team));
        }
    }

    fn recalibrate(&mut self, shards: &mut [&mut Behaviour], second: u32) {
        let days = if self.calibrated == 0 { 0.0 } else { f64::from(second - self.calibrated) / 86_400.0 };
        let mut calibration = Calibration::default();
        for shard in shards {
            calibration.merge(&shard.calibration);
            shard.calibration.decay(days);
        }
        self.peers.recalibrate(calibration);
        self.calibrated = second;
    }

    /// What members use and how their present day is; and, in a whole look, what is expected of them.
    fn look(&mut self, shards: &mut [&mut Behaviour], second: u32, is_whole: bool) {
        let length = shards.len();
        let (mut touched, mut used) = (Touched::none(), Touched::none());
        for shard in &mut *shards {
            if self.shards != length {
                // A shard that is new has touched everything; where one has gone, so has everybody in it.
                (shard.touched, shard.used) = Default::default();
            }
            used.merge(&shard.used);
            shard.used.clear();
            if is_whole {
                touched.merge(&shard.touched);
                shard.touched.clear();
            }
        }
        let peers = &mut self.peers;
        let mut tally = if is_whole { Tally::again(peers, second, &touched, &used) } else { Tally::between(peers, second, &used) };
        shards.iter().flat_map(|it| it.population.people()).for_each(|(_, it)| tally.add(it));
        self.peers.refresh(tally);
        self.shards = length;
    }

    fn copied(&self) -> Self {
        Self { peers: self.peers.clone(), groups: self.groups.clone(), ..*self }
    }
}

/// What the shards share, taken out of all of them; a copy, if somebody else looks at it as well.
fn taken(shards: &mut [&mut Behaviour]) -> Society {
    static NOBODY: LazyLock<Arc<Society>> = LazyLock::new(Arc::default);
    let mut taken: Vec<Arc<Society>> =
        shards.iter_mut().map(|it| std::mem::replace(&mut it.society, Arc::clone(&NOBODY))).collect();
    taken.truncate(1);
    taken.pop().map_or_else(Society::default, |it| Arc::try_unwrap(it).unwrap_or_else(|it| it.copied()))
}
