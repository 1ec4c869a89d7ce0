//! `nightjar rules check`: every problem of some rules, and whether any keeps one from loading.

use super::Format;
use crate::exit::Exit;
use crate::load::{self, Rules};
use crate::show::escaped;
use anyhow::Result;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// `nightjar rules check`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// How problems are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Checks rules as they are loaded for all sources at once.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let rules = load::rules(&args.dirs, args.context.as_deref(), &load::built_in_mappings()?)?;
    match args.format {
        Format::Text => write_text(&rules)?,
        Format::Json => write_json(&rules)?,
    }
    Ok(if rules.errors() > 0 { Exit::Failed } else { Exit::Done })
}

fn write_text(rules: &Rules) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for problem in &rules.problems {
        writeln!(out, "{}", escaped(&problem.to_string()))?;
    }
    let (errors, set) = (rules.errors(), &rules.book.set);
    let warnings = rules.problems.len() - errors;
    let (detections, correlations) = (set.rules.len(), set.correlations.len());
    writeln!(anstream::stderr(), "{detections} rules and {correlations} correlations load; {errors} errors, {warnings} warnings")?;
    Ok(())
}

fn write_json(rules: &Rules) -> Result<()> {
    let set = &rules.book.set;
    let report = json!({
        "rules": set.rules.len(),
        "correlations": set.correlations.len(),
        "errors": rules.errors(),
        "problems": rules.problems,
    });
    writeln!(anstream::stdout(), "{report:#}")?;
    Ok(())
}
