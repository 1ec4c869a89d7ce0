//! `nightjar score`: a file of events through the engine on all cores, in one deterministic order.

mod args;
mod bad;
mod decode;
mod output;
mod parallel;
mod pipeline;
mod seat;
mod stats;

pub(crate) use args::Args;
pub(crate) use stats::grouped;

use crate::exit::Exit;
use crate::load;
use anyhow::{Context, Result};
use args::Options;
use engine::Plausible;
use output::Output;
use pipeline::Pipeline;
use stats::{Report, RuleCounts, Statistics};
use std::time::Instant;
use stream::files::{BlockOptions, BlockReader};

/// Scores a file and says how it went.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let options = Options::of(args)?;
    let rules = load::rules(&options.rules, options.context.as_deref(), std::slice::from_ref(&options.mapping))?;
    load::report(&rules.problems)?;
    let counts = RuleCounts::of(&rules);
    if counts.active == 0 {
        anstream::eprintln!("warning: none of the {} rules is for the source `{}`", counts.loaded, options.mapping.name);
    }
    let started = Instant::now();
    let reader = BlockReader::open(&options.input, BlockOptions::default())
        .with_context(|| format!("cannot score {}", options.input.display()))?;
    let mut output = Output::open(&options, reader.progress())?;
    let mut pipeline = Pipeline::new(rules.book, &options.clock, Plausible::until(options.latest()), options.threads);
    let ending = pipeline.run(reader, &mut output)?;
    let tally = output.finish()?;
    let report = Report {
        statistics: Statistics::new(pipeline.counts(), tally, started.elapsed(), options.threads, counts),
        trouble: ending.map(|it| it.to_string()),
    };
    report.write(&options)?;
    Ok(if report.trouble.is_some() { Exit::Incomplete } else { Exit::Done })
}
