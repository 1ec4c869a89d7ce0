//! `nightjar rules explain`: why rules match an event or not, by the engine's own code.

mod correlations;
mod show;

use super::Format;
use crate::exit::{Exit, Usage};
use crate::load;
use anyhow::{Context, Result};
use correlations::{Asked, Feeding};
use engine::decode::{Limits, Lines, pad};
use engine::explain::{Explanation, Lens, NearMiss, Step, explain, near_miss};
use engine::{Plausible, Reader, Rulebook};
use model::{EventTime, Reject, SourceMapping};
use serde_json::{Value as Json, json};
use sigma::ast::{Correlation, Document, Rule};
use sigma::matcher::Clock;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `nightjar rules explain`
#[derive(Debug, clap::Args)]
// In an error, clap itself would write DIR as if it had to be given.
#[command(override_usage = "nightjar rules explain [OPTIONS] --event <FILE> [DIR]...")]
#[command(after_help = "\
Examples:
  nightjar rules explain rules --event event.json --rule self_granted_role
  head -1 cloudtrail.ndjson | nightjar rules explain rules --source cloudtrail --event -

Without --rule, every rule that matches is explained in full and the others are named; when none matches, those that came nearest
are told first, with what is missing. Correlations are told with the group that the event counts for.")]
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
    /// Only this rule, by name or id, and the correlations over it; a correlation stands for the rules it is over
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Where the event comes from: native, cloudtrail, okta, github, raw or the path of a mapping (.toml)
    #[arg(long, value_name = "MAPPING", default_value = "native")]
    source: String,
    /// The log source of the events, as rules name it, in place of the mapping's: product=…,service=…,category=…
    #[arg(long, value_name = "KEY=VALUE,…")]
    logsource: Option<String>,
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

/// What is known about the event and the rules that were asked for.
struct Explained<'d> {
    /// Rules for the event's source, or all that were asked for by name.
    rules: Vec<(&'d Rule, Explanation)>,
    /// What the event does to correlations.
    feedings: Vec<Feeding<'d>>,
    /// The rules that came near, the nearest first; looked for only when no rule matches.
    near: Vec<(&'d Rule, NearMiss)>,
    /// How many rules are for other sources.
    elsewhere: usize,
    mapping: &'d SourceMapping,
    /// Why scoring would take the event for none, if it would.
    rejected: Option<Reject>,
}

impl Explained<'_> {
    fn not_routed(&self, rule: &Rule) -> Option<String> {
        correlations::not_routed(rule, self.mapping)
    }
}

/// Explains one event.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let mapping = load::mapping_for(&args.source, args.logsource.as_deref())?;
    let clock =
        Clock::with_default(&args.timezone).ok_or_else(|| Usage::new(format!("no time zone is called `{}`", args.timezone)))?;
    let mut documents = load::documents(&args.dirs, args.context.as_deref())?;
    sigma::filters::apply(&mut documents.documents);
    load::report(&documents.problems)?;
    let line = event_line(&args.event, args.line)?;
    let unreadable = |reject| anyhow::anyhow!("the event can't be read: {reject}");
    let known = load::context(&args.dirs, args.context.as_deref(), &[])?;
    load::report(&known.problems)?;
    let context = Arc::new(known.context);
    let lens = Lens { mapping: &mapping, clock: &clock, context: &context };
    let explained = explained(&documents.documents, args.rule.as_deref(), &line, lens)?.map_err(unreadable)?;
    match args.format {
        Format::Text => show::write_text(&explained, args.rule.is_some())?,
        Format::Json => write_json(&explained)?,
    }
    Ok(Exit::Done)
}

/// The outer error is one of usage, the inner one of the event.
fn explained<'d>(
    documents: &'d [Document],
    name: Option<&str>,
    line: &'d str,
    lens: Lens<'d>,
) -> Result<std::result::Result<Explained<'d>, Reject>> {
    let mapping = lens.mapping;
    let (wanted, wanted_correlations) = wanted(documents, name)?;
    Ok((|| {
        let rejected = rejected(mapping, line);
        let mut found = Explained { rules: Vec::new(), feedings: Vec::new(), near: Vec::new(), elsewhere: 0, mapping, rejected };
        for rule in wanted {
            if name.is_none() && !mapping.feeds(&rule.logsource) {
                found.elsewhere += 1;
                continue;
            }
            found.rules.push((rule, explain(rule, line, lens)?));
        }
        let matches = found.rules.iter().map(|(rule, it)| (rule.info.name.as_str(), it.matches && !it.is_open)).collect();
        let asked = Asked { documents, line, lens, matches };
        for correlation in wanted_correlations {
            found.feedings.push(asked.feeding(correlation)?);
        }
        if found.rules.iter().all(|it| !it.1.matches) {
            for (rule, _) in &found.rules {
                let near = near_miss(rule, line, lens)?;
                found.near.extend((near.met > 0).then_some((*rule, near)));
            }
            // By the share of tests that come out right, then by how few are missing.
            let share = |it: &NearMiss| (it.met * 1_000) / (it.met + it.missing.len()).max(1);
            found.near.sort_by_key(|(rule, it)| (std::cmp::Reverse(share(it)), it.missing.len(), &rule.info.name));
        }
        Ok(found)
    })())
}

/// Why the line is no event for scoring. Times are not judged: it may be about any.
fn rejected(mapping: &SourceMapping, line: &str) -> Option<Reject> {
    let book = Rulebook::compile(Vec::new(), std::slice::from_ref(mapping), &mut Vec::new());
    let plausible = Plausible { earliest: EventTime::from_ms(i64::MIN), latest: EventTime::from_ms(i64::MAX) };
    let mut reader = Reader::new(Arc::clone(&book.programs[0]), Limits::default(), plausible);
    let mut bytes = line.trim_end().as_bytes().to_vec();
    let payload = pad(&mut bytes);
    let mut lines = Lines::new(&bytes, payload)?;
    reader.next(&mut lines, &mut Vec::new())?.outcome.err()
}

/// The rules and correlations that are asked for; with a correlation come the rules that it is over, and with a rule the correlations
/// that are over it.
fn wanted<'d>(documents: &'d [Document], name: Option<&str>) -> Result<(Vec<&'d Rule>, Vec<&'d Correlation>)> {
    let rules = || documents.iter().filter_map(|it| if let Document::Rule(rule) = it { Some(rule) } else { None });
    let correlations = || documents.iter().filter_map(|it| if let Document::Correlation(it) = it { Some(it) } else { None });
    let Some(name) = name else { return Ok((rules().collect(), correlations().collect())) };
    let refers = |reference: &str, info: &model::RuleInfo| reference == info.name || reference == info.id;
    let named = super::select::named(documents, name)?;
    let is_named = |info: &model::RuleInfo| named.iter().any(|it| it.name() == info.name);
    let is_filtered = |rule: &Rule| rule.filters.iter().any(|filter| named.iter().any(|it| it.name() == filter.name));
    let asked_for: Vec<&Correlation> = correlations().filter(|it| is_named(&it.info)).collect();
    let is_part = |rule: &Rule| asked_for.iter().any(|it| it.rules.iter().any(|it| refers(it, &rule.info)));
    let found: Vec<&Rule> = rules().filter(|it| is_named(&it.info) || is_part(it) || is_filtered(it)).collect();
    let is_over =
        |it: &Correlation| found.iter().any(|rule| is_named(&rule.info) && it.rules.iter().any(|it| refers(it, &rule.info)));
    Ok((found.clone(), correlations().filter(|it| is_named(&it.info) || is_over(it)).collect()))
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

fn write_json(explained: &Explained<'_>) -> Result<()> {
    let step = |it: &Step| {
        let Step { depth, holds, line, question, value, is_open } = it;
        json!({"depth": depth, "holds": holds, "depends_on_past": is_open, "line": line, "question": question, "value": value})
    };
    let rule = |(rule, explanation): &(&Rule, Explanation)| {
        json!({
            "rule": rule.info.name,
            "file": &*rule.place.file,
            "line": rule.place.line,
            "is_routed": explanation.is_routed,
            "not_routed": explained.not_routed(rule),
            "matches": explanation.matches,
            "depends_on_past": explanation.is_open,
            "steps": explanation.steps.iter().map(step).collect::<Vec<_>>(),
        })
    };
    let near = |(rule, miss): &(&Rule, NearMiss)| {
        let missing: Vec<Json> = miss.missing.iter().map(step).collect();
        json!({"rule": rule.info.name, "met": miss.met, "missing": missing, "depend_on_past": miss.open})
    };
    let report = json!({
        "rejected": explained.rejected.as_ref().map(ToString::to_string),
        "rules": explained.rules.iter().map(rule).collect::<Vec<_>>(),
        "correlations": explained.feedings.iter().map(Feeding::as_json).collect::<Vec<_>>(),
        "near_misses": explained.near.iter().map(near).collect::<Vec<_>>(),
        "rules_for_other_sources": explained.elsewhere,
    });
    writeln!(anstream::stdout(), "{report:#}")?;
    Ok(())
}
