//! Results for people and as JSON.

use super::bench::PageResult;
use super::difference::{Line, difference};
use crate::show::{counted, escaped};
use anyhow::Result;
use engine::pages::CaseResult;
use owo_colors::{OwoColorize, Style};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write;

/// A line of what is wrong with a case.
pub(super) struct Told {
    mark: char,
    text: String,
    note: &'static str,
    style: Style,
}

impl Told {
    /// Without colours and without control characters.
    pub(super) fn plain(&self) -> String {
        let note = if self.note.is_empty() { String::new() } else { format!("   ({})", self.note) };
        format!("{} {}{note}", self.mark, escaped(&self.text))
    }
}

/// What is wrong with a case: its alerts, each with a mark as in a unified difference, and the lines that are no events.
pub(super) fn lines(case: &CaseResult) -> Vec<Told> {
    let told = |mark: char, text: &str, note: &'static str, style: Style| Told { mark, text: text.to_owned(), note, style };
    let mut lines: Vec<Told> = difference(&case.expected, &case.got)
        .into_iter()
        .map(|it| match it {
            Line::Both(text) => told(' ', text, "", Style::new().dimmed()),
            Line::Missing(text) => told('-', text, "expected, but did not come", Style::new().red()),
            Line::Surplus(text) => told('+', text, "came, but is not expected", Style::new().green()),
            Line::MovedFrom(text) => told('-', text, "expected here, but came at another place", Style::new().yellow()),
            Line::MovedTo(text) => told('+', text, "came here, but is expected at another place", Style::new().yellow()),
        })
        .collect();
    lines.extend(case.rejected.iter().map(|it| told('!', it, "no event", Style::new().red())));
    lines
}

/// What is wrong with a case, in one line.
pub(super) fn in_short(case: &CaseResult) -> String {
    let lines = difference(&case.expected, &case.got);
    let count = |wanted: fn(&Line<'_>) -> bool| lines.iter().filter(|it| wanted(it)).count();
    let counts = [
        (count(|it| matches!(it, Line::Missing(_))), "expected alert did not come", "expected alerts did not come"),
        (count(|it| matches!(it, Line::Surplus(_))), "alert came unexpected", "alerts came unexpected"),
        (count(|it| matches!(it, Line::MovedTo(_))), "alert came in another order", "alerts came in another order"),
        (case.rejected.len(), "line is no event", "lines are no events"),
    ];
    let told = counts
        .into_iter()
        .filter(|it| it.0 > 0)
        .map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more }));
    told.collect::<Vec<_>>().join(", ")
}

/// Failures on stdout, the sum on stderr.
pub(super) fn write_text(results: &[PageResult]) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for result in results {
        let path = escaped(&result.path.display().to_string());
        for (line, problem) in &result.problems {
            writeln!(out, "{} {path}:{line}: {}", "✘".red(), escaped(problem))?;
        }
        for case in result.cases.iter().map(|it| &it.result).filter(|it| !it.passed()) {
            writeln!(out, "{} {path}:{}: {}", "✘".red(), case.line, escaped(&case.heading).bold())?;
            write_lines(&mut out, &lines(case))?;
        }
    }
    out.flush()?;
    let cases = || results.iter().flat_map(|it| &it.cases);
    let failed = cases().filter(|it| !it.result.passed()).count();
    let updated: usize = results.iter().map(|it| it.updated).sum();
    let problems: usize = results.iter().map(|it| it.problems.len()).sum();
    let mut summary = format!("{}, {}, {failed} failed", counted(results.len(), "page"), counted(cases().count(), "case"));
    for (count, one, what) in [(problems, "problem", "of pages"), (updated, "expectation", "rewritten")] {
        if count > 0 {
            let _ = write!(summary, ", {} {what}", counted(count, one));
        }
    }
    let is_fine = results.iter().all(PageResult::passed);
    writeln!(anstream::stderr(), "{}", if is_fine { summary.green().to_string() } else { summary.red().to_string() })?;
    Ok(())
}

/// One line each, the notes below each other.
fn write_lines(out: &mut impl Write, lines: &[Told]) -> Result<()> {
    let width = lines.iter().filter(|it| !it.note.is_empty()).map(|it| escaped(&it.text).chars().count()).max().unwrap_or(0);
    for Told { mark, text, note, style } in lines {
        let text = escaped(text);
        if note.is_empty() {
            writeln!(out, "    {}", format_args!("{mark} {text}").style(*style))?;
        } else {
            writeln!(out, "    {}  {}", format_args!("{mark} {text:width$}").style(*style), note.dimmed())?;
        }
    }
    Ok(())
}

/// A list of pages with their cases.
pub(super) fn write_json(results: &[PageResult]) -> Result<()> {
    let case = |it: &CaseResult| {
        json!({
            "heading": it.heading,
            "line": it.line,
            "passed": it.passed(),
            "expected": it.expected,
            "got": it.got,
            "rejected": it.rejected,
        })
    };
    let page = |it: &PageResult| {
        let problem = |(line, message): &(usize, String)| json!({"line": line, "message": message});
        json!({
            "page": it.path.display().to_string(),
            "passed": it.passed(),
            "problems": it.problems.iter().map(problem).collect::<Vec<_>>(),
            "cases": it.cases.iter().map(|it| case(&it.result)).collect::<Vec<_>>(),
        })
    };
    let list: Vec<_> = results.iter().map(page).collect();
    writeln!(anstream::stdout(), "{:#}", serde_json::Value::from(list))?;
    Ok(())
}
