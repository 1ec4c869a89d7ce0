//! A partition of the exchange topic: the groups that are kept there, and, in the first one, the desk of the whole group of processes. The
//! others tell it what their rules have found: that is a second hop, in which an owner is an origin like any partition with events.

use super::desk::{Desk, Told};
use super::merge::{Key, Origin, Stand};
use super::owner::{Owner, OwnerError, OwnerStats};
use super::parcel::ParcelError;
use super::pulses::{self, Heard, Pulses};
use super::told;
use crate::book::Rulebook;
use crate::bytes::Bytes;
use crate::carry::CarryOver;
use crate::pulse::Voice;
use crate::shard::Emitted;
use crate::triage::{self, Outgoing, Settings, Step};
use crate::windows::WindowLimits;
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::compile::RuleSet;
use sigma::matcher::Clock;

/// Written first, so that other files, and those of other versions, are recognised.
const MAGIC: [u8; 4] = *b"NJS2";
/// That of a version before there were pulses.
const MAGIC_BEFORE: [u8; 4] = *b"NJS1";
/// Where alerts about sources stand among those of a batch: behind them, since they are about what did not come.
const PULSE_POSITION: u64 = u64::MAX - 1;
/// An owner that has found nothing tells the desk how far it is when event time has gone on by as much.
const TELL_EVERY_MS: i64 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct Station {
    owner: Owner,
    me: Origin,
    /// When its present life has begun, in milliseconds.
    begun: i64,
    /// Alerts are triaged, here or elsewhere.
    is_triaged: bool,
    /// How far it is, and whether it is idle, as the desk knows.
    said: Option<(i64, bool)>,
    desk: Option<Desk>,
    pulses: Option<Pulses>,
}

/// What records have led to.
#[derive(Debug, Default)]
pub struct Decided {
    /// Alerts of rules.
    pub alerts: Vec<Emitted>,
    /// What the desk has decided.
    pub outgoing: Vec<Outgoing>,
    /// Records for the first owner.
    pub told: Vec<Vec<u8>>,
    /// Alerts that the desk is not told of, because they are too long.
    pub too_long: u64,
}

/// What follows the magic: the owner, when its life began, what it has said, the desk, and the pulses.
#[derive(Serialize, Deserialize)]
struct Saved<'b> {
    #[serde(borrow)]
    before: SavedBefore<'b>,
    pulses: Option<Vec<u8>>,
}

/// The same without pulses.
#[derive(Serialize, Deserialize)]
struct SavedBefore<'b> {
    #[serde(borrow)]
    owner: Bytes<'b>,
    begun: i64,
    said: Option<(i64, bool)>,
    desk: Option<Vec<u8>>,
}

impl Station {
    /// Partition `me` of the exchange topic, with an owner that knows nothing, in a life that begins at this time, in milliseconds.
    pub fn new(me: Origin, begun_ms: i64, owner: Owner) -> Self {
        Self { owner, me, begun: begun_ms, is_triaged: false, said: None, desk: None, pulses: None }
    }

    /// Alerts are triaged from now on: the desk is told of them.
    pub fn set_triaged(&mut self) {
        self.is_triaged = true;
    }

    /// It keeps this desk from now on.
    pub fn set_desk(&mut self, desk: Desk) {
        (self.is_triaged, self.desk) = (true, Some(desk));
    }

    /// The desk, if it is kept here.
    pub fn desk(&self) -> Option<&Desk> {
        self.desk.as_ref()
    }

    /// It keeps these pulses from now on.
    pub fn set_pulses(&mut self, pulses: Pulses) {
        self.pulses = Some(pulses);
    }

    /// The pulses, if they are kept here.
    pub fn pulses(&self) -> Option<&Pulses> {
        self.pulses.as_ref()
    }

    /// Tells time for the events of a source that name no zone by `clock`.
    pub fn set_clock(&mut self, source: u16, clock: Clock) {
        self.owner.set_clock(source, clock);
    }

    /// The highest watermark of what was taken.
    pub fn reached(&self) -> EventTime {
        self.owner.reached()
    }

    /// As [`Owner::retain`], for the desk and the pulses too.
    pub fn retain(&mut self, is_there: impl Fn(&Origin) -> bool) -> bool {
        let of_desk = self.desk.as_mut().is_some_and(|it| it.retain(&is_there));
        let of_pulses = self.pulses.as_mut().is_some_and(|it| it.retain(&is_there));
        self.owner.retain(is_there) || of_desk || of_pulses
    }

    /// Goes on with the rules of `new`, between two records.
    pub fn adopt(&mut self, over: &CarryOver, new: &RuleSet, limits: WindowLimits) {
        self.owner.adopt(over, new, limits);
    }

    /// The partition begins another life at this time, in milliseconds: its offsets come again, and are of other records.
    pub fn begin_anew(&mut self, begun_ms: i64) {
        self.begun = begun_ms;
    }

    /// Takes the record at `offset` of its partition: a parcel, or something for the desk or the pulses.
    ///
    /// # Errors
    ///
    /// When it is neither: nothing was taken of it.
    pub fn accept(&mut self, book: &Rulebook, record: &[u8], offset: i64, out: &mut Decided) -> Result<(), ParcelError> {
        if told::is_told(record) {
            let heard = told::open(record)?;
            if heard.group != self.owner.group() {
                self.owner.note_stranger();
            } else if let Some(desk) = &mut self.desk {
                desk.hear(&heard.origin, &heard.stand, heard.items);
                desk.work(&mut out.outgoing);
            }
            return Ok(());
        }
        if pulses::is_pulse(record) {
            return self.feel(book, record, out);
        }
        let first = out.alerts.len();
        self.owner.accept(book, record, &mut out.alerts)?;
        if self.is_triaged {
            self.tell(offset, first, out);
        }
        Ok(())
    }

    /// Takes what a partition says of its source. Alerts about that have no actor, and so no incident: the desk need not know.
    fn feel(&mut self, book: &Rulebook, record: &[u8], out: &mut Decided) -> Result<(), ParcelError> {
        let Some(pulses) = &mut self.pulses else {
            // Whoever sent it watches sources that this process does not.
            self.owner.note_foreign();
            return Ok(());
        };
        match pulses.hear(self.owner.group(), record)? {
            Heard::Taken(_, findings) if findings.is_empty() => {}
            Heard::Taken(program, findings) => {
                let voice = Voice::of(book, program);
                let told = findings.iter().map(|it| Emitted { position: PULSE_POSITION, order: u32::MAX, alert: voice.alert(it) });
                out.alerts.extend(told);
            }
            Heard::Repeated => self.owner.note_repeated(),
            Heard::Foreign => self.owner.note_foreign(),
            Heard::Stranger => self.owner.note_stranger(),
        }
        Ok(())
    }

    /// Has the desk know of the alerts from `first` on, and how far it has come. Depends on what was accepted alone: who replays it has said
    /// the same.
    fn tell(&mut self, offset: i64, first: usize, out: &mut Decided) {
        let (said_ms, was_idle) = self.said.unwrap_or((i64::MIN, false));
        let items: Vec<Told> = out.alerts[first..].iter().filter_map(|it| self.told(it, offset, said_ms)).collect();
        let (bound_ms, is_idle) = self.owner.frontier();
        // What comes may be of that very time.
        let frontier_ms = said_ms.max(bound_ms.saturating_sub(1));
        // Again and again while it is idle: a desk that begins anew waits for everybody who has not spoken.
        let is_news = !items.is_empty() || is_idle || was_idle || frontier_ms >= said_ms.saturating_add(TELL_EVERY_MS);
        if self.desk.is_none() && self.said.is_some() && !is_news {
            return;
        }
        self.said = Some((frontier_ms, is_idle));
        let stand = Stand { begun: self.begun, end_offset: offset.saturating_add(1), frontier_ms, is_idle };
        if let Some(desk) = &mut self.desk {
            desk.hear(&self.me, &stand, items);
            return desk.work(&mut out.outgoing);
        }
        let (records, too_long) = told::pack(self.owner.group(), &self.me, &stand, said_ms, items);
        out.told.extend(records);
        out.too_long += too_long;
    }

    /// What the desk is to know of an alert. Not of before what it was told.
    fn told(&self, emitted: &Emitted, offset: i64, said_ms: i64) -> Option<Told> {
        let step = Step::of(&emitted.alert)?;
        let (time_ms, origin, event) = self.owner.whence(emitted.position)?.clone();
        let time_ms = if self.said.is_some() { time_ms.max(said_ms.saturating_add(1)) } else { time_ms };
        Some(Told { offset, key: Key { time_ms, origin, offset: event, nth: 0 }, step })
    }

    /// How the owner stands; the desk's order counts among its own.
    pub fn stats(&self) -> OwnerStats {
        let mut stats = self.owner.stats();
        if let Some(desk) = self.desk.as_ref().map(Desk::merge_stats) {
            stats.merge.repeated += desk.repeated;
            stats.merge.late += desk.late;
            stats.merge.hurried += desk.hurried;
            stats.merge.pending += desk.pending;
            stats.merge.spread_ms = stats.merge.spread_ms.max(desk.spread_ms);
        }
        stats
    }

    /// Everything that its next verdicts depend on.
    pub fn snapshot(&self, book: &Rulebook) -> Vec<u8> {
        let owner = self.owner.snapshot(book);
        let desk = self.desk.as_ref().map(Desk::snapshot);
        let before = SavedBefore { owner: Bytes(&owner), begun: self.begun, said: self.said, desk };
        let saved = Saved { before, pulses: self.pulses.as_ref().map(Pulses::snapshot) };
        postcard::to_extend(&saved, MAGIC.to_vec()).expect("writing to memory fails for no value of these types")
    }

    /// The one that [`Self::snapshot`] was taken of, under the rules of `book`. Without `settings`, a desk is left behind, and pulses without
    /// any here; what was taken when there were none is used without them. Clocks have to be set again.
    ///
    /// # Errors
    ///
    /// Says why it can't be used.
    pub fn restore(
        self,
        book: &Rulebook,
        limits: WindowLimits,
        settings: Option<triage::Settings>,
        bytes: &[u8],
    ) -> Result<Self, OwnerError> {
        let damaged = |it: postcard::Error| OwnerError::Damaged(it.to_string());
        let (saved, pulses) = if let Some(body) = bytes.strip_prefix(&MAGIC) {
            let Saved { before, pulses } = postcard::from_bytes(body).map_err(damaged)?;
            (before, pulses)
        } else if let Some(body) = bytes.strip_prefix(&MAGIC_BEFORE) {
            (postcard::from_bytes(body).map_err(damaged)?, None)
        } else {
            return Ok(Self { owner: Owner::restore(book, limits, bytes)?, said: None, ..self });
        };
        let mut own = self.pulses;
        if let Some((own, bytes)) = own.as_mut().zip(pulses) {
            own.restore(&bytes).map_err(OwnerError::Damaged)?;
        }
        let of_desk = |(settings, bytes): (Settings, Vec<u8>)| Desk::restore(settings, &self.me.topic, &bytes);
        let desk = settings.zip(saved.desk).map(of_desk).transpose()?;
        Ok(Self {
            owner: Owner::restore(book, limits, saved.owner.0)?,
            begun: saved.begun,
            said: saved.said,
            desk: desk.or(self.desk),
            pulses: own,
            me: self.me,
            is_triaged: self.is_triaged,
        })
    }
}
