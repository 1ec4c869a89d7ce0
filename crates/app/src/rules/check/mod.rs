//! `nightjar rules check`: everything that is wrong or doubtful about rules, for people, for editors and for CI.

mod args;
mod diff;
mod explain;
mod fix;
mod github;
mod junit;
mod outcome;
mod sarif;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use args::Args;

use crate::exit::{Exit, Usage, is_broken_pipe};
use crate::load::{self, Texts};
use anyhow::Result;
use args::Output;
use engine::Rulebook;
use model::EventTime;
use outcome::Outcome;
use serde_json::json;
use sigma::lint::{self, Checked, Input};
use std::io::Write;

/// Checks rules as they are loaded for all sources at once.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    if let Some(code) = &args.explain {
        return explain::main(code, args.format);
    }
    let (choice, now) = (args.choice()?, args.now()?);
    if args.dry_run && !matches!(args.format, Output::Text | Output::Short | Output::Json) {
        return Err(Usage::new("--dry-run writes a difference, or JSON with `--format json`"));
    }
    let mut texts = load::texts(&args.dirs, args.context.as_deref())?;
    if args.fix {
        let fixed = fix::all(&mut texts, &choice, &|texts| check_once(texts, now))?;
        if args.dry_run {
            fix::tell(&fixed, false)?;
            match args.format {
                Output::Json => writeln!(anstream::stdout(), "{:#}", fix::json(&fixed))?,
                _ => fix::show(&fixed)?,
            }
            let outcome = check(args, &texts, &choice, now)?;
            text::summary(&outcome)?;
            // What would be mended is not in order yet.
            let is_in_order = !outcome.fails(args.deny_warnings) && !fixed.iter().any(fix::Fixed::is_changed);
            return Ok(if is_in_order { Exit::Done } else { Exit::Failed });
        }
        let (written, result) = fix::write(fixed);
        fix::tell(&written, true)?;
        result?;
    }
    let outcome = check(args, &texts, &choice, now)?;
    if outcome.is_nothing() {
        return Err(Usage::new(format!("no rules in {}: name a folder with Sigma rules (.yml)", load::names(&args.dirs))));
    }
    let exit = if outcome.fails(args.deny_warnings) { Exit::Failed } else { Exit::Done };
    match write(args.format, &outcome, &texts) {
        // Whoever reads our output (`| head`) has seen enough; what was found is found all the same.
        Err(error) if exit == Exit::Failed && is_broken_pipe(&error) => Ok(exit),
        written => written.map(|()| exit),
    }
}

fn check(args: &Args, texts: &Texts, choice: &args::Choice, now: EventTime) -> Result<Outcome> {
    let checked = check_once(texts, now)?;
    let mut problems = texts.problems.clone();
    problems.extend(checked.problems);
    problems.extend(load::context(&args.dirs, args.context.as_deref(), &[])?.problems);
    let book = Rulebook::compile(checked.documents, &load::built_in_mappings()?, &mut problems);
    let set = &book.set;
    let exceptions = load::exceptions(&args.dirs, args.context.as_deref(), &args.exceptions, now, &mut problems)?;
    load::check_exceptions(&exceptions, &args.dirs, set, &mut problems);
    Ok(Outcome {
        rules: set.rules.len(),
        correlations: set.correlations.len(),
        problems: choice.apply(problems),
        allowed: checked.allowed,
    })
}

/// What the lints say.
fn check_once(texts: &Texts, now: EventTime) -> Result<Checked> {
    let mappings = load::built_in_mappings()?;
    let input = Input {
        files: &texts.files,
        pages: Some(&texts.pages),
        lists: &texts.lists,
        list_files: &texts.list_files,
        mappings: &mappings,
        now: Some(now),
    };
    Ok(lint::check(&input))
}

fn write(output: Output, outcome: &Outcome, texts: &Texts) -> Result<()> {
    match output {
        Output::Text => text::pictures(outcome, texts)?,
        Output::Short => text::lines(outcome)?,
        Output::Json => {
            let report = json!({
                "rules": outcome.rules,
                "correlations": outcome.correlations,
                "errors": outcome.errors(),
                "warnings": outcome.warnings(),
                "notes": outcome.infos(),
                "allowed": outcome.allowed,
                "problems": outcome.problems,
            });
            writeln!(anstream::stdout(), "{report:#}")?;
        }
        Output::Sarif => writeln!(anstream::stdout(), "{:#}", sarif::log(&outcome.problems, texts))?,
        Output::Junit => write!(anstream::stdout(), "{}", junit::report(outcome, texts))?,
        Output::Github => github::write(&mut anstream::stdout().lock(), &outcome.problems)?,
    }
    text::summary(outcome)
}
