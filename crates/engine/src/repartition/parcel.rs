//! The bytes of a parcel: what one batch of one partition left for one owner. `NJX1`, then a [`Wire`] in postcard
//! (<https://postcard.jamesmunns.com/wire-format>). Rules, correlations and sources go by their names, since the reader may have another
//! set of rules; lines stand once each.

use super::merge::{Origin, Stand};
use super::names::{Known, Names, Naming};
use crate::SmallText;
use crate::book::Rulebook;
use crate::computed::Sighted;
use crate::exchange::Routed;
use crate::targets::Touched;
use crate::windows::Identity;
use model::EventTime;
use serde::{Deserialize, Serialize};

/// Written first: other records, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJX1";
/// A parcel that has become so long gets no more events.
pub const PARCEL_BYTES: usize = 256 * 1024;
/// Events with a longer line take no part in what owners keep: brokers refuse records of more than a mebibyte.
pub const LINE_BYTES_MAX: usize = 512 * 1024;
/// What an item takes, about, beside its texts.
const ITEM_BYTES: usize = 96;

/// A parcel that can't be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParcelError {
    /// The bytes do not begin as a parcel does.
    #[error("not a parcel of this version: it begins with {0:02x?}")]
    Foreign(Vec<u8>),
    /// Cut off or damaged.
    #[error("the parcel is damaged: {0}")]
    Damaged(String),
}

/// All of it.
#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    group: u64,
    topic: String,
    partition: i32,
    stand: Stand,
    names: Names,
    items: Vec<Item>,
}

/// Something for an owner: when it is to be taken, the offset of its event, and what it is.
#[derive(Debug, Serialize, Deserialize)]
struct Item {
    taken_ms: i64,
    offset: i64,
    what: What,
}

/// What is [`Given`], with names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum What {
    Hit {
        source: u32,
        rule: u32,
        below: Box<[u16]>,
        correlation: u32,
        step: u16,
        time_ms: i64,
        group: Identity,
        value: Identity,
        event: SmallText,
        actor: SmallText,
        line: u32,
    },
    Touched {
        time_ms: i64,
        is_late: bool,
        sighted: Sighted,
        asked: Option<(u32, Box<[u32]>, u32)>,
    },
    Mark {
        watermark_ms: i64,
        reached_ms: i64,
    },
}

/// What an owner takes.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// A hit of a group that it keeps.
    Hit(Box<Routed>),
    /// An event with a target that it keeps.
    Touched(Box<Touched>),
    /// The watermark of a partition, and the highest so far.
    Mark(EventTime, EventTime),
}

/// How far a partition has come, for its parcels.
pub(super) struct Progressed<'p> {
    pub(super) group: u64,
    pub(super) origin: &'p Origin,
    pub(super) stand: &'p Stand,
    /// Nothing of the batch is to be taken as of an earlier time.
    pub(super) before_ms: i64,
    pub(super) watermark: EventTime,
    pub(super) reached: EventTime,
}

/// Puts items into parcels.
pub(super) struct Packing<'p> {
    book: &'p Rulebook,
    progressed: Progressed<'p>,
    /// Of each event its offset, and as of which time it is to be taken.
    taken: &'p [(i64, i64)],
    too_long: u64,
}

impl<'p> Packing<'p> {
    pub(super) fn new(book: &'p Rulebook, progressed: Progressed<'p>, taken: &'p [(i64, i64)]) -> Self {
        Self { book, progressed, taken, too_long: 0 }
    }

    /// The parcels, in order, and how many items were left out because their line is too long.
    pub(super) fn pack(mut self, hits: Vec<Routed>, touched: Vec<Touched>) -> (Vec<Vec<u8>>, u64) {
        let mut all: Vec<Given> = touched.into_iter().map(|it| Given::Touched(Box::new(it))).collect();
        all.extend(hits.into_iter().map(|it| Given::Hit(Box::new(it))));
        // Stable: items of one event stay in their order.
        all.sort_by_key(Given::position);
        let (mut parcels, mut open) = (Vec::new(), Writer::new(self.book));
        for it in all {
            if it.line_len() > LINE_BYTES_MAX {
                self.too_long += 1;
                continue;
            }
            let offset = it.offset();
            if open.bytes > PARCEL_BYTES && open.items.last().is_some_and(|it| it.offset != offset) {
                let full = std::mem::replace(&mut open, Writer::new(self.book));
                let stand =
                    Stand { end_offset: offset, frontier_ms: self.progressed.before_ms, is_idle: false, ..*self.progressed.stand };
                parcels.push(self.seal(full, stand));
            }
            let what = open.names.what(it);
            open.bytes += ITEM_BYTES + open.names.take_added();
            open.items.push(Item { taken_ms: self.taken_ms(offset), offset, what });
        }
        let stand = self.progressed.stand.clone();
        // Behind everything of the batch: its last offset is the one before the end.
        let what = open.names.what(Given::Mark(self.progressed.watermark, self.progressed.reached));
        open.items.push(Item { taken_ms: stand.frontier_ms, offset: stand.end_offset.saturating_sub(1), what });
        parcels.push(self.seal(open, stand));
        (parcels, self.too_long)
    }

    fn taken_ms(&self, offset: i64) -> i64 {
        taken_ms(self.taken, offset).unwrap_or(self.progressed.before_ms)
    }

    fn seal(&self, open: Writer<'_>, stand: Stand) -> Vec<u8> {
        let Origin { topic, partition } = self.progressed.origin;
        let Writer { names, items, .. } = open;
        let wire = Wire {
            group: self.progressed.group,
            topic: (**topic).to_owned(),
            partition: *partition,
            stand,
            names: names.names,
            items,
        };
        postcard::to_extend(&wire, MAGIC.to_vec()).expect("writing to memory fails for no value of these types")
    }
}

/// As of which time the event at `offset`, or the one before it, is to be taken; `taken` has the offset and that time of each.
pub(super) fn taken_ms(taken: &[(i64, i64)], offset: i64) -> Option<i64> {
    let at = taken.partition_point(|it| it.0 <= offset);
    at.checked_sub(1).map(|it| taken[it].1)
}

impl Given {
    fn position(&self) -> u64 {
        match self {
            Self::Hit(it) => it.position,
            Self::Touched(it) => it.at.position,
            Self::Mark(..) => u64::MAX,
        }
    }

    fn offset(&self) -> i64 {
        i64::try_from(self.position()).unwrap_or(i64::MAX)
    }

    fn line_len(&self) -> usize {
        match self {
            Self::Hit(it) => it.line.len(),
            Self::Touched(it) => it.asked.as_ref().map_or(0, |it| it.line.len()),
            Self::Mark(..) => 0,
        }
    }
}

/// A parcel that is being filled.
struct Writer<'b> {
    names: Naming<'b>,
    items: Vec<Item>,
    bytes: usize,
}

impl<'b> Writer<'b> {
    fn new(book: &'b Rulebook) -> Self {
        Self { names: Naming::new(book), items: Vec::new(), bytes: 0 }
    }
}

/// A parcel, read.
pub(super) struct Opened {
    pub(super) group: u64,
    pub(super) origin: Origin,
    pub(super) stand: Stand,
    /// As of which time each is to be taken, the offset of its event, and what it is.
    pub(super) items: Vec<(i64, i64, Given)>,
    /// Items of rules that the reader does not have.
    pub(super) foreign: u64,
}

/// Reads a parcel in the numbers of `book`.
pub(super) fn open(bytes: &[u8], book: &Rulebook) -> Result<Opened, ParcelError> {
    let Some(body) = bytes.strip_prefix(&MAGIC) else {
        return Err(ParcelError::Foreign(bytes.iter().copied().take(MAGIC.len()).collect()));
    };
    let wire: Wire = postcard::from_bytes(body).map_err(|it| ParcelError::Damaged(it.to_string()))?;
    let known = Known::of(wire.names, book);
    let (mut items, mut foreign) = (Vec::with_capacity(wire.items.len()), 0);
    for Item { taken_ms, offset, what } in wire.items {
        match known.given(what, offset)? {
            Some(given) => items.push((taken_ms, offset, given)),
            None => foreign += 1,
        }
    }
    Ok(Opened { group: wire.group, origin: Origin::new(&wire.topic, wire.partition), stand: wire.stand, items, foreign })
}
