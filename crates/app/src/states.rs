//! `nightjar state`: the checkpoints that `run` keeps, for people.

use crate::exit::{Exit, Usage};
use crate::rules::Format;
use crate::score::grouped;
use crate::show::escaped;
use anyhow::{Context, Result};
use model::EventTime;
use owo_colors::OwoColorize;
use serde_json::{Value as Json, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use stream::store::{Entry, Info, Series, Store, StoreError};

/// `nightjar state …`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  nightjar state ls /var/lib/nightjar
  nightjar state show /var/lib/nightjar nightjar/audit-events/3
  nightjar state verify s3://bucket/nightjar
  nightjar state export /var/lib/nightjar nightjar/audit-events/3 --out copy

A store is what `checkpoints.store` names; docs/checkpoints.md says what is in it.")]
pub(crate) enum Command {
    /// List what is kept: for each partition the newest checkpoint, and how many there are
    Ls(LsArgs),
    /// Say what the checkpoints of one partition are of
    Show(ShowArgs),
    /// Read every checkpoint with all that it rests on, and compare each block with its checksum
    Verify(LsArgs),
    /// Write the parts of a checkpoint as files
    Export(ExportArgs),
}

/// Which store.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// A directory, s3://…, gs://… or az://…
    store: String,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `nightjar state show`
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// A directory, s3://…, gs://… or az://…
    store: String,
    /// Group, topic and partition, as `state ls` lists them: nightjar/audit-events/3
    #[arg(value_name = "SERIES")]
    series: String,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `nightjar state export`
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// A directory, s3://…, gs://… or az://…
    store: String,
    /// Group, topic and partition, as `state ls` lists them
    #[arg(value_name = "SERIES")]
    series: String,
    /// The newest checkpoint that goes no further than this offset [default: the newest]
    #[arg(long, value_name = "OFFSET")]
    at_most: Option<i64>,
    /// Where to: a folder that is made if it is not there
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs one of them.
pub(crate) fn main(command: &Command) -> Result<Exit> {
    match command {
        Command::Ls(args) => list(args),
        Command::Show(args) => show(args),
        Command::Verify(args) => verify(args),
        Command::Export(args) => export(args),
    }
}

fn open(store: &str) -> Result<Store> {
    // Looking must make nothing.
    if !store.contains("://") && !PathBuf::from(store).is_dir() {
        return Err(Usage::new(format!("no such folder: {store}")));
    }
    Store::open(store, std::env::vars()).map_err(Usage::because)
}

/// The series of that name, with what it has.
fn series_of(store: &Store, name: &str) -> Result<(Series, Vec<Entry>)> {
    let parts: Vec<&str> = name.split('/').collect();
    let series = store.series(&parts);
    let entries = series.list()?;
    if entries.is_empty() {
        let known: Vec<String> = store.names()?.iter().map(|it| it.join("/")).collect();
        let hint = sigma::parse::nearest::nearest(name, known.iter().map(String::as_str));
        let hint = hint.map_or_else(|| "`nightjar state ls` lists what there is".to_owned(), |it| format!("did you mean `{it}`?"));
        return Err(Usage::new(format!("there is no checkpoint of `{name}` in {}: {hint}", store.place())));
    }
    Ok((series, entries))
}

fn list(args: &LsArgs) -> Result<Exit> {
    let store = open(&args.store)?;
    let mut rows = Vec::new();
    for name in store.names()? {
        let name = name.join("/");
        let (series, entries) = series_of(&store, &name)?;
        let info = series.info(&entries[0]);
        let bytes = entries.iter().map(|it| it.len).sum::<u64>();
        rows.push((name, entries, bytes, info));
    }
    let mut out = anstream::stdout().lock();
    if let Format::Json = args.format {
        let row = |(name, entries, bytes, info): &(String, Vec<Entry>, u64, Result<Info, StoreError>)| json!({"series": name, "checkpoints": entries.len(), "bytes": bytes, "newest": described(&entries[0], info)});
        writeln!(out, "{:#}", Json::from(rows.iter().map(row).collect::<Vec<_>>()))?;
        return Ok(Exit::Done);
    }
    for (name, entries, bytes, info) in &rows {
        let Entry { offset, created_ms, .. } = &entries[0];
        let (count, of) = (entries.len(), if entries.len() == 1 { "checkpoint" } else { "checkpoints" });
        let (name, written) = (escaped(name), EventTime::from_ms(*created_ms));
        writeln!(out, "{}  {count} {of}, {}, the newest of {written} up to offset {offset}", name.bold(), size(*bytes))?;
        writeln!(out, "    {}", escaped(&in_words(info)).dimmed())?;
    }
    if rows.is_empty() {
        writeln!(anstream::stderr(), "no checkpoints in {}", args.store)?;
    }
    Ok(Exit::Done)
}

fn show(args: &ShowArgs) -> Result<Exit> {
    let store = open(&args.store)?;
    let (series, entries) = series_of(&store, &args.series)?;
    let mut out = anstream::stdout().lock();
    let infos: Vec<_> = entries.iter().map(|it| (it, series.info(it))).collect();
    if let Format::Json = args.format {
        let all: Vec<Json> = infos.iter().map(|(entry, info)| described(entry, info)).collect();
        writeln!(out, "{:#}", Json::from(all))?;
    } else {
        for (Entry { name, offset, created_ms, len }, info) in &infos {
            let kind = info.as_ref().map_or("?", |it| if it.is_full { "full" } else { "delta" });
            let written = EventTime::from_ms(*created_ms);
            writeln!(out, "{}  {kind}, {}, written {written}, up to offset {offset}", escaped(name).bold(), size(*len))?;
            writeln!(out, "    {}", escaped(&in_words(info)).dimmed())?;
        }
    }
    Ok(if infos.iter().all(|it| it.1.is_ok()) { Exit::Done } else { Exit::Failed })
}

fn verify(args: &LsArgs) -> Result<Exit> {
    let store = open(&args.store)?;
    let mut rows = Vec::new();
    for name in store.names()? {
        let name = name.join("/");
        let (series, entries) = series_of(&store, &name)?;
        for entry in entries {
            let bytes = match series.load(&entry) {
                Ok(loaded) => Ok(loaded.parts.iter().map(|it| it.bytes.len() as u64).sum::<u64>()),
                Err(error) if error.is_of_content() => Err(error.to_string()),
                Err(error) => return Err(error.into()),
            };
            rows.push((format!("{name}/{}", entry.name), bytes));
        }
    }
    let mut out = anstream::stdout().lock();
    let bad = rows.iter().filter(|it| it.1.is_err()).count();
    if let Format::Json = args.format {
        let row = |(name, bytes): &(String, Result<u64, String>)| json!({"checkpoint": name, "bytes": bytes.as_ref().ok(), "problem": bytes.as_ref().err()});
        writeln!(out, "{:#}", Json::from(rows.iter().map(row).collect::<Vec<_>>()))?;
    } else {
        for (name, bytes) in &rows {
            match bytes {
                Ok(bytes) => writeln!(out, "{:>5}  {}  {}", "ok".green(), escaped(name), size(*bytes))?,
                Err(why) => writeln!(out, "{:>5}  {}  {}", "bad".red(), escaped(name), escaped(why))?,
            }
        }
        writeln!(anstream::stderr(), "{} checkpoints, {bad} of them can't be used", rows.len())?;
    }
    Ok(if bad == 0 { Exit::Done } else { Exit::Failed })
}

fn export(args: &ExportArgs) -> Result<Exit> {
    let store = open(&args.store)?;
    let (series, _) = series_of(&store, &args.series)?;
    let (found, skipped) = series.newest(args.at_most)?;
    for it in &skipped {
        writeln!(anstream::stderr(), "warning: passed over: {}", escaped(&it.error.to_string()))?;
    }
    let loaded = found.ok_or_else(|| Usage::new(format!("no checkpoint of `{}` that goes no further can be used", args.series)))?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let mut info = serde_json::to_vec_pretty(&loaded.info).context("cannot write what it is of")?;
    info.push(b'\n');
    let files = loaded.parts.iter().map(|it| (it.name.as_str(), it.bytes.as_slice())).chain([("info.json", info.as_slice())]);
    for (name, bytes) in files {
        // Names of parts are words, and stay in the folder whatever a damaged header says.
        let path = args.out.join(name.replace(['/', '\\'], "_"));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(anstream::stderr(), "{:>12} bytes  {}", grouped(bytes.len() as u64), path.display())?;
    }
    Ok(Exit::Done)
}

fn described(entry: &Entry, info: &Result<Info, StoreError>) -> Json {
    let (about, problem) = (info.as_ref().ok().map(|it| &it.about), info.as_ref().err().map(ToString::to_string));
    let written = EventTime::from_ms(entry.created_ms).to_string();
    let is_full = info.as_ref().ok().map(|it| it.is_full);
    json!({"name": entry.name, "offset": entry.offset, "written": written, "bytes": entry.len, "full": is_full, "of": about, "problem": problem})
}

/// `nightjar 0.1.0, source native, events up to 2026-…, 1,204 people, 310 groups`
fn in_words(info: &Result<Info, StoreError>) -> String {
    let Info { about, .. } = match info {
        Ok(it) => it,
        Err(error) => return format!("can't be used: {error}"),
    };
    let text = |key: &str| about.get(key).and_then(Json::as_str);
    let count = |key: &str| about.get(key).and_then(Json::as_u64);
    let words = [
        text("nightjar").map(|it| format!("nightjar {it}")),
        text("source").map(|it| format!("source {it}")),
        text("event").map(|it| format!("events up to {it}")),
        count("people").map(|it| format!("{} people", grouped(it))),
        count("groups").map(|it| format!("{} groups in windows", grouped(it))),
        text("rules_hash").map(|it| format!("rules {it}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}
