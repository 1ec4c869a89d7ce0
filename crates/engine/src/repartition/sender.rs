//! The sending side: what a batch of a partition left for owners, and how far the partition has come.

use super::merge::{Origin, Stand};
use super::parcel::{Packing, Progressed};
use crate::book::Rulebook;
use crate::exchange::Routed;
use crate::shard::Outbox;
use crate::targets::Touched;
use crate::windows::Identity;
use model::EventTime;
use serde::{Deserialize, Serialize};

/// Among as many of the latest events the median tells the time, so that one or two with a wrong clock move nothing.
const LATEST: usize = 5;

/// Follows the event time of a partition, for [`Stand::frontier_ms`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Frontier {
    latest_ms: Vec<i64>,
    next: usize,
    time_ms: i64,
}

impl Frontier {
    /// Takes note of an event, and tells as of which time it is to be taken.
    fn note(&mut self, time_ms: i64) -> i64 {
        let taken_ms = time_ms.max(self.time_ms);
        if self.latest_ms.len() < LATEST {
            self.latest_ms.push(time_ms);
        } else {
            self.latest_ms[self.next] = time_ms;
        }
        self.next = (self.next + 1) % LATEST;
        if let Ok(mut sorted) = <[i64; LATEST]>::try_from(self.latest_ms.as_slice()) {
            sorted.sort_unstable();
            self.time_ms = self.time_ms.max(sorted[LATEST / 2]);
        }
        taken_ms
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    group: u64,
    begun: i64,
    frontier: Frontier,
    /// What was said last.
    said: Option<i64>,
    /// Of each event of the batch its offset, and as of which time it is to be taken.
    #[serde(skip)]
    taken: Vec<(i64, i64)>,
}

/// How far a partition has come with a batch.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The offset after its last message.
    pub end_offset: i64,
    /// Its watermark.
    pub watermark: EventTime,
    /// The highest watermark so far.
    pub reached: EventTime,
    /// There is nothing more to read.
    pub is_idle: bool,
}

/// The number of a group of processes that share their work, by its name.
pub fn group_of(name: &str) -> u64 {
    Identity::of([name]).0[0]
}

/// A record for an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Which owner.
    pub owner: usize,
    /// What it is to be given: [`super::Owner::accept`].
    pub bytes: Vec<u8>,
}

impl Sender {
    /// Of a partition that begins at this time, in milliseconds. Owners take only what is of their own group: see [`group_of`].
    pub fn new(group: u64, begun_ms: i64) -> Self {
        let frontier = Frontier { latest_ms: Vec::with_capacity(LATEST), next: 0, time_ms: i64::MIN };
        Self { group, begun: begun_ms, frontier, said: None, taken: Vec::new() }
    }

    /// Takes note of an event; of each, in the order of the offsets.
    pub fn note(&mut self, offset: i64, time: EventTime) {
        let time_ms = self.frontier.note(time.ms());
        self.taken.push((offset, time_ms));
    }

    /// Forgets what was noted of a batch whose parcels were sent before.
    pub fn pass(&mut self) {
        self.taken.clear();
    }

    /// Packs what the batch left in `outbox` for owners. Those for whom there is nothing are told how far it has come if `tells_all`.
    /// Also gives how many hits are not sent because the event is too long.
    pub fn pack(
        &mut self,
        book: &Rulebook,
        origin: &Origin,
        owners: usize,
        progress: Progress,
        tells_all: bool,
        outbox: &mut Outbox,
    ) -> (Vec<Parcel>, u64) {
        let stand = Stand {
            begun: self.begun,
            end_offset: progress.end_offset,
            frontier_ms: self.frontier.time_ms,
            is_idle: progress.is_idle,
        };
        let before_ms = self.said.replace(stand.frontier_ms).unwrap_or(i64::MIN);
        let mut hits: Vec<Vec<Routed>> = (0..owners).map(|_| Vec::new()).collect();
        let mut touched: Vec<Vec<Touched>> = (0..owners).map(|_| Vec::new()).collect();
        outbox.routed.drain(..).for_each(|it| hits[book.placement.of_hit(&it, owners)].push(it));
        outbox.touched.drain(..).for_each(|it| touched[book.placement.of_target(&it, owners)].push(it));
        let (mut parcels, mut too_long) = (Vec::new(), 0);
        for (owner, (hits, touched)) in hits.into_iter().zip(touched).enumerate() {
            if hits.is_empty() && touched.is_empty() && !tells_all {
                continue;
            }
            let progressed = Progressed {
                group: self.group,
                origin,
                stand: &stand,
                before_ms,
                watermark: progress.watermark,
                reached: progress.reached,
            };
            let (all, left_out) = Packing::new(book, progressed, &self.taken).pack(hits, touched);
            parcels.extend(all.into_iter().map(|bytes| Parcel { owner, bytes }));
            too_long += left_out;
        }
        self.taken.clear();
        (parcels, too_long)
    }
}
