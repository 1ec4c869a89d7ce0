//! `nightjar state`: the checkpoints that `run` keeps, for people.

use crate::exit::{Exit, Usage};
use crate::rules::Format;
use crate::score::grouped;
use crate::show::escaped;
use anyhow::{Context, Result};
use model::EventTime;
use owo_colors::OwoColorize;
use serde_json::{Value as Json, json};
use std::collections::HashSet;
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

/// To look at: nothing is made.
fn open(store: &str) -> Result<Store> {
    Store::look(store, std::env::vars()).map_err(Usage::because)
}

/// The series of that name, with what it has. Groups may have slashes in their names, so it is looked for among those that there are.
fn series_of(store: &Store, name: &str) -> Result<(Series, Vec<Entry>)> {
    let known = store.names()?;
    if let Some(parts) = known.iter().find(|it| it.join("/") == name) {
        let series = at(store, parts);
        let entries = series.list()?;
        if !entries.is_empty() {
            return Ok((series, entries));
        }
    }
    let known: Vec<String> = known.iter().map(|it| it.join("/")).filter(|it| it != name).collect();
    let hint = sigma::parse::nearest::nearest(name, known.iter().map(String::as_str));
    let hint = hint.map_or_else(|| "`nightjar state ls` lists what there is".to_owned(), |it| format!("did you mean `{it}`?"));
    Err(Usage::new(format!("there is no checkpoint of `{name}` in {}: {hint}", store.place())))
}

fn at(store: &Store, name: &[String]) -> Series {
    store.series(&name.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What is said of an object that is none of ours.
const NO_CHECKPOINT: &str = "its name is not that of a checkpoint: it is left alone";

/// What a series has, and what its newest checkpoint is of.
struct Row {
    name: String,
    entries: Vec<Entry>,
    others: Vec<String>,
    info: Option<Result<Info, StoreError>>,
}

fn list(args: &LsArgs) -> Result<Exit> {
    let store = open(&args.store)?;
    let mut rows = Vec::new();
    for name in store.names()? {
        let series = at(&store, &name);
        let (entries, others) = series.list_all()?;
        let info = entries.first().map(|it| series.info(it));
        rows.push(Row { name: name.join("/"), entries, others, info });
    }
    let mut out = anstream::stdout().lock();
    if let Format::Json = args.format {
        let row = |Row { name, entries, others, info }: &Row| {
            let bytes = entries.iter().map(|it| it.len).sum::<u64>();
            let newest = entries.first().zip(info.as_ref()).map(|(entry, info)| described(entry, info));
            json!({"series": name, "checkpoints": entries.len(), "bytes": bytes, "newest": newest, "others": others})
        };
        writeln!(out, "{:#}", Json::from(rows.iter().map(row).collect::<Vec<_>>()))?;
        return Ok(Exit::Done);
    }
    for Row { name, entries, others, info } in &rows {
        if let Some((Entry { offset, created_ms, .. }, info)) = entries.first().zip(info.as_ref()) {
            let (count, of) = (entries.len(), if entries.len() == 1 { "checkpoint" } else { "checkpoints" });
            let (name, written) = (escaped(name), EventTime::from_ms(*created_ms));
            let bytes = size(entries.iter().map(|it| it.len).sum());
            writeln!(out, "{}  {count} {of}, {bytes}, the newest of {written} up to offset {offset}", name.bold())?;
            writeln!(out, "    {}", escaped(&in_words(info)).dimmed())?;
        }
        for other in others {
            writeln!(anstream::stderr(), "warning: {}/{}: {NO_CHECKPOINT}", escaped(name), escaped(other))?;
        }
    }
    if rows.iter().all(|it| it.entries.is_empty()) {
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
        let series = at(&store, &name);
        let name = name.join("/");
        let (entries, others) = series.list_all()?;
        for entry in entries {
            // One that can't be read says nothing about the others.
            let bytes = series.load(&entry).map(|it| it.parts.iter().map(|it| it.bytes.len() as u64).sum::<u64>());
            rows.push((format!("{name}/{}", entry.name), bytes.map_err(|it| it.to_string())));
        }
        rows.extend(others.iter().map(|it| (format!("{name}/{it}"), Err(NO_CHECKPOINT.to_owned()))));
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
    let mut taken = HashSet::from(["info.json".to_owned()]);
    for (number, (name, bytes)) in files.enumerate() {
        let is_info = number == loaded.parts.len();
        let path = args.out.join(if is_info { name.to_owned() } else { file_of(name, number, &mut taken) });
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(anstream::stderr(), "{:>12} bytes  {}", grouped(bytes.len() as u64), path.display())?;
    }
    Ok(Exit::Done)
}

/// A file's name for a part: names of parts are words, but whoever made the checkpoint may have called them anything, and called two the same.
fn file_of(part: &str, number: usize, taken: &mut HashSet<String>) -> String {
    let fit = |it: char| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '_' };
    let name: String = part.chars().take(100).map(fit).collect();
    let name = if name.trim_matches('.').is_empty() { format!("part-{number}") } else { name };
    let name = if taken.contains(&name) { format!("{number}-{name}") } else { name };
    taken.insert(name.clone());
    name
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_files_in_the_folder_whatever_they_are_called() {
        let mut taken = HashSet::from(["info.json".to_owned()]);
        let names = ["shard", "", "..", "../../etc/passwd", "a\nb", "shard", "info.json", "SHARD"];
        let files: Vec<String> = names.iter().enumerate().map(|(number, it)| file_of(it, number, &mut taken)).collect();
        let expected = ["shard", "part-1", "part-2", ".._.._etc_passwd", "a_b", "5-shard", "6-info.json", "SHARD"];
        assert_eq!(files, expected);
    }
}
