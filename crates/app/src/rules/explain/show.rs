//! Explanations for people.

use super::Explained;
use super::correlations::{Feeding, State};
use crate::show::escaped;
use anyhow::Result;
use engine::explain::{NearMiss, Step};
use owo_colors::OwoColorize;
use serde_json::Value as Json;
use sigma::ast::Rule;
use std::io::Write;

/// Most near misses that are told.
const NEAR_SHOWN: usize = 3;
/// Most missing tests of a near miss that are told.
const MISSING_SHOWN: usize = 5;

/// Everything that was asked for. With `shows_all`, rules that don't match are told in full too.
pub(super) fn write_text(explained: &Explained<'_>, shows_all: bool) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let (mut quiet, mut undecided) = (Vec::new(), Vec::new());
    if let Some(reject) = &explained.rejected {
        let (source, reject) = (&explained.mapping.name, escaped(&reject.to_string()));
        writeln!(out, "This is no event of the source `{source}`: {reject}. It would be a dead letter; what rules make of it:\n")?;
    }
    if !shows_all && explained.rules.iter().all(|it| !it.1.matches) {
        write_near(&mut out, &explained.near)?;
    }
    for (rule, explanation) in &explained.rules {
        if explanation.matches && !explanation.is_open || shows_all {
            write_rule(&mut out, rule, explanation, explained.not_routed(rule).as_deref())?;
        } else if explanation.is_open {
            undecided.push(rule.info.name.as_str());
        } else {
            quiet.push(rule.info.name.as_str());
        }
    }
    for feeding in explained.feedings.iter().filter(|it| shows_all || it.is_fed()) {
        write_feeding(&mut out, feeding)?;
    }
    if !shows_all {
        let matching = explained.rules.len() - quiet.len() - undecided.len();
        write!(out, "{matching} of {} rules for this source match", explained.rules.len())?;
        match explained.elsewhere {
            0 => writeln!(out, ".")?,
            count => writeln!(out, "; {count} are for other sources.")?,
        }
    }
    if !undecided.is_empty() {
        writeln!(out, "Depends on what came before: {}", undecided.join(", "))?;
    }
    if !quiet.is_empty() {
        writeln!(out, "No match: {}", quiet.join(", "))?;
    }
    Ok(())
}

/// The rules that came nearest, the nearest first.
fn write_near(out: &mut impl Write, near: &[(&Rule, NearMiss)]) -> Result<()> {
    if near.is_empty() {
        writeln!(out, "No rule matches, and none came near: not one test comes out right.\n")?;
        return Ok(());
    }
    writeln!(out, "No rule matches. These came nearest:")?;
    for (rule, miss) in near.iter().take(NEAR_SHOWN) {
        let (met, missing) = (miss.met, miss.missing.len());
        let place = format!("{}:{}", rule.place.file, rule.place.line);
        writeln!(
            out,
            "{} {}: {met} of {} tests come out right{}  {}",
            mark(false),
            rule.info.name.bold(),
            met + missing,
            up_to_the_past(miss.open),
            place.dimmed()
        )?;
        for step in miss.missing.iter().take(MISSING_SHOWN) {
            writeln!(out, "    {} {}  {}", mark(false), escaped(&test(step)), format_args!("line {}", step.line).dimmed())?;
        }
        if missing > MISSING_SHOWN {
            writeln!(out, "    … and {} more", missing - MISSING_SHOWN)?;
        }
    }
    writeln!(out)?;
    Ok(())
}

/// A test that came out wrong, in one line: what is asked, and what the event has.
pub(super) fn test(step: &Step) -> String {
    let wanted = if step.holds { "must not hold: " } else { "" };
    let value = match &step.value {
        Some(Json::Null) => "; the event has no such field".to_owned(),
        Some(value) => format!("; the event has {value}"),
        None => String::new(),
    };
    format!("{wanted}{}{value}", step.question)
}

/// What is said of tests that only somebody can decide who knows the events before.
pub(super) fn up_to_the_past(open: usize) -> String {
    match open {
        0 => String::new(),
        1 => ", and one depends on what came before".to_owned(),
        more => format!(", and {more} depend on what came before"),
    }
}

fn write_rule(
    out: &mut impl Write,
    rule: &Rule,
    explanation: &engine::explain::Explanation,
    not_routed: Option<&str>,
) -> Result<()> {
    let info = &rule.info;
    let sign = if explanation.is_open { open() } else { mark(explanation.matches) };
    write!(out, "{sign} {} ({}) {}", info.name.bold(), info.level, escaped(&info.title))?;
    writeln!(out, "  {}", format_args!("{}:{}", rule.place.file, rule.place.line).dimmed())?;
    if explanation.is_open {
        writeln!(out, "  whether it matches depends on what came before this event; `history` on the rule's page tries it")?;
    }
    if let Some(reason) = not_routed {
        writeln!(out, "  {}", escaped(reason))?;
        writeln!(out, "  were it for this source, this is how it would stand:")?;
    }
    for step in &explanation.steps {
        let indent = "  ".repeat(step.depth + 1);
        let sign = if step.is_open { open() } else { mark(step.holds) };
        write!(out, "{indent}{sign} {}", escaped(&step.question))?;
        match &step.value {
            Some(Json::Null) if step.is_open => write!(out, "  {}", "(depends on what came before)".dimmed())?,
            Some(Json::Null) => write!(out, "  {}", "(no value)".dimmed())?,
            Some(value) => write!(out, "  {} {}", "value".dimmed(), escaped(&value.to_string()))?,
            None => {}
        }
        writeln!(out, "  {}", format_args!("line {}", step.line).dimmed())?;
    }
    writeln!(out)?;
    Ok(())
}

fn write_feeding(out: &mut impl Write, feeding: &Feeding<'_>) -> Result<()> {
    let (info, place) = (&feeding.correlation.info, &feeding.correlation.place);
    // Not the mark of a match: whether it fires depends on other events.
    let sign = if feeding.is_fed() { "→".cyan().to_string() } else { mark(false) };
    write!(out, "{sign} {} ({}) {}", info.name.bold(), info.level, escaped(&info.title))?;
    writeln!(out, "  {}", format_args!("{}:{}", place.file, place.line).dimmed())?;
    for part in &feeding.parts {
        match &part.state {
            State::Feeds { values } => {
                let values: Vec<String> = values.iter().map(|(name, value)| format!("{name} {value}")).collect();
                let values = if values.is_empty() { "everything is one group".to_owned() } else { values.join(", ") };
                writeln!(out, "  {} counts for {}: {}", mark(true), part.rule, escaped(&values))?;
            }
            State::Not(reason) => writeln!(out, "  {} not for {}: {}", mark(false), part.rule, escaped(reason))?,
        }
    }
    writeln!(out)?;
    Ok(())
}

/// The mark of what nobody can tell from one event.
fn open() -> String {
    "?".yellow().to_string()
}

fn mark(holds: bool) -> String {
    if holds { "✔".green().to_string() } else { "✘".red().to_string() }
}
