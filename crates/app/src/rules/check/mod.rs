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

use crate::exit::{Exit, Usage};
use crate::load::{self, Texts};
use anyhow::Result;
use args::Output;
use engine::Rulebook;
use model::EventTime;
use outcome::Outcome;
use serde_json::json;
use sigma::lint::{self, Checked, Input};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Checks rules as they are loaded for all sources at once.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    if let Some(code) = &args.explain {
        return explain::main(code);
    }
    let choice = args.choice()?;
    let mut texts = load::texts(&args.dirs, args.context.as_deref())?;
    if args.fix {
        let fixed = fix::all(&mut texts, &choice, &check_once)?;
        fix::tell(&fixed)?;
        if args.dry_run {
            fix::show(&fixed)?;
            return Ok(Exit::Done);
        }
        fix::write(&fixed)?;
    }
    let outcome = check(&texts, &choice)?;
    if outcome.is_nothing() {
        return Err(Usage::new(format!("no rules in {}: name a folder with Sigma rules (.yml)", load::names(&args.dirs))));
    }
    write(args.format, &outcome, &texts)?;
    let warnings = outcome.warnings();
    let fails = outcome.errors() > 0 || (args.deny_warnings && warnings > 0);
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

fn check(texts: &Texts, choice: &args::Choice) -> Result<Outcome> {
    let checked = check_once(texts)?;
    let mut problems = texts.problems.clone();
    problems.extend(checked.problems);
    let book = Rulebook::compile(checked.documents, &load::built_in_mappings()?, &mut problems);
    let set = &book.set;
    Ok(Outcome {
        rules: set.rules.len(),
        correlations: set.correlations.len(),
        problems: choice.apply(problems),
        allowed: checked.allowed,
    })
}

/// What the lints say.
fn check_once(texts: &Texts) -> Result<Checked> {
    let mappings = load::built_in_mappings()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|it| i64::try_from(it.as_millis()).ok());
    let input = Input {
        files: &texts.files,
        pages: Some(&texts.pages),
        lists: &texts.lists,
        list_files: &texts.list_files,
        mappings: &mappings,
        now: now.map(EventTime::from_ms),
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
                "infos": outcome.infos(),
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
