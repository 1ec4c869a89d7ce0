//! `nightjar rules explain`: why rules match an event or not, by the engine's own code.

use super::Format;
use crate::exit::{Exit, Usage};
use crate::load;
use crate::show::escaped;
use anyhow::{Context, Result};
use engine::explain::{Explanation, explain};
use owo_colors::OwoColorize;
use serde_json::{Value as Json, json};
use sigma::ast::{Correlation, Document, Rule};
use sigma::matcher::Clock;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// `nightjar rules explain`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules explain rules --event event.json --rule self_granted_role
  head -1 cloudtrail.ndjson | nightjar rules explain rules --source cloudtrail --event -

Without --rule, every rule that matches is explained in full and the others are named.")]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// The event: a file with one JSON object, or with one per line; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// Which line of the file is the event
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    line: u32,
    /// Only this rule, by name or id; a correlation stands for the rules it is over
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Where the event comes from: native, cloudtrail, okta, github, raw or the path of a mapping (.toml)
    #[arg(long, value_name = "MAPPING", default_value = "native")]
    source: String,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Time zone of rules about hours and days, where the event names none (IANA name)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// How the explanation is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Explains one event.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let mapping = load::mapping(&args.source)?;
    let clock =
        Clock::with_default(&args.timezone).ok_or_else(|| Usage::new(format!("no time zone is called `{}`", args.timezone)))?;
    let mut documents = load::documents(&args.dirs, args.context.as_deref())?;
    sigma::filters::apply(&mut documents.documents);
    load::report(&documents.problems)?;
    let rules = wanted(&documents.documents, args.rule.as_deref())?;
    let line = event_line(&args.event, args.line)?;
    let mut explained = Vec::with_capacity(rules.len());
    for rule in rules {
        let explanation =
            explain(rule, &mapping, &line, &clock).map_err(|reject| anyhow::anyhow!("the event can't be read: {reject}"))?;
        if explanation.is_routed || args.rule.is_some() {
            explained.push((rule, explanation));
        }
    }
    match args.format {
        Format::Text => write_text(&explained, args.rule.is_some())?,
        Format::Json => write_json(&explained)?,
    }
    Ok(Exit::Done)
}

/// The rules that are asked for.
fn wanted<'d>(documents: &'d [Document], name: Option<&str>) -> Result<Vec<&'d Rule>> {
    let rules = || documents.iter().filter_map(|it| if let Document::Rule(rule) = it { Some(rule) } else { None });
    let Some(name) = name else { return Ok(rules().collect()) };
    let is_named = |rule: &Rule, name: &str| rule.info.name == name || rule.info.id == name;
    let correlation: Option<&Correlation> = documents.iter().find_map(|it| match it {
        Document::Correlation(it) if it.info.name == name || it.info.id == name => Some(it),
        _ => None,
    });
    let found: Vec<&Rule> = match correlation {
        Some(correlation) => rules().filter(|rule| correlation.rules.iter().any(|it| is_named(rule, it))).collect(),
        None => rules().filter(|rule| is_named(rule, name)).collect(),
    };
    if found.is_empty() {
        return Err(Usage::new(format!("no rule is called `{name}`; `nightjar rules list` has the names")));
    }
    Ok(found)
}

/// The event on one line: the file as a whole if it is a single JSON object, else its line number `line`.
fn event_line(path: &Path, line: u32) -> Result<String> {
    let failed = || format!("cannot read the event from {}", path.display());
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).with_context(failed)?;
        text
    } else {
        std::fs::read_to_string(path).with_context(failed)?
    };
    let is_one_object = text.trim().lines().count() > 1 && serde_json::from_str::<Json>(&text).is_ok();
    if is_one_object {
        // Line ends stand only between the tokens of JSON.
        return Ok(text.replace(['\n', '\r'], " "));
    }
    let found = text.lines().nth(line as usize - 1).filter(|it| !it.trim().is_empty());
    found.map(str::to_owned).ok_or_else(|| Usage::new(format!("{} has no event in line {line}", path.display())))
}

fn write_text(explained: &[(&Rule, Explanation)], shows_all: bool) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let (mut quiet, mut matching) = (Vec::new(), 0);
    for (rule, explanation) in explained {
        matching += usize::from(explanation.matches);
        if explanation.matches || shows_all {
            write_rule(&mut out, rule, explanation)?;
        } else {
            quiet.push(rule.info.name.as_str());
        }
    }
    if !shows_all {
        writeln!(out, "{matching} of {} rules for this source match.", explained.len())?;
    }
    if !quiet.is_empty() {
        writeln!(out, "No match: {}", quiet.join(", "))?;
    }
    Ok(())
}

fn write_rule(out: &mut impl Write, rule: &Rule, explanation: &Explanation) -> Result<()> {
    let info = &rule.info;
    write!(out, "{} {} ({}) {}", mark(explanation.matches), info.name.bold(), info.level, info.title)?;
    writeln!(out, "  {}", format_args!("{}:{}", rule.place.file, rule.place.line).dimmed())?;
    if !explanation.is_routed {
        writeln!(out, "  the rule is not for this source; were it, this is how it would stand:")?;
    }
    for step in &explanation.steps {
        let indent = "  ".repeat(step.depth + 1);
        write!(out, "{indent}{} {}", mark(step.holds), escaped(&step.question))?;
        match &step.value {
            Some(Json::Null) => write!(out, "  {}", "(no value)".dimmed())?,
            Some(value) => write!(out, "  {} {}", "value".dimmed(), escaped(&value.to_string()))?,
            None => {}
        }
        writeln!(out, "  {}", format_args!("line {}", step.line).dimmed())?;
    }
    writeln!(out)?;
    Ok(())
}

fn mark(holds: bool) -> String {
    if holds { "✔".green().to_string() } else { "✘".red().to_string() }
}

fn write_json(explained: &[(&Rule, Explanation)]) -> Result<()> {
    let list: Vec<Json> = explained
        .iter()
        .map(|(rule, explanation)| {
            let steps: Vec<Json> = (explanation.steps.iter())
                .map(
                    |it| json!({"depth": it.depth, "holds": it.holds, "line": it.line, "question": it.question, "value": it.value}),
                )
                .collect();
            json!({
                "rule": rule.info.name,
                "file": &*rule.place.file,
                "line": rule.place.line,
                "is_routed": explanation.is_routed,
                "matches": explanation.matches,
                "steps": steps,
            })
        })
        .collect();
    writeln!(anstream::stdout(), "{:#}", Json::from(list))?;
    Ok(())
}
