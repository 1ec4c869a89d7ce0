//! `nightjar evaluate`: what of a labelled exercise was caught, how early, and at what noise.

#![expect(clippy::cast_precision_loss, reason = "counts and days become ratios, far below 2^52")]

mod alerts;
mod budget;
mod calibration;
mod labels;
mod lines;
mod measure;
mod pass;
mod report;
mod scores;
#[cfg(test)]
mod tests;

use crate::exit::{Exit, Usage};
use alerts::Alerts;
use anyhow::{Context, Result};
use clap::ValueEnum;
use labels::Labels;
use report::Report;
use std::io::Write;
use std::path::PathBuf;

/// `nightjar evaluate`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar simulate tabletop --seed 1 --labels labels.ndjson --context context -o events.ndjson.zst
  nightjar score events.ndjson.zst --context context --alerts alerts.ndjson --shadow shadow.ndjson
  nightjar evaluate --labels labels.ndjson --alerts alerts.ndjson --alerts shadow.ndjson --events events.ndjson.zst

An alert belongs to an attack if one of its events does. An attack is caught by an alert that pages; minutes, events and accounts are those
up to the time of the first. Alerts that belong to no attack are false, and are counted from the day on which attacks may begin.")]
pub(crate) struct Args {
    /// What really happened, as `simulate tabletop` writes it
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Alerts as `score` writes them (OCSF Detection Findings); may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    alerts: Vec<PathBuf>,
    /// Scores of every event, in the order of the events: id, actor, nj.p, nj.score, contributions
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// The events themselves: for first uses, and for what scores are at which hour and for whom
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Behaviour alerts a day that were asked for, to compare surges and holidays with
    #[arg(long, value_name = "N", value_parser = budget_of)]
    budget: Option<f64>,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the outcome is written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Tables for people
    #[default]
    Text,
    /// One JSON object
    Json,
}

fn budget_of(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("it has to be above 0".to_owned()) }
}

/// Evaluates and prints.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let labels = Labels::read(&args.labels)?;
    if labels.attacks.is_empty() {
        return Err(Usage::new(format!("{}: no attack is labelled, so there is nothing to catch", args.labels.display())));
    }
    let mut alerts = Alerts::default();
    for path in &args.alerts {
        alerts.read(path)?;
    }
    let matched = measure::matched(&labels, &alerts);
    let pass = pass::run(&labels, &alerts, &matched, args.events.as_deref(), args.scores.as_deref())?;
    let report = Report::new(&labels, &alerts, &matched, &pass, args.budget);
    let text = match args.format {
        Format::Text => report.to_string(),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(&report).context("cannot write the report")?;
            text.push('\n');
            text
        }
    };
    anstream::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}
