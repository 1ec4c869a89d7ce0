//! `--state`: what the next run goes on with. It is read before the first event and written after the last, whole or not at all.

use super::args::Options;
use super::attic::FileAttic;
use super::seat::SHARDS;
use crate::exit::Usage;
use crate::score::grouped;
use crate::state::{self, ATTIC, CLOCK, EXCHANGE, Kept, MANIFEST, Manifest, PULSE, SHARD, SOCIETY, TRIAGE, damaged};
use anyhow::{Context, Result};
use engine::Rulebook;
use engine::behaviour::{Attic, Hours};
use engine::{Watermark, snapshot};
use model::EventTime;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::PathBuf;

/// Profiles in a part: enough to compress, few enough to hold.
const KEPT_PER_PART: usize = 512;

/// Watermark, hour, the time of the latest event in milliseconds, and the hour that targets were looked at for.
pub(super) type Clock = (Watermark, Hours, i64, i64);

/// A folder with a state, which no other run has at the same time.
pub(super) struct Folder {
    path: PathBuf,
    /// Events of the runs before.
    events: u64,
    /// Locked until the run is over.
    _lock: File,
}

/// What was found.
pub(super) struct Found {
    pub(super) manifest: Manifest,
    pub(super) clock: Clock,
    pub(super) society: Option<Vec<u8>>,
    pub(super) triage: Option<Vec<u8>>,
    pub(super) pulse: Option<Vec<u8>>,
    pub(super) shards: Vec<Vec<u8>>,
    pub(super) exchanges: Vec<Vec<u8>>,
}

/// What is to be written.
pub(super) struct Saved {
    pub(super) clock: Clock,
    pub(super) society: Option<Vec<u8>>,
    pub(super) triage: Option<Vec<u8>>,
    pub(super) pulse: Option<Vec<u8>>,
    /// Profiles in memory.
    pub(super) people: usize,
    /// Events of this run.
    pub(super) events: u64,
}

impl Folder {
    /// Takes the folder, which is made if it is not there.
    pub(super) fn open(options: &Options) -> Result<Option<Self>> {
        let Some(path) = &options.state else { return Ok(None) };
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder of the state, {}", path.display()))?;
        let name = path.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&name);
        let lock = lock.with_context(|| format!("cannot write to the folder of the state: {}", name.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Usage::new(format!(
                    "another run is using the state in {}: wait for it, or name another folder",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock {}", name.display())),
        }
        Ok(Some(Self { path: path.clone(), events: 0, _lock: lock }))
    }

    /// Reads the state, if there is one; profiles that had to make way go straight to the `attics`.
    pub(super) fn read(&mut self, book: &Rulebook, options: &Options, attics: &mut [FileAttic]) -> Result<Option<Found>> {
        let path = &self.path;
        let (mut manifest, mut clock, mut society, mut triage, mut pulse) = (None, None, None, None, None);
        let (mut shards, mut exchanges) = (Vec::new(), Vec::new());
        let is_there = state::read(path, |name, bytes| {
            match name {
                MANIFEST => manifest = Some(fitting(path, state::manifest(path, &bytes)?, options)?),
                CLOCK => clock = Some(postcard::from_bytes::<Clock>(&bytes).map_err(|it| damaged(path, it))?),
                SOCIETY => society = Some(bytes),
                TRIAGE => triage = Some(bytes),
                PULSE => pulse = Some(bytes),
                SHARD => shards.push(bytes),
                EXCHANGE => exchanges.push(bytes),
                ATTIC => {
                    let (seat, kept): Kept = postcard::from_bytes(&bytes).map_err(|it| damaged(path, it))?;
                    let attic = attics.get_mut(seat).ok_or_else(|| damaged(path, "profiles of a shard that is not there"))?;
                    // What can't be kept is told and counted by the attic.
                    kept.into_iter().for_each(|(id, profile)| _ = attic.keep(id, profile));
                }
                other => return Err(damaged(path, format_args!("nobody knows a part `{other}`"))),
            }
            Ok(())
        })?;
        if !is_there {
            return Ok(None);
        }
        let whole = manifest.zip(clock).filter(|_| shards.len() == SHARDS && exchanges.len() == SHARDS);
        let (manifest, clock) = whole.ok_or_else(|| damaged(path, "a part is missing"))?;
        if society.is_some() && !book.watches(0) {
            let message = "has profiles, which would be lost: leave --no-behaviour out, or name another folder";
            return Err(Usage::new(format!("the state in {} {message}", path.display())));
        }
        if triage.is_some() && options.triage.is_none() {
            let message = "has open incidents and a threshold, which would be lost: give --alerts-per-day, or name another folder";
            return Err(Usage::new(format!("the state in {} {message}", path.display())));
        }
        self.events = manifest.events;
        Ok(Some(Found { manifest, clock, society, triage, pulse, shards, exchanges }))
    }

    /// For errors of what is in a part.
    pub(super) fn damaged(&self, why: impl std::fmt::Display) -> anyhow::Error {
        damaged(&self.path, why)
    }

    /// Says what is gone on with.
    pub(super) fn tell(&self, found: Option<&Found>, book: &Rulebook, options: &Options) -> Result<()> {
        let mut err = anstream::stderr().lock();
        let Some(Found { manifest, shards, .. }) = found else {
            if !options.is_quiet {
                writeln!(err, "{:>8}  begins anew: there is none in {}", "state", self.path.display())?;
            }
            return Ok(());
        };
        if !options.is_quiet {
            let (events, people) = (grouped(manifest.events), grouped((manifest.people + manifest.people_on_disk) as u64));
            writeln!(err, "{:>8}  goes on after {events} events up to {}, {people} people known", "state", manifest.last_event)?;
        }
        if manifest.rules_hash == state::rules_hash(book) {
            return Ok(());
        }
        let over = shards.first().map(|it| snapshot::carried(&book.set, it)).transpose().map_err(|it| self.damaged(it))?;
        let over = over.unwrap_or_default();
        writeln!(
            err,
            "{:>8}  is of other rules: windows of {} correlations go on, {} begin anew, {} are gone",
            "state",
            over.kept,
            over.reset + over.added,
            over.removed
        )?;
        Ok(())
    }

    /// Writes the state of `seats`, and gives its length in bytes.
    pub(super) fn write<'s>(
        &self,
        saved: &Saved,
        book: &Rulebook,
        options: &Options,
        seats: impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 's,
        attics: &[FileAttic],
    ) -> Result<u64> {
        let last = EventTime::from_ms(saved.clock.2);
        let manifest = Manifest {
            nightjar: env!("CARGO_PKG_VERSION").to_owned(),
            source: options.mapping.name.clone(),
            source_hash: state::source_hash(&options.mapping),
            rules_hash: state::rules_hash(book),
            shards: SHARDS,
            events: self.events + saved.events,
            last_event: last.to_string(),
            last_event_ms: last.ms(),
            people: saved.people,
            people_on_disk: attics.iter().map(FileAttic::len).sum(),
        };
        state::write(&self.path, |out| {
            out.part(MANIFEST, &serde_json::to_vec(&manifest)?)?;
            out.part(CLOCK, &postcard::to_allocvec(&saved.clock)?)?;
            if let Some(society) = &saved.society {
                out.part(SOCIETY, society)?;
            }
            if let Some(triage) = &saved.triage {
                out.part(TRIAGE, triage)?;
            }
            if let Some(pulse) = &saved.pulse {
                out.part(PULSE, pulse)?;
            }
            for (shard, exchange) in seats {
                out.part(SHARD, &shard)?;
                out.part(EXCHANGE, &exchange)?;
            }
            for (seat, attic) in attics.iter().enumerate() {
                for ids in attic.ids().chunks(KEPT_PER_PART) {
                    let profile = |id: &u128| Ok((*id, attic.read(*id)?));
                    let kept = ids.iter().map(profile).collect::<std::io::Result<Vec<_>>>();
                    let kept: Kept = (seat, kept.context("cannot read a profile that had to make way")?);
                    out.part(ATTIC, &postcard::to_allocvec(&kept)?)?;
                }
            }
            Ok(())
        })
    }
}

/// The manifest, if the state is of such events.
fn fitting(path: &std::path::Path, manifest: Manifest, options: &Options) -> Result<Manifest> {
    let Manifest { source, shards, .. } = &manifest;
    if *shards != SHARDS {
        return Err(damaged(path, format_args!("it has {shards} shards, not {SHARDS}")));
    }
    if manifest.source_hash == state::source_hash(&options.mapping) {
        return Ok(manifest);
    }
    let (ours, path) = (&options.mapping.name, path.display());
    Err(Usage::new(if source == ours {
        format!("the state in {path} was learnt with another mapping `{ours}`: put that one back, or name another folder")
    } else {
        format!("the state in {path} was learnt from the source `{source}`, not `{ours}`: name another folder")
    }))
}
