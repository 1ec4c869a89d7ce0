//! The sending side: what a batch of a partition left for owners, and how far the partition has come.

use super::desk::Told;
use super::merge::{Key, Origin, Stand};
use super::parcel::{Packing, Progressed, taken_ms};
use super::pulses::{self, Saying};
use super::told;
use crate::book::Rulebook;
use crate::exchange::Routed;
use crate::frontier::Frontier;
use crate::pulse::{Beat, Standing};
use crate::shard::Outbox;
use crate::targets::Touched;
use crate::triage::Step;
use crate::windows::Identity;
use model::EventTime;
use serde::{Deserialize, Serialize};

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
        Self { group, begun: begun_ms, frontier: Frontier::default(), said: None, taken: Vec::new() }
    }

    /// Takes note of an event; of each, in the order of the offsets.
    pub fn note(&mut self, offset: i64, time: EventTime) {
        let time_ms = self.frontier.note(time.ms());
        self.taken.push((offset, time_ms));
    }

    /// The partition begins another life at this time, in milliseconds: its offsets come again, and are of other events.
    pub fn begin_anew(&mut self, begun_ms: i64) {
        self.begun = begun_ms;
    }

    /// Forgets what was noted of a batch whose parcels were sent before.
    pub fn pass(&mut self) {
        self.taken.clear();
    }

    /// Packs what events of the batch, by their offsets, have led to for the desk, and how far the partition is; to be called before
    /// [`Self::pack`], which forgets the batch. Also gives how much is not sent because it is too long.
    pub fn tell(&self, origin: &Origin, progress: Progress, steps: impl IntoIterator<Item = (u64, Step)>) -> (Vec<Parcel>, u64) {
        let before_ms = self.said.unwrap_or(i64::MIN);
        let mut all: Vec<(i64, Step)> =
            steps.into_iter().map(|(position, it)| (i64::try_from(position).unwrap_or(i64::MAX), it)).collect();
        if before_ms == i64::MIN {
            all.extend(self.taken.first().map(|it| (it.0, Step::Begun)));
        }
        // Stable: what is of one event stays in its order.
        all.sort_by_key(|it| it.0);
        let told = all.into_iter().map(|(offset, step)| {
            let time_ms = taken_ms(&self.taken, offset).unwrap_or(before_ms);
            Told { offset, key: Key { time_ms, origin: origin.clone(), offset, nth: 0 }, step }
        });
        let (records, too_long) = told::pack(self.group, origin, &self.stand(progress), before_ms, told.collect());
        (records.into_iter().map(|bytes| Parcel { owner: 0, bytes }).collect(), too_long)
    }

    /// What the batch says of its `source`, and how far the partition is, for whoever keeps the pulses.
    pub fn beat(&self, origin: &Origin, progress: Progress, source: &str, standing: Standing, beat: Beat) -> Vec<Parcel> {
        let Progress { end_offset, .. } = progress;
        let saying = Saying { group: self.group, origin, begun: self.begun, end_offset, source, standing };
        pulses::pack(&saying, beat).into_iter().map(|bytes| Parcel { owner: 0, bytes }).collect()
    }

    fn stand(&self, progress: Progress) -> Stand {
        let Progress { end_offset, is_idle, .. } = progress;
        Stand { begun: self.begun, end_offset, frontier_ms: self.frontier.time_ms(), is_idle }
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
        let stand = self.stand(progress);
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
