//! `nightjar simulate tabletop`: a labelled exercise. One thread lives through the days while others write what it lived through before.

use super::sink::{Sink, create};
use super::{Args, write_files, write_line};
use crate::exit::{Exit, Usage};
use crate::score::grouped;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use sim::{Batch, Lines, Tabletop, TabletopConfig};
use std::io::{BufWriter, Write};
use std::time::Instant;

/// The scenario's name.
pub(super) const NAME: &str = "tabletop";

const PEOPLE: u32 = 2_000;
const DAYS: u32 = 60;
/// Events that are written while the next so many happen.
const BATCH: usize = 32 * 1024;
/// Events that one thread writes at a time.
const CHUNK: usize = 2 * 1024;

/// Writes events, labels and tables.
pub(super) fn main(args: &Args) -> Result<Exit> {
    let config = config(args)?;
    let threads = args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let started = Instant::now();
    let mut tabletop = Tabletop::new(&config);
    let mut tickets = None;
    if let Some(dir) = &args.context {
        write_files(dir, tabletop.tables())?;
        let mut file = create(&dir.join("tickets.csv"))?;
        file.write_all(Tabletop::TICKETS_HEADER.as_bytes()).context("cannot write the ticket table")?;
        tickets = Some(file);
    }
    let mut labels = args.labels.as_deref().map(create).transpose()?;
    let mut sink = Sink::open(&args.out)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    pool.install(|| play(&mut tabletop, &mut sink, tickets.as_mut()))?;
    sink.finish()?;
    if let Some(tickets) = &mut tickets {
        tickets.flush().context("cannot write the ticket table")?;
    }
    let attacks = tabletop.attacks();
    if let Some(labels) = &mut labels {
        tabletop.plan().iter().try_for_each(|it| write_line(labels, it))?;
        attacks.iter().try_for_each(|it| write_line(labels, &sim::LabelRecord::Attack(it.clone())))?;
        labels.flush().context("cannot write labels")?;
    }
    let per_second = u128::from(tabletop.written()) * 1_000 / started.elapsed().as_millis().max(1);
    writeln!(
        anstream::stderr(),
        "{} events of {} people over {} days, {} attacks; {} events/s",
        grouped(tabletop.written()),
        grouped(u64::from(config.people)),
        config.days,
        attacks.len(),
        grouped(u64::try_from(per_second).unwrap_or(u64::MAX)),
    )?;
    Ok(Exit::Done)
}

fn config(args: &Args) -> Result<TabletopConfig> {
    let people = args.people.unwrap_or(PEOPLE);
    let days = args.days.unwrap_or(DAYS);
    let (people_min, people_max) = (TabletopConfig::PEOPLE_MIN, TabletopConfig::PEOPLE_MAX);
    let (days_min, days_max) = (TabletopConfig::DAYS_MIN, TabletopConfig::DAYS_MAX);
    if !(people_min..=people_max).contains(&people) {
        return Err(Usage::new(format!("a tabletop needs {people_min} to {people_max} people, not {people}")));
    }
    if !(days_min..=days_max).contains(&days) {
        return Err(Usage::new(format!("a tabletop lasts {days_min} to {days_max} days, so that habits exist; not {days}")));
    }
    Ok(TabletopConfig { people, days, seed: args.seed })
}

/// While a batch is written, the next one happens.
fn play(tabletop: &mut Tabletop, sink: &mut Sink, mut tickets: Option<&mut BufWriter<std::fs::File>>) -> Result<()> {
    let lines = tabletop.lines();
    let bar = progress();
    let (mut now, mut next) = (Batch::default(), Batch::default());
    let mut has_more = tabletop.next_batch(&mut now, BATCH);
    while has_more {
        let (more, written) = rayon::join(|| tabletop.next_batch(&mut next, BATCH), || write(&lines, &now, sink));
        written?;
        let rows = tabletop.take_tickets();
        if let Some(tickets) = &mut tickets {
            tickets.write_all(rows.as_bytes()).context("cannot write the ticket table")?;
        }
        bar.set_position(tabletop.written());
        (has_more, now, next) = (more, next, now);
    }
    bar.finish_and_clear();
    Ok(())
}

fn write(lines: &Lines, batch: &Batch, sink: &mut Sink) -> Result<()> {
    let chunks: Vec<usize> = (0..batch.len()).step_by(CHUNK).collect();
    let texts: Vec<Vec<u8>> = chunks
        .into_par_iter()
        .map(|first| {
            let mut text = Vec::with_capacity(CHUNK * 720);
            lines.write(batch, first..(first + CHUNK).min(batch.len()), &mut text);
            text
        })
        .collect();
    texts.iter().try_for_each(|it| sink.write(it))
}

/// How many events there are so far; their number is not known before.
fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {human_pos} events, {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5)).with_style(style)
}
