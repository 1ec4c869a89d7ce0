//! `nightjar score`: a file of events through the engine on all cores, in one deterministic order.

mod args;
mod attic;
mod bad;
mod decode;
mod desk;
mod input;
mod output;
mod parallel;
mod pipeline;
mod pulse;
mod seat;
mod state;
mod stats;

pub(crate) use args::Args;
pub(crate) use stats::{grouped, peak_rss_bytes};

use crate::exit::{Exit, Usage};
use crate::load;
use crate::run::signals;
use anyhow::{Context, Result};
use args::Options;
use engine::Policy;
use input::Input;
use model::Exception;
use output::Output;
use pipeline::Pipeline;
use state::Folder;
use stats::{Report, RuleCounts, Statistics};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Scores a file and says how it went.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let options = Options::of(args)?;
    let mut rules = load::rules(&options.rules, options.context.as_deref(), std::slice::from_ref(&options.mapping), options.watch)?;
    let exceptions =
        load::exceptions(&options.rules, options.context.as_deref(), &options.exceptions, options.now, &mut rules.problems)?;
    load::check_exceptions(&exceptions, &options.rules, &rules.book.set, &mut rules.problems);
    load::report(&rules.problems)?;
    let counts = RuleCounts::of(&rules);
    if counts.loaded == 0 {
        return Err(Usage::new("none of the rules could be loaded"));
    }
    if counts.active == 0 {
        let source = &options.mapping.name;
        writeln!(anstream::stderr(), "warning: none of the {} rules is for the source `{source}`", counts.loaded)?;
    }
    let exceptions: Vec<Exception> = exceptions.into_iter().map(|(exception, _)| exception).collect();
    let ids = exceptions.iter().map(|it| (it.id.clone(), BTreeMap::new())).collect();
    let book = rules.book.with_policy(Policy::new(exceptions, options.includes_shadow)?);
    let started = Instant::now();
    let mut folder = Folder::open(&options)?;
    let input = Input::open(&options)?;
    let mut pipeline = Pipeline::new(book, &options);
    if let Some(folder) = &mut folder {
        pipeline.restore(folder, &options)?;
    }
    let too_late_before = pipeline.counts().behaviour.too_late;
    let mut output = Output::open(&options, input.reader.progress())?;
    let stop = Arc::new(AtomicBool::new(false));
    // Without a state, a signal ends the process as it ends any other.
    let signals = folder.as_ref().map(|_| signals::start(stop_by(&stop))).transpose().context("cannot listen for signals")?;
    let ending = parallel::with_threads(options.threads, || pipeline.run(input, &mut output, &stop))?;
    let tally = output.finish()?.with_exceptions(ids);
    let saved = folder.map(|it| pipeline.save(&it, &options)).transpose()?;
    drop(signals);
    let counted = pipeline.counts();
    let too_late = counted.behaviour.too_late - too_late_before;
    let report = Report {
        statistics: Statistics::new(counted, tally, started.elapsed(), options.threads, counts)
            .with_triage(pipeline.triage_stats())
            .with_pulse(pipeline.pulse_stats())
            .with_profiles(counted.behaviour, pipeline.attic_stats(), saved),
        trouble: ending,
        is_out_of_order: too_late * 2 > counted.scored,
    };
    report.write(&options)?;
    Ok(if report.trouble.is_some() || report.statistics.has_lost_profiles() { Exit::Incomplete } else { Exit::Done })
}

/// What a signal does: the run ends after the round that it is in.
fn stop_by(stop: &Arc<AtomicBool>) -> impl FnOnce(&'static str) + Send + 'static {
    let stop = Arc::clone(stop);
    move |_| stop.store(true, Ordering::Relaxed)
}
