//! Problems as XML in the form of `JUnit`: a file is a suite, and each of its problems a case that failed. Notes don't fail; they
//! stand in the output of a case that passed.

use super::outcome::Outcome;
use crate::load::Texts;
use crate::rules::xml::escaped;
use sigma::problem::{Problem, Severity};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The whole report.
pub(super) fn report(outcome: &Outcome, texts: &Texts) -> String {
    let mut by_file: BTreeMap<&str, Vec<&Problem>> = texts.files.iter().map(|(file, _)| (file.as_str(), Vec::new())).collect();
    outcome.problems.iter().for_each(|it| by_file.entry(it.file.as_str()).or_default().push(it));
    let count: usize = by_file.values().map(|it| it.len().max(1)).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"nightjar rules check\" tests=\"{count}\" failures=\"{}\" errors=\"{}\">\n",
        outcome.warnings(),
        outcome.errors()
    );
    for (file, problems) in by_file {
        suite(&mut out, file, &problems);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, file: &str, problems: &[&Problem]) {
    let count = |severity| problems.iter().filter(|it| it.severity == severity).count();
    let file = escaped(file);
    // Writing to a text does not fail.
    let _ = writeln!(
        out,
        "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        problems.len().max(1),
        count(Severity::Warning),
        count(Severity::Error)
    );
    if problems.is_empty() {
        let _ = writeln!(out, "    <testcase name=\"check\" classname=\"{file}\" file=\"{file}\"/>");
    }
    problems.iter().for_each(|it| case(out, &file, it));
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, file: &str, problem: &Problem) {
    let (code, line) = (problem.code, problem.line);
    let hint = problem.hint.as_ref().map_or_else(String::new, |it| format!(" (hint: {it})"));
    let text = escaped(&format!("{}:{line}:{}: {}{hint}", problem.file, problem.column, problem.message));
    let message = escaped(&problem.message);
    let (open, close) = match problem.severity {
        Severity::Error => (format!("<error type=\"{code}\" message=\"{message}\">"), "</error>"),
        Severity::Warning => (format!("<failure type=\"{code}\" message=\"{message}\">"), "</failure>"),
        Severity::Info => ("<system-out>".to_owned(), "</system-out>"),
    };
    let _ = writeln!(
        out,
        "    <testcase name=\"{code} {} line {line}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\">{open}{text}{close}</testcase>",
        code.name()
    );
}
