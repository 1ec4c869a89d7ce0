//! What partitions say of their sources, for the first owner, which keeps the pulses of the whole group: a source falls silent as a whole,
//! and a number that is missing in one partition may be in another. `NJP1`, then a [`Wire`] in postcard.

use super::merge::Origin;
use super::parcel::ParcelError;
use crate::bytes::Bytes;
use crate::pulse::{Beat, Finding, PulseSettings, PulseStats, Standing, Watch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Written first: other records, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJP1";
/// Most streams, emitters and canaries in a record; names are at most 128 bytes long.
const ENTRIES_MAX: usize = 1_024;

#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    group: u64,
    topic: String,
    partition: i32,
    begun: i64,
    /// Everything before this offset has been said, if all of the following records are counted in as well.
    end_offset: i64,
    /// How many more records the batch has.
    more: u32,
    source: String,
    standing: Standing,
    beat: Beat,
}

/// What partitions say, on its way.
pub(super) struct Saying<'s> {
    pub(super) group: u64,
    pub(super) origin: &'s Origin,
    pub(super) begun: i64,
    pub(super) end_offset: i64,
    pub(super) source: &'s str,
    pub(super) standing: Standing,
}

/// Whether a record is meant for the pulses.
pub(super) fn is_pulse(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// The records that say it.
pub(super) fn pack(saying: &Saying<'_>, beat: Beat) -> Vec<Vec<u8>> {
    let Saying { group, origin, begun, end_offset, source, standing } = *saying;
    let parts = beat.into_parts(ENTRIES_MAX);
    let last = parts.len().saturating_sub(1);
    let record = |(nth, beat): (usize, Beat)| {
        // Only with the last one everything is said up to there.
        let watermark_ms = if nth == last { standing.watermark_ms } else { i64::MIN };
        let standing = Standing { watermark_ms, ..standing };
        let (topic, partition, more) =
            ((*origin.topic).to_owned(), origin.partition, u32::try_from(last - nth).unwrap_or(u32::MAX));
        let wire = Wire { group, topic, partition, begun, end_offset, more, source: source.to_owned(), standing, beat };
        postcard::to_extend(&wire, MAGIC.to_vec()).expect("writing to memory fails for no value of these types")
    };
    parts.into_iter().enumerate().map(record).collect()
}

/// How far a partition has said everything: its life, the offset, and how many records are yet to come of that batch.
type Said = (i64, i64, u32);

/// The pulses of all sources of a group.
#[derive(Debug, Default)]
pub struct Pulses {
    posts: Vec<Post>,
    /// By topic and partition.
    said: BTreeMap<(String, i32), Said>,
}

/// One source.
#[derive(Debug)]
struct Post {
    /// What tells it from others.
    key: String,
    /// The rulebook's program for it.
    program: u16,
    settings: PulseSettings,
    lateness_ms: i64,
    watch: Watch,
}

/// What became of a record.
pub(super) enum Heard {
    /// It was taken, and this is wrong with the source of this program by now.
    Taken(u16, Vec<Finding>),
    /// It had come before.
    Repeated,
    /// It is of a source that is not known here.
    Foreign,
    /// It is of another group.
    Stranger,
}

/// What is kept: each source's key and state, and what was said.
#[derive(Serialize, Deserialize)]
struct Saved<'b> {
    #[serde(borrow)]
    posts: Vec<(String, Bytes<'b>)>,
    said: Vec<((String, i32), Said)>,
}

impl Pulses {
    /// Watches one more source, that `key` tells from others, in the name of the program, with what is known of it.
    pub fn watch(&mut self, key: &str, program: u16, (settings, lateness_ms): (PulseSettings, i64), watch: Watch) {
        self.posts.push(Post { key: key.to_owned(), program, settings, lateness_ms, watch });
    }

    /// How each source's program stands.
    pub fn stats(&self) -> impl Iterator<Item = (u16, PulseStats)> {
        self.posts.iter().map(|it| (it.program, it.watch.pulse().stats()))
    }

    /// Partitions that `is_there` does not know are waited for no more. Says whether there were any.
    pub(super) fn retain(&mut self, is_there: impl Fn(&Origin) -> bool) -> bool {
        self.said.retain(|(topic, partition), _| is_there(&Origin::new(topic, *partition)));
        self.posts.iter_mut().filter_map(|it| it.watch.retain(&is_there).then_some(())).count() > 0
    }

    /// Takes a record of partitions of `group`.
    pub(super) fn hear(&mut self, group: u64, record: &[u8]) -> Result<Heard, ParcelError> {
        let body = record.strip_prefix(&MAGIC).unwrap_or_default();
        let wire: Wire = postcard::from_bytes(body).map_err(|it| ParcelError::Damaged(it.to_string()))?;
        if wire.group != group {
            return Ok(Heard::Stranger);
        }
        let Some(post) = self.posts.iter_mut().find(|it| it.key == wire.source) else { return Ok(Heard::Foreign) };
        let origin = Origin::new(&wire.topic, wire.partition);
        let said = self.said.entry((wire.topic, wire.partition)).or_insert((i64::MIN, i64::MIN, 0));
        let (begun, end_offset, more) = *said;
        let has_come = begun == wire.begun && (end_offset > wire.end_offset || end_offset == wire.end_offset && more <= wire.more);
        if has_come && !wire.beat.is_empty() {
            return Ok(Heard::Repeated);
        }
        if !has_come {
            *said = (wire.begun, wire.end_offset, wire.more);
        }
        let mut findings = Vec::new();
        post.watch.take(&origin, &wire.standing, &wire.beat, &mut findings);
        Ok(Heard::Taken(post.program, findings))
    }

    /// Everything that its next findings depend on.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let states: Vec<Vec<u8>> = self.posts.iter().map(|it| it.watch.snapshot()).collect();
        let posts = self.posts.iter().zip(&states).map(|(it, state)| (it.key.clone(), Bytes(state))).collect();
        let saved = Saved { posts, said: self.said.iter().map(|(key, it)| (key.clone(), *it)).collect() };
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// Goes on with what [`Self::snapshot`] was taken of, as far as the sources are the same.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let saved: Saved<'_> = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        for (key, state) in saved.posts {
            if let Some(it) = self.posts.iter_mut().find(|it| it.key == key) {
                it.watch = Watch::restore(it.settings.clone(), it.lateness_ms, state.0)?;
            }
        }
        self.said = saved.said.into_iter().collect();
        Ok(())
    }
}
