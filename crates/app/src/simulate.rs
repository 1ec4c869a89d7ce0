//! `nightjar simulate`: the audit events of a simulated company, to try rules on.

mod sink;
mod tabletop;

use crate::exit::{Exit, Usage};
use crate::score::grouped;
use anyhow::{Context, Result};
use serde::Serialize;
use sim::{AttackLabel, CompanyConfig, EventId, Scenario, Simulation};
use sink::{Sink, create};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `nightjar simulate`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar simulate twitter-2020 --out events.ndjson --labels labels.ndjson --context context
  nightjar simulate quiet --people 2000 --days 30 | nightjar score -
  nightjar simulate tabletop --seed 1 --labels labels.ndjson --context context -o events.ndjson.zst")]
pub(crate) struct Args {
    /// What happens: quiet (nothing but work), twitter-2020 (130 accounts attacked through an agent tool) or tabletop (weeks with every
    /// known kind of attack, and with everything that only looks like one)
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Where events go, one JSON object per line; `-` is stdout, and a name that ends in `.zst` is compressed
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Where the truth goes: a line with the attack as a whole, then one for each of its events; of a tabletop, what `evaluate` reads
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Folder for the lists that rules refer to, consistent with the company; of a tabletop also its tables (roster, shifts, tickets, …)
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Everything random follows from it: the same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 2020)]
    seed: u64,
    /// People in the company; 600 if not given, of a tabletop 2000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(12..=200_000))]
    people: Option<u32>,
    /// Days to simulate, from Monday 2020-07-13 on (3 if not given; the attack is on the third, or the last if there are fewer), of a
    /// tabletop from Monday 2026-02-09 on (60 if not given)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    days: Option<u32>,
    /// Threads that write the events of a tabletop; all cores if not given. The output does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

const PEOPLE: u32 = 600;
const DAYS: u32 = 3;

/// A line of the labels: the truth about one event.
#[derive(Serialize)]
struct Label<'a> {
    id: String,
    time_ms: i64,
    actor: &'a str,
    #[serde(flatten)]
    attack: AttackLabel,
    is_intrusion: bool,
}

/// Writes the events of a scenario.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    if args.scenario == tabletop::NAME {
        return tabletop::main(args);
    }
    let scenario: Scenario = args.scenario.parse().map_err(|it| Usage::new(format!("{it} {}", tabletop::NAME)))?;
    let (people, days) = (args.people.unwrap_or(PEOPLE), args.days.unwrap_or(DAYS));
    let config = CompanyConfig { people, days, seed: args.seed, ..CompanyConfig::default() };
    let mut simulation = Simulation::new(&config, scenario);
    if let Some(dir) = &args.context {
        write_files(dir, simulation.company().context_files())?;
    }
    let mut out = Sink::open(&args.out)?;
    let mut labels = args.labels.as_deref().map(create).transpose()?;
    if let Some(labels) = &mut labels {
        write_line(labels, simulation.truth())?;
    }
    let (mut line, mut events) = (Vec::new(), 0_u64);
    while let Some(meta) = simulation.next_into(&mut line) {
        if let (Some(labels), Some(label)) = (&mut labels, meta.label) {
            write_line(labels, &Label::of(meta.id, meta.time_ms, meta.actor_key, label))?;
        }
        line.push(b'\n');
        out.write(&line)?;
        events += 1;
    }
    out.finish()?;
    if let Some(labels) = &mut labels {
        labels.flush().context("cannot write labels")?;
    }
    let (events, people) = (grouped(events), grouped(u64::from(people)));
    writeln!(anstream::stderr(), "{events} events of {people} people over {days} days")?;
    Ok(Exit::Done)
}

impl<'a> Label<'a> {
    fn of(id: EventId, time_ms: i64, actor: &'a str, label: AttackLabel) -> Self {
        Self { id: id.to_string(), time_ms, actor, is_intrusion: label.is_intrusion(), attack: label }
    }
}

fn write_files(dir: &Path, files: Vec<(&'static str, String)>) -> Result<()> {
    let failed = || format!("cannot write lists to {}", dir.display());
    fs::create_dir_all(dir).with_context(failed)?;
    for (name, text) in files {
        fs::write(dir.join(name), text).with_context(failed)?;
    }
    Ok(())
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value).context("cannot write labels")?;
    out.write_all(b"\n").context("cannot write labels")
}
