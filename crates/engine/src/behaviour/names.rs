//! What the hashes in profiles stand for, so that a profile can be shown. Scoring never reads it.

use super::Observed;
use baseline::observation::{DIMENSIONS, Dimension};
use baseline::person::Person;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// Actors of a shard that are known by name; of more, a profile says a hash.
const ACTORS_MAX: usize = 1 << 17;
/// Names a shard remembers of each dimension.
const KINDS_MAX: usize = 1 << 14;
/// Longer names are cut to as many bytes.
const NAME_BYTES_MAX: usize = 128;
/// Places for keys that were looked up lately: an event asks for six, and nearly always they are known. 8 KiB.
const LATELY: usize = 2_048;

/// An actor as an event names it, and the group by which it was last judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The identifier.
    pub name: String,
    /// The role, if one is known.
    pub role: Option<String>,
    /// The team, if one is known.
    pub team: Option<String>,
}

/// What is asked of an event whose words are to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Actor,
    Role,
    Team,
    Kind(Dimension),
}

/// The names that one shard remembers.
#[derive(Debug)]
pub struct Names {
    actors: HashMap<u128, Actor>,
    kinds: [HashMap<u32, Box<str>>; DIMENSIONS],
    lately: Box<[u64; LATELY]>,
    refused: u64,
}

impl Default for Names {
    fn default() -> Self {
        Self { actors: HashMap::new(), kinds: Default::default(), lately: Box::new([0; LATELY]), refused: 0 }
    }
}

/// What is written: in order, so that equal names are equal bytes.
type Saved = (Vec<(u128, Actor)>, Vec<Vec<(u32, Box<str>)>>, u64);

impl Names {
    /// The actor of that identity.
    pub fn actor(&self, id: u128) -> Option<&Actor> {
        self.actors.get(&id)
    }

    /// All actors, in no order.
    pub fn actors(&self) -> impl Iterator<Item = &Actor> {
        self.actors.values()
    }

    /// What a profile remembers as `key` ([`Person::each_kind`]).
    pub fn kind(&self, dimension: Dimension, key: u32) -> Option<&str> {
        self.kinds[dimension.index()].get(&key).map(AsRef::as_ref)
    }

    /// How many names there was no room for.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Remembers the words of an event. `is_met` is whether nothing, or another group, was known of the actor; `say` finds a word.
    pub(super) fn note(&mut self, observed: &Observed, is_met: bool, say: impl Fn(Asked) -> Option<String>) {
        if is_met {
            let (role, team) = (say(Asked::Role).map(cut), say(Asked::Team).map(cut));
            let actor = Actor { name: say(Asked::Actor).map(cut).unwrap_or_default(), role, team };
            if self.actors.len() < ACTORS_MAX || self.actors.contains_key(&observed.id) {
                self.actors.insert(observed.id, actor);
            } else {
                self.refused += 1;
            }
        }
        for (dimension, identity) in Dimension::ALL.into_iter().zip(observed.observation.kinds) {
            let Some(identity) = identity else { continue };
            let lately = &mut self.lately[place(dimension, identity)];
            if *lately != identity.get() ^ dimension.index() as u64 {
                *lately = identity.get() ^ dimension.index() as u64;
                self.note_kind(dimension, Person::key(identity), || say(Asked::Kind(dimension)));
            }
        }
    }

    fn note_kind(&mut self, dimension: Dimension, key: u32, name: impl FnOnce() -> Option<String>) {
        let known = &mut self.kinds[dimension.index()];
        if known.contains_key(&key) {
            return;
        }
        if known.len() >= KINDS_MAX {
            self.refused += 1;
        } else if let Some(name) = name() {
            known.insert(key, cut(name).into_boxed_str());
        }
    }

    /// Everything.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut actors: Vec<(&u128, &Actor)> = self.actors.iter().collect();
        actors.sort_unstable_by_key(|it| it.0);
        let kinds: Vec<Vec<(&u32, &Box<str>)>> = self
            .kinds
            .iter()
            .map(|it| {
                let mut kinds: Vec<_> = it.iter().collect();
                kinds.sort_unstable();
                kinds
            })
            .collect();
        postcard::to_allocvec(&(actors, kinds, self.refused)).expect("writing to memory fails for no value of these types")
    }

    /// What [`Self::to_bytes`] wrote.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (actors, kinds, refused): Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let kinds: Vec<HashMap<u32, Box<str>>> = kinds.into_iter().map(|it| it.into_iter().collect()).collect();
        let kinds = kinds.try_into().map_err(|_| "names of other dimensions".to_owned())?;
        Ok(Self { actors: actors.into_iter().collect(), kinds, refused, ..Self::default() })
    }
}

/// Where an identity is looked for among those of lately.
fn place(dimension: Dimension, identity: NonZeroU64) -> usize {
    let bits = (identity.get() >> 7) ^ ((dimension.index() as u64) << 8);
    usize::try_from(bits % LATELY as u64).expect("it is below LATELY")
}

fn cut(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    name
}
