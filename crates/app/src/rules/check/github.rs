//! Problems as workflow commands of GitHub Actions, which shows them beside the lines of a pull request.

use anyhow::Result;
use sigma::problem::{Problem, Severity};
use std::io::Write;

pub(super) fn write(out: &mut impl Write, problems: &[Problem]) -> Result<()> {
    problems.iter().try_for_each(|it| writeln!(out, "{}", command(it)))?;
    Ok(())
}

fn command(problem: &Problem) -> String {
    let kind = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let end = problem.end_column.map_or_else(String::new, |it| format!(",endColumn={it}"));
    let hint = problem.hint.as_ref().map_or_else(String::new, |it| format!(" (hint: {it})"));
    format!(
        "::{kind} file={},line={},col={}{end},title={} {}::{}",
        property(&problem.file),
        problem.line,
        problem.column,
        problem.code,
        problem.code.name(),
        data(&format!("{}{hint}", problem.message))
    )
}

/// What would end a command is written in percents.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Properties end at a colon or a comma too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigma::problem::Code;

    #[test]
    fn a_problem_is_one_command_whatever_is_in_it() {
        let mut problem = Problem::new(Code::UnusedSelection, "a,b:c.yml", 3, 5, "100% of\nit").with_hint("x");
        problem.end_column = Some(9);
        assert_eq!(
            command(&problem),
            "::warning file=a%2Cb%3Ac.yml,line=3,col=5,endColumn=9,title=NJ0210 unused-selection::100%25 of%0Ait (hint: x)"
        );
    }
}
