//! Problems for people: a picture of the line each, or a line each.

use super::outcome::Outcome;
use crate::load::Texts;
use crate::show::{self, escaped};
use anyhow::Result;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use sigma::problem::{Problem, Severity};
use std::collections::HashMap;
use std::fmt;
use std::io::Write;

/// Where there is no terminal to fill.
const WIDTH: usize = 100;
/// Narrower than this, pictures are not squeezed any further.
const WIDTH_MIN: usize = 40;

/// Writes each problem with a picture of its line. Colours go where they are wanted.
pub(super) fn pictures(outcome: &Outcome, texts: &Texts) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let sources: HashMap<&str, &str> =
        texts.files.iter().chain(&texts.pages).map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = show::width().or_else(columns).unwrap_or(WIDTH).max(WIDTH_MIN);
    for problem in &outcome.problems {
        writeln!(out, "{}", picture(problem, sources.get(problem.file.as_str()).copied(), width))?;
    }
    Ok(())
}

/// One problem as a picture, with colours.
pub(super) fn picture(problem: &Problem, source: Option<&str>, width: usize) -> String {
    let report = Report::new(problem, source);
    // The place stands in the name of the source: what miette would write counts bytes.
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_width(width)
        .with_links(false)
        .with_context_lines(1)
        .without_primary_span_start();
    let mut text = String::new();
    // Writing to a text does not fail, and the report is ours; were it to, the line says the same.
    if handler.render_report(&mut text, &report).is_err() {
        return line(problem);
    }
    text
}

/// Writes a line for each problem, in the form that editors can jump to.
pub(super) fn lines(outcome: &Outcome) -> Result<()> {
    let mut out = anstream::stdout().lock();
    outcome.problems.iter().try_for_each(|it| writeln!(out, "{}", line(it)))?;
    Ok(())
}

fn line(problem: &Problem) -> String {
    let Problem { file, line, column, severity, code, message, .. } = problem;
    let hint = problem.hint.as_ref().map_or_else(String::new, |it| format!(" (hint: {it})"));
    escaped(&format!("{file}:{line}:{column}: {severity}[{code}]: {message}{hint}"))
}

/// Tells people how much was checked and what was found.
pub(super) fn summary(outcome: &Outcome) -> Result<()> {
    let Outcome { rules, correlations, allowed, .. } = outcome;
    let (errors, warnings, infos) = (outcome.errors(), outcome.warnings(), outcome.infos());
    let mut err = anstream::stderr().lock();
    write!(err, "{rules} rules and {correlations} correlations load; {errors} errors, {warnings} warnings, {infos} notes")?;
    if *allowed > 0 {
        write!(err, "; {allowed} allowed by comments")?;
    }
    if outcome.fixable() > 0 {
        write!(err, "; {} can be mended with --fix", outcome.fixable())?;
    }
    writeln!(err)?;
    Ok(())
}

/// A problem in the form that the pictures are made from. What comes from files is foreign text and made harmless.
#[derive(Debug)]
struct Report {
    message: String,
    code: String,
    help: Option<String>,
    severity: Severity,
    source: Option<(NamedSource<String>, LabeledSpan)>,
}

impl Report {
    fn new(problem: &Problem, source: Option<&str>) -> Self {
        let fix = problem.fix.as_ref().map(|it| format!("--fix: {}", it.title));
        let help: Vec<String> = problem.hint.iter().cloned().chain(fix).map(|it| escaped(&it)).collect();
        let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
        let source = source.map(|text| {
            let text = harmless(text);
            let (start, length) = span(&text, problem);
            (NamedSource::new(escaped(&place), text), LabeledSpan::new(None, start, length))
        });
        let message = if source.is_none() { format!("{place}: {}", problem.message) } else { problem.message.clone() };
        Self {
            message: escaped(&message),
            code: format!("{} {}", problem.code, problem.code.name()),
            help: (!help.is_empty()).then(|| help.join("\n")),
            severity: problem.severity,
            source,
        }
    }
}

/// The text with every character that could steer a terminal replaced, one for one, so that columns stay what they are.
fn harmless(text: &str) -> String {
    let keeps = |it: char| matches!(it, '\n' | '\t') || escaped(it.encode_utf8(&mut [0; 4])) == it.to_string();
    text.chars()
        .map(|it| {
            if it == '\r' {
                ' '
            } else if keeps(it) {
                it
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

/// Where the problem stands, in bytes: what is meant, or else the rest of the line.
fn span(text: &str, problem: &Problem) -> (usize, usize) {
    let Some(line) = text.split_inclusive('\n').nth(problem.line.saturating_sub(1)) else { return (text.len(), 0) };
    let before: usize = text.split_inclusive('\n').take(problem.line.saturating_sub(1)).map(str::len).sum();
    let line = line.trim_end();
    let offset = |column: usize| line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    let start = offset(problem.column);
    let end = problem.end_column.map_or(line.len(), offset).max(start);
    (before + start, end - start)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|it| Box::new(it) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|(it, _)| it as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref().map(|(_, it)| Box::new(std::iter::once(it.clone())) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
