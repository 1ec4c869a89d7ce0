//! `nightjar context`: the tables of people, shifts, tickets, rights and things that events are looked up in.

use crate::exit::{Exit, Usage};
use crate::load;
use crate::rules::Format;
use crate::score::grouped;
use crate::show::escaped;
use anyhow::Result;
use engine::context::{Loaded, Table, TableInfo};
use owo_colors::OwoColorize;
use serde_json::{Value as Json, json};
use std::io::Write;
use std::path::PathBuf;

/// `nightjar context …`
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Read the tables of a folder and say what is in them, what is wrong, and what does not fit together
    Check(CheckArgs),
    /// List the tables that there may be, and their columns
    Tables(TablesArgs),
}

/// `nightjar context check`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar context check context
  nightjar context check context --format json

Exit code 1 if a table or a row can't be used; scoring goes on without it.")]
pub(crate) struct CheckArgs {
    /// The folder of tables and lists
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `nightjar context tables`
#[derive(Debug, clap::Args)]
pub(crate) struct TablesArgs {
    /// How the list is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs one of them.
pub(crate) fn main(command: &Command) -> Result<Exit> {
    match command {
        Command::Check(args) => check(args),
        Command::Tables(args) => tables(args),
    }
}

fn check(args: &CheckArgs) -> Result<Exit> {
    if !args.dir.is_dir() {
        return Err(Usage::new(format!("no such folder: {}", args.dir.display())));
    }
    let loaded = load::context(&[], Some(&args.dir), &[])?;
    match args.format {
        Format::Text => write_text(&loaded)?,
        Format::Json => write_json(&loaded)?,
    }
    if loaded.tables.is_empty() && loaded.problems.is_empty() {
        let names = Table::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
        return Err(Usage::new(format!(
            "no tables in {}: they are called {names} (.csv, .ndjson or .parquet)",
            args.dir.display()
        )));
    }
    let is_fine = !loaded.problems.iter().any(sigma::problem::Problem::is_error);
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

fn write_text(loaded: &Loaded) -> Result<()> {
    let mut err = anstream::stderr().lock();
    loaded.problems.iter().try_for_each(|it| writeln!(err, "{}", escaped(&it.to_string())))?;
    let mut out = anstream::stdout().lock();
    for TableInfo { name, path, rows, times, remarks } in &loaded.tables {
        let times = times.map_or(String::new(), |(first, last)| format!("  {} to {}", day(first), day(last)));
        let rows = format!("{} {}", grouped(*rows as u64), if *rows == 1 { "row" } else { "rows" });
        writeln!(out, "{:<20} {rows:>12}{times}  {}", name.bold(), escaped(path).dimmed())?;
        for remark in remarks {
            let more = if remark.count > remark.examples.len() { ", …" } else { "" };
            let examples = escaped(&remark.examples.join(", "));
            writeln!(out, "    {} {}: {examples}{more}", grouped(remark.count as u64).yellow(), remark.what)?;
        }
    }
    Ok(())
}

/// The day of a time, in UTC.
fn day(time: model::EventTime) -> String {
    time.to_string().chars().take_while(|it| *it != 'T').collect()
}

fn write_json(loaded: &Loaded) -> Result<()> {
    let table = |it: &TableInfo| {
        let remarks: Vec<Json> =
            it.remarks.iter().map(|it| json!({"what": it.what, "count": it.count, "examples": it.examples})).collect();
        let (first, last) = it.times.map(|(first, last)| (first.to_string(), last.to_string())).unzip();
        json!({"table": it.name, "file": it.path, "rows": it.rows, "first": first, "last": last, "remarks": remarks})
    };
    let tables: Vec<Json> = loaded.tables.iter().map(table).collect();
    let json = json!({"tables": tables, "problems": loaded.problems});
    writeln!(std::io::stdout().lock(), "{json:#}")?;
    Ok(())
}

fn tables(args: &TablesArgs) -> Result<Exit> {
    let mut out = anstream::stdout().lock();
    if let Format::Json = args.format {
        let table = |it: &Table| {
            let (required, optional) = it.columns().split_at(it.required());
            json!({"table": it.name(), "meaning": it.meaning(), "required": required, "optional": optional})
        };
        let all: Vec<Json> = Table::ALL.iter().map(table).collect();
        writeln!(out, "{:#}", Json::from(all))?;
        return Ok(Exit::Done);
    }
    for it in Table::ALL {
        let (required, optional) = it.columns().split_at(it.required());
        writeln!(out, "{}  {}", it.name().bold(), it.meaning())?;
        let optional = if optional.is_empty() { String::new() } else { format!(", {}", optional.join(", ")) };
        writeln!(out, "    {}{optional}", required.join(", ").bold())?;
    }
    Ok(Exit::Done)
}
