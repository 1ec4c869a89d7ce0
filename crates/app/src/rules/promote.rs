//! `nightjar rules promote`: what rules in shadow would have meant for those who are paged, from what was recorded.

mod noise;
mod write;

use super::Format;
use crate::exit::{Exit, Usage};
use crate::load;
use crate::show::{counted, escaped};
use anyhow::{Context, Result};
use model::{EventTime, RuleInfo};
use noise::{Findings, Noise, Verdict};
use owo_colors::OwoColorize;
use serde_json::json;
use sigma::ast::{Document, Place};
use std::io::Write;
use std::path::{Path, PathBuf};
use stream::Block;
use stream::files::{BlockOptions, BlockReader};

/// `nightjar rules promote`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar score events.ndjson.gz --shadow shadow.ndjson --alerts alerts.ndjson
  nightjar rules promote rules --shadow shadow.ndjson
  nightjar rules promote rules --shadow week1.ndjson.gz --shadow week2.ndjson.gz --days 14 --rule mass_lookups --write

A rule is ready when it was watched for a week, would have alerted no more often than its level allows (critical and high: once a day,
medium: five times, low: twenty times), and is not mostly about one actor. The verdict is advice; --write is the decision.
After --write, `nightjar rules test --update` turns `shadow` into `alert` in the rule's page.")]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    dirs: Vec<PathBuf>,
    /// What `score --shadow` has written, or the shadow topic as NDJSON; plain, gzip or zstd; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    shadow: Vec<PathBuf>,
    /// Only this rule, by name or id; may be given several times
    #[arg(long, value_name = "NAME")]
    rule: Vec<String>,
    /// For how many days the rules were watched [default: from the first to the last finding of any rule]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: Option<u32>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Write `status: stable` into the files of the rules that --rule names, or else of those that are ready
    #[arg(long)]
    write: bool,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A rule in shadow and what it would have done.
struct Candidate<'d> {
    info: &'d RuleInfo,
    place: &'d Place,
    noise: Noise,
    /// Its status was rewritten.
    is_written: bool,
}

/// Reports on every rule in shadow that alerts by itself, the quiet ones included.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    let loaded = load::documents(&args.dirs, args.context.as_deref())?;
    load::report(&loaded.problems)?;
    let mut findings = Findings::default();
    for path in &args.shadow {
        read(path, &mut findings).with_context(|| format!("cannot read shadow findings from {}", path.display()))?;
    }
    let days = args.days.map_or_else(|| findings.days(), f64::from);
    let mut candidates: Vec<Candidate<'_>> = wanted(&loaded.documents, &args.rule)?
        .into_iter()
        .map(|(info, place)| Candidate {
            info,
            place,
            noise: Noise::of(findings.of_rule(&info.id), info.level, days),
            is_written: false,
        })
        .collect();
    candidates.sort_by_key(|it| (it.noise.verdict, &it.info.name));
    if args.write {
        for it in candidates.iter_mut().filter(|it| !args.rule.is_empty() || it.noise.verdict == Verdict::Ready) {
            write::stable(it.place, &it.info.name)?;
            it.is_written = true;
        }
    }
    match args.format {
        Format::Text => write_text(&candidates, &findings, days)?,
        Format::Json => write_json(&candidates, &findings, days)?,
    }
    Ok(Exit::Done)
}

/// The rules in shadow, or those of them that are asked for. Rules that only feed correlations make no findings.
fn wanted<'d>(documents: &'d [Document], names: &[String]) -> Result<Vec<(&'d RuleInfo, &'d Place)>> {
    let set = sigma::compile::RuleSet::new(documents.to_vec());
    let feeds_only =
        |info: &RuleInfo| set.rules.iter().zip(&set.alerts_itself).any(|(it, alerts)| it.info.id == info.id && !alerts);
    let all: Vec<(&RuleInfo, &Place)> = documents.iter().filter_map(info_and_place).collect();
    let is_named = |info: &RuleInfo, name: &str| info.name == name || info.id == name;
    for name in names {
        let found = all.iter().find(|(info, _)| is_named(info, name));
        let (info, _) =
            found.ok_or_else(|| Usage::new(format!("no rule is called `{name}`; `nightjar rules list` has the names")))?;
        if !info.status.is_shadow() {
            return Err(Usage::new(format!("the rule `{name}` is not in shadow: its status is {}", info.status)));
        }
    }
    let is_wanted = |info: &RuleInfo| names.is_empty() || names.iter().any(|it| is_named(info, it));
    Ok(all.into_iter().filter(|(info, _)| info.status.is_shadow() && is_wanted(info) && !feeds_only(info)).collect())
}

fn info_and_place(document: &Document) -> Option<(&RuleInfo, &Place)> {
    match document {
        Document::Rule(it) => Some((&it.info, &it.place)),
        Document::Correlation(it) => Some((&it.info, &it.place)),
        Document::Filter(_) => None,
    }
}

/// Reads findings; lines that are none are told and passed over.
fn read(path: &Path, findings: &mut Findings) -> Result<()> {
    let mut bad = 0_u64;
    let mut reader = BlockReader::open(path, BlockOptions::default())?;
    let mut block = Block::new();
    while reader.next_block(&mut block)? {
        bad += block.oversize.len() as u64;
        for line in block.payload().split(|it| *it == b'\n').filter(|it| !it.trim_ascii().is_empty()) {
            bad += u64::from(!findings.add(line));
        }
    }
    if bad > 0 {
        writeln!(anstream::stderr(), "warning: {bad} lines of {} are no findings", escaped(&path.display().to_string()))?;
    }
    Ok(())
}

fn write_text(candidates: &[Candidate<'_>], findings: &Findings, days: f64) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for it in candidates {
        let Candidate { info, noise, .. } = it;
        writeln!(out, "{} ({}, {}) {}", info.name.bold(), info.level, info.status, escaped(&info.title))?;
        writeln!(out, "  {}", verdict_line(noise))?;
        if noise.alerts > 0 {
            let busiest =
                noise.busiest.as_ref().map(|(day, count)| format!(", {count} on the busiest ({day})")).unwrap_or_default();
            writeln!(
                out,
                "  {} alerts, {:.2} a day{busiest}; about {} actors and days",
                noise.alerts, noise.per_day, noise.actor_days
            )?;
            let top: Vec<String> = noise.top_actors.iter().map(|(actor, count)| format!("{} {count}", escaped(actor))).collect();
            writeln!(
                out,
                "  {} actors, {:.0} % of the alerts are about one: {}",
                noise.actors,
                noise.top_share * 100.0,
                top.join(", ")
            )?;
            let time = |it: Option<EventTime>| it.map(|it| it.to_string()).unwrap_or_default();
            writeln!(out, "  first {}, last {}", time(noise.first), time(noise.last))?;
        }
        if noise.excepted > 0 {
            writeln!(out, "  {} more are covered by exceptions", noise.excepted)?;
        }
        if it.is_written {
            writeln!(out, "  {}", "status: stable is written".green())?;
        }
    }
    let count = |verdict| candidates.iter().filter(|it| it.noise.verdict == verdict).count();
    writeln!(
        anstream::stderr(),
        "{} in shadow over {days:.1} days, {}: {} ready, {} to be watched longer, {} to be tuned",
        counted(candidates.len(), "rule"),
        counted(findings.len(), "finding"),
        count(Verdict::Ready),
        count(Verdict::TooShort) + count(Verdict::Silent),
        count(Verdict::OneActor) + count(Verdict::TooNoisy),
    )?;
    Ok(())
}

fn verdict_line(noise: &Noise) -> String {
    let text = noise.reason();
    match noise.verdict {
        Verdict::Ready => format!("{} {text}", "ready:".green()),
        Verdict::TooShort | Verdict::Silent => format!("{} {text}", "watch longer:".yellow()),
        Verdict::OneActor | Verdict::TooNoisy => format!("{} {text}", "not yet:".red()),
    }
}

fn write_json(candidates: &[Candidate<'_>], findings: &Findings, days: f64) -> Result<()> {
    let time = |it: Option<EventTime>| it.map(|it| it.to_string());
    let rule = |it: &Candidate<'_>| {
        let Candidate { info, place, noise, is_written } = it;
        json!({
            "rule": info.name,
            "id": info.id,
            "title": info.title,
            "level": info.level,
            "status": info.status,
            "file": &*place.file,
            "line": place.line,
            "alerts": noise.alerts,
            "excepted": noise.excepted,
            "per_day": noise.per_day,
            "busiest_day": noise.busiest.as_ref().map(|(day, count)| json!({"day": day, "alerts": count})),
            "actor_days": noise.actor_days,
            "actors": noise.actors,
            "top_actors": noise.top_actors.iter().map(|(actor, count)| json!({"actor": actor, "alerts": count})).collect::<Vec<_>>(),
            "top_actor_share": noise.top_share,
            "first_seen": time(noise.first),
            "last_seen": time(noise.last),
            "verdict": noise.verdict.as_str(),
            "reason": noise.reason(),
            "written": is_written,
        })
    };
    let report = json!({"days": days, "findings": findings.len(), "rules": candidates.iter().map(rule).collect::<Vec<_>>()});
    writeln!(anstream::stdout(), "{report:#}")?;
    Ok(())
}
