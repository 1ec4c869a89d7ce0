//! `nightjar rules exceptions`: what exceptions there are, which have ended, and which nothing has used.

use super::Format;
use crate::exit::{Exit, Usage};
use crate::load;
use crate::show::escaped;
use anyhow::{Context, Result};
use model::{EventTime, Exception, Validity};
use owo_colors::OwoColorize;
use serde_json::{Value as Json, json};
use sigma::ast::Place;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;
use stream::Block;
use stream::files::{BlockOptions, BlockReader};

/// `nightjar rules exceptions`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules exceptions rules
  nightjar rules exceptions rules --shadow shadow.ndjson

An exception is a map with `until`, `reason`, `author` and at least one of `actor`, `target` and `rule`, in `context/exceptions.yml`
beside the rules or in a file of --exceptions. Exit code 1 if one can't be read.")]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// Folder of lists and exceptions besides the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// File of exceptions; may be given several times
    #[arg(long, value_name = "FILE")]
    exceptions: Vec<PathBuf>,
    /// Recorded shadow findings, to tell how often each exception was used; may be given several times
    #[arg(long, value_name = "FILE")]
    shadow: Vec<PathBuf>,
    /// What time it is taken to be [default: the clock]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists the exceptions that can be read; what is wrong with the others goes to stderr.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let now = match &args.now {
        Some(text) => time(text)?,
        None => now()?,
    };
    let mut rules = load::rules(&args.dirs, args.context.as_deref(), &load::built_in_mappings()?, load::Watch::IfRulesRead)?;
    rules.problems.clear();
    let loaded = load::exceptions(&args.dirs, args.context.as_deref(), &args.exceptions, now, &mut rules.problems)?;
    load::check_exceptions(&loaded, &args.dirs, &rules.book.set, &mut rules.problems);
    let mut err = anstream::stderr().lock();
    rules.problems.iter().try_for_each(|it| writeln!(err, "{}", escaped(&it.to_string())))?;
    let used = if args.shadow.is_empty() { None } else { Some(uses(&args.shadow)?) };
    match args.format {
        Format::Text => write_text(&loaded, used.as_ref(), now)?,
        Format::Json => write_json(&loaded, used.as_ref(), now)?,
    }
    Ok(if rules.errors() > 0 { Exit::Failed } else { Exit::Done })
}

/// How often each exception was used, by its id.
fn uses(files: &[PathBuf]) -> Result<BTreeMap<String, u64>> {
    let mut used = BTreeMap::new();
    for path in files {
        let failed = || format!("cannot read shadow findings from {}", path.display());
        let mut reader = BlockReader::open(path, BlockOptions::default()).with_context(failed)?;
        let mut block = Block::new();
        while reader.next_block(&mut block).with_context(failed)? {
            for line in block.payload().split(|it| *it == b'\n') {
                let finding: Json = serde_json::from_slice(line).unwrap_or_default();
                if let Some(id) = finding.pointer("/unmapped/exception/id").and_then(Json::as_str) {
                    *used.entry(id.to_owned()).or_default() += 1;
                }
            }
        }
    }
    Ok(used)
}

fn scope(exception: &Exception) -> String {
    let parts = [("rule", &exception.rule), ("actor", &exception.actor), ("target", &exception.target)];
    let named = parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)));
    named.collect::<Vec<_>>().join(", ")
}

fn write_text(loaded: &[(Exception, Place)], used: Option<&BTreeMap<String, u64>>, now: EventTime) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for (it, place) in loaded {
        let state = match it.at(now) {
            Validity::Active => "active ".green().to_string(),
            Validity::Pending => "pending".yellow().to_string(),
            Validity::Expired => "expired".red().to_string(),
        };
        writeln!(out, "{state}  {}  until {}  {}", escaped(&it.id).bold(), it.until, escaped(&scope(it)))?;
        let times = used.map(|all| match all.get(&it.id) {
            None => "; never used: remove it, if it is old".to_owned(),
            Some(count) => format!("; used {count} times"),
        });
        let place = format!("{}:{}", place.file, place.line);
        writeln!(
            out,
            "         {} ({}){}  {}",
            escaped(&it.reason),
            escaped(&it.author),
            times.unwrap_or_default(),
            place.dimmed()
        )?;
    }
    let count = |which| loaded.iter().filter(|(it, _)| it.at(now) == which).count();
    let (active, pending, expired) = (count(Validity::Active), count(Validity::Pending), count(Validity::Expired));
    writeln!(anstream::stderr(), "{} exceptions: {active} active, {pending} pending, {expired} expired", loaded.len())?;
    Ok(())
}

fn write_json(loaded: &[(Exception, Place)], used: Option<&BTreeMap<String, u64>>, now: EventTime) -> Result<()> {
    let entry = |(it, place): &(Exception, Place)| {
        json!({
            "id": it.id,
            "rule": it.rule,
            "actor": it.actor,
            "target": it.target,
            "from": it.from.to_string(),
            "until": it.until.to_string(),
            "reason": it.reason,
            "author": it.author,
            "state": it.at(now).as_str(),
            "used": used.map(|all| all.get(&it.id).copied().unwrap_or_default()),
            "file": &*place.file,
            "line": place.line,
        })
    };
    let list: Vec<Json> = loaded.iter().map(entry).collect();
    writeln!(anstream::stdout(), "{:#}", Json::from(list))?;
    Ok(())
}

/// A time as it is given on the command line: RFC 3339, or a day, which stands for its first moment in UTC.
pub(crate) fn time(text: &str) -> Result<EventTime> {
    let day = || EventTime::parse(&format!("{text}T00:00:00Z"));
    EventTime::parse(text).or_else(day).ok_or_else(|| Usage::new(format!("`{text}` is no time (RFC 3339 is expected) and no day")))
}

/// What the clock says.
pub(crate) fn now() -> Result<EventTime> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(EventTime::from_ms(i64::try_from(since.as_millis()).context("the clock is too far ahead")?))
}
