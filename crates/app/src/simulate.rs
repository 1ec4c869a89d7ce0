//! `nightjar simulate`: the audit events of a simulated company, to try rules on.

use crate::exit::{Exit, Usage};
use crate::score::grouped;
use anyhow::{Context, Result};
use serde::Serialize;
use sim::{AttackLabel, CompanyConfig, EventId, Scenario, Simulation};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// `nightjar simulate`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar simulate twitter-2020 --out events.ndjson --labels labels.ndjson --context context
  nightjar simulate quiet --people 2000 --days 30 | nightjar score -")]
pub(crate) struct Args {
    /// What happens: quiet (nothing but work) or twitter-2020 (130 accounts attacked through an agent tool)
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Where events go, one JSON object per line; `-` is stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Where the truth goes: a line with the attack as a whole, then one for each of its events
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Folder for the lists that rules refer to, consistent with the company
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Everything random follows from it: the same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 2020)]
    seed: u64,
    /// People in the company
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(12..=200_000))]
    people: u32,
    /// Days to simulate, from Monday 2020-07-13 on; the attack is on the third, or the last if there are fewer
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=3_660))]
    days: u32,
}

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
    let scenario: Scenario = args.scenario.parse().map_err(Usage::because)?;
    let config = CompanyConfig { people: args.people, days: args.days, seed: args.seed, ..CompanyConfig::default() };
    let mut simulation = Simulation::new(&config, scenario);
    if let Some(dir) = &args.context {
        write_context(&simulation, dir)?;
    }
    let mut out: Box<dyn Write> = match args.out.as_path() {
        path if path == Path::new("-") => Box::new(BufWriter::new(io::stdout())),
        path => Box::new(create(path)?),
    };
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
        out.write_all(&line).with_context(|| format!("cannot write events to {}", args.out.display()))?;
        events += 1;
    }
    out.flush().with_context(|| format!("cannot write events to {}", args.out.display()))?;
    if let Some(labels) = &mut labels {
        labels.flush().context("cannot write labels")?;
    }
    let (events, people) = (grouped(events), grouped(u64::from(args.people)));
    writeln!(anstream::stderr(), "{events} events of {people} people over {} days", args.days)?;
    Ok(Exit::Done)
}

impl<'a> Label<'a> {
    fn of(id: EventId, time_ms: i64, actor: &'a str, label: AttackLabel) -> Self {
        Self { id: id.to_string(), time_ms, actor, is_intrusion: label.is_intrusion(), attack: label }
    }
}

fn write_context(simulation: &Simulation, dir: &Path) -> Result<()> {
    let failed = || format!("cannot write lists to {}", dir.display());
    fs::create_dir_all(dir).with_context(failed)?;
    for (name, text) in simulation.company().context_files() {
        fs::write(dir.join(name), text).with_context(failed)?;
    }
    Ok(())
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?))
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value).context("cannot write labels")?;
    out.write_all(b"\n").context("cannot write labels")
}
