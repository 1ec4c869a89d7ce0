//! Results as XML in the form of `JUnit`, which every CI shows: a page is a suite, a case is a test.

use super::bench::{PageResult, RanCase};
use super::show;
use crate::rules::xml::escaped;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::Path;

/// Writes the report to `path`.
pub(super) fn write(path: &Path, results: &[PageResult]) -> Result<()> {
    std::fs::write(path, report(results)).with_context(|| format!("cannot write {}", path.display()))
}

fn report(results: &[PageResult]) -> String {
    let cases = || results.iter().flat_map(|it| &it.cases);
    let (tests, failures) = (cases().count(), cases().filter(|it| !it.result.passed()).count());
    let errors = results.iter().filter(|it| !it.problems.is_empty()).count();
    let seconds: f64 = cases().map(|it| it.seconds).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"nightjar rules test\" tests=\"{}\" failures=\"{failures}\" \
         errors=\"{errors}\" time=\"{seconds:.3}\">\n",
        tests + errors
    );
    results.iter().for_each(|it| write_suite(&mut out, it));
    out.push_str("</testsuites>\n");
    out
}

fn write_suite(out: &mut String, page: &PageResult) {
    let path = escaped(&page.path.display().to_string());
    let failures = page.cases.iter().filter(|it| !it.result.passed()).count();
    let errors = usize::from(!page.problems.is_empty());
    let seconds: f64 = page.cases.iter().map(|it| it.seconds).sum();
    let tests = page.cases.len() + errors;
    let _ = writeln!(
        out,
        "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\">"
    );
    if errors > 0 {
        let lines: Vec<String> =
            page.problems.iter().map(|(line, problem)| format!("{path}:{line}: {}", escaped(problem))).collect();
        let _ = writeln!(
            out,
            "    <testcase name=\"the page itself\" classname=\"{path}\" file=\"{path}\" line=\"{}\">\n      \
             <error message=\"{}\">{}</error>\n    </testcase>",
            page.problems[0].0,
            escaped(&page.problems[0].1),
            lines.join("\n")
        );
    }
    page.cases.iter().for_each(|it| write_case(out, &path, it));
    out.push_str("  </testsuite>\n");
}

fn write_case(out: &mut String, path: &str, case: &RanCase) {
    let (result, seconds) = (&case.result, case.seconds);
    let heading = escaped(&result.heading);
    let _ = write!(
        out,
        "    <testcase name=\"{heading}\" classname=\"{path}\" file=\"{path}\" line=\"{}\" time=\"{seconds:.3}\"",
        result.line
    );
    if result.passed() {
        out.push_str("/>\n");
        return;
    }
    let lines: Vec<String> = show::lines(result).into_iter().map(|it| escaped(&it.plain())).collect();
    let _ = writeln!(
        out,
        ">\n      <failure message=\"{}\" type=\"alerts\">{}</failure>\n    </testcase>",
        escaped(&show::in_short(result)),
        lines.join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::pages::CaseResult;

    #[test]
    fn failures_errors_and_passed_cases_are_counted_and_escaped() {
        let case = |heading: &str, got: &[&str]| RanCase {
            result: CaseResult {
                heading: heading.to_owned(),
                line: 3,
                expected: vec!["alert high a r".to_owned()],
                got: got.iter().map(|&it| it.to_owned()).collect(),
                rejected: Vec::new(),
            },
            seconds: 0.25,
        };
        let pages = [
            PageResult {
                path: "a.md".into(),
                problems: Vec::new(),
                cases: vec![case("<1>", &["alert high a r"]), case("2", &[])],
                updated: 0,
            },
            PageResult { path: "b.md".into(), problems: vec![(7, "what & why".to_owned())], cases: Vec::new(), updated: 0 },
        ];
        let xml = report(&pages);
        assert!(
            xml.contains("<testsuites name=\"nightjar rules test\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"0.500\">"),
            "{xml}"
        );
        assert!(xml.contains("<testcase name=\"&lt;1&gt;\" classname=\"a.md\" file=\"a.md\" line=\"3\" time=\"0.250\"/>"), "{xml}");
        assert!(xml.contains("<failure message=\"1 expected alert did not come\" type=\"alerts\">- alert high a r"), "{xml}");
        assert!(xml.contains("<error message=\"what &amp; why\">b.md:7: what &amp; why</error>"), "{xml}");
    }
}
