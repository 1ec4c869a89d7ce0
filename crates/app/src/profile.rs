//! `nightjar profile`: what is normal for one person, from the state that `score` keeps.

mod show;
#[cfg(test)]
mod tests;

use crate::exit::{Exit, Usage};
use crate::state::{self, ATTIC, Kept, MANIFEST, Manifest, SHARD, SOCIETY, damaged};
use anyhow::{Context, Result};
use clap::ValueEnum;
use engine::behaviour::{Portrait, Society, id_of};
use engine::{Behaviour, BehaviourSettings, snapshot};
use model::EventTime;
use sigma::parse::nearest::nearest;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `nightjar profile`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar score january.ndjson --state state --alerts january.alerts
  nightjar profile u1103 --state state
  nightjar profile u1103 --state state --format json | jq .rates

Usual numbers are those of a model that forgets slowly, not of a day: of ten minutes and an hour, in such that have any.
Names of things are remembered beside the profiles; a thing whose name is not is shown as # and a hash.")]
pub(crate) struct Args {
    /// Who: the identifier of the actor, as events have it
    #[arg(value_name = "ACTOR")]
    actor: String,
    /// Folder of the state, as `nightjar score --state DIR` keeps it
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// How the profile is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the profile is written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Tables and a week for people
    #[default]
    Text,
    /// One JSON object
    Json,
}

/// Shows the profile of one person.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let Known { manifest, shards, evicted } = read(&args.state, &args.actor)?;
    let at = EventTime::from_ms(manifest.last_event_ms);
    let found = match evicted {
        Some((shard, profile)) => {
            let behaviour = shards.get(shard).ok_or_else(|| damaged(&args.state, "profiles of a shard that is not there"))?;
            Some(Portrait::of_bytes(behaviour, &profile, &args.actor, at).map_err(|it| damaged(&args.state, it))?)
        }
        None => shards.iter().find_map(|it| Portrait::of(it, &args.actor, at)),
    };
    let portrait = found.ok_or_else(|| unknown(args, &shards))?;
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Text => write!(out, "{}", show::text(&portrait, crate::show::width()))?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&portrait).context("cannot write the profile")?)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What a state knows of people.
struct Known {
    manifest: Manifest,
    shards: Vec<Behaviour>,
    /// The profile of who is looked for, and its shard, if there was no room for it in memory.
    evicted: Option<(usize, Vec<u8>)>,
}

fn read(folder: &Path, actor: &str) -> Result<Known> {
    let (mut manifest, mut society) = (None, None);
    let (mut shards, mut evicted) = (Vec::new(), None);
    let is_there = state::read(folder, |name, bytes| {
        match name {
            MANIFEST => manifest = Some(state::manifest(folder, &bytes)?),
            SOCIETY => society = Some(Arc::new(Society::from_bytes(&bytes).map_err(|it| damaged(folder, it))?)),
            SHARD => {
                let Some(society) = &society else { return Ok(()) };
                let Some(bytes) = snapshot::profiles(&bytes).map_err(|it| damaged(folder, it))? else { return Ok(()) };
                let behaviour = Behaviour::from_bytes(&BehaviourSettings::default(), Arc::clone(society), &bytes);
                shards.push(behaviour.map_err(|it| damaged(folder, it))?);
            }
            ATTIC => {
                let (shard, kept): Kept = postcard::from_bytes(&bytes).map_err(|it| damaged(folder, it))?;
                let found = kept.into_iter().find(|(id, _)| *id == id_of(actor));
                evicted = found.map(|(_, profile)| (shard, profile)).or(evicted.take());
            }
            _ => {}
        }
        Ok(())
    })?;
    if !is_there {
        let message = "`nightjar score --state` makes one";
        return Err(Usage::new(format!("there is no state in {}: {message}", folder.display())));
    }
    let manifest = manifest.ok_or_else(|| damaged(folder, "a part is missing"))?;
    if shards.is_empty() {
        let message = "it was made with --no-behaviour, without it profiles are kept";
        return Err(Usage::new(format!("the state in {} has no profiles: {message}", folder.display())));
    }
    Ok(Known { manifest, shards, evicted })
}

fn unknown(args: &Args, shards: &[Behaviour]) -> anyhow::Error {
    let mut names: Vec<&str> = shards.iter().flat_map(|it| it.names().actors()).map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    let people = crate::show::counted(names.len(), "actor");
    let hint =
        nearest(&args.actor, names).map_or_else(|| format!("{people} are known by name"), |it| format!("did you mean `{it}`?"));
    Usage::new(format!("nobody called `{}` is known in {}: {hint}", args.actor, args.state.display()))
}
