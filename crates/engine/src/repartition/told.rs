//! The bytes of what the desk is told: `NJD1`, then a [`Wire`] in postcard. Nothing in it goes by the number of a rule, since the desk may
//! have another set of them, and must lose nothing over that.

use super::desk::Told;
use super::merge::{Key, Origin, Stand};
use super::parcel::{LINE_BYTES_MAX, PARCEL_BYTES, ParcelError};
use crate::triage::Step;
use serde::{Deserialize, Serialize};

/// Written first: other records, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJD1";

#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    group: u64,
    topic: String,
    partition: i32,
    stand: Stand,
    items: Vec<Item>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    offset: i64,
    time_ms: i64,
    /// The event, if it is not the teller's own of that offset.
    event: Option<(String, i32, i64)>,
    step: Step,
}

/// Whether a record is meant for the desk.
pub(super) fn is_told(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Puts into records what `origin` tells, in order, and how far it has come with that; up to then nothing is of before `before_ms`. Also
/// gives how much is left out because it is too long.
pub(super) fn pack(group: u64, origin: &Origin, stand: &Stand, before_ms: i64, all: Vec<Told>) -> (Vec<Vec<u8>>, u64) {
    let (mut records, mut items, mut bytes, mut too_long) = (Vec::new(), Vec::new(), 0, 0);
    let seal = |items: Vec<Item>, stand: Stand| {
        let wire = Wire { group, topic: (*origin.topic).to_owned(), partition: origin.partition, stand, items };
        postcard::to_extend(&wire, MAGIC.to_vec()).expect("writing to memory fails for no value of these types")
    };
    for Told { offset, key, step } in all {
        let is_own = key.origin == *origin && key.offset == offset;
        let event = (!is_own).then(|| ((*key.origin.topic).to_owned(), key.origin.partition, key.offset));
        let item = Item { offset, time_ms: key.time_ms, event, step };
        let len = postcard::experimental::serialized_size(&item).unwrap_or(usize::MAX);
        if len > LINE_BYTES_MAX {
            too_long += 1;
            continue;
        }
        if bytes > PARCEL_BYTES {
            bytes = 0;
            let so_far = Stand { end_offset: offset, frontier_ms: before_ms, is_idle: false, ..*stand };
            records.push(seal(std::mem::take(&mut items), so_far));
        }
        bytes += len;
        items.push(item);
    }
    records.push(seal(items, stand.clone()));
    (records, too_long)
}

/// A record, read.
pub(super) struct Heard {
    pub(super) group: u64,
    pub(super) origin: Origin,
    pub(super) stand: Stand,
    pub(super) items: Vec<Told>,
}

/// Reads a record.
pub(super) fn open(bytes: &[u8]) -> Result<Heard, ParcelError> {
    let Some(body) = bytes.strip_prefix(&MAGIC) else {
        return Err(ParcelError::Foreign(bytes.iter().copied().take(MAGIC.len()).collect()));
    };
    let wire: Wire = postcard::from_bytes(body).map_err(|it| ParcelError::Damaged(it.to_string()))?;
    let origin = Origin::new(&wire.topic, wire.partition);
    let items = wire.items.into_iter().map(|Item { offset, time_ms, event, step }| {
        let (origin, event) = match event {
            Some((topic, partition, event)) => (Origin::new(&topic, partition), event),
            None => (origin.clone(), offset),
        };
        Told { offset, key: Key { time_ms, origin, offset: event, nth: 0 }, step }
    });
    Ok(Heard { group: wire.group, items: items.collect(), stand: wire.stand, origin })
}
